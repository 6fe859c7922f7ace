/* Choice of kernels, and the scalar reference: a state machine over single bytes. */
#include "table/scan.h"

const struct scan_kernels *scan_kernels(enum simd level)
{
#if defined(__x86_64__)
    if (level == SIMD_AVX512)
        return &scan_avx512;
    if (level == SIMD_AVX2)
        return &scan_avx2;
    if (level == SIMD_SSE2)
        return &scan_sse2;
#elif defined(__aarch64__)
    if (level == SIMD_NEON)
        return &scan_neon;
#endif
    (void)level;
    return &scan_scalar;
}

static struct scan_totals totals_scalar(const char *text, size_t n, struct scan_chars chars)
{
    struct scan_totals t = {0};
    for (size_t i = 0; i < n; i++) {
        t.lines += text[i] == chars.newline;
        if (chars.quote != chars.newline && text[i] == chars.quote)
            t.odd = !t.odd;
        t.records += text[i] == chars.newline && !t.odd;
    }
    return t;
}

size_t scan_last_end(const char *text, size_t n, struct scan_chars chars, bool inside,
                     uint64_t *lines)
{
    *lines = 0;
    for (; n > 0; n--) {
        if (chars.quote != chars.newline && text[n - 1] == chars.quote)
            inside = !inside;
        else if (text[n - 1] == chars.newline && !inside)
            return n;
        *lines += text[n - 1] == chars.newline;
    }
    return 0;
}

struct scan_borders scan_borders(const char *text, size_t n, struct scan_chars chars,
                                 const struct scan_totals *totals, bool inside)
{
    struct scan_borders b = {.records = inside ? totals->lines - totals->records : totals->records};
    b.end = scan_last_end(text, n, chars, inside != totals->odd, &b.lines_behind);
    b.lines = totals->lines - b.lines_behind;
    return b;
}

static bool is_structural(const struct scan_index *s, char c)
{
    return c == s->chars.delimiter || c == s->chars.newline;
}

/* May a closing quote be followed by the bytes at p? */
static bool may_follow_quote(const struct scan_index *s, const char *p)
{
    return is_structural(s, p[0]) || p[0] == s->chars.quote ||
           (p[0] == '\r' && p[1] == s->chars.newline);
}

static bool index_scalar(struct scan_index *s)
{
    bool quoting = s->chars.quote != s->chars.newline;
    for (; s->position < s->n; s->position++) {
        const char *p = s->text + s->position;
        if (s->count == s->cap)
            return false;
        if (quoting && *p == s->chars.quote) {
            bool bad = s->inside ? !may_follow_quote(s, p + 1) : !(s->before & 1);
            if (bad) {
                s->problem = SCAN_STRAY_QUOTE;
                return false;
            }
            s->inside = ~s->inside;
            s->before = 1;
            continue;
        }
        bool structural = !s->inside && is_structural(s, *p);
        s->before = structural;
        if (!structural)
            continue;
        bool record_ends = s->count % s->stride == 0;
        if (record_ends != (*p == s->chars.newline)) {
            s->problem = SCAN_RAGGED;
            return false;
        }
        s->rows += record_ends;
        s->at[s->count++] = (uint32_t)s->position + 1;
    }
    return true;
}

/* Length of the UTF-8 character at p, 0 when it is not one; n > 0. */
static size_t character_length(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return p[0] != 0;
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 0;
    size_t len = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (n < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    bool too_low = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xF0 && p[1] < 0x90);
    bool too_high = (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF4 && p[1] > 0x8F);
    return too_low || too_high ? 0 : len;
}

size_t scan_valid_scalar(const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t i = 0; i < n;) {
        size_t len = character_length(p + i, n - i);
        if (len == 0)
            return i;
        i += len;
    }
    return n;
}

const struct scan_kernels scan_scalar = {"scalar", totals_scalar, index_scalar, scan_valid_scalar};
