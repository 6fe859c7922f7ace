/*
 * LinearRegressor and LinearClassifier. onnxruntime multiplies matrices of floats with whatever
 * kernel the processor has, fused and in an order of its own, and adds the intercepts last: here
 * products are floats added from left to right, equal within the rounding of such sums.
 */
#include "model/import_onnx.h"

int onnx_transform(const struct onnx_node *n, enum transform *t, struct error *e)
{
    static const struct {
        const char *name;
        enum transform transform;
    } known[] = {{"NONE", TRANSFORM_NONE},
                 {"LOGISTIC", TRANSFORM_SIGMOID},
                 {"SOFTMAX", TRANSFORM_SOFTMAX},
                 {"SOFTMAX_ZERO", TRANSFORM_SOFTMAX_ZERO},
                 {"PROBIT", TRANSFORM_PROBIT}};
    struct text name = TEXT_LITERAL("NONE");
    char text[QUOTE_MAX];
    if (onnx_text(n, "post_transform", &name, e))
        return ERR_DATA;
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (text_equal(name, text_of(known[i].name))) {
            *t = known[i].transform;
            return 0;
        }
    return onnx_refuse(n, e, "post_transform %s is not supported", quote(text, name.at, name.len));
}

int onnx_target_transform(const struct onnx_node *n, size_t targets, enum transform *t,
                          struct error *e)
{
    int status = onnx_transform(n, t, e);
    if (status == 0 && targets == 1 && *t != TRANSFORM_PROBIT)
        *t = TRANSFORM_NONE;
    return status;
}

static void name_classes(struct model *m, const struct texts *texts,
                         const struct integers *integers)
{
    bool are_texts = texts->len > 0;
    m->class_count = are_texts ? texts->len : integers->len;
    m->classes = arena_alloc(&m->arena, (m->class_count + 1) * sizeof *m->classes);
    for (size_t i = 0; i < m->class_count; i++)
        m->classes[i] = are_texts ? model_text(m, texts->at[i])
                                  : arena_format(&m->arena, "%lld", (long long)integers->at[i]);
}

int onnx_classes(struct onnx_walk *w, const struct onnx_node *n, const char *texts,
                 const char *integers, struct error *e)
{
    struct texts text_list = {0};
    struct integers integer_list = {0};
    int status = onnx_texts(n, texts, &text_list, e);
    if (status == 0)
        status = onnx_ints(n, integers, &integer_list, e);
    if (status == 0 && (text_list.len > 0) == (integer_list.len > 0))
        status = onnx_refuse(n, e, "either %s or %s must name the classes", texts, integers);
    if (status == 0)
        name_classes(w->model, &text_list, &integer_list);
    vec_release(&text_list);
    vec_release(&integer_list);
    return status;
}

static int read_linear(struct onnx_walk *w, const struct onnx_node *n, size_t outputs,
                       const struct doubles *intercepts, struct error *e)
{
    struct model *m = w->model;
    struct doubles weights = {0};
    int status = onnx_floats(n, "coefficients", &weights, e);
    if (status == 0 &&
        (outputs == 0 || weights.len / outputs != w->width || weights.len % outputs != 0))
        status = onnx_refuse(n, e, "%zu coefficients for %zu columns and %zu outputs", weights.len,
                             w->width, outputs);
    if (status == 0) {
        double *base = model_numbers(m, outputs);
        for (size_t i = 0; i < intercepts->len && i < outputs; i++)
            base[i] = intercepts->at[i];
        m->kind = MODEL_LINEAR;
        m->outputs = outputs;
        m->base = base;
        m->linear.single = true;
        m->linear.weight = arena_copy(&m->arena, weights.at, weights.len * sizeof *weights.at);
        m->sum = (struct leaf_sum){.single = true, .base_last = true};
    }
    vec_release(&weights);
    return status;
}

int onnx_linear_regressor(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    struct doubles intercepts = {0};
    int64_t targets = 1;
    int status = onnx_int(n, "targets", &targets, e);
    if (status == 0 && (targets < 1 || (uint64_t)targets > w->graph->bytes))
        status = onnx_refuse(n, e, "targets is %lld", (long long)targets);
    if (status == 0)
        status = onnx_floats(n, "intercepts", &intercepts, e);
    /* Of another length they count for nothing in onnxruntime. */
    if (status == 0 && intercepts.len != (size_t)targets)
        intercepts.len = 0;
    if (status == 0)
        status = read_linear(w, n, (size_t)targets, &intercepts, e);
    if (status == 0)
        status = onnx_target_transform(n, (size_t)targets, &w->model->transform, e);
    vec_release(&intercepts);
    return status;
}

/* One column of scores for two classes: that of class 1, which it is above zero. */
static int classify_one(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    struct model *m = w->model;
    if (m->class_count != 2)
        return onnx_refuse(n, e, "one column of scores for %zu classes", m->class_count);
    if (m->transform == TRANSFORM_PROBIT)
        return onnx_refuse(n, e, "post_transform of one margin for two classes");
    if (m->transform != TRANSFORM_SIGMOID)
        m->transform = TRANSFORM_NONE; /* those of pairs do not apply */
    m->two_classes = true;
    m->cut = m->transform == TRANSFORM_SIGMOID ? 0.5 : 0;
    return 0;
}

