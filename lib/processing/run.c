/* Instances side by side, each until it is done or has failed too often. */
#include "processing/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { EXIT_NOT_RUN = 126, EXIT_NOT_FOUND = 127, LINE_MAX_BYTES = 512, LOCK_MS = 300 };

struct waiting {
    size_t instance;
    unsigned attempt;
    usec due;
};

struct run {
    struct processing *p;
    const struct processing_run *how;
    struct processing_summary *summary;
    struct job_pool *pool;
    char **argv; /* the command as it is found, once for all */
    struct outputs outputs;
    VEC(struct waiting) waiting; /* in order, but for those that are tried again */
    size_t next;
    bool stopping;
};

/* [0] is owned. */
static char **found_command(const struct processing_job *j)
{
    size_t n = 0;
    while (j->argv[n])
        n++;
    char **argv = mem_copy(j->argv, (n + 1) * sizeof *argv);
    char *path = program_path(argv[0]);
    argv[0] = path ? path : mem_text(argv[0]);
    return argv;
}

/* ---- what is to do ---- */

/* A result that is there while what was made is still in its folder: a crash came between. */
static int take_up(struct run *r, struct error *e)
{
    struct buf room = {0};
    int status = 0;
    for (size_t i = 0; i < r->p->instances && status == 0; i++) {
        struct processing_result result;
        int got = processing_result_of(r->p, i, &room, &result, e);
        if (got < 0)
            status = got;
        else if (got > 0 && result.status == 0) {
            r->summary->done++;
            status = output_move(r->p, i, result.attempt, e);
        } else {
            if (got > 0)
                result_forget(r->p, i);
            vec_push(&r->waiting, ((struct waiting){.instance = i, .attempt = 1}));
        }
    }
    buf_release(&room);
    return status;
}

/* ---- ends ---- */

static struct text line_before(struct text t, size_t *from)
{
    while (t.len && (t.at[t.len - 1] == '\n' || t.at[t.len - 1] == '\r'))
        t.len--;
    *from = t.len;
    while (*from && t.at[*from - 1] != '\n')
        --*from;
    size_t n = t.len - *from;
    return (struct text){t.at + *from, n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES};
}

/* The last line that is not indented: those below a message show its place. Missing: none. */
static struct text last_line(struct text t)
{
    size_t from = t.len;
    while (from) {
        struct text line = line_before((struct text){t.at, from}, &from);
        if (line.len && line.at[0] != ' ' && line.at[0] != '\t')
            return line;
    }
    return (struct text){NULL, 0};
}

static bool is_tried_again(const struct run *r, const struct attempt *a,
                           const struct job_result *result)
{
    return a->number < r->p->job.attempts && !r->stopping && !result->timed_out &&
           result->class != JOB_LIMIT &&
           result->status != EXIT_NOT_RUN && result->status != EXIT_NOT_FOUND;
}

/* Those that were refused for want of something wait longer and longer. */
static usec pause_after(const struct job_result *result, unsigned attempt)
{
    bool scarce = result->class == JOB_THROTTLED || result->class == JOB_CAPACITY;
    return scarce ? USEC_SECOND << (attempt < 6 ? attempt - 1 : 5) : 0;
}

/* An instance that ended well has made its outputs when its result is there, and not before. */
static int keep_result(struct run *r, struct attempt *a, struct processing_result *result,
                       struct error *e)
{
    bool first = false;
    int status = result_publish(r->p, result, &first, e);
    if (status == 0 && result->status == 0 && first) {
        status = output_move(r->p, a->instance, a->number, e);
        a->is_moved = status == 0;
    }
    return status;
}

static void fail(struct processing_result *to, int status, const struct error *why)
{
    to->status = status;
    (void)snprintf(to->problem, sizeof to->problem, "%.*s", (int)sizeof to->problem - 1,
                   why->message);
}

static int end(struct run *r, const struct job_result *result, struct error *e)
{
    struct attempt *a = result->tag;
    struct error why = {0};
    struct processing_result told = {.instance = a->instance,
                                     .attempt = a->number,
                                     .status = result->status,
                                     .signal = result->signal,
                                     .timed_out = result->timed_out,
                                     .stopped = result->stopped,
                                     .started = result->started,
                                     .ended = result->ended,
                                     .user_s = result->user_s,
                                     .system_s = result->system_s,
                                     .max_rss = result->max_rss};
    (void)snprintf(told.problem, sizeof told.problem, "%s", result->problem);
    bool again = told.status != 0 && is_tried_again(r, a, result);
    if (attempt_fed(a, &why) != 0 && told.status == 0)
        fail(&told, -why.code, &why);
    if (told.status == 0 && output_claim(a, &r->outputs, &why) != 0)
        fail(&told, -why.code, &why);
    char *message = attempt_message(a);
    told.message = message ? text_of(message) : last_line(result->tail);
    told.final = !again;
    int status = 0;
    if (again)
        vec_push(&r->waiting, ((struct waiting){a->instance, a->number + 1,
                                                clock_now() + pause_after(result, a->number)}));
    else if (!(result->stopped && r->stopping))
        status = keep_result(r, a, &told, e);
    r->summary->done += told.final && told.status == 0;
    if (r->how->tell)
        r->how->tell(r->how->context, &told);
    mem_free(message);
    attempt_close(a);
    return status;
}

