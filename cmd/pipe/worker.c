/* pipe worker: what jobs of Slurm run. */
#include "pipe.h"

static int run_worker(void *options, struct operands *operands)
{
    struct error e = {0};
    (void)options;
    return pipe_finish(job_worker(operands->at[0], &e), &e);
}

const struct command command_worker = {
    .name = "worker",
    .summary = "run steps of a run on a cluster; jobs of the cluster call it, nobody else need",
    .operands = "SPOOL",
    .run = run_worker,
};
