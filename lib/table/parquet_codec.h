/* Compression of pages. For the files of this module. */
#ifndef TABLE_PARQUET_CODEC_H
#define TABLE_PARQUET_CODEC_H

#include "table/parquet.h"

/* What a codec needs, loaded when it is first used; libraries stay until the process ends. */
struct parquet_library {
    bool loaded;
    size_t (*zstd_decompress)(void *into, size_t size, const void *from, size_t n);
    size_t (*zstd_compress)(void *into, size_t size, const void *from, size_t n, int level);
    size_t (*zstd_bound)(size_t n);
    unsigned (*zstd_failed)(size_t code);
};

/* Fills into[0..size), 64 bytes of scratch behind it. ERR_DATA when the bytes are not the
 * compressed form of so many. Messages are without a place. */
int parquet_decompress(struct parquet_library *l, enum parquet_codec codec, struct text bytes,
                       void *into, size_t size, struct error *e);
/* Appends. */
int parquet_compress(struct parquet_library *l, enum parquet_codec codec, struct text bytes,
                     struct buf *out, struct error *e);
/* Whether n bytes could possibly become `size`: a lie is found before memory is taken for it. */
bool parquet_plausible(enum parquet_codec codec, size_t n, size_t size);

#endif
