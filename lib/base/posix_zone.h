/*
 * The rule part of a POSIX TZ string (POSIX.1-2017, 8.3, with the extensions of RFC 8536, 3.3.1),
 * as in "CET-1CEST,M3.5.0,M10.5.0/3". Private to zone.c.
 */
#ifndef BASE_POSIX_ZONE_H
#define BASE_POSIX_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct posix_date {
    enum { DATE_JULIAN, DATE_YEARDAY, DATE_WEEKDAY } kind;
    int month, week, day; /* JULIAN: day 1 to 365, never 29 February; YEARDAY: 0 to 365;
                             WEEKDAY: week 5 is the last of the month, day 0 is Sunday */
    int second;           /* of local time, may be outside of the day */
};

struct posix_zone {
    int std_offset, dst_offset; /* seconds east of UTC */
    bool has_dst;
    struct posix_date start, end; /* of daylight saving time */
};

/* Reads the whole of p[0..n); false when it is malformed. */
bool posix_zone_parse(struct posix_zone *z, const char *p, size_t n);
/* Seconds since the epoch at which daylight saving time starts or ends in the year. */
int64_t posix_zone_start(const struct posix_zone *z, int year);
int64_t posix_zone_end(const struct posix_zone *z, int year);

#endif
