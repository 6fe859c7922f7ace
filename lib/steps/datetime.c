/* Steps that turn texts, numbers and times into each other, and move times. */
#include "steps/calendar.h"
#include "steps/steps.h"

#include <limits.h>
#include <math.h>

/* What these maps keep. */
struct clockwork {
    struct zone *zone;
    const char *pattern;
    bool needs_zone; /* the pattern reads a clock time and no offset */
    struct interval interval;
    int64_t count;
    double unit; /* microseconds */
};

static void clockwork_free(void *own)
{
    struct clockwork *c = own;
    zone_free(c->zone);
    mem_free(c);
}

static struct clockwork *clockwork_new(struct step *s)
{
    struct clockwork *c = mem_alloc(sizeof *c);
    rowwise_plan(s)->own = c;
    return c;
}

static bool has_letter(const char *pattern, const char *letters)
{
    for (const char *p = strchr(pattern, '%'); p && p[1]; p = strchr(p + 2, '%'))
        if (strchr(letters, p[1]))
            return true;
    return false;
}

static int prepare_parse(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct clockwork *c = clockwork_new(s);
    struct error problem = {0};
    c->pattern = arg_string(s, "pattern");
    if (c->pattern && !time_pattern_valid(c->pattern, &problem))
        return step_error(s, e, "%s", problem.message);
    c->needs_zone = !c->pattern || has_letter(c->pattern, "HIMS");
    return zone_argument(s, &c->zone, e);
}

/* A clock time without an offset, on the clock of zone= or of the whole run. */
static bool place_in_zone(const struct mapping *m, usec *t)
{
    const struct clockwork *c = m->own;
    const struct cell_policy *policy = m->batch->policy;
    if (c->zone)
        *t = zone_to_utc(c->zone, *t);
    else if (policy && policy->zone_to_utc)
        *t = policy->zone_to_utc(policy->zone, *t);
    else
        return false;
    return true;
}

/* What is wrong with the cell, or NULL. */
static const char *parse_cell(const struct mapping *m, struct text cell, usec *t)
{
    const struct clockwork *c = m->own;
    bool has_offset;
    if (c->pattern ? !time_parse_pattern(cell.at, cell.len, c->pattern, t, &has_offset)
                   : !time_parse(cell.at, cell.len, t, &has_offset))
        return c->pattern ? c->pattern : "a date or an RFC 3339 time";
    bool clock = c->pattern ? c->needs_zone : cell.len > 10;
    if (has_offset || (!clock && !c->zone) || place_in_zone(m, t))
        return NULL;
    return "a time with an offset: give zone=";
}

static int parse_times(struct mapping *m)
{
    for (size_t r = 0; r < m->rows; r++) {
        struct text cell = m->in->text[r];
        char quoted[QUOTE_MAX];
        m->out->time[r] = INT_MISSING;
        const char *wanted = cell.at ? parse_cell(m, cell, &m->out->time[r]) : NULL;
        if (!wanted)
            continue;
        m->out->time[r] = INT_MISSING;
        int rc = mapping_reject(m, 0, r, "%s is not %s", quote(quoted, cell.at, cell.len), wanted);
        if (rc)
            return rc;
    }
    return 0;
}

static int lower_parse(struct lower_map *m)
{
    const struct clockwork *c = m->own;
    struct lowering *l = m->to;
    uint32_t zone = c->zone ? lower_step_zone(l, c->zone) : l->zone;
    bool local = c->zone || (c->pattern && c->needs_zone);
    m->out[0] = lower_register(l, ML_TIME);
    lower_read_with(l, c->pattern, local ? ML_ALL_LOCAL : 0, m->out[0], m->in[0], zone);
    return 0;
}

static int prepare_format(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct clockwork *c = clockwork_new(s);
    struct error problem = {0};
    c->pattern = arg_string(s, "pattern");
    if (!time_pattern_printable(c->pattern, &problem))
        return step_error(s, e, "%s", problem.message);
    return zone_argument(s, &c->zone, e);
}

static int print_times(struct mapping *m, const char *pattern)
{
    const struct clockwork *c = m->own;
    for (size_t r = 0; r < m->rows; r++) {
        usec t = m->in->time[r];
        m->out->text[r] = (struct text){NULL, 0};
        if (t == INT_MISSING)
            continue;
        time_print_pattern(&m->scratch, t, c->zone ? zone_offset(c->zone, t) : 0, pattern);
        m->out->text[r] = mapping_text(m);
    }
    return 0;
}

static int format_times(struct mapping *m)
{
    return print_times(m, ((const struct clockwork *)m->own)->pattern);
}

