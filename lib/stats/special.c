/*
 * Series and continued fractions, with the large terms cancelled on paper rather than in doubles:
 * z^z e^-z is split from every gamma function (stirling_error), and log(1 + u) - u is summed as
 * such.
 */
#include "stats/stats.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

double normal_cdf(double z)
{
    return 0.5 * erfc(-z * 0.70710678118654752440);
}

static double polynomial(const double *c, size_t n, double x)
{
    double sum = c[n - 1];
    for (size_t i = n - 1; i-- > 0;)
        sum = sum * x + c[i];
    return sum;
}

static double rational(const double numerator[8], const double denominator[8], double x)
{
    return polynomial(numerator, 8, x) / polynomial(denominator, 8, x);
}

double normal_ppf(double p)
{
    static const double a[] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                               1.9715909503065514427e3, 1.3731693765509461125e4,
                               4.5921953931549871457e4, 6.7265770927008700853e4,
                               3.3430575583588128105e4, 2.5090809287301226727e3};
    static const double b[] = {1.0,
                               4.2313330701600911252e1,
                               6.8718700749205790830e2,
                               5.3941960214247511077e3,
                               2.1213794301586595867e4,
                               3.9307895800092710610e4,
                               2.8729085735721942674e4,
                               5.2264952788528545610e3};
    static const double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                               5.76949722146069140550e0,  3.64784832476320460504e0,
                               1.27045825245236838258e0,  2.41780725177450611770e-1,
                               2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[] = {1.0,
                               2.05319162663775882187e0,
                               1.67638483018380384940e0,
                               6.89767334985100004550e-1,
                               1.48103976427480074590e-1,
                               1.51986665636164571966e-2,
                               5.47593808499534494600e-4,
                               1.05075007164441684324e-9};
    static const double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                               1.78482653991729133580e0,  2.96560571828504891230e-1,
                               2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[] = {1.0,
                               5.99832206555887937690e-1,
                               1.36929880922735805310e-1,
                               1.48753612908506148525e-2,
                               7.86869131145613259100e-4,
                               1.84631831751005468180e-5,
                               1.42151175831644588870e-7,
                               2.04426310338993978564e-15};
    double q = p - 0.5;
    if (!(p > 0 && p < 1))
        return p == 0 ? -(double)INFINITY : p == 1 ? (double)INFINITY : (double)NAN;
    if (fabs(q) <= 0.425)
        return q * rational(a, b, 0.180625 - q * q);
    double r = sqrt(-log(q < 0 ? p : 1 - p));
    double z = r <= 5 ? rational(c, d, r - 1.6) : rational(e, f, r - 5);
    return q < 0 ? -z : z;
}

/* ln gamma(z) - ((z - 1/2) ln z - z + ln(2 pi) / 2), z > 0. */
static double stirling_error(double z)
{
    static const double c[] = {1.0 / 12,   -1.0 / 360,      1.0 / 1260, -1.0 / 1680,
                               1.0 / 1188, -691.0 / 360360, 1.0 / 156};
    if (z >= 10)
        return polynomial(c, COUNT_OF(c), 1 / (z * z)) / z;
    int sign;
    return lgamma_r(z, &sign) - ((z - 0.5) * log(z) - z + 0.5 * log(2 * PI));
}

/* log(ratio) - u without cancellation; ratio = 1 + u > 0, both known well. */
static double log_minus(double ratio, double u)
{
    if (fabs(u) > 0.5)
        return log(ratio) - u;
    double r = u / (2 + u), y = r * r, sum = 0, power = r * y;
    for (int k = 3; fabs(power) > 1e-18 * fabs(sum) && k < 99; k += 2) {
        sum += power / k;
        power *= y;
    }
    return 2 * sum - u * r;
}

/* x^a e^-x / gamma(a) */
static double gamma_factor(double a, double x)
{
    return sqrt(a / (2 * PI)) * exp(a * log_minus(x / a, (x - a) / a) - stirling_error(a));
}

enum { TERMS_MAX = 100000 };

static double gamma_series(double a, double x)
{
    double term = 1 / a, sum = term;
    for (int i = 1; i < TERMS_MAX && term > 1e-17 * sum; i++) {
        term *= x / (a + i);
        sum += term;
    }
    return gamma_factor(a, x) * sum;
}

/* Upper function by Lentz' evaluation of Legendre's continued fraction. */
static double gamma_fraction(double a, double x)
{
    double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
    for (int i = 1; i < TERMS_MAX; i++) {
        double n = -i * (i - a);
        b += 2;
        d = 1 / (n * d + b);
        c = b + n / c;
        h *= d * c;
        if (fabs(d * c - 1) < 1e-16)
            break;
    }
    return gamma_factor(a, x) * h;
}

static double gamma_q(double a, double x)
{
    if (!(x > 0))
        return 1;
    if (isinf(x))
        return 0;
    return x < a + 1 ? 1 - gamma_series(a, x) : gamma_fraction(a, x);
}

double gamma_p(double a, double x)
{
    if (!(x > 0))
        return isnan(x) ? x : 0;
    if (isinf(x))
        return 1;
    return x < a + 1 ? gamma_series(a, x) : 1 - gamma_fraction(a, x);
}

/* x^a y^b / (a B(a, b)) with y = 1 - x */
static double beta_factor(double a, double b, double x, double y)
{
    double s = a + b, tilt = x * b - y * a;
    double spread = stirling_error(s) - stirling_error(a) - stirling_error(b);
    double exponent = a * log_minus(x * s / a, tilt / a) + b * log_minus(y * s / b, -tilt / b);
    return sqrt(a * b / (2 * PI * s)) * exp(exponent + spread) / a;
}

/* The continued fraction of the incomplete beta function (modified Lentz), good for x < a / (a +
 * b). */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (int m = 1; m < TERMS_MAX; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / (1 + even * d);
        c = 1 + even / c;
        h *= d * c;
        d = 1 / (1 + odd * d);
        c = 1 + odd / c;
        h *= d * c;
        if (fabs(d * c - 1) < 1e-16)
            break;
    }
    return h;
}

/* beta_i where x and y = 1 - x are both known well. */
static double beta_both(double a, double b, double x, double y)
{
    if (isnan(x) || isnan(y))
        return (double)NAN;
    if (x <= 0 || y <= 0)
        return x <= 0 ? 0 : 1;
    if (x < (a + 1) / (a + b + 2))
        return beta_factor(a, b, x, y) * beta_fraction(a, b, x);
    return 1 - beta_factor(b, a, y, x) * beta_fraction(b, a, y);
}

double beta_i(double a, double b, double x)
{
    return beta_both(a, b, x, 1 - x);
}

double chi2_sf(double x, double df)
{
    return isnan(x) ? x : gamma_q(df / 2, x / 2);
}

double f_sf(double f, double df1, double df2)
{
    if (!(f > 0))
        return isnan(f) ? f : 1;
    double whole = df2 + df1 * f;
    return isinf(whole) ? 0 : beta_both(df2 / 2, df1 / 2, df2 / whole, df1 * f / whole);
}

double t_sf(double t, double df)
{
    double square = t * t, whole = df + square;
    double tail = isinf(whole) ? 0 : 0.5 * beta_both(df / 2, 0.5, df / whole, square / whole);
    return t < 0 ? 1 - tail : tail;
}
