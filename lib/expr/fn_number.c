/* Arithmetic of one number: sign, rounding, and of whole numbers. */
#include "expr/eval.h"

#include <math.h>

static bool give_number(struct value *out, const struct value *v)
{
    *out = *v;
    return true;
}

/* INT64_MIN is missing, so an integer can always be negated. */
KERNEL(do_neg)
{
    return a[0].is_int ? give_int(out, -a[0].i) : give_double(out, -a[0].f);
}

KERNEL(do_abs)
{
    if (a[0].is_int)
        return give_int(out, a[0].i < 0 ? -a[0].i : a[0].i);
    return give_double(out, fabs(a[0].f));
}

KERNEL(do_sign)
{
    double x = value_double(&a[0]);
    return give_int(out, (x > 0.0) - (x < 0.0));
}

KERNEL(do_floor)
{
    return a[0].is_int ? give_number(out, &a[0]) : give_double(out, floor(a[0].f));
}

KERNEL(do_ceil)
{
    return a[0].is_int ? give_number(out, &a[0]) : give_double(out, ceil(a[0].f));
}

KERNEL(do_trunc)
{
    return a[0].is_int ? give_number(out, &a[0]) : give_double(out, trunc(a[0].f));
}

/* To decimal places; printing and reading back rounds the decimal value, not its binary shadow. */
KERNEL(do_round_to)
{
    if (a[1].i > 300 || a[1].i < -300)
        return call_fail(c, "%lld is not a number of decimals", (long long)a[1].i);
    if (a[0].is_int && a[1].i >= 0)
        return give_number(out, &a[0]);
    double x = value_double(&a[0]), scale = pow(10.0, (double)(a[1].i < 0 ? -a[1].i : a[1].i));
    if (a[1].i <= 0)
        return give_double(out, round(x / scale) * scale);
    double scaled = x * scale;
    if (!isfinite(scaled) || fabs(scaled) >= 9007199254740992.0)
        return give_double(out, x);
    char digits[NUMBER_MAX];
    double nearest = round(scaled), back = 0;
    size_t n = number_print(digits, nearest);
    struct buf *b = &c->scratch;
    buf_add(b, digits, n);
    buf_format(b, "e-%lld", (long long)a[1].i);
    if (!number_parse_double(b->at, b->len, &back))
        back = nearest / scale;
    return give_double(out, back);
}

KERNEL(do_round)
{
    if (c->count == 2)
        return do_round_to(c, a, out);
    return a[0].is_int ? give_number(out, &a[0]) : give_double(out, round(a[0].f));
}

KERNEL(do_clamp)
{
    if (value_compare(&a[1], &a[2]) > 0)
        return call_fail(c, "clamp wants low <= high");
    const struct value *v = value_compare(&a[0], &a[1]) < 0   ? &a[1]
                            : value_compare(&a[0], &a[2]) > 0 ? &a[2]
                                                              : &a[0];
    return give_number(out, v);
}

static int64_t gcd(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

KERNEL(do_gcd)
{
    return give_int(out, gcd(a[0].i, a[1].i));
}

KERNEL(do_lcm)
{
    int64_t divisor = gcd(a[0].i, a[1].i), product = 0;
    if (divisor != 0 && __builtin_mul_overflow(a[0].i / divisor, a[1].i, &product))
        return call_fail(c, "lcm(%lld, %lld) does not fit 64-bit integers", (long long)a[0].i,
                         (long long)a[1].i);
    return give_int(out, product < 0 ? -product : product);
}

KERNEL(do_factorial)
{
    int64_t product = 1;
    if (a[0].i < 0 || a[0].i > 20)
        return call_fail(c, "factorial(%lld) has no 64-bit value", (long long)a[0].i);
    for (int64_t k = 2; k <= a[0].i; k++)
        product *= k;
    return give_int(out, product);
}

KERNEL(do_fma)
{
    return give_double(out, fma(a[0].f, a[1].f, a[2].f));
}

#define ARITHMETIC "arithmetic"
static const struct function_row rows[] = {
    {{"abs", ARITHMETIC, "abs(x) -> number", "x without its sign", "abs(-3)", "3"},
     "n",
     'n',
     .row = do_abs},
    {{"ceil", ARITHMETIC, "ceil(x) -> number", "the next integer up", "ceil(2.1)", "3"},
     "n",
     'n',
     .row = do_ceil},
    {{"clamp", ARITHMETIC, "clamp(x, low, high) -> number",
      "x, but no less than low and no more than high", "clamp(15, 0, 10)", "10"},
     "nnn",
     'n',
     .row = do_clamp},
    {{"factorial", ARITHMETIC, "factorial(n) -> int", "n!; an error below 0 and above 20",
      "factorial(5)", "120"},
     "i",
     'i',
     .row = do_factorial},
    {{"floor", ARITHMETIC, "floor(x) -> number", "the next integer down", "floor(-2.1)", "-3"},
     "n",
     'n',
     .row = do_floor},
    {{"fma", ARITHMETIC, "fma(a, b, c) -> float", "a * b + c, rounded once", "fma(2, 3, 4)", "10"},
     "fff",
     'f',
     .row = do_fma},
    {{"gcd", ARITHMETIC, "gcd(a, b) -> int", "greatest common divisor", "gcd(12, 18)", "6"},
     "ii",
     'i',
     .row = do_gcd},
    {{"hypot", ARITHMETIC, "hypot(a, b) -> float", "square root of a^2 + b^2", "hypot(3, 4)", "5"},
     "ff",
     'f',
     .real2 = hypot},
    {{"lcm", ARITHMETIC, "lcm(a, b) -> int", "least common multiple", "lcm(4, 6)", "12"},
     "ii",
     'i',
     .row = do_lcm},
    {{"neg", ARITHMETIC, "neg(x) -> number", "-x", "neg(5)", "-5"}, "n", 'n', .row = do_neg},
    {{"round", ARITHMETIC, "round(x, [decimals]) -> number",
      "to so many decimals, else to an integer; halves away from 0", "round(2.5)", "3"},
     "n?i",
     'n',
     .row = do_round},
    {{"round_to", ARITHMETIC, "round_to(x, decimals) -> number",
      "x to so many decimals; negative ones round tens, hundreds ...", "round_to(3.14159, 2)",
      "3.14"},
     "ni",
     'n',
     .row = do_round_to},
    {{"sign", ARITHMETIC, "sign(x) -> int", "-1, 0 or 1", "sign(-7.5)", "-1"},
     "n",
     'i',
     .row = do_sign},
    {{"trunc", ARITHMETIC, "trunc(x) -> number", "x without its fraction", "trunc(-2.7)", "-2"},
     "n",
     'n',
     .row = do_trunc},
};
const struct function_family number_functions = {rows, COUNT_OF(rows)};
