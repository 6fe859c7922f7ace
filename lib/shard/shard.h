/*
 * shard: files divided among the instances of a job. A plan depends on the names, the sizes and the
 * content of the files alone, not on the machine or the number of threads.
 */
#ifndef SHARD_H
#define SHARD_H

#include "base/base.h"

enum shard_method {
    SHARD_KEY,    /* whole files in order of their names, file i to shard i mod count */
    SHARD_SIZE,   /* whole files, the largest first, each to the shard that has least so far (R. L.
                     Graham, "Bounds on multiprocessing timing anomalies", 1969): at most 4/3 of the
                     best that could be */
    SHARD_RECORD, /* all records in order of the files' names, about as many bytes each */
};

/* How the records of a file are told apart. */
struct shard_records {
    bool header; /* the first one is a header: it is in no shard, and belongs to all */
    char quote;  /* a newline between two of these ends no record; 0: every newline does */
    bool groups; /* of Parquet: a row group is never cut. Files have no header then */
};

/* Bytes begin to end of a file; of a file with a header that is not in it. Of row groups, those
 * whose place (parquet_groups.h) is there. */
struct shard_item {
    const char *path;
    uint64_t size, header; /* bytes of the file; of its header */
    uint64_t begin, end;
};

struct shard {
    struct shard_item *items; /* in order of the names */
    size_t count;
};

struct shard_plan {
    struct shard *shards;
    size_t count;
    struct arena arena;
};

/* paths are copied; records is for SHARD_RECORD. With jobs threads. ERR_SYSTEM names a file that
 * cannot be read, ERR_DATA one that is no Parquet. More shards than files (records): the last ones
 * have nothing; of row groups, any may. */
int shard_plan_make(const char *const *paths, size_t n, enum shard_method method, size_t count,
                    const struct shard_records *records, unsigned jobs, struct shard_plan *out,
                    struct error *e);
void shard_plan_release(struct shard_plan *p);
/* Bytes of a file's first record with its newline. */
int shard_header(const char *path, uint64_t size, const struct shard_records *how, uint64_t *out,
                 struct error *e);
/* Records in bytes begin to end, where records begin and end; of row groups the rows. */
int shard_count(const char *path, uint64_t begin, uint64_t end, const struct shard_records *how,
                uint64_t *out, struct error *e);

#endif
