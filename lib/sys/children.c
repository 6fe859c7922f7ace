/* Programs that run side by side: one epoll for their ends (pidfd), their output and our signals.
 */
#include "sys/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENTS = 64, ROOM = 64 << 10, LATE = 16 };

/* What an event is of. */
struct source {
    struct runner *runner; /* NULL: signals */
    bool is_end;
};

struct runner {
    pid_t pid;
    int end, out; /* descriptors; -1: closed */
    int group;    /* slot of the list that process_abort_all reads */
    void *tag;
    bool ended; /* and its status was taken: what it wrote is still to be read */
    int late;   /* times that it was: what it left behind may write for ever */
    size_t place;
    struct source at_end, at_out;
    struct confined *confined; /* NULL: it is in no sandbox and has no limits */
    struct child_event last;
};

struct children {
    int epoll, null, signals; /* signals -1: they are not caught */
    sigset_t before;
    VEC(struct runner *) runners;
    VEC(struct runner *) gone; /* events of them may still be waiting */
    struct epoll_event events[EVENTS];
    int count, next;
    struct source signal_source;
    char room[ROOM];
};

/* ---- a set of them ---- */

static int watch(struct children *c, int fd, struct source *s)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = s}};
    return epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int catch_signals(struct children *c)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGHUP);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &wanted, &c->before);
    c->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    return c->signals < 0 ? -1 : watch(c, c->signals, &c->signal_source);
}

/* Who waits for others has little to do, and each must wait for that: with a shorter slice of time
 * it is woken before a program that runs is at its end (Linux 6.12, EEVDF). Children, to whom
 * this is not handed on, would lose a nice value below 0. */
static void come_first(void)
{
    enum { SHORTEST_NS = 100000 };
    struct { /* sched_setattr(2), its first version */
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } a = {0};
    if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) != 0 || a.policy != SCHED_NORMAL ||
        a.nice < 0)
        return;
    a.size = sizeof a;
    a.runtime = SHORTEST_NS;
    a.flags = SCHED_FLAG_RESET_ON_FORK;
    (void)syscall(SYS_sched_setattr, 0, &a, 0);
}

