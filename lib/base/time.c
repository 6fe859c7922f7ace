/* The calendar, RFC 3339 text and durations. */
#include "base/clock.h"
#include "base/number.h"
#include "base/time_scan.h"

#include <limits.h>

#define DAYS_PER_ERA  146097 /* of 400 years: the calendar repeats */
#define DAYS_TO_EPOCH 719468 /* from 0000-03-01 to 1970-01-01 */

/* The year is taken to begin in March, so that the leap day is its last; then the lengths of the
 * months before month m sum to (153 m + 2) / 5. */
int64_t civil_to_days(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = floor_div(y, 400), year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

void civil_from_days(int64_t days, int *year, int *month, int *day)
{
    days += DAYS_TO_EPOCH;
    int64_t era = floor_div(days, DAYS_PER_ERA), day_of_era = days - era * DAYS_PER_ERA;
    int64_t leap_days = day_of_era / 1460 - day_of_era / 36524 + day_of_era / (DAYS_PER_ERA - 1);
    int64_t year_of_era = (day_of_era - leap_days) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t m = (5 * day_of_year + 2) / 153; /* 0 = March */
    *day = (int)(day_of_year - (153 * m + 2) / 5) + 1;
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static int days_in_month(int year, int month)
{
    static const signed char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap_year(year));
}

static bool in_range(int value, int min, int max)
{
    return value >= min && value <= max;
}

bool civil_valid(const struct civil *c)
{
    return in_range(c->year, YEAR_MIN, YEAR_MAX) && in_range(c->month, 1, 12) &&
           in_range(c->day, 1, days_in_month(c->year, c->month)) && in_range(c->hour, 0, 23) &&
           in_range(c->minute, 0, 59) && in_range(c->second, 0, 59) &&
           in_range(c->micros, 0, 999999) &&
           (c->offset == INT_MIN || in_range(c->offset, -86399, 86399));
}

usec civil_to_usec(const struct civil *c)
{
    int64_t seconds = civil_to_days(c->year, c->month, c->day) * 86400;
    seconds += c->hour * 3600 + c->minute * 60 + c->second;
    if (c->offset != INT_MIN)
        seconds -= c->offset;
    return seconds * USEC_SECOND + c->micros;
}

void civil_from_usec(usec t, struct civil *c)
{
    int64_t days = floor_div(t, USEC_DAY), rest = t % USEC_DAY;
    rest += rest < 0 ? USEC_DAY : 0;
    civil_from_days(days, &c->year, &c->month, &c->day);
    int second = (int)(rest / USEC_SECOND);
    c->micros = (int)(rest % USEC_SECOND);
    c->hour = second / 3600;
    c->minute = second / 60 % 60;
    c->second = second % 60;
    c->weekday = (int)(days + 3 - floor_div(days + 3, 7) * 7); /* the epoch was a Thursday */
    c->yearday = (int)(days - civil_to_days(c->year, 1, 1)) + 1;
    c->offset = 0;
}

bool usec_in_range(usec t)
{
    return t >= civil_to_days(YEAR_MIN, 1, 1) * USEC_DAY &&
           t < civil_to_days(YEAR_MAX + 1, 1, 1) * USEC_DAY;
}

bool scan_digits(const char **p, const char *end, int most, int64_t *value)
{
    const char *q = *p;
    int64_t v = 0;
    for (; q < end && q - *p < most && (unsigned char)(*q - '0') < 10; q++)
        v = v * 10 + (*q - '0');
    if (q == *p)
        return false;
    *p = q;
    *value = v;
    return true;
}

bool scan_fraction(const char **p, const char *end, int *micros)
{
    const char *start = *p;
    int64_t value;
    if (!scan_digits(p, end, 9, &value))
        return false;
    for (ptrdiff_t digits = *p - start; digits < 9; digits++)
        value *= 10;
    *micros = (int)(value / 1000);
    return true;
}

/* The value of exactly two digits, or -1. */
static int two_digits(const char *p)
{
    unsigned tens = (unsigned char)(p[0] - '0'), ones = (unsigned char)(p[1] - '0');
    return tens < 10 && ones < 10 ? (int)(tens * 10 + ones) : -1;
}

bool scan_offset(const char **p, const char *end, int *offset)
{
    const char *q = *p;
    if (q < end && (*q == 'Z' || *q == 'z')) {
        *offset = 0;
        *p = q + 1;
        return true;
    }
    if (end - q < 3 || (*q != '+' && *q != '-'))
        return false;
    int sign = *q == '-' ? -1 : 1, hours = two_digits(q + 1), minutes = 0;
    q += 3;
    bool colon = q < end && *q == ':';
    if (colon || (q < end && (unsigned char)(*q - '0') < 10)) {
        q += colon;
        if (end - q < 2)
            return false;
        minutes = two_digits(q);
        q += 2;
    }
    if (!in_range(hours, 0, 23) || !in_range(minutes, 0, 59))
        return false;
    *offset = sign * (hours * 3600 + minutes * 60);
    *p = q;
    return true;
}

/* YYYY-MM-DD at p, ten readable bytes. */
static bool read_date(const char *p, struct civil *c)
{
    int century = two_digits(p), year = two_digits(p + 2);
    c->month = two_digits(p + 5);
    c->day = two_digits(p + 8);
    if ((century | year) < 0 || p[4] != '-' || p[7] != '-')
        return false;
    c->year = century * 100 + year;
    return true;
}

/* HH:MM[:SS[.fraction]] */
static bool read_clock(const char **p, const char *end, struct civil *c)
{
    const char *q = *p;
    if (end - q < 5 || q[2] != ':')
        return false;
    c->hour = two_digits(q);
    c->minute = two_digits(q + 3);
    q += 5;
    if (q < end && *q == ':') {
        if (end - q < 3)
            return false;
        c->second = two_digits(q + 1);
        q += 3;
        if (q < end && *q == '.') {
            q++;
            if (!scan_fraction(&q, end, &c->micros))
                return false;
        }
    }
    *p = q;
    return true;
}

bool time_parse(const char *p, size_t n, usec *t, bool *has_offset)
{
    struct civil c = {.offset = INT_MIN};
    const char *end = p + n;
    if (n < 10 || !read_date(p, &c))
        return false;
    p += 10;
    if (p < end) {
        if (*p != 'T' && *p != ' ' && *p != 't')
            return false;
        p++;
        if (!read_clock(&p, end, &c) || (p < end && !scan_offset(&p, end, &c.offset)) || p < end)
            return false;
    }
    bool leap_second = c.second == 60;
    c.second -= leap_second;
    if (!civil_valid(&c))
        return false;
    *t = civil_to_usec(&c) + leap_second * USEC_SECOND;
    *has_offset = c.offset != INT_MIN;
    return usec_in_range(*t);
}

/* The value with leading zeros up to the width. */
static char *put_digits(char *p, int value, int width)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        p[i] = (char)('0' + value % 10);
    return p + width;
}

