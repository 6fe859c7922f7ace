/* The list is a file in memory: an entry costs no call of the system, and outlives a kill. */
#include "job/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PLACES = 1024, SECONDS_TO_DIE = 10 };

struct entry {
    int64_t pid; /* 0: free */
    usec started;
};

struct journal {
    char *path;
    struct entry *entries;
};

static const size_t size = PLACES * sizeof(struct entry);

/* ---- what was left ---- */

/* Its number may have been given to another since: that one was started at another time. */
static bool is_what_was_noted(const struct entry *x)
{
    const usec about = 2 * USEC_SECOND; /* the system counts in ticks since it came up */
    usec started = process_started((pid_t)x->pid);
    if (started == 0) /* it ended: a group that is still there is of those it started */
        return kill((pid_t)-x->pid, 0) == 0;
    return started > x->started - about && started < x->started + about;
}

static int end_group(pid_t group, struct error *e)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    for (int i = 0; i < SECONDS_TO_DIE * 200; i++) {
        if (kill(-group, SIGKILL) != 0)
            return 0;
        (void)nanosleep(&pause, NULL);
    }
    return error_set(e, ERR_BUSY, "process %ld of a run that was killed does not end", (long)group);
}

static int end_those_left(struct journal *j, struct error *e)
{
    int status = 0;
    for (size_t i = 0; i < PLACES && status == 0; i++) {
        struct entry *x = &j->entries[i];
        if (x->pid > 1 && x->pid <= INT32_MAX && is_what_was_noted(x))
            status = end_group((pid_t)x->pid, e);
        if (status == 0)
            *x = (struct entry){0};
    }
    return status;
}

/* ---- the list ---- */

int journal_open(const char *path, struct journal **out, struct error *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    void *at = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, (off_t)size) == 0)
        at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int status = at == MAP_FAILED ? error_errno(e, "cannot open %s", path) : 0;
    if (fd >= 0)
        close(fd);
    if (status)
        return status;
    struct journal *j = mem_alloc(sizeof *j);
    *j = (struct journal){mem_text(path), at};
    status = end_those_left(j, e);
    if (status == 0) {
        *out = j;
        return 0;
    }
    (void)munmap(at, size); /* the file stays: they are still there */
    mem_free(j->path);
    mem_free(j);
    return status;
}

int journal_enter(struct journal *j, pid_t number)
{
    for (int i = 0; i < PLACES; i++)
        if (j->entries[i].pid == 0) {
            j->entries[i] = (struct entry){number, clock_now()};
            return i;
        }
    return -1;
}

void journal_leave(struct journal *j, int place)
{
    if (place >= 0)
        j->entries[place] = (struct entry){0};
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    (void)munmap(j->entries, size);
    (void)unlink(j->path);
    mem_free(j->path);
    mem_free(j);
}
