/* A step whose turn has come: whether it runs, and if not, what becomes of it. */
#include "pipeline/condition.h"
#include "pipeline/running.h"

/* What an earlier run made of the same, when that may be taken for what this one would. */
static const struct record *usable_record(const struct run *r, uint32_t step)
{
    const struct step *s = &r->p->steps[step];
    if (s->out_count == 0 || !s->entry->cache || run_forces(r, step))
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
        if (r->p->holds[s->out[k]] && f->kind == FILE_FOLDER)
            return 0;
        char *path = run_path(r, s->out[k]);
        status = objects_restore(r->objects, r->digests, &record->out[k], path, e);
        if (status > 0 && digests_look(r->digests, path, true, f, e) < 0)
            status = ERR_SYSTEM;
        mem_free(path);
    }
    return status;
}

/* In a dry run nothing is known of what a step that would run makes. */
void run_would(struct run *r, uint32_t step, const char *why)
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
int run_check_inputs(const struct run *r, struct error *e)
{
    const struct pipeline *p = r->p;
    char quoted[QUOTE_MAX];
    for (uint32_t i = 0; i < p->step_count; i++) {
        const struct step *s = &p->steps[i];
        for (uint32_t k = 0; k < s->in_count && !s->when && run_looks_at(r, i); k++) {
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
        char *path = r->p->moving[s->in[k]] ? run_path(r, s->in[k]) : NULL;
        int status = path ? digests_look(r->digests, path, true, f, e) : 0;
        mem_free(path);
        if (status)
            return status;
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
        run_would(r, step, "what it waits for would run");
    else
        return false;
    return true;
}

/* 1 when what it would make is there, or was put back. */
static int settle_by_record(struct run *r, uint32_t step, struct error *e)
{
    run_add_values(r, step);
    fingerprint_of(r, step, &r->fingerprint[step]);
    const struct record *record = usable_record(r, step);
    if (!record)
        return 0;
    if (is_up_to_date(r, step, record)) {
        run_settle(r, step, STEP_UP_TO_DATE, NULL, NULL);
        return 1;
    }
    int status = r->o->dry_run ? 0 : restore(r, step, record, e);
    if (status > 0) {
        if (!r->o->dry_run)
            run_add_restored(r, step);
        run_settle(r, step, STEP_RESTORED, NULL, NULL);
    }
    return status;
}

int run_take_turn(struct run *r, uint32_t step, struct error *e)
{
    enum step_state settled = STEP_UP_TO_DATE;
    if (run_was_settled(r, step, &settled) || !run_looks_at(r, step)) { /* it is taken as it is */
        r->state[step] = (uint8_t)settled;
        run_add_values(r, step);
        fingerprint_of(r, step, &r->fingerprint[step]);
        run_release_waiters(r, step);
        return 0;
    }
    int status = settle_by_definition(r, step) ? 1 : look_at_inputs(r, step, e);
    if (status == 0)
        status = run_require(r, step, e);
    if (status == 0)
        status = settle_by_record(r, step, e);
    if (status == 0)
        status = run_ask(r, step, e);
    if (status)
        return status < 0 ? status : 0;
    char *why = r->o->explain ? run_why(r, step) : NULL;
    if (r->o->dry_run)
        run_would(r, step, why);
    else
        status = run_start(r, step, why, e);
    mem_free(why);
    return status;
}
