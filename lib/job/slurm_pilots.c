/* Pilots: tasks of array jobs that run workers. How many there are, whether those that have a job
 * still live, and the end of those that a killed process left. */
#include "job/slurm.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { ARRAY_MAX = 1000, FRUITLESS_MAX = 3, SECONDS_TO_DIE = 30 };
static const usec ask_pause = USEC_SECOND, submit_pause = USEC_SECOND;
/* A worker looks for orders several times a second: one that is held for dead but is not ends its
 * job before another worker begins it. */
static const usec fence_time = 3 * USEC_SECOND;

/* ---- starting them ---- */

/* In single quotes for the shell. */
static void put_quoted(struct buf *b, const char *text)
{
    buf_putc(b, '\'');
    for (; *text; text++)
        if (*text == '\'')
            buf_puts(b, "'\\''");
        else
            buf_putc(b, *text);
    buf_putc(b, '\'');
}

static int worker_command(const struct slurm *s, struct buf *out, struct error *e)
{
    char program[4096];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n < 0)
        return error_errno(e, "cannot tell what program this is");
    program[n] = '\0';
    buf_puts(out, "--wrap=exec ");
    put_quoted(out, program);
    buf_puts(out, " worker ");
    put_quoted(out, s->spool->path);
    return 0;
}

/* The words are in the arena. */
static int submit_command(const struct slurm *s, size_t count, struct arena *a, char ***out,
                          struct error *e)
{
    static const char *const fixed[] = {"sbatch",       "--parsable",
                                        "--requeue",    "--open-mode=append",
                                        "--export=ALL", "--kill-on-invalid-dep=yes",
                                        "--ntasks=1",   "--chdir=/"};
    const struct job_engine_options *o = &s->options;
    VEC(char *) v = {0};
    struct buf wrap = {0};
    int status = worker_command(s, &wrap, e);
    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        vec_push(&v, arena_text(a, fixed[i], strlen(fixed[i])));
    vec_push(&v, arena_format(a, "--job-name=%s", s->spool->name));
    vec_push(&v, arena_format(a, "--array=0-%zu", count - 1));
    vec_push(&v, arena_format(a, "--output=%s/pilots.log", s->spool->path));
    if (o->partition)
        vec_push(&v, arena_format(a, "--partition=%s", o->partition));
    if (o->cpus)
        vec_push(&v, arena_format(a, "--cpus-per-task=%u", o->cpus));
    if (o->memory)
        vec_push(&v,
                 arena_format(a, "--mem=%lluK", (unsigned long long)((o->memory + 1023) >> 10)));
    for (size_t i = 0; i < o->option_count; i++)
        vec_push(&v, arena_text(a, o->options[i], strlen(o->options[i])));
    vec_push(&v, arena_text(a, buf_text(&wrap), wrap.len));
    vec_push(&v, NULL);
    *out = arena_copy(a, v.at, v.len * sizeof *v.at);
    vec_release(&v);
    buf_release(&wrap);
    return status;
}

/* Nobody answers: that may pass, or has gone on for too long. */
static void note_silence(struct slurm *s, usec now, const struct error *why)
{
    if (s->silent_since == 0)
        s->silent_since = now;
    if (now - s->silent_since >= s->options.patience)
        slurm_end_all(s, JOB_UNREACHABLE, why->message);
}

static int submit(struct slurm *s, size_t count, usec now, struct error *e)
{
    struct arena arena = {0};
    struct error why = {0};
    char **argv = NULL;
    int status = submit_command(s, count, &arena, &argv, e);
    if (status == 0) {
        status = slurm_run((const char *const *)argv, NULL, &why);
        now = clock_now();
        s->submit_due = now + submit_pause;
        s->submitted = now;
        if (status == 0)
            s->fresh += count;
        else if (status == ERR_BUSY)
            note_silence(s, now, &why);
        else if (e)
            *e = why;
        s->fruitless += status == 0;
        status = status == ERR_BUSY ? 0 : status;
    }
    arena_release(&arena);
    return status;
}

/* Pilots come to an end before they do anything. */
static void give_up(struct slurm *s)
{
    struct buf log = {0};
    char problem[256];
    (void)spool_get(s->spool, SPOOL_ITSELF, "pilots.log", &log, NULL);
    while (log.len && log.at[log.len - 1] == '\n')
        log.len--;
    const char *text = buf_text(&log), *newline = strrchr(text, '\n');
    (void)snprintf(problem, sizeof problem, "jobs of Slurm end without doing anything: %s",
                   newline ? newline + 1 : text);
    slurm_end_all(s, JOB_INTERNAL, problem);
    buf_release(&log);
}

