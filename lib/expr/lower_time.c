/* Lowering of time functions. */
#include "expr/fn_time.h"
#include "expr/lower_node.h"

static uint32_t zone_of(const struct lower_expr *k, const struct node *n)
{
    return lower_zone(k->l, n->zone ? zone_table(n->zone) : NULL);
}

static int local_time(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    int status = lower_as(k, n->args[0], KIND_TIME, reg);
    if (!status && n->zone)
        *reg = lower_op(k->l, ML_OP_local, *reg, zone_of(k, n), 0);
    return status;
}

static int call_part(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    static const struct {
        const char *name;
        enum ml_part part;
    } parts[] = {
        {"year", ML_YEAR},
        {"quarter", ML_QUARTER},
        {"month", ML_MONTH},
        {"week", ML_WEEK},
        {"day", ML_DAY},
        {"isoweek", ML_ISO_WEEK},
        {"doy", ML_YEARDAY},
        {"dow", ML_WEEKDAY},
        {"hour", ML_HOUR},
        {"minute", ML_MINUTE},
        {"second", ML_SECOND},
        {"millis", ML_MILLIS},
        {"days_in_month", ML_DAYS_IN_MONTH},
    };
    uint32_t time;
    size_t i = 0;
    while (strcmp(parts[i].name, n->fn->about.name) != 0)
        i++;
    int status = local_time(k, n, &time);
    if (!status)
        *reg = lower_op(k->l, ML_OP_part, time, parts[i].part, 0);
    return status;
}

static uint32_t named(struct lowering *l, uint32_t part, const char *const *names, size_t n,
                      size_t first)
{
    struct text texts[13] = {{0}};
    for (size_t i = 0; i < n; i++)
        texts[first + i] = text_of(names[i]);
    return lower_op(l, ML_OP_look_text, part, lower_range_text(l, texts, first + n), 0);
}

