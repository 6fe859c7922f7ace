/* Encoders that look into the text of a category: its letters, its labels, its hash, its vector. */
#include "prep/lower.h"
#include "steps/encoder.h"
#include "steps/steps.h"

#include <math.h>
#include <stdlib.h>

enum { COLUMNS_MAX = 1000 };

/* The `most` most frequent categories get an output each, in order of their names; *output_of gives
 * it by place (UINT32_MAX: none), *place_of the other way. */
static int choose_outputs(const struct step *s, struct categories *c, size_t most,
                          uint32_t **output_of, uint32_t **place_of, struct error *e)
{
    c->width = most < c->count ? most : c->count;
    if (c->width > COLUMNS_MAX)
        return error_set(e, ERR_DATA,
                         "%s: %zu categories would be as many columns: give max=", s->kind->name,
                         c->count);
    *output_of = arena_alloc(&c->arena, (c->count + 1) * sizeof **output_of);
    *place_of = arena_alloc(&c->arena, (c->width + 1) * sizeof **place_of);
    memset(*output_of, 0xFF, (c->count + 1) * sizeof **output_of);
    uint32_t *order = counts_sorted(&c->counts, COUNTS_BY_FREQUENCY);
    for (size_t i = 0; i < c->width; i++)
        (*output_of)[c->place[order[i]]] = 0;
    mem_free(order);
    c->suffixes = arena_alloc(&c->arena, (c->width + 2) * sizeof *c->suffixes);
    uint32_t k = 0;
    for (size_t place = 0; place < c->count; place++) {
        if ((*output_of)[place] == UINT32_MAX)
            continue;
        struct text name = categories_name(c, place);
        c->suffixes[k] = arena_text(&c->arena, name.at, name.len);
        (*place_of)[k] = (uint32_t)place;
        (*output_of)[place] = k++;
    }
    return 0;
}

static size_t most_wanted(const struct step *s)
{
    return arg_given(s, "max") ? (size_t)arg_int(s, "max") : SIZE_MAX;
}

/* The characters of a text, sorted. */
struct characters {
    uint32_t *at;
    size_t count;
};

