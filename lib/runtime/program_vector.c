/* Operations of row programs: several numbers at once. */
#include "runtime/program_vector.h"

#include "runtime/program_machine.h"

static void ml_project(const struct ml_vector *v, const double *shift, const double *weights)
{
    for (uint32_t c = 0; c < v->k; c++) {
        const double *w = weights + (size_t)c * v->n;
        double sum = 0;
        for (uint32_t i = 0; i < v->n; i++)
            sum += w[i] * (v->in[i] - shift[i]);
        v->out[c] = sum;
    }
}

bool ml_vector_linear(const struct ml_vector *v)
{
    if (v->count != v->n + (uint64_t)v->k * v->n)
        return false;
    ml_project(v, v->constant, v->constant + v->n);
    return true;
}

bool ml_vector_fourier(const struct ml_vector *v)
{
    if (v->count != 1 + (uint64_t)v->k + v->n + (uint64_t)v->k * v->n)
        return false;
    const double *phase = v->constant + 1, *shift = phase + v->k;
    ml_project(v, shift, shift + v->n);
    for (uint32_t c = 0; c < v->k; c++)
        v->out[c] = v->constant[0] * cos(v->out[c] + phase[c]);
    return true;
}

static double ml_squared_distance(const double *a, const double *b, uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

bool ml_vector_distances(const struct ml_vector *v)
{
    if (v->count != (uint64_t)v->k * v->n)
        return false;
    for (uint32_t c = 0; c < v->k; c++)
        v->out[c] = sqrt(ml_squared_distance(v->in, v->constant + (size_t)c * v->n, v->n));
    return true;
}

bool ml_vector_landmarks(const struct ml_vector *v)
{
    if (v->count != 1 + (uint64_t)v->k * v->n + (uint64_t)v->k * v->k)
        return false;
    const double *at = v->constant + 1, *root = at + (size_t)v->k * v->n;
    for (uint32_t c = 0; c < v->k; c++)
        v->out[c] = 0;
    for (uint32_t i = 0; i < v->k; i++) {
        double square = ml_squared_distance(v->in, at + (size_t)i * v->n, v->n);
        double near = exp(-v->constant[0] * square);
        for (uint32_t c = 0; c < v->k; c++)
            v->out[c] += near * root[(size_t)c * v->k + i];
    }
    return true;
}

bool ml_vector_waves(const struct ml_vector *v)
{
    if (v->n != 1 || v->count != 1 || v->k % 2)
        return false;
    double period = v->constant[0];
    for (uint32_t k = 0; k < v->k / 2; k++) {
        double angle = 6.28318530717958647692 * (double)(k + 1) * (fmod(v->in[0], period) / period);
        v->out[2 * k] = sin(angle);
        v->out[2 * k + 1] = cos(angle);
    }
    return true;
}

/* The values at x of the degree + 1 splines that are not 0 there, by Cox and de Boor's recursion;
 * returns the number of the first one. x lies between the inner knots. */
static uint32_t ml_splines_at(const double *knot, uint32_t count, uint32_t degree, double x,
                              double value[ML_SPLINE_DEGREE_MAX + 1])
{
    uint32_t last = count - degree - 2, mu = degree;
    while (mu < last && x >= knot[mu + 1])
        mu++;
    value[0] = 1;
    for (uint32_t j = 1; j <= degree; j++) {
        double carried = 0;
        for (uint32_t r = 0; r < j; r++) {
            double right = knot[mu + r + 1], left = knot[mu + 1 + r - j], width = right - left;
            double share = width > 0 ? value[r] / width : 0;
            value[r] = carried + (right - x) * share;
            carried = (x - left) * share;
        }
        value[j] = carried;
    }
    return mu - degree;
}

bool ml_vector_splines(const struct ml_vector *v)
{
    if (v->n != 1 || v->count < 1 || !(v->constant[0] >= 1) ||
        v->constant[0] > ML_SPLINE_DEGREE_MAX)
        return false;
    uint32_t degree = (uint32_t)v->constant[0], count = v->count - 1;
    if (count < 2 * degree + 2)
        return false;
    const double *knot = v->constant + 1;
    double x = v->in[0], low = knot[degree], high = knot[count - 1 - degree];
    double value[ML_SPLINE_DEGREE_MAX + 1];
    bool missing = isnan(x) || isnan(low);
    for (uint32_t i = 0; i < v->k; i++)
        v->out[i] = missing ? ML_NONE : 0;
    if (missing)
        return true;
    x = x < low ? low : x > high ? high : x;
    uint32_t first = ml_splines_at(knot, count, degree, x, value);
    for (uint32_t j = 0; j <= degree && first + j < v->k; j++)
        v->out[first + j] = value[j];
    return true;
}

/* Calls for each number that is there. */
#define ML_EACH(v, x, what)                                                                        \
    for (uint32_t i_ = 0; i_ < (v)->n; i_++) {                                                     \
        double x = (v)->in[i_];                                                                    \
        if (!isnan(x)) {                                                                           \
            what;                                                                                  \
        }                                                                                          \
    }

static uint32_t ml_present(const struct ml_vector *v)
{
    uint32_t n = 0;
    ML_EACH(v, x, n++)
    return n;
}

static double ml_sum_present(const struct ml_vector *v)
{
    double sum = 0;
    ML_EACH(v, x, sum += x)
    return sum;
}

/* Of one result: x, or missing when nothing is there. */
static bool ml_give_one(const struct ml_vector *v, double x)
{
    if (v->k != 1)
        return false;
    v->out[0] = ml_present(v) ? x : ML_NONE;
    return true;
}

bool ml_vector_sum(const struct ml_vector *v)
{
    return ml_give_one(v, ml_sum_present(v));
}

bool ml_vector_mean(const struct ml_vector *v)
{
    return ml_give_one(v, ml_sum_present(v) / (double)ml_present(v));
}

bool ml_vector_least(const struct ml_vector *v)
{
    double least = ML_NONE;
    ML_EACH(v, x, least = isnan(least) || x < least ? x : least)
    return ml_give_one(v, least);
}

bool ml_vector_most(const struct ml_vector *v)
{
    double most = ML_NONE;
    ML_EACH(v, x, most = isnan(most) || x > most ? x : most)
    return ml_give_one(v, most);
}

bool ml_vector_deviation(const struct ml_vector *v)
{
    double n = (double)ml_present(v), mean = ml_sum_present(v) / n, squares = 0;
    ML_EACH(v, x, squares += (x - mean) * (x - mean))
    return ml_give_one(v, n < 2 ? ML_NONE : sqrt(squares / (n - 1)));
}

bool ml_vector_product(const struct ml_vector *v)
{
    double product = 1;
    ML_EACH(v, x, product *= x)
    return ml_give_one(v, product);
}

static bool ml_divide_all(const struct ml_vector *v, double length)
{
    if (v->k != v->n)
        return false;
    for (uint32_t i = 0; i < v->n; i++)
        v->out[i] = v->in[i] / (length > 0 ? length : 1);
    return true;
}

bool ml_vector_unit_l1(const struct ml_vector *v)
{
    double sum = 0;
    ML_EACH(v, x, sum += fabs(x))
    return ml_divide_all(v, sum);
}

bool ml_vector_unit_l2(const struct ml_vector *v)
{
    double sum = 0;
    ML_EACH(v, x, sum += x * x)
    return ml_divide_all(v, sqrt(sum));
}

bool ml_vector_unit_max(const struct ml_vector *v)
{
    double most = 0;
    ML_EACH(v, x, most = fmax(most, fabs(x)))
    return ml_divide_all(v, most);
}

#undef ML_EACH

bool ml_vector_scaled(const struct ml_vector *v)
{
    if (v->k != v->n || v->count != v->n)
        return false;
    for (uint32_t i = 0; i < v->n; i++)
        v->out[i] = v->constant[i] * v->in[i];
    return true;
}

/* Okapi BM25. Words that are not there weigh nothing. */
bool ml_vector_bm25(const struct ml_vector *v)
{
    if (v->n != v->k + UINT64_C(1) || v->count != v->k + UINT64_C(3))
        return false;
    double k1 = v->constant[0], b = v->constant[1], usual = v->constant[2], words = v->in[v->k];
    for (uint32_t i = 0; i < v->k; i++) {
        double times = v->in[i];
        double weight = times * (k1 + 1) / (times + k1 * (1 - b + b * words / usual));
        v->out[i] = times == 0 ? 0 : v->constant[i + 3] * weight;
    }
    return true;
}

bool ml_vector_run(uint32_t code, const struct ml_vector *v)
{
#define ML_VECTOR_AT(name) ml_vector_##name,
    static bool (*const kernels[])(const struct ml_vector *v) = {ML_VECTORS(ML_VECTOR_AT)};
#undef ML_VECTOR_AT
    return code < ML_VECTOR_COUNT && kernels[code](v);
}

/* Numbers of the list a to those of the list `to`, with the constants b; c: enum ml_vector_code.
 * Flag 1: one that is missing or infinite makes all results missing. */
ML_OPERATION(vector)
{
    const uint32_t *from = ml_list(m, o->a), *to = ml_list(m, o->to);
    const struct ml_range *k = ml_range(m, o->b);
    double *in = m->wide, *out = in + from[0];
    bool whole = true;
    for (uint32_t i = 0; i < from[0]; i++) {
        in[i] = m->r[from[i + 1]].f;
        whole = whole && isfinite(in[i]);
    }
    struct ml_vector v = {in, from[0], ml_floats(m, k->first), k->count, out, to[0]};
    bool runs = whole || !o->flags;
    if (runs && !ml_vector_run(o->c, &v))
        return -ML_WHY_WRONG;
    for (uint32_t i = 0; i < to[0]; i++)
        m->r[to[i + 1]].f = runs ? out[i] : ML_NONE;
    return 0;
}
