/* Time series as they stream: lags, moving statistics, differences. */
#include "prep/delay.h"
#include "prep/rowwise.h"
#include "steps/moving.h"
#include "steps/steps.h"

#include <math.h>

/* Item `i` of a list argument as a number of rows. */
static int read_rows(struct step *s, const char *name, struct text item, size_t *rows,
                     struct error *e)
{
    int64_t n;
    double unused;
    char quoted[QUOTE_MAX];
    if (number_parse(item.at, item.len, &n, &unused) == NUMBER_INT && n >= 1 && n <= 1000000) {
        *rows = (size_t)n;
        return 0;
    }
    return step_error(s, e, "%s: %s is not a number of rows from 1 to 1000000", name,
                      quote(quoted, item.at, item.len));
}

static int prepare_lags(struct step *s, struct error *e)
{
    struct text *items;
    size_t count = arg_list(s, "lags", &items);
    size_t *lags = arena_alloc(&s->arena, (count + 1) * sizeof *lags);
    for (size_t i = 0; i < count; i++) {
        int rc = read_rows(s, "lags", items[i], &lags[i], e);
        if (rc)
            return rc;
        series_result(s, &delay_series, &lags[i], "_lag%zu", lags[i]);
    }
    return count > 0 ? 0 : step_error(s, e, "lags: expected a list such as 1,7,28");
}

static double moving_result(const void *own, void *state, double x, usec at)
{
    return moving_next(state, own, x, at);
}

static void moving_forget(void *state)
{
    moving_release(state);
}

static const struct series moving_series = {sizeof(struct moving), moving_result, moving_forget};

static bool moving_named(struct text name, enum moving_kind *kind)
{
    static const struct {
        const char *name;
        enum moving_kind kind;
    } known[] = {{"mean", MOVING_MEAN}, {"sum", MOVING_SUM},       {"min", MOVING_MIN},
                 {"max", MOVING_MAX},   {"std", MOVING_STD},       {"var", MOVING_VAR},
                 {"skew", MOVING_SKEW}, {"median", MOVING_MEDIAN}, {"count", MOVING_COUNT}};
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (text_equal(name, text_of(known[i].name))) {
            *kind = known[i].kind;
            return true;
        }
    return false;
}

static int add_moving(struct step *s, struct text window, struct text statistic, struct error *e)
{
    struct moving_options *o = arena_zero(&s->arena, sizeof *o);
    size_t rows = 0;
    int rc = read_rows(s, "windows", window, &rows, e);
    if (rc)
        return rc;
    o->rows = (int64_t)rows;
    o->least = arg_int(s, "min_rows");
    o->current = arg_bool(s, "current");
    if (!moving_named(statistic, &o->kind))
        return step_error(s, e,
                          "stats: expected some of mean,sum,min,max,std,var,median,skew,count");
    series_result(s, &moving_series, o, "_%.*s%zu", (int)statistic.len, statistic.at, rows);
    return 0;
}

static int prepare_moving(struct step *s, struct error *e)
{
    struct text *windows, *statistics;
    size_t window_count = arg_list(s, "windows", &windows);
    size_t statistic_count = arg_list(s, "stats", &statistics);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < window_count * statistic_count; i++)
        rc = add_moving(s, windows[i / statistic_count], statistics[i % statistic_count], e);
    return rc;
}

enum { ORDER_MAX = 8 };

/* The last value of the series and of each of its differences. */
struct differences {
    double last[ORDER_MAX];
    size_t seen;
};

static double difference_again(const void *own, void *state, double x, usec at)
{
    (void)at;
    struct differences *d = state;
    size_t order = *(const size_t *)own;
    for (size_t i = 0; i < order; i++) {
        double before = i < d->seen ? d->last[i] : (double)NAN;
        d->last[i] = x;
        x -= before;
    }
    d->seen += d->seen < order;
    return x;
}

static const struct series repeated_series = {sizeof(struct differences), difference_again, NULL};

static const size_t *size_argument(struct step *s, const char *name)
{
    size_t *size = arena_alloc(&s->arena, sizeof *size);
    *size = (size_t)arg_int(s, name);
    return size;
}

static int prepare_differences(struct step *s, struct error *e)
{
    (void)e;
    const size_t *order = size_argument(s, "times");
    series_result(s, &repeated_series, order, "_d%zu", *order);
    return 0;
}

