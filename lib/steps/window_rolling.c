/* The step rolling: a statistic of the last rows, or of the last hours or days. */
#include "prep/rowwise.h"
#include "prep/window.h"
#include "steps/moving.h"
#include "steps/steps.h"

static int set_window(struct step *s, struct moving_options *o, struct error *e)
{
    const struct ordering *order = series_ordering(s);
    struct text window = arg_text(s, "window");
    double unused;
    if (number_parse(window.at, window.len, &o->rows, &unused) == NUMBER_INT) {
        if (o->rows < 1 || o->rows > 1000000)
            return step_error(s, e, "window must be 1 to 1000000 rows, or a duration");
        return 0;
    }
    if (!duration_parse(window.at, window.len, &o->span) || o->span <= 0)
        return step_error(s, e, "window must be a number of rows or a duration such as 7d");
    if (order->column == FIELD_NONE || order->type != TYPE_TIME)
        return step_error(s, e, "a window of time needs order= with a column of times");
    return 0;
}

static double rolling_next(const void *own, void *state, double x, usec at)
{
    return moving_next(state, own, x, at);
}

static void rolling_release(void *state)
{
    moving_release(state);
}

static const struct series rolling_series = {sizeof(struct moving), rolling_next, rolling_release};

static int prepare_rolling(struct step *s, struct error *e)
{
    struct moving_options *o = arena_zero(&s->arena, sizeof *o);
    o->kind = (enum moving_kind)arg_choice(s, "with");
    o->least = arg_int(s, "min_rows");
    o->current = arg_bool(s, "current");
    o->quantile = arg_number(s, "q");
    series_result(s, &rolling_series, o, "_%s%s", arg_string(s, "with"), arg_string(s, "window"));
    return set_window(s, o, e);
}

static const struct arg rolling_args[] = {
    ROWWISE_COLUMNS("columns of numbers"),
    {.name = "with", .kind = ARG_METHOD, .fallback = "mean", .help = "statistic"},
    {.name = "window",
     .kind = ARG_TEXT,
     .required = true,
     .help = "rows, or a duration (7d, 12h) before the time in order="},
    {.name = "current",
     .kind = ARG_BOOL,
     .fallback = "true",
     .help = "the current row is in its own window"},
    {.name = "min_rows",
     .kind = ARG_INT,
     .fallback = "1",
     .min = 1,
     .max = 1e6,
     .help = "values there must be, else the result is missing"},
    {.name = "q",
     .kind = ARG_NUMBER,
     .fallback = "0.5",
     .min = 0,
     .max = 1,
     .help = "which quantile, for with=quantile"},
    WINDOW_BY,
    WINDOW_ORDER,
    ROWWISE_INTO,
    WINDOW_SUFFIX,
    {0},
};

#define UP_DOWN "x\n1\n3\n2\n6\n"
/* In the order of enum moving_kind. */
static const struct method rolling_methods[] = {
    {"mean",
     "W",
     "mean",
     {.program = "rolling x window=2",
      .input = UP_DOWN,
      .output = "x,x_mean2\n1,1\n3,2\n2,2.5\n6,4\n"}},
    {"sum",
     "W",
     "sum",
     {.program = "rolling x with=sum window=2",
      .input = UP_DOWN,
      .output = "x,x_sum2\n1,1\n3,4\n2,5\n6,8\n"}},
    {"min",
     "W",
     "smallest value",
     {.program = "rolling x with=min window=2",
      .input = UP_DOWN,
      .output = "x,x_min2\n1,1\n3,1\n2,2\n6,2\n"}},
    {"max",
     "W",
     "largest value",
     {.program = "rolling x with=max window=2",
      .input = UP_DOWN,
      .output = "x,x_max2\n1,1\n3,3\n2,3\n6,6\n"}},
    {"std",
     "W",
     "sample standard deviation",
     {.program = "rolling x with=std window=3",
      .input = "x\n1\n3\n5\n",
      .output = "x,x_std3\n1,\n3,1.4142135623730951\n5,2\n"}},
    {"var",
     "W",
     "sample variance",
     {.program = "rolling x with=var window=3",
      .input = "x\n1\n3\n5\n",
      .output = "x,x_var3\n1,\n3,2\n5,4\n"}},
    {"median",
     "W",
     "median",
     {.program = "rolling x with=median window=3",
      .input = UP_DOWN,
      .output = "x,x_median3\n1,1\n3,2\n2,2\n6,3\n"}},
    {"quantile",
     "W",
     "quantile q, type 7",
     {.program = "rolling x with=quantile q=0.25 window=3",
      .input = UP_DOWN,
      .output = "x,x_quantile3\n1,1\n3,1.5\n2,1.5\n6,2.5\n"}},
    {"skew",
     "W",
     "skewness, corrected for bias",
     {.program = "rolling x with=skew window=3",
      .input = "x\n1\n2\n6\n",
      .output = "x,x_skew3\n1,\n2,\n6,1.457862967321305\n"}},
    {"count",
     "W",
     "values that are not missing",
     {.program = "rolling x with=count window=2",
      .input = "x\n1\n\n2\n",
      .output = "x,x_count2\n1,1\n,1\n2,1\n"}},
    {0},
};

const struct step_kind steps_window_rolling[] = {
    {.name = "rolling",
     .aliases = "rolling_window sliding",
     .family = "window",
     .class = "W",
     .summary = "statistic of the last rows: mean, sum, extremes, deviation, quantiles",
     .details = WINDOW_ORDER_RULE
     "The window holds the current row, as in pandas; with current=false it ends before it, as "
     "in Data Wrangler. A window of n rows counts rows with missing values, which the statistic "
     "passes over; a window of time holds what is later than the current time less the duration "
     "(with current=false: not earlier). Results come from the first row on, of the rows there "
     "are; pandas waits for a full window: min_rows=n does so. Sums are exact, so nothing "
     "drifts. New columns are named x_mean7.",
     .args = rolling_args,
     .methods = rolling_methods,
     .example = {.program = "rolling delay with=mean window=2 by=origin order=date",
                 .input = "date,origin,delay\n1,ORD,10\n1,ATL,5\n2,ORD,20\n3,ORD,60\n",
                 .output = "date,origin,delay,delay_mean2\n1,ORD,10,10\n1,ATL,5,5\n2,ORD,20,15\n"
                           "3,ORD,60,40\n"},
     SERIES_HOOKS,
     .detail = &(const struct series_kind){prepare_rolling}},
    {0},
};
