/* Every kernel against the reference interpreter, bit for bit, on random models and awkward rows.
 */
#include "infer/infer.h"
#include "infer/plan.h"
#include "model/builder.h"
#include "unit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* What a random model is like. */
struct kind {
    size_t trees, leaves, depth; /* at most so many leaves, so deep: a tree is bushy or a chain */
    size_t features, outputs, width;
    size_t cuts; /* how many different thresholds there are, about; 0: 40 */
    bool single, less_equal, single_sum, base_last, narrow;
    bool sets, extremes; /* thresholds that are hardly numbers */
    unsigned how, sets_of, rounds;
    uint8_t missing; /* bits that may be set */
};

static uint64_t draw(uint64_t *state, uint64_t below)
{
    return random_below(7, 1, (*state)++, below);
}

/* Among few different ones, so that rows meet them; or many. */
static double random_threshold(const struct kind *k, uint64_t *state)
{
    static const double extremes[] = {
        (double)INFINITY, -(double)INFINITY, DBL_MAX,         -DBL_MAX, 4e-324, -4e-324,
        (double)FLT_MAX,  -(double)FLT_MAX,  (double)FLT_MIN, 1e-45,    0.0,    -0.0};
    double x = ((double)draw(state, k->cuts ? k->cuts : 40) / 8 - 2) * 0.1;
    if (k->extremes && draw(state, 3) == 0)
        x = extremes[draw(state, COUNT_OF(extremes))];
    return k->single && draw(state, 4) ? (double)(float)x : x;
}

static void fill_node(const struct kind *k, struct draft_node *n, uint64_t *state,
                      struct builder *b, double *values)
{
    *n = (struct draft_node){.feature = NODE_LEAF, .set = NO_SET, .cover = 1, .value = values};
    n->number = (uint32_t)(*state & UINT16_MAX) + (k->cuts > 1000 ? 70000 : 0);
    for (size_t w = 0; w < k->width; w++)
        values[w] = (double)(float)((double)draw(state, 2000) / 977 - 1);
    if (k->sets) {
        uint32_t words[2] = {(uint32_t)draw(state, UINT32_MAX), (uint32_t)draw(state, 99)};
        n->set = builder_set(b, words, draw(state, 3));
    }
}

/* Grows by splitting leaves: the next one, which makes it bushy, or one of the last. */
static struct draft_node *random_tree(const struct kind *k, size_t *count, uint64_t *state,
                                      struct builder *b, double *values)
{
    size_t leaves = 1 + draw(state, k->leaves), room = 2 * k->leaves;
    bool bushy = draw(state, 2);
    struct draft_node *nodes = mem_alloc(room * sizeof *nodes);
    size_t *depth = mem_alloc(room * sizeof *depth);
    fill_node(k, &nodes[0], state, b, values);
    *count = 1;
    for (size_t next = 0; next < *count && *count + 2 < 2 * leaves; next++) {
        size_t at = bushy ? next : *count - 1 - draw(state, *count < 4 ? 1 : 4);
        struct draft_node *n = &nodes[at];
        if (n->feature != NODE_LEAF || depth[at] == k->depth)
            continue;
        n->feature = (uint32_t)draw(state, k->features);
        n->missing = (uint8_t)(draw(state, 8) & k->missing);
        n->threshold = random_threshold(k, state);
        n->set = n->feature == 0 ? n->set : NO_SET;
        n->left = (uint32_t)*count;
        n->right = (uint32_t)*count + 1;
        for (size_t i = *count; i < *count + 2; i++) {
            fill_node(k, &nodes[i], state, b, values + i * k->width);
            depth[i] = depth[at] + 1;
        }
        *count += 2;
    }
    mem_free(depth);
    return nodes;
}

