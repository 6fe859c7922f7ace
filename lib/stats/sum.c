/*
 * A sum is a two's complement number of limbs on the grid of multiples of 2^64, so that exponent is
 * a multiple of 64. {0} is the number 0 at exponent 0. While the number is on the heap, limb[2]
 * holds NO_ROOM, which sends every fast path to the slow one without a test of its own.
 */
#include "stats/wide.h"

#include <math.h>

enum { SUM_NAN = 1, SUM_PLUS = 2, SUM_MINUS = 4 };

struct sum_full {
    size_t n;
    uint64_t limb[];
};

#define INLINE_LIMBS 3
#define NO_ROOM      (UINT64_C(1) << 63)
#define ROOM         (UINT64_C(1) << 62) /* |limb[2]| below this takes any fast addition */

static const uint64_t *limbs_of(const struct sum *s, size_t *n)
{
    *n = s->full ? s->full->n : INLINE_LIMBS;
    return s->full ? s->full->limb : s->limb;
}

static uint64_t *limbs(struct sum *s, size_t *n)
{
    *n = s->full ? s->full->n : INLINE_LIMBS;
    return s->full ? s->full->limb : s->limb;
}

static uint64_t extension(uint64_t top)
{
    return top >> 63 ? UINT64_MAX : 0;
}

/* Limbs that say something: without those on top that only repeat the sign, at least one. */
static size_t significant(const uint64_t *limb, size_t n)
{
    while (n > 1 && limb[n - 1] == extension(limb[n - 2]))
        n--;
    return n;
}

static void put_limbs(struct sum *s, const uint64_t *limb, size_t n, int64_t grid)
{
    struct sum_full *full = NULL;
    if (n > INLINE_LIMBS) {
        full = mem_alloc(sizeof *full + n * sizeof *limb);
        full->n = n;
        memcpy(full->limb, limb, n * sizeof *limb);
        memset(s->limb, 0, sizeof s->limb);
        s->limb[2] = NO_ROOM;
    } else {
        memcpy(s->limb, limb, n * sizeof *limb);
    }
    mem_free(s->full);
    s->full = full;
    s->exponent = (int32_t)(grid * 64);
}

/* Moves the window so that it holds the number and the limbs [low, high] of the grid. */
static void cover(struct sum *s, int64_t low, int64_t high)
{
    size_t n;
    const uint64_t *old = limbs_of(s, &n);
    size_t used = significant(old, n);
    int64_t grid = s->exponent / 64;
    if (used > 1 || old[0] != 0) {
        low = grid < low ? grid : low;
        high = grid + (int64_t)used - 1 > high ? grid + (int64_t)used - 1 : high;
    } else {
        used = 0;
        grid = low;
    }
    size_t need = (size_t)(high - low + 1), below = (size_t)(grid - low);
    need = need < INLINE_LIMBS ? INLINE_LIMBS : need;
    uint64_t *fresh = mem_alloc(need * sizeof *fresh);
    for (size_t i = 0; i < used; i++)
        fresh[below + i] = old[i];
    for (size_t i = below + used; used && i < need; i++)
        fresh[i] = extension(old[used - 1]);
    put_limbs(s, fresh, need, low);
    mem_free(fresh);
}

/* One limb more on top: the sign that the last addition overflowed. */
static void grow_top(struct sum *s)
{
    size_t n;
    const uint64_t *old = limbs_of(s, &n);
    uint64_t *fresh = mem_alloc((n + 1) * sizeof *fresh);
    memcpy(fresh, old, n * sizeof *fresh);
    fresh[n] = ~extension(old[n - 1]);
    put_limbs(s, fresh, n + 1, s->exponent / 64);
    mem_free(fresh);
}

