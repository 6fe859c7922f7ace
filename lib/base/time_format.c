/* Writing times by pattern, in the manner of strftime, in English only. */
#include "base/number.h"
#include "base/time_pattern.h"
#include "base/time_scan.h"

/* What is written, as far as there is room; len goes on. */
struct pen {
    char *at;
    size_t len, room;
};

static void put_bytes(struct pen *out, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++, out->len++)
        if (out->len < out->room)
            out->at[out->len] = bytes[i];
}

static void put_byte(struct pen *out, char c)
{
    put_bytes(out, &c, 1);
}

static void put_word(struct pen *out, const char *word)
{
    put_bytes(out, word, strlen(word));
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

static void put_padded(struct pen *out, int64_t value, int width, char fill)
{
    char digits[NUMBER_MAX];
    size_t n = number_print_int(digits, value);
    for (int i = (int)n; i < width; i++)
        put_byte(out, fill);
    put_bytes(out, digits, n);
}

static void put_offset(struct pen *out, int offset, bool colon)
{
    int minutes = (offset < 0 ? -offset : offset) / 60;
    put_byte(out, offset < 0 ? '-' : '+');
    put_padded(out, minutes / 60, 2, '0');
    if (colon)
        put_byte(out, ':');
    put_padded(out, minutes % 60, 2, '0');
}

static void put_zone_name(struct pen *out, int offset)
{
    if (offset)
        put_offset(out, offset, true);
    else
        put_word(out, "UTC");
}

/* A letter that stands for a number, or is none of ours and stays as it is. */
static void put_field(struct pen *out, const struct moment *m, char letter)
{
    const struct time_field *field = time_field_find(letter);
    if (!field) {
        put_byte(out, '%');
        put_byte(out, letter);
        return;
    }
    int value;
    memcpy(&value, (const char *)m + field->offset, sizeof(value));
    put_padded(out, value, field->width, field->fill);
}

static void put_letter(struct pen *out, const struct moment *m, char letter)
{
    const struct civil *c = &m->c;
    switch (letter) {
    case 'b':
        put_bytes(out, time_month_names[c->month - 1], 3);
        break;
    case 'B':
        put_word(out, time_month_names[c->month - 1]);
        break;
    case 'a':
        put_bytes(out, time_day_names[c->weekday], 3);
        break;
    case 'A':
        put_word(out, time_day_names[c->weekday]);
        break;
    case 'p':
        put_word(out, c->hour < 12 ? "AM" : "PM");
        break;
    case 's':
        put_padded(out, floor_div(civil_to_usec(c), USEC_SECOND), 1, '0');
        break;
    case 'z':
        put_offset(out, c->offset, false);
        break;
    case 'Z':
        put_zone_name(out, c->offset);
        break;
    case 'n':
        put_byte(out, '\n');
        break;
    case 't':
        put_byte(out, '\t');
        break;
    case '%':
        put_byte(out, '%');
        break;
    default:
        put_field(out, m, letter);
    }
}

size_t time_format(char *at, size_t room, usec t, int offset, const char *pattern)
{
    struct moment m;
    struct pen pen = {.room = room}, *out = &pen;
    pen.at = at;
    moment_from_usec(&m, t, offset);
    for (; *pattern; pattern++) {
        if (*pattern == '%' && pattern[1])
            put_letter(out, &m, *++pattern);
        else
            put_byte(out, *pattern);
    }
    return pen.len;
}
