#include "stats/wide.h"

#include <math.h>

static struct wide wide_new(size_t n, int64_t grid)
{
    return (struct wide){.limb = mem_alloc(n * sizeof(uint64_t)), .n = n, .grid = grid};
}

struct wide wide_of_count(uint64_t n)
{
    struct wide w = wide_new(1, 0);
    w.limb[0] = n;
    wide_trim(&w);
    return w;
}

void wide_release(struct wide *a)
{
    mem_free(a->limb);
    *a = (struct wide){0};
}

/* Drops zero limbs at both ends. */
void wide_trim(struct wide *a)
{
    size_t low = 0;
    while (a->n > 0 && a->limb[a->n - 1] == 0)
        a->n--;
    while (low < a->n && a->limb[low] == 0)
        low++;
    memmove(a->limb, a->limb + low, (a->n - low) * sizeof(uint64_t));
    a->n -= low;
    a->grid = a->n ? a->grid + (int64_t)low : 0;
    a->negative = a->n && a->negative;
}

struct wide wide_multiply(const struct wide *a, const struct wide *b)
{
    struct wide r = wide_new(a->n + b->n, a->grid + b->grid);
    r.negative = a->negative != b->negative;
    for (size_t i = 0; i < a->n; i++) {
        uint64_t carry = 0;
        for (size_t j = 0; j < b->n; j++) {
            wide_u128 t = (wide_u128)a->limb[i] * b->limb[j] + r.limb[i + j] + carry;
            r.limb[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        r.limb[i + b->n] = carry;
    }
    wide_trim(&r);
    return r;
}

static uint64_t limb_at(const struct wide *a, int64_t grid)
{
    int64_t i = grid - a->grid;
    return i >= 0 && i < (int64_t)a->n ? a->limb[i] : 0;
}

/* r = r +- a, where r covers the limbs of a and the result is not negative for -. */
static void combine(struct wide *r, const struct wide *a, bool subtract)
{
    uint64_t carry = subtract;
    for (size_t i = 0; i < r->n; i++) {
        uint64_t v = limb_at(a, r->grid + (int64_t)i);
        wide_u128 t = (wide_u128)r->limb[i] + (subtract ? ~v : v) + carry;
        r->limb[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
}

static int compare_magnitude(const struct wide *a, const struct wide *b)
{
    int64_t low = a->grid < b->grid ? a->grid : b->grid;
    int64_t top_a = a->grid + (int64_t)a->n, top_b = b->grid + (int64_t)b->n;
    for (int64_t g = top_a > top_b ? top_a : top_b; g-- > low;) {
        uint64_t x = limb_at(a, g), y = limb_at(b, g);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

struct wide wide_add(const struct wide *a, const struct wide *b)
{
    if (compare_magnitude(a, b) < 0) {
        const struct wide *swap = a;
        a = b;
        b = swap;
    }
    int64_t low = b->n && b->grid < a->grid ? b->grid : a->grid;
    int64_t top_a = a->grid + (int64_t)a->n, top_b = b->grid + (int64_t)b->n;
    int64_t top = (b->n && top_b > top_a ? top_b : top_a) + 1;
    struct wide r = wide_new((size_t)(top - low), low);
    r.negative = a->negative;
    combine(&r, a, false);
    combine(&r, b, a->negative != b->negative);
    wide_trim(&r);
    return r;
}

void wide_accumulate(struct wide *a, int factor, const struct wide *const *b, size_t count)
{
    struct wide term = wide_of_count((uint64_t)(factor < 0 ? -factor : factor));
    term.negative = factor < 0;
    for (size_t i = 0; i < count; i++) {
        struct wide product = wide_multiply(&term, b[i]);
        wide_release(&term);
        term = product;
    }
    struct wide sum = wide_add(a, &term);
    wide_release(&term);
    wide_release(a);
    *a = sum;
}

size_t wide_low_bit(const struct wide *a)
{
    size_t i = 0;
    while (a->limb[i] == 0)
        i++;
    return i * 64 + (size_t)__builtin_ctzll(a->limb[i]);
}

size_t wide_bits(const struct wide *a)
{
    return a->n * 64 - (size_t)__builtin_clzll(a->limb[a->n - 1]);
}

uint64_t wide_extract(const struct wide *a, size_t from, unsigned count)
{
    size_t i = from / 64;
    unsigned shift = from % 64;
    uint64_t low = i < a->n ? a->limb[i] : 0, high = i + 1 < a->n ? a->limb[i + 1] : 0;
    uint64_t v = shift ? low >> shift | high << (64 - shift) : low;
    return count < 64 ? v & ((UINT64_C(1) << count) - 1) : v;
}

/* The bits from position `cut` upwards, at most 53 of them,
 * rounded to nearest even by those below. */
static uint64_t round_at(const struct wide *a, size_t cut)
{
    uint64_t m = wide_extract(a, cut, 64);
    if (cut == 0)
        return m;
    bool half = wide_extract(a, cut - 1, 1);
    bool more = wide_low_bit(a) < cut - 1;
    return m + (half && (more || (m & 1)));
}

double wide_scaled(const struct wide *a, int64_t *exponent)
{
    *exponent = 0;
    if (a->n == 0)
        return 0;
    size_t bits = wide_bits(a), cut = bits > 53 ? bits - 53 : 0;
    double m = (double)round_at(a, cut);
    int normal = 53 - (ilogb(m) + 1);
    *exponent = a->grid * 64 + (int64_t)cut - normal;
    m = ldexp(m, normal);
    return a->negative ? -m : m;
}

double wide_value(const struct wide *a)
{
    if (a->n == 0)
        return 0;
    size_t bits = wide_bits(a), cut = bits > 53 ? bits - 53 : 0;
    int64_t low = a->grid * 64; /* exponent of bit 0 */
    if (low + (int64_t)cut < -1074) {
        if (low + (int64_t)bits < -1074)
            return a->negative ? -0.0 : 0.0;
        cut = (size_t)(-1074 - low);
    }
    int64_t exponent = low + (int64_t)cut;
    double m = ldexp((double)round_at(a, cut), exponent > 2000 ? 2000 : (int)exponent);
    return a->negative ? -m : m;
}
