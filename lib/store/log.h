/*
 * log: the records of a group on disk, in the order in which they came; nothing is ever changed in
 * place. What is written together is a batch: after a crash it is there as a whole or not at all.
 *
 * A folder of segments, each a file named by the lsn of its first record. A segment is a header of
 * 64 bytes ("mlfslog1", the lsn, its CRC-32C, zeros) and records. A record, little-endian:
 *
 *   uint32_t  bytes of the record, a multiple of 8
 *   uint32_t  CRC-32C of all that follows
 *   uint64_t  lsn
 *   int64_t   event_time, write_time, expires_at
 *   uint16_t  enum store_flag, and whether it begins and ends a batch
 *   uint16_t  bytes of the id
 *   uint32_t  bytes of the row
 *   id, row, zeros
 *
 * A tail that is no whole batch, with no later batch behind it, is what a crash left: it is passed
 * over in reading and cut off before writing. Anything else that is not as it was written is
 * damage: ERR_DATA with file and byte, and nothing behind it is read.
 *
 * One writer at a time, in any process; any number of readers, which it does not disturb.
 */
#ifndef STORE_LOG_H
#define STORE_LOG_H

#include "store/store.h"

/* ---- writing ---- */

struct log_options {
    size_t segment; /* bytes from which on a new segment begins; 0: 256 MiB */
    int timeout_ms; /* to wait for another writer; negative: for ever */
};

struct log;
/* Makes the folder when there is none. ERR_BUSY when another writes. */
int log_open(const char *folder, const struct log_options *o, struct log **out, struct error *e);
uint64_t log_last(const struct log *log); /* lsn of the last committed record; 0: none yet */
/* Adds a record, copied, to the batch in memory. lsn is not read; returns what it got. */
uint64_t log_add(struct log *log, const struct store_record *r);
size_t log_pending(const struct log *log); /* bytes of the batch */
/* Writes the batch; with sync it is on the disk when this returns. After an error the log can only
 * be closed, and whether the batch will be there is not known. */
int log_commit(struct log *log, bool sync, struct error *e);
/* The records of the batch that was committed last, one by one until 0; *at begins as 0. They
 * borrow until the next log_add. */
int log_committed(const struct log *log, size_t *at, struct store_record *out);
/* Erases all records of an entity from the disk; those of others keep their numbers, and each that
 * is gone leaves a STORE_POSITION of no source. *records: how many. Readers at work go on with what
 * they have. Afterwards the log can only be closed; after an error it is to be done again. */
int log_forget(struct log *log, struct text id, uint64_t *records, struct error *e);
void log_close(struct log *log); /* drops a batch that is not committed; NULL is fine */

/* ---- reading ---- */

struct log_reader;
/* From the first record whose lsn is at least `from`. A folder that is not there has no records. */
struct log_reader *log_reader_open(const char *folder, uint64_t from); /* returns owned */
/* 1, and the record, which borrows until the next call; 0 at the end of what is committed by now: a
 * later call goes on with what has come since; < 0. */
int log_next(struct log_reader *r, struct store_record *out, struct error *e);
void log_reader_close(struct log_reader *r);
/* lsn of the last record that is committed by now; 0: none. Reads no more than what came since the
 * log was last written to. */
int log_end(const char *folder, uint64_t *lsn, struct error *e);

/* Records that follow one another, for threads that read one log side by side. {0}; may be read
 * into again. */
struct log_run {
    struct buf bytes; /* what the records borrow */
    size_t at;
    uint64_t from;
};
/* About the next megabyte of records, checked: as log_next. */
int log_next_run(struct log_reader *r, struct log_run *run, struct error *e);
/* The next of them, which borrows from the run; false at its end. */
bool log_run_next(struct log_run *run, struct store_record *out);
void log_run_release(struct log_run *run);

#endif
