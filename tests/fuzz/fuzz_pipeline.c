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

static bool is_slow(struct text source)
{
    bool pattern = memchr(source.at, '*', source.len) || memchr(source.at, '?', source.len);
    return pattern &&
           memmem(source.at, source.len, "foreach", 7); /* looks at all files there are */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text source = {(const char *)data, size};
    struct pipeline *p = NULL;
    struct error e = {0};
    if (size > 4096 || is_slow(source) || memmem(source.at, source.len, "matrix", 6))
        return 0;
    if (pipeline_parse("Pipefile", source, NULL, 0, &p, &e) != 0) {
        check_error(source, &e);
        return 0;
    }
    check_order(p);
    for (uint32_t i = 0; i < p->step_count && i < 100; i++)
        check_step(p, i);
    pipeline_free(p);
    return 0;
}
