/* The kernels for AVX-512 (F, BW, VL, DQ): Intel servers since 2017, AMD since 2022. */
#include "runtime/kernel_common.h"

#if ML_HAS_AVX512
#include <immintrin.h>

#define ISA     "avx512"
#define NAME(x) x##_avx512
#define TARGET  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,popcnt")))
/* One instruction, which need not copy the mask. */
#define PICK(right, if_left, if_right)                                                             \
    (part)                                                                                         \
        _mm512_ternarylogic_epi64((__m512i)(if_right), (__m512i)(right), (__m512i)(if_left), 0xe2)
#define LANES     64
#define LANE_BITS 4
#define INLINE    TARGET static inline __attribute__((always_inline))

INLINE uint32_t count_floats_avx512(const float *cuts, float x)
{
    __mmask16 reached = _mm512_cmp_ps_mask(_mm512_set1_ps(x), _mm512_loadu_ps(cuts), _CMP_GE_OQ);
    return (uint32_t)_mm_popcnt_u32(reached);
}

INLINE uint32_t count_doubles_avx512(const double *cuts, double x)
{
    __m512d all = _mm512_set1_pd(x);
    __mmask8 low = _mm512_cmp_pd_mask(all, _mm512_loadu_pd(cuts), _CMP_GE_OQ);
    __mmask8 high = _mm512_cmp_pd_mask(all, _mm512_loadu_pd(cuts + 8), _CMP_GE_OQ);
    return (uint32_t)_mm_popcnt_u32((unsigned)low | (unsigned)high << 8);
}

/* Numbers of 32 bits from a table of up to 256 in registers. */
INLINE __m512i look_5(const __m512i *table, __m512i at)
{
    return _mm512_permutex2var_epi32(table[0], at, table[1]);
}

INLINE __m512i look_6(const __m512i *table, __m512i at)
{
    __mmask16 high = _mm512_test_epi32_mask(at, _mm512_set1_epi32(32));
    return _mm512_mask_blend_epi32(high, look_5(table, at), look_5(table + 2, at));
}

INLINE __m512i look_7(const __m512i *table, __m512i at)
{
    __mmask16 high = _mm512_test_epi32_mask(at, _mm512_set1_epi32(64));
    return _mm512_mask_blend_epi32(high, look_6(table, at), look_6(table + 4, at));
}

INLINE __m512i look_8(const __m512i *table, __m512i at)
{
    __mmask16 high = _mm512_test_epi32_mask(at, _mm512_set1_epi32(128));
    return _mm512_mask_blend_epi32(high, look_7(table, at), look_7(table + 8, at));
}

/* bits is a constant from 5 on. */
INLINE __m512i look(const __m512i *table, uint32_t bits, __m512i at)
{
    return bits == 5   ? look_5(table, at)
           : bits == 6 ? look_6(table, at)
           : bits == 7 ? look_7(table, at)
                       : look_8(table, at);
}

INLINE void float_sums(const float *table, uint32_t bits, const uint8_t *leaf, size_t n,
                       float *sums)
{
    __m512i tables[16];
    for (size_t i = 0; i < (size_t)1 << (bits - 4); i++)
        tables[i] = _mm512_loadu_si512(table + 16 * i);
    for (size_t r = 0; r < n; r += 64) {
        __m512i four = _mm512_load_si512(leaf + r);
        for (size_t k = 0; k < 64; k += 16) {
            __m512 values = _mm512_castsi512_ps(look(tables, bits, four));
            _mm512_store_ps(sums + r + k, _mm512_add_ps(_mm512_load_ps(sums + r + k), values));
            four = _mm512_srli_epi32(four, 8);
        }
    }
}

TARGET static void add_floats_avx512(const float *table, uint32_t bits, const uint8_t *leaf,
                                     size_t n, float *sums)
{
    if (bits <= 5)
        float_sums(table, 5, leaf, n, sums);
    else if (bits == 6)
        float_sums(table, 6, leaf, n, sums);
    else if (bits == 7)
        float_sums(table, 7, leaf, n, sums);
    else
        float_sums(table, 8, leaf, n, sums);
}

/* Doubles are looked up by halves; 64 of them are all that registers hold. Unpacking halves puts
 * them in another order, which this one makes the right one. */
INLINE void double_sums(const double *table, uint32_t bits, const uint8_t *leaf, size_t n,
                        double *sums)
{
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    const __m512i order = _mm512_setr_epi32(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
    __m512i low[8], high[8];
    for (size_t i = 0; i < (size_t)1 << (bits - 4); i++) {
        __m512i a = _mm512_loadu_si512(table + 16 * i), b = _mm512_loadu_si512(table + 16 * i + 8);
        low[i] = _mm512_permutex2var_epi32(a, even, b);
        high[i] = _mm512_permutex2var_epi32(a, odd, b);
    }
    for (size_t r = 0; r < n; r += 64) {
        __m512i four = _mm512_permutexvar_epi32(order, _mm512_load_si512(leaf + r));
        for (size_t k = 0; k < 64; k += 16) {
            __m512i a = look(low, bits, four), b = look(high, bits, four);
            __m512d first = _mm512_castsi512_pd(_mm512_unpacklo_epi32(a, b));
            __m512d second = _mm512_castsi512_pd(_mm512_unpackhi_epi32(a, b));
            double *to = sums + r + k;
            _mm512_store_pd(to, _mm512_add_pd(_mm512_load_pd(to), first));
            _mm512_store_pd(to + 8, _mm512_add_pd(_mm512_load_pd(to + 8), second));
            four = _mm512_srli_epi32(four, 8);
        }
    }
}

/* More come from memory. */
INLINE void gathered_sums(const double *table, const uint8_t *leaf, size_t n, double *sums)
{
    for (size_t r = 0; r < n; r += 64) {
        __m512i four = _mm512_load_si512(leaf + r);
        for (size_t k = 0; k < 64; k += 16) {
            __m512i at = _mm512_and_si512(four, _mm512_set1_epi32(255));
            __m512d first = _mm512_i32gather_pd(_mm512_castsi512_si256(at), table, 8);
            __m512d second = _mm512_i32gather_pd(_mm512_extracti64x4_epi64(at, 1), table, 8);
            double *to = sums + r + k;
            _mm512_store_pd(to, _mm512_add_pd(_mm512_load_pd(to), first));
            _mm512_store_pd(to + 8, _mm512_add_pd(_mm512_load_pd(to + 8), second));
            four = _mm512_srli_epi32(four, 8);
        }
    }
}

TARGET static void add_doubles_avx512(const double *table, uint32_t bits, const uint8_t *leaf,
                                      size_t n, double *sums)
{
    if (bits <= 5)
        double_sums(table, 5, leaf, n, sums);
    else if (bits == 6)
        double_sums(table, 6, leaf, n, sums);
    else
        gathered_sums(table, leaf, n, sums);
}

#undef INLINE
#include "runtime/kernel_body.h"
#else
typedef int no_avx512;
#endif
