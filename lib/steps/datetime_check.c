/* Steps that find out how times are written: infer_date_format, validate_timestamp. */
#include "prep/columnwise.h"
#include "prep/verdict.h"
#include "steps/calendar.h"
#include "steps/steps.h"

static const struct {
    const char *pattern; /* NULL: RFC 3339, with time_parse */
    const char *name;
    char order; /* of day and month, when both may be numbers */
} formats[] = {
    {NULL, "RFC 3339", 0},
    {"%Y/%m/%d", NULL, 0},
    {"%Y/%m/%d %H:%M", NULL, 0},
    {"%Y/%m/%d %H:%M:%S", NULL, 0},
    {"%Y.%m.%d", NULL, 0},
    {"%Y%m%d", NULL, 0},
    {"%Y%m%d%H%M%S", NULL, 0},
    {"%d/%m/%Y", NULL, 'd'},
    {"%d/%m/%Y %H:%M", NULL, 'd'},
    {"%d/%m/%Y %H:%M:%S", NULL, 'd'},
    {"%m/%d/%Y", NULL, 'm'},
    {"%m/%d/%Y %H:%M", NULL, 'm'},
    {"%m/%d/%Y %H:%M:%S", NULL, 'm'},
    {"%m/%d/%Y %I:%M %p", NULL, 'm'},
    {"%m/%d/%Y %I:%M:%S %p", NULL, 'm'},
    {"%d-%m-%Y", NULL, 'd'},
    {"%d-%m-%Y %H:%M", NULL, 'd'},
    {"%d-%m-%Y %H:%M:%S", NULL, 'd'},
    {"%m-%d-%Y", NULL, 'm'},
    {"%m-%d-%Y %H:%M", NULL, 'm'},
    {"%m-%d-%Y %H:%M:%S", NULL, 'm'},
    {"%d.%m.%Y", NULL, 'd'},
    {"%d.%m.%Y %H:%M", NULL, 'd'},
    {"%d.%m.%Y %H:%M:%S", NULL, 'd'},
    {"%d/%m/%y", NULL, 'd'},
    {"%m/%d/%y", NULL, 'm'},
    {"%d %b %Y", NULL, 0},
    {"%d-%b-%Y", NULL, 0},
    {"%b %d, %Y", NULL, 0},
    {"%b %d, %Y %H:%M:%S", NULL, 0},
    {"%a, %d %b %Y %H:%M:%S %z", NULL, 0},
    {"%a %b %d %H:%M:%S %Y", NULL, 0},
    {"%d/%b/%Y:%H:%M:%S %z", NULL, 0},
};
enum { FORMATS = COUNT_OF(formats), NO_FORMAT = -1 };

/* How many cells of a column each format reads. */
struct format_counts {
    uint64_t cells, read[FORMATS];
    int chosen;
};

static const char *format_name(size_t i)
{
    return formats[i].name ? formats[i].name : formats[i].pattern;
}

static bool read_with(size_t i, struct text cell, usec *t, bool *has_offset)
{
    if (formats[i].pattern)
        return time_parse_pattern(cell.at, cell.len, formats[i].pattern, t, has_offset);
    return time_parse(cell.at, cell.len, t, has_offset);
}

static int count_formats(const struct lesson *l, void *state, const struct text *values,
                         struct error *e)
{
    (void)e;
    struct format_counts *c = state;
    for (size_t r = 0; r < l->rows; r++) {
        usec t;
        bool has_offset;
        if (!values[r].at)
            continue;
        c->cells++;
        for (size_t i = 0; i < FORMATS; i++)
            c->read[i] += read_with(i, values[r], &t, &has_offset);
    }
    return 0;
}

static int merge_formats(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s, (void)e;
    struct format_counts *a = into;
    const struct format_counts *b = from;
    a->cells += b->cells;
    for (size_t i = 0; i < FORMATS; i++)
        a->read[i] += b->read[i];
    return 0;
}

/* The first of the formats that read the most cells, of those day= allows. */
static int best_format(const struct format_counts *c, char day)
{
    int best = NO_FORMAT;
    for (size_t i = 0; i < FORMATS; i++) {
        bool allowed = !formats[i].order || !day || formats[i].order == day;
        if (allowed && c->read[i] > 0 && (best == NO_FORMAT || c->read[i] > c->read[best]))
            best = (int)i;
    }
    return best;
}

