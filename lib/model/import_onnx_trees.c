/*
 * TreeEnsembleRegressor and TreeEnsembleClassifier. onnxruntime adds leaves in the order of the
 * trees, from zero, in the type of the thresholds (doubles when the input is of doubles, else
 * floats), and the base last.
 */
#include "model/import_onnx.h"

#include <math.h>
#include <stdlib.h>

/* A leaf's weight for an output, on the way to its node. */
struct weight {
    int64_t tree, node, output;
    double value;
    size_t order;
};

struct ensemble {
    struct onnx_walk *walk;
    const struct onnx_node *operator;
    struct onnx_branches branches;
    struct weight *weights; /* by tree, node and order */
    size_t weight_count;
    size_t outputs;
    size_t width;  /* values of a leaf */
    bool complete; /* leaves must have a weight for every output */
    struct builder *builder;
};

static int by_place(const void *a, const void *b)
{
    const struct weight *p = a, *q = b;
    if (p->tree != q->tree)
        return p->tree < q->tree ? -1 : 1;
    if (p->node != q->node)
        return p->node < q->node ? -1 : 1;
    return (p->order > q->order) - (p->order < q->order);
}

static int gather_weights(struct ensemble *s, const struct integers *tree,
                          const struct integers *node, const struct integers *output,
                          const struct doubles *value, struct error *e)
{
    if (tree->len != node->len || tree->len != output->len || tree->len != value->len)
        return onnx_refuse(s->operator, e, "the lists of leaf weights differ in length");
    s->weight_count = tree->len;
    s->weights = mem_array(NULL, tree->len + 1, sizeof *s->weights);
    for (size_t i = 0; i < tree->len; i++) {
        double x = s->branches.single ? (double)(float)value->at[i] : value->at[i];
        s->weights[i] = (struct weight){tree->at[i], node->at[i], output->at[i], x, i};
        if (output->at[i] < 0 || (uint64_t)output->at[i] >= s->outputs)
            return onnx_refuse(s->operator, e, "leaf weight %zu: there is no output %lld", i,
                               (long long)output->at[i]);
    }
    qsort(s->weights, s->weight_count, sizeof *s->weights, by_place);
    return 0;
}

/* prefix is "target" or "class". */
static int read_weights(struct ensemble *s, const char *prefix, struct error *e)
{
    struct integers tree = {0}, node = {0}, output = {0};
    struct doubles value = {0};
    const struct {
        const char *end;
        struct integers *list;
    } lists[] = {{"treeids", &tree}, {"nodeids", &node}, {"ids", &output}};
    int status = 0;
    for (size_t i = 0; i < COUNT_OF(lists) && status == 0; i++) {
        char *name = mem_format("%s_%s", prefix, lists[i].end);
        status = onnx_ints(s->operator, name, lists[i].list, e);
        mem_free(name);
    }
    char *name = mem_format("%s_weights", prefix);
    if (status == 0)
        status = onnx_floats(s->operator, name, &value, e);
    mem_free(name);
    if (status == 0)
        status = gather_weights(s, &tree, &node, &output, &value, e);
    vec_release(&tree);
    vec_release(&node);
    vec_release(&output);
    vec_release(&value);
    return status;
}

/* Leaves hold one value when each has one weight and those of a tree are all for one output. */
static int choose_width(struct ensemble *s, struct error *e)
{
    s->width = 1;
    for (size_t i = 1; i < s->weight_count; i++) {
        const struct weight *p = &s->weights[i - 1], *q = &s->weights[i];
        if (p->tree == q->tree && (p->node == q->node || p->output != q->output))
            s->width = s->outputs;
    }
    if (s->width > 1 && s->branches.node.len > 8 * s->walk->graph->bytes / s->width)
        return onnx_refuse(s->operator, e, "%zu nodes with %zu outputs in so small a file",
                           s->branches.node.len, s->outputs);
    return 0;
}

