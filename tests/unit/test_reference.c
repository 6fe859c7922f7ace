/* The reference interpreter: stages, tests of nodes, sums and transforms, each against C's own
 * arithmetic of the same precision. */
#include "infer/infer.h"
#include "model/builder.h"
#include "unit.h"

#include <math.h>

static void margins_of(const struct model *m, const double *row, double *margins)
{
    struct reference *r = reference_new(m);
    CHECK_INT(reference_margins(r, row, margins, NULL), 0);
    reference_free(r);
}

/* A model that sums its columns behind the stages. */
static struct model *summing(size_t features, struct stage *stages, size_t count)
{
    struct model *m = model_new("test", features);
    m->kind = MODEL_LINEAR;
    m->stages = stages;
    m->stage_count = count;
    m->outputs = 1;
    m->base = model_numbers(m, 1);
    double *weight = model_numbers(m, model_width(m));
    for (size_t i = 0; i < model_width(m); i++)
        weight[i] = 1;
    m->linear.weight = weight;
    CHECK_INT(model_check(m, NULL), 0);
    return m;
}

/* What a stage makes of a column. */
static double staged(struct stage stage, double x)
{
    double margin = 0;
    stage.in = stage.out = 1;
    struct model *m = summing(1, &stage, 1);
    margins_of(m, &x, &margin);
    model_free(m);
    return margin;
}

static const double a[] = {(double)0.3F}, b[] = {(double)0.7F}, x = (double)0.1F;

TEST(impute)
{
    struct stage nan = {.kind = STAGE_IMPUTE, .what = (double)NAN, .b = b};
    struct stage nine = {.kind = STAGE_IMPUTE, .what = 9, .b = b};
    CHECK_DOUBLE(staged(nan, (double)NAN), b[0]);
    CHECK_DOUBLE(staged(nan, 9), 9);
    CHECK_DOUBLE(staged(nine, 9), b[0]);
    CHECK(isnan(staged(nine, (double)NAN)));
}

TEST(center_shift_and_affine_in_double)
{
    CHECK_DOUBLE(staged((struct stage){.kind = STAGE_CENTER, .a = a, .b = b}, x), (x - *a) / *b);
    CHECK_DOUBLE(staged((struct stage){.kind = STAGE_SHIFT, .a = a, .b = b}, x), (x - *a) * *b);
    CHECK_DOUBLE(staged((struct stage){.kind = STAGE_AFFINE, .a = a, .b = b}, x), x * *b + *a);
}

TEST(center_shift_and_affine_in_float)
{
    volatile float fx = (float)x, fa = (float)*a, fb = (float)*b;
    volatile float difference = fx - fa, product = fx * fb;
    volatile float centered = difference / fb, shifted = difference * fb, affine = product + fa;
    struct stage s = {.single = true, .a = a, .b = b};
    s.kind = STAGE_CENTER;
    CHECK_DOUBLE(staged(s, x), (double)centered);
    s.kind = STAGE_SHIFT;
    CHECK_DOUBLE(staged(s, x), (double)shifted);
    s.kind = STAGE_AFFINE;
    CHECK_DOUBLE(staged(s, x), (double)affine);
    s.single = false;
    CHECK(staged(s, x) != (double)affine);
}

TEST(affine_clips)
{
    struct stage s = {.kind = STAGE_AFFINE,
                      .a = (double[]){0},
                      .b = (double[]){2},
                      .clip = {-1, 3},
                      .clips = true};
    CHECK_DOUBLE(staged(s, 1), 2);
    CHECK_DOUBLE(staged(s, 5), 3);
    CHECK_DOUBLE(staged(s, -5), -1);
    CHECK(isnan(staged(s, (double)NAN)));
}

TEST(map)
{
    struct stage s = {.kind = STAGE_MAP,
                      .from = (double[]){1, (double)NAN, 2},
                      .to = (double[]){10, 20, 30},
                      .map_count = 3,
                      .otherwise = -7};
    CHECK_DOUBLE(staged(s, 1), 10);
    CHECK_DOUBLE(staged(s, 2), 30);
    CHECK_DOUBLE(staged(s, (double)NAN), 20);
    CHECK_DOUBLE(staged(s, 1.5), -7);
    s.from = (double[]){1, 1, 2}; /* the first of several counts */
    CHECK_DOUBLE(staged(s, 1), 10);
}

