#include "pipe.h"

#include <string.h>

static const struct command *const commands[] = {
    /* the definition */
    &command_validate,
    &command_graph,
    /* runs */
    &command_run,
    &command_resume,
    &command_watch,
    &command_stop,
    &command_plan,
    &command_why,
    &command_worker,
    /* answers */
    &command_approve,
    &command_reject,
    &command_callback,
    &command_model,
    /* what was run */
    &command_runs,
    &command_status,
    &command_steps,
    &command_logs,
    &command_diff,
    &command_lineage,
    &command_audit,
    &command_gc,
    /* other tools */
    &command_export,
    &command_import,
    NULL,
};

static const struct tool_example examples[] = {
    {"pipe run", "the steps of ./Pipefile that are not up to date"},
    {"pipe run train.pipe -P scale=3 -j 4", "with a parameter, four at once"},
    {"pipe plan", "what would run, and why; exit status 1 when something would"},
    {"pipe why train", "what changed since the step ran"},
    {"pipe graph -t dot | dot -Tsvg", "a picture of the steps"},
    {"pipe logs last train", "what the step wrote in the last run"},
    {"pipe approve last release --comment 'errors are below 2 %'", "and the next run goes on"},
    {"pipe model path churn@production", "where the file of the model in a stage is kept"},
    {"pipe lineage model.tar.gz", "the steps, parameters and data it was made by"},
    {"pipe export make >Makefile", "the same steps for make"},
    {NULL, NULL},
};

static const struct tool pipe_tool = {
    .name = "pipe",
    .summary = "run steps that make files from files, and remember how each was made",
    .description =
        "A Pipefile names steps: a command, the files it reads and the files it makes. A step is "
        "run when its command, its parameters or what is in its inputs is not as it was; times of "
        "files do not matter. Every run and what each step made of what is kept in a ledger that "
        "cannot be changed unnoticed.",
    .commands = commands,
    .examples = examples,
    .abandon = replace_abort_all,
};

int main(int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    if (argc > 0 && strcmp(slash ? slash + 1 : argv[0], "pipe-sh") == 0)
        return shell_main(argv);
    return tool_main(&pipe_tool, argc, argv);
}
