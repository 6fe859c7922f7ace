/* SSE2: the baseline of x86-64. */
#include "table/scan.h"

#if defined(__x86_64__)
#include <emmintrin.h>

#define TARGET
#include "table/scan_block.h"
#include "table/scan_bits.h"

static inline uint64_t equal_mask(const __m128i v[4], char c)
{
    __m128i wanted = _mm_set1_epi8(c);
    uint64_t m = 0;
    for (int i = 0; i < 4; i++)
        m |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[i], wanted)) << (16 * i);
    return m;
}

static inline struct masks block_masks(const char *p, struct scan_chars chars)
{
    __m128i v[4];
    for (int i = 0; i < 4; i++)
        v[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
    return (struct masks){equal_mask(v, chars.quote), equal_mask(v, chars.delimiter),
                          equal_mask(v, chars.newline), equal_mask(v, '\r')};
}

static inline uint64_t prefix_xor(uint64_t m)
{
    return prefix_xor_shifts(m);
}

static inline void put_positions(uint32_t *at, uint64_t m, uint32_t base)
{
    put_positions_bits(at, m, base);
}

/* Plain ASCII goes by in blocks; anything else is left to the reference, up to the next plain block. */
static size_t valid_sse2(const char *text, size_t n)
{
    const __m128i zero = _mm_setzero_si128();
    size_t i = 0;
    while (i + 16 <= n) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(text + i));
        if (_mm_movemask_epi8(_mm_or_si128(v, _mm_cmpeq_epi8(v, zero))) == 0) {
            i += 16;
            continue;
        }
        size_t end = i + 16;
        while (end < n && ((unsigned char)text[end] & 0xC0) == 0x80)
            end++;
        size_t good = scan_valid_scalar(text + i, end - i);
        if (good < end - i)
            return i + good;
        i = end;
    }
    return i + scan_valid_scalar(text + i, n - i);
}

const struct scan_kernels scan_sse2 = {"sse2", totals_block, index_block, valid_sse2};
#endif
