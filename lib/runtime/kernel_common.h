/* What the kernels of all instruction sets have in common. For the files of this module. */
#ifndef RUNTIME_KERNEL_COMMON_H
#define RUNTIME_KERNEL_COMMON_H

#include "runtime/kernel.h"

#include <stdbool.h>
#include <string.h>

#define ML_NAN      ((double)__builtin_nanf(""))
#define ML_INFINITY ((double)__builtin_inff())
#define ML_ZERO     ((double)1e-35F) /* what LightGBM takes for zero */

#define ML_SECTION(p, section) ((const void *)((const char *)(p) + (p)->at[section]))
#define ML_ALWAYS              static inline __attribute__((always_inline))

/* Which kernels there are: all that the architecture may have, to be chosen from at run time, or,
 * with ML_FIXED, the one for what the compiler was told of the processor. */
#if !defined(__x86_64__)
#define ML_HAS_AVX512 0
#define ML_HAS_AVX2   0
#elif !defined(ML_FIXED)
#define ML_HAS_AVX512 1
#define ML_HAS_AVX2   1
#else
#if defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#define ML_HAS_AVX512 1
#else
#define ML_HAS_AVX512 0
#endif
#if defined(__AVX2__) && !ML_HAS_AVX512
#define ML_HAS_AVX2 1
#else
#define ML_HAS_AVX2 0
#endif
#endif
#if defined(ML_FIXED) && (ML_HAS_AVX512 || ML_HAS_AVX2)
#define ML_HAS_PLAIN 0
#else
#define ML_HAS_PLAIN 1
#endif
#if ML_HAS_PLAIN
ML_API const struct ml_kernels *ml_kernels_plain(void);
#endif
#if ML_HAS_AVX2
ML_API const struct ml_kernels *ml_kernels_avx2(void);
#endif
#if ML_HAS_AVX512
ML_API const struct ml_kernels *ml_kernels_avx512(void);
#endif

enum { ML_TILE = 16 }; /* trees whose leaves are put down together */

/* The parts of a block's memory, as offsets. */
struct ml_layout {
    size_t code;  /* uint8_t [bytes][ML_ROWS]: codes of all planes, by bytes */
    size_t wide;  /* uint32_t [planes][ML_ROWS]: the same as numbers, for deep trees */
    size_t line;  /* [lines] of the group at hand */
    size_t bit;   /* [ML_BITS] lines: the bits of a plane's codes */
    size_t room;  /* for making lines */
    size_t leaf;  /* uint32_t or uint8_t [ML_ROWS]: leaves of a tree */
    size_t top;   /* uint8_t [ML_ROWS]: where rows leave the top of a deep tree */
    size_t tile;  /* uint32_t [ML_TILE][ML_ROWS]: numbers of leaves */
    size_t codes; /* uint32_t [planes]: of a single row */
    size_t right; /* uint16_t [lines]: the same */
    size_t sums;  /* float or double [outputs][ML_ROWS] */
    size_t end;
};
ML_API struct ml_layout ml_layout_of(const struct ml_plan *p);

/* uint32_t [planes][ML_ROWS] of a block. */
static inline uint32_t *ml_wide_codes(const struct ml_plan *p, void *block)
{
    return (uint32_t *)(void *)((uint8_t *)block + (size_t)p->row_bytes * ML_ROWS);
}

/* What NaN and, when the plane says so, zero are coded as; and all others as `code`. */
static inline uint32_t ml_plane_code(const struct ml_plane *plane, double x, uint32_t code)
{
    bool zero = plane->with_zero && x <= ML_ZERO && x >= -ML_ZERO;
    return x != x || zero ? plane->missing : code;
}

/* Not a usual column. */
static inline bool ml_is_other(const struct ml_column *c)
{
    return ML_HAS(other_columns) && c->byte == ML_NO_BYTE;
}

static inline bool ml_is_set(const struct ml_plan *p, uint32_t plane)
{
    return ML_HAS(sets) && plane >= p->number_planes;
}

static inline bool ml_is_deep(const struct ml_tree *t)
{
    return ML_HAS(deep_trees) && t->kind == ML_DEEP;
}

static inline bool ml_is_sparse(const struct ml_tree *t)
{
    return ML_HAS(sparse_trees) && t->kind == ML_SPARSE;
}

static inline bool ml_set_has(const struct ml_plan *p, const struct ml_plane *plane, uint32_t set,
                              uint32_t code)
{
    const uint32_t *words = ML_SECTION(p, ML_AT_WORD);
    return words[plane->word + (size_t)set * plane->words + code / 32] >> (code % 32) & 1;
}

