/* LightGBM's text format: a small model per rule, whose predictions follow from the rule. */
#include "infer/infer.h"
#include "model/builder.h"
#include "unit.h"

#include <math.h>

#define HEADER(objective)                                                                          \
    "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=1\n"  \
    "objective=" objective "\nfeature_names=height weight\nfeature_infos=[0:1] [0:1]\n"
#define STUMP(value)                                                                               \
    "Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nthreshold=0.1\ndecision_type=2\n"           \
    "left_child=-1\nright_child=-2\nleaf_value=" value "\nleaf_count=30 12\ninternal_count=42\n"   \
    "is_linear=0\nshrinkage=0.1\n\n\n"
#define CONSTANT(value) "Tree=0\nnum_leaves=1\nnum_cat=0\nleaf_value=" value "\nshrinkage=1\n\n\n"
#define END             "end of trees\n\nfeature_importances:\nheight=1\n"

static struct model *parse(const char *text)
{
    struct model *m = NULL;
    struct error e = {0};
    if (model_parse(text, strlen(text), "model.txt", &m, &e))
        UNIT_FAIL("%s in %.200s", e.message, text);
    return m;
}

static void margins_of(const char *text, const double *row, double *margins)
{
    struct model *m = parse(text);
    if (!m)
        return;
    struct reference *r = reference_new(m);
    CHECK_INT(reference_margins(r, row, margins, NULL), 0);
    reference_free(r);
    model_free(m);
}

/* Which leaf, 1 (left) or 2, a number reaches by a test of that decision type and threshold. */
static double leaf_of(int decision, double threshold, double x)
{
    double row[2] = {x, 0}, margin = 0;
    struct buf b = {0};
    buf_puts(&b, HEADER("regression"));
    buf_format(&b,
               "\nTree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nthreshold=%.17g\n"
               "decision_type=%d\nleft_child=-1\nright_child=-2\nleaf_value=1 2\n\n",
               threshold, decision);
    margins_of(buf_text(&b), row, &margin);
    buf_release(&b);
    return margin;
}

enum { LEFT = 2, NONE = 0, ZERO = 4, NAN_TYPE = 8 };

static const double tiny = (double)1e-35F;

TEST(equal_goes_left_and_rows_are_doubles)
{
    CHECK_DOUBLE(leaf_of(NONE, 0.1, 0.1), 1);
    CHECK_DOUBLE(leaf_of(NONE, 0.1, nextafter(0.1, 1)), 2);
    CHECK_DOUBLE(leaf_of(NONE, 0.1, (double)0.1F), 2);
    CHECK_DOUBLE(leaf_of(NONE, 0.1, (double)INFINITY), 2);
    CHECK_DOUBLE(leaf_of(NONE, 0.1, -(double)INFINITY), 1);
}

TEST(without_missing_values_nan_is_zero)
{
    CHECK_DOUBLE(leaf_of(NONE, 0.5, (double)NAN), 1);
    CHECK_DOUBLE(leaf_of(NONE, -0.5, (double)NAN), 2);
    CHECK_DOUBLE(leaf_of(NONE | LEFT, -0.5, (double)NAN), 2);
}

TEST(zero_and_what_is_nearly_zero_can_be_missing)
{
    const double zeros[] = {0, -0.0, tiny, -tiny, 1e-36, (double)NAN};
    for (size_t i = 0; i < COUNT_OF(zeros); i++) {
        CHECK_DOUBLE(leaf_of(ZERO, 5, zeros[i]), 2);
        CHECK_DOUBLE(leaf_of(ZERO | LEFT, -5, zeros[i]), 1);
    }
    CHECK_DOUBLE(leaf_of(ZERO, 5, nextafter(tiny, 1)), 1);
    CHECK_DOUBLE(leaf_of(ZERO | LEFT, -5, nextafter(-tiny, -1)), 2);
}

TEST(nan_can_be_missing)
{
    CHECK_DOUBLE(leaf_of(NAN_TYPE, 5, (double)NAN), 2);
    CHECK_DOUBLE(leaf_of(NAN_TYPE | LEFT, -5, (double)NAN), 1);
    CHECK_DOUBLE(leaf_of(NAN_TYPE, 5, 0), 1);
    CHECK_DOUBLE(leaf_of(NAN_TYPE | LEFT, -5, 0), 2);
}

