/* wrangle explain PROGRAM [FILE...] */
#include "wrangle.h"

struct explain_options {
    struct stream_options stream;
    const char *program_file;
};

static const struct option options[] = {
    {'p', "program", "FILE", INTO_TEXT(struct explain_options, program_file),
     .help = "read the program from FILE; all operands are inputs"},
    STREAM_INPUT_ROWS(struct explain_options),
    OPTION_END,
};

/* Without an input only what does not depend on columns can be told. */
static int work(struct session *s, const void *options_given, struct operands *operands,
                struct error *e)
{
    const struct explain_options *o = options_given;
    struct buf text = {0};
    struct recipe *recipe = NULL;
    struct input *in = NULL;
    int status = parse_program(s, o->program_file, operands, &recipe, e);
    if (status == 0 && operands->len > 0)
        status = session_input(s, recipe, operands, &in, e);
    if (status == 0)
        status = recipe_explain(recipe, in ? input_schema(in) : NULL, &text, e);
    if (status == 0)
        status = print_text(&text, e);
    input_free(in);
    recipe_free(recipe);
    buf_release(&text);
    return status;
}

static int run(void *context, struct operands *operands)
{
    const struct explain_options *o = context;
    return session_run(work, &o->stream, o, operands);
}

const struct command command_explain = {
    .name = "explain",
    .summary = "show the plan: passes over the input, what learns, what holds memory",
    .operands = "[PROGRAM] [FILE...]",
    .options = options,
    .options_size = sizeof(struct explain_options),
    .run = run,
};
