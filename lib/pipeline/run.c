/* A run: steps in turn, as many at once as there are jobs, none that need not. */
#include "pipeline/condition.h"
#include "pipeline/running.h"
#include "pipeline/seal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMMIT_EVENTS = 256, COMMIT_AFTER = 100000 };

const char *step_state_name(enum step_state s)
{
    static const char *const names[] = {
        [STEP_WAITING] = "Waiting",     [STEP_RUNNING] = "Executing",
        [STEP_SUCCEEDED] = "Succeeded", [STEP_UP_TO_DATE] = "UpToDate",
        [STEP_RESTORED] = "Restored",   [STEP_FAILED] = "Failed",
        [STEP_STOPPED] = "Stopped",     [STEP_SKIPPED] = "Skipped",
        [STEP_BLOCKED] = "Blocked",     [STEP_WOULD_RUN] = "WouldRun"};
    return names[s];
}

/* ---- the queue: by priority, then in the order of the definition ---- */

static bool comes_first(const struct run *r, uint32_t a, uint32_t b)
{
    int64_t x = r->p->steps[a].entry->priority, y = r->p->steps[b].entry->priority;
    return x != y ? x > y : a < b;
}

static void queue_push(struct run *r, uint32_t step)
{
    vec_push(&r->ready, step);
    uint32_t *at = r->ready.at;
    for (size_t i = r->ready.len - 1; i > 0 && comes_first(r, at[i], at[(i - 1) / 2]);
         i = (i - 1) / 2) {
        uint32_t x = at[i];
        at[i] = at[(i - 1) / 2];
        at[(i - 1) / 2] = x;
    }
}

static uint32_t queue_pop(struct run *r)
{
    uint32_t *at = r->ready.at, first = at[0];
    size_t n = --r->ready.len;
    at[0] = at[n];
    for (size_t i = 0, child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && comes_first(r, at[child + 1], at[child]))
            child++;
        if (!comes_first(r, at[child], at[i]))
            break;
        uint32_t x = at[i];
        at[i] = at[child];
        at[child] = x;
    }
    return first;
}

/* ---- what becomes of a step ---- */

static void count(struct run_summary *s, enum step_state state)
{
    size_t *const counts[] = {[STEP_SUCCEEDED] = &s->ran,      [STEP_UP_TO_DATE] = &s->up_to_date,
                              [STEP_RESTORED] = &s->restored,  [STEP_FAILED] = &s->failed,
                              [STEP_SKIPPED] = &s->skipped,    [STEP_BLOCKED] = &s->blocked,
                              [STEP_WOULD_RUN] = &s->would_run};
    if (state < COUNT_OF(counts) && counts[state])
        ++*counts[state];
}

/* What those that wait for a step become when it has become this: STEP_WAITING, they go on. */
static enum step_state follows(enum step_state s)
{
    return s == STEP_FAILED || s == STEP_STOPPED || s == STEP_BLOCKED ? STEP_BLOCKED
           : s == STEP_SKIPPED                                        ? STEP_SKIPPED
                                                                      : STEP_WAITING;
}

/* Those that wait for it may now run, or never will. */
static void release_waiters(struct run *r, uint32_t step)
{
    const struct pipeline *p = r->p;
    enum step_state next = follows(r->state[step]);
    for (uint32_t k = p->waiters_from[step]; k < p->waiters_from[step + 1]; k++) {
        uint32_t waiter = p->waiters[k];
        if (next == STEP_BLOCKED || (next == STEP_SKIPPED && r->fate[waiter] == STEP_WAITING))
            r->fate[waiter] = (uint8_t)next;
        if (--r->left[waiter] == 0)
            queue_push(r, waiter);
    }
}

void run_settle(struct run *r, uint32_t step, enum step_state state,
                const struct job_result *result, const char *why)
{
    r->state[step] = (uint8_t)state;
    count(r->summary, state);
    if (state == STEP_FAILED && !r->o->keep_going) {
        r->stopping = true;
        if (r->pool)
            job_withdraw(r->pool);
    }
    if (r->o->tell)
        r->o->tell(r->o->context, &(struct run_event){.step = &r->p->steps[step],
                                                      .state = state,
                                                      .attempt = r->attempt[step],
                                                      .result = result,
                                                      .why = why});
    release_waiters(r, step);
}

