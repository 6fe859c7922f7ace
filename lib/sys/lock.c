#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *path, struct error *e)
{
    error_errno(e, "cannot lock");
    error_at(e, path, 0, 0);
    return ERR_SYSTEM;
}

static int open_lock(const char *path, bool exclusive)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 && !exclusive && (errno == EACCES || errno == EROFS))
        fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd;
}

/* Whoever held the lock before may have removed or replaced the file: then it locks nothing now. */
static bool is_still_there(int fd, const char *path)
{
    struct stat held, named;
    return fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_dev == named.st_dev &&
           held.st_ino == named.st_ino;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* flock has no timeout of its own: asks again and again, ever less often. 0, or -1 and errno. */
static int wait_for_lock(int fd, int operation, int timeout_ms)
{
    enum { LONGEST_NAP_MS = 50 };
    if (timeout_ms < 0) {
        while (flock(fd, operation) != 0) {
            if (errno != EINTR)
                return -1;
        }
        return 0;
    }
    int64_t end = now_ms() + timeout_ms;
    for (int nap_ms = 1;; nap_ms = nap_ms < LONGEST_NAP_MS ? nap_ms * 2 : nap_ms) {
        if (flock(fd, operation | LOCK_NB) == 0)
            return 0;
        if ((errno != EWOULDBLOCK && errno != EINTR) || now_ms() >= end)
            return -1;
        struct timespec nap = {.tv_nsec = nap_ms * 1000000L};
        nanosleep(&nap, NULL);
    }
}

int lock_acquire(const char *path, bool exclusive, int timeout_ms, int *fd, struct error *e)
{
    for (;;) {
        int lock = open_lock(path, exclusive);
        if (lock < 0)
            return fail(path, e);
        if (wait_for_lock(lock, exclusive ? LOCK_EX : LOCK_SH, timeout_ms) != 0) {
            bool busy = errno == EWOULDBLOCK || errno == EINTR;
            int status = busy ? error_set(e, ERR_BUSY, "locked by another process") : fail(path, e);
            error_at(e, path, 0, 0);
            close(lock);
            return status;
        }
        if (is_still_there(lock, path)) {
            *fd = lock;
            return 0;
        }
        close(lock);
    }
}

void lock_release(int fd)
{
    close(fd);
}

int lock_sign(int fd, struct error *e)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
        return error_errno(e, "cannot write the lock");
    return 0;
}

int lock_holder(const char *path, pid_t *out, struct error *e)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    char text[32] = "";
    *out = 0;
    if (fd < 0)
        return errno == ENOENT ? 0 : fail(path, e);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (pread(fd, text, sizeof text - 1, 0) > 0)
            *out = (pid_t)strtol(text, NULL, 10);
        *out = *out > 1 ? *out : 0;
    }
    close(fd);
    return 0;
}

int file_lock(int fd, const char *name, struct error *e)
{
    return wait_for_lock(fd, LOCK_EX, -1) ? fail(name, e) : 0;
}

void file_unlock(int fd)
{
    (void)flock(fd, LOCK_UN);
}