static inline double ml_number(const struct ml_plan *p, uint64_t at)
{
    const void *numbers = ML_SECTION(p, ML_AT_VALUE);
    return ML_OF(p, single_sum) ? (double)((const float *)numbers)[at]
                                : ((const double *)numbers)[at];
}

/* Value k of a leaf. */
static inline double ml_leaf_value(const struct ml_plan *p, const struct ml_tree *t, uint32_t leaf,
                                   size_t k)
{
    if (ml_is_deep(t))
        return ml_number(p, t->value + (uint64_t)leaf * p->width + k);
    return ml_number(p, t->value + ((uint64_t)k << t->bits) + leaf);
}

static inline uint32_t ml_leaf_number(const struct ml_plan *p, const struct ml_tree *t,
                                      uint32_t leaf)
{
    const void *numbers = ML_SECTION(p, ML_AT_NUMBER);
    size_t at = (size_t)t->number + leaf;
    return ML_OF(p, wide_numbers) ? ((const uint32_t *)numbers)[at]
                                  : ((const uint16_t *)numbers)[at];
}

/* A sum of outputs: where it starts, with one more leaf, and what it is in the end. */
ML_API double ml_sum_first(const struct ml_plan *p, size_t output);
ML_API double ml_sum_next(const struct ml_plan *p, double sum, double value);
ML_API double ml_sum_last(const struct ml_plan *p, size_t output, double sum);

/* What a processor's instructions make faster; kernel_frame.c makes kernels of it. */
struct ml_parts {
    /* Codes of a row's planes. */
    void (*code_row)(const struct ml_plan *p, const double *row, uint32_t *codes);
    /* The lines of a group for the rows of a block, of which n are there. */
    void (*fill_lines)(const struct ml_plan *p, const struct ml_group *g, size_t n, uint8_t *block,
                       const struct ml_layout *l);
    /* The same for a single row: 1 or 0 for each line, and less than ML_RIGHT_MORE too many. */
    void (*fill_right)(const struct ml_plan *p, const struct ml_group *g, const uint32_t *codes,
                       uint16_t *right);
    /* Of a tree that is not deep: the leaf of each row; and adds the leaves' values to sums. */
    void (*find_leaves)(const struct ml_plan *p, const struct ml_tree *t, const uint8_t *lines,
                        uint8_t leaf[ML_ROWS]);
    void (*add_leaves)(const struct ml_plan *p, const struct ml_tree *t, const uint8_t *leaf,
                       size_t n, void *sums);
    /* Sums lie as the bytes of leaves come out of words: of 4 * 2^lane_bits rows first every
     * fourth, then the one behind each, and so on. 0: in the order of rows. */
    uint32_t lane_bits;
};
enum { ML_RIGHT_MORE = ML_LEAVES / 8 }; /* lines that leaves of sparse trees name */

/* Where the sum of row r lies. */
static inline size_t ml_place(const struct ml_parts *k, size_t r)
{
    size_t lanes = (size_t)1 << k->lane_bits;
    return (r & ~(4 * lanes - 1)) | (r & 3) << k->lane_bits | (r >> 2 & (lanes - 1));
}

ML_API void ml_parts_block(const struct ml_parts *k, const struct ml_plan *p, void *block, size_t n,
                           double *margins);
ML_API void ml_parts_leaves(const struct ml_parts *k, const struct ml_plan *p, void *block,
                            size_t n, uint32_t *leaves);
ML_API void ml_parts_row(const struct ml_parts *k, const struct ml_plan *p, const double *row,
                         void *work, double *margins);

/* One row, by walking. codes: of its planes. right: memory for the lines of a group and
 * ML_RIGHT_MORE. */
ML_API void ml_row_margins(const struct ml_parts *k, const struct ml_plan *p, const uint32_t *codes,
                           uint16_t *right, double *margins);
ML_API void ml_row_leaves(const struct ml_parts *k, const struct ml_plan *p, const uint32_t *codes,
                          uint16_t *right, uint32_t *leaves);
/* The leaves of n rows in a deep tree; n >= ML_DEEP_ROWS. top: leaves of its top, when it has
 * one. */
enum { ML_DEEP_ROWS = 16 };
ML_API void ml_deep_leaves(const struct ml_plan *p, const struct ml_tree *t, const uint8_t *top,
                           const uint32_t *wide, size_t n, uint32_t *leaf);

#endif
