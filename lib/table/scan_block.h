/*
 * The block algorithms, written once and compiled per instruction set. The including file defines
 *   TARGET                      function attribute that enables the instructions
 *   block_masks(p, chars)       quotes, delimiters, line ends and carriage returns of p[0..64)
 *   prefix_xor(m)               bit i = XOR of bits 0..i of m
 *   put_positions(at, m, base)  writes base + 1 + (index of each set bit of m), may write 64 past
 */
struct masks {
    uint64_t quote, delimiter, newline, cr;
};
TARGET static inline struct masks block_masks(const char *p, struct scan_chars chars);
TARGET static inline uint64_t prefix_xor(uint64_t m);
TARGET static inline void put_positions(uint32_t *at, uint64_t m, uint32_t base);

/* Bits below the end of the text in its last block. */
static inline uint64_t valid_bits(size_t left)
{
    return left >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << left) - 1;
}

TARGET static struct scan_totals totals_block(const char *text, size_t n, struct scan_chars chars)
{
    struct scan_totals t = {0};
    bool quoting = chars.quote != chars.newline;
    uint64_t inside = 0;
    for (size_t i = 0; i < n; i += 64) {
        struct masks m = block_masks(text + i, chars);
        uint64_t valid = valid_bits(n - i), newline = m.newline & valid, quoted = inside;
        if (quoting && m.quote) {
            quoted ^= prefix_xor(m.quote & valid);
            inside = (uint64_t)((int64_t)quoted >> 63);
        }
        t.lines += (uint64_t)__builtin_popcountll(newline);
        t.records += (uint64_t)__builtin_popcountll(newline & ~quoted);
    }
    t.odd = inside != 0;
    return t;
}

/* Bits of quotes in the wrong place: one that opens but does not follow a structural byte or a
 * quote, or a byte after a closing quote that is none of delimiter, line end, quote. */
TARGET static inline uint64_t stray_quotes(struct scan_index *s, const struct masks *m,
                                           uint64_t quoted, uint64_t structural, const char *p)
{
    uint64_t opening = m->quote & quoted, closing = m->quote & ~quoted;
    uint64_t allowed = structural | m->quote;
    uint64_t bad = opening & ~(allowed << 1 | s->before);
    uint64_t after = closing << 1 | s->closed;
    if (after & ~allowed) {
        uint64_t next_newline = m->newline >> 1 | (uint64_t)(p[64] == s->chars.newline) << 63;
        bad |= after & ~(allowed | (m->cr & next_newline));
    }
    s->closed = closing >> 63;
    s->before = allowed >> 63;
    return bad;
}

TARGET static bool index_block(struct scan_index *s)
{
    bool quoting = s->chars.quote != s->chars.newline;
    size_t expected = (s->rows + 1) * s->stride; /* value of count at the next line end */
    while (s->position < s->n) {
        if (s->count + 128 > s->cap)
            return false;
        const char *p = s->text + s->position;
        struct masks m = block_masks(p, s->chars);
        uint64_t valid = valid_bits(s->n - s->position), quoted = s->inside;
        m.quote = quoting ? m.quote & valid : 0;
        if (m.quote)
            quoted ^= prefix_xor(m.quote);
        uint64_t structural = (m.delimiter | m.newline) & ~quoted & valid;
        if (m.quote | s->closed) {
            if (UNLIKELY(stray_quotes(s, &m, quoted, structural, p))) {
                s->problem = SCAN_STRAY_QUOTE;
                return false;
            }
        } else {
            s->before = structural >> 63;
        }
        s->inside = (uint64_t)((int64_t)quoted >> 63);
        for (uint64_t ends = m.newline & structural; ends; ends &= ends - 1) {
            uint64_t below = (ends & (~ends + 1)) - 1;
            if (UNLIKELY(s->count + (size_t)__builtin_popcountll(structural & below) != expected)) {
                s->problem = SCAN_RAGGED;
                return false;
            }
            expected += s->stride;
            s->rows++;
        }
        put_positions(s->at + s->count, structural, (uint32_t)s->position);
        s->count += (size_t)__builtin_popcountll(structural);
        s->position += 64;
    }
    return true;
}
