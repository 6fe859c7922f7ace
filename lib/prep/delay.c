/* The last values of a series. */
#include "prep/delay.h"

#include <math.h>

double delay_next(struct delay *d, size_t k, double x)
{
    if (!d->ring)
        d->ring = mem_array(NULL, k, sizeof *d->ring);
    double old = d->seen < k ? (double)NAN : d->ring[d->at];
    d->seen += d->seen < k;
    d->ring[d->at] = x;
    d->at = d->at + 1 == k ? 0 : d->at + 1;
    return old;
}

void delay_release(struct delay *d)
{
    mem_free(d->ring);
}

static void release_state(void *state)
{
    delay_release(state);
}

static double value_before(const void *own, void *state, double x, usec at)
{
    (void)at;
    return delay_next(state, *(const size_t *)own, x);
}

static double difference(const void *own, void *state, double x, usec at)
{
    (void)at;
    return x - delay_next(state, *(const size_t *)own, x);
}

const struct series delay_series = {sizeof(struct delay), value_before, release_state};
const struct series difference_series = {sizeof(struct delay), difference, release_state};
