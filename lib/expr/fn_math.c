/* Numbers: rounding, whole-number arithmetic, mathematics, bits. */
#include "expr/eval.h"
#include "runtime/program_math.h"

#include <math.h>

/* lgamma_r: the sign of lgamma's global variable is not thread-safe. */
static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

KERNEL(do_pi)
{
    return give_double(out, M_PI);
}

KERNEL(do_e)
{
    return give_double(out, M_E);
}

KERNEL(do_isfinite)
{
    return give_bool(out, a[0].kind == KIND_NUMBER && isfinite(value_double(&a[0])));
}

KERNEL(do_isinf)
{
    return give_bool(out, a[0].kind == KIND_NUMBER && isinf(value_double(&a[0])));
}

KERNEL(do_isnan)
{
    return give_bool(out, a[0].kind == KIND_NULL);
}

#define MATHEMATICS "mathematics"
#define REAL(name, code, summary, example, result)                                                 \
    {                                                                                              \
        {name, MATHEMATICS, name "(x) -> float", summary, example, result}, "f", 'f', .real = code \
    }

static const struct function_row math_rows[] = {
    REAL("acos", acos, "angle in radians whose cosine is x", "acos(1)", "0"),
    REAL("acosh", acosh, "inverse hyperbolic cosine", "acosh(1)", "0"),
    REAL("asin", asin, "angle in radians whose sine is x", "asin(0)", "0"),
    REAL("asinh", asinh, "inverse hyperbolic sine", "asinh(0)", "0"),
    REAL("atan", atan, "angle in radians whose tangent is x", "round_to(atan(1), 4)", "0.7854"),
    {{"atan2", MATHEMATICS, "atan2(y, x) -> float", "angle of the point (x, y) in radians",
      "atan2(0, 1)", "0"},
     "ff",
     'f',
     .real2 = atan2},
    REAL("atanh", atanh, "inverse hyperbolic tangent", "atanh(0)", "0"),
    REAL("cbrt", ml_cube_root, "cube root", "cbrt(27)", "3"),
    REAL("cos", cos, "cosine of an angle in radians", "cos(0)", "1"),
    REAL("cosh", cosh, "hyperbolic cosine", "cosh(0)", "1"),
    REAL("degrees", ml_degrees, "radians to degrees", "degrees(pi())", "180"),
    {{"e", MATHEMATICS, "e() -> float", "the base of natural logarithms", "round_to(e(), 5)",
      "2.71828"},
     "",
     'f',
     .row = do_e},
    REAL("erf", erf, "error function", "erf(0)", "0"),
    REAL("erfc", erfc, "1 - erf(x), accurate for large x", "erfc(0)", "1"),
    REAL("exp", exp, "e to the power x", "exp(0)", "1"),
    REAL("exp2", exp2, "2 to the power x", "exp2(10)", "1024"),
    REAL("expm1", expm1, "exp(x) - 1, accurate near 0", "expm1(0)", "0"),
    REAL("gamma", tgamma, "gamma function: gamma(n) is (n-1)!", "gamma(5)", "24"),
    {{"isfinite", MATHEMATICS, "isfinite(x) -> bool", "is x a finite number? false when missing",
      "isfinite(1)", "true"},
     "n",
     'b',
     TAKES_MISSING,
     .row = do_isfinite},
    {{"isinf", MATHEMATICS, "isinf(x) -> bool", "is x infinite? false when missing", "isinf(1)",
      "false"},
     "n",
     'b',
     TAKES_MISSING,
     .row = do_isinf},
    {{"isnan", MATHEMATICS, "isnan(x) -> bool", "is x not a number, which is to say missing?",
      "isnan(1)", "false"},
     "n",
     'b',
     TAKES_MISSING,
     .row = do_isnan},
    REAL("lgamma", log_gamma, "logarithm of |gamma(x)|", "lgamma(1)", "0"),
    REAL("ln", log, "natural logarithm; an error at 0 and below", "ln(e())", "1"),
    REAL("log10", log10, "logarithm to base 10", "log10(1000)", "3"),
    REAL("log1p", log1p, "ln(1 + x), accurate near 0", "log1p(0)", "0"),
    REAL("log2", log2, "logarithm to base 2", "log2(8)", "3"),
    REAL("logit", ml_logit, "ln(x / (1 - x)); an error outside 0 < x < 1", "logit(0.5)", "0"),
    REAL("norm_cdf", ml_norm_cdf, "share of the standard normal distribution below x",
         "norm_cdf(0)", "0.5"),
    REAL("norm_ppf", ml_norm_ppf, "the point with this share of the normal distribution below it",
         "round_to(norm_ppf(0.975), 6)", "1.959964"),
    {{"pi", MATHEMATICS, "pi() -> float", "circumference of a circle of diameter 1",
      "round_to(pi(), 5)", "3.14159"},
     "",
     'f',
     .row = do_pi},
    REAL("radians", ml_radians, "degrees to radians", "round_to(radians(180), 5)", "3.14159"),
    REAL("sigmoid", ml_sigmoid, "1 / (1 + exp(-x))", "sigmoid(0)", "0.5"),
    REAL("sin", sin, "sine of an angle in radians", "sin(0)", "0"),
    REAL("sinh", sinh, "hyperbolic sine", "sinh(0)", "0"),
    REAL("sqrt", sqrt, "square root; an error below 0", "sqrt(16)", "4"),
    REAL("tan", tan, "tangent of an angle in radians", "tan(0)", "0"),
    REAL("tanh", tanh, "hyperbolic tangent", "tanh(0)", "0"),
};
const struct function_family math_functions = {math_rows, COUNT_OF(math_rows)};

