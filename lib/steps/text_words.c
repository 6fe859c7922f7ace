/* Texts as lists of words, and as numbers that need no learning. */
#include "prep/rowwise.h"
#include "steps/letters_lower.h"
#include "steps/steps.h"
#include "steps/words.h"

#include <math.h>

/* Words of a text in small letters, one after the other in the scratch. */
struct words {
    VEC(size_t) ends;
};

static void read_words(struct mapping *m, struct text cell, struct words *w)
{
    size_t least = (size_t)arg_int(m->step, "min_length");
    struct text word;
    while (word_next(&cell, least, &word)) {
        put_word_lower(&m->scratch, word);
        vec_push(&w->ends, m->scratch.len);
    }
}

/* The list of all runs of min to max words. */
static struct text list_runs(struct mapping *m, struct text cell, size_t min, size_t max)
{
    struct words w = {0};
    struct buf list = {0}, run = {0};
    read_words(m, cell, &w);
    for (size_t n = min; n <= max; n++)
        for (size_t i = 0; i + n <= w.ends.len; i++) {
            run.len = 0;
            for (size_t k = i; k < i + n; k++) {
                size_t from = k > 0 ? w.ends.at[k - 1] : 0;
                if (k > i)
                    buf_putc(&run, ' ');
                buf_add(&run, m->scratch.at + from, w.ends.at[k] - from);
            }
            buf_putc(&list, list.len > 0 ? ',' : '[');
            json_put_string(&list, run.at, run.len);
        }
    buf_puts(&list, list.len > 0 ? "]" : "[]");
    m->scratch.len = 0;
    buf_add(&m->scratch, list.at, list.len);
    buf_release(&list);
    buf_release(&run);
    vec_release(&w.ends);
    return mapping_text(m);
}

static struct text words_of(struct mapping *m, struct text cell)
{
    return list_runs(m, cell, 1, 1);
}

static struct text word_runs(struct mapping *m, struct text cell)
{
    return list_runs(m, cell, (size_t)arg_int(m->step, "min"), (size_t)arg_int(m->step, "max"));
}

static int check_range(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    return arg_int(s, "min") > arg_int(s, "max") ? step_error(s, e, "min is larger than max") : 0;
}

static void put_item(struct buf *list, struct text item)
{
    buf_putc(list, list->len > 0 ? ',' : '[');
    json_put_string(list, item.at, item.len);
}

static struct text character_runs(struct mapping *m, struct text cell)
{
    size_t most = (size_t)arg_int(m->step, "max");
    size_t length = utf8_length(cell.at, cell.len);
    for (size_t n = (size_t)arg_int(m->step, "min"); n <= most; n++) {
        struct text t = cell;
        for (size_t i = 0; i + n <= length; i++) {
            uint32_t c;
            put_item(&m->scratch, (struct text){t.at, utf8_offset(t.at, t.len, n)});
            (void)text_next(&t, &c);
        }
    }
    buf_puts(&m->scratch, m->scratch.len > 0 ? "]" : "[]");
    return mapping_text(m);
}

static struct text trimmed(struct text t)
{
    while (t.len > 0 && (unsigned char)t.at[0] <= ' ')
        t.at++, t.len--;
    while (t.len > 0 && (unsigned char)t.at[t.len - 1] <= ' ')
        t.len--;
    return t;
}

/* A sentence ends at . ! or ? before blanks and something that does not begin with a
 * small letter. */
static size_t sentence_end(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        if (t.at[i] != '.' && t.at[i] != '!' && t.at[i] != '?')
            continue;
        size_t next = i + 1;
        while (next < t.len && strchr("\"')]", t.at[next]) && t.at[next])
            next++;
        size_t blank = next;
        while (blank < t.len && (unsigned char)t.at[blank] <= ' ')
            blank++;
        bool small = blank < t.len && t.at[blank] >= 'a' && t.at[blank] <= 'z';
        if (blank > next && !small)
            return next;
    }
    return t.len;
}

static struct text sentences(struct mapping *m, struct text cell)
{
    for (struct text t = trimmed(cell); t.len > 0;) {
        size_t n = sentence_end(t);
        put_item(&m->scratch, (struct text){t.at, n});
        t = trimmed((struct text){t.at + n, t.len - n});
    }
    buf_puts(&m->scratch, m->scratch.len > 0 ? "]" : "[]");
    return mapping_text(m);
}