/* The sum of two columns behind a stage. */
static double staged_pair(struct stage stage, double first, double second)
{
    const double row[] = {first, second};
    double margin = 0;
    stage.in = stage.out = 2;
    struct model *m = summing(2, &stage, 1);
    margins_of(m, row, &margin);
    model_free(m);
    return margin;
}

TEST(maps_of_columns)
{
    struct stage s = {.kind = STAGE_MAP,
                      .from = (double[]){0, 1, 1, 5, (double)NAN},
                      .to = (double[]){10, 20, 100, 200, 300},
                      .first = (size_t[]){0, 2, 5},
                      .map_count = 5,
                      .otherwise = -7};
    CHECK_DOUBLE(staged_pair(s, 0, 1), 110);
    CHECK_DOUBLE(staged_pair(s, 1, 5), 220);
    CHECK_DOUBLE(staged_pair(s, 5, (double)NAN), 293);
    CHECK_DOUBLE(staged_pair(s, (double)NAN, 0), -14);
    CHECK_DOUBLE(staged_pair(s, -0.0, 1e300), 3);
}

TEST(missing_is_told)
{
    struct stage s = {.kind = STAGE_MISSING, .what = (double)NAN};
    CHECK_DOUBLE(staged(s, (double)NAN), 1);
    CHECK_DOUBLE(staged(s, 0), 0);
    s.what = -1;
    CHECK_DOUBLE(staged(s, -1), 1);
    CHECK_DOUBLE(staged(s, (double)NAN), 0);
}

static double normed(int norm, bool single, double first, double second)
{
    const double row[] = {first, second}, take[] = {0, 0}, ones[] = {1, 1000};
    struct stage stages[] = {
        {.kind = STAGE_NORM, .single = single, .norm = (enum norm)norm, .in = 2, .out = 2},
        {.kind = STAGE_AFFINE, .a = take, .b = ones, .in = 2, .out = 2}, /* tells them apart */
    };
    double margin = 0;
    struct model *m = summing(2, stages, 2);
    margins_of(m, row, &margin);
    model_free(m);
    return margin;
}

TEST(norms_of_a_row)
{
    CHECK_DOUBLE(normed(1, false, -1, 3), -0.25 + 750);
    CHECK_DOUBLE(normed(2, false, 3, -4), 3.0 / 5 - 4.0 / 5 * 1000);
    CHECK_DOUBLE(normed(0, false, 1, -4), 0.25 - 1000);
    for (int norm = 0; norm <= 2; norm++)
        CHECK_DOUBLE(normed(norm, false, 0, 0), 0);
    volatile float third = 1.0F / 3;
    CHECK_DOUBLE(normed(1, true, 1, 2) - normed(1, true, 0, 0),
                 (double)third + (double)(2.0F / 3) * 1000);
}

/* {1, 5} and {2, NaN, 3} without their first and none: the columns 5 | 2 NaN 3. */
static int encoded(double first, double second, enum unknown unknown, double *margin)
{
    const double category[] = {1, 5, 2, (double)NAN, 3}, row[] = {first, second};
    const double zeros[] = {0, 0, 0, 0}, places[] = {1, 10, 100, 1000};
    const size_t from[] = {0, 2, 5}, drop[] = {0, SIZE_MAX};
    struct stage stages[] = {
        {.kind = STAGE_ONEHOT,
         .in = 2,
         .out = 4,
         .category = category,
         .first = from,
         .drop = drop,
         .unknown = unknown},
        {.kind = STAGE_AFFINE, .a = zeros, .b = places, .in = 4, .out = 4},
    };
    struct model *m = summing(2, stages, 2);
    struct reference *r = reference_new(m);
    struct error e = {0};
    int status = reference_margins(r, row, margin, &e);
    if (status)
        CHECK_TEXT(e.message, "column 2 of the encoder: an unknown category");
    reference_free(r);
    model_free(m);
    return status;
}

TEST(one_column_per_category)
{
    double margin = 0;
    CHECK_INT(encoded(5, 3, UNKNOWN_ERROR, &margin), 0);
    CHECK_DOUBLE(margin, 1001);
    CHECK_INT(encoded(1, (double)NAN, UNKNOWN_ERROR, &margin), 0);
    CHECK_DOUBLE(margin, 100);
    CHECK_INT(encoded(1, 4, UNKNOWN_ZEROS, &margin), 0);
    CHECK_DOUBLE(margin, 0);
    CHECK_INT(encoded(1, 4, UNKNOWN_ERROR, &margin), ERR_DATA);
}

