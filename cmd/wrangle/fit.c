/* wrangle fit -r STATE PROGRAM [FILE...] */
#include "wrangle.h"

struct fit_options {
    struct stream_options stream;
    const char *program_file, *recipe, *after;
    bool emit, begin;
};

static const struct option options[] = {
    {'r', "recipe", "STATE", INTO_TEXT(struct fit_options, recipe),
     .help = "write what was learnt to STATE (default: standard output)"},
    {0, "emit", NULL, INTO_FLAG(struct fit_options, emit),
     .help = "also write the transformed rows"},
    {'p', "program", "FILE", INTO_TEXT(struct fit_options, program_file),
     .help = "read the program from FILE; all operands are inputs"},
    {0, "begin", NULL, INTO_FLAG(struct fit_options, begin),
     .help = "learn nothing yet: write the state with which shards begin"},
    {0, "after", "STATE", INTO_TEXT(struct fit_options, after),
     .help = "go on from STATE: learn what one pass over this shard can teach",
     .more = "STATE is that of --begin, or of merge --whole over the stage before. It has the "
             "program: all operands are inputs. What is written is a part of the next stage."},
    STREAM_INPUT_ROWS(struct fit_options),
    STREAM_OUTPUT_ROWS(struct fit_options),
    STREAM_RUN_ROWS(struct fit_options),
    STREAM_FIRST_ROW(struct fit_options),
    OPTION_END,
};

int save_recipe(struct recipe *r, const char *path, struct error *e)
{
    struct buf text = {0};
    struct sink *sink = NULL;
    int status = recipe_save(r, &text, e);
    if (status == 0)
        status = sink_open(path, &sink, e);
    if (status == 0)
        status = sink_write(sink, text.at, text.len, e);
    if (status == 0)
        status = sink_commit(sink, e);
    else
        sink_abort(sink);
    buf_release(&text);
    return status;
}

/* Rows of programs that learn nothing are counted, and wrong ones found, by a run into nothing. */
static int ignore_batch(void *context, const struct schema *schema, struct batch *b,
                        struct error *e)
{
    (void)context, (void)schema, (void)b, (void)e;
    return 0;
}

static int fit_and_save(struct recipe *recipe, struct input *in, const struct fit_options *o,
                        struct error *e)
{
    struct run_options nothing = {.consume = ignore_batch};
    int status = recipe_fit(recipe, in, e);
    if (status == 0 && o->emit)
        status = run_to_output(recipe, in, &o->stream, e);
    else if (status == 0 && recipe->rows_seen == 0)
        status = recipe_run(recipe, in, &nothing, e);
    if (status == 0)
        status = recipe_count_rows(recipe, in, e);
    return status ? status : save_recipe(recipe, o->recipe, e);
}

static int fit_stage(struct recipe *recipe, struct input *in, const struct fit_options *o,
                     struct error *e)
{
    int status =
        o->begin ? recipe_begin(recipe, input_schema(in), e) : recipe_fit_stage(recipe, in, e);
    if (status == 0)
        status = recipe_count_rows(recipe, in, e);
    return status ? status : save_recipe(recipe, o->recipe, e);
}

/* What the whole has in its columns is known, and what keys there are. */
static int load_after(struct session *s, const char *path, struct recipe **out, struct error *e)
{
    int status = load_stage(path, &s->context, out, e);
    if (status == 0 && (*out)->stage != STAGE_SETTLED) {
        error_set(e, ERR_DATA,
                  (*out)->stage == STAGE_NONE ? "has learnt all there is to learn"
                                              : "is a part: merge all parts of its stage first");
        return error_at(e, path, 0, 0);
    }
    if (status == 0)
        s->context.input.known = s->context.input.keys = &(*out)->schema;
    return status;
}

static int check_options(const struct fit_options *o, struct error *e)
{
    bool stages = o->begin || o->after;
    if (o->emit && !o->recipe)
        return error_set(e, ERR_USAGE,
                         "--emit: rows go to standard output, name the state with --recipe");
    if (o->emit && stages)
        return error_set(e, ERR_USAGE, "--emit: not in a stage: rows leave when all is learnt");
    if (o->after && (o->begin || o->program_file))
        return error_set(e, ERR_USAGE, "--after: %s does not go with it: the program is in STATE",
                         o->begin ? "--begin" : "--program");
    return 0;
}

static int work(struct session *s, const void *options_given, struct operands *operands,
                struct error *e)
{
    const struct fit_options *o = options_given;
    struct recipe *recipe = NULL;
    struct input *in = NULL;
    s->context.training = true;
    int status = check_options(o, e);
    if (status == 0)
        status = o->after ? load_after(s, o->after, &recipe, e)
                          : parse_program(s, o->program_file, operands, &recipe, e);
    if (status == 0)
        status = session_input(s, recipe, operands, &in, e);
    if (status == 0)
        status =
            o->begin || o->after ? fit_stage(recipe, in, o, e) : fit_and_save(recipe, in, o, e);
    input_free(in);
    recipe_free(recipe);
    return status;
}

static int run(void *context, struct operands *operands)
{
    const struct fit_options *o = context;
    return session_run(work, &o->stream, o, operands);
}

const struct command command_fit = {
    .name = "fit",
    .summary = "learn what a program must learn, into a readable JSON file",
    .operands = "[PROGRAM] [FILE...]",
    .options = options,
    .options_size = sizeof(struct fit_options),
    .run = run,
};
