#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

struct replace {
    int fd;
    char *name;      /* as the caller wrote it */
    bool direct;     /* not a regular file: written where it is */
    char *path;      /* absolute, without symbolic links: the file that is replaced */
    size_t dir_len;  /* of the directory in path */
    mode_t mode;     /* for creation */
    int slot;        /* of `temporary` in under_construction; -1: the file has no name (yet) */
    char *temporary; /* borrows from the slot: valid while slot >= 0 */
};

/* The one piece of global state: a signal handler can reach nothing else. Whoever takes a name out
 * (by an atomic exchange) owns it, so that a handler never sees one that is being freed. */
enum { SLOTS = 256 };
static _Atomic(char *) under_construction[SLOTS];

/* NOLINTNEXTLINE(readability-non-const-parameter): the slot owns the path from now on */
static int slot_take(char *path)
{
    for (int i = 0; i < SLOTS; i++) {
        char *empty = NULL;
        if (atomic_compare_exchange_strong(&under_construction[i], &empty, path))
            return i;
    }
    return -1;
}

static void slot_give_back(int slot)
{
    mem_free(atomic_exchange(&under_construction[slot], NULL));
}

void replace_abort_all(void)
{
    int number = errno;
    for (int i = 0; i < SLOTS; i++) {
        char *path = atomic_exchange(&under_construction[i], NULL);
        if (path)
            unlink(path); /* and leave its memory: free is not async-signal-safe */
    }
    process_abort_all();
    scratch_abort_all();
    errno = number;
}

static void fail(const struct replace *r, const char *what, struct error *e)
{
    error_errno(e, "%s", what);
    error_at(e, r->name, 0, 0);
}

/* Fills path and dir_len for a file that exists (then its links are followed) or not. */
static bool resolve(struct replace *r, bool exists)
{
    const char *path = r->name;
    char full[PATH_MAX];
    if (exists) {
        if (!realpath(path, full))
            return false;
        r->path = mem_text(full);
        r->dir_len = (size_t)(strrchr(full, '/') - full);
        return true;
    }
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    char *dir = slash ? mem_text_n(path, (size_t)(slash + 1 - path)) : mem_text(".");
    bool found = *base && realpath(dir, full);
    mem_free(dir);
    if (!found) {
        errno = *base ? errno : ENOENT;
        return false;
    }
    r->dir_len = strlen(full) > 1 ? strlen(full) : 0; /* "/" itself: the slash before base */
    r->path = mem_format("%.*s/%s", (int)r->dir_len, full, base);
    return true;
}

/* The directory of r->path; returns owned. */
static char *directory(const struct replace *r)
{
    return r->dir_len > 0 ? mem_text_n(r->path, r->dir_len) : mem_text("/");
}

enum { PROC_PATH_MAX = 32 };

static void proc_path(char out[static PROC_PATH_MAX], int fd)
{
    (void)snprintf(out, PROC_PATH_MAX, "/proc/self/fd/%d", fd);
}

/* A file without a name leaves nothing behind whatever happens; it gets one through /proc in the
 * end. Returns -1 where that does not work. */
static int open_unnamed(const struct replace *r)
{
    char *dir = directory(r);
    int fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, r->mode);
    mem_free(dir);
    if (fd < 0)
        return -1;
    char proc[PROC_PATH_MAX];
    proc_path(proc, fd);
    if (access(proc, F_OK) == 0)
        return fd;
    close(fd);
    return -1;
}

/* A name in the same directory that nobody else has. */
static char *temporary_name(const struct replace *r)
{
    uint32_t tag = 0;
    if (getrandom(&tag, sizeof tag, 0) < 0)
        tag = (uint32_t)getpid();
    return mem_format("%.*s/.%.200s.%08" PRIx32, (int)r->dir_len, r->path, r->path + r->dir_len + 1,
                      tag);
}

/* Registers a temporary name and has `make` create it (0, or -1 and errno). */
static int take_name(struct replace *r, int (*make)(struct replace *r))
{
    r->temporary = temporary_name(r);
    r->slot = slot_take(r->temporary);
    if (r->slot < 0) {
        mem_free(r->temporary);
        errno = EMFILE;
        return -1;
    }
    if (make(r) == 0)
        return 0;
    int number = errno;
    slot_give_back(r->slot);
    r->slot = -1;
    errno = number;
    return -1;
}

