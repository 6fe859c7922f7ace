/* Rows as the writer keeps them, and the pages they become. For the files of this module. */
#ifndef TABLE_PARQUET_ENCODE_H
#define TABLE_PARQUET_ENCODE_H

#include "table/parquet_codec.h"
#include "table/parquet_file.h"

/* Cells of one column: which rows have one, and those that are there one behind the other. */
struct parquet_cells {
    enum type type;
    struct buf present; /* a byte per row */
    size_t count;       /* of those that are there */
    /* int64_t, double, or a byte for a truth value; of texts the bytes, */
    struct buf values;
    struct buf lengths; /* and uint32_t for each */
};

struct parquet_rows {
    size_t rows, columns;
    struct parquet_cells *cells;
};

/* A column chunk ready to be written, and what its metadata says. */
struct parquet_encoded {
    struct buf bytes;
    size_t raw_bytes;        /* before compression, headers included */
    size_t dictionary_bytes; /* of the dictionary's page, the first; 0: there is none */
    struct buf min, max;     /* PLAIN, without length */
    bool bounded;
};
int parquet_encode(const struct parquet_cells *cells, size_t rows, const struct parquet_options *o,
                   struct parquet_library *l, struct parquet_encoded *out, struct error *e);

enum parquet_physical parquet_physical_of(enum type type);

#endif