static int prepare_convert(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    return zone_argument(s, &clockwork_new(s)->zone, e);
}

/* "+05:30" behind the clock time. */
static void put_offset(struct buf *out, int offset)
{
    int minutes = (offset < 0 ? -offset : offset) / 60;
    buf_format(out, "%c%02d:%02d", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static int convert_times(struct mapping *m)
{
    const struct clockwork *c = m->own;
    for (size_t r = 0; r < m->rows; r++) {
        usec t = m->in->time[r];
        m->out->text[r] = (struct text){NULL, 0};
        if (t == INT_MISSING)
            continue;
        char local[TIME_MAX];
        int offset = zone_offset(c->zone, t);
        size_t n = time_print(local, t + offset * USEC_SECOND);
        buf_add(&m->scratch, local, n - 1); /* without the Z */
        put_offset(&m->scratch, offset);
        m->out->text[r] = mapping_text(m);
    }
    return 0;
}

static int lower_convert(struct lower_map *m)
{
    const struct clockwork *c = m->own;
    m->out[0] = lower_op(m->to, ML_OP_text_of_local, m->in[0], lower_step_zone(m->to, c->zone), 0);
    return 0;
}

static int lower_pattern(struct lower_map *m, struct text pattern)
{
    const struct clockwork *c = m->own;
    pattern.len++; /* its NUL */
    m->out[0] = lower_op(m->to, ML_OP_format_time, m->in[0], lower_step_zone(m->to, c->zone),
                         lower_text(m->to, pattern));
    return 0;
}

static int lower_format(struct lower_map *m)
{
    return lower_pattern(m, text_of(((const struct clockwork *)m->own)->pattern));
}

static int prepare_epoch(struct step *s, const struct schema *in, struct error *e)
{
    (void)in, (void)e;
    static const double units[] = {86400e6, 1e6, 1e3, 1};
    clockwork_new(s)->unit = units[arg_choice(s, "unit")];
    return 0;
}

static int times_to_epoch(struct mapping *m)
{
    const struct clockwork *c = m->own;
    int64_t unit = (int64_t)c->unit;
    for (size_t r = 0; r < m->rows; r++) {
        usec t = m->in->time[r];
        m->out->integer[r] = t;
        if (t != INT_MISSING)
            m->out->integer[r] = t / unit - (t % unit < 0);
    }
    return 0;
}

static int times_from_epoch(struct mapping *m)
{
    const struct clockwork *c = m->own;
    for (size_t r = 0; r < m->rows; r++) {
        double t = nearbyint(m->in->number[r] * c->unit);
        m->out->time[r] = INT_MISSING;
        if (isnan(t))
            continue;
        if (t >= -62135596800e6 && t < 253402300800e6) {
            m->out->time[r] = (usec)t;
            continue;
        }
        int rc = mapping_reject(m, 0, r, "the time is not within the years 1 to 9999");
        if (rc)
            return rc;
    }
    return 0;
}

static int lower_to_epoch(struct lower_map *m)
{
    const struct clockwork *c = m->own;
    m->out[0] = lower_op(m->to, ML_OP_epoch, m->in[0], lower_int(m->to, (int64_t)c->unit), 0);
    return 0;
}

static int lower_from_epoch(struct lower_map *m)
{
    const struct clockwork *c = m->own;
    m->out[0] = lower_op(m->to, ML_OP_time_of_epoch, m->in[0], lower_float(m->to, c->unit), 0);
    return 0;
}

static int prepare_add(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct clockwork *c = clockwork_new(s);
    char quoted[QUOTE_MAX];
    struct text by = arg_text(s, "by");
    c->count = 1;
    if (!interval_parse(by, &c->interval))
        return step_error(s, e, "by: %s is no interval: write 15m, -1d, '3 months'",
                          quote(quoted, by.at, by.len));
    return zone_argument(s, &c->zone, e);
}

static int prepare_multiple(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct clockwork *c = clockwork_new(s);
    int rc = interval_argument(s, "to", &c->interval, e);
    return rc ? rc : zone_argument(s, &c->zone, e);
}

static bool add_interval(const struct clockwork *c, usec t, usec *out)
{
    return interval_add(c->zone, t, c->interval, c->count, out);
}

static bool cut(const struct clockwork *c, usec t, usec *out)
{
    usec next;
    return interval_around(c->zone, t, c->interval, out, &next);
}

static bool nearest(const struct clockwork *c, usec t, usec *out)
{
    return interval_nearest(c->zone ? zone_table(c->zone) : NULL, t, c->interval, out);
}

static int move_times(struct mapping *m, bool (*move)(const struct clockwork *, usec, usec *))
{
    for (size_t r = 0; r < m->rows; r++) {
        usec t = m->in->time[r];
        m->out->time[r] = INT_MISSING;
        if (t == INT_MISSING || move(m->own, t, &m->out->time[r]))
            continue;
        m->out->time[r] = INT_MISSING;
        int rc = mapping_reject(m, 0, r, "the time is not within the years 1 to 9999");
        if (rc)
            return rc;
    }
    return 0;
}

static int shift_times(struct mapping *m)
{
    return move_times(m, add_interval);
}

static int cut_times(struct mapping *m)
{
    return move_times(m, cut);
}

static int round_times(struct mapping *m)
{
    return move_times(m, nearest);
}

static int lower_move(struct lower_map *m, enum ml_time_to how)
{
    const struct clockwork *c = m->own;
    m->out[0] = lower_register(m->to, ML_TIME);
    lower_op_to(m->to, ML_OP_time_to, (uint16_t)how, m->out[0], m->in[0],
                lower_step_zone(m->to, c->zone), lower_interval(m->to, c->interval));
    return 0;
}

static int lower_shift(struct lower_map *m)
{
    return lower_move(m, ML_LATER);
}

static int lower_cut(struct lower_map *m)
{
    return lower_move(m, ML_CUT);
}

static int lower_nearest(struct lower_map *m)
{
    return lower_move(m, ML_NEAREST);
}

#define TIMES ROWWISE_COLUMNS("columns of times")
#define ZONE  ZONE_ARG("on whose clock, such as America/Chicago (default: UTC)")
#define ENDS                                                                                       \
    ROWWISE_INTO, ROWWISE_SUFFIX,                                                                  \
    {                                                                                              \
        0                                                                                          \
    }
#define UNIT                                                                                       \
    {                                                                                              \
        .name = "unit", .kind = ARG_CHOICE, .fallback = "second",                                  \
        .choices = "day second milli micro", .help = "what is counted from 1970-01-01T00:00:00Z"   \
    }

static const struct arg parse_args[] = {
    ROWWISE_COLUMNS("columns of text"),
    {.name = "pattern",
     .kind = ARG_TEXT,
     .help = "as strptime: %Y-%m-%d %H:%M:%S, %d %B %Y ... (default: RFC 3339)"},
    ZONE_ARG("of times without an offset, such as America/Chicago"),
    ENDS};
static const struct arg format_args[] = {TIMES,
                                         {.name = "pattern",
                                          .kind = ARG_TEXT,
                                          .fallback = "%Y-%m-%d",
                                          .help = "as strftime: %Y-%m-%d %H:%M, %G-W%V, %b ..."},
                                         ZONE,
                                         ENDS};
static const struct arg convert_args[] = {
    TIMES,
    {.name = "zone", .kind = ARG_TEXT, .required = true, .help = "such as America/Chicago, +02:00"},
    ENDS};
static const struct arg to_epoch_args[] = {TIMES, UNIT, ENDS};
static const struct arg from_epoch_args[] = {ROWWISE_COLUMNS("columns of numbers"), UNIT, ENDS};
static const struct arg add_args[] = {
    TIMES,
    {.name = "by", .kind = ARG_TEXT, .required = true, .help = "15m, -1d, '3 months', 'year', ..."},
    ZONE,
    ENDS};
static const struct arg multiple_args[] = {
    TIMES,
    {.name = "to",
     .kind = ARG_TEXT,
     .fallback = "day",
     .help = "15m, hour, day, week, month, quarter, year, '2 weeks' ..."},
    ZONE,
    ENDS};

#define DATETIME .family = "datetime", .class = "S", ROWWISE_HOOKS
#define MAP(FROM, TO, PREPARE, KERNEL, LOWER)                                                      \
    ROWWISE_MAP(.from = FROM, .to = TO, .prepare = PREPARE, .column = KERNEL, .lower = LOWER,      \
                .release = clockwork_free)

const struct step_kind steps_datetime[] = {
    {.name = "date_add",
     DATETIME,
     .aliases = "time_shift date_offset",
     .summary = "an interval later, or with a minus earlier",
     .details =
         "Days, weeks, months and years are counted on the clock of zone=: a day later is the "
         "same clock time. A day past the end of its month becomes the last one. A result "
         "outside of the years 1 to 9999 is rejected.",
     .args = add_args,
     .example = {.program = "date_add t by='1 month'",
                 .input = "t\n2024-01-31\n2024-02-10T12:00:00Z\n",
                 .output = "t\n2024-02-29T00:00:00Z\n2024-03-10T12:00:00Z\n"},
     MAP(TYPE_TIME, TYPE_TIME, prepare_add, shift_times, lower_shift)},
    {.name = "date_round",
     DATETIME,
     .summary = "the nearest quarter of an hour, day, month ...",
     .details =
         "A tie goes to the even multiple, as in pandas, for months to the later one. Weeks "
         "begin on Monday; other multiples are counted from 1970-01-01 on the clock of zone=.",
     .args = multiple_args,
     .example = {.program = "date_round t to=15m",
                 .input = "t\n2024-05-16T10:07:00Z\n2024-05-16T10:08:00Z\n",
                 .output = "t\n2024-05-16T10:00:00Z\n2024-05-16T10:15:00Z\n"},
     MAP(TYPE_TIME, TYPE_TIME, prepare_multiple, round_times, lower_nearest)},
    {.name = "date_trunc",
     DATETIME,
     .aliases = "date_floor",
     .summary = "the start of the hour, day, week, month, quarter, year",
     .details =
         "Weeks begin on Monday; other multiples are counted from 1970-01-01 on the clock of "
         "zone=.",
     .args = multiple_args,
     .example = {.program = "date_trunc t to=month into=month",
                 .input = "t\n2024-05-16T10:07:00Z\n\n",
                 .output = "t,month\n2024-05-16T10:07:00Z,2024-05-01T00:00:00Z\n,\n"},
     MAP(TYPE_TIME, TYPE_TIME, prepare_multiple, cut_times, lower_cut)},
    {.name = "format_date",
     DATETIME,
     .aliases = "strftime format_time",
     .summary = "write times by a pattern",
     .args = format_args,
     .example = {.program = "format_date t pattern='%d %b %Y'",
                 .input = "t\n2024-05-16T10:07:00Z\n",
                 .output = "t\n16 May 2024\n"},
     MAP(TYPE_TIME, TYPE_TEXT, prepare_format, format_times, lower_format)},
    {.name = "from_epoch",
     DATETIME,
     .summary = "times of seconds (days, milliseconds ...) since 1970",
     .details = "Rounded to the microsecond. A time outside of the years 1 to 9999 is rejected.",
     .args = from_epoch_args,
     .example = {.program = "from_epoch t",
                 .input = "t\n0\n1715854020.25\n",
                 .output = "t\n1970-01-01T00:00:00Z\n2024-05-16T10:07:00.250Z\n"},
     MAP(TYPE_FLOAT, TYPE_TIME, prepare_epoch, times_from_epoch, lower_from_epoch)},
    {.name = "parse_date",
     DATETIME,
     .aliases = "strptime parse_time to_datetime",
     .summary = "read texts as times",
     .details =
         "A clock time without an offset needs zone= here or --zone for the whole run: which "
         "moment it means is not guessed. A date alone is midnight UTC, or with zone= midnight "
         "there. Where clocks go back the first of the two moments is taken; where they go "
         "forward the missing hour is read as the one behind it. A text that does not match is "
         "rejected: an error, or missing with --on-error=null.",
     .args = parse_args,
     .example = {.program = "parse_date t pattern='%Y/%m/%d %H:%M' zone=America/Chicago",
                 .input = "t\n2001/01/31 00:05\n2001/07/01 00:05\n",
                 .output = "t\n2001-01-31T06:05:00Z\n2001-07-01T05:05:00Z\n"},
     MAP(TYPE_TEXT, TYPE_TIME, prepare_parse, parse_times, lower_parse)},
    {.name = "to_epoch",
     DATETIME,
     .summary = "whole seconds (days, milliseconds ...) since 1970",
     .details = "Rounded down.",
     .args = to_epoch_args,
     .example = {.program = "to_epoch t unit=milli",
                 .input = "t\n1970-01-01T00:00:01.5Z\n1969-12-31T23:59:59.9995Z\n",
                 .output = "t\n1500\n-1\n"},
     MAP(TYPE_TIME, TYPE_INT, prepare_epoch, times_to_epoch, lower_to_epoch)},
    {.name = "tz_convert",
     DATETIME,
     .summary = "write times as a zone's clock shows them, with the offset",
     .details =
         "The moment stays the same; later steps still read it as a time. Inside, and for all "
         "other steps, times are UTC.",
     .args = convert_args,
     .example = {.program = "tz_convert t zone=America/Chicago",
                 .input = "t\n2001-01-31T06:05:00Z\n",
                 .output = "t\n2001-01-31T00:05:00-06:00\n"},
     MAP(TYPE_TIME, TYPE_TEXT, prepare_convert, convert_times, lower_convert)},
    {0},
};
