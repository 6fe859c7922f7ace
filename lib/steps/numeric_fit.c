/* Numeric transforms that learn from the column: log_shift, spline_basis. */
#include "runtime/program_curve.h"
#include "runtime/program_vector.h"
#include "steps/steps.h"
#include "steps/summary.h"

#include <math.h>

static int finish_shift(const struct step *s, size_t index, void *state, struct error *e)
{
    static const char *const names[] = {"shift"};
    const struct moments *m = ((struct summary *)state)->moments;
    (void)s, (void)index, (void)e;
    double shift = m->count == 0 ? (double)NAN : m->min > 0 ? 0 : fabs(m->min) + 1;
    summary_set(state, names, &shift, 1);
    return 0;
}

static const struct learner shift_learner = SUMMARY_LEARNER(summary_moments, finish_shift);

static int shifted_logs(struct mapping *m)
{
    double shift = ((const struct summary *)columnwise_mapped(m))->learnt.at[0];
    int rc = 0;
    for (size_t r = 0; r < m->rows && rc == 0; r++) {
        double x = m->in->number[r], moved = x + shift;
        m->out->number[r] = moved > 0 ? log(moved) : (double)NAN;
        if (moved <= 0)
            rc = mapping_reject(m, 0, r, "the value is too far below those learnt");
    }
    return rc;
}

static int lower_shifted(struct lower_map *m)
{
    const double *shift = ((const struct summary *)columnwise_learnt(m->step, m->index))->learnt.at;
    m->out[0] =
        lower_op(m->to, ML_OP_curve, m->in[0], lower_range(m->to, shift, 1), ML_CURVE_log_shift);
    return 0;
}

enum { SPLINE_DEGREE_MAX = ML_SPLINE_DEGREE_MAX, SPLINE_KNOTS_MAX = 100 };

static int finish_uniform(const struct step *s, size_t index, void *state, struct error *e)
{
    const struct moments *m = ((struct summary *)state)->moments;
    double knots[SPLINE_KNOTS_MAX];
    size_t count = (size_t)arg_int(s, "knots");
    (void)index, (void)e;
    double step = m->count ? (m->max - m->min) / (double)(count - 1) : (double)NAN;
    for (size_t i = 0; i < count; i++)
        knots[i] = m->min + (double)i * step;
    if (m->count)
        knots[count - 1] = m->max;
    summary_set_list(state, "knots", knots, count);
    return 0;
}

static int finish_quantile(const struct step *s, size_t index, void *state, struct error *e)
{
    double q[SPLINE_KNOTS_MAX], knots[SPLINE_KNOTS_MAX];
    size_t count = (size_t)arg_int(s, "knots");
    (void)index;
    for (size_t i = 0; i < count; i++)
        q[i] = (double)i / (double)(count - 1);
    int rc = quantiles_at(((struct summary *)state)->quantiles, q, count, knots, e);
    if (rc == 0)
        summary_set_list(state, "knots", knots, count);
    return rc;
}

/* In the order of at=. */
static const struct learner spline_learners[] = {
    SUMMARY_LEARNER(summary_moments, finish_uniform),
    SUMMARY_LEARNER(summary_quantiles, finish_quantile),
};

static const struct learner *choose_spline(const struct step *s)
{
    return &spline_learners[arg_choice(s, "at")];
}

static int prepare_spline(struct step *s, const struct schema *in, struct error *e)
{
    (void)in, (void)e;
    int64_t splines = arg_int(s, "knots") + arg_int(s, "degree") - (arg_bool(s, "bias") ? 1 : 2);
    for (int64_t i = 0; i < splines; i++)
        rowwise_part(s, "_sp_%lld", (long long)i);
    return 0;
}

/* The learnt knots, and `degree` more on each side at the distance of the outermost two. */
struct knots {
    size_t degree, count;
    double at[SPLINE_KNOTS_MAX + 2 * SPLINE_DEGREE_MAX];
};

static struct knots extend_knots(const struct step *s, const struct summary *learnt)
{
    const double *base = learnt->learnt.at;
    size_t n = learnt->learnt.len, degree = (size_t)arg_int(s, "degree");
    struct knots k = {.degree = degree, .count = n + 2 * degree};
    double first = base[1] - base[0], last = base[n - 1] - base[n - 2];
    for (size_t i = 0; i < degree; i++) {
        k.at[i] = base[0] - (double)(degree - i) * first;
        k.at[degree + n + i] = base[n - 1] + (double)(i + 1) * last;
    }
    memcpy(k.at + degree, base, n * sizeof *base);
    return k;
}

/* The values at x of the degree + 1 splines that are not 0 there, by Cox and de Boor's recursion;
 * returns the number of the first one. x lies between the learnt knots. */
