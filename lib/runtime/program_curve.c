/* Operations of row programs: curves that steps learnt. */
#include "runtime/program_curve.h"

#include "runtime/program_machine.h"

bool ml_curve_log_shift(double x, const double *constant, size_t n, double *out)
{
    if (n != 1 || x + constant[0] <= 0)
        return false;
    *out = x + constant[0] > 0 ? log(x + constant[0]) : ML_NONE;
    return true;
}

/* First index with at[i] >= x. */
static size_t ml_lower_bound(const double *at, size_t n, double x)
{
    size_t low = 0;
    while (n > 0) {
        size_t half = n / 2;
        if (at[low + half] < x) {
            low += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return low;
}

/* The share of values below x. Among equal quantiles the middle one counts. */
static double ml_share_below(const double *q, size_t n, double x)
{
    double last = n > 1 ? (double)(n - 1) : 1;
    size_t low = ml_lower_bound(q, n, x), high = low;
    if (low == n)
        return 1;
    if (q[low] > x)
        return low == 0 ? 0 : ((double)(low - 1) + (x - q[low - 1]) / (q[low] - q[low - 1])) / last;
    while (high + 1 < n && q[high + 1] == x)
        high++;
    return ((double)low / last + (double)high / last) / 2;
}

bool ml_curve_uniform(double x, const double *q, size_t n, double *out)
{
    if (n == 0)
        *out = ML_NONE;
    else if (x <= q[0])
        *out = 0;
    else
        *out = x >= q[n - 1] ? 1 : ml_share_below(q, n, x);
    return true;
}

/* How far into the tails of a normal distribution the ends go, as in scikit-learn. */
bool ml_curve_normal(double x, const double *q, size_t n, double *out)
{
    static const double tail = 1e-7;
    double low = normal_quantile(tail - 2.220446049250313e-16);
    *out = ML_NONE;
    if (n == 0)
        return true;
    if (x - tail < q[0] || x + tail > q[n - 1]) {
        *out = x - tail < q[0] ? low : -low;
        return true;
    }
    double z = normal_quantile(ml_share_below(q, n, x));
    *out = z < low ? low : z > -low ? -low : z;
    return true;
}

bool ml_curve_scores(double x, const double *at, size_t n, double *out)
{
    if (n % 2)
        return false;
    n /= 2;
    const double *score = at + n;
    size_t low = ml_lower_bound(at, n, x);
    if (n == 0)
        *out = ML_NONE;
    else if (low == n)
        *out = score[n - 1];
    else if (low == 0 || at[low] == x)
        *out = score[low];
    else {
        double share = (x - at[low - 1]) / (at[low] - at[low - 1]);
        *out = score[low - 1] + share * (score[low] - score[low - 1]);
    }
    return true;
}

double ml_box_cox(double x, double lambda)
{
    return lambda == 0 ? log(x) : expm1(lambda * log(x)) / lambda;
}

double ml_yeo_johnson(double x, double lambda)
{
    if (x >= 0)
        return ml_box_cox(x + 1, lambda);
    return -ml_box_cox(1 - x, 2 - lambda);
}

/* Without mean and deviation: as it is. */
static bool ml_give_power(double y, const double *constant, size_t n, double *out)
{
    *out = n == 3 ? (y - constant[1]) / constant[2] : y;
    return n == 1 || n == 3;
}

bool ml_curve_yeo_johnson(double x, const double *constant, size_t n, double *out)
{
    return n > 0 && ml_give_power(ml_yeo_johnson(x, constant[0]), constant, n, out);
}

bool ml_curve_box_cox(double x, const double *constant, size_t n, double *out)
{
    return n > 0 && x > 0 && ml_give_power(ml_box_cox(x, constant[0]), constant, n, out);
}

bool ml_curve_clipped(double x, const double *bound, size_t n, double *out)
{
    if (n != 2)
        return false;
    *out = x < bound[0] ? bound[0] : x > bound[1] ? bound[1] : x;
    return true;
}

bool ml_curve_within(double x, const double *bound, size_t n, double *out)
{
    if (n != 2)
        return false;
    *out = x < bound[0] || x > bound[1] ? ML_NONE : x;
    return true;
}

bool ml_curve_share(double x, const double *constant, size_t n, double *out)
{
    if (n != 2)
        return false;
    double share = constant[0] * x / constant[1];
    *out = isfinite(share) ? share : ML_NONE;
    return true;
}

/* Beyond the first or the second constant. */
ML_OPERATION(beyond)
{
    double x = m->r[o->a].f;
    const struct ml_range *k = ml_range(m, o->b);
    const double *bound = ml_floats(m, k->first);
    if (k->count != 2)
        return -ML_WHY_WRONG;
    return ml_give_int(m, o, isnan(x) ? ML_BOOL_MISSING : x < bound[0] || x > bound[1]);
}

/* c: enum ml_curve_code. */
ML_OPERATION(curve)
{
#define ML_CURVE_AT(name) ml_curve_##name,
    static bool (*const curves[])(double, const double *, size_t,
                                  double *) = {ML_CURVES(ML_CURVE_AT)};
#undef ML_CURVE_AT
    double x = m->r[o->a].f, z = ML_NONE;
    const struct ml_range *k = ml_range(m, o->b);
    if (isnan(x))
        return ml_give_float(m, o, ML_NONE);
    if (o->c >= ML_CURVE_COUNT || !curves[o->c](x, ml_floats(m, k->first), k->count, &z))
        return -ML_WHY_DOMAIN;
    return ml_give_float(m, o, z);
}
