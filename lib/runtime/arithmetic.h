/*
 * + - * / // % ^ on numbers, as expressions and row programs compute them.
 */
#ifndef RUNTIME_ARITHMETIC_H
#define RUNTIME_ARITHMETIC_H

#include "runtime/program.h"

#include <math.h>

static inline double ml_double_arithmetic(enum ml_arithmetic what, double x, double y)
{
    double rest;
    switch (what) {
    case ML_ADD:
        return x + y;
    case ML_SUB:
        return x - y;
    case ML_MUL:
        return x * y;
    case ML_DIV:
        return x / y;
    case ML_IDIV:
        return floor(x / y);
    case ML_MOD: /* the sign of the divisor, as // floors */
        rest = fmod(x, y);
        return rest != 0.0 && (rest < 0.0) != (y < 0.0) ? rest + y : rest;
    case ML_POW:
        return pow(x, y);
    }
    return (double)NAN;
}

static inline bool ml_int_pow(int64_t base, int64_t exponent, int64_t *out)
{
    int64_t result = 1;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1 && __builtin_mul_overflow(result, base, &result))
            return false;
        if (exponent > 1 && __builtin_mul_overflow(base, base, &base))
            return false;
    }
    *out = result;
    return true;
}

/* Neither a nor b is missing (INT64_MIN). False: overflow, division by zero, or / , which gives no
 * integer; a result that would mean missing is out of range, too. */
static inline bool ml_int_arithmetic(enum ml_arithmetic what, int64_t a, int64_t b, int64_t *out)
{
    bool good = b != 0;
    *out = 0;
    switch (what) {
    case ML_ADD:
        good = !__builtin_add_overflow(a, b, out);
        break;
    case ML_SUB:
        good = !__builtin_sub_overflow(a, b, out);
        break;
    case ML_MUL:
        good = !__builtin_mul_overflow(a, b, out);
        break;
    case ML_IDIV: /* rounded down */
        if (good)
            *out = a / b - (a % b != 0 && (a < 0) != (b < 0));
        break;
    case ML_MOD: /* with the sign of b; floor(a / b) * b may not fit */
        if (good)
            *out = a % b;
        if (*out != 0 && (*out < 0) != (b < 0))
            *out += b;
        break;
    case ML_POW: /* b >= 0 */
        good = ml_int_pow(a, b, out);
        break;
    default:
        good = false;
        break;
    }
    return good && *out != ML_INT_MISSING;
}

#endif
