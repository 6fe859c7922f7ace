#include "io/archive_library.h"
#include "io/stage.h"
#include "sys/sys.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

enum { CHUNK = 65536 };

static int filter_code(enum compression c)
{
    switch (c) {
    case COMPRESSION_ZSTD:
        return ARCHIVE_FILTER_ZSTD;
    case COMPRESSION_XZ:
        return ARCHIVE_FILTER_XZ;
    case COMPRESSION_BZIP2:
        return ARCHIVE_FILTER_BZIP2;
    case COMPRESSION_LZ4:
        return ARCHIVE_FILTER_LZ4;
    default:
        return ARCHIVE_FILTER_NONE;
    }
}

struct archive_reader {
    struct reader reader;
    struct reader *below;
    struct archive_library call;
    struct archive *archive;
    enum compression compression;
    const char *member; /* borrows while the archive is opened; NULL: the only one */
    bool only;          /* no member was asked for: there may be no second one */
    int fd;             /* to seek in, or -1 */
    uint64_t base;
    uint64_t given;       /* bytes of input that libarchive has been given */
    struct error problem; /* of the input, met inside a callback */
    const char *block;    /* of libarchive's, unpacked and not yet handed on */
    size_t block_len;
    char in[CHUNK];
};

static la_ssize_t give_input(struct archive *a, void *context, const void **at)
{
    struct archive_reader *r = context;
    ssize_t got = reader_read(r->below, r->in, sizeof r->in, &r->problem);
    if (got < 0)
        r->call.archive_set_error(a, EIO, "cannot read");
    *at = r->in;
    r->given += got > 0 ? (uint64_t)got : 0;
    return got < 0 ? ARCHIVE_FATAL : got;
}

static la_int64_t seek_input(struct archive *a, void *context, la_int64_t offset, int whence)
{
    struct archive_reader *r = context;
    if (whence == SEEK_SET)
        offset += (la_int64_t)r->base;
    off_t at = lseek(r->fd, offset, whence);
    if (at < 0) {
        r->call.archive_set_error(a, errno, "cannot seek");
        return ARCHIVE_FATAL;
    }
    reader_free(r->below);
    r->below = reader_fd(r->fd);
    return at - (la_int64_t)r->base;
}

/* Turns what libarchive says into our words: it tells a truncated input only by its message. */
static int read_problem(struct archive_reader *r, struct error *e)
{
    if (r->problem.code) {
        if (e)
            *e = r->problem;
        return r->problem.code;
    }
    const char *name = compression_name(r->compression);
    const char *why = r->call.archive_error_string(r->archive);
    if (r->call.archive_errno(r->archive) == ENOMEM)
        return error_set(e, ERR_SYSTEM, "not enough memory to decompress %s data", name);
    if (why && strstr(why, "runcated"))
        return error_set(e, ERR_DATA, "the %s data is truncated", name);
    if (why && strstr(why, "assphrase"))
        return error_set(e, ERR_DATA, "the %s archive is encrypted", name);
    if (!why || strstr(why, "Unrecognized") || strstr(why, "No progress"))
        return error_set(e, ERR_DATA, "the %s data is truncated or damaged", name);
    return error_set(e, ERR_DATA, "the %s data is damaged: %s", name, why);
}

static bool set_formats(struct archive_reader *r)
{
    const struct archive_library *call = &r->call;
    struct archive *a = r->archive;
    if (r->compression == COMPRESSION_ZIP) {
        /* The directory at the end shows whether a file is whole; a pipe has to be trusted. */
        return r->fd >= 0 ? call->archive_read_support_format_zip_seekable(a) == ARCHIVE_OK
                          : call->archive_read_support_format_zip_streamable(a) == ARCHIVE_OK;
    }
    return call->archive_read_support_filter_by_code(a, filter_code(r->compression)) ==
               ARCHIVE_OK &&
           call->archive_read_support_format_raw(a) == ARCHIVE_OK &&
           call->archive_read_support_format_empty(a) == ARCHIVE_OK;
}

/* Opens the archive at its beginning. */
static int open_archive(struct archive_reader *r, struct error *e)
{
    const struct archive_library *call = &r->call;
    if (r->archive)
        call->archive_read_free(r->archive);
    r->archive = call->archive_read_new();
    if (!r->archive || !set_formats(r))
        return error_set(e, ERR_SYSTEM, "libarchive cannot read %s data",
                         compression_name(r->compression));
    call->archive_read_set_callback_data(r->archive, r);
    call->archive_read_set_read_callback(r->archive, give_input);
    if (r->fd >= 0) {
        call->archive_read_set_seek_callback(r->archive, seek_input);
        if (seek_input(r->archive, r, 0, SEEK_SET) < 0)
            return error_errno(e, "cannot read");
    }
    return call->archive_read_open1(r->archive) == ARCHIVE_OK ? 0 : read_problem(r, e);
}

static const char *member_name(const struct archive_reader *r, struct archive_entry *entry)
{
    const char *name = r->call.archive_entry_pathname_utf8(entry);
    if (!name)
        name = r->call.archive_entry_pathname(entry);
    return name ? name : "";
}