/* As many as there are jobs, without those whose worker is held for dead: they wait. */
static size_t pilots_wanted(const struct slurm *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->jobs.len && n < s->slots; i++)
        n += s->jobs.at[i]->fenced == 0;
    return n < ARRAY_MAX ? n : ARRAY_MAX;
}

static int start_those_missing(struct slurm *s, usec now, struct error *e)
{
    size_t want = pilots_wanted(s), have = s->alive + s->fresh;
    if (want <= have || now < s->submit_due)
        return 0;
    if (s->fruitless < FRUITLESS_MAX)
        return submit(s, want - have, now, e);
    if (have == 0)
        give_up(s);
    return 0;
}

/* ---- who has what ---- */

static bool is_same(const struct worker_name *a, const struct worker_name *b)
{
    return a->array == b->array && a->task == b->task && a->restarts == b->restarts;
}

/* Before squeue is asked: what it says of a worker that began later would be too old. */
static void note_those_taken(struct slurm *s)
{
    if (!spool_list(s->spool, SPOOL_TAKEN, &s->names))
        return;
    for (size_t i = 0; i < s->names.at.len; i++) {
        struct job_name n;
        if (!job_name_parse(s->names.at.at[i], true, &n))
            continue;
        for (size_t k = 0; k < s->jobs.len; k++) {
            struct waiting *w = s->jobs.at[k];
            if (w->name.id != n.id || w->name.attempt != n.attempt)
                continue;
            if (!w->taken || !is_same(&w->name.worker, &n.worker))
                s->fruitless = 0;
            w->taken = w->asked = true;
            w->name.worker = n.worker;
        }
    }
}

static bool is_alive(const struct slurm *s, const struct worker_name *w)
{
    const struct pilot *p = queue_find(&s->queue, w->array, w->task);
    return p && p->state == PILOT_RUNS && (p->restarts < 0 || (uint64_t)p->restarts <= w->restarts);
}

static void fence_those_gone(struct slurm *s, usec now)
{
    for (size_t i = 0; i < s->jobs.len; i++) {
        struct waiting *w = s->jobs.at[i];
        char name[SPOOL_NAME];
        if (!w->taken || !w->asked || w->fenced || is_alive(s, &w->name.worker))
            continue;
        char *lost = mem_format("lost.%s", worker_name_print(name, &w->name.worker));
        (void)spool_put(s->spool, SPOOL_ORDERS, lost, (struct text){"", 0}, NULL);
        mem_free(lost);
        w->fenced = now;
    }
}

/* What they had finished was collected just now. */
static int lose_those_fenced(struct slurm *s, usec now, struct error *e)
{
    int status = 0;
    bool due = false;
    for (size_t i = 0; i < s->jobs.len; i++)
        due = due || (s->jobs.at[i]->fenced && now - s->jobs.at[i]->fenced >= fence_time);
    if (due)
        status = slurm_collect(s, e);
    for (size_t i = s->jobs.len; i-- > 0 && status == 0;) {
        struct waiting *w = s->jobs.at[i];
        if (w->fenced && now - w->fenced >= fence_time)
            status = slurm_lose(s, w, e);
    }
    return status;
}

/* ---- pilots that are held, or delayed ---- */

/* True the first time for these words. */
static bool is_first(struct slurm *s, const char *words)
{
    bool is_new;
    map_put(&s->dealt_with, text_of(words), &is_new);
    return is_new;
}

/* Released once; one that is held again never runs. */
static void release_or_cancel(struct slurm *s, const char *id)
{
    const char *const release[] = {"scontrol", "release", id, NULL};
    const char *const cancel[] = {"scancel", id, NULL};
    (void)slurm_run(is_first(s, id) ? release : cancel, NULL, NULL);
}

/* A cluster keeps those that it starts anew waiting for minutes, for the sake of nodes that come
 * back: ours have nothing there. Those that were never started wait as the user wants it. */
static void hurry(struct slurm *s, const struct pilot *p, const char *id)
{
    char job[80], words[96];
    (void)snprintf(job, sizeof job, "JobId=%s", id);
    (void)snprintf(words, sizeof words, "%s %lld", job, (long long)p->restarts);
    const char *const update[] = {"scontrol", "update", job, "StartTime=now", NULL};
    if (p->restarts != 0 && is_first(s, words))
        (void)slurm_run(update, NULL, NULL);
}

