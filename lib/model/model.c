/* What can be relied on in a model, and what is asked of it. */
#include "model/model.h"

#include <math.h>

size_t model_width(const struct model *m)
{
    return m->stage_count ? m->stages[m->stage_count - 1].out : m->feature_count;
}

size_t model_class_count(const struct model *m)
{
    bool shares = m->transform == TRANSFORM_SOFTMAX || m->transform == TRANSFORM_SOFTMAX_ZERO ||
                  m->transform == TRANSFORM_SIGMOID_SHARE || m->answers_class;
    if (m->outputs == 1)
        return m->two_classes || m->answers_class ? 2 : 0;
    return m->class_count || shares ? m->outputs : 0;
}

size_t trees_depth(const struct trees *t)
{
    size_t deepest = 0;
    uint32_t *depth = mem_alloc((t->nodes + 1) * sizeof *depth);
    for (size_t i = 0; i < t->nodes; i++) {
        if (t->feature[i] == NODE_LEAF)
            continue;
        depth[t->left[i]] = depth[t->right[i]] = depth[i] + 1; /* children stand behind */
        deepest = depth[i] + 1 > deepest ? depth[i] + 1 : deepest;
    }
    mem_free(depth);
    return deepest;
}

const char *transform_name(enum transform t)
{
    static const char *const names[] = {"none",   "sigmoid",   "softmax",      "exp",
                                        "step",   "square",    "log1p_exp",    "softmax_zero",
                                        "probit", "normalize", "sigmoid_share"};
    return names[t];
}

/* What is wrong with a node; NULL when nothing is. */
static const char *node_problem(const struct model *m, size_t tree, size_t node)
{
    const struct trees *t = &m->trees;
    if (t->feature[node] == NODE_LEAF) {
        for (size_t i = 0; i < t->width; i++)
            if (!isfinite(t->value[node * t->width + i]))
                return "the value of a leaf is no finite number";
        return NULL;
    }
    if (t->feature[node] >= model_width(m))
        return "it tests a feature that the model does not have";
    if (t->left[node] <= node || t->right[node] <= node || t->left[node] >= t->root[tree + 1] ||
        t->right[node] >= t->root[tree + 1])
        return "a child is out of range";
    if (t->set && t->set[node] != NO_SET)
        return t->set[node] < t->sets ? NULL : "it tests a set that the model does not have";
    return isnan(t->threshold[node]) ? "its threshold is not a number" : NULL;
}

static int check_trees(const struct model *m, struct error *e)
{
    const struct trees *t = &m->trees;
    if (t->count == 0 || t->width == 0)
        return error_set(e, ERR_DATA, "the model has no trees");
    for (size_t i = 0; i < t->count; i++) {
        if (t->root[i] >= t->root[i + 1] || t->root[i + 1] > t->nodes)
            return error_set(e, ERR_DATA, "tree %zu: it has no nodes", i);
        if (t->output[i] + t->width > m->outputs)
            return error_set(e, ERR_DATA, "tree %zu: output %u is out of range", i, t->output[i]);
        for (size_t node = t->root[i]; node < t->root[i + 1]; node++) {
            const char *problem = node_problem(m, i, node);
            if (problem)
                return error_set(e, ERR_DATA, "tree %zu, node %zu: %s", i, node - t->root[i],
                                 problem);
        }
    }
    return 0;
}

size_t stage_columns(const struct stage *s)
{
    return s->in - s->before - s->after;
}

static bool picks_columns(const struct stage *s)
{
    for (size_t i = 0; i < s->out; i++)
        if (s->pick[i] >= s->in)
            return false;
    return s->before == 0 && s->after == 0;
}

/* Categories, or maps, of columns lie in order among `all`. */
static bool lie_in_order(const struct stage *s, size_t all)
{
    for (size_t i = 0; i < stage_columns(s); i++)
        if (s->first[i] > s->first[i + 1] || s->first[i + 1] > all)
            return false;
    return true;
}

/* Columns that a stage makes; SIZE_MAX when it picks or maps what is not there. */
static size_t columns_made(const struct stage *s)
{
    size_t columns = s->before + s->after;
    if (s->kind == STAGE_PICK)
        return picks_columns(s) ? s->out : SIZE_MAX;
    if (s->kind == STAGE_MAP && s->first)
        return lie_in_order(s, s->map_count) ? s->in : SIZE_MAX;
    if (s->kind != STAGE_ONEHOT)
        return s->in;
    if (!lie_in_order(s, SIZE_MAX))
        return SIZE_MAX;
    for (size_t i = 0; i < stage_columns(s); i++) {
        size_t count = s->first[i + 1] - s->first[i];
        columns += count - (s->drop && s->drop[i] < count);
    }
    return columns;
}

static int check_stages(const struct model *m, struct error *e)
{
    size_t width = m->feature_count;
    for (size_t i = 0; i < m->stage_count; i++) {
        const struct stage *s = &m->stages[i];
        if (s->in != width)
            return error_set(e, ERR_DATA, "stage %zu takes %zu columns and gets %zu", i + 1, s->in,
                             width);
        if (s->before > s->in || s->after > s->in - s->before)
            return error_set(e, ERR_DATA, "stage %zu leaves more columns alone than there are",
                             i + 1);
        width = columns_made(s);
        if (s->out != width)
            return error_set(e, ERR_DATA, "stage %zu does not make %zu columns", i + 1, s->out);
    }
    return 0;
}

static int check_weights(const struct model *m, struct error *e)
{
    size_t width = model_width(m);
    for (size_t k = 0; k < m->outputs; k++)
        for (size_t i = 0; i < width; i++)
            if (!isfinite(m->linear.weight[k * width + i]))
                return error_set(e, ERR_DATA,
                                 "output %zu: the weight of column %zu is no finite number", k,
                                 i + 1);
    return 0;
}

int model_check(const struct model *m, struct error *e)
{
    if (m->outputs == 0 || m->feature_count == 0)
        return error_set(e, ERR_DATA, "the model has no %s", m->outputs ? "features" : "outputs");
    for (size_t i = 0; i < m->outputs; i++)
        if (!isfinite(m->base[i]))
            return error_set(e, ERR_DATA, "the base of output %zu is no finite number", i);
    if (check_stages(m, e))
        return ERR_DATA;
    return m->kind == MODEL_TREES ? check_trees(m, e) : check_weights(m, e);
}
