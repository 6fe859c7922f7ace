/*
 * scan: where CSV records and cells begin. The inner loops of the reader: one scalar reference and
 * one kernel per instruction set (SSE2, AVX2, AVX-512, NEON), all equal by test. 64 bytes at a time
 * become bit masks of quotes, delimiters and line ends; a prefix XOR of the quote mask (Langdale
 * and Lemire 2019, doi:10.1007/s00778-019-00578-5) tells what is inside quotes. A doubled quote
 * toggles twice and so needs no case of its own.
 *
 * All texts are followed by SCAN_SLACK readable bytes.
 */
#ifndef TABLE_SCAN_H
#define TABLE_SCAN_H

#include "base/base.h"
#include "sys/sys.h"

#define SCAN_SLACK 64

/* The bytes with a meaning. quote == newline when the dialect has no quotes. */
struct scan_chars {
    char delimiter, quote, newline;
};

/* Of a text, wherever it was cut. */
struct scan_totals {
    uint64_t lines; /* newlines */
    uint64_t
        records; /* newlines outside quotes if the text begins outside; if inside, the others */
    bool odd;    /* number of quotes */
};

/* The index of a regular text: `stride` cells in every record, text[n - 1] is a newline. Cell k
 * begins at at[k] and ends before at[k + 1] - 1. Stops early when at is full (call again after
 * growing it, nothing else changed) or at the first record that is not regular. */
struct scan_index {
    const char *text;
    size_t n;
    struct scan_chars chars;
    uint32_t stride;
    uint32_t *at;      /* at[0] = 0 set by the caller with count = 1 */
    size_t cap, count; /* cap >= 256 */
    size_t position;   /* next block of 64 bytes */
    uint64_t inside;   /* all ones when `position` is inside quotes */
    uint64_t
        before; /* bit 0: the byte before `position` is a quote or structural, or there is none */
    uint64_t closed; /* bit 0: that byte is a closing quote */
    uint64_t rows;   /* complete regular records so far */
    enum { SCAN_REGULAR, SCAN_RAGGED, SCAN_STRAY_QUOTE } problem;
};

struct scan_kernels {
    const char *name;
    struct scan_totals (*totals)(const char *text, size_t n, struct scan_chars chars);
    /* true: all indexed; false: at is full, or problem is set */
    bool (*index)(struct scan_index *s);
    /* Bytes before the first that is NUL or not UTF-8 (RFC 3629); n when there is none. */
    size_t (*valid)(const char *text, size_t n);
};
const struct scan_kernels *
scan_kernels(enum simd level); /* the scalar ones where a level is not built */

extern const struct scan_kernels scan_scalar, scan_sse2, scan_avx2, scan_avx512, scan_neon;

/* The byte after the last newline outside quotes, looking back from the end, which is inside quotes
 * or not; 0 when there is none. *lines: newlines behind it. */
size_t scan_last_end(const char *text, size_t n, struct scan_chars chars, bool inside,
                     uint64_t *lines);

/* The whole records of a text. */
struct scan_borders {
    uint64_t records;
    uint64_t lines;        /* up to end */
    uint64_t lines_behind; /* newlines after it */
    size_t end;            /* of the last one; 0 when there is none */
};
/* Of a text with these totals that begins inside quotes or not. */
struct scan_borders scan_borders(const char *text, size_t n, struct scan_chars chars,
                                 const struct scan_totals *totals, bool inside);

/* Bytes before the first NUL or bad UTF-8; the plain reference, used by kernels from a suspicious
 * block on. */
size_t scan_valid_scalar(const char *text, size_t n);

#endif
