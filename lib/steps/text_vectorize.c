/* Texts as numbers per learnt word: count_vectorize, tfidf, bm25. */
#include "prep/columnwise.h"
#include "runtime/program_vector.h"
#include "steps/letters_lower.h"
#include "steps/steps.h"
#include "steps/words.h"

#include <math.h>
#include <stdlib.h>

/* What is learnt of a column of texts (documents). */
struct corpus {
    uint64_t documents, words;
    struct counts in, times; /* by word: documents that have it, occurrences. The same order */
    /* Derived. */
    VEC(uint32_t) terms; /* kept words, by name */
    VEC(double) idf;     /* of them */
    uint32_t *place;     /* in terms, of a word; UINT32_MAX: not kept */
};

static void corpus_release(void *state)
{
    struct corpus *c = state;
    counts_release(&c->in);
    counts_release(&c->times);
    vec_release(&c->terms);
    vec_release(&c->idf);
    mem_free(c->place);
}

/* The words of a document: distinct ones, and how often each occurs. */
struct document {
    struct map map;
    VEC(uint32_t) times;
    size_t words;
    struct buf word;
};

static void document_read(struct document *d, const struct step *s, struct text cell)
{
    size_t least = (size_t)arg_int(s, "min_length");
    struct text word;
    map_clear(&d->map);
    d->times.len = d->words = 0;
    while (word_next(&cell, least, &word)) {
        bool fresh;
        d->word.len = 0;
        put_word_lower(&d->word, word);
        size_t i = map_put(&d->map, (struct text){d->word.at, d->word.len}, &fresh);
        if (fresh)
            vec_push(&d->times, 0);
        d->times.at[i]++;
        d->words++;
    }
}

static void document_release(struct document *d)
{
    map_release(&d->map);
    vec_release(&d->times);
    buf_release(&d->word);
}

static int learn_texts(const struct lesson *l, void *state, const struct text *values,
                       struct error *e)
{
    (void)e;
    struct corpus *c = state;
    struct document d = {0};
    for (size_t r = 0; r < l->rows; r++) {
        if (!values[r].at)
            continue;
        document_read(&d, l->step, values[r]);
        c->documents++;
        c->words += d.words;
        for (size_t i = 0; i < d.times.len; i++) {
            (void)counts_add(&c->in, d.map.keys.at[i], 1, 0);
            (void)counts_add(&c->times, d.map.keys.at[i], d.times.at[i], 0);
        }
    }
    document_release(&d);
    return 0;
}

static int merge_corpora(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s, (void)e;
    struct corpus *a = into;
    const struct corpus *b = from;
    a->documents += b->documents;
    a->words += b->words;
    counts_merge(&a->in, &b->in);
    counts_merge(&a->times, &b->times);
    return 0;
}

/* A bound on documents: a share of them up to 1 with a point in it, else a number. */
static double bound(const struct step *s, const char *name, const struct corpus *c)
{
    struct text given = arg_text(s, name);
    double value = arg_number(s, name);
    bool share = given.at && memchr(given.at, '.', given.len) && value <= 1;
    return share ? value * (double)c->documents : value;
}

/* Leaves the `most` words that occur most often; ties by name. terms come, and stay, by name. */
static void keep_frequent(struct corpus *c, size_t most)
{
    if (c->terms.len <= most)
        return;
    uint32_t *order = counts_sorted(&c->times, COUNTS_BY_FREQUENCY);
    uint8_t *wanted = mem_alloc(c->times.map.keys.len + 1);
    uint8_t *kept = mem_alloc(c->times.map.keys.len + 1);
    for (size_t i = 0; i < c->terms.len; i++)
        wanted[c->terms.at[i]] = 1;
    for (size_t i = 0, n = 0; i < c->times.map.keys.len && n < most; i++) {
        size_t word = map_get(&c->in.map, c->times.map.keys.at[order[i]]);
        n += wanted[word];
        kept[word] = wanted[word];
    }
    size_t n = 0;
    for (size_t i = 0; i < c->terms.len; i++)
        if (kept[c->terms.at[i]])
            c->terms.at[n++] = c->terms.at[i];
    c->terms.len = n;
    mem_free(kept);
    mem_free(wanted);
    mem_free(order);
}

