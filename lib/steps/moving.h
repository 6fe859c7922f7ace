/*
 * moving: a statistic of the last rows, kept up as rows come and go. Sums are exact, so nothing
 * drifts: each result is that of the values in the window alone.
 */
#ifndef STEPS_MOVING_H
#define STEPS_MOVING_H

#include "stats/stats.h"

/* In the order of rolling's methods. */
enum moving_kind {
    MOVING_MEAN,
    MOVING_SUM,
    MOVING_MIN,
    MOVING_MAX,
    MOVING_STD,
    MOVING_VAR,
    MOVING_MEDIAN,
    MOVING_QUANTILE,
    MOVING_SKEW,
    MOVING_COUNT,
};

struct moving_options {
    enum moving_kind kind;
    int64_t rows;  /* of the window; 0: by time */
    usec span;     /* rows later than the current one's time less this; when rows is 0 */
    int64_t least; /* values there must be, else the result is missing */
    bool current;  /* whether the current row is in its own window */
    double quantile;
};

struct moving_value {
    double x; /* NaN: missing */
    usec at;
};

/* Of one series; zero bytes at first. */
struct moving {
    struct moving_value *ring; /* the window: `held` values from `first` on */
    size_t capacity, first, held;
    uint64_t left;          /* values that left the ring so far */
    struct moments moments; /* count: values taken that are not missing; min and max are not kept */
    VEC(double) sorted;     /* median, quantile */
    VEC(uint64_t) peaks;    /* min, max: numbers of values, each beaten by none behind it */
    size_t peak;            /* the first of them still in the window */
};

/* Takes the next value, of a row at that time, and gives the statistic of the window of its row. */
double moving_next(struct moving *m, const struct moving_options *o, double x, usec at);
void moving_release(struct moving *m);

#endif
