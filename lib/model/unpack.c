#define ZLIB_CONST
#include "model/unpack.h"
#include "io/archive_library.h"
#include "model/model.h"

#include <errno.h>
#include <zlib.h>

/* Compressed, text of models shrinks to a tenth, seldom to a twentieth. */
enum { RATIO_MOST = 64, ROOM_LEAST = 16 << 20, ENTRIES_MAX = 10000, STEP = 1 << 16 };
enum { TAR_BLOCK = 512, TAR_SUM_AT = 148, TAR_SUM_SIZE = 8 };

struct unpacking {
    struct unpacked *out;
    const char *file;
    size_t room; /* bytes that may still be unpacked */
    struct archive_library call;
    bool loaded;
    struct error *e;
};

/* Puts the file, or a member of it, before the message. */
static int at(struct unpacking *u, const char *member, int status)
{
    char *place = member ? mem_format("%s:%s", u->file, member) : mem_text(u->file);
    error_at(u->e, place, 0, 0);
    mem_free(place);
    return status;
}

static int refuse(struct unpacking *u, const char *member, const char *what)
{
    return at(u, member, error_set(u->e, ERR_DATA, "%s", what));
}

static int too_large(struct unpacking *u, const char *member)
{
    return refuse(u, member,
                  "what it unpacks to is too large for such a file (save it uncompressed)");
}

static int load_library(struct unpacking *u)
{
    int status = u->loaded ? 0 : archive_library_load(&u->call, u->e);
    u->loaded = status == 0;
    return status ? at(u, NULL, status) : 0;
}

/* A buffer of the result, empty. */
static struct buf *new_buffer(struct unpacking *u)
{
    vec_push(&u->out->buffers, ((struct buf){0}));
    return &u->out->buffers.at[u->out->buffers.len - 1];
}

/* gzip and zlib. */

enum { WINDOW = MAX_WBITS + 32 }; /* either, by its first bytes */

/* Inflates into room for n bytes; Z_STREAM_END when all is done, Z_OK when there is more. Streams
 * of gzip may follow one another. */
static int inflate_into(z_stream *z, struct text *rest, char *room, size_t n, bool gzip)
{
    int result = Z_OK;
    z->next_out = (Bytef *)room;
    z->avail_out = (uInt)n;
    while (z->avail_out > 0 && result == Z_OK) {
        uInt part = rest->len < UINT32_MAX ? (uInt)rest->len : UINT32_MAX;
        z->next_in = (const Bytef *)rest->at;
        z->avail_in = part;
        result = inflate(z, Z_NO_FLUSH);
        rest->at += part - z->avail_in;
        rest->len -= part - z->avail_in;
        if (result == Z_STREAM_END && gzip && rest->len > 0 && *rest->at == 0x1f)
            result = inflateReset(z);
    }
    return result;
}

static int inflate_all(struct unpacking *u, const char *member, struct text bytes, struct buf *out)
{
    z_stream z = {0};
    struct text rest = bytes;
    int result = inflateInit2(&z, WINDOW);
    while (result == Z_OK) {
        size_t n = u->room + 1 < STEP ? u->room + 1 : STEP;
        buf_reserve(out, n);
        result = inflate_into(&z, &rest, out->at + out->len, n, *bytes.at == 0x1f);
        n -= z.avail_out;
        if (n > u->room) {
            inflateEnd(&z);
            return too_large(u, member);
        }
        out->len += n;
        u->room -= n;
    }
    inflateEnd(&z);
    if (result == Z_STREAM_END)
        return 0;
    return refuse(u, member,
                  result == Z_BUF_ERROR ? "the compressed data is truncated"
                                        : "the compressed data is damaged");
}

/* Two bytes are not much of a mark: whether zlib agrees. */
static bool is_zlib(struct text bytes)
{
    z_stream z = {0};
    char first;
    unsigned mark = (unsigned)(uint8_t)bytes.at[0] << 8 | (uint8_t)bytes.at[1];
    if (bytes.at[0] != 0x78 || mark % 31 != 0 || inflateInit2(&z, WINDOW) != Z_OK)
        return false;
    int result = inflate_into(&z, &bytes, &first, 1, false);
    inflateEnd(&z);
    return result == Z_OK && z.avail_out == 0;
}

/* What libarchive reads. */

enum packing { PLAIN, DEFLATED, FILTERED, TAR, ZIP };

static bool begins(struct text bytes, const char *mark, size_t n)
{
    return bytes.len >= n && memcmp(bytes.at, mark, n) == 0;
}

