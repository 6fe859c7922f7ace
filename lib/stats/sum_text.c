/*
 * The text of an exact sum: [-]H"p"E, the number +-H * 2^E with H odd in hexadecimal and E decimal;
 * "0", "nan", "inf", "-inf". One number has one text.
 */
#include "stats/wide.h"

#include <math.h>
#include <stdlib.h>

/* Enough for the fourth power of any double summed 2^64 times. */
enum { DIGITS_MAX = 2400, EXPONENT_MAX = 5000 };

static json_t *save_finite(const struct sum *s)
{
    struct wide w = wide_of_sum(s);
    struct buf text = {0};
    if (w.n == 0) {
        buf_putc(&text, '0');
    } else {
        size_t low = wide_low_bit(&w), bits = wide_bits(&w) - low;
        if (w.negative)
            buf_putc(&text, '-');
        for (size_t digit = (bits + 3) / 4; digit-- > 0;)
            buf_putc(&text, "0123456789abcdef"[wide_extract(&w, low + digit * 4, 4)]);
        buf_format(&text, "p%lld", (long long)(w.grid * 64 + (int64_t)low));
    }
    json_t *j = json_stringn(text.at, text.len);
    buf_release(&text);
    wide_release(&w);
    return j;
}

json_t *sum_save(const struct sum *s)
{
    if (sum_finite(s))
        return save_finite(s);
    double v = sum_value(s);
    return json_string(isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
}

static bool load_special(struct sum *s, const char *text)
{
    if (strcmp(text, "nan") == 0)
        sum_add(s, (double)NAN);
    else if (strcmp(text, "inf") == 0)
        sum_add(s, (double)INFINITY);
    else if (strcmp(text, "-inf") == 0)
        sum_add(s, -(double)INFINITY);
    else
        return strcmp(text, "0") == 0;
    return true;
}

/* Value of a hexadecimal digit, 16 for anything else. */
static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

static bool load_finite(struct sum *s, const char *text)
{
    bool negative = *text == '-';
    text += negative;
    size_t digits = strspn(text, "0123456789abcdef");
    if (digits == 0 || digits > DIGITS_MAX || text[digits] != 'p')
        return false;
    int64_t exponent;
    double unused;
    const char *tail = text + digits + 1;
    if (number_parse(tail, strlen(tail), &exponent, &unused) != NUMBER_INT ||
        exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
        return false;
    for (size_t i = 0; i < digits; i++) {
        uint64_t digit = hex_digit(text[i]);
        sum_add_magnitude(s, &digit, 1, exponent + (int64_t)(digits - 1 - i) * 4, negative);
    }
    return true;
}

int sum_load(struct sum *s, const json_t *j, struct error *e)
{
    const char *text = json_string_value(j);
    *s = (struct sum){0};
    if (text && (load_special(s, text) || load_finite(s, text)))
        return 0;
    return error_set(e, ERR_DATA, "not an exact sum (hexadecimal digits, p, exponent)");
}
