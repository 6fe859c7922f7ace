/*
 * Shortest decimal text of a double: R. Giulietti, "The Schubfach way to render doubles" (2021).
 * The interval that rounds to the double holds at most one multiple of a suitable power of ten, and
 * when it holds none, one of the two neighbours of the double at the next lower power is nearest.
 */
#include "base/number.h"
#include "base/powers_of_five.h"

#define PLAIN_MIN (-5) /* decimal exponents written without an e */
#define PLAIN_MAX 16

struct shortest {
    uint64_t digits; /* may end in zeros */
    int exponent;
};

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

/* floor(g * c / 2^127), its lowest bit set when the division left a rest. */
static uint64_t round_to_odd(struct bits128 g, uint64_t c)
{
    struct bits128 product =
        bits128_add(bits128_product(g.high, c), bits128_product(g.low, c).high);
    return product.high | (product.low > 1);
}

/* The power as Schubfach wants it: rounded up wherever it is not exact. */
static struct bits128 power_rounded_up(int q)
{
    struct bits128 g = power_of_five(q);
    g.low += q > POWER_EXACT_MAX; /* no truncated entry ends in 64 ones */
    return g;
}

/* The shortest decimal in the rounding interval of c * 2^q, the one nearest to it if there are
 * several. lower_closer: c is a power of two, so the lower neighbour is half as far. */
static struct shortest find_shortest(uint64_t c, int q, bool lower_closer)
{
    int k = (q * 1262611 - (lower_closer ? 524031 : 0)) >> 22; /* floor(log10 of the interval) */
    int h = q + ((-k * 1741647) >> 19) + 1;
    struct bits128 g = power_rounded_up(-k);
    uint64_t value = round_to_odd(g, 4 * c << h); /* in quarters of 10^k */
    uint64_t lower = round_to_odd(g, (4 * c - 2 + lower_closer) << h) + (c & 1);
    uint64_t upper = round_to_odd(g, (4 * c + 2) << h) - (c & 1);
    uint64_t s = value / 4, tens = s / 10;
    if (tens) {
        bool down = lower <= 40 * tens, up = 40 * tens + 40 <= upper;
        if (down != up)
            return (struct shortest){tens + up, k + 1};
    }
    bool down = lower <= 4 * s, up = 4 * s + 4 <= upper;
    if (down == up)
        up = value > 4 * s + 2 || (value == 4 * s + 2 && (s & 1));
    return (struct shortest){s + up, k};
}

static char *put_pair(char *p, uint32_t pair)
{
    memcpy(p, pairs + (size_t)2 * pair, 2);
    return p + 2;
}

static char *put_eight(char *p, uint32_t v)
{
    uint32_t high = v / 10000, low = v % 10000;
    p = put_pair(p, high / 100);
    p = put_pair(p, high % 100);
    p = put_pair(p, low / 100);
    return put_pair(p, low % 100);
}

/* At most eight digits, without leading zeros. */
static char *put_upto_eight(char *p, uint32_t v)
{
    char eight[8];
    put_eight(eight, v);
    size_t zeros = 0;
    while (zeros < 7 && eight[zeros] == '0')
        zeros++;
    memcpy(p, eight + zeros, 8 - zeros);
    return p + 8 - zeros;
}

static char *put_unsigned(char *p, uint64_t v)
{
    const uint32_t eight = 100000000;
    if (v < eight)
        return put_upto_eight(p, (uint32_t)v);
    uint64_t high = v / eight;
    p = high < eight
            ? put_upto_eight(p, (uint32_t)high)
            : put_eight(put_upto_eight(p, (uint32_t)(high / eight)), (uint32_t)(high % eight));
    return put_eight(p, (uint32_t)(v % eight));
}

size_t number_print_int(char out[static NUMBER_MAX], int64_t i)
{
    char *p = out;
    uint64_t v = (uint64_t)i;
    if (i < 0) {
        *p++ = '-';
        v = -v;
    }
    return (size_t)(put_unsigned(p, v) - out);
}

/* 0.ddd, dd.ddd or ddd000; exponent is the one of the first digit. */
static char *put_plain(char *p, const char *digits, int count, int exponent)
{
    int units = exponent + 1; /* digits in front of the point */
    if (units <= 0) {
        memcpy(p, "0.0000", 6);
        p += 2 - units;
        memcpy(p, digits, (size_t)count);
        return p + count;
    }
    if (units >= count) {
        memcpy(p, digits, (size_t)count);
        memset(p + count, '0', (size_t)(units - count));
        return p + units;
    }
    memcpy(p, digits, (size_t)units);
    p[units] = '.';
    memcpy(p + units + 1, digits + units, (size_t)(count - units));
    return p + count + 1;
}

/* d.ddde+XX */
static char *put_scientific(char *p, const char *digits, int count, int exponent)
{
    *p++ = digits[0];
    if (count > 1) {
        *p++ = '.';
        memcpy(p, digits + 1, (size_t)(count - 1));
        p += count - 1;
    }
    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    uint32_t e = (uint32_t)(exponent < 0 ? -exponent : exponent);
    if (e >= 100)
        *p++ = (char)('0' + e / 100);
    return put_pair(p, e % 100);
}

static char *put_shortest(char *p, struct shortest s)
{
    char digits[20];
    const uint64_t eight = 100000000;
    while (s.digits % eight == 0) { /* short decimals come with many zeros */
        s.digits /= eight;
        s.exponent += 8;
    }
    int count = (int)(put_unsigned(digits, s.digits) - digits);
    int exponent = s.exponent + count - 1;
    while (digits[count - 1] == '0')
        count--;
    if (exponent >= PLAIN_MIN && exponent <= PLAIN_MAX)
        return put_plain(p, digits, count, exponent);
    return put_scientific(p, digits, count, exponent);
}

/* nan, inf, -inf */
static size_t put_special(char *p, bool negative, bool nan)
{
    const char *word = nan ? "nan" : negative ? "-inf" : "inf";
    size_t n = strlen(word);
    memcpy(p, word, n);
    return n;
}

/* Most numbers in tables have few decimals. A text of at most 15 digits that reads back is the only
 * such text, so nothing shorter exists but itself without its zeros. */
static bool find_short(double size, struct shortest *s)
{
    if (!(size >= 1e-3 && size < 1e11))
        return false;
    s->digits = (uint64_t)(int64_t)(size * 1e4 + 0.5);
    s->exponent = -4;
    return (double)(int64_t)s->digits / 1e4 == size;
}

size_t number_print(char out[static NUMBER_MAX], double f)
{
    uint64_t bits;
    memcpy(&bits, &f, sizeof(bits));
    bool negative = bits >> 63;
    int exponent = (int)(bits >> 52 & 0x7ff);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    if (UNLIKELY(exponent == 0x7ff))
        return put_special(out, negative, fraction != 0);
    char *p = out;
    *p = '-';
    p += negative;
    double size = negative ? -f : f;
    if (size < 0x1p53 && size == (double)(int64_t)size)
        return (size_t)(put_unsigned(p, (uint64_t)(int64_t)size) - out);
    struct shortest s;
    if (find_short(size, &s))
        return (size_t)(put_shortest(p, s) - out);
    if (exponent)
        s = find_shortest(fraction | UINT64_C(1) << 52, exponent - 1075,
                          fraction == 0 && exponent > 1);
    else
        s = find_shortest(fraction, -1074, false);
    return (size_t)(put_shortest(p, s) - out);
}
