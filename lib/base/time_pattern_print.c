/* Writing times by pattern, in the manner of strftime, in English only; and which patterns there
 * are. */
#include "base/base.h"
#include "base/time_pattern.h"
#include "base/time_scan.h"

#define PARSE_LETTERS "YymdeHIMSfpbBaAjzZsnt%"
#define PRINT_LETTERS PARSE_LETTERS "GVuwUqL"

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
    const struct time_field *field = time_field_find(letter);
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
        buf_add(out, time_month_names[c->month - 1], 3);
        break;
    case 'B':
        buf_puts(out, time_month_names[c->month - 1]);
        break;
    case 'a':
        buf_add(out, time_day_names[c->weekday], 3);
        break;
    case 'A':
        buf_puts(out, time_day_names[c->weekday]);
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
