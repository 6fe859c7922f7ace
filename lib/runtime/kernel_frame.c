/* What kernels of all instruction sets do alike: blocks from group to group and tree to tree, sums
 * and leaves that need no haste, few rows. */
#include "runtime/kernel_common.h"

/* A block of memory in its parts. */
struct block {
    const struct ml_parts *k;
    const struct ml_plan *p;
    struct ml_layout l;
    uint8_t *memory;
    size_t n; /* rows */
};

static struct block block_of(const struct ml_parts *k, const struct ml_plan *p, void *memory,
                             size_t n)
{
    return (struct block){k, p, ml_layout_of(p), memory, n};
}

/* ---- sums ---- */

static void sums_begin(const struct block *b)
{
    float *floats = (float *)(void *)(b->memory + b->l.sums);
    double *doubles = (double *)(void *)(b->memory + b->l.sums);
    for (size_t k = 0; k < b->p->outputs; k++) {
        double first = ml_sum_first(b->p, k);
        for (size_t r = k * ML_ROWS; r < (k + 1) * ML_ROWS; r++)
            if (ML_OF(b->p, single_sum))
                floats[r] = (float)first;
            else
                doubles[r] = first;
    }
}

static void sums_end(const struct block *b, double *margins)
{
    const float *floats = (const float *)(void *)(b->memory + b->l.sums);
    const double *doubles = (const double *)(void *)(b->memory + b->l.sums);
    size_t outputs = b->p->outputs;
    for (size_t k = 0; k < outputs; k++)
        for (size_t r = 0; r < b->n; r++) {
            size_t at = k * ML_ROWS + ml_place(b->k, r);
            double sum = ML_OF(b->p, single_sum) ? (double)floats[at] : doubles[at];
            margins[r * outputs + k] = ml_sum_last(b->p, k, sum);
        }
}

/* The least or the largest of leaves, in any tree. */
static void add_extremes(const struct block *b, const struct ml_tree *t)
{
    const uint32_t *deep = (const uint32_t *)(void *)(b->memory + b->l.leaf);
    const uint8_t *other = b->memory + b->l.leaf;
    float *floats = (float *)(void *)(b->memory + b->l.sums);
    double *doubles = (double *)(void *)(b->memory + b->l.sums);
    for (size_t r = 0; r < b->n; r++)
        for (size_t k = 0; k < b->p->width; k++) {
            size_t at = (t->output + k) * ML_ROWS + ml_place(b->k, r);
            double value = ml_leaf_value(b->p, t, ml_is_deep(t) ? deep[r] : other[r], k);
            if (ML_OF(b->p, single_sum))
                floats[at] = (float)ml_sum_next(b->p, (double)floats[at], value);
            else
                doubles[at] = ml_sum_next(b->p, doubles[at], value);
        }
}

static void add_deep(const struct block *b, const struct ml_tree *t)
{
    const uint32_t *leaf = (const uint32_t *)(void *)(b->memory + b->l.leaf);
    const float *floats = (const float *)ML_SECTION(b->p, ML_AT_VALUE) + t->value;
    const double *doubles = (const double *)ML_SECTION(b->p, ML_AT_VALUE) + t->value;
    void *sums = b->memory + b->l.sums;
    size_t width = b->p->width, first = (size_t)t->output * ML_ROWS;
    bool single = ML_OF(b->p, single_sum);
    for (size_t r = 0; r < b->n; r++) {
        size_t to = first + ml_place(b->k, r), from = leaf[r] * width;
        for (size_t k = 0; k < width && single; k++)
            ((float *)sums)[to + k * ML_ROWS] += floats[from + k];
        for (size_t k = 0; k < width && !single; k++)
            ((double *)sums)[to + k * ML_ROWS] += doubles[from + k];
    }
}

static void add_tree(const struct block *b, const struct ml_tree *t)
{
    if (ML_OF(b->p, how) > ML_SUM_MEAN)
        add_extremes(b, t);
    else if (ml_is_deep(t))
        add_deep(b, t);
    else
        b->k->add_leaves(b->p, t, b->memory + b->l.leaf, b->n, b->memory + b->l.sums);
}

/* ---- few rows ---- */

enum { FEW_ROWS = ML_DEEP_ROWS }; /* up to which walking is faster */

/* Codes of a row of a block. */
static void row_codes(const struct block *b, size_t r, uint32_t *codes)
{
    const struct ml_plane *planes = ML_SECTION(b->p, ML_AT_PLANE);
    const uint32_t *wide = (const uint32_t *)(void *)(b->memory + b->l.wide) + r;
    for (size_t i = 0; i < b->p->planes; i++) {
        const uint8_t *bytes = b->memory + b->l.code + (size_t)planes[i].byte * ML_ROWS + r;
        if (ML_OF(b->p, has_deep))
            codes[i] = wide[i * ML_ROWS];
        else
            codes[i] = bytes[0] + (planes[i].bytes > 1 ? (uint32_t)bytes[ML_ROWS] << 8 : 0);
    }
}

