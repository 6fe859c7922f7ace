#include "stats/stats.h"

#include <math.h>

static uint64_t total(const uint64_t *counts, size_t bins)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bins; i++)
        sum += counts[i];
    return sum;
}

static double share(uint64_t count, double all)
{
    const double floor_share = 1e-4;
    double s = all > 0 ? (double)count / all : 0;
    return s > floor_share ? s : floor_share;
}

void difference_init(struct difference *d, uint64_t expected, uint64_t actual)
{
    *d = (struct difference){.expected = (double)expected, .actual = (double)actual};
}

/* Pearson's test is of the 2 x bins table; bins empty on both sides do not count. */
void difference_bin(struct difference *d, uint64_t expected, uint64_t actual)
{
    double e = share(expected, d->expected), a = share(actual, d->actual);
    double all = d->expected + d->actual, both = (double)expected + (double)actual;
    d->psi += (a - e) * log(a / e);
    if (both == 0)
        return;
    double want_e = both * (d->expected / all), want_a = both * (d->actual / all);
    d->used++;
    if (d->expected > 0)
        d->chi2 += ((double)expected - want_e) * ((double)expected - want_e) / want_e;
    if (d->actual > 0)
        d->chi2 += ((double)actual - want_a) * ((double)actual - want_a) / want_a;
}

double difference_chi2_p(const struct difference *d)
{
    return d->used > 1 ? chi2_sf(d->chi2, (double)(d->used - 1)) : 1;
}

static struct difference of_bins(const uint64_t *expected, const uint64_t *actual, size_t bins)
{
    struct difference d;
    difference_init(&d, total(expected, bins), total(actual, bins));
    for (size_t i = 0; i < bins; i++)
        difference_bin(&d, expected[i], actual[i]);
    return d;
}

double difference_psi(const uint64_t *expected, const uint64_t *actual, size_t bins)
{
    return of_bins(expected, actual, bins).psi;
}

double difference_chi2(const uint64_t *expected, const uint64_t *actual, size_t bins,
                       double *p_value)
{
    struct difference d = of_bins(expected, actual, bins);
    if (p_value)
        *p_value = difference_chi2_p(&d);
    return d.chi2;
}

/* Kolmogorov's Q(x) = 2 sum (-1)^(k-1) exp(-2 k^2 x^2);
 * for small x by the theta function's twin. */
static double kolmogorov_sf(double x)
{
    const double pi = 3.14159265358979323846;
    double sum = 0;
    if (x <= 0)
        return 1;
    if (x < 1) {
        for (int k = 1; k < 40; k += 2)
            sum += exp(-k * k * pi * pi / (8 * x * x));
        return 1 - sqrt(2 * pi) / x * sum;
    }
    for (int k = 1; k < 40; k++)
        sum += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * x * x);
    return sum;
}

/* How far the distribution functions are apart behind the numbers passed. */
static double apart(const struct difference *d)
{
    return fabs((double)d->expected_passed / d->expected - (double)d->actual_passed / d->actual);
}

void difference_number(struct difference *d, double x, uint64_t expected, uint64_t actual)
{
    bool both_go_on =
        (double)d->expected_passed < d->expected && (double)d->actual_passed < d->actual;
    if (d->expected_passed + d->actual_passed > 0)
        d->area += apart(d) * (x - d->last);
    d->last = x;
    d->expected_passed += expected;
    d->actual_passed += actual;
    if (both_go_on && apart(d) > d->ks)
        d->ks = apart(d);
}

double difference_ks_p(const struct difference *d)
{
    double n = d->expected, m = d->actual;
    return n > 0 && m > 0 ? kolmogorov_sf(d->ks * sqrt(n / (n + m) * m)) : 1;
}

/* Two sorted samples. */
static struct difference of_samples(const double *a, size_t n, const double *b, size_t m)
{
    struct difference d;
    difference_init(&d, n, m);
    for (size_t i = 0, j = 0; i < n || j < m;) {
        size_t i0 = i, j0 = j;
        double x = j == m || (i < n && a[i] <= b[j]) ? a[i] : b[j];
        while (i < n && a[i] == x)
            i++;
        while (j < m && b[j] == x)
            j++;
        difference_number(&d, x, i - i0, j - j0);
    }
    return d;
}

/* The largest distance of the distribution functions. */
double difference_ks(const double *a, size_t n, const double *b, size_t m, double *p_value)
{
    struct difference d = of_samples(a, n, b, m);
    if (p_value)
        *p_value = difference_ks_p(&d);
    return d.ks;
}

/* The area between the two distribution functions. */
double difference_wasserstein(const double *a, size_t n, const double *b, size_t m)
{
    return n && m ? of_samples(a, n, b, m).area : (double)NAN;
}
