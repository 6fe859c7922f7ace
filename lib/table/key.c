/* Keys that compare as bytes. A part begins with a byte for the class of its value, which also
 * places missing ones. */
#include "table/sorter.h"

#include <math.h>

enum class { BEFORE, NUMBER, TIME, TEXT, BEHIND };

static void put_word(struct buf *key, uint64_t v, bool descending)
{
    v = descending ? ~v : v;
    char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(v >> (56 - 8 * i));
    buf_add(key, bytes, 8);
}

/* False when the value is missing: the part is complete then. */
static bool put_class(struct buf *key, enum class class, bool missing, struct key_order o)
{
    if (missing)
        class = o.missing_first ? BEFORE : BEHIND;
    else if (o.descending)
        class = BEHIND - class;
    buf_putc(key, (char)class);
    return !missing;
}

static void put_double(struct buf *key, double v, bool descending)
{
    v += 0.0; /* -0 becomes 0 */
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_word(key, bits >> 63 ? ~bits : bits | UINT64_C(1) << 63, descending);
}

/* Beyond 2^53 several integers share a double: what they differ by decides. */
static void put_rest(struct buf *key, double nearest, int64_t rest, bool descending)
{
    if (fabs(nearest) >= 9007199254740992.0)
        put_word(key, (uint64_t)rest ^ UINT64_C(1) << 63, descending);
}

void key_put_double(struct buf *key, double v, struct key_order o)
{
    if (!put_class(key, NUMBER, isnan(v), o))
        return;
    put_double(key, v, o.descending);
    put_rest(key, v, 0, o.descending);
}

void key_put_int(struct buf *key, int64_t v, struct key_order o)
{
    if (!put_class(key, NUMBER, v == INT_MISSING, o))
        return;
    double nearest = (double)v;
    uint64_t back = nearest >= 0x1p63 ? UINT64_C(1) << 63 : (uint64_t)(int64_t)nearest;
    put_double(key, nearest, o.descending);
    put_rest(key, nearest, (int64_t)((uint64_t)v - back), o.descending);
}

void key_put_number(struct buf *key, struct number v, struct key_order o)
{
    if (v.is_int)
        key_put_int(key, v.i, o);
    else
        key_put_double(key, v.f, o);
}

void key_put_time(struct buf *key, usec v, struct key_order o)
{
    if (put_class(key, TIME, v == INT_MISSING, o))
        put_word(key, (uint64_t)v ^ UINT64_C(1) << 63, o.descending);
}

static void turn_round(struct buf *key, size_t start, struct key_order o)
{
    for (size_t i = start; o.descending && i < key->len; i++)
        key->at[i] = (char)~key->at[i];
}

/* Bytes end with 0 0; a zero inside is 0 255, so that a prefix comes before what it begins. */
static void put_bytes(struct buf *key, const char *at, size_t n)
{
    for (const char *zero; (zero = memchr(at, 0, n)); at = zero + 1) {
        size_t before = (size_t)(zero + 1 - at);
        buf_add(key, at, before);
        buf_putc(key, (char)0xFF);
        n -= before;
    }
    buf_add(key, at, n);
}

void key_put_text(struct buf *key, struct text v, struct key_order o)
{
    if (!put_class(key, TEXT, !v.at, o))
        return;
    size_t start = key->len;
    put_bytes(key, v.at, v.len);
    buf_add(key, "\0", 2);
    turn_round(key, start, o);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A digit as place holder, the length of the number without leading zeros, its digits. */
static size_t put_digits(struct buf *key, const char *at, size_t n)
{
    size_t zeros = 0, end = 0;
    while (zeros + 1 < n && at[zeros] == '0' && is_digit(at[zeros + 1]))
        zeros++;
    for (end = zeros; end < n && is_digit(at[end]); end++)
        ;
    size_t digits = end - zeros;
    buf_putc(key, '0');
    for (; digits >= 0xFF; digits -= 0xFE)
        buf_putc(key, (char)0xFF);
    buf_putc(key, (char)digits);
    buf_add(key, at + zeros, end - zeros);
    return end;
}

void key_put_natural(struct buf *key, struct text v, struct key_order o)
{
    if (!put_class(key, TEXT, !v.at, o))
        return;
    size_t start = key->len;
    for (size_t i = 0; i < v.len;) {
        if (is_digit(v.at[i])) {
            i += put_digits(key, v.at + i, v.len - i);
        } else {
            put_bytes(key, v.at + i, 1);
            i++;
        }
    }
    buf_add(key, "\0", 2);
    turn_round(key, start, o);
}

void key_put_id(struct buf *key, uint64_t id)
{
    put_word(key, id, false);
}

uint64_t key_id(struct text key)
{
    uint64_t id = 0;
    for (size_t i = key.len - 8; i < key.len; i++)
        id = id << 8 | (unsigned char)key.at[i];
    return id;
}
