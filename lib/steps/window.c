/* Steps that follow a column row by row: difference, cumulative, ewm, expanding. */
#include "prep/window.h"
#include "prep/delay.h"
#include "prep/rowwise.h"
#include "stats/stats.h"
#include "steps/steps.h"

#include <math.h>

static double change_next(const void *own, void *state, double x, usec at)
{
    (void)at;
    double change = x / delay_next(state, *(const size_t *)own, x) - 1;
    return isfinite(change) ? change : (double)NAN;
}

static void change_release(void *state)
{
    delay_release(state);
}

static const struct series change_series = {sizeof(struct delay), change_next, change_release};

static const size_t *rows_back(struct step *s)
{
    size_t *k = arena_alloc(&s->arena, sizeof *k);
    *k = (size_t)arg_int(s, "k");
    return k;
}

static int prepare_difference(struct step *s, struct error *e)
{
    (void)e;
    const size_t *k = rows_back(s);
    series_result(s, &difference_series, k, "_diff%zu", *k);
    return 0;
}

static int prepare_change(struct step *s, struct error *e)
{
    (void)e;
    const size_t *k = rows_back(s);
    series_result(s, &change_series, k, "_pct%zu", *k);
    return 0;
}

static double cumulate_sum(const void *own, void *state, double x, usec at)
{
    (void)own, (void)at;
    struct sum *sum = state;
    if (isnan(x))
        return x;
    sum_add(sum, x);
    return sum_value(sum);
}

static void cumulate_sum_release(void *state)
{
    sum_release(state);
}

struct extreme {
    double value;
    bool any;
};

static double cumulate_product(const void *own, void *state, double x, usec at)
{
    (void)own, (void)at;
    struct extreme *product = state;
    if (isnan(x))
        return x;
    product->value = product->any ? product->value * x : x;
    product->any = true;
    return product->value;
}

static double cumulate_max(const void *own, void *state, double x, usec at)
{
    (void)own, (void)at;
    struct extreme *most = state;
    if (isnan(x))
        return x;
    if (!most->any || x > most->value)
        most->value = x;
    most->any = true;
    return most->value;
}

static double cumulate_min(const void *own, void *state, double x, usec at)
{
    (void)own, (void)at;
    struct extreme *least = state;
    if (isnan(x))
        return x;
    if (!least->any || x < least->value)
        least->value = x;
    least->any = true;
    return least->value;
}

static double cumulate_count(const void *own, void *state, double x, usec at)
{
    (void)own, (void)at;
    uint64_t *count = state;
    *count += isnan(x) ? 0 : 1;
    return (double)*count;
}

/* In the order of cumulative_methods. */
static const struct series cumulative_series[] = {
    {sizeof(struct sum), cumulate_sum, cumulate_sum_release},
    {sizeof(struct extreme), cumulate_product, NULL},
    {sizeof(struct extreme), cumulate_max, NULL},
    {sizeof(struct extreme), cumulate_min, NULL},
    {sizeof(uint64_t), cumulate_count, NULL},
};

static int prepare_cumulative(struct step *s, struct error *e)
{
    (void)e;
    series_result(s, &cumulative_series[arg_choice(s, "with")], NULL, "_cum%s",
                  arg_string(s, "with"));
    return 0;
}

struct ewm_options {
    double decay; /* 1 - alpha */
    bool adjust, ignore_missing;
    uint64_t least;
};

struct ewm {
    double mean, variance;
    double weight; /* of all values before, when a new one weighs 1 (adjust) or alpha */
    double weights, weights_squared;
    uint64_t count;
};

static void ewm_first(struct ewm *m, double x)
{
    *m = (struct ewm){.mean = x, .weight = 1, .weights = 1, .weights_squared = 1, .count = 1};
}

/* West's update (doi:10.1145/359146.359153) of weighted mean and variance. */
static void ewm_add(struct ewm *m, const struct ewm_options *o, double x)
{
    double fresh = o->adjust ? 1 : 1 - o->decay, total = m->weight + fresh;
    double before = m->mean;
    m->mean = x == before ? before : (m->weight * before + fresh * x) / total;
    double moved = before - m->mean, off = x - m->mean;
    m->variance = (m->weight * (m->variance + moved * moved) + fresh * off * off) / total;
    m->weights += fresh;
    m->weights_squared += fresh * fresh;
    m->weight = total;
    if (!o->adjust) {
        m->weights /= total;
        m->weights_squared /= total * total;
        m->weight = 1;
    }
    m->count++;
}

