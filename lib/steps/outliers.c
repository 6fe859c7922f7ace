/* outliers: limits of a column by its own spread, and what to do with values beyond them. */
#include "prep/lower.h"
#include "runtime/program_curve.h"
#include "steps/steps.h"
#include "steps/summary.h"

#include <math.h>

enum { LOW, HIGH, LIMITS };
static const char *const limit_names[] = {"low", "high"};

enum { METHOD_STD, METHOD_ROBUST_STD, METHOD_IQR, METHOD_QUANTILE, METHOD_MAD, METHOD_MINMAX };
enum { TAIL_BOTH, TAIL_LEFT, TAIL_RIGHT };

/* A side that is not looked at, and any side of a column without values, has no limit. */
static int set_limits(const struct step *s, struct summary *m, double low, double high)
{
    int tail = arg_choice(s, "tail");
    double limits[LIMITS] = {
        tail == TAIL_RIGHT || isnan(low) ? -(double)INFINITY : low,
        tail == TAIL_LEFT || isnan(high) ? (double)INFINITY : high,
    };
    summary_set(m, limit_names, limits, LIMITS);
    return 0;
}

static double fold_of(const struct step *s, double usual)
{
    return arg_given(s, "fold") ? arg_number(s, "fold") : usual;
}

static int finish_std(const struct step *s, size_t index, void *state, struct error *e)
{
    const struct moments *m = ((struct summary *)state)->moments;
    double mean = moments_mean(m), reach = fold_of(s, 3) * moments_deviation(m, 0);
    (void)index, (void)e;
    return set_limits(s, state, mean - reach, mean + reach);
}

static int finish_quantile(const struct step *s, size_t index, void *state, struct error *e)
{
    struct summary *m = state;
    const double q[] = {arg_number(s, "lower"), arg_number(s, "upper")};
    double value[COUNT_OF(q)];
    (void)index;
    int rc = quantiles_at(m->quantiles, q, COUNT_OF(q), value, e);
    return rc ? rc : set_limits(s, m, value[0], value[1]);
}

static int finish_iqr(const struct step *s, size_t index, void *state, struct error *e)
{
    struct summary *m = state;
    const double q[] = {0.25, 0.75};
    double value[COUNT_OF(q)];
    (void)index;
    int rc = quantiles_at(m->quantiles, q, COUNT_OF(q), value, e);
    double reach = rc ? 0 : fold_of(s, 1.5) * (value[1] - value[0]);
    return rc ? rc : set_limits(s, m, value[0] - reach, value[1] + reach);
}

/* Mean and deviation of the values between two quantiles, ends included. */
static int finish_robust(const struct step *s, size_t index, void *state, struct error *e)
{
    struct summary *m = state;
    const struct distribution *d = m->values;
    struct moments inside;
    (void)index, (void)e;
    distribution_settle(m->values);
    double low = distribution_quantile(d, arg_number(s, "lower"));
    double high = distribution_quantile(d, arg_number(s, "upper"));
    moments_init(&inside, 2);
    for (size_t i = 0; i < d->pairs.len; i++)
        if (d->pairs.at[i].x >= low && d->pairs.at[i].x <= high)
            for (uint64_t k = 0; k < d->pairs.at[i].n; k++)
                moments_add(&inside, d->pairs.at[i].x);
    double mean = moments_mean(&inside), reach = fold_of(s, 4) * moments_deviation(&inside, 0);
    moments_release(&inside);
    return set_limits(s, m, mean - reach, mean + reach);
}

/* Median absolute deviation over the 0.75 quantile of the normal distribution: as a deviation. */
static int finish_mad(const struct step *s, size_t index, void *state, struct error *e)
{
    struct summary *m = state;
    struct distribution distances = {0};
    (void)index, (void)e;
    distribution_settle(m->values);
    double median = distribution_quantile(m->values, 0.5);
    for (size_t i = 0; i < m->values->pairs.len; i++)
        distribution_add(&distances, fabs(m->values->pairs.at[i].x - median), 0,
                         m->values->pairs.at[i].n);
    distribution_settle(&distances);
    double reach =
        fold_of(s, 3.29) * distribution_quantile(&distances, 0.5) / normal_quantile(0.75);
    distribution_release(&distances);
    return set_limits(s, m, median - reach, median + reach);
}

static int finish_minmax(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)index, (void)e;
    return set_limits(s, state, arg_given(s, "min") ? arg_number(s, "min") : (double)NAN,
                      arg_given(s, "max") ? arg_number(s, "max") : (double)NAN);
}

