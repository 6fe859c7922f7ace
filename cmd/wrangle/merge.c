/* wrangle merge STATE... */
#include "wrangle.h"

struct merge_options {
    const char *output;
};

static const struct option options[] = {
    OPTION_ROW_OUTPUT(struct merge_options, output),
    OPTION_END,
};

static int merge(const struct merge_options *o, const struct operands *operands, struct error *e)
{
    struct prep_context context = {.jobs = 1, .memory = (size_t)1 << 30};
    struct recipe *whole = NULL;
    int status = load_recipe(operands->at[0], &context, &whole, e);
    for (size_t i = 1; i < operands->len && status == 0; i++) {
        struct recipe *part = NULL;
        status = load_recipe(operands->at[i], &context, &part, e);
        if (status == 0)
            status = recipe_merge(whole, part, e);
        if (status && !e->file[0])
            error_at(e, operands->at[i], 0, 0);
        recipe_free(part);
    }
    if (status == 0)
        status = save_recipe(whole, o->output, e);
    recipe_free(whole);
    return status;
}

static int run(void *context, struct operands *operands)
{
    struct error e = {0};
    return finish(merge(context, operands, &e), &e);
}

const struct command command_merge = {
    .name = "merge",
    .summary = "merge what was learnt from shards into what the whole would have taught",
    .operands = "STATE...",
    .options = options,
    .options_size = sizeof(struct merge_options),
    .run = run,
    .more = "The result is the same, bit for bit, as that of one fit over all the rows, in "
            "whatever order the "
            "states are given; where there is no such merge they are refused. Shards of a program "
            "that draws "
            "by row must be fitted with --first-row.",
};
