#include "table/numbers.h"

#include "table/cells.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

#define TARGET __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))

enum { LOADED = 16, EXACT_DIGITS = 15 };

static const double power_of_ten[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/* At aligned + count begin the shuffle indices that move `count` bytes to the end of 16. */
static const int8_t aligned[2 * LOADED] = {
    -128, -128, -128, -128, -128, -128, -128, -128, -128, -128, -128, -128, -128, -128, -128, -128,
    0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,   11,   12,   13,   14,   15};

/* The number that 16 decimal digits, one a byte, make. */
TARGET static inline int64_t sixteen_digits(__m128i digits)
{
    __m128i twos = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
    __m128i fours = _mm_madd_epi16(twos, _mm_set1_epi32(0x00010064));
    __m128i packed = _mm_packus_epi32(fours, fours);
    __m128i eights = _mm_madd_epi16(packed, _mm_set1_epi32(0x00012710));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    return (int64_t)(both & UINT32_MAX) * 100000000 + (int64_t)(both >> 32);
}

/* Bits of bytes that are `c`. */
TARGET static inline uint32_t bytes_equal(__m128i bytes, char c)
{
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)));
}

/* -?digits with at most one point among them, up to 15 digits; 17 bytes from p are readable. Signs
 * and points come and go from row to row, so nothing branches on them. */
TARGET static inline bool parse_short(const char *p, size_t n, double *out)
{
    uint64_t negative = *p == '-';
    p += negative;
    n -= negative;
    if (UNLIKELY(n > LOADED))
        return false;
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i digits = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits);
    uint32_t end = UINT32_C(1) << n, within = end - 1;
    uint32_t points = bytes_equal(bytes, '.') & within;
    uint32_t other = ~(uint32_t)_mm_movemask_epi8(is_digit) & within & ~points;
    uint32_t point = _tzcnt_u32(points | end);
    size_t count = n - (points != 0);
    if (UNLIKELY(count - 1 >= EXACT_DIGITS || (other | (points & (points - 1)))))
        return false;
    __m128i order = _mm_loadu_si128((const __m128i *)(const void *)(aligned + count));
    __m128i behind = _mm_cmpgt_epi8(order, _mm_set1_epi8((char)(point - 1)));
    int64_t value = sixteen_digits(_mm_shuffle_epi8(digits, _mm_sub_epi8(order, behind)));
    __m128d magnitude = _mm_set_sd((double)value / power_of_ten[count - point]);
    __m128i sign = _mm_cvtsi64_si128((int64_t)(negative << 63));
    *out = _mm_cvtsd_f64(_mm_xor_pd(magnitude, _mm_castsi128_pd(sign)));
    return true;
}

TARGET size_t numbers_avx2(const struct batch *b, const struct column *c, size_t from, double *out)
{
    const struct batch rows = *b;
    const struct column column = *c;
    for (size_t r = from; r < rows.rows; r++) {
        struct text cell = raw_cell(&rows, &column, r);
        if (cell.len == 0)
            out[r] = (double)NAN;
        else if (UNLIKELY(!parse_short(cell.at, cell.len, &out[r])) &&
                 !number_parse_double(cell.at, cell.len, &out[r]))
            return r;
    }
    return rows.rows;
}
#endif
