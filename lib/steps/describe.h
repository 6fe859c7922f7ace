/*
 * describe: what one pass can tell of a column in bounded memory. While a column has few distinct
 * cells every cell is counted and all answers are exact; once there are more than DESCRIBE_VALUES
 * (or DESCRIBE_BYTES of text) it is flooded: sums stay exact, quartiles come from a sketch within
 * 1 % of the value, and distinct values from HyperLogLog (0.8 % standard error).
 *
 * Whether a column is flooded depends on its set of cells alone, so no answer depends on the order
 * of rows, on chunks or on how states were merged.
 */
#ifndef STEPS_DESCRIBE_H
#define STEPS_DESCRIBE_H

#include "stats/stats.h"
#include "table/table.h"

enum { DESCRIBE_VALUES = 16384, DESCRIBE_BYTES = 2 << 20 };

struct described {
    enum type type;
    size_t memory; /* bytes for exact quantiles, 0: a sketch is enough */
    uint64_t missing;
    bool flooded;
    struct counts values; /* until flooded: how often each cell occurs */
    size_t value_bytes;
    struct recent *recent; /* the way past the table for cells seen lately */
    /* From then on. */
    uint64_t count, invalid;
    struct distinct distinct;
    struct moments moments; /* numbers; microseconds of times */
    struct sketch sketch;   /* numbers */
    struct quantiles *quantiles;
    struct buf low, high; /* texts */
};

/* The answers. What the type has no answer for is NaN or a missing text. */
struct description {
    uint64_t count, missing, invalid; /* invalid: cells that are not of the column's type */
    uint64_t distinct;
    double min, max; /* numbers; microseconds of times */
    double mean, std, quartile[3];
    struct text low, high; /* texts */
    struct text top;       /* most frequent cell, smallest of several; missing when flooded */
    uint64_t top_count;
};

void described_init(struct described *d, enum type type, size_t memory);
/* The cells of one column of a batch. */
int described_add(struct described *d, struct batch *b, size_t column, struct error *e);
/* from is of no further use but to be released. The policy tells the zone of times. */
int described_merge(struct described *into, struct described *from,
                    const struct cell_policy *policy, struct error *e);
/* Texts of the answers borrow from d. */
int described_answer(struct described *d, const struct cell_policy *policy, struct description *out,
                     struct error *e);
void described_release(struct described *d);

#endif
