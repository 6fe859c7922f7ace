/* Steps that change the shape of a distribution:
 * quantile_transform, rank_gauss, power_transform. */
#include "runtime/program_curve.h"
#include "steps/steps.h"
#include "steps/summary.h"

#include <math.h>

static int finish_quantiles(const struct step *s, size_t index, void *state, struct error *e)
{
    struct summary *m = state;
    uint64_t wanted = (uint64_t)arg_int(s, "quantiles"), have = quantiles_count(m->quantiles);
    size_t n = (size_t)(wanted < have ? wanted : have);
    double *q = mem_alloc((2 * n + 1) * sizeof *q), *values = q + n;
    (void)index;
    for (size_t i = 0; i < n; i++)
        q[i] = n > 1 ? (double)i / (double)(n - 1) : 0;
    int rc = n ? quantiles_at(m->quantiles, q, n, values, e) : 0;
    if (rc == 0)
        summary_set_list(m, "edges", values, n);
    mem_free(q);
    return rc;
}

static int map_quantiles(struct mapping *m)
{
    const struct summary *learnt = columnwise_mapped(m);
    bool normal = arg_choice(m->step, "to") == 1;
    const double *q = learnt->learnt.at;
    size_t n = learnt->learnt.len;
    for (size_t r = 0; r < m->rows; r++) {
        double x = m->in->number[r];
        m->out->number[r] = (double)NAN;
        if (!isnan(x) && normal)
            (void)ml_curve_normal(x, q, n, &m->out->number[r]);
        else if (!isnan(x))
            (void)ml_curve_uniform(x, q, n, &m->out->number[r]);
    }
    return 0;
}

static int lower_quantiles(struct lower_map *m)
{
    const struct summary *learnt = columnwise_learnt(m->step, m->index);
    bool normal = arg_choice(m->step, "to") == 1;
    uint32_t q = lower_range(m->to, learnt->learnt.at, learnt->learnt.len);
    m->out[0] =
        lower_op(m->to, ML_OP_curve, m->in[0], q, normal ? ML_CURVE_normal : ML_CURVE_uniform);
    return 0;
}

/* The learnt list holds one score for each distinct value:
 * the normal quantile of its middle rank. */
static int finish_ranks(const struct step *s, size_t index, void *state, struct error *e)
{
    struct summary *m = state;
    (void)s, (void)index, (void)e;
    distribution_settle(m->values);
    m->list = "scores";
    m->learnt.len = 0;
    double below = 0, count = (double)m->values->count;
    for (size_t i = 0; i < m->values->pairs.len; i++) {
        double times = (double)m->values->pairs.at[i].n;
        vec_push(&m->learnt, normal_quantile((below + times / 2) / count));
        below += times;
    }
    return 0;
}

/* The distinct values, then their scores. */
static double *scores_of(const struct summary *m, size_t *n)
{
    *n = m->learnt.len;
    double *at = mem_array(NULL, 2 * *n + 1, sizeof *at);
    for (size_t i = 0; i < *n; i++) {
        at[i] = m->values->pairs.at[i].x;
        at[*n + i] = m->learnt.at[i];
    }
    return at;
}

static int map_ranks(struct mapping *m)
{
    size_t n;
    double *at = scores_of(columnwise_mapped(m), &n);
    for (size_t r = 0; r < m->rows; r++) {
        double x = m->in->number[r];
        m->out->number[r] = (double)NAN;
        if (!isnan(x))
            (void)ml_curve_scores(x, at, 2 * n, &m->out->number[r]);
    }
    mem_free(at);
    return 0;
}

static int lower_ranks(struct lower_map *m)
{
    size_t n;
    double *at = scores_of(columnwise_learnt(m->step, m->index), &n);
    m->out[0] =
        lower_op(m->to, ML_OP_curve, m->in[0], lower_range(m->to, at, 2 * n), ML_CURVE_scores);
    mem_free(at);
    return 0;
}

enum { LAMBDA, MEAN, DEVIATION, POWER_LEARNT };
static const char *const power_names[] = {"lambda", "mean", "deviation"};

