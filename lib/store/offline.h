/*
 * offline: the records of a group as files that other tools read. A view: made from the log, which
 * is the truth, and to be made anew from it at any time (remove the folder, materialise).
 *
 *   offline/data/year=YYYY/month=MM/day=DD/hour=HH/FIRST-LAST.parquet
 *   offline/manifest.jsonl
 *   offline/lock
 *
 * A file has records of one hour of event time (UTC), in the order of event time, then as they came
 * (lsn), and is named by the first and last lsn it has, or, when it was made of other files, they
 * had. All records are there, late ones and those of equal times, too; deletes are rows that are
 * deleted and have no features. Which row is the newest is the readers' to find, as store.h says;
 * at equal times that is, within a file, the first one. Columns are those of RECORDS_OFFLINE in
 * records.h. The group says whether files are "parquet", "jsonl.gz" or "csv.gz".
 *
 * What is read from the log at a time, a portion, is as much as fits the memory allowed. Names and
 * bytes of files follow from the log, the group's features, and how it was cut into portions: by
 * the same memory and the same ends of the log, the same bytes.
 *
 * The manifest has a line for each portion ("append") and each compaction ("compact"):
 *
 *   {"entry": 1, "time": "2001-01-31T12:00:00Z", "kind": "append", "first_lsn": 1, "last_lsn": 9,
 *    "schema": 2, "files": [{"path": "data/year=.../1-9.parquet", "rows": 9, "bytes": 1234,
 *    "sha256": "...", "min_time": "...", "max_time": "..."}], "removed": []}
 *
 * schema is the number of features the group had. Times of years that RFC 3339 does not have are
 * microseconds since 1970. A line is written when all that it names is on
 * the disk, so a crash leaves the state before or that after it. A last line that is not whole is
 * passed over, and cut off by the next writer; what no line names is garbage. Files that a
 * compaction removed stay until they are collected (offline_collect), so that whoever reads them
 * can go on.
 *
 * One writer at a time, in any process; any number of readers.
 */
#ifndef STORE_OFFLINE_H
#define STORE_OFFLINE_H

#include "store/records.h"

struct offline_options {
    size_t memory;  /* bytes of records in a portion, or that are sorted at a time; 0: 256 MiB */
    unsigned jobs;  /* threads that write files; 0: 1 */
    int timeout_ms; /* to wait for another writer; negative: for ever */
    usec grace;     /* how long files stay that a compaction removed */
};

/* Brings the view to where the log is, a portion at a time: after an error, those before stay.
 * ERR_NO when the group has none, ERR_BUSY when another writes, ERR_DATA when the log ends before
 * the view does. */
struct offline_made {
    uint64_t rows, files, lsn; /* lsn: of the last record that is in the view */
};
int offline_materialise(const struct group *g, const struct offline_options *o,
                        struct offline_made *made, struct error *e);

/* Makes one file of those of each hour that has several, and drops rows that say again what one
 * before says: the same id, time, features. Then collects what is no longer needed. Beside the
 * memory allowed it holds the rows of one event time. */
struct offline_compacted {
    uint64_t partitions, files_before, files_after; /* of the hours that had several */
    uint64_t rows, dropped;
    uint64_t collected; /* files */
};
int offline_compact(const struct group *g, const struct offline_options *o,
                    struct offline_compacted *done, struct error *e);
/* Removes files that no entry names, and those that a compaction removed longer ago than o->grace.
 * Adds to *files how many. */
int offline_collect(const struct group *g, const struct offline_options *o, uint64_t *files,
                    struct error *e);

/* Removes the view with all its files, as after an erasure: it is made anew when it is next
 * materialised. Whoever reads it meanwhile may miss files. One that is not there is fine. */
int offline_reset(const struct group *g, int timeout_ms, struct error *e);

/* ---- reading ---- */

enum { SHA256_DIGITS = 64 };
struct offline_file {
    const char *path; /* in the folder of the view */
    uint64_t rows, bytes;
    usec min_time, max_time;
    char sha256[SHA256_DIGITS + 1];
};

/* The files there were after some entry: what was written to the log up to one lsn. */
struct offline_view {
    uint64_t entry, lsn; /* of the last one; 0: none */
    VEC(struct offline_file) files;
    struct arena arena;
};
/* Up to an entry, 0: the last. A view that is not there has no files. ERR_NO when there is no such
 * entry, or a file of it was collected: the log has the same rows (offline_export). */
int offline_view_open(const struct group *g, uint64_t entry, struct offline_view *out,
                      struct error *e);
/* Whether all files are as the manifest says: ERR_NO names the first that is not. */
int offline_verify(const struct group *g, const struct offline_view *view, struct error *e);
void offline_view_release(struct offline_view *view);

/* ---- from the log, as rows ---- */

/* Gets records one by one; they borrow until it returns: 0 to go on. */
typedef int offline_take(void *context, const struct store_record *r, struct error *e);

/* Records in the order in which they came. {0}: all that are no deletes. */
struct offline_export {
    uint64_t since, until; /* lsn > since, and <= until unless that is 0 */
    bool has_from, has_to;
    usec from, to; /* event times >= from, and < to */
    bool deleted;  /* deletes, too */
};
int offline_records(const struct group *g, const struct offline_export *x, offline_take *take,
                    void *context, struct error *e);
int offline_export(const struct group *g, const struct offline_export *x,
                   const struct record_target *target, struct error *e);

/* What an export wrote, with its deletes, into a group: the records with all they had but their
 * lsn. Of write times that are lacking it is now. All rows of a batch, some MiB, are there or none;
 * those before a row that is wrong may be. Rows that are the records there were give the same view
 * online. Parquet has values, not their spellings. */
int offline_import(const struct group *g, struct input *in, int timeout_ms, uint64_t *rows,
                   struct error *e);

/* The newest record of each entity, in the order of ids (bytes), of those with event_time <= at and
 * lsn <= until: what a view online would have if only they had been written. Those that are deleted
 * or had expired, at `at`, else by now, are left out. It sorts the log's records, in o->memory and
 * a scratch file. */
struct offline_moment {
    bool has_at;
    usec at, now;
    uint64_t until; /* 0: all */
};
int offline_newest(const struct group *g, const struct offline_moment *m,
                   const struct offline_options *o, offline_take *take, void *context,
                   struct error *e);
int offline_snapshot(const struct group *g, const struct offline_moment *m,
                     const struct offline_options *o, const struct record_target *target,
                     struct error *e);

#endif