/* Of (x, y): the columns y, x, y; the one in the middle becomes two, of 1 and of 5; then the last
 * is mapped. */
static int picked(double first, double second, double *margin)
{
    const double category[] = {1, 5}, row[] = {first, second}, seven[] = {7}, nine[] = {9};
    const double zeros[] = {0, 0, 0, 0}, places[] = {1, 10, 100, 1000};
    const size_t from[] = {0, 2}, pick[] = {1, 0, 1};
    struct stage stages[] = {
        {.kind = STAGE_PICK, .in = 2, .out = 3, .pick = pick},
        {.kind = STAGE_ONEHOT,
         .in = 3,
         .out = 4,
         .before = 1,
         .after = 1,
         .category = category,
         .first = from},
        {.kind = STAGE_MAP,
         .in = 4,
         .out = 4,
         .before = 3,
         .from = seven,
         .to = nine,
         .map_count = 1,
         .unknown = UNKNOWN_ERROR},
        {.kind = STAGE_AFFINE, .a = zeros, .b = places, .in = 4, .out = 4},
    };
    struct model *m = summing(2, stages, 4);
    struct reference *r = reference_new(m);
    struct error e = {0};
    int status = reference_margins(r, row, margin, &e);
    if (status)
        CHECK_TEXT(e.message, "column 1 of the encoder: an unknown category");
    reference_free(r);
    model_free(m);
    return status;
}

TEST(columns_picked_and_left_alone)
{
    double margin = 0;
    CHECK_INT(picked(5, 7, &margin), 0);
    CHECK_DOUBLE(margin, 7 + 100 + 9000);
    CHECK_INT(picked(1, 7, &margin), 0);
    CHECK_DOUBLE(margin, 7 + 10 + 9000);
    CHECK_INT(picked(1, 8, &margin), ERR_DATA);
}

/* A tree with one test: of `left` and `right`, each of width values. */
static void add_stump(struct builder *builder, struct draft_node test, const double *left,
                      const double *right, uint32_t output)
{
    struct draft_node nodes[3] = {test, {.feature = NODE_LEAF}, {.feature = NODE_LEAF}};
    nodes[0].left = 1;
    nodes[0].right = 2;
    nodes[1].value = left;
    nodes[1].number = 5;
    nodes[2].value = right;
    nodes[2].number = 7;
    CHECK_INT(builder_tree(builder, nodes, 3, 0, output, NULL), 0);
}

static struct model *trees_of(struct builder *builder, size_t outputs, const double *base)
{
    struct model *m = model_new("test", 1);
    builder_finish(builder, m);
    m->outputs = outputs;
    m->base = base;
    return m;
}

static const double zero[4] = {0};

/* Whether x goes left. */
static bool goes_left(struct draft_node test, bool single, enum compare compare, double value)
{
    struct builder *builder = builder_new(1);
    builder_set(builder, (uint32_t[]){1 | 1U << 7, 1}, 2); /* {0, 7, 32} */
    add_stump(builder, test, (double[]){1}, (double[]){0}, 0);
    struct model *m = trees_of(builder, 1, zero);
    m->trees.single = single;
    m->trees.compare = compare;
    double margin = -1;
    CHECK_INT(model_check(m, NULL), 0);
    margins_of(m, &value, &margin);
    model_free(m);
    return margin == 1;
}

TEST(comparisons_of_floats_and_doubles)
{
    struct draft_node test = {.set = NO_SET, .threshold = (double)0.1F};
    CHECK(goes_left(test, false, COMPARE_LESS, 0.1)); /* 0.1F is the larger */
    CHECK(!goes_left(test, true, COMPARE_LESS, 0.1));
    CHECK(goes_left(test, true, COMPARE_LESS_EQUAL, 0.1));
    CHECK(!goes_left(test, false, COMPARE_LESS, test.threshold));
    CHECK(goes_left(test, false, COMPARE_LESS_EQUAL, test.threshold));
    CHECK(goes_left(test, true, COMPARE_LESS, -(double)INFINITY));
    CHECK(!goes_left(test, true, COMPARE_LESS, (double)INFINITY));
}