static void look_after(struct slurm *s, const struct pilot *p)
{
    char id[64];
    (void)snprintf(id, sizeof id, "%llu_%llu", (unsigned long long)p->array,
                   (unsigned long long)p->task);
    if (p->state == PILOT_HELD)
        release_or_cancel(s, id);
    else if (p->delayed)
        hurry(s, p, id);
}

static void take_answer(struct slurm *s, usec now)
{
    s->alive = 0;
    s->silent_since = 0;
    if (s->submitted < s->asked)
        s->fresh = 0;
    for (size_t i = 0; i < s->queue.pilots.len; i++) {
        const struct pilot *p = &s->queue.pilots.at[i];
        s->alive += p->state != PILOT_ENDED;
        look_after(s, p);
    }
    fence_those_gone(s, now);
}

/* ---- tending ---- */

int pilots_hear(struct slurm *s, const struct child_event *event, struct error *e)
{
    struct error why = {0};
    (void)e;
    int got = asker_hear(s->asker, event, &s->queue, &why);
    if (got > 0)
        take_answer(s, clock_now());
    else if (got < 0)
        note_silence(s, clock_now(), &why);
    return 0;
}

int pilots_tend(struct slurm *s, usec now, struct error *e)
{
    if (s->jobs.len == 0)
        return 0;
    asker_end_if_late(s->asker, now);
    if (s->ask_due == 0)
        s->ask_due = now + ask_pause;
    if (!asker_asks(s->asker) && now >= s->ask_due) {
        note_those_taken(s);
        s->asked = now;
        s->ask_due = now + ask_pause;
        asker_begin(s->asker, now);
    }
    int status = lose_those_fenced(s, now, e);
    return status ? status : start_those_missing(s, now, e);
}

/* ---- ending them ---- */

void pilots_cancel(const char *name, bool kill)
{
    const char *const at_once[] = {"scancel", "--signal=KILL", "--full", "-n", name, NULL};
    const char *const cancel[] = {"scancel", "-n", name, NULL};
    if (kill)
        (void)slurm_run(at_once, NULL, NULL);
    (void)slurm_run(cancel, NULL, NULL);
}

static int wait_for_end(const char *name, struct error *e)
{
    const char *const ask[] = {"squeue", "-h", "-a", "-n", name, "-o", "%i", NULL};
    const struct timespec pause = {.tv_nsec = 100000000};
    for (int i = 0; i < SECONDS_TO_DIE * 10; i++) {
        struct buf out = {0};
        int status = slurm_run(ask, &out, e);
        bool none = status == ERR_NO || (status == 0 && out.len == 0);
        buf_release(&out);
        if (none)
            return 0;
        if (status)
            return status;
        (void)nanosleep(&pause, NULL);
    }
    return error_set(e, ERR_BUSY, "the jobs %s of a run that was killed do not end", name);
}

static int end_left(const char *folder, const char *name, struct error *e)
{
    const struct timespec second = {.tv_sec = 1};
    char *path = mem_format("%s/%s", folder, name);
    struct spool *left = spool_open(path);
    struct spool_names taken = {0};
    struct error why = {0};
    (void)spool_put(left, SPOOL_ORDERS, "closed", (struct text){"", 0}, NULL);
    pilots_cancel(name, true);
    int status = wait_for_end(name, &why);
    /* a worker that Slurm has lost sees the order, if it is there */
    if (status == 0 && spool_list(left, SPOOL_TAKEN, &taken) && taken.at.len)
        (void)nanosleep(&second, NULL);
    if (status == 0)
        status = folder_remove(path, &why);
    if (status)
        error_set(e, ERR_BUSY, "%s is of a run that was killed: %s", path, why.message);
    spool_names_release(&taken);
    spool_close(left);
    mem_free(path);
    return status ? ERR_BUSY : 0;
}

int pilots_clear(const struct job_pool_options *o, struct error *e)
{
    DIR *folder = o->spool ? opendir(o->spool) : NULL;
    int status = 0;
    if (!folder)
        return 0;
    for (const struct dirent *d; status == 0 && (d = readdir(folder));)
        if (strncmp(d->d_name, "ml-", 3) == 0)
            status = end_left(o->spool, d->d_name, e);
    closedir(folder);
    if (status == 0)
        (void)rmdir(o->spool);
    return status;
}