static void ewm_take(struct ewm *m, const struct ewm_options *o, double x)
{
    if (m->count == 0) {
        if (!isnan(x))
            ewm_first(m, x);
        return;
    }
    if (isnan(x) && o->ignore_missing)
        return;
    m->weight *= o->decay;
    m->weights *= o->decay;
    m->weights_squared *= o->decay * o->decay;
    if (!isnan(x))
        ewm_add(m, o, x);
}

static bool ewm_enough(const struct ewm *m, const struct ewm_options *o)
{
    return m->count > 0 && m->count >= o->least;
}

static double ewm_mean_next(const void *own, void *state, double x, usec at)
{
    (void)at;
    struct ewm *m = state;
    const struct ewm_options *o = own;
    ewm_take(m, o, x);
    return ewm_enough(m, o) ? m->mean : (double)NAN;
}

static double ewm_var_next(const void *own, void *state, double x, usec at)
{
    (void)at;
    struct ewm *m = state;
    const struct ewm_options *o = own;
    ewm_take(m, o, x);
    double square = m->weights * m->weights, room = square - m->weights_squared;
    return ewm_enough(m, o) && room > 0 ? square / room * m->variance : (double)NAN;
}

/* In the order of ewm_methods. */
static const struct series ewm_series[] = {
    {sizeof(struct ewm), ewm_mean_next, NULL},
    {sizeof(struct ewm), ewm_var_next, NULL},
};

static int prepare_ewm(struct step *s, struct error *e)
{
    struct ewm_options *o = arena_zero(&s->arena, sizeof *o);
    double alpha = (double)NAN;
    if (arg_given(s, "alpha"))
        alpha = arg_number(s, "alpha");
    else if (arg_given(s, "span"))
        alpha = 2 / (arg_number(s, "span") + 1);
    else if (arg_given(s, "halflife"))
        alpha = -expm1(-log(2) / arg_number(s, "halflife"));
    int given = arg_given(s, "alpha") + arg_given(s, "span") + arg_given(s, "halflife");
    if (given != 1)
        return step_error(s, e, "give one of alpha, span and halflife");
    if (!(alpha > 0 && alpha <= 1))
        return step_error(s, e,
                          "alpha must be above 0 and at most 1, span at least 1, halflife above 0");
    o->decay = 1 - alpha;
    o->adjust = arg_bool(s, "adjust");
    o->ignore_missing = arg_bool(s, "ignore_missing");
    o->least = (uint64_t)arg_int(s, "min_rows");
    series_result(s, &ewm_series[arg_choice(s, "with")], o, "_ewm_%s", arg_string(s, "with"));
    return 0;
}

struct expanding_options {
    bool current;
    uint64_t least;
};

/* A statistic of all rows so far, before or after the current value is in. */
static double expand(const struct expanding_options *o, struct moments *m, double x,
                     double (*statistic)(const struct moments *m))
{
    if (m->order == 0)
        moments_init(m, 2);
    if (o->current && !isnan(x))
        moments_add(m, x);
    double result = m->count < o->least ? (double)NAN : statistic(m);
    if (!o->current && !isnan(x))
        moments_add(m, x);
    return result;
}

static double expanding_mean_next(const void *own, void *state, double x, usec at)
{
    (void)at;
    return expand(own, state, x, moments_mean);
}

static double sample_deviation(const struct moments *m)
{
    return moments_deviation(m, 1);
}

static double expanding_std_next(const void *own, void *state, double x, usec at)
{
    (void)at;
    return expand(own, state, x, sample_deviation);
}

static void moments_forget(void *state)
{
    moments_release(state);
}

/* In the order of expanding_methods. */
static const struct series expanding_series[] = {
    {sizeof(struct moments), expanding_mean_next, moments_forget},
    {sizeof(struct moments), expanding_std_next, moments_forget},
};

