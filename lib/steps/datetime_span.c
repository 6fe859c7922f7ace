/* Steps that measure between times, and date_range, which makes them. */
#include "prep/lower.h"
#include "steps/calendar.h"
#include "steps/steps.h"

#include <math.h>

struct ruler {
    struct zone *zone;
    double unit;    /* microseconds; 0: whole months */
    int64_t months; /* to divide those by */
    usec origin;    /* elapsed_since */
};

static void ruler_free(void *own)
{
    struct ruler *r = own;
    zone_free(r->zone);
    mem_free(r);
}

/* In the order of UNITS. */
static const struct {
    double length;
    int64_t months;
} rulers[] = {
    {0, 12},     {0, 3},    {0, 1},   {7 * 86400e6, 0}, {86400e6, 0},
    {3600e6, 0}, {60e6, 0}, {1e6, 0}, {1e3, 0},
};
#define UNITS "year quarter month week day hour minute second milli"

static int ruler_new(struct step *s, struct error *e)
{
    struct ruler *r = mem_alloc(sizeof *r);
    rowwise_plan(s)->own = r;
    int unit = arg_choice(s, "unit");
    r->unit = rulers[unit].length;
    r->months = rulers[unit].months;
    return zone_argument(s, &r->zone, e);
}

static double measure(const struct ruler *r, usec a, usec b)
{
    if (a == INT_MISSING || b == INT_MISSING)
        return (double)NAN;
    if (r->unit > 0)
        return (double)(a - b) / r->unit;
    usec x = clock_of(r->zone, a), y = clock_of(r->zone, b);
    int64_t whole = interval_months(x, y) / r->months;
    return (double)whole;
}

static uint32_t lower_measure(struct lowering *l, const struct ruler *r, uint32_t a, uint32_t b)
{
    if (r->unit > 0)
        return lower_op(l, ML_OP_span_between, a, b, lower_float(l, r->unit));
    struct interval unit = {.months = r->months};
    uint32_t whole = lower_op(l, ML_OP_whole_between, lower_clock(l, r->zone, a),
                              lower_clock(l, r->zone, b), lower_interval(l, unit));
    return lower_op(l, ML_OP_float_of_int, whole, 0, 0);
}

/* The two columns of a step that compares them, and how the result is called without into=. */
static int name_pair(struct step *s, const char *between, struct error *e)
{
    if (s->column_count != 2)
        return step_error(s, e, "select two columns of times: the later, then the earlier");
    if (!arg_given(s, "into"))
        rowwise_part(s, "%s_%s_%s", s->names[0], between, s->names[1]);
    return 0;
}

static int prepare_diff(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    int rc = ruler_new(s, e);
    return rc ? rc : name_pair(s, "minus", e);
}

static int subtract_times(struct mapping *m)
{
    for (size_t r = 0; r < m->rows; r++)
        m->out->number[r] = measure(m->own, m->in[0].time[r], m->in[1].time[r]);
    return 0;
}

static int lower_subtract(struct lower_map *m)
{
    m->out[0] = lower_measure(m->to, m->own, m->in[0], m->in[1]);
    return 0;
}

static int prepare_elapsed(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    int rc = ruler_new(s, e);
    struct ruler *r = rowwise_plan(s)->own;
    struct text at = arg_text(s, "at");
    bool has_offset;
    if (rc)
        return rc;
    if (text_equal(at, TEXT_LITERAL("now"))) {
        r->origin = s->context->expr.now;
        return 0;
    }
    if (!time_parse(at.at, at.len, &r->origin, &has_offset))
        return step_error(s, e, "at: expected a date or an RFC 3339 time");
    if (!has_offset && r->zone)
        r->origin = zone_to_utc(r->zone, r->origin);
    else if (!has_offset && at.len > 10)
        return step_error(s, e, "at: the time needs an offset, or give zone=");
    return 0;
}

static int elapsed(struct mapping *m)
{
    const struct ruler *ruler = m->own;
    for (size_t r = 0; r < m->rows; r++)
        m->out->number[r] = measure(ruler, m->in->time[r], ruler->origin);
    return 0;
}

static int lower_elapsed(struct lower_map *m)
{
    const struct ruler *r = m->own;
    if (text_equal(arg_text(m->step, "at"), TEXT_LITERAL("now")))
        return lower_refuse(m->error, "at=now depends on the run");
    uint32_t origin = lower_op(m->to, ML_OP_set_time, lower_int(m->to, r->origin), 0, 0);
    m->out[0] = lower_measure(m->to, r, m->in[0], origin);
    return 0;
}

