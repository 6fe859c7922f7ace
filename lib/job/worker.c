/* A pilot: it takes jobs from a spool, one after another, and runs them on its own machine. */
#include "job/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOOK_MS = 200, HEAR_MS = 250, PAUSE_MIN_MS = 1, PAUSE_MAX_MS = 50 };
static const usec idle_limit = 10 * USEC_SECOND, orders_pause = 100000;

struct worker {
    struct spool *spool;
    struct job_pool *pool;
    struct worker_name name;
    char orders_to_end[SPOOL_NAME + 8]; /* lost.WORKER */
    usec looked;                        /* when it looked for orders */
    char **environment;
    struct spool_names names, todo;
    size_t next; /* of todo: the list is looked into before there is a new one */
    struct arena arena, job_arena;
};

/* ---- who it is ---- */

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

/* Outside Slurm (in tests) it is known by its process. */
static void name_it(struct worker *w)
{
    char print[SPOOL_NAME], host[64] = "";
    const char *node = getenv("SLURMD_NODENAME");
    (void)gethostname(host, sizeof host - 1);
    w->name = (struct worker_name){.array = number_of("SLURM_ARRAY_JOB_ID", 0),
                                   .task = number_of("SLURM_ARRAY_TASK_ID", (uint64_t)getpid()),
                                   .restarts = number_of("SLURM_RESTART_COUNT", 0)};
    (void)snprintf(w->name.node, sizeof w->name.node, "%s", node ? node : host);
    (void)snprintf(w->orders_to_end, sizeof w->orders_to_end, "lost.%s",
                   worker_name_print(print, &w->name));
}

/* ---- orders ---- */

enum orders { ORDER_NONE, ORDER_STOP, ORDER_END };

/* A spool that is gone is closed. `id`: of the job at hand; 0: none. */
static enum orders look_at_orders(struct worker *w, uint32_t id)
{
    char stop[32];
    w->looked = clock_now();
    if (!spool_list(w->spool, SPOOL_ORDERS, &w->names) || spool_names_have(&w->names, "closed") ||
        spool_names_have(&w->names, w->orders_to_end))
        return ORDER_END;
    (void)snprintf(stop, sizeof stop, "stop.%u", (unsigned)id);
    return id && spool_names_have(&w->names, stop) ? ORDER_STOP : ORDER_NONE;
}

/* ---- a job ---- */

static bool take_listed(struct worker *w, struct job_name *out)
{
    char taken[SPOOL_NAME];
    while (w->next < w->todo.at.len) {
        const char *name = w->todo.at.at[w->next++];
        if (!job_name_parse(name, false, out))
            continue;
        out->worker = w->name;
        if (spool_move(w->spool, SPOOL_TODO, name, SPOOL_TAKEN, job_name_print(taken, out, true)))
            return true;
    }
    return false;
}

/* The first one that waits; others may take it first. */
static bool take_job(struct worker *w, struct job_name *out)
{
    if (take_listed(w, out))
        return true;
    w->next = 0;
    return spool_list(w->spool, SPOOL_TODO, &w->todo) && take_listed(w, out);
}

static int publish(struct worker *w, const struct job_name *n, const struct job_result *r,
                   bool lost, struct error *e)
{
    char name[SPOOL_NAME];
    struct buf text = {0};
    spool_put_result(&text, r, w->name.node, lost);
    int status = spool_put(w->spool, SPOOL_DONE, job_name_print(name, n, false),
                           (struct text){text.at, text.len}, e);
    if (status == 0)
        (void)spool_drop(w->spool, SPOOL_TAKEN, job_name_print(name, n, true));
    buf_release(&text);
    return status;
}

