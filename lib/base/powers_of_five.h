/*
 * The 128 most significant bits of 5^q, which number_parse.c and number_print.c share. The first
 * bit is always 1. Truncated for q >= 0 (so exact up to 5^55), rounded up for q < 0.
 */
#ifndef BASE_POWERS_OF_FIVE_H
#define BASE_POWERS_OF_FIVE_H

#include "base/plain.h"

#define POWER_MIN       (-342)
#define POWER_MAX       324
#define POWER_EXACT_MAX 55

ML_DATA const struct bits128 powers_of_five[POWER_MAX - POWER_MIN + 1];

static inline struct bits128 power_of_five(int q)
{
    return powers_of_five[q - POWER_MIN];
}

#endif
