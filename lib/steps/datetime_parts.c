/* Features of a time: its parts, as numbers or on a circle; weekends and holidays. */
#include "steps/calendar.h"
#include "steps/steps.h"

#include <math.h>

/* A moment on the clock of the step's zone. */
struct moment {
    struct civil c;
    int64_t day; /* since 1970-01-01 */
};

static int month_start(const struct moment *m)
{
    return m->c.day == 1;
}

static int month_end(const struct moment *m)
{
    return m->c.day == month_days(m->c.year, m->c.month);
}

static int part_year(const struct moment *m)
{
    return m->c.year;
}

static int part_semester(const struct moment *m)
{
    return m->c.month > 6 ? 2 : 1;
}

static int part_quarter(const struct moment *m)
{
    return (m->c.month - 1) / 3 + 1;
}

static int part_month(const struct moment *m)
{
    return m->c.month;
}

/* A week belongs to the year its Thursday is in (ISO 8601). */
static int part_week(const struct moment *m)
{
    int year, month, day;
    int64_t thursday = m->day + 3 - m->c.weekday;
    civil_from_days(thursday, &year, &month, &day);
    return (int)((thursday - civil_to_days(year, 1, 1)) / 7) + 1;
}

static int part_day(const struct moment *m)
{
    return m->c.day;
}

static int part_weekday(const struct moment *m)
{
    return m->c.weekday;
}

static int part_yearday(const struct moment *m)
{
    return m->c.yearday;
}

static int part_hour(const struct moment *m)
{
    return m->c.hour;
}

static int part_minute(const struct moment *m)
{
    return m->c.minute;
}

static int part_second(const struct moment *m)
{
    return m->c.second;
}

static int part_weekend(const struct moment *m)
{
    return m->c.weekday >= 5;
}

static int part_quarter_start(const struct moment *m)
{
    return month_start(m) && m->c.month % 3 == 1;
}

static int part_quarter_end(const struct moment *m)
{
    return month_end(m) && m->c.month % 3 == 0;
}

static int part_year_start(const struct moment *m)
{
    return m->c.yearday == 1;
}

static int part_year_end(const struct moment *m)
{
    return m->c.month == 12 && m->c.day == 31;
}

static int part_leap_year(const struct moment *m)
{
    return month_days(m->c.year, 2) == 29;
}

static int part_days_in_month(const struct moment *m)
{
    return month_days(m->c.year, m->c.month);
}

struct part {
    const char *name;
    int (*of)(const struct moment *m);
    int period; /* largest value, of those that go round; 0: others */
    bool from_zero;
    enum ml_part code; /* in row programs */
};

static const struct part parts[] = {
    {"year", part_year, 0, false, ML_YEAR},
    {"semester", part_semester, 2, false, ML_SEMESTER},
    {"quarter", part_quarter, 4, false, ML_QUARTER},
    {"month", part_month, 12, false, ML_MONTH},
    {"week", part_week, 53, false, ML_ISO_WEEK},
    {"day", part_day, 31, false, ML_DAY},
    {"day_of_week", part_weekday, 7, true, ML_WEEKDAY},
    {"day_of_year", part_yearday, 366, false, ML_YEARDAY},
    {"hour", part_hour, 24, true, ML_HOUR},
    {"minute", part_minute, 60, true, ML_MINUTE},
    {"second", part_second, 60, true, ML_SECOND},
    {"weekend", part_weekend, 0, false, ML_WEEKEND},
    {"month_start", month_start, 0, false, ML_MONTH_START},
    {"month_end", month_end, 0, false, ML_MONTH_END},
    {"quarter_start", part_quarter_start, 0, false, ML_QUARTER_START},
    {"quarter_end", part_quarter_end, 0, false, ML_QUARTER_END},
    {"year_start", part_year_start, 0, false, ML_YEAR_START},
    {"year_end", part_year_end, 0, false, ML_YEAR_END},
    {"leap_year", part_leap_year, 0, false, ML_LEAP_YEAR},
    {"days_in_month", part_days_in_month, 0, false, ML_DAYS_IN_MONTH},
};
#define PART_NAMES                                                                                 \
    "year semester quarter month week day day_of_week day_of_year hour minute second weekend "     \
    "month_start month_end quarter_start quarter_end year_start year_end leap_year days_in_month"

enum { PARTS_MAX = COUNT_OF(parts), PERIOD_MAX = 366 };

