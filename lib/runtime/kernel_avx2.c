/* The kernels for AVX2: Intel since 2013, AMD since 2015. */
#include "runtime/kernel_common.h"

#if ML_HAS_AVX2
#include <immintrin.h>

#define ISA       "avx2"
#define NAME(x)   x##_avx2
#define TARGET    __attribute__((target("avx2,popcnt")))
#define LANES     32
#define LANE_BITS 3

TARGET static inline uint32_t count_floats_avx2(const float *cuts, float x)
{
    __m256 all = _mm256_set1_ps(x);
    __m256 low = _mm256_cmp_ps(all, _mm256_loadu_ps(cuts), _CMP_GE_OQ);
    __m256 high = _mm256_cmp_ps(all, _mm256_loadu_ps(cuts + 8), _CMP_GE_OQ);
    unsigned mask = (unsigned)_mm256_movemask_ps(low) | (unsigned)_mm256_movemask_ps(high) << 8;
    return (uint32_t)_mm_popcnt_u32(mask);
}

TARGET static inline uint32_t count_doubles_avx2(const double *cuts, double x)
{
    __m256d all = _mm256_set1_pd(x);
    unsigned mask = 0;
    for (size_t i = 0; i < 16; i += 4) {
        __m256d below = _mm256_cmp_pd(all, _mm256_loadu_pd(cuts + i), _CMP_GE_OQ);
        mask = mask << 4 | (unsigned)_mm256_movemask_pd(below);
    }
    return (uint32_t)_mm_popcnt_u32(mask);
}

TARGET static inline void add_floats_avx2(const float *table, uint32_t bits, const uint8_t *leaf,
                                          size_t n, float *sums)
{
    (void)bits;
    for (size_t r = 0; r < n; r += 32) {
        __m256i four = _mm256_load_si256((const __m256i *)(const void *)(leaf + r));
        for (size_t k = 0; k < 32; k += 8) {
            __m256i at = _mm256_and_si256(four, _mm256_set1_epi32(255));
            __m256 values = _mm256_i32gather_ps(table, at, 4);
            _mm256_store_ps(sums + r + k, _mm256_add_ps(_mm256_load_ps(sums + r + k), values));
            four = _mm256_srli_epi32(four, 8);
        }
    }
}

TARGET static inline void add_doubles_avx2(const double *table, uint32_t bits, const uint8_t *leaf,
                                           size_t n, double *sums)
{
    (void)bits;
    for (size_t r = 0; r < n; r += 32) {
        __m256i four = _mm256_load_si256((const __m256i *)(const void *)(leaf + r));
        for (size_t k = 0; k < 32; k += 8) {
            __m256i at = _mm256_and_si256(four, _mm256_set1_epi32(255));
            __m256d low = _mm256_i32gather_pd(table, _mm256_castsi256_si128(at), 8);
            __m256d high = _mm256_i32gather_pd(table, _mm256_extracti128_si256(at, 1), 8);
            double *to = sums + r + k;
            _mm256_store_pd(to, _mm256_add_pd(_mm256_load_pd(to), low));
            _mm256_store_pd(to + 4, _mm256_add_pd(_mm256_load_pd(to + 4), high));
            four = _mm256_srli_epi32(four, 8);
        }
    }
}

#include "runtime/kernel_body.h"
#else
typedef int no_avx2;
#endif
