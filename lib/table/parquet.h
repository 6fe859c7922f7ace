/*
 * parquet: Apache Parquet files of flat columns, read and written. Source: the Parquet format
 * specification (apache/parquet-format: parquet.thrift, Encodings.md, LogicalTypes.md).
 *
 * A file is row groups; a row group has a chunk of pages for every column. The footer is read when
 * a file is opened, pages as a cursor comes to them. A cursor walks one column of one row group
 * from its first row to its last, so any number of them, of the same file too, may be at work on
 * any thread; a cursor is used by one thread at a time.
 *
 * Read: all physical types; encodings PLAIN, RLE, dictionary (both names), DELTA_BINARY_PACKED,
 * DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY, BYTE_STREAM_SPLIT; codecs none, snappy, gzip, zstd,
 * LZ4_RAW; pages of both versions, their checksums checked where there are any. Nested and repeated
 * columns are listed with the reason why they cannot be read.
 *
 * Nothing in a file is trusted: what does not fit is ERR_DATA naming file and column; memory is
 * bounded by the footer's size and by PARQUET_PAGE_MAX for each page.
 */
#ifndef TABLE_PARQUET_H
#define TABLE_PARQUET_H

#include "table/table.h"

#define PARQUET_PAGE_MAX   ((size_t)1 << 30) /* bytes of a page, stored or decompressed */
#define PARQUET_FOOTER_MAX ((size_t)256 << 20)
#define PARQUET_GROUP_ROWS 122880

/* The bytes of a file, at any offset, from any thread. */
struct parquet_bytes {
    int (*read)(void *context, uint64_t offset, void *into, size_t n, struct error *e);
    void *context; /* borrows, as long as the file is open */
    uint64_t size;
    const char *name; /* for messages; copied */
};

struct parquet_file;
int parquet_open(const struct parquet_bytes *bytes, struct parquet_file **out, struct error *e);
void parquet_close(struct parquet_file *f); /* no cursor may be open; NULL is fine */

struct parquet_column {
    const char *name;
    enum type type; /* what cells mean; of dates, local times and short decimals the form is text */
    enum form form; /* of the columns a cursor gives: FORM_INT FLOAT BOOL TIME TEXT JSON */
    const char *refused; /* why it cannot be read; NULL: it can */
};
size_t parquet_columns(const struct parquet_file *f);
const struct parquet_column *parquet_column(const struct parquet_file *f, size_t column);
uint64_t parquet_rows(const struct parquet_file *f);
size_t parquet_groups(const struct parquet_file *f);
uint64_t parquet_group_rows(const struct parquet_file *f, size_t group);

/* What the footer says of a column in a row group, for passing over groups that hold nothing
 * wanted. Bounds hold for all its values but need not be values themselves. */
struct parquet_range {
    bool bounded;      /* min and max are known */
    int64_t missing;   /* -1: unknown */
    struct {           /* as the column's form says */
        int64_t i;     /* FORM_INT, FORM_TIME */
        double f;      /* FORM_FLOAT */
        struct text t; /* FORM_TEXT: bytes as unsigned; borrows from the file */
    } min, max;
};
struct parquet_range parquet_range(const struct parquet_file *f, size_t group, size_t column);

struct parquet_cursor;
/* At the first row of the group. */
int parquet_cursor_open(const struct parquet_file *f, size_t group, size_t column,
                        struct parquet_cursor **out, struct error *e);
/* The next n rows (no more than are left) as a column: values in b's arena; texts may be slices of
 * pages, which b then keeps alive (see shared.h). */
int parquet_cursor_read(struct parquet_cursor *c, size_t n, struct batch *b, struct column *out,
                        struct error *e);
int parquet_cursor_skip(struct parquet_cursor *c, uint64_t n, struct error *e);
void parquet_cursor_close(struct parquet_cursor *c); /* NULL is fine */

enum parquet_codec {
    PARQUET_NONE,
    PARQUET_SNAPPY,
    PARQUET_GZIP,
    PARQUET_BROTLI = 4, /* neither read nor written */
    PARQUET_ZSTD = 6,
    PARQUET_LZ4_RAW = 7, /* read only */
};

struct parquet_options {
    enum parquet_codec codec;
    size_t group_rows; /* 0: PARQUET_GROUP_ROWS */
    size_t page_bytes; /* 0: 1 MiB */
    unsigned jobs;     /* threads that encode the columns of a group; 0: 1 */
};

/*
 * Writing. All columns are OPTIONAL; their types are those of the schema: text STRING, json JSON,
 * time TIMESTAMP in microseconds of UTC, int INT64, float DOUBLE, bool BOOLEAN. The bytes depend on
 * the rows and options alone, not on jobs or how rows were divided into batches.
 */
struct parquet_writer;
/* Borrows schema and sink until parquet_writer_free; the sink is the caller's to commit or abort.
 * A schema without columns is ERR_DATA. */
int parquet_writer_new(const struct schema *schema, const struct parquet_options *options,
                       struct sink *sink, struct parquet_writer **out, struct error *e);
void parquet_writer_free(struct parquet_writer *w); /* NULL is fine */

/* Rows converted to the types of the file: any thread converts its own, which then are appended in
 * order, one thread at a time. */
struct parquet_rows;
struct parquet_rows *parquet_rows_new(const struct parquet_writer *w); /* returns owned */
size_t parquet_rows_bytes(const struct parquet_rows *rows);
void parquet_rows_free(struct parquet_rows *rows);
/* Adds b's rows. A cell that is not of its column's type goes to the policy of b, in the end as
 * ERR_DATA with file, line and column. Rows it rejects are left out; b's columns are changed. */
int parquet_convert(const struct parquet_writer *w, struct batch *b, struct parquet_rows *rows,
                    struct error *e);
/* Empties rows. Whole row groups are written. */
int parquet_append(struct parquet_writer *w, struct parquet_rows *rows, struct error *e);
/* The last rows and the footer. */
int parquet_finish(struct parquet_writer *w, struct error *e);

#endif
