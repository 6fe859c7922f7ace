/*
 * Hashing of byte strings by multiply and fold, as wyhash and its kin do: the 128-bit product of
 * two mixed words, high half xor low half. Not a defence against keys chosen to collide.
 */
#include "base/plain.h"
#include "base/words.h"

/* Odd words from the fractional parts of the square roots of 2, 3, 5 and 7. */
#define K0 UINT64_C(0x6A09E667F3BCC909)
#define K1 UINT64_C(0xBB67AE8584CAA73B)
#define K2 UINT64_C(0x3C6EF372FE94F82B)
#define K3 UINT64_C(0xA54FF53A5F1D36F1)

static inline uint64_t fold(uint64_t a, uint64_t b)
{
    struct bits128 product = bits128_product(a, b);
    return product.low ^ product.high;
}

/* Three products at a time, which the processor can overlap; leaves 1 to 48 bytes. */
static uint64_t absorb_long(const unsigned char **p, size_t *left, uint64_t state)
{
    uint64_t second = state, third = state;
    do {
        state = fold(word_load_8(*p) ^ K1, word_load_8(*p + 8) ^ state);
        second = fold(word_load_8(*p + 16) ^ K2, word_load_8(*p + 24) ^ second);
        third = fold(word_load_8(*p + 32) ^ K3, word_load_8(*p + 40) ^ third);
        *p += 48;
        *left -= 48;
    } while (*left > 48);
    return state ^ second ^ third;
}

/* A key of at most 16 bytes is covered by two words, which overlap unless it has 8 or 16. */
uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed)
{
    const unsigned char *p = bytes;
    uint64_t state = seed ^ fold(seed ^ K0, K2), a = 0, b = 0;
    size_t left = n;
    if (UNLIKELY(left > 48))
        state = absorb_long(&p, &left, state);
    for (; left > 16; p += 16, left -= 16)
        state = fold(word_load_8(p) ^ K1, word_load_8(p + 8) ^ state);
    if (n > 16) {
        a = word_load_8(p + left - 16);
        b = word_load_8(p + left - 8);
    } else if (n >= 8) {
        a = word_load_8(p);
        b = word_load_8(p + n - 8);
    } else if (n >= 4) {
        a = word_load_4(p);
        b = word_load_4(p + n - 4);
    } else if (n > 0) {
        a = (uint64_t)p[0] << 16 | (uint64_t)p[n / 2] << 8 | p[n - 1];
    }
    struct bits128 product = bits128_product(a ^ K3, b ^ state);
    return fold(product.low ^ K0 ^ n, product.high ^ K1);
}

uint64_t hash_u64(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}
