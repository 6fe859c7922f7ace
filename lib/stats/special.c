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
