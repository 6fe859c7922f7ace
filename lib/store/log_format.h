/* Segments and records as bytes. For the files of this module. */
#ifndef STORE_LOG_FORMAT_H
#define STORE_LOG_FORMAT_H

#include "store/log.h"

enum { SEGMENT_HEADER = 64, RECORD_HEADER = 48, NAME_DIGITS = 20 };
enum { LOG_BEGINS = 1 << 14, LOG_ENDS = 1 << 15, LOG_FLAGS = 0xff };

/* Bytes of a segment, from its start. */
struct span {
    const char *at;
    size_t len;
};

void segment_header(char out[static SEGMENT_HEADER], uint64_t lsn);
bool segment_header_valid(struct span s, uint64_t lsn);
void record_append(struct buf *out, const struct store_record *r, unsigned marks);
/* Marks of a record that was appended, at its place in a batch. */
void record_mark(char *record, unsigned marks);
/* A whole record at `at`, with a right checksum: its bytes, its marks and what it says; else 0. */
size_t record_read(struct span s, size_t at, struct store_record *r, unsigned *marks);
/* The same for a record that was checked before. */
size_t record_say(const char *record, struct store_record *r);
/* Where the batch at `at`, whose first record must have this lsn, ends, and the lsn of the record
 * behind it; 0: it is not whole. */
size_t batch_end(struct span s, size_t at, uint64_t *lsn);
/* Whether a later batch than that which should be at `at` follows. */
bool batch_follows(struct span s, size_t at, uint64_t lsn);

/* The segments of a folder: their first lsns, ascending. None when there is no folder. */
struct segments {
    VEC(uint64_t) first;
};
int segments_list(const char *folder, struct segments *out, struct error *e);
char *segment_path(const char *folder, uint64_t first); /* returns owned */

/* Between two batches. */
struct log_place {
    uint64_t first;  /* of the segment; 0: none */
    uint64_t offset; /* in its file; 0: its header is not there yet */
    uint64_t next;   /* lsn of the record that comes there */
};
struct log_reader *log_reader_at(const char *folder, const struct log_place *place);
/* Where it is, at the end of what is committed. */
struct log_place log_reader_place(const struct log_reader *r);

const char *log_folder(const struct log *log);
/* The hint where the log ends is gone, on the disk, too: segments may become shorter. */
int log_drop_end(struct log *log, struct error *e);

#endif
