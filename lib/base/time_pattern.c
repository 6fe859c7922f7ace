/* Times by pattern, in the manner of strptime and strftime, in English only. One table of the
 * letters that stand for numbers serves both ways. */
#include "base/base.h"
#include "base/time_scan.h"

#include <limits.h>
#include <stddef.h>
#include <strings.h>

#define PARSE_LETTERS "YymdeHIMSfpbBaAjzZsnt%"
#define PRINT_LETTERS PARSE_LETTERS "GVuwUqL"

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const day_names[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                        "Friday", "Saturday", "Sunday"};

enum half { HALF_NONE, HALF_AM, HALF_PM };

/* A civil time and what patterns can say about it besides. */
struct moment {
    struct civil c;
    int short_year; /* 0 to 99 */
    int half_hour;  /* 1 to 12 */
    int millis, quarter;
    int iso_year, iso_week, iso_day; /* Monday is 1 */
    int sunday_week, sunday_day;     /* weeks from the first Sunday on; Sunday is 0 */
};

/* Letters that stand for a number. max 0: only written. */
static const struct field {
    size_t offset;
    char letter, fill;
    signed char width; /* digits: at most when read, at least when written */
    int min, max;
} fields[] = {
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

static const struct field *find_field(char letter)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if (fields[i].letter == letter)
            return &fields[i];
    }
    return NULL;
}

static bool letters_known(const char *pattern, const char *letters, struct error *e)
{
    for (const char *p = strchr(pattern, '%'); p; p = strchr(p + 2, '%')) {
        if (p[1] && strchr(letters, p[1]))
            continue;
        char quoted[QUOTE_MAX];
        size_t length = p[1] ? utf8_offset(p + 1, strlen(p + 1), 1) : 0;
        error_set(e, ERR_USAGE, "unknown %s in a time pattern: expected %% and one of %s",
                  quote(quoted, p, 1 + length), letters);
        return false;
    }
    return true;
}

bool time_pattern_valid(const char *pattern, struct error *e)
{
    return letters_known(pattern, PARSE_LETTERS, e);
}

bool time_pattern_printable(const char *pattern, struct error *e)
{
    return letters_known(pattern, PRINT_LETTERS, e);
}

struct parse {
    const char *p, *end;
    struct moment m;
    enum half half;
    bool by_epoch, before_epoch;
    int64_t epoch; /* seconds */
};

static bool parse_field(struct parse *s, const struct field *field)
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

static bool parse_word(struct parse *s, const char *word, size_t n)
{
    if ((size_t)(s->end - s->p) < n || strncasecmp(s->p, word, n) != 0)
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
        return parse_name(s, month_names, 12, &s->m.c.month);
    case 'a':
    case 'A': /* the date decides */
        return parse_name(s, day_names, 7, &s->m.iso_day);
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
    const struct field *field = find_field(letter);
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

/* A week belongs to the year its Thursday is in (ISO 8601). */
static void set_iso_week(struct moment *m)
{
    int64_t thursday = civil_to_days(m->c.year, m->c.month, m->c.day) + 3 - m->c.weekday;
    int month, day;
    civil_from_days(thursday, &m->iso_year, &month, &day);
    m->iso_week = (int)((thursday - civil_to_days(m->iso_year, 1, 1)) / 7) + 1;
    m->iso_day = m->c.weekday + 1;
}

static void moment_from_usec(struct moment *m, usec t, int offset)
{
    struct civil *c = &m->c;
    civil_from_usec(t + offset * USEC_SECOND, c);
    c->offset = offset;
    m->short_year = c->year % 100;
    m->half_hour = (c->hour + 11) % 12 + 1;
    m->millis = c->micros / 1000;
    m->quarter = (c->month + 2) / 3;
    m->sunday_day = (c->weekday + 1) % 7;
    m->sunday_week = (c->yearday + 6 - m->sunday_day) / 7;
    set_iso_week(m);
}

static void put_number(struct buf *out, int64_t value, int width, char fill)
{
    char digits[NUMBER_MAX];
    size_t n = number_print_int(digits, value);
    for (int i = (int)n; i < width; i++)
        buf_putc(out, fill);
    buf_add(out, digits, n);
}

static void put_offset(struct buf *out, int offset, bool colon)
{
    int minutes = (offset < 0 ? -offset : offset) / 60;
    buf_putc(out, offset < 0 ? '-' : '+');
    put_number(out, minutes / 60, 2, '0');
    if (colon)
        buf_putc(out, ':');
    put_number(out, minutes % 60, 2, '0');
}

static void put_zone_name(struct buf *out, int offset)
{
    if (offset)
        put_offset(out, offset, true);
    else
        buf_puts(out, "UTC");
}

/* A letter that stands for a number, or is none of ours and stays as it is. */
static void put_field(struct buf *out, const struct moment *m, char letter)
{
    const struct field *field = find_field(letter);
    if (!field) {
        buf_putc(out, '%');
        buf_putc(out, letter);
        return;
    }
    int value;
    memcpy(&value, (const char *)m + field->offset, sizeof(value));
    put_number(out, value, field->width, field->fill);
}

static void put_letter(struct buf *out, const struct moment *m, char letter)
{
    const struct civil *c = &m->c;
    switch (letter) {
    case 'b':
        buf_add(out, month_names[c->month - 1], 3);
        break;
    case 'B':
        buf_puts(out, month_names[c->month - 1]);
        break;
    case 'a':
        buf_add(out, day_names[c->weekday], 3);
        break;
    case 'A':
        buf_puts(out, day_names[c->weekday]);
        break;
    case 'p':
        buf_puts(out, c->hour < 12 ? "AM" : "PM");
        break;
    case 's':
        put_number(out, floor_div(civil_to_usec(c), USEC_SECOND), 1, '0');
        break;
    case 'z':
        put_offset(out, c->offset, false);
        break;
    case 'Z':
        put_zone_name(out, c->offset);
        break;
    case 'n':
        buf_putc(out, '\n');
        break;
    case 't':
        buf_putc(out, '\t');
        break;
    case '%':
        buf_putc(out, '%');
        break;
    default:
        put_field(out, m, letter);
    }
}

void time_print_pattern(struct buf *out, usec t, int offset, const char *pattern)
{
    struct moment m;
    moment_from_usec(&m, t, offset);
    for (; *pattern; pattern++) {
        if (*pattern == '%' && pattern[1])
            put_letter(out, &m, *++pattern);
        else
            buf_putc(out, *pattern);
    }
}