struct featurizer {
    struct zone *zone;
    size_t count;
    const struct part *parts[PARTS_MAX];
    double *sine[PARTS_MAX], *cosine[PARTS_MAX]; /* by value of the part, 0 to its period */
};

static void featurizer_free(void *own)
{
    struct featurizer *f = own;
    for (size_t i = 0; i < f->count; i++) {
        mem_free(f->sine[i]);
        mem_free(f->cosine[i]);
    }
    zone_free(f->zone);
    mem_free(f);
}

static const struct part *part_named(struct text name)
{
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (text_equal(name, text_of(parts[i].name)))
            return &parts[i];
    return NULL;
}

static int read_parts(struct step *s, struct featurizer *f, bool round, struct error *e)
{
    struct text *names;
    size_t count = arg_list(s, "parts", &names);
    char quoted[QUOTE_MAX];
    if (count == 0 || count > PARTS_MAX)
        return step_error(s, e, "parts: expected a list such as month,hour");
    for (size_t i = 0; i < count; i++) {
        const struct part *p = part_named(names[i]);
        if (!p || (round && p->period == 0))
            return step_error(s, e, "parts: %s %s", quote(quoted, names[i].at, names[i].len),
                              p ? "does not come round" : "is none of " PART_NAMES);
        f->parts[f->count++] = p;
    }
    return 0;
}

static int prepare_parts(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct featurizer *f = mem_alloc(sizeof *f);
    rowwise_plan(s)->own = f;
    int rc = read_parts(s, f, false, e);
    for (size_t i = 0; rc == 0 && i < f->count; i++)
        rowwise_part(s, "_%s", f->parts[i]->name);
    return rc ? rc : zone_argument(s, &f->zone, e);
}

/* Sine and cosine for every value a part can have, so that a row costs none. */
static void make_waves(struct featurizer *f, size_t i)
{
    const double turn = 6.28318530717958647692;
    int period = f->parts[i]->period;
    f->sine[i] = mem_array(NULL, (size_t)period + 1, sizeof(double));
    f->cosine[i] = mem_array(NULL, (size_t)period + 1, sizeof(double));
    for (int v = 0; v <= period; v++) {
        f->sine[i][v] = sin(turn * v / period);
        f->cosine[i][v] = cos(turn * v / period);
    }
}

static int prepare_cyclic(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct featurizer *f = mem_alloc(sizeof *f);
    rowwise_plan(s)->own = f;
    int rc = read_parts(s, f, true, e);
    for (size_t i = 0; rc == 0 && i < f->count; i++) {
        rowwise_part(s, "_%s_sin", f->parts[i]->name);
        rowwise_part(s, "_%s_cos", f->parts[i]->name);
        make_waves(f, i);
    }
    return rc ? rc : zone_argument(s, &f->zone, e);
}

static struct moment moment_of(const struct featurizer *f, usec t)
{
    struct moment m;
    usec local = clock_of(f->zone, t);
    civil_from_usec(local, &m.c);
    m.day = day_of_usec(local);
    return m;
}

static int split_times(struct mapping *m)
{
    const struct featurizer *f = m->own;
    for (size_t r = 0; r < m->rows; r++) {
        usec t = m->in->time[r];
        if (t == INT_MISSING) {
            for (size_t i = 0; i < f->count; i++)
                m->out[i].integer[r] = INT_MISSING;
            continue;
        }
        struct moment at = moment_of(f, t);
        for (size_t i = 0; i < f->count; i++)
            m->out[i].integer[r] = f->parts[i]->of(&at);
    }
    return 0;
}

static int turn_times(struct mapping *m)
{
    const struct featurizer *f = m->own;
    for (size_t r = 0; r < m->rows; r++) {
        usec t = m->in->time[r];
        if (t == INT_MISSING) {
            for (size_t i = 0; i < 2 * f->count; i++)
                m->out[i].number[r] = (double)NAN;
            continue;
        }
        struct moment at = moment_of(f, t);
        for (size_t i = 0; i < f->count; i++) {
            int value = f->parts[i]->of(&at);
            m->out[2 * i].number[r] = f->sine[i][value];
            m->out[2 * i + 1].number[r] = f->cosine[i][value];
        }
    }
    return 0;
}

static int lower_parts(struct lower_map *m)
{
    const struct featurizer *f = m->own;
    uint32_t clock = lower_clock(m->to, f->zone, m->in[0]);
    for (size_t i = 0; i < f->count; i++)
        m->out[i] = lower_op(m->to, ML_OP_part, clock, f->parts[i]->code, 0);
    return 0;
}