static int call_month_name(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    static const char *const names[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
    uint32_t time;
    int status = local_time(k, n, &time);
    if (!status)
        *reg = named(k->l, lower_op(k->l, ML_OP_part, time, ML_MONTH, 0), names, 12, 1);
    return status;
}

static int call_day_name(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    static const char *const names[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                        "Friday", "Saturday", "Sunday"};
    uint32_t time;
    int status = local_time(k, n, &time);
    if (!status)
        *reg = named(k->l, lower_op(k->l, ML_OP_part, time, ML_WEEKDAY, 0), names, 7, 0);
    return status;
}

/* The unit of a literal argument as an interval; false when it is none. */
static bool unit_interval(struct lower_expr *k, const struct node *n, const struct node *word,
                          struct interval *out)
{
    struct error unused = {0};
    struct call c = {.node = n, .error = &unused};
    enum unit unit = UNIT_DAY;
    static const int64_t months[] = {[UNIT_YEAR] = 12, [UNIT_QUARTER] = 3, [UNIT_MONTH] = 1};
    (void)k;
    *out = (struct interval){0};
    if (word && (word->form != NODE_LITERAL || word->value.kind != KIND_TEXT ||
                 !unit_of(&c, word->value.text, &unit)))
        return false;
    if (unit <= UNIT_MONTH)
        out->months = months[unit];
    else
        out->span = unit_length(unit);
    return true;
}

static uint32_t interval(struct lowering *l, struct interval i)
{
    const int64_t numbers[] = {i.months, i.days, i.span};
    return lower_range_int(l, numbers, 3);
}

static int call_trunc_time(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    struct interval unit;
    uint32_t time;
    if (!unit_interval(k, n, n->args[1], &unit))
        return lower_refused(k, n);
    if (unit.span == 7 * USEC_DAY) /* begins on a Monday */
        unit = (struct interval){.days = 7};
    int status = lower_as(k, n->args[0], KIND_TIME, &time);
    if (status)
        return status;
    *reg = lower_register(k->l, ML_TIME);
    lower_op_to(k->l, ML_OP_time_to, ML_START, *reg, time, zone_of(k, n), interval(k->l, unit));
    return 0;
}

/* date_add and date_sub */
static int call_date_add(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    struct interval unit;
    uint32_t time, count;
    if (!unit_interval(k, n, n->args[2], &unit))
        return lower_refused(k, n);
    if (strcmp(n->fn->about.name, "date_sub") == 0)
        unit = (struct interval){.months = -unit.months, .span = -unit.span};
    int status = lower_as(k, n->args[0], KIND_TIME, &time);
    if (!status)
        status = lower_integer(k, n->args[1], &count);
    if (!status)
        *reg = lower_op(k->l, ML_OP_time_later, time, count, interval(k->l, unit));
    return status;
}

static int call_date_diff(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    struct interval unit;
    uint32_t a, b;
    if (!unit_interval(k, n, n->count > 2 ? n->args[2] : NULL, &unit))
        return lower_refused(k, n);
    int status = lower_as(k, n->args[0], KIND_TIME, &a);
    if (!status)
        status = lower_as(k, n->args[1], KIND_TIME, &b);
    if (!status)
        *reg = lower_op(k->l, ML_OP_whole_between, a, b, interval(k->l, unit));
    return status;
}

static int call_age(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t birth, at;
    int status = lower_as(k, n->args[0], KIND_TIME, &birth);
    if (!status)
        status = lower_as(k, n->args[1], KIND_TIME, &at);
    if (!status)
        *reg = lower_op(k->l, ML_OP_age, birth, at, 0);
    return status;
}

static uint32_t epoch(struct lowering *l)
{
    return lower_op(l, ML_OP_set_time, lower_int(l, 0), 0, 0);
}

static int call_epoch(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t time;
    int status = lower_as(k, n->args[0], KIND_TIME, &time);
    if (!status)
        *reg = lower_op(k->l, ML_OP_seconds_between, time, epoch(k->l), 0);
    return status;
}

static int call_from_epoch(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t seconds;
    int status = lower_as(k, n->args[0], KIND_NUMBER, &seconds);
    if (!status)
        *reg = lower_op(k->l, ML_OP_time_shift, epoch(k->l), lower_mixed(k->l, seconds), 0);
    return status;
}

/* Does the pattern read a time of the day, or a date alone, which is midnight UTC? */
static bool has_clock(struct text pattern)
{
    for (size_t i = 0; i + 1 < pattern.len; i++)
        if (pattern.at[i] == '%' && pattern.at[i + 1] && strchr("HIMSs", pattern.at[i + 1]))
            return true;
    return false;
}

static int call_parse_time(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    const struct node *pattern = n->count > 1 ? n->args[1] : NULL;
    uint32_t text, zone = n->zone ? zone_of(k, n) : k->l->zone;
    if (pattern && (pattern->form != NODE_LITERAL || pattern->value.kind != KIND_TEXT))
        return lower_refused(k, n);
    int status = lower_as(k, n->args[0], KIND_TEXT, &text);
    if (status)
        return status;
    bool local = n->zone || (pattern && has_clock(pattern->value.text));
    uint16_t flags = (uint16_t)(ML_ELSE_UTC | (local ? ML_ALL_LOCAL : 0));
    *reg = lower_register(k->l, ML_TIME);
    if (!pattern) {
        lower_op_to(k->l, ML_OP_time_of_text, flags, *reg, text, zone, 0);
        return 0;
    }
    struct text shape = pattern->value.text;
    shape.len++; /* its NUL */
    lower_op_to(k->l, ML_OP_time_of_pattern, flags, *reg, text, zone, lower_text(k->l, shape));
    return 0;
}

/* format_time and strftime_local */
static int call_format(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    const struct node *pattern = n->args[1];
    uint32_t time;
    if (pattern->form != NODE_LITERAL || pattern->value.kind != KIND_TEXT)
        return lower_refused(k, n);
    int status = lower_as(k, n->args[0], KIND_TIME, &time);
    struct text shape = pattern->value.text;
    shape.len++; /* its NUL */
    if (!status)
        *reg = lower_op(k->l, ML_OP_format_time, time, zone_of(k, n), lower_text(k->l, shape));
    return status;
}

static int call_last_day(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    struct lowering *l = k->l;
    uint32_t time, parts[3];
    int status = local_time(k, n, &time);
    if (status)
        return status;
    parts[0] = lower_op(l, ML_OP_part, time, ML_YEAR, 0);
    parts[1] = lower_op(l, ML_OP_part, time, ML_MONTH, 0);
    parts[2] = lower_op(l, ML_OP_part, time, ML_DAYS_IN_MONTH, 0);
    *reg = lower_op(l, ML_OP_time_of_parts, lower_list(l, parts, 3), zone_of(k, n), 0);
    return 0;
}

/* make_date and make_time */
static int call_make(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t parts[6];
    size_t count = strcmp(n->fn->about.name, "make_date") == 0 ? 3 : 6;
    int status = 0;
    for (size_t i = 0; i < count && !status; i++)
        status = lower_integer(k, n->args[i], &parts[i]);
    if (!status)
        *reg =
            lower_op(k->l, ML_OP_time_of_parts, lower_list(k->l, parts, count), zone_of(k, n), 0);
    return status;
}

const struct call_lowering lower_time_calls[] = {
    {"age", call_age},
    {"date_add", call_date_add},
    {"date_diff", call_date_diff},
    {"date_sub", call_date_add},
    {"day", call_part},
    {"day_name", call_day_name},
    {"days_in_month", call_part},
    {"dow", call_part},
    {"doy", call_part},
    {"epoch", call_epoch},
    {"format_time", call_format},
    {"from_epoch", call_from_epoch},
    {"hour", call_part},
    {"isoweek", call_part},
    {"last_day", call_last_day},
    {"make_date", call_make},
    {"make_time", call_make},
    {"millis", call_part},
    {"minute", call_part},
    {"month", call_part},
    {"month_name", call_month_name},
    {"parse_time", call_parse_time},
    {"quarter", call_part},
    {"second", call_part},
    {"strftime_local", call_format},
    {"trunc_time", call_trunc_time},
    {"week", call_part},
    {"year", call_part},
    {0},
};
