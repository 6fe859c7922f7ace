/* pipe worker: what jobs of Slurm run; and where steps are to run. */
#include "pipe.h"

struct job_engine_options engine_options(const struct engine_given *given)
{
    return (struct job_engine_options){
        .executor = given->executor == 1 ? JOB_SLURM : JOB_LOCAL,
        .partition = given->partition,
        .options = given->options.at,
        .option_count = given->options.len,
        .cpus = (unsigned)given->cpus,
        .memory = given->memory,
    };
}

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