static struct model *random_model(const struct kind *k, uint64_t *state)
{
    struct model *m = model_new("test", k->features);
    struct builder *b = builder_new(k->width);
    struct error e = {0};
    m->outputs = k->outputs;
    double *base = model_numbers(m, k->outputs);
    for (size_t i = 0; i < k->outputs; i++)
        base[i] = (double)(float)(0.1 * (double)(i + 1));
    m->base = base;
    for (size_t t = 0; t < k->trees; t++) {
        size_t count;
        double *values = model_numbers(m, 2 * k->leaves * k->width);
        struct draft_node *nodes = random_tree(k, &count, state, b, values);
        uint32_t output = (uint32_t)(k->width == k->outputs ? 0 : t % k->outputs);
        CHECK_INT(builder_tree(b, nodes, count, 0, output, &e), 0);
        mem_free(nodes);
    }
    builder_finish(b, m);
    m->trees.single = k->single;
    m->trees.compare = k->less_equal ? COMPARE_LESS_EQUAL : COMPARE_LESS;
    m->trees.sets_of = k->sets_of;
    m->sum = (struct leaf_sum){.single = k->single_sum,
                               .base_last = k->base_last,
                               .narrow = k->narrow,
                               .rounds = k->rounds};
    m->sum.how = k->how;
    CHECK_INT(model_check(m, &e), 0);
    return m;
}

static double random_value(const struct kind *k, uint64_t *state)
{
    double x = random_threshold(k, state);
    switch (draw(state, 12)) {
    case 0:
        return (double)NAN;
    case 1:
        return draw(state, 2) ? (double)INFINITY : -(double)INFINITY;
    case 2:
        return draw(state, 2) ? 0.0 : -0.0;
    case 3:
        return draw(state, 2) ? 1e-36 : 4e-324;
    case 4:
        return nextafter(x, (double)INFINITY);
    case 5:
        return (double)nextafterf((float)x, -INFINITY);
    case 6:
        return (double)draw(state, 80) - 3; /* categories, and what is none */
    case 7:
        return (double)draw(state, 60) + (draw(state, 2) ? 0.5 : 0.9999999999);
    default:
        return x;
    }
}

/* ---- a model, rows of it, and what the reference makes of them ---- */

struct trial {
    struct model *m;
    struct ml_plan *p;
    size_t rows;
    double *wide;              /* rows * features */
    const double *columns[64]; /* the same */
    float *single;             /* the same when they are floats, else NULL */
    double *margins;           /* rows * outputs */
    uint32_t *leaves;          /* rows * trees */
};

static void *new_block(const struct ml_plan *p)
{
    size_t bytes = ml_block_bytes(p);
    void *block = aligned_alloc(64, bytes + 64 - bytes % 64);
    if (block)
        memset(block, 0xd7, bytes); /* nothing may depend on what was there */
    return block;
}

static void random_rows(struct trial *t, const struct kind *k, bool floats, uint64_t *state)
{
    t->wide = model_numbers(t->m, t->rows * k->features);
    t->single = floats ? mem_alloc(t->rows * k->features * sizeof *t->single) : NULL;
    for (size_t f = 0; f < k->features; f++) {
        double *column = model_numbers(t->m, t->rows);
        for (size_t r = 0; r < t->rows; r++) {
            double x = random_value(k, state);
            column[r] = floats ? (double)(float)x : x;
            t->wide[r * k->features + f] = column[r];
            if (floats)
                t->single[r * k->features + f] = (float)x;
        }
        t->columns[f] = column;
    }
}

static void ask_reference(struct trial *t)
{
    struct error e = {0};
    size_t features = t->m->feature_count, outputs = t->m->outputs, trees = t->m->trees.count;
    struct reference *r = reference_new(t->m);
    t->margins = mem_array(NULL, t->rows * outputs, sizeof *t->margins);
    t->leaves = mem_array(NULL, t->rows * trees, sizeof *t->leaves);
    for (size_t i = 0; i < t->rows; i++) {
        const double *row = t->wide + i * features;
        CHECK_INT(reference_margins(r, row, t->margins + i * outputs, &e), 0);
        CHECK_INT(reference_leaves(r, row, t->leaves + i * trees, &e), 0);
    }
    reference_free(r);
}