struct children *children_new(bool caught, struct error *e)
{
    struct children *c = mem_alloc(sizeof *c);
    come_first();
    c->signals = -1;
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    c->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (c->epoll >= 0 && c->null >= 0 && (!caught || catch_signals(c) == 0))
        return c;
    error_errno(e, "cannot wait for programs");
    children_free(c);
    return NULL;
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* A child that is just being started may still have a copy of it, and then closing it is not enough
 * for epoll to forget it. */
static void unwatch(struct children *c, int *fd)
{
    if (*fd >= 0)
        (void)epoll_ctl(c->epoll, EPOLL_CTL_DEL, *fd, NULL);
    close_end(fd);
}

static void bury(struct children *c)
{
    for (size_t i = 0; i < c->gone.len; i++)
        mem_free(c->gone.at[i]);
    c->gone.len = 0;
}

static void forget(struct children *c, struct runner *r)
{
    unwatch(c, &r->end);
    unwatch(c, &r->out);
    confined_free(r->confined);
    r->confined = NULL;
    c->runners.at[r->place] = c->runners.at[--c->runners.len];
    c->runners.at[r->place]->place = r->place;
    vec_push(&c->gone, r);
}

void children_free(struct children *c)
{
    if (!c)
        return;
    while (c->runners.len) {
        struct runner *r = c->runners.at[0];
        int raw;
        if (!r->ended) {
            (void)kill(-r->pid, SIGKILL);
            group_leave(r->group);
            while (waitpid(r->pid, &raw, 0) < 0 && errno == EINTR)
                ;
        }
        forget(c, r);
    }
    bury(c);
    vec_release(&c->gone);
    vec_release(&c->runners);
    if (c->signals >= 0)
        (void)pthread_sigmask(SIG_SETMASK, &c->before, NULL);
    close_end(&c->signals);
    close_end(&c->null);
    close_end(&c->epoll);
    mem_free(c);
}

size_t children_running(const struct children *c)
{
    return c->runners.len;
}

/* ---- starting ---- */

static int start_plain(const struct spawn *s, struct runner *r, struct error *e)
{
    int number = spawn(s, &r->pid);
    errno = number;
    return number ? error_set(e, ERR_SYSTEM, "%s", strerror(number)) : 0;
}

/* In the list before a fatal signal can come: it would outlive us. */
static int start_listed(struct children *c, const struct child *child, struct channel *out,
                        struct runner *r, struct error *e)
{
    const struct spawn s = {.argv = child->argv,
                            .in = child->in >= 0 ? child->in : c->null,
                            .out = child->out >= 0 ? child->out : out->theirs,
                            .err = out->theirs,
                            .directory = child->directory,
                            .environment = child->environment,
                            .group = true};
    sigset_t all, before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = child->sandbox || child->limits
                     ? confined_start(&s, child->sandbox, child->limits, &r->confined, &r->pid, e)
                     : start_plain(&s, r, e);
    int number = errno;
    r->group = status == 0 ? group_enter(r->pid) : -1;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = number;
    return status;
}

static int watch_runner(struct children *c, struct runner *r)
{
    r->end = pidfd_open(r->pid, 0);
    r->at_end = (struct source){r, true};
    r->at_out = (struct source){r, false};
    if (r->end < 0 || fcntl(r->out, F_SETFL, O_NONBLOCK) != 0 ||
        watch(c, r->end, &r->at_end) != 0 || watch(c, r->out, &r->at_out) != 0)
        return -1;
    return 0;
}

/* What it had of the system is given back. Keeps errno. */
static int start_failed(struct runner *r, const char *program, const struct error *why,
                        struct error *e)
{
    char name[QUOTE_MAX];
    int number = errno;
    close_end(&r->out);
    mem_free(r);
    errno = number;
    return error_set(e, ERR_SYSTEM, "cannot run %s: %s", quote(name, program, strlen(program)),
                     why->message);
}

int children_start(struct children *c, const struct child *child, pid_t *number, struct error *e)
{
    struct error why = {0};
    struct channel out = {-1, -1};
    struct runner *r = mem_alloc(sizeof *r);
    *r = (struct runner){.end = -1, .out = -1, .tag = child->tag, .place = c->runners.len};
    errno = channel_open(&out, false);
    int status = errno ? error_set(&why, ERR_SYSTEM, "%s", strerror(errno))
                       : start_listed(c, child, &out, r, &why);
    int failed = errno;
    channel_close_theirs(&out);
    r->out = out.ours;
    errno = failed;
    if (status)
        return start_failed(r, child->argv[0], &why, e);
    vec_push(&c->runners, r);
    *number = r->pid;
    if (watch_runner(c, r) == 0)
        return 0;
    status = error_errno(e, "cannot watch process %ld", (long)r->pid);
    (void)kill(-r->pid, SIGKILL);
    (void)waitpid(r->pid, &(int){0}, 0);
    group_leave(r->group);
    forget(c, r);
    return status;
}

void children_signal(struct children *c, const void *tag, int number)
{
    for (size_t i = 0; i < c->runners.len; i++) {
        struct runner *r = c->runners.at[i];
        if (r->tag != tag || r->ended)
            continue;
        (void)kill(-r->pid, number);
        if (number == SIGKILL && r->confined)
            confined_kill(r->confined);
    }
}

/* ---- events ---- */

/* True when there was something. A pipe that ends is looked at no more. */
static bool read_output(struct children *c, struct runner *r, struct child_event *out)
{
    ssize_t n = r->out < 0 ? 0 : read(r->out, c->room, ROOM);
    if (n > 0) {
        *out = (struct child_event){
            .kind = CHILD_WROTE, .tag = r->tag, .output = {c->room, (size_t)n}};
        return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        unwatch(c, &r->out);
    return false;
}

/* Its status leaves the system, and so its number may be given to another. */
static bool take_end(struct runner *r)
{
    struct rusage use;
    int raw;
    group_leave(r->group); /* before: its number may be another's then */
    r->group = -1;
    if (wait4(r->pid, &raw, WNOHANG, &use) != r->pid)
        return false;
    r->ended = true;
    r->last = (struct child_event){.kind = CHILD_ENDED, .tag = r->tag};
    if (r->confined)
        confined_end(r->confined, &raw, &use, &r->last);
    r->last.status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
    r->last.signal = WIFSIGNALED(raw) ? WTERMSIG(raw) : 0;
    r->last.user_s = (double)use.ru_utime.tv_sec + (double)use.ru_utime.tv_usec / 1e6;
    r->last.system_s = (double)use.ru_stime.tv_sec + (double)use.ru_stime.tv_usec / 1e6;
    r->last.max_rss = (uint64_t)use.ru_maxrss * 1024;
    r->last.read_bytes = (uint64_t)use.ru_inblock * 512;
    r->last.written_bytes = (uint64_t)use.ru_oublock * 512;
    return true;
}

static bool take_signal(struct children *c, struct child_event *out)
{
    struct signalfd_siginfo info;
    if (read(c->signals, &info, sizeof info) != sizeof info)
        return false;
    *out = (struct child_event){.kind = CHILDREN_SIGNALLED, .signal = (int)info.ssi_signo};
    return true;
}

/* True when s gives an event; a child that ended stays next until what it wrote was read. */
static bool take(struct children *c, const struct source *s, struct child_event *out)
{
    struct runner *r = s->runner;
    if (!r)
        return take_signal(c, out);
    if (r->end < 0)
        return false; /* it was told already */
    if (!s->is_end)
        return read_output(c, r, out);
    if (!r->ended && !take_end(r))
        return false;
    if (r->late++ < LATE && read_output(c, r, out)) {
        c->next--;
        return true;
    }
    *out = r->last;
    forget(c, r);
    return true;
}

int children_wait(struct children *c, int timeout_ms, struct child_event *out, struct error *e)
{
    for (;;) {
        while (c->next < c->count)
            if (take(c, c->events[c->next++].data.ptr, out))
                return 0;
        bury(c);
        c->next = 0;
        c->count = epoll_wait(c->epoll, c->events, EVENTS, timeout_ms);
        if (c->count == 0) {
            *out = (struct child_event){.kind = CHILDREN_IDLE};
            return 0;
        }
        if (c->count < 0) {
            c->count = 0;
            if (errno != EINTR)
                return error_errno(e, "cannot wait for programs");
        }
    }
}
