/* The kernels with 16-byte vectors, which most machines have, or with words. */
#include "runtime/kernel_common.h"

#if ML_HAS_PLAIN

#define ISA     "plain"
#define NAME(x) x##_plain
#define TARGET
#if ML_HAS_VECTORS
#define LANES 16
#else
#define LANES 8
#endif

static inline uint32_t count_floats_plain(const float *cuts, float x)
{
    uint32_t below = 0;
    for (size_t step = 8; step > 0; step /= 2)
        below += cuts[below + step - 1] <= x ? (uint32_t)step : 0;
    return below + (cuts[below] <= x);
}

static inline uint32_t count_doubles_plain(const double *cuts, double x)
{
    uint32_t below = 0;
    for (size_t step = 8; step > 0; step /= 2)
        below += cuts[below + step - 1] <= x ? (uint32_t)step : 0;
    return below + (cuts[below] <= x);
}

static inline size_t place_plain(bool single, size_t r)
{
    (void)single;
    return r;
}

static inline void add_floats_plain(const float *table, uint32_t bits, const uint8_t *leaf,
                                    size_t n, float *sums)
{
    (void)bits;
    for (size_t r = 0; r < n; r++)
        sums[r] += table[leaf[r]];
}

static inline void add_doubles_plain(const double *table, uint32_t bits, const uint8_t *leaf,
                                     size_t n, double *sums)
{
    (void)bits;
    for (size_t r = 0; r < n; r++)
        sums[r] += table[leaf[r]];
}

#include "runtime/kernel_body.h"
#else
typedef int no_plain;
#endif
