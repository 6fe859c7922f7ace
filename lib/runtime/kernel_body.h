/*
 * The kernels, written once and compiled for each instruction set. The including file defines
 *   ISA       its name
 *   TARGET    function attribute that enables the instructions
 *   NAME(x)   x_ and that name
 *   LANES     bytes of a vector: 16, 32 or 64, of a word: 8; a line is one or several
 * and the functions
 *   NAME(count_floats)(cuts, x), NAME(count_doubles)(cuts, x)
 *       how many of 16 ascending cuts x reaches
 *   NAME(place)(single, r)
 *       where the sum of row r lies among ML_ROWS, one of floats when single, else of doubles
 *   NAME(add_floats)(table, bits, leaf, n, sums), NAME(add_doubles)(...)
 *       adds table[leaf[r]] to the sum of row r < n; table has 2^bits numbers and 256 bytes
 *       behind them, leaf and sums are aligned to 64
 * Macros end with this file.
 */
#include "runtime/kernel_common.h"

#define count         NAME(count)
#define code_of       NAME(code_of)
#define put_code      NAME(put_code)
#define put_others    NAME(put_others)
#define encode_row    NAME(encode_row)
#define at_once       NAME(at_once)
#define source        NAME(source)
#define source_of     NAME(source_of)
#define get_values    NAME(get_values)
#define encode_usual  NAME(encode_usual)
#define encode_values NAME(encode_values)
#define single_row    NAME(single_row)
#define encode_column NAME(encode_column)
#define encode_rows   NAME(encode_rows)
#define encode        NAME(encode)
#define part          NAME(part)
#define load          NAME(load)
#define store         NAME(store)
#define swap_bits     NAME(swap_bits)
#define transpose     NAME(transpose)
#define plane_bits    NAME(plane_bits)
#define fill_codes    NAME(fill_codes)
#define sort_rows     NAME(sort_rows)
#define fill_sets     NAME(fill_sets)
#define shorts        NAME(shorts)
#define compare_codes NAME(compare_codes)
#define fill_right    NAME(fill_right)
#define fill_group    NAME(fill_group)
#define pick          NAME(pick)
#define line_at       NAME(line_at)
#define pick_bits     NAME(pick_bits)
#define perfect_1     NAME(perfect_1)
#define perfect_2     NAME(perfect_2)
#define perfect_3     NAME(perfect_3)
#define perfect_4     NAME(perfect_4)
#define perfect_5     NAME(perfect_5)
#define perfect_6     NAME(perfect_6)
#define perfect       NAME(perfect)
#define sparse        NAME(sparse)
#define find_leaves   NAME(find_leaves)
#define sums_begin    NAME(sums_begin)
#define sums_end      NAME(sums_end)
#define add_extremes  NAME(add_extremes)
#define add_deep      NAME(add_deep)
#define add_tree      NAME(add_tree)
#define row_codes     NAME(row_codes)
#define few_rows      NAME(few_rows)
#define walk_rows     NAME(walk_rows)
#define tree_leaves   NAME(tree_leaves)
#define tree_numbers  NAME(tree_numbers)
#define tile_numbers  NAME(tile_numbers)
#define block_margins NAME(block_margins)
#define block_leaves  NAME(block_leaves)
#define row_margins   NAME(row_margins)

#define INLINE TARGET static inline __attribute__((always_inline))

#include "runtime/kernel_encode.h"
#include "runtime/kernel_lines.h"
#include "runtime/kernel_trees.h"

/* ---- sums ---- */

TARGET static void sums_begin(const struct ml_plan *p, void *sums)
{
    for (size_t k = 0; k < p->outputs; k++) {
        double first = ml_sum_first(p, k);
        for (size_t r = k * ML_ROWS; r < (k + 1) * ML_ROWS; r++)
            if (p->single_sum)
                ((float *)sums)[r] = (float)first;
            else
                ((double *)sums)[r] = first;
    }
}

TARGET static void sums_end(const struct ml_plan *p, const void *sums, size_t n, double *margins)
{
    for (size_t k = 0; k < p->outputs; k++)
        for (size_t r = 0; r < n; r++) {
            size_t at = k * ML_ROWS + NAME(place)(p->single_sum, r);
            double sum =
                p->single_sum ? (double)((const float *)sums)[at] : ((const double *)sums)[at];
            margins[r * p->outputs + k] = ml_sum_last(p, k, sum);
        }
}

/* The least or the largest of leaves. */
TARGET static void add_extremes(const struct ml_plan *p, const struct ml_tree *t, const void *leaf,
                                size_t n, void *sums)
{
    const uint32_t *deep = leaf;
    const uint8_t *other = leaf;
    for (size_t r = 0; r < n; r++)
        for (size_t k = 0; k < p->width; k++) {
            size_t at = (t->output + k) * ML_ROWS + NAME(place)(p->single_sum, r);
            double value = ml_leaf_value(p, t, t->kind == ML_DEEP ? deep[r] : other[r], k);
            if (p->single_sum)
                ((float *)sums)[at] = (float)ml_sum_next(p, (double)((float *)sums)[at], value);
            else
                ((double *)sums)[at] = ml_sum_next(p, ((double *)sums)[at], value);
        }
}

