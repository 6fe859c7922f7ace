/* wrangle convert, describe, head, view: rows as they are, in another format or for eyes. */
#include "wrangle.h"

#include "table/pretty.h"

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
    OPTION_END,
};

static int show(void *context, const struct schema *schema, struct batch *b, struct error *e)
{
    (void)e;
    pretty_add(context, schema, b);
    return 0;
}

/* An aligned table holds its rows until it knows their widths, so it goes through the consumer. */
static int run_to_table(struct recipe *r, struct input *in, struct error *e)
{
    struct pretty table = {0};
    struct buf text = {0};
    struct run_options o = {.consume = show, .consume_context = &table};
    int status = recipe_run(r, in, &o, e);
    pretty_finish(&table, &text);
    if (status == 0)
        status = print_text(&text, e);
    buf_release(&text);
    return status;
}

static bool wants_table(const struct stream_options *o, bool by_default)
{
    if (o->to)
        return strcmp(o->to, "pretty") == 0;
    return by_default && !o->output;
}

/* What the commands of this file do: a program of their own, to text or to an aligned table. */
struct passage {
    const struct convert_options *options;
    const char *program;
    bool table; /* unless --to or --output say otherwise */
};

static int work(struct session *s, const void *options_given, struct operands *operands,
                struct error *e)
{
    const struct passage *p = options_given;
    struct recipe *recipe = NULL;
    struct input *in = NULL;
    int status = recipe_parse(p->program, strlen(p->program), &s->context, &recipe, e);
    if (status == 0)
        status = session_input(s, operands->at, operands->len, &in, e);
    if (status == 0)
        status = wants_table(&p->options->stream, p->table)
                     ? run_to_table(recipe, in, e)
                     : run_to_output(recipe, in, &p->options->stream, e);
    input_free(in);
    recipe_free(recipe);
    return status;
}

static int run(const struct convert_options *o, struct operands *operands, const char *program,
               bool table)
{
    struct passage p = {o, program, table};
    return session_run(work, &o->stream, &p, operands);
}

static int convert(void *context, struct operands *operands)
{
    return run(context, operands, "", false);
}

static int show_first(const struct convert_options *o, struct operands *operands, bool table)
{
    char program[64];
    snprintf(program, sizeof program, "head n=%lld", (long long)o->rows);
    return run(o, operands, program, table);
}

static int head(void *context, struct operands *operands)
{
    return show_first(context, operands, isatty(STDOUT_FILENO) == 1);
}

static int view(void *context, struct operands *operands)
{
    return show_first(context, operands, true);
}

static int describe(void *context, struct operands *operands)
{
    const struct convert_options *o = context;
    bool table = wants_table(&o->stream, true);
    return run(o, operands, table ? "describe digits=6" : "describe", true);
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
