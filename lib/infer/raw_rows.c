#include "infer/raw_rows.h"

#include "infer/columns.h"

struct reading {
    const struct predictor *predictor;
    struct raw_rows *rows;
    size_t *input; /* columns, by field; NULL before the first batch */
};

static struct ml_text kept(struct raw_rows *rows, struct text cell)
{
    const char *copy = cell.at ? arena_text(&rows->arena, cell.at, cell.len) : NULL;
    return (struct ml_text){copy, cell.len};
}

static int take_rows(void *context, const struct schema *schema, struct batch *b, struct error *e)
{
    struct reading *x = context;
    struct raw_rows *rows = x->rows;
    if (!x->input) {
        x->input = mem_array(NULL, rows->fields + 1, sizeof *x->input);
        int status = columns_find(x->predictor, schema, false, x->input, e);
        if (status)
            return status;
    }
    size_t first = rows->at.len;
    vec_reserve(&rows->at, first + b->rows * rows->fields);
    rows->at.len += b->rows * rows->fields;
    for (size_t i = 0; i < rows->fields; i++) {
        const struct text *cells = batch_text(b, x->input[i]);
        for (size_t r = 0; r < b->rows; r++)
            rows->at.at[first + r * rows->fields + i] = kept(rows, cells[r]);
    }
    rows->n += b->rows;
    return 0;
}

int raw_rows_read(const struct predictor *p, struct recipe *recipe, struct input *in,
                  struct raw_rows *out, struct error *e)
{
    struct reading x = {.predictor = p, .rows = out};
    struct run_options run = {.consume = take_rows, .consume_context = &x};
    out->fields = p->image->fields;
    int status = recipe_run(recipe, in, &run, e);
    mem_free(x.input);
    return status;
}

void raw_rows_release(struct raw_rows *rows)
{
    vec_release(&rows->at);
    arena_release(&rows->arena);
    *rows = (struct raw_rows){0};
}
