/* archive: a few files in a tar.gz (POSIX ustar, RFC 1952), in memory. The same files give the same
 * bytes. For the files of this module. */
#ifndef ARTEFACT_ARCHIVE_H
#define ARTEFACT_ARCHIVE_H

#include "base/base.h"

enum {
    ARCHIVE_FILES_MAX = 64,
    ARCHIVE_NAME_MAX = 100,
    ARCHIVE_ALIGNED = 64, /* where a file's bytes begin, in memory */
};
#define ARCHIVE_BYTES_MAX ((size_t)1 << 30)

/* Letters, digits, _ and, but for the first, - and dots: a file in the directory at hand. */
bool archive_name_valid(const char *name);

/* Appends a file to a tar. The name is valid. */
void tar_add(struct buf *tar, const char *name, struct text bytes);
void tar_end(struct buf *tar);
/* The next file of a tar; *at goes on from 0. Returns 1, 0 at the end, or ERR_DATA for whatever
 * tar_add would not have written. name has room for ARCHIVE_NAME_MAX + 1. */
int tar_next(struct text tar, size_t *at, char name[static ARCHIVE_NAME_MAX + 1],
             struct text *bytes, struct error *e);

void gzip_pack(struct text bytes, struct buf *out);
bool gzip_is(struct text packed);
/* The whole of a gzip file of one member, at most ARCHIVE_BYTES_MAX bytes. out->at is aligned to
 * ARCHIVE_ALIGNED and lies in *memory, which is owned. */
int gzip_unpack(struct text packed, struct text *out, void **memory, struct error *e);

#endif
