/* Operations of row programs: arithmetic, comparisons. */
#include "runtime/arithmetic.h"
#include "runtime/program_machine.h"

/* With ML_FINITE, finite operands must give a finite result, as in expressions; with ML_STRICT
 * infinite ones, too. */
static int ml_finite(struct ml_machine *m, const struct ml_op *o, double x, double y, double z)
{
    if (o->flags & ML_FINITE && !isfinite(z) && isfinite(x) && isfinite(y))
        return -ML_WHY_DOMAIN;
    if (o->flags & ML_STRICT && !isfinite(z) && !isnan(x) && !isnan(y))
        return -ML_WHY_DOMAIN;
    return ml_give_float(m, o, z);
}

ML_OPERATION(add)
{
    double x = m->r[o->a].f, y = m->r[o->b].f;
    return ml_finite(m, o, x, y, x + y);
}

ML_OPERATION(sub)
{
    double x = m->r[o->a].f, y = m->r[o->b].f;
    return ml_finite(m, o, x, y, x - y);
}

ML_OPERATION(mul)
{
    double x = m->r[o->a].f, y = m->r[o->b].f;
    return ml_finite(m, o, x, y, x * y);
}

ML_OPERATION(div)
{
    double x = m->r[o->a].f, y = m->r[o->b].f;
    return ml_finite(m, o, x, y, x / y);
}

/* c: enum ml_arithmetic. pow(NaN, 0) is 1, but missing stays missing, unless with ML_STRICT. */
ML_OPERATION(arithmetic)
{
    double x = m->r[o->a].f, y = m->r[o->b].f;
    if ((isnan(x) || isnan(y)) && !(o->flags & ML_STRICT))
        return ml_give_float(m, o, ML_NONE);
    return ml_finite(m, o, x, y, ml_double_arithmetic(o->c, x, y));
}

/* c: enum ml_arithmetic. Integers stay integers. */
ML_OPERATION(arithmetic_mixed)
{
    const struct ml_cell *a = &m->r[o->a], *b = &m->r[o->b];
    struct ml_cell z = ml_number_of(ML_NONE);
    if (ml_number_missing(a) || ml_number_missing(b))
        return ml_give_number(m, o, &z);
    if (a->is_int && b->is_int && !(o->c == ML_POW && b->i < 0)) {
        z.is_int = 1;
        if (!ml_int_arithmetic(o->c, a->i, b->i, &z.i))
            return -ML_WHY_RANGE;
        return ml_give_number(m, o, &z);
    }
    double x = ml_number_double(a), y = ml_number_double(b);
    z.f = ml_double_arithmetic(o->c, x, y);
    if (!isfinite(z.f) && isfinite(x) && isfinite(y))
        return -ML_WHY_DOMAIN;
    return ml_give_number(m, o, &z);
}

/* (a - first) / second + third constant */
ML_OPERATION(affine)
{
    const struct ml_range *k = ml_range(m, o->b);
    const double *c = ml_floats(m, k->first);
    if (k->count != 3)
        return -ML_WHY_WRONG;
    return ml_give_float(m, o, (m->r[o->a].f - c[0]) / c[1] + c[2]);
}

/* What is infinite would have been filled in as a text that is no number. */
ML_OPERATION(fill_float)
{
    double x = m->r[o->a].f;
    if (isinf(x))
        return -ML_WHY_NUMBER;
    return ml_give_float(m, o, isnan(x) ? *ml_floats(m, o->b) : x);
}

/* The same with a number of the row. */
ML_OPERATION(fill_float_from)
{
    double x = m->r[o->a].f, y = m->r[o->b].f;
    if (isinf(x) || (isnan(x) && isinf(y)))
        return -ML_WHY_NUMBER;
    return ml_give_float(m, o, isnan(x) ? y : x);
}

/* a, or b where a is missing. */
ML_OPERATION(first_float)
{
    double x = m->r[o->a].f;
    return ml_give_float(m, o, isnan(x) ? m->r[o->b].f : x);
}

/* c: number of the function. */
ML_OPERATION(real)
{
    double x = m->r[o->a].f;
    ml_real *f = ml_real_at(o->b);
    if (isnan(x) || !f)
        return f ? ml_give_float(m, o, ML_NONE) : -ML_WHY_WRONG;
    double z = f(x);
    return !isfinite(z) && isfinite(x) ? -ML_WHY_DOMAIN : ml_give_float(m, o, z);
}

ML_OPERATION(real2)
{
    double x = m->r[o->a].f, y = m->r[o->b].f;
    ml_real2 *f = ml_real2_at(o->c);
    if (isnan(x) || isnan(y) || !f)
        return f ? ml_give_float(m, o, ML_NONE) : -ML_WHY_WRONG;
    double z = f(x, y);
    bool finite = isfinite(z) || !isfinite(x) || !isfinite(y);
    return finite ? ml_give_float(m, o, z) : -ML_WHY_DOMAIN;
}