/* ---- a step whose turn has come ---- */

static bool is_chosen(const struct run *r, uint32_t step)
{
    return !r->o->chosen || r->o->chosen[step];
}

/* What an earlier run made of the same, when that may be taken for what this one would. */
static const struct record *usable_record(const struct run *r, uint32_t step)
{
    const struct step *s = &r->p->steps[step];
    if (s->out_count == 0 || !s->entry->cache || (r->o->forced && r->o->forced[step]))
        return NULL;
    const struct record *record = records_of(&r->records, &r->fingerprint[step]);
    if (!record || record->out_count != s->out_count)
        return NULL;
    bool lasts = !s->entry->cache_lasts || record->ended + s->entry->cache_lasts >= clock_now();
    return lasts ? record : NULL;
}

static bool is_there(const struct run *r, uint32_t path, const struct digest *digest)
{
    const struct file_state *f = &r->files[path];
    return f->kind != FILE_MISSING && memcmp(&f->digest, digest, sizeof *digest) == 0;
}

static bool is_up_to_date(const struct run *r, uint32_t step, const struct record *record)
{
    const struct step *s = &r->p->steps[step];
    for (uint32_t k = 0; k < s->out_count; k++)
        if (!is_there(r, s->out[k], &record->out[k]))
            return false;
    return true;
}

/* 1 when all outputs are there again; 0: some are not kept. */
static int restore(struct run *r, uint32_t step, const struct record *record, struct error *e)
{
    const struct step *s = &r->p->steps[step];
    int status = 1;
    for (uint32_t k = 0; k < s->out_count && status > 0; k++) {
        struct file_state *f = &r->files[s->out[k]];
        if (is_there(r, s->out[k], &record->out[k]))
            continue;
        char *path = run_path(r, s->out[k]);
        status = objects_restore(r->objects, r->digests, &record->out[k], path, e);
        mem_free(path);
        if (status > 0 &&
            digests_of(r->digests, r->p->folder, &r->p->paths[s->out[k]], 1, 1, f, e) < 0)
            status = ERR_SYSTEM;
    }
    return status;
}

/* In a dry run nothing is known of what a step that would run makes. */
static void would_run(struct run *r, uint32_t step, const char *why)
{
    const struct step *s = &r->p->steps[step];
    for (uint32_t k = 0; k < s->out_count; k++)
        r->unknown[s->out[k]] = true;
    run_settle(r, step, STEP_WOULD_RUN, NULL, why);
}

static bool has_unknown_input(const struct run *r, uint32_t step)
{
    const struct step *s = &r->p->steps[step];
    for (uint32_t k = 0; k < s->wait_count; k++)
        if (r->state[s->waits_for[k]] == STEP_WOULD_RUN)
            return true;
    return false;
}

/* Those that no step makes: what is missing is told before anything runs. A step with a condition
 * may never need them. */
static int check_inputs(const struct run *r, struct error *e)
{
    const struct pipeline *p = r->p;
    char quoted[QUOTE_MAX];
    for (uint32_t i = 0; i < p->step_count; i++) {
        const struct step *s = &p->steps[i];
        for (uint32_t k = 0; k < s->in_count && !s->when && is_chosen(r, i); k++) {
            struct text name = p->paths[s->in[k]];
            if (r->files[s->in[k]].kind != FILE_MISSING || p->maker[s->in[k]] != STEP_NONE ||
                p->moving[s->in[k]])
                continue;
            error_set(e, ERR_SYSTEM, "step %s: its input %s is not there, and no step makes it",
                      s->name, quote(quoted, name.at, name.len));
            return error_at(e, p->path, s->entry->line, s->entry->column);
        }
    }
    return 0;
}