TEST(tiny_numbers_go_where_zero_goes)
{
    for (int type = NONE; type <= NAN_TYPE; type += NAN_TYPE) {
        CHECK_DOUBLE(leaf_of(type, -tiny, -tiny), 2);
        CHECK_DOUBLE(leaf_of(type, -tiny, nextafter(-tiny, -1)), 1);
        CHECK_DOUBLE(leaf_of(type, 0, tiny), 1);
        CHECK_DOUBLE(leaf_of(type, 0, nextafter(tiny, 1)), 2);
        CHECK_DOUBLE(leaf_of(type, tiny, tiny), 1);
    }
}

/* The second of two sets is {2, 33}, the first {0}. */
static const char categories[] =
    HEADER("regression") "\nTree=0\nnum_leaves=3\nnum_cat=2\nsplit_feature=1 1\nthreshold=1 0\n"
                         "decision_type=9 1\nleft_child=-1 -2\nright_child=1 -3\n"
                         "leaf_value=100 10 1\ncat_boundaries=0 1 3\ncat_threshold=1 4 2\n\n" END;

TEST(categories_of_a_set_go_left)
{
    static const struct {
        double x, margin;
    } cases[] = {
        {2, 100},
        {33, 100},
        {2.9, 100},
        {0, 10},
        {-0.5, 10},
        {0.9, 10},
        {-1, 1},
        {1, 1},
        {3, 1},
        {32, 1},
        {34, 1},
        {64, 1},
        {2147483650, 1},
        {1e300, 1},
        {-1e300, 1},
        {-1.5, 1},
        {(double)INFINITY, 1},
        {(double)NAN, 1},
        {-(double)INFINITY, 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        double margin = 0;
        margins_of(categories, (double[]){0, cases[i].x}, &margin);
        CHECK_DOUBLE(margin, cases[i].margin);
    }
}

TEST(what_a_set_tests_is_a_code)
{
    struct model *m = parse(categories);
    CHECK_INT(m->features[0].kind, FEATURE_NUMBER);
    CHECK_INT(m->features[1].kind, FEATURE_CODE);
    model_free(m);
}

TEST(leaves_have_their_own_numbers)
{
    struct model *m = parse(HEADER("regression") "\n" STUMP("1 2") CONSTANT("3") END);
    if (!m)
        return;
    const struct trees *t = &m->trees;
    CHECK_INT(t->number[t->left[0]], 0);
    CHECK_INT(t->number[t->right[0]], 1);
    CHECK_INT(t->number[t->root[1]], 0);
    model_free(m);
}

TEST(names_that_lightgbm_made_up_are_none)
{
    struct model *own = parse(HEADER("regression") "\n" CONSTANT("3") END);
    struct model *made = parse("tree\nversion=v4\nnum_class=1\nmax_feature_idx=1\n"
                               "feature_names=Column_0 Column_1\n\n" CONSTANT("3") END);
    CHECK(own && own->named);
    CHECK(made && !made->named);
    model_free(own);
    model_free(made);
}

TEST(leaves_are_added_to_zero_in_their_order)
{
    double margin = 0, sum = 0;
    const double leaf[] = {1e16, 1, -1e16, 1};
    for (size_t i = 0; i < COUNT_OF(leaf); i++)
        sum += leaf[i];
    margins_of(HEADER("regression") "tree_sizes=1 1 1 1\n\n" CONSTANT("1e16") STUMP("1 2")
                   CONSTANT("-1e16") STUMP("1 2") END,
               (double[]){0, 0}, &margin);
    CHECK_DOUBLE(margin, sum);
}

/* Two outputs: trees take turns. */
#define TWO(objective, more)                                                                       \
    "tree\nversion=v3\nnum_class=2\nnum_tree_per_iteration=2\nmax_feature_idx=0\n"                 \
    "objective=" objective "\n" more "feature_names=a\n\n" CONSTANT("1") STUMP("2 4")              \
        CONSTANT("5") STUMP("3 6") END

TEST(trees_take_turns_among_outputs)
{
    double margins[2];
    margins_of(TWO("multiclass num_class:2", ""), (double[]){7}, margins);
    CHECK_DOUBLE(margins[0], 6);
    CHECK_DOUBLE(margins[1], 10);
}

TEST(average_output_divides_by_the_iterations)
{
    double margins[2];
    margins_of(TWO("multiclass num_class:2", "average_output\n"), (double[]){0.1}, margins);
    CHECK_DOUBLE(margins[0], 3);
    CHECK_DOUBLE(margins[1], 2.5);
}

/* The answer of one output whose margin is -0.5. */
static double answer_of(const char *objective)
{
    double answer = -0.5;
    char text[1024];
    snprintf(
        text, sizeof text,
        "tree\nversion=v4\nnum_class=1\nmax_feature_idx=0\nobjective=%s\nfeature_names=a\n\n%s",
        objective, CONSTANT("-0.5") END);
    struct model *m = parse(text);
    if (!m)
        return 0;
    CHECK_TEXT(m->objective, objective);
    margins_transform(m, &answer);
    model_free(m);
    return answer;
}

TEST(every_objective_has_its_transform)
{
    static const char *const same[] = {"regression", "regression_l1", "huber",      "fair",
                                       "quantile",   "mape",          "lambdarank", "rank_xendcg",
                                       "custom",     "none",          "huber sqrt"};
    static const char *const squares[] = {"regression sqrt", "regression_l1 sqrt", "fair sqrt",
                                          "quantile sqrt", "mape sqrt"};
    static const char *const exponentials[] = {"poisson", "gamma", "tweedie"};
    for (size_t i = 0; i < COUNT_OF(same); i++)
        CHECK_DOUBLE(answer_of(same[i]), -0.5);
    for (size_t i = 0; i < COUNT_OF(squares); i++)
        CHECK_DOUBLE(answer_of(squares[i]), -0.25);
    for (size_t i = 0; i < COUNT_OF(exponentials); i++)
        CHECK_DOUBLE(answer_of(exponentials[i]), exp(-0.5));
    CHECK_DOUBLE(answer_of("binary sigmoid:1"), 1 / (1 + exp(0.5)));
    CHECK_DOUBLE(answer_of("binary other:9 sigmoid:3"), 1 / (1 + exp(1.5)));
    CHECK_DOUBLE(answer_of("cross_entropy"), 1 / (1 + exp(0.5)));
    CHECK_DOUBLE(answer_of("xentropy"), 1 / (1 + exp(0.5)));
    CHECK_DOUBLE(answer_of("cross_entropy_lambda"), log1p(exp(-0.5)));
    CHECK_DOUBLE(answer_of("xentlambda"), log1p(exp(-0.5)));
}

TEST(classes_by_softmax_or_one_against_all)
{
    struct model *soft = parse(TWO("multiclass num_class:2", ""));
    struct model *each = parse(TWO("multiclassova num_class:2 sigmoid:2", ""));
    double a[2] = {1, 3}, b[2] = {1, 3};
    margins_transform(soft, a);
    margins_transform(each, b);
    CHECK_DOUBLE(a[0], exp(-2.0) / (exp(-2.0) + 1));
    CHECK_DOUBLE(b[0], 1 / (1 + exp(-2.0)));
    CHECK_INT(soft->class_count, 2);
    CHECK(!soft->two_classes);
    model_free(soft);
    model_free(each);
}

static const char plain[] =
    HEADER("binary sigmoid:1") "tree_sizes=10 10\n\n" STUMP("1 2") CONSTANT("3") END;

TEST(what_a_model_says_of_itself)
{
    struct model *m = parse(plain);
    CHECK_TEXT(m->format, "lightgbm-text");
    CHECK_TEXT(m->producer, "lightgbm, format v4");
    CHECK_TEXT(m->features[1].name, "weight");
    CHECK_INT(m->feature_count, 2);
    CHECK_INT(m->trees.count, 2);
    CHECK_INT(m->class_count, 2);
    CHECK(m->two_classes && !m->answers_class && !m->trees.single);
    CHECK(m->trees.cover != NULL);
    CHECK_DOUBLE(m->trees.cover[0], 42);
    CHECK_DOUBLE(m->trees.cover[m->trees.right[0]], 12);
    model_free(m);
}

TEST(lines_may_end_as_windows_ends_them)
{
    struct buf b = {0};
    double margin = 0;
    for (const char *p = plain; *p; p++) {
        if (*p == '\n')
            buf_putc(&b, '\r');
        buf_putc(&b, *p);
    }
    margins_of(buf_text(&b), (double[]){0.2, 0}, &margin);
    CHECK_DOUBLE(margin, 5);
    buf_release(&b);
}

TEST(without_counts_there_is_no_cover)
{
    struct model *m =
        parse(HEADER("regression") "\nTree=0\nnum_leaves=2\nnum_cat=0\n"
                                   "split_feature=0\nthreshold=1\ndecision_type=0\n"
                                   "left_child=-1\nright_child=-2\nleaf_value=1 2\n\n");
    CHECK(m->trees.cover == NULL);
    model_free(m);
}

TEST(an_uncounted_constant_tree_leaves_the_cover)
{
    struct model *m =
        parse(HEADER("regression") "\n" STUMP("1 2") "Tree=1\nnum_leaves=1\nnum_cat=0\n"
                                                     "leaf_value=3\nleaf_count=\n\n");
    CHECK(m->trees.cover != NULL);
    model_free(m);
}

TEST(a_set_may_be_empty)
{
    double margin = 0;
    struct buf b = {0};
    buf_puts(&b, categories);
    char *at = strstr(buf_text(&b), "boundaries=0 1 3");
    memcpy(at, "boundaries=0 3 3", strlen("boundaries=0 3 3"));
    margins_of(buf_text(&b), (double[]){0, 2}, &margin); /* the second set has none */
    CHECK_DOUBLE(margin, 1);
    margins_of(buf_text(&b), (double[]){0, 34},
               &margin); /* bit 2 of the second word of the first */
    CHECK_DOUBLE(margin, 10);
    buf_release(&b);
}

/* Of one output, by the lines of the header that matter. */
static double margin_with(const char *lines)
{
    double margin = 0;
    char text[512];
    snprintf(text, sizeof text, "tree\nmax_feature_idx=0\nfeature_names=a\nnum_class=1\n%s\n\n%s",
             lines, CONSTANT("4") CONSTANT("2"));
    margins_of(text, (double[]){0}, &margin);
    return margin;
}

TEST(what_may_be_left_out)
{
    CHECK_DOUBLE(margin_with("version=v4"), 6);
    CHECK_DOUBLE(margin_with("version=v2\nobjective=binary sigmoid:1"), 6);
    CHECK_DOUBLE(margin_with("version=v2\naverage_output"), 3);
    CHECK_DOUBLE(margin_with("version=v2\naverage_output\nobjective=regression"), 3);
    CHECK_DOUBLE(margin_with("version=v3\naverage_output\nobjective=binary sigmoid:1"), 3);
}

TEST(other_files_are_not_of_the_format)
{
    static const char *const others[] = {"", "tree", "trees\n", "{\"name\":\"tree\"}", "\ntree\n"};
    struct error e = {0};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct model *m = NULL;
        int status = import_lightgbm(others[i], strlen(others[i]), &m, &e);
        CHECK(status <= 0);
        CHECK(i == 1 || (status == 0 && !m));
        model_free(m);
    }
}

