/* What the first bytes of an input, or the extension of a name, say about it. */
#include "io/stage.h"

#include <strings.h>

#define MAGIC_MAX 10

/* `sure`: a whole file of this many bytes or more, but fewer than len, is the stump of a compressed
 * file; a shorter one may be a very short text. */
static const struct magic {
    enum compression compression;
    size_t len, sure;
    unsigned char bytes[MAGIC_MAX];
    unsigned char mask[MAGIC_MAX]; /* of the bits that count; 0 stands for all of them */
} magics[] = {
    {COMPRESSION_GZIP, 3, 1, {0x1f, 0x8b, 8}, {0}},
    {COMPRESSION_ZSTD, 4, 2, {0x28, 0xb5, 0x2f, 0xfd}, {0}},
    {COMPRESSION_ZSTD, 4, 4, {0x50, 0x2a, 0x4d, 0x18}, {0xf0}}, /* a skippable frame */
    {COMPRESSION_XZ, 6, 1, {0xfd, '7', 'z', 'X', 'Z', 0}, {0}},
    /* "BZh" alone could begin a header line, so the mark of the first block is asked for too; the
     * second mark is that of an empty file. 0xf0 on the level lets '0' and ':' to '?' pass:
     * harmless. */
    {COMPRESSION_BZIP2, 10, 4, "BZh1\x31\x41\x59\x26\x53\x59", {0, 0, 0, 0xf0}},
    {COMPRESSION_BZIP2, 10, 4, "BZh1\x17\x72\x45\x38\x50\x90", {0, 0, 0, 0xf0}},
    {COMPRESSION_LZ4, 4, 1, {0x04, 0x22, 0x4d, 0x18}, {0}},
    {COMPRESSION_ZIP, 4, 3, {'P', 'K', 3, 4}, {0}},
    {COMPRESSION_ZIP, 4, 3, {'P', 'K', 5, 6}, {0}}, /* an archive without members */
};

static bool magic_fits(const struct magic *m, const char *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char mask = m->mask[i] ? m->mask[i] : 0xff;
        if (((unsigned char)at[i] & mask) != (m->bytes[i] & mask))
            return false;
    }
    return true;
}

int reader_compression(struct reader *r, enum compression *c, struct error *e)
{
    *c = COMPRESSION_NONE;
    for (size_t i = 0; i < COUNT_OF(magics); i++) {
        const struct magic *m = &magics[i];
        const char *at;
        size_t want = 0, n;
        /* A byte at a time: a short text in a slow stream must not be waited for in vain. */
        do {
            int status = reader_peek(r, ++want, &at, &n, e);
            if (status)
                return status;
        } while (want <= n && magic_fits(m, at, want) && want < m->len);
        if (want <= n && magic_fits(m, at, want)) {
            *c = m->compression;
            return 0;
        }
        if (n < want && n >= m->sure && magic_fits(m, at, n))
            return error_set(e, ERR_DATA, "the %s data is truncated",
                             compression_name(m->compression));
    }
    return 0;
}

int reader_byte_order_mark(struct reader *r, enum byte_order_mark *bom, struct error *e)
{
    static const struct {
        enum byte_order_mark bom;
        const char *bytes;
    } marks[] = {{BOM_UTF8, "\xef\xbb\xbf"}, {BOM_UTF16LE, "\xff\xfe"}, {BOM_UTF16BE, "\xfe\xff"}};
    *bom = BOM_NONE;
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        const char *at;
        size_t len = strlen(marks[i].bytes), n;
        int status = reader_peek(r, 1, &at, &n, e);
        if (!status && n > 0 && at[0] == marks[i].bytes[0])
            status = reader_peek(r, len, &at, &n, e);
        if (status)
            return status;
        if (n >= len && memcmp(at, marks[i].bytes, len) == 0) {
            *bom = marks[i].bom;
            reader_skip(r, len);
            return 0;
        }
    }
    return 0;
}

const char *compression_name(enum compression c)
{
    static const char *const names[] = {
        [COMPRESSION_NONE] = "uncompressed", [COMPRESSION_GZIP] = "gzip",
        [COMPRESSION_ZSTD] = "zstd",         [COMPRESSION_XZ] = "xz",
        [COMPRESSION_BZIP2] = "bzip2",       [COMPRESSION_LZ4] = "lz4",
        [COMPRESSION_ZIP] = "zip",
    };
    return names[c];
}

enum compression compression_of_name(const char *name, size_t *len)
{
    static const struct {
        const char *extension;
        enum compression compression;
    } extensions[] = {
        {".gz", COMPRESSION_GZIP},   {".zst", COMPRESSION_ZSTD}, {".xz", COMPRESSION_XZ},
        {".bz2", COMPRESSION_BZIP2}, {".lz4", COMPRESSION_LZ4},  {".zip", COMPRESSION_ZIP},
    };
    *len = strlen(name);
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < COUNT_OF(extensions); i++) {
        if (strcasecmp(dot, extensions[i].extension) == 0) {
            *len = (size_t)(dot - name);
            return extensions[i].compression;
        }
    }
    return COMPRESSION_NONE;
}
