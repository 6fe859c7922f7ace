/* The block kernel for AVX-512 (F, BW, VL, DQ): Intel servers since 2017, AMD since 2022. */
#include "runtime/kernel_common.h"

#if ML_HAS_AVX512
#include <immintrin.h>

#define TARGET  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,popcnt")))
#define ISA     "avx512"
#define NAME(x) x##_avx512
#define LANES   64

TARGET static inline uint32_t below_avx512(__m512 cuts, __m512 x, bool less_equal)
{
    __mmask16 mask = less_equal ? _mm512_cmp_ps_mask(cuts, x, _CMP_LT_OQ)
                                : _mm512_cmp_ps_mask(cuts, x, _CMP_LE_OQ);
    return (uint32_t)_mm_popcnt_u32(mask);
}

/* Every sixteenth cut first, then the sixteen before the one found. */
TARGET static inline uint8_t code_of_float_avx512(const float *cuts, float x, bool less_equal)
{
    const __m512i at =
        _mm512_setr_epi32(15, 31, 47, 63, 79, 95, 111, 127, 143, 159, 175, 191, 207, 223, 239, 255);
    __m512 all = _mm512_set1_ps(x), sixteenths = _mm512_i32gather_ps(at, cuts, 4);
    uint32_t sixteenth = below_avx512(sixteenths, all, less_equal);
    __m512 rest = _mm512_loadu_ps(cuts + (size_t)16 * sixteenth);
    return (uint8_t)(16 * sixteenth + below_avx512(rest, all, less_equal));
}

/* Leaves of up to 64 from four registers, 16 rows at a time. */
TARGET static inline __m512 leaves_of_avx512(const __m512 table[4], const uint8_t *leaf,
                                             uint32_t depth)
{
    __m512i at = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)leaf));
    __m512 low = _mm512_permutex2var_ps(table[0], at, table[1]);
    if (depth <= 5)
        return low;
    __m512 high = _mm512_permutex2var_ps(table[2], at, table[3]);
    return _mm512_mask_blend_ps(_mm512_test_epi32_mask(at, _mm512_set1_epi32(32)), low, high);
}

TARGET static inline void add_leaves_avx512(const struct ml_plan *p, const struct ml_tree *t,
                                            const uint8_t leaf[ML_ROWS], union ml_sums *sums)
{
    if (!p->single_sum || p->width != 1 || p->how > ML_SUM_MEAN) {
        ml_sums_add(p, t, leaf, sums);
        return;
    }
    const float *from = (const float *)ML_AT(p, leaf_at) + t->leaf;
    float *to = sums->single + (size_t)t->output * ML_ROWS;
    if (t->depth > 6) {
        for (size_t r = 0; r < ML_ROWS; r++)
            to[r] += from[leaf[r]];
        return;
    }
    __m512 table[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                       _mm512_setzero_ps()};
    size_t leaves = (size_t)1 << t->depth;
    for (size_t i = 0; i < 4 && 16 * i < leaves; i++) {
        size_t left = leaves - 16 * i;
        __mmask16 there = (__mmask16)(0xffffu >> (left >= 16 ? 0 : 16 - left));
        table[i] = _mm512_maskz_loadu_ps(there, from + 16 * i);
    }
    for (size_t r = 0; r < ML_ROWS; r += 16)
        _mm512_storeu_ps(to + r, _mm512_add_ps(_mm512_loadu_ps(to + r),
                                               leaves_of_avx512(table, leaf + r, t->depth)));
}

#define MASKS
#include "runtime/kernel_body.h"
#else
typedef int no_avx512;
#endif
