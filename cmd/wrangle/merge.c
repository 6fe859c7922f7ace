/* wrangle merge STATE... */
#include "wrangle.h"

struct merge_options {
    const char *output;
    bool whole;
};

static const struct option options[] = {
    {0, "whole", NULL, INTO_FLAG(struct merge_options, whole),
     .help = "the states are all parts of a stage: what it learnt is settled",
     .more = "They are those that fit --after wrote for every shard. The result is a STATE for "
             "the next stage, or when all has been learnt that of the fit. Without this option "
             "parts make a larger part."},
    OPTION_ROW_OUTPUT(struct merge_options, output),
    OPTION_END,
};

static int add_fitted(struct recipe *whole, const char *path, const struct prep_context *context,
                      struct error *e)
{
    struct recipe *part = NULL;
    int status = load_recipe(path, context, &part, e);
    if (status == 0)
        status = recipe_merge(whole, part, e);
    recipe_free(part);
    return status;
}

static int add_part(struct recipe *whole, const char *path, struct error *e)
{
    struct buf text = {0};
    int status = file_load(path, STATE_MAX, &text, e);
    if (status == 0)
        status = recipe_add_part(whole, text.at ? text.at : "", text.len, e);
    buf_release(&text);
    return status;
}

static int check_stage(const struct recipe *first, bool whole, const char *path, struct error *e)
{
    if (first->stage == STAGE_PART || (first->stage == STAGE_NONE && !whole))
        return 0;
    error_set(e, ERR_DATA,
              first->stage == STAGE_NONE ? "is no part of a stage, which --whole ends"
                                         : "is what a stage begins with: merge its parts");
    return error_at(e, path, 0, 0);
}

static int merge(const struct merge_options *o, const struct operands *operands, struct error *e)
{
    struct prep_context context = {.jobs = 1, .memory = (size_t)1 << 30};
    struct recipe *whole = NULL;
    int status = load_stage(operands->at[0], &context, &whole, e);
    if (status == 0)
        status = check_stage(whole, o->whole, operands->at[0], e);
    bool parts = status == 0 && whole->stage == STAGE_PART;
    for (size_t i = 1; i < operands->len && status == 0; i++) {
        status = parts ? add_part(whole, operands->at[i], e)
                       : add_fitted(whole, operands->at[i], &context, e);
        if (status && !e->file[0])
            error_at(e, operands->at[i], 0, 0);
    }
    if (status == 0 && o->whole)
        status = recipe_settle(whole, e);
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