int onnx_linear_classifier(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    struct doubles intercepts = {0};
    int status = onnx_classes(w, n, "classlabels_strings", "classlabels_ints", e);
    if (status == 0)
        status = onnx_floats(n, "intercepts", &intercepts, e);
    if (status == 0 && intercepts.len != 1 && intercepts.len != w->model->class_count)
        status = onnx_refuse(n, e, "%zu intercepts for %zu classes", intercepts.len,
                             w->model->class_count);
    if (status == 0)
        status = read_linear(w, n, intercepts.len, &intercepts, e);
    if (status == 0)
        status = onnx_transform(n, &w->model->transform, e);
    if (status == 0 && intercepts.len == 1)
        status = classify_one(w, n, e);
    vec_release(&intercepts);
    return status;
}

/* ---- products of matrices, as exporters write linear models without ai.onnx.ml ---- */

/* What a Gemm says besides its matrices. */
struct product {
    int64_t transposes_a, transposes_b;
    double alpha, beta;
};

static int read_product(const struct onnx_node *n, struct product *p, struct error *e)
{
    *p = (struct product){.alpha = 1, .beta = 1};
    int status = onnx_int(n, "transA", &p->transposes_a, e);
    status = status ? status : onnx_int(n, "transB", &p->transposes_b, e);
    status = status ? status : onnx_float(n, "alpha", &p->alpha, e);
    status = status ? status : onnx_float(n, "beta", &p->beta, e);
    if (status == 0 && (p->transposes_a || p->alpha != 1 || p->beta != 1))
        status = onnx_refuse(n, e, "transA, alpha and beta are not supported");
    return status;
}

/* [in, out], or [out, in] when it is transposed, to a row per output. */
static int set_weights(struct onnx_walk *w, const struct onnx_node *n, const struct integers *shape,
                       const struct doubles *list, bool transposed, struct error *e)
{
    struct model *m = w->model;
    int64_t outputs = shape->len == 2 ? shape->at[!transposed] : 0;
    if (outputs < 1 || shape->at[transposed] != (int64_t)w->width || list->len % w->width != 0 ||
        list->len / w->width != (uint64_t)outputs)
        return onnx_refuse(n, e, "its matrix does not take %zu columns", w->width);
    double *weight = model_numbers(m, list->len);
    for (size_t k = 0; k < (size_t)outputs; k++)
        for (size_t i = 0; i < w->width; i++)
            weight[k * w->width + i] =
                list->at[transposed ? k * w->width + i : i * (size_t)outputs + k];
    m->kind = MODEL_LINEAR;
    m->outputs = (size_t)outputs;
    m->base = model_numbers(m, m->outputs);
    m->linear = (struct linear){.single = w->type != ONNX_DOUBLE, .weight = weight};
    m->sum = (struct leaf_sum){.single = w->type != ONNX_DOUBLE, .base_last = true};
    return 0;
}

/* A row that is added to every answer, once. */
static int add_row(struct onnx_walk *w, const struct onnx_node *n, struct text name,
                   struct error *e)
{
    struct integers shape = {0};
    struct doubles list = {0};
    struct model *m = w->model;
    int status = onnx_constant_floats(w->graph, n, name, &shape, &list, e);
    if (status == 0 && (list.len != m->outputs || shape.len == 0 ||
                        shape.at[shape.len - 1] != (int64_t)m->outputs))
        status = onnx_refuse(n, e, "it adds %zu numbers to %zu outputs", list.len, m->outputs);
    if (status == 0)
        m->base = arena_copy(&m->arena, list.at, list.len * sizeof *list.at);
    vec_release(&shape);
    vec_release(&list);
    return status;
}

/* MatMul, and Gemm, which may add a row by itself. */
int onnx_matrix_product(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    struct product p;
    struct integers shape = {0};
    struct doubles list = {0};
    int status = read_product(n, &p, e);
    if (status == 0 && n->inputs.len < 2)
        status = onnx_refuse(n, e, "it has no matrix");
    if (status == 0)
        status = onnx_constant_floats(w->graph, n, n->inputs.at[1], &shape, &list, e);
    if (status == 0)
        status = set_weights(w, n, &shape, &list, p.transposes_b != 0, e);
    if (status == 0 && n->inputs.len > 2 && n->inputs.at[2].len)
        status = add_row(w, n, n->inputs.at[2], e);
    vec_release(&shape);
    vec_release(&list);
    return status;
}

int onnx_add(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    const struct model *m = w->model;
    bool added = m->transform != TRANSFORM_NONE || m->kind != MODEL_LINEAR || m->class_count;
    for (size_t k = 0; k < m->outputs && !added; k++)
        added = m->base[k] != 0;
    if (added || n->inputs.len != 2)
        return onnx_refuse(n, e, "it does not stand behind a product without intercepts");
    return add_row(w, n, n->inputs.at[1], e);
}
