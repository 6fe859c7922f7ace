/*
 * parquet_groups: row groups of Parquet files, put into another file as they are. Their pages are
 * copied, not decoded, and a footer says where they are now: so a file is cut between row groups,
 * and files of one schema become one. Nested columns, codecs and encodings that cannot be read here
 * are no obstacle.
 *
 * The place of a row group is how many bytes the row groups before it in the footer have: the first
 * one's is 0. Files whose chunks lie outside of them or over one another, and those that are
 * encrypted, are ERR_DATA naming the file.
 */
#ifndef TABLE_PARQUET_GROUPS_H
#define TABLE_PARQUET_GROUPS_H

#include "table/parquet.h"

struct parquet_borders {
    uint64_t *places; /* [count + 1], ascending; the last is the file's size */
    uint64_t *rows;   /* [count] */
    size_t count;
};
int parquet_borders_read(const char *path, struct parquet_borders *out, struct error *e);
void parquet_borders_release(struct parquet_borders *b);

/* Row groups of a file whose place is at or behind begin, and before end. */
struct parquet_part {
    const char *path;
    const char *name; /* for messages */
    uint64_t begin, end;
};
/*
 * Writes a file with the row groups of all parts (n of them, at least one) in order. All parts are
 * looked at before the first byte is written: one of another schema than the first is ERR_DATA. The
 * new file has the key-value metadata and the writer's name of the first; of a row group is kept
 * what is said of it, statistics too, but for what lies outside of its chunks: page indexes and
 * bloom filters.
 */
int parquet_join(const struct parquet_part *parts, size_t n, int to, const char *to_name,
                 struct error *e);

#endif