/* One by one: margins or, when they are NULL, leaves. */
static void walk_rows(const struct block *b, double *margins, uint32_t *leaves)
{
    uint32_t *codes = (uint32_t *)(void *)(b->memory + b->l.codes);
    uint16_t *right = (uint16_t *)(void *)(b->memory + b->l.right);
    for (size_t r = 0; r < b->n; r++) {
        row_codes(b, r, codes);
        if (margins || !ML_HAS(leaves))
            ml_row_margins(b->k, b->p, codes, right, margins + r * b->p->outputs);
        else
            ml_row_leaves(b->k, b->p, codes, right, leaves + r * b->p->trees);
    }
}

/* ---- blocks ---- */

static void deep_leaves(const struct block *b, const struct ml_tree *t)
{
    const struct ml_tree top = {
        .kind = ML_PERFECT, .bits = t->bits, .depth = t->bits, .node = t->top};
    if (t->bits)
        b->k->find_leaves(b->p, &top, b->memory + b->l.line, b->memory + b->l.top);
    ml_deep_leaves(b->p, t, b->memory + b->l.top, (const uint32_t *)(void *)(b->memory + b->l.wide),
                   b->n, (uint32_t *)(void *)(b->memory + b->l.leaf));
}

/* Leaves of all rows: of a deep tree uint32_t, of others uint8_t. */
static void tree_leaves(const struct block *b, const struct ml_tree *t)
{
    if (ml_is_deep(t))
        deep_leaves(b, t);
    else
        b->k->find_leaves(b->p, t, b->memory + b->l.line, b->memory + b->l.leaf);
}

ML_API void ml_parts_block(const struct ml_parts *k, const struct ml_plan *p, void *block, size_t n,
                           double *margins)
{
    const struct block b = block_of(k, p, block, n);
    const struct ml_tree *t = ML_SECTION(p, ML_AT_TREE), *end = t;
    const struct ml_group *g = ML_SECTION(p, ML_AT_GROUP);
    if (n <= FEW_ROWS) {
        walk_rows(&b, margins, NULL);
        return;
    }
    sums_begin(&b);
    for (size_t i = 0; i < p->groups; i++, g++) {
        k->fill_lines(p, g, n, b.memory, &b.l);
        for (end += g->trees; t < end; t++) {
            tree_leaves(&b, t);
            add_tree(&b, t);
        }
    }
    sums_end(&b, margins);
}

static void tree_numbers(const struct block *b, const struct ml_tree *t, uint32_t *out)
{
    const uint32_t *wide = (const uint32_t *)ML_SECTION(b->p, ML_AT_NUMBER) + t->number;
    const uint16_t *narrow = (const uint16_t *)ML_SECTION(b->p, ML_AT_NUMBER) + t->number;
    const uint32_t *deep = (const uint32_t *)(void *)(b->memory + b->l.leaf);
    const uint8_t *other = b->memory + b->l.leaf;
    if (ml_is_deep(t))
        for (size_t r = 0; r < b->n; r++)
            out[r] = ml_leaf_number(b->p, t, deep[r]);
    else if (ML_OF(b->p, wide_numbers))
        for (size_t r = 0; r < b->n; r++)
            out[r] = wide[other[r]];
    else
        for (size_t r = 0; r < b->n; r++)
            out[r] = narrow[other[r]];
}

/* The numbers of leaves of up to ML_TILE trees, row by row, so that each line of memory is written
 * at once. */
static void tile_numbers(const struct block *b, const struct ml_tree *t, size_t trees,
                         uint32_t *leaves)
{
    uint32_t *tile = (uint32_t *)(void *)(b->memory + b->l.tile);
    size_t apart = b->p->trees;
    for (size_t k = 0; k < trees; k++) {
        tree_leaves(b, &t[k]);
        tree_numbers(b, &t[k], tile + k * ML_ROWS);
    }
    for (size_t r = 0; r < b->n; r++)
        for (size_t k = 0; k < trees; k++)
            leaves[r * apart + k] = tile[k * ML_ROWS + r];
}

ML_API void ml_parts_leaves(const struct ml_parts *k, const struct ml_plan *p, void *block,
                            size_t n, uint32_t *leaves)
{
    const struct block b = block_of(k, p, block, n);
    const struct ml_tree *t = ML_SECTION(p, ML_AT_TREE);
    const struct ml_group *g = ML_SECTION(p, ML_AT_GROUP);
    if (n <= FEW_ROWS) {
        walk_rows(&b, NULL, leaves);
        return;
    }
    for (size_t i = 0; i < p->groups; i++, g++) {
        k->fill_lines(p, g, n, b.memory, &b.l);
        for (size_t left = g->trees; left > 0;) {
            size_t trees = left < ML_TILE ? left : ML_TILE;
            tile_numbers(&b, t, trees, leaves);
            t += trees, leaves += trees, left -= trees;
        }
    }
}

ML_API void ml_parts_row(const struct ml_parts *k, const struct ml_plan *p, const double *row,
                         void *work, double *margins)
{
    struct ml_layout l = ml_layout_of(p);
    uint32_t *codes = work;
    uint16_t *right = (uint16_t *)(void *)((uint8_t *)work + (l.right - l.codes));
    k->code_row(p, row, codes);
    ml_row_margins(k, p, codes, right, margins);
}
