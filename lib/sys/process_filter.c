/* A child between two pipes: fed and drained at once,
 * so that neither side can wait for the other. */
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

enum { READ_SIZE = 64 << 10 };

struct pump {
    int to, from; /* -1: closed */
    struct text rest;
    struct buf *out;
};

static void close_to(struct pump *p)
{
    close(p->to);
    p->to = -1;
}

static int feed(struct pump *p, struct error *e)
{
    ssize_t n = write(p->to, p->rest.at, p->rest.len);
    if (n < 0 && errno == EPIPE) {
        close_to(p);
        return 0;
    }
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return error_errno(e, "write to a child");
    if (n > 0)
        p->rest = (struct text){p->rest.at + n, p->rest.len - (size_t)n};
    if (p->rest.len == 0)
        close_to(p);
    return 0;
}

static int drain(struct pump *p, struct error *e)
{
    buf_reserve(p->out, READ_SIZE);
    ssize_t n = read(p->from, p->out->at + p->out->len, READ_SIZE);
    if (n < 0 && errno != EINTR && errno != EAGAIN)
        return error_errno(e, "read from a child");
    if (n > 0)
        p->out->len += (size_t)n;
    if (n == 0) {
        close(p->from);
        p->from = -1;
    }
    return 0;
}

static int run_pump(struct pump *p, struct error *e)
{
    int rc = 0;
    if (p->rest.len == 0)
        close_to(p);
    while (rc == 0 && p->from >= 0) {
        struct pollfd ends[2] = {{.fd = p->from, .events = POLLIN},
                                 {.fd = p->to, .events = POLLOUT}};
        if (poll(ends, 2, -1) < 0) {
            rc = errno == EINTR ? 0 : error_errno(e, "poll");
            continue;
        }
        if (ends[0].revents)
            rc = drain(p, e);
        if (rc == 0 && p->to >= 0 && ends[1].revents)
            rc = feed(p, e);
    }
    if (p->to >= 0)
        close(p->to);
    if (p->from >= 0)
        close(p->from);
    return rc;
}

/* Writing to a child that is gone raises SIGPIPE in this thread: it is held back, and taken when it
 * came from here. */
static void hold_sigpipe(sigset_t *before, bool *was_pending)
{
    sigset_t pending, pipe_only;
    sigpending(&pending);
    *was_pending = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, before);
}

static void release_sigpipe(const sigset_t *before, bool was_pending)
{
    sigset_t pipe_only;
    const struct timespec at_once = {0, 0};
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    if (!was_pending)
        (void)sigtimedwait(&pipe_only, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

int process_filter(char *const argv[], struct text input, struct buf *out, int *status,
                   struct error *e)
{
    struct pump p = {.to = -1, .from = -1, .rest = input, .out = out};
    pid_t pid;
    int rc = process_spawn(argv, &p.to, &p.from, &pid, e);
    if (rc)
        return rc;
    (void)fcntl(p.to, F_SETFL, O_NONBLOCK);
    sigset_t before;
    bool was_pending;
    hold_sigpipe(&before, &was_pending);
    rc = run_pump(&p, e);
    release_sigpipe(&before, was_pending);
    int waited = process_wait(pid, status, rc ? NULL : e);
    return rc ? rc : waited;
}
