/* The calendar, and times <-> text. Part of compiled artefacts, too: see plain.h. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/plain.h"

/* Microseconds since 1970-01-01T00:00:00Z, proleptic Gregorian calendar, no leap seconds.
 * Years 1 to 9999. */
typedef int64_t usec;
#define USEC_SECOND INT64_C(1000000)
#define USEC_DAY    (INT64_C(86400) * USEC_SECOND)

struct civil {
    int year, month, day; /* month and day 1-based */
    int hour, minute, second, micros;
    int weekday; /* 0 = Monday */
    int yearday; /* 1-based */
    int offset;  /* seconds east of UTC; INT_MIN when the text named none */
};
ML_API int64_t civil_to_days(int year, int month, int day); /* days since 1970-01-01 */
ML_API void civil_from_days(int64_t days, int *year, int *month, int *day);
ML_API bool civil_valid(const struct civil *c);       /* ranges, days of the month */
ML_API usec civil_to_usec(const struct civil *c);     /* offset applied; INT_MIN counts as 0 */
ML_API void civil_from_usec(usec t, struct civil *c); /* UTC: offset 0 */

/* The offsets of a time zone, which change at certain instants. */
struct zone_change {
    int64_t at;     /* seconds since the epoch */
    int64_t offset; /* seconds east of UTC from then on */
};
struct zone_table {
    int first_offset; /* before the first change */
    bool periodic;    /* the last 400 years of the table repeat for ever */
    size_t count;
    const struct zone_change *changes; /* in order of time */
};
ML_API int zone_table_offset(const struct zone_table *z, usec utc);
/* A time in a gap moves forward, of two in an overlap it is the first. */
ML_API usec zone_table_to_utc(const struct zone_table *z, usec local);

/* RFC 3339, and its relaxed forms: date alone, space for T, no seconds, fraction of 1-9 digits (cut
 * to microseconds), offset +HHMM or +HH. Second 60 is the first of the next minute. has_offset
 * tells whether the text named one. false when it is not a time. */
ML_API bool time_parse(const char *p, size_t n, usec *t, bool *has_offset);
/* strptime-like: %Y %y %m %d %e %H %I %M %S %f (fraction) %p %b %B %a %A %j %z %Z(UTC, GMT only) %s
 * (epoch seconds) %n %t (any blanks) %% ; English names, any case. The whole text must match. What
 * is not named is that of 1970-01-01T00:00:00; the name of a weekday is read but not checked. */
ML_API bool time_parse_pattern(const char *p, size_t n, const char *pattern, usec *t,
                               bool *has_offset);
/* As time_print_pattern does, into at most `room` bytes; returns how many there would be. */
ML_API size_t time_format(char *at, size_t room, usec t, int offset, const char *pattern);
/* RFC 3339 in UTC: 2001-01-31T06:05:04Z, with .mmm or .mmmmmm when needed. Returns the length. */
#define TIME_MAX 48
ML_API size_t time_print(char out[static TIME_MAX], usec t);
/* "30d", "2h", "1h30m", "90s", "250ms", "15us", "1w"; months and years are not durations.
 * Whole numbers, units from large to small, each at most once. */
ML_API bool duration_parse(const char *p, size_t n, usec *d);

#endif
