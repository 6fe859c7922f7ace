/*
 * Central moments are formed from the exact sums by exact arithmetic and rounded at the end, so
 * that nothing cancels: 1e9 + small numbers have the variance of the small numbers.
 */
#include "stats/state.h"
#include "stats/wide.h"

#include <math.h>

enum { BLOCK = 1024 };

void moments_init(struct moments *m, int order)
{
    *m = (struct moments){.order = order};
}

/* Adds x^3 and, at order 4, x^4. */
static void add_high_powers(struct moments *m, double x)
{
    if (!isfinite(x)) {
        sum_add(&m->power[2], x);
        sum_add(&m->power[3], x * x);
        return;
    }
    struct parts p = parts_of(x);
    wide_u128 square = (wide_u128)p.mantissa * p.mantissa;
    uint64_t factor[2] = {(uint64_t)square, (uint64_t)(square >> 64)};
    wide_u128 low = (wide_u128)factor[0] * p.mantissa;
    wide_u128 high = (wide_u128)factor[1] * p.mantissa + (uint64_t)(low >> 64);
    uint64_t cube[4] = {(uint64_t)low, (uint64_t)high, (uint64_t)(high >> 64)};
    sum_add_magnitude(&m->power[2], cube, 3, 3 * (int64_t)p.exponent, p.negative);
    if (m->order < 4)
        return;
    wide_u128 carry = 0;
    for (size_t i = 0; i < 4; i++) {
        carry += (wide_u128)cube[i] * p.mantissa;
        cube[i] = (uint64_t)carry;
        carry >>= 64;
    }
    sum_add_magnitude(&m->power[3], cube, 4, 4 * (int64_t)p.exponent, false);
}

/* Adding 0 makes -0 into 0: the smaller of the two must not depend on which came first. */
static void extend_range(struct moments *m, double low, double high)
{
    m->min = m->count == 0 || low < m->min ? low + 0.0 : m->min;
    m->max = m->count == 0 || high > m->max ? high + 0.0 : m->max;
}

void moments_add(struct moments *m, double x)
{
    if (isnan(x))
        return;
    extend_range(m, x, x);
    m->count++;
    sum_add(&m->power[0], x);
    if (m->order >= 2)
        sum_add_product(&m->power[1], x, x);
    if (m->order >= 3)
        add_high_powers(m, x);
}

