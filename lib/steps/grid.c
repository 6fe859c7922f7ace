#include "steps/grid.h"

#include <float.h>
#include <math.h>

/* Joins bins two by two. */
static void coarsen(struct grid *g)
{
    double first = floor(g->first / 2);
    size_t shift = (size_t)(g->first - 2 * first), n = (g->counts.len + shift + 1) / 2;
    vec_reserve(&g->counts, n);
    /* Bin i goes to a place at or before its own, so one array is enough. */
    for (size_t i = 0; i < g->counts.len; i++) {
        size_t to = (i + shift) / 2;
        uint64_t count = g->counts.at[i];
        if (to < i)
            g->counts.at[i] = 0;
        g->counts.at[to] = to == i ? count : g->counts.at[to] + count;
    }
    g->counts.len = n;
    g->first = first;
    g->exponent++;
}

/* Bins are whole numbers that a double can tell apart. */
static int finest_exponent(double x)
{
    return x == 0 ? DBL_MIN_EXP - DBL_MANT_DIG : ilogb(x) - (DBL_MANT_DIG - 1);
}

static double bin_of(const struct grid *g, double x)
{
    return floor(ldexp(x, -g->exponent));
}

/* Makes bins from `low` to `high` out of those there are. */
static void extend(struct grid *g, double low, double high)
{
    size_t len = g->counts.len, need = (size_t)(high - low) + 1, below = (size_t)(g->first - low);
    vec_reserve(&g->counts, need);
    memmove(g->counts.at + below, g->counts.at, len * sizeof *g->counts.at);
    memset(g->counts.at, 0, below * sizeof *g->counts.at);
    memset(g->counts.at + below + len, 0, (need - below - len) * sizeof *g->counts.at);
    g->counts.len = need;
    g->first = low;
}

void grid_add(struct grid *g, double x, uint64_t times)
{
    int finest = finest_exponent(x);
    if (g->counts.len == 0) {
        g->exponent = finest;
        g->first = bin_of(g, x);
        vec_push(&g->counts, times);
        return;
    }
    while (g->exponent < finest)
        coarsen(g);
    double bin = bin_of(g, x), low, high;
    for (;; bin = bin_of(g, x)) {
        low = fmin(bin, g->first);
        high = fmax(bin, g->first + (double)(g->counts.len - 1));
        if (high - low < (double)g->most)
            break;
        coarsen(g);
    }
    if (high - low + 1 > (double)g->counts.len)
        extend(g, low, high);
    g->counts.at[(size_t)(bin - g->first)] += times;
}

void grid_merge(struct grid *into, const struct grid *from)
{
    if (into->counts.len == 0) {
        into->exponent = from->exponent;
        into->first = from->first;
        for (size_t i = 0; i < from->counts.len; i++)
            vec_push(&into->counts, from->counts.at[i]);
        return;
    }
    while (into->exponent < from->exponent)
        coarsen(into);
    for (size_t i = 0; i < from->counts.len; i++)
        if (from->counts.at[i])
            grid_add(into, grid_edge(from, i), from->counts.at[i]);
}

double grid_edge(const struct grid *g, size_t i)
{
    return ldexp(g->first + (double)i, g->exponent);
}

void grid_release(struct grid *g)
{
    vec_release(&g->counts);
}
