/* Decision trees, forests and gradient boosting of scikit-learn. Rows are rounded to float and
 * compared with double thresholds. */
#include "model/import_sklearn.h"

#include <float.h>
#include <math.h>

/* What becomes of a leaf's numbers. */
struct leaf_rule {
    size_t width;
    bool share;   /* of a classifier: counts, or already fractions, become fractions */
    double scale; /* of a regressor */
};

struct tree_fields {
    const struct dtype_field *left, *right, *feature, *threshold, *weight;
    const struct dtype_field *missing_left; /* NULL before 1.3: NaN is refused there */
};

static bool find_fields(const struct dtype *t, struct tree_fields *f)
{
    *f = (struct tree_fields){dtype_find(t, "left_child"),
                              dtype_find(t, "right_child"),
                              dtype_find(t, "feature"),
                              dtype_find(t, "threshold"),
                              dtype_find(t, "weighted_n_node_samples"),
                              dtype_find(t, "missing_go_to_left")};
    return f->left && f->right && f->feature && f->threshold && f->weight;
}

static void read_node(const struct tree_fields *f, const char *at, struct draft_node *node)
{
    double left = sklearn_field(f->left, at), right = sklearn_field(f->right, at);
    *node = (struct draft_node){.feature = sklearn_index(sklearn_field(f->feature, at)),
                                .left = sklearn_index(left),
                                .right = sklearn_index(right),
                                .set = NO_SET,
                                .threshold = sklearn_field(f->threshold, at),
                                .cover = sklearn_field(f->weight, at)};
    if (left == -1 && right == -1)
        node->feature = NODE_LEAF;
    else if (node->feature == NODE_LEAF)
        node->feature = UINT32_MAX - 1;
    if (f->missing_left && sklearn_field(f->missing_left, at) == 1)
        node->missing = MISSING_LEFT;
}

/* Fractions as predict_proba makes them. Since 1.4 the tree has fractions, which stay as they are;
 * before it has counts of (weighted) rows, of which the root has more than one. */
static void share(double *value, size_t width, bool has_fractions)
{
    double sum = has_fractions ? 1 : numpy_sum(value, width);
    for (size_t k = 0; k < width && sum != 0; k++)
        value[k] /= sum;
}

static bool has_fractions(const double *root, size_t width, double weight)
{
    return fabs(numpy_sum(root, width) - 1) < 1e-9 && fabs(weight - 1) > 1e-6;
}

/* values: [nodes][outputs][classes], of which one is 1. Checked before memory is taken for them. */
static const struct array *find_values(struct sklearn *s, const struct pickled *tree, size_t nodes,
                                       const struct leaf_rule *rule)
{
    const struct array *a = sklearn_array(s, tree, "values");
    if (a && (a->dims != 3 || a->shape[0] != nodes || a->shape[rule->share ? 1 : 2] != 1 ||
              a->shape[rule->share ? 2 : 1] != rule->width)) {
        sklearn_wrong(s, tree, "its values do not fit its nodes and outputs");
        return NULL;
    }
    return a;
}

static int read_values(struct sklearn *s, const struct pickled *tree, const struct array *a,
                       const struct leaf_rule *rule, double *value)
{
    for (size_t i = 0; i < a->count; i++) {
        if (!array_number(a, i, &value[i]))
            return sklearn_wrong(s, tree, "its values are no numbers");
        if (!rule->share)
            value[i] *= rule->scale;
    }
    return 0;
}

static int build_tree(struct sklearn *s, const struct pickled *tree, const struct array *nodes,
                      const struct array *values, const struct leaf_rule *rule, struct builder *b,
                      uint32_t output)
{
    struct tree_fields f;
    if (!find_fields(nodes->type, &f))
        return sklearn_wrong(s, tree, "its nodes are none of a version that is supported");
    struct draft_node *drafts = mem_array(NULL, nodes->count, sizeof *drafts);
    double *value = mem_array(NULL, values->count, sizeof *value);
    int status = read_values(s, tree, values, rule, value);
    bool fractions = status == 0 && rule->share &&
                     has_fractions(value, rule->width, sklearn_field(f.weight, array_at(nodes, 0)));
    for (size_t i = 0; i < nodes->count && status == 0; i++) {
        read_node(&f, array_at(nodes, i), &drafts[i]);
        drafts[i].number = (uint32_t)i;
        drafts[i].value = value + i * rule->width;
        if (rule->share)
            share(value + i * rule->width, rule->width, fractions);
    }
    if (status == 0)
        status = builder_tree(b, drafts, nodes->count, 0, output, s->e);
    mem_free(drafts);
    mem_free(value);
    return status;
}

