/*
 * accumulate: the functions of `agg`. Each keeps a state of fixed size per group (plus what it owns
 * on the heap), adds a batch at a time, and can be put into bytes and absorbed from them again,
 * exactly: that is how threads are merged and how tables spill. States begin as zero bytes.
 */
#ifndef PREP_ACCUMULATE_H
#define PREP_ACCUMULATE_H

#include "table/table.h"

/* What an accumulator is asked to do; one of the step's name=fn(...) arguments. */
struct aggregate {
    const struct accumulator *function;
    enum type type;   /* of the argument */
    double parameter; /* quantile(x, 0.9): 0.9 */
    size_t memory;    /* bytes an exact quantile may hold before it spills */
};

/* The argument's values for the rows of a batch. One of the arrays is set. */
struct samples {
    size_t rows;
    const uint32_t *group;
    bool one_group;       /* all of group is 0 */
    const uint64_t *ids;  /* row ids */
    const double *number; /* NaN is missing */
    const int64_t *time;
    const struct text *text;
};

union answer {
    double number;
    int64_t time;
    struct text text;
};

enum takes { TAKES_NOTHING, TAKES_NUMBER, TAKES_ORDERED /* number, time or text */, TAKES_TEXT };

struct accumulator {
    const char *name;
    const char *summary;
    enum takes takes;
    bool has_parameter;
    bool keeps_type; /* the result has the argument's type, else it is a number; JSON for collect */
    enum type result;
    size_t size;
    /* held grows by the bytes newly owned. */
    void (*add)(const struct aggregate *a, char *states, const struct samples *v, size_t *held);
    void (*put)(const struct aggregate *a, char *state, struct buf *out);
    void (*absorb)(const struct aggregate *a, char *state, struct text bytes, size_t *held);
    /* The result: one of number, time or text (in the arena); NaN, INT_MISSING, at == NULL when
     * missing. */
    int (*value)(const struct aggregate *a, char *state, struct arena *arena, union answer *out,
                 struct error *e);
    void (*release)(char *state);
};
const struct accumulator *accumulator_find(struct text name);
const struct accumulator *accumulator_at(size_t i); /* NULL behind the last */

/* Whether values and answers of this aggregate are held as text, as times or as numbers. */
enum type aggregate_held_as(const struct aggregate *a);
/* And its answers: nunique takes text and answers with a number. */
enum type aggregate_answers_as(const struct aggregate *a);

#endif
