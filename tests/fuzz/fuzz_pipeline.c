/*
 * Any bytes as a definition of a pipeline. An error must point into it; of one that is taken, the
 * graph must hold together: each step waits for steps that come before it in the order, every
 * output has its maker, and names are names of one step.
 */
#include "pipeline/pipeline.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(struct text source, const struct error *e)
{
    uint64_t lines = 1;
    for (size_t i = 0; i < source.len; i++)
        lines += source.at[i] == '\n' || source.at[i] == '\r';
    bool given = e->code == ERR_USAGE; /* a parameter without a value */
    if ((e->code != ERR_DATA && !given) || e->line > lines + 1 || e->message[0] == '\0')
        abort();
}

static void check_order(const struct pipeline *p)
{
    uint32_t *place = mem_alloc((p->step_count + 1) * sizeof *place);
    for (uint32_t i = 0; i < p->step_count; i++)
        place[p->order[i]] = i;
    for (uint32_t i = 0; i < p->step_count; i++)
        for (uint32_t k = 0; k < p->steps[i].wait_count; k++)
            if (place[p->steps[i].waits_for[k]] >= place[i])
                abort();
    mem_free(place);
}

/* What the kind of a step lives by. */
static bool is_whole(const struct pipeline *p, const struct step *s)
{
    switch (s->entry->kind) {
    case STEP_RUN:
    case STEP_CALLBACK:
        return s->script || s->argv;
    case STEP_FAIL:
        return s->message;
    case STEP_APPROVE:
        return !s->script && !s->argv && s->out_count == 0;
    case STEP_REGISTER:
        return s->model && s->file < p->path_count && s->out_count == 0;
    }
    return false;
}

static void check_step(const struct pipeline *p, uint32_t i)
{
    const struct step *s = &p->steps[i];
    if (pipeline_step(p, s->name) != i || !is_whole(p, s))
        abort();
    for (uint32_t k = 0; k < s->out_count; k++)
        if (s->out[k] >= p->path_count || p->maker[s->out[k]] != i)
            abort();
    for (uint32_t k = 0; k < s->in_count; k++)
        if (s->in[k] >= p->path_count)
            abort();
}

static bool has(struct text source, const char *what)
{
    return memmem(source.at, source.len, what, strlen(what));
}

/* It would look at all files there are, or wait for what a file says: folders are names, and those
 * of this one. */
static bool is_slow(struct text source)
{
    for (size_t i = 0; i < source.len; i++) {
        char before = i ? source.at[i - 1] : 0;
        bool named = (before >= 'a' && before <= 'z') || before == '}';
        if (source.at[i] == '/' && !named)
            return true;
    }
    return has(source, "lines") || has(source, "matrix") || has(source, "\\");
}

/* An entry of a later round waits for those that its steps name. */
static void check_before(const struct pipeline *p)
{
    struct error e = {0};
    bool *wanted = mem_alloc((p->entry_count + 1) * sizeof *wanted);
    wanted[p->deferred[0]->number] = true;
    if (pipeline_entries_before(p, wanted, &e) != 0 || !wanted[p->deferred[0]->number])
        abort();
    mem_free(wanted);
}

/* The rounds of a run, as far as they go: each must hold together. */
static void check_rounds(const struct pipeline *all)
{
    struct pipeline *p = NULL, *next = NULL;
    struct error e = {0};
    if (pipeline_load_next(all, &p, &e) != 0) /* behind ROUND_ALL comes the first */
        return;
    for (unsigned round = 0; p->deferred_count; round++) {
        check_order(p);
        check_before(p);
        if (round > p->deferred_count + p->step_count + 100)
            abort();
        int status = pipeline_load_next(p, &next, &e);
        pipeline_free(p);
        p = next;
        if (status != 0)
            return;
    }
    check_order(p);
    pipeline_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text source = {(const char *)data, size};
    struct pipeline *p = NULL;
    struct error e = {0};
    if (size > 4096 || is_slow(source))
        return 0;
    if (pipeline_parse("Pipefile", source, NULL, 0, &p, &e) != 0) {
        check_error(source, &e);
        return 0;
    }
    check_order(p);
    for (uint32_t i = 0; i < p->step_count && i < 100; i++)
        check_step(p, i);
    check_rounds(p);
    pipeline_free(p);
    return 0;
}
