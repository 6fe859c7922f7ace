/*
 * wide: whole numbers of any width, for taking exact sums apart. Internal to stats.
 *
 * A number is sign and magnitude: limb[0] weighs 2^(64 * grid), limb[i] weighs 2^(64 * (grid + i)).
 * All numbers share that grid, so no operation shifts by bits. Limbs are owned: wide_release.
 */
#ifndef STATS_WIDE_H
#define STATS_WIDE_H

#include "stats/stats.h"

struct wide {
    uint64_t *limb;
    size_t n; /* 0 for the number 0 */
    int64_t grid;
    bool negative;
};
struct wide wide_of_sum(const struct sum *s); /* of the finite part */
struct wide wide_of_count(uint64_t n);
/* New numbers; the arguments stay. */
struct wide wide_multiply(const struct wide *a, const struct wide *b);
struct wide wide_add(const struct wide *a, const struct wide *b);
/* *a += factor * (b1 * ... * b_count); releases nothing but the old *a. */
void wide_accumulate(struct wide *a, int factor, const struct wide *const *b, size_t count);
void wide_trim(struct wide *a);
/* The number is m * 2^*exponent with 2^52 <= |m| < 2^53, rounded to nearest even; 0 gives 0. */
double wide_scaled(const struct wide *a, int64_t *exponent);
/* Correctly rounded, also to a subnormal; infinite beyond the range. */
double wide_value(const struct wide *a);
/* Position of the lowest and number of bits up to the highest set bit, from limb[0]; a is not 0. */
size_t wide_low_bit(const struct wide *a);
size_t wide_bits(const struct wide *a);
uint64_t wide_extract(const struct wide *a, size_t from, unsigned count); /* 1 to 64 bits */
void wide_release(struct wide *a);

/* Adds +-magnitude * 2^exponent; n at most SUM_LIMBS_MAX limbs. */
#define SUM_LIMBS_MAX 4
void sum_add_magnitude(struct sum *s, const uint64_t *limb, size_t n, int64_t exponent,
                       bool negative);
bool sum_finite(const struct sum *s); /* neither NaN nor infinity was added */
/* Adds x[0..n) to *first and, unless it is NULL, the squares to *second. Any values. */
void sum_add_powers(struct sum *first, struct sum *second, const double *x, size_t n);

/* A double as mantissa * 2^exponent; x is finite. */
struct parts {
    uint64_t mantissa;
    int exponent;
    bool negative;
};
static inline struct parts parts_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    unsigned field = (unsigned)(bits >> 52) & 0x7ff;
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    return (struct parts){
        .mantissa = fraction | (uint64_t)(field != 0) << 52,
        .exponent = (int)(field + (field == 0)) - 1075,
        .negative = bits >> 63,
    };
}

__extension__ typedef unsigned __int128 wide_u128;
__extension__ typedef __int128 wide_i128;

#endif
