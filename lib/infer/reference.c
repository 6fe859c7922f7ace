#include "infer/image.h"
#include "runtime/stage.h"

#include <math.h>

struct reference {
    const struct model *model;
    struct ml_image *stages; /* without the trees */
    double *in, *out;        /* vectors of a stage */
};

struct reference *reference_new(const struct model *m)
{
    struct reference *r = mem_alloc(sizeof *r);
    r->model = m;
    r->stages = image_of_stages(m);
    r->in = mem_array(NULL, ml_stages_widest(r->stages), sizeof *r->in);
    r->out = mem_array(NULL, ml_stages_widest(r->stages), sizeof *r->out);
    return r;
}

void reference_free(struct reference *r)
{
    if (!r)
        return;
    mem_free(r->stages);
    mem_free(r->in);
    mem_free(r->out);
    mem_free(r);
}

static double rounded(bool single, double x)
{
    return single ? (double)(float)x : x;
}

/* The predictor's vector; NULL: refused. */
static const double *run_stages(struct reference *r, const double *row, struct error *e)
{
    struct ml_refusal why;
    memcpy(r->in, row, r->model->feature_count * sizeof *row);
    const double *out = ml_stages_run(r->stages, r->in, r->out, &why);
    if (!out)
        error_set(e, ERR_DATA, "column %u of the encoder: an unknown category", why.column);
    return out;
}

static bool in_set(const struct trees *t, uint32_t set, double x)
{
    size_t first = t->set_first[set], words = t->set_first[set + 1] - first;
    bool low = t->sets_of == SET_OF_TRUNCATED ? x <= -1 : x < 0;
    if (!(x == x) || low || words == 0 || x >= (double)words * 32 ||
        (t->sets_of == SET_OF_WHOLE && x != trunc(x)))
        return false;
    size_t c = x > 0 ? (size_t)x : 0;
    return t->words[first + c / 32] >> (c % 32) & 1;
}

static bool goes_left(const struct trees *t, size_t node, double x)
{
    uint8_t missing = t->missing[node];
    if (isnan(x) && missing & MISSING_IS_ZERO)
        x = 0;
    if (isnan(x) || (missing & MISSING_WITH_ZERO && fabs(x) <= (double)1e-35F))
        return missing & MISSING_LEFT;
    x = rounded(t->single, x);
    if (t->set && t->set[node] != NO_SET)
        return in_set(t, t->set[node], x);
    return t->compare == COMPARE_LESS ? x < t->threshold[node] : x <= t->threshold[node];
}

static size_t leaf_of(const struct trees *t, size_t tree, const double *row)
{
    size_t node = t->root[tree];
    while (t->feature[node] != NODE_LEAF)
        node = goes_left(t, node, row[t->feature[node]]) ? t->left[node] : t->right[node];
    return node;
}

static double combine(const struct leaf_sum *how, double a, double b)
{
    if (how->how == SUM_MIN)
        return b < a ? b : a;
    if (how->how == SUM_MAX)
        return b > a ? b : a;
    return rounded(how->single, a + b);
}

static void sum_leaves(const struct model *m, const double *row, double *margins)
{
    const struct trees *t = &m->trees;
    const struct leaf_sum *how = &m->sum;
    bool extreme = how->how == SUM_MIN || how->how == SUM_MAX;
    for (size_t k = 0; k < m->outputs; k++)
        margins[k] = extreme          ? (how->how == SUM_MIN ? (double)INFINITY : -(double)INFINITY)
                     : how->base_last ? 0
                                      : rounded(how->single, m->base[k]);
    for (size_t i = 0; i < t->count; i++) {
        const double *value = &t->value[leaf_of(t, i, row) * t->width];
        double *to = &margins[t->output[i]];
        for (size_t k = 0; k < t->width; k++)
            to[k] = combine(how, to[k], value[k]);
    }
    for (size_t k = 0; k < m->outputs; k++) {
        if (how->how == SUM_MEAN)
            margins[k] =
                rounded(how->single, margins[k] / (double)(how->rounds ? how->rounds : t->count));
        if (extreme && isinf(margins[k]))
            margins[k] = 0; /* no tree has this output */
        if (how->base_last || extreme)
            margins[k] = rounded(how->single, margins[k] + m->base[k]);
        margins[k] = rounded(how->narrow, margins[k]);
    }
}

int reference_margins(struct reference *r, const double *row, double *margins, struct error *e)
{
    const double *vector = run_stages(r, row, e);
    if (!vector)
        return ERR_DATA;
    if (r->model->kind == MODEL_TREES)
        sum_leaves(r->model, vector, margins);
    else
        ml_linear_margins(r->stages, vector, margins);
    return 0;
}

bool reference_takes(struct reference *r, const double *row)
{
    return run_stages(r, row, NULL) != NULL;
}

int reference_leaves(struct reference *r, const double *row, uint32_t *leaves, struct error *e)
{
    const double *vector = run_stages(r, row, e);
    const struct trees *t = &r->model->trees;
    for (size_t i = 0; i < t->count && vector; i++)
        leaves[i] = t->number[leaf_of(t, i, vector)];
    return vector ? 0 : ERR_DATA;
}

void reference_answers(const struct reference *r, double *margins)
{
    ml_image_answers(r->stages, margins);
}

size_t reference_outputs(const struct reference *r)
{
    return r->model->outputs;
}

void margins_transform(const struct model *m, double *margins)
{
    struct ml_image *head = image_of_stages(m);
    ml_image_answers(head, margins);
    mem_free(head);
}

size_t margins_class(const struct model *m, const double *transformed)
{
    struct ml_image *head = image_of_stages(m);
    size_t class = ml_image_class(head, transformed);
    mem_free(head);
    return class;
}
