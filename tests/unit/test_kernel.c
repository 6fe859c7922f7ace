/* Every kernel against the reference interpreter, bit for bit, on random models and awkward rows.
 */
#include "infer/infer.h"
#include "infer/plan.h"
#include "model/builder.h"
#include "unit.h"

#include <math.h>

/* What a random model is like. */
struct kind {
    size_t depth, features, trees, outputs, width;
    bool single, less_equal, single_sum, base_last, sets, many_cuts;
    unsigned how;
    uint8_t missing; /* bits that may be set */
};

static uint64_t draw(uint64_t *state, uint64_t below)
{
    return random_below(7, 1, (*state)++, below);
}

/* Few different thresholds, so that rows meet them; or many. */
static double random_threshold(const struct kind *k, uint64_t *state)
{
    double x = (double)draw(state, k->many_cuts ? 100000 : 40) / 8 - 2;
    return k->single ? (double)(float)(x * 0.1) : x * 0.1;
}

static struct draft_node *random_tree(const struct kind *k, size_t *count, uint64_t *state,
                                      struct builder *b, double *values)
{
    size_t room = (size_t)2 << k->depth;
    struct draft_node *nodes = mem_alloc(room * sizeof *nodes);
    uint8_t *depth = mem_alloc(room);
    *count = 1;
    for (size_t i = 0; i < *count; i++) {
        struct draft_node *n = &nodes[i];
        *n = (struct draft_node){.feature = NODE_LEAF, .set = NO_SET, .cover = 1};
        n->number = (uint32_t)(*state & UINT16_MAX) + (k->many_cuts ? 70000 : 0);
        n->value = values + i * k->width;
        for (size_t w = 0; w < k->width; w++)
            values[i * k->width + w] = (double)(float)((double)draw(state, 2000) / 977 - 1);
        if (depth[i] == k->depth || (i > 0 && draw(state, 6) == 0))
            continue;
        n->feature = (uint32_t)draw(state, k->features);
        n->missing = (uint8_t)(draw(state, 8) & k->missing);
        n->threshold = random_threshold(k, state);
        if (k->sets && n->feature == 0) {
            uint32_t words[2] = {(uint32_t)draw(state, UINT32_MAX), (uint32_t)draw(state, 99)};
            n->set = builder_set(b, words, 1 + draw(state, 2));
        }
        n->left = (uint32_t)*count;
        n->right = (uint32_t)*count + 1;
        depth[*count] = depth[*count + 1] = (uint8_t)(depth[i] + 1);
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
        double *values = model_numbers(m, ((size_t)2 << k->depth) * k->width);
        struct draft_node *nodes = random_tree(k, &count, state, b, values);
        uint32_t output = (uint32_t)(k->width == k->outputs ? 0 : t % k->outputs);
        CHECK_INT(builder_tree(b, nodes, count, 0, output, &e), 0);
        mem_free(nodes);
    }
    builder_finish(b, m);
    m->trees.single = k->single;
    m->trees.compare = k->less_equal ? COMPARE_LESS_EQUAL : COMPARE_LESS;
    m->sum = (struct leaf_sum){.single = k->single_sum, .base_last = k->base_last};
    m->sum.how = (unsigned)k->how;
    m->sum.narrow = !k->single_sum && k->trees == 21;
    m->sum.rounds = k->trees == 9 ? 3 : 0;
    m->trees.sets_of = k->trees % 3;
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

enum { ROWS_MAX = 700 };

/* Margins of all rows, encoded a column at a time. */
static void run_columns(const struct ml_plan *p, const struct ml_kernels *k,
                        const double *const *columns, size_t rows, void *block, double *margins)
{
    struct ml_rows from = {.column = columns};
    for (size_t r = 0; r < rows; r += ML_ROWS) {
        size_t n = rows - r < ML_ROWS ? rows - r : ML_ROWS;
        k->encode(p, &from, r, n, 0, block);
        k->block(p, block, n, margins + r * p->outputs);
    }
}

/* The same and the leaves, encoded a row at a time; and each row on its own. */
static void run_rows(const struct ml_plan *p, const struct ml_kernels *k, const double *wide,
                     size_t rows, void *block, double *margins, uint32_t *leaves)
{
    struct ml_rows from = {.wide = wide, .stride = p->features};
    for (size_t r = 0; r < rows; r += ML_ROWS) {
        size_t n = rows - r < ML_ROWS ? rows - r : ML_ROWS;
        for (size_t i = 0; i < n; i++)
            k->encode(p, &from, r + i, 1, i, block);
        k->leaves(p, block, n, leaves + r * p->trees);
        k->block(p, block, n, margins + r * p->outputs);
    }
}

static void check_same(const double *want, const double *got, size_t n, const char *what)
{
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += memcmp(&want[i], &got[i], sizeof *got) != 0;
    if (wrong)
        UNIT_FAIL("%s: %zu of %zu margins differ", what, wrong, n);
}

/* A model, rows of it, and what the reference makes of them. */
struct trial {
    struct model *m;
    struct ml_plan *p;
    size_t rows;
    double *wide;              /* rows * features */
    const double *columns[32]; /* the same */
    double *margins;           /* rows * outputs */
    uint32_t *leaves;          /* rows * trees */
};

static void trial_begin(struct trial *t, const struct kind *k, uint64_t seed)
{
    uint64_t state = seed << 32;
    struct error e = {0};
    t->m = random_model(k, &state);
    t->p = plan_new(t->m, NULL, &e);
    t->rows = (size_t[]){1, 63, 65, 512, ROWS_MAX}[seed % 5];
    t->wide = model_numbers(t->m, t->rows * k->features);
    t->margins = model_numbers(t->m, t->rows * k->outputs);
    t->leaves = mem_array(NULL, t->rows * k->trees, sizeof *t->leaves);
    for (size_t f = 0; f < k->features; f++) {
        double *column = model_numbers(t->m, t->rows);
        for (size_t r = 0; r < t->rows; r++)
            t->wide[r * k->features + f] = column[r] = random_value(k, &state);
        t->columns[f] = column;
    }
    struct reference *r = reference_new(t->m);
    for (size_t i = 0; i < t->rows; i++) {
        const double *row = t->wide + i * k->features;
        CHECK_INT(reference_margins(r, row, t->margins + i * k->outputs, &e), 0);
        CHECK_INT(reference_leaves(r, row, t->leaves + i * k->trees, &e), 0);
    }
    reference_free(r);
}

static void *new_block(const struct ml_plan *p)
{
    size_t bytes = ml_block_bytes(p);
    void *block = aligned_alloc(64, bytes + 64 - bytes % 64);
    if (block)
        memset(block, 0xd7, bytes); /* nothing may depend on what was there */
    return block;
}

static void trial_end(struct trial *t)
{
    mem_free(t->leaves);
    mem_free(t->p);
    model_free(t->m);
}

static void check_kernels(const struct trial *t, const struct ml_kernels *k)
{
    size_t outputs = t->m->outputs, trees = t->m->trees.count;
    void *block = new_block(t->p);
    double *got = mem_alloc(t->rows * outputs * sizeof *got);
    uint32_t *leaves = mem_alloc(t->rows * trees * sizeof *leaves);
    run_columns(t->p, k, t->columns, t->rows, block, got);
    check_same(t->margins, got, t->rows * outputs, k->name);
    run_rows(t->p, k, t->wide, t->rows, block, got, leaves);
    check_same(t->margins, got, t->rows * outputs, k->name);
    CHECK(memcmp(leaves, t->leaves, t->rows * trees * sizeof *leaves) == 0);
    for (size_t r = 0; r < t->rows; r++)
        k->row(t->p, t->wide + r * t->p->features, block, got + r * outputs);
    check_same(t->margins, got, t->rows * outputs, k->name);
    mem_free(leaves);
    mem_free(got);
    free(block);
}

static void check_kind(const struct kind *k, uint64_t seed)
{
    struct trial t;
    trial_begin(&t, k, seed);
    const char *levels[] = {"scalar", "avx2", "avx512"};
    for (size_t i = 0; i < COUNT_OF(levels); i++)
        check_kernels(&t, ml_kernels_best(levels[i]));
    trial_end(&t);
}

TEST(gradient_boosting_in_floats)
{
    for (uint64_t seed = 0; seed < 60; seed++)
        check_kind(&(struct kind){.depth = seed % 9,
                                  .features = 6,
                                  .trees = 20,
                                  .outputs = 1,
                                  .width = 1,
                                  .single = true,
                                  .single_sum = true,
                                  .sets = seed % 3 == 0,
                                  .missing = MISSING_LEFT},
                   seed);
}

TEST(gradient_boosting_in_doubles)
{
    for (uint64_t seed = 0; seed < 60; seed++)
        check_kind(&(struct kind){.depth = 1 + seed % 8,
                                  .features = 5,
                                  .trees = 21,
                                  .outputs = 3,
                                  .width = 1,
                                  .less_equal = true,
                                  .sets = seed % 2 == 0,
                                  .base_last = seed % 4 == 1,
                                  .missing = 7},
                   seed);
}

TEST(forests_of_vectors)
{
    for (uint64_t seed = 0; seed < 60; seed++)
        check_kind(&(struct kind){.depth = 1 + seed % 8,
                                  .features = 5,
                                  .trees = 9,
                                  .outputs = 3,
                                  .width = 3,
                                  .single = seed % 2,
                                  .less_equal = true,
                                  .how = SUM_MEAN,
                                  .missing = MISSING_LEFT},
                   seed);
}

TEST(least_and_largest)
{
    for (uint64_t seed = 0; seed < 40; seed++)
        check_kind(&(struct kind){.depth = 3,
                                  .features = 5,
                                  .trees = 9,
                                  .outputs = 2,
                                  .width = 1,
                                  .single = true,
                                  .single_sum = seed % 4 > 1,
                                  .how = seed % 2 ? SUM_MIN : SUM_MAX},
                   seed);
}

TEST(deep_trees_and_many_cuts_walk)
{
    for (uint64_t seed = 0; seed < 20; seed++)
        check_kind(&(struct kind){.depth = seed % 2 ? 10 : 6,
                                  .features = 4,
                                  .trees = 30,
                                  .outputs = 1,
                                  .width = 1,
                                  .single = true,
                                  .single_sum = true,
                                  .many_cuts = true,
                                  .missing = MISSING_LEFT},
                   seed);
}

/* A damaged plan is refused, or leads to nothing but other numbers. */
static void check_damaged(const struct trial *t, const struct ml_kernels *k, uint64_t *state)
{
    size_t bytes = t->p->bytes, rows = t->rows < 40 ? t->rows : 40;
    struct ml_plan *p = mem_copy(t->p, bytes);
    for (size_t n = 1 + draw(state, 2); n > 0; n--)
        ((uint8_t *)p)[draw(state, bytes)] ^= (uint8_t)(1 << draw(state, 8));
    if (p->features == t->p->features && ml_plan_check(p, bytes) == 0) {
        void *block = new_block(p);
        double *margins = mem_alloc(rows * p->outputs * sizeof *margins);
        uint32_t *leaves = mem_alloc(rows * p->trees * sizeof *leaves);
        run_columns(p, k, t->columns, rows, block, margins);
        run_rows(p, k, t->wide, rows, block, margins, leaves);
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
        struct kind kind = {.depth = seed % 12,
                            .features = 5,
                            .trees = 6,
                            .outputs = 2,
                            .width = 1 + seed % 2,
                            .single = seed % 3,
                            .single_sum = seed % 4,
                            .sets = seed % 5 < 3,
                            .many_cuts = seed % 2,
                            .missing = 7};
        uint64_t state = seed << 20;
        trial_begin(&t, &kind, seed);
        CHECK_INT(ml_plan_check(t.p, t.p->bytes), 0);
        CHECK(ml_plan_check(t.p, t.p->bytes - 1) < 0);
        const char *levels[] = {"scalar", "avx2", "avx512"};
        for (size_t i = 0; i < 60; i++)
            check_damaged(&t, ml_kernels_best(levels[i % 3]), &state);
        trial_end(&t);
    }
}
