/*
 * unpack: for the files of this module, what stands around a model: a compression (gzip, zlib,
 * zstd, xz, bzip2, lz4, lzma), an archive (tar, zip; compressed or not), or a compressed file in
 * one. Archives in archives stay closed. All but gzip and zlib need libarchive, which is loaded
 * then.
 *
 * Nothing is written to disk. What comes out is bounded by a multiple of the file's size, whatever
 * sizes it claims.
 */
#ifndef MODEL_UNPACK_H
#define MODEL_UNPACK_H

#include "base/base.h"

struct member {
    const char *name; /* in its archive; NULL: the file is none */
    struct text bytes;
};

struct unpacked {
    VEC(struct member) members; /* at least one, unless the file is an archive without files */
    VEC(struct buf) buffers;    /* own the bytes that are not the file's */
    struct arena arena;         /* owns names */
};

/* Borrows the file's bytes. ERR_DATA, placed at "name" or "name:member", when it is damaged, too
 * large for its file, or has links, absolute paths or paths with "..": nobody needs those to ship a
 * model. ERR_SYSTEM when libarchive is wanted and missing. */
int unpack(struct text file, const char *name, struct unpacked *out, struct error *e);
void unpacked_release(struct unpacked *u);

#endif
