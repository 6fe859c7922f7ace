/* neoc verify ARTEFACT MODEL [FILE]: is the artefact the model? */
#include "neoc.h"

#include "artefact/verification.h"

struct verify_options {
    const char *prep;
    int64_t random, most, seed;
    double tolerance;
    int to;
};

/* clang-format off */
static const struct option options[] = {
    {0, "prep", "STATE", INTO_TEXT(struct verify_options, prep),
     .help = "the preparation the artefact was compiled with, when FILE has raw rows"},
    {0, "random", "N", INTO_INT(struct verify_options, random), .fallback = "2000", .range = "0..1000000",
     .help = "random rows to try"},
    {0, "rows", "N", INTO_INT(struct verify_options, most), .fallback = "20000", .range = "1..10000000",
     .help = "rows to try at most: first every threshold and its neighbours"},
    OPTION_ROW_SEED(struct verify_options, seed),
    {0, "tolerance", "X", INTO_DOUBLE(struct verify_options, tolerance), .range = "0..",
     .help = "how far margins of an artefact that is not exact may be off (default: 1e-4)"},
    {'t', "to", NULL, INTO_CHOICE(struct verify_options, to), .fallback = "text",
     .choices = "text|json", .help = "a line for eyes, or JSON"},
    OPTION_END,
};
/* clang-format on */

static int report(const struct verification *v, bool json, struct error *e)
{
    struct buf out = {0};
    if (json)
        verification_json(v, &out);
    else
        verification_text(v, &out);
    buf_puts(&out, "\n");
    int status = print_text(&out, e);
    buf_release(&out);
    return status;
}

/* What is compared: an artefact, its model, and rows of a file. */
struct trial {
    struct artefact *artefact;
    struct predictor *own; /* of the artefact */
    struct subject model;
    struct trial_rows rows;
    bool has_rows;
};

/* The result is printed whether it passes or not. */
static int verify(const struct verify_options *o, const struct trial *t, struct error *e)
{
    struct built *built = NULL;
    struct error late = {0};
    struct verification v = {.random = (size_t)o->random,
                             .most = (size_t)o->most,
                             .seed = (uint64_t)o->seed,
                             .exact = t->own->exact,
                             .tolerance = o->tolerance,
                             .supplied = t->has_rows ? &t->rows.features : NULL,
                             .raw = t->has_rows ? &t->rows.raw : NULL};
    int status = artefact_restore(t->artefact, &built, e);
    if (status == 0)
        status = artefact_verify(built, t->model.model, &v, e);
    bool compared = status == 0 || (status == ERR_NO && v.result.rows > 0);
    if (compared && report(&v, o->to == 1, &late)) {
        *e = late;
        status = late.code;
    }
    built_free(built);
    return status;
}

static int open_trial(struct session *s, const struct verify_options *o,
                      const struct operands *operands, struct trial *t, struct error *e)
{
    const struct compile_options exact = {0};
    int status = artefact_open(operands->at[0], &t->artefact, e);
    if (status == 0)
        status = predictor_load(t->artefact->image, t->artefact->image->bytes, &t->own, e);
    if (status == 0)
        status = subject_of_model(operands->at[1], &exact, &t->model, e);
    t->has_rows = operands->len > 2;
    if (status == 0 && t->has_rows)
        status = trial_rows_read(s, t->model.model, t->own, o->prep, operands->at[2], &t->rows, e);
    return status;
}

static int work(struct session *s, const void *options_given, struct operands *operands,
                struct error *e)
{
    const struct verify_options *o = options_given;
    struct trial t = {.artefact = NULL};
    int status = open_trial(s, o, operands, &t, e);
    if (status == 0)
        status = verify(o, &t, e);
    trial_rows_release(&t.rows);
    subject_close(&t.model);
    predictor_free(t.own);
    artefact_free(t.artefact);
    return status;
}

static int run(void *context, struct operands *operands)
{
    return session_run(work, &plain_stream, context, operands);
}

const struct command command_verify = {
    .name = "verify",
    .summary = "run an artefact against a plain interpreter of its model",
    .operands = "ARTEFACT MODEL [FILE]",
    .options = options,
    .options_size = sizeof(struct verify_options),
    .run = run,
    .more = "Tries random rows, every threshold of the model and the numbers next to it, missing, "
            "infinite and tiny values, categories that are none, and the rows of FILE. Status 1 "
            "when a margin has other bits than the interpreter's; of an artefact that is not exact "
            "(--float32, --u8), when more than one row in a hundred is further off than "
            "--tolerance.",
};