static const struct weight *first_weight(const struct ensemble *s, int64_t tree, int64_t node)
{
    size_t low = 0, high = s->weight_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct weight *w = &s->weights[middle];
        if (w->tree < tree || (w->tree == tree && w->node < node))
            low = middle + 1;
        else
            high = middle;
    }
    bool found =
        low < s->weight_count && s->weights[low].tree == tree && s->weights[low].node == node;
    return found ? &s->weights[low] : NULL;
}

static int leaf_problem(const struct ensemble *s, size_t i, const char *what, struct error *e)
{
    return onnx_refuse(s->operator, e, "tree %lld, node %lld: %s",
                       (long long)s->branches.tree.at[i], (long long)s->branches.node.at[i], what);
}

/* The values of a leaf. Outputs that it has no weight for get nothing, which is 0 in a sum. */
static int fill_leaf(const struct ensemble *s, size_t i, double *values, uint32_t *output,
                     struct error *e)
{
    int64_t tree = s->branches.tree.at[i], node = s->branches.node.at[i];
    const struct weight *w = first_weight(s, tree, node), *end = s->weights + s->weight_count;
    size_t filled = 0;
    if (!w)
        return leaf_problem(s, i, "a leaf without a weight", e);
    for (size_t k = 0; k < s->width; k++)
        values[k] = (double)NAN;
    for (; w < end && w->tree == tree && w->node == node; w++, filled++) {
        double *to = s->width == 1 ? values : &values[w->output];
        if (!isnan(*to))
            return leaf_problem(s, i, "a leaf with two weights for one output", e);
        if (!isfinite(w->value))
            return leaf_problem(s, i, "the weight of a leaf is no finite number", e);
        *to = w->value;
        *output = s->width == 1 ? (uint32_t)w->output : 0;
    }
    if (s->complete && filled < s->width)
        return leaf_problem(s, i, "a leaf without a weight for every output", e);
    for (size_t k = 0; k < s->width; k++)
        values[k] = isnan(values[k]) ? 0 : values[k];
    return 0;
}

static int add_tree(struct ensemble *s, size_t first, size_t count, struct error *e)
{
    struct draft_node *drafts = mem_alloc((count + 1) * sizeof *drafts);
    double *values = mem_array(NULL, count * s->width + 1, sizeof *values);
    uint32_t output = 0;
    int status = onnx_branches_draft(&s->branches, first, count, s->builder, drafts, e);
    for (size_t i = 0; i < count && status == 0; i++) {
        if (s->branches.mode[first + i] != MODE_LEAF)
            continue;
        drafts[i] = (struct draft_node){.feature = NODE_LEAF,
                                        .set = NO_SET,
                                        .number = (uint32_t)s->branches.node.at[first + i],
                                        .cover = (double)NAN,
                                        .value = values + i * s->width};
        status = fill_leaf(s, first + i, values + i * s->width, &output, e);
    }
    if (status == 0)
        status = builder_tree(s->builder, drafts, count, 0, output, e);
    mem_free(values);
    mem_free(drafts);
    return status;
}

static int by_value(const void *a, const void *b)
{
    const int64_t *p = a, *q = b;
    return (*p > *q) - (*p < *q);
}

/* A tree is a run of one tree id, its root the first node of it. */
static int add_trees(struct ensemble *s, struct error *e)
{
    const struct integers *tree = &s->branches.tree;
    struct integers ids = {0};
    int status = 0;
    for (size_t first = 0, end; first < tree->len && status == 0; first = end) {
        for (end = first; end < tree->len && tree->at[end] == tree->at[first];)
            end++;
        vec_push(&ids, tree->at[first]);
        status = add_tree(s, first, end - first, e);
    }
    if (ids.len > 1)
        qsort(ids.at, ids.len, sizeof *ids.at, by_value);
    for (size_t i = 1; i < ids.len && status == 0; i++)
        if (ids.at[i] == ids.at[i - 1])
            status = onnx_refuse(s->operator, e, "tree %lld: its nodes do not stand together",
                                 (long long)ids.at[i]);
    vec_release(&ids);
    return status;
}