static int lower_cyclic(struct lower_map *m)
{
    const struct featurizer *f = m->own;
    struct lowering *l = m->to;
    uint32_t clock = lower_clock(l, f->zone, m->in[0]);
    for (size_t i = 0; i < f->count; i++) {
        uint32_t part = lower_op(l, ML_OP_part, clock, f->parts[i]->code, 0);
        size_t n = (size_t)f->parts[i]->period + 1;
        m->out[2 * i] = lower_op(l, ML_OP_look_float, part, lower_range(l, f->sine[i], n), 0);
        m->out[2 * i + 1] = lower_op(l, ML_OP_look_float, part, lower_range(l, f->cosine[i], n), 0);
    }
    return 0;
}

struct calendar_days {
    struct zone *zone;
    struct days_off off;
    unsigned weekend; /* bit per weekday, Monday first */
};

static void calendar_days_free(void *own)
{
    struct calendar_days *c = own;
    zone_free(c->zone);
    vec_release(&c->off.days);
    mem_free(c);
}

static int prepare_weekend(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    struct calendar_days *c = mem_alloc(sizeof *c);
    rowwise_plan(s)->own = c;
    struct text *days;
    size_t count = arg_list(s, "days", &days);
    for (size_t i = 0; i < count; i++) {
        size_t d = 0;
        while (d < COUNT_OF(names) && !text_equal(days[i], text_of(names[d])))
            d++;
        if (d == COUNT_OF(names))
            return step_error(s, e, "days: expected some of mon,tue,wed,thu,fri,sat,sun");
        c->weekend |= 1U << d;
    }
    return zone_argument(s, &c->zone, e);
}

static int prepare_holiday(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct calendar_days *c = mem_alloc(sizeof *c);
    rowwise_plan(s)->own = c;
    if (!arg_given(s, "dates") && !arg_given(s, "file"))
        return step_error(s, e, "give dates, file or both");
    int rc = days_off_read(s, &c->off, e);
    return rc ? rc : zone_argument(s, &c->zone, e);
}

static int flag_days(struct mapping *m)
{
    const struct calendar_days *c = m->own;
    for (size_t r = 0; r < m->rows; r++) {
        usec t = m->in->time[r];
        m->out->flag[r] = BOOL_MISSING;
        if (t == INT_MISSING)
            continue;
        int64_t day = day_of_usec(clock_of(c->zone, t));
        m->out->flag[r] = (c->weekend >> weekday_of_day(day) & 1) || days_off_has(&c->off, day);
    }
    return 0;
}

/* Days off, and the weekdays of the weekend as a table of seven flags. */
static int lower_days(struct lower_map *m)
{
    const struct calendar_days *c = m->own;
    struct lowering *l = m->to;
    int64_t weekend[7], one = 1;
    for (size_t d = 0; d < 7; d++)
        weekend[d] = c->weekend >> d & 1;
    uint32_t clock = lower_clock(l, c->zone, m->in[0]);
    uint32_t day = lower_op(l, ML_OP_part, clock, ML_EPOCH_DAY, 0);
    uint32_t off =
        lower_op(l, ML_OP_in_ints, day, lower_range_int(l, c->off.days.at, c->off.days.len), 0);
    uint32_t weekday = lower_op(l, ML_OP_part, clock, ML_WEEKDAY, 0);
    uint32_t flag = lower_op(l, ML_OP_look_int, weekday, lower_range_int(l, weekend, 7), 0);
    uint32_t free = lower_op(l, ML_OP_in_ints, flag, lower_range_int(l, &one, 1), 0);
    m->out[0] = lower_op(l, ML_OP_kleene, free, off, 1);
    return 0;
}

#define TIMES ROWWISE_COLUMNS("columns of times")
#define ZONE  ZONE_ARG("on whose clock, such as America/Chicago (default: UTC)")

#define PARTS(usual)                                                                               \
    {                                                                                              \
        .name = "parts", .kind = ARG_LIST, .fallback = usual, .help = "which, separated by commas" \
    }