/* All inputs are as they are now. 1 when the step failed, as one of them is not there. */
static int look_at_inputs(struct run *r, uint32_t step, struct error *e)
{
    const struct step *s = &r->p->steps[step];
    char quoted[QUOTE_MAX];
    for (uint32_t k = 0; k < s->in_count; k++) {
        struct text name = r->p->paths[s->in[k]];
        struct file_state *f = &r->files[s->in[k]];
        if (r->p->moving[s->in[k]] && digests_of(r->digests, r->p->folder, &name, 1, 1, f, e) < 0)
            return ERR_SYSTEM;
        if (f->kind != FILE_MISSING)
            continue;
        char *why = mem_format("its input %s is not there", quote(quoted, name.at, name.len));
        run_settle(r, step, STEP_FAILED, NULL, why);
        mem_free(why);
        return 1;
    }
    return 0;
}

/* True when the step does not run, whatever is in files. */
static bool settle_by_definition(struct run *r, uint32_t step)
{
    const struct step *s = &r->p->steps[step];
    struct error wrong = {0};
    bool holds = true;
    if (r->fate[step] != STEP_WAITING)
        run_settle(r, step, r->fate[step], NULL, NULL);
    else if (s->when && condition_holds(r->p, s, &holds, &wrong) < 0)
        run_settle(r, step, STEP_FAILED, NULL, wrong.message);
    else if (!holds)
        run_settle(r, step, STEP_SKIPPED, NULL, s->when);
    else if (s->entry->kind == STEP_FAIL)
        run_settle(r, step, STEP_FAILED, NULL, s->message);
    else if (r->o->dry_run && has_unknown_input(r, step))
        would_run(r, step, "what it waits for would run");
    else
        return false;
    return true;
}

/* 1 when what it would make is there, or was put back. */
static int settle_by_record(struct run *r, uint32_t step, struct error *e)
{
    fingerprint_of(r, step, &r->fingerprint[step]);
    const struct record *record = usable_record(r, step);
    if (!record)
        return 0;
    if (is_up_to_date(r, step, record)) {
        run_settle(r, step, STEP_UP_TO_DATE, NULL, NULL);
        return 1;
    }
    int status = r->o->dry_run ? 0 : restore(r, step, record, e);
    if (status > 0)
        run_settle(r, step, STEP_RESTORED, NULL, NULL);
    return status;
}

static int take_turn(struct run *r, uint32_t step, struct error *e)
{
    if (!is_chosen(r, step)) { /* what it made is taken as it is */
        r->state[step] = STEP_UP_TO_DATE;
        release_waiters(r, step);
        return 0;
    }
    int status = settle_by_definition(r, step) ? 1 : look_at_inputs(r, step, e);
    if (status == 0)
        status = settle_by_record(r, step, e);
    if (status)
        return status < 0 ? status : 0;
    char *why = r->o->explain ? run_why(r, step) : NULL;
    if (r->o->dry_run)
        would_run(r, step, why);
    else
        status = run_start(r, step, why, e);
    mem_free(why);
    return status;
}

/* ---- the loop ---- */

static int commit(struct run *r, bool at_once, struct error *e)
{
    usec now = r->pending ? clock_now() : 0;
    if (r->pending == 0 ||
        (!at_once && r->pending < COMMIT_EVENTS && now - r->committed < COMMIT_AFTER))
        return 0;
    r->pending = 0;
    r->committed = now;
    return ledger_commit(r->ledger, true, e);
}

/* Steps that wait for their next attempt. */
static void wake_delayed(struct run *r, usec now)
{
    for (size_t i = 0; i < r->delayed.len; i++)
        if (r->delayed.at[i].due <= now) {
            queue_push(r, r->delayed.at[i].step);
            r->delayed.at[i--] = r->delayed.at[--r->delayed.len];
        }
}

static int time_to_wait(const struct run *r, usec now)
{
    usec due = r->pending ? r->committed + COMMIT_AFTER : INT64_MAX;
    for (size_t i = 0; i < r->delayed.len; i++)
        due = r->delayed.at[i].due < due ? r->delayed.at[i].due : due;
    if (due == INT64_MAX)
        return -1;
    return due <= now ? 0 : (int)((due - now + 999) / 1000);
}

