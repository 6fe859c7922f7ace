#include "job/engine_options.h"

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
