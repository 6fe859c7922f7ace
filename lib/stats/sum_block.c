/*
 * Sums of many values and of their squares. Mantissas of a block are added up by exponent, in
 * integers that cannot overflow, and only the few totals go into the sums: no carry or shift per
 * value (the idea of the large superaccumulator of Neal 2015).
 */
#include "stats/wide.h"

#include <math.h>

enum { BLOCK = 1024, BINS = 64 };

struct bin {
    wide_u128 square; /* of mantissas below 2^53: 106 + 10 bits */
    int64_t first;    /* 53 + 10 bits and sign */
};

/* The exponent fields of the non-zero values of a block. */
struct span {
    unsigned low, high;
};

static struct span block_span(const double *x, size_t n)
{
    uint64_t low = UINT64_MAX, high = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bits &= INT64_MAX;
        high = bits > high ? bits : high;
        low = bits - 1 < low ? bits - 1 : low; /* zero wraps and does not count */
    }
    return (struct span){(unsigned)((low + 1) >> 52), (unsigned)(high >> 52)};
}

static void fill_first(struct bin *bins, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct parts p = parts_of(x[i]);
        int64_t sign = 0 - (int64_t)p.negative;
        bins[(unsigned)p.exponent % BINS].first += ((int64_t)p.mantissa ^ sign) - sign;
    }
}

static void fill_both(struct bin *bins, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct parts p = parts_of(x[i]);
        int64_t sign = 0 - (int64_t)p.negative;
        struct bin *b = &bins[(unsigned)p.exponent % BINS];
        b->first += ((int64_t)p.mantissa ^ sign) - sign;
        b->square += (wide_u128)p.mantissa * p.mantissa;
    }
}

static void flush(const struct bin *b, int exponent, struct sum *first, struct sum *second)
{
    uint64_t magnitude = (uint64_t)(b->first < 0 ? -b->first : b->first);
    sum_add_magnitude(first, &magnitude, 1, exponent, b->first < 0);
    if (second) {
        uint64_t limb[2] = {(uint64_t)b->square, (uint64_t)(b->square >> 64)};
        sum_add_magnitude(second, limb, 2, exponent * 2, false);
    }
}

static void add_one_by_one(struct sum *first, struct sum *second, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum_add(first, x[i]);
        if (second)
            sum_add_product(second, x[i], x[i]);
    }
}

static void add_block(struct sum *first, struct sum *second, const double *x, size_t n)
{
    struct span span = block_span(x, n);
    if (n < BINS / 2 || span.high == 0x7ff || (span.high >= span.low + BINS - 1)) {
        add_one_by_one(first, second, x, n);
        return;
    }
    struct bin bins[BINS] = {0};
    if (second)
        fill_both(bins, x, n);
    else
        fill_first(bins, x, n);
    for (unsigned field = span.low; field <= span.high; field++) {
        int exponent = (int)(field ? field : 1) - 1075;
        struct bin *b = &bins[(unsigned)exponent % BINS];
        flush(b, exponent, first, second);
        *b = (struct bin){0}; /* fields 0 and 1 share an exponent */
    }
}

void sum_add_powers(struct sum *first, struct sum *second, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i += BLOCK)
        add_block(first, second, x + i, n - i < BLOCK ? n - i : BLOCK);
}