typedef double power_function(double x, double lambda);

static power_function *power_of(const struct step *s)
{
    return arg_choice(s, "with") == 0 ? ml_yeo_johnson : ml_box_cox;
}

/* Mean and variance of the transformed values. */
static void power_moments(const struct distribution *d, power_function *f, double lambda,
                          double *mean, double *variance)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < d->pairs.len; i++)
        sum += (double)d->pairs.at[i].n * f(d->pairs.at[i].x, lambda);
    *mean = sum / (double)d->count;
    for (size_t i = 0; i < d->pairs.len; i++) {
        double distance = f(d->pairs.at[i].x, lambda) - *mean;
        squares += (double)d->pairs.at[i].n * distance * distance;
    }
    *variance = squares / (double)d->count;
}

struct likelihood {
    const struct distribution *values;
    power_function *power;
    double slope; /* sum of the logarithms of the derivative, for each unit of lambda - 1 */
};

static double log_slope(const struct distribution *d, power_function *f)
{
    double sum = 0;
    for (size_t i = 0; i < d->pairs.len; i++) {
        double x = d->pairs.at[i].x, times = (double)d->pairs.at[i].n;
        if (f == ml_box_cox)
            sum += times * log(x);
        else
            sum += times * copysign(log1p(fabs(x)), x);
    }
    return sum;
}

/* Minus the profile log-likelihood of lambda (Box and Cox 1964; Yeo and Johnson 2000). */
static double loss(const struct likelihood *l, double lambda)
{
    double mean, variance;
    power_moments(l->values, l->power, lambda, &mean, &variance);
    if (!(variance > 0) || isinf(variance))
        return (double)INFINITY;
    return (double)l->values->count / 2 * log(variance) - (lambda - 1) * l->slope;
}

struct bracket {
    double low, middle, high;
};

/* From -2 .. 2 outward until the loss rises on both sides of the middle. */
static struct bracket bracket_minimum(const struct likelihood *l)
{
    struct bracket b = {-2, 0, 2};
    double middle = loss(l, b.middle);
    for (double at; (at = loss(l, b.high)) < middle && b.high < 1e6; middle = at)
        b = (struct bracket){b.middle, b.high, 2 * b.high};
    for (double at; (at = loss(l, b.low)) < middle && b.low > -1e6; middle = at)
        b = (struct bracket){2 * b.low, b.low, b.middle};
    return b;
}

/* The vertex of the parabola through three points, or NaN. */
static double vertex(const double *x, const double *f)
{
    double left = (x[1] - x[0]) * (f[1] - f[2]), right = (x[1] - x[2]) * (f[1] - f[0]);
    return x[1] - ((x[1] - x[0]) * left - (x[1] - x[2]) * right) / (2 * (left - right));
}

/* Golden section search to where rounding hides the difference, then the parabola through points
 * wide enough apart for it to show: good to about 1e-10. */
static double minimum(const struct likelihood *l)
{
    const double golden = 0.6180339887498949;
    struct bracket b = bracket_minimum(l);
    double low = b.low, high = b.high;
    double left = high - golden * (high - low), right = low + golden * (high - low);
    double at_left = loss(l, left), at_right = loss(l, right);
    while (high - low > 1e-4) {
        if (at_left <= at_right) {
            high = right;
            right = left;
            at_right = at_left;
            left = high - golden * (high - low);
            at_left = loss(l, left);
        } else {
            low = left;
            left = right;
            at_left = at_right;
            right = low + golden * (high - low);
            at_right = loss(l, right);
        }
    }
    double found = (low + high) / 2;
    for (int round = 0; round < 3; round++) {
        const double x[] = {found - 1e-3, found, found + 1e-3};
        const double f[] = {loss(l, x[0]), loss(l, x[1]), loss(l, x[2])};
        double better = vertex(x, f);
        found = fabs(better - found) < 1e-3 ? better : found;
    }
    return found;
}

