/* A program run to its end, with what it writes collected and a limit to its time. */
#include "sys/spawn.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 16 << 10, NEVER = -1 };

static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* For poll: milliseconds left, rounded so that 0 means none. */
static int left_ms(int64_t deadline)
{
    if (deadline == NEVER)
        return -1;
    int64_t left = deadline - now_ms();
    return left > 0 ? (int)left : 0;
}

struct stream {
    int fd; /* -1: closed */
    struct buf *into;
};

static void drain(struct stream *s, size_t limit)
{
    char bytes[READ_SIZE];
    ssize_t n = read(s->fd, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        close(s->fd);
        s->fd = -1;
        return;
    }
    size_t room = limit == 0 ? SIZE_MAX : limit > s->into->len ? limit - s->into->len : 0;
    buf_add(s->into, bytes, (size_t)n < room ? (size_t)n : room);
}

/* False when time is up. */
static bool collect(struct stream streams[2], size_t limit, int64_t deadline)
{
    while (streams[0].fd >= 0 || streams[1].fd >= 0) {
        struct pollfd ends[2] = {{.fd = streams[0].fd, .events = POLLIN},
                                 {.fd = streams[1].fd, .events = POLLIN}};
        int ready = poll(ends, 2, left_ms(deadline));
        if (ready == 0)
            return false;
        for (int i = 0; i < 2 && ready > 0; i++)
            if (ends[i].revents)
                drain(&streams[i], limit);
    }
    return true;
}

/* Waits for the end without taking the status, so that the number stays ours. */
static bool ended(pid_t pid, int64_t deadline)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    siginfo_t info = {0};
    int flags = WEXITED | WNOWAIT | (deadline == NEVER ? 0 : WNOHANG);
    for (;;) {
        int got = waitid(P_PID, (id_t)pid, &info, flags);
        if (got == 0 && info.si_pid == pid)
            return true;
        if (got < 0 && errno != EINTR)
            return true;
        if (left_ms(deadline) == 0)
            return false;
        if (got == 0)
            (void)nanosleep(&pause, NULL);
    }
}

/* The caller's environment with TMPDIR set. Returns owned: the array and its last text. */
static char **environment_in(const char *directory)
{
    VEC(char *) v = {0};
    for (char **at = environ; at && *at; at++)
        if (strncmp(*at, "TMPDIR=", 7) != 0)
            vec_push(&v, *at);
    vec_push(&v, mem_format("TMPDIR=%s", directory));
    vec_push(&v, NULL);
    return v.at;
}

static void environment_free(char **environment)
{
    size_t last = 0;
    if (!environment)
        return;
    while (environment[last + 1])
        last++;
    mem_free(environment[last]);
    mem_free(environment);
}

struct run {
    struct channel null, out, err;
    pid_t pid;
    int slot; /* -1: there was none */
};

/* 0, or an errno value. */
static int start(const struct process *p, struct run *r)
{
    int number = channel_open(&r->null, true);
    if (number == 0)
        number = channel_open(&r->out, false);
    if (number == 0)
        number = channel_open(&r->err, false);
    char **environment = p->directory ? environment_in(p->directory) : NULL;
    channel_close_ours(&r->null); /* it reads the end of a file at once */
    if (number == 0)
        number = spawn(&(struct spawn){.argv = p->argv,
                                       .in = r->null.theirs,
                                       .out = r->out.theirs,
                                       .err = r->err.theirs,
                                       .directory = p->directory,
                                       .environment = environment,
                                       .group = true},
                       &r->pid);
    environment_free(environment);
    channel_close_theirs(&r->null);
    channel_close_theirs(&r->out);
    channel_close_theirs(&r->err);
    return number;
}

/* The same, and the group is in the list before a signal can come: it would outlive us. */
static int start_listed(const struct process *p, struct run *r)
{
    sigset_t all, before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int number = start(p, r);
    r->slot = number == 0 ? group_enter(r->pid) : -1;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return number;
}

static void close_streams(struct stream streams[2])
{
    for (int i = 0; i < 2; i++)
        if (streams[i].fd >= 0)
            close(streams[i].fd);
}

int process_run(const struct process *p, int *status, struct error *e)
{
    char name[QUOTE_MAX];
    struct run r = {{-1, -1}, {-1, -1}, {-1, -1}, 0, -1};
    struct buf nowhere = {0};
    int64_t deadline = p->timeout_ms > 0 ? now_ms() + p->timeout_ms : NEVER;
    int number = start_listed(p, &r);
    quote(name, p->argv[0], strlen(p->argv[0]));
    if (number) {
        channel_close_ours(&r.out);
        channel_close_ours(&r.err);
        errno = number;
        return error_errno(e, "cannot run %s", name);
    }
    struct stream streams[2] = {{r.out.ours, p->out ? p->out : &nowhere},
                                {r.err.ours, p->err ? p->err : &nowhere}};
    bool in_time = collect(streams, p->limit, deadline) && ended(r.pid, deadline);
    close_streams(streams);
    if (!in_time)
        (void)kill(-r.pid, SIGKILL);
    if (!in_time)
        (void)ended(r.pid, NEVER);
    group_leave(r.slot);
    buf_release(&nowhere);
    int rc = process_wait(r.pid, status, e);
    if (!in_time)
        return error_set(e, ERR_SYSTEM, "%s took longer than %d seconds and was stopped", name,
                         (p->timeout_ms + 999) / 1000);
    return rc;
}
