/* Correlation of two columns by the order of their values, over the rows where both are there:
 * any number of rows, sorted on disk past the memory given. NaN when one is constant. */
#ifndef STEPS_RANKS_H
#define STEPS_RANKS_H

#include "steps/number_rows.h"

struct rank_columns {
    const struct number_rows *rows;
    size_t x, y;
    size_t memory; /* bytes */
};
/* Pearson's of the ranks, equal values sharing the mean of theirs. */
int ranks_spearman(const struct rank_columns *c, double *out, struct error *e);
/* tau-b (Knight 1966). */
int ranks_kendall(const struct rank_columns *c, double *out, struct error *e);

#endif