/* In front of every pair of digits but the first stands its separator. */
static char *put_next(char *p, char separator, int value)
{
    *p = separator;
    return put_digits(p + 1, value, 2);
}

size_t time_print(char out[static TIME_MAX], usec t)
{
    struct civil c;
    civil_from_usec(t, &c);
    char *p = out;
    if (in_range(c.year, 0, YEAR_MAX))
        p = put_digits(p, c.year, 4);
    else
        p += number_print_int(p, c.year);
    p = put_next(p, '-', c.month);
    p = put_next(p, '-', c.day);
    p = put_next(p, 'T', c.hour);
    p = put_next(p, ':', c.minute);
    p = put_next(p, ':', c.second);
    if (c.micros) {
        *p++ = '.';
        p = c.micros % 1000 ? put_digits(p, c.micros, 6) : put_digits(p, c.micros / 1000, 3);
    }
    *p++ = 'Z';
    return (size_t)(p - out);
}

static const struct unit {
    char name[3];
    int64_t length;
} units[] = {
    {"w", 7 * USEC_DAY},
    {"d", USEC_DAY},
    {"h", 3600 * USEC_SECOND},
    {"m", 60 * USEC_SECOND},
    {"s", USEC_SECOND},
    {"ms", 1000},
    {"us", 1},
};

/* The unit whose whole name stands at *p (a name ends before anything but a lower-case letter),
 * searched from units[first] on; COUNT_OF(units) when there is none. */
static size_t scan_unit(const char **p, const char *end, size_t first)
{
    const char *q = *p;
    while (q < end && *q >= 'a' && *q <= 'z')
        q++;
    const char *name = *p;
    size_t n = (size_t)(q - name), u = first;
    *p = q;
    while (u < COUNT_OF(units) &&
           (strlen(units[u].name) != n || memcmp(units[u].name, name, n) != 0))
        u++;
    return u;
}

bool duration_parse(const char *p, size_t n, usec *d)
{
    const char *end = p + n;
    size_t next_unit = 0; /* from large to small, each at most once */
    int64_t sum = 0;
    if (n == 0)
        return false;
    while (p < end) {
        int64_t count, length;
        if (!scan_digits(&p, end, 18, &count))
            return false;
        size_t u = scan_unit(&p, end, next_unit);
        if (u == COUNT_OF(units) || __builtin_mul_overflow(count, units[u].length, &length) ||
            __builtin_add_overflow(sum, length, &sum))
            return false;
        next_unit = u + 1;
    }
    *d = sum;
    return true;
}
