/* Reading times by pattern, in the manner of strptime, in English only. */
#include "base/time_pattern.h"
#include "base/time_scan.h"

#include <limits.h>

ML_API const char *const time_month_names[12] = {"January",   "February", "March",    "April",
                                                 "May",       "June",     "July",     "August",
                                                 "September", "October",  "November", "December"};
ML_API const char *const time_day_names[7] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                              "Friday", "Saturday", "Sunday"};

static const struct time_field fields[] = {
    {offsetof(struct moment, c.year), 'Y', '0', 4, YEAR_MIN, YEAR_MAX},
    {offsetof(struct moment, short_year), 'y', '0', 2, 0, 99},
    {offsetof(struct moment, c.month), 'm', '0', 2, 1, 12},
    {offsetof(struct moment, c.day), 'd', '0', 2, 1, 31},
    {offsetof(struct moment, c.day), 'e', ' ', 2, 1, 31},
    {offsetof(struct moment, c.yearday), 'j', '0', 3, 1, 366},
    {offsetof(struct moment, c.hour), 'H', '0', 2, 0, 23},
    {offsetof(struct moment, half_hour), 'I', '0', 2, 1, 12},
    {offsetof(struct moment, c.minute), 'M', '0', 2, 0, 59},
    {offsetof(struct moment, c.second), 'S', '0', 2, 0, 60},
    {offsetof(struct moment, c.micros), 'f', '0', 6, 0, 0},
    {offsetof(struct moment, millis), 'L', '0', 3, 0, 0},
    {offsetof(struct moment, quarter), 'q', '0', 1, 0, 0},
    {offsetof(struct moment, iso_year), 'G', '0', 4, 0, 0},
    {offsetof(struct moment, iso_week), 'V', '0', 2, 0, 0},
    {offsetof(struct moment, iso_day), 'u', '0', 1, 0, 0},
    {offsetof(struct moment, sunday_week), 'U', '0', 2, 0, 0},
    {offsetof(struct moment, sunday_day), 'w', '0', 1, 0, 0},
};

const struct time_field *time_field_find(char letter)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if (fields[i].letter == letter)
            return &fields[i];
    }
    return NULL;
}

enum half { HALF_NONE, HALF_AM, HALF_PM };

struct parse {
    const char *p, *end;
    struct moment m;
    enum half half;
    bool by_epoch, before_epoch;
    int64_t epoch; /* seconds */
};

static bool parse_field(struct parse *s, const struct time_field *field)
{
    int64_t value;
    if (field->fill == ' ' && s->p < s->end && *s->p == ' ')
        s->p++;
    if (!scan_digits(&s->p, s->end, field->width, &value) || value < field->min ||
        value > field->max)
        return false;
    int number = (int)value;
    memcpy((char *)&s->m + field->offset, &number, sizeof(number));
    return true;
}

/* The word is of letters, or of one other byte. */
static bool same_letters(const char *p, const char *word, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool letter = (word[i] | 0x20) >= 'a' && (word[i] | 0x20) <= 'z';
        if (letter ? (p[i] | 0x20) != (word[i] | 0x20) : p[i] != word[i])
            return false;
    }
    return true;
}

static bool parse_word(struct parse *s, const char *word, size_t n)
{
    if ((size_t)(s->end - s->p) < n || !same_letters(s->p, word, n))
        return false;
    s->p += n;
    return true;
}

/* A name in full or its first three letters; *index is 1 for the first. */
static bool parse_name(struct parse *s, const char *const *names, int count, int *index)
{
    for (*index = 1; *index <= count; ++*index, names++) {
        if (parse_word(s, *names, strlen(*names)) || parse_word(s, *names, 3))
            return true;
    }
    return false;
}

static bool parse_half(struct parse *s)
{
    s->half = parse_word(s, "AM", 2) ? HALF_AM : parse_word(s, "PM", 2) ? HALF_PM : HALF_NONE;
    return s->half != HALF_NONE;
}

static bool parse_epoch(struct parse *s)
{
    s->by_epoch = true;
    s->before_epoch = parse_word(s, "-", 1);
    return scan_digits(&s->p, s->end, 12, &s->epoch);
}

static bool parse_zone_name(struct parse *s)
{
    s->m.c.offset = 0;
    return parse_word(s, "UTC", 3) || parse_word(s, "GMT", 3);
}

static bool parse_blanks(struct parse *s)
{
    while (s->p < s->end && *s->p && strchr(" \t\n\r\v\f", *s->p))
        s->p++;
    return true;
}

static bool parse_letter(struct parse *s, char letter)
{
    switch (letter) {
    case 'b':
    case 'B':
        return parse_name(s, time_month_names, 12, &s->m.c.month);
    case 'a':
    case 'A': /* the date decides */
        return parse_name(s, time_day_names, 7, &s->m.iso_day);
    case 'f':
        return scan_fraction(&s->p, s->end, &s->m.c.micros);
    case 'p':
        return parse_half(s);
    case 's':
        return parse_epoch(s);
    case 'z':
        return scan_offset(&s->p, s->end, &s->m.c.offset);
    case 'Z':
        return parse_zone_name(s);
    case 'n':
    case 't':
        return parse_blanks(s);
    case '%':
        return parse_word(s, "%", 1);
    default:
        break;
    }
    const struct time_field *field = time_field_find(letter);
    return field && field->max && parse_field(s, field);
}

static bool finish_epoch(const struct parse *s, usec *t)
{
    usec distance = s->epoch * USEC_SECOND + s->m.c.micros;
    *t = s->before_epoch ? -distance : distance;
    return usec_in_range(*t);
}

/* From what was read to an instant. */
static bool finish_civil(const struct parse *s, usec *t)
{
    const struct moment *m = &s->m;
    struct civil c = m->c;
    if (m->short_year >= 0) /* as POSIX has it */
        c.year = m->short_year + (m->short_year < 69 ? 2000 : 1900);
    if (m->half_hour)
        c.hour = m->half_hour % 12 + (s->half == HALF_PM ? 12 : 0);
    if (c.yearday > 365 + is_leap_year(c.year))
        return false;
    if (c.yearday) {
        int64_t days = civil_to_days(c.year, 1, 1) + c.yearday - 1;
        civil_from_days(days, &c.year, &c.month, &c.day);
    }
    bool leap_second = c.second == 60;
    c.second -= leap_second;
    if (!civil_valid(&c))
        return false;
    *t = civil_to_usec(&c) + leap_second * USEC_SECOND;
    return usec_in_range(*t);
}

bool time_parse_pattern(const char *p, size_t n, const char *pattern, usec *t, bool *has_offset)
{
    struct parse s = {
        .p = p,
        .end = p + n,
        .m = {.c = {.year = 1970, .month = 1, .day = 1, .offset = INT_MIN}, .short_year = -1},
    };
    for (; *pattern; pattern++) {
        if (*pattern != '%') {
            if (s.p == s.end || *s.p++ != *pattern)
                return false;
        } else if (!*++pattern || !parse_letter(&s, *pattern)) {
            return false;
        }
    }
    *has_offset = s.by_epoch || s.m.c.offset != INT_MIN;
    return s.p == s.end && (s.by_epoch ? finish_epoch(&s, t) : finish_civil(&s, t));
}