static void take_signal(struct run *r, int number)
{
    r->summary->signal = number;
    r->stopping = true;
    job_stop_all(r->pool);
}

static int wait_for_one(struct run *r, struct error *e)
{
    struct job_result result;
    int got = job_wait(r->pool, time_to_wait(r, clock_now()), &result, e);
    if (got == JOB_SIGNALLED)
        take_signal(r, result.signal);
    if (got == JOB_ENDED)
        return run_end(r, &result, e);
    return got < 0 ? got : 0;
}

static bool has_room(const struct run *r)
{
    return r->o->dry_run || job_has_room(r->pool);
}

static int take_turns(struct run *r, struct error *e)
{
    int status = 0;
    while (status == 0 && r->ready.len && !r->stopping && has_room(r))
        status = take_turn(r, queue_pop(r), e);
    return status;
}

/* After a failure what runs goes on to its end, and nothing new begins. */
static int work(struct run *r, struct error *e)
{
    for (;;) {
        wake_delayed(r, r->delayed.len ? clock_now() : 0);
        int status = take_turns(r, e);
        bool running = !r->o->dry_run && job_running(r->pool) > 0;
        bool more = !r->stopping && (r->ready.len || r->delayed.len);
        if (status || (!running && !more))
            return status;
        status = commit(r, false, e);
        if (status == 0 && (running || r->delayed.len))
            status = wait_for_one(r, e);
        if (status)
            return status;
    }
}

/* After what is no step's failure: what runs is stopped, and leaves nothing half made. */
static void end_jobs(struct run *r)
{
    struct error second = {0};
    r->stopping = true;
    job_stop_all(r->pool);
    while (job_running(r->pool) && wait_for_one(r, &second) == 0)
        ;
}

static int look_at_files(struct run *r, struct error *e)
{
    const struct pipeline *p = r->p;
    return digests_of(r->digests, p->folder, p->paths, p->path_count, cpu_count(), r->files, e);
}

static int run_all(struct run *r, struct error *e)
{
    const struct pipeline *p = r->p;
    int status = look_at_files(r, e);
    for (uint32_t i = 0; i < p->step_count; i++) {
        r->left[i] = p->steps[i].wait_count;
        if (r->left[i] == 0)
            vec_push(&r->ready, i);
    }
    /* equal priorities are in order as they are: else each takes its place */
    size_t n = r->ready.len;
    r->ready.len = 0;
    for (size_t i = 0; i < n; i++)
        queue_push(r, r->ready.at[i]);
    if (status == 0)
        status = check_inputs(r, e);
    if (status == 0)
        status = work(r, e);
    for (size_t i = 0; i < r->delayed.len; i++) /* the run ends before their next attempt */
        run_settle(r, r->delayed.at[i].step, STEP_FAILED, NULL,
                   "it failed, and was not tried again");
    if (status && !r->o->dry_run)
        end_jobs(r);
    return status;
}

/* What the run leaves: its end in the ledger, the digests, and that all is done. */
static int leave(struct run *r, bool failed, struct error *e)
{
    run_add_end(r, failed);
    r->pending++;
    int status = commit(r, true, e);
    if (status == 0)
        status = digests_save(r->digests, e);
    if (status == 0 && !failed && !r->o->chosen) {
        char *seal = pipeline_state_path(r->o->home, r->p->path, "seal");
        seal_keep(r, seal);
        mem_free(seal);
    }
    return status;
}

int pipeline_run(struct pipeline *p, const struct run_options *o, struct run_summary *out,
                 struct error *e)
{
    struct run r = {.p = p, .o = o, .summary = out};
    struct error second = {0};
    *out = (struct run_summary){0};
    int status = run_open(&r, e);
    if (status == 0) {
        status = run_all(&r, e);
        bool failed = out->failed || out->signal || status;
        int last = o->dry_run ? 0 : leave(&r, failed, &second);
        if (status == 0 && last)
            *e = second;
        status = status ? status : last ? last : failed || out->would_run ? ERR_NO : 0;
    }
    run_release(&r);
    return status;
}
