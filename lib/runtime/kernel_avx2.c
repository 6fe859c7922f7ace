/* The block kernel for AVX2: Intel since 2013, AMD since 2015. */
#include "runtime/kernel_common.h"

#if ML_HAS_AVX2
#include <immintrin.h>

#define TARGET  __attribute__((target("avx2,popcnt")))
#define ISA     "avx2"
#define NAME(x) x##_avx2
#define LANES   32

/* Cuts among 16 that lie below x. */
TARGET static inline uint32_t below_avx2(const float *cuts, size_t apart, __m256 x, bool less_equal)
{
    __m256 low, high;
    if (apart == 1) {
        low = _mm256_loadu_ps(cuts);
        high = _mm256_loadu_ps(cuts + 8);
    } else {
        __m256i at = _mm256_setr_epi32(15, 31, 47, 63, 79, 95, 111, 127);
        low = _mm256_i32gather_ps(cuts, at, 4);
        high = _mm256_i32gather_ps(cuts + 128, at, 4);
    }
    int a, b;
    if (less_equal) {
        a = _mm256_movemask_ps(_mm256_cmp_ps(low, x, _CMP_LT_OQ));
        b = _mm256_movemask_ps(_mm256_cmp_ps(high, x, _CMP_LT_OQ));
    } else {
        a = _mm256_movemask_ps(_mm256_cmp_ps(low, x, _CMP_LE_OQ));
        b = _mm256_movemask_ps(_mm256_cmp_ps(high, x, _CMP_LE_OQ));
    }
    return (uint32_t)_mm_popcnt_u32((unsigned)a | (unsigned)b << 8);
}

/* Every sixteenth cut first, then the sixteen before the one found. */
TARGET static inline uint8_t code_of_float_avx2(const float *cuts, float x, bool less_equal)
{
    __m256 all = _mm256_set1_ps(x);
    uint32_t sixteenth = below_avx2(cuts, 16, all, less_equal);
    return (uint8_t)(16 * sixteenth +
                     below_avx2(cuts + (size_t)16 * sixteenth, 1, all, less_equal));
}

TARGET static inline void add_leaves_avx2(const struct ml_plan *p, const struct ml_tree *t,
                                          const uint8_t leaf[ML_ROWS], union ml_sums *sums)
{
    if (!p->single_sum || p->width != 1 || p->how > ML_SUM_MEAN) {
        ml_sums_add(p, t, leaf, sums);
        return;
    }
    const float *table = (const float *)ML_AT(p, leaf_at) + t->leaf;
    float *to = sums->single + (size_t)t->output * ML_ROWS;
    for (size_t r = 0; r < ML_ROWS; r++)
        to[r] += table[leaf[r]];
}

#include "runtime/kernel_body.h"
#else
typedef int no_avx2;
#endif
