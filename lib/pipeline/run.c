/* A run: steps in turn, as many at once as there are jobs, none that need not. */
#include "pipeline/event.h"
#include "pipeline/running.h"
#include "pipeline/seal.h"

#include <float.h>

/* Microseconds. What was committed outlives this process, what was synced the system, too. */
enum { COMMIT_EVENTS = 256, COMMIT_AFTER = 100000, SYNC_AFTER = 1000000 };

const char *step_state_name(enum step_state s)
{
    static const char *const names[] = {
        [STEP_WAITING] = "Waiting",     [STEP_RUNNING] = "Executing",
        [STEP_SUCCEEDED] = "Succeeded", [STEP_UP_TO_DATE] = "UpToDate",
        [STEP_RESTORED] = "Restored",   [STEP_FAILED] = "Failed",
        [STEP_STOPPED] = "Stopped",     [STEP_SKIPPED] = "Skipped",
        [STEP_BLOCKED] = "Blocked",     [STEP_PENDING] = "Pending",
        [STEP_WOULD_RUN] = "WouldRun"};
    return names[s];
}

/* ---- the queue: by priority, then the longest way to the end, then in the order of the
 * definition ---- */

static bool comes_first(const struct run *r, uint32_t a, uint32_t b)
{
    int64_t x = r->p->steps[a].entry->priority, y = r->p->steps[b].entry->priority;
    if (x != y)
        return x > y;
    return r->rest && r->rest[a] != r->rest[b] ? r->rest[a] > r->rest[b] : a < b;
}

/* What a step and those that wait for it take, one after the other, as long as they took the last
 * time; one that never ran takes as long as the others on average. What fails or asks comes first:
 * the sooner, the better. One at a time the order does not matter, and is that of the definition.
 */
static void find_rest(struct run *r)
{
    const struct pipeline *p = r->p;
    double sum = 0;
    size_t known = 0;
    if (r->o->dry_run || r->o->jobs < 2 || r->records.list.len == 0 || p->step_count < 2)
        return;
    r->rest = mem_array(NULL, p->step_count, sizeof *r->rest);
    for (uint32_t i = 0; i < p->step_count; i++) {
        const struct record *x = records_of_step(&r->records, p->name, p->steps[i].name);
        r->rest[i] = x ? (float)x->seconds : -1;
        sum += x ? x->seconds : 0;
        known += x != NULL;
    }
    float usual = known ? (float)(sum / (double)known) : 0;
    for (size_t i = p->step_count; i-- > 0;) { /* those that wait for it come first */
        uint32_t step = p->order[i];
        float longest = 0;
        for (uint32_t k = p->waiters_from[step]; k < p->waiters_from[step + 1]; k++)
            longest = r->rest[p->waiters[k]] > longest ? r->rest[p->waiters[k]] : longest;
        r->rest[step] = (r->rest[step] < 0 ? usual : r->rest[step]) + longest;
        if (p->steps[step].entry->kind != STEP_RUN)
            r->rest[step] = FLT_MAX;
    }
}

void run_queue(struct run *r, uint32_t step)
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
void run_release_waiters(struct run *r, uint32_t step)
{
    const struct pipeline *p = r->p;
    enum step_state next = follows(r->state[step]);
    for (uint32_t k = p->waiters_from[step]; k < p->waiters_from[step + 1]; k++) {
        uint32_t waiter = p->waiters[k];
        if (next == STEP_BLOCKED || (next == STEP_SKIPPED && r->fate[waiter] == STEP_WAITING))
            r->fate[waiter] = (uint8_t)next;
        if (--r->left[waiter] == 0)
            run_queue(r, waiter);
    }
}

static void notify_of_failure(struct run *r, uint32_t step, const char *why)
{
    struct buf b = {0};
    if (r->p->notification_count == 0)
        return;
    run_put_step(r, step, STEP_FAILED, &b);
    if (why)
        event_put(&b, "reason", why);
    run_notify(r, NOTIFY_FAILED, r->p->steps[step].name, step_state_name(STEP_FAILED), &b);
    buf_release(&b);
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
    run_tell(r, &(struct run_event){.step = &r->p->steps[step],
                                    .state = state,
                                    .attempt = r->attempt[step],
                                    .result = result,
                                    .why = why});
    run_release_waiters(r, step);
    if (state == STEP_FAILED)
        notify_of_failure(r, step, why);
}

/* ---- the loop ---- */

int run_commit(struct run *r, bool at_once, struct error *e)
{
    usec now = r->pending ? clock_now() : 0;
    if (r->pending == 0 ||
        (!at_once && r->pending < COMMIT_EVENTS && now - r->committed < COMMIT_AFTER))
        return 0;
    bool durable = at_once || now - r->synced >= SYNC_AFTER;
    r->pending = 0;
    r->committed = now;
    r->synced = durable ? now : r->synced;
    return ledger_commit(r->ledger, durable, e);
}

/* Steps that wait for their next attempt. */
static void wake_delayed(struct run *r, usec now)
{
    for (size_t i = 0; i < r->delayed.len; i++)
        if (r->delayed.at[i].due <= now) {
            run_queue(r, r->delayed.at[i].step);
            r->delayed.at[i--] = r->delayed.at[--r->delayed.len];
        }
}

