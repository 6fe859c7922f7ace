/* neoc run MODEL [FILE...]: rows in, predictions out. */
#include "neoc.h"

struct run_command_options {
    struct stream_options stream;
    struct compile_options compile;
    const char *keep;
    bool margin, proba, class, leaf, absent_is_missing;
};

/* clang-format off */
static const struct option options[] = {
    {'k', "keep", "COLUMNS", INTO_TEXT(struct run_command_options, keep),
     .help = "columns of the input that leave with the predictions, such as id,label or '*'"},
    {0, "margin", NULL, INTO_FLAG(struct run_command_options, margin),
     .help = "margins: sums of leaves, or linear scores, before sigmoid, softmax or exp"},
    {0, "proba", NULL, INTO_FLAG(struct run_command_options, proba),
     .help = "the probability of every class"},
    {0, "class", NULL, INTO_FLAG(struct run_command_options, class),
     .help = "the class"},
    {0, "leaf", NULL, INTO_FLAG(struct run_command_options, leaf),
     .help = "the leaf of every tree, by its number in the model's file"},
    {0, "absent-is-missing", NULL, INTO_FLAG(struct run_command_options, absent_is_missing),
     .help = "a column that is not there is missing in every row, not an error"},
    STREAM_INPUT_ROWS(struct run_command_options),
    STREAM_OUTPUT_ROWS(struct run_command_options),
    OPTION_ROW_JOBS(struct run_command_options, stream.jobs),
    OPTION_END,
};
/* clang-format on */

static int kind_of(const struct run_command_options *o, enum predict_kind *kind, struct error *e)
{
    const bool chosen[] = {[PREDICT_MARGIN] = o->margin,
                           [PREDICT_PROBABILITY] = o->proba,
                           [PREDICT_CLASS] = o->class,
                           [PREDICT_LEAF] = o->leaf};
    *kind = PREDICT_ANSWER;
    for (size_t i = 0; i < COUNT_OF(chosen); i++) {
        if (chosen[i] && *kind != PREDICT_ANSWER)
            return error_set(e, ERR_USAGE,
                             "--margin, --proba, --class and --leaf exclude one another");
        *kind = chosen[i] ? (enum predict_kind)i : *kind;
    }
    return 0;
}

static int predict(struct session *s, const struct run_command_options *o,
                   const struct subject *subject, const struct operands *files, struct error *e)
{
    struct predict_step step = {.predictor = subject->predictor,
                                .keep = o->keep,
                                .absent_is_missing = o->absent_is_missing};
    struct recipe *recipe = NULL;
    struct input *in = NULL;
    int status = kind_of(o, &step.kind, e);
    if (status == 0)
        status = recipe_parse("", 0, &s->context, &recipe, e);
    if (status == 0) {
        predict_step_add(recipe, &step);
        status = session_input(s, recipe, files, &in, e);
    }
    if (status == 0)
        status = run_to_output(recipe, in, &o->stream, e);
    input_free(in);
    recipe_free(recipe);
    return status;
}

static int work(struct session *s, const void *options_given, struct operands *operands,
                struct error *e)
{
    const struct run_command_options *o = options_given;
    struct operands files = {operands->at + 1, operands->len - 1};
    struct subject subject;
    int status = subject_open(operands->at[0], &o->compile, &subject, e);
    if (status)
        return status;
    if (o->stream.zone && subject.predictor->prepared)
        status = error_set(e, ERR_USAGE, "--zone: the preparation in %s was compiled with its own",
                           operands->at[0]);
    else
        status = predict(s, o, &subject, &files, e);
    subject_close(&subject);
    return status;
}

static int run(void *context, struct operands *operands)
{
    const struct run_command_options *o = context;
    return session_run(work, &o->stream, o, operands);
}

const struct command command_run = {
    .name = "run",
    .summary = "predict rows by a model or an artefact",
    .operands = "MODEL [FILE...]",
    .options = options,
    .options_size = sizeof(struct run_command_options),
    .run = run,
    .more =
        "Columns are found by the names of the model's features; columns the model does not know "
        "are ignored. A model whose features have no names (f0, f1 ...) takes the columns in their "
        "order when there are as many. An empty cell is a missing value.\n\n"
        "Without --margin, --proba, --class or --leaf the predictions are what the model's own "
        "framework answers: values, the probability of the second class where one number stands "
        "for two, the probabilities of all, or the class where it answers nothing else.",
};
