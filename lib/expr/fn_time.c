/* Times: reading, writing, moving, cutting, differences. */
#include "expr/fn_time.h"

#include <math.h>
#include <stdlib.h>

bool unit_of(struct call *c, struct text word, enum unit *unit)
{
    static const struct {
        const char *name;
        enum unit unit;
    } names[] = {
        {"year", UNIT_YEAR},     {"quarter", UNIT_QUARTER}, {"month", UNIT_MONTH},
        {"week", UNIT_WEEK},     {"day", UNIT_DAY},         {"hour", UNIT_HOUR},
        {"minute", UNIT_MINUTE}, {"second", UNIT_SECOND},   {"millisecond", UNIT_MILLI},
        {"y", UNIT_YEAR},        {"w", UNIT_WEEK},          {"d", UNIT_DAY},
        {"h", UNIT_HOUR},        {"min", UNIT_MINUTE},      {"s", UNIT_SECOND},
        {"ms", UNIT_MILLI},
    };
    struct text singular = word;
    if (word.len > 2 && word.at[word.len - 1] == 's')
        singular.len--;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct text name = text_of(names[i].name);
        if (text_equal(name, word) || text_equal(name, singular)) {
            *unit = names[i].unit;
            return true;
        }
    }
    char quoted[QUOTE_MAX];
    return call_fail(c, "%s: %s is not a unit: years, months, weeks, days, hours, minutes, seconds",
                     c->node->fn->about.name, quote(quoted, word.at, word.len));
}

usec unit_length(enum unit unit)
{
    static const usec lengths[] = {
        [UNIT_WEEK] = 7 * USEC_DAY,       [UNIT_DAY] = USEC_DAY,
        [UNIT_HOUR] = 3600 * USEC_SECOND, [UNIT_MINUTE] = 60 * USEC_SECOND,
        [UNIT_SECOND] = USEC_SECOND,      [UNIT_MILLI] = 1000,
    };
    return lengths[unit];
}

struct civil civil_at(const struct call *c, usec t)
{
    const struct zone *z = c->node->zone;
    int offset = z ? zone_offset(z, t) : 0;
    struct civil civil;
    civil_from_usec(t + offset * USEC_SECOND, &civil);
    return civil;
}

bool give_civil(struct call *c, struct value *out, const struct civil *civil)
{
    if (!civil_valid(civil))
        return call_fail(c, "%s: there is no such date or time", c->node->fn->about.name);
    usec t = civil_to_usec(civil);
    return give_time(out, c->node->zone ? zone_to_utc(c->node->zone, t) : t);
}

bool give_shifted(struct call *c, struct value *out, usec t, usec by)
{
    usec sum;
    if (__builtin_add_overflow(t, by, &sum) || !time_in_range(sum))
        return call_fail(c, "%s: the time is not within the years 1 to 9999",
                         c->node->fn->about.name);
    return give_time(out, sum);
}

static usec start_of_day(usec t)
{
    usec rest = t % USEC_DAY;
    return t - (rest < 0 ? rest + USEC_DAY : rest);
}

KERNEL(do_now)
{
    return give_time(out, c->frame->x->context.now);
}

KERNEL(do_today)
{
    return give_time(out, start_of_day(c->frame->x->context.now));
}

/* The zone of a clock time without an offset: the call's, else the one declared for the input. */
static bool from_local(const struct call *c, usec local, struct value *out)
{
    const struct cell_policy *p = c->frame->batch->policy;
    if (c->node->zone)
        return give_time(out, zone_to_utc(c->node->zone, local));
    if (c->frame->late)
        *c->frame->late = true;
    return give_time(out, p && p->zone_to_utc ? p->zone_to_utc(p->zone, local) : local);
}

static int check_parse_time(struct expr *x, struct node *n, struct error *e)
{
    struct error reason = {0};
    const struct node *pattern = n->count > 1 ? n->args[1] : NULL;
    if (pattern && pattern->form == NODE_LITERAL && pattern->value.kind == KIND_TEXT &&
        !time_pattern_valid(pattern->value.text.at, &reason))
        return expr_fail(x, pattern->at, e, "%s", reason.message);
    return 0;
}

/* A pattern as a C string; the buffer lives until the next row. */
static const char *pattern_text(struct call *c, struct text pattern)
{
    buf_add(&c->scratch, pattern.at, pattern.len);
    return buf_text(&c->scratch);
}

/* Does the pattern read a time of the day, or a date alone, which is midnight UTC? */
static bool has_clock(struct text pattern)
{
    for (size_t i = 0; i + 1 < pattern.len; i++)
        if (pattern.at[i] == '%' && pattern.at[i + 1] && strchr("HIMSs", pattern.at[i + 1]))
            return true;
    return false;
}