enum { WORD_COUNT, CHAR_COUNT, CAPITAL, LOWER, DIGIT, SPECIAL, STATS };

static int prepare_stats(struct step *s, const struct schema *in, struct error *e)
{
    (void)in, (void)e;
    static const char *const names[STATS] = {"word_count",  "char_count",  "capital_ratio",
                                             "lower_ratio", "digit_ratio", "special_ratio"};
    for (size_t i = 0; i < STATS; i++)
        rowwise_part(s, "_stats_%s", names[i]);
    return 0;
}

static void count_characters(struct text t, double *stats)
{
    uint32_t c;
    bool inside = false;
    memset(stats, 0, STATS * sizeof *stats);
    while (text_next(&t, &c)) {
        bool space = letter_is_space(c);
        stats[WORD_COUNT] += !space && !inside;
        inside = !space;
        stats[CHAR_COUNT]++;
        stats[CAPITAL] += c >= 'A' && c <= 'Z';
        stats[LOWER] += c >= 'a' && c <= 'z';
        stats[DIGIT] += c >= '0' && c <= '9';
        stats[SPECIAL] += !letter_is_alnum(c);
    }
    for (size_t i = CAPITAL; i < STATS; i++)
        stats[i] = stats[CHAR_COUNT] > 0 ? stats[i] / stats[CHAR_COUNT] : 0;
}

static int measure_texts(struct mapping *m)
{
    for (size_t r = 0; r < m->rows; r++) {
        double stats[STATS];
        bool missing = !m->in->text[r].at;
        count_characters(m->in->text[r], stats);
        for (size_t i = 0; i < STATS; i++)
            m->out[i].number[r] = missing ? (double)NAN : stats[i];
    }
    return 0;
}

static uint32_t number_of(struct lowering *l, uint32_t whole)
{
    return lower_op(l, ML_OP_float_of_int, whole, 0, 0);
}

static uint32_t count_between(struct lowering *l, uint32_t text, int64_t first, int64_t last)
{
    const int64_t ends[] = {first, last};
    uint32_t range = lower_range_int(l, ends, 2);
    return number_of(l, lower_op(l, ML_OP_count_characters, text, range, 0));
}

static int lower_stats(struct lower_map *m)
{
    struct lowering *l = m->to;
    uint32_t text = m->in[0], spaces = lower_characters(l, letter_is_space);
    uint32_t known = lower_characters(l, letter_is_alnum);
    uint32_t one = lower_op(l, ML_OP_set_float, lower_float(l, 1), 0, 0);
    uint32_t all = number_of(l, lower_op(l, ML_OP_text_length, text, 0, 0));
    uint32_t some = lower_register(l, ML_FLOAT);
    lower_op_to(l, ML_OP_extreme, 0, some, all, one, 0);
    m->out[WORD_COUNT] = number_of(l, lower_op(l, ML_OP_count_characters, text, spaces, 1));
    m->out[CHAR_COUNT] = all;
    m->out[CAPITAL] = count_between(l, text, 'A', 'Z');
    m->out[LOWER] = count_between(l, text, 'a', 'z');
    m->out[DIGIT] = count_between(l, text, '0', '9');
    m->out[SPECIAL] = lower_op(
        l, ML_OP_sub, all, number_of(l, lower_op(l, ML_OP_count_characters, text, known, 0)), 0);
    for (size_t i = CAPITAL; i < STATS; i++)
        m->out[i] = lower_op(l, ML_OP_div, m->out[i], some, 0);
    return 0;
}

static const char counted[] = "abcdefghijklmnopqrstuvwxyz0123456789";

static int prepare_bag(struct step *s, const struct schema *in, struct error *e)
{
    (void)in, (void)e;
    for (size_t i = 0; counted[i]; i++)
        rowwise_part(s, "_%c", counted[i]);
    return 0;
}

static int count_letters(struct mapping *m)
{
    for (size_t r = 0; r < m->rows; r++) {
        struct text cell = m->in->text[r];
        for (size_t i = 0; counted[i]; i++)
            m->out[i].integer[r] = cell.at ? 0 : INT_MISSING;
        for (size_t k = 0; k < cell.len; k++) {
            unsigned char c = (unsigned char)cell.at[k];
            unsigned letter = (c | 0x20U) - 'a', digit = c - '0';
            if (digit < 10)
                m->out[26 + digit].integer[r]++;
            else if (c < 0x80 && letter < 26)
                m->out[letter].integer[r]++;
        }
    }
    return 0;
}

