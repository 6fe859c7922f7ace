/* A pool on Slurm: jobs go into the spool, results come out of it. */
#include "job/slurm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { AHEAD = 16, EXIT_KILLED = 137, EXIT_STOPPED = 143 };
static const usec look_min = 5000, look_max = 100000;
static const usec usual_patience = 600 * USEC_SECOND;

static struct slurm *slurm_of(struct job_pool *pool)
{
    return (struct slurm *)(void *)pool;
}

static const struct slurm *slurm_of_const(const struct job_pool *pool)
{
    return (const struct slurm *)(const void *)pool;
}

/* ---- opening and closing ---- */

static void waiting_free(struct waiting *w)
{
    if (!w)
        return;
    mem_free(w->text);
    buf_release(&w->tail);
    mem_free(w);
}

/* A pool that was closed with jobs leaves its folder: the next one sees to it that all has ended.
 */
static void slurm_close(struct job_pool *pool)
{
    struct slurm *s = slurm_of(pool);
    if (s->spool) {
        bool idle = s->jobs.len == 0;
        (void)spool_put(s->spool, SPOOL_ORDERS, "closed", (struct text){"", 0}, NULL);
        pilots_cancel(s->spool->name, !idle);
        if (idle && folder_remove(s->spool->path, NULL) == 0)
            (void)rmdir(s->folder); /* unless somebody else is in it */
    }
    for (size_t i = 0; i < s->jobs.len; i++)
        waiting_free(s->jobs.at[i]);
    for (size_t i = 0; i < s->ended.len; i++)
        waiting_free(s->ended.at[i]);
    waiting_free(s->told);
    vec_release(&s->jobs);
    vec_release(&s->ended);
    asker_free(s->asker);
    children_free(s->children);
    queue_release(&s->queue);
    spool_names_release(&s->names);
    map_release(&s->dealt_with);
    spool_close(s->spool);
    mem_free(s->folder);
    mem_free(s);
}

static int answers(struct error *e)
{
    static const char *const ping[] = {"scontrol", "ping", NULL};
    struct buf out = {0};
    int status = slurm_run(ping, &out, e);
    if (status == ERR_SYSTEM || (status == 0 && !strstr(buf_text(&out), "UP")))
        status = error_set(e, ERR_BUSY, "no Slurm cluster answers: its controller is down");
    buf_release(&out);
    return status;
}

static int make_spool(struct slurm *s, const char *folder, struct error *e)
{
    struct buf environment = {0};
    int status = spool_make(folder, &s->spool, e);
    if (status == 0) {
        spool_put_environment(&environment, environ);
        status = spool_put(s->spool, SPOOL_ITSELF, "environment",
                           (struct text){environment.at, environment.len}, e);
    }
    buf_release(&environment);
    return status;
}

static int slurm_open(const struct job_pool_options *o, struct job_pool **out, struct error *e)
{
    if (!o->spool || o->slots == 0)
        return error_set(e, ERR_USAGE, "jobs on Slurm need a spool, and a number at once");
    int status = answers(e);
    if (status)
        return status;
    struct slurm *s = mem_alloc(sizeof *s);
    s->pool.engine = &job_slurm;
    s->options = o->engine;
    if (s->options.patience == 0)
        s->options.patience = usual_patience;
    s->slots = o->slots;
    s->folder = mem_text(o->spool);
    s->look_pause = look_min;
    status = make_spool(s, o->spool, e);
    if (status == 0) {
        s->children = children_new(o->catch_signals, e);
        s->asker =
            s->children ? asker_new(s->children, s->spool->name, s->options.patience, e) : NULL;
        status = s->asker ? 0 : ERR_SYSTEM;
    }
    if (status == 0)
        *out = &s->pool;
    else
        slurm_close(&s->pool);
    return status;
}

/* ---- starting ---- */

static int put_to_do(struct slurm *s, const struct waiting *w, struct error *e)
{
    char name[SPOOL_NAME];
    return spool_put(s->spool, SPOOL_TODO, job_name_print(name, &w->name, false), text_of(w->text),
                     e);
}

static int slurm_start(struct job_pool *pool, const struct job *j, struct error *e)
{
    struct slurm *s = slurm_of(pool);
    struct buf text = {0};
    if (j->streams && (j->streams[0] >= 0 || j->streams[1] >= 0))
        return error_set(e, ERR_USAGE, "a job on Slurm has no streams of its own");
    spool_put_job(&text, j);
    struct waiting *w = mem_alloc(sizeof *w);
    *w = (struct waiting){.tag = j->tag, .text = buf_take(&text)};
    w->name.id = ++s->last_id;
    w->name.attempt = 1;
    int status = put_to_do(s, w, e);
    if (status) {
        waiting_free(w);
        return status;
    }
    vec_push(&s->jobs, w);
    s->look_pause = look_min;
    return 0;
}

