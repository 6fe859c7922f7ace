/* AVX2 with BMI and carry-less multiplication: Intel since 2013, AMD since 2017. */
#include "table/scan.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul")))
#include "table/scan_block.h"
#include "table/scan_utf8_avx2.h"

TARGET static inline uint64_t equal_mask(__m256i low, __m256i high, char c)
{
    __m256i wanted = _mm256_set1_epi8(c);
    uint32_t a = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted));
    uint32_t b = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted));
    return a | (uint64_t)b << 32;
}

TARGET static inline struct masks block_masks(const char *p, struct scan_chars chars)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
    return (struct masks){equal_mask(low, high, chars.quote),
                          equal_mask(low, high, chars.delimiter),
                          equal_mask(low, high, chars.newline), equal_mask(low, high, '\r')};
}

TARGET static inline uint64_t prefix_xor(uint64_t m)
{
    __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, (int64_t)m), _mm_set1_epi8(-1), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

TARGET static inline void put_positions(uint32_t *at, uint64_t m, uint32_t base)
{
    while (m) {
        for (int k = 0; k < 8; k++) {
            at[k] = base + 1 + (uint32_t)_tzcnt_u64(m);
            m = _blsr_u64(m);
        }
        at += 8;
    }
}

const struct scan_kernels scan_avx2 = {"avx2", totals_block, index_block, valid_avx2};
#endif
