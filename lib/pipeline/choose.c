/* Which steps are looked at, and which run whatever is known: what --to, --only and --from name. */
#include "pipeline/running.h"

/* Marks the steps, and among entries those whose steps are of a later round. */
static int find(const struct pipeline *p, const char *name, bool *steps, bool *entries,
                struct error *e)
{
    char quoted[QUOTE_MAX];
    bool found = false;
    for (uint32_t i = 0; i < p->step_count; i++)
        if (strcmp(p->steps[i].name, name) == 0 || strcmp(p->steps[i].entry->name, name) == 0)
            steps[i] = found = true;
    for (size_t i = 0; i < p->deferred_count; i++)
        if (pipeline_is_of_entry(text_of(name), text_of(p->deferred[i]->name)))
            entries[p->deferred[i]->number] = found = true;
    return found
               ? 0
               : error_set(e, ERR_USAGE, "there is no step %s", quote(quoted, name, strlen(name)));
}

static void mark_those_behind(const struct pipeline *p, bool *marks)
{
    for (size_t i = 0; i < p->step_count; i++) {
        const struct step *s = &p->steps[p->order[i]];
        for (uint32_t k = 0; k < s->wait_count; k++)
            if (marks[s->waits_for[k]])
                marks[p->order[i]] = true;
    }
}

static void mark_those_before(const struct pipeline *p, bool *marks)
{
    for (size_t i = p->step_count; i-- > 0;) {
        const struct step *s = &p->steps[p->order[i]];
        for (uint32_t k = 0; k < s->wait_count && marks[p->order[i]]; k++)
            marks[s->waits_for[k]] = true;
    }
}

/* Those that an entry of a later round waits for. */
static int choose_for_later(struct run *r, bool *entries, struct error *e)
{
    const struct pipeline *p = r->p;
    bool any = false;
    for (size_t i = 0; i < p->deferred_count; i++)
        any = any || entries[p->deferred[i]->number];
    int status = any ? pipeline_entries_before(p, entries, e) : 0;
    for (uint32_t i = 0; i < p->step_count && any; i++)
        r->chosen[i] = r->chosen[i] || entries[p->steps[i].entry->number];
    return status;
}

static int choose(struct run *r, bool *entries, struct error *e)
{
    const struct step_choice *c = &r->o->choice;
    int status = 0;
    if (c->to_count || c->only_count)
        r->chosen = mem_alloc(r->p->step_count + 1);
    for (size_t i = 0; i < c->to_count && status == 0; i++)
        status = find(r->p, c->to[i], r->chosen, entries, e);
    if (status == 0 && c->to_count)
        status = choose_for_later(r, entries, e);
    if (status == 0 && c->to_count)
        mark_those_before(r->p, r->chosen);
    for (size_t i = 0; i < c->only_count && status == 0; i++)
        status = find(r->p, c->only[i], r->chosen, entries, e);
    return status;
}

static int force(struct run *r, bool *entries, struct error *e)
{
    if (!r->o->choice.from)
        return 0;
    r->forced = mem_alloc(r->p->step_count + 1);
    int status = find(r->p, r->o->choice.from, r->forced, entries, e);
    mark_those_behind(r->p, r->forced);
    return status;
}

int run_choose(struct run *r, struct error *e)
{
    bool *entries = mem_alloc(r->p->entry_count + 1), *unused = mem_alloc(r->p->entry_count + 1);
    int status = choose(r, entries, e);
    if (status == 0)
        status = force(r, unused, e);
    r->later.len = 0;
    for (size_t i = 0; i < r->p->deferred_count; i++)
        if (!r->chosen || entries[r->p->deferred[i]->number])
            vec_push(&r->later, r->p->deferred[i]);
    mem_free(unused);
    mem_free(entries);
    return status;
}
