/* Looking up the offset of a time zone. */
#include "base/clock.h"
#include "base/time_scan.h"

#define PERIOD (INT64_C(146097) * 86400) /* 400 years, in seconds */

int zone_table_offset(const struct zone_table *z, usec utc)
{
    int64_t second = floor_div(utc, USEC_SECOND);
    if (z->count == 0)
        return z->first_offset;
    int64_t last = z->changes[z->count - 1].at;
    if (z->periodic && second >= last)
        second -= ((second - last) / PERIOD + 1) * PERIOD;
    size_t low = 0, high = z->count; /* the changes before low are not later than second */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (z->changes[middle].at <= second)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? (int)z->changes[low - 1].offset : z->first_offset;
}

/* No offset reaches a day, so the offsets of the day before and after enclose a change near by.
 * With the earlier one the local time is read as if the change had not come yet: right before it,
 * the first of two in an overlap, and moved forward in a gap. */
usec zone_table_to_utc(const struct zone_table *z, usec local)
{
    usec early = local - zone_table_offset(z, local - USEC_DAY) * USEC_SECOND;
    usec late = local - zone_table_offset(z, local + USEC_DAY) * USEC_SECOND;
    bool early_holds = early + zone_table_offset(z, early) * USEC_SECOND == local;
    bool late_holds = late + zone_table_offset(z, late) * USEC_SECOND == local;
    if (early_holds && late_holds)
        return early < late ? early : late;
    return late_holds ? late : early;
}
