/* Cuts that look at the values alone. */
#include "steps/bins.h"

#include <math.h>
#include <stdlib.h>

void cuts_equal_width(struct cuts *c, double min, double max, size_t bins)
{
    double width = (max - min) / (double)bins;
    for (size_t i = 1; i < bins && width > 0; i++)
        vec_push(&c->at, min + (double)i * width);
}

static int compare_doubles(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* A range below 1 gives its powers in falling order, some of them beyond max. */
void cuts_geometric(struct cuts *c, double min, double max, size_t bins)
{
    for (size_t i = 1; i < bins && max > min; i++) {
        double cut = min + pow(max - min, (double)i / (double)bins);
        if (cut < max)
            vec_push(&c->at, cut);
    }
    if (c->at.len > 0)
        qsort(c->at.at, c->at.len, sizeof *c->at.at, compare_doubles);
}

/* Moves every centre to the mean of the values nearest to it, dropping empty ones; true when one
 * moved. Centres are increasing, so the values of each are neighbours. */
static bool move_centres(double *centre, size_t *k, const struct distribution *d)
{
    size_t i = 0, kept = 0;
    bool moved = false;
    for (size_t j = 0; j < *k; j++) {
        double end = j + 1 < *k ? (centre[j] + centre[j + 1]) / 2 : (double)INFINITY;
        double sum = 0, count = 0;
        for (; i < d->pairs.len && d->pairs.at[i].x <= end; i++) {
            sum += d->pairs.at[i].x * (double)d->pairs.at[i].n;
            count += (double)d->pairs.at[i].n;
        }
        double mean = count > 0 ? sum / count : (double)NAN;
        moved = moved || mean != centre[j];
        if (count > 0)
            centre[kept++] = mean;
    }
    *k = kept;
    return moved;
}

void cuts_kmeans(struct cuts *c, const struct distribution *d, size_t bins)
{
    enum { ROUNDS = 1000 };
    if (d->pairs.len == 0)
        return;
    double min = d->pairs.at[0].x, width = (d->pairs.at[d->pairs.len - 1].x - min) / (double)bins;
    double *centre = mem_alloc(bins * sizeof *centre);
    for (size_t i = 0; i < bins; i++)
        centre[i] = min + ((double)i + 0.5) * width;
    size_t k = bins;
    for (int round = 0; round < ROUNDS && move_centres(centre, &k, d); round++)
        ;
    for (size_t i = 0; i + 1 < k; i++)
        vec_push(&c->at, (centre[i] + centre[i + 1]) / 2);
    mem_free(centre);
}