TEST(missing_values)
{
    const double nan = (double)NAN, small = (double)1e-35F;
    struct draft_node test = {.set = NO_SET, .threshold = -1};
    CHECK(!goes_left(test, false, COMPARE_LESS, nan));
    test.missing = MISSING_LEFT;
    CHECK(goes_left(test, false, COMPARE_LESS, nan));
    CHECK(!goes_left(test, false, COMPARE_LESS, 0));
    test.missing = MISSING_LEFT | MISSING_WITH_ZERO;
    CHECK(goes_left(test, false, COMPARE_LESS, 0));
    CHECK(goes_left(test, false, COMPARE_LESS, -small));
    CHECK(!goes_left(test, false, COMPARE_LESS, nextafter(small, 1)));
    test.missing = MISSING_IS_ZERO;
    CHECK(!goes_left(test, false, COMPARE_LESS, nan));
    test.threshold = 1;
    CHECK(goes_left(test, false, COMPARE_LESS, nan));
}

TEST(sets_of_categories)
{
    struct draft_node test = {.set = 0};
    const double in[] = {0, 7, 7.9, 32}, out[] = {1, 8, 31, 33, 64, 1e300, -1, -7, (double)NAN};
    for (size_t i = 0; i < COUNT_OF(in); i++)
        CHECK(goes_left(test, false, COMPARE_LESS, in[i]));
    for (size_t i = 0; i < COUNT_OF(out); i++)
        CHECK(!goes_left(test, false, COMPARE_LESS, out[i]));
    test.missing = MISSING_LEFT;
    CHECK(goes_left(test, false, COMPARE_LESS, (double)NAN));
}

/* Of the leaves 1e8, 3, -1e8 and a base of 1. */
static double summed(struct leaf_sum sum)
{
    static const double leaves[] = {1e8, 3, -1e8}, base[] = {1};
    struct builder *builder = builder_new(1);
    for (size_t i = 0; i < COUNT_OF(leaves); i++)
        add_stump(builder, (struct draft_node){.set = NO_SET, .threshold = 1}, &leaves[i], base, 0);
    struct model *m = trees_of(builder, 1, base);
    m->sum = sum;
    double margin = 0;
    margins_of(m, zero, &margin);
    model_free(m);
    return margin;
}

TEST(sums_in_double_and_float)
{
    CHECK_DOUBLE(summed((struct leaf_sum){.how = SUM_ADD}), 4);
    CHECK_DOUBLE(summed((struct leaf_sum){.how = SUM_ADD, .single = true}), 0);
    CHECK_DOUBLE(summed((struct leaf_sum){.how = SUM_ADD, .single = true, .base_last = true}), 1);
}

TEST(means_and_extremes)
{
    CHECK_DOUBLE(summed((struct leaf_sum){.how = SUM_MEAN}), 4.0 / 3);
    CHECK_DOUBLE(summed((struct leaf_sum){.how = SUM_MEAN, .base_last = true}), 2);
    CHECK_DOUBLE(summed((struct leaf_sum){.how = SUM_MEAN, .rounds = 2}), 2);
    CHECK_DOUBLE(summed((struct leaf_sum){.how = SUM_MIN}), -1e8 + 1);
    CHECK_DOUBLE(summed((struct leaf_sum){.how = SUM_MAX}), 1e8 + 1);
}

TEST(a_mean_in_float)
{
    struct builder *builder = builder_new(1);
    for (size_t i = 0; i < 3; i++)
        add_stump(builder, (struct draft_node){.set = NO_SET}, &(double){i == 0}, zero, 0);
    struct model *m = trees_of(builder, 1, zero);
    m->sum = (struct leaf_sum){.how = SUM_MEAN, .single = true};
    double margin = 0;
    margins_of(m, (double[]){-1}, &margin);
    CHECK_DOUBLE(margin, (double)(1.0F / 3));
    model_free(m);
}

TEST(leaves_of_several_values_and_outputs)
{
    struct builder *builder = builder_new(2);
    struct draft_node test = {.set = NO_SET, .threshold = 1};
    add_stump(builder, test, (double[]){1, 2}, (double[]){3, 4}, 0);
    add_stump(builder, test, (double[]){10, 20}, (double[]){30, 40}, 1);
    struct model *m = trees_of(builder, 3, zero);
    double margins[3];
    margins_of(m, (double[]){0}, margins);
    CHECK_DOUBLE(margins[0], 1);
    CHECK_DOUBLE(margins[1], 12);
    CHECK_DOUBLE(margins[2], 20);
    struct reference *r = reference_new(m);
    uint32_t leaves[2] = {0};
    CHECK_INT(reference_leaves(r, (double[]){5}, leaves, NULL), 0);
    CHECK_INT(leaves[0], 7);
    CHECK_INT(leaves[1], 7);
    CHECK_INT(reference_leaves(r, (double[]){0}, leaves, NULL), 0);
    CHECK_INT(leaves[0], 5);
    reference_free(r);
    model_free(m);
}

