/* The functions that the operations real, real2 and map know. What the C library has comes from
 * there; the rest is the very code that expressions and steps run. */
#include "runtime/program_math.h"

#include <math.h>

double ml_degrees(double x)
{
    return x * (180.0 / ML_PI);
}

double ml_radians(double x)
{
    return x * (ML_PI / 180.0);
}

/* One step of Newton's method: the library's cbrt(27) may be off by a bit. */
double ml_cube_root(double x)
{
    double y = cbrt(x);
    return y == 0.0 || !isfinite(y) ? y : y - (y * y * y - x) / (3.0 * y * y);
}

double ml_logit(double p)
{
    return log(p / (1.0 - p));
}

/* Both forms stay accurate: exp never overflows. */
double ml_sigmoid(double x)
{
    double z = exp(-fabs(x));
    return x >= 0.0 ? 1.0 / (1.0 + z) : z / (1.0 + z);
}

double ml_norm_cdf(double x)
{
    return 0.5 * erfc(-x * 0.70710678118654752440);
}

static double ml_polynomial(const double *coefficients, size_t n, double x)
{
    double sum = coefficients[0];
    for (size_t i = 1; i < n; i++)
        sum = sum * x + coefficients[i];
    return sum;
}

/* Acklam's rational approximation (relative error 1e-9) and one step of Halley's method on
 * ml_norm_cdf. */
double ml_norm_ppf(double p)
{
    static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,
                               -2.759285104469687e+02, 1.383577518672690e+02,
                               -3.066479806614716e+01, 2.506628277459239e+00};
    static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02,
                               -1.556989798598866e+02, 6.680131188771972e+01,
                               -1.328068155288572e+01, 1.0};
    static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01,
                               -2.400758277161838e+00, -2.549732539343734e+00,
                               4.374664141464968e+00,  2.938163982698783e+00};
    static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                               3.754408661907416e+00, 1.0};
    double tail = p < 0.5 ? p : 1.0 - p, x;
    if (!(p > 0.0 && p < 1.0))
        return (double)NAN;
    if (tail < 0.02425) {
        double q = sqrt(-2.0 * log(tail));
        x = ml_polynomial(c, 6, q) / ml_polynomial(d, 5, q);
        x = p < 0.5 ? x : -x;
    } else {
        double q = p - 0.5, r = q * q;
        x = q * ml_polynomial(a, 6, r) / ml_polynomial(b, 6, r);
    }
    double e = ml_norm_cdf(x) - p, u = e * sqrt(2.0 * ML_PI) * exp(x * x / 2.0);
    return x - u / (1.0 + x * u / 2.0);
}

double ml_map_log(double x, const double *p)
{
    return isnan(p[0]) ? log(x) : log(x) / log(p[0]);
}

double ml_map_log1p(double x, const double *p)
{
    (void)p;
    return log1p(x);
}

double ml_map_log10(double x, const double *p)
{
    (void)p;
    return log10(x);
}

double ml_map_log2(double x, const double *p)
{
    (void)p;
    return log2(x);
}

double ml_map_sqrt(double x, const double *p)
{
    (void)p;
    return sqrt(x);
}

/* The C library may miss by a unit in the last place (27 gives more than 3): one step of Newton. */
double ml_map_cbrt(double x, const double *p)
{
    (void)p;
    double root = cbrt(x), step = (root * root * root - x) / (3 * root * root);
    return isfinite(step) ? root - step : root;
}

double ml_map_square(double x, const double *p)
{
    (void)p;
    return x * x;
}

double ml_map_reciprocal(double x, const double *p)
{
    (void)p;
    return 1 / x;
}

double ml_map_power(double x, const double *p)
{
    return pow(x, p[0]);
}

double ml_map_arcsin_sqrt(double x, const double *p)
{
    (void)p;
    return asin(sqrt(x));
}

double ml_map_arcsinh(double x, const double *p)
{
    return asinh((x - p[0]) / p[1]);
}

double ml_map_logit(double x, const double *p)
{
    (void)p;
    return log(x / (1 - x));
}

/* Each branch takes exp of a negative number, which cannot overflow. */
double ml_map_sigmoid(double x, const double *p)
{
    (void)p;
    if (x >= 0)
        return 1 / (1 + exp(-x));
    double t = exp(x);
    return t / (1 + t);
}

double ml_map_abs(double x, const double *p)
{
    (void)p;
    return fabs(x);
}

double ml_map_sign(double x, const double *p)
{
    (void)p;
    return (double)((x > 0) - (x < 0));
}

double ml_map_clip(double x, const double *p)
{
    if (x < p[0])
        return p[0];
    return x > p[1] ? p[1] : x;
}

/* Beyond 2^52 every double is whole; a product that overflows has no digit to lose. */
double ml_map_round(double x, const double *p)
{
    double scaled = p[0] < 0 ? x / p[1] : x * p[1];
    if (!isfinite(scaled))
        return x;
    double whole = nearbyint(scaled);
    return p[0] < 0 ? whole * p[1] : whole / p[1];
}

double ml_map_binarize(double x, const double *p)
{
    return x > p[0] ? 1 : 0;
}

/* Programs name these by their place: new ones go to the end. */
static ml_real *const ml_reals[] = {
    acos,       acosh,      asin,  asinh, atan,     atanh,       ml_cube_root, cos,
    cosh,       ml_degrees, erf,   erfc,  exp,      exp2,        expm1,        tgamma,
    log,        log10,      log1p, log2,  ml_logit, ml_norm_cdf, ml_norm_ppf,  ml_radians,
    ml_sigmoid, sin,        sinh,  sqrt,  tan,      tanh,
};
static ml_real2 *const ml_real2s[] = {atan2, hypot};
#define ML_MAP_AT(name) ml_map_##name,
static ml_map *const ml_maps[] = {ML_MAPS(ML_MAP_AT)};
#undef ML_MAP_AT

ml_real *ml_real_at(uint32_t i)
{
    return i < sizeof ml_reals / sizeof ml_reals[0] ? ml_reals[i] : NULL;
}

ml_real2 *ml_real2_at(uint32_t i)
{
    return i < sizeof ml_real2s / sizeof ml_real2s[0] ? ml_real2s[i] : NULL;
}

ml_map *ml_map_at(uint32_t i)
{
    return i < sizeof ml_maps / sizeof ml_maps[0] ? ml_maps[i] : NULL;
}
