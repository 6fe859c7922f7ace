/*
 * grid: a histogram whose range need not be known. Bins are [k w, (k + 1) w) with w a power of two,
 * doubled whenever the values would need more than `most` bins; joining neighbours is exact, so the
 * bins depend on the smallest and largest value alone, not on order, split or merging.
 */
#ifndef STEPS_GRID_H
#define STEPS_GRID_H

#include "base/base.h"

struct grid {
    size_t most;  /* bins at most, 2 or more; set at start */
    int exponent; /* w = 2^exponent */
    double first; /* k of the first bin, a whole number */
    VEC(uint64_t) counts;
};

void grid_add(struct grid *g, double x, uint64_t times); /* finite */
void grid_merge(struct grid *into, const struct grid *from);
double grid_edge(const struct grid *g, size_t i); /* lower edge of bin i */
void grid_release(struct grid *g);

#endif