KERNEL(do_parse_time)
{
    struct text s = a[0].text;
    usec t = 0;
    bool has_offset = false, good;
    if (c->count > 1)
        good = time_pattern_valid(pattern_text(c, a[1].text), c->error) &&
               time_parse_pattern(s.at, s.len, buf_text(&c->scratch), &t, &has_offset);
    else
        good = time_parse(s.at, s.len, &t, &has_offset);
    if (!good) {
        char quoted[QUOTE_MAX], shape[QUOTE_MAX];
        quote(quoted, s.at, s.len);
        if (c->count < 2)
            return call_fail(c, "%s is not a time", quoted);
        return call_fail(c, "%s is not a time of the form %s", quoted,
                         quote(shape, a[1].text.at, a[1].text.len));
    }
    bool clock = c->count > 1 ? has_clock(a[1].text) : s.len > 10;
    return has_offset || !(clock || c->node->zone) ? give_time(out, t) : from_local(c, t, out);
}

static bool put_time(struct call *c, const struct value *a, struct value *out)
{
    struct buf text = {0};
    const char *pattern = pattern_text(c, a[1].text);
    int offset = c->node->zone ? zone_offset(c->node->zone, a[0].time) : 0;
    time_print_pattern(&text, a[0].time, offset, pattern);
    c->scratch.len = 0;
    buf_add(&c->scratch, text.at, text.len);
    buf_release(&text);
    return give_scratch(c, out);
}

KERNEL(do_format_time)
{
    return put_time(c, a, out);
}

KERNEL(do_tz)
{
    char local[TIME_MAX];
    int offset = zone_offset(c->node->zone, a[0].time), minutes = offset / 60;
    size_t n = time_print(local, a[0].time + offset * USEC_SECOND);
    buf_add(&c->scratch, local, n - 1); /* without its Z */
    buf_format(&c->scratch, "%c%02d:%02d", minutes < 0 ? '-' : '+', abs(minutes) / 60,
               abs(minutes) % 60);
    return give_scratch(c, out);
}

KERNEL(do_epoch)
{
    usec t = a[0].time;
    return t % USEC_SECOND == 0 ? give_int(out, t / USEC_SECOND)
                                : give_double(out, (double)t / 1e6);
}

KERNEL(do_from_epoch)
{
    double seconds = value_double(&a[0]);
    if (!(fabs(seconds) < 1e12))
        return call_fail(c, "from_epoch: the time is not within the years 1 to 9999");
    return give_shifted(c, out, 0, a[0].is_int ? a[0].i * USEC_SECOND : llround(seconds * 1e6));
}

/* The day is cut to the length of the month: a month after January 31 is the end of February. */
static bool add_months(struct call *c, usec t, int64_t months, struct value *out)
{
    struct civil civil;
    civil_from_usec(t, &civil);
    if (months > 120000 || months < -120000)
        return call_fail(c, "%s: the time is not within the years 1 to 9999",
                         c->node->fn->about.name);
    int64_t index = (int64_t)civil.year * 12 + civil.month - 1 + months;
    if (index < 12 || index >= 120000)
        return call_fail(c, "%s: the time is not within the years 1 to 9999",
                         c->node->fn->about.name);
    civil.year = (int)(index / 12);
    civil.month = (int)(index % 12) + 1;
    int most = month_days(civil.year, civil.month);
    civil.day = civil.day > most ? most : civil.day;
    return give_time(out, civil_to_usec(&civil));
}

static bool add_units(struct call *c, const struct value *a, int sign, struct value *out)
{
    enum unit unit = UNIT_DAY;
    usec by;
    if (a[1].i == INT_MISSING || !unit_of(c, a[2].text, &unit))
        return false;
    int64_t n = sign * a[1].i;
    static const int64_t months[] = {[UNIT_YEAR] = 12, [UNIT_QUARTER] = 3, [UNIT_MONTH] = 1};
    if (unit <= UNIT_MONTH)
        return add_months(c, a[0].time, n > 120000 || n < -120000 ? 200000 : n * months[unit], out);
    if (__builtin_mul_overflow(n, unit_length(unit), &by))
        by = INT64_MAX;
    return give_shifted(c, out, a[0].time, by);
}

KERNEL(do_date_add)
{
    return add_units(c, a, 1, out);
}

KERNEL(do_date_sub)
{
    return add_units(c, a, -1, out);
}

KERNEL(do_date_diff)
{
    enum unit unit = UNIT_DAY;
    if (c->count > 2 && !unit_of(c, a[2].text, &unit))
        return false;
    if (unit > UNIT_MONTH)
        return give_int(out, (a[0].time - a[1].time) / unit_length(unit));
    static const int64_t months[] = {[UNIT_YEAR] = 12, [UNIT_QUARTER] = 3, [UNIT_MONTH] = 1};
    return give_int(out, interval_months(a[0].time, a[1].time) / months[unit]);
}

