/* A pool of jobs on this machine: commands, their time limits and logs, and what their ends mean.
 */
#include "job/engine.h"
#include "job/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    TAIL = 4096,
    EXIT_TIMED_OUT = 124,
    EXIT_KILLED = 137,
    EXIT_TEMPFAIL = 75,
    SLEEP_MAX = 60000
};
static const usec usual_grace = 30 * USEC_SECOND;

struct running {
    void *tag;
    char *log; /* NULL: none is kept */
    usec grace;
    usec started, due; /* due: when its time is up, or its grace; 0: never */
    bool timed_out, stopped, killed, wrote;
    struct limits limits;
    int journal; /* its place there */
    int fd;      /* of the log; -1: it is not open */
    int failed;  /* an errno value: it could not be started */
    struct buf tail;
    size_t place;
};

struct local {
    struct job_pool pool;
    struct job_pool_options options;
    struct children *children;
    struct journal *journal;
    VEC(struct running *) running;
    VEC(struct running *) failed; /* to start: their results are waited for */
    struct running *told;         /* whose result the caller has */
};

/* ---- the pool ---- */

static void local_close(struct job_pool *pool);

static int local_open(const struct job_pool_options *o, struct job_pool **out, struct error *e)
{
    struct local *p = mem_alloc(sizeof *p);
    p->pool.engine = &job_local;
    p->options = *o;
    int status = o->journal ? journal_open(o->journal, &p->journal, e) : 0;
    if (status == 0) {
        p->children = children_new(o->catch_signals, e);
        status = p->children ? 0 : ERR_SYSTEM;
    }
    if (status == 0)
        *out = &p->pool;
    else
        local_close(&p->pool);
    return status;
}

static void running_free(struct running *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        close(r->fd);
    buf_release(&r->tail);
    mem_free(r->log);
    mem_free(r);
}

static struct local *local_of(struct job_pool *pool)
{
    return (struct local *)(void *)pool;
}

static void local_close(struct job_pool *pool)
{
    struct local *p = local_of(pool);
    children_free(p->children);
    for (size_t i = 0; i < p->running.len; i++)
        running_free(p->running.at[i]);
    for (size_t i = 0; i < p->failed.len; i++)
        running_free(p->failed.at[i]);
    running_free(p->told);
    vec_release(&p->running);
    vec_release(&p->failed);
    journal_close(p->journal);
    mem_free(p);
}

static size_t local_running(const struct job_pool *pool)
{
    const struct local *p = (const struct local *)(const void *)pool;
    return p->running.len + p->failed.len;
}

/* ---- starting ---- */

static struct running *running_new(const struct job *j)
{
    struct running *r = mem_alloc(sizeof *r);
    *r = (struct running){.tag = j->tag,
                          .log = j->log ? mem_text(j->log) : NULL,
                          .grace = j->grace ? j->grace : usual_grace,
                          .fd = -1,
                          .journal = -1,
                          .started = clock_now()};
    if (j->limits)
        r->limits = *j->limits;
    r->due = j->timeout ? r->started + j->timeout : 0;
    return r;
}

/* A shell would look for the program in the PATH of the job, and say in PWD where it is. */
static bool needs_shell(const struct job *j)
{
    const char *path = getenv("PATH");
    if (j->directory || !path)
        return true;
    for (char *const *at = j->environment; at && *at; at++)
        if (strncmp(*at, "PATH=", 5) == 0)
            return strcmp(*at + 5, path) != 0;
    return false;
}

/* When it cannot be run without a shell, the shell says why. */
static int start_script(struct local *p, const struct job *j, struct child *child, pid_t *number,
                        struct error *e)
{
    char *shell[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, (char *)(uintptr_t)j->script, NULL};
    char **words = needs_shell(j) ? NULL : shell_words(j->script);
    child->argv = words;
    int status = words ? children_start(p->children, child, number, e) : ERR_NO;
    mem_free(words);
    child->argv = shell;
    if (status)
        status = children_start(p->children, child, number, e);
    child->argv = NULL;
    return status;
}

