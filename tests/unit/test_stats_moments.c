#include "stats/stats.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

static bool near(double got, double want, double relative)
{
    return fabs(got - want) <= relative * fabs(want);
}

static struct moments moments_of(const double *x, size_t n, int order)
{
    struct moments m;
    moments_init(&m, order);
    for (size_t i = 0; i < n; i++)
        moments_add(&m, x[i]);
    return m;
}

static char *text_of_moments(const struct moments *m)
{
    json_t *j = moments_save(m);
    char *text = json_dumps(j, 0);
    json_decref(j);
    return text;
}

TEST(moments_of_small_data)
{
    static const double x[] = {1, 2, (double)NAN, 4, 9, 16};
    struct moments m = moments_of(x, COUNT_OF(x), 4);
    CHECK_INT(m.count, 5);
    CHECK_DOUBLE(m.min, 1.0);
    CHECK_DOUBLE(m.max, 16.0);
    CHECK_DOUBLE(moments_mean(&m), 6.4);
    CHECK(near(moments_deviation(&m, 0), 5.535341001239219, 1e-15));
    CHECK(near(moments_skew(&m, true), 0.761590983356015, 1e-13)); /* scipy.stats.skew */
    CHECK(near(moments_skew(&m, false), 1.1353128065566405, 1e-13));
    CHECK(near(moments_kurtosis(&m, true), 2.087208311461663, 1e-13));
    CHECK(near(moments_kurtosis(&m, false), 0.3488332458466523, 1e-12));
    moments_release(&m);
    static const double y[] = {1, 2, 3, 4};
    m = moments_of(y, 4, 4);
    CHECK_DOUBLE(moments_skew(&m, false), 0.0);
    CHECK(near(moments_kurtosis(&m, false), -1.2, 1e-14)); /* pandas */
    CHECK(near(moments_deviation(&m, 1), 1.2909944487358056, 1e-15));
    moments_release(&m);
}

TEST(moments_do_not_cancel)
{
    for (double base = 1; base < 1e16; base *= 1e5) {
        double x[200];
        __float128 sum = 0, squares = 0;
        for (int i = 0; i < 200; i++) {
            x[i] = base + (double)((i * 37) % 100) / 8 * (base > 1e14 ? 16 : 1);
            sum += (__float128)x[i];
        }
        for (int i = 0; i < 200; i++)
            squares += ((__float128)x[i] - sum / 200) * ((__float128)x[i] - sum / 200);
        struct moments m = moments_of(x, 200, 2);
        CHECK(near(moments_variance(&m, 1), (double)(squares / 199), 4e-16));
        CHECK_DOUBLE(moments_mean(&m), (double)(sum / 200));
        moments_release(&m);
    }
}

TEST(moments_of_extremes)
{
    static const double huge[] = {1e308, 1.5e308, 1.7e308}, tiny[] = {1e-300, 2e-300, 3e-300};
    struct moments m = moments_of(huge, 3, 4);
    CHECK(near(moments_mean(&m), 1.4e308, 1e-15));
    CHECK(near(moments_skew(&m, true), -0.47033046033698594, 1e-13));
    moments_release(&m);
    m = moments_of(tiny, 3, 4);
    CHECK(near(moments_kurtosis(&m, true), 1.5, 1e-14));
    moments_release(&m);
    static const double constant[] = {7.1, 7.1, 7.1, 7.1};
    m = moments_of(constant, 4, 4);
    CHECK_DOUBLE(moments_variance(&m, 0), 0.0);
    CHECK_DOUBLE(moments_mean(&m), 7.1);
    CHECK_DOUBLE(moments_skew(&m, false), 0.0);
    CHECK(isnan(moments_skew(&m, true)));
    moments_release(&m);
    m = moments_of((const double[]){-0.0, 0.0}, 2, 1);
    CHECK_DOUBLE(m.min, 0.0); /* whichever zero came first */
    CHECK_DOUBLE(m.max, 0.0);
    moments_release(&m);
    m = moments_of(NULL, 0, 2);
    CHECK(isnan(moments_mean(&m)) && isnan(moments_variance(&m, 0)));
    moments_release(&m);
}

static double value(uint64_t i)
{
    if (i % 11 == 0)
        return (double)NAN;
    if (i % 97 == 0)
        return i % 2 ? 0.0 : -0.0;
    double x = random_normal(1, 2, i) * 1000;
    return i % 1013 == 0 ? x * 1e200 : x;
}

TEST(moments_split_any_way)
{
    enum { N = 7000 };
    static double x[N];
    for (uint64_t i = 0; i < N; i++)
        x[i] = value(i);
    for (int order = 1; order <= 4; order++) {
        struct moments one = moments_of(x, N, order), many, merged;
        moments_init(&many, order);
        moments_init(&merged, order);
        moments_add_many(&many, x, N);
        for (size_t i = 7; i-- > 0;) {
            struct moments part;
            moments_init(&part, order);
            moments_add_many(&part, x + i * 1000, 1000);
            moments_merge(&merged, &part);
            moments_release(&part);
        }
        char *want = text_of_moments(&one), *a = text_of_moments(&many),
             *b = text_of_moments(&merged);
        CHECK_TEXT(a, want);
        CHECK_TEXT(b, want);
        struct moments back;
        json_t *j = json_loads(want, 0, NULL);
        CHECK_INT(moments_load(&back, j, NULL), 0);
        char *c = text_of_moments(&back);
        CHECK_TEXT(c, want);
        CHECK_DOUBLE(moments_mean(&back), moments_mean(&one));
        json_decref(j);
        free(want);
        free(a);
        free(b);
        free(c);
        moments_release(&one);
        moments_release(&many);
        moments_release(&merged);
        moments_release(&back);
    }
}

TEST(comoments_match_moments_and_merge)
{
    enum { N = 500, P = 3 };
    static double x[N][P];
    struct comoments whole, merged;
    struct moments first;
    comoments_init(&whole, P);
    comoments_init(&merged, P);
    moments_init(&first, 2);
    for (uint64_t i = 0; i < N; i++) {
        x[i][0] = 1e9 + random_unit(1, 1, i);
        x[i][1] = random_normal(1, 2, i);
        x[i][2] = 2 * x[i][1] + 1;
        comoments_add(&whole, x[i]);
        moments_add(&first, x[i][0]);
    }
    for (size_t part = 5; part-- > 0;) {
        struct comoments c;
        comoments_init(&c, P);
        for (size_t i = part * 100; i < part * 100 + 100; i++)
            comoments_add(&c, x[i]);
        comoments_merge(&merged, &c);
        comoments_release(&c);
    }
    CHECK_DOUBLE(comoments_covariance(&whole, 0, 0, 1), moments_variance(&first, 1));
    CHECK_DOUBLE(comoments_mean(&whole, 0), moments_mean(&first));
    CHECK(near(comoments_covariance(&whole, 2, 1, 1), 2 * comoments_covariance(&whole, 1, 1, 1),
               1e-14));
    json_t *j = comoments_save(&whole), *k = comoments_save(&merged);
    CHECK(json_equal(j, k));
    struct comoments back;
    CHECK_INT(comoments_load(&back, j, NULL), 0);
    CHECK_DOUBLE(comoments_covariance(&back, 0, 2, 0), comoments_covariance(&whole, 0, 2, 0));
    json_decref(j);
    json_decref(k);
    comoments_release(&back);
    comoments_release(&whole);
    comoments_release(&merged);
    moments_release(&first);
}
