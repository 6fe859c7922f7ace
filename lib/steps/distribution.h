/*
 * Distribution: all values of a column with how often each occurs, or all pairs of a value and a
 * target. In memory: 24 bytes for each distinct pair. For what cannot be had from sums or
 * quantiles: likelihoods, clusters, supervised bins. Adding and merging commute: the settled form
 * is the same for any order.
 */
#ifndef STEPS_DISTRIBUTION_H
#define STEPS_DISTRIBUTION_H

#include "stats/stats.h"

#include <jansson.h>

struct pair_count {
    double x, y; /* y: a number, the index of a class, or 0 */
    uint64_t n;
};

struct distribution {
    VEC(struct pair_count) pairs; /* after settling: by x, then y, each pair once */
    size_t settled;               /* so many of them are in that form */
    uint64_t count;
    struct map classes; /* names of classes, when y are such: after settling in byte order */
};

void distribution_add(struct distribution *d, double x, double y, uint64_t n);
void distribution_add_class(struct distribution *d, double x, struct text class);
void distribution_merge(struct distribution *into, const struct distribution *from);
void distribution_settle(struct distribution *d);
json_t *distribution_save(const struct distribution *d); /* must be settled */
int distribution_load(struct distribution *d, const json_t *j, struct error *e);
void distribution_release(struct distribution *d);

/* Settled: the value at place `rank` (0-based) in sorted order;
 * quantile of type 7, NaN when empty. */
double distribution_at(const struct distribution *d, uint64_t rank);
double distribution_quantile(const struct distribution *d, double q);

#endif
