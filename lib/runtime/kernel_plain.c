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

#if ML_HAS_VECTORS
typedef float floats_plain __attribute__((vector_size(16)));
typedef int32_t ints_plain __attribute__((vector_size(16)));
typedef double doubles_plain __attribute__((vector_size(16)));
typedef int64_t longs_plain __attribute__((vector_size(16)));

static inline uint32_t count_floats_plain(const float *cuts, float x)
{
    floats_plain all = {x, x, x, x}, four[4];
    memcpy(four, cuts, sizeof four);
    ints_plain n = (four[0] <= all) + (four[1] <= all) + (four[2] <= all) + (four[3] <= all);
    return (uint32_t) - (n[0] + n[1] + n[2] + n[3]);
}

static inline uint32_t count_doubles_plain(const double *cuts, double x)
{
    doubles_plain all = {x, x}, two[8];
    memcpy(two, cuts, sizeof two);
    longs_plain low = (two[0] <= all) + (two[1] <= all) + (two[2] <= all) + (two[3] <= all);
    longs_plain high = (two[4] <= all) + (two[5] <= all) + (two[6] <= all) + (two[7] <= all);
    return (uint32_t) - (low[0] + low[1] + high[0] + high[1]);
}
#else
/* By halves, without branches. */
static inline uint32_t count_floats_plain(const float *cuts, float x)
{
    uint32_t n = (uint32_t)(cuts[7] <= x) << 3;
    n += (uint32_t)(cuts[n + 3] <= x) << 2;
    n += (uint32_t)(cuts[n + 1] <= x) << 1;
    n += cuts[n] <= x;
    return n + (cuts[n] <= x);
}

static inline uint32_t count_doubles_plain(const double *cuts, double x)
{
    uint32_t n = (uint32_t)(cuts[7] <= x) << 3;
    n += (uint32_t)(cuts[n + 3] <= x) << 2;
    n += (uint32_t)(cuts[n + 1] <= x) << 1;
    n += cuts[n] <= x;
    return n + (cuts[n] <= x);
}
#endif

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

#define LANE_BITS 0
#include "runtime/kernel_body.h"
#else
typedef int no_plain;
#endif
