/*
 * Row sample: rows of numbers chosen by seed and row, for models that need the data at hand.
 * Merging gives the sample of both, whatever the order.
 */
#ifndef STEPS_ROW_SAMPLE_H
#define STEPS_ROW_SAMPLE_H

#include "stats/stats.h"

struct row_sample {
    struct sample
        sample;   /* items: the numbers of a row, separated by commas, nothing for missing */
    size_t width; /* numbers in a row */
    size_t count; /* after finish: rows in `at`, by row id */
    double *at;   /* count * width */
};

void row_sample_init(struct row_sample *s, size_t most, size_t width, uint64_t seed,
                     uint64_t stream);
/* Offers row r of `width` columns. */
void row_sample_add(struct row_sample *s, uint64_t id, const double *const *columns, size_t r);
int row_sample_finish(struct row_sample *s, struct error *e);
int row_sample_load(struct row_sample *s, const json_t *j, struct error *e);
void row_sample_release(struct row_sample *s);

#endif