static void choose_terms(const struct step *s, struct corpus *c)
{
    double min = bound(s, "min_df", c), max = bound(s, "max_df", c);
    size_t words = c->in.map.keys.len;
    uint32_t *order = counts_sorted(&c->in, COUNTS_BY_NAME);
    c->terms.len = 0;
    for (size_t i = 0; i < words; i++) {
        double documents = (double)c->in.n.at[order[i]];
        if (documents >= min && documents <= max)
            vec_push(&c->terms, order[i]);
    }
    mem_free(order);
    keep_frequent(c, (size_t)arg_int(s, "max"));
    mem_free(c->place);
    c->place = mem_array(NULL, words + 1, sizeof *c->place);
    memset(c->place, 0xFF, words * sizeof *c->place);
    for (size_t i = 0; i < c->terms.len; i++)
        c->place[c->terms.at[i]] = (uint32_t)i;
}

/* How a step weighs words. */
struct vectorizer {
    struct columnwise base;
    double (*idf)(double documents, double in);
    /* Of a word that occurs `times` times in a document of so many. */
    double (*weight)(const struct step *s, const struct corpus *c, double times, double words);
    bool unit; /* rows are scaled to length 1 */
    /* In a row program: the counts of the terms in `out`, and behind them that of all words, become
     * the weights. NULL: they are. */
    void (*lower)(const struct step *s, const struct corpus *c, struct lowering *l, uint32_t *out);
};

static const struct vectorizer *vectorizer_of(const struct step *s)
{
    return s->kind->detail;
}

static int derive_terms(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)index, (void)e;
    struct corpus *c = state;
    choose_terms(s, c);
    c->idf.len = 0;
    for (size_t i = 0; i < c->terms.len; i++)
        vec_push(&c->idf,
                 vectorizer_of(s)->idf((double)c->documents, (double)c->in.n.at[c->terms.at[i]]));
    return 0;
}

static json_t *save_corpus(const struct step *s, const void *state)
{
    (void)s;
    const struct corpus *c = state;
    json_t *terms = json_array();
    for (size_t i = 0; i < c->terms.len; i++) {
        struct text word = c->in.map.keys.at[c->terms.at[i]];
        json_array_append_new(terms, json_stringn(word.at, word.len));
    }
    return json_pack("{s:I, s:I, s:o, s:o, s:o}", "documents", (json_int_t)c->documents, "words",
                     (json_int_t)c->words, "in", counts_save(&c->in), "times",
                     counts_save(&c->times), "terms", terms);
}

static int load_corpus(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct corpus *c = state;
    c->documents = (uint64_t)json_integer_value(json_object_get(j, "documents"));
    c->words = (uint64_t)json_integer_value(json_object_get(j, "words"));
    int rc = counts_load(&c->in, json_object_get(j, "in"), e);
    if (rc == 0)
        rc = counts_load(&c->times, json_object_get(j, "times"), e);
    if (rc)
        return rc;
    for (size_t i = 0; i < c->times.map.keys.len; i++)
        if (map_get(&c->in.map, c->times.map.keys.at[i]) == MAP_NONE)
            return error_set(e, ERR_DATA, "%s: a word of times is not in in", s->kind->name);
    return 0;
}

static const struct learner corpus_learner = {.size = sizeof(struct corpus),
                                              .texts = learn_texts,
                                              .merge = merge_corpora,
                                              .finish = derive_terms,
                                              .save = save_corpus,
                                              .load = load_corpus,
                                              .release = corpus_release};

static double no_idf(double documents, double in)
{
    (void)documents, (void)in;
    return 1;
}

/* As if there were one more document, with every word. */
static double smooth_idf(double documents, double in)
{
    return log((1 + documents) / (1 + in)) + 1;
}

static double bm25_idf(double documents, double in)
{
    return log1p((documents - in + 0.5) / (in + 0.5));
}

static double plain_count(const struct step *s, const struct corpus *c, double times, double words)
{
    (void)c, (void)words;
    return arg_bool(s, "binary") ? 1 : times;
}

static double raw_count(const struct step *s, const struct corpus *c, double times, double words)
{
    (void)s, (void)c, (void)words;
    return times;
}

static double bm25_weight(const struct step *s, const struct corpus *c, double times, double words)
{
    double k = arg_number(s, "k1"), b = arg_number(s, "b");
    double usual = (double)c->words / (double)c->documents;
    return times * (k + 1) / (times + k * (1 - b + b * words / usual));
}

static int vectorize_shape(struct step *s, struct schema *schema, struct error *e)
{
    for (size_t i = 0; i < s->column_count; i++) {
        const struct corpus *c = columnwise_learnt(s, i);
        for (size_t k = 0; k < c->terms.len; k++) {
            struct text word = c->in.map.keys.at[c->terms.at[k]];
            const char *name =
                arena_format(&s->arena, "%s_%.*s", s->names[i], (int)word.len, word.at);
            int rc = step_new_name(s, schema, text_of(name), e);
            if (rc)
                return rc;
            schema_add(schema, text_of(name), TYPE_FLOAT);
        }
    }
    return 0;
}

