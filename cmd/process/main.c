#include "process.h"

#include "sys/sys.h"

static const struct command *const commands[] = {
    /* running */
    &command_run,
    &command_map,
    &command_fit,
    &command_resume,
    &command_stop,
    &command_wait,
    /* what was run */
    &command_status,
    &command_list,
    &command_describe,
    &command_logs,
    /* on a cluster */
    &command_worker,
    &command_instance,
    NULL,
};

static const struct tool_example examples[] = {
    {"process map 'wrangle apply prep.json' --input 'data/*.csv' --output out/",
     "each file through a filter, as many at once as there are processors"},
    {"process map 'wc -l' -i a.csv -o b.txt --instances 8 --shard record",
     "one file cut between records, the parts strung together again"},
    {"process run --script prep.py -i train=data -o out=made --instances 4",
     "a script that reads $ML_INPUT_TRAIN and fills $ML_OUTPUT_OUT, four times"},
    {"process resume", "what is not done of the newest job"},
    {"process describe last | jq '.results[] | select(.status != \"Completed\")'",
     "the instances that failed, and why"},
    {NULL, NULL},
};

static const struct tool process_tool = {
    .name = "process",
    .summary = "run a script over files that are divided among instances",
    .description =
        "A job is a command, inputs that are divided among a number of instances, and outputs. "
        "Instances run side by side; each sees only its share. One that failed is tried again, "
        "and what the others made is kept: process resume runs what is left.",
    .commands = commands,
    .examples = examples,
    .abandon = replace_abort_all,
};

int main(int argc, char **argv)
{
    return tool_main(&process_tool, argc, argv);
}