/* ---- starts ---- */

static bool has_limits(const struct processing_job *j)
{
    return j->limits.memory || j->limits.processes || j->limits.cpus > 0;
}

int processing_possible(const struct processing_job *j, struct error *e)
{
    int status = j->isolated ? sandbox_possible(e) : 0;
    return status == 0 && has_limits(j) ? limits_possible(&j->limits, e) : status;
}

static int start(struct run *r, const struct waiting *w, struct error *e)
{
    struct attempt *a = NULL;
    const struct processing_job *j = &r->p->job;
    int status = attempt_open(r->p, w->instance, w->attempt, &a, e);
    if (status)
        return status;
    struct job job = {.argv = r->argv,
                      .environment = a->environment.at,
                      .streams = a->streams,
                      .log = a->log,
                      .timeout = j->max_runtime,
                      .grace = j->grace,
                      .sandbox = a->sandbox,
                      .limits = has_limits(j) ? &j->limits : NULL,
                      .tag = a};
    status = job_start(r->pool, &job, e);
    if (status)
        attempt_close(a);
    else
        attempt_started(a);
    return status;
}

/* The next that may start now; false: there is none. *wait_ms: until there may be one. */
static bool take_next(struct run *r, struct waiting *out, int *wait_ms)
{
    usec now = clock_now();
    *wait_ms = -1;
    if (r->stopping || job_running(r->pool) >= r->how->jobs)
        return false;
    for (size_t i = r->next; i < r->waiting.len; i++) {
        struct waiting w = r->waiting.at[i];
        if (w.due > now) {
            int ms = (int)((w.due - now + 999) / 1000);
            *wait_ms = *wait_ms < 0 || ms < *wait_ms ? ms : *wait_ms;
            continue;
        }
        r->waiting.at[i] = r->waiting.at[r->next++];
        *out = w;
        return true;
    }
    return false;
}

static int turn(struct run *r, struct error *e)
{
    struct waiting w;
    struct job_result result;
    int wait_ms, status = 0;
    while (status == 0 && take_next(r, &w, &wait_ms))
        status = start(r, &w, e);
    if (status)
        return status;
    switch (job_wait(r->pool, wait_ms, &result, e)) {
    case JOB_ENDED:
        return end(r, &result, e);
    case JOB_SIGNALLED:
        r->summary->signal = r->summary->signal ? r->summary->signal : result.signal;
        r->stopping = true;
        job_stop_all(r->pool);
        return 0;
    case JOB_IDLE:
        return 0;
    default:
        return ERR_SYSTEM;
    }
}

static int work(struct run *r, struct error *e)
{
    int status = 0;
    while (status == 0 && ((!r->stopping && r->next < r->waiting.len) || job_running(r->pool)))
        status = turn(r, e);
    return status;
}

/* ---- the whole ---- */

static int open_pool(struct run *r, int *lock, struct error *e)
{
    char *path = mem_format("%s/lock", r->p->folder);
    char *journal = mem_format("%s/running", r->p->folder);
    /* What was just being started when a runner was killed has its lock for a moment. */
    int status = lock_acquire(path, true, LOCK_MS, lock, e);
    if (status == ERR_BUSY)
        error_set(e, ERR_BUSY, "job %s runs already", r->p->job.name);
    if (status == 0)
        status = lock_sign(*lock, e);
    if (status == 0)
        status = job_pool_open(
            &(struct job_pool_options){.journal = journal, .catch_signals = true}, &r->pool, e);
    mem_free(journal);
    mem_free(path);
    return status;
}

/* Attempts that a pool still had when it was closed. */
static void forget_running(struct run *r)
{
    struct job_result result;
    job_stop_all(r->pool);
    while (job_running(r->pool) && job_wait(r->pool, -1, &result, NULL) == JOB_ENDED)
        attempt_close(result.tag);
}

int processing_run(struct processing *p, const struct processing_run *how,
                   struct processing_summary *out, struct error *e)
{
    struct processing_summary summary = {.instances = p->instances};
    struct run r = {.p = p, .how = how, .summary = &summary, .argv = found_command(&p->job)};
    int lock = -1, signal;
    int status = open_pool(&r, &lock, e);
    if (status == 0)
        status = shares_check(p, e);
    if (status == 0)
        status = take_up(&r, e);
    if (status == 0)
        status = config_prepare(p, e);
    if (status == 0)
        status = work(&r, e);
    if (status && r.pool)
        forget_running(&r);
    if (status == 0 && summary.done == p->instances && !is_over(p)) {
        status = output_join(p, e);
        if (status == 0)
            status = set_over(p, e);
    }
    job_pool_close(r.pool);
    vec_release(&r.waiting);
    mem_free(r.argv[0]);
    mem_free(r.argv);
    map_release(&r.outputs.paths);
    vec_release(&r.outputs.owners);
    if (lock >= 0)
        lock_release(lock);
    signal = summary.signal;
    if (status == 0)
        status = processing_look(p, out, e);
    out->signal = signal;
    return status;
}