/* In the order of the methods. minmax keeps no sums. */
static const struct learner learners[] = {
    SUMMARY_LEARNER(summary_moments, finish_std),
    SUMMARY_LEARNER(summary_values, finish_robust),
    SUMMARY_LEARNER(summary_quantiles, finish_iqr),
    SUMMARY_LEARNER(summary_quantiles, finish_quantile),
    SUMMARY_LEARNER(summary_values, finish_mad),
    SUMMARY_LEARNER(NULL, finish_minmax),
};

static const struct learner *choose(const struct step *s)
{
    return &learners[arg_choice(s, "method")];
}

enum { ACTION_CLIP, ACTION_REMOVE, ACTION_INVALIDATE, ACTION_FLAG };

static int outliers_open(struct step *s, const struct schema *in, struct error *e)
{
    if (arg_number(s, "lower") >= arg_number(s, "upper"))
        return step_error(s, e, "lower must be less than upper");
    bool minmax = arg_choice(s, "method") == METHOD_MINMAX;
    if (minmax != (arg_given(s, "min") || arg_given(s, "max")))
        return step_error(s, e, "method=minmax goes with min or max");
    for (size_t i = 0; i < s->column_count && arg_choice(s, "action") == ACTION_FLAG; i++) {
        const char *name = arena_format(&s->arena, "%s_outlier", s->names[i]);
        char quoted[QUOTE_MAX];
        if (schema_find(in, text_of(name)) != FIELD_NONE)
            return step_error(s, e, "there is a column %s already",
                              quote(quoted, name, strlen(name)));
    }
    return 0;
}

static int outliers_shape(struct step *s, struct schema *schema, struct error *e)
{
    int action = arg_choice(s, "action");
    (void)e;
    for (size_t i = 0; i < s->column_count; i++) {
        struct field *f = &schema->fields.at[s->columns[i]];
        if (action == ACTION_CLIP || action == ACTION_INVALIDATE) {
            f->type = TYPE_FLOAT;
            f->declared = true;
        } else if (action == ACTION_FLAG) {
            const char *name = arena_format(&s->arena, "%s_outlier", s->names[i]);
            schema_add(schema, text_of(name), TYPE_BOOL);
        }
    }
    return 0;
}

static bool beyond(const double *limits, double x)
{
    return x < limits[LOW] || x > limits[HIGH];
}

static struct column bounded(struct batch *b, const double *x, const double *limits, bool clip)
{
    double *out = batch_array(b, b->rows, sizeof *out);
    for (size_t r = 0; r < b->rows; r++) {
        out[r] = x[r];
        if (beyond(limits, x[r]))
            out[r] = !clip ? (double)NAN : x[r] < limits[LOW] ? limits[LOW] : limits[HIGH];
    }
    return column_of_double(out);
}

static struct column flagged(struct batch *b, const double *x, const double *limits)
{
    uint8_t *out = batch_array(b, b->rows, 1);
    for (size_t r = 0; r < b->rows; r++)
        out[r] = isnan(x[r]) ? BOOL_MISSING : beyond(limits, x[r]);
    return column_of_bool(out);
}

static int outliers_apply(const struct step *s, struct batch *b, struct error *e)
{
    int action = arg_choice(s, "action");
    uint8_t *keep = batch_array(b, b->rows, 1);
    memset(keep, 1, b->rows);
    for (size_t i = 0; i < s->column_count; i++) {
        const double *x;
        const double *limits = ((const struct summary *)columnwise_learnt(s, i))->learnt.at;
        int rc = batch_double(b, s->columns[i], s->names[i], &x, e);
        if (rc)
            return rc;
        if (action == ACTION_FLAG)
            batch_add(b, flagged(b, x, limits));
        else if (action != ACTION_REMOVE)
            batch_set(b, s->columns[i], bounded(b, x, limits, action == ACTION_CLIP));
        for (size_t r = 0; r < b->rows && action == ACTION_REMOVE; r++)
            keep[r] &= !beyond(limits, x[r]);
    }
    if (action == ACTION_REMOVE)
        batch_filter(b, keep);
    return 0;
}

static int outliers_lower(const struct step *s, struct lowering *l, struct error *e)
{
    int action = arg_choice(s, "action");
    if (action == ACTION_REMOVE)
        return lower_refuse(e, "action=remove leaves rows out");
    for (size_t i = 0; i < s->column_count; i++) {
        const double *limits = ((const struct summary *)columnwise_learnt(s, i))->learnt.at;
        const double bounds[] = {limits[LOW], limits[HIGH]};
        uint32_t x = lower_column(l, s->columns[i], ML_FLOAT), range = lower_range(l, bounds, 2);
        if (action == ACTION_FLAG)
            lower_add(l, lower_op(l, ML_OP_beyond, x, range, 0));
        else
            lower_set(l, s->columns[i],
                      lower_op(l, ML_OP_curve, x, range,
                               action == ACTION_CLIP ? ML_CURVE_clipped : ML_CURVE_within));
    }
    return 0;
}

