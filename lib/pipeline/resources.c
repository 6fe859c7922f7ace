/* What steps take of the machine while they run. */
#include "pipeline/running.h"

/* A step that wants more than there are takes all. */
static unsigned cpus_of(const struct run *r, uint32_t step)
{
    unsigned wanted = r->p->steps[step].entry->cpus;
    return wanted < r->o->jobs ? wanted : r->o->jobs;
}

static unsigned count(uint64_t set)
{
    return (unsigned)__builtin_popcountll(set);
}

int resources_open(struct run *r, struct error *e)
{
    const struct pipeline *p = r->p;
    unsigned most = 0;
    for (size_t i = 0; i < p->step_count; i++) {
        const struct step_entry *s = p->steps[i].entry;
        if (s->gpus > r->o->gpus && r->o->engine.executor == JOB_LOCAL) {
            error_set(e, ERR_USAGE, "step %s wants %u GPUs, and there are %u", p->steps[i].name,
                      s->gpus, r->o->gpus);
            return error_at(e, p->path, s->line, s->column);
        }
        most = s->gpus > most ? s->gpus : most;
    }
    r->gpus_free = r->o->gpus >= GPUS_MAX ? UINT64_MAX : (UINT64_C(1) << r->o->gpus) - 1;
    if (most)
        r->gpus = mem_alloc((p->step_count + 1) * sizeof *r->gpus);
    return 0;
}

/* On a cluster steps have what its pilots have. */
bool resources_fit(const struct run *r, uint32_t step)
{
    if (r->o->engine.executor != JOB_LOCAL)
        return true;
    return (r->cpus_used == 0 || r->cpus_used + cpus_of(r, step) <= r->o->jobs) &&
           count(r->gpus_free) >= r->p->steps[step].entry->gpus;
}

void resources_take(struct run *r, uint32_t step)
{
    unsigned wanted = r->p->steps[step].entry->gpus;
    r->cpus_used += cpus_of(r, step);
    if (!r->gpus || r->o->engine.executor != JOB_LOCAL)
        return;
    r->gpus[step] = 0;
    for (unsigned i = 0; i < GPUS_MAX && count(r->gpus[step]) < wanted; i++)
        r->gpus[step] |= r->gpus_free & UINT64_C(1) << i;
    r->gpus_free &= ~r->gpus[step];
}

void resources_give(struct run *r, uint32_t step)
{
    r->cpus_used -= cpus_of(r, step);
    if (r->gpus)
        r->gpus_free |= r->gpus[step];
}

char *resources_variable(const struct run *r, uint32_t step)
{
    struct buf b = {0};
    if (!r->gpus || r->o->engine.executor != JOB_LOCAL)
        return NULL;
    buf_puts(&b, "CUDA_VISIBLE_DEVICES=");
    for (unsigned i = 0, n = 0; i < GPUS_MAX; i++)
        if (r->gpus[step] >> i & 1)
            buf_format(&b, "%s%u", n++ ? "," : "", i);
    return buf_take(&b);
}
