/*
 * accumulate: the functions of `agg`. A keeper keeps a state of fixed size per group (plus what it
 * owns on the heap), adds a batch at a time, and can be put into bytes and absorbed from them
 * again, exactly: that is how threads are merged and how tables spill; what grows with the values
 * of one group goes to disk value by value. States begin as zero bytes.
 * An accumulator is a function with a name, which answers from such a state.
 */
#ifndef STEPS_ACCUMULATE_H
#define STEPS_ACCUMULATE_H

#include "stats/stats.h"
#include "steps/spilled.h"

/* What is kept of one argument. */
struct aggregate {
    const struct keeper *keeper;
    const struct accumulator *function; /* the first that asked for it */
    struct text argument;               /* as written; at == NULL: none */
    enum type type;                     /* of the argument */
    int order;                          /* of moments, when those are kept */
    const double *parameters;           /* of all calls it serves */
    size_t parameter_count;
    size_t memory; /* bytes an exact quantile may hold before it spills */
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

struct keeper {
    size_t size;
    /* held grows by the bytes newly owned. */
    void (*add)(const struct aggregate *a, char *states, const struct samples *v, size_t *held);
    void (*put)(const struct aggregate *a, char *state, struct buf *out);
    void (*absorb)(const struct aggregate *a, char *state, struct text bytes, size_t *held);
    void (*release)(char *state); /* NULL: it owns nothing */
    bool common;                  /* one state serves all functions that have this keeper */
    /* Of states that grow with their values; else NULL. spill puts these to disk and forgets them;
     * settle gets those of all parts of the state, which then keeps only the answers, adds no more,
     * and goes through put and absorb as before. */
    int (*spill)(char *state, struct spilled *to, struct error *e);
    int (*settle)(const struct aggregate *a, char *state, struct spilled *from, struct error *e);
};
/* Moments up to a->order of a number: one state for all functions that have of_moments. */
extern const struct keeper moments_keeper;

struct accumulator {
    const char *name;
    const char *summary;
    enum takes takes;
    bool has_parameter;
    bool keeps_type; /* the result has the argument's type, else it is a number; JSON for collect */
    enum type result;
    const struct keeper *keeper;
    /* The result: one of number, time or text (in the arena); NaN, INT_MISSING, at == NULL when
     * missing. NULL: of_moments. */
    int (*value)(const struct aggregate *a, double parameter, char *state, struct arena *arena,
                 union answer *out, struct error *e);
    double (*of_moments)(const struct moments *m); /* NULL: moments do not tell */
    int order;                                     /* the least that of_moments needs */
};
const struct accumulator *accumulator_find(struct text name);
const struct accumulator *accumulator_at(size_t i); /* NULL behind the last */

/* A call of a function: quantile(x, 0.9) has the parameter 0.9. */
struct asked {
    const struct accumulator *function;
    double parameter;
};
/* Makes a serve b's function, too, when they have the same argument and one state can. */
bool aggregate_share(struct aggregate *a, const struct aggregate *b);
/* The answer from the state of a, which serves the call. */
int aggregate_value(const struct aggregate *a, const struct asked *asked, char *state,
                    struct arena *arena, union answer *out, struct error *e);

/* Whether values and answers of this aggregate are held as text, as times or as numbers. */
enum type aggregate_held_as(const struct aggregate *a);
/* And answers of a function: nunique takes text and answers with a number. */
enum type aggregate_answers_as(const struct aggregate *a, const struct accumulator *function);

#endif
