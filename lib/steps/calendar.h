/*
 * calendar: what steps on dates and times share. Times are microseconds UTC; a zone (NULL: UTC)
 * says on which clock days, months and parts are counted.
 */
#ifndef STEPS_CALENDAR_H
#define STEPS_CALENDAR_H

#include "base/interval.h"
#include "prep/rowwise.h"

/* "15m", "1h30m", "7d", "day", "2 weeks", "quarter", "-3 months"; false when it is none. */
bool interval_parse(struct text text, struct interval *out);
/* t + n intervals. The day is cut to the length of its month.
 * False outside of the years 1 to 9999. */
bool interval_add(const struct zone *zone, usec t, struct interval by, int64_t n, usec *out);
/* The last multiple not behind t, and the first one behind it. Weeks begin on Monday, other
 * multiples of days and spans are counted from 1970-01-01, months from year 0. */
bool interval_around(const struct zone *zone, usec t, struct interval every, usec *floor,
                     usec *next);

usec clock_of(const struct zone *zone, usec utc); /* as if the zone's clock were UTC */

/* For a row program: a zone, the zone's clock of a register of times, three constants. */
uint32_t lower_step_zone(struct lowering *l, const struct zone *zone);
uint32_t lower_clock(struct lowering *l, const struct zone *zone, uint32_t time);
uint32_t lower_interval(struct lowering *l, struct interval i);
/* The text is read by a pattern (NULL: as RFC 3339) into `to`. Flags: those of time_of_text. */
void lower_read_with(struct lowering *l, const char *pattern, uint16_t flags, uint32_t to,
                     uint32_t text, uint32_t zone);

/* What a rowwise map's prepare makes of the argument zone= (NULL when not given). */
int zone_argument(struct step *s, struct zone **zone, struct error *e);
/* An interval or (bare number of units) from an argument; required to be above 0. */
int interval_argument(struct step *s, const char *name, struct interval *out, struct error *e);

#define ZONE_ARG(what)                                                                             \
    {                                                                                              \
        .name = "zone", .kind = ARG_TEXT, .help = what                                             \
    }

/* A sorted list of days off, from the arguments dates= and file= (a date in the first field of each
 * line). Owned; released with vec_release. */
struct days_off {
    VEC(int64_t) days;
};
int days_off_read(struct step *s, struct days_off *off, struct error *e);
/* How many of them are earlier than `day`. */
size_t days_off_before(const struct days_off *off, int64_t day);
bool days_off_has(const struct days_off *off, int64_t day);

#endif