static void trial_begin(struct trial *t, const struct kind *k, uint64_t seed)
{
    static const size_t rows[] = {1, 16, 17, 63, 64, 65, 511, 512, 513, 700};
    uint64_t state = seed << 32;
    struct error e = {0};
    t->m = random_model(k, &state);
    t->p = plan_new(t->m, NULL, &e);
    t->rows = rows[seed % COUNT_OF(rows)];
    random_rows(t, k, seed % 3 == 0, &state);
    ask_reference(t);
}

static void trial_end(struct trial *t)
{
    mem_free(t->single);
    mem_free(t->margins);
    mem_free(t->leaves);
    mem_free(t->p);
    model_free(t->m);
}

/* ---- ways to run rows ---- */

static size_t rows_from(size_t rows, size_t first)
{
    return rows - first < ML_ROWS ? rows - first : ML_ROWS;
}

/* All rows, encoded in two pieces of columns or of rows. */
static void run_pieces(const struct ml_plan *p, const struct ml_kernels *k,
                       const struct ml_rows *from, size_t rows, void *block, double *margins)
{
    for (size_t r = 0; r < rows; r += ML_ROWS) {
        size_t n = rows_from(rows, r), part = n / 3;
        if (part)
            k->encode(p, from, r, part, 0, block);
        k->encode(p, from, r + part, n - part, part, block);
        k->block(p, block, n, margins + r * p->outputs);
    }
}

/* Leaves, then margins of the same block, encoded a row at a time. */
static void run_rows(const struct ml_plan *p, const struct ml_kernels *k,
                     const struct ml_rows *from, size_t rows, void *block, double *margins,
                     uint32_t *leaves)
{
    for (size_t r = 0; r < rows; r += ML_ROWS) {
        size_t n = rows_from(rows, r);
        for (size_t i = n; i-- > 0;)
            k->encode(p, from, r + i, 1, i, block);
        k->leaves(p, block, n, leaves + r * p->trees);
        k->block(p, block, n, margins + r * p->outputs);
    }
}

static void check_same(const struct trial *t, const double *got, const char *kernel,
                       const char *way)
{
    size_t wrong = 0, n = t->rows * t->m->outputs;
    for (size_t i = 0; i < n; i++)
        wrong += memcmp(&t->margins[i], &got[i], sizeof *got) != 0;
    if (wrong)
        UNIT_FAIL("%s, %s: %zu of %zu margins differ", kernel, way, wrong, n);
}

static void check_kernels(const struct trial *t, const struct ml_kernels *k)
{
    size_t outputs = t->m->outputs, trees = t->m->trees.count, features = t->p->features;
    struct ml_rows columns = {.column = t->columns};
    struct ml_rows wide = {.wide = t->wide, .stride = features};
    struct ml_rows single = {.single = t->single, .stride = features};
    void *block = new_block(t->p);
    double *got = mem_alloc(t->rows * outputs * sizeof *got);
    uint32_t *leaves = mem_alloc(t->rows * trees * sizeof *leaves);
    run_pieces(t->p, k, &columns, t->rows, block, got);
    check_same(t, got, k->name, "columns");
    run_pieces(t->p, k, t->single ? &single : &wide, t->rows, block, got);
    check_same(t, got, k->name, "rows");
    run_rows(t->p, k, t->single ? &single : &wide, t->rows, block, got, leaves);
    check_same(t, got, k->name, "row by row");
    CHECK(memcmp(leaves, t->leaves, t->rows * trees * sizeof *leaves) == 0);
    free(block);
    void *work = mem_alloc(ml_row_bytes(t->p));
    for (size_t r = 0; r < t->rows; r++)
        k->row(t->p, t->wide + r * features, work, got + r * outputs);
    check_same(t, got, k->name, "single rows");
    mem_free(work);
    mem_free(leaves);
    mem_free(got);
}

static const char *const levels[] = {"scalar", "avx2", "avx512"};

static void check_kind(const struct kind *k, uint64_t seed)
{
    struct trial t;
    trial_begin(&t, k, seed);
    CHECK_INT(ml_plan_check(t.p, t.p->bytes), 0);
    for (size_t i = 0; i < COUNT_OF(levels); i++)
        check_kernels(&t, ml_kernels_best(levels[i]));
    trial_end(&t);
}

