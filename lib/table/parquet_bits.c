#include "table/parquet_bits.h"

#include "base/words.h"
#include "table/thrift.h"

/* false at the end, or beyond 64 bits. */
static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

void hybrid_start(struct hybrid *h, const uint8_t *at, const uint8_t *end, unsigned width)
{
    *h = (struct hybrid){.at = at, .end = end, .width = width};
}

static bool next_run(struct hybrid *h)
{
    uint64_t head;
    if (!read_varint(&h->at, h->end, &head) || head >> 1 == 0)
        return false;
    size_t there = (size_t)(h->end - h->at);
    if (head & 1) {
        uint64_t groups = head >> 1;
        /* Some writers leave the last group without its padding. */
        if (h->width && groups > there / h->width) {
            h->left = (uint64_t)there * 8 / h->width;
            h->packed = h->at;
            h->at = h->end;
        } else {
            h->left = groups * 8;
            h->packed = h->at;
            h->at += groups * h->width;
        }
        h->bit = 0;
        return h->left > 0;
    }
    size_t bytes = (h->width + 7) / 8;
    if (there < bytes)
        return false;
    h->packed = NULL;
    h->left = head >> 1;
    h->value = (uint32_t)(word_load_8(h->at) & ((UINT64_C(1) << (8 * bytes)) - 1));
    h->at += bytes;
    return h->width == 32 || h->value >> h->width == 0;
}

static void unpack(const struct hybrid *h, uint32_t *into, size_t n)
{
    uint64_t mask = (UINT64_C(1) << h->width) - 1, bit = h->bit;
    for (size_t i = 0; i < n; i++, bit += h->width)
        into[i] = (uint32_t)(word_load_8(h->packed + bit / 8) >> (bit & 7) & mask);
}

bool hybrid_read(struct hybrid *h, uint32_t *into, size_t n)
{
    while (n > 0) {
        if (h->left == 0 && !next_run(h))
            return false;
        size_t take = n < h->left ? n : (size_t)h->left;
        if (into && h->packed)
            unpack(h, into, take);
        else if (into)
            for (size_t i = 0; i < take; i++)
                into[i] = h->value;
        into = into ? into + take : NULL;
        h->bit += take * h->width;
        h->left -= take;
        n -= take;
    }
    return true;
}

static size_t unpack_bits(const struct hybrid *h, uint8_t *into, size_t n)
{
    size_t ones = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t bit = h->bit + i;
        into[i] = h->packed[bit / 8] >> (bit & 7) & 1;
        ones += into[i];
    }
    return ones;
}

bool hybrid_read_bits(struct hybrid *h, uint8_t *into, size_t n, size_t *ones)
{
    *ones = 0;
    while (n > 0) {
        if (h->left == 0 && !next_run(h))
            return false;
        size_t take = n < h->left ? n : (size_t)h->left;
        if (h->packed) {
            *ones += unpack_bits(h, into, take);
        } else {
            memset(into, (int)h->value, take);
            *ones += h->value ? take : 0;
        }
        into += take;
        h->bit += take;
        h->left -= take;
        n -= take;
    }
    return true;
}

static void put_run(struct buf *out, uint32_t value, size_t n, unsigned width)
{
    thrift_put_varint(out, (uint64_t)n << 1);
    for (unsigned byte = 0; byte < (width + 7) / 8; byte++)
        buf_putc(out, (char)(value >> (8 * byte)));
}

/* Groups of eight; what the last one lacks is 0. */
static void put_packed(struct buf *out, const uint32_t *values, size_t n, unsigned width)
{
    size_t groups = (n + 7) / 8, bytes = groups * width;
    if (n == 0)
        return;
    thrift_put_varint(out, (uint64_t)groups << 1 | 1);
    buf_reserve(out, bytes + 8);
    uint8_t *to = (uint8_t *)out->at + out->len;
    uint64_t word = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < groups * 8; i++) {
        word |= (uint64_t)(i < n ? values[i] : 0) << bits;
        bits += width;
        for (; bits >= 8; bits -= 8, word >>= 8)
            *to++ = (uint8_t)word;
    }
    out->len += bytes;
}

