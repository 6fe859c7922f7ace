/* wrangle [run] PROGRAM [FILE...]: fit what must be fitted, then apply, to the same rows. */
#include "wrangle.h"

struct program_options {
    struct stream_options stream;
    const char *program_file;
};

static const struct option options[] = {
    {'p', "program", "FILE", INTO_TEXT(struct program_options, program_file),
     .help = "read the program from FILE; all operands are inputs"},
    STREAM_INPUT_ROWS(struct program_options),
    STREAM_OUTPUT_ROWS(struct program_options),
    STREAM_RUN_ROWS(struct program_options),
    STREAM_FIRST_ROW(struct program_options),
    OPTION_END,
};

static int work(struct session *s, const void *options_given, struct operands *operands,
                struct error *e)
{
    const struct program_options *o = options_given;
    struct recipe *recipe = NULL;
    struct input *in = NULL;
    s->context.training = true;
    int status = parse_program(s, o->program_file, operands, &recipe, e);
    if (status == 0)
        status = session_input(s, recipe, operands, &in, e);
    if (status == 0)
        status = recipe_fit(recipe, in, e);
    if (status == 0)
        status = run_to_output(recipe, in, &o->stream, e);
    input_free(in);
    recipe_free(recipe);
    return status;
}

static int run(void *context, struct operands *operands)
{
    const struct program_options *o = context;
    return session_run(work, &o->stream, o, operands);
}

const struct command command_run = {
    .name = "run",
    .summary = "transform rows: learn what the program must learn, then apply it",
    .operands = "[PROGRAM] [FILE...]",
    .options = options,
    .options_size = sizeof(struct program_options),
    .run = run,
    .more = "PROGRAM is steps joined by '|'; a name ending in .wr is a file that holds it. Without FILE, or "
            "for '-', rows come from standard input. Several files are one stream with the union of "
            "their columns.",
};

const struct command command_default = {
    .name = NULL,
    .summary = "the same as run",
    .operands = "[PROGRAM] [FILE...]",
    .options = options,
    .options_size = sizeof(struct program_options),
    .run = run,
};
