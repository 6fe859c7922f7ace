#include "stats/state.h"

#include <math.h>

json_t *state_number(double x)
{
    if (isfinite(x))
        return json_real(x);
    return json_string(isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
}

bool state_read_number(const json_t *j, double *x)
{
    if (json_is_number(j)) {
        *x = json_number_value(j);
        return true;
    }
    const char *text = json_string_value(j);
    if (!text)
        return false;
    if (strcmp(text, "nan") == 0)
        *x = (double)NAN;
    else if (strcmp(text, "inf") == 0)
        *x = (double)INFINITY;
    else if (strcmp(text, "-inf") == 0)
        *x = -(double)INFINITY;
    else
        return false;
    return true;
}

bool state_read_count(const json_t *j, uint64_t *n)
{
    if (!json_is_integer(j) || json_integer_value(j) < 0)
        return false;
    *n = (uint64_t)json_integer_value(j);
    return true;
}

json_t *state_counts(const uint64_t *at, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_integer((json_int_t)at[i]));
    return array;
}

bool state_get_number(const json_t *j, const char *key, double *x)
{
    return state_read_number(json_object_get(j, key), x);
}

bool state_get_count(const json_t *j, const char *key, uint64_t *n)
{
    return state_read_count(json_object_get(j, key), n);
}

void state_escape(struct buf *out, struct text bytes)
{
    size_t i = 0;
    while (i < bytes.len) {
        size_t good = utf8_valid_prefix(bytes.at + i, bytes.len - i);
        for (size_t end = i + good; i < end; i++) {
            if (bytes.at[i] == '\\')
                buf_putc(out, '\\');
            if (bytes.at[i])
                buf_putc(out, bytes.at[i]);
            else
                buf_puts(out, "\\x00");
        }
        if (i < bytes.len)
            buf_format(out, "\\x%02x", (unsigned)(unsigned char)bytes.at[i++]);
    }
}

static bool unescape_byte(struct buf *out, const char *digits)
{
    unsigned value = 0;
    for (int i = 0; i < 2; i++) {
        const char *found = digits[i] ? strchr("0123456789abcdef", digits[i]) : NULL;
        if (!found)
            return false;
        value = value * 16 + (unsigned)(strlen("0123456789abcdef") - strlen(found));
    }
    buf_putc(out, (char)value);
    return true;
}

bool state_unescape(struct buf *out, const char *text)
{
    while (*text) {
        if (*text != '\\') {
            buf_putc(out, *text++);
        } else if (text[1] == '\\') {
            buf_putc(out, '\\');
            text += 2;
        } else {
            if (text[1] != 'x' || !unescape_byte(out, text + 2))
                return false;
            text += 4;
        }
    }
    return true;
}