/* A map of one number with up to four parameters; c: enum ml_map. */
ML_OPERATION(map)
{
    double x = m->r[o->a].f;
    const struct ml_range *k = ml_range(m, o->b);
    ml_map *f = ml_map_at(o->c);
    if (isnan(x))
        return ml_give_float(m, o, x);
    if (!f || k->count != ML_MAP_PARAMETERS)
        return -ML_WHY_WRONG;
    double z = f(x, ml_floats(m, k->first));
    return isfinite(z) ? ml_give_float(m, o, z) : -ML_WHY_DOMAIN;
}

/* b: enum ml_single. An integer is never INT64_MIN, so it can be negated. */
ML_OPERATION(single)
{
    struct ml_cell x = m->r[o->a];
    if (x.is_int && (o->b == ML_NEG || (o->b == ML_ABS && x.i < 0)))
        x.i = x.i == ML_INT_MISSING ? x.i : -x.i;
    if (x.is_int)
        return ml_give_number(m, o, &x);
    switch (o->b) {
    case ML_NEG:
        x.f = -x.f;
        break;
    case ML_ABS:
        x.f = fabs(x.f);
        break;
    case ML_FLOOR:
        x.f = floor(x.f);
        break;
    case ML_CEIL:
        x.f = ceil(x.f);
        break;
    case ML_TRUNC:
        x.f = trunc(x.f);
        break;
    default:
        x.f = round(x.f);
        break;
    }
    return ml_give_number(m, o, &x);
}

ML_OPERATION(sign)
{
    double x = ml_number_double(&m->r[o->a]);
    return ml_give_int(m, o, isnan(x) ? ML_INT_MISSING : (x > 0) - (x < 0));
}

/* x to so many decimals: printed and read back, it is the decimal value that is rounded. */
static double ml_decimals(double x, int64_t decimals)
{
    char text[NUMBER_MAX + 8];
    double scale = pow(10.0, (double)(decimals < 0 ? -decimals : decimals)), back = 0;
    if (decimals <= 0)
        return round(x / scale) * scale;
    double scaled = x * scale;
    if (!isfinite(scaled) || fabs(scaled) >= 9007199254740992.0)
        return x;
    double nearest = round(scaled);
    size_t n = number_print(text, nearest);
    text[n++] = 'e';
    text[n++] = '-';
    n += number_print_int(text + n, decimals);
    return number_parse_double(text, n, &back) ? back : nearest / scale;
}

ML_OPERATION(round_to)
{
    struct ml_cell x = m->r[o->a];
    int64_t decimals = m->r[o->b].i;
    if (ml_number_missing(&x) || decimals == ML_INT_MISSING)
        x = ml_number_of(ML_NONE);
    else if (decimals > 300 || decimals < -300)
        return -ML_WHY_DOMAIN;
    else if (!x.is_int || decimals < 0)
        x = ml_number_of(ml_decimals(ml_number_double(&x), decimals));
    return ml_give_number(m, o, &x);
}

ML_OPERATION(fma)
{
    double x = m->r[o->a].f, y = m->r[o->b].f, z = m->r[o->c].f;
    bool missing = isnan(x) || isnan(y) || isnan(z);
    return ml_give_float(m, o, missing ? ML_NONE : fma(x, y, z));
}