/* A block without missing values. */
static void add_present(struct moments *m, const double *x, size_t n)
{
    double low = x[0], high = x[0];
    for (size_t i = 1; i < n; i++) {
        /* NOLINTNEXTLINE(*-core.UndefinedBinaryOperatorResult): it cannot see that x is n long */
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    extend_range(m, low, high);
    m->count += n;
    sum_add_powers(&m->power[0], m->order >= 2 ? &m->power[1] : NULL, x, n);
    for (size_t i = 0; m->order >= 3 && i < n; i++)
        add_high_powers(m, x[i]);
}

void moments_add_many(struct moments *m, const double *x, size_t n)
{
    double present[BLOCK];
    while (n > 0) {
        size_t block = n < BLOCK ? n : BLOCK, kept = 0;
        for (size_t i = 0; i < block; i++) {
            present[kept] = x[i];
            kept += (size_t)(x[i] == x[i]); /* not NaN */
        }
        if (kept)
            add_present(m, present, kept);
        x += block;
        n -= block;
    }
}

void moments_merge(struct moments *into, const struct moments *from)
{
    if (from->count == 0)
        return;
    extend_range(into, from->min, from->max);
    into->count += from->count;
    for (int i = 0; i < into->order; i++)
        sum_merge(&into->power[i], &from->power[i]);
}

double moments_mean(const struct moments *m)
{
    return sum_mean(&m->power[0], m->count);
}

/* count^k times the k-th central moment, exactly, for k = 2, 3, 4. */
static struct wide central(const struct moments *m, int k)
{
    struct wide n = wide_of_count(m->count), s[4], r = {0};
    for (int i = 0; i < k; i++)
        s[i] = wide_of_sum(&m->power[i]);
    const struct wide *s1 = &s[0], *s2 = &s[1], *s3 = &s[2], *s4 = &s[3], *c = &n;
    r = wide_of_count(0);
    if (k == 2) {
        wide_accumulate(&r, 1, (const struct wide *[]){c, s2}, 2);
        wide_accumulate(&r, -1, (const struct wide *[]){s1, s1}, 2);
    } else if (k == 3) {
        wide_accumulate(&r, 1, (const struct wide *[]){c, c, s3}, 3);
        wide_accumulate(&r, -3, (const struct wide *[]){c, s1, s2}, 3);
        wide_accumulate(&r, 2, (const struct wide *[]){s1, s1, s1}, 3);
    } else {
        wide_accumulate(&r, 1, (const struct wide *[]){c, c, c, s4}, 4);
        wide_accumulate(&r, -4, (const struct wide *[]){c, c, s1, s3}, 4);
        wide_accumulate(&r, 6, (const struct wide *[]){c, s1, s1, s2}, 4);
        wide_accumulate(&r, -3, (const struct wide *[]){s1, s1, s1, s1}, 4);
    }
    for (int i = 0; i < k; i++)
        wide_release(&s[i]);
    wide_release(&n);
    return r;
}

static double central_scaled(const struct moments *m, int k, int64_t *exponent)
{
    struct wide w = central(m, k);
    double scaled = wide_scaled(&w, exponent);
    wide_release(&w);
    return scaled;
}

static bool defined(const struct moments *m, int k, uint64_t least)
{
    return m->order >= k && m->count >= least && sum_finite(&m->power[0]);
}

double moments_variance(const struct moments *m, int ddof)
{
    if (!defined(m, 2, (uint64_t)ddof + 1))
        return (double)NAN;
    int64_t exponent;
    double scaled = central_scaled(m, 2, &exponent), n = (double)m->count;
    return ldexp(scaled / (n * (n - ddof)), (int)exponent);
}

double moments_deviation(const struct moments *m, int ddof)
{
    return sqrt(moments_variance(m, ddof));
}

/* m_k / m_2^(k/2); NaN for a constant. */
static double standardized(const struct moments *m, int k)
{
    int64_t spread_exponent, exponent;
    double spread = central_scaled(m, 2, &spread_exponent);
    double scaled = central_scaled(m, k, &exponent);
    if (spread == 0)
        return (double)NAN;
    if (spread_exponent % 2 != 0) {
        spread *= 2;
        spread_exponent--;
    }
    double power = k == 4 ? spread * spread : spread * sqrt(spread);
    return ldexp(scaled / power, (int)(exponent - spread_exponent * k / 2));
}

double moments_skew(const struct moments *m, bool bias)
{
    if (!defined(m, 3, bias ? 1 : 3))
        return (double)NAN;
    double g = standardized(m, 3), n = (double)m->count;
    if (bias)
        return g;
    return isnan(g) ? 0 : g * sqrt(n * (n - 1)) / (n - 2);
}

double moments_kurtosis(const struct moments *m, bool bias)
{
    if (!defined(m, 4, bias ? 1 : 4))
        return (double)NAN;
    double g = standardized(m, 4), n = (double)m->count;
    if (bias)
        return g;
    return isnan(g) ? 0 : ((n + 1) * g - 3 * (n - 1)) * (n - 1) / ((n - 2) * (n - 3));
}

json_t *moments_save(const struct moments *m)
{
    json_t *sums = json_array();
    for (int i = 0; i < m->order; i++)
        json_array_append_new(sums, sum_save(&m->power[i]));
    json_t *min = m->count ? state_number(m->min) : json_null();
    json_t *max = m->count ? state_number(m->max) : json_null();
    return json_pack("{s:I,s:o,s:o,s:o}", "count", (json_int_t)m->count, "min", min, "max", max,
                     "sums", sums);
}

int moments_load(struct moments *m, const json_t *j, struct error *e)
{
    const json_t *sums = json_object_get(j, "sums");
    size_t order = json_array_size(sums);
    moments_init(m, (int)(order <= 4 ? order : 0));
    bool good = m->order > 0 && state_get_count(j, "count", &m->count);
    if (good && m->count)
        good = state_get_number(j, "min", &m->min) && state_get_number(j, "max", &m->max);
    for (size_t i = 0; good && i < order; i++)
        good = sum_load(&m->power[i], json_array_get(sums, i), e) == 0;
    if (good)
        return 0;
    moments_release(m);
    return error_set(e, ERR_DATA, "not the state of moments (count, min, max, sums)");
}

void moments_release(struct moments *m)
{
    for (size_t i = 0; i < COUNT_OF(m->power); i++)
        sum_release(&m->power[i]);
}