static int prepare_hash(struct step *s, const struct schema *in, struct error *e)
{
    (void)in, (void)e;
    for (int64_t i = 0; i < arg_int(s, "features"); i++)
        rowwise_part(s, "_h%lld", (long long)i);
    return 0;
}

/* Capital and small ones. */
static int lower_letters(struct lower_map *m)
{
    for (size_t i = 0; counted[i]; i++) {
        const int64_t c = (unsigned char)counted[i], ranges[] = {c ^ 0x20, c ^ 0x20, c, c};
        size_t from = c < 'a' ? 2 : 0;
        m->out[i] = lower_op(m->to, ML_OP_count_characters, m->in[0],
                             lower_range_int(m->to, ranges + from, 4 - from), 0);
    }
    return 0;
}

static int hash_words(struct mapping *m)
{
    uint64_t features = (uint64_t)arg_int(m->step, "features"); /* at least 1 */
    size_t least = (size_t)arg_int(m->step, "min_length");
    bool sign = arg_bool(m->step, "signed");
    for (size_t r = 0; r < m->rows; r++) {
        struct text cell = m->in->text[r], word;
        for (size_t i = 0; i < features; i++)
            m->out[i].number[r] = cell.at ? 0 : (double)NAN;
        while (cell.at && word_next(&cell, least, &word)) {
            m->scratch.len = 0;
            put_word_lower(&m->scratch, word);
            uint64_t hash = hash_bytes(m->scratch.at, m->scratch.len, 0);
            size_t part = hash % features; /* NOLINT(clang-analyzer-core.DivideZero): see above */
            m->out[part].number[r] += sign && hash >> 63 ? -1 : 1;
        }
    }
    return 0;
}

static int lower_hashes(struct lower_map *m)
{
    size_t features = (size_t)arg_int(m->step, "features");
    for (size_t i = 0; i < features; i++)
        m->out[i] = lower_register(m->to, ML_FLOAT);
    lower_op_to(m->to, ML_OP_hash_words, arg_bool(m->step, "signed"),
                lower_list(m->to, m->out, features), lower_small_letters(m->to, m->in[0]),
                lower_word_characters(m->to), (uint32_t)arg_int(m->step, "min_length"));
    return 0;
}

#define COLUMNS ROWWISE_COLUMNS("columns of text")
#define ENDS                                                                                       \
    ROWWISE_INTO, ROWWISE_SUFFIX,                                                                  \
    {                                                                                              \
        0                                                                                          \
    }
#define MIN_LENGTH(usual)                                                                          \
    {                                                                                              \
        .name = "min_length", .kind = ARG_INT, .fallback = usual, .min = 1, .max = 1000,           \
        .help = "characters a word must have"                                                      \
    }
#define RANGE(usual)                                                                               \
    {.name = "min", .kind = ARG_INT, .fallback = usual, .min = 1, .max = 100, .help = "shortest"}, \
    {                                                                                              \
        .name = "max", .kind = ARG_INT, .fallback = usual, .min = 1, .max = 100, .help = "longest" \
    }

static const struct arg plain_args[] = {COLUMNS, ENDS};
static const struct arg parts_args[] = {COLUMNS, {0}};
static const struct arg tokenize_args[] = {COLUMNS, MIN_LENGTH("1"), ENDS};
static const struct arg ngrams_args[] = {COLUMNS, RANGE("2"), MIN_LENGTH("1"), ENDS};
static const struct arg char_args[] = {COLUMNS, RANGE("3"), ENDS};
static const struct arg hash_args[] = {
    COLUMNS,
    {.name = "features",
     .kind = ARG_INT,
     .fallback = "32",
     .min = 1,
     .max = 100000,
     .help = "columns made"},
    {.name = "signed",
     .kind = ARG_BOOL,
     .fallback = "true",
     .help = "half of the words count -1, so that words in one column cancel out on average"},
    MIN_LENGTH("2"),
    {0}};

#define TO_LIST(...)                                                                               \
    .family = "text", .class = "S", ROWWISE_HOOKS,                                                 \
    ROWWISE_MAP(.from = TYPE_TEXT, .to = TYPE_JSON, __VA_ARGS__)
#define TO_PARTS(TYPE, PREPARE, KERNEL, LOWER)                                                     \
    .family = "text", .class = "S", ROWWISE_HOOKS,                                                 \
    ROWWISE_MAP(.from = TYPE_TEXT, .to = TYPE, .prepare = PREPARE, .column = KERNEL,               \
                .lower = LOWER)