static int prepare_seasonal(struct step *s, struct error *e)
{
    (void)e;
    const size_t *period = size_argument(s, "period");
    series_result(s, &difference_series, period, "_seasonal%zu", *period);
    return 0;
}

#define NUMBERS ROWWISE_COLUMNS("columns of numbers")

static const struct arg lag_args[] = {
    NUMBERS,
    {.name = "lags", .kind = ARG_LIST, .fallback = "1,2,3", .help = "rows to look back"},
    WINDOW_BY,
    WINDOW_ORDER,
    {0}};
static const struct arg moving_args[] = {
    NUMBERS,
    {.name = "windows", .kind = ARG_LIST, .fallback = "7,28", .help = "rows of each window"},
    {.name = "stats",
     .kind = ARG_LIST,
     .fallback = "mean,std,min,max",
     .help = "some of mean,sum,min,max,std,var,median,skew,count"},
    {.name = "current",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "the current row is in its own window"},
    {.name = "min_rows",
     .kind = ARG_INT,
     .fallback = "1",
     .min = 1,
     .max = 1e6,
     .help = "values there must be, else the result is missing"},
    WINDOW_BY,
    WINDOW_ORDER,
    {0}};
static const struct arg difference_args[] = {NUMBERS,
                                             {.name = "times",
                                              .kind = ARG_INT,
                                              .fallback = "1",
                                              .min = 1,
                                              .max = ORDER_MAX,
                                              .help = "how often the difference is taken"},
                                             WINDOW_BY,
                                             WINDOW_ORDER,
                                             ROWWISE_INTO,
                                             WINDOW_SUFFIX,
                                             {0}};
static const struct arg seasonal_args[] = {NUMBERS,
                                           {.name = "period",
                                            .kind = ARG_INT,
                                            .required = true,
                                            .min = 1,
                                            .max = 1e6,
                                            .help = "rows in a season"},
                                           WINDOW_BY,
                                           WINDOW_ORDER,
                                           ROWWISE_INTO,
                                           WINDOW_SUFFIX,
                                           {0}};

#define TIMESERIES(PREPARE)                                                                        \
    .family = "timeseries", .class = "W", SERIES_HOOKS, .detail = &(const struct series_kind)      \
    {                                                                                              \
        PREPARE                                                                                    \
    }

const struct step_kind steps_timeseries[] = {
    {.name = "ts_difference",
     TIMESERIES(prepare_differences),
     .summary = "differences of consecutive values, taken once or several times",
     .details =
         WINDOW_ORDER_RULE "The first values of a series have none. New columns are named x_d1.",
     .args = difference_args,
     .example = {.program = "ts_difference x times=2",
                 .input = "x\n1\n4\n9\n16\n",
                 .output = "x,x_d2\n1,\n4,\n9,2\n16,2\n"}},
    {.name = "ts_lag_features",
     TIMESERIES(prepare_lags),
     .summary = "earlier values of the series as columns",
     .details = WINDOW_ORDER_RULE
     "Missing where there is no history: drop_missing removes such rows. New columns are named "
     "x_lag1.",
     .args = lag_args,
     .example = {.program = "ts_lag_features x lags=1,2 by=g",
                 .input = "g,x\na,1\na,2\nb,7\na,3\n",
                 .output = "g,x,x_lag1,x_lag2\na,1,,\na,2,1,\nb,7,,\na,3,2,1\n"}},
    {.name = "ts_rolling_features",
     TIMESERIES(prepare_moving),
     .summary = "several statistics over several windows of the past",
     .details = WINDOW_ORDER_RULE
     "As rolling, for each window and statistic, but without the current row unless "
     "current=true, as in Data Wrangler: features of what was known before. New columns are "
     "named x_mean7.",
     .args = moving_args,
     .example = {.program = "ts_rolling_features x windows=2 stats=mean,max",
                 .input = "x\n1\n3\n2\n6\n",
                 .output = "x,x_mean2,x_max2\n1,,\n3,1,1\n2,2,3\n6,2.5,3\n"}},
    {.name = "ts_seasonal_difference",
     TIMESERIES(prepare_seasonal),
     .summary = "the value less that of the season before",
     .details = WINDOW_ORDER_RULE "New columns are named x_seasonal12.",
     .args = seasonal_args,
     .example = {.program = "ts_seasonal_difference x period=2",
                 .input = "x\n1\n10\n2\n12\n",
                 .output = "x,x_seasonal2\n1,\n10,\n2,1\n12,2\n"}},
    {0},
};
