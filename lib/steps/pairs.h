/*
 * pairs: rows of numbers, and the correlation of every two columns over the rows where both are
 * there (as pandas does). Sums are exact: rows without gaps go into one matrix of sums, the others
 * into sums of their own for each pair, made when the first such row comes.
 */
#ifndef STEPS_PAIRS_H
#define STEPS_PAIRS_H

#include "prep/prep.h"
#include "stats/stats.h"

/* Several columns of a batch as numbers: at[i][row], borrowed from the batch. */
struct numbers {
    size_t count;
    const double **at;
};
int numbers_of(const struct step *s, struct batch *b, struct numbers *out, struct error *e);
/* Copies a row; false when one of its cells is missing or not finite. */
bool numbers_row(const struct numbers *n, size_t row, double *out);

struct pairs {
    size_t p;
    struct comoments complete; /* of p columns */
    struct comoments *gaps;    /* NULL, or p (p - 1) / 2 of two columns each: row-major, i < j */
};
void pairs_init(struct pairs *x, size_t p);
void pairs_add(struct pairs *x, const double *row); /* p values; NaN is missing */
void pairs_merge(struct pairs *into, const struct pairs *from);
/* Pearson's; NaN when one of the two is constant. */
double pairs_correlation(const struct pairs *x, size_t i, size_t j);
json_t *pairs_save(const struct pairs *x);
int pairs_load(struct pairs *x, size_t p, const json_t *j, struct error *e);
void pairs_release(struct pairs *x);

/* Correlation from sums of several columns. */
double comoments_correlation(const struct comoments *c, size_t i, size_t j);

#endif
