#include "table/parquet_codec.h"

#include "table/snappy.h"

#define ZLIB_CONST
#include <dlfcn.h>
#include <zlib.h>

enum { ZSTD_LEVEL = 3, GZIP_WINDOW = 15 + 16, ANY_WINDOW = 15 + 32 };

static int lacking(const char *what, struct error *e)
{
    return error_set(e, ERR_SYSTEM,
                     "%s: this compression needs libzstd 1 (Debian package libzstd1)", what);
}

/* Copies the address: C has no conversion from a pointer to data to one to a function. */
static bool resolve(void *library, const char *name, void *into)
{
    void *address = dlsym(library, name);
    memcpy(into, &address, sizeof address);
    return address != NULL;
}

static int load(struct parquet_library *l, struct error *e)
{
    if (l->loaded)
        return 0;
    void *library = dlopen("libzstd.so.1", RTLD_NOW | RTLD_NODELETE);
    if (!library)
        return lacking("cannot load libzstd.so.1", e);
    l->loaded = resolve(library, "ZSTD_decompress", &l->zstd_decompress) &&
                resolve(library, "ZSTD_compress", &l->zstd_compress) &&
                resolve(library, "ZSTD_compressBound", &l->zstd_bound) &&
                resolve(library, "ZSTD_isError", &l->zstd_failed);
    return l->loaded ? 0 : lacking("libzstd.so.1 lacks a function", e);
}

bool parquet_plausible(enum parquet_codec codec, size_t n, size_t size)
{
    switch (codec) {
    case PARQUET_NONE:
        return n == size;
    case PARQUET_SNAPPY:
        return size / 32 <= n;
    case PARQUET_GZIP:
        return size / 1040 <= n;
    case PARQUET_LZ4_RAW:
        return size / 256 <= n;
    case PARQUET_ZSTD:
    case PARQUET_BROTLI:
        break;
    }
    return size / (1 << 18) <= n;
}

/* All members, one behind the other. */
static bool gunzip(struct text bytes, void *into, size_t size)
{
    z_stream z = {.next_in = (const Bytef *)bytes.at,
                  .avail_in = (uInt)bytes.len,
                  .next_out = into,
                  .avail_out = (uInt)size};
    if (inflateInit2(&z, ANY_WINDOW) != Z_OK)
        return false;
    int got = inflate(&z, Z_FINISH);
    while (got == Z_STREAM_END && z.avail_in > 0 && inflateReset(&z) == Z_OK)
        got = inflate(&z, Z_FINISH);
    bool whole = got == Z_STREAM_END && z.avail_out == 0;
    (void)inflateEnd(&z);
    return whole;
}

static bool gzip(struct text bytes, struct buf *out)
{
    z_stream z = {.next_in = (const Bytef *)bytes.at, .avail_in = (uInt)bytes.len};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return false;
    size_t bound = deflateBound(&z, bytes.len);
    buf_reserve(out, bound);
    z.next_out = (Bytef *)out->at + out->len;
    z.avail_out = (uInt)bound;
    bool whole = deflate(&z, Z_FINISH) == Z_STREAM_END;
    out->len += z.total_out;
    (void)deflateEnd(&z);
    return whole;
}

/* 15 in a nibble: bytes follow that are added, up to the first that is not 255. */
static bool lz4_length(const uint8_t **at, const uint8_t *end, size_t *n)
{
    if (*n != 15)
        return true;
    for (uint8_t byte = 255; byte == 255; *n += byte) {
        if (*at == end)
            return false;
        byte = *(*at)++;
    }
    return true;
}

/* An LZ4 block (lz4_Block_format.md). */
static bool lz4_decompress(struct text bytes, uint8_t *into, size_t size)
{
    const uint8_t *at = (const uint8_t *)bytes.at, *end = at + bytes.len;
    uint8_t *to = into, *stop = into + size;
    while (at < end) {
        uint8_t token = *at++;
        size_t literals = token >> 4, match = token & 15;
        if (!lz4_length(&at, end, &literals) || literals > (size_t)(end - at) ||
            literals > (size_t)(stop - to))
            return false;
        memcpy(to, at, literals);
        to += literals;
        at += literals;
        if (at == end)
            break;
        if (end - at < 2)
            return false;
        size_t offset = (size_t)at[1] << 8 | at[0];
        at += 2;
        if (!lz4_length(&at, end, &match) || offset == 0 || offset > (size_t)(to - into) ||
            (match += 4) > (size_t)(stop - to))
            return false;
        for (; match > 0; match--, to++)
            *to = to[-(ptrdiff_t)offset];
    }
    return to == stop;
}

static int unzstd(struct parquet_library *l, struct text bytes, void *into, size_t size,
                  bool *whole, struct error *e)
{
    int status = load(l, e);
    if (status)
        return status;
    size_t got = l->zstd_decompress(into, size, bytes.at, bytes.len);
    *whole = !l->zstd_failed(got) && got == size;
    return 0;
}

int parquet_decompress(struct parquet_library *l, enum parquet_codec codec, struct text bytes,
                       void *into, size_t size, struct error *e)
{
    bool whole = false;
    int status = 0;
    switch (codec) {
    case PARQUET_NONE:
        whole = bytes.len == size;
        if (whole)
            memcpy(into, bytes.at, size);
        break;
    case PARQUET_SNAPPY:
        whole = snappy_decompress(bytes.at, bytes.len, into, size);
        break;
    case PARQUET_GZIP:
        whole = gunzip(bytes, into, size);
        break;
    case PARQUET_ZSTD:
        status = unzstd(l, bytes, into, size, &whole, e);
        break;
    case PARQUET_LZ4_RAW:
        whole = lz4_decompress(bytes, into, size);
        break;
    case PARQUET_BROTLI:
        return error_set(e, ERR_DATA, "compressed by brotli, which is not read");
    }
    if (status == 0 && !whole)
        return error_set(e, ERR_DATA, "a page's compressed bytes are damaged");
    return status;
}

static int zstd(struct parquet_library *l, struct text bytes, struct buf *out, struct error *e)
{
    int status = load(l, e);
    if (status)
        return status;
    size_t bound = l->zstd_bound(bytes.len);
    buf_reserve(out, bound);
    size_t n = l->zstd_compress(out->at + out->len, bound, bytes.at, bytes.len, ZSTD_LEVEL);
    if (l->zstd_failed(n))
        return error_set(e, ERR_SYSTEM, "zstd cannot compress a page");
    out->len += n;
    return 0;
}

int parquet_compress(struct parquet_library *l, enum parquet_codec codec, struct text bytes,
                     struct buf *out, struct error *e)
{
    switch (codec) {
    case PARQUET_NONE:
        buf_add(out, bytes.at, bytes.len);
        return 0;
    case PARQUET_SNAPPY:
        snappy_compress(bytes.at, bytes.len, out);
        return 0;
    case PARQUET_GZIP:
        return gzip(bytes, out) ? 0 : error_set(e, ERR_SYSTEM, "gzip cannot compress a page");
    case PARQUET_ZSTD:
        return zstd(l, bytes, out, e);
    case PARQUET_BROTLI:
    case PARQUET_LZ4_RAW:
        break;
    }
    return error_set(e, ERR_USAGE, "this compression is not written: none, snappy, gzip or zstd");
}