static int read_aggregate(struct ensemble *s, struct error *e)
{
    static const char *const names[] = {"SUM", "AVERAGE", "MIN", "MAX"}; /* as in leaf_sum */
    struct text how = TEXT_LITERAL("SUM");
    char text[QUOTE_MAX];
    struct leaf_sum *sum = &s->walk->model->sum;
    if (onnx_text(s->operator, "aggregate_function", &how, e))
        return ERR_DATA;
    *sum = (struct leaf_sum){.single = s->branches.single, .narrow = true, .base_last = true};
    for (unsigned i = 0; i < COUNT_OF(names); i++)
        if (text_equal(how, text_of(names[i]))) {
            sum->how = i;
            return 0;
        }
    return onnx_refuse(s->operator, e, "aggregate_function %s is not supported",
                       quote(text, how.at, how.len));
}

/* What all ensembles are read by; the rest of them is in s. */
static int read_trees(struct ensemble *s, const char *prefix, struct error *e)
{
    struct onnx_walk *w = s->walk;
    bool single = w->type != ONNX_DOUBLE;
    int status = onnx_branches_read(&s->branches, s->operator, single, w->graph->bytes, e);
    if (status == 0)
        status = read_aggregate(s, e);
    if (status == 0)
        status = read_weights(s, prefix, e);
    if (status == 0)
        status = choose_width(s, e);
    return status;
}

static int read_base(struct ensemble *s, struct doubles *base, struct error *e)
{
    int status = onnx_floats(s->operator, "base_values", base, e);
    for (size_t i = 0; i < base->len && s->branches.single; i++)
        base->at[i] = (double)(float)base->at[i];
    return status;
}

/* Takes the builder, and the first outputs of base; those beyond are 0. */
static int finish(struct ensemble *s, const struct doubles *base, struct error *e)
{
    struct model *m = s->walk->model;
    s->builder = builder_new(s->width);
    int status = add_trees(s, e);
    if (status == 0) {
        builder_finish(s->builder, m);
        s->builder = NULL;
        m->trees.single = s->branches.single;
        m->trees.compare = s->branches.compare;
        m->trees.sets_of = SET_OF_WHOLE;
        m->outputs = s->outputs;
        double *values = model_numbers(m, s->outputs);
        for (size_t i = 0; i < base->len && i < s->outputs; i++)
            values[i] = base->at[i];
        m->base = values;
    }
    return status;
}

static void release(struct ensemble *s)
{
    onnx_branches_release(&s->branches);
    builder_free(s->builder);
    mem_free(s->weights);
}

/* A target without a weight among the leaves of a row is 0, its base left out: so it is for targets
 * that no leaf has, and leaves that have some must have them all. */
static void demand_weights(struct ensemble *s, struct doubles *base)
{
    const struct leaf_sum *sum = &s->walk->model->sum;
    uint8_t *has = mem_alloc(s->outputs);
    for (size_t i = 0; i < s->weight_count; i++)
        has[s->weights[i].output] = 1;
    for (size_t k = 0; k < base->len; k++)
        base->at[k] = has[k] ? base->at[k] : 0;
    mem_free(has);
    s->complete = base->len > 0 || sum->how == SUM_MIN || sum->how == SUM_MAX;
}