static size_t run_length(const uint32_t *values, size_t n)
{
    size_t run = 1;
    while (run < n && values[run] == values[0])
        run++;
    return run;
}

/* A run is worth its header from eight values on; what stands before it is packed in whole groups,
 * for which it gives its first values. */
void hybrid_write(const uint32_t *values, size_t n, unsigned width, struct buf *out)
{
    size_t packed = 0; /* values from here on wait to be packed */
    for (size_t at = 0; at < n;) {
        size_t run = run_length(values + at, n - at), fill = (8 - (at - packed) % 8) % 8;
        if (run < fill + 8) {
            at += run;
            continue;
        }
        put_packed(out, values + packed, at - packed + fill, width);
        put_run(out, values[at], run - fill, width);
        at += run;
        packed = at;
    }
    put_packed(out, values + packed, n - packed, width);
}

static uint64_t unzigzag(uint64_t u)
{
    return u >> 1 ^ (0 - (u & 1));
}

bool delta_start(struct delta *d, const uint8_t *at, const uint8_t *end)
{
    uint64_t block, minis;
    *d = (struct delta){.at = at, .end = end, .first = true};
    if (!read_varint(&d->at, end, &block) || !read_varint(&d->at, end, &minis) ||
        !read_varint(&d->at, end, &d->left) || !read_varint(&d->at, end, &d->value))
        return false;
    d->value = unzigzag(d->value);
    if (block == 0 || block > 1 << 24 || minis == 0 || block % minis || block / minis % 8)
        return false;
    d->minis = (size_t)minis;
    d->size = (size_t)(block / minis);
    return true;
}

static bool next_mini(struct delta *d)
{
    if (d->widths == d->widths_end) {
        uint64_t least;
        if (!read_varint(&d->at, d->end, &least) || (size_t)(d->end - d->at) < d->minis)
            return false;
        d->least = unzigzag(least);
        d->widths = d->at;
        d->widths_end = d->at += d->minis;
    }
    d->width = *d->widths++;
    size_t bytes = d->size / 8 * d->width;
    if (d->width > 64 || (size_t)(d->end - d->at) < bytes)
        return false;
    d->packed = d->at;
    d->at += bytes;
    d->bit = 0;
    d->mini_left = d->size;
    return true;
}

/* The first value stands in the header, not in a block. */
static size_t read_first(struct delta *d, int64_t *into, size_t n)
{
    if (!d->first || n == 0)
        return 0;
    d->first = false;
    into[0] = (int64_t)d->value;
    d->left--;
    return 1;
}

static void read_mini(struct delta *d, int64_t *into, size_t n)
{
    uint64_t mask = d->width == 64 ? UINT64_MAX : (UINT64_C(1) << d->width) - 1;
    for (size_t i = 0; i < n; i++, d->bit += d->width) {
        const uint8_t *p = d->packed + d->bit / 8;
        unsigned shift = d->bit & 7;
        uint64_t difference = word_load_8(p) >> shift;
        if (shift + d->width > 64)
            difference |= (uint64_t)p[8] << (64 - shift);
        d->value += d->least + (difference & mask);
        into[i] = (int64_t)d->value;
    }
}

bool delta_read(struct delta *d, int64_t *into, size_t n)
{
    if (n > d->left)
        return false;
    size_t first = read_first(d, into, n);
    into += first;
    n -= first;
    while (n > 0) {
        if (d->mini_left == 0 && !next_mini(d))
            return false;
        size_t take = n < d->mini_left ? n : (size_t)d->mini_left;
        read_mini(d, into, take);
        into += take;
        d->mini_left -= take;
        d->left -= take;
        n -= take;
    }
    return true;
}

const uint8_t *delta_end(const struct delta *from)
{
    struct delta d = *from;
    uint64_t left = d.left - (d.first && d.left > 0);
    left -= left < d.mini_left ? left : d.mini_left;
    while (left > 0) {
        if (!next_mini(&d))
            return NULL;
        left -= left < d.size ? left : d.size;
    }
    return d.at;
}
