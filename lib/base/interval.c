/* Months, days and spans of time, added and cut to. */
#include "base/interval.h"

#include "base/time_scan.h"

bool interval_times(struct interval *i, int64_t n)
{
    return !__builtin_mul_overflow(i->months, n, &i->months) &&
           !__builtin_mul_overflow(i->days, n, &i->days) &&
           !__builtin_mul_overflow(i->span, n, &i->span);
}

usec interval_length(struct interval i)
{
    return i.span + i.days * USEC_DAY;
}

static int64_t whole_multiple(int64_t x, int64_t by)
{
    int64_t rest = x % by;
    return x - (rest < 0 ? rest + by : rest);
}

usec local_of_utc(const struct zone_table *zone, usec utc)
{
    return zone ? utc + zone_table_offset(zone, utc) * USEC_SECOND : utc;
}

static usec utc_of_local(const struct zone_table *zone, usec local)
{
    return zone ? zone_table_to_utc(zone, local) : local;
}

int64_t day_of_usec(usec local)
{
    return whole_multiple(local, USEC_DAY) / USEC_DAY;
}

int weekday_of_day(int64_t day)
{
    return (int)(day + 3 - whole_multiple(day + 3, 7)); /* 1970-01-01 was a Thursday */
}

int month_days(int year, int month)
{
    static const signed char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap_year(year));
}

enum { MONTHS_MIN = 12, MONTHS_MAX = 10000 * 12 }; /* from year 0; years 1 to 9999 */

static bool first_of_month(int64_t months, struct civil *c)
{
    if (months < MONTHS_MIN || months >= MONTHS_MAX)
        return false;
    c->year = (int)(months / 12);
    c->month = (int)(months % 12) + 1;
    return true;
}

static bool add_months(usec local, int64_t months, usec *out)
{
    struct civil c;
    civil_from_usec(local, &c);
    if (months > MONTHS_MAX || months < -MONTHS_MAX ||
        !first_of_month((int64_t)c.year * 12 + c.month - 1 + months, &c))
        return false;
    int most = month_days(c.year, c.month);
    c.day = c.day > most ? most : c.day;
    *out = civil_to_usec(&c);
    return true;
}

bool interval_after(const struct zone_table *zone, usec t, struct interval by, usec *out)
{
    usec length, local = local_of_utc(zone, t);
    if (by.months) {
        if (!add_months(local, by.months, out))
            return false;
        *out = utc_of_local(zone, *out);
        return usec_in_range(*out);
    }
    if (by.span)
        return !__builtin_add_overflow(t, by.span, out) && usec_in_range(*out);
    if (__builtin_mul_overflow(by.days, USEC_DAY, &length) ||
        __builtin_add_overflow(local, length, out) || !usec_in_range(*out))
        return false;
    *out = utc_of_local(zone, *out);
    return true;
}

static bool months_before(usec local, int64_t every, int64_t *months, usec *floor)
{
    struct civil c, start = {.day = 1};
    civil_from_usec(local, &c);
    *months = whole_multiple((int64_t)c.year * 12 + c.month - 1, every);
    if (!first_of_month(*months, &start))
        return false;
    *floor = civil_to_usec(&start);
    return true;
}

static bool months_behind(int64_t months, usec *next)
{
    struct civil start = {.day = 1};
    if (!first_of_month(months, &start))
        return false;
    *next = civil_to_usec(&start);
    return true;
}

static usec span_before(usec local, struct interval every)
{
    usec origin = every.days && every.days % 7 == 0 ? -3 * USEC_DAY : 0; /* a Monday */
    return whole_multiple(local - origin, interval_length(every)) + origin;
}

bool interval_bounds(const struct zone_table *zone, usec t, struct interval every, usec *floor,
                     usec *next)
{
    usec local = local_of_utc(zone, t);
    int64_t months;
    if (every.months) {
        if (!months_before(local, every.months, &months, floor) ||
            !months_behind(months + every.months, next))
            return false;
    } else {
        *floor = span_before(local, every);
        *next = *floor + interval_length(every);
    }
    *floor = utc_of_local(zone, *floor);
    *next = utc_of_local(zone, *next);
    return usec_in_range(*floor);
}

bool interval_start(const struct zone_table *zone, usec t, struct interval every, usec *floor)
{
    usec local = local_of_utc(zone, t);
    int64_t months;
    if (!every.months)
        *floor = span_before(local, every);
    else if (!months_before(local, every.months, &months, floor))
        return false;
    if (!usec_in_range(*floor))
        return false;
    *floor = utc_of_local(zone, *floor);
    return true;
}

bool interval_nearest(const struct zone_table *zone, usec t, struct interval every, usec *out)
{
    usec floor, next, length = interval_length(every);
    if (!interval_bounds(zone, t, every, &floor, &next))
        return false;
    bool even = length > 0 && local_of_utc(zone, floor) / length % 2 == 0;
    *out = t - floor > next - t || (t - floor == next - t && !even) ? next : floor;
    return true;
}

int64_t interval_months(usec a, usec b)
{
    struct civil x, y;
    usec early = a < b ? a : b;
    int64_t sign = a < b ? -1 : 1;
    a = a < b ? b : a;
    b = early;
    civil_from_usec(a, &x);
    civil_from_usec(b, &y);
    int64_t months = ((int64_t)x.year - y.year) * 12 + x.month - y.month;
    usec x_rest = x.day * USEC_DAY + (a - day_of_usec(a) * USEC_DAY);
    usec y_rest = y.day * USEC_DAY + (b - day_of_usec(b) * USEC_DAY);
    return sign * (months - (x_rest < y_rest && x.day != month_days(x.year, x.month)));
}