static size_t splines_at(const struct knots *k, double x, double value[SPLINE_DEGREE_MAX + 1])
{
    size_t last = k->count - k->degree - 2, mu = k->degree;
    while (mu < last && x >= k->at[mu + 1])
        mu++;
    value[0] = 1;
    for (size_t j = 1; j <= k->degree; j++) {
        double carried = 0;
        for (size_t r = 0; r < j; r++) {
            double right = k->at[mu + r + 1], left = k->at[mu + 1 + r - j], width = right - left;
            double share = width > 0 ? value[r] / width : 0;
            value[r] = carried + (right - x) * share;
            carried = (x - left) * share;
        }
        value[j] = carried;
    }
    return mu - k->degree;
}

static int spline_columns(struct mapping *m)
{
    struct knots k = extend_knots(m->step, columnwise_mapped(m));
    size_t parts = rowwise_plan(m->step)->parts.len;
    double low = k.at[k.degree], high = k.at[k.count - 1 - k.degree];
    for (size_t r = 0; r < m->rows; r++) {
        double x = m->in->number[r], value[SPLINE_DEGREE_MAX + 1];
        bool missing = isnan(x) || isnan(low);
        for (size_t i = 0; i < parts; i++)
            m->out[i].number[r] = missing ? (double)NAN : 0;
        if (missing)
            continue;
        size_t first = splines_at(&k, x < low ? low : x > high ? high : x, value);
        for (size_t j = 0; j <= k.degree && first + j < parts; j++)
            m->out[first + j].number[r] = value[j];
    }
    return 0;
}

static int lower_splines(struct lower_map *m)
{
    struct knots k = extend_knots(m->step, columnwise_learnt(m->step, m->index));
    double constants[1 + COUNT_OF(k.at)];
    size_t parts = rowwise_plan(m->step)->parts.len;
    constants[0] = (double)k.degree;
    memcpy(constants + 1, k.at, k.count * sizeof *k.at);
    lower_vector(m->to, ML_VECTOR_splines, false, m->in, 1, constants, k.count + 1, m->out, parts);
    return 0;
}

static const struct arg shift_args[] = {
    ROWWISE_COLUMNS("columns of numbers"), ROWWISE_INTO, ROWWISE_SUFFIX, {.name = NULL}};

static const struct arg spline_args[] = {
    ROWWISE_COLUMNS("columns of numbers"),
    {.name = "knots",
     .kind = ARG_INT,
     .fallback = "5",
     .min = 2,
     .max = SPLINE_KNOTS_MAX,
     .help = "number of knots, the ends among them"},
    {.name = "degree",
     .kind = ARG_INT,
     .fallback = "3",
     .min = 1,
     .max = SPLINE_DEGREE_MAX,
     .help = "of the polynomials"},
    {.name = "at",
     .kind = ARG_CHOICE,
     .fallback = "uniform",
     .choices = "uniform quantile",
     .help = "where knots lie: at equal distances, or with as many values between them"},
    {.name = "bias",
     .kind = ARG_BOOL,
     .fallback = "true",
     .help = "all splines, which sum to 1; false leaves the last one out"},
    ROWWISE_KEEP,
    {.name = NULL}};

const struct step_kind steps_numeric_fit[] = {
    {.name = "log_shift",
     .family = "numeric",
     .class = "F",
     .aliases = "log_cp",
     .summary = "natural logarithm after a shift that makes all learnt values positive",
     .details =
         "The shift is 0 when the smallest learnt value is above 0, else its magnitude plus 1 "
         "(feature-engine's LogCpTransformer with C=auto). A later value at or below minus the "
         "shift is rejected. Missing stays missing.",
     .args = shift_args,
     .example = {.program = "log_shift x",
                 .input = "x\n-2\n-1\n\n",
                 .output = "x\n0\n0.6931471805599453\n\n"},
     COLUMNWISE_HOOKS,
     ROWWISE_HOOKS,
     .detail = &(const struct columnwise){.map = {.from = TYPE_FLOAT,
                                                  .to = TYPE_FLOAT,
                                                  .column = shifted_logs,
                                                  .lower = lower_shifted},
                                          .learner = &shift_learner}},
    {.name = "spline_basis",
     .family = "numeric",
     .class = "F",
     .aliases = "splines",
     .summary = "B-splines: a smooth curve's building blocks over the range of a column",
     .details =
         "As scikit-learn's SplineTransformer: knots + degree - 1 new columns x_sp_0 ..., "
         "constant beyond the learnt range; quantiles are type 7. The column goes unless keep. "
         "Missing gives missing.",
     .args = spline_args,
     .example = {.program = "spline_basis x knots=3 degree=1",
                 .input = "x\n0\n1\n4\n\n",
                 .output = "x_sp_0,x_sp_1,x_sp_2\n1,0,0\n0.5,0.5,0\n0,0,1\n,,\n"},
     COLUMNWISE_HOOKS,
     ROWWISE_HOOKS,
     .detail = &(const struct columnwise){.map = {.from = TYPE_FLOAT,
                                                  .to = TYPE_FLOAT,
                                                  .column = spline_columns,
                                                  .lower = lower_splines,
                                                  .drops = true,
                                                  .prepare = prepare_spline},
                                          .choose = choose_spline}},
    {.name = NULL},
};
