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

/* One pass over a file: its rows through a recipe, which stays the caller's. */
struct passage {
    struct session *session;
    struct recipe *recipe;
    bool prepared;
    struct operands files;
};

static int open_input(const struct passage *p, struct input **in, struct error *e)
{
    int status = session_input(p->session, p->recipe, &p->files, in, e);
    if (status == 0 && p->prepared)
        input_set_types(*in, &p->recipe->schema);
    return status;
}

/* Operands of one file, for the block they stand in. */
#define ONE_FILE(name)                                                                             \
    {                                                                                              \
        (char *[]){(char *)(uintptr_t)(name), NULL}, 1                                             \
    }

int raw_read(struct session *s, const struct predictor *p, const char *file, struct raw_rows *rows,
             struct error *e)
{
    struct passage way = {.session = s, .files = ONE_FILE(file)};
    struct input *in = NULL;
    int status = recipe_parse("", 0, &s->context, &way.recipe, e);
    if (status == 0)
        status = open_input(&way, &in, e);
    if (status == 0)
        status = raw_rows_read(p, way.recipe, in, rows, e);
    input_free(in);
    recipe_free(way.recipe);
    return status;
}

static int read_features(struct session *s, const struct model *m, const char *prep,
                         const char *file, struct verify_rows *rows, struct error *e)
{
    struct passage way = {.session = s, .files = ONE_FILE(file), .prepared = prep};
    struct input *in = NULL;
    struct predictor *plain = NULL;
    const struct compile_options features = {0};
    int status = prep ? load_recipe(prep, &s->context, &way.recipe, e)
                      : recipe_parse("", 0, &s->context, &way.recipe, e);
    if (status == 0)
        status = predictor_compile(m, &features, &plain, e);
    if (status == 0)
        status = open_input(&way, &in, e);
    if (status == 0)
        status = verify_rows_read(plain, m, way.recipe, in, rows, e);
    input_free(in);
    predictor_free(plain);
    recipe_free(way.recipe);
    return status;
}

int trial_rows_read(struct session *s, const struct model *m, const struct predictor *predictor,
                    const char *prep, const char *file, struct trial_rows *out, struct error *e)
{
    int status = read_features(s, m, prep, file, &out->features, e);
    return status ? status : raw_read(s, predictor, file, &out->raw, e);
}

void trial_rows_release(struct trial_rows *s)
{
    verify_rows_release(&s->features);
    raw_rows_release(&s->raw);
}
