/*
 * Pieces of times that time.c, time_pattern.c and zone.c read alike. Private to base. Each reads at
 * *p, never at or beyond end, moves *p on success and leaves it alone otherwise.
 */
#ifndef BASE_TIME_SCAN_H
#define BASE_TIME_SCAN_H

#include "base/clock.h"

#define YEAR_MIN 1
#define YEAR_MAX 9999

/* 1 to most digits (most <= 18), as many as there are. */
ML_API bool scan_digits(const char **p, const char *end, int most, int64_t *value);
/* 1 to 9 digits of a fraction of a second; what is finer than a microsecond is dropped. */
ML_API bool scan_fraction(const char **p, const char *end, int *micros);
/* Z, z, +HH:MM, +HHMM, +HH or the same with '-'; seconds east of UTC. */
ML_API bool scan_offset(const char **p, const char *end, int *offset);

/* Whether t is in the years the module promises to handle. */
ML_API bool usec_in_range(usec t);

/* divisor > 0; rounds towards minus infinity, so that the remainder is never negative. */
static inline int64_t floor_div(int64_t value, int64_t divisor)
{
    int64_t quotient = value / divisor;
    return quotient - (value % divisor < 0);
}

static inline bool is_leap_year(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

#endif
