#include "io/io.h"
#include "io/stage.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct source {
    char *name;
    char *member;   /* of an archive, or NULL */
    char *encoding; /* as declared, or NULL */
    int fd;
    bool regular;  /* a file that can seek */
    bool spooled;  /* fd holds text that is decoded already */
    bool plain;    /* the bytes of fd are the text, from `start` */
    uint64_t base; /* where fd stood when it was opened */
    uint64_t start;
    struct reader *top;
};

static int placed(const struct source *s, int status, struct error *e)
{
    if (status < 0)
        error_at(e, s->name, 0, 0);
    return status;
}

/* ---- building the chain --------------------------------------------------------------------- */

/* Puts decompression over s->top when its first bytes ask for it. */
static int unpack(struct source *s, bool *packed, struct error *e)
{
    enum compression c;
    int status = reader_compression(s->top, &c, e);
    if (status)
        return status;
    *packed = c != COMPRESSION_NONE;
    if (s->member && c != COMPRESSION_ZIP)
        return error_set(e, ERR_USAGE, "not a zip archive: it has no members to choose from");
    if (c == COMPRESSION_NONE)
        return 0;
    struct reader *below = s->top;
    s->top = NULL;
    if (c == COMPRESSION_GZIP) {
        s->top = reader_gzip(below);
        return 0;
    }
    struct archive_input in = {c, s->member, s->regular ? s->fd : -1, s->base};
    return reader_archive(below, &in, &s->top, e);
}

/* Takes the byte-order mark away and puts the decoding over s->top. */
static int decode(struct source *s, bool *decoded, struct error *e)
{
    enum byte_order_mark bom = BOM_NONE;
    const char *encoding = s->encoding;
    if (!encoding) {
        int status = reader_byte_order_mark(s->top, &bom, e);
        if (status)
            return status;
        s->start = s->base + (bom == BOM_UTF8 ? 3 : 0);
        if (bom == BOM_UTF16LE || bom == BOM_UTF16BE)
            encoding = bom == BOM_UTF16LE ? "UTF-16LE" : "UTF-16BE";
    }
    *decoded = encoding != NULL;
    if (!encoding)
        return 0;
    struct reader *below = s->top;
    s->top = NULL;
    int status = reader_encoding(below, encoding, bom == BOM_NONE ? 0 : 2, &s->top, e);
    /* What was declared may begin with a mark too. */
    return status ? status : reader_byte_order_mark(s->top, &bom, e);
}

static int build(struct source *s, struct error *e)
{
    bool packed = false, decoded = false;
    int status = 0;
    s->start = s->base;
    s->top = reader_fd(s->fd);
    if (!s->spooled)
        status = unpack(s, &packed, e);
    if (!s->spooled && status == 0)
        status = decode(s, &decoded, e);
    s->plain = s->regular && !packed && !decoded;
    return status;
}

/* ---- opening -------------------------------------------------------------------------------- */

/* "a.zip:inner.csv" when there is no file of that name: opens the longest existing file before a
 * colon and sets s->member to what follows. */
static int open_archive_member(struct source *s)
{
    char *path = mem_text(s->name);
    int fd = -1;
    for (char *colon; fd < 0 && (colon = strrchr(path, ':')) && colon != path;) {
        *colon = '\0';
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            s->member = mem_text(s->name + (colon - path) + 1);
    }
    mem_free(path);
    return fd;
}

static int open_file(struct source *s, struct error *e)
{
    s->fd = open(s->name, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 && errno == ENOENT) {
        s->fd = open_archive_member(s);
        if (s->fd < 0)
            errno = ENOENT;
    }
    return s->fd < 0 ? error_errno(e, "cannot open") : 0;
}

static int examine(struct source *s, struct error *e)
{
    struct stat st;
    if (fstat(s->fd, &st) != 0)
        return error_errno(e, "cannot open");
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return error_errno(e, "cannot read");
    }
    off_t at = S_ISREG(st.st_mode) ? lseek(s->fd, 0, SEEK_CUR) : -1;
    s->regular = at >= 0;
    s->base = at >= 0 ? (uint64_t)at : 0;
    return 0;
}