/* The first block of a tar file has its own checksum, as octal digits. */
static bool is_tar(struct text bytes)
{
    unsigned sum = 0, told = 0;
    size_t i = TAR_SUM_AT;
    if (bytes.len < TAR_BLOCK)
        return false;
    for (; i < TAR_SUM_AT + TAR_SUM_SIZE && bytes.at[i] == ' '; i++)
        continue;
    for (; i < TAR_SUM_AT + TAR_SUM_SIZE && bytes.at[i] >= '0' && bytes.at[i] <= '7'; i++)
        told = told * 8 + (unsigned)(bytes.at[i] - '0');
    for (i = 0; i < TAR_BLOCK; i++)
        sum += i >= TAR_SUM_AT && i < TAR_SUM_AT + TAR_SUM_SIZE ? ' ' : (uint8_t)bytes.at[i];
    return told == sum;
}

static enum packing packing_of(struct text bytes, int *filter)
{
    static const struct {
        const char *mark;
        size_t len;
        int filter;
    } known[] = {{"\x28\xb5\x2f\xfd", 4, ARCHIVE_FILTER_ZSTD},
                 {"\xfd"
                  "7zXZ",
                  5, ARCHIVE_FILTER_XZ},
                 {"BZh", 3, ARCHIVE_FILTER_BZIP2},
                 {"\x04\x22\x4d\x18", 4, ARCHIVE_FILTER_LZ4}};
    if (bytes.len < 4)
        return PLAIN;
    if (begins(bytes, "\x1f\x8b", 2) || is_zlib(bytes))
        return DEFLATED;
    if (begins(bytes, "PK\3\4", 4) || begins(bytes, "PK\5\6", 4))
        return ZIP;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        *filter = known[i].filter;
        if (begins(bytes, known[i].mark, known[i].len))
            return FILTERED;
    }
    /* The old form has no mark: its usual properties, and a length that is not known. */
    *filter = ARCHIVE_FILTER_LZMA;
    if (bytes.len > 13 && begins(bytes, "\x5d\x00\x00", 3) &&
        memcmp(bytes.at + 5, "\xff\xff\xff\xff\xff\xff\xff\xff", 8) == 0)
        return FILTERED;
    return is_tar(bytes) ? TAR : PLAIN;
}

/* libarchive's words for what is wrong become ours. */
static int archive_problem(struct unpacking *u, const char *member, struct archive *a)
{
    char quoted[QUOTE_MAX];
    const char *why = u->call.archive_error_string(a);
    if (u->call.archive_errno(a) == ENOMEM)
        return at(u, member, error_set(u->e, ERR_SYSTEM, "not enough memory to unpack it"));
    if (why && strstr(why, "runcated"))
        return refuse(u, member, "it is truncated");
    if (why && strstr(why, "assphrase"))
        return refuse(u, member, "it is encrypted");
    if (!why || strstr(why, "Unrecognized") || strstr(why, "No progress"))
        return refuse(u, member, "it is truncated or damaged");
    return at(u, member,
              error_set(u->e, ERR_DATA, "it is damaged: %s", quote(quoted, why, strlen(why))));
}

static struct archive *open_archive(struct unpacking *u, struct text bytes, enum packing packing,
                                    int filter)
{
    const struct archive_library *call = &u->call;
    struct archive *a = call->archive_read_new();
    if (packing == FILTERED) {
        call->archive_read_support_filter_by_code(a, filter);
        call->archive_read_support_format_raw(a);
        call->archive_read_support_format_empty(a);
    } else if (packing == TAR) {
        call->archive_read_support_format_tar(a);
    } else {
        call->archive_read_support_format_zip_seekable(a);
    }
    call->archive_read_open_memory(a, bytes.at, bytes.len); /* what is wrong shows at the header */
    return a;
}

/* The data of the entry at hand. Sparse files have holes of any size, so they may not be. */
static int read_data(struct unpacking *u, const char *member, struct archive *a, struct buf *out)
{
    for (;;) {
        const void *block;
        size_t n;
        la_int64_t offset;
        int status = u->call.archive_read_data_block(a, &block, &n, &offset);
        if (status == ARCHIVE_EOF)
            return 0;
        if (status != ARCHIVE_OK)
            return archive_problem(u, member, a);
        if (n > u->room)
            return too_large(u, member);
        if (offset < 0 || (uint64_t)offset != out->len)
            return refuse(u, member, "it is a sparse file");
        buf_add(out, block, n);
        u->room -= n;
    }
}

