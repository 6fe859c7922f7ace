/* wrangle [run] PROGRAM [FILE...]: fit what must be fitted, then apply, to the same rows. */
#include "wrangle.h"

struct run_options_cli {
    struct stream_options stream;
    const char *program_file;
};

static const struct option options[] = {
    {'p', "program", "FILE", INTO_TEXT(struct run_options_cli, program_file),
     .help = "read the program from FILE; all operands are inputs"},
    STREAM_INPUT_ROWS(struct run_options_cli),
    STREAM_OUTPUT_ROWS(struct run_options_cli),
    STREAM_RUN_ROWS(struct run_options_cli),
    OPTION_END,
};

int load_program(const char *file, struct operands *operands, struct buf *program, struct error *e)
{
    if (!file && operands->len > 0) {
        const char *first = operands->at[0];
        size_t n = strlen(first);
        if (n > 3 && strcmp(first + n - 3, ".wr") == 0 && !strpbrk(first, " |"))
            file = first;
        else
            buf_puts(program, first);
        operands->at++;
        operands->len--;
    }
    if (!file && program->len == 0)
        return error_set(e, ERR_USAGE, "no program: name its steps, or a file with --program");
    return file ? file_load(file, (size_t)16 << 20, program, e) : 0;
}

static int run_program(struct session *s, const struct run_options_cli *o, struct operands *operands,
                       struct error *e)
{
    struct buf program = {0};
    struct recipe *recipe = NULL;
    struct input *in = NULL;
    s->context.training = true;
    int status = load_program(o->program_file, operands, &program, e);
    if (status == 0)
        status = recipe_parse(buf_text(&program), program.len, &s->context, &recipe, e);
    if (status == 0)
        status = session_input(s, operands->at, operands->len, &in, e);
    if (status == 0)
        status = recipe_fit(recipe, in, e);
    if (status == 0)
        status = run_to_output(recipe, in, &o->stream, e);
    input_free(in);
    recipe_free(recipe);
    buf_release(&program);
    return status;
}

static int run(void *context, struct operands *operands)
{
    const struct run_options_cli *o = context;
    struct error e = {0};
    struct session s = {0};
    int status = session_open(&s, &o->stream, &e);
    if (status == 0)
        status = run_program(&s, o, operands, &e);
    return finish(session_close(&s, status, &e), &e);
}

const struct command command_run = {
    .name = "run",
    .summary = "transform rows: learn what the program must learn, then apply it",
    .operands = "[PROGRAM] [FILE...]",
    .options = options,
    .options_size = sizeof(struct run_options_cli),
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
    .options_size = sizeof(struct run_options_cli),
    .run = run,
};
