#include "artefact/archive.h"

#include <zlib.h>

enum {
    BLOCK = 512,
    GZIP_WINDOW = 15 + 16, /* zlib's way to say gzip */
    GZIP_SHORTEST = 18,
    RATIO_MAX = 1100, /* deflate packs no better than 1032 to 1 */
};
#define SECONDS_1980 315532800

bool archive_name_valid(const char *name)
{
    size_t n = 0;
    for (; name[n]; n++) {
        char c = name[n];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || ((c == '-' || c == '.') && n > 0)))
            return false;
    }
    return n > 0 && n <= ARCHIVE_NAME_MAX - 1;
}

/* ---- tar ---- */

struct tar_header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
    char magic[8]; /* "ustar", NUL, "00" */
    char owner[32], group[32], major[8], minor[8], prefix[155], unused[12];
};
_Static_assert(sizeof(struct tar_header) == BLOCK, "tar goes by blocks");

static void put_octal(char *field, size_t size, uint64_t x)
{
    for (size_t i = size - 1; i-- > 0; x /= 8)
        field[i] = (char)('0' + x % 8);
    field[size - 1] = '\0';
}

/* False unless the field is what put_octal writes. */
static bool get_octal(const char *field, size_t size, uint64_t *x)
{
    *x = 0;
    for (size_t i = 0; i + 1 < size; i++) {
        if (field[i] < '0' || field[i] > '7')
            return false;
        *x = *x * 8 + (uint64_t)(field[i] - '0');
    }
    return field[size - 1] == '\0' || field[size - 1] == ' ';
}

/* Of the header's bytes, with blanks where the sum stands. */
static unsigned checksum(const struct tar_header *h)
{
    const unsigned char *bytes = (const unsigned char *)h;
    size_t from = offsetof(struct tar_header, checksum), to = from + sizeof h->checksum;
    unsigned sum = 0;
    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= from && i < to ? ' ' : bytes[i];
    return sum;
}

static void pad(struct buf *tar, size_t to)
{
    static const char zeros[BLOCK];
    if (tar->len % to)
        buf_add(tar, zeros, to - tar->len % to);
}

void tar_add(struct buf *tar, const char *name, struct text bytes)
{
    struct tar_header h = {.type = '0', .magic = "ustar\00000"};
    memcpy(h.name, name, strlen(name));
    put_octal(h.mode, sizeof h.mode, 0644);
    put_octal(h.uid, sizeof h.uid, 0);
    put_octal(h.gid, sizeof h.gid, 0);
    put_octal(h.size, sizeof h.size, bytes.len);
    put_octal(h.mtime, sizeof h.mtime, SECONDS_1980);
    put_octal(h.major, sizeof h.major, 0);
    put_octal(h.minor, sizeof h.minor, 0);
    put_octal(h.checksum, sizeof h.checksum - 1, checksum(&h));
    h.checksum[7] = ' ';
    buf_add(tar, &h, sizeof h);
    buf_add(tar, bytes.at, bytes.len);
    pad(tar, BLOCK);
}

void tar_end(struct buf *tar)
{
    static const char zeros[2 * BLOCK];
    buf_add(tar, zeros, sizeof zeros);
}

static bool all_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

static const char *wrong_with(const struct tar_header *h, uint64_t *size)
{
    uint64_t sum;
    if (memcmp(h->magic, "ustar", 5) != 0 || !get_octal(h->checksum, 7, &sum) ||
        h->checksum[7] != ' ' || sum != checksum(h))
        return "this is no tar header";
    if (h->type != '0' || h->prefix[0])
        return "only plain files belong here";
    if (!memchr(h->name, '\0', sizeof h->name) || !archive_name_valid(h->name))
        return "the name of a file is not allowed";
    if (!get_octal(h->size, sizeof h->size, size))
        return "the size of a file cannot be read";
    return NULL;
}

