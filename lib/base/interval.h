/* Intervals on the calendar of a time zone (NULL: UTC). Part of compiled artefacts, too: see
 * plain.h. */
#ifndef BASE_INTERVAL_H
#define BASE_INTERVAL_H

#include "base/clock.h"

/* One of the three is set. Days are those of a calendar: a day later keeps the clock time. */
struct interval {
    int64_t months, days;
    usec span;
};
/* n times as long; false when it overflows. */
ML_API bool interval_times(struct interval *i, int64_t n);
/* Length when it is fixed, 0 for months. */
ML_API usec interval_length(struct interval i);
/* An interval later. The day is cut to the length of its month. False outside of the years 1 to
 * 9999. */
ML_API bool interval_after(const struct zone_table *zone, usec t, struct interval by, usec *out);
/* The last multiple not behind t, and the first one behind it. Weeks begin on Monday, other
 * multiples of days and spans are counted from 1970-01-01, months from year 0. */
ML_API bool interval_bounds(const struct zone_table *zone, usec t, struct interval every,
                            usec *floor, usec *next);
/* The first of them alone, which there is in the last year, too; every is one unit. */
ML_API bool interval_start(const struct zone_table *zone, usec t, struct interval every,
                           usec *floor);
/* The nearer of the two. A tie goes to the even one when multiples are counted, else to the
 * later. */
ML_API bool interval_nearest(const struct zone_table *zone, usec t, struct interval every,
                             usec *out);
/* Whole months from b to a: the last counts when its day and clock time are reached, or the end of
 * the month is. */
ML_API int64_t interval_months(usec a, usec b);

/* As if the zone's clock were UTC. */
ML_API usec local_of_utc(const struct zone_table *zone, usec utc);
ML_API int month_days(int year, int month);
ML_API int64_t day_of_usec(usec local); /* since 1970-01-01 */
ML_API int weekday_of_day(int64_t day); /* 0 = Monday */

#endif