static const struct arg parts_args[] = {TIMES, PARTS("year,month,day,day_of_week,hour"), ZONE, {0}};
static const struct arg cyclic_args[] = {TIMES, PARTS("month,day_of_week,hour"), ZONE, {0}};
static const struct arg weekend_args[] = {
    TIMES,
    {.name = "days", .kind = ARG_LIST, .fallback = "sat,sun", .help = "days of the weekend"},
    ZONE,
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {0}};
static const struct arg holiday_args[] = {
    TIMES,
    {.name = "dates", .kind = ARG_LIST, .help = "days off: 2024-12-25,2024-12-26"},
    {.name = "file", .kind = ARG_FILE, .help = "file with such a date at the start of each line"},
    ZONE,
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {0}};

#define DATETIME .family = "datetime", .class = "S", ROWWISE_HOOKS

const struct step_kind steps_datetime_parts[] = {
    {.name = "date_cyclic",
     DATETIME,
     .summary = "sine and cosine of month, weekday, hour ..., for linear models and nets",
     .details =
         "Parts: semester quarter month week day day_of_week day_of_year hour minute second, "
         "counted as date_parts counts them and divided by the largest (2 4 12 53 31 7 366 "
         "24 60 60) for a turn of 2 pi. The times stay; new columns are named t_hour_sin, "
         "t_hour_cos.",
     .args = cyclic_args,
     .example = {.program = "date_cyclic t parts=hour",
                 .input = "t\n2024-05-16T00:07:00Z\n2024-05-16T06:00:00Z\n",
                 .output = "t,t_hour_sin,t_hour_cos\n2024-05-16T00:07:00Z,0,1\n"
                           "2024-05-16T06:00:00Z,1,6.123233995736766e-17\n"},
     .detail = &(const struct rowwise){.from = TYPE_TIME,
                                       .to = TYPE_FLOAT,
                                       .prepare = prepare_cyclic,
                                       .release = featurizer_free,
                                       .column = turn_times,
                                       .lower = lower_cyclic}},
    {.name = "date_parts",
     DATETIME,
     .aliases = "featurize_date datetime_features",
     .summary = "year, month, weekday, hour ... as whole numbers, for trees",
     .details = "Parts: year semester quarter month week (ISO 8601, 1 to 53) day day_of_week (0 = "
                "Monday, as pandas) day_of_year hour minute second, days_in_month, and 1 or 0 for "
                "weekend month_start month_end quarter_start quarter_end year_start year_end "
                "leap_year. The times stay; new columns are named t_month.",
     .args = parts_args,
     .example = {.program = "date_parts t parts=month,day_of_week,weekend",
                 .input = "t\n2024-05-16\n\n2024-05-18T23:59:59Z\n",
                 .output = "t,t_month,t_day_of_week,t_weekend\n2024-05-16,5,3,0\n,,,\n"
                           "2024-05-18T23:59:59Z,5,5,1\n"},
     .detail = &(const struct rowwise){.from = TYPE_TIME,
                                       .to = TYPE_INT,
                                       .prepare = prepare_parts,
                                       .release = featurizer_free,
                                       .column = split_times,
                                       .lower = lower_parts}},
    {.name = "is_holiday",
     DATETIME,
     .summary = "whether the day is in a list of holidays",
     .details = "New columns are named t_holiday. The list is read anew whenever the recipe runs.",
     .args = holiday_args,
     .example = {.program = "is_holiday t file=holidays.csv",
                 .input = "t\n2024-12-25\n2024-12-27\n",
                 .output = "t,t_holiday\n2024-12-25,true\n2024-12-27,false\n",
                 .file_name = "holidays.csv",
                 .file = "date,name\n2024-12-25,Christmas\n2024-12-26,Boxing Day\n"},
     .detail = &(const struct rowwise){.from = TYPE_TIME,
                                       .to = TYPE_BOOL,
                                       .suffix = "_holiday",
                                       .prepare = prepare_holiday,
                                       .release = calendar_days_free,
                                       .column = flag_days,
                                       .lower = lower_days}},
    {.name = "is_weekend",
     DATETIME,
     .summary = "whether the day is a Saturday or Sunday, or of other days",
     .details = "New columns are named t_weekend.",
     .args = weekend_args,
     .example = {.program = "is_weekend t",
                 .input = "t\n2024-05-17\n2024-05-18\n",
                 .output = "t,t_weekend\n2024-05-17,false\n2024-05-18,true\n"},
     .detail = &(const struct rowwise){.from = TYPE_TIME,
                                       .to = TYPE_BOOL,
                                       .suffix = "_weekend",
                                       .prepare = prepare_weekend,
                                       .release = calendar_days_free,
                                       .column = flag_days,
                                       .lower = lower_days}},
    {0},
};
