#include "wrangle.h"

static const struct command *const commands[] = {
    &command_run,   &command_fit,      &command_apply,   &command_merge,
    &command_list,  &command_help,     &command_explain, &command_convert,
    &command_sniff, &command_describe, &command_head,    &command_view,
    NULL,
};

static const struct tool_example examples[] = {
    {"wrangle 'select date,delay,origin' f.csv", "three columns"},
    {"wrangle 'filter delay > 15 && origin in (\"ORD\",\"ATL\")' f.csv", "some rows"},
    {"wrangle fit -r prep.json 'impute age with=median | onehot city' train.csv", "learn"},
    {"wrangle apply prep.json live.jsonl", "apply what was learnt"},
    {NULL, NULL},
};

static const struct tool wrangle = {
    .name = "wrangle",
    .summary = "turn CSV or JSON Lines into features",
    .description = "Cleans, transforms and featurizes streams of rows. A program is steps joined "
                   "by '|'. What a step learns from one set of rows (means, categories, edges) "
                   "can be kept in a file and applied to others, one row at a time, with the same "
                   "result.",
    .commands = commands,
    .otherwise = &command_default,
    .examples = examples,
    .abandon = replace_abort_all,
};

int main(int argc, char **argv)
{
    return tool_main(&wrangle, argc, argv);
}