static int by_value(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

static struct characters characters_of(struct text text, struct arena *arena)
{
    struct characters c = {arena_alloc(arena, (text.len + 1) * sizeof *c.at), 0};
    for (size_t i = 0, used; i < text.len; i += used)
        c.at[c.count++] = utf8_decode(text.at + i, text.len - i, &used);
    qsort(c.at, c.count, sizeof *c.at, by_value);
    return c;
}

/* Twice the characters both have over all they have: Python's SequenceMatcher.quick_ratio. */
static double similarity(const struct characters *a, const struct characters *b)
{
    size_t both = 0, i = 0, k = 0;
    while (i < a->count && k < b->count) {
        uint32_t x = a->at[i], y = b->at[k];
        both += x == y;
        i += x <= y;
        k += y <= x;
    }
    size_t all = a->count + b->count;
    return all > 0 ? 2.0 * (double)both / (double)all : 1;
}

static int derive_similarity(const struct step *s, struct categories *c, struct error *e)
{
    uint32_t *output_of, *place_of;
    int rc = choose_outputs(s, c, most_wanted(s), &output_of, &place_of, e);
    if (rc)
        return rc;
    struct characters *known = arena_alloc(&c->arena, (c->width + 1) * sizeof *known);
    c->own = known;
    for (size_t k = 0; k < c->width; k++)
        known[k] = characters_of(categories_name(c, place_of[k]), &c->arena);
    return 0;
}

static void compare_row(const struct categories *c, struct text cell, double **out, size_t row,
                        struct arena *arena)
{
    const struct characters *known = c->own;
    struct characters own = characters_of(cell, arena);
    for (size_t k = 0; k < c->width; k++)
        out[k][row] = similarity(&own, &known[k]);
}

/* A text is compared once a batch. */
static int fill_similarity(const struct encoding *x)
{
    const struct categories *c = x->categories;
    const struct text *cells = batch_text(x->batch, x->step->columns[x->index]);
    size_t rows = x->batch->rows;
    double **out = batch_array(x->batch, c->width + 1, sizeof *out);
    for (size_t k = 0; k < c->width; k++) {
        out[k] = batch_array(x->batch, rows, sizeof *out[k]);
        x->out[k] = column_of_double(out[k]);
    }
    struct map seen = {0};
    size_t *first = batch_array(x->batch, rows, sizeof *first); /* row of each text of the map */
    for (size_t r = 0; r < rows; r++) {
        bool is_new = true;
        size_t at = cells[r].at ? map_put(&seen, cells[r], &is_new) : 0;
        if (!cells[r].at) {
            bool is_missing = x->place[r] == c->count + PLACE_MISSING;
            for (size_t k = 0; k < c->width; k++)
                out[k][r] = is_missing ? (double)NAN : 0;
        } else if (is_new) {
            compare_row(c, cells[r], out, r, &x->batch->arena);
            first[at] = r;
        } else {
            for (size_t k = 0; k < c->width; k++)
                out[k][r] = out[k][first[at]];
        }
    }
    map_release(&seen);
    return 0;
}

static int lower_similarity(const struct step *s, const struct categories *c, struct lowering *l,
                            uint32_t cell, uint32_t *out, struct error *e)
{
    const struct encoder_plan *plan = s->plan;
    struct text *names = mem_array(NULL, c->width + 1, sizeof *names);
    int rc = 0;
    if (plan->missing.place == POLICY_SKIP)
        rc = lower_refuse(e, "skip-row leaves rows out");
    for (size_t k = 0; k < c->width; k++) {
        names[k] = text_of(c->suffixes[k]);
        out[k] = lower_register(l, ML_FLOAT);
    }
    if (plan->missing.place == POLICY_ERROR)
        lower_op_to(l, ML_OP_want, 0, 0, lower_op(l, ML_OP_is_missing, cell, 0, 0), 0, 0);
    lower_op_to(l, ML_OP_similarity, 0, lower_list(l, out, c->width), cell,
                lower_range_text(l, names, c->width), plan->missing.place == PLACE_MISSING);
    mem_free(names);
    return rc;
}

/* The next label of a cell, without blanks at its ends; empty ones are skipped. */
static bool next_label(struct text *rest, struct text sep, struct text *label)
{
    while (rest->at && rest->len > 0) {
        const char *end = memmem(rest->at, rest->len, sep.at, sep.len);
        size_t len = end ? (size_t)(end - rest->at) : rest->len;
        size_t passed = end ? len + sep.len : len;
        *label = (struct text){rest->at, len};
        *rest = (struct text){rest->at + passed, rest->len - passed};
        while (label->len > 0 && label->at[label->len - 1] == ' ')
            label->len--;
        for (; label->len > 0 && label->at[0] == ' '; label->len--)
            label->at++;
        if (label->len > 0)
            return true;
    }
    return false;
}

static void count_labels(const struct step *s, struct categories *c, struct text cell)
{
    struct text label, sep = arg_text(s, "sep");
    while (next_label(&cell, sep, &label))
        (void)counts_add(&c->counts, label, 1, 0);
}

struct labels {
    uint32_t *output_of, *place_of;
    size_t kept; /* output of unknown or missing labels; SIZE_MAX none */
};

static int derive_labels(const struct step *s, struct categories *c, struct error *e)
{
    struct labels *labels = arena_zero(&c->arena, sizeof *labels);
    c->own = labels;
    int rc = choose_outputs(s, c, most_wanted(s), &labels->output_of, &labels->place_of, e);
    labels->kept = SIZE_MAX;
    if (rc == 0 && categories_keep(c)) {
        c->suffixes[c->width] = categories_kept_name(c);
        labels->kept = c->width++;
    }
    return rc;
}

/* What a policy's place means for a row of all outputs. */
static void fill_place(const struct encoding *x, int64_t *const *out, uint32_t place, size_t row)
{
    const struct categories *c = x->categories;
    const struct labels *labels = c->own;
    if (place == c->count + PLACE_KEEP && labels->kept != SIZE_MAX)
        out[labels->kept][row] = 1;
    for (size_t k = 0; place == c->count + PLACE_MISSING && k < c->width; k++)
        out[k][row] = INT_MISSING;
}

static int fill_labels_row(const struct encoding *x, int64_t *const *out, struct text cell,
                           size_t row)
{
    const struct encoder_plan *plan = x->step->plan;
    const struct categories *c = x->categories;
    const struct labels *labels = c->own;
    struct text label, sep = arg_text(x->step, "sep");
    bool unknown = false;
    const struct policy *policy = cell.at ? &plan->unknown : &plan->missing;
    while (next_label(&cell, sep, &label)) {
        size_t number = map_get(&c->counts.map, label);
        uint32_t k = number == MAP_NONE ? UINT32_MAX : labels->output_of[c->place[number]];
        unknown = unknown || number == MAP_NONE;
        if (k != UINT32_MAX)
            out[k][row] = 1;
    }
    if (policy == &plan->unknown && !unknown)
        return 0;
    uint32_t place;
    int rc = policy_place(policy, x->step, x->batch, x->index, row, c->count, &place, x->error);
    if (rc == 0)
        fill_place(x, out, place, row);
    return rc;
}

static int fill_labels(const struct encoding *x)
{
    size_t rows = x->batch->rows, width = x->categories->width;
    const struct text *cells = batch_text(x->batch, x->step->columns[x->index]);
    int64_t **out = batch_array(x->batch, width + 1, sizeof *out);
    for (size_t k = 0; k < width; k++) {
        out[k] = arena_zero(&x->batch->arena, (rows + 1) * sizeof *out[k]);
        x->out[k] = column_of_int(out[k]);
    }
    int rc = 0;
    for (size_t r = 0; rc == 0 && r < rows; r++)
        rc = fill_labels_row(x, out, cells[r], r);
    return rc;
}

static int labels_policy(const struct policy *p, const struct labels *labels, uint32_t *how,
                         struct error *e)
{
    if (p->place == POLICY_SKIP)
        return lower_refuse(e, "skip-row leaves rows out");
    *how = p->place == POLICY_ERROR                             ? ML_LABELS_REFUSE
           : p->place == PLACE_MISSING                          ? ML_LABELS_MISSING
           : p->place == PLACE_KEEP && labels->kept != SIZE_MAX ? ML_LABELS_LAST
                                                                : ML_LABELS_IGNORE;
    return 0;
}

/* Labels with an output come first, in their order; the kept one has a key that is no label. */
static int lower_labels(const struct step *s, const struct categories *c, struct lowering *l,
                        uint32_t cell, uint32_t *out, struct error *e)
{
    const struct encoder_plan *plan = s->plan;
    const struct labels *labels = c->own;
    size_t keyed = c->width - (labels->kept != SIZE_MAX), n = 0;
    uint32_t unknown = 0, missing = 0;
    int rc = labels_policy(&plan->unknown, labels, &unknown, e);
    if (rc == 0)
        rc = labels_policy(&plan->missing, labels, &missing, e);
    struct text *names = mem_array(NULL, c->count + 2, sizeof *names);
    for (; n < keyed; n++)
        names[n] = categories_name(c, labels->place_of[n]);
    if (labels->kept != SIZE_MAX)
        names[n++] = text_of(" ");
    for (size_t place = 0; place < c->count; place++)
        if (labels->output_of[place] == UINT32_MAX)
            names[n++] = categories_name(c, place);
    for (size_t k = 0; k < c->width; k++)
        out[k] = lower_register(l, ML_INT);
    lower_op_to(l, ML_OP_labels, (uint16_t)(unknown + 4 * missing), lower_list(l, out, c->width),
                cell, lower_map(l, names, n), lower_text(l, arg_text(s, "sep")));
    mem_free(names);
    return rc;
}

static int prepare_hashing(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    (void)e;
    for (int64_t k = 0; k < arg_int(s, "columns_out"); k++)
        rowwise_part(s, "%s_%lld", arg_string(s, "prefix"), (long long)k);
    return 0;
}

static int hash_columns(struct mapping *m)
{
    size_t width = (size_t)arg_int(m->step, "columns_out"); /* at least 1 */
    for (size_t k = 0; k < width; k++)
        memset(m->out[k].integer, 0, m->rows * sizeof *m->out[k].integer);
    for (size_t i = 0; i < m->count; i++)
        for (size_t r = 0; r < m->rows; r++) {
            struct text cell = m->in[i].text[r];
            if (!cell.at)
                continue;
            uint64_t hash = hash_bytes(cell.at, cell.len, 0);
            size_t part = hash % width; /* NOLINT(clang-analyzer-core.DivideZero): see above */
            m->out[part].integer[r]++;
        }
    return 0;
}

static int lower_hashing(struct lower_map *m)
{
    size_t width = (size_t)arg_int(m->step, "columns_out");
    for (size_t k = 0; k < width; k++)
        m->out[k] = lower_register(m->to, ML_INT);
    lower_op_to(m->to, ML_OP_hash_counts, 0, lower_list(m->to, m->out, width),
                lower_list(m->to, m->in, m->count), 0, 0);
    return 0;
}

static int lower_minhash(struct lower_map *m)
{
    size_t width = (size_t)arg_int(m->step, "dimensions");
    for (size_t k = 0; k < width; k++)
        m->out[k] = lower_register(m->to, ML_FLOAT);
    lower_op_to(m->to, ML_OP_minhash, 0, lower_list(m->to, m->out, width), m->in[0],
                (uint32_t)arg_int(m->step, "n"), 0);
    return 0;
}

static int prepare_minhash(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    (void)e;
    for (int64_t k = 0; k < arg_int(s, "dimensions"); k++)
        rowwise_part(s, "_%lld", (long long)k);
    return 0;
}

/* Lowers the minima by one run of characters. */
static void lower_minima(uint64_t *least, size_t width, const char *at, size_t len)
{
    uint64_t hash = hash_bytes(at, len, 0);
    for (size_t k = 0; k < width; k++) {
        uint64_t own = hash_u64(hash + k * UINT64_C(0x9E3779B97F4A7C15));
        least[k] = own < least[k] ? own : least[k];
    }
}

static void minhash_text(uint64_t *least, size_t width, struct text text, size_t n)
{
    memset(least, 0xFF, width * sizeof *least);
    size_t from = 0, to = utf8_offset(text.at, text.len, n);
    lower_minima(least, width, text.at, to);
    while (to < text.len) {
        from += utf8_offset(text.at + from, text.len - from, 1);
        to += utf8_offset(text.at + to, text.len - to, 1);
        lower_minima(least, width, text.at + from, to - from);
    }
}

static int minhash_column(struct mapping *m)
{
    size_t width = (size_t)arg_int(m->step, "dimensions"), n = (size_t)arg_int(m->step, "n");
    uint64_t *least = batch_array(m->batch, width, sizeof *least);
    for (size_t r = 0; r < m->rows; r++) {
        struct text cell = m->in->text[r];
        m->scratch.len = 0;
        buf_putc(&m->scratch, ' ');
        if (cell.at)
            buf_add(&m->scratch, cell.at, cell.len);
        buf_putc(&m->scratch, ' ');
        minhash_text(least, width, (struct text){m->scratch.at, m->scratch.len}, n);
        for (size_t k = 0; k < width; k++)
            m->out[k].number[r] = cell.at ? (double)(least[k] >> 11) * 0x1p-53 : (double)NAN;
    }
    return 0;
}

static const struct arg similarity_args[] = {
    ROWWISE_COLUMNS("columns to encode"),
    {.name = "max",
     .kind = ARG_INT,
     .help = "compare with the most frequent categories only, at most so many",
     .min = 1,
     .max = COLUMNS_MAX},
    ENCODER_MISSING("missing"),
    ROWWISE_KEEP,
    {0},
};
static const struct arg labels_args[] = {
    ROWWISE_COLUMNS("columns to encode"),
    {.name = "sep", .kind = ARG_TEXT, .fallback = ";", .help = "between the labels of a cell"},
    {.name = "max",
     .kind = ARG_INT,
     .help = "columns for the most frequent labels only, at most so many",
     .min = 1,
     .max = COLUMNS_MAX},
    ENCODER_UNKNOWN("error"),
    ENCODER_MISSING("ignore"),
    ROWWISE_KEEP,
    {0},
};
static const struct arg hashing_args[] = {
    ROWWISE_COLUMNS("columns to encode"),
    {.name = "columns_out",
     .kind = ARG_INT,
     .fallback = "8",
     .help = "number of new columns",
     .min = 1,
     .max = 65536},
    {.name = "prefix",
     .kind = ARG_TEXT,
     .fallback = "hash",
     .help = "begin of the new columns' names"},
    ROWWISE_KEEP,
    {0},
};
static const struct arg minhash_args[] = {
    ROWWISE_COLUMNS("columns to encode"),
    {.name = "dimensions",
     .kind = ARG_INT,
     .fallback = "30",
     .help = "number of new columns for each",
     .min = 1,
     .max = 4096},
    {.name = "n",
     .kind = ARG_INT,
     .fallback = "3",
     .help = "characters of the pieces that are hashed",
     .min = 1,
     .max = 64},
    ROWWISE_KEEP,
    {0},
};

static const struct encoder similarity_encoder = {
    ENCODER_LEARNS,          .to = TYPE_FLOAT,
    .widens = true,          .derive = derive_similarity,
    .fill = fill_similarity, .lower_cell = lower_similarity};
static const struct encoder labels_encoder = {ENCODER_LEARNS,
                                              .to = TYPE_INT,
                                              .widens = true,
                                              .derive = derive_labels,
                                              .fill = fill_labels,
                                              .count = count_labels,
                                              .lower_cell = lower_labels};
static const struct rowwise hashing_map = {.from = TYPE_TEXT,
                                           .to = TYPE_INT,
                                           .column = hash_columns,
                                           .lower = lower_hashing,
                                           .several = true,
                                           .drops = true,
                                           .prepare = prepare_hashing};
static const struct rowwise minhash_map = {.from = TYPE_TEXT,
                                           .to = TYPE_FLOAT,
                                           .column = minhash_column,
                                           .lower = lower_minhash,
                                           .drops = true,
                                           .prepare = prepare_minhash};

const struct step_kind steps_encode_text[] = {
    {
        .name = "hashing",
        .aliases = "hashing_encode hash_encode",
        .family = "encode",
        .class = "S",
        .summary = "count the cells of a row by their hash, in a fixed number of columns",
        .details = "Nothing is learnt and no category is unknown, but two may share a column. All "
                   "selected columns are hashed into the same new ones. The hash is this "
                   "program's own, the same on all machines (category_encoders uses MD5). A "
                   "missing cell counts nowhere.",
        .args = hashing_args,
        .example = {.program = "hashing city columns_out=3",
                    .input = "city\nOslo\nRome\nBern\nOslo\n",
                    .output = "hash_0,hash_1,hash_2\n1,0,0\n1,0,0\n0,1,0\n1,0,0\n"},
        ROWWISE_HOOKS,
        .detail = &hashing_map,
    },
    {
        .name = "minhash_encode",
        .aliases = "minhash",
        .family = "encode",
        .class = "S",
        .summary = "numbers from 0 to 1 that agree in as many columns as texts are alike",
        .details = "Two texts agree in a column with the probability that is their Jaccard "
                   "similarity: the share of pieces of n characters that both have (Broder 1997; "
                   "Cerda and Varoquaux 2020, arXiv:1907.01860). A blank is put on either end of "
                   "the text. Spelling variants of dirty categories come out similar; nothing is "
                   "learnt. Known elsewhere as similarity encoding.",
        .args = minhash_args,
        .example = {.program = "minhash_encode city dimensions=2 | round @all digits=3",
                    .input = "city\nOslo\nOslo\nRome\n",
                    .output = "city_0,city_1\n0.355,0.396\n0.355,0.396\n0.205,0.16\n"},
        ROWWISE_HOOKS,
        .detail = &minhash_map,
    },
    {
        .name = "multilabel_onehot",
        .aliases = "multilabel_binarizer",
        .family = "encode",
        .class = "F",
        .summary = "a column of 0 and 1 for each label; a cell holds any number of them",
        .details =
            "As scikit-learn's MultiLabelBinarizer after splitting at sep; blanks around "
            "labels do not count. unknown=ignore passes over labels not seen when fitting "
            "and keeps the others of the cell." HELD("labels", "about 200 bytes and the text"),
        .args = labels_args,
        .example = {.program = "multilabel_onehot tags",
                    .input = "tags\nred;blue\nblue\n\"\"\ngreen; red\n",
                    .output = "tags_blue,tags_green,tags_red\n1,0,1\n1,0,0\n0,0,0\n0,1,1\n"},
        ENCODER_HOOKS,
        .detail = &labels_encoder,
    },
    {
        .name = "similarity_encode",
        .aliases = "string_similarity",
        .family = "encode",
        .class = "F",
        .summary = "how alike a text and each known category are, a column for each category",
        .details =
            "As feature-engine: twice the number of characters both have, wherever they stand, "
            "over the number they have together (difflib's quick_ratio). New texts are compared "
            "like any other. missing=ignore gives zeros. For the encoder based on hashes see "
            "minhash_encode.",
        .args = similarity_args,
        .example = {.program = "similarity_encode city max=1",
                    .input = "city\nOslo\nOslo\nSolo\nRome\n",
                    .output = "city_Oslo\n1\n1\n0.5\n0.25\n"},
        ENCODER_HOOKS,
        .detail = &similarity_encoder,
    },
    {0},
};
