/* Texts as numbers per learnt word: count_vectorize, tfidf, bm25. */
#include "prep/columnwise.h"
#include "prep/families.h"
#include "prep/words.h"

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

/* ---- learning -------------------------------------------------------------------------------------------- */

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

/* The weights of words, and of a word that occurs `times` times in a document of so many. */
struct weighting {
    double (*idf)(double documents, double in);
    double (*weight)(const struct step *s, const struct corpus *c, double times, double words);
    bool unit; /* rows are scaled to length 1 */
};

static const struct weighting *weighting_of(const struct step *s)
{
    const struct columnwise *detail = s->kind->detail;
    const void *weighting = detail + 1;
    return weighting;
}
