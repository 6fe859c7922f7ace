/* engine: what an executor of jobs does. For the files of this module. */
#ifndef JOB_ENGINE_H
#define JOB_ENGINE_H

#include "job/job.h"

/* The first member of each executor's own. */
struct job_pool {
    const struct job_engine *engine;
    unsigned slots;
};

/* Each is what the function of job.h with its name promises. */
struct job_engine {
    /* Ends what a process that was killed left, and waits for that; `o` may be for another one. */
    int (*clear)(const struct job_pool_options *o, struct error *e);
    int (*open)(const struct job_pool_options *o, struct job_pool **out, struct error *e);
    void (*close)(struct job_pool *p);
    int (*start)(struct job_pool *p, const struct job *j, struct error *e);
    size_t (*running)(const struct job_pool *p);
    bool (*has_room)(const struct job_pool *p, unsigned slots);
    int (*wait)(struct job_pool *p, int timeout_ms, struct job_result *out, struct error *e);
    void (*stop)(struct job_pool *p, const void *tag);
    void (*stop_all)(struct job_pool *p);
    void (*withdraw)(struct job_pool *p);
};
extern const struct job_engine job_local, job_slurm;

#endif