/* The tree in an estimator. */
static int add_tree(struct sklearn *s, const struct pickled *estimator,
                    const struct leaf_rule *rule, struct builder *b, uint32_t output)
{
    const struct pickled *tree = pickle_get(estimator, "tree_");
    if (!text_equal(pickle_class(tree), TEXT_LITERAL("Tree")))
        return sklearn_wrong(s, estimator, "it has no tree");
    const struct array *nodes = sklearn_array(s, tree, "nodes");
    if (!nodes)
        return ERR_DATA;
    if (!nodes->data || nodes->dims != 1 || nodes->count == 0 || nodes->count >= UINT32_MAX / 2)
        return sklearn_wrong(s, tree, "its nodes are no list of them");
    const struct array *values = find_values(s, tree, nodes->count, rule);
    return values ? build_tree(s, tree, nodes, values, rule, b, output) : ERR_DATA;
}

static void finish_trees(struct sklearn *s, struct builder *b, bool mean)
{
    builder_finish(b, s->m);
    s->m->trees.single = true;
    s->m->trees.compare = COMPARE_LESS_EQUAL;
    s->m->sum.how = mean ? SUM_MEAN : SUM_ADD;
}

/* Either way takes b. */
static int finish(struct sklearn *s, struct builder *b, int status, bool mean)
{
    if (status == 0)
        finish_trees(s, b, mean);
    else
        builder_free(b);
    return status;
}

/* One output per class, or per target. */
static int start(struct sklearn *s, const struct pickled *o, bool classifier,
                 struct leaf_rule *rule)
{
    double outputs = 1;
    int status = 0;
    pickle_number(pickle_get(o, "n_outputs_"), &outputs);
    if (!(outputs >= 1) || outputs > (double)s->room || (classifier && outputs != 1))
        return sklearn_wrong(s, o, "a classifier of several targets is not supported");
    if (classifier)
        status = sklearn_classes(s, o);
    *rule = (struct leaf_rule){
        .share = classifier, .scale = 1, .width = classifier ? s->m->class_count : (size_t)outputs};
    if (status == 0)
        sklearn_outputs(s, rule->width);
    return status;
}

static int read_tree(struct sklearn *s, const struct pickled *o, bool classifier)
{
    struct leaf_rule rule = {0};
    int status = start(s, o, classifier, &rule);
    if (status)
        return status;
    struct builder *b = builder_new(rule.width);
    return finish(s, b, add_tree(s, o, &rule, b, 0), false);
}

static int read_forest(struct sklearn *s, const struct pickled *o, bool classifier)
{
    struct leaf_rule rule = {0};
    const struct pickled *trees = pickle_get(o, "estimators_");
    if (!trees || trees->kind != PICKLE_LIST)
        return sklearn_wrong(s, o, "it is not fitted");
    int status = start(s, o, classifier, &rule);
    if (status)
        return status;
    struct builder *b = builder_new(rule.width);
    for (size_t i = 0; i < trees->items.len && status == 0; i++)
        status = add_tree(s, trees->items.at[i], &rule, b, 0);
    return finish(s, b, status, true);
}

int sklearn_tree_classifier(struct sklearn *s, const struct pickled *o)
{
    return read_tree(s, o, true);
}

int sklearn_tree_regressor(struct sklearn *s, const struct pickled *o)
{
    return read_tree(s, o, false);
}

int sklearn_forest_classifier(struct sklearn *s, const struct pickled *o)
{
    return read_forest(s, o, true);
}

int sklearn_forest_regressor(struct sklearn *s, const struct pickled *o)
{
    return read_forest(s, o, false);
}

/* Gradient boosting. */

static double clipped(double p)
{
    double low = (double)FLT_EPSILON, high = (double)(1 - FLT_EPSILON);
    return p < low ? low : p > high ? high : p;
}

