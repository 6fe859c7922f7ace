/* What the kernels of all instruction sets have in common. For the files of this module and for
 * artefacts. */
#ifndef ML_KERNEL_COMMON_H
#define ML_KERNEL_COMMON_H

#include "runtime/kernel.h"

#include <stdbool.h>

#define ML_NAN         ((double)__builtin_nanf(""))
#define ML_INFINITY    ((double)__builtin_inff())
#define ML_ZERO        ((double)1e-35F) /* what LightGBM takes for zero */
#define ML_AT(p, what) ((const void *)((const char *)(p) + (p)->what))

enum { ML_TOGETHER = 8 }; /* trees walked side by side, so that their loads overlap */

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

/* Sums of a block: output k of row r at [k * ML_ROWS + r]. */
union ml_sums {
    float single[1];
    double wide[1];
};
/* The sums lie behind the encoded rows. */
ML_API union ml_sums *ml_sums_of(const struct ml_plan *p, void *block);
ML_API void ml_sums_begin(const struct ml_plan *p, union ml_sums *sums);
/* Adds the leaves of a tree by the plain way: any width, any kind of sum. */
ML_API void ml_sums_add(const struct ml_plan *p, const struct ml_tree *t,
                        const uint8_t leaf[ML_ROWS], union ml_sums *sums);
ML_API void ml_sums_end(const struct ml_plan *p, const union ml_sums *sums, size_t rows,
                        double *margins);

/* One value a row: the same kinds of sums, as doubles. */
ML_API void ml_row_begin(const struct ml_plan *p, double *margins);
/* Adds `width` numbers of the section `at`, from the number `from` on. */
ML_API void ml_row_add(const struct ml_plan *p, const struct ml_tree *t, uint64_t at, size_t from,
                       double *margins);
ML_API void ml_row_end(const struct ml_plan *p, double *margins);

/* Without codes: a block has a row's slots side by side, what the nodes of each plane compare. */
ML_API void ml_steps_encode(const struct ml_plan *p, const struct ml_rows *rows, size_t first,
                            size_t n, size_t at, void *block);
ML_API void ml_steps_block(const struct ml_plan *p, void *block, size_t n, double *margins);
ML_API void ml_steps_leaves(const struct ml_plan *p, void *block, size_t n, uint32_t *leaves);
ML_API void ml_steps_row(const struct ml_plan *p, const double *row, void *work, double *margins);

static inline uint32_t ml_leaf_id(const struct ml_plan *p, size_t leaf)
{
    const void *ids = ML_AT(p, leaf_id_at);
    return p->wide_ids ? ((const uint32_t *)ids)[leaf] : ((const uint16_t *)ids)[leaf];
}

/* Feature f of n rows. */
static inline void ml_values(const struct ml_rows *rows, size_t f, size_t first, size_t n,
                             double *values)
{
    if (rows->column) {
        const double *column = rows->column[f];
        for (size_t r = 0; r < n; r++)
            values[r] = column ? column[first + r] : ML_NAN;
        return;
    }
    size_t at = first * rows->stride + f;
    for (size_t r = 0; r < n; r++, at += rows->stride)
        values[r] = rows->wide ? rows->wide[at] : (double)rows->single[at];
}

static inline bool ml_in_set(const struct ml_plan *p, const struct ml_plane *plane, double x)
{
    bool low = p->sets_of == ML_SET_OF_TRUNCATED ? x <= -1 : x < 0;
    if (low || x >= (double)plane->words * 32)
        return false;
    const uint32_t *words = (const uint32_t *)ML_AT(p, word_at) + plane->word;
    uint32_t category = x > 0 ? (uint32_t)x : 0;
    if (p->sets_of == ML_SET_OF_WHOLE && x != (double)category)
        return false;
    return words[category / 32] >> (category % 32) & 1;
}

/* Whether the way x takes is known without the cuts; then it is in *left. Else x is a number, in
 * the precision of the cuts. */
static inline bool ml_is_settled(const struct ml_plan *p, const struct ml_plane *plane, double *x,
                                 bool *left)
{
    if (*x != *x && plane->missing & ML_MISSING_IS_ZERO)
        *x = 0;
    if (*x != *x || (plane->missing & ML_MISSING_WITH_ZERO && *x <= ML_ZERO && *x >= -ML_ZERO)) {
        *left = plane->missing & ML_MISSING_LEFT;
        return true;
    }
    if (p->single_input)
        *x = (double)(float)*x;
    if (plane->is_set)
        *left = ml_in_set(p, plane, *x);
    return plane->is_set;
}

/* How many of n ascending cuts lie at or below x; below it with less_equal. */
static inline uint32_t ml_code_of_double(const double *cuts, uint32_t n, double x, bool less_equal)
{
    uint32_t low = 0;
    while (n > 0) {
        uint32_t half = n / 2;
        double cut = cuts[low + half];
        bool below = less_equal ? cut < x : cut <= x;
        low = below ? low + half + 1 : low;
        n = below ? n - half - 1 : half;
    }
    return low;
}

#endif
