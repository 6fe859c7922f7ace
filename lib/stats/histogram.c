#include "stats/stats.h"

#include <math.h>

void histogram_init(struct histogram *h, const double *edges, size_t bins)
{
    *h = (struct histogram){.bins = bins};
    h->edges = mem_copy(edges, (bins + 1) * sizeof *edges);
    h->counts = mem_alloc(bins * sizeof *h->counts);
}

/* The last bin whose lower edge is not above x; x lies within the edges. */
static size_t bin_of(const struct histogram *h, double x)
{
    size_t low = 0, high = h->bins;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (h->edges[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void histogram_add(struct histogram *h, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i]))
            h->missing++;
        else if (x[i] < h->edges[0])
            h->below++;
        else if (x[i] > h->edges[h->bins] || h->bins == 0)
            h->above++;
        else
            h->counts[bin_of(h, x[i])]++;
    }
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (size_t i = 0; i < into->bins; i++)
        into->counts[i] += from->counts[i];
    into->below += from->below;
    into->above += from->above;
    into->missing += from->missing;
}

void histogram_release(struct histogram *h)
{
    mem_free(h->edges);
    mem_free(h->counts);
    *h = (struct histogram){0};
}
