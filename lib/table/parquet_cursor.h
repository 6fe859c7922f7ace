/* The parts of a cursor. For the files of this module. */
#ifndef TABLE_PARQUET_CURSOR_H
#define TABLE_PARQUET_CURSOR_H

#include "table/parquet_bits.h"
#include "table/parquet_codec.h"
#include "table/parquet_file.h"
#include "table/shared.h"

/* How values lie in memory as they are stored: integers and truths int64_t, floats double, all else
 * struct text. */
enum parquet_store { STORE_INT, STORE_FLOAT, STORE_TEXT };

/* Values of a data page, those that are not null, one behind the other. */
struct parquet_values {
    enum parquet_encoding encoding;
    enum parquet_physical physical;
    size_t width;               /* bytes of a value of fixed size, else 0 */
    const uint8_t *at, *end;    /* PLAIN, and the bytes of texts */
    struct hybrid indexes;      /* dictionary, and RLE */
    struct delta first, second; /* numbers; lengths; prefixes and suffixes */
    size_t next, count;         /* BYTE_STREAM_SPLIT, PLAIN booleans: by number */
    struct text before;         /* DELTA_BYTE_ARRAY: the last value, */
    struct buf before_bytes;    /* kept here between reads */
};
/* at[0..end) are a page's values. NULL, or what is wrong. */
const char *parquet_values_start(struct parquet_values *v, const uint8_t *at, const uint8_t *end);
/* n values into an array of what they are stored as; texts are slices of the page, or made in
 * arena. Not for dictionary encodings. NULL, or what is wrong. */
const char *parquet_values_read(struct parquet_values *v, size_t n, void *into,
                                struct arena *arena);
enum parquet_store parquet_store_of(enum parquet_physical physical);
size_t parquet_store_size(enum parquet_store store);

/* From stored values to what they mean: into may be `from` where both have one size. Texts made go
 * into arena. NULL, or what is wrong. */
const char *parquet_mean(const struct parquet_leaf *leaf, const void *from, size_t n, void *into,
                         struct arena *arena);
size_t parquet_form_size(enum form form); /* bytes of a cell */

struct parquet_cursor {
    const struct parquet_file *file;
    const struct parquet_leaf *leaf;
    const struct parquet_chunk *chunk;
    struct parquet_library library;
    uint64_t at, end;    /* offsets of pages not yet read */
    uint64_t rows;       /* of the group, from the page that is being read on */
    uint64_t page_rows;  /* of them in the page */
    struct buf stored;   /* a page's bytes as they stand in the file */
    struct shared *page; /* holds the page, decompressed */
    struct hybrid levels;
    bool has_levels;
    struct parquet_values values;
    struct shared *dictionary;
    const void *entries; /* cells, as the form says */
    size_t entry_count;
    struct buf scratch; /* uint32_t indexes or stored values */
    struct buf present; /* uint8_t per row */
};
/* Goes on to the next data page; there must be one. */
int parquet_next_page(struct parquet_cursor *c, struct error *e);

#endif