struct working_days {
    struct zone *zone;
    struct days_off off; /* none of them at a weekend */
};

static void working_days_free(void *own)
{
    struct working_days *w = own;
    zone_free(w->zone);
    vec_release(&w->off.days);
    mem_free(w);
}

static int prepare_business(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct working_days *w = mem_alloc(sizeof *w);
    rowwise_plan(s)->own = w;
    int rc = days_off_read(s, &w->off, e);
    size_t kept = 0;
    for (size_t i = 0; i < w->off.days.len; i++)
        if (weekday_of_day(w->off.days.at[i]) < 5)
            w->off.days.at[kept++] = w->off.days.at[i];
    w->off.days.len = kept;
    if (rc == 0)
        rc = zone_argument(s, &w->zone, e);
    return rc ? rc : name_pair(s, "business_days", e);
}

/* Mondays to Fridays earlier than `day`, counted from a Monday long ago. */
static int64_t workdays_before(int64_t day)
{
    enum { MONDAY = -719162 - 7 }; /* the week before 0001-01-01, a Monday itself */
    int64_t days = day - MONDAY, rest = days % 7;
    return days / 7 * 5 + (rest < 5 ? rest : 5);
}

static int64_t working_between(const struct working_days *w, int64_t from, int64_t to)
{
    int64_t days = workdays_before(to) - workdays_before(from);
    return days - (int64_t)days_off_before(&w->off, to) + (int64_t)days_off_before(&w->off, from);
}

static int count_business(struct mapping *m)
{
    const struct working_days *w = m->own;
    for (size_t r = 0; r < m->rows; r++) {
        usec from = m->in[0].time[r], to = m->in[1].time[r];
        m->out->integer[r] = INT_MISSING;
        if (from == INT_MISSING || to == INT_MISSING)
            continue;
        m->out->integer[r] = working_between(w, day_of_usec(clock_of(w->zone, from)),
                                             day_of_usec(clock_of(w->zone, to)));
    }
    return 0;
}

static int lower_business(struct lower_map *m)
{
    const struct working_days *w = m->own;
    struct lowering *l = m->to;
    uint32_t days[2];
    for (size_t i = 0; i < 2; i++)
        days[i] = lower_op(l, ML_OP_part, lower_clock(l, w->zone, m->in[i]), ML_EPOCH_DAY, 0);
    uint32_t off = lower_range_int(l, w->off.days.at, w->off.days.len);
    m->out[0] = lower_op(l, ML_OP_workdays, days[0], days[1], off);
    return 0;
}

struct range_plan {
    struct interval every;
    usec start;
    const char *added;
};

static int range_open(struct step *s, const struct schema *in, struct error *e)
{
    struct range_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    struct text start = arg_text(s, "start");
    bool has_offset;
    plan->added = arg_string(s, "into");
    if (!time_parse(start.at, start.len, &plan->start, &has_offset) ||
        (!has_offset && start.len > 10))
        return step_error(s, e, "start: expected a date, or an RFC 3339 time with an offset");
    int rc = interval_argument(s, "every", &plan->every, e);
    return rc ? rc : step_new_name(s, in, text_of(plan->added), e);
}

static int range_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    schema_add(schema, text_of(((const struct range_plan *)s->plan)->added), TYPE_TIME);
    return 0;
}

static int range_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(int64_t)); /* rows so far */
    return 0;
}

static void range_stop(struct step *s)
{
    mem_free(s->run);
    s->run = NULL;
}

static int range_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct range_plan *plan = s->plan;
    int64_t *seen = s->run;
    usec *times = batch_array(b, b->rows, sizeof *times);
    for (size_t r = 0; r < b->rows; r++)
        if (!interval_add(NULL, plan->start, plan->every, (*seen)++, &times[r])) {
            batch_free(b);
            return error_set(e, ERR_DATA, "date_range: row %lld is beyond the year 9999",
                             (long long)*seen);
        }
    batch_add(b, column_of_time(times));
    return emit(out, b, e);
}

#define UNIT                                                                                       \
    {                                                                                              \
        .name = "unit", .kind = ARG_CHOICE, .fallback = "day", .choices = UNITS,                   \
        .help = "what is counted; fractions of it, but whole months, quarters, years"              \
    }
#define ZONE ZONE_ARG("on whose clock days and months are counted (default: UTC)")

static const struct arg diff_args[] = {
    ROWWISE_COLUMNS("two columns of times: the later, then the earlier"),
    UNIT,
    ZONE,
    ROWWISE_INTO,
    {0}};
