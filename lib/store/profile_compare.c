/* How far the values of two profiles are apart. */
#include "store/profile.h"

#include <math.h>

/* What two sets have in each bin. */
struct bins {
    uint64_t before[PROFILE_PSI_CATEGORIES + 2], after[PROFILE_PSI_CATEGORIES + 2];
    size_t count;
};

static void put_bin(struct bins *b, uint64_t before, uint64_t after)
{
    b->before[b->count] = before;
    b->after[b->count++] = after;
}

/* Bin k of numbers has the fine bins before which k tenths of the baseline's values lie. What is
 * outside of its range is with the ends. */
static void bin_numbers(const struct profile *before, const struct profile *after, struct bins *b)
{
    const struct histogram *x = &before->histogram, *y = &after->histogram;
    double all = (double)profile_values(before), passed = 0;
    uint64_t from = x->below, to = y->below;
    size_t bin = 0;
    for (size_t i = 0; i < x->bins; i++) {
        size_t next = all > 0 ? (size_t)(passed * PROFILE_PSI_BINS / all) : 0;
        if (next > bin && next < PROFILE_PSI_BINS) {
            put_bin(b, from, to);
            from = to = 0;
            bin = next;
        }
        from += x->counts[i];
        to += y->counts[i];
        passed += (double)x->counts[i];
    }
    put_bin(b, from + x->above, to + y->above);
}

static void bin_categories(const struct profile *before, const struct profile *after,
                           struct bins *b)
{
    const struct counts *x = &before->categories, *y = &after->categories;
    uint32_t *order = counts_sorted(x, COUNTS_BY_FREQUENCY);
    uint64_t rest_before = before->other, rest_after = after->other;
    for (size_t i = 0; i < x->map.keys.len; i++) {
        size_t other = map_get(&y->map, x->map.keys.at[order[i]]);
        uint64_t n = x->n.at[order[i]], m = other == MAP_NONE ? 0 : y->n.at[other];
        if (i < PROFILE_PSI_CATEGORIES) {
            put_bin(b, n, m);
        } else {
            rest_before += n;
            rest_after += m;
        }
    }
    put_bin(b, rest_before, rest_after);
    mem_free(order);
}

static double psi_of(const struct profile *before, const struct profile *after)
{
    struct bins b = {.count = 0};
    if (before->rows == 0 || after->rows == 0)
        return (double)NAN;
    if (profile_is_categories(&before->feature))
        bin_categories(before, after, &b);
    else
        bin_numbers(before, after, &b);
    put_bin(&b, before->missing, after->missing);
    return difference_psi(b.before, b.after, b.count);
}

/* Between the ends of a bin both distribution functions rise as they like: they may be apart by as
 * much as the one's end and the other's start are. Not where the bin has one value, or only one of
 * them rises. */
static double apart_within(const struct difference *d, uint64_t n, uint64_t m)
{
    double x = (double)d->expected_passed / d->expected, y = (double)d->actual_passed / d->actual;
    double x_end = ((double)d->expected_passed + (double)n) / d->expected;
    double y_end = ((double)d->actual_passed + (double)m) / d->actual;
    return n && m ? fmax(x_end - y, y_end - x) : 0;
}

static void ks_of(const struct profile *before, const struct profile *after, struct comparison *out)
{
    const struct histogram *x = &before->histogram, *y = &after->histogram;
    struct difference d;
    double most = 0;
    difference_init(&d, profile_values(before), profile_values(after));
    if (d.expected == 0 || d.actual == 0)
        return;
    difference_number(&d, 0, x->below, y->below);
    for (size_t i = 0; i < x->bins; i++) {
        bool one_value = nextafter(x->edges[i], (double)INFINITY) >= x->edges[i + 1];
        if (!one_value)
            most = fmax(most, apart_within(&d, x->counts[i], y->counts[i]));
        difference_number(&d, (double)(i + 1), x->counts[i], y->counts[i]);
    }
    out->ks = d.ks;
    out->ks_error = fmax(0, most - d.ks);
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : (double)NAN;
}

static double distinct_change(const struct profile *before, const struct profile *after)
{
    double d = distinct_value(&before->distinct), got = distinct_value(&after->distinct);
    double ratio = share(profile_values(after), profile_values(before));
    if (isnan(ratio) || profile_values(after) == 0)
        return (double)NAN;
    double least = d * fmin(1, ratio), most = d * fmax(1, ratio);
    if (got > most)
        return got / most - 1;
    return got < least ? got / least - 1 : 0;
}

void profile_compare(const struct profile *before, const struct profile *after,
                     struct comparison *out)
{
    *out = (struct comparison){.ks = (double)NAN,
                               .ks_error = (double)NAN,
                               .new_share = (double)NAN,
                               .mean_before = (double)NAN,
                               .mean_after = (double)NAN};
    out->psi = psi_of(before, after);
    out->missing_before = share(before->missing, before->rows);
    out->missing_after = share(after->missing, after->rows);
    out->distinct_before = distinct_value(&before->distinct);
    out->distinct_after = distinct_value(&after->distinct);
    out->distinct_change = distinct_change(before, after);
    if (!profile_is_categories(&before->feature)) {
        ks_of(before, after, out);
        out->mean_before = moments_mean(&before->moments);
        out->mean_after = moments_mean(&after->moments);
    } else if (before->complete) {
        out->new_share = share(after->other, profile_values(after));
    }
}
