/* Keys that compare as bytes. A part begins with a byte that places missing values. */
#include "table/sorter.h"

#include <math.h>

enum { BEFORE = 0, PRESENT = 1, BEHIND = 2 };

static void put_word(struct buf *key, uint64_t v, bool descending)
{
    v = descending ? ~v : v;
    char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(v >> (56 - 8 * i));
    buf_add(key, bytes, 8);
}

static bool put_presence(struct buf *key, bool missing, struct key_order o)
{
    buf_putc(key, missing ? (o.missing_first ? BEFORE : BEHIND) : PRESENT);
    return !missing;
}

void key_put_double(struct buf *key, double v, struct key_order o)
{
    if (!put_presence(key, isnan(v), o))
        return;
    v += 0.0; /* -0 becomes 0 */
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    bits = bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
    put_word(key, bits, o.descending);
}

void key_put_int(struct buf *key, int64_t v, struct key_order o)
{
    if (put_presence(key, v == INT_MISSING, o))
        put_word(key, (uint64_t)v ^ UINT64_C(1) << 63, o.descending);
}

/* Bytes end with 0 0; a zero inside is 0 255, so that a prefix comes before what it begins. */
void key_put_text(struct buf *key, struct text v, struct key_order o)
{
    if (!put_presence(key, !v.at, o))
        return;
    size_t start = key->len;
    for (size_t i = 0; i < v.len; i++) {
        buf_putc(key, v.at[i]);
        if (v.at[i] == 0)
            buf_putc(key, (char)0xFF);
    }
    buf_add(key, "\0", 2);
    for (size_t i = start; o.descending && i < key->len; i++)
        key->at[i] = (char)~key->at[i];
}

void key_put_id(struct buf *key, uint64_t id)
{
    put_word(key, id, false);
}
