/* An open Parquet file: what its footer says, in the terms of the format. For the files of this
 * module. */
#ifndef TABLE_PARQUET_FILE_H
#define TABLE_PARQUET_FILE_H

#include "table/parquet.h"
#include "table/thrift.h"

/* As numbered by the format. */
enum parquet_physical {
    PHYSICAL_BOOLEAN,
    PHYSICAL_INT32,
    PHYSICAL_INT64,
    PHYSICAL_INT96,
    PHYSICAL_FLOAT,
    PHYSICAL_DOUBLE,
    PHYSICAL_BYTES,
    PHYSICAL_FIXED,
};

enum parquet_encoding {
    ENCODING_PLAIN = 0,
    ENCODING_PLAIN_DICTIONARY = 2,
    ENCODING_RLE = 3,
    ENCODING_BIT_PACKED = 4,
    ENCODING_DELTA_BINARY_PACKED = 5,
    ENCODING_DELTA_LENGTH = 6,
    ENCODING_DELTA_BYTES = 7,
    ENCODING_RLE_DICTIONARY = 8,
    ENCODING_BYTE_STREAM_SPLIT = 9,
};

enum parquet_page_kind { PAGE_DATA, PAGE_INDEX, PAGE_DICTIONARY, PAGE_DATA_V2 };

/* What the stored values stand for. */
enum parquet_meaning {
    MEANS_VALUE, /* the numbers or bytes themselves; bytes are text */
    MEANS_UNSIGNED,
    MEANS_JSON,
    MEANS_DECIMAL,
    MEANS_DATE,
    MEANS_CLOCK,   /* a time of day */
    MEANS_INSTANT, /* a time, of UTC */
    MEANS_LOCAL,   /* a time of no zone */
    MEANS_UUID,
    MEANS_HALF,    /* FLOAT16 */
    MEANS_NOTHING, /* all are null */
};

struct parquet_leaf {
    struct parquet_column shown;
    enum parquet_physical physical;
    enum parquet_meaning meaning;
    size_t width;    /* bytes of PHYSICAL_FIXED and PHYSICAL_INT96 */
    int64_t unit;    /* of times: so many are a second */
    unsigned scale;  /* of decimals */
    unsigned digits; /* of decimals: precision */
    unsigned bits;   /* of unsigned integers */
    bool optional;   /* values may be null: pages have levels */
    size_t chunk;    /* its place among the chunks of a group */
};

struct parquet_chunk {
    uint64_t offset, bytes; /* its pages, the dictionary's first */
    enum parquet_codec codec;
    int64_t missing;      /* -1: unknown */
    struct text min, max; /* PLAIN, without length; at == NULL: unknown */
};

struct parquet_group {
    uint64_t rows;
    struct parquet_chunk *chunks;
};

struct parquet_file {
    struct parquet_bytes bytes;
    struct arena arena;
    struct text footer; /* FileMetaData as it stands in the file */
    VEC(struct parquet_leaf) leaves;
    VEC(struct parquet_group) groups;
    size_t chunks; /* of every group: leaves of refused columns, too */
    bool ordered;  /* bounds mean something */
    uint64_t rows;
};

/* Reads the list of schema elements in the footer: leaves and chunks of f. */
int parquet_read_schema(struct parquet_file *f, struct thrift_reader *r, enum thrift_type type,
                        struct error *e);

/* Sets the message "column NAME: ..." and the file; returns code. */
int parquet_error(const struct parquet_file *f, const struct parquet_leaf *leaf, int code,
                  struct error *e, const char *format, ...) PRINTF_LIKE(5, 6);

#endif
