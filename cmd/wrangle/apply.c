/* wrangle apply STATE [FILE...] */
#include "wrangle.h"

struct apply_options {
    struct stream_options stream;
    bool strict, shard;
};

static const struct option options[] = {
    {0, "strict", NULL, INTO_FLAG(struct apply_options, strict),
     .help = "columns the recipe does not know are an error"},
    {0, "shard", NULL, INTO_FLAG(struct apply_options, shard),
     .help = "the input is a part of a whole: what must see all of it is an error"},
    STREAM_INPUT_ROWS(struct apply_options),
    STREAM_OUTPUT_ROWS(struct apply_options),
    STREAM_RUN_ROWS(struct apply_options),
    STREAM_FIRST_ROW(struct apply_options),
    OPTION_END,
};

static void warn(const char *message)
{
    cli_warn("%s", message);
}

static int work(struct session *s, const void *options_given, struct operands *operands,
                struct error *e)
{
    const struct apply_options *o = options_given;
    struct recipe *recipe = NULL;
    struct input *in = NULL;
    int status = load_recipe(operands->at[0], &s->context, &recipe, e);
    if (status == 0 && o->shard && recipe_takes_shards(recipe, e))
        status = error_at(e, operands->at[0], 0, 0);
    if (status == 0) {
        s->context.input.known = &recipe->schema;
        operands->at++;
        operands->len--;
        status = session_input(s, recipe, operands, &in, e);
    }
    if (status == 0)
        status = recipe_check_input(recipe, input_schema(in), o->strict, warn, e);
    if (status == 0)
        input_set_types(in, &recipe->schema);
    if (status == 0)
        status = run_to_output(recipe, in, &o->stream, e);
    input_free(in);
    recipe_free(recipe);
    return status;
}

static int run(void *context, struct operands *operands)
{
    const struct apply_options *o = context;
    return session_run(work, &o->stream, o, operands);
}

const struct command command_apply = {
    .name = "apply",
    .summary = "apply what was learnt, row by row, in one pass and constant memory",
    .operands = "STATE [FILE...]",
    .options = options,
    .options_size = sizeof(struct apply_options),
    .run = run,
};
