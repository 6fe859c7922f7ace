#include "base/posix_zone.h"

#include "base/base.h"
#include "base/time_scan.h"

static bool skip(const char **p, const char *end, char c)
{
    if (*p == end || **p != c)
        return false;
    ++*p;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Three letters or more, or anything in <>. The name itself is of no interest. */
static bool skip_name(const char **p, const char *end)
{
    if (skip(p, end, '<')) {
        const char *close = memchr(*p, '>', (size_t)(end - *p));
        if (!close)
            return false;
        *p = close + 1;
        return true;
    }
    const char *start = *p;
    while (*p < end && is_letter(**p))
        ++*p;
    return *p - start >= 3;
}

static bool scan_number(const char **p, const char *end, int min, int max, int *out)
{
    int64_t value;
    if (!scan_digits(p, end, 3, &value) || value < min || value > max)
        return false;
    *out = (int)value;
    return true;
}

/* [+-]hours[:minutes[:seconds]] */
static bool scan_time(const char **p, const char *end, int most_hours, int *seconds)
{
    bool negative = skip(p, end, '-');
    if (!negative)
        (void)skip(p, end, '+');
    int hours, minutes = 0, rest = 0;
    if (!scan_number(p, end, 0, most_hours, &hours))
        return false;
    if (skip(p, end, ':')) {
        if (!scan_number(p, end, 0, 59, &minutes))
            return false;
        if (skip(p, end, ':') && !scan_number(p, end, 0, 59, &rest))
            return false;
    }
    *seconds = hours * 3600 + minutes * 60 + rest;
    if (negative)
        *seconds = -*seconds;
    return true;
}

/* Mm.w.d, Jn or n, then perhaps /time. */
static bool scan_date(const char **p, const char *end, struct posix_date *d)
{
    bool good;
    if (skip(p, end, 'M')) {
        d->kind = DATE_WEEKDAY;
        good = scan_number(p, end, 1, 12, &d->month) && skip(p, end, '.') &&
               scan_number(p, end, 1, 5, &d->week) && skip(p, end, '.') &&
               scan_number(p, end, 0, 6, &d->day);
    } else if (skip(p, end, 'J')) {
        d->kind = DATE_JULIAN;
        good = scan_number(p, end, 1, 365, &d->day);
    } else {
        d->kind = DATE_YEARDAY;
        good = scan_number(p, end, 0, 365, &d->day);
    }
    d->second = 2 * 3600;
    return good && (!skip(p, end, '/') || scan_time(p, end, 167, &d->second));
}

bool posix_zone_parse(struct posix_zone *z, const char *p, size_t n)
{
    const char *end = p + n;
    int west; /* the string counts its offsets to the west */
    *z = (struct posix_zone){0};
    if (!skip_name(&p, end) || !scan_time(&p, end, 24, &west))
        return false;
    z->std_offset = -west;
    if (p == end)
        return true;
    z->has_dst = true;
    if (!skip_name(&p, end))
        return false;
    z->dst_offset = z->std_offset + 3600;
    if (p < end && *p != ',') {
        if (!scan_time(&p, end, 24, &west))
            return false;
        z->dst_offset = -west;
    }
    return skip(&p, end, ',') && scan_date(&p, end, &z->start) && skip(&p, end, ',') &&
           scan_date(&p, end, &z->end) && p == end;
}

/* The day of the n-th such weekday, where the fifth may be the fourth. */
static int64_t weekday_in_month(const struct posix_date *d, int year)
{
    int64_t first = civil_to_days(year, d->month, 1);
    int64_t next =
        d->month == 12 ? civil_to_days(year + 1, 1, 1) : civil_to_days(year, d->month + 1, 1);
    int64_t weekday = first + 4 - floor_div(first + 4, 7) * 7; /* 0 = Sunday */
    int64_t day = first + (d->day - weekday + 7) % 7 + 7 * (d->week - 1);
    return day < next ? day : day - 7;
}

/* Seconds since the epoch, as if local time were UTC. */
static int64_t local_second(const struct posix_date *d, int year)
{
    int64_t day;
    if (d->kind == DATE_WEEKDAY)
        day = weekday_in_month(d, year);
    else if (d->kind == DATE_YEARDAY)
        day = civil_to_days(year, 1, 1) + d->day;
    else
        day = civil_to_days(year, 1, 1) + d->day - 1 + (d->day >= 60 && is_leap_year(year));
    return day * 86400 + d->second;
}

int64_t posix_zone_start(const struct posix_zone *z, int year)
{
    return local_second(&z->start, year) - z->std_offset;
}

int64_t posix_zone_end(const struct posix_zone *z, int year)
{
    return local_second(&z->end, year) - z->dst_offset;
}