static const struct arg outliers_args[] = {
    ROWWISE_COLUMNS("numbers to look at"),
    {.name = "method", .kind = ARG_METHOD, .fallback = "std", .help = "how limits are found"},
    {.name = "action",
     .kind = ARG_CHOICE,
     .fallback = "clip",
     .choices = "clip remove invalidate flag",
     .help = "move to the limit, drop the row, make missing, or add NAME_outlier"},
    {.name = "tail",
     .kind = ARG_CHOICE,
     .fallback = "both",
     .choices = "both left right",
     .help = "sides that have a limit"},
    {.name = "fold",
     .kind = ARG_NUMBER,
     .min = 0,
     .max = 1e9,
     .help =
         "how many deviations or ranges away (default: std 3, robust_std 4, iqr 1.5, mad 3.29)"},
    {.name = "lower",
     .kind = ARG_NUMBER,
     .fallback = "0.05",
     .min = 0,
     .max = 1,
     .help = "quantile, robust_std: the lower quantile"},
    {.name = "upper",
     .kind = ARG_NUMBER,
     .fallback = "0.95",
     .min = 0,
     .max = 1,
     .help = "quantile, robust_std: the upper quantile"},
    {.name = "min", .kind = ARG_NUMBER, .help = "minmax: the lower limit"},
    {.name = "max", .kind = ARG_NUMBER, .help = "minmax: the upper limit"},
    {.name = NULL},
};

#define TAILED "x\n1\n2\n3\n4\n5\n100\n"
static const struct method outliers_methods[] = {
    {"std",
     "F",
     "mean and fold deviations of the population",
     {.program = "outliers x fold=2 action=flag",
      .input = TAILED,
      .output = "x,x_outlier\n1,false\n2,false\n3,false\n4,false\n5,false\n100,true\n"}},
    {"robust_std",
     "F",
     "mean and deviation of the values between two quantiles",
     {.program = "outliers x method=robust_std lower=0.1 upper=0.9 action=remove",
      .input = TAILED,
      .output = "x\n1\n2\n3\n4\n5\n"}},
    {"iqr",
     "F",
     "quartiles and fold times the range between them",
     {.program = "outliers x method=iqr", .input = TAILED, .output = "x\n1\n2\n3\n4\n5\n8.5\n"}},
    {"quantile",
     "F",
     "a lower and an upper quantile",
     {.program = "outliers x method=quantile lower=0.2 upper=0.8",
      .input = TAILED,
      .output = "x\n2\n2\n3\n4\n5\n5\n"}},
    {"mad",
     "F",
     "median and fold times the median absolute deviation / 0.67449",
     {.program = "outliers x method=mad action=invalidate",
      .input = TAILED,
      .output = "x\n1\n2\n3\n4\n5\n\n"}},
    {"minmax",
     "S",
     "limits given by min= and max=",
     {.program = "outliers x method=minmax max=50 action=remove",
      .input = TAILED,
      .output = "x\n1\n2\n3\n4\n5\n"}},
    {.name = NULL},
};

const struct step_kind steps_outliers[] = {
    {.name = "outliers",
     .aliases = "winsorize:action=clip trim_outliers:action=remove outliers_std:method=std "
                "outlier_std:method=std outlier_iqr:method=iqr outlier_quantile:method=quantile "
                "outlier_mad:method=mad outlier_robust_std:method=robust_std "
                "outliers_robust_std:method=robust_std outliers_iqr:method=iqr "
                "outliers_quantile:method=quantile outliers_mad:method=mad "
                "outliers_minmax:method=minmax",
     .family = "outliers",
     .class = "F",
     .summary = "clip, remove, mark or make missing what lies beyond learnt limits",
     .details =
         "A value equal to a limit is inside. Deviations are of the population (n), quantiles "
         "of type 7. Missing values are neither learnt from nor outliers: they stay, and their "
         "flag is missing. robust_std and mad hold all distinct values in memory while "
         "learning.",
     .args = outliers_args,
     .methods = outliers_methods,
     .example = {.program = "outliers x fold=2 action=flag",
                 .input = TAILED,
                 .output = "x,x_outlier\n1,false\n2,false\n3,false\n4,false\n5,false\n100,true\n"},
     .open = outliers_open,
     .shape = outliers_shape,
     .apply = outliers_apply,
     .lower = outliers_lower,
     COLUMNWISE_HOOKS,
     .detail = &(const struct columnwise){.choose = choose}},
    {.name = NULL},
};
