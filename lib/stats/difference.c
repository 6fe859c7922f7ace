#include "stats/stats.h"

#include <math.h>

static double total(const uint64_t *counts, size_t bins)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bins; i++)
        sum += counts[i];
    return (double)sum;
}

static double share(uint64_t count, double all)
{
    const double floor_share = 1e-4;
    double s = all > 0 ? (double)count / all : 0;
    return s > floor_share ? s : floor_share;
}

double difference_psi(const uint64_t *expected, const uint64_t *actual, size_t bins)
{
    double all_expected = total(expected, bins), all_actual = total(actual, bins), psi = 0;
    for (size_t i = 0; i < bins; i++) {
        double e = share(expected[i], all_expected), a = share(actual[i], all_actual);
        psi += (a - e) * log(a / e);
    }
    return psi;
}

/* Test of homogeneity of the 2 x bins table; bins empty on both sides do not count. */
double difference_chi2(const uint64_t *expected, const uint64_t *actual, size_t bins,
                       double *p_value)
{
    double e = total(expected, bins), a = total(actual, bins), statistic = 0;
    size_t used = 0;
    for (size_t i = 0; i < bins; i++) {
        double both = (double)expected[i] + (double)actual[i];
        if (both == 0)
            continue;
        double want_e = both * (e / (e + a)), want_a = both * (a / (e + a));
        used++;
        if (e > 0)
            statistic += ((double)expected[i] - want_e) * ((double)expected[i] - want_e) / want_e;
        if (a > 0)
            statistic += ((double)actual[i] - want_a) * ((double)actual[i] - want_a) / want_a;
    }
    if (p_value)
        *p_value = used > 1 ? chi2_sf(statistic, (double)(used - 1)) : 1;
    return statistic;
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

double difference_ks(const double *a, size_t n, const double *b, size_t m, double *p_value)
{
    double largest = 0;
    for (size_t i = 0, j = 0; i < n && j < m;) {
        double x = a[i] < b[j] ? a[i] : b[j];
        while (i < n && a[i] == x)
            i++;
        while (j < m && b[j] == x)
            j++;
        double d = fabs((double)i / (double)n - (double)j / (double)m);
        largest = d > largest ? d : largest;
    }
    if (p_value)
        *p_value =
            n && m ? kolmogorov_sf(largest * sqrt((double)n / (double)(n + m) * (double)m)) : 1;
    return largest;
}

/* The area between the two distribution functions. */
double difference_wasserstein(const double *a, size_t n, const double *b, size_t m)
{
    if (n == 0 || m == 0)
        return (double)NAN;
    double area = 0, before = a[0] < b[0] ? a[0] : b[0];
    for (size_t i = 0, j = 0; i < n || j < m;) {
        bool from_a = j == m || (i < n && a[i] <= b[j]);
        double x = from_a ? a[i] : b[j];
        area += fabs((double)i / (double)n - (double)j / (double)m) * (x - before);
        before = x;
        i += from_a;
        j += !from_a;
    }
    return area;
}
