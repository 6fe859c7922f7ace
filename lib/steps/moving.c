/* Statistics of a window that moves. */
#include "steps/moving.h"

#include <math.h>

static struct moving_value *ring_at(const struct moving *m, size_t i)
{
    size_t at = m->first + i;
    return &m->ring[at < m->capacity ? at : at - m->capacity];
}

static void ring_grow(struct moving *m)
{
    size_t capacity = m->capacity ? 2 * m->capacity : 8;
    struct moving_value *ring = mem_array(NULL, capacity, sizeof *ring);
    for (size_t i = 0; i < m->held; i++)
        ring[i] = *ring_at(m, i);
    mem_free(m->ring);
    m->ring = ring;
    m->capacity = capacity;
    m->first = 0;
}

static void ring_push(struct moving *m, double x, usec at)
{
    if (m->held == m->capacity)
        ring_grow(m);
    *ring_at(m, m->held++) = (struct moving_value){x, at};
}

/* The first place whose value is not below x. */
static size_t lower_bound(const struct moving *m, double x)
{
    size_t low = 0, high = m->sorted.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->sorted.at[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void sorted_add(struct moving *m, double x)
{
    size_t at = lower_bound(m, x);
    vec_push(&m->sorted, x);
    double *place = m->sorted.at + at;
    memmove(place + 1, place, (m->sorted.len - 1 - at) * sizeof *place);
    *place = x;
}

static void sorted_remove(struct moving *m, double x)
{
    size_t at = lower_bound(m, x);
    double *place = m->sorted.at + at;
    m->sorted.len--;
    memmove(place, place + 1, (m->sorted.len - at) * sizeof *place);
}

static double peak_value(const struct moving *m, size_t i)
{
    return ring_at(m, (size_t)(m->peaks.at[i] - m->left))->x;
}

/* The value that is the window's `number`th ever: those it beats will never be the result. */
static void peaks_add(struct moving *m, bool largest, double x, uint64_t number)
{
    while (m->peaks.len > m->peak) {
        double last = peak_value(m, m->peaks.len - 1);
        if (largest ? last > x : last < x)
            break;
        m->peaks.len--;
    }
    if (m->peak == m->peaks.len)
        m->peak = m->peaks.len = 0;
    vec_push(&m->peaks, number);
}

/* The oldest value leaves. Passed peaks are cleared out when they are half of all. */
static void peaks_remove(struct moving *m)
{
    if (m->peak < m->peaks.len && m->peaks.at[m->peak] == m->left)
        m->peak++;
    if (m->peak < 16 || 2 * m->peak < m->peaks.len)
        return;
    m->peaks.len -= m->peak;
    memmove(m->peaks.at, m->peaks.at + m->peak, m->peaks.len * sizeof *m->peaks.at);
    m->peak = 0;
}

static void take(struct moving *m, const struct moving_options *o, double x, uint64_t number)
{
    m->moments.order = 2;
    m->moments.count++;
    switch (o->kind) {
    case MOVING_STD:
    case MOVING_VAR:
        sum_add_product(&m->moments.power[1], x, x);
        sum_add(&m->moments.power[0], x);
        break;
    case MOVING_MEAN:
    case MOVING_SUM:
        sum_add(&m->moments.power[0], x);
        break;
    case MOVING_MIN:
    case MOVING_MAX:
        peaks_add(m, o->kind == MOVING_MAX, x, number);
        break;
    case MOVING_MEDIAN:
    case MOVING_QUANTILE:
        sorted_add(m, x);
        break;
    case MOVING_SKEW:
    case MOVING_COUNT:
        break;
    }
}

static void give(struct moving *m, const struct moving_options *o, double x)
{
    m->moments.count--;
    switch (o->kind) {
    case MOVING_STD:
    case MOVING_VAR:
        sum_add_product(&m->moments.power[1], -x, x);
        sum_add(&m->moments.power[0], -x);
        break;
    case MOVING_MEAN:
    case MOVING_SUM:
        sum_add(&m->moments.power[0], -x);
        break;
    case MOVING_MIN:
    case MOVING_MAX:
        peaks_remove(m);
        break;
    case MOVING_MEDIAN:
    case MOVING_QUANTILE:
        sorted_remove(m, x);
        break;
    case MOVING_SKEW:
    case MOVING_COUNT:
        break;
    }
}

/* An infinity does not leave a sum again: it is left out as a value that is no number. */
static double usable(double x)
{
    return isfinite(x) ? x : (double)NAN;
}

static void enter(struct moving *m, const struct moving_options *o, double x, usec at)
{
    ring_push(m, x, at);
    if (!isnan(x))
        take(m, o, x, m->left + m->held - 1);
}

static void leave(struct moving *m, const struct moving_options *o)
{
    double x = ring_at(m, 0)->x;
    if (!isnan(x))
        give(m, o, x);
    m->held--;
    m->left++;
    m->first = m->first + 1 == m->capacity ? 0 : m->first + 1;
}

static void leave_old(struct moving *m, const struct moving_options *o, usec at)
{
    if (o->rows) {
        while (m->held > (size_t)o->rows)
            leave(m, o);
        return;
    }
    /* A window that ends before its row begins with the duration's first moment, not behind it. */
    usec from = at - o->span + (o->current ? 1 : 0);
    while (m->held > 0 && ring_at(m, 0)->at < from)
        leave(m, o);
}

/* Corrected for bias, as pandas does. */
static double skewness(const struct moving *m)
{
    double n = (double)m->moments.count, sum = 0, second = 0, third = 0;
    if (m->moments.count < 3)
        return (double)NAN;
    for (size_t i = 0; i < m->held; i++)
        sum += isnan(ring_at(m, i)->x) ? 0 : ring_at(m, i)->x;
    for (size_t i = 0; i < m->held; i++) {
        double d = isnan(ring_at(m, i)->x) ? 0 : ring_at(m, i)->x - sum / n;
        second += d * d / n;
        third += d * d * d / n;
    }
    return second > 0 ? third / pow(second, 1.5) * sqrt(n * (n - 1)) / (n - 2) : 0;
}

static double result(const struct moving *m, const struct moving_options *o)
{
    if (o->kind == MOVING_COUNT)
        return (double)m->moments.count;
    if (m->moments.count == 0 || m->moments.count < (uint64_t)o->least)
        return (double)NAN;
    switch (o->kind) {
    case MOVING_MEAN:
        return moments_mean(&m->moments);
    case MOVING_SUM:
        return sum_value(&m->moments.power[0]);
    case MOVING_MIN:
    case MOVING_MAX:
        return peak_value(m, m->peak);
    case MOVING_STD:
        return moments_deviation(&m->moments, 1);
    case MOVING_VAR:
        return moments_variance(&m->moments, 1);
    case MOVING_MEDIAN:
        return quantile_sorted(m->sorted.at, m->sorted.len, 0.5);
    case MOVING_QUANTILE:
        return quantile_sorted(m->sorted.at, m->sorted.len, o->quantile);
    case MOVING_SKEW:
        return skewness(m);
    case MOVING_COUNT:
        break;
    }
    return (double)NAN;
}

double moving_next(struct moving *m, const struct moving_options *o, double x, usec at)
{
    if (o->current)
        enter(m, o, usable(x), at);
    leave_old(m, o, at);
    double y = result(m, o);
    if (!o->current)
        enter(m, o, usable(x), at);
    return y;
}

void moving_release(struct moving *m)
{
    mem_free(m->ring);
    moments_release(&m->moments);
    vec_release(&m->sorted);
    vec_release(&m->peaks);
}
