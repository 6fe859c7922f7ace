#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* An unnamed file in a directory, or -1. Not every file system has O_TMPFILE. */
static int scratch_in(const char *directory)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    char *path = mem_format("%s/mlutils.XXXXXX", directory);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    mem_free(path);
    return fd;
}

static const char *first_place(void)
{
    const char *directory = getenv("TMPDIR");
    return directory && *directory ? directory : "/tmp";
}

static int fail(struct error *e, const char *what)
{
    error_errno(e, "%s", what);
    error_at(e, first_place(), 0, 0);
    return ERR_SYSTEM;
}

int scratch_open(struct error *e)
{
    int fd = scratch_in(first_place());
    if (fd >= 0)
        return fd;
    int first_errno = errno;
    fd = scratch_in("/var/tmp");
    if (fd >= 0)
        return fd;
    errno = first_errno;
    return fail(e, "cannot create a scratch file");
}

/* Directories that a fatal signal removes; like the files of replace.c. */
enum { SLOTS = 64 };
static _Atomic(char *) directories[SLOTS];

/* NOLINTNEXTLINE(readability-non-const-parameter): the slot owns the path from now on */
static bool slot_take(char *path)
{
    for (int i = 0; i < SLOTS; i++) {
        char *empty = NULL;
        if (atomic_compare_exchange_strong(&directories[i], &empty, path))
            return true;
    }
    return false;
}

/* Whoever takes the path out owns it. */
static bool slot_give_back(char *path)
{
    for (int i = 0; i < SLOTS; i++) {
        char *there = path;
        if (atomic_compare_exchange_strong(&directories[i], &there, NULL))
            return true;
    }
    return false;
}

/* What the kernel writes (getdents64): readdir is not async-signal-safe. */
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
};

static void remove_files(int fd)
{
    union {
        struct entry first;
        char bytes[4096];
    } entries;
    for (;;) {
        long got = syscall(SYS_getdents64, fd, &entries, sizeof entries);
        if (got <= 0)
            return;
        for (long at = 0; at < got;) {
            uint16_t length;
            const char *entry = entries.bytes + at;
            memcpy(&length, entry + offsetof(struct entry, length), sizeof length);
            (void)unlinkat(fd, entry + offsetof(struct entry, name), 0);
            at += length;
        }
    }
}

/* Async-signal-safe. A program that was just killed may still put a file into it. */
static void remove_directory(const char *path)
{
    for (int tries = 0; tries < 20; tries++) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0) {
            remove_files(fd);
            close(fd);
        }
        if (rmdir(path) == 0 || (errno != ENOTEMPTY && errno != EEXIST))
            return;
        (void)poll(NULL, 0, 5);
    }
}

void scratch_abort_all(void)
{
    for (int i = 0; i < SLOTS; i++) {
        char *path = atomic_exchange(&directories[i], NULL);
        if (path)
            remove_directory(path); /* and leave its memory: free is not async-signal-safe */
    }
}

/* Returns owned, or NULL and errno. */
static char *directory_in(const char *place)
{
    char *path = mem_format("%s/mlutils.XXXXXX", place);
    if (mkdtemp(path))
        return path;
    int number = errno;
    mem_free(path);
    errno = number;
    return NULL;
}

char *scratch_directory(struct error *e)
{
    char *path = directory_in(first_place());
    int first_errno = errno;
    if (!path)
        path = directory_in("/var/tmp");
    if (!path) {
        errno = first_errno;
        fail(e, "cannot create a scratch directory");
        return NULL;
    }
    if (slot_take(path))
        return path;
    (void)rmdir(path);
    mem_free(path);
    error_set(e, ERR_SYSTEM, "more than %d scratch directories", SLOTS);
    return NULL;
}

void scratch_remove(char *directory)
{
    if (!directory || !slot_give_back(directory))
        return;
    remove_directory(directory);
    mem_free(directory);
}
