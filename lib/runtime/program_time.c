/* Operations of row programs: times. */
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

/* b: the zone of clock times without an offset, 0 when there is none. */
ML_OPERATION(time_of_text)
{
    const struct ml_cell *x = &m->r[o->a];
    bool has_offset = false;
    usec t = ML_INT_MISSING;
    if (!x->at)
        return ml_give_int(m, o, t);
    if (!time_parse(x->at, x->len, &t, &has_offset))
        return -ML_WHY_TIME;
    if (has_offset || x->len <= 10)
        return ml_give_int(m, o, t);
    if (o->b == 0)
        return -ML_WHY_ZONE;
    struct zone_table zone = ml_zone_of(m, o->b);
    return ml_give_int(m, o, zone_table_to_utc(&zone, t));
}

ML_OPERATION(text_of_time)
{
    int64_t t = m->r[o->a].i;
    if (t == ML_INT_MISSING)
        return ml_give_text(m, o, NULL, 0);
    char *out = ml_scratch_room(m, TIME_MAX);
    return out ? ml_give_scratch(m, o, out, time_print(out, t)) : -ML_WHY_LONG;
}

static bool ml_in_years(usec t)
{
    return t >= -62135596800 * USEC_SECOND && t < 253402300800 * USEC_SECOND;
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
    if (__builtin_add_overflow(t, by, &sum) || !ml_in_years(sum))
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