static int make_named(struct replace *r)
{
    r->fd = open(r->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, r->mode);
    return r->fd < 0 ? -1 : 0;
}

static int make_link(struct replace *r)
{
    char proc[PROC_PATH_MAX];
    proc_path(proc, r->fd);
    return linkat(AT_FDCWD, proc, AT_FDCWD, r->temporary, AT_SYMLINK_FOLLOW);
}

/* The new file takes over owner and mode. Only root may give files away: others keep the group at
 * best, and go without the set-id bits when the owner is not the same. */
static int keep_attributes(struct replace *r, const struct stat *old)
{
    struct stat new;
    if (fstat(r->fd, &new) != 0)
        return -1;
    mode_t mode = old->st_mode & 07777;
    bool same = new.st_uid == old->st_uid &&new.st_gid == old->st_gid;
    if (!same && fchown(r->fd, old->st_uid, old->st_gid) != 0) {
        mode &= 0777;
        if (fchown(r->fd, (uid_t)-1, old->st_gid) != 0)
            mode &= (mode_t)~S_IRWXG; /* the old group's rights are not another group's */
    }
    return fchmod(r->fd, mode);
}

static int open_direct(struct replace *r)
{
    r->direct = true;
    r->fd = open(r->name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return r->fd < 0 ? -1 : 0;
}

/* 0, or -1 and errno. */
static int open_any(struct replace *r)
{
    struct stat old;
    bool exists = stat(r->name, &old) == 0;
    if (!exists && errno != ENOENT)
        return -1;
    if (exists && !S_ISREG(old.st_mode))
        return open_direct(r);
    if (exists && faccessat(AT_FDCWD, r->name, W_OK, AT_EACCESS) != 0)
        return -1;
    if (!resolve(r, exists))
        return -1;
    r->mode = exists ? 0600 : 0666;
    r->fd = open_unnamed(r);
    if (r->fd < 0 && take_name(r, make_named) != 0)
        return -1;
    return exists ? keep_attributes(r, &old) : 0;
}

int replace_open(const char *path, struct replace **out, struct error *e)
{
    struct replace *r = mem_alloc(sizeof *r);
    r->name = mem_text(path);
    r->fd = r->slot = -1;
    if (open_any(r) != 0) {
        fail(r, "cannot create", e);
        replace_abort(r);
        return ERR_SYSTEM;
    }
    *out = r;
    return 0;
}

int replace_fd(const struct replace *r)
{
    return r->fd;
}

static void release(struct replace *r)
{
    if (r->fd >= 0)
        close(r->fd);
    if (r->slot >= 0)
        slot_give_back(r->slot);
    mem_free(r->path);
    mem_free(r->name);
    mem_free(r);
}

void replace_abort(struct replace *r)
{
    if (!r)
        return;
    if (r->slot >= 0)
        unlink(r->temporary);
    release(r);
}

/* Pipes and devices cannot be synchronised, and need not. */
static int flush(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP ? 0 : -1;
}

/* Makes the renaming itself durable; a file system that cannot do that has done what it can. */
static void flush_directory(const struct replace *r)
{
    char *dir = directory(r);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mem_free(dir);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

/* 0, or -1 and errno. */
static int put_in_place(struct replace *r, bool durable)
{
    if (durable && flush(r->fd) != 0)
        return -1;
    if (!r->direct && r->slot < 0 && take_name(r, make_link) != 0)
        return -1;
    int fd = r->fd;
    r->fd = -1;
    if (close(fd) != 0)
        return -1;
    return r->direct ? 0 : rename(r->temporary, r->path);
}

static int commit(struct replace *r, bool durable, struct error *e)
{
    if (put_in_place(r, durable) != 0) {
        fail(r, "cannot write", e);
        replace_abort(r);
        return ERR_SYSTEM;
    }
    if (durable && !r->direct)
        flush_directory(r);
    release(r);
    return 0;
}

int replace_commit(struct replace *r, struct error *e)
{
    return commit(r, true, e);
}

int replace_commit_later(struct replace *r, struct error *e)
{
    return commit(r, false, e);
}
