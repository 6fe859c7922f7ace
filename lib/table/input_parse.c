/* From the cells of a chunk to the columns of the input. */
#include "table/input.h"

static const struct text *repeat(struct batch *b, struct text value)
{
    struct text *cells = batch_array(b, b->rows, sizeof *cells);
    for (size_t r = 0; r < b->rows; r++)
        cells[r] = value;
    return cells;
}

/* From the columns of the file to those of the input. */
static void place_columns(const struct input *in, const struct input_file *f, struct batch *b)
{
    size_t wanted = in->schema.fields.len - (in->options.source_column != NULL);
    struct column *own = arena_copy(&b->arena, b->columns.at, b->columns.len * sizeof *own);
    size_t n = b->columns.len;
    bool same = n == wanted;
    for (size_t i = 0; i < n && same; i++)
        same = f->column[i] == i;
    if (!same) {
        struct column none = {.form = FORM_RAW, .text = repeat(b, (struct text){NULL, 0})};
        b->columns.len = 0;
        for (size_t i = 0; i < wanted; i++)
            batch_add(b, none);
        for (size_t i = 0; i < n; i++)
            b->columns.at[f->column[i]] = own[i];
    }
    for (size_t i = 0; i < wanted; i++)
        b->columns.at[i].source = (int32_t)i;
}

/* A column that holds numbers, of a file or of all, may be declared to be text. */
static void make_declared_texts(const struct input *in, struct batch *b)
{
    for (size_t i = 0; i < b->columns.len; i++) {
        const struct column *c = &b->columns.at[i];
        if (in->schema.fields.at[i].type != TYPE_TEXT || c->form == FORM_TEXT ||
            c->form == FORM_RAW)
            continue;
        struct column text = column_of_text(batch_text(b, i));
        text.source = c->source;
        batch_set(b, i, text);
    }
}

int input_parse(const struct input *in, struct batch *b, struct error *e)
{
    const struct input_file *f = &in->files.at[b->part];
    int status = 0;
    if (f->parquet) {
        status = input_parquet_read(f->parquet, f->wanted, b, e);
        if (status == 0)
            place_columns(in, f, b);
        if (status == 0)
            make_declared_texts(in, b);
    } else if (f->format.kind == FORMAT_CSV) {
        status = csv_parse_chunk(&f->csv, b, e);
        if (status == 0)
            place_columns(in, f, b);
    } else {
        status = json_parse_chunk(&in->schema, &f->json, b, e);
    }
    if (status == 0 && in->options.source_column)
        batch_add(b, column_of_text(repeat(b, text_of(b->file))));
    return status;
}