/* The next member that is a file of the user's: 1, 0 at the end, or an error. *name is valid until
 * the next call. */
static int next_member(struct archive_reader *r, const char **name, struct error *e)
{
    for (;;) {
        struct archive_entry *entry;
        int status = r->call.archive_read_next_header(r->archive, &entry);
        if (status == ARCHIVE_EOF)
            return 0;
        /* A warning is about a name that this locale cannot show. */
        if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
            return read_problem(r, e);
        *name = member_name(r, entry);
        bool is_file = r->call.archive_entry_filetype(entry) == AE_IFREG;
        if (is_file && strncmp(*name, "__MACOSX/", 9) != 0)
            return 1;
    }
}

static int too_many(const char *first, const char *second, struct error *e)
{
    char a[QUOTE_MAX], b[QUOTE_MAX];
    return error_set(e, ERR_USAGE,
                     "the archive holds more than one file, among them %s and %s: "
                     "name one, as in archive.zip:file.csv",
                     quote(a, first, strlen(first)), quote(b, second, strlen(second)));
}

/* Reads the directory alone. */
static int check_only_member(struct archive_reader *r, struct error *e)
{
    const char *name = "";
    int found = next_member(r, &name, e);
    if (found <= 0)
        return found; /* find_member will say that there is none */
    char *first = mem_text(name);
    found = next_member(r, &name, e);
    if (found > 0)
        found = too_many(first, name, e);
    mem_free(first);
    return found ? found : open_archive(r, e);
}

static int find_member(struct archive_reader *r, struct error *e)
{
    const char *name = "";
    int found;
    while ((found = next_member(r, &name, e)) > 0) {
        if (!r->member || strcmp(name, r->member) == 0)
            return 0;
    }
    if (found < 0)
        return found;
    if (!r->member)
        return error_set(e, ERR_DATA, "the zip archive holds no file");
    char text[QUOTE_MAX];
    return error_set(e, ERR_SYSTEM, "the zip archive has no member %s",
                     quote(text, r->member, strlen(r->member)));
}

/* libarchive ends quietly at the first thing that is not another bzip2 or LZ4 stream: it may be the
 * damaged rest of the data. */
static int check_all_used(struct archive_reader *r, struct error *e)
{
    char extra;
    ssize_t more = reader_read(r->below, &extra, 1, e);
    if (more < 0)
        return (int)more;
    if (more == 0 && (uint64_t)r->call.archive_filter_bytes(r->archive, -1) == r->given)
        return 0;
    return error_set(e, ERR_DATA, "garbage after the end of the %s data",
                     compression_name(r->compression));
}

/* After the last byte: 0, or what is wrong with what follows. */
static int finish_reading(struct archive_reader *r, struct error *e)
{
    const char *name = "";
    if (r->compression != COMPRESSION_ZIP)
        return check_all_used(r, e);
    int found = r->only ? next_member(r, &name, e) : 0;
    return found > 0 ? too_many("the one just read", name, e) : found;
}

static ssize_t archive_read(struct reader *reader, void *into, size_t n, struct error *e)
{
    struct archive_reader *r = (struct archive_reader *)reader;
    while (r->block_len == 0) {
        const void *block;
        la_int64_t offset;
        int status = r->call.archive_read_data_block(r->archive, &block, &r->block_len, &offset);
        r->block = block;
        if (status == ARCHIVE_EOF)
            return finish_reading(r, e);
        if (status != ARCHIVE_OK)
            return read_problem(r, e);
    }
    size_t take = r->block_len < n ? r->block_len : n;
    memcpy(into, r->block, take);
    r->block += take;
    r->block_len -= take;
    return (ssize_t)take;
}

static void archive_reader_free(struct reader *reader)
{
    struct archive_reader *r = (struct archive_reader *)reader;
    if (r->archive)
        r->call.archive_read_free(r->archive);
    reader_free(r->below);
    mem_free(r);
}

static int start_zip(struct archive_reader *r, struct error *e)
{
    int status = open_archive(r, e);
    if (status == 0 && r->only && r->fd >= 0)
        status = check_only_member(r, e);
    return status ? status : find_member(r, e);
}

/* The first bytes were right; when no filter takes the input for its own, the rest of its header is
 * not there or wrong. */
static int start_filter(struct archive_reader *r, struct error *e)
{
    struct archive_entry *entry;
    int status = open_archive(r, e);
    if (status)
        return status;
    status = r->call.archive_read_next_header(r->archive, &entry);
    if (r->call.archive_filter_count(r->archive) < 2)
        return error_set(e, ERR_DATA, "the %s data is truncated or damaged",
                         compression_name(r->compression));
    r->reader.ended = status == ARCHIVE_EOF;
    if (status == ARCHIVE_EOF)
        return finish_reading(r, e);
    return status == ARCHIVE_OK ? 0 : read_problem(r, e);
}