static int64_t ml_gcd(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = b == -1 ? 0 : a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

/* False: no 64-bit value. */
static bool ml_whole_of(uint32_t what, int64_t a, int64_t b, int64_t *out)
{
    int64_t divisor;
    uint64_t bits = (uint64_t)a;
    switch (what) {
    case ML_BAND:
        *out = a & b;
        return true;
    case ML_BOR:
        *out = a | b;
        return true;
    case ML_BXOR:
        *out = a ^ b;
        return true;
    case ML_SHL:
        *out = b >= 0 && b <= 63 ? (int64_t)(bits << b) : 0;
        return b >= 0 && b <= 63;
    case ML_SHR:
        if (b < 0 || b > 63)
            return false;
        *out = (int64_t)(bits >> b | (a < 0 && b ? ~(UINT64_MAX >> b) : 0));
        return true;
    case ML_GCD:
        *out = ml_gcd(a, b);
        return true;
    case ML_LCM:
        divisor = ml_gcd(a, b);
        *out = 0;
        if (divisor != 0 && __builtin_mul_overflow(a / divisor, b, out))
            return false;
        *out = *out < 0 && *out != ML_INT_MISSING ? -*out : *out;
        return true;
    default:
        return false;
    }
}

/* c: enum ml_whole. */
ML_OPERATION(whole)
{
    int64_t a = m->r[o->a].i, b = m->r[o->b].i, z = ML_INT_MISSING;
    if (a != ML_INT_MISSING && b != ML_INT_MISSING && !ml_whole_of(o->c, a, b, &z))
        return -ML_WHY_RANGE;
    return ml_give_int(m, o, z);
}

static int64_t ml_factorial(int64_t n)
{
    int64_t product = 1;
    for (int64_t k = 2; k <= n; k++)
        product *= k;
    return product;
}

/* b: enum ml_whole_single. */
ML_OPERATION(whole_single)
{
    int64_t x = m->r[o->a].i, z = x;
    if (x == ML_INT_MISSING)
        return ml_give_int(m, o, x);
    if (o->b == ML_FACTORIAL && (x < 0 || x > 20))
        return -ML_WHY_RANGE;
    if (o->b == ML_FACTORIAL)
        z = ml_factorial(x);
    else if (o->b == ML_POPCOUNT)
        z = __builtin_popcountll((uint64_t)x);
    else if (o->b == ML_BNOT)
        z = ~x;
    return ml_give_int(m, o, z);
}

/* Bit 0 of `orders`: less makes it true, 1: equal, 2: greater. */
static int64_t ml_by_order(uint32_t orders, int order)
{
    return orders >> (order + 1) & 1;
}

ML_OPERATION(compare_float)
{
    double x = m->r[o->a].f, y = m->r[o->b].f;
    if (isunordered(x, y))
        return ml_give_int(m, o, ML_BOOL_MISSING);
    return ml_give_int(m, o, ml_by_order(o->c, (x > y) - (x < y)));
}

static int ml_order_texts(const struct ml_cell *x, const struct ml_cell *y)
{
    size_t n = x->len < y->len ? x->len : y->len;
    int order = n ? memcmp(x->at, y->at, n) : 0;
    if (order == 0)
        return (x->len > y->len) - (x->len < y->len);
    return (order > 0) - (order < 0);
}

/* -1, 0 or 1, of two values of a class that are not missing. */
static int ml_order(enum ml_class class, const struct ml_cell *x, const struct ml_cell *y)
{
    if (class == ML_TEXT)
        return ml_order_texts(x, y);
    if (class == ML_FLOAT)
        return (x->f > y->f) - (x->f < y->f);
    if (class == ML_NUMBER && !(x->is_int && y->is_int)) {
        double a = ml_number_double(x), b = ml_number_double(y);
        return (a > b) - (a < b);
    }
    return (x->i > y->i) - (x->i < y->i);
}

ML_OPERATION(compare)
{
    bool missing = ml_is_missing(m, o->a) || ml_is_missing(m, o->b);
    if (missing)
        return ml_give_int(m, o, ML_BOOL_MISSING);
    int order = ml_order(ml_class_of(m, o->a), &m->r[o->a], &m->r[o->b]);
    return ml_give_int(m, o, ml_by_order(o->c, order));
}

/* Of a, the best so far, and b; c: 1 for the least. */
ML_OPERATION(extreme)
{
    bool take = ml_is_missing(m, o->a);
    if (!take && !ml_is_missing(m, o->b)) {
        int order = ml_order(ml_class_of(m, o->a), &m->r[o->b], &m->r[o->a]);
        take = o->c ? order < 0 : order > 0;
    }
    m->r[o->to] = m->r[take ? o->b : o->a];
    return 0;
}

/* a, no less than b and no more than c. */
ML_OPERATION(clamp)
{
    const struct ml_cell *x = &m->r[o->a], *low = &m->r[o->b], *high = &m->r[o->c];
    struct ml_cell none = ml_number_of(ML_NONE);
    if (ml_number_missing(x) || ml_number_missing(low) || ml_number_missing(high))
        return ml_give_number(m, o, &none);
    if (ml_order(ML_NUMBER, low, high) > 0)
        return -ML_WHY_DOMAIN;
    const struct ml_cell *z = ml_order(ML_NUMBER, x, low) < 0    ? low
                              : ml_order(ML_NUMBER, x, high) > 0 ? high
                                                                 : x;
    return ml_give_number(m, o, z);
}

/* b: 0 finite, 1 infinite, 2 missing. */
ML_OPERATION(float_is)
{
    double x = m->r[o->a].f;
    bool is = o->b == 0 ? isfinite(x) : o->b == 1 ? isinf(x) : isnan(x);
    return ml_give_int(m, o, is);
}

/* c: what it is when not found. */
ML_OPERATION(in_numbers)
{
    double x = m->r[o->a].f;
    const struct ml_range *k = ml_range(m, o->b);
    const double *at = ml_floats(m, k->first);
    if (isnan(x))
        return ml_give_int(m, o, ML_BOOL_MISSING);
    for (uint32_t i = 0; i < k->count; i++)
        if (at[i] == x)
            return ml_give_int(m, o, 1);
    return ml_give_int(m, o, o->c);
}
