/* The rounds of a run: see pipeline_load_first. */
#include "pipeline/running.h"

bool run_was_settled(const struct run *r, uint32_t step, enum step_state *out)
{
    if (r->earlier_states.len == 0)
        return false;
    size_t i = map_get(&r->earlier, text_of(r->p->steps[step].name));
    if (i == MAP_NONE)
        return false;
    *out = r->earlier_states.at[i];
    return true;
}

static void note_states(struct run *r)
{
    for (uint32_t i = 0; i < r->p->step_count; i++) {
        bool is_new;
        if (!run_looks_at(r, i))
            continue;
        bool skipped = r->state[i] == STEP_SKIPPED;
        map_put(&r->earlier, text_of(r->p->steps[i].name), &is_new);
        if (is_new)
            vec_push(&r->earlier_states, skipped ? STEP_SKIPPED : STEP_UP_TO_DATE);
    }
}

static bool has_next(const struct run *r)
{
    const struct run_summary *s = r->summary;
    return r->later.len && !r->stopping && !s->failed && !s->blocked && !s->would_run &&
           !r->waiting && !s->signal;
}

/* Those of this round are as good as done, and have their numbers by other steps and paths. */
int run_next_round(struct run *r, struct error *e)
{
    struct pipeline *next = NULL;
    if (!has_next(r))
        return 0;
    int status = pipeline_load_next(r->p, &next, e);
    if (status)
        return status;
    note_states(r);
    digests_settle(r->digests);
    run_free_steps(r);
    pipeline_free(r->own);
    r->p = r->own = next;
    r->ready.len = r->delayed.len = r->asked.len = r->running.len = 0;
    run_allocate(r);
    status = run_choose(r, e);
    return status ? status : 1;
}

void run_tell_deferred(struct run *r)
{
    enum step_state state = r->o->dry_run ? STEP_WOULD_RUN : STEP_BLOCKED;
    for (size_t i = 0; i < r->later.len && r->p->round != ROUND_ALL; i++) {
        const struct step s = {.entry = r->later.at[i], .name = r->later.at[i]->name};
        if (r->waiting)
            continue;
        if (r->o->dry_run)
            r->summary->would_run++;
        else
            r->summary->blocked++;
        run_tell(r, &(struct run_event){
                        .step = &s,
                        .state = state,
                        .why = r->o->dry_run
                                   ? "its steps are known when what makes their files has run"
                                   : NULL});
    }
}