static int local_start(struct job_pool *pool, const struct job *j, struct error *e)
{
    struct local *p = local_of(pool);
    struct running *r = running_new(j);
    struct error why = {0};
    pid_t number;
    struct child child = {.argv = j->argv,
                          .directory = j->directory,
                          .environment = j->environment,
                          .in = j->streams ? j->streams[0] : -1,
                          .out = j->streams ? j->streams[1] : -1,
                          .tag = r,
                          .sandbox = j->sandbox,
                          .limits = j->limits};
    (void)e;
    int status = j->argv ? children_start(p->children, &child, &number, &why)
                         : start_script(p, j, &child, &number, &why);
    if (status == 0) {
        r->journal = p->journal ? journal_enter(p->journal, number) : -1;
        r->place = p->running.len;
        vec_push(&p->running, r);
        return 0;
    }
    buf_puts(&r->tail, why.message);
    r->failed = errno;
    vec_push(&p->failed, r);
    return 0;
}

/* ---- what they write ---- */

static void keep_tail(struct running *r, struct text bytes)
{
    buf_add(&r->tail, bytes.at, bytes.len);
    if (r->tail.len > 4 * TAIL) {
        memmove(r->tail.at, r->tail.at + r->tail.len - TAIL, TAIL);
        r->tail.len = TAIL;
    }
}

