/* Stages: what stands between the features and the predictor, one row at a time, every number in
 * the precision of the model's framework. */
#include "runtime/stage.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static const double *stage_numbers(const struct ml_image *m, uint64_t at)
{
    return (const double *)(const void *)((const char *)m + at);
}

/* Every operation of floats is rounded to float: a double holds more than twice its digits, so
 * rounding twice is rounding once. */
static double stage_rounded(bool single, double x)
{
    return single ? (double)(float)x : x;
}

/* Columns that a stage changes. */
static uint32_t stage_width(const struct ml_stage *s)
{
    return s->in - s->before - s->after;
}

static bool stage_equal(double x, double y)
{
    return x == y || (isnan(x) && isnan(y));
}

/* The first place of x among n numbers; n: it is none of them. */
static uint32_t stage_place(const double *among, uint32_t n, double x)
{
    uint32_t k = 0;
    while (k < n && !stage_equal(x, among[k]))
        k++;
    return k;
}

/* The same among categories, of which none is there twice. Codes of texts are their own places. */
static uint32_t stage_category(const double *among, uint32_t n, double x)
{
    bool is_place = x >= 0 && x < n && among[(uint32_t)x] == x;
    return is_place ? (uint32_t)x : stage_place(among, n, x);
}

/* The column (from 1) with a value that is refused, or 0. */
static uint32_t stage_map(const struct ml_image *m, const struct ml_stage *s, const double *in,
                          double *out)
{
    const double *from = stage_numbers(m, s->from_at), *to = stage_numbers(m, s->to_at);
    const uint32_t *first = (const uint32_t *)(const void *)((const char *)m + s->first_at);
    for (uint32_t i = 0; i < stage_width(s); i++) {
        double x = stage_rounded(s->single, in[i]);
        uint32_t end = s->first_at ? first[i + 1] : s->map_count;
        uint32_t k = s->first_at ? first[i] + stage_category(from + first[i], end - first[i], x)
                                 : stage_place(from, end, x);
        if (k == end && s->refuses)
            return i + 1;
        out[i] = k < end ? to[k] : s->otherwise;
    }
    return 0;
}

static void stage_pick(const struct ml_image *m, const struct ml_stage *s, const double *in,
                       double *out)
{
    const uint32_t *pick = (const uint32_t *)(const void *)((const char *)m + s->pick_at);
    for (uint32_t i = 0; i < s->out; i++)
        out[i] = in[pick[i]];
}

static double stage_clipped(const struct ml_stage *s, double y)
{
    if (!s->clips)
        return y;
    return y < s->clip[0] ? s->clip[0] : y > s->clip[1] ? s->clip[1] : y;
}

static bool stage_is_missing(const struct ml_stage *s, double x)
{
    return isnan(s->what) ? isnan(x) : x == s->what;
}

/* One number by a stage that goes column by column. */
static double stage_number(const struct ml_image *m, const struct ml_stage *s, uint32_t i, double x)
{
    bool single = s->single;
    double a = s->a_at ? stage_numbers(m, s->a_at)[i] : 0;
    double b = s->b_at ? stage_numbers(m, s->b_at)[i] : 0;
    x = stage_rounded(single, x);
    switch (s->kind) {
    case ML_STAGE_IMPUTE:
        return stage_is_missing(s, x) ? b : x;
    case ML_STAGE_MISSING:
        return stage_is_missing(s, x);
    case ML_STAGE_CENTER:
        return stage_rounded(single, stage_rounded(single, x - a) / b);
    case ML_STAGE_SHIFT:
        return stage_rounded(single, stage_rounded(single, x - a) * b);
    case ML_STAGE_AFFINE:
        return stage_clipped(s, stage_rounded(single, stage_rounded(single, x * b) + a));
    default: /* ML_STAGE_FLOAT */
        return (double)(float)x;
    }
}

static double stage_norm_of(const struct ml_stage *s, const double *in)
{
    double norm = s->norm == ML_NORM_LARGEST_VALUE ? -(double)FLT_MAX : 0;
    for (uint32_t i = 0; i < stage_width(s); i++) {
        double x = stage_rounded(s->single, in[i]), size = fabs(x);
        if (s->norm == ML_NORM_LARGEST || s->norm == ML_NORM_LARGEST_VALUE) {
            x = s->norm == ML_NORM_LARGEST ? size : x;
            norm = x > norm ? x : norm;
            continue;
        }
        size = s->norm == ML_NORM_SUM ? size : stage_rounded(s->single, size * size);
        norm = stage_rounded(s->single, norm + size);
    }
    return s->norm == ML_NORM_ROOT ? stage_rounded(s->single, sqrt(norm)) : norm;
}