static size_t slurm_running(const struct job_pool *pool)
{
    const struct slurm *s = slurm_of_const(pool);
    return s->jobs.len + s->ended.len;
}

static bool slurm_has_room(const struct job_pool *pool, unsigned slots)
{
    return slurm_running(pool) < 2 * (size_t)slots + AHEAD;
}

/* ---- ends ---- */

void slurm_end(struct slurm *s, struct waiting *w)
{
    char stop[32];
    for (size_t i = 0; i < s->jobs.len; i++)
        if (s->jobs.at[i] == w) {
            memmove(s->jobs.at + i, s->jobs.at + i + 1, (--s->jobs.len - i) * sizeof w);
            break;
        }
    if (w->stopped) {
        (void)snprintf(stop, sizeof stop, "stop.%u", (unsigned)w->name.id);
        (void)spool_drop(s->spool, SPOOL_ORDERS, stop);
    }
    vec_push(&s->ended, w);
}

static void order_stop(struct slurm *s, const struct waiting *w)
{
    char stop[32];
    (void)snprintf(stop, sizeof stop, "stop.%u", (unsigned)w->name.id);
    (void)spool_put(s->spool, SPOOL_ORDERS, stop, (struct text){"", 0}, NULL);
}

/* False when a worker was faster. */
static bool take_back(struct slurm *s, const struct waiting *w)
{
    char name[SPOOL_NAME];
    return spool_drop(s->spool, SPOOL_TODO, job_name_print(name, &w->name, false));
}

/* Those that a worker has may go on: it is told to end them, but nobody waits for that. */
void slurm_end_all(struct slurm *s, enum job_class class, const char *problem)
{
    while (s->jobs.len) {
        struct waiting *w = s->jobs.at[0];
        if (!take_back(s, w))
            order_stop(s, w);
        w->stopped = false; /* the order stays */
        w->result = (struct job_result){.class = class, .status = EXIT_KILLED};
        w->result.started = w->result.ended = clock_now();
        (void)snprintf(w->result.problem, sizeof w->result.problem, "%s", problem);
        slurm_end(s, w);
    }
}

static void end_stopped(struct slurm *s, struct waiting *w)
{
    w->result = (struct job_result){
        .class = JOB_FAILED, .status = EXIT_STOPPED, .signal = SIGTERM, .stopped = true};
    slurm_end(s, w);
}

int slurm_lose(struct slurm *s, struct waiting *w, struct error *e)
{
    char name[SPOOL_NAME];
    usec now = clock_now();
    if (w->taken)
        (void)spool_drop(s->spool, SPOOL_TAKEN, job_name_print(name, &w->name, true));
    if (w->stopped) {
        end_stopped(s, w);
        return 0;
    }
    if (w->was_lost) {
        w->result = (struct job_result){
            .class = JOB_INTERNAL, .status = EXIT_KILLED, .started = now, .ended = now};
        (void)snprintf(w->result.problem, sizeof w->result.problem, "lost with node %s%s",
                       w->name.worker.node, ", for the second time");
        slurm_end(s, w);
        return 0;
    }
    w->was_lost = true;
    w->taken = w->asked = false;
    w->fenced = 0;
    w->name.attempt++;
    s->look_pause = look_min;
    return put_to_do(s, w, e);
}

static struct waiting *find(struct slurm *s, const struct job_name *n)
{
    for (size_t i = 0; i < s->jobs.len; i++)
        if (s->jobs.at[i]->name.id == n->id)
            return s->jobs.at[i]->name.attempt == n->attempt ? s->jobs.at[i] : NULL;
    return NULL;
}

static int take_result(struct slurm *s, struct waiting *w, const char *name, struct error *e)
{
    struct buf text = {0};
    bool lost = true; /* so is one whose result cannot be read */
    if (spool_get(s->spool, SPOOL_DONE, name, &text, NULL) == 0) {
        w->tail.len = 0;
        (void)spool_read_result((struct text){text.at, text.len}, &w->result, &w->tail,
                                w->name.worker.node, &lost, NULL);
    }
    buf_release(&text);
    if (lost)
        return slurm_lose(s, w, e);
    w->result.stopped = w->result.stopped && w->stopped;
    slurm_end(s, w);
    return 0;
}

