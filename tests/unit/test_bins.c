#include "steps/bins.h"
#include "unit.h"

#include <math.h>

static const double squares[] = {1, 2, 4, 9, 16};

static struct distribution numbers(const double *x, size_t n)
{
    struct distribution d = {0};
    for (size_t i = n; i-- > 0;)
        distribution_add(&d, x[i], 0, 1);
    distribution_settle(&d);
    return d;
}

static void check_cuts(struct cuts *c, const double *want, size_t n)
{
    CHECK_INT(c->at.len, n);
    for (size_t i = 0; i < n && i < c->at.len; i++)
        CHECK(fabs(c->at.at[i] - want[i]) < 1e-12);
    vec_release(&c->at);
}

TEST(equal_width_and_geometric)
{
    struct cuts c = {0};
    cuts_equal_width(&c, 1, 16, 3);
    check_cuts(&c, (const double[]){6, 11}, 2);
    cuts_geometric(&c, 0, 16, 4);
    check_cuts(&c, (const double[]){2, 4, 8}, 3);
    cuts_geometric(&c, 0, 0.25, 2); /* the square root of the range is beyond it */
    check_cuts(&c, NULL, 0);
    cuts_equal_width(&c, 5, 5, 3);
    check_cuts(&c, NULL, 0);
}

TEST(kmeans)
{
    struct distribution d = numbers(squares, COUNT_OF(squares));
    struct cuts c = {0};
    cuts_kmeans(&c, &d, 3);
    check_cuts(&c, (const double[]){17.0 / 3, 12.5}, 2);
    distribution_release(&d);
    const double apart[] = {0, 0, 100}; /* the middle centre attracts nothing */
    d = numbers(apart, COUNT_OF(apart));
    cuts_kmeans(&c, &d, 3);
    check_cuts(&c, (const double[]){50}, 1);
    distribution_release(&d);
}

/* a a a b b b a a, as x grows. */
static struct distribution classes(void)
{
    const double x[] = {1, 2, 3, 10, 11, 12, 20, 21};
    struct distribution d = {0};
    for (size_t i = 0; i < COUNT_OF(x); i++)
        distribution_add_class(&d, x[i], i < 3 || i > 5 ? TEXT_LITERAL("a") : TEXT_LITERAL("b"));
    distribution_settle(&d);
    return d;
}

TEST(tree_splits_where_classes_change)
{
    struct distribution d = classes();
    struct cuts c = {0};
    cuts_tree(&c, &d, &(struct tree_limits){.leaves = 8, .depth = 3, .least = 1});
    check_cuts(&c, (const double[]){6.5, 16}, 2);
    cuts_tree(&c, &d, &(struct tree_limits){.leaves = 2, .depth = 3, .least = 1});
    CHECK_INT(c.at.len, 1);
    vec_release(&c.at);
    cuts_tree(&c, &d, &(struct tree_limits){.leaves = 8, .depth = 3, .least = 5});
    check_cuts(&c, NULL, 0);
    distribution_release(&d);
}

TEST(tree_of_numbers)
{
    struct distribution d = {0};
    for (int i = 0; i < 10; i++)
        distribution_add(&d, i, i < 4 ? 1 : 5, 1);
    distribution_settle(&d);
    struct cuts c = {0};
    cuts_tree(&c, &d, &(struct tree_limits){.leaves = 8, .depth = 3, .least = 1});
    check_cuts(&c, (const double[]){3.5}, 1);
    distribution_release(&d);
}

TEST(mdlp_needs_evidence)
{
    struct distribution d = classes();
    struct cuts c = {0};
    cuts_mdlp(&c, &d); /* eight rows do not pay for two cuts */
    check_cuts(&c, NULL, 0);
    distribution_release(&d);
    for (int i = 0; i < 60; i++)
        distribution_add_class(&d, i, i < 20 || i >= 40 ? TEXT_LITERAL("a") : TEXT_LITERAL("b"));
    distribution_settle(&d);
    cuts_mdlp(&c, &d);
    check_cuts(&c, (const double[]){19.5, 39.5}, 2);
    distribution_release(&d);
}

TEST(chimerge_joins_what_does_not_differ)
{
    struct distribution d = classes();
    struct cuts c = {0};
    cuts_chimerge(&c, &d, 0.05, 10);
    check_cuts(&c, (const double[]){10, 20}, 2);
    cuts_chimerge(&c, &d, 1e-9, 10); /* nothing is that sure */
    check_cuts(&c, NULL, 0);
    for (int i = 100; i < 120; i++)
        distribution_add_class(&d, i, TEXT_LITERAL("a"));
    distribution_settle(&d);
    cuts_chimerge(&c, &d, 0.05, 2); /* three bins differ, but two may stay */
    check_cuts(&c, (const double[]){20}, 1);
    distribution_release(&d);
}

TEST(distribution_does_not_depend_on_order)
{
    struct distribution a = {0}, b = {0}, whole = {0};
    for (int i = 0; i < 1000; i++) {
        double x = (i * 7919) % 101;
        struct text class = i % 3 ? TEXT_LITERAL("yes") : TEXT_LITERAL("no");
        distribution_add_class(&whole, x, class);
        distribution_add_class(i % 5 ? &a : &b, x, class);
    }
    distribution_merge(&b, &a);
    distribution_settle(&b);
    distribution_settle(&whole);
    CHECK_INT(b.pairs.len, whole.pairs.len);
    CHECK(memcmp(b.pairs.at, whole.pairs.at, whole.pairs.len * sizeof *whole.pairs.at) == 0);
    json_t *j = distribution_save(&whole);
    struct distribution loaded = {0};
    CHECK_INT(distribution_load(&loaded, j, NULL), 0);
    distribution_settle(&loaded);
    CHECK_INT(loaded.count, 1000);
    CHECK(memcmp(loaded.pairs.at, whole.pairs.at, whole.pairs.len * sizeof *whole.pairs.at) == 0);
    json_decref(j);
    distribution_release(&a);
    distribution_release(&b);
    distribution_release(&whole);
    distribution_release(&loaded);
}

TEST(distribution_quantiles_are_type_7)
{
    struct distribution d = numbers(squares, COUNT_OF(squares));
    CHECK_DOUBLE(distribution_quantile(&d, 0.5), 4);
    CHECK_DOUBLE(distribution_quantile(&d, 0.25), 2);
    CHECK_DOUBLE(distribution_quantile(&d, 1), 16);
    CHECK_DOUBLE(distribution_quantile(&d, 0.125), 1.5);
    distribution_release(&d);
    CHECK(isnan(distribution_quantile(&d, 0.5)));
}