static int choose_format(const struct step *s, size_t index, void *state, struct error *e)
{
    struct format_counts *c = state;
    static const char orders[] = {0, 'd', 'm'};
    char day = orders[arg_choice(s, "day")], quoted[QUOTE_MAX];
    const char *name = s->names[index];
    c->chosen = best_format(c, day);
    if (c->cells == 0)
        return 0;
    if (c->chosen == NO_FORMAT)
        return error_set(
            e, ERR_DATA,
            "infer_date_format: column %s: no known format reads its cells: give one to "
            "parse_date",
            quote(quoted, name, strlen(name)));
    char order = formats[c->chosen].order;
    int other = order && !day ? best_format(c, order == 'd' ? 'm' : 'd') : NO_FORMAT;
    if (other != NO_FORMAT && formats[other].order && c->read[other] == c->read[c->chosen])
        return error_set(e, ERR_DATA,
                         "infer_date_format: column %s: %s and %s read it equally well: say "
                         "day=first or day=second",
                         quote(quoted, name, strlen(name)), format_name((size_t)c->chosen),
                         format_name((size_t)other));
    return 0;
}

static json_t *save_formats(const struct step *s, const void *state)
{
    (void)s;
    const struct format_counts *c = state;
    json_t *read = json_object();
    for (size_t i = 0; i < FORMATS; i++)
        if (c->read[i] > 0)
            json_object_set_new(read, format_name(i), json_integer((json_int_t)c->read[i]));
    json_t *chosen =
        c->chosen == NO_FORMAT ? json_null() : json_string(format_name((size_t)c->chosen));
    return json_pack("{s:I, s:o, s:o}", "cells", (json_int_t)c->cells, "read", read, "format",
                     chosen);
}

static int load_formats(const struct step *s, void *state, const json_t *j, struct error *e)
{
    (void)s;
    struct format_counts *c = state;
    const json_t *cells = json_object_get(j, "cells"), *read = json_object_get(j, "read");
    if (!json_is_integer(cells) || !json_is_object(read))
        return error_set(e, ERR_DATA, "infer_date_format: cells and read are missing");
    c->cells = (uint64_t)json_integer_value(cells);
    for (size_t i = 0; i < FORMATS; i++)
        c->read[i] = (uint64_t)json_integer_value(json_object_get(read, format_name(i)));
    return 0;
}

static int prepare_infer(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct zone *zone;
    int rc = zone_argument(s, &zone, e);
    rowwise_plan(s)->own = zone;
    return rc;
}

static void zone_release(void *own)
{
    zone_free(own);
}

/* A clock time without an offset, on the clock of zone= or of the whole run, else of UTC. */
static usec in_zone(const struct mapping *m, usec local)
{
    const struct cell_policy *policy = m->batch->policy;
    if (m->own)
        return zone_to_utc(m->own, local);
    return policy && policy->zone_to_utc ? policy->zone_to_utc(policy->zone, local) : local;
}

static int read_inferred(struct mapping *m)
{
    const struct format_counts *c = columnwise_mapped(m);
    for (size_t r = 0; r < m->rows; r++) {
        struct text cell = m->in->text[r];
        char quoted[QUOTE_MAX];
        bool has_offset;
        usec t;
        m->out->time[r] = INT_MISSING;
        if (!cell.at)
            continue;
        if (c->chosen != NO_FORMAT && read_with((size_t)c->chosen, cell, &t, &has_offset)) {
            m->out->time[r] = has_offset ? t : in_zone(m, t);
            continue;
        }
        int rc = mapping_reject(m, 0, r, "%s is not %s", quote(quoted, cell.at, cell.len),
                                c->chosen == NO_FORMAT ? "in a format that was learnt"
                                                       : format_name((size_t)c->chosen));
        if (rc)
            return rc;
    }
    return 0;
}

static int lower_inferred(struct lower_map *m)
{
    const struct format_counts *c = columnwise_learnt(m->step, m->index);
    struct lowering *l = m->to;
    uint32_t zone = m->own ? lower_step_zone(l, m->own) : l->zone;
    m->out[0] = lower_register(l, ML_TIME);
    if (c->chosen == NO_FORMAT) {
        lower_op_to(l, ML_OP_missing, 0, m->out[0], 0, 0, 0);
        lower_op_to(l, ML_OP_want, 0, 0, lower_op(l, ML_OP_is_missing, m->in[0], 1, 0), 0, 0);
    } else {
        lower_read_with(l, formats[c->chosen].pattern, ML_ALL_LOCAL | ML_ELSE_UTC, m->out[0],
                        m->in[0], zone);
    }
    return 0;
}

static const struct learner format_learner = {.size = sizeof(struct format_counts),
                                              .texts = count_formats,
                                              .merge = merge_formats,
                                              .finish = choose_format,
                                              .save = save_formats,
                                              .load = load_formats};

struct valid_times {
    const char *pattern;
    usec from, to; /* to is not in it */
};

static int read_bound(struct step *s, const char *name, usec *t, struct error *e)
{
    bool has_offset;
    struct text bound = arg_text(s, name);
    if (!bound.at || time_parse(bound.at, bound.len, t, &has_offset))
        return 0;
    return step_error(s, e, "%s: expected a date or an RFC 3339 time", name);
}