/* ---- kinds ---- */

TEST(gradient_boosting_in_floats)
{
    for (uint64_t seed = 0; seed < 60; seed++)
        check_kind(&(struct kind){.trees = 20,
                                  .leaves = (size_t)1 << (seed % 9),
                                  .depth = seed % 9,
                                  .features = 6,
                                  .outputs = 1,
                                  .width = 1,
                                  .single = true,
                                  .single_sum = true,
                                  .sets = seed % 3 == 0,
                                  .extremes = seed % 4 == 0,
                                  .missing = MISSING_LEFT},
                   seed);
}

TEST(gradient_boosting_in_doubles)
{
    for (uint64_t seed = 0; seed < 60; seed++)
        check_kind(&(struct kind){.trees = 21,
                                  .leaves = 40,
                                  .depth = 1 + seed % 12,
                                  .features = 5,
                                  .outputs = 3,
                                  .width = 1,
                                  .less_equal = true,
                                  .narrow = seed % 5 == 0,
                                  .sets = seed % 2 == 0,
                                  .sets_of = (unsigned)(seed % 3),
                                  .extremes = seed % 4 == 0,
                                  .base_last = seed % 4 == 1,
                                  .missing = 7},
                   seed);
}

/* Chains of up to 256 leaves. */
TEST(sparse_trees)
{
    for (uint64_t seed = 0; seed < 40; seed++)
        check_kind(&(struct kind){.trees = 7,
                                  .leaves = seed % 4 ? 31 : 256,
                                  .depth = 300,
                                  .features = 4,
                                  .outputs = 1,
                                  .width = 1,
                                  .single = seed % 2,
                                  .single_sum = seed % 4 < 2,
                                  .sets = seed % 5 == 0,
                                  .sets_of = (unsigned)(seed % 3),
                                  .missing = 7},
                   seed);
}

TEST(forests_of_vectors)
{
    for (uint64_t seed = 0; seed < 60; seed++)
        check_kind(&(struct kind){.trees = 9,
                                  .leaves = 100,
                                  .depth = 1 + seed % 8,
                                  .features = 5,
                                  .outputs = 3,
                                  .width = 3,
                                  .single = seed % 2,
                                  .single_sum = seed % 7 == 0,
                                  .less_equal = true,
                                  .how = SUM_MEAN,
                                  .rounds = seed % 2 ? 3 : 0,
                                  .missing = MISSING_LEFT},
                   seed);
}

TEST(least_and_largest)
{
    for (uint64_t seed = 0; seed < 40; seed++)
        check_kind(&(struct kind){.trees = 9,
                                  .leaves = 8,
                                  .depth = 3,
                                  .features = 5,
                                  .outputs = 2,
                                  .width = 1,
                                  .single = true,
                                  .single_sum = seed % 4 > 1,
                                  .how = seed % 2 ? SUM_MIN : SUM_MAX},
                   seed);
}

/* Trees of all kinds in a model, some too large for lines. */
TEST(deep_trees)
{
    for (uint64_t seed = 0; seed < 40; seed++)
        check_kind(&(struct kind){.trees = 12,
                                  .leaves = 600,
                                  .depth = 700,
                                  .features = 4,
                                  .outputs = 2,
                                  .width = 1 + seed % 2,
                                  .cuts = seed % 2 ? 100000 : 0,
                                  .single = seed % 2,
                                  .single_sum = seed % 4 < 2,
                                  .sets = seed % 3 == 0,
                                  .extremes = seed % 4 == 0,
                                  .missing = 7},
                   seed);
}

/* Codes of two bytes, and so many lines that trees fall into groups. */
TEST(many_cuts)
{
    for (uint64_t seed = 0; seed < 12; seed++)
        check_kind(&(struct kind){.trees = seed % 4 ? 60 : 300,
                                  .leaves = 64,
                                  .depth = 6,
                                  .features = seed % 2 ? 1 : 4,
                                  .outputs = 1,
                                  .width = 1,
                                  .cuts = 1000000,
                                  .single = true,
                                  .single_sum = true,
                                  .missing = MISSING_LEFT},
                   seed);
}

