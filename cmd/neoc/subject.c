/* Models and artefacts, as operands of commands. */
#include "neoc.h"

const struct stream_options plain_stream = {.max_record = 16 << 20, .first_row = 1};

int subject_of_model(const char *path, const struct compile_options *o, struct subject *out,
                     struct error *e)
{
    *out = (struct subject){0};
    int status = model_read(path, &out->model, e);
    if (status == 0) {
        status = predictor_compile(out->model, o, &out->predictor, e);
        if (status)
            error_at(e, path, 0, 0);
    }
    if (status)
        subject_close(out);
    return status;
}

static int subject_of_artefact(const char *path, struct subject *out, struct error *e)
{
    struct artefact *a = NULL;
    *out = (struct subject){0};
    int status = artefact_open(path, &a, e);
    if (status == 0)
        status = predictor_load(a->image, a->image->bytes, &out->predictor, e);
    artefact_free(a);
    return status;
}

int subject_open(const char *path, const struct compile_options *o, struct subject *out,
                 struct error *e)
{
    if (artefact_is_one(path))
        return subject_of_artefact(path, out, e);
    return subject_of_model(path, o, out, e);
}

void subject_close(struct subject *s)
{
    predictor_free(s->predictor);
    model_free(s->model);
    *s = (struct subject){0};
}

int subject_rows(struct session *s, const struct subject *subject, const char *prep,
                 const char *file, struct verify_rows *rows, struct error *e)
{
    struct recipe *recipe = NULL;
    struct input *in = NULL;
    struct predictor *plain = NULL;
    const struct compile_options features = {0};
    struct operands files = {(char *[]){(char *)(uintptr_t)file, NULL}, 1};
    int status = prep ? load_recipe(prep, &s->context, &recipe, e)
                      : recipe_parse("", 0, &s->context, &recipe, e);
    if (status == 0)
        status = predictor_compile(subject->model, &features, &plain, e);
    if (status == 0)
        status = session_input(s, recipe, &files, &in, e);
    if (status == 0 && prep)
        input_set_types(in, &recipe->schema);
    if (status == 0)
        status = verify_rows_read(plain, subject->model, recipe, in, rows, e);
    input_free(in);
    predictor_free(plain);
    recipe_free(recipe);
    return status;
}
