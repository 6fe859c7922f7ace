/* A pool of jobs on one of the executors, and what both have in common. */
#include "job/engine.h"

const char *job_class_name(enum job_class c)
{
    static const char *const names[] = {
        [JOB_SUCCEEDED] = "none",          [JOB_FAILED] = "error",
        [JOB_THROTTLED] = "temporary",     [JOB_INTERNAL] = "killed",
        [JOB_CAPACITY] = "capacity",       [JOB_LIMIT] = "limit",
        [JOB_UNREACHABLE] = "unreachable", [JOB_TIMED_OUT] = "timeout",
    };
    return names[c];
}

static const struct job_engine *const engines[] = {
    [JOB_LOCAL] = &job_local,
    [JOB_SLURM] = &job_slurm,
};

/* What a killed process left may be on another executor than the one that is wanted now. */
int job_pool_open(const struct job_pool_options *o, struct job_pool **out, struct error *e)
{
    int status = 0;
    for (size_t i = 0; i < COUNT_OF(engines) && status == 0; i++)
        status = engines[i]->clear(o, e);
    if (status == 0)
        status = engines[o->engine.executor]->open(o, out, e);
    if (status == 0)
        (*out)->slots = o->slots;
    return status;
}

void job_pool_close(struct job_pool *p)
{
    if (p)
        p->engine->close(p);
}

int job_start(struct job_pool *p, const struct job *j, struct error *e)
{
    return p->engine->start(p, j, e);
}

size_t job_running(const struct job_pool *p)
{
    return p->engine->running(p);
}

bool job_has_room(const struct job_pool *p)
{
    return p->slots == 0 || p->engine->has_room(p, p->slots);
}

int job_wait(struct job_pool *p, int timeout_ms, struct job_result *out, struct error *e)
{
    return p->engine->wait(p, timeout_ms, out, e);
}

void job_stop(struct job_pool *p, const void *tag)
{
    p->engine->stop(p, tag);
}

void job_stop_all(struct job_pool *p)
{
    p->engine->stop_all(p);
}

void job_withdraw(struct job_pool *p)
{
    p->engine->withdraw(p);
}