int source_open(const char *path, const struct source_options *options, struct source **out,
                struct error *e)
{
    bool is_stdin = !path || strcmp(path, "-") == 0;
    struct source *s = mem_alloc(sizeof *s);
    s->name = mem_text(is_stdin ? "standard input" : path);
    s->encoding = options && options->encoding ? mem_text(options->encoding) : NULL;
    s->fd = STDIN_FILENO;
    int status = is_stdin ? 0 : open_file(s, e);
    if (status == 0)
        status = examine(s, e);
    if (status == 0)
        status = build(s, e);
    if (status) {
        placed(s, status, e);
        source_free(s);
        return status;
    }
    *out = s;
    return 0;
}

const char *source_name(const struct source *s)
{
    return s->name;
}

void source_free(struct source *s)
{
    if (!s)
        return;
    reader_free(s->top);
    if (s->fd > STDERR_FILENO)
        close(s->fd);
    mem_free(s->name);
    mem_free(s->member);
    mem_free(s->encoding);
    mem_free(s);
}

/* ---- reading -------------------------------------------------------------------------------- */

int source_peek(struct source *s, size_t want, const char **at, size_t *n, struct error *e)
{
    return placed(s, reader_peek(s->top, want, at, n, e), e);
}

ssize_t source_read(struct source *s, void *into, size_t n, struct error *e)
{
    ssize_t got = reader_read(s->top, into, n, e);
    if (got < 0)
        error_at(e, s->name, 0, 0);
    return got;
}

/* Files of /proc say that they are empty: those are read as streams. */
bool source_plain(const struct source *s, uint64_t *start, uint64_t *end)
{
    struct stat st;
    if (!s->plain || fstat(s->fd, &st) != 0 || (uint64_t)st.st_size < s->start || st.st_size == 0)
        return false;
    *start = s->start;
    *end = (uint64_t)st.st_size;
    return true;
}

int source_read_at(const struct source *s, uint64_t offset, void *into, size_t n, struct error *e)
{
    ssize_t got = file_read_at(s->fd, into, n, offset, s->name, e);
    if (got >= 0 && (size_t)got < n)
        got = placed(s, error_set(e, ERR_SYSTEM, "became shorter while it was read"), e);
    return got < 0 ? (int)got : 0;
}

/* ---- from the beginning again --------------------------------------------------------------- */

bool source_rewindable(const struct source *s)
{
    return s->regular;
}

int source_rewind(struct source *s, struct error *e)
{
    if (!s->regular) {
        error_set(e, ERR_SYSTEM, "cannot be read twice: not a file");
        return placed(s, ERR_SYSTEM, e);
    }
    if (lseek(s->fd, (off_t)s->base, SEEK_SET) < 0)
        return placed(s, error_errno(e, "cannot read again"), e);
    reader_free(s->top);
    s->top = NULL;
    return placed(s, build(s, e), e);
}

static int copy_rest(struct source *s, int fd, struct error *e)
{
    enum { STEP = 65536 };
    char *step = mem_alloc(STEP);
    ssize_t got;
    int status = 0;
    while (status == 0 && (got = source_read(s, step, STEP, e)) != 0)
        status = got < 0 ? (int)got : file_write(fd, step, (size_t)got, "scratch file", e);
    mem_free(step);
    return status;
}

int source_spool(struct source *s, struct error *e)
{
    if (s->regular)
        return 0;
    int fd = scratch_open(e);
    if (fd < 0)
        return fd;
    int status = copy_rest(s, fd, e);
    if (status) {
        close(fd);
        return status;
    }
    if (s->fd > STDERR_FILENO)
        close(s->fd);
    s->fd = fd;
    s->regular = s->spooled = true;
    s->base = 0;
    return source_rewind(s, e);
}
