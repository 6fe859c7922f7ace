/* Instances side by side, each until it is done or has failed too often. */
#include "processing/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { EXIT_NOT_RUN = 126, EXIT_NOT_FOUND = 127, LOCK_MS = 300 };

struct waiting {
    size_t instance;
    unsigned attempt;
    usec due;
};

/* An attempt under way. */
struct trying {
    size_t instance;
    unsigned number;
    struct attempt *attempt; /* NULL: it is on another machine */
};

struct run {
    struct processing *p;
    const struct processing_run *how;
    struct processing_summary *summary;
    struct job_pool *pool;
    char **argv;                 /* the command as it is found, once for all */
    VEC(struct waiting) waiting; /* in order, but for those that are tried again */
    size_t next;
    bool stopping;
};

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
            result_forget(r->p, i);
            vec_push(&r->waiting, ((struct waiting){.instance = i, .attempt = 1}));
        }
    }
    buf_release(&room);
    return status;
}

/* ---- ends ---- */

static bool is_tried_again(const struct run *r, const struct trying *t,
                           const struct job_result *result)
{
    return result->status != 0 && t->number < r->p->job.attempts && !r->stopping &&
           !result->timed_out && result->class != JOB_LIMIT && result->status != EXIT_NOT_RUN &&
           result->status != EXIT_NOT_FOUND;
}

/* Those that were refused for want of something wait longer and longer. */
static usec pause_after(const struct job_result *result, unsigned attempt)
{
    bool scarce = result->class == JOB_THROTTLED || result->class == JOB_CAPACITY;
    return scarce ? USEC_SECOND << (attempt < 6 ? attempt - 1 : 5) : 0;
}

/* Of an attempt elsewhere: its result says more, or that it was not the first. */
static int take_result(struct run *r, struct processing_result *told, struct buf *room,
                       struct error *e)
{
    struct processing_result kept;
    int got = processing_result_of(r->p, told->instance, room, &kept, e);
    if (got < 0)
        return got;
    if (got == 0 || kept.status != 0)
        return error_set(e, ERR_SYSTEM,
                         "instance %zu ended well, but its result is not to be seen "
                         "here: is %s shared?",
                         told->instance, r->p->folder);
    kept.final = true;
    *told = kept;
    return 0;
}

static int end(struct run *r, const struct job_result *result, struct error *e)
{
    struct trying *t = result->tag;
    struct processing_result told;
    struct buf room = {0};
    char *message = NULL;
    bool first;
    instance_told(result, t->instance, t->number, &told);
    told.final = !is_tried_again(r, t, result);
    int status = t->attempt         ? instance_end(t->attempt, &told, &message, e)
                 : told.status == 0 ? take_result(r, &told, &room, e)
                                    : 0;
    if (!told.final)
        vec_push(&r->waiting, ((struct waiting){t->instance, t->number + 1,
                                                clock_now() + pause_after(result, t->number)}));
    else if (status == 0 && told.status != 0 && !(result->stopped && r->stopping))
        status = result_publish(r->p, &told, &first, e);
    r->summary->done += told.status == 0;
    if (r->how->tell)
        r->how->tell(r->how->context, &told);
    buf_release(&room);
    mem_free(message);
    attempt_close(t->attempt);
    mem_free(t);
    return status;
}

/* ---- starts ---- */

/* Whoever runs it there publishes its result. */
static int start_elsewhere(struct run *r, struct trying *t, struct error *e)
{
    char instance[24], number[24], program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0)
        return error_errno(e, "cannot find this program");
    program[n] = 0;
    (void)snprintf(instance, sizeof instance, "%zu", t->instance);
    (void)snprintf(number, sizeof number, "%u", t->number);
    char *argv[] = {program, (char[]){"instance"}, r->p->folder, instance, number, NULL};
    return job_start(r->pool, &(struct job){.argv = argv, .tag = t}, e);
}

/* It has failed before it began: its files do not belong together. */
static int refuse(struct run *r, struct trying *t, const struct error *why, struct error *e)
{
    struct job_result result = {.tag = t, .status = -why->code, .started = clock_now()};
    char text[sizeof why->file + sizeof why->message + 64];
    error_format(why, text, sizeof text);
    (void)snprintf(result.problem, sizeof result.problem, "%.*s", (int)sizeof result.problem - 1,
                   text);
    result.ended = result.started;
    return end(r, &result, e);
}

static int start(struct run *r, const struct waiting *w, struct error *e)
{
    struct trying *t = mem_alloc(sizeof *t);
    *t = (struct trying){.instance = w->instance, .number = w->attempt};
    struct error why = {0};
    int status =
        r->how->engine.executor == JOB_LOCAL
            ? instance_start(r->p, r->pool, r->argv, w->instance, w->attempt, t, &t->attempt, &why)
            : start_elsewhere(r, t, &why);
    if (status == ERR_DATA)
        return refuse(r, t, &why, e);
    if (status) {
        *e = why;
        mem_free(t);
    }
    return status;
}

/* The next that may start now; false: there is none. *wait_ms: until there may be one. */
static bool take_next(struct run *r, struct waiting *out, int *wait_ms)
{
    usec now = clock_now();
    *wait_ms = -1;
    if (r->stopping || !job_has_room(r->pool))
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
    if (status || (!job_running(r->pool) && wait_ms < 0))
        return status;
    switch (job_wait(r->pool, wait_ms, &result, e)) {
    case JOB_ENDED:
        return end(r, &result, e);
    case JOB_SIGNALLED:
        r->summary->signal = r->summary->signal ? r->summary->signal : result.signal;
        r->stopping = true;
        job_withdraw(r->pool);
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
    char *spool = mem_format("%s/spool", r->p->folder);
    /* What was just being started when a runner was killed has its lock for a moment. */
    int status = lock_acquire(path, true, LOCK_MS, lock, e);
    if (status == ERR_BUSY)
        error_set(e, ERR_BUSY, "job %s runs already", r->p->job.name);
    if (status == 0)
        status = lock_sign(*lock, e);
    if (status == 0)
        status = job_pool_open(&(struct job_pool_options){.journal = journal,
                                                          .catch_signals = true,
                                                          .engine = r->how->engine,
                                                          .spool = spool,
                                                          .slots = r->how->jobs},
                               &r->pool, e);
    mem_free(spool);
    mem_free(journal);
    mem_free(path);
    return status;
}

/* Attempts that a pool still had when it was closed. */
static void forget_running(struct run *r)
{
    struct job_result result;
    job_stop_all(r->pool);
    while (job_running(r->pool) && job_wait(r->pool, -1, &result, NULL) == JOB_ENDED) {
        struct trying *t = result.tag;
        attempt_close(t->attempt);
        mem_free(t);
    }
}

int processing_run(struct processing *p, const struct processing_run *how,
                   struct processing_summary *out, struct error *e)
{
    struct processing_summary summary = {.instances = p->instances};
    struct run r = {.p = p, .how = how, .summary = &summary, .argv = instance_command(&p->job)};
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
    instance_command_free(r.argv);
    if (lock >= 0)
        lock_release(lock);
    signal = summary.signal;
    if (status == 0)
        status = processing_look(p, out, e);
    out->signal = signal;
    return status;
}
