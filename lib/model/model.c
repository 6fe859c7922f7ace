/* Models from files: which format it is, and whether what an importer made can be relied on. */
#include "base/digest.h"
#include "model/builder.h"
#include "sys/sys.h"

#include <math.h>

size_t model_width(const struct model *m)
{
    return m->stage_count ? m->stages[m->stage_count - 1].out : m->feature_count;
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
        if (t->root[i] >= t->root[i + 1])
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

int model_check(const struct model *m, struct error *e)
{
    if (m->outputs == 0 || m->feature_count == 0)
        return error_set(e, ERR_DATA, "the model has no %s", m->outputs ? "features" : "outputs");
    for (size_t i = 0; i < m->outputs; i++)
        if (!isfinite(m->base[i]))
            return error_set(e, ERR_DATA, "the base of output %zu is no finite number", i);
    for (size_t i = 0, width = m->feature_count; i < m->stage_count; width = m->stages[i++].out)
        if (m->stages[i].in != width)
            return error_set(e, ERR_DATA, "stage %zu takes %zu columns and gets %zu", i + 1,
                             m->stages[i].in, width);
    return m->kind == MODEL_TREES ? check_trees(m, e) : 0;
}

static void put_digest(struct model *m, struct text bytes)
{
    uint8_t digest[SHA256_SIZE];
    sha256(bytes, digest);
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        m->sha256[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        m->sha256[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    m->bytes = bytes.len;
}

int model_parse(const char *bytes, size_t n, const char *name, struct model **out, struct error *e)
{
    static importer *const importers[] = {import_onnx,           import_sklearn,
                                          import_lightgbm,       import_xgboost_json,
                                          import_xgboost_ubjson, import_xgboost_binary};
    struct model *m = NULL;
    int got = 0;
    for (size_t i = 0; i < COUNT_OF(importers) && got == 0; i++)
        got = importers[i](bytes, n, &m, e);
    if (got == 0)
        got = error_set(e, ERR_DATA,
                        "not a model that is known: XGBoost (JSON, UBJSON, binary), LightGBM text, "
                        "scikit-learn pickle or joblib, ONNX");
    if (got > 0) {
        got = model_check(m, e);
        put_digest(m, (struct text){bytes, n});
    }
    if (got < 0) {
        model_free(m);
        return error_at(e, name, e ? e->line : 0, e ? e->column : 0);
    }
    *out = m;
    return 0;
}
