/*
 * records: records of a group as rows of a table, and rows of a table as records.
 *
 * Columns: those of the id, the time, all features; then what is asked for. In text formats a cell
 * is spelt as it came. Parquet's columns have types: there the time is a time, and of a feature
 * there is the value alone (1.10 is 1.1 when it comes back; the smallest int of 64 bits is
 * missing). The names of columns that begin with '_' cannot be those of features.
 *
 *   api_invocation_time  when it was written
 *   write_time           the same: the view is made of the log, and its bytes follow from it
 *   is_deleted           true: the entity has no features from this time on
 *   _lsn                 number in the log
 *   _expires_at          missing: never
 *   _how                 "hard": a delete whose older values are to be gone, too; else missing
 */
#ifndef STORE_RECORDS_H
#define STORE_RECORDS_H

#include "store/group.h"
#include "table/output.h"

enum record_column {
    RECORD_INVOKED = 1,
    RECORD_WRITTEN = 2,
    RECORD_DELETED = 4,
    RECORD_LSN = 8,
    RECORD_EXPIRES = 16,
    RECORD_HOW = 32,
};
enum {
    RECORDS_OFFLINE = RECORD_INVOKED | RECORD_WRITTEN | RECORD_DELETED,
    RECORDS_EXPORT = RECORD_WRITTEN | RECORD_DELETED | RECORD_LSN | RECORD_EXPIRES | RECORD_HOW,
    RECORDS_SNAPSHOT = RECORD_WRITTEN,
};

/* ---- out ---- */

struct record_target {
    struct format format;
    struct parquet_options parquet;
    struct sink *sink; /* the caller's to commit or abort */
};

struct record_output;
/* columns: enum record_column. Borrows group and sink. */
int record_output_new(const struct group *g, const struct record_target *target, unsigned columns,
                      struct record_output **out, struct error *e);
/* Copied. */
int record_output_add(struct record_output *o, const struct store_record *r, struct error *e);
int record_output_finish(struct record_output *o, struct error *e);
void record_output_free(struct record_output *o); /* NULL is fine */

/* ---- in ---- */

struct record_input;
/* Borrows group and input. A feature without a column is missing; ERR_DATA for a column that is
 * none of the above, and when those of the id or the time are not there. */
int record_input_new(const struct group *g, struct input *in, struct record_input **out,
                     struct error *e);
/* 1, and the record, without an lsn, which borrows until the next call; 0 at the end; < 0. Without
 * a column that says so, its write_time is INT_MISSING, it never expires and is no delete. */
int record_input_next(struct record_input *r, struct store_record *out, struct error *e);
void record_input_free(struct record_input *r); /* NULL is fine */

#endif
