/*
 * Decimal text to double, correctly rounded for every input. Short cells take 8 bytes at once;
 * up to 19 digits are exact in a word and go through Clinger's fast path or the method of
 * D. Lemire, "Number parsing at a gigabyte per second" (2021, doi:10.1002/spe.2984); its need for
 * a fallback was disproved by N. Mushtak and D. Lemire (2022, doi:10.1002/spe.3198). More digits
 * are settled in number_exact.c when the first 19 do not decide.
 */
#include "base/number.h"
#include "base/number_exact.h"
#include "base/powers_of_five.h"
#include "base/words.h"

#define ZEROS       UINT64_C(0x3030303030303030) /* "00000000" */
#define WORD_DIGITS 19                           /* any 19 digits fit in 64 bits */

/* A number as written: mantissa * 10^exponent, and where its digits are. */
struct decimal {
    uint64_t mantissa; /* of the first WORD_DIGITS significant digits */
    int64_t exponent;
    const char *digits, *digits_end; /* first digit or point, end of the digits */
    int64_t written_exponent;        /* the number after 'e', or 0 */
    bool negative;
    bool whole; /* neither point nor exponent */
    bool cut;   /* there are more digits than the mantissa holds */
};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* 1 to 8 bytes as the last ones of a word that '0' fills up in front. Reads no byte beyond p[n). */
static uint64_t load_short(const char *p, size_t n)
{
    if (n == 8)
        return word_load_8(p);
    unsigned front = 8 * (8 - (unsigned)n);
    uint64_t padding = ZEROS >> (64 - front);
    if (n >= 4)
        return (uint64_t)word_load_4(p + n - 4) << 32 | (uint64_t)word_load_4(p) << front | padding;
    uint64_t first = (unsigned char)p[0], middle = (unsigned char)p[n / 2];
    uint64_t last = (unsigned char)p[n - 1];
    return last << 56 | middle << (front + 8 * (n / 2)) | first << front | padding;
}

/* Unsigned digits with at most one point, up to 8 bytes; false when it is something else. */
static bool scan_short(const char *p, size_t n, struct decimal *d)
{
    uint64_t word = load_short(p, n), ones = UINT64_C(0x0101010101010101);
    uint64_t other = word ^ ones * '.';
    uint64_t points = (other - ones) & ~other & ones * 0x80; /* its lowest bit is right */
    d->exponent = 0;
    d->whole = points == 0;
    if (points) {
        if (n == 1)
            return false;
        unsigned at = (unsigned)__builtin_ctzll(points) - 7;
        uint64_t before = word & ((UINT64_C(1) << at) - 1), after = (word >> at >> 8) << at << 8;
        d->exponent = (int)at / 8 - 7;
        word = after | before << 8 | '0';
    }
    d->mantissa = word_digits(word);
    return word_is_digits(word);
}

/* Appends a run of digits to *value (modulo 2^64) and returns its end. */
static const char *read_digits(const char *p, const char *end, uint64_t *value)
{
    uint64_t v = *value;
    for (; end - p >= 8; p += 8) {
        uint64_t word = word_load_8(p);
        if (!word_is_digits(word))
            break;
        v = v * 100000000 + word_digits(word);
    }
    for (; p < end && is_digit(*p); p++)
        v = v * 10 + (uint64_t)(*p - '0');
    *value = v;
    return p;
}

/* p is behind the 'e'. */
static bool scan_exponent(const char *p, const char *end, int64_t *out)
{
    const int64_t enough = INT64_C(1) << 56; /* no text is long enough to bring it back in range */
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end)
        return false;
    int64_t e = 0;
    for (; p < end && is_digit(*p); p++) {
        if (e < enough)
            e = e * 10 + (*p - '0');
    }
    *out = negative ? -e : e;
    return p == end;
}

/* Too many digits for the word: takes the first WORD_DIGITS significant ones. */
static void cut_mantissa(struct decimal *d)
{
    const char *p = d->digits;
    while (p < d->digits_end && (*p == '0' || *p == '.'))
        p++;
    int taken = 0;
    const char *units = d->digits; /* where 10^0 ends */
    while (units < d->digits_end && *units != '.')
        units++;
    d->mantissa = 0;
    for (; p < d->digits_end && taken < WORD_DIGITS; p++) {
        if (*p == '.')
            continue;
        d->mantissa = d->mantissa * 10 + (uint64_t)(*p - '0');
        taken++;
    }
    d->exponent = d->written_exponent + (p <= units ? units - p : units - p + 1);
    d->cut = p < d->digits_end;
}