int onnx_tree_regressor(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    struct ensemble s = {.walk = w, .operator= n };
    struct doubles base = {0};
    int64_t targets = 0;
    int status = onnx_int(n, "n_targets", &targets, e);
    if (status == 0 && (targets < 1 || (uint64_t)targets > w->graph->bytes))
        status = onnx_refuse(n, e, "n_targets is %lld", (long long)targets);
    s.outputs = status ? 0 : (size_t)targets;
    if (status == 0)
        status = read_trees(&s, "target", e);
    if (status == 0)
        status = read_base(&s, &base, e);
    if (status == 0 && base.len != 0 && base.len != s.outputs)
        status =
            onnx_refuse(n, e, "base_values has %zu values for %zu targets", base.len, s.outputs);
    if (status == 0)
        demand_weights(&s, &base);
    if (status == 0)
        status = onnx_target_transform(n, s.outputs, &w->model->transform, e);
    if (status == 0)
        status = finish(&s, &base, e);
    vec_release(&base);
    release(&s);
    return status;
}

/* Whether all weights are for one class of two, which makes one margin of them. */
static bool one_column(const struct ensemble *s)
{
    for (size_t i = 1; i < s->weight_count; i++)
        if (s->weights[i].output != s->weights[0].output)
            return false;
    return s->outputs == 2 && s->weight_count > 0;
}

/*
 * Two classes, weights for one: their sum is the margin of class 1, whichever class they name. The
 * class is 1 above one half when no weight is negative, else above zero. Transforms other than
 * LOGISTIC apply to pairs; where the weights are for class 1, class 0 has the margin 0 in its pair.
 */
static int become_binary(struct ensemble *s, size_t bases, struct error *e)
{
    struct model *m = s->walk->model;
    bool class_one = s->weights[0].output == 1, positive = true;
    if (bases > (class_one ? 0 : 1))
        return onnx_refuse(s->operator, e,
                           "base_values has %zu values where all weights are for class %d of two",
                           bases, class_one);
    if (m->transform == TRANSFORM_PROBIT || (class_one && m->transform == TRANSFORM_SOFTMAX_ZERO))
        return onnx_refuse(s->operator, e, "post_transform of one margin for two classes");
    if (m->transform != TRANSFORM_SIGMOID)
        m->transform =
            class_one && m->transform == TRANSFORM_SOFTMAX ? TRANSFORM_SIGMOID : TRANSFORM_NONE;
    for (size_t i = 0; i < s->weight_count; i++) {
        positive = positive && !(s->weights[i].value < 0);
        s->weights[i].output = 0;
    }
    double cut = positive ? 0.5 : 0;
    m->cut = m->transform == TRANSFORM_SIGMOID ? 1 / (1 + exp(-cut)) : cut;
    m->two_classes = true;
    s->outputs = 1;
    return 0;
}

static int classify(struct ensemble *s, const struct doubles *base, struct error *e)
{
    int status = onnx_transform(s->operator, & s->walk->model->transform, e);
    if (status == 0 && one_column(s)) {
        status = become_binary(s, base->len, e);
        return status ? status : choose_width(s, e);
    }
    /* With two classes onnxruntime adds a single base to class 0, and of two only the second, which
     * no converter can have meant. */
    if (status == 0 && base->len != 0 && base->len != (s->outputs == 2 ? 1 : s->outputs))
        status = onnx_refuse(s->operator, e, "base_values has %zu values for %zu classes",
                             base->len, s->outputs);
    return status;
}

int onnx_tree_classifier(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    struct ensemble s = {.walk = w, .operator= n };
    struct doubles base = {0};
    int status = onnx_classes(w, n, "classlabels_strings", "classlabels_int64s", e);
    s.outputs = w->model->class_count;
    if (status == 0 && s.outputs < 2)
        status = onnx_refuse(n, e, "a classifier of %zu classes", s.outputs);
    if (status == 0)
        status = read_trees(&s, "class", e);
    if (status == 0 && w->model->sum.how != SUM_ADD)
        status = onnx_refuse(n, e, "aggregate_function other than SUM in a classifier");
    if (status == 0)
        status = read_base(&s, &base, e);
    if (status == 0)
        status = classify(&s, &base, e);
    if (status == 0)
        status = finish(&s, &base, e);
    vec_release(&base);
    release(&s);
    return status;
}
