/*
 * JSON on one line: a strict scanner (RFC 8259) that finds where values end and builds nothing.
 *
 * The text must hold a newline somewhere after the value. No JSON value can hold one unescaped, so
 * it stops every scan and no function needs a length. JSON_SCAN_SLACK bytes after that newline must
 * be readable.
 */
#ifndef TABLE_JSON_SCAN_H
#define TABLE_JSON_SCAN_H

#include "base/base.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum {
    JSON_SCAN_SLACK = 16,
    JSON_SCAN_DEPTH = 512, /* of lists and maps inside one another, the record itself included */
};

/* What is wrong with the text, and where. */
struct json_fault {
    const char *at;
    const char *what;
};

/* The end of the value, string, or number at p; NULL with fault set when there is none. */
const char *json_scan_value(const char *p, struct json_fault *fault);
const char *json_scan_string(const char *p, struct json_fault *fault); /* p: the opening quote */
const char *json_scan_number(const char *p, struct json_fault *fault);

/* Sets fault, returns NULL; `what` becomes "unexpected end of line" at a newline. */
const char *json_fail(struct json_fault *fault, const char *at, const char *what);

/* The first byte that is not white space, a carriage return included. */
static inline const char *json_skip_space(const char *p)
{
    while (UNLIKELY(*p == ' ' || *p == '\t' || *p == '\r'))
        p++;
    return p;
}

/* Which of 16 bytes a JSON string cannot hold as they are (quote, backslash, control), one bit
 * each; the plain form of json_specials. */
static inline unsigned json_specials_plain(const char *p)
{
    unsigned mask = 0;
    for (unsigned i = 0; i < 16; i++) {
        unsigned char c = (unsigned char)p[i];
        mask |= (unsigned)(c < 0x20 || c == '"' || c == '\\') << i;
    }
    return mask;
}

/* The same; *high has the bits of the bytes that are not ASCII. */
static inline unsigned json_specials(const char *p, unsigned *high)
{
#if defined(__SSE2__)
    __m128i block = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1F)), block);
    __m128i quote_mark = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    *high = (unsigned)_mm_movemask_epi8(block);
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote_mark, backslash)));
#else
    *high = 0;
    for (unsigned i = 0; i < 16; i++)
        *high |= (unsigned)((unsigned char)p[i] >> 7) << i;
    return json_specials_plain(p);
#endif
}

#endif
