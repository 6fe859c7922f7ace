/* Operations of row programs: times. */
#include "base/interval.h"
#include "base/time_scan.h"
#include "runtime/program_machine.h"

/* Zone 0 is UTC. */
static struct zone_table ml_zone_of(const struct ml_machine *m, uint32_t zone)
{
    if (zone == 0)
        return (struct zone_table){0};
    const struct ml_zone *z = (const struct ml_zone *)ml_part(m->p, &m->p->zone) + (zone - 1);
    const void *changes = ml_ints(m, z->changes.first);
    return (struct zone_table){.first_offset = z->first_offset,
                               .periodic = z->periodic,
                               .count = z->changes.count / 2,
                               .changes = changes};
}

/* A time as it was read: without an offset it is one of the zone b. */
static int ml_give_read(struct ml_machine *m, const struct ml_op *o, usec t)
{
    if (o->b == 0)
        return o->flags & ML_ELSE_UTC ? ml_give_int(m, o, t) : -ML_WHY_ZONE;
    struct zone_table zone = ml_zone_of(m, o->b);
    return ml_give_int(m, o, zone_table_to_utc(&zone, t));
}

/* b: the zone of times without an offset. Flags: ML_ELSE_UTC, when there is none; ML_ALL_LOCAL,
 * dates alone, too, which else are midnight in UTC. */
ML_OPERATION(time_of_text)
{
    const struct ml_cell *x = &m->r[o->a];
    bool has_offset = false;
    usec t = ML_INT_MISSING;
    if (!x->at)
        return ml_give_int(m, o, t);
    if (!time_parse(x->at, x->len, &t, &has_offset))
        return -ML_WHY_TIME;
    bool settled = has_offset || (x->len <= 10 && !(o->flags & ML_ALL_LOCAL));
    return settled ? ml_give_int(m, o, t) : ml_give_read(m, o, t);
}

/* c: the pattern, which ends with NUL. Flags: those of time_of_text; times without an offset are in
 * UTC without ML_ALL_LOCAL. */
ML_OPERATION(time_of_pattern)
{
    const struct ml_cell *x = &m->r[o->a];
    struct ml_text pattern = ml_text_at(m->p, o->c);
    bool has_offset = false;
    usec t = ML_INT_MISSING;
    if (!x->at)
        return ml_give_int(m, o, t);
    if (pattern.len == 0 || pattern.at[pattern.len - 1])
        return -ML_WHY_WRONG;
    if (!time_parse_pattern(x->at, x->len, pattern.at, &t, &has_offset))
        return -ML_WHY_TIME;
    bool settled = has_offset || !(o->flags & ML_ALL_LOCAL);
    return settled ? ml_give_int(m, o, t) : ml_give_read(m, o, t);
}

ML_OPERATION(text_of_time)
{
    int64_t t = m->r[o->a].i;
    if (t == ML_INT_MISSING)
        return ml_give_text(m, o, NULL, 0);
    char *out = ml_scratch_room(m, TIME_MAX);
    return out ? ml_give_scratch(m, o, out, time_print(out, t)) : -ML_WHY_LONG;
}

/* As the clock of the zone b shows it, by the pattern c, which ends with NUL. */
ML_OPERATION(format_time)
{
    int64_t t = m->r[o->a].i;
    struct ml_text pattern = ml_text_at(m->p, o->c);
    struct zone_table zone = ml_zone_of(m, o->b);
    if (t == ML_INT_MISSING)
        return ml_give_text(m, o, NULL, 0);
    if (pattern.len == 0 || pattern.at[pattern.len - 1] || !usec_in_range(t))
        return -ML_WHY_WRONG;
    size_t n = time_format(m->scratch, m->room, t, zone_table_offset(&zone, t), pattern.at);
    return n > m->room ? -ML_WHY_LONG : ml_give_scratch(m, o, m->scratch, n);
}

/* The day alone. */
ML_OPERATION(text_of_date)
{
    int64_t t = m->r[o->a].i;
    if (t == ML_INT_MISSING)
        return ml_give_text(m, o, NULL, 0);
    char *out = ml_scratch_room(m, TIME_MAX);
    size_t len = 0;
    if (!out)
        return -ML_WHY_LONG;
    for (size_t n = time_print(out, t); len < n && out[len] != 'T';)
        len++;
    return ml_give_scratch(m, o, out, len);
}

