/* Reading CSV chunks: from text made of whole records to columns of a batch. */
#ifndef TABLE_CSV_READ_H
#define TABLE_CSV_READ_H

#include "table/scan.h"
#include "table/table.h"

struct csv_reader {
    const struct scan_kernels *kernels;
    const struct format *format;
    enum ragged ragged;
    size_t cells; /* in a record of this file */
    struct scan_chars chars;
    bool parity; /* quotes decide by parity alone: the kernels apply */
};

void csv_reader_init(struct csv_reader *r, const struct format *f, char newline, enum ragged ragged,
                     enum simd level);

/* Whole records at the start of text. */
struct scan_borders csv_borders(const struct csv_reader *r, const char *text, size_t n);

struct csv_cells {
    VEC(struct text) raw;
};

/* One record from `at`: its raw cells appended to cells. Returns the byte after its line end, or
 * NULL when the text ends inside quotes or (end not reached) before a line end. problem, when not
 * NULL, gets the first stray quote. */
const char *csv_record(const struct csv_reader *r, const char *at, const char *end,
                       struct csv_cells *cells, const char **problem);

/* The record at `at` as it stands there, without its line end. */
struct text csv_record_text(const struct csv_reader *r, const char *at, const char *end);

/* Columns of b->text: r->cells FORM_VIEW or FORM_RAW columns. Errors name file, line and column. */
int csv_parse_chunk(const struct csv_reader *r, struct batch *b, struct error *e);

/* The same for a chunk known to be valid text, only if its records are regular: FORM_VIEW columns,
 * or false and nothing is done. */
bool csv_view_chunk(const struct csv_reader *r, struct batch *b);

/* Why a text that should hold a whole record does not: a stray quote, one that is never closed, or
 * too long a record. */
int csv_explain_open_record(const struct csv_reader *r, const char *text, size_t n,
                            const char *file, uint64_t line, struct error *e);

/* ERR_DATA at the first byte of text that is NUL or not UTF-8; there must be one. */
int csv_invalid_byte(const struct csv_reader *r, const char *text, size_t n, const char *file,
                     uint64_t line, struct error *e);

#endif
