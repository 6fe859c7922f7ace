/*
 * UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#include "base/plain.h"

static inline bool continues(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* Bytes before the first one that is not ASCII, 16 at a time. */
static size_t ascii_prefix(const unsigned char *p, size_t n)
{
    const uint64_t high_bits = UINT64_C(0x8080808080808080);
    size_t i = 0;
    for (; n - i >= 16; i += 16) {
        uint64_t a, b;
        memcpy(&a, p + i, 8);
        memcpy(&b, p + i + 8, 8);
        if ((a | b) & high_bits)
            break;
    }
    while (i < n && p[i] < 0x80)
        i++;
    return i;
}

/* Whether the second byte of a character of 3 or 4 is one that its first byte allows: overlong
 * forms, surrogates and numbers beyond U+10FFFF are told by these two alone. */
static inline bool second_fits(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xE0:
        return second >= 0xA0;
    case 0xED:
        return second < 0xA0;
    case 0xF0:
        return second >= 0x90;
    case 0xF4:
        return second < 0x90;
    default:
        return true;
    }
}

/* Length of the well-formed character at p, 0 when there is none (RFC 3629, section 4). */
static inline size_t sequence(const unsigned char *p, size_t n)
{
    unsigned char first = p[0];
    if (first < 0x80)
        return 1;
    if (first < 0xC2 || first > 0xF4)
        return 0;
    size_t len = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (n < len || !continues(p[1]) || !second_fits(first, p[1]))
        return 0;
    if (len > 2 && !continues(p[2]))
        return 0;
    return len == 4 && !continues(p[3]) ? 0 : len;
}

size_t utf8_valid_prefix(const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t i = 0;
    while (i < n) {
        size_t step = p[i] < 0x80 ? ascii_prefix(p + i, n - i) : sequence(p + i, n - i);
        if (step == 0)
            break;
        i += step;
    }
    return i;
}

size_t utf8_length(const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t count = 0;
    for (size_t i = 0; i < n;) {
        if (p[i] < 0x80) {
            size_t run = ascii_prefix(p + i, n - i);
            count += run;
            i += run;
            continue;
        }
        size_t step = sequence(p + i, n - i);
        i += step ? step : 1;
        count++;
    }
    return count;
}

size_t utf8_offset(const char *text, size_t n, size_t chars)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t i = 0;
    while (i < n && chars > 0) {
        if (p[i] < 0x80) {
            size_t rest = n - i < chars ? n - i : chars;
            size_t run = ascii_prefix(p + i, rest);
            i += run;
            chars -= run;
            continue;
        }
        size_t step = sequence(p + i, n - i);
        i += step ? step : 1;
        chars--;
    }
    return i;
}

uint32_t utf8_decode(const char *text, size_t n, size_t *used)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t len = sequence(p, n);
    *used = len ? len : 1;
    switch (len) {
    case 1:
        return p[0];
    case 2:
        return (p[0] & 0x1FU) << 6 | (p[1] & 0x3FU);
    case 3:
        return (p[0] & 0x0FU) << 12 | (p[1] & 0x3FU) << 6 | (p[2] & 0x3FU);
    case 4:
        return (p[0] & 0x07U) << 18 | (p[1] & 0x3FU) << 12 | (p[2] & 0x3FU) << 6 | (p[3] & 0x3FU);
    default:
        return 0xFFFD;
    }
}

/* What is no character (a surrogate, too large) is written as U+FFFD. */
size_t utf8_print(char out[static 4], uint32_t c)
{
    if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        c = 0xFFFD;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}
