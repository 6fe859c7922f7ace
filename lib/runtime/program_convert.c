/* Operations of row programs: from one class to another, as the table and expressions convert. */
#include "runtime/program_machine.h"

#define ML_WHOLE_MAX 9007199254740992.0 /* 2^53 */

static bool ml_is_word(const struct ml_cell *x, const char *lower, size_t n)
{
    if (x->len != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((x->at[i] | 0x20) != lower[i])
            return false;
    return true;
}

static bool ml_bool_of(const struct ml_cell *x, int64_t *out)
{
    if (ml_is_word(x, "true", 4))
        *out = 1;
    else if (ml_is_word(x, "false", 5))
        *out = 0;
    else
        return false;
    return true;
}

ML_OPERATION(float_of_text)
{
    const struct ml_cell *x = &m->r[o->a];
    double f = ML_NONE;
    if (x->at && !number_parse_double(x->at, x->len, &f))
        return -ML_WHY_NUMBER;
    return ml_give_float(m, o, f);
}

/* A feature of the model, from what the recipe would have written: true and false count as 1 and
 * 0. */
ML_OPERATION(answer_of_text)
{
    const struct ml_cell *x = &m->r[o->a];
    double f = ML_NONE;
    int64_t b;
    if (!x->at || number_parse_double(x->at, x->len, &f))
        return ml_give_float(m, o, f);
    return ml_bool_of(x, &b) ? ml_give_float(m, o, (double)b) : -ML_WHY_NUMBER;
}

/* What is infinite would not read back as a number. */
ML_OPERATION(answer_of_float)
{
    double f = m->r[o->a].f;
    return isinf(f) ? -ML_WHY_NUMBER : ml_give_float(m, o, f);
}

ML_OPERATION(answer_of_time)
{
    return m->r[o->a].i == ML_INT_MISSING ? ml_give_float(m, o, ML_NONE) : -ML_WHY_NUMBER;
}

ML_OPERATION(float_of_int)
{
    int64_t i = m->r[o->a].i;
    return ml_give_float(m, o, i == ML_INT_MISSING ? ML_NONE : (double)i);
}

ML_OPERATION(float_of_number)
{
    return ml_give_float(m, o, ml_number_double(&m->r[o->a]));
}

ML_OPERATION(float_of_bool)
{
    int64_t i = m->r[o->a].i;
    return ml_give_float(m, o, i == ML_BOOL_MISSING ? ML_NONE : (double)i);
}

/* In seconds. */
ML_OPERATION(float_of_time)
{
    int64_t i = m->r[o->a].i;
    return ml_give_float(m, o, i == ML_INT_MISSING ? ML_NONE : (double)i / 1e6);
}

/* b: INT64_MIN is a double, else it is missing. */
ML_OPERATION(number_of_text)
{
    const struct ml_cell *x = &m->r[o->a];
    struct ml_cell n = ml_number_of(ML_NONE);
    int64_t i = 0;
    double f = 0;
    if (!x->at)
        return ml_give_number(m, o, &n);
    enum number_kind kind = number_parse(x->at, x->len, &i, &f);
    if (kind == NUMBER_NONE && !number_parse_double(x->at, x->len, &f))
        return -ML_WHY_NUMBER;
    n = kind == NUMBER_INT ? ml_number_of_int(i) : ml_number_of(f);
    if (o->b && kind == NUMBER_INT && i == ML_INT_MISSING)
        n = ml_number_of(f);
    return ml_give_number(m, o, &n);
}

ML_OPERATION(number_of_int)
{
    struct ml_cell n = ml_number_of_int(m->r[o->a].i);
    return ml_give_number(m, o, &n);
}

ML_OPERATION(number_of_float)
{
    struct ml_cell n = ml_number_of(m->r[o->a].f);
    return ml_give_number(m, o, &n);
}

ML_OPERATION(number_of_bool)
{
    int64_t i = m->r[o->a].i;
    struct ml_cell n = ml_number_of_int(i == ML_BOOL_MISSING ? ML_INT_MISSING : i);
    return ml_give_number(m, o, &n);
}

static bool ml_int_of_text(const char *at, size_t len, int64_t *i)
{
    double f = 0;
    if (number_parse(at, len, i, &f) == NUMBER_INT)
        return true;
    if (!number_parse_double(at, len, &f) || f != floor(f) || fabs(f) > ML_WHOLE_MAX)
        return false;
    *i = (int64_t)f;
    return true;
}

ML_OPERATION(int_of_text)
{
    const struct ml_cell *x = &m->r[o->a];
    int64_t i = ML_INT_MISSING;
    if (x->at && !ml_int_of_text(x->at, x->len, &i))
        return -ML_WHY_INTEGER;
    return ml_give_int(m, o, i);
}

/* As the table has it, by way of the number's text: beyond 2^53 the digits of that count. */
ML_OPERATION(int_of_float)
{
    double f = m->r[o->a].f;
    int64_t i = ML_INT_MISSING;
    char digits[NUMBER_MAX];
    if (isnan(f))
        return ml_give_int(m, o, i);
    if (!ml_int_of_text(digits, number_print(digits, f), &i))
        return -ML_WHY_INTEGER;
    return ml_give_int(m, o, i);
}

/* An argument that must be whole. */
ML_OPERATION(int_of_number)
{
    const struct ml_cell *x = &m->r[o->a];
    if (x->is_int || isnan(x->f))
        return ml_give_int(m, o, x->is_int ? x->i : ML_INT_MISSING);
    if (x->f != floor(x->f) || !(fabs(x->f) <= ML_WHOLE_MAX))
        return -ML_WHY_INTEGER;
    return ml_give_int(m, o, (int64_t)x->f);
}

ML_OPERATION(int_of_bool)
{
    int64_t i = m->r[o->a].i;
    return ml_give_int(m, o, i == ML_BOOL_MISSING ? ML_INT_MISSING : i);
}

/* Without its fraction. */
ML_OPERATION(int_cut)
{
    const struct ml_cell *x = &m->r[o->a];
    if (x->is_int || isnan(x->f))
        return ml_give_int(m, o, x->is_int ? x->i : ML_INT_MISSING);
    return fabs(x->f) < 0x1p63 ? ml_give_int(m, o, (int64_t)x->f) : -ML_WHY_RANGE;
}

ML_OPERATION(bool_of_text)
{
    const struct ml_cell *x = &m->r[o->a];
    int64_t b = ML_BOOL_MISSING;
    if (!x->at || ml_bool_of(x, &b))
        return ml_give_int(m, o, b);
    if (x->len != 1 || (x->at[0] != '0' && x->at[0] != '1'))
        return -ML_WHY_BOOL;
    return ml_give_int(m, o, x->at[0] == '1');
}

ML_OPERATION(bool_of_number)
{
    const struct ml_cell *x = &m->r[o->a];
    double f = ml_number_double(x);
    if (isnan(f))
        return ml_give_int(m, o, ML_BOOL_MISSING);
    return f == 0 || f == 1 ? ml_give_int(m, o, f != 0) : -ML_WHY_BOOL;
}

ML_OPERATION(text_of_float)
{
    double f = m->r[o->a].f;
    char *out = isnan(f) ? NULL : ml_scratch_room(m, NUMBER_MAX);
    if (!out)
        return isnan(f) ? ml_give_text(m, o, NULL, 0) : -ML_WHY_LONG;
    return ml_give_scratch(m, o, out, number_print(out, f));
}

static int ml_print_int(struct ml_machine *m, const struct ml_op *o, int64_t i)
{
    char *out = ml_scratch_room(m, NUMBER_MAX);
    return out ? ml_give_scratch(m, o, out, number_print_int(out, i)) : -ML_WHY_LONG;
}

ML_OPERATION(text_of_int)
{
    int64_t i = m->r[o->a].i;
    return i == ML_INT_MISSING ? ml_give_text(m, o, NULL, 0) : ml_print_int(m, o, i);
}

ML_OPERATION(text_of_number)
{
    const struct ml_cell *x = &m->r[o->a];
    return x->is_int ? ml_print_int(m, o, x->i) : ml_op_text_of_float(m, o);
}

ML_OPERATION(text_of_bool)
{
    switch (m->r[o->a].i) {
    case 0:
        return ml_give_text(m, o, "false", 5);
    case 1:
        return ml_give_text(m, o, "true", 4);
    default:
        return ml_give_text(m, o, NULL, 0);
    }
}
