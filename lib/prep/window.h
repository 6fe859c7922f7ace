/*
 * window: steps that look at the rows before the current one, in the order of the stream, each
 * group of by= for itself. order= only checks: a row that goes back in its group is an error.
 *
 * A family describes what one column of one group keeps (struct series); the hooks keep the states,
 * and append the results of each selected column. A step's detail is its prepare function, which
 * says what they are:
 *
 *     static int prepare_difference(struct step *s, struct error *e)
 *     {
 *         series_result(s, &difference, k, "_diff%d", *k);
 *         return 0;
 *     }
 *     {.name = "difference", ..., SERIES_HOOKS,
 *      .detail = &(const struct series_kind){prepare_difference}},
 *
 * Memory: a table of groups, and in each what the series of its columns keep; past --memory further
 * groups go through scratch files (regroup.h).
 */
#ifndef PREP_WINDOW_H
#define PREP_WINDOW_H

#include "prep/groups.h"
#include "prep/prep.h"

struct ordering {
    size_t *by, by_count;
    size_t column; /* of order=; FIELD_NONE: not given */
    const char *name;
    enum type type; /* TYPE_TIME, TYPE_FLOAT (all numbers) or TYPE_TEXT */
};

/* What was last seen of a group. */
struct position {
    double number;
    usec time;
    struct buf text;
};

/* The groups met so far. */
struct order_check {
    struct groups groups;
    VEC(struct position) last; /* by group */
};

/* Reads the step's arguments by= and (when it has one) order=. */
int ordering_open(struct step *s, const struct schema *in, struct ordering *o, struct error *e);
/* The same with `column` in the place of order=. */
void ordering_set(struct ordering *o, const struct schema *in, size_t column);
/* The number of each row's group, in the batch's arena. ERR_DATA when a row goes back. */
int ordering_check(const struct step *s, const struct ordering *o, struct order_check *c,
                   struct batch *b, uint32_t **groups, struct error *e);
void order_check_release(struct order_check *c);

struct series {
    size_t size; /* of the state of one result of one column in one group; zero bytes at first */
    /* Takes the group's next value (NaN: missing), gives the result for its row. `at` is its place
     * in the order= column when that is a time, else INT_MISSING. `own` is the result's. */
    double (*next)(const void *own, void *state, double x, usec at);
    void (*release)(void *state); /* what the state owns; NULL: nothing */
};

/* A step's detail. */
struct series_kind {
    int (*prepare)(struct step *s, struct error *e);
};

/* One more result for each column: a new column named after it with this ending. `own` is borrowed
 * for as long as the step lives: keep it in the step's arena. */
void series_result(struct step *s, const struct series *series, const void *own, const char *format,
                   ...) PRINTF_LIKE(4, 5);
/* order=, by= of the step, for prepare. */
const struct ordering *series_ordering(const struct step *s);

/* Name of the new column for selected column i: into=, else its name and suffix=, else and
 * `ending`. */
int window_name(struct step *s, const struct schema *in, size_t i, const char *ending,
                const char **name, struct error *e);
/* Whether into= and suffix= fit so many results of each column. */
int window_names_fit(struct step *s, size_t results, struct error *e);

int series_open(struct step *s, const struct schema *in, struct error *e);
void series_close(struct step *s);
int series_shape(struct step *s, struct schema *schema, struct error *e);
int series_start(struct step *s, struct error *e);
int series_push(struct step *s, struct batch *b, struct emit *out, struct error *e);
void series_stop(struct step *s);
struct grouping series_grouping(const struct step *s);
#define SERIES_HOOKS                                                                               \
    .open = series_open, .close = series_close, .shape = series_shape, .start = series_start,      \
    .push = series_push, .stop = series_stop, .grouping = series_grouping, .ordered = true,        \
    .only_adds = true

/* Arguments of these steps. */
#define WINDOW_BY                                                                                  \
    {                                                                                              \
        .name = "by", .kind = ARG_COLUMNS, .help = "each group of equal values for itself"         \
    }
#define WINDOW_ORDER                                                                               \
    {                                                                                              \
        .name = "order", .kind = ARG_COLUMN,                                                       \
        .help = "column that must not go back within a group; sort by it first"                    \
    }
#define WINDOW_SUFFIX                                                                              \
    {                                                                                              \
        .name = "suffix", .kind = ARG_TEXT,                                                        \
        .help = "name the new columns after the old ones with this at the end"                     \
    }
#define WINDOW_ORDER_RULE                                                                          \
    "Rows are taken in the order of the stream; order= checks that it is that of a column within " \
    "each group (an error names the row; put sort before). "

#endif
