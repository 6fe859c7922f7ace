/*
 * whole: steps that need a whole series at once and make other rows of it. A series is the rows of
 * one group of by=; they stand together and in order of order=, else that is an error. Memory: one
 * series, and a table of the groups' names.
 *
 * A step's detail is a struct whole_kind; the columns of its results are those of by=, the times
 * when it keeps them, and what its prepare adds.
 */
#ifndef PREP_WHOLE_H
#define PREP_WHOLE_H

#include "prep/window.h"

/* A series. Values of column i: values[i].at[0] to [times.len - 1]; NaN is missing. */
struct whole {
    VEC(usec) times; /* INT_MISSING when the column of order= holds no times */
    VEC(double) * values;
    size_t columns;
};

/* The rows made so far, a column each. */
struct whole_rows;

struct whole_kind {
    bool times; /* rows have a time, of the column that order= names and which must be one */
    /* Checks arguments, and calls whole_result for each column of numbers a selected
     * column gives. */
    int (*prepare)(struct step *s, struct error *e);
    /* Makes the series' rows: whole_row for each one, then whole_put for each of its numbers,
     * column by column and result by result. */
    int (*make)(const struct step *s, const struct whole *series, struct whole_rows *out,
                struct error *e);
    enum type type; /* of results: TYPE_FLOAT, or TYPE_JSON with whole_put_text */
};

/* What prepare keeps for make. */
void *whole_own(const struct step *s);
void whole_set_own(struct step *s, void *own); /* in the step's arena */
/* One result more for each selected column, named after it with this ending. */
void whole_result(struct step *s, const char *format, ...) PRINTF_LIKE(2, 3);

void whole_row(struct whole_rows *out, usec time);
void whole_put(struct whole_rows *out, double x);
void whole_put_text(struct whole_rows *out, struct text x); /* copies */

int whole_open(struct step *s, const struct schema *in, struct error *e);
void whole_close(struct step *s);
int whole_shape(struct step *s, struct schema *schema, struct error *e);
int whole_start(struct step *s, struct error *e);
int whole_push(struct step *s, struct batch *b, struct emit *out, struct error *e);
int whole_flush(struct step *s, struct emit *out, struct error *e);
void whole_stop(struct step *s);
#define WHOLE_HOOKS                                                                                \
    .open = whole_open, .close = whole_close, .shape = whole_shape, .start = whole_start,          \
    .push = whole_push, .flush = whole_flush, .stop = whole_stop, .ordered = true

#define WHOLE_RULE                                                                                 \
    "The rows of a series, those with the same values of by=, must stand together and in order "   \
    "(sort by both first); one series is held in memory. "

#endif