int reader_archive(struct reader *below, const struct archive_input *in, struct reader **out,
                   struct error *e)
{
    static const struct reader_kind kind = {archive_read, archive_reader_free};
    struct archive_reader *r = mem_alloc(sizeof *r);
    bool is_zip = in->compression == COMPRESSION_ZIP;
    r->reader.kind = &kind;
    r->below = below;
    r->compression = in->compression;
    r->member = in->member;
    r->only = !in->member;
    r->fd = is_zip ? in->fd : -1;
    r->base = in->base;
    int status = archive_library_load(&r->call, e);
    if (status == 0)
        status = is_zip ? start_zip(r, e) : start_filter(r, e);
    if (status) {
        archive_reader_free(&r->reader);
        return status;
    }
    *out = &r->reader;
    return 0;
}

/* A libarchive writer that fails leaks the state of its filter (3.6). So it never learns of a
 * failed write, or of an abort: from then on its output is thrown away. */
struct archive_writer {
    struct writer writer;
    int fd;
    struct archive_library call;
    struct archive *archive;
    bool discards;
    bool empty_lz4;       /* an LZ4 file to which nothing has been written yet */
    struct error problem; /* of the output, met inside a callback */
};

static la_ssize_t take_output(struct archive *a, void *context, const void *bytes, size_t n)
{
    struct archive_writer *w = context;
    (void)a;
    if (!w->discards)
        w->discards = file_write(w->fd, bytes, n, "", &w->problem) != 0;
    return (la_ssize_t)n;
}

static int write_problem(const struct archive_writer *w, struct error *e)
{
    if (w->problem.code) {
        if (e)
            *e = w->problem;
        return w->problem.code;
    }
    const char *why = w->call.archive_error_string(w->archive);
    return error_set(e, ERR_SYSTEM, "cannot compress: %s",
                     why ? why : "libarchive does not say why");
}

static int archive_write(struct writer *writer, const void *bytes, size_t n, struct error *e)
{
    struct archive_writer *w = (struct archive_writer *)writer;
    const char *at = bytes;
    while (n > 0) {
        la_ssize_t put = w->call.archive_write_data(w->archive, at, n);
        if (put <= 0 || w->problem.code)
            return write_problem(w, e);
        w->empty_lz4 = false;
        at += put;
        n -= (size_t)put;
    }
    return 0;
}

/* One frame with a checksum (LZ4 Frame Format 1.6.1): libarchive 3.6 crashes when it closes an LZ4
 * file without content, so that it may not be asked for one. */
static int write_empty_lz4(const struct archive_writer *w, struct error *e)
{
    static const unsigned char frame[] = {0x04, 0x22, 0x4d, 0x18, 0x64, 0x40, 0xa7, 0,
                                          0,    0,    0,    0x05, 0x5d, 0xcc, 0x02};
    return file_write(w->fd, frame, sizeof frame, "", e);
}

static int archive_finish(struct writer *writer, struct error *e)
{
    struct archive_writer *w = (struct archive_writer *)writer;
    if (w->empty_lz4)
        return write_empty_lz4(w, e);
    bool closed = w->call.archive_write_close(w->archive) == ARCHIVE_OK;
    return closed && !w->problem.code ? 0 : write_problem(w, e);
}

static void archive_writer_free(struct writer *writer)
{
    struct archive_writer *w = (struct archive_writer *)writer;
    w->discards = true;
    if (w->empty_lz4 && w->archive)
        w->call.archive_write_data(w->archive, "", 1);
    if (w->archive)
        w->call.archive_write_free(w->archive);
    mem_free(w);
}

static int start_writing(struct archive_writer *w, enum compression c, struct error *e)
{
    const struct archive_library *call = &w->call;
    int status = archive_library_load(&w->call, e);
    if (status)
        return status;
    struct archive *a = w->archive = call->archive_write_new();
    struct archive_entry *entry = call->archive_entry_new();
    call->archive_entry_set_filetype(entry, AE_IFREG);
    bool fine = call->archive_write_set_format_raw(a) == ARCHIVE_OK &&
                call->archive_write_add_filter(a, filter_code(c)) == ARCHIVE_OK &&
                call->archive_write_set_bytes_per_block(a, CHUNK) == ARCHIVE_OK &&
                call->archive_write_set_bytes_in_last_block(a, 1) == ARCHIVE_OK &&
                call->archive_write_open(a, w, NULL, take_output, NULL) == ARCHIVE_OK &&
                call->archive_write_header(a, entry) == ARCHIVE_OK;
    call->archive_entry_free(entry);
    return fine ? 0 : write_problem(w, e);
}

int writer_archive(int fd, enum compression c, struct writer **out, struct error *e)
{
    static const struct writer_kind kind = {archive_write, archive_finish, archive_writer_free};
    struct archive_writer *w = mem_alloc(sizeof *w);
    w->writer.kind = &kind;
    w->fd = fd;
    w->empty_lz4 = c == COMPRESSION_LZ4;
    int status = start_writing(w, c, e);
    if (status) {
        archive_writer_free(&w->writer);
        return status;
    }
    *out = &w->writer;
    return 0;
}