int slurm_collect(struct slurm *s, struct error *e)
{
    int status = 0;
    if (!spool_list(s->spool, SPOOL_DONE, &s->names))
        return error_set(e, ERR_SYSTEM, "%s is gone", s->spool->path);
    for (size_t i = 0; i < s->names.at.len && status == 0; i++) {
        const char *name = s->names.at.at[i];
        struct job_name n;
        struct waiting *w = job_name_parse(name, false, &n) ? find(s, &n) : NULL;
        if (w) {
            status = take_result(s, w, name, e);
            s->fruitless = 0;
            s->silent_since = 0;
        }
        (void)spool_drop(s->spool, SPOOL_DONE, name);
    }
    return status;
}

/* ---- waiting ---- */

static int look(struct slurm *s, usec now, struct error *e)
{
    size_t before = s->ended.len;
    if (s->jobs.len == 0 || now < s->look_due)
        return 0;
    int status = slurm_collect(s, e);
    if (s->ended.len > before)
        s->look_pause = look_min;
    s->look_due = now + s->look_pause;
    s->look_pause += s->look_pause / 2;
    if (s->look_pause > look_max)
        s->look_pause = look_max;
    return status;
}

static void tell(struct slurm *s, struct job_result *out)
{
    waiting_free(s->told);
    struct waiting *w = s->told = s->ended.at[0];
    memmove(s->ended.at, s->ended.at + 1, --s->ended.len * sizeof w);
    *out = w->result;
    out->tag = w->tag;
    out->tail = (struct text){w->tail.at, w->tail.len};
}

/* Milliseconds until something is to be looked at, at most until `until`. */
static int time_to_wait(const struct slurm *s, usec until, usec now)
{
    usec due = s->jobs.len ? s->look_due : now + look_max;
    if (until < due)
        due = until;
    return due > now ? (int)((due - now + 999) / 1000) : 0;
}

static int slurm_wait(struct job_pool *pool, int timeout_ms, struct job_result *out,
                      struct error *e)
{
    struct slurm *s = slurm_of(pool);
    usec until = timeout_ms < 0 ? INT64_MAX : clock_now() + (usec)timeout_ms * 1000;
    for (;;) {
        struct child_event event;
        usec now = clock_now();
        int status = s->ended.len ? 0 : look(s, now, e);
        if (status == 0 && s->ended.len == 0)
            status = pilots_tend(s, now, e);
        if (status)
            return status;
        if (s->ended.len) {
            tell(s, out);
            return JOB_ENDED;
        }
        status = children_wait(s->children, time_to_wait(s, until, clock_now()), &event, e);
        if (status == 0 && event.kind == CHILDREN_SIGNALLED) {
            *out = (struct job_result){.signal = event.signal};
            return JOB_SIGNALLED;
        }
        if (status == 0 && event.kind != CHILDREN_IDLE)
            status = pilots_hear(s, &event, e);
        if (status)
            return status;
        if (s->ended.len == 0 && clock_now() >= until)
            return JOB_IDLE;
    }
}

/* ---- stopping ---- */

static void stop_one(struct slurm *s, struct waiting *w)
{
    if (w->stopped)
        return;
    w->stopped = true;
    if (take_back(s, w))
        end_stopped(s, w);
    else
        order_stop(s, w);
}

static void slurm_stop(struct job_pool *pool, const void *tag)
{
    struct slurm *s = slurm_of(pool);
    for (size_t i = s->jobs.len; i-- > 0;)
        if (s->jobs.at[i]->tag == tag)
            stop_one(s, s->jobs.at[i]);
}

static void slurm_stop_all(struct job_pool *pool)
{
    struct slurm *s = slurm_of(pool);
    for (size_t i = s->jobs.len; i-- > 0;)
        stop_one(s, s->jobs.at[i]);
}

static void slurm_withdraw(struct job_pool *pool)
{
    struct slurm *s = slurm_of(pool);
    for (size_t i = s->jobs.len; i-- > 0;)
        if (take_back(s, s->jobs.at[i]))
            end_stopped(s, s->jobs.at[i]);
}

const struct job_engine job_slurm = {
    .clear = pilots_clear,
    .open = slurm_open,
    .close = slurm_close,
    .start = slurm_start,
    .running = slurm_running,
    .has_room = slurm_has_room,
    .wait = slurm_wait,
    .stop = slurm_stop,
    .stop_all = slurm_stop_all,
    .withdraw = slurm_withdraw,
};