/* A model with `from` replaced by `to` fails with that message in that line. */
static void check_refused(const char *text, const char *from, const char *to, const char *message,
                          unsigned line)
{
    const char *at = strstr(text, from);
    struct buf b = {0};
    struct model *m = NULL;
    struct error e = {0};
    if (!at) {
        UNIT_FAIL("no %s", from);
        return;
    }
    buf_add(&b, text, (size_t)(at - text));
    buf_puts(&b, to);
    buf_puts(&b, at + strlen(from));
    CHECK_INT(model_parse(b.at, b.len, "m", &m, &e), ERR_DATA);
    CHECK_TEXT(e.message, message);
    CHECK_INT(e.line, line);
    buf_release(&b);
}

TEST(headers_that_are_refused)
{
    static const struct {
        const char *from, *to, *message;
        unsigned line;
    } cases[] = {
        {"version=v4", "version=v5", "version 'v5' of the format is not known: v2, v3 or v4", 2},
        {"version=v4\n", "", "version '' of the format is not known: v2, v3 or v4", 0},
        {"max_feature_idx=1", "max_feature_idx=2",
         "feature_names: 2 names, max_feature_idx promises 3", 8},
        {"max_feature_idx=1\n", "", "max_feature_idx is missing", 0},
        {"num_tree_per_iteration=1", "num_tree_per_iteration=2",
         "objective binary makes 1 outputs, num_tree_per_iteration is 2", 7},
        {"num_tree_per_iteration=1", "num_tree_per_iteration=0",
         "num_tree_per_iteration: '0' is not a whole number from 1 to 277", 4},
        {"binary", "ternary", "objective 'ternary sigmoid:1' is not known", 7},
        {"sigmoid:1", "sigmoid:0", "objective: sigmoid is not a number above 0", 7},
        {"tree_sizes=10 10", "tree_sizes=10 10 10", "2 trees, tree_sizes promises 3", 34},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_refused(plain, cases[i].from, cases[i].to, cases[i].message, cases[i].line);
    check_refused(HEADER("custom"), "version=v4", "version=v2", "the model has no trees", 0);
}

TEST(outputs_that_are_refused)
{
    check_refused(TWO("multiclass num_class:2", ""), "num_class:2", "num_class:3",
                  "objective multiclass makes 3 outputs, num_tree_per_iteration is 2", 6);
    check_refused(TWO("custom", ""), "num_tree_per_iteration=2", "num_tree_per_iteration=3",
                  "4 trees, 3 in an iteration", 53);
    check_refused(TWO("multiclass num_class:2", "average_output\n"), "version=v3", "version=v2",
                  "average_output of version v2 with objective 'multiclass num_class:2' is not "
                  "supported: the file does not tell whether leaves are transformed already",
                  2);
}

TEST(trees_that_are_refused)
{
    static const struct {
        const char *from, *to, *message;
        unsigned line;
    } cases[] = {
        {"is_linear=0", "is_linear=1",
         "tree 0, is_linear: linear models in the leaves are not supported", 23},
        {"num_leaves=2", "num_leaves=3", "tree 0, leaf_value: 2 values, not 3", 20},
        {"num_leaves=2", "num_leaves=4294967296",
         "num_leaves: '4294967296' is not a whole number from 1 to 4", 13},
        {"num_cat=0", "num_cat=1", "tree 0 has no cat_threshold", 12},
        {"num_cat=0\n", "", "num_cat is missing", 12},
        {"num_cat=0", "num_cat=2", "num_cat: '2' is not a whole number from 0 to 1", 14},
        {"is_linear=0", "is_linear=2", "is_linear: '2' is not a whole number from 0 to 1", 23},
        {"threshold=0.1\n", "", "tree 0 has no threshold", 12},
        {"leaf_value=1 2\n", "", "tree 0 has no leaf_value", 12},
        {"split_feature=0", "split_feature=2", "tree 0, node 0, split_feature: out of range", 15},
        {"threshold=0.1", "threshold=nan", "tree 0, node 0, threshold: not a number", 16},
        {"decision_type=2", "decision_type=16", "tree 0, node 0, decision_type: out of range", 17},
        {"decision_type=2", "decision_type=12",
         "tree 0, node 0, decision_type: an unknown type of missing values", 17},
        {"decision_type=2", "decision_type=1",
         "tree 0, node 0, threshold: the tree has no such set of categories", 16},
        {"left_child=-1", "left_child=-3", "tree 0, node 0, left_child: out of range", 18},
        {"left_child=-1", "left_child=1", "tree 0, node 0, left_child: out of range", 18},
        {"left_child=-1", "left_child=0", "tree 0, node 0: it has two parents", 12},
        {"right_child=-2", "right_child=-1", "tree 0, node 1: it has two parents", 12},
        {"right_child=-2", "right_child=x", "tree 0, node 0, right_child: not a whole number", 19},
        {"leaf_value=1 2", "leaf_value=1 1e999", "tree 0, node 1, leaf_value: not a number", 20},
        {"leaf_count=30 12", "leaf_count=30 -1", "tree 0, node 1, leaf_count: out of range", 21},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_refused(plain, cases[i].from, cases[i].to, cases[i].message, cases[i].line);
}

TEST(sets_that_are_refused)
{
    static const struct {
        const char *from, *to, *message;
        unsigned line;
    } cases[] = {
        {"boundaries=0 1 3", "boundaries=0 1 2",
         "tree 0, cat_boundaries: they do not cover cat_threshold", 20},
        {"boundaries=0 1 3", "boundaries=1 1 3",
         "tree 0, cat_boundaries: they do not cover cat_threshold", 20},
        {"boundaries=0 1 3", "boundaries=0 4 3", "tree 0, node 1, cat_boundaries: out of range",
         20},
        {"boundaries=0 1 3", "boundaries=0 3", "tree 0, cat_boundaries: 2 values, not 3", 20},
        {"cat_threshold=1 4 2", "cat_threshold=1 4 4294967296",
         "tree 0, node 2, cat_threshold: out of range", 21},
        {"threshold=1 0", "threshold=2 0",
         "tree 0, node 0, threshold: the tree has no such set of categories", 15},
        {"threshold=1 0", "threshold=0.5 0",
         "tree 0, node 0, threshold: the tree has no such set of categories", 15},
        {"threshold=1 0", "threshold=-1 0",
         "tree 0, node 0, threshold: the tree has no such set of categories", 15},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_refused(categories, cases[i].from, cases[i].to, cases[i].message, cases[i].line);
}

TEST(a_cut_file_is_refused)
{
    size_t whole = (size_t)(strstr(plain, "\nend of trees") - plain);
    for (size_t n = 0; n < whole; n++) {
        struct model *m = NULL;
        struct error e = {0};
        char *copy = mem_copy(plain, n); /* of its exact size, for the sanitizer */
        int status = model_parse(copy, n, "m", &m, &e);
        if (status != ERR_DATA)
            UNIT_FAIL("the first %zu bytes are taken", n);
        model_free(m);
        mem_free(copy);
    }
}
