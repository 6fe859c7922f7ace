/*
 * The slow, exact end of number parsing: which of two neighbouring doubles is nearer to a decimal
 * text of any length. Private to number_parse.c.
 */
#ifndef BASE_NUMBER_EXACT_H
#define BASE_NUMBER_EXACT_H

#include "base/plain.h"

#define DOUBLE_INFINITY UINT64_C(0x7ff0000000000000)

/* The digits p[0..end), with at most one point, times 10^exponent lie between the double with the
 * bits `low` and its successor, or at most half a unit outside. Returns the bits of the nearer one,
 * of the even one for a tie. */
ML_API uint64_t number_nearest_exact(const char *p, const char *end, int64_t exponent,
                                     uint64_t low);

#endif