TARGET static void add_deep(const struct ml_plan *p, const struct ml_tree *t, const uint32_t *leaf,
                            size_t n, void *sums)
{
    size_t width = p->width, first = (size_t)t->output * ML_ROWS;
    const float *floats = (const float *)ML_SECTION(p, ML_AT_VALUE) + t->value;
    const double *doubles = (const double *)ML_SECTION(p, ML_AT_VALUE) + t->value;
    for (size_t r = 0; r < n && p->single_sum; r++)
        for (size_t k = 0, to = first + NAME(place)(true, r); k < width; k++, to += ML_ROWS)
            ((float *)sums)[to] += floats[leaf[r] * width + k];
    for (size_t r = 0; r < n && !p->single_sum; r++)
        for (size_t k = 0, to = first + NAME(place)(false, r); k < width; k++, to += ML_ROWS)
            ((double *)sums)[to] += doubles[leaf[r] * width + k];
}

TARGET static void add_tree(const struct ml_plan *p, const struct ml_tree *t, const void *leaf,
                            size_t n, void *sums)
{
    if (p->how > ML_SUM_MEAN) {
        add_extremes(p, t, leaf, n, sums);
        return;
    }
    if (t->kind == ML_DEEP) {
        add_deep(p, t, leaf, n, sums);
        return;
    }
    const float *floats = (const float *)ML_SECTION(p, ML_AT_VALUE) + t->value;
    const double *doubles = (const double *)ML_SECTION(p, ML_AT_VALUE) + t->value;
    for (size_t k = 0; k < p->width; k++) {
        size_t table = k << t->bits, to = (t->output + k) * ML_ROWS;
        if (p->single_sum)
            NAME(add_floats)(floats + table, t->bits, leaf, n, (float *)sums + to);
        else
            NAME(add_doubles)(doubles + table, t->bits, leaf, n, (double *)sums + to);
    }
}

/* ---- kernels ---- */

/* Codes of a row of a block. */
TARGET static void row_codes(const struct ml_plan *p, const uint8_t *block,
                             const struct ml_layout *l, size_t r, uint32_t *codes)
{
    const struct ml_plane *planes = ML_SECTION(p, ML_AT_PLANE);
    const uint32_t *wide = (const uint32_t *)(const void *)(block + l->wide) + r;
    for (size_t i = 0; i < p->planes; i++) {
        const uint8_t *bytes = block + l->code + (size_t)planes[i].byte * ML_ROWS + r;
        if (p->has_deep)
            codes[i] = wide[i * ML_ROWS];
        else
            codes[i] = bytes[0] + (planes[i].bytes > 1 ? (uint32_t)bytes[ML_ROWS] << 8 : 0);
    }
}

enum { few_rows = ML_DEEP_ROWS }; /* up to which walking is faster */

/* Few rows of a block, one by one: margins or, when they are NULL, leaves. */
TARGET static void walk_rows(const struct ml_plan *p, uint8_t *block, size_t n, double *margins,
                             uint32_t *leaves)
{
    struct ml_layout l = ml_layout_of(p);
    uint32_t *codes = (uint32_t *)(void *)(block + l.codes);
    uint16_t *right = (uint16_t *)(void *)(block + l.right);
    for (size_t r = 0; r < n; r++) {
        row_codes(p, block, &l, r, codes);
        if (margins)
            ml_row_margins(p, fill_right, codes, right, margins + r * p->outputs);
        else
            ml_row_leaves(p, fill_right, codes, right, leaves + r * p->trees);
    }
}

/* Leaves of n rows: of a deep tree uint32_t, of others uint8_t. */
TARGET static void tree_leaves(const struct ml_plan *p, const struct ml_tree *t, size_t n,
                               uint8_t *block, const struct ml_layout *l)
{
    if (t->kind == ML_DEEP)
        ml_deep_leaves(p, t, (const uint32_t *)(void *)(block + l->wide), n,
                       (uint32_t *)(void *)(block + l->leaf));
    else
        find_leaves(p, t, block + l->line, block + l->leaf);
}

TARGET static void block_margins(const struct ml_plan *p, void *block, size_t n, double *margins)
{
    struct ml_layout l = ml_layout_of(p);
    uint8_t *memory = block;
    const struct ml_tree *t = ML_SECTION(p, ML_AT_TREE), *end = t;
    const struct ml_group *g = ML_SECTION(p, ML_AT_GROUP);
    if (n <= few_rows) {
        walk_rows(p, memory, n, margins, NULL);
        return;
    }
    sums_begin(p, memory + l.sums);
    for (size_t i = 0; i < p->groups; i++, g++) {
        fill_group(p, g, n, memory, &l);
        for (end += g->trees; t < end; t++) {
            tree_leaves(p, t, n, memory, &l);
            add_tree(p, t, memory + l.leaf, n, memory + l.sums);
        }
    }
    sums_end(p, memory + l.sums, n, margins);
}

