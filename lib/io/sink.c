#include "io/io.h"
#include "io/stage.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct sink {
    char *name;
    int fd;
    struct replace *file;  /* NULL: standard output or error, or */
    bool plain;            /* the file itself */
    struct writer *packer; /* NULL: bytes are written as they are */
};

static int placed(const struct sink *s, int status, struct error *e)
{
    if (status < 0)
        error_at(e, s->name, 0, 0);
    return status;
}

static int open_packer(struct sink *s, struct error *e)
{
    size_t len;
    enum compression c = compression_of_name(s->name, &len);
    if (c == COMPRESSION_NONE)
        return 0;
    if (c == COMPRESSION_ZIP)
        return error_set(e, ERR_USAGE,
                         "zip archives can only be read: expected .gz .zst .xz .bz2 "
                         "or .lz4 for compressed output");
    if (c != COMPRESSION_GZIP)
        return writer_archive(s->fd, c, &s->packer, e);
    s->packer = writer_gzip(s->fd);
    return 0;
}

static int open_file(struct sink *s, struct error *e)
{
    int status = replace_open(s->name, &s->file, e);
    if (status)
        return status;
    s->fd = replace_fd(s->file);
    return placed(s, open_packer(s, e), e);
}

static int open_standard(struct sink *s, int fd, struct error *e)
{
    s->fd = fd;
    return fcntl(s->fd, F_GETFL) < 0 ? placed(s, error_errno(e, "cannot write"), e) : 0;
}

/* The descriptor a path stands for, or -1. /dev/stdout is not opened anew: that would write over
 * what a file shared with others holds. */
static int standard_descriptor(const char *path)
{
    if (!path || strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    return strcmp(path, "/dev/stderr") == 0 ? STDERR_FILENO : -1;
}

int sink_open(const char *path, struct sink **out, struct error *e)
{
    int fd = standard_descriptor(path);
    struct sink *s = mem_alloc(sizeof *s);
    s->name = mem_text(fd == STDOUT_FILENO ? "standard output" : path);
    int status = fd >= 0 ? open_standard(s, fd, e) : open_file(s, e);
    if (status) {
        sink_abort(s);
        return status;
    }
    *out = s;
    return 0;
}

int sink_open_plain(const char *path, struct sink **out, struct error *e)
{
    struct sink *s = mem_alloc(sizeof *s);
    s->name = mem_text(path);
    s->plain = true;
    s->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int status =
        s->fd < 0 ? placed(s, error_errno(e, "cannot open"), e) : placed(s, open_packer(s, e), e);
    if (status)
        sink_abort(s);
    else
        *out = s;
    return status;
}

const char *sink_name(const struct sink *s)
{
    return s->name;
}

int sink_write(struct sink *s, const void *bytes, size_t n, struct error *e)
{
    if (!s->packer)
        return file_write(s->fd, bytes, n, s->name, e);
    return placed(s, s->packer->kind->write(s->packer, bytes, n, e), e);
}

int sink_writev(struct sink *s, const struct iovec *parts, size_t count, struct error *e)
{
    if (!s->packer)
        return file_writev(s->fd, parts, count, s->name, e);
    for (size_t i = 0; i < count; i++) {
        int status = sink_write(s, parts[i].iov_base, parts[i].iov_len, e);
        if (status)
            return status;
    }
    return 0;
}

static void sink_release(struct sink *s)
{
    if (s->packer)
        s->packer->kind->free(s->packer);
    mem_free(s->name);
    mem_free(s);
}

/* A file system may report a failed write only when a descriptor is closed; standard output itself
 * stays open for whoever comes after. */
static int check_last_write(struct sink *s, struct error *e)
{
    int copy = fcntl(s->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (copy < 0 || close(copy) != 0)
        return placed(s, error_errno(e, "cannot write"), e);
    return 0;
}

int sink_commit(struct sink *s, struct error *e)
{
    int status = 0;
    if (s->packer)
        status = placed(s, s->packer->kind->finish(s->packer, e), e);
    if (status) {
        sink_abort(s);
        return status;
    }
    status = s->file ? replace_commit(s->file, e) : check_last_write(s, e);
    if (s->plain && close(s->fd) && status == 0)
        status = placed(s, error_errno(e, "cannot write"), e);
    sink_release(s);
    return status;
}

void sink_abort(struct sink *s)
{
    if (!s)
        return;
    replace_abort(s->file);
    if (s->plain && s->fd >= 0) {
        close(s->fd);
        (void)unlink(s->name);
    }
    sink_release(s);
}

bool sink_is_live(const struct sink *s)
{
    struct stat st;
    if (s->file || fstat(s->fd, &st) != 0)
        return false;
    return S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(s->fd) == 1;
}

struct text path_format_extension(const char *path)
{
    size_t len;
    compression_of_name(path, &len);
    for (size_t i = len; i > 1 && path[i - 1] != '/'; i--) {
        if (path[i - 1] == '.' && path[i - 2] != '/')
            return (struct text){path + i - 1, len - (i - 1)};
    }
    return (struct text){path + len, 0};
}