static void scale_row(double *const *out, size_t terms, size_t row)
{
    double squares = 0;
    for (size_t k = 0; k < terms; k++)
        squares += out[k][row] * out[k][row];
    for (size_t k = 0; k < terms && squares > 0; k++)
        out[k][row] /= sqrt(squares);
}

static void vectorize_row(const struct step *s, const struct corpus *c, const struct document *d,
                          double *const *out, size_t row)
{
    const struct vectorizer *v = vectorizer_of(s);
    for (size_t i = 0; i < d->times.len; i++) {
        size_t word = map_get(&c->in.map, d->map.keys.at[i]);
        uint32_t place = word == MAP_NONE ? UINT32_MAX : c->place[word];
        if (place != UINT32_MAX)
            out[place][row] =
                c->idf.at[place] * v->weight(s, c, (double)d->times.at[i], (double)d->words);
    }
    if (v->unit)
        scale_row(out, c->terms.len, row);
}

static void vectorize_column(const struct step *s, struct batch *b, size_t i)
{
    const struct corpus *c = columnwise_learnt(s, i);
    const struct text *cells = batch_text(b, s->columns[i]);
    double **out = batch_array(b, c->terms.len, sizeof *out);
    struct document d = {0};
    for (size_t k = 0; k < c->terms.len; k++)
        out[k] = batch_array(b, b->rows, sizeof *out[k]);
    for (size_t r = 0; r < b->rows; r++) {
        for (size_t k = 0; k < c->terms.len; k++)
            out[k][r] = cells[r].at ? 0 : (double)NAN;
        if (!cells[r].at)
            continue;
        document_read(&d, s, cells[r]);
        vectorize_row(s, c, &d, out, r);
    }
    for (size_t k = 0; k < c->terms.len; k++)
        batch_add(b, column_of_double(out[k]));
    document_release(&d);
}

static int vectorize_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    for (size_t i = 0; i < s->column_count; i++)
        vectorize_column(s, b, i);
    return 0;
}

/* The counts of the terms, and of all words behind them. */
static void lower_counts(const struct step *s, const struct corpus *c, struct lowering *l,
                         uint32_t text, uint32_t *out)
{
    size_t n = c->terms.len;
    struct text *words = mem_array(NULL, n + 1, sizeof *words);
    bool once = step_has_arg(s, "binary") && arg_bool(s, "binary");
    uint16_t least = (uint16_t)arg_int(s, "min_length");
    for (size_t i = 0; i < n; i++)
        words[i] = c->in.map.keys.at[c->terms.at[i]];
    for (size_t i = 0; i <= n; i++)
        out[i] = lower_register(l, ML_FLOAT);
    lower_op_to(l, ML_OP_word_counts, (uint16_t)(once ? least | ML_ONCE : least),
                lower_list(l, out, n + 1), lower_small_letters(l, text), lower_word_characters(l),
                lower_map(l, words, n));
    mem_free(words);
}

static void lower_tfidf(const struct step *s, const struct corpus *c, struct lowering *l,
                        uint32_t *out)
{
    size_t n = c->terms.len;
    (void)s;
    uint32_t *in = mem_copy(out, (n + 1) * sizeof *in);
    lower_vector(l, ML_VECTOR_scaled, false, in, n, c->idf.at, n, out, n);
    memcpy(in, out, n * sizeof *in);
    lower_vector(l, ML_VECTOR_unit_l2, false, in, n, NULL, 0, out, n);
    mem_free(in);
}

static void lower_bm25(const struct step *s, const struct corpus *c, struct lowering *l,
                       uint32_t *out)
{
    size_t n = c->terms.len;
    double *constants = mem_array(NULL, n + 3, sizeof *constants);
    uint32_t *in = mem_copy(out, (n + 1) * sizeof *in);
    constants[0] = arg_number(s, "k1");
    constants[1] = arg_number(s, "b");
    constants[2] = (double)c->words / (double)c->documents;
    for (size_t i = 0; i < n; i++)
        constants[i + 3] = c->idf.at[i];
    lower_vector(l, ML_VECTOR_bm25, false, in, n + 1, constants, n + 3, out, n);
    mem_free(constants);
    mem_free(in);
}

static int vectorize_lower(const struct step *s, struct lowering *l, struct error *e)
{
    (void)e;
    for (size_t i = 0; i < s->column_count; i++) {
        const struct corpus *c = columnwise_learnt(s, i);
        uint32_t *out = mem_array(NULL, c->terms.len + 1, sizeof *out);
        lower_counts(s, c, l, lower_column(l, s->columns[i], ML_TEXT), out);
        if (vectorizer_of(s)->lower)
            vectorizer_of(s)->lower(s, c, l, out);
        for (size_t k = 0; k < c->terms.len; k++)
            lower_add(l, out[k]);
        mem_free(out);
    }
    return 0;
}