/* Where boosting begins, from the shares of the classes: the link function of the loss. */
static void link_shares(const struct pickled *o, const double *shares, double *base, size_t n)
{
    struct text loss = pickle_class(pickle_get(o, "_loss"));
    double mean = 0;
    if (n == 1) {
        double p = clipped(shares[1]);
        double logit = log(p / (1 - p));
        base[0] = pickle_is(pickle_get(o, "loss"), "exponential") ? 0.5 * logit : logit;
        return;
    }
    for (size_t k = 0; k < n; k++)
        mean += (base[k] = log(clipped(shares[k]))) / (double)n;
    /* Since 1.4 margins add up to 0; that is no other class and no other probability. */
    for (size_t k = 0; k < n && text_equal(loss, TEXT_LITERAL("HalfMultinomialLoss")); k++)
        base[k] -= mean;
}

static int classifier_base(struct sklearn *s, const struct pickled *o, const struct pickled *init,
                           double *base)
{
    if (!text_equal(pickle_class(init), TEXT_LITERAL("DummyClassifier")) ||
        !pickle_is(pickle_get(init, "strategy"), "prior"))
        return sklearn_wrong(s, init,
                             "as init of boosting: only the priors of a DummyClassifier "
                             "are supported");
    const double *shares = sklearn_numbers(s, init, "class_prior_", s->m->class_count);
    if (!shares)
        return ERR_DATA;
    link_shares(o, shares, base, s->m->outputs);
    return 0;
}

static int regressor_base(struct sklearn *s, const struct pickled *init, double *base)
{
    if (!text_equal(pickle_class(init), TEXT_LITERAL("DummyRegressor")))
        return sklearn_wrong(s, init, "as init of boosting: only a DummyRegressor is supported");
    const double *constant = sklearn_numbers(s, init, "constant_", 1);
    if (!constant)
        return ERR_DATA;
    base[0] = constant[0];
    return 0;
}

/* Before 0.21 boosting had estimators of its own, which know the margins themselves. */
static const char *own_init(const struct pickled *init)
{
    static const struct {
        const char *class, *attribute;
    } known[] = {{"LogOddsEstimator", "prior"},
                 {"ScaledLogOddsEstimator", "prior"},
                 {"PriorProbabilityEstimator", "priors"},
                 {"MeanEstimator", "mean"},
                 {"QuantileEstimator", "quantile"}};
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (text_equal(pickle_class(init), text_of(known[i].class)))
            return known[i].attribute;
    return NULL;
}

static int read_base(struct sklearn *s, const struct pickled *o, double *base)
{
    const struct pickled *init = pickle_get(o, "init_");
    const char *own = own_init(init);
    if (pickle_is(init, "zero"))
        return 0;
    if (!own)
        return s->m->class_count ? classifier_base(s, o, init, base)
                                 : regressor_base(s, init, base);
    if (s->m->outputs == 1 && pickle_number(pickle_get(init, own), base))
        return 0;
    const double *margins = sklearn_numbers(s, init, own, s->m->outputs);
    if (margins)
        memcpy(base, margins, s->m->outputs * sizeof *base);
    return margins ? 0 : ERR_DATA;
}

/* estimators_: [stages][outputs] */
static int read_boosting(struct sklearn *s, const struct pickled *o, size_t outputs)
{
    struct leaf_rule rule = {.width = 1};
    const struct array *trees = sklearn_array(s, o, "estimators_");
    if (!trees)
        return ERR_DATA;
    if (!trees->objects || trees->dims != 2 || trees->shape[1] != outputs)
        return sklearn_wrong(s, o, "its trees do not fit its classes");
    if (!pickle_number(pickle_get(o, "learning_rate"), &rule.scale))
        return sklearn_wrong(s, o, "it has no learning_rate");
    int status = read_base(s, o, sklearn_outputs(s, outputs));
    if (status)
        return status;
    struct builder *b = builder_new(1);
    for (size_t i = 0; i < trees->count && status == 0; i++)
        status = add_tree(s, array_object(trees, i), &rule, b, (uint32_t)(i % outputs));
    return finish(s, b, status, false);
}

int sklearn_boosting_classifier(struct sklearn *s, const struct pickled *o)
{
    int status = sklearn_classes(s, o);
    if (status)
        return status;
    s->m->two_classes = s->m->class_count == 2;
    s->m->transform = s->m->two_classes ? TRANSFORM_SIGMOID : TRANSFORM_SOFTMAX;
    if (pickle_is(pickle_get(o, "loss"), "exponential"))
        s->m->scale = 2;
    return read_boosting(s, o, s->m->two_classes ? 1 : s->m->class_count);
}

int sklearn_boosting_regressor(struct sklearn *s, const struct pickled *o)
{
    return read_boosting(s, o, 1);
}