static double weighted(bool single, bool base_last)
{
    const double weight[] = {1e8, (double)0.1F}, base[] = {-1e8}, row[] = {1, 3};
    struct model *m = model_new("test", 2);
    m->kind = MODEL_LINEAR;
    m->linear = (struct linear){single, weight};
    m->outputs = 1;
    m->base = base;
    m->sum.base_last = base_last;
    double margin = 0;
    margins_of(m, row, &margin);
    model_free(m);
    return margin;
}

TEST(linear_models_in_double_and_float)
{
    volatile float product = 3 * 0.1F;
    CHECK_DOUBLE(weighted(false, false), 3 * (double)0.1F);
    CHECK_DOUBLE(weighted(false, true), (1e8 + 3 * (double)0.1F) - 1e8);
    CHECK_DOUBLE(weighted(true, false), (double)product);
    CHECK_DOUBLE(weighted(true, true), 0);
}

static double transformed(enum transform transform, double scale, double margin)
{
    struct model *m = model_new("test", 1);
    m->transform = transform;
    m->scale = scale;
    m->outputs = 1;
    margins_transform(m, &margin);
    model_free(m);
    return margin;
}

TEST(transforms_of_one_margin)
{
    CHECK_DOUBLE(transformed(TRANSFORM_NONE, 1, -3), -3);
    CHECK_DOUBLE(transformed(TRANSFORM_SIGMOID, 1, 0), 0.5);
    CHECK_DOUBLE(transformed(TRANSFORM_SIGMOID, 2, 3), 1 / (1 + exp(-6.0)));
    CHECK_DOUBLE(transformed(TRANSFORM_EXP, 1, 2), exp(2.0));
    CHECK_DOUBLE(transformed(TRANSFORM_STEP, 1, 0), 0);
    CHECK_DOUBLE(transformed(TRANSFORM_STEP, 1, 0.1), 1);
    CHECK_DOUBLE(transformed(TRANSFORM_SQUARE, 1, -3), -9);
    CHECK_DOUBLE(transformed(TRANSFORM_SQUARE, 1, 3), 9);
    CHECK_DOUBLE(transformed(TRANSFORM_LOG1P_EXP, 1, 0), log1p(1.0));
    CHECK_DOUBLE(transformed(TRANSFORM_PROBIT, 1, 0.5), 0);
}

static void transform_three(enum transform transform, double *margins)
{
    struct model *m = model_new("test", 1);
    m->transform = transform;
    m->outputs = 3;
    margins_transform(m, margins);
    model_free(m);
}

TEST(transforms_of_several_margins)
{
    double soft[] = {1, 0, 1}, zeros[] = {1, 0, 1}, large[] = {1000, 0, -1000}, part[] = {1, 0, 3};
    transform_three(TRANSFORM_SOFTMAX, soft);
    CHECK_DOUBLE(soft[0], 1 / (2 + exp(-1.0)));
    CHECK_DOUBLE(soft[1], exp(-1.0) / (2 + exp(-1.0)));
    transform_three(TRANSFORM_SOFTMAX_ZERO, zeros);
    CHECK_DOUBLE(zeros[0], 0.5);
    CHECK_DOUBLE(zeros[1], 0);
    transform_three(TRANSFORM_SOFTMAX, large);
    CHECK_DOUBLE(large[0], 1);
    CHECK_DOUBLE(large[2], 0);
    transform_three(TRANSFORM_NORMALIZE, part);
    CHECK_DOUBLE(part[2], 0.75);
    double none[] = {0, 0, 0};
    transform_three(TRANSFORM_NORMALIZE, none);
    CHECK_DOUBLE(none[0], 0);
}

TEST(the_class_of_a_row)
{
    struct model *m = model_new("test", 1);
    m->outputs = 1;
    CHECK_INT(margins_class(m, (double[]){0.5}), 0);
    CHECK_INT(margins_class(m, (double[]){0.51}), 1);
    m->outputs = 3;
    CHECK_INT(margins_class(m, (double[]){0.2, 0.4, 0.4}), 1);
    CHECK_INT(margins_class(m, (double[]){0.1, 0.3, 0.6}), 2);
    model_free(m);
}
