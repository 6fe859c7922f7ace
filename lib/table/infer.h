/*
 * What type a column's cells look like. Counting first and deciding last, so that the answer
 * depends on neither the order of cells nor how they were divided.
 */
#ifndef TABLE_INFER_H
#define TABLE_INFER_H

#include "table/table.h"

/* How many of the first n bytes of records are a sample: `most`, or more so that the first two
 * lines are whole. */
size_t sample_bytes(const char *at, size_t n, size_t most, char newline);

struct type_tally {
    size_t cells; /* that are not missing: the sum of the others */
    size_t ints, floats;
    size_t exponents; /* 1e5: a number only in the company of others, else a code */
    size_t bools, times, texts, nested;
};
void tally_text(struct type_tally *t, struct text value); /* a missing value counts for nothing */
void tally_json(struct type_tally *t, struct text raw);   /* raw: a valid JSON value */
enum type tally_type(const struct type_tally *t);         /* nothing counted: text */

#endif