KERNEL(do_band)
{
    return give_int(out, a[0].i & a[1].i);
}

KERNEL(do_bor)
{
    return give_int(out, a[0].i | a[1].i);
}

KERNEL(do_bxor)
{
    return give_int(out, a[0].i ^ a[1].i);
}

KERNEL(do_bnot)
{
    return give_int(out, ~a[0].i);
}

KERNEL(do_popcount)
{
    return give_int(out, __builtin_popcountll((uint64_t)a[0].i));
}

static bool shift_fits(struct call *c, int64_t by)
{
    if (by >= 0 && by <= 63)
        return true;
    return call_fail(c, "a shift by %lld is not between 0 and 63", (long long)by);
}

KERNEL(do_shl)
{
    return shift_fits(c, a[1].i) && give_int(out, (int64_t)((uint64_t)a[0].i << a[1].i));
}

KERNEL(do_shr)
{
    if (!shift_fits(c, a[1].i))
        return false;
    uint64_t x = (uint64_t)a[0].i, filled = a[0].i < 0 && a[1].i ? ~(UINT64_MAX >> a[1].i) : 0;
    return give_int(out, (int64_t)(x >> a[1].i | filled));
}

#define BITS "bits"
static const struct function_row bit_rows[] = {
    {{"band", BITS, "band(a, b) -> int", "bits set in both", "band(12, 10)", "8"},
     "ii",
     'i',
     .row = do_band},
    {{"bnot", BITS, "bnot(a) -> int", "all bits turned over", "bnot(0)", "-1"},
     "i",
     'i',
     .row = do_bnot},
    {{"bor", BITS, "bor(a, b) -> int", "bits set in one of them", "bor(12, 10)", "14"},
     "ii",
     'i',
     .row = do_bor},
    {{"bxor", BITS, "bxor(a, b) -> int", "bits set in exactly one", "bxor(12, 10)", "6"},
     "ii",
     'i',
     .row = do_bxor},
    {{"popcount", BITS, "popcount(a) -> int", "number of bits set, of 64", "popcount(255)", "8"},
     "i",
     'i',
     .row = do_popcount},
    {{"shl", BITS, "shl(a, n) -> int", "bits moved up by n, those beyond the 64th lost",
      "shl(1, 4)", "16"},
     "ii",
     'i',
     .row = do_shl},
    {{"shr", BITS, "shr(a, n) -> int", "bits moved down by n, the sign kept", "shr(-16, 2)", "-4"},
     "ii",
     'i',
     .row = do_shr},
};
const struct function_family bit_functions = {bit_rows, COUNT_OF(bit_rows)};