/* More cuts of a feature than codes of two bytes count. */
TEST(very_many_cuts)
{
    struct kind kind = {.trees = 700,
                        .leaves = 256,
                        .depth = 8,
                        .features = 1,
                        .outputs = 1,
                        .width = 1,
                        .cuts = 100000000,
                        .single_sum = true};
    check_kind(&kind, 3);
}

TEST(columns_that_are_not_there_are_missing)
{
    struct trial t;
    struct kind kind = {.trees = 20,
                        .leaves = 32,
                        .depth = 5,
                        .features = 6,
                        .outputs = 1,
                        .width = 1,
                        .missing = MISSING_LEFT};
    trial_begin(&t, &kind, 4);
    for (size_t r = 0; r < t.rows; r++)
        t.wide[r * 6 + 2] = t.wide[r * 6 + 5] = (double)NAN;
    t.columns[2] = t.columns[5] = NULL;
    mem_free(t.margins);
    mem_free(t.leaves);
    ask_reference(&t);
    for (size_t i = 0; i < COUNT_OF(levels); i++)
        check_kernels(&t, ml_kernels_best(levels[i]));
    trial_end(&t);
}

/* ---- plans that give something up ---- */

TEST(models_of_doubles_as_floats)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct trial t;
        struct error e = {0};
        struct kind kind = {.trees = 20,
                            .leaves = 40,
                            .depth = 9,
                            .features = 5,
                            .outputs = 2,
                            .width = 1,
                            .less_equal = seed % 2,
                            .missing = MISSING_LEFT};
        trial_begin(&t, &kind, seed);
        mem_free(t.p);
        t.p = plan_new(t.m, &(struct plan_options){.float32 = true}, &e);
        t.m->trees.single = t.m->sum.single = true;
        mem_free(t.margins);
        mem_free(t.leaves);
        ask_reference(&t);
        for (size_t i = 0; i < COUNT_OF(levels); i++)
            check_kernels(&t, ml_kernels_best(levels[i]));
        trial_end(&t);
    }
}

/* The cuts of a plan's column, all of them. */
static const double *cuts_of(const struct ml_plan *p, size_t column)
{
    const struct ml_column *c =
        (const void *)((const char *)p + p->at[ML_AT_COLUMN] + column * sizeof *c);
    return (const void *)((const char *)p + p->at[ML_AT_CUT] + c->level[c->levels - 1]);
}

static size_t count_of(const struct ml_plan *p, size_t column)
{
    const struct ml_column *c =
        (const void *)((const char *)p + p->at[ML_AT_COLUMN] + column * sizeof *c);
    return c->cuts;
}

/* Thresholds become the nearest of those that the plan has. */
static void move_thresholds(struct trial *t)
{
    double *threshold = mem_copy(t->m->trees.threshold, t->m->trees.nodes * sizeof *threshold);
    for (size_t i = 0; i < t->m->trees.nodes; i++) {
        uint32_t f = t->m->trees.feature[i];
        if (f == NODE_LEAF)
            continue;
        const double *cuts = cuts_of(t->p, f);
        size_t best = 0;
        for (size_t c = 1; c < count_of(t->p, f); c++)
            if (fabs(cuts[c] - threshold[i]) <= fabs(cuts[best] - threshold[i]))
                best = c;
        threshold[i] = cuts[best];
    }
    double *kept = model_numbers(t->m, t->m->trees.nodes);
    memcpy(kept, threshold, t->m->trees.nodes * sizeof *kept);
    t->m->trees.threshold = kept;
    mem_free(threshold);
}

