/* Models and artefacts, as operands of commands. */
#include "neoc.h"

int subject_open(const char *path, const struct compile_options *o, struct subject *out,
                 struct error *e)
{
    *out = (struct subject){.path = path};
    int status = model_read(path, &out->model, e);
    if (status == 0)
        status = predictor_compile(out->model, o, &out->predictor, e);
    if (status) {
        error_at(e, path, e ? e->line : 0, e ? e->column : 0);
        subject_close(out);
    }
    return status;
}

void subject_close(struct subject *s)
{
    predictor_free(s->predictor);
    model_free(s->model);
    *s = (struct subject){0};
}