static int start(struct worker *w, const struct job_name *n, struct error *e)
{
    char name[SPOOL_NAME];
    struct buf text = {0};
    struct job job;
    arena_reset(&w->job_arena);
    int status = spool_get(w->spool, SPOOL_TAKEN, job_name_print(name, n, true), &text, e);
    if (status == 0)
        status = spool_read_job((struct text){text.at, text.len}, &w->job_arena, &job, e);
    if (status == 0) {
        job.environment =
            spool_with_slurm(job.environment ? job.environment : w->environment, &w->job_arena);
        status = job_start(w->pool, &job, e);
    }
    buf_release(&text);
    return status;
}

/* Slurm signals all processes of a pilot at once: that the job failed may be known before that we
 * are to end, too. */
static bool hears_the_end(struct worker *w, const struct job_result *r, struct error *e)
{
    struct job_result news;
    return r->status != 0 && !r->stopped && !r->timed_out &&
           job_wait(w->pool, HEAR_MS, &news, e) == JOB_SIGNALLED;
}

/* Told to end, as by scancel, preemption or the limit of its time, it ends its job first: that is
 * lost, but nobody need find out. 1: go on; 0: it is to end. */
static int see_it_through(struct worker *w, const struct job_name *n, struct error *e)
{
    struct job_result r;
    bool told_to_end = false;
    for (;;) {
        int got = job_wait(w->pool, LOOK_MS, &r, e);
        if (got < 0)
            return got;
        if (got == JOB_ENDED)
            break;
        if (got == JOB_SIGNALLED) {
            told_to_end = true;
            job_stop_all(w->pool);
        }
        switch (look_at_orders(w, n->id)) {
        case ORDER_END: /* the pool's close kills the job */
            return 0;
        case ORDER_STOP:
            job_stop_all(w->pool);
            break;
        case ORDER_NONE:
            break;
        }
    }
    char *tail = mem_copy(r.tail.at, r.tail.len); /* it is borrowed until we wait again */
    r.tail.at = tail;
    told_to_end = told_to_end || hears_the_end(w, &r, e);
    int status = publish(w, n, &r, told_to_end && r.status != 0, e);
    mem_free(tail);
    return status ? status : !told_to_end;
}

/* ---- the worker ---- */

static int work(struct worker *w, struct error *e)
{
    usec since = clock_now();
    int pause = PAUSE_MIN_MS, status = 1;
    while (status > 0) {
        struct job_name n;
        struct job_result r;
        if (clock_now() - w->looked > orders_pause && look_at_orders(w, 0) == ORDER_END)
            return 0;
        if (take_job(w, &n)) {
            status = start(w, &n, e);
            if (status == 0)
                status = see_it_through(w, &n, e);
            since = clock_now();
            pause = PAUSE_MIN_MS;
            continue;
        }
        if (clock_now() - since > idle_limit)
            return 0;
        status = job_wait(w->pool, pause, &r, e);
        if (status >= 0)
            status = status != JOB_SIGNALLED;
        pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
    }
    return status;
}

static int load_environment(struct worker *w, struct error *e)
{
    struct buf text = {0};
    int status = spool_get(w->spool, SPOOL_ITSELF, "environment", &text, e);
    if (status == 0)
        status =
            spool_read_environment((struct text){text.at, text.len}, &w->arena, &w->environment, e);
    buf_release(&text);
    return status;
}

int job_worker(const char *path, struct error *e)
{
    struct worker w = {.spool = spool_open(path)};
    name_it(&w);
    /* a pilot that comes after all is done finds nothing: that is no mistake */
    int status = 0;
    if (access(path, F_OK) == 0 || errno != ENOENT) {
        status = load_environment(&w, e);
        if (status == 0)
            status = job_pool_open(&(struct job_pool_options){.catch_signals = true}, &w.pool, e);
        if (status == 0)
            status = work(&w, e);
        if (status && look_at_orders(&w, 0) == ORDER_END) /* what failed is that it was gone */
            status = 0;
    }
    job_pool_close(w.pool);
    spool_names_release(&w.names);
    spool_names_release(&w.todo);
    arena_release(&w.arena);
    arena_release(&w.job_arena);
    spool_close(w.spool);
    return status;
}