TEST(codes_of_one_byte)
{
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct trial t;
        struct error e = {0};
        struct kind kind = {.trees = 60,
                            .leaves = 64,
                            .depth = 6,
                            .features = 2,
                            .outputs = 1,
                            .width = 1,
                            .cuts = 100000};
        trial_begin(&t, &kind, seed);
        CHECK(count_of(t.p, 0) > 500);
        mem_free(t.p);
        t.p = plan_new(t.m, &(struct plan_options){.u8 = true}, &e);
        CHECK(count_of(t.p, 0) > 200 && count_of(t.p, 0) <= 255);
        move_thresholds(&t);
        mem_free(t.margins);
        mem_free(t.leaves);
        ask_reference(&t);
        for (size_t i = 0; i < COUNT_OF(levels); i++)
            check_kernels(&t, ml_kernels_best(levels[i]));
        trial_end(&t);
    }
}

/* ---- plans from elsewhere ---- */

/* A byte of the head, or of a section. */
static uint8_t *random_byte(struct ml_plan *p, const struct ml_plan *sound, uint64_t *state)
{
    size_t section = draw(state, ML_AT_END + 1), from = 0, to = sizeof *p;
    if (section < ML_AT_END) {
        from = sound->at[section];
        to = sound->at[section + 1] - 256; /* which are zeros behind it */
    }
    return (uint8_t *)p + from + draw(state, to > from ? to - from : 1);
}

/* A damaged plan is refused, or leads to nothing but other numbers. */
static void check_damaged(const struct trial *t, const struct ml_kernels *k, uint64_t *state)
{
    size_t bytes = t->p->bytes, rows = t->rows < 40 ? t->rows : 40;
    struct ml_plan *p = mem_copy(t->p, bytes);
    for (size_t n = 1 + draw(state, 2); n > 0; n--) {
        uint8_t *byte = random_byte(p, t->p, state);
        uint8_t ways[] = {(uint8_t)(*byte ^ 1 << draw(state, 8)), (uint8_t)(*byte + 1),
                          (uint8_t)(*byte - 1), UINT8_MAX};
        *byte = ways[draw(state, COUNT_OF(ways))];
    }
    if (p->features == t->p->features && ml_plan_check(p, bytes) == 0) {
        struct ml_rows columns = {.column = t->columns};
        struct ml_rows wide = {.wide = t->wide, .stride = p->features};
        void *block = new_block(p);
        double *margins = mem_alloc(rows * p->outputs * sizeof *margins);
        uint32_t *leaves = mem_alloc(rows * p->trees * sizeof *leaves);
        run_pieces(p, k, &columns, rows, block, margins);
        run_rows(p, k, &wide, rows, block, margins, leaves);
        for (size_t r = 0; r < rows; r++)
            k->row(p, t->wide + r * p->features, block, margins);
        mem_free(leaves);
        mem_free(margins);
        free(block);
    }
    mem_free(p);
}

TEST(damaged_plans)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct trial t;
        struct kind kind = {.trees = 6,
                            .leaves = seed % 8 ? 64 : 300,
                            .depth = seed % 3 ? 6 : 300,
                            .features = 5,
                            .outputs = 2,
                            .width = 1 + seed % 2,
                            .cuts = seed % 2 ? 100000 : 0,
                            .single = seed % 3,
                            .single_sum = seed % 4,
                            .sets = seed % 5 < 3,
                            .missing = 7};
        uint64_t state = seed << 20;
        trial_begin(&t, &kind, seed);
        CHECK_INT(ml_plan_check(t.p, t.p->bytes), 0);
        CHECK(ml_plan_check(t.p, t.p->bytes - 1) < 0);
        for (size_t i = 0; i < 100; i++)
            check_damaged(&t, ml_kernels_best(levels[i % COUNT_OF(levels)]), &state);
        trial_end(&t);
    }
}

TEST(the_choice_of_kernels)
{
    CHECK_TEXT(ml_kernels_best("scalar")->name, "plain");
    CHECK_TEXT(ml_kernels_best("sse2")->name, "plain");
    CHECK_TEXT(ml_kernels_best("neon")->name, "plain");
    CHECK(strcmp(ml_kernels_best("avx2")->name, "avx512") != 0);
    CHECK(ml_kernels_best(NULL) == ml_kernels_best("avx512"));
}
