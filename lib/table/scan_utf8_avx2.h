/*
 * UTF-8 validation, 32 bytes at a time: three table look-ups by nibbles say which two-byte
 * sequences are wrong, a fourth test which bytes must continue (Keiser and Lemire 2021,
 * doi:10.1002/spe.2940). Included by the AVX2 and AVX-512 kernels, which define TARGET.
 */
enum {
    UTF8_TOO_SHORT = 1 << 0,      /* lead byte followed by a lead byte or ASCII */
    UTF8_TOO_LONG = 1 << 1,       /* ASCII followed by a continuation */
    UTF8_OVERLONG_3 = 1 << 2,     /* E0 80..9F */
    UTF8_TOO_LARGE = 1 << 3,      /* F4 90.. and above */
    UTF8_SURROGATE = 1 << 4,      /* ED A0..BF */
    UTF8_OVERLONG_2 = 1 << 5,     /* C0, C1 */
    UTF8_TOO_LARGE_1000 = 1 << 6, /* F5.. 80..8F, and F0 80..8F (overlong) */
    UTF8_TWO_CONTINUATIONS = 1 << 7,
    UTF8_CARRY = UTF8_TOO_SHORT | UTF8_TOO_LONG | UTF8_TWO_CONTINUATIONS,
};

#define UTF8_TABLE(...) _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__))
#define UTF8_C(x)       ((char)(x))

/* The last n bytes of before, then v. */
#define UTF8_PREVIOUS(v, before, n)                                                                \
    _mm256_alignr_epi8((v), _mm256_permute2x128_si256((before), (v), 0x21), 16 - (n))

TARGET static inline __m256i utf8_special_cases(__m256i v, __m256i before)
{
    const __m256i low = _mm256_set1_epi8(0x0F);
    const char s = UTF8_TOO_SHORT, l = UTF8_TOO_LONG, o2 = UTF8_OVERLONG_2,
               two = UTF8_C(UTF8_TWO_CONTINUATIONS);
    const char carry = UTF8_C(UTF8_CARRY);
    const char big = UTF8_TOO_LARGE | UTF8_TOO_LARGE_1000;
    const __m256i by_high = UTF8_TABLE(l, l, l, l, l, l, l, l, two, two, two, two, s | o2, s,
                                       s | UTF8_OVERLONG_3 | UTF8_SURROGATE, s | big);
    const __m256i by_low = UTF8_TABLE(
        UTF8_C(carry | UTF8_OVERLONG_3 | o2 | UTF8_TOO_LARGE_1000), UTF8_C(carry | o2), carry,
        carry, UTF8_C(carry | UTF8_TOO_LARGE), UTF8_C(carry | big), UTF8_C(carry | big),
        UTF8_C(carry | big), UTF8_C(carry | big), UTF8_C(carry | big), UTF8_C(carry | big),
        UTF8_C(carry | big), UTF8_C(carry | big), UTF8_C(carry | big | UTF8_SURROGATE),
        UTF8_C(carry | big), UTF8_C(carry | big));
    const char cont = UTF8_C(UTF8_TOO_LONG | UTF8_OVERLONG_2 | UTF8_TWO_CONTINUATIONS);
    const __m256i by_next =
        UTF8_TABLE(s, s, s, s, s, s, s, s, UTF8_C(cont | UTF8_OVERLONG_3 | UTF8_TOO_LARGE_1000),
                   UTF8_C(cont | UTF8_OVERLONG_3 | UTF8_TOO_LARGE),
                   UTF8_C(cont | UTF8_SURROGATE | UTF8_TOO_LARGE),
                   UTF8_C(cont | UTF8_SURROGATE | UTF8_TOO_LARGE), s, s, s, s);
    __m256i previous = UTF8_PREVIOUS(v, before, 1);
    __m256i high_nibble = _mm256_and_si256(_mm256_srli_epi16(previous, 4), low);
    __m256i next_nibble = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);
    __m256i a = _mm256_shuffle_epi8(by_high, high_nibble);
    __m256i b = _mm256_shuffle_epi8(by_low, _mm256_and_si256(previous, low));
    __m256i c = _mm256_shuffle_epi8(by_next, next_nibble);
    return _mm256_and_si256(_mm256_and_si256(a, b), c);
}

/* Non-zero bytes where v, with the 32 bytes before it, is not UTF-8. */
TARGET static inline __m256i utf8_errors(__m256i v, __m256i before)
{
    __m256i special = utf8_special_cases(v, before);
    __m256i third = _mm256_subs_epu8(UTF8_PREVIOUS(v, before, 2), _mm256_set1_epi8(0xE0 - 0x80));
    __m256i fourth = _mm256_subs_epu8(UTF8_PREVIOUS(v, before, 3), _mm256_set1_epi8(0xF0 - 0x80));
    __m256i must_continue =
        _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(UTF8_C(0x80)));
    return _mm256_xor_si256(must_continue, special);
}

/* Where the character that byte i belongs to begins. */
static inline size_t utf8_character_start(const char *text, size_t i)
{
    for (int back = 0; back < 3 && i > 0 && ((unsigned char)text[i] & 0xC0) == 0x80; back++)
        i--;
    return i;
}

TARGET static size_t valid_avx2(const char *text, size_t n)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i before = zero;
    bool ascii_before = true;
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(text + i));
        int high = _mm256_movemask_epi8(v);
        __m256i bad = _mm256_cmpeq_epi8(v, zero);
        if (high || !ascii_before)
            bad = _mm256_or_si256(bad, utf8_errors(v, before));
        if (!_mm256_testz_si256(bad, bad))
            break;
        ascii_before = high == 0;
        before = v;
    }
    size_t start = i ? utf8_character_start(text, i - 1) : 0;
    return start + scan_valid_scalar(text + start, n - start);
}