/* Adds a two's complement number whose limb 0 stands at `grid`. */
static void add_limbs(struct sum *s, const uint64_t *v, size_t count, int64_t grid)
{
    size_t n;
    uint64_t *limb = limbs(s, &n);
    int64_t base = s->exponent / 64;
    if (grid < base || grid + (int64_t)count > base + (int64_t)n) {
        cover(s, grid, grid + (int64_t)count - 1);
        limb = limbs(s, &n);
        base = s->exponent / 64;
    }
    size_t offset = (size_t)(grid - base);
    uint64_t carry = 0, sign = extension(v[count - 1]), old_top = limb[n - 1];
    for (size_t i = offset; i < n; i++) {
        if (i >= offset + count && sign + carry == 0)
            break;
        wide_u128 t = (wide_u128)limb[i] + (i - offset < count ? v[i - offset] : sign) + carry;
        limb[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    if (((old_top ^ limb[n - 1]) & (sign ^ limb[n - 1])) >> 63)
        grow_top(s);
}

void sum_add_magnitude(struct sum *s, const uint64_t *limb, size_t n, int64_t exponent,
                       bool negative)
{
    uint64_t v[SUM_LIMBS_MAX + 2] = {0}, carry = negative;
    int64_t grid = exponent >> 6;
    unsigned shift = (unsigned)(exponent & 63);
    for (size_t i = 0; i < n; i++) {
        v[i] |= limb[i] << shift;
        v[i + 1] = limb[i] >> 1 >> (63 - shift);
    }
    size_t count = n + 1;
    while (count > 1 && v[count - 1] == 0)
        count--;
    if (v[count - 1] >> 63)
        count++;
    else if (v[count - 1] == 0)
        return;
    for (size_t i = 0; negative && i < count; i++) {
        v[i] = ~v[i] + carry;
        carry = carry && v[i] == 0;
    }
    add_limbs(s, v, count, grid);
}

static void add_special(struct sum *s, double x)
{
    s->flags |= isnan(x) ? SUM_NAN : x > 0 ? SUM_PLUS : SUM_MINUS;
}

static void add_slowly(struct sum *s, double x)
{
    if (!isfinite(x)) {
        add_special(s, x);
        return;
    }
    struct parts p = parts_of(x);
    sum_add_magnitude(s, &p.mantissa, 1, p.exponent, p.negative);
}

/* Adds m * 2^shift above the window's bit 0 when that cannot leave the window; |m| <= 2^53. */
static inline bool add_small(struct sum *s, int64_t m, uint64_t shift)
{
    if (UNLIKELY(shift >= 128 || s->limb[2] + ROOM >= 2 * ROOM))
        return false;
    wide_u128 v = (wide_u128)(wide_i128)m << (shift & 63);
    if (shift < 64) {
        wide_u128 old = (wide_u128)s->limb[1] << 64 | s->limb[0], sum = old + v;
        s->limb[0] = (uint64_t)sum;
        s->limb[1] = (uint64_t)(sum >> 64);
        s->limb[2] += (uint64_t)(m >> 63) + (sum < old);
    } else {
        wide_u128 sum = ((wide_u128)s->limb[2] << 64 | s->limb[1]) + v;
        s->limb[1] = (uint64_t)sum;
        s->limb[2] = (uint64_t)(sum >> 64);
    }
    return true;
}

void sum_add(struct sum *s, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint64_t field = bits >> 52 & 0x7ff;
    uint64_t magnitude = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
    int64_t m = (int64_t)(bits >> 63 ? -magnitude : magnitude);
    uint64_t shift = field - 1075 - (uint64_t)(int64_t)s->exponent;
    if (UNLIKELY(field - 1 >= 0x7fe || !add_small(s, m, shift)))
        add_slowly(s, x);
}

void sum_add_int(struct sum *s, int64_t x)
{
    const int64_t limit = INT64_C(1) << 53;
    if (x <= limit && x >= -limit && add_small(s, x, 0 - (uint64_t)(int64_t)s->exponent))
        return;
    uint64_t magnitude = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    sum_add_magnitude(s, &magnitude, 1, 0, x < 0);
}

/* Adds +-v << shift above the window's bit 0 when that cannot leave the window; v < 2^106. */
static inline bool add_double_limb(struct sum *s, wide_u128 v, uint64_t shift, bool negative)
{
    if (UNLIKELY(shift >= 80 || s->limb[2] + ROOM >= 2 * ROOM))
        return false;
    if (shift >= 64) {
        wide_u128 high = (wide_u128)s->limb[2] << 64 | s->limb[1];
        high += negative ? -(v << (shift - 64)) : v << (shift - 64);
        s->limb[1] = (uint64_t)high;
        s->limb[2] = (uint64_t)(high >> 64);
        return true;
    }
    uint64_t flip = 0 - (uint64_t)negative;
    uint64_t top = (uint64_t)(v >> 64) >> 1 >> (63 - shift);
    wide_u128 term = (v << shift) ^ ((wide_u128)flip << 64 | flip);
    wide_u128 old = (wide_u128)s->limb[1] << 64 | s->limb[0], sum = old + term;
    uint64_t carry = sum < old;
    wide_u128 final = sum + negative;
    carry += final < sum;
    s->limb[0] = (uint64_t) final;
    s->limb[1] = (uint64_t)(final >> 64);
    s->limb[2] += (top ^ flip) + carry;
    return true;
}

void sum_add_product(struct sum *s, double x, double y)
{
    if (UNLIKELY(!isfinite(x) || !isfinite(y))) {
        add_special(s, x * y);
        return;
    }
    struct parts a = parts_of(x), b = parts_of(y);
    wide_u128 v = (wide_u128)a.mantissa * b.mantissa;
    bool negative = a.negative != b.negative;
    int exponent = a.exponent + b.exponent;
    if (LIKELY(add_double_limb(s, v, (uint64_t)(int64_t)(exponent - s->exponent), negative)))
        return;
    uint64_t limb[2] = {(uint64_t)v, (uint64_t)(v >> 64)};
    sum_add_magnitude(s, limb, 2, exponent, negative);
}

void sum_add_many(struct sum *s, const double *x, size_t n)
{
    sum_add_powers(s, NULL, x, n);
}

void sum_merge(struct sum *into, const struct sum *from)
{
    size_t n;
    const uint64_t *limb = limbs_of(from, &n);
    into->flags |= from->flags;
    n = significant(limb, n);
    if (n == 1 && limb[0] == 0)
        return;
    uint64_t *copy = mem_copy(limb, n * sizeof *limb); /* into may be from */
    add_limbs(into, copy, n, from->exponent / 64);
    mem_free(copy);
}

bool sum_finite(const struct sum *s)
{
    return s->flags == 0;
}

struct wide wide_of_sum(const struct sum *s)
{
    size_t n;
    const uint64_t *limb = limbs_of(s, &n);
    struct wide w = {.grid = s->exponent / 64, .n = n, .negative = limb[n - 1] >> 63};
    w.limb = mem_copy(limb, n * sizeof *limb);
    uint64_t carry = w.negative;
    for (size_t i = 0; w.negative && i < n; i++) {
        w.limb[i] = ~w.limb[i] + carry;
        carry = carry && w.limb[i] == 0;
    }
    wide_trim(&w);
    return w;
}

double sum_value(const struct sum *s)
{
    if (s->flags & SUM_NAN || (s->flags & SUM_PLUS && s->flags & SUM_MINUS))
        return (double)NAN;
    if (s->flags)
        return s->flags & SUM_PLUS ? (double)INFINITY : -(double)INFINITY;
    struct wide w = wide_of_sum(s);
    double value = wide_value(&w);
    wide_release(&w);
    return value;
}

double sum_mean(const struct sum *s, uint64_t count)
{
    if (count == 0)
        return (double)NAN;
    if (!sum_finite(s))
        return sum_value(s);
    struct wide w = wide_of_sum(s);
    int64_t exponent;
    double scaled = wide_scaled(&w, &exponent);
    wide_release(&w);
    return ldexp(scaled / (double)count, (int)exponent);
}

void sum_release(struct sum *s)
{
    mem_free(s->full);
    *s = (struct sum){0};
}
