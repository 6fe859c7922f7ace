#include "stats/stats.h"

#include <math.h>

/* Turns the plane of rows and columns p and q of a so that a[p][q] becomes 0, and the rows of v. */
static void rotate(double *a, double *v, size_t n, size_t p, size_t q)
{
    double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    double t = (theta < 0 ? -1 : 1) / (fabs(theta) + hypot(theta, 1)), c = 1 / hypot(t, 1),
           s = t * c;
    for (size_t k = 0; k < n; k++) {
        double x = a[k * n + p], y = a[k * n + q];
        a[k * n + p] = c * x - s * y;
        a[k * n + q] = s * x + c * y;
    }
    for (size_t k = 0; k < n; k++) {
        double x = a[p * n + k], y = a[q * n + k], u = v[p * n + k], w = v[q * n + k];
        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
        v[p * n + k] = c * u - s * w;
        v[q * n + k] = s * u + c * w;
    }
    a[p * n + q] = a[q * n + p] = 0;
}

/* An entry this small is lost in the rounding of the others. */
static double negligible(const double *a, size_t n)
{
    double squares = 0;
    for (size_t i = 0; i < n * n; i++)
        squares += a[i] * a[i];
    return 1e-17 * sqrt(squares);
}

static bool sweep(double *a, double *v, size_t n, double tiny)
{
    bool turned = false;
    for (size_t p = 0; p + 1 < n; p++) {
        for (size_t q = p + 1; q < n; q++) {
            if (fabs(a[p * n + q]) <= tiny)
                continue;
            rotate(a, v, n, p, q);
            turned = true;
        }
    }
    return turned;
}

static void swap_rows(double *v, size_t n, size_t i, size_t j)
{
    for (size_t k = 0; k < n; k++) {
        double t = v[i * n + k];
        v[i * n + k] = v[j * n + k];
        v[j * n + k] = t;
    }
}

static void fix_sign(double *row, size_t n)
{
    size_t largest = 0;
    for (size_t k = 1; k < n; k++)
        if (fabs(row[k]) > fabs(row[largest]))
            largest = k;
    double sign = n && row[largest] < 0 ? -1 : 1;
    for (size_t k = 0; k < n; k++)
        row[k] *= sign;
}

void eigen_symmetric(double *a, size_t n, double *value, double *vector)
{
    enum { SWEEPS_MAX = 60 };
    for (size_t i = 0; i < n * n; i++)
        vector[i] = i % (n + 1) == 0;
    double tiny = negligible(a, n);
    for (int i = 0; i < SWEEPS_MAX && sweep(a, vector, n, tiny); i++)
        ;
    for (size_t i = 0; i < n; i++)
        value[i] = a[i * n + i];
    for (size_t i = 0; i < n; i++) {
        size_t best = i;
        for (size_t k = i + 1; k < n; k++)
            if (value[k] > value[best])
                best = k;
        double t = value[i];
        value[i] = value[best];
        value[best] = t;
        if (best != i)
            swap_rows(vector, n, i, best);
        fix_sign(vector + i * n, n);
    }
}

/* Lower triangle of a becomes L with a = L L'. A pivot that lost all its digits counts as 0. */
static bool cholesky(double *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i * n + j], whole = sum;
            for (size_t k = 0; k < j; k++)
                sum -= a[i * n + k] * a[j * n + k];
            if (i != j)
                a[i * n + j] = sum / a[j * n + j];
            else if (sum > whole * 1e-14 && sum > 0)
                a[i * n + i] = sqrt(sum);
            else
                return false;
        }
    }
    return true;
}

static void substitute(const double *l, double *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            b[i] -= l[i * n + k] * b[k];
        b[i] /= l[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            b[i] -= l[k * n + i] * b[k];
        b[i] /= l[i * n + i];
    }
}

bool solve_spd(double *a, double *b, size_t n)
{
    if (!cholesky(a, n))
        return false;
    substitute(a, b, n);
    return true;
}

bool invert_spd(double *a, size_t n)
{
    if (!cholesky(a, n))
        return false;
    double *inverse = mem_alloc(n * n * sizeof *inverse);
    for (size_t i = 0; i < n; i++) {
        inverse[i * n + i] = 1;
        substitute(a, inverse + i * n, n);
    }
    memcpy(a, inverse, n * n * sizeof *a);
    mem_free(inverse);
    return true;
}
