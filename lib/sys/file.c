#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

static int fail(struct error *e, const char *name, const char *what)
{
    error_errno(e, "%s", what);
    error_at(e, name, 0, 0);
    return ERR_SYSTEM;
}

/* After a failed call: true when it is to be made again. A descriptor that somebody else made
 * non-blocking (a shared terminal, a pipe from a server) is waited for. */
static bool try_again(int fd, short events)
{
    if (errno == EINTR)
        return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return false;
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

ssize_t file_read_some(int fd, void *into, size_t n, const char *name, struct error *e)
{
    for (;;) {
        ssize_t got = read(fd, into, n);
        if (got >= 0)
            return got;
        if (!try_again(fd, POLLIN))
            return fail(e, name, "cannot read");
    }
}

ssize_t file_read(int fd, void *into, size_t n, const char *name, struct error *e)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = file_read_some(fd, (char *)into + done, n - done, name, e);
        if (got < 0)
            return got;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

ssize_t file_read_at(int fd, void *into, size_t n, uint64_t offset, const char *name,
                     struct error *e)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(fd, (char *)into + done, n - done, (off_t)(offset + done));
        if (got == 0)
            break;
        if (got > 0)
            done += (size_t)got;
        else if (!try_again(fd, POLLIN))
            return fail(e, name, "cannot read");
    }
    return (ssize_t)done;
}

int file_write(int fd, const void *from, size_t n, const char *name, struct error *e)
{
    const char *at = from;
    while (n > 0) {
        ssize_t put = write(fd, at, n);
        if (put >= 0) {
            at += put;
            n -= (size_t)put;
        } else if (!try_again(fd, POLLOUT)) {
            return fail(e, name, "cannot write");
        }
    }
    return 0;
}

/* Takes `n` bytes off the front of parts[*first...]; true while bytes are left. */
static bool parts_advance(struct iovec *parts, size_t count, size_t *first, size_t n)
{
    while (*first < count && n >= parts[*first].iov_len)
        n -= parts[(*first)++].iov_len;
    if (*first == count)
        return false;
    parts[*first].iov_base = (char *)parts[*first].iov_base + n;
    parts[*first].iov_len -= n;
    return true;
}

int file_writev(int fd, const struct iovec *parts, size_t count, const char *name, struct error *e)
{
    enum { AT_ONCE = 64 };
    struct iovec some[AT_ONCE];
    for (size_t from = 0; from < count; from += AT_ONCE) {
        size_t n = count - from < AT_ONCE ? count - from : AT_ONCE;
        memcpy(some, parts + from, n * sizeof *some);
        size_t first = 0;
        while (parts_advance(some, n, &first, 0)) {
            ssize_t put = writev(fd, some + first, (int)(n - first));
            if (put >= 0)
                parts_advance(some, n, &first, (size_t)put);
            else if (!try_again(fd, POLLOUT))
                return fail(e, name, "cannot write");
        }
    }
    return 0;
}

static int load_from(int fd, const char *name, size_t limit, struct buf *out, struct error *e)
{
    size_t before = out->len;
    for (;;) {
        buf_reserve(out, 65536);
        ssize_t got = file_read(fd, out->at + out->len, out->cap - out->len, name, e);
        if (got < 0)
            return (int)got;
        out->len += (size_t)got;
        if (out->len - before > limit) {
            error_set(e, ERR_DATA, "longer than %zu bytes", limit);
            error_at(e, name, 0, 0);
            return ERR_DATA;
        }
        if (out->len < out->cap)
            return 0;
    }
}

int file_load(const char *path, size_t limit, struct buf *out, struct error *e)
{
    if (strcmp(path, "-") == 0)
        return load_from(STDIN_FILENO, "standard input", limit, out, e);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(e, path, "cannot open");
    int status = load_from(fd, path, limit, out, e);
    close(fd);
    return status;
}

bool file_clone(int to, int from)
{
    return ioctl(to, FICLONE, from) == 0;
}