TARGET static void tree_numbers(const struct ml_plan *p, const struct ml_tree *t, const void *leaf,
                                size_t n, uint32_t *out)
{
    const uint32_t *wide = (const uint32_t *)ML_SECTION(p, ML_AT_NUMBER) + t->number;
    const uint16_t *narrow = (const uint16_t *)ML_SECTION(p, ML_AT_NUMBER) + t->number;
    const uint32_t *deep = leaf;
    const uint8_t *other = leaf;
    for (size_t r = 0; r < n && t->kind == ML_DEEP; r++)
        out[r] = ml_leaf_number(p, t, deep[r]);
    if (t->kind == ML_DEEP)
        return;
    if (p->wide_numbers)
        for (size_t r = 0; r < n; r++)
            out[r] = wide[other[r]];
    else
        for (size_t r = 0; r < n; r++)
            out[r] = narrow[other[r]];
}

/* The numbers of leaves of up to ML_TILE trees, row by row, so that each line of memory is written
 * at once. */
TARGET static void tile_numbers(const struct ml_plan *p, const struct ml_tree *t, size_t trees,
                                size_t n, uint8_t *block, const struct ml_layout *l,
                                uint32_t *leaves)
{
    uint32_t *tile = (uint32_t *)(void *)(block + l->tile);
    size_t apart = p->trees;
    for (size_t k = 0; k < trees; k++) {
        tree_leaves(p, &t[k], n, block, l);
        tree_numbers(p, &t[k], block + l->leaf, n, tile + k * ML_ROWS);
    }
    for (size_t r = 0; r < n; r++)
        for (size_t k = 0; k < trees; k++)
            leaves[r * apart + k] = tile[k * ML_ROWS + r];
}

TARGET static void block_leaves(const struct ml_plan *p, void *block, size_t n, uint32_t *leaves)
{
    struct ml_layout l = ml_layout_of(p);
    uint8_t *memory = block;
    const struct ml_tree *t = ML_SECTION(p, ML_AT_TREE);
    const struct ml_group *g = ML_SECTION(p, ML_AT_GROUP);
    if (n <= few_rows) {
        walk_rows(p, memory, n, NULL, leaves);
        return;
    }
    for (size_t i = 0; i < p->groups; i++, g++) {
        fill_group(p, g, n, memory, &l);
        for (size_t left = g->trees; left > 0;) {
            size_t trees = left < ML_TILE ? left : ML_TILE;
            tile_numbers(p, t, trees, n, memory, &l, leaves);
            t += trees, leaves += trees, left -= trees;
        }
    }
}

TARGET static void row_margins(const struct ml_plan *p, const double *row, void *work,
                               double *margins)
{
    struct ml_layout l = ml_layout_of(p);
    uint32_t *codes = work;
    uint16_t *right = (uint16_t *)(void *)((uint8_t *)work + (l.right - l.codes));
    if (p->single_input)
        single_row(p, true, row, codes);
    else
        single_row(p, false, row, codes);
    ml_row_margins(p, fill_right, codes, right, margins);
}

ML_API const struct ml_kernels *NAME(ml_kernels)(void)
{
    static const struct ml_kernels kernels = {ISA, encode, block_margins, block_leaves,
                                              row_margins};
    return &kernels;
}

#undef count
#undef code_of
#undef put_code
#undef put_others
#undef encode_row
#undef at_once
#undef source
#undef source_of
#undef get_values
#undef encode_usual
#undef encode_values
#undef single_row
#undef encode_column
#undef encode_rows
#undef encode
#undef part
#undef load
#undef store
#undef swap_bits
#undef transpose
#undef plane_bits
#undef fill_codes
#undef sort_rows
#undef fill_sets
#undef shorts
#undef compare_codes
#undef fill_right
#undef fill_group
#undef pick
#undef line_at
#undef pick_bits
#undef perfect_1
#undef perfect_2
#undef perfect_3
#undef perfect_4
#undef perfect_5
#undef perfect_6
#undef perfect
#undef sparse
#undef find_leaves
#undef sums_begin
#undef sums_end
#undef add_extremes
#undef add_deep
#undef add_tree
#undef row_codes
#undef few_rows
#undef walk_rows
#undef tree_leaves
#undef tree_numbers
#undef tile_numbers
#undef block_margins
#undef block_leaves
#undef row_margins
#undef INLINE
#undef TARGET
#undef LANES
#undef ISA
#undef PICK
#undef NAME