static int prepare_expanding(struct step *s, struct error *e)
{
    (void)e;
    struct expanding_options *o = arena_alloc(&s->arena, sizeof *o);
    o->current = arg_bool(s, "current");
    o->least = (uint64_t)arg_int(s, "min_rows");
    series_result(s, &expanding_series[arg_choice(s, "with")], o, "_expanding_%s",
                  arg_string(s, "with"));
    return 0;
}

#define SERIES(PREPARE)                                                                            \
    .family = "window", .class = "W", SERIES_HOOKS, .detail = &(const struct series_kind)          \
    {                                                                                              \
        PREPARE                                                                                    \
    }
#define COLUMNS ROWWISE_COLUMNS("columns of numbers")
#define COMMON_ARGS                                                                                \
    WINDOW_BY, WINDOW_ORDER, ROWWISE_INTO, WINDOW_SUFFIX,                                          \
    {                                                                                              \
        0                                                                                          \
    }
#define CURRENT                                                                                    \
    {                                                                                              \
        .name = "current", .kind = ARG_BOOL, .fallback = "true",                                   \
        .help = "the current row is in its own window"                                             \
    }
#define MIN_ROWS                                                                                   \
    {                                                                                              \
        .name = "min_rows", .kind = ARG_INT, .fallback = "1", .min = 1, .max = 1e15,               \
        .help = "values there must be, else the result is missing"                                 \
    }

static const struct arg difference_args[] = {COLUMNS,
                                             {.name = "k",
                                              .kind = ARG_INT,
                                              .fallback = "1",
                                              .min = 1,
                                              .max = 1e6,
                                              .help = "rows to look back"},
                                             COMMON_ARGS};
static const struct arg cumulative_args[] = {
    COLUMNS,
    {.name = "with", .kind = ARG_METHOD, .fallback = "sum", .help = "what is accumulated"},
    COMMON_ARGS};
static const struct arg ewm_args[] = {
    COLUMNS,
    {.name = "with", .kind = ARG_METHOD, .fallback = "mean", .help = "statistic"},
    {.name = "alpha", .kind = ARG_NUMBER, .help = "weight of the newest value"},
    {.name = "span", .kind = ARG_NUMBER, .help = "instead: alpha = 2 / (span + 1)"},
    {.name = "halflife",
     .kind = ARG_NUMBER,
     .help = "instead: rows after which a weight is halved"},
    {.name = "adjust",
     .kind = ARG_BOOL,
     .fallback = "true",
     .help = "divide by the weights there were; false: the recursion y += alpha (x - y)"},
    {.name = "ignore_missing",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "a missing value does not age the ones before it"},
    MIN_ROWS,
    COMMON_ARGS};
static const struct arg expanding_args[] = {
    COLUMNS,
    {.name = "with", .kind = ARG_METHOD, .fallback = "mean", .help = "statistic"},
    CURRENT,
    MIN_ROWS,
    COMMON_ARGS};

static const struct method cumulative_methods[] = {
    {"sum",
     "W",
     "sum, rounded from the exact one",
     {.program = "cumulative x",
      .input = "x\n0.1\n0.2\n\n0.3\n",
      .output = "x,x_cumsum\n0.1,0.1\n0.2,0.30000000000000004\n,\n0.3,0.6\n"}},
    {"prod",
     "W",
     "product",
     {.program = "cumulative x with=prod",
      .input = "x\n2\n3\n-4\n",
      .output = "x,x_cumprod\n2,2\n3,6\n-4,-24\n"}},
    {"max",
     "W",
     "largest value so far",
     {.program = "cumulative x with=max",
      .input = "x\n2\n1\n4\n",
      .output = "x,x_cummax\n2,2\n1,2\n4,4\n"}},
    {"min",
     "W",
     "smallest value so far",
     {.program = "cumulative x with=min",
      .input = "x\n2\n1\n4\n",
      .output = "x,x_cummin\n2,2\n1,1\n4,1\n"}},
    {"count",
     "W",
     "values so far that are not missing",
     {.program = "cumulative x with=count",
      .input = "x\n2\n\n4\n",
      .output = "x,x_cumcount\n2,1\n,1\n4,2\n"}},
    {0},
};
static const struct method ewm_methods[] = {
    {"mean",
     "W",
     "exponentially weighted mean",
     {.program = "ewm x alpha=0.5",
      .input = "x\n1\n2\n",
      .output = "x,x_ewm_mean\n1,1\n2,1.6666666666666667\n"}},
    {"var",
     "W",
     "exponentially weighted variance, corrected for bias",
     {.program = "ewm x with=var alpha=0.5 adjust=false",
      .input = "x\n1\n3\n",
      .output = "x,x_ewm_var\n1,\n3,2\n"}},
    {0},
};
static const struct method expanding_methods[] = {
    {"mean",
     "W",
     "mean of the rows so far",
     {.program = "expanding x",
      .input = "x\n1\n2\n6\n",
      .output = "x,x_expanding_mean\n1,1\n2,1.5\n6,3\n"}},
    {"std",
     "W",
     "sample standard deviation of the rows so far",
     {.program = "expanding x with=std",
      .input = "x\n1\n3\n5\n",
      .output = "x,x_expanding_std\n1,\n3,1.4142135623730951\n5,2\n"}},
    {0},
};

