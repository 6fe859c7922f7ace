/* What the commands of pipe share. */
#ifndef PIPE_H
#define PIPE_H

#include "cli/cli.h"
#include "job/engine_options.h"
#include "pipeline/pipeline.h"

extern const struct command command_run, command_plan, command_why, command_validate, command_graph,
    command_runs, command_steps, command_status, command_logs, command_lineage, command_audit,
    command_stop, command_resume, command_approve, command_reject, command_callback, command_model,
    command_gc, command_watch, command_diff, command_export, command_import, command_worker;

int shell_main(char **argv); /* pipe-sh: returns its exit status */

/* The operand, else Pipefile. */
const char *definition_operand(const struct operands *operands);
/* The folder of pipe's state; NULL: e says why. */
char *pipe_home(bool make, struct error *e);
/* Reports the error of a status below 0; the exit status. */
int pipe_finish(int status, const struct error *e);

/* The id of a run by its beginning; NULL or "last": the last. ERR_USAGE, ERR_NO: there is none. */
int find_run(const char *home, const char *name, char out[static 40], struct error *e);
void put_svg(const struct pipeline *p); /* to standard output */
/* The event that the last run began with, as its line. ERR_NO: nothing was run yet. */
int last_run_that_began(struct buf *line, struct error *e);

#define OPTION_ROW_PARAMETERS(S, field)                                                            \
    {                                                                                              \
        'P', "param", "NAME=VALUE", INTO_LIST(S, field),                                           \
            .help = "the value of a parameter; repeated for several"                               \
    }

#endif