static int finish_power(const struct step *s, size_t index, void *state, struct error *e)
{
    struct summary *m = state;
    struct likelihood l = {.values = m->values, .power = power_of(s)};
    double learnt[POWER_LEARNT] = {1, (double)NAN, (double)NAN}, variance;
    (void)index, (void)e;
    distribution_settle(m->values);
    if (m->values->count > 0) {
        l.slope = log_slope(m->values, l.power);
        if (m->values->pairs.len > 1) /* one value fits any lambda */
            learnt[LAMBDA] = minimum(&l);
        power_moments(m->values, l.power, learnt[LAMBDA], &learnt[MEAN], &variance);
        learnt[DEVIATION] = variance > 0 ? sqrt(variance) : 1;
    }
    summary_set(m, power_names, learnt, POWER_LEARNT);
    return 0;
}

static int outside_domain(const struct step *s, struct batch *b, size_t index, size_t row,
                          struct error *e)
{
    (void)error_set(e, ERR_DATA, "%s: box_cox needs numbers greater than 0", s->kind->name);
    return batch_reject(b, row, s->columns[index], s->names[index], e);
}

static int learn_power(const struct lesson *l, void *state, const double *values, struct error *e)
{
    struct summary *m = state;
    bool positive = power_of(l->step) == ml_box_cox;
    for (size_t r = 0; r < l->rows; r++) {
        if (positive && values[r] <= 0) {
            int rc = outside_domain(l->step, l->batch, l->index, r, e);
            if (rc)
                return rc;
        } else if (!isnan(values[r])) {
            distribution_add(m->values, values[r], 0, 1);
        }
    }
    return 0;
}

static int map_power(struct mapping *m)
{
    const double *learnt = ((const struct summary *)columnwise_mapped(m))->learnt.at;
    power_function *f = power_of(m->step);
    bool standardize = arg_bool(m->step, "standardize");
    for (size_t r = 0; r < m->rows; r++) {
        double x = m->in->number[r], y = (double)NAN;
        if (f == ml_box_cox && x <= 0) {
            int rc = mapping_reject(m, 0, r, "box_cox needs numbers greater than 0");
            if (rc)
                return rc;
        } else if (!isnan(x)) {
            y = f(x, learnt[LAMBDA]);
        }
        m->out->number[r] = standardize ? (y - learnt[MEAN]) / learnt[DEVIATION] : y;
    }
    return 0;
}

static int lower_power(struct lower_map *m)
{
    const double *learnt =
        ((const struct summary *)columnwise_learnt(m->step, m->index))->learnt.at;
    bool box_cox = power_of(m->step) == ml_box_cox;
    size_t n = arg_bool(m->step, "standardize") ? POWER_LEARNT : 1;
    m->out[0] = lower_op(m->to, ML_OP_curve, m->in[0], lower_range(m->to, learnt, n),
                         box_cox ? ML_CURVE_box_cox : ML_CURVE_yeo_johnson);
    return 0;
}

static const struct learner quantile_learner = SUMMARY_LEARNER(summary_quantiles, finish_quantiles);
static const struct learner rank_learner = SUMMARY_LEARNER(summary_values, finish_ranks);
static const struct learner power_learner =
    SUMMARY_LEARNER_OF(summary_values, learn_power, finish_power);

static const struct arg quantile_args[] = {
    ROWWISE_COLUMNS("numbers to transform"),
    {.name = "to", .kind = ARG_METHOD, .fallback = "uniform", .help = "distribution to reach"},
    {.name = "quantiles",
     .kind = ARG_INT,
     .fallback = "1000",
     .min = 2,
     .max = 1e6,
     .help = "places at which the distribution is learnt"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL},
};

static const struct arg rank_args[] = {
    ROWWISE_COLUMNS("numbers to transform"),
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL},
};

static const struct arg power_args[] = {
    ROWWISE_COLUMNS("numbers to transform"),
    {.name = "with", .kind = ARG_METHOD, .fallback = "yeo_johnson", .help = "family of powers"},
    {.name = "standardize",
     .kind = ARG_BOOL,
     .fallback = "true",
     .help = "then shift to mean 0 and divide by the population's deviation"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL},
};