#define WORD_RULE                                                                                  \
    "A word is a run of letters, digits and underscores of any script; results are in small "      \
    "letters. "

const struct step_kind steps_text_words[] = {
    {.name = "bag_of_chars",
     TO_PARTS(TYPE_INT, prepare_bag, count_letters, lower_letters),
     .summary = "how often each letter and digit occurs",
     .details = "36 columns: t_a ... t_z, any case, and t_0 ... t_9.",
     .args = parts_args,
     .example = {.program = "bag_of_chars t | select t,t_a,t_b,t_1",
                 .input = "t\nAbba 1\n",
                 .output = "t,t_a,t_b,t_1\nAbba 1,2,2,1\n"}},
    {.name = "char_ngrams",
     .not_compiled = NOT_COMPILED_JSON,
     TO_LIST(.text = character_runs, .prepare = check_range),
     .summary = "runs of n characters, as a JSON list",
     .args = char_args,
     .example = {.program = "char_ngrams t into=runs",
                 .input = "t\nabcd\n",
                 .output = "t,runs\nabcd,\"[\"\"abc\"\",\"\"bcd\"\"]\"\n"}},
    {.name = "hash_vectorize",
     TO_PARTS(TYPE_FLOAT, prepare_hash, hash_words, lower_hashes),
     .summary = "count words in columns chosen by their hash: no vocabulary to learn",
     .details = WORD_RULE "Columns t_h0, t_h1 ... The hash is our own, stable across machines: "
                          "columns differ from scikit-learn's HashingVectorizer, which also scales "
                          "each row to length 1 (unit_norm does).",
     .args = hash_args,
     .example = {.program = "hash_vectorize t features=2 signed=false",
                 .input = "t\nto be or not to be\n",
                 .output = "t,t_h0,t_h1\nto be or not to be,2,4\n"}},
    {.name = "ngrams",
     .not_compiled = NOT_COMPILED_JSON,
     TO_LIST(.text = word_runs, .prepare = check_range),
     .summary = "runs of n words, as a JSON list",
     .details = WORD_RULE "Shorter runs come before longer ones.",
     .args = ngrams_args,
     .example = {.program = "ngrams t",
                 .input = "t\nThe old house\n",
                 .output = "t\n\"[\"\"the old\"\",\"\"old house\"\"]\"\n"}},
    {.name = "sentence_split",
     .not_compiled = NOT_COMPILED_JSON,
     TO_LIST(.text = sentences),
     .summary = "sentences, as a JSON list",
     .details = "A sentence ends at . ! or ? before a blank and anything but a small letter; "
                "abbreviations before a name end one too.",
     .args = plain_args,
     .example = {.program = "sentence_split t",
                 .input = "t\nIt rains. Why? At 3.5 mm.\n",
                 .output = "t\n\"[\"\"It rains.\"\",\"\"Why?\"\",\"\"At 3.5 mm.\"\"]\"\n"}},
    {.name = "text_stats",
     TO_PARTS(TYPE_FLOAT, prepare_stats, measure_texts, lower_stats),
     .aliases = "text_statistics",
     .summary = "counts of words and characters, shares of capitals, digits ...",
     .details = "Columns t_stats_word_count (separated by white space), char_count, and shares of "
                "all characters: capital_ratio (A-Z), lower_ratio (a-z), digit_ratio (0-9), "
                "special_ratio (neither letter nor digit). Shares of an empty text are 0.",
     .args = parts_args,
     .example = {.program = "text_stats t",
                 .input = "t\nGo 42!!!\n",
                 .output = "t,t_stats_word_count,t_stats_char_count,t_stats_capital_ratio,"
                           "t_stats_lower_ratio,t_stats_digit_ratio,t_stats_special_ratio\n"
                           "Go 42!!!,2,8,0.125,0.125,0.25,0.5\n"}},
    {.name = "tokenize",
     .not_compiled = NOT_COMPILED_JSON,
     TO_LIST(.text = words_of),
     .aliases = "words",
     .summary = "words, as a JSON list",
     .details = WORD_RULE,
     .args = tokenize_args,
     .example = {.program = "tokenize t",
                 .input = "t\nIt's late.\n",
                 .output = "t\n\"[\"\"it\"\",\"\"s\"\",\"\"late\"\"]\"\n"}},
    {0},
};
