/* engine_options: where jobs run, as options of commands say it. */
#ifndef JOB_ENGINE_OPTIONS_H
#define JOB_ENGINE_OPTIONS_H

#include "cli/cli.h"
#include "job/job.h"

struct engine_given {
    int executor;
    const char *partition;
    struct option_list options;
    int64_t cpus;
    uint64_t memory;
};
/* Borrows from given. */
struct job_engine_options engine_options(const struct engine_given *given);

/* what: "steps", say; each: "each step that runs". */
/* clang-format off */
#define OPTION_ROWS_ENGINE(S, field, what, each)                                                   \
    {0, "engine", "ENGINE", INTO_CHOICE(S, field.executor), .choices = "local|slurm",              \
     .fallback = "local", .help = "where " what " run: on this machine, or on a Slurm cluster"},   \
    {0, "partition", "NAME", INTO_TEXT(S, field.partition),                                        \
     .help = "the partition of the cluster (default: the cluster's)"},                             \
    {0, "engine-cpus", "N", INTO_INT(S, field.cpus), .range = "1..65536",                          \
     .help = "processors of the cluster for " each},                                               \
    {0, "engine-memory", "SIZE", INTO_SIZE(S, field.memory),                                       \
     .help = "memory of the cluster for " each},                                                   \
    {0, "engine-option", "OPTION", INTO_LIST(S, field.options),                                    \
     .help = "one more option for sbatch, as --account=ml; repeated for several"}
/* clang-format on */

#endif