int tar_next(struct text tar, size_t *at, char name[static ARCHIVE_NAME_MAX + 1],
             struct text *bytes, struct error *e)
{
    struct tar_header h;
    uint64_t size = 0;
    size_t left = tar.len - *at;
    if (left < BLOCK)
        return error_set(e, ERR_DATA, "the archive ends too early");
    memcpy(&h, tar.at + *at, sizeof h);
    if (all_zero((const char *)&h, sizeof h)) {
        if (left < 2 * (size_t)BLOCK || !all_zero(tar.at + *at, left))
            return error_set(e, ERR_DATA, "something follows the archive's end");
        return 0;
    }
    const char *wrong = wrong_with(&h, &size);
    if (wrong)
        return error_set(e, ERR_DATA, "%s", wrong);
    if (size > left - BLOCK)
        return error_set(e, ERR_DATA, "the archive ends too early");
    *bytes = (struct text){tar.at + *at + BLOCK, (size_t)size};
    size_t used = BLOCK + (size_t)size, padding = (BLOCK - size % BLOCK) % BLOCK;
    if (padding > left - used || !all_zero(tar.at + *at + used, padding))
        return error_set(e, ERR_DATA, "something stands between two files");
    memcpy(name, h.name, sizeof h.name);
    name[sizeof h.name] = '\0';
    *at += used + padding;
    return 1;
}

/* ---- gzip ---- */

static voidpf zalloc(voidpf unused, uInt count, uInt size)
{
    (void)unused;
    return mem_array(NULL, count, size);
}

static void zfree(voidpf unused, voidpf at)
{
    (void)unused;
    mem_free(at);
}

static z_stream stream(struct text bytes)
{
    return (z_stream){.zalloc = zalloc,
                      .zfree = zfree,
                      .next_in = (Bytef *)(uintptr_t)bytes.at,
                      .avail_in = (uInt)bytes.len};
}

void gzip_pack(struct text bytes, struct buf *out)
{
    z_stream z = stream(bytes);
    deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY);
    buf_reserve(out, deflateBound(&z, (uLong)bytes.len));
    z.next_out = (Bytef *)out->at + out->len;
    z.avail_out = (uInt)(out->cap - out->len);
    deflate(&z, Z_FINISH);
    out->len += z.total_out;
    deflateEnd(&z);
}

bool gzip_is(struct text packed)
{
    return packed.len >= 2 && memcmp(packed.at, "\x1f\x8b", 2) == 0;
}

/* What the end of the file says of its length unpacked; untrue lengths are found by unpacking. */
static size_t length_unpacked(struct text packed)
{
    uint32_t n = 0;
    for (size_t i = 1; i <= sizeof n && packed.len >= GZIP_SHORTEST; i++)
        n = n << 8 | (uint8_t)packed.at[packed.len - i];
    return n;
}

int gzip_unpack(struct text packed, struct text *out, void **memory, struct error *e)
{
    size_t n = length_unpacked(packed);
    if (n == 0 || n > ARCHIVE_BYTES_MAX || n / RATIO_MAX > packed.len ||
        packed.len > ARCHIVE_BYTES_MAX)
        return error_set(e, ERR_DATA, "not a gzip file of at most %zu MiB",
                         ARCHIVE_BYTES_MAX >> 20);
    char *all = mem_alloc(n + ARCHIVE_ALIGNED);
    char *at = all + (ARCHIVE_ALIGNED - (uintptr_t)all % ARCHIVE_ALIGNED) % ARCHIVE_ALIGNED;
    z_stream z = stream(packed);
    z.next_out = (Bytef *)at;
    z.avail_out = (uInt)n;
    inflateInit2(&z, GZIP_WINDOW);
    int rc = inflate(&z, Z_FINISH);
    bool whole = rc == Z_STREAM_END && z.avail_in == 0 && z.total_out == n;
    inflateEnd(&z);
    if (!whole) {
        mem_free(all);
        return error_set(e, ERR_DATA, "the gzip file is damaged");
    }
    *memory = all;
    *out = (struct text){at, n};
    return 0;
}