ML_OPERATION(seconds_between)
{
    int64_t x = m->r[o->a].i, y = m->r[o->b].i;
    struct ml_cell z = ml_number_of(ML_NONE);
    if (x == ML_INT_MISSING || y == ML_INT_MISSING)
        return ml_give_number(m, o, &z);
    int64_t distance = (int64_t)((uint64_t)x - (uint64_t)y);
    z = distance % USEC_SECOND == 0 ? ml_number_of_int(distance / USEC_SECOND)
                                    : ml_number_of((double)distance / 1e6);
    return ml_give_number(m, o, &z);
}

static int ml_give_shifted(struct ml_machine *m, const struct ml_op *o, usec t, usec by)
{
    usec sum;
    if (__builtin_add_overflow(t, by, &sum) || !usec_in_range(sum))
        return -ML_WHY_RANGE;
    return ml_give_int(m, o, sum);
}

/* b microseconds later. */
ML_OPERATION(time_plus)
{
    int64_t t = m->r[o->a].i, by = m->r[o->b].i;
    if (t == ML_INT_MISSING || by == ML_INT_MISSING)
        return ml_give_int(m, o, ML_INT_MISSING);
    return ml_give_shifted(m, o, t, by);
}

/* b seconds later; c: earlier. */
ML_OPERATION(time_shift)
{
    int64_t t = m->r[o->a].i;
    const struct ml_cell *x = &m->r[o->b];
    double seconds = ml_number_double(x);
    if (t == ML_INT_MISSING || isnan(seconds))
        return ml_give_int(m, o, ML_INT_MISSING);
    if (!(fabs(seconds) < 1e12))
        return -ML_WHY_RANGE;
    usec by = x->is_int ? x->i * USEC_SECOND : (usec)llround(seconds * 1e6);
    return ml_give_shifted(m, o, t, o->c ? -by : by);
}

/* As the clock of the zone b shows it, with the offset: "+05:30". */
ML_OPERATION(text_of_local)
{
    int64_t t = m->r[o->a].i;
    char *out = ml_scratch_room(m, 2 * (size_t)TIME_MAX);
    if (t == ML_INT_MISSING || !out)
        return out ? ml_give_text(m, o, NULL, 0) : -ML_WHY_LONG;
    if (!usec_in_range(t))
        return -ML_WHY_RANGE;
    struct zone_table zone = ml_zone_of(m, o->b);
    int offset = zone_table_offset(&zone, t), minutes = (offset < 0 ? -offset : offset) / 60;
    size_t n = time_print(out, t + offset * USEC_SECOND) - 1; /* without the Z */
    out[n++] = offset < 0 ? '-' : '+';
    for (int scale = 600; scale > 0; scale /= scale == 60 ? 6 : 10) {
        out[n++] = (char)('0' + minutes / scale);
        minutes %= scale;
        if (scale == 60)
            out[n++] = ':';
    }
    return ml_give_scratch(m, o, out, n);
}

/* As if the clock of the zone b were UTC. */
ML_OPERATION(local)
{
    int64_t t = m->r[o->a].i;
    if (t == ML_INT_MISSING || o->b == 0)
        return ml_give_int(m, o, t);
    struct zone_table zone = ml_zone_of(m, o->b);
    return ml_give_int(m, o, t + zone_table_offset(&zone, t) * USEC_SECOND);
}

/* The week belongs to the year of its Thursday (ISO 8601). */
static int64_t ml_iso_week(const struct civil *c)
{
    int64_t thursday = civil_to_days(c->year, c->month, c->day) - c->weekday + 3;
    int year, month, day;
    civil_from_days(thursday, &year, &month, &day);
    return (thursday - civil_to_days(year, 1, 1)) / 7 + 1;
}

static bool ml_ends_month(const struct civil *c)
{
    return c->day == month_days(c->year, c->month);
}

static int64_t ml_part_of_year(const struct civil *c, uint32_t part)
{
    switch (part) {
    case ML_YEAR:
        return c->year;
    case ML_SEMESTER:
        return c->month > 6 ? 2 : 1;
    case ML_QUARTER:
        return (c->month - 1) / 3 + 1;
    case ML_MONTH:
        return c->month;
    case ML_WEEK:
        return (c->yearday - 1) / 7 + 1;
    case ML_ISO_WEEK:
        return ml_iso_week(c);
    case ML_DAY:
        return c->day;
    case ML_WEEKDAY:
        return c->weekday;
    case ML_YEARDAY:
        return c->yearday;
    default:
        return month_days(c->year, c->month);
    }
}

static int64_t ml_part_of_day(const struct civil *c, uint32_t part)
{
    switch (part) {
    case ML_HOUR:
        return c->hour;
    case ML_MINUTE:
        return c->minute;
    case ML_SECOND:
        return c->second;
    default:
        return c->micros / 1000;
    }
}

