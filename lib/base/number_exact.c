/*
 * Compares a decimal number with the midpoint of two doubles as big integers. No midpoint has more
 * than 767 significant digits, so of the digits behind the first DIGITS_KEPT it only matters
 * whether one is not zero.
 */
#include "base/number_exact.h"

#define DIGITS_KEPT 768

/* Both sides of the comparison are nearly equal and share no power of two, so neither is longer
 * than 769 digits (2555 bits) or, for the smallest numbers, 64 + log2(5^1112) < 2700 bits. */
#define LIMBS 96

struct big {
    uint32_t limb[LIMBS]; /* least significant first */
    size_t len;
};

static void big_multiply_add(struct big *b, uint32_t factor, uint32_t carry)
{
    uint64_t rest = carry;
    for (size_t i = 0; i < b->len; i++) {
        rest += (uint64_t)b->limb[i] * factor;
        b->limb[i] = (uint32_t)rest;
        rest >>= 32;
    }
    if (rest && b->len < LIMBS)
        b->limb[b->len++] = (uint32_t)rest;
}

/* Powers of 0 and less leave b as it is, here and below. */
static void big_multiply_power_of_five(struct big *b, int64_t power)
{
    const uint32_t five_to_13 = 1220703125;
    for (; power >= 13; power -= 13)
        big_multiply_add(b, five_to_13, 0);
    for (; power > 0; power--)
        big_multiply_add(b, 5, 0);
}

static void big_multiply_power_of_two(struct big *b, int64_t power)
{
    for (; power >= 31; power -= 31)
        big_multiply_add(b, UINT32_C(1) << 31, 0);
    if (power > 0)
        big_multiply_add(b, UINT32_C(1) << power, 0);
}

static int big_compare(const struct big *a, const struct big *b)
{
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    for (size_t i = a->len; i-- > 0;) {
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    }
    return 0;
}

/* The significant digits as an integer, cut to DIGITS_KEPT plus a 1 that stands for the rest.
 * Returns the power of ten that belongs to it. */
static int64_t big_from_digits(struct big *b, const char *p, const char *end)
{
    size_t kept = 0;
    int64_t exponent = 0;
    bool point = false, rest = false;
    b->len = 0;
    for (; p < end; p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        exponent -= point;
        if (kept == DIGITS_KEPT) {
            rest = rest || *p != '0';
            exponent++;
        } else if (kept || *p != '0') {
            big_multiply_add(b, 10, (uint32_t)(*p - '0'));
            kept++;
        }
    }
    if (rest) {
        big_multiply_add(b, 10, 1);
        exponent--;
    }
    return exponent;
}

/* The midpoint of `low` and its successor; returns the power of two that belongs to it. */
static int64_t big_from_midpoint(struct big *b, uint64_t low)
{
    int64_t biased = (int64_t)(low >> 52);
    uint64_t mantissa = low & ((UINT64_C(1) << 52) - 1);
    if (biased)
        mantissa |= UINT64_C(1) << 52;
    else
        biased = 1;
    mantissa = 2 * mantissa + 1;
    b->limb[0] = (uint32_t)mantissa;
    b->limb[1] = (uint32_t)(mantissa >> 32);
    b->len = b->limb[1] ? 2 : 1;
    return biased - 1076;
}

uint64_t number_nearest_exact(const char *p, const char *end, int64_t exponent, uint64_t low)
{
    struct big number, middle;
    int64_t ten = exponent + big_from_digits(&number, p, end);
    int64_t two = big_from_midpoint(&middle, low);
    /* number * 5^ten * 2^ten against middle * 2^two, with positive powers only */
    big_multiply_power_of_five(&number, ten);
    big_multiply_power_of_five(&middle, -ten);
    big_multiply_power_of_two(&number, ten - two);
    big_multiply_power_of_two(&middle, two - ten);
    int order = big_compare(&number, &middle);
    if (order == 0)
        return low + (low & 1);
    return order > 0 ? low + 1 : low;
}
