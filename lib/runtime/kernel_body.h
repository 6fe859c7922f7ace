/*
 * The kernels, written once and compiled for each instruction set. The including file defines
 *   ISA       its name
 *   TARGET    function attribute that enables the instructions
 *   NAME(x)   x_ and that name
 *   LANES     bytes of a vector: 16, 32 or 64, of a word: 8; a line is one or several
 *   PICK(right, if_left, if_right)  may choose between bits of lines
 *   LANE_BITS how sums lie, as in struct ml_parts
 * and the functions
 *   NAME(count_floats)(cuts, x), NAME(count_doubles)(cuts, x)
 *       how many of 16 ascending cuts x reaches
 *   NAME(add_floats)(table, bits, leaf, n, sums), NAME(add_doubles)(...)
 *       adds table[leaf[r]] to the sum of row r < n; table has 2^bits numbers and 256 bytes behind
 *       them, leaf and sums are aligned to 64
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
#define code_planes   NAME(code_planes)
#define code_row      NAME(code_row)
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
#define fill_lines    NAME(fill_lines)
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
#define add_leaves    NAME(add_leaves)
#define parts         NAME(parts)
#define block_margins NAME(block_margins)
#define block_leaves  NAME(block_leaves)
#define row_margins   NAME(row_margins)

#define INLINE TARGET static inline __attribute__((always_inline))

#include "runtime/kernel_encode.h"
#include "runtime/kernel_lines.h"
#include "runtime/kernel_trees.h"

TARGET static void add_leaves(const struct ml_plan *p, const struct ml_tree *t, const uint8_t *leaf,
                              size_t n, void *sums)
{
    const float *floats = (const float *)ML_SECTION(p, ML_AT_VALUE) + t->value;
    const double *doubles = (const double *)ML_SECTION(p, ML_AT_VALUE) + t->value;
    for (size_t k = 0; k < p->width; k++) {
        size_t table = k << t->bits, to = (t->output + k) * ML_ROWS;
        if (ML_OF(p, single_sum))
            NAME(add_floats)(floats + table, t->bits, leaf, n, (float *)sums + to);
        else
            NAME(add_doubles)(doubles + table, t->bits, leaf, n, (double *)sums + to);
    }
}

static const struct ml_parts parts = {code_row,    fill_lines, fill_right,
                                      find_leaves, add_leaves, LANE_BITS};

static void block_margins(const struct ml_plan *p, void *block, size_t n, double *margins)
{
    ml_parts_block(&parts, p, block, n, margins);
}

static void block_leaves(const struct ml_plan *p, void *block, size_t n, uint32_t *leaves)
{
    if (ML_HAS(leaves))
        ml_parts_leaves(&parts, p, block, n, leaves);
}

static void row_margins(const struct ml_plan *p, const double *row, void *work, double *margins)
{
    ml_parts_row(&parts, p, row, work, margins);
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
#undef code_planes
#undef code_row
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
#undef fill_lines
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
#undef add_leaves
#undef parts
#undef block_margins
#undef block_leaves
#undef row_margins
#undef INLINE
#undef TARGET
#undef LANES
#undef LANE_BITS
#undef ISA
#undef PICK
#undef NAME
