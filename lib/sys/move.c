/* Files copied and moved. */
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 256 << 10 };

static int copy_bytes(int from, const char *name, int to, const char *to_name, struct error *e)
{
    char *block = mem_array(NULL, 1, BLOCK);
    int status = 0;
    ssize_t n;
    while (status == 0 && (n = file_read(from, block, BLOCK, name, e)) != 0)
        status = n < 0 ? (int)n : file_write(to, block, (size_t)n, to_name, e);
    mem_free(block);
    return status;
}

/* As far as the system passes bytes on itself: not to a pipe, nor between all file systems. Returns
 * where it came to. */
static uint64_t pass_inside(int from, uint64_t begin, uint64_t end, int to)
{
    off_t at = (off_t)begin;
    ssize_t n = 1;
    while ((uint64_t)at < end && n > 0)
        n = copy_file_range(from, &at, to, NULL, (size_t)(end - (uint64_t)at), 0);
    return (uint64_t)at;
}

int file_pass(int from, const char *name, uint64_t begin, uint64_t end, int to, const char *to_name,
              struct error *e)
{
    int status = 0;
    begin = pass_inside(from, begin, end, to);
    char *block = begin < end ? mem_array(NULL, 1, BLOCK) : NULL;
    while (begin < end && status == 0) {
        size_t n = end - begin < BLOCK ? (size_t)(end - begin) : BLOCK;
        ssize_t got = file_read_at(from, block, n, begin, name, e);
        if (got > 0)
            status = file_write(to, block, (size_t)got, to_name, e);
        else
            status = got < 0 ? (int)got : error_set(e, ERR_SYSTEM, "%s became shorter", name);
        begin += (uint64_t)(got > 0 ? got : 0);
    }
    mem_free(block);
    return status;
}

int file_copy(const char *from, const char *to, bool durable, struct error *e)
{
    struct replace *r = NULL;
    struct stat s;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0 || fstat(in, &s) != 0) {
        int status = error_errno(e, "cannot open %s", from);
        if (in >= 0)
            close(in);
        return status;
    }
    int status = replace_open(to, &r, e);
    if (status == 0 && !file_clone(replace_fd(r), in))
        status = copy_bytes(in, from, replace_fd(r), to, e);
    if (status == 0 && fchmod(replace_fd(r), s.st_mode & 0777) != 0)
        status = error_errno(e, "cannot set the mode of %s", to);
    if (status == 0)
        status = durable ? replace_commit(r, e) : replace_commit_later(r, e);
    else
        replace_abort(r);
    close(in);
    return status;
}

int file_move(const char *from, const char *to, struct error *e)
{
    if (rename(from, to) == 0)
        return 0;
    if (errno != EXDEV)
        return error_errno(e, "cannot move %s to %s", from, to);
    int status = file_copy(from, to, true, e);
    if (status == 0 && unlink(from) != 0)
        status = error_errno(e, "cannot remove %s", from);
    return status;
}

/* Bytes in a file that has no name yet, or one of its own: *draft, owned. */
static int write_draft(const char *path, struct text bytes, char **draft, struct error *e)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? mem_text_n(path, (size_t)(slash + 1 - path)) : mem_text("./");
    int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0) {
        *draft = mem_format("%s.%s.%ld", folder, slash ? slash + 1 : path, (long)getpid());
        fd = open(*draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    }
    mem_free(folder);
    if (fd < 0)
        return error_errno(e, "cannot write %s", path);
    int status = file_write(fd, bytes.at, bytes.len, path, e);
    if (status == 0)
        return fd;
    close(fd);
    return status;
}

int file_publish(const char *path, struct text bytes, bool *first, struct error *e)
{
    char *draft = NULL, unnamed[64];
    int fd = write_draft(path, bytes, &draft, e);
    if (fd >= 0) {
        (void)snprintf(unnamed, sizeof unnamed, "/proc/self/fd/%d", fd);
        *first = linkat(AT_FDCWD, draft ? draft : unnamed, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0;
        if (!*first && errno != EEXIST) {
            close(fd);
            fd = error_errno(e, "cannot write %s", path);
        } else {
            close(fd);
        }
    }
    if (draft)
        (void)unlink(draft);
    mem_free(draft);
    return fd < 0 ? fd : 0;
}