static const struct arg elapsed_args[] = {ROWWISE_COLUMNS("columns of times"),
                                          {.name = "at",
                                           .kind = ARG_TEXT,
                                           .required = true,
                                           .help = "a date, a time with an offset, or now"},
                                          UNIT,
                                          ZONE,
                                          ROWWISE_INTO,
                                          ROWWISE_SUFFIX,
                                          {0}};
static const struct arg business_args[] = {
    ROWWISE_COLUMNS("two columns of times: from (counted), to (not counted)"),
    {.name = "dates", .kind = ARG_LIST, .help = "days off: 2024-12-25,2024-12-26"},
    {.name = "file", .kind = ARG_FILE, .help = "file with such a date at the start of each line"},
    ZONE,
    ROWWISE_INTO,
    {0}};
static const struct arg range_args[] = {
    {.name = "into",
     .kind = ARG_NAME,
     .positional = true,
     .required = true,
     .help = "name of the new column"},
    {.name = "start", .kind = ARG_TEXT, .required = true, .help = "time of the first row"},
    {.name = "every",
     .kind = ARG_TEXT,
     .fallback = "day",
     .help = "15m, day, month, '2 weeks' ..."},
    {0}};

#define DATETIME .family = "datetime", .class = "S"
#define MAP(TO, PREPARE, KERNEL, RELEASE, ...)                                                     \
    ROWWISE_MAP(.from = TYPE_TIME, .to = TO, .prepare = PREPARE, .column = KERNEL,                 \
                .release = RELEASE, __VA_ARGS__)

const struct step_kind steps_datetime_span[] = {
    {.name = "business_days",
     DATETIME,
     ROWWISE_HOOKS,
     .summary = "days from Monday to Friday between two dates, without holidays",
     .details =
         "Counts the first date and not the last, as numpy's busday_count; negative when the "
         "second is earlier. The new column is named from_business_days_to.",
     .args = business_args,
     .example = {.program = "business_days from,to dates=2024-12-25,2024-12-26 into=days",
                 .input = "from,to\n2024-12-23,2024-12-30\n2024-12-21,2024-12-23\n",
                 .output = "from,to,days\n2024-12-23,2024-12-30,3\n2024-12-21,2024-12-23,0\n"},
     MAP(TYPE_INT, prepare_business, count_business, working_days_free, .lower = lower_business,
         .several = true)},
    {.name = "date_diff",
     DATETIME,
     ROWWISE_HOOKS,
     .aliases = "datetime_subtract",
     .summary = "time from one column to another, in days, hours ...",
     .details =
         "The first column less the second. Weeks and shorter units give fractions, a day "
         "being 24 hours; months, quarters and years count whole ones, the last when its day "
         "and clock time are reached. The new column is named a_minus_b.",
     .args = diff_args,
     .example = {.program = "date_diff arrived,ordered unit=hour into=hours",
                 .input = "ordered,arrived\n2024-05-16,2024-05-17T06:30:00Z\n2024-05-16,\n",
                 .output = "ordered,arrived,hours\n2024-05-16,2024-05-17T06:30:00Z,30.5\n"
                           "2024-05-16,,\n"},
     MAP(TYPE_FLOAT, prepare_diff, subtract_times, ruler_free, .lower = lower_subtract,
         .several = true)},
    {.name = "date_range",
     DATETIME,
     .summary = "add a column of times at equal distances, one a row",
     .details =
         "Row n of the stream gets start plus n - 1 times every. A month after January 31 is "
         "the last of February, two months after it March 31.",
     .args = range_args,
     .example = {.program = "date_range day start=2024-01-31 every=month",
                 .input = "x\n1\n2\n3\n",
                 .output = "x,day\n1,2024-01-31T00:00:00Z\n2,2024-02-29T00:00:00Z\n"
                           "3,2024-03-31T00:00:00Z\n"},
     .open = range_open,
     .shape = range_shape,
     .start = range_start,
     .stop = range_stop,
     .push = range_push,
     .ordered = true},
    {.name = "elapsed_since",
     DATETIME,
     ROWWISE_HOOKS,
     .summary = "time since a fixed moment, in days, hours ...",
     .details = "Negative before it. at=now is the start of the run (--now sets it). Units as in "
                "date_diff. New columns are named t_elapsed.",
     .args = elapsed_args,
     .example = {.program = "elapsed_since t at=2024-01-01 unit=week",
                 .input = "t\n2024-01-15\n2023-12-25\n",
                 .output = "t,t_elapsed\n2024-01-15,2\n2023-12-25,-1\n"},
     MAP(TYPE_FLOAT, prepare_elapsed, elapsed, ruler_free, .lower = lower_elapsed,
         .suffix = "_elapsed")},
    {0},
};