static bool ml_is_part(const struct civil *c, uint32_t part)
{
    switch (part) {
    case ML_WEEKEND:
        return c->weekday >= 5;
    case ML_MONTH_START:
        return c->day == 1;
    case ML_MONTH_END:
        return ml_ends_month(c);
    case ML_QUARTER_START:
        return c->day == 1 && c->month % 3 == 1;
    case ML_QUARTER_END:
        return ml_ends_month(c) && c->month % 3 == 0;
    case ML_YEAR_START:
        return c->yearday == 1;
    case ML_YEAR_END:
        return c->month == 12 && c->day == 31;
    default:
        return month_days(c->year, 2) == 29;
    }
}

/* Of a local time; b: enum ml_part. */
ML_OPERATION(part)
{
    struct civil c;
    int64_t t = m->r[o->a].i;
    if (t == ML_INT_MISSING || o->b == ML_EPOCH_DAY)
        return ml_give_int(m, o, t == ML_INT_MISSING ? t : day_of_usec(t));
    civil_from_usec(t, &c);
    if (o->b >= ML_WEEKEND)
        return ml_give_int(m, o, ml_is_part(&c, o->b));
    return ml_give_int(m, o,
                       o->b >= ML_HOUR ? ml_part_of_day(&c, o->b) : ml_part_of_year(&c, o->b));
}

/* Months, days and microseconds, one of them: 0 unless the range has three numbers. */
static struct interval ml_interval(const struct ml_machine *m, uint32_t range)
{
    const struct ml_range *k = ml_range(m, range);
    const int64_t *at = ml_ints(m, k->first);
    if (k->count != 3)
        return (struct interval){0};
    return (struct interval){.months = at[0], .days = at[1], .span = at[2]};
}

/* b times the interval c later, in UTC. */
ML_OPERATION(time_later)
{
    int64_t t = m->r[o->a].i, n = m->r[o->b].i;
    struct interval by = ml_interval(m, o->c);
    if (t == ML_INT_MISSING || n == ML_INT_MISSING)
        return ml_give_int(m, o, ML_INT_MISSING);
    if (!interval_times(&by, n) || !interval_after(NULL, t, by, &t))
        return -ML_WHY_RANGE;
    return ml_give_int(m, o, t);
}

/* Whether times may be rounded to it; adding it may be done with any. */
static bool ml_interval_fits(const struct interval *i, bool later)
{
    bool some = i->months > 0 || i->days > 0 || i->span > 0;
    bool small = i->months < (1 << 24) && i->days < (1 << 24) && i->span < INT64_C(1) << 60;
    return later || (some && small);
}

/* On the clock of the zone b, with the interval c. Flags: enum ml_time_to. */
ML_OPERATION(time_to)
{
    int64_t t = m->r[o->a].i;
    struct zone_table table = ml_zone_of(m, o->b), *zone = o->b ? &table : NULL;
    struct interval i = ml_interval(m, o->c);
    usec z = t, next;
    bool good = ml_interval_fits(&i, (o->flags & 3) == ML_LATER);
    if (t == ML_INT_MISSING)
        return ml_give_int(m, o, t);
    if (!good || !usec_in_range(t))
        return -ML_WHY_RANGE;
    if ((o->flags & 3) == ML_LATER)
        good = interval_after(zone, t, i, &z);
    else if ((o->flags & 3) == ML_START)
        good = interval_start(zone, t, i, &z);
    else if ((o->flags & 3) == ML_NEAREST)
        good = interval_nearest(zone, t, i, &z);
    else
        good = interval_bounds(zone, t, i, &z, &next);
    return good ? ml_give_int(m, o, z) : -ML_WHY_RANGE;
}

/* Whole intervals c from b to a: so many months, or so many microseconds. */
ML_OPERATION(whole_between)
{
    int64_t a = m->r[o->a].i, b = m->r[o->b].i;
    struct interval i = ml_interval(m, o->c);
    if (a == ML_INT_MISSING || b == ML_INT_MISSING)
        return ml_give_int(m, o, ML_INT_MISSING);
    if (i.months <= 0 && i.span <= 0)
        return -ML_WHY_WRONG;
    if (i.months > 0)
        return ml_give_int(m, o, interval_months(a, b) / i.months);
    return ml_give_int(m, o, (int64_t)((uint64_t)a - (uint64_t)b) / i.span);
}