const struct step_kind steps_window[] = {
    {.name = "cumulative",
     SERIES(prepare_cumulative),
     .aliases = "cumsum:with=sum cumprod:with=prod cummax:with=max cummin:with=min "
                "cumcount:with=count",
     .summary = "running sum, product, maximum, minimum or count",
     .details = WINDOW_ORDER_RULE
     "A missing value gives missing and is passed over, as in pandas; count counts values and so "
     "is never missing (pandas' cumcount numbers the rows from 0). New columns are named "
     "x_cumsum.",
     .args = cumulative_args,
     .methods = cumulative_methods,
     .example = {.program = "cumulative x by=g",
                 .input = "g,x\na,1\nb,5\na,2\n",
                 .output = "g,x,x_cumsum\na,1,1\nb,5,5\na,2,3\n"}},
    {.name = "difference",
     SERIES(prepare_difference),
     .aliases = "diff diff_step delta",
     .summary = "the value less that of k rows before",
     .details = WINDOW_ORDER_RULE
     "Missing for the first k rows of a group, and where either value is missing. New columns are "
     "named x_diff1.",
     .args = difference_args,
     .example = {.program = "difference x by=g",
                 .input = "g,x\na,1\nb,5\na,4\nb,3\n",
                 .output = "g,x,x_diff1\na,1,\nb,5,\na,4,3\nb,3,-2\n"}},
    {.name = "ewm",
     SERIES(prepare_ewm),
     .aliases = "ewma",
     .summary = "exponentially weighted mean or variance of the rows so far",
     .details = WINDOW_ORDER_RULE
     "As pandas' ewm, with its defaults: adjust=true, missing values age the ones before them and "
     "repeat the last result. Give one of alpha, span and halflife. New columns are named "
     "x_ewm_mean.",
     .args = ewm_args,
     .methods = ewm_methods,
     .example = {.program = "ewm x alpha=0.5 adjust=false",
                 .input = "x\n1\n3\n\n4\n",
                 .output = "x,x_ewm_mean\n1,1\n3,2\n,2\n4,3.3333333333333335\n"}},
    {.name = "expanding",
     SERIES(prepare_expanding),
     .summary = "mean or deviation of all rows so far",
     .details = WINDOW_ORDER_RULE
     "Missing values are passed over. With current=false the row's own value is not in: what a "
     "model may know of the past. Sums are exact. New columns are named x_expanding_mean.",
     .args = expanding_args,
     .methods = expanding_methods,
     .example = {.program = "expanding x current=false",
                 .input = "x\n1\n2\n6\n",
                 .output = "x,x_expanding_mean\n1,\n2,1\n6,1.5\n"}},
    {.name = "pct_change",
     SERIES(prepare_change),
     .summary = "relative change since k rows before",
     .details = WINDOW_ORDER_RULE
     "x divided by the value k rows before, less 1; missing where either is missing or the earlier "
     "one is 0. (pandas 1.5 first fills missing values forward, and gives inf for 0.) New columns "
     "are named x_pct1.",
     .args = difference_args,
     .example = {.program = "pct_change x",
                 .input = "x\n4\n5\n0\n3\n",
                 .output = "x,x_pct1\n4,\n5,0.25\n0,-1\n3,\n"}},
    {0},
};