static int read_filtered(struct unpacking *u, const char *member, struct text bytes, int filter,
                         struct buf *out)
{
    struct archive_entry *entry;
    int status = load_library(u);
    if (status)
        return status;
    struct archive *a = open_archive(u, bytes, FILTERED, filter);
    status = u->call.archive_read_next_header(a, &entry);
    if (status == ARCHIVE_EOF || (status == ARCHIVE_OK && u->call.archive_filter_count(a) < 2))
        status = refuse(u, member, "it is truncated or damaged");
    else if (status != ARCHIVE_OK)
        status = archive_problem(u, member, a);
    else
        status = read_data(u, member, a, out);
    u->call.archive_read_free(a);
    return status;
}

/* What is wrong with an entry's name and type; NULL: nothing. */
static const char *entry_problem(struct unpacking *u, struct archive_entry *entry, const char *name)
{
    if (!name || !*name)
        return "it has a file without a name";
    if (*name == '/' || *name == '\\')
        return "its path is absolute";
    for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return "its path has '..' in it";
    if (u->call.archive_entry_hardlink(entry) || u->call.archive_entry_filetype(entry) == AE_IFLNK)
        return "it is a link";
    unsigned type = u->call.archive_entry_filetype(entry);
    return type == AE_IFREG || type == AE_IFDIR ? NULL : "it is neither a file nor a directory";
}

static int peel(struct unpacking *u, const char *member, struct text bytes);

static int read_entry(struct unpacking *u, struct archive *a, struct archive_entry *entry)
{
    const char *name = u->call.archive_entry_pathname_utf8(entry);
    if (!name)
        name = u->call.archive_entry_pathname(entry);
    name = name ? arena_text(&u->out->arena, name, strlen(name)) : NULL;
    const char *problem = entry_problem(u, entry, name);
    if (problem)
        return refuse(u, name, problem);
    if (u->call.archive_entry_filetype(entry) == AE_IFDIR)
        return 0;
    struct buf data = {0};
    int status = read_data(u, name, a, &data);
    *new_buffer(u) = data;
    return status ? status : peel(u, name, (struct text){data.at ? data.at : "", data.len});
}

static int read_entries(struct unpacking *u, struct text bytes, enum packing packing)
{
    struct archive_entry *entry;
    int status = load_library(u);
    if (status)
        return status;
    struct archive *a = open_archive(u, bytes, packing, 0);
    for (size_t entries = 0; status == 0; entries++) {
        int header = u->call.archive_read_next_header(a, &entry);
        if (header == ARCHIVE_EOF)
            break;
        /* A warning is about a name that this locale cannot show. */
        if (header != ARCHIVE_OK && header != ARCHIVE_WARN)
            status = archive_problem(u, NULL, a);
        else if (entries == ENTRIES_MAX)
            status = refuse(u, NULL, "it has too many files");
        else
            status = read_entry(u, a, entry);
    }
    u->call.archive_read_free(a);
    return status;
}

/* Bytes without their compression become a member, or members, of the result. member: what they are
 * of an archive; NULL: they are the file. */
static int peel(struct unpacking *u, const char *member, struct text bytes)
{
    int filter = 0, status = 0;
    enum packing packing = packing_of(bytes, &filter);
    if (packing == DEFLATED || packing == FILTERED) {
        struct buf plain = {0};
        status = packing == DEFLATED ? inflate_all(u, member, bytes, &plain)
                                     : read_filtered(u, member, bytes, filter, &plain);
        *new_buffer(u) = plain;
        bytes = (struct text){plain.at ? plain.at : "", plain.len};
        packing = packing_of(bytes, &filter);
    }
    if (status)
        return status;
    if (!member && (packing == TAR || packing == ZIP))
        return read_entries(u, bytes, packing);
    vec_push(&u->out->members, ((struct member){member, bytes}));
    return 0;
}

int unpack(struct text file, const char *name, struct unpacked *out, struct error *e)
{
    struct unpacking u = {.out = out, .file = name, .e = e};
    u.room = file.len < MODEL_BYTES_MAX / RATIO_MOST ? ROOM_LEAST + file.len * RATIO_MOST
                                                     : MODEL_BYTES_MAX;
    return peel(&u, NULL, file);
}

void unpacked_release(struct unpacked *u)
{
    for (size_t i = 0; i < u->buffers.len; i++)
        buf_release(&u->buffers.at[i]);
    vec_release(&u->buffers);
    vec_release(&u->members);
    arena_release(&u->arena);
}
