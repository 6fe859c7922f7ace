#include "stats/stats.h"
#include "unit.h"

#include <math.h>

static bool near(double got, double want, double relative)
{
    return fabs(got - want) <= relative * fabs(want);
}

TEST(histogram_edges)
{
    static const double edges[] = {0, 1, 2, 4};
    static const double x[] = {-1, 0, 0.5, 1, 1.999, 2, 4, 4.5, (double)NAN, (double)INFINITY};
    struct histogram h, other;
    histogram_init(&h, edges, 3);
    histogram_init(&other, edges, 3);
    histogram_add(&h, x, 5);
    histogram_add(&other, x + 5, 5);
    histogram_merge(&h, &other);
    CHECK_INT(h.counts[0], 2);
    CHECK_INT(h.counts[1], 2);
    CHECK_INT(h.counts[2], 2);
    CHECK_INT(h.below, 1);
    CHECK_INT(h.above, 2);
    CHECK_INT(h.missing, 1);
    histogram_release(&h);
    histogram_release(&other);
}

/* Expected values: scipy 1.10.1 and numpy. */
TEST(difference_of_bin_counts)
{
    static const uint64_t e[] = {100, 200, 300, 400}, a[] = {120, 180, 0, 700};
    CHECK(near(difference_psi(e, a, 4), 2.574748011367971, 1e-12));
    CHECK_DOUBLE(difference_psi(e, e, 4), 0.0);
    static const uint64_t r[] = {10, 20, 30, 0}, s[] = {15, 15, 40, 0};
    double p;
    CHECK(near(difference_chi2(r, s, 4, &p), 2.3877551020408165, 1e-12));
    CHECK(near(p, 0.30304391468510006, 1e-12));
    CHECK(near(difference_chi2(r, s, 4, NULL), 2.3877551020408165, 1e-12));
}

TEST(difference_of_samples)
{
    static const double a[] = {1, 2, 2, 3, 5, 8.5}, b[] = {0, 2, 4, 4, 6, 7, 9};
    double p;
    CHECK(near(difference_ks(a, 6, b, 7, &p), 0.38095238095238093, 1e-14));
    CHECK(near(p, 0.73647120947863098, 1e-12));
    CHECK(near(difference_wasserstein(a, 6, b, 7), 1.3452380952380951, 1e-14));
    CHECK_DOUBLE(difference_ks(a, 6, a, 6, &p), 0.0);
    CHECK_DOUBLE(p, 1.0);
    CHECK_DOUBLE(difference_wasserstein(a, 6, a, 6), 0.0);
    CHECK_DOUBLE(difference_ks(a, 1, b + 6, 1, &p), 1.0);
}
