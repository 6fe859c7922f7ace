#include "table/snappy.h"

#include "base/words.h"

enum {
    BLOCK = 1 << 16, /* matches never reach over a block, so that offsets fit 16 bits */
    TABLE_BITS = 14,
};

static uint8_t *put_literal(uint8_t *to, const uint8_t *from, size_t n)
{
    size_t last = n - 1;
    if (last < 60) {
        *to++ = (uint8_t)(last << 2);
    } else if (last < 256) {
        *to++ = 60 << 2;
        *to++ = (uint8_t)last;
    } else {
        *to++ = 61 << 2;
        *to++ = (uint8_t)last;
        *to++ = (uint8_t)(last >> 8);
    }
    memcpy(to, from, n);
    return to + n;
}

static uint8_t *put_far_copy(uint8_t *to, size_t offset, size_t n)
{
    *to++ = (uint8_t)((n - 1) << 2 | 2);
    *to++ = (uint8_t)offset;
    *to++ = (uint8_t)(offset >> 8);
    return to;
}

static uint8_t *put_copy(uint8_t *to, size_t offset, size_t n)
{
    while (n >= 68) {
        to = put_far_copy(to, offset, 64);
        n -= 64;
    }
    if (n > 64) { /* what is left must be at least 4 long */
        to = put_far_copy(to, offset, 60);
        n -= 60;
    }
    if (n >= 12 || offset >= 2048)
        return put_far_copy(to, offset, n);
    *to++ = (uint8_t)(offset >> 8 << 5 | (n - 4) << 2 | 1);
    *to++ = (uint8_t)offset;
    return to;
}

static size_t match_length(const uint8_t *a, const uint8_t *b, const uint8_t *end)
{
    const uint8_t *start = b;
    while (end - b >= 8) {
        uint64_t differ = word_load_8(a) ^ word_load_8(b);
        if (differ)
            return (size_t)(b - start) + (size_t)__builtin_ctzll(differ) / 8;
        a += 8;
        b += 8;
    }
    while (b < end && *a == *b) {
        a++;
        b++;
    }
    return (size_t)(b - start);
}

static uint32_t slot_of(uint32_t word)
{
    return word * 0x9E3779B1U >> (32 - TABLE_BITS);
}

/* Steps grow where nothing matches, so that what cannot be compressed goes by quickly. */
static uint8_t *compress_block(const uint8_t *block, size_t n, uint16_t *table, uint8_t *to)
{
    const uint8_t *at = block, *literal = block, *end = block + n;
    memset(table, 0, sizeof *table << TABLE_BITS);
    for (size_t tries = 32; n >= 16 && at + 16 < end;) {
        uint32_t word = word_load_4(at);
        uint16_t *slot = &table[slot_of(word)];
        const uint8_t *candidate = block + *slot;
        *slot = (uint16_t)(at - block);
        if (candidate == at || word_load_4(candidate) != word) {
            at += tries++ >> 5;
            continue;
        }
        size_t match = 4 + match_length(candidate + 4, at + 4, end);
        if (at > literal)
            to = put_literal(to, literal, (size_t)(at - literal));
        to = put_copy(to, (size_t)(at - candidate), match);
        at += match;
        literal = at;
        tries = 32;
        if (at + 16 < end)
            table[slot_of(word_load_4(at - 1))] = (uint16_t)(at - 1 - block);
    }
    return literal < end ? put_literal(to, literal, (size_t)(end - literal)) : to;
}

void snappy_compress(const void *bytes, size_t n, struct buf *out)
{
    const uint8_t *from = bytes;
    uint16_t *table = mem_array(NULL, (size_t)1 << TABLE_BITS, sizeof *table);
    buf_reserve(out, n + n / 6 + 32);
    uint8_t *start = (uint8_t *)out->at + out->len, *to = start;
    size_t length = n;
    for (; length >= 0x80; length >>= 7)
        *to++ = (uint8_t)(length | 0x80);
    *to++ = (uint8_t)length;
    for (size_t at = 0; at < n; at += BLOCK)
        to = compress_block(from + at, n - at < BLOCK ? n - at : BLOCK, table, to);
    out->len += (size_t)(to - start);
    mem_free(table);
}

struct decoder {
    const uint8_t *at, *end;
    uint8_t *start, *to, *stop;
};

static bool read_length(struct decoder *d, size_t size)
{
    uint64_t length = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (d->at == d->end)
            return false;
        uint8_t byte = *d->at++;
        length |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return length == size;
    }
    return false;
}

static bool literal(struct decoder *d, uint8_t tag)
{
    size_t n = (size_t)(tag >> 2) + 1;
    if (n > 60) {
        size_t more = n - 60;
        if ((size_t)(d->end - d->at) < more)
            return false;
        n = 0;
        for (size_t i = 0; i < more; i++)
            n |= (size_t)d->at[i] << (8 * i);
        n++;
        d->at += more;
    }
    if (n > (size_t)(d->end - d->at) || n > (size_t)(d->stop - d->to))
        return false;
    if (LIKELY(n <= 16 && d->end - d->at >= 16))
        memcpy(d->to, d->at, 16);
    else
        memcpy(d->to, d->at, n);
    d->at += n;
    d->to += n;
    return true;
}

/* A copy may overlap what it writes: then it repeats. */
static bool copy(struct decoder *d, size_t offset, size_t n)
{
    if (offset == 0 || offset > (size_t)(d->to - d->start) || n > (size_t)(d->stop - d->to))
        return false;
    const uint8_t *from = d->to - offset;
    if (LIKELY(offset >= 16)) {
        for (size_t i = 0; i + 16 < n; i += 16)
            memcpy(d->to + i, from + i, 16);
        memcpy(d->to + (n - 1) / 16 * 16, from + (n - 1) / 16 * 16, 16);
    } else {
        for (size_t i = 0; i < n; i++)
            d->to[i] = from[i];
    }
    d->to += n;
    return true;
}

static bool element(struct decoder *d)
{
    uint8_t tag = *d->at++;
    size_t left = (size_t)(d->end - d->at), n = (size_t)(tag >> 2) + 1;
    switch (tag & 3) {
    case 0:
        return literal(d, tag);
    case 1:
        if (left < 1)
            return false;
        d->at += 1;
        return copy(d, (size_t)(tag >> 5) << 8 | d->at[-1], (size_t)(tag >> 2 & 7) + 4);
    case 2:
        if (left < 2)
            return false;
        d->at += 2;
        return copy(d, (size_t)d->at[-1] << 8 | d->at[-2], n);
    default:
        if (left < 4)
            return false;
        d->at += 4;
        return copy(d, word_load_4(d->at - 4), n);
    }
}

bool snappy_decompress(const void *bytes, size_t n, void *into, size_t size)
{
    struct decoder d = {.at = bytes, .start = into, .to = into};
    d.end = d.at + n;
    d.stop = d.to + size;
    if (!read_length(&d, size))
        return false;
    while (d.at < d.end)
        if (!element(&d))
            return false;
    return d.to == d.stop;
}
