/*
 * Packed integers of Parquet (Encodings.md): the hybrid of runs and bit-packing, and
 * DELTA_BINARY_PACKED. Readers load eight bytes at a time: PARQUET_SLACK bytes behind the end must
 * be readable. For the files of this module.
 */
#ifndef TABLE_PARQUET_BITS_H
#define TABLE_PARQUET_BITS_H

#include "base/base.h"

#define PARQUET_SLACK 64

struct hybrid {
    const uint8_t *at, *end;
    unsigned width;
    uint64_t left;         /* values of the run that is being read, */
    uint32_t value;        /* all of which are this, */
    const uint8_t *packed; /* unless they stand here, */
    uint64_t bit;          /* from this bit on */
};
void hybrid_start(struct hybrid *h, const uint8_t *at, const uint8_t *end, unsigned width);
/* n values, false when there are fewer. into NULL: passed over. */
bool hybrid_read(struct hybrid *h, uint32_t *into, size_t n);
/* Values of one bit as bytes; *ones counts those that are 1. */
bool hybrid_read_bits(struct hybrid *h, uint8_t *into, size_t n, size_t *ones);
/* Appends n values, each below 1 << width. */
void hybrid_write(const uint32_t *values, size_t n, unsigned width, struct buf *out);

struct delta {
    const uint8_t *at, *end;
    uint64_t left;      /* values not yet read */
    uint64_t value;     /* the next value is this plus a difference, */
    bool first;         /* or this itself */
    size_t minis, size; /* miniblocks of a block, values of a miniblock */
    uint64_t least;     /* of the block's differences */
    const uint8_t *widths, *widths_end;
    uint64_t mini_left;
    const uint8_t *packed; /* of the miniblock */
    uint64_t bit;
    unsigned width;
};
bool delta_start(struct delta *d, const uint8_t *at, const uint8_t *end);
bool delta_read(struct delta *d, int64_t *into, size_t n); /* false when there are fewer */
/* The byte behind the last value; NULL when it is not there. */
const uint8_t *delta_end(const struct delta *d);

#endif
