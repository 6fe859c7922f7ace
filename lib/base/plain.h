/*
 * plain: functions of base that stand alone. Their files include nothing but one another and the C
 * library, allocate nothing and have no mutable globals: they are also put into compiled artefacts,
 * for 32-bit processors among others. There ML_API and ML_DATA are both `static`.
 */
#ifndef BASE_PLAIN_H
#define BASE_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef ML_API
#define ML_API /* before a function */
#endif
#ifndef ML_DATA
#define ML_DATA extern /* before the declaration of a table */
#endif

#if defined(__GNUC__)
#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#endif

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A slice of somebody else's bytes. at == NULL means missing (no value), which is not the empty
 * text. */
struct text {
    const char *at;
    size_t len;
};
#define TEXT_LITERAL(s) ((struct text){(s), sizeof(s) - 1})

/* A number of 128 bits, for processors that have none. */
struct bits128 {
    uint64_t high, low;
};
static inline struct bits128 bits128_by_halves(uint64_t a, uint64_t b)
{
    uint64_t a_low = (uint32_t)a, a_high = a >> 32, b_low = (uint32_t)b, b_high = b >> 32;
    uint64_t low = a_low * b_low, first = a_high * b_low + (low >> 32);
    uint64_t second = a_low * b_high + (uint32_t)first;
    return (struct bits128){a_high * b_high + (first >> 32) + (second >> 32),
                            second << 32 | (uint32_t)low};
}
static inline struct bits128 bits128_product(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (struct bits128){(uint64_t)(product >> 64), (uint64_t)product};
#else
    return bits128_by_halves(a, b);
#endif
}
static inline struct bits128 bits128_add(struct bits128 a, uint64_t b)
{
    uint64_t low = a.low + b;
    return (struct bits128){a.high + (low < b), low};
}

/* fast, stable across machines */
ML_API uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed);
ML_API uint64_t hash_u64(uint64_t x); /* mixes all bits (splitmix64) */
/* Hashes that other tools know: XXH64, MurmurHash3 (x86, 32 bits), FNV-1a (64 bits). */
ML_API uint64_t xxh64(const void *bytes, size_t n, uint64_t seed);
ML_API uint32_t murmur3(const void *bytes, size_t n, uint32_t seed);
ML_API uint64_t fnv1a(const void *bytes, size_t n);

/* Inverse of the normal distribution function: -inf at 0, inf at 1, NaN outside. To 16 digits, and
 * the same bits on every machine (Wichura 1988, AS 241). */
ML_API double normal_quantile(double p);

/* UTF-8 by the character; n counts bytes. */
/* Bytes before the first bad one; n when there is none. */
ML_API size_t utf8_valid_prefix(const char *p, size_t n);
ML_API size_t utf8_length(const char *p, size_t n); /* characters; a bad byte counts as one */
ML_API uint32_t utf8_decode(const char *p, size_t n,
                            size_t *used);                /* n > 0; bad byte: U+FFFD, used 1 */
ML_API size_t utf8_print(char out[static 4], uint32_t c); /* a surrogate or c > U+10FFFF: U+FFFD */
/* Bytes of the first `chars` characters. */
ML_API size_t utf8_offset(const char *p, size_t n, size_t chars);

/* SQL's LIKE on the whole text: % any characters, _ one, \ takes the next as it stands; A-Z may be
 * the same as a-z. */
ML_API bool like_fits(const char *s, size_t n, const char *pattern, size_t pattern_n,
                      bool ignore_case);

#endif
