/* Operations of row programs: constants, jumps, missing values, logic. */
#include "runtime/program_machine.h"

ML_OPERATION(move)
{
    m->r[o->to] = m->r[o->a];
    return 0;
}

ML_OPERATION(missing)
{
    static const struct ml_cell cells[ML_CLASSES] = {
        [ML_FLOAT] = {.f = ML_NONE},       [ML_INT] = {.i = ML_INT_MISSING},
        [ML_NUMBER] = {.f = ML_NONE},      [ML_BOOL] = {.i = ML_BOOL_MISSING},
        [ML_TIME] = {.i = ML_INT_MISSING}, [ML_TEXT] = {.at = NULL},
    };
    m->r[o->to] = cells[ml_class_of(m, o->to)];
    return 0;
}

ML_OPERATION(set_float)
{
    return ml_give_float(m, o, *ml_floats(m, o->a));
}

ML_OPERATION(set_int)
{
    return ml_give_int(m, o, *ml_ints(m, o->a));
}

ML_OPERATION(set_time)
{
    return ml_give_int(m, o, *ml_ints(m, o->a));
}

ML_OPERATION(set_whole)
{
    struct ml_cell x = ml_number_of_int(*ml_ints(m, o->a));
    return ml_give_number(m, o, &x);
}

ML_OPERATION(set_real)
{
    struct ml_cell x = ml_number_of(*ml_floats(m, o->a));
    return ml_give_number(m, o, &x);
}

ML_OPERATION(set_bool)
{
    return ml_give_int(m, o, o->a);
}

ML_OPERATION(set_text)
{
    struct ml_text t = ml_text_at(m->p, o->a);
    return ml_give_text(m, o, t.at, t.len);
}

static int ml_go(struct ml_machine *m, const struct ml_op *o)
{
    m->next = m->first + o->c;
    return 0;
}

ML_OPERATION(jump)
{
    return ml_go(m, o);
}

/* The bool a is b. */
ML_OPERATION(jump_is)
{
    return m->r[o->a].i == (int64_t)o->b ? ml_go(m, o) : 0;
}

ML_OPERATION(jump_not)
{
    return m->r[o->a].i != (int64_t)o->b ? ml_go(m, o) : 0;
}

bool ml_is_missing(const struct ml_machine *m, uint32_t reg)
{
    const struct ml_cell *x = &m->r[reg];
    switch (ml_class_of(m, reg)) {
    case ML_FLOAT:
        return isnan(x->f);
    case ML_NUMBER:
        return ml_number_missing(x);
    case ML_BOOL:
        return x->i == ML_BOOL_MISSING;
    case ML_TEXT:
        return !x->at;
    default:
        return x->i == ML_INT_MISSING;
    }
}

ML_OPERATION(jump_has)
{
    return ml_is_missing(m, o->a) ? 0 : ml_go(m, o);
}

/* a: why. */
ML_OPERATION(refuse)
{
    (void)m;
    return o->a > 0 && o->a < ML_WHY_COUNT ? -(int)o->a : -ML_WHY_WRONG;
}

/* Refuses the row unless the bool a is 1, or missing where b is 1. */
ML_OPERATION(want)
{
    int64_t x = m->r[o->a].i;
    return x == 1 || (x == ML_BOOL_MISSING && o->b == 1) ? 0 : -ML_WHY_WRONG;
}

/* b when missing, else 1 - b. */
ML_OPERATION(is_missing)
{
    return ml_give_int(m, o, ml_is_missing(m, o->a) ? o->b & 1 : !(o->b & 1));
}

ML_OPERATION(count_missing)
{
    return ml_give_int(m, o, (int64_t)((uint64_t)m->r[o->a].i + ml_is_missing(m, o->b)));
}

ML_OPERATION(not )
{
    int64_t x = m->r[o->a].i;
    return ml_give_int(m, o, x == ML_BOOL_MISSING ? x : !x);
}

ML_OPERATION(xor)
{
    int64_t x = m->r[o->a].i, y = m->r[o->b].i;
    bool missing = x == ML_BOOL_MISSING || y == ML_BOOL_MISSING;
    return ml_give_int(m, o, missing ? ML_BOOL_MISSING : x != y);
}

/* c decides: 0 for and, 1 for or. */
ML_OPERATION(kleene)
{
    int64_t x = m->r[o->a].i, y = m->r[o->b].i, decided = o->c & 1;
    if (x == decided || y == decided)
        return ml_give_int(m, o, decided);
    bool missing = x == ML_BOOL_MISSING || y == ML_BOOL_MISSING;
    return ml_give_int(m, o, missing ? ML_BOOL_MISSING : !decided);
}
