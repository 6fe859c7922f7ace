#include "stats/stats.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

enum { N = 30000 };
static const double wanted[] = {0.5, 0, 1, 0.25, 0.333, 0.999, 0.75, 0.5};

static int compare(const void *left, const void *right)
{
    double a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return a < b ? -1 : a > b;
}

static double value(uint64_t i, int kind)
{
    double x = random_normal(3, 4, i);
    return kind == 0 ? x : kind == 1 ? floor(x * 10) : ldexp(x, (int)(i % 600) - 300);
}

static void check_against_sorted(struct quantiles *s, const double *x, size_t n)
{
    double got[COUNT_OF(wanted)];
    double *sorted = mem_copy(x, n * sizeof *x);
    qsort(sorted, n, sizeof *sorted, compare);
    CHECK_INT(quantiles_at(s, wanted, COUNT_OF(wanted), got, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        CHECK_DOUBLE(got[i], quantile_sorted(sorted, n, wanted[i]) + 0.0);
    uint64_t distinct = 1;
    for (size_t i = 1; i < n; i++)
        distinct += sorted[i] != sorted[i - 1];
    CHECK_INT(quantiles_distinct(s, NULL), distinct);
    CHECK_INT(quantiles_count(s), n);
    mem_free(sorted);
}

TEST(quantile_type_7)
{
    static const double x[] = {1, 2, 3, 4};
    CHECK(fabs(quantile_sorted(x, 4, 0.3) - 1.9) < 1e-15);
    CHECK_DOUBLE(quantile_sorted(x, 4, 0.5), 2.5);
    CHECK_DOUBLE(quantile_sorted(x, 4, 1), 4.0);
    CHECK_DOUBLE(quantile_sorted(x, 1, 0.7), 1.0);
    CHECK(isnan(quantile_sorted(x, 0, 0.5)));
}

TEST(quantiles_in_memory_and_spilled)
{
    static double x[N];
    static const size_t memory[] = {64 * 1024, 64 * 1024 * 1024};
    for (int kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < N; i++)
            x[i] = value(i, kind);
        for (size_t k = 0; k < COUNT_OF(memory); k++) {
            struct quantiles *s = quantiles_new(memory[k]);
            for (size_t i = 0; i < N; i += 1000)
                CHECK_INT(quantiles_add(s, x + i, 1000, NULL), 0);
            check_against_sorted(s, x, N);
            CHECK_INT(quantiles_add(s, x, 0, NULL), 0);
            check_against_sorted(s, x, N); /* asking changes nothing */
            quantiles_free(s);
        }
    }
}

TEST(quantiles_merge_and_text)
{
    static double x[N];
    for (size_t i = 0; i < N; i++)
        x[i] = value(i, 1);
    struct quantiles *whole = quantiles_new(1 << 20), *merged = quantiles_new(1 << 16);
    quantiles_add(whole, x, N, NULL);
    for (size_t part = 10; part-- > 0;) {
        struct quantiles *s = quantiles_new(1 << 16);
        quantiles_add(s, x + part * (N / 10), N / 10, NULL);
        CHECK_INT(quantiles_merge(merged, s, NULL), 0);
        CHECK_INT(quantiles_count(s), 0);
        quantiles_free(s);
    }
    check_against_sorted(merged, x, N);
    json_t *a = quantiles_save(whole, NULL), *b = quantiles_save(merged, NULL);
    CHECK(json_equal(a, b));
    struct quantiles *back = quantiles_new(1 << 16);
    CHECK_INT(quantiles_load(back, a, NULL), 0);
    check_against_sorted(back, x, N);
    json_decref(a);
    json_decref(b);
    a = json_pack("{s:[f,f],s:[i,i]}", "values", 2.0, 1.0, "counts", 1, 1);
    CHECK_INT(quantiles_load(back, a, NULL), ERR_DATA);
    json_decref(a);
    quantiles_free(back);
    quantiles_free(whole);
    quantiles_free(merged);
}

TEST(quantiles_of_nothing_zeros_and_infinities)
{
    double got[2];
    struct quantiles *s = quantiles_new(0);
    CHECK_INT(quantiles_at(s, wanted, 2, got, NULL), 0);
    CHECK(isnan(got[0]));
    quantiles_add(s, (const double[]){-0.0, 0.0, (double)INFINITY, -(double)INFINITY}, 4, NULL);
    CHECK_INT(quantiles_distinct(s, NULL), 3);
    CHECK_INT(quantiles_at(s, wanted, 2, got, NULL), 0);
    CHECK_DOUBLE(got[0], 0.0);
    CHECK_DOUBLE(got[1], -(double)INFINITY);
    quantiles_free(s);
}

TEST(sketch_is_within_one_percent_and_merges)
{
    static double x[N];
    struct sketch whole = {0}, merged = {0}, back;
    for (size_t i = 0; i < N; i++) {
        x[i] = i % 50 ? value(i, 2) : 0;
        sketch_add(&whole, x[i]);
    }
    for (size_t part = 3; part-- > 0;) {
        struct sketch s = {0};
        for (size_t i = part * (N / 3); i < (part + 1) * (N / 3); i++)
            sketch_add(&s, x[i]);
        sketch_merge(&merged, &s);
        sketch_release(&s);
    }
    qsort(x, N, sizeof *x, compare);
    for (double q = 0; q <= 1; q += 0.0625) {
        double want = x[(size_t)(q * (N - 1))];
        CHECK(fabs(sketch_quantile(&whole, q) - want) <= 0.0100001 * fabs(want));
    }
    json_t *a = sketch_save(&whole), *b = sketch_save(&merged);
    CHECK(json_equal(a, b));
    CHECK_INT(sketch_load(&back, a, NULL), 0);
    CHECK_DOUBLE(sketch_quantile(&back, 0.9), sketch_quantile(&whole, 0.9));
    CHECK_INT(back.count, N);
    json_decref(a);
    json_decref(b);
    sketch_release(&back);
    sketch_release(&whole);
    sketch_release(&merged);
}

TEST(sketch_holds_every_double)
{
    static const double x[] = {-1.7e308, -1e-310, 5e-324, 1e-200, 1.7e308, (double)INFINITY};
    struct sketch s = {0};
    for (size_t i = 0; i < COUNT_OF(x); i++)
        sketch_add(&s, x[i]);
    CHECK(fabs(sketch_quantile(&s, 0) / -1.7e308 - 1) <= 0.0100001);
    CHECK(fabs(sketch_quantile(&s, 0.6) / 1e-200 - 1) <= 0.0100001);
    sketch_release(&s);
}