/* A log that cannot be written is not worth the job's end: its tail says what it wrote. */
static void take_output(struct running *r, struct text bytes)
{
    r->wrote = true;
    keep_tail(r, bytes);
    if (r->log && r->fd < 0)
        r->fd = open(r->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (r->fd >= 0)
        (void)file_write(r->fd, bytes.at, bytes.len, r->log, NULL);
}

/* ---- their time ---- */

static void stop(struct local *p, struct running *r)
{
    children_signal(p->children, r, SIGTERM);
    r->due = clock_now() + r->grace;
}

static void local_stop(struct job_pool *pool, const void *tag)
{
    struct local *p = local_of(pool);
    for (size_t i = 0; i < p->running.len; i++) {
        struct running *r = p->running.at[i];
        if (r->tag != tag || r->stopped)
            continue;
        r->stopped = true;
        stop(p, r);
    }
}

static void local_stop_all(struct job_pool *pool)
{
    struct local *p = local_of(pool);
    for (size_t i = 0; i < p->running.len; i++)
        local_stop(pool, p->running.at[i]->tag);
}

static void end_those_due(struct local *p, usec now)
{
    for (size_t i = 0; i < p->running.len; i++) {
        struct running *r = p->running.at[i];
        if (r->due == 0 || r->due > now)
            continue;
        if (r->timed_out || r->stopped) {
            children_signal(p->children, r, SIGKILL);
            r->killed = true;
            r->due = 0;
        } else {
            r->timed_out = true;
            stop(p, r);
        }
    }
}

/* Milliseconds until something is due, at most timeout_ms. */
static int time_to_wait(const struct local *p, int timeout_ms, usec now)
{
    for (size_t i = 0; i < p->running.len; i++) {
        usec due = p->running.at[i]->due;
        if (due == 0)
            continue;
        usec left = due > now ? (due - now + 999) / 1000 : 0;
        if (left < SLEEP_MAX && (timeout_ms < 0 || left < timeout_ms))
            timeout_ms = (int)left;
    }
    return timeout_ms < 0 && p->running.len ? SLEEP_MAX : timeout_ms;
}

/* ---- what became of them ---- */

static enum job_class class_of_start(int number)
{
    switch (number) {
    case EAGAIN:
    case ENOMEM:
    case ENOSPC:
        return JOB_CAPACITY;
    case EMFILE:
    case ENFILE:
    case EDQUOT:
        return JOB_LIMIT;
    default:
        return JOB_FAILED;
    }
}

static enum job_class class_of(const struct job_result *r)
{
    if (r->status == 0)
        return JOB_SUCCEEDED;
    if (r->timed_out)
        return JOB_TIMED_OUT;
    if (r->stopped)
        return JOB_FAILED;
    if (r->signal)
        return JOB_INTERNAL;
    return r->status == -ERR_BUSY || r->status == EXIT_TEMPFAIL ? JOB_THROTTLED : JOB_FAILED;
}

/* False when it was none that ended it. */
static bool explain_limit(const struct limits *l, const struct child_event *event,
                          struct job_result *out)
{
    if (event->out_of_memory)
        (void)snprintf(out->problem, sizeof out->problem, "memory limit of %" PRIu64 " bytes",
                       l->memory);
    else if (l->file_size && (event->signal == SIGXFSZ || event->status == 128 + SIGXFSZ))
        (void)snprintf(out->problem, sizeof out->problem, "file size limit of %" PRIu64 " bytes",
                       l->file_size);
    return out->problem[0] != 0;
}

static void tell(struct local *p, struct running *r, struct job_result *out)
{
    running_free(p->told);
    p->told = r;
    size_t cut = r->tail.len > TAIL ? r->tail.len - TAIL : 0;
    *out = (struct job_result){.tag = r->tag,
                               .started = r->started,
                               .ended = clock_now(),
                               .timed_out = r->timed_out,
                               .stopped = r->stopped,
                               .wrote = r->wrote,
                               .tail = {r->tail.at + cut, r->tail.len - cut}};
}

static void tell_failed(struct local *p, struct job_result *out)
{
    struct running *r = p->failed.at[--p->failed.len];
    int number = r->failed;
    tell(p, r, out);
    (void)snprintf(out->problem, sizeof out->problem, "%s", buf_text(&r->tail));
    out->tail = (struct text){NULL, 0};
    out->status = number == ENOENT ? 127 : 126;
    out->class = class_of_start(number);
}

static void tell_ended(struct local *p, const struct child_event *event, struct job_result *out)
{
    struct running *r = event->tag;
    if (p->journal)
        journal_leave(p->journal, r->journal);
    p->running.at[r->place] = p->running.at[--p->running.len];
    p->running.at[r->place]->place = r->place;
    tell(p, r, out);
    out->status = r->timed_out ? r->killed ? EXIT_KILLED : EXIT_TIMED_OUT : event->status;
    out->signal = event->signal;
    out->user_s = event->user_s;
    out->system_s = event->system_s;
    out->max_rss = event->max_rss;
    out->read_bytes = event->read_bytes;
    out->written_bytes = event->written_bytes;
    out->peak_memory = event->peak_memory;
    out->class = class_of(out);
    if (out->class != JOB_SUCCEEDED && !out->timed_out && !out->stopped &&
        explain_limit(&r->limits, event, out))
        out->class = JOB_LIMIT;
}

static int local_wait(struct job_pool *pool, int timeout_ms, struct job_result *out,
                      struct error *e)
{
    struct local *p = local_of(pool);
    usec until = timeout_ms < 0 ? INT64_MAX : clock_now() + (usec)timeout_ms * 1000;
    for (;;) {
        struct child_event event;
        if (p->failed.len) {
            tell_failed(p, out);
            return JOB_ENDED;
        }
        usec now = clock_now();
        end_those_due(p, now);
        int left = until == INT64_MAX ? -1 : until > now ? (int)((until - now + 999) / 1000) : 0;
        int status = children_wait(p->children, time_to_wait(p, left, now), &event, e);
        if (status)
            return status;
        switch (event.kind) {
        case CHILD_WROTE:
            take_output(event.tag, event.output);
            break;
        case CHILD_ENDED:
            tell_ended(p, &event, out);
            return JOB_ENDED;
        case CHILDREN_SIGNALLED:
            *out = (struct job_result){.signal = event.signal};
            return JOB_SIGNALLED;
        case CHILDREN_IDLE:
            if (clock_now() >= until)
                return JOB_IDLE;
        }
    }
}

/* Processes of this machine that a killed process left. */
static int local_clear(const struct job_pool_options *o, struct error *e)
{
    struct journal *left = NULL;
    if (!o->journal || access(o->journal, F_OK) != 0)
        return 0;
    int status = journal_open(o->journal, &left, e);
    journal_close(left);
    return status;
}

static bool local_has_room(const struct job_pool *pool, unsigned slots)
{
    return local_running(pool) < slots;
}

static void local_withdraw(struct job_pool *pool)
{
    (void)pool; /* each began when it was started */
}

const struct job_engine job_local = {
    .clear = local_clear,
    .open = local_open,
    .close = local_close,
    .start = local_start,
    .running = local_running,
    .has_room = local_has_room,
    .wait = local_wait,
    .stop = local_stop,
    .stop_all = local_stop_all,
    .withdraw = local_withdraw,
};
