/*
 * io: where bytes come from and go to. A source is a file, standard input, or a compressed or
 * archived file; a sink is a file that appears whole or not at all, or standard output.
 *
 * Compression of input is recognised by magic bytes (gzip, zstd, xz, bzip2, lz4, zip with one
 * member), of output by the extension of the name. gzip goes through zlib (all members; Debian's
 * libarchive is not loaded for it); the others through libarchive, loaded when first needed.
 */
#ifndef IO_H
#define IO_H

#include "base/base.h"

#include <sys/types.h>
#include <sys/uio.h>

struct source;

struct source_options {
    /* A name iconv knows; NULL: UTF-8, or UTF-16 when a byte-order mark says so. */
    const char *encoding;
};

/* Opens path ("-" or NULL is standard input; "a.zip:inner.csv" names a member). A directory, a
 * missing or an unreadable file is ERR_SYSTEM naming it. options may be NULL. */
int source_open(const char *path, const struct source_options *options, struct source **out,
                struct error *e);
const char *source_name(const struct source *s); /* the path, "standard input" for "-" */

/* The first bytes without consuming them: at least `want` unless the source ends before (want <= 1
 * MiB). *n may be more. A UTF-8 byte-order mark is already gone. */
int source_peek(struct source *s, size_t want, const char **at, size_t *n, struct error *e);

/* Reads up to n bytes of decoded UTF-8 text: returns > 0 bytes, 0 at the end, < 0 on error.
 * With a pipe it returns what is there (one read), so that a slow stream flows.
 * A compressed stream that ends early is ERR_DATA "... is truncated". Bad bytes of a declared
 * encoding are ERR_DATA with the byte offset. UTF-8 itself is not validated here. */
ssize_t source_read(struct source *s, void *into, size_t n, struct error *e);

/* When the bytes are those of a plain regular file: where its text begins (after a byte-order mark)
 * and ends now, as offsets for source_read_at. Else false. */
bool source_plain(const struct source *s, uint64_t *start, uint64_t *end);
/* Reads n bytes from an offset of a plain file; any thread.
 * ERR_SYSTEM also when there are fewer. */
int source_read_at(const struct source *s, uint64_t offset, void *into, size_t n, struct error *e);

/* Back to the first byte. ERR_SYSTEM when the source is not a file; see source_spool. */
int source_rewind(struct source *s, struct error *e);
bool source_rewindable(const struct source *s);
/* Copies what is left of a source that cannot be rewound into a scratch file,
 * which it then reads. */
int source_spool(struct source *s, struct error *e);
void source_free(struct source *s); /* NULL is fine */

struct sink;

/* A file of this name at once, which is there as far as it is written; what is there is lost, and a
 * crash may lose what is written until the file system is forced to the disk (filesystem_sync). For
 * many files nobody looks at before they are told. sink_abort removes it. */
int sink_open_plain(const char *path, struct sink **out, struct error *e);
/* path NULL or "-": standard output. Otherwise a file replaced when sink_commit is called,
 * compressed when its extension is .gz .zst .xz .bz2 .lz4. */
int sink_open(const char *path, struct sink **out, struct error *e);
const char *sink_name(const struct sink *s); /* "standard output" for NULL */
int sink_write(struct sink *s, const void *bytes, size_t n, struct error *e);
int sink_writev(struct sink *s, const struct iovec *parts, size_t count, struct error *e);
/* Flushes, closes and puts the file in its place; for standard output checks the last write.
 * A closed pipe on standard output is reported as ERR_SYSTEM with errno EPIPE in the message unless
 * SIGPIPE has its default action. Takes s, also on error. */
int sink_commit(struct sink *s, struct error *e);
void sink_abort(struct sink *s); /* takes s, leaves no file; NULL is fine */

/* True when s is a standard output that somebody may be watching: a terminal or a pipe. */
bool sink_is_live(const struct sink *s);

/* ".csv.gz" of "dir/x.csv.gz": the extension that names the format (".csv"), compression removed.
 * Returns a slice of path; empty when there is none. */
struct text path_format_extension(const char *path);

#endif
