/* NEON: every 64-bit Arm processor. */
#include "table/scan.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define TARGET
#include "table/scan_bits.h"
#include "table/scan_block.h"

/* One bit a byte: each byte keeps the bit of its place in eight, then neighbours are added three times. */
static inline uint64_t equal_mask(const uint8x16_t v[4], char c)
{
    static const uint8_t places[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bit = vld1q_u8(places), wanted = vdupq_n_u8((uint8_t)c);
    uint8x16_t m[4];
    for (int i = 0; i < 4; i++)
        m[i] = vandq_u8(vceqq_u8(v[i], wanted), bit);
    uint8x16_t pairs = vpaddq_u8(vpaddq_u8(m[0], m[1]), vpaddq_u8(m[2], m[3]));
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(pairs, pairs)), 0);
}

static inline struct masks block_masks(const char *p, struct scan_chars chars)
{
    uint8x16_t v[4];
    for (int i = 0; i < 4; i++)
        v[i] = vld1q_u8((const uint8_t *)p + 16 * i);
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

/* Plain ASCII goes by in blocks; anything else is left to the reference, up to the next character. */
static size_t valid_neon(const char *text, size_t n)
{
    size_t i = 0;
    while (i + 16 <= n) {
        uint8x16_t v = vld1q_u8((const uint8_t *)text + i);
        if (vmaxvq_u8(v) < 0x80 && vminvq_u8(v) > 0) {
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

const struct scan_kernels scan_neon = {"neon", totals_block, index_block, valid_neon};
#endif
