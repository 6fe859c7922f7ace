/* AVX-512 with VBMI2: Intel since 2019 (Ice Lake), AMD since 2022 (Zen 4). */
#include "table/scan.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET                                                                                     \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,avx2,bmi,bmi2,lzcnt,popcnt,"      \
                          "pclmul")))
#include "table/scan_block.h"
#include "table/scan_utf8_avx2.h"

TARGET static inline struct masks block_masks(const char *p, struct scan_chars chars)
{
    __m512i v = _mm512_loadu_si512((const void *)p);
    return (struct masks){_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(chars.quote)),
                          _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(chars.delimiter)),
                          _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(chars.newline)),
                          _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\r'))};
}

TARGET static inline uint64_t prefix_xor(uint64_t m)
{
    __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, (int64_t)m), _mm_set1_epi8(-1), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

/* Indexes 1..64 of the set bits packed to the front, sixteen a store. */
TARGET static inline void put_positions(uint32_t *at, uint64_t m, uint32_t base)
{
    static const char ordinals[64] __attribute__((aligned(64))) = {
        1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
        23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
        45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64};
    __m512i packed = _mm512_maskz_compress_epi8(m, _mm512_load_si512(ordinals));
    __m512i start = _mm512_set1_epi32((int)base);
    int left = __builtin_popcountll(m);
    __m128i part = _mm512_castsi512_si128(packed);
    _mm512_storeu_si512(at, _mm512_add_epi32(start, _mm512_cvtepu8_epi32(part)));
    if (left <= 16)
        return;
    part = _mm512_extracti32x4_epi32(packed, 1);
    _mm512_storeu_si512(at + 16, _mm512_add_epi32(start, _mm512_cvtepu8_epi32(part)));
    if (left <= 32)
        return;
    part = _mm512_extracti32x4_epi32(packed, 2);
    _mm512_storeu_si512(at + 32, _mm512_add_epi32(start, _mm512_cvtepu8_epi32(part)));
    part = _mm512_extracti32x4_epi32(packed, 3);
    _mm512_storeu_si512(at + 48, _mm512_add_epi32(start, _mm512_cvtepu8_epi32(part)));
}

const struct scan_kernels scan_avx512 = {"avx512", totals_block, index_block, valid_avx2};
#endif
