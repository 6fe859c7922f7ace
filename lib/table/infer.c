#include "table/infer.h"

size_t sample_bytes(const char *at, size_t n, size_t most, char newline)
{
    const char *p = at, *end = at + n;
    for (int line = 0; line < 2 && p < end; line++) {
        const char *stop = memchr(p, newline, (size_t)(end - p));
        p = stop ? stop + 1 : end;
    }
    size_t lines = (size_t)(p - at);
    most = lines > most ? lines : most;
    return n < most ? n : most;
}

static bool same_word(struct text value, const char *lower)
{
    size_t n = strlen(lower);
    if (value.len != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((value.at[i] | 0x20) != lower[i])
            return false;
    return true;
}

static bool has_any(struct text value, const char *bytes)
{
    for (; *bytes; bytes++)
        if (memchr(value.at, *bytes, value.len))
            return true;
    return false;
}

/* A float in the eyes of number_parse. Digits alone are an integer too long to hold: an identifier.
 * Without a point or a sign in it, 12e4 may as well be one. */
static void tally_float(struct type_tally *t, struct text value)
{
    struct text digits = value;
    bool negative = digits.at[0] == '-';
    digits.at += negative;
    digits.len -= negative;
    bool exponent = has_any(digits, "eE");
    if (has_any(digits, ".") || (exponent && has_any(digits, "-+")))
        t->floats++;
    else if (exponent)
        t->exponents++;
    else if (digits.len == 1)
        t->floats++; /* -0, which an integer cannot hold */
    else
        t->texts++;
}

/* Cells that cannot be anything but text, by their first byte: most of them are told apart here. */
static bool may_be_typed(struct text value)
{
    char c = value.len ? value.at[0] : '\0';
    return (c >= '0' && c <= '9') || c == '-' || c == '.' || (c | 0x20) == 't' || (c | 0x20) == 'f';
}

static bool is_time(struct text value)
{
    usec when;
    bool has_offset;
    return time_parse(value.at, value.len, &when, &has_offset);
}

void tally_text(struct type_tally *t, struct text value)
{
    int64_t i;
    double f;
    if (!value.at)
        return;
    t->cells++;
    if (!may_be_typed(value)) {
        t->texts++;
        return;
    }
    switch (number_parse(value.at, value.len, &i, &f)) {
    case NUMBER_INT:
        t->ints++;
        return;
    case NUMBER_FLOAT:
        tally_float(t, value);
        return;
    case NUMBER_NONE:
        break;
    }
    if (same_word(value, "true") || same_word(value, "false"))
        t->bools++;
    else if (is_time(value))
        t->times++;
    else
        t->texts++;
}

static void tally_json_number(struct type_tally *t, struct text raw)
{
    int64_t i;
    double f;
    if (has_any(raw, ".eE"))
        t->floats++;
    else if (number_parse(raw.at, raw.len, &i, &f) == NUMBER_INT)
        t->ints++;
    else
        tally_float(t, raw);
}

/* JSON says what is a string and what a number, so a string of digits is text and 1e5 a number. */
void tally_json(struct type_tally *t, struct text raw)
{
    if (!raw.at || raw.at[0] == 'n')
        return;
    t->cells++;
    switch (raw.at[0]) {
    case '"':
        if (is_time((struct text){raw.at + 1, raw.len - 2}))
            t->times++;
        else
            t->texts++;
        break;
    case '{':
    case '[':
        t->nested++;
        break;
    case 't':
    case 'f':
        t->bools++;
        break;
    default:
        tally_json_number(t, raw);
    }
}

enum type tally_type(const struct type_tally *t)
{
    size_t numbers = t->ints + t->floats;
    size_t all = t->cells;
    if (all == 0 || t->texts > 0)
        return TYPE_TEXT;
    if (t->bools == all)
        return TYPE_BOOL;
    if (t->times == all)
        return TYPE_TIME;
    if (t->nested == all)
        return TYPE_JSON;
    if (numbers == 0 || numbers + t->exponents < all)
        return TYPE_TEXT;
    return t->ints == all ? TYPE_INT : TYPE_FLOAT;
}

enum type infer_type(const struct text *values, size_t n)
{
    struct type_tally t = {0};
    for (size_t i = 0; i < n; i++)
        tally_text(&t, values[i]);
    return tally_type(&t);
}