/* From b to a in units of so many microseconds. */
ML_OPERATION(span_between)
{
    int64_t a = m->r[o->a].i, b = m->r[o->b].i;
    if (a == ML_INT_MISSING || b == ML_INT_MISSING)
        return ml_give_float(m, o, ML_NONE);
    return ml_give_float(m, o, (double)(int64_t)((uint64_t)a - (uint64_t)b) / *ml_floats(m, o->c));
}

/* Whole years between. */
ML_OPERATION(age)
{
    int64_t birth = m->r[o->a].i, at = m->r[o->b].i;
    struct civil x, y;
    if (birth == ML_INT_MISSING || at == ML_INT_MISSING)
        return ml_give_int(m, o, ML_INT_MISSING);
    civil_from_usec(at, &x);
    civil_from_usec(birth, &y);
    bool before_birthday = x.month < y.month || (x.month == y.month && x.day < y.day);
    return ml_give_int(m, o, x.year - y.year - before_birthday);
}

/* Units of b microseconds since 1970, rounded down. */
ML_OPERATION(epoch)
{
    int64_t t = m->r[o->a].i, unit = *ml_ints(m, o->b);
    if (unit <= 0)
        return -ML_WHY_WRONG;
    return ml_give_int(m, o, t == ML_INT_MISSING ? t : t / unit - (t % unit < 0));
}

/* a units of b microseconds since 1970. */
ML_OPERATION(time_of_epoch)
{
    double t = nearbyint(m->r[o->a].f * *ml_floats(m, o->b));
    if (isnan(t))
        return ml_give_int(m, o, ML_INT_MISSING);
    bool good = t >= -62135596800e6 && t < 253402300800e6;
    return good ? ml_give_int(m, o, (int64_t)t) : -ML_WHY_RANGE;
}

/* An out of range part becomes one that civil_valid refuses. */
static int ml_small(int64_t i)
{
    return i < -1 || i > 99999 ? -1 : (int)i;
}

/* Of a list of year, month, day and perhaps hour, minute, second on the clock of the zone b. */
ML_OPERATION(time_of_parts)
{
    const uint32_t *list = ml_list(m, o->a);
    int part[6] = {0};
    if (list[0] != 3 && list[0] != 6)
        return -ML_WHY_WRONG;
    for (uint32_t i = 0; i < list[0]; i++) {
        int64_t x = m->r[list[i + 1]].i;
        if (x == ML_INT_MISSING)
            return ml_give_int(m, o, x);
        part[i] = ml_small(x);
    }
    struct civil c = {.year = part[0],
                      .month = part[1],
                      .day = part[2],
                      .hour = part[3],
                      .minute = part[4],
                      .second = part[5]};
    if (!civil_valid(&c))
        return -ML_WHY_RANGE;
    struct zone_table zone = ml_zone_of(m, o->b);
    usec t = civil_to_usec(&c);
    return ml_give_int(m, o, o->b ? zone_table_to_utc(&zone, t) : t);
}

/* How many of the increasing numbers are less than x. */
static int64_t ml_count_below(const int64_t *at, uint32_t n, int64_t x)
{
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (at[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whether the integer is one of the increasing ones of b. */
ML_OPERATION(in_ints)
{
    int64_t x = m->r[o->a].i;
    const struct ml_range *k = ml_range(m, o->b);
    const int64_t *at = ml_ints(m, k->first);
    if (x == ML_INT_MISSING)
        return ml_give_int(m, o, ML_BOOL_MISSING);
    int64_t below = ml_count_below(at, k->count, x);
    return ml_give_int(m, o, below < k->count && at[below] == x);
}

/* Mondays to Fridays earlier than `day`, counted from a Monday long ago. */
static int64_t ml_workdays_before(int64_t day)
{
    const int64_t monday = -719162 - 7; /* the week before 0001-01-01, a Monday itself */
    int64_t days = day - monday, rest = days % 7;
    return days / 7 * 5 + (rest < 5 ? rest : 5);
}

/* From day a to day b, without those of c, which are increasing and none of them at a weekend. */
ML_OPERATION(workdays)
{
    int64_t from = m->r[o->a].i, to = m->r[o->b].i, far = INT64_C(1) << 32;
    const struct ml_range *k = ml_range(m, o->c);
    const int64_t *off = ml_ints(m, k->first);
    if (from == ML_INT_MISSING || to == ML_INT_MISSING)
        return ml_give_int(m, o, ML_INT_MISSING);
    if (from < -far || from > far || to < -far || to > far)
        return -ML_WHY_RANGE;
    int64_t days = ml_workdays_before(to) - ml_workdays_before(from);
    return ml_give_int(
        m, o, days - ml_count_below(off, k->count, to) + ml_count_below(off, k->count, from));
}
