/* wrangle list, wrangle help */
#include "wrangle.h"

struct list_options {
    const char *to;
    bool count;
    const char *man;
};

static const struct option list_rows[] = {
    {'t', "to", "FORMAT", INTO_TEXT(struct list_options, to),
     .help = "jsonl: one object per entry"},
    {0, "count", NULL, INTO_FLAG(struct list_options, count), .help = "only how many there are"},
    {0, "man", "PAGE", INTO_TEXT(struct list_options, man),
     .help = "body of a manual page: steps or functions"},
    OPTION_END,
};

static int print_count(struct buf *text)
{
    struct catalog_count n = catalog_count();
    buf_format(text, "%zu steps, %zu methods, %zu functions\n", n.steps, n.methods, n.functions);
    return 0;
}

static int list(void *context, struct operands *operands)
{
    const struct list_options *o = context;
    const char *family = operands->len ? operands->at[0] : NULL;
    struct buf text = {0};
    struct error e = {0};
    int status = 0;
    bool jsonl = o->to && strcmp(o->to, "jsonl") == 0;
    if (o->to && !jsonl)
        status = error_set(&e, ERR_USAGE, "--to: jsonl is the only format of the catalogue");
    else if (o->count)
        status = print_count(&text);
    else if (o->man && strcmp(o->man, "steps") == 0)
        catalog_mdoc_steps(&text);
    else if (o->man)
        catalog_mdoc_functions(&text);
    else
        catalog_list(&text, family, jsonl);
    if (status == 0 && text.len == 0)
        status = error_set(&e, ERR_USAGE, "no family '%s'", family);
    if (status == 0)
        status = print_text(&text, &e);
    buf_release(&text);
    return finish(status, &e);
}

const struct command command_list = {
    .name = "list",
    .summary = "list the steps and functions, of one family or all",
    .operands = "[FAMILY]",
    .options = list_rows,
    .options_size = sizeof(struct list_options),
    .run = list,
};

static int help(void *context, struct operands *operands)
{
    (void)context;
    struct buf text = {0};
    struct error e = {0};
    int status = catalog_help(operands->at[0], &text, &e);
    if (status == 0)
        status = print_text(&text, &e);
    buf_release(&text);
    return finish(status, &e);
}

const struct command command_help = {
    .name = "help",
    .summary = "explain a step or a function: arguments, choices, a worked example",
    .operands = "STEP|FUNCTION",
    .run = help,
};