static int time_to_wait(const struct run *r, usec now)
{
    usec due = r->pending ? r->committed + COMMIT_AFTER : INT64_MAX;
    if (r->waiting && r->listened + LISTEN_EVERY < due)
        due = r->listened + LISTEN_EVERY;
    usec pulse = run_next_pulse(r);
    due = pulse < due ? pulse : due;
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

static bool has_room(const struct run *r)
{
    return r->o->dry_run || (job_has_room(r->pool) && resources_fit(r, r->ready.at[0]));
}

static int take_turns(struct run *r, struct error *e)
{
    int status = 0;
    while (status == 0 && r->ready.len && !r->stopping && has_room(r))
        status = run_take_turn(r, queue_pop(r), e);
    return status;
}

/* Whether the next step is one that none of those that wait for this one comes before. */
static bool next_is_next(const struct run *r, uint32_t step)
{
    const struct pipeline *p = r->p;
    for (uint32_t k = p->waiters_from[step]; k < p->waiters_from[step + 1] && r->ready.len; k++)
        if (comes_first(r, p->waiters[k], r->ready.at[0]))
            return false;
    return true;
}

/* Where several run at once none waits until we have looked at what another made. */
static int end_one(struct run *r, const struct job_result *x, struct error *e)
{
    uint32_t step = (uint32_t)((const struct step *)x->tag - r->p->steps);
    bool good = x->status == 0 && !x->stopped;
    resources_give(r, step);
    run_note_end(r, step);
    int status = good && job_running(r->pool) && next_is_next(r, step) ? take_turns(r, e) : 0;
    return status ? status : run_end(r, x, e);
}

static int wait_for_one(struct run *r, struct error *e)
{
    struct job_result result;
    run_pulse(r);
    int got = job_wait(r->pool, time_to_wait(r, clock_now()), &result, e);
    if (got == JOB_SIGNALLED)
        take_signal(r, result.signal);
    return got == JOB_ENDED ? end_one(r, &result, e) : got < 0 ? got : 0;
}

/* Nothing is left to do but to wait for answers, if for these. An answer may have come in the last
 * moment. */
static int rest(struct run *r, bool *ended, struct error *e)
{
    int status = r->stopping ? 0 : run_listen(r, true, e);
    *ended = status || r->stopping || (!r->ready.len && !(r->waiting && r->o->wait));
    return *ended || r->ready.len ? status : wait_for_one(r, e);
}

static int go_on(struct run *r, bool *ended, struct error *e)
{
    int status = take_turns(r, e);
    bool running = !r->o->dry_run && job_running(r->pool) > 0;
    bool more = !r->stopping && (r->ready.len || r->delayed.len);
    if (status)
        return status;
    if (!running && !more)
        return rest(r, ended, e);
    status = run_commit(r, false, e);
    return status || !(running || r->delayed.len) ? status : wait_for_one(r, e);
}

/* After a failure what runs goes on to its end, and nothing new begins. */
static int work(struct run *r, struct error *e)
{
    int status = 0;
    for (bool ended = false; !ended && status == 0;) {
        wake_delayed(r, r->delayed.len ? clock_now() : 0);
        status = go_on(r, &ended, e);
        if (status == 0)
            status = run_listen(r, false, e);
    }
    return status;
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

int run_look_at_files(struct run *r, struct error *e)
{
    const struct pipeline *p = r->p;
    return digests_of(r->digests, p->folder, p->paths, p->path_count, cpu_count(), r->files, e);
}

static int run_all(struct run *r, struct error *e)
{
    const struct pipeline *p = r->p;
    int status = r->o->dry_run ? 0 : resources_open(r, e);
    if (status == 0)
        status = run_look_at_files(r, e);
    find_rest(r);
    for (uint32_t i = 0; i < p->step_count; i++) {
        r->left[i] = p->steps[i].wait_count;
        if (r->left[i] == 0)
            vec_push(&r->ready, i);
    }
    /* equal priorities are in order as they are: else each takes its place */
    size_t n = r->ready.len;
    r->ready.len = 0;
    for (size_t i = 0; i < n; i++)
        run_queue(r, r->ready.at[i]);
    if (status == 0)
        status = run_check_inputs(r, e);
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
    struct buf end = {0};
    const char *state = r->summary->signal    ? "Stopped"
                        : failed              ? "Failed"
                        : r->summary->pending ? step_state_name(STEP_PENDING)
                                              : "Succeeded";
    run_put_end(r, state, &end);
    ledger_add(r->ledger, (struct text){end.at, end.len});
    r->pending++;
    int status = run_commit(r, true, e);
    if (status == 0)
        status = digests_save(r->digests, e);
    if (status == 0 && !failed && !r->chosen) {
        char *seal = pipeline_state_path(r->o->home, r->p->path, "seal");
        seal_keep(r, seal);
        mem_free(seal);
    }
    run_notify(r, NOTIFY_ENDED, NULL, state, &end);
    buf_release(&end);
    return status;
}

static int run_rounds(struct run *r, struct error *e)
{
    int status = run_all(r, e);
    while (status == 0 && (status = run_next_round(r, e)) > 0)
        status = run_all(r, e);
    run_tell_deferred(r);
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
        status = run_rounds(&r, e);
        bool failed = out->failed || out->signal || status;
        out->pending = r.waiting;
        int last = o->dry_run ? 0 : leave(&r, failed, &second);
        if (!o->dry_run)
            run_end_now(&r);
        if (status == 0 && last)
            *e = second;
        status = status                     ? status
                 : last                     ? last
                 : failed || out->would_run ? ERR_NO
                 : out->pending             ? ERR_BUSY
                                            : 0;
    }
    run_release(&r);
    return status;
}
