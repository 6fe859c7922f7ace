/* Four cells at a time, each in a lane of 16 bytes of a vector and in 16 bits of a mask. */
#include "table/numbers.h"

#include "table/cells.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,bmi,bmi2,lzcnt,popcnt")))

enum { FOUR = 4, LONGEST = 15 };

/* The lowest and the highest bit of each lane, and all but the highest. */
#define FIRST UINT64_C(0x0001000100010001)
#define LAST  UINT64_C(0x8000800080008000)
#define FILL  UINT64_C(0x7fff7fff7fff7fff)

static const double power_of_ten[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/* At aligned + n begin the shuffle indices that move n bytes to the end of 16. */
static const int8_t aligned[32] = {-128, -128, -128, -128, -128, -128, -128, -128, -128, -128, -128,
                                   -128, -128, -128, -128, -128, 0,    1,    2,    3,    4,    5,
                                   6,    7,    8,    9,    10,   11,   12,   13,   14,   15};

TARGET static inline __m512i load_lanes(const void *a, const void *b, const void *c, const void *d)
{
    __m256i low =
        _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(a)), _mm_loadu_si128(b), 1);
    __m256i high =
        _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(c)), _mm_loadu_si128(d), 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* The numbers that the 16 decimal digits of each lane make, one a byte, below 10^15. */
TARGET static inline __m256d sixteen_digits(__m512i digits)
{
    const __m512i halves = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0);
    __m512i twos = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010a));
    __m512i fours = _mm512_madd_epi16(twos, _mm512_set1_epi32(0x00010064));
    __m512i packed = _mm512_packus_epi32(fours, fours);
    __m512i eights = _mm512_madd_epi16(packed, _mm512_set1_epi32(0x00012710));
    __m256i sorted = _mm512_castsi512_si256(_mm512_permutexvar_epi32(halves, eights));
    __m256d high = _mm256_cvtepi32_pd(_mm256_castsi256_si128(sorted));
    __m256d low = _mm256_cvtepi32_pd(_mm256_extracti128_si256(sorted, 1));
    return _mm256_add_pd(_mm256_mul_pd(high, _mm256_set1_pd(1e8)), low);
}

/* What the bytes of four cells are; every lane has the bit behind its cell in `end`. */
struct four {
    uint64_t end, digits, points, minus;
};

/* No byte but digits, one point at most, a minus ahead; a digit, or nothing at all. */
static inline bool are_short_numbers(const struct four *f)
{
    uint64_t within = f->end - FIRST, stops = f->points | f->end;
    uint64_t other = within & ~(f->digits | f->points | f->minus);
    uint64_t second_point = stops & (stops - FIRST) & ~f->end;
    uint64_t no_digit = (within + FILL) & ~(f->digits + FILL) & LAST;
    return (other | second_point | no_digit) == 0;
}

/* Where the digits of a lane end once its point is out, and how many of them stood behind it. */
struct place {
    size_t length, decimals;
};

TARGET static inline struct place place_of(uint64_t stops, size_t length)
{
    size_t point = (size_t)_tzcnt_u64(stops);
    length += point == length;
    return (struct place){length, length - 1 - point};
}

/* Digits up to the point, or to one that stood behind the cell, move one byte on; then all of them
 * to the end of the lane. */
TARGET static inline __m256d value_of(__m512i digits, uint64_t stops, const struct text cell[FOUR])
{
    struct place a = place_of(stops, cell[0].len), b = place_of(stops >> 16, cell[1].len),
                 c = place_of(stops >> 32, cell[2].len), d = place_of(stops >> 48, cell[3].len);
    uint64_t until_point = stops ^ (stops - FIRST);
    __m512i moved = _mm512_mask_blend_epi8(until_point, digits, _mm512_bslli_epi128(digits, 1));
    __m512i order =
        load_lanes(aligned + a.length, aligned + b.length, aligned + c.length, aligned + d.length);
    __m256d power = _mm256_setr_pd(power_of_ten[a.decimals], power_of_ten[b.decimals],
                                   power_of_ten[c.decimals], power_of_ten[d.decimals]);
    return _mm256_div_pd(sixteen_digits(_mm512_shuffle_epi8(moved, order)), power);
}

/* Cells of at most 15 bytes as numbers, empty ones as NaN; false when that is not what they are. */
TARGET static inline bool parse_four(const struct text cell[FOUR], double *out)
{
    if (UNLIKELY((cell[0].len | cell[1].len | cell[2].len | cell[3].len) > LONGEST))
        return false;
    uint64_t end = UINT64_C(1) << cell[0].len | UINT64_C(0x10000) << cell[1].len |
                   UINT64_C(0x100000000) << cell[2].len | UINT64_C(0x1000000000000) << cell[3].len;
    uint64_t within = end - FIRST;
    __m512i bytes = load_lanes(cell[0].at, cell[1].at, cell[2].at, cell[3].at);
    __m512i values = _mm512_sub_epi8(bytes, _mm512_set1_epi8('0'));
    struct four f = {.end = end,
                     .digits = _mm512_cmple_epu8_mask(values, _mm512_set1_epi8(9)) & within,
                     .points = _mm512_cmpeq_epu8_mask(bytes, _mm512_set1_epi8('.')) & within,
                     .minus =
                         _mm512_cmpeq_epu8_mask(bytes, _mm512_set1_epi8('-')) & within & FIRST};
    if (UNLIKELY(!are_short_numbers(&f)))
        return false;
    __m256d value = value_of(_mm512_maskz_mov_epi8(f.digits, values), f.points | end, cell);
    __mmask8 negative = (__mmask8)_pext_u64(f.minus, FIRST);
    __mmask8 empty = (__mmask8)_pext_u64(~(within + FILL), LAST);
    __m256i bits = _mm256_castpd_si256(value);
    bits = _mm256_mask_xor_epi64(bits, negative, bits, _mm256_set1_epi64x(INT64_MIN));
    bits = _mm256_mask_mov_epi64(bits, empty, _mm256_castpd_si256(_mm256_set1_pd((double)NAN)));
    _mm256_storeu_si256((__m256i *)(void *)out, bits);
    return true;
}

static bool parse_one(struct text cell, double *out)
{
    if (cell.len > 0)
        return number_parse_padded(cell.at, cell.len, out);
    *out = (double)NAN;
    return true;
}

/* Copies: what is written to out could be theirs, as far as the compiler knows. */
TARGET size_t numbers_avx512(const struct batch *b, const struct column *c, size_t from,
                             double *out)
{
    const struct batch rows = *b;
    const struct column column = *c;
    size_t until_four = from; /* rows that are not worth trying together */
    for (size_t r = from; r < rows.rows;) {
        if (r >= until_four && r + FOUR <= rows.rows) {
            struct text cell[FOUR] = {raw_cell(&rows, &column, r), raw_cell(&rows, &column, r + 1),
                                      raw_cell(&rows, &column, r + 2),
                                      raw_cell(&rows, &column, r + 3)};
            if (LIKELY(parse_four(cell, out + r))) {
                r += FOUR;
                continue;
            }
            until_four = r + FOUR;
        }
        if (!parse_one(raw_cell(&rows, &column, r), &out[r]))
            return r;
        r++;
    }
    return rows.rows;
}
#endif
