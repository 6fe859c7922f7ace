/* words: bytes as integers, the first byte lowest, and digits eight at a time. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include "base/plain.h"

static inline uint64_t word_load_8(const void *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline uint32_t word_load_4(const void *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

/* Whether all eight characters are digits. */
static inline bool word_is_digits(uint64_t word)
{
    uint64_t high = UINT64_C(0xf0f0f0f0f0f0f0f0);
    uint64_t carried = (word + UINT64_C(0x0606060606060606)) & high;
    return ((word & high) | carried >> 4) == UINT64_C(0x3333333333333333);
}

/* The value of eight digits: pairs, then both fours at once, in the lanes of a word. */
static inline uint64_t word_digits(uint64_t word)
{
    uint64_t pair = word - UINT64_C(0x3030303030303030), mask = UINT64_C(0x000000ff000000ff);
    pair = pair * 10 + (pair >> 8);
    uint64_t outer = (pair & mask) * (100 + (UINT64_C(1000000) << 32));
    uint64_t inner = (pair >> 16 & mask) * (1 + (UINT64_C(10000) << 32));
    return (outer + inner) >> 32;
}

#endif
