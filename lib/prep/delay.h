/* delay: the last k values of a series of numbers. */
#ifndef PREP_DELAY_H
#define PREP_DELAY_H

#include "prep/window.h"

/* Zero bytes at first. */
struct delay {
    double *ring;
    size_t at, seen;
};

/* Puts x in and gives the value k before it, NaN for the first k; k is the same in every call. */
double delay_next(struct delay *d, size_t k, double x);
void delay_release(struct delay *d);

/* Series whose `own` is the number k of rows, a size_t: the value k before; the value less that. */
extern const struct series delay_series, difference_series;

#endif
