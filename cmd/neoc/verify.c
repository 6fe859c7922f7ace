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

/* What was asked for is printed whether it passes or not. */
static int verify(const struct verify_options *o, const struct artefact *a,
                  const struct subject *model, const struct verify_rows *rows, struct error *e)
{
    struct built *built = NULL;
    struct error late = {0};
    struct verification v = {.random = (size_t)o->random,
                             .most = (size_t)o->most,
                             .seed = (uint64_t)o->seed,
                             .tolerance = o->tolerance,
                             .supplied = rows};
    struct predictor *own = NULL;
    int status = predictor_load(a->image, a->image->bytes, &own, e);
    if (status)
        return status;
    v.exact = own->exact;
    predictor_free(own);
    status = artefact_restore(a, &built, e);
    if (status == 0)
        status = artefact_verify(built, model->model, &v, e);
    bool compared = status == 0 || (status == ERR_NO && v.result.rows > 0);
    if (compared && report(&v, o->to == 1, &late)) {
        *e = late;
        status = late.code;
    }
    built_free(built);
    return status;
}

static int work(struct session *s, const void *options_given, struct operands *operands,
                struct error *e)
{
    const struct verify_options *o = options_given;
    const struct compile_options exact = {0};
    struct artefact *a = NULL;
    struct subject model = {0};
    struct verify_rows rows = {0};
    int status = artefact_open(operands->at[0], &a, e);
    if (status == 0)
        status = subject_of_model(operands->at[1], &exact, &model, e);
    if (status == 0 && operands->len > 2)
        status = subject_rows(s, &model, o->prep, operands->at[2], &rows, e);
    if (status == 0)
        status = verify(o, a, &model, operands->len > 2 ? &rows : NULL, e);
    verify_rows_release(&rows);
    subject_close(&model);
    artefact_free(a);
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
