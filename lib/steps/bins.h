/*
 * Bins: where to cut a column of numbers. Every function fills `cuts` with the inner edges,
 * increasing; a value equal to a cut belongs to the bin on its right. Distributions must be
 * settled.
 */
#ifndef STEPS_BINS_H
#define STEPS_BINS_H

#include "steps/distribution.h"

struct cuts {
    VEC(double) at;
};

/* Parts of equal width between min and max; of widths that grow by a constant factor: cut i is
 * min + (max - min)^(i / bins). */
void cuts_equal_width(struct cuts *c, double min, double max, size_t bins);
void cuts_geometric(struct cuts *c, double min, double max, size_t bins);

/* Halfway between the centres of one-dimensional k-means, run to its fixed point from the centres
 * of bins of equal width. A centre that attracts nothing is left out. */
void cuts_kmeans(struct cuts *c, const struct distribution *d, size_t bins);

struct tree_limits {
    size_t leaves, depth;
    uint64_t least; /* rows in a leaf */
};
/* A regression or classification tree (Breiman et al. 1984: least squares, Gini) on the one column,
 * the leaf with the most to gain split first. */
void cuts_tree(struct cuts *c, const struct distribution *d, const struct tree_limits *limits);

/* Entropy cuts as long as the description gets shorter (Fayyad and Irani 1993). */
void cuts_mdlp(struct cuts *c, const struct distribution *d);

/* Neighbours joined while their classes do not differ at significance alpha, or there are more than
 * `bins` (Kerber 1992). Starts from at most 1000 groups of about equal size. */
void cuts_chimerge(struct cuts *c, const struct distribution *d, double alpha, size_t bins);

#endif