#define SQUARES "x\n1\n2\n4\n9\n16\n"
static const struct method quantile_methods[] = {
    {"uniform",
     "F",
     "the share of values below",
     {.program = "quantile_transform x", .input = SQUARES, .output = "x\n0\n0.25\n0.5\n0.75\n1\n"}},
    {"normal",
     "F",
     "the normal quantile of that share",
     {.program = "quantile_transform x to=normal",
      .input = SQUARES,
      .output = "x\n-5.199337582605575\n-0.6744897501960817\n0\n0.6744897501960817\n5."
                "199337582605575\n"}},
    {.name = NULL},
};
static const struct method power_methods[] = {
    {"yeo_johnson",
     "F2",
     "any number: ((x + 1)^lambda - 1) / lambda, mirrored below 0",
     {.program = "power_transform x standardize=false | round x digits=6",
      .input = SQUARES,
      .output = "x\n0.6583\n1.012793\n1.429751\n1.946744\n2.307715\n"}},
    {"box_cox",
     "F2",
     "numbers above 0: (x^lambda - 1) / lambda",
     {.program = "power_transform x with=box_cox standardize=false | round x digits=6",
      .input = SQUARES,
      .output = "x\n0\n0.698454\n1.40763\n2.251143\n2.858809\n"}},
    {.name = NULL},
};

#define LEARNT_MAP(learns, kernel, lowered)                                                        \
    ROWWISE_HOOKS, COLUMNWISE_HOOKS, .keeps_rows = true, .detail = &(const struct columnwise)      \
    {                                                                                              \
        .map = {.from = TYPE_FLOAT, .to = TYPE_FLOAT, .column = kernel, .lower = lowered},         \
        .learner = &learns                                                                         \
    }

const struct step_kind steps_scale_shape[] = {
    {.name = "quantile_transform",
     .aliases = "quantile_transformer",
     .family = "scale",
     .class = "F",
     .summary = "replace numbers by where they stand among the column's values",
     .details =
         "As scikit-learn with all rows as the sample: quantiles of type 7 at even shares, at "
         "most as many as there are values; between them linear; beyond the ends, the ends. "
         "Normal scores end at 5.19933758 on both sides.",
     .args = quantile_args,
     .methods = quantile_methods,
     .example = {.program = "quantile_transform x",
                 .input = SQUARES,
                 .output = "x\n0\n0.25\n0.5\n0.75\n1\n"},
     LEARNT_MAP(quantile_learner, map_quantiles, lower_quantiles)},
    {.name = "rank_gauss",
     .aliases = "rankgauss",
     .family = "scale",
     .class = "F",
     .summary = "replace numbers by the normal score of their rank",
     .details =
         "A value of middle rank r among n becomes the normal quantile of (r - 1/2) / n, ranks "
         "counted from 1; equal values share one. New values between two learnt ones lie "
         "between their scores, beyond the ends they get the ends' scores.",
     .args = rank_args,
     .example = {.program = "rank_gauss x",
                 .input = "x\n10\n30\n20\n20\n",
                 .output = "x\n-1.1503493803760079\n1.1503493803760079\n0\n0\n"},
     LEARNT_MAP(rank_learner, map_ranks, lower_ranks)},
    {.name = "power_transform",
     .aliases = "power_transformer yeo_johnson:with=yeo_johnson box_cox:with=box_cox",
     .family = "scale",
     .class = "F2",
     .summary = "the power that makes a column most like a normal distribution",
     .details = "Lambda maximizes the likelihood (Box and Cox 1964, Yeo and Johnson 2000) and is "
                "learnt to about 8 digits from all distinct values, which are held in memory.",
     .args = power_args,
     .methods = power_methods,
     .example = {.program = "power_transform x | round x digits=6",
                 .input = SQUARES,
                 .output = "x\n-1.355143\n-0.764086\n-0.068876\n0.793123\n1.394981\n"},
     LEARNT_MAP(power_learner, map_power, lower_power)},
    {.name = NULL},
};
