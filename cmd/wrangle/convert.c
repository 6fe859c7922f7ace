/* wrangle convert, describe, head, view: rows as they are, in another format or for eyes. */
#include "wrangle.h"

#include <unistd.h>

struct convert_options {
    struct stream_options stream;
    int64_t rows;
};

static const struct option convert_rows[] = {
    STREAM_INPUT_ROWS(struct convert_options),
    STREAM_OUTPUT_ROWS(struct convert_options),
    STREAM_RUN_ROWS(struct convert_options),
    OPTION_END,
};

static const struct option head_rows[] = {
    {0, "rows", "N", INTO_INT(struct convert_options, rows), .fallback = "10", .range = "0..",
     .help = "how many rows"},
    STREAM_INPUT_ROWS(struct convert_options),
    STREAM_OUTPUT_ROWS(struct convert_options),
    OPTION_ROW_JOBS(struct convert_options, stream.jobs),
    OPTION_END,
};

/* The options, with an aligned table as the format unless they name another. */
static struct stream_options as_table(const struct stream_options *o)
{
    struct stream_options with = *o;
    if (!o->to && !o->output)
        with.to = "pretty";
    return with;
}

/* What the commands of this file do: a program of their own. */
struct passage {
    struct stream_options options;
    const char *program;
};

static int work(struct session *s, const void *options_given, struct operands *operands,
                struct error *e)
{
    const struct passage *p = options_given;
    struct recipe *recipe = NULL;
    struct input *in = NULL;
    int status = recipe_parse(p->program, strlen(p->program), &s->context, &recipe, e);
    if (status == 0)
        status = session_input(s, recipe, operands, &in, e);
    if (status == 0)
        status = run_to_output(recipe, in, &p->options, e);
    input_free(in);
    recipe_free(recipe);
    return status;
}

static int run(struct stream_options options, struct operands *operands, const char *program)
{
    struct passage p = {options, program};
    return session_run(work, &options, &p, operands);
}

static int convert(void *context, struct operands *operands)
{
    const struct convert_options *o = context;
    return run(o->stream, operands, "");
}

static int show_first(const struct convert_options *o, struct operands *operands, bool table)
{
    char program[64];
    snprintf(program, sizeof program, "head n=%lld", (long long)o->rows);
    return run(table ? as_table(&o->stream) : o->stream, operands, program);
}

static int head(void *context, struct operands *operands)
{
    return show_first(context, operands, isatty(STDOUT_FILENO) == 1);
}

static int view(void *context, struct operands *operands)
{
    return show_first(context, operands, true);
}

/* Six digits are enough for eyes. */
static int describe(void *context, struct operands *operands)
{
    const struct convert_options *o = context;
    struct stream_options options = as_table(&o->stream);
    bool for_eyes = options.to && strcmp(options.to, "pretty") == 0;
    return run(options, operands, for_eyes ? "describe digits=6" : "describe");
}

const struct command command_describe = {
    .name = "describe",
    .summary = "profile the columns: types, missing, distinct, moments, quantiles",
    .operands = "[FILE...]",
    .options = convert_rows,
    .options_size = sizeof(struct convert_options),
    .run = describe,
};

const struct command command_convert = {
    .name = "convert",
    .summary = "the same rows in another format",
    .operands = "[FILE...]",
    .options = convert_rows,
    .options_size = sizeof(struct convert_options),
    .run = convert,
};

const struct command command_head = {
    .name = "head",
    .summary = "the first rows; an aligned table on a terminal",
    .operands = "[FILE...]",
    .options = head_rows,
    .options_size = sizeof(struct convert_options),
    .run = head,
};

const struct command command_view = {
    .name = "view",
    .summary = "the first rows as an aligned table",
    .operands = "[FILE...]",
    .options = head_rows,
    .options_size = sizeof(struct convert_options),
    .run = view,
};