#define VOCABULARY_ARGS                                                                            \
    ROWWISE_COLUMNS("columns of text"),                                                            \
        {.name = "max",                                                                            \
         .kind = ARG_INT,                                                                          \
         .fallback = "1000",                                                                       \
         .min = 1,                                                                                 \
         .max = 1e6,                                                                               \
         .help = "most words to keep: those that occur most often"},                               \
        {.name = "min_df",                                                                         \
         .kind = ARG_NUMBER,                                                                       \
         .fallback = "1",                                                                          \
         .help = "rows a word must be in; 0.01: a share of them"},                                 \
        {.name = "max_df",                                                                         \
         .kind = ARG_NUMBER,                                                                       \
         .fallback = "1.0",                                                                        \
         .help = "rows a word may be in; 0.9: a share of them"},                                   \
    {                                                                                              \
        .name = "min_length", .kind = ARG_INT, .fallback = "2", .min = 1, .max = 1000,             \
        .help = "characters a word must have"                                                      \
    }

static const struct arg count_args[] = {
    VOCABULARY_ARGS,
    {.name = "binary", .kind = ARG_BOOL, .fallback = "false", .help = "1 however often it occurs"},
    {0}};
static const struct arg tfidf_args[] = {VOCABULARY_ARGS, {0}};
static const struct arg bm25_args[] = {VOCABULARY_ARGS,
                                       {.name = "k1",
                                        .kind = ARG_NUMBER,
                                        .fallback = "1.5",
                                        .help = "how soon repetitions count less"},
                                       {.name = "b",
                                        .kind = ARG_NUMBER,
                                        .fallback = "0.75",
                                        .help = "how much long texts are discounted"},
                                       {0}};

#define VECTORIZE(IDF, WEIGHT, UNIT, LOWER)                                                        \
    .family = "text", .class = "F", COLUMNWISE_HOOKS, .shape = vectorize_shape,                    \
    .apply = vectorize_apply, .lower = vectorize_lower, .detail = &(const struct vectorizer)       \
    {                                                                                              \
        .base = {.learner = &corpus_learner}, .idf = IDF, .weight = WEIGHT, .unit = UNIT,          \
        .lower = LOWER                                                                             \
    }
#define WORD_RULE                                                                                  \
    "A word is a run of letters, digits and underscores of any script, in small letters, of two "  \
    "characters or more, as in scikit-learn. Words the fit did not see count for nothing; a "      \
    "missing text gives missing. Columns are named t_word, in order of the words. "

const struct step_kind steps_text_vectorize[] = {
    {.name = "bm25",
     VECTORIZE(bm25_idf, bm25_weight, false, lower_bm25),
     .summary = "weigh the words of a text as a search engine would (Okapi BM25)",
     .details = WORD_RULE
     "Robertson and Zaragoza 2009 (doi:10.1561/1500000019), with ln(1 + (N - n + 0.5) / (n + 0.5)) "
     "as the weight of a word in n of N texts, which is never negative.",
     .args = bm25_args,
     .example = {.program = "bm25 t",
                 .input = "t\nred car\nred red\n",
                 .output = "t,t_car,t_red\nred car,0.6931471805599453,0.18232155679395462\nred "
                           "red,0,0.2604593668485066\n"}},
    {.name = "count_vectorize",
     VECTORIZE(no_idf, plain_count, false, NULL),
     .aliases = "bag_of_words",
     .summary = "a column for each word: how often it occurs",
     .details = WORD_RULE "As CountVectorizer, but for max=1000.",
     .args = count_args,
     .example = {.program = "count_vectorize t",
                 .input = "t\nred car\nred red\n",
                 .output = "t,t_car,t_red\nred car,1,1\nred red,0,2\n"}},
    {.name = "tfidf",
     VECTORIZE(smooth_idf, raw_count, true, lower_tfidf),
     .summary = "a column for each word: its count, more for words in few rows; rows of length 1",
     .details =
         WORD_RULE "As TfidfVectorizer with its defaults: counts times ln((1 + N) / (1 + n)) "
                   "+ 1 for a word in n of N rows, scaled to a length of 1.",
     .args = tfidf_args,
     .example =
         {.program = "tfidf t",
          .input = "t\nred car\nred red\n",
          .output = "t,t_car,t_red\nred car,0.8148024746671689,0.5797386715376657\nred red,0,1\n"}},
    {0},
};
