/* Whole series at other times or as lists: ts_resample, ts_group. */
#include "prep/whole.h"
#include "steps/calendar.h"
#include "steps/steps.h"

#include <math.h>
#include <stdlib.h>

enum { AGG_MEAN, AGG_SUM, AGG_MIN, AGG_MAX, AGG_FIRST, AGG_LAST, AGG_COUNT, AGG_MEDIAN, AGG_STD };
#define AGGS "mean sum min max first last count median std"

static double sum_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

static double deviation(const double *x, size_t n)
{
    double mean = sum_of(x, n) / (double)n, squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    return n < 2 ? (double)NAN : sqrt(squares / (double)(n - 1));
}

static double extreme(const double *x, size_t n, bool largest)
{
    double best = x[0];
    for (size_t i = 1; i < n; i++)
        best = (largest ? x[i] > best : x[i] < best) ? x[i] : best;
    return best;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of the n values, none missing; they may be put in another order. As pandas: nothing sums to 0. */
static double aggregate(double *x, size_t n, int agg)
{
    if (agg == AGG_COUNT)
        return (double)n;
    if (n == 0)
        return agg == AGG_SUM ? 0 : (double)NAN;
    switch (agg) {
    case AGG_SUM:
        return sum_of(x, n);
    case AGG_MIN:
    case AGG_MAX:
        return extreme(x, n, agg == AGG_MAX);
    case AGG_FIRST:
        return x[0];
    case AGG_LAST:
        return x[n - 1];
    case AGG_MEDIAN:
        qsort(x, n, sizeof *x, by_value);
        return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
    case AGG_STD:
        return deviation(x, n);
    default:
        return sum_of(x, n) / (double)n;
    }
}

enum { ROWS_MAX = 50000000 }; /* of one series: a wrong date makes no endless one */

struct grid {
    struct interval every;
    struct zone *zone;
};

static int prepare_resample(struct step *s, struct error *e)
{
    struct grid *grid = arena_zero(&s->arena, sizeof *grid);
    whole_set_own(s, grid);
    whole_result(s, "%s", "");
    int rc = interval_argument(s, "every", &grid->every, e);
    return rc ? rc : zone_argument(s, &grid->zone, e);
}

static void close_resample(struct step *s)
{
    const struct grid *grid = whole_own(s);
    if (grid)
        zone_free(grid->zone);
    whole_close(s);
}

static int bad_grid(struct error *e)
{
    return error_set(e, ERR_DATA,
                     "ts_resample: a series of more than %d rows, or beyond the year 9999",
                     ROWS_MAX);
}

/* Values of rows [from, to) of a column that are not missing. */
static size_t gather(const double *values, size_t from, size_t to, double *out)
{
    size_t n = 0;
    for (size_t r = from; r < to; r++)
        if (!isnan(values[r]))
            out[n++] = values[r];
    return n;
}

static int make_down(const struct step *s, const struct whole *series, struct whole_rows *out,
                     struct error *e)
{
    const struct grid *grid = whole_own(s);
    int agg = arg_choice(s, "agg"), rc = 0;
    double *bucket = mem_array(NULL, series->times.len, sizeof *bucket);
    usec floor, next = series->times.at[0];
    size_t row = 0;
    for (size_t made = 0; rc == 0 && row < series->times.len; made++) {
        size_t from = row;
        if (made == ROWS_MAX || !interval_around(grid->zone, next, grid->every, &floor, &next))
            rc = bad_grid(e);
        while (row < series->times.len && series->times.at[row] < next)
            row++;
        whole_row(out, floor);
        for (size_t i = 0; i < series->columns; i++)
            whole_put(out, aggregate(bucket, gather(series->values[i].at, from, row, bucket), agg));
    }
    mem_free(bucket);
    return rc;
}

/* The value at a time between rows `left` and the one behind it, as far as they have values. */
static double between(const struct whole *series, size_t i, size_t left, usec at, bool linear)
{
    const usec *t = series->times.at;
    const double *x = series->values[i].at;
    if (t[left] == at || !linear)
        return x[left];
    double share = (double)(at - t[left]) / (double)(t[left + 1] - t[left]);
    return x[left] + share * (x[left + 1] - x[left]);
}

static int make_up(const struct step *s, const struct whole *series, struct whole_rows *out,
                   struct error *e)
{
    const struct grid *grid = whole_own(s);
    bool linear = arg_choice(s, "fill") == 0;
    const usec *t = series->times.at;
    size_t n = series->times.len, left = 0;
    usec at, next = t[0];
    if (!interval_around(grid->zone, t[0], grid->every, &at, &next))
        return bad_grid(e);
    at = at < t[0] ? next : at;
    for (size_t made = 0; at <= t[n - 1]; made++) {
        while (left + 1 < n && t[left + 1] <= at)
            left++;
        whole_row(out, at);
        for (size_t i = 0; i < series->columns; i++)
            whole_put(out, between(series, i, left, at, linear));
        usec floor;
        if (made == ROWS_MAX || !interval_around(grid->zone, at, grid->every, &floor, &next))
            return bad_grid(e);
        at = next;
    }
    return 0;
}

static int make_resampled(const struct step *s, const struct whole *series, struct whole_rows *out,
                          struct error *e)
{
    return arg_choice(s, "to") == 0 ? make_down(s, series, out, e) : make_up(s, series, out, e);
}

static int prepare_group(struct step *s, struct error *e)
{
    (void)e;
    whole_result(s, "%s", "");
    return 0;
}

static int make_group(const struct step *s, const struct whole *series, struct whole_rows *out,
                      struct error *e)
{
    (void)s, (void)e;
    struct buf list = {0};
    whole_row(out, INT_MISSING);
    for (size_t i = 0; i < series->columns; i++) {
        list.len = 0;
        buf_putc(&list, '[');
        for (size_t r = 0; r < series->times.len; r++) {
            if (r > 0)
                buf_putc(&list, ',');
            json_put_double(&list, series->values[i].at[r]);
        }
        buf_putc(&list, ']');
        whole_put_text(out, (struct text){list.at, list.len});
    }
    buf_release(&list);
    return 0;
}

static const struct arg resample_args[] = {
    ROWWISE_COLUMNS("columns of numbers"),
    {.name = "every",
     .kind = ARG_TEXT,
     .required = true,
     .help = "15m, hour, day, week, month ..."},
    {.name = "to", .kind = ARG_METHOD, .fallback = "down", .help = "fewer or more rows"},
    {.name = "agg",
     .kind = ARG_CHOICE,
     .fallback = "mean",
     .choices = AGGS,
     .help = "of the values in each interval, for to=down"},
    {.name = "fill",
     .kind = ARG_CHOICE,
     .fallback = "linear",
     .choices = "linear forward",
     .help = "between two rows, for to=up"},
    ZONE_ARG("on whose clock days and months begin (default: UTC)"),
    WINDOW_BY,
    WINDOW_ORDER,
    {0}};
static const struct arg group_args[] = {
    ROWWISE_COLUMNS("columns of numbers"), WINDOW_BY, WINDOW_ORDER, {0}};

static const struct method resample_methods[] = {
    {"down",
     "W",
     "a statistic of the rows in each interval",
     {.program = "ts_resample x every=day order=t agg=sum",
      .input = "t,x\n2024-05-01T08:00:00Z,1\n2024-05-01T20:00:00Z,2\n2024-05-03,4\n",
      .output = "t,x\n2024-05-01T00:00:00Z,3\n2024-05-02T00:00:00Z,0\n2024-05-03T00:00:00Z,4\n"}},
    {"up",
     "W",
     "values between the rows",
     {.program = "ts_resample x every=6h order=t to=up",
      .input = "t,x\n2024-05-01,1\n2024-05-02,5\n",
      .output = "t,x\n2024-05-01T00:00:00Z,1\n2024-05-01T06:00:00Z,2\n2024-05-01T12:00:00Z,3\n"
                "2024-05-01T18:00:00Z,4\n2024-05-02T00:00:00Z,5\n"}},
    {0},
};

const struct step_kind steps_timeseries_resample[] = {
    {.name = "ts_group",
     .family = "timeseries",
     .class = "W",
     .summary = "one row per series, its values as a list",
     .details =
         WHOLE_RULE "The result has the columns of by= and the selected ones, as JSON lists.",
     .args = group_args,
     .example = {.program = "ts_group x by=g",
                 .input = "g,x\na,1\na,2.5\na,\nb,3\n",
                 .output = "g,x\na,\"[1,2.5,null]\"\nb,[3]\n"},
     WHOLE_HOOKS,
     .detail = &(
         const struct whole_kind){.prepare = prepare_group, .make = make_group, .type = TYPE_JSON}},
    {.name = "ts_resample",
     .aliases = "resample",
     .family = "timeseries",
     .class = "W",
     .summary = "rows at equal distances: statistics of intervals, or values in between",
     .details = WHOLE_RULE
     "The result has the columns of by=, the times and the selected columns. to=down gives a row "
     "for every interval from the first to the last, named by its start, also the empty ones "
     "(missing; sum and count 0), as pandas. to=up gives the values at the multiples of every "
     "within the series: on the line between the two rows around (missing when either is), or "
     "the earlier one's with fill=forward.",
     .args = resample_args,
     .methods = resample_methods,
     .example = {.program = "ts_resample x every=month by=g order=t",
                 .input = "g,t,x\na,2024-01-05,1\na,2024-01-20,3\nb,2024-01-01,7\nb,2024-02-01,8\n",
                 .output = "g,t,x\na,2024-01-01T00:00:00Z,2\nb,2024-01-01T00:00:00Z,7\n"
                           "b,2024-02-01T00:00:00Z,8\n"},
     .open = whole_open,
     .close = close_resample,
     .shape = whole_shape,
     .start = whole_start,
     .push = whole_push,
     .flush = whole_flush,
     .stop = whole_stop,
     .ordered = true,
     .detail = &(const struct whole_kind){.times = true,
                                          .prepare = prepare_resample,
                                          .make = make_resampled,
                                          .type = TYPE_FLOAT}},
    {0},
};
