/*
 * A Parquet file as a part of an input. Its rows are handed out in slices of row groups; threads
 * decode their slices side by side, column by column, one behind the other: a column of a group has
 * one cursor, which goes from slice to slice. Also for who asks only what a file holds.
 */
#ifndef TABLE_INPUT_PARQUET_H
#define TABLE_INPUT_PARQUET_H

#include "table/parquet.h"

struct input_parquet;

/* Takes source. What is no plain file is copied to a scratch file. path as in source_open. */
int input_parquet_open(struct source *source, const char *path, struct input_parquet **out,
                       struct error *e);
void input_parquet_free(struct input_parquet *p); /* NULL is fine */
const struct parquet_file *input_parquet_file(const struct input_parquet *p);

/* Back to the first row; no slice may be at work. */
void input_parquet_rewind(struct input_parquet *p);
/* Closed between its last slice and a rewind: there may be thousands. */
void input_parquet_may_close(struct input_parquet *p);
/* From the next pass on: row groups, a byte each, whose rows are passed over; NULL: none. Copies.
 */
void input_parquet_leave_out(struct input_parquet *p, const uint8_t *groups);
/* The next slice, of about `bytes` of cells: sets b->rows and b->first_row, and *passed to the rows
 * that were passed over before it, or before the end. 1, 0 at the end, < 0. One thread at a time.
 */
int input_parquet_next(struct input_parquet *p, size_t bytes, struct batch *b, uint64_t *passed,
                       struct error *e);
/* Makes the columns of b's slice, those the mask wants (NULL: all; the others are missing). Any
 * thread; once for every slice, in any order. */
int input_parquet_read(struct input_parquet *p, const uint8_t *wanted, struct batch *b,
                       struct error *e);

#endif
