/*
 * Short decimal numbers, which nearly all cells are: up to 16 bytes are taken in one load, the
 * point is squeezed out, and the digits become a number in two halves of eight (multiplications
 * within a word). With at most 15 digits, and a power of ten of at most 15, one division rounds
 * correctly (Clinger 1990).
 */
#include "base/base.h"

__extension__ typedef unsigned __int128 word16;

enum { SHORT_MAX = 16, EXACT_DIGITS = 15 };

static const double power_of_ten[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/* Eight ASCII digits, the first in the lowest byte. */
static inline uint64_t eight_digits(uint64_t v)
{
    v = (v & UINT64_C(0x0F0F0F0F0F0F0F0F)) * 2561 >> 8;
    v = (v & UINT64_C(0x00FF00FF00FF00FF)) * 6553601 >> 16;
    return (v & UINT64_C(0x0000FFFF0000FFFF)) * UINT64_C(42949672960001) >> 32;
}

static inline bool all_digits(uint64_t v)
{
    uint64_t high = UINT64_C(0xF0F0F0F0F0F0F0F0);
    uint64_t carried = v + UINT64_C(0x0606060606060606);
    return ((v & high) | (carried & high) >> 4) == UINT64_C(0x3333333333333333);
}

/* Index of the first '.' among eight bytes, 8 when there is none. */
static inline unsigned point_in(uint64_t v)
{
    uint64_t x = v ^ UINT64_C(0x2E2E2E2E2E2E2E2E);
    uint64_t zero = (x - UINT64_C(0x0101010101010101)) & ~x & UINT64_C(0x8080808080808080);
    return zero ? (unsigned)__builtin_ctzll(zero) / 8 : 8;
}

bool number_parse_padded(const char *p, size_t n, double *f)
{
    bool negative = n > 0 && *p == '-';
    const char *digits = p + negative;
    size_t left = n - negative;
    if (left == 0 || left > SHORT_MAX)
        return number_parse_double(p, n, f);
    word16 v;
    memcpy(&v, digits, sizeof v);
    unsigned point = point_in((uint64_t)v);
    if (point == 8)
        point += point_in((uint64_t)(v >> 64));
    size_t decimals = 0;
    if (point < left) {
        decimals = left - point - 1;
        word16 below = ((word16)1 << 8 * point) - 1;
        v = (v & below) | (v >> 8 & ~below);
        left--;
    }
    if (left == 0 || left > EXACT_DIGITS)
        return number_parse_double(p, n, f);
    /* to the high end, zeros before */
    const word16 zeros = (word16)UINT64_C(0x3030303030303030) << 64 | UINT64_C(0x3030303030303030);
    v = v << 8 * (SHORT_MAX - left) | (zeros & (((word16)1 << 8 * (SHORT_MAX - left)) - 1));
    uint64_t high = (uint64_t)v, low = (uint64_t)(v >> 64);
    if (!all_digits(high) || !all_digits(low))
        return number_parse_double(p, n, f);
    double value =
        (double)(eight_digits(high) * 100000000 + eight_digits(low)) / power_of_ten[decimals];
    *f = negative ? -value : value;
    return true;
}
