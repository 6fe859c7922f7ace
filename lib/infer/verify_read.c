/* Rows of a table as features, for comparing. */
#include "infer/columns.h"
#include "infer/verify.h"

#include <math.h>

struct reading {
    const struct predictor *predictor;
    const struct model *model;
    struct verify_rows *rows;
    struct reference *reference;
    size_t *input; /* columns, by feature; NULL before the first batch */
};

static double text_code(const struct feature *f, struct text cell)
{
    if (!cell.at)
        return (double)NAN;
    for (size_t k = 0; k < f->value_count; k++)
        if (text_equal(text_of(f->values[k]), cell))
            return (double)k;
    return -1;
}

/* Feature f of all rows, to out[r * features + f]. */
static int read_feature(const struct reading *x, const struct schema *schema, struct batch *b,
                        size_t f, double *out, struct error *e)
{
    size_t features = x->model->feature_count, column = x->input[f];
    const struct feature *feature = &x->model->features[f];
    const struct text *texts = NULL;
    const uint8_t *flags = NULL;
    const double *numbers = NULL;
    int status = 0;
    if (feature->kind == FEATURE_TEXT)
        texts = batch_text(b, column);
    else if (schema->fields.at[column].type == TYPE_BOOL)
        status = batch_bool(b, column, feature->name, &flags, e);
    else
        status = batch_double(b, column, feature->name, &numbers, e);
    for (size_t r = 0; r < b->rows && status == 0; r++)
        out[r * features + f] = texts                                ? text_code(feature, texts[r])
                                : numbers                            ? numbers[r]
                                : !flags || flags[r] == BOOL_MISSING ? (double)NAN
                                                                     : flags[r];
    return status;
}

static int take_rows(void *context, const struct schema *schema, struct batch *b, struct error *e)
{
    struct reading *x = context;
    size_t features = x->model->feature_count;
    int status = 0;
    if (!x->input) {
        x->input = mem_array(NULL, features, sizeof *x->input);
        status = columns_find(x->predictor, schema, false, x->input, e);
    }
    double *out = mem_array(NULL, b->rows * features, sizeof *out);
    for (size_t f = 0; f < features && status == 0; f++)
        status = read_feature(x, schema, b, f, out, e);
    for (size_t r = 0; r < b->rows && status == 0; r++)
        verify_rows_add(x->rows, x->reference, out + r * features);
    mem_free(out);
    return status;
}

int verify_rows_read(const struct predictor *predictor, const struct model *m, struct recipe *r,
                     struct input *in, struct verify_rows *rows, struct error *e)
{
    struct reading x = {.predictor = predictor, .model = m, .rows = rows};
    struct run_options run = {.consume = take_rows, .consume_context = &x};
    x.reference = reference_new(m);
    rows->features = m->feature_count;
    int status = recipe_run(r, in, &run, e);
    reference_free(x.reference);
    mem_free(x.input);
    return status;
}
