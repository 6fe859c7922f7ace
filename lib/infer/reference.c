#include "infer/infer.h"

#include <float.h>
#include <math.h>

struct reference {
    const struct model *model;
    double *in, *out; /* vectors of a stage */
};

struct reference *reference_new(const struct model *m)
{
    struct reference *r = mem_alloc(sizeof *r);
    size_t widest = m->feature_count;
    for (size_t i = 0; i < m->stage_count; i++)
        widest = m->stages[i].out > widest ? m->stages[i].out : widest;
    r->model = m;
    r->in = mem_array(NULL, widest + 1, sizeof *r->in);
    r->out = mem_array(NULL, widest + 1, sizeof *r->out);
    return r;
}

void reference_free(struct reference *r)
{
    if (!r)
        return;
    mem_free(r->in);
    mem_free(r->out);
    mem_free(r);
}

static double rounded(bool single, double x)
{
    return single ? (double)(float)x : x;
}

/* One number by a stage that goes column by column. Every operation of floats is rounded to float:
 * a double holds more than twice its digits, so rounding twice is rounding once. */
static double stage_number(const struct stage *s, size_t i, double x)
{
    double y;
    x = rounded(s->single, x);
    switch (s->kind) {
    case STAGE_IMPUTE:
        return isnan(s->what) ? (isnan(x) ? s->b[i] : x) : x == s->what ? s->b[i] : x;
    case STAGE_CENTER:
        return rounded(s->single, rounded(s->single, x - s->a[i]) / s->b[i]);
    case STAGE_SHIFT:
        return rounded(s->single, rounded(s->single, x - s->a[i]) * s->b[i]);
    case STAGE_AFFINE:
        y = rounded(s->single, rounded(s->single, x * s->b[i]) + s->a[i]);
        if (s->clips)
            y = y < s->clip[0] ? s->clip[0] : y > s->clip[1] ? s->clip[1] : y;
        return y;
    case STAGE_MAP:
        for (size_t k = 0; k < s->map_count; k++)
            if (x == s->from[k] || (isnan(x) && isnan(s->from[k])))
                return s->to[k];
        return s->otherwise;
    case STAGE_FLOAT:
        return (double)(float)x;
    case STAGE_NORM:
    case STAGE_ONEHOT:
        break;
    }
    return x;
}

static double norm_of(const struct stage *s, const double *in)
{
    double norm = s->norm == NORM_LARGEST_VALUE ? -(double)FLT_MAX : 0;
    for (size_t i = 0; i < s->in; i++) {
        double x = rounded(s->single, in[i]), size = fabs(x);
        if (s->norm == NORM_LARGEST || s->norm == NORM_LARGEST_VALUE) {
            x = s->norm == NORM_LARGEST ? size : x;
            norm = x > norm ? x : norm;
            continue;
        }
        size = s->norm == NORM_SUM ? size : rounded(s->single, size * size);
        norm = rounded(s->single, norm + size);
    }
    return s->norm == NORM_ROOT ? rounded(s->single, sqrt(norm)) : norm;
}

static void stage_norm(const struct stage *s, const double *in, double *out)
{
    double norm = norm_of(s, in);
    for (size_t i = 0; i < s->in; i++) {
        double x = rounded(s->single, in[i]);
        if (norm != 0 && s->norm == NORM_ROOT_OF_RATIO) {
            double ratio = rounded(s->single, rounded(s->single, x * x) / norm);
            out[i] = rounded(s->single, x < 0 ? -sqrt(ratio) : sqrt(ratio));
            continue;
        }
        out[i] = norm == 0 ? x : rounded(s->single, x / norm);
    }
}

static int stage_onehot(const struct stage *s, const double *in, double *out, struct error *e)
{
    size_t column = 0;
    for (size_t i = 0; i < s->in; i++) {
        double x = rounded(s->single, in[i]);
        bool known = false;
        x = s->truncates ? trunc(x) : x;
        for (size_t k = s->first[i]; k < s->first[i + 1]; k++) {
            bool is = x == s->category[k] || (isnan(x) && isnan(s->category[k]));
            known |= is;
            if (!s->drop || k - s->first[i] != s->drop[i])
                out[column++] = is;
        }
        if (!known && s->unknown == UNKNOWN_ERROR)
            return error_set(e, ERR_DATA, "column %zu of the encoder: an unknown category", i + 1);
    }
    return 0;
}

static int run_stage(const struct stage *s, const double *in, double *out, struct error *e)
{
    if (s->kind == STAGE_ONEHOT)
        return stage_onehot(s, in, out, e);
    if (s->kind == STAGE_NORM) {
        stage_norm(s, in, out);
        return 0;
    }
    for (size_t i = 0; i < s->in; i++)
        out[i] = stage_number(s, i, in[i]);
    return 0;
}

/* The predictor's vector, in r->in. */
static int run_stages(struct reference *r, const double *row, struct error *e)
{
    const struct model *m = r->model;
    memcpy(r->in, row, m->feature_count * sizeof *row);
    for (size_t i = 0; i < m->stage_count; i++) {
        int status = run_stage(&m->stages[i], r->in, r->out, e);
        if (status)
            return status;
        double *swap = r->in;
        r->in = r->out;
        r->out = swap;
    }
    return 0;
}

static bool in_set(const struct trees *t, uint32_t set, double x)
{
    size_t first = t->set_first[set], words = t->set_first[set + 1] - first;
    bool low = t->sets_of == SET_OF_TRUNCATED ? x <= -1 : x < 0;
    if (!(x == x) || low || x >= (double)words * 32 ||
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

static void multiply(const struct model *m, const double *row, double *margins)
{
    size_t width = model_width(m);
    bool single = m->linear.single;
    for (size_t k = 0; k < m->outputs; k++) {
        double sum = m->sum.base_last ? 0 : rounded(single, m->base[k]);
        for (size_t i = 0; i < width; i++)
            sum = rounded(single, sum + rounded(single, rounded(single, row[i]) *
                                                            m->linear.weight[k * width + i]));
        margins[k] = m->sum.base_last ? rounded(single, sum + m->base[k]) : sum;
    }
}

int reference_margins(struct reference *r, const double *row, double *margins, struct error *e)
{
    int status = run_stages(r, row, e);
    if (status)
        return status;
    if (r->model->kind == MODEL_TREES)
        sum_leaves(r->model, r->in, margins);
    else
        multiply(r->model, r->in, margins);
    return 0;
}

int reference_leaves(struct reference *r, const double *row, uint32_t *leaves, struct error *e)
{
    int status = run_stages(r, row, e);
    const struct trees *t = &r->model->trees;
    for (size_t i = 0; i < t->count && status == 0; i++)
        leaves[i] = (uint32_t)(leaf_of(t, i, r->in) - t->root[i]);
    return status;
}