static void stage_norm(const struct ml_stage *s, const double *in, double *out)
{
    double norm = stage_norm_of(s, in);
    for (uint32_t i = 0; i < stage_width(s); i++) {
        double x = stage_rounded(s->single, in[i]);
        if (norm != 0 && s->norm == ML_NORM_ROOT_OF_RATIO) {
            double ratio = stage_rounded(s->single, stage_rounded(s->single, x * x) / norm);
            out[i] = stage_rounded(s->single, x < 0 ? -sqrt(ratio) : sqrt(ratio));
            continue;
        }
        out[i] = norm == 0 ? x : stage_rounded(s->single, x / norm);
    }
}

/* Zeros and ones of one column to out, of which *used counts up; false when x is no category. */
static bool stage_onehot_column(const struct ml_image *m, const struct ml_stage *s, uint32_t i,
                                double x, double *out, uint32_t *used)
{
    const double *category = stage_numbers(m, s->category_at);
    const uint32_t *first = (const uint32_t *)(const void *)((const char *)m + s->first_at);
    const uint32_t *drop = (const uint32_t *)(const void *)((const char *)m + s->drop_at);
    bool known = false;
    for (uint32_t k = first[i]; k < first[i + 1]; k++) {
        bool is = stage_equal(x, category[k]);
        known |= is;
        if (!s->drop_at || k - first[i] != drop[i])
            out[(*used)++] = is;
    }
    return known;
}

static uint32_t stage_onehot(const struct ml_image *m, const struct ml_stage *s, const double *in,
                             double *out)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < stage_width(s); i++) {
        double x = stage_rounded(s->single, in[i]);
        x = s->truncates ? trunc(x) : x;
        if (!stage_onehot_column(m, s, i, x, out, &used) && s->refuses)
            return i + 1;
    }
    return 0;
}

ML_API uint32_t ml_stages_widest(const struct ml_image *m)
{
    const struct ml_stage *s = (const void *)((const char *)m + m->stage_at);
    uint32_t widest = m->features;
    for (uint32_t i = 0; i < m->stages; i++)
        widest = s[i].out > widest ? s[i].out : widest;
    return widest;
}

/* A vector of s->in to one of s->out; the column (from 1) with a value that is refused, or 0. */
static uint32_t stage_run(const struct ml_image *m, const struct ml_stage *s, const double *in,
                          double *out)
{
    size_t rest = s->after * sizeof *in;
    memcpy(out, in, s->before * sizeof *in);
    memcpy(out + (s->out - s->after), in + (s->in - s->after), rest);
    in += s->before;
    out += s->before;
    switch (s->kind) {
    case ML_STAGE_ONEHOT:
        return stage_onehot(m, s, in, out);
    case ML_STAGE_MAP:
        return stage_map(m, s, in, out);
    case ML_STAGE_NORM:
        stage_norm(s, in, out);
        return 0;
    case ML_STAGE_PICK:
        stage_pick(m, s, in, out);
        return 0;
    default:
        for (uint32_t i = 0; i < stage_width(s); i++)
            out[i] = stage_number(m, s, i, in[i]);
        return 0;
    }
}

ML_API double *ml_stages_run(const struct ml_image *m, double *vector, double *other,
                             struct ml_refusal *why)
{
    const struct ml_stage *stages = (const void *)((const char *)m + m->stage_at);
    for (uint32_t i = 0; i < m->stages; i++) {
        uint32_t refused = stage_run(m, &stages[i], vector, other);
        if (refused) {
            *why = (struct ml_refusal){ML_REFUSED_BY_STAGE, i + 1, refused,
                                       "is a category that the model does not know"};
            return NULL;
        }
        double *swap = vector;
        vector = other;
        other = swap;
    }
    return vector;
}

ML_API void ml_linear_margins(const struct ml_image *m, const double *row, double *margins)
{
    const double *base = stage_numbers(m, m->base_at), *weight = stage_numbers(m, m->weight_at);
    for (uint32_t k = 0; k < m->outputs; k++, weight += m->width) {
        double sum = m->base_last ? 0 : stage_rounded(m->single, base[k]);
        for (uint32_t i = 0; i < m->width && !m->single; i++)
            sum += row[i] * weight[i];
        for (uint32_t i = 0; i < m->width && m->single; i++)
            sum = (double)((float)sum + (float)((double)(float)row[i] * weight[i]));
        margins[k] = m->base_last ? stage_rounded(m->single, sum + base[k]) : sum;
    }
}
