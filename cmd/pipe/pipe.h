/* What the commands of pipe share. */
#ifndef PIPE_H
#define PIPE_H

#include "cli/cli.h"
#include "pipeline/pipeline.h"

extern const struct command command_run, command_plan, command_why, command_validate, command_graph,
    command_runs, command_steps, command_status, command_logs, command_lineage, command_audit,
    command_stop, command_resume, command_gc, command_export, command_import, command_worker;

int shell_main(char **argv); /* pipe-sh: returns its exit status */

/* The operand, else Pipefile. */
const char *definition_operand(const struct operands *operands);
/* The folder of pipe's state; NULL: e says why. */
char *pipe_home(bool make, struct error *e);
/* Reports the error of a status below 0; the exit status. */
int pipe_finish(int status, const struct error *e);

/* The event that the last run began with, as its line. ERR_NO: nothing was run yet. */
int last_run_that_began(struct buf *line, struct error *e);

/* Where steps run. */
struct engine_given {
    int executor;
    const char *partition;
    struct option_list options;
    int64_t cpus;
    uint64_t memory;
};
struct job_engine_options engine_options(const struct engine_given *given);
/* clang-format off */
#define OPTION_ROWS_ENGINE(S, field)                                                               \
    {0, "engine", "ENGINE", INTO_CHOICE(S, field.executor), .choices = "local|slurm",              \
     .fallback = "local", .help = "where steps run: on this machine, or on a Slurm cluster"},      \
    {0, "partition", "NAME", INTO_TEXT(S, field.partition),                                        \
     .help = "the partition of the cluster (default: the cluster's)"},                             \
    {0, "engine-cpus", "N", INTO_INT(S, field.cpus), .range = "1..65536",                          \
     .help = "processors of the cluster for each step that runs"},                                 \
    {0, "engine-memory", "SIZE", INTO_SIZE(S, field.memory),                                       \
     .help = "memory of the cluster for each step that runs"},                                     \
    {0, "engine-option", "OPTION", INTO_LIST(S, field.options),                                    \
     .help = "one more option for sbatch, as --account=ml; repeated for several"}
/* clang-format on */

#define OPTION_ROW_PARAMETERS(S, field)                                                            \
    {                                                                                              \
        'P', "param", "NAME=VALUE", INTO_LIST(S, field),                                           \
            .help = "the value of a parameter; repeated for several"                               \
    }

#endif
