/* The parts of a writer. For the files of this module. */
#ifndef TABLE_PARQUET_WRITE_H
#define TABLE_PARQUET_WRITE_H

#include "table/parquet_encode.h"

struct parquet_writer {
    const struct schema *schema;
    struct parquet_options options;
    struct sink *sink;
    struct parquet_library library;
    struct parquet_rows *group; /* the rows that are not written */
    uint64_t offset;            /* bytes written */
    uint64_t rows;              /* of them */
    struct buf groups;          /* RowGroup structs of the footer */
    size_t group_count;
};

void parquet_rows_clear(struct parquet_rows *rows);

#endif