/* The general grammar behind the sign. */
static bool scan_long(const char *p, const char *end, struct decimal *d)
{
    uint64_t mantissa = 0;
    d->digits = p;
    const char *q = read_digits(p, end, &mantissa);
    ptrdiff_t count = q - p;
    d->exponent = d->written_exponent = 0;
    d->whole = q == end;
    if (q < end && *q == '.') {
        const char *fraction = q + 1;
        q = read_digits(fraction, end, &mantissa);
        d->exponent = fraction - q;
        count += q - fraction;
    }
    if (count == 0)
        return false;
    d->digits_end = q;
    d->mantissa = mantissa;
    if (q < end) {
        if ((*q != 'e' && *q != 'E') || !scan_exponent(q + 1, end, &d->written_exponent))
            return false;
        d->exponent += d->written_exponent;
    }
    if (UNLIKELY(count > WORD_DIGITS))
        cut_mantissa(d);
    return true;
}

static bool scan(const char *p, size_t n, struct decimal *d)
{
    d->negative = n > 0 && *p == '-';
    n -= d->negative;
    if (n == 0)
        return false;
    p += d->negative;
    d->cut = false;
    if (LIKELY(n <= 8) && LIKELY(scan_short(p, n, d)))
        return true;
    return scan_long(p, p + n, d);
}

/* Bits of the double nearest to mantissa * 10^exponent by Lemire's method, ties to even; the bits
 * of infinity when it is too large. The names follow the paper: w normalised, z = w * 5^q. */
static uint64_t nearest_bits(uint64_t w, int64_t q)
{
    if (w == 0 || q < POWER_MIN)
        return 0;
    if (q > 308)
        return DOUBLE_INFINITY;
    int zeros = __builtin_clzll(w);
    w <<= zeros;
    struct bits128 five = power_of_five((int)q), product = bits128_product(w, five.high);
    if ((product.high & 0x1ff) == 0x1ff)
        product = bits128_add(product, bits128_product(w, five.low).high);
    uint64_t z = product.high, rest = product.low;
    int carry = (int)(z >> 63), shift = carry + 9;
    uint64_t m = z >> shift; /* 54 bits: one more than the double has */
    int exponent = (int)((q * 217706) >> 16) + 63 + carry - zeros + 1023; /* q * log2(10) */
    if (exponent <= 0) {                                                  /* subnormal, or zero */
        if (exponent < -62)
            return 0;
        m >>= 1 - exponent;
        return (m + (m & 1)) >> 1; /* a carry into bit 52 makes it normal by itself */
    }
    bool tie = rest <= 1 && q >= -4 && q <= 23 && (m & 3) == 1 && m << shift == z;
    if (!tie)
        m += m & 1;
    /* The hidden bit adds one to the exponent; so does a mantissa that rounded up to 2^53. */
    uint64_t bits = ((uint64_t)(exponent - 1) << 52) + (m >> 1);
    return bits < DOUBLE_INFINITY ? bits : DOUBLE_INFINITY;
}

static uint64_t cut_bits(const struct decimal *d)
{
    uint64_t low = nearest_bits(d->mantissa, d->exponent);
    if (low == nearest_bits(d->mantissa + 1, d->exponent))
        return low;
    return number_nearest_exact(d->digits, d->digits_end, d->written_exponent, low);
}

/* False when it is beyond the range of a double. */
static bool to_double(const struct decimal *d, double *f)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (LIKELY(!d->cut && d->mantissa >> 53 == 0 && (uint64_t)(d->exponent + 22) <= 44)) {
        double m = (double)(int64_t)d->mantissa;
        m = d->exponent < 0 ? m / tens[-d->exponent] : m * tens[d->exponent];
        *f = d->negative ? -m : m;
        return true;
    }
    uint64_t bits = d->cut ? cut_bits(d) : nearest_bits(d->mantissa, d->exponent);
    if (bits >= DOUBLE_INFINITY)
        return false;
    bits |= (uint64_t)d->negative << 63;
    memcpy(f, &bits, sizeof(bits));
    return true;
}

bool number_parse_double(const char *p, size_t n, double *f)
{
    struct decimal d;
    return scan(p, n, &d) && to_double(&d, f);
}

enum number_kind number_parse(const char *p, size_t n, int64_t *i, double *f)
{
    struct decimal d;
    if (!scan(p, n, &d))
        return NUMBER_NONE;
    const char *first = p + d.negative, *end = p + n;
    if (*first == '0' && end - first > 1 && is_digit(first[1]))
        return NUMBER_NONE;
    if (!to_double(&d, f))
        return NUMBER_NONE;
    bool minus_zero = d.negative && d.mantissa == 0;
    if (!d.whole || d.cut || minus_zero || d.mantissa > (uint64_t)INT64_MAX + d.negative)
        return NUMBER_FLOAT;
    *i = (int64_t)(d.negative ? -d.mantissa : d.mantissa);
    return NUMBER_INT;
}