KERNEL(do_age)
{
    usec at = c->count > 1 ? a[1].time : c->frame->x->context.now;
    struct civil x, y;
    civil_from_usec(at, &x);
    civil_from_usec(a[0].time, &y);
    bool before_birthday = x.month < y.month || (x.month == y.month && x.day < y.day);
    return give_int(out, x.year - y.year - before_birthday);
}

KERNEL(do_trunc_time)
{
    enum unit unit = UNIT_DAY;
    if (!unit_of(c, a[1].text, &unit))
        return false;
    struct civil civil = civil_at(c, a[0].time);
    civil.offset = 0;
    usec local = civil_to_usec(&civil), length = unit_length(unit);
    if (unit > UNIT_MONTH) {
        usec origin = unit == UNIT_WEEK ? -3 * USEC_DAY : 0; /* 1969-12-29 was a Monday */
        usec rest = (local - origin) % length;
        civil_from_usec(local - (rest < 0 ? rest + length : rest), &civil);
        return give_civil(c, out, &civil);
    }
    int month = unit == UNIT_YEAR      ? 1
                : unit == UNIT_QUARTER ? (civil.month - 1) / 3 * 3 + 1
                                       : civil.month;
    struct civil start = {.year = civil.year, .month = month, .day = 1};
    return give_civil(c, out, &start);
}

#define TIME "date, time"
static const struct function_row rows[] = {
    {{"age", TIME, "age(birth [, at]) -> int", "whole years between; until now() without `at`",
      "age(\"1990-06-15\", \"2024-06-14\")", "33"},
     "d?d",
     'i',
     .row = do_age},
    {{"date_add", TIME, "date_add(time, n, unit) -> time",
      "n years, months, weeks, days, hours, minutes or seconds later; a day past the month's end "
      "is its last",
      "date_add(\"2024-01-31\", 1, \"month\")", "2024-02-29T00:00:00Z"},
     "dit",
     'd',
     .row = do_date_add},
    {{"date_diff", TIME, "date_diff(a, b [, unit]) -> int", "whole units (days) from b to a",
      "date_diff(\"2024-03-01\", \"2024-02-01\")", "29"},
     "dd?t",
     'i',
     .row = do_date_diff},
    {{"date_sub", TIME, "date_sub(time, n, unit) -> time", "n units earlier",
      "date_sub(\"2024-03-01\", 1, \"day\")", "2024-02-29T00:00:00Z"},
     "dit",
     'd',
     .row = do_date_sub},
    {{"epoch", TIME, "epoch(time) -> number", "seconds since 1970-01-01T00:00:00Z",
      "epoch(\"1970-01-02\")", "86400"},
     "d",
     'n',
     .row = do_epoch},
    {{"format_time", TIME, "format_time(time, pattern) -> text", "as strftime writes it, in UTC",
      "format_time(\"2024-05-06\", \"%d.%m.%Y\")", "06.05.2024"},
     "dt",
     't',
     .row = do_format_time},
    {{"from_epoch", TIME, "from_epoch(seconds) -> time", "seconds since 1970 as a time",
      "from_epoch(86400)", "1970-01-02T00:00:00Z"},
     "n",
     'd',
     .row = do_from_epoch},
    {{"now", TIME, "now() -> time", "when the run began", "now() >= today()", "true"},
     "",
     'd',
     .row = do_now},
    {{"parse_time", TIME, "parse_time(text [, pattern [, zone]]) -> time",
      "as strptime reads it, or RFC 3339; without an offset in the zone, the declared one, or UTC",
      "parse_time(\"06.05.2024\", \"%d.%m.%Y\")", "2024-05-06T00:00:00Z"},
     "t?tz",
     'd',
     .row = do_parse_time,
     .check = check_parse_time},
    {{"strftime_local", TIME, "strftime_local(time, pattern, zone) -> text",
      "as strftime writes it, in the zone", "strftime_local(\"2024-01-01\", \"%H:%M\", \"+02:00\")",
      "02:00"},
     "dtz",
     't',
     .row = do_format_time},
    {{"today", TIME, "today() -> time", "the day the run began, at 00:00 UTC",
      "trunc_time(now(), \"day\") == today()", "true"},
     "",
     'd',
     .row = do_today},
    {{"trunc_time", TIME, "trunc_time(time, unit [, zone]) -> time",
      "the start of its year, quarter, month, week (Monday), day, hour ...",
      "trunc_time(\"2024-05-16\", \"month\")", "2024-05-01T00:00:00Z"},
     "dt?z",
     'd',
     .row = do_trunc_time},
    {{"tz", TIME, "tz(time, zone) -> text", "the time in a zone, with its offset",
      "tz(\"2024-01-01\", \"+02:00\")", "2024-01-01T02:00:00+02:00"},
     "dz",
     't',
     .row = do_tz},
};
const struct function_family time_functions = {rows, COUNT_OF(rows)};