static int prepare_valid(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct valid_times *v = mem_alloc(sizeof *v);
    struct error problem = {0};
    rowwise_plan(s)->own = v;
    v->pattern = arg_string(s, "pattern");
    v->from = INT64_MIN;
    v->to = INT64_MAX;
    if (v->pattern && !time_pattern_valid(v->pattern, &problem))
        return step_error(s, e, "%s", problem.message);
    int rc = read_bound(s, "from", &v->from, e);
    return rc ? rc : read_bound(s, "to", &v->to, e);
}

static bool is_valid_time(struct mapping *m, struct text cell)
{
    const struct valid_times *v = m->own;
    usec t;
    bool has_offset;
    bool good = v->pattern ? time_parse_pattern(cell.at, cell.len, v->pattern, &t, &has_offset)
                           : time_parse(cell.at, cell.len, &t, &has_offset);
    return good && t >= v->from && t < v->to;
}

/* Whether the time is before, or not before a bound. */
static uint32_t lower_bound(struct lowering *l, uint32_t time, usec bound, bool before)
{
    enum { LESS = 1, NOT_LESS = 6 };
    uint32_t at = lower_op(l, ML_OP_set_time, lower_int(l, bound), 0, 0);
    return lower_op(l, ML_OP_compare, time, at, before ? LESS : NOT_LESS);
}

static int lower_valid(struct lower_map *m)
{
    const struct valid_times *v = m->own;
    struct lowering *l = m->to;
    uint32_t time = lower_register(l, ML_TIME);
    lower_read_with(l, v->pattern, ML_ELSE_UTC | ML_ELSE_MISSING, time, m->in[0], 0);
    m->out[0] = lower_reads(l, m->in[0], time);
    if (v->from != INT64_MIN)
        m->out[0] = lower_op(l, ML_OP_kleene, m->out[0], lower_bound(l, time, v->from, false), 0);
    if (v->to != INT64_MAX)
        m->out[0] = lower_op(l, ML_OP_kleene, m->out[0], lower_bound(l, time, v->to, true), 0);
    return 0;
}

static const struct arg infer_args[] = {
    ROWWISE_COLUMNS("columns of text"),
    {.name = "day",
     .kind = ARG_CHOICE,
     .fallback = "unknown",
     .choices = "unknown first second",
     .help = "whether 03/04/2024 begins with the day or the month"},
    ZONE_ARG("of times without an offset (default: --zone, else UTC)"),
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {0}};
static const struct arg valid_args[] = {
    ROWWISE_COLUMNS("columns of text or times"),
    {.name = "pattern", .kind = ARG_TEXT, .help = "as strptime: %d.%m.%Y ... (default: RFC 3339)"},
    {.name = "from", .kind = ARG_TEXT, .help = "earliest time that is valid"},
    {.name = "to", .kind = ARG_TEXT, .help = "earliest time that is no longer valid"},
    VERDICT_ACTION("flag"),
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {0}};

const struct step_kind steps_datetime_check[] = {
    {.name = "infer_date_format",
     .family = "datetime",
     .class = "F",
     .summary = "learn how dates are written, then read them as times",
     .details = "Learns, of 33 usual formats, the one that reads the most cells; ties go to the "
                "earlier in the list. When two orders of day and month read equally many, that "
                "is an error until day= says which. Cells the learnt format does not read are "
                "rejected: an error, or missing with --on-error=null (Data Wrangler takes the "
                "format of the first cell).",
     .args = infer_args,
     .example = {.program = "infer_date_format d",
                 .input = "d\n03/04/2024\n25/04/2024\n",
                 .output = "d\n2024-04-03T00:00:00Z\n2024-04-25T00:00:00Z\n"},
     .keeps_rows = true,
     COLUMNWISE_HOOKS,
     ROWWISE_HOOKS,
     .detail = &(const struct columnwise){.map = {.from = TYPE_TEXT,
                                                  .to = TYPE_TIME,
                                                  .prepare = prepare_infer,
                                                  .release = zone_release,
                                                  .column = read_inferred,
                                                  .lower = lower_inferred},
                                          .learner = &format_learner}},
    {.name = "validate_timestamp",
     .family = "datetime",
     .class = "S",
     .summary = "check that cells are dates or times, and within bounds",
     .details = "Missing cells count as right. By default adds a true/false column named t_valid; "
                "action=drop drops the row, reject treats the cell as malformed, fail ends the run "
                "with exit status 1.",
     .args = valid_args,
     .example = {.program = "validate_timestamp t from=2000-01-01",
                 .input = "t\n2024-05-16\n1999-01-01\n31.12.2024\n",
                 .output = "t,t_valid\n2024-05-16,true\n1999-01-01,false\n31.12.2024,false\n"},
     VERDICT_HOOKS,
     .detail = &(const struct rowwise){.from = TYPE_TEXT,
                                       .to = TYPE_BOOL,
                                       .suffix = "_valid",
                                       .domain = "a valid date or time",
                                       .prepare = prepare_valid,
                                       .release = mem_free,
                                       .test = is_valid_time,
                                       .lower = lower_valid}},
    {0},
};
