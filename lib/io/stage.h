/*
 * stage: the private inner side of io. A source is a chain of readers (descriptor, decompression,
 * decoding), a sink a chain of writers (compression, descriptor). Stages set the message of an
 * error; the source or sink adds the name.
 */
#ifndef IO_STAGE_H
#define IO_STAGE_H

#include "base/base.h"

#include <sys/types.h>

enum compression {
    COMPRESSION_NONE,
    COMPRESSION_GZIP,
    COMPRESSION_ZSTD,
    COMPRESSION_XZ,
    COMPRESSION_BZIP2,
    COMPRESSION_LZ4,
    COMPRESSION_ZIP, /* input only */
};
const char *compression_name(enum compression c);
/* What the extension of a file name says; *len is the length of the name without it. */
enum compression compression_of_name(const char *name, size_t *len);

struct reader;
struct reader_kind {
    /* Like source_read. Is not called again after it returned 0 or an error. */
    ssize_t (*read)(struct reader *r, void *into, size_t n, struct error *e);
    void (*free)(struct reader *r);
};

/* The first member of every reader. */
struct reader {
    const struct reader_kind *kind;
    struct buf held; /* peeked and not yet read: from held_at to held.len */
    size_t held_at;
    bool ended;
    struct error problem; /* met while peeking (code 0: none); due once held is used up */
};

ssize_t reader_read(struct reader *r, void *into, size_t n, struct error *e);
/* Like source_peek; *n < want means that the reader ends there. */
int reader_peek(struct reader *r, size_t want, const char **at, size_t *n, struct error *e);
void reader_skip(struct reader *r, size_t n); /* forgets n peeked bytes */
void reader_free(struct reader *r);           /* NULL is fine */

/* Every reader_... below returns owned; `below` is taken, also on error. */
struct reader *reader_fd(int fd); /* borrows fd */
struct reader *reader_gzip(struct reader *below);
/* Through libarchive: zstd, xz, bzip2, lz4, and zip. */
struct archive_input {
    enum compression compression;
    const char *member; /* of a zip archive; NULL: the only one */
    int fd;             /* below's descriptor when it can seek, else -1 */
    uint64_t base;      /* where the archive begins in fd */
};
int reader_archive(struct reader *below, const struct archive_input *in, struct reader **out,
                   struct error *e);
int reader_encoding(struct reader *below, const char *encoding, uint64_t offset,
                    struct reader **out, struct error *e);

/* Looks at the first bytes. A file that is nothing but the beginning of a magic number
 * is ERR_DATA. */
int reader_compression(struct reader *r, enum compression *c, struct error *e);

enum byte_order_mark { BOM_NONE, BOM_UTF8, BOM_UTF16LE, BOM_UTF16BE };
int reader_byte_order_mark(struct reader *r, enum byte_order_mark *bom, struct error *e);

struct writer;
struct writer_kind {
    int (*write)(struct writer *w, const void *bytes, size_t n, struct error *e);
    int (*finish)(struct writer *w, struct error *e); /* writes what is left */
    void (*free)(struct writer *w);
};
/* The first member of every writer; each writes to a descriptor it borrows. */
struct writer {
    const struct writer_kind *kind;
};
struct writer *writer_gzip(int fd);
int writer_archive(int fd, enum compression c, struct writer **out, struct error *e);

#endif
