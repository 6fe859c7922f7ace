/* From the cells of batches to rows of the writer's types. */
#include "table/cells.h"
#include "table/parquet_encode.h"
#include "table/parquet_write.h"

#include <math.h>

struct parquet_rows *parquet_rows_new(const struct parquet_writer *w)
{
    struct parquet_rows *rows = mem_alloc(sizeof *rows);
    const struct schema *s = w->schema;
    rows->columns = s->fields.len;
    rows->cells = mem_alloc(rows->columns * sizeof *rows->cells);
    for (size_t i = 0; i < rows->columns; i++)
        rows->cells[i].type = s->fields.at[i].type;
    return rows;
}

void parquet_rows_clear(struct parquet_rows *rows)
{
    rows->rows = 0;
    for (size_t i = 0; i < rows->columns; i++) {
        struct parquet_cells *c = &rows->cells[i];
        c->count = c->present.len = c->values.len = c->lengths.len = 0;
    }
}

size_t parquet_rows_bytes(const struct parquet_rows *rows)
{
    size_t n = 0;
    for (size_t i = 0; i < rows->columns; i++)
        n += rows->cells[i].present.len + rows->cells[i].values.len + rows->cells[i].lengths.len;
    return n;
}

void parquet_rows_free(struct parquet_rows *rows)
{
    if (!rows)
        return;
    for (size_t i = 0; i < rows->columns; i++) {
        buf_release(&rows->cells[i].present);
        buf_release(&rows->cells[i].values);
        buf_release(&rows->cells[i].lengths);
    }
    mem_free(rows->cells);
    mem_free(rows);
}

static int reject(struct batch *b, size_t row, size_t column, const char *name, struct text v,
                  const char *wanted, struct error *e)
{
    char quoted[QUOTE_MAX];
    error_set(e, ERR_DATA, "%s is not %s", quote(quoted, v.at, v.len), wanted);
    return batch_reject(b, row, column, name, e);
}

/* An integer, or a number that is one: 1.0. Not 007, which a number would not keep. */
static bool int_of_text(struct text v, int64_t *out)
{
    double f = 0;
    switch (number_parse(v.at, v.len, out, &f)) {
    case NUMBER_INT:
        return *out != INT_MISSING;
    case NUMBER_FLOAT:
        *out = fabs(f) <= 9007199254740992.0 ? (int64_t)f : 0;
        return fabs(f) <= 9007199254740992.0 && f == floor(f);
    case NUMBER_NONE:
        break;
    }
    return false;
}

static struct text cell_text(struct batch *b, const struct column *c, size_t column, size_t row)
{
    if (c->form == FORM_VIEW || c->form == FORM_RAW)
        return raw_value(b, raw_cell(b, c, row));
    return batch_cell(b, column, row);
}

static int make_ints(struct batch *b, size_t column, const char *name, struct error *e)
{
    const struct column c = b->columns.at[column];
    int64_t *out = batch_array(b, b->rows, sizeof *out);
    for (size_t r = 0; r < b->rows; r++) {
        if (c.form == FORM_BOOL) {
            out[r] = c.b8[r] == BOOL_MISSING ? INT_MISSING : c.b8[r];
            continue;
        }
        struct text v = cell_text(b, &c, column, r);
        bool fits = !v.at || int_of_text(v, &out[r]);
        if (v.at && fits)
            continue;
        out[r] = INT_MISSING;
        if (!fits && reject(b, r, column, name, v, "an integer", e))
            return e->code;
    }
    batch_set(b, column, column_of_int(out));
    return 0;
}

/* A cell as JSON: of JSON Lines what stands there, else its text. */
static struct text json_of_cell(struct batch *b, const struct column *c, size_t column, size_t row)
{
    bool stands = c->form == FORM_RAW && b->format && b->format->kind == FORMAT_JSONL;
    if (!stands)
        return cell_text(b, c, column, row);
    return raw_value(b, c->text[row]).at ? c->text[row] : (struct text){NULL, 0};
}

static int make_json(struct batch *b, size_t column, const char *name, struct error *e)
{
    const struct column c = b->columns.at[column];
    struct text *out = batch_array(b, b->rows, sizeof *out);
    for (size_t r = 0; r < b->rows; r++) {
        out[r] = json_of_cell(b, &c, column, r);
        if (!out[r].at || json_valid(out[r]))
            continue;
        struct text v = out[r];
        out[r] = (struct text){NULL, 0};
        if (reject(b, r, column, name, v, "JSON", e))
            return e->code;
    }
    batch_set(b, column, column_of_json(out));
    return 0;
}

/* A JSON string is its value. */
static void make_texts(struct batch *b, size_t column)
{
    const struct format json = {.kind = FORMAT_JSONL};
    const struct text *cells = batch_text(b, column);
    if (b->columns.at[column].form == FORM_JSON) {
        struct text *values = batch_array(b, b->rows, sizeof *values);
        for (size_t r = 0; r < b->rows; r++)
            values[r] = cell_value(&json, cells[r], &b->arena);
        cells = values;
    }
    batch_set(b, column, column_of_text(cells));
}

static int make_doubles(struct batch *b, size_t column, const char *name, struct error *e)
{
    const double *f = NULL;
    int status = batch_double(b, column, name, &f, e);
    if (status == 0)
        batch_set(b, column, column_of_double(f));
    return status;
}

static int make_bools(struct batch *b, size_t column, const char *name, struct error *e)
{
    const uint8_t *v = NULL;
    int status = batch_bool(b, column, name, &v, e);
    if (status == 0)
        batch_set(b, column, column_of_bool(v));
    return status;
}

static int make_times(struct batch *b, size_t column, const char *name, struct error *e)
{
    const usec *t = NULL;
    int status = batch_time(b, column, name, &t, e);
    if (status == 0)
        batch_set(b, column, column_of_time(t));
    return status;
}

static int make(struct batch *b, size_t column, const struct field *f, struct error *e)
{
    switch (f->type) {
    case TYPE_INT:
        return b->columns.at[column].form == FORM_INT ? 0 : make_ints(b, column, f->name, e);
    case TYPE_FLOAT:
        return make_doubles(b, column, f->name, e);
    case TYPE_BOOL:
        return make_bools(b, column, f->name, e);
    case TYPE_TIME:
        return make_times(b, column, f->name, e);
    case TYPE_JSON:
        return make_json(b, column, f->name, e);
    case TYPE_TEXT:
        break;
    }
    make_texts(b, column);
    return 0;
}

/* What to do about a cell that is not of the type its column was taken for. */
static int with_hint(const struct field *f, int status, struct error *e)
{
    char message[sizeof e->message], quoted[QUOTE_MAX];
    if (status != ERR_DATA || f->type == TYPE_TEXT)
        return status;
    memcpy(message, e->message, sizeof message);
    char *declared = mem_format("%s:text", f->name);
    error_set(e, status, "%.400s: Parquet columns have one type: --types %s keeps it as text",
              message, quote(quoted, declared, strlen(declared)));
    mem_free(declared);
    return status;
}

static int convert_columns(const struct schema *s, struct batch *b, struct error *e)
{
    for (size_t i = 0; i < s->fields.len; i++) {
        int status = make(b, i, &s->fields.at[i], e);
        if (status)
            return with_hint(&s->fields.at[i], status, e);
    }
    batch_drop_rejected(b);
    return 0;
}

static void pack_words(struct parquet_cells *c, const struct column *from, size_t n,
                       uint8_t *present)
{
    bool is_float = from->form == FORM_FLOAT;
    buf_reserve(&c->values, n * 8);
    char *start = c->values.at + c->values.len, *to = start;
    for (size_t r = 0; r < n; r++) {
        memcpy(to, is_float ? (const void *)&from->f64[r] : (const void *)&from->i64[r], 8);
        bool there = is_float ? !isnan(from->f64[r]) : from->i64[r] != INT_MISSING;
        present[r] = there;
        to += there ? 8 : 0;
    }
    c->values.len += (size_t)(to - start);
    c->count += (size_t)(to - start) / 8;
}

static void pack_bools(struct parquet_cells *c, const uint8_t *from, size_t n, uint8_t *present)
{
    for (size_t r = 0; r < n; r++) {
        present[r] = from[r] != BOOL_MISSING;
        if (present[r])
            buf_putc(&c->values, (char)from[r]);
        c->count += present[r];
    }
}

static int pack_texts(struct parquet_cells *c, const struct text *from, size_t n, uint8_t *present,
                      struct error *e)
{
    buf_reserve(&c->lengths, n * sizeof(uint32_t));
    for (size_t r = 0; r < n; r++) {
        present[r] = from[r].at != NULL;
        if (!present[r])
            continue;
        if (from[r].len > INT32_MAX / 2)
            return error_set(e, ERR_DATA, "a text of %zu bytes is too long for Parquet",
                             from[r].len);
        uint32_t len = (uint32_t)from[r].len;
        buf_add(&c->lengths, &len, sizeof len);
        buf_add(&c->values, from[r].at, from[r].len);
        c->count++;
    }
    return 0;
}

static int pack(struct parquet_cells *c, const struct column *from, size_t n, struct error *e)
{
    if (n == 0)
        return 0;
    buf_reserve(&c->present, n);
    uint8_t *present = (uint8_t *)c->present.at + c->present.len;
    c->present.len += n;
    if (c->type == TYPE_TEXT || c->type == TYPE_JSON)
        return pack_texts(c, from->text, n, present, e);
    if (c->type == TYPE_BOOL)
        pack_bools(c, from->b8, n, present);
    else
        pack_words(c, from, n, present);
    return 0;
}

int parquet_convert(const struct parquet_writer *w, struct batch *b, struct parquet_rows *rows,
                    struct error *e)
{
    int status = convert_columns(w->schema, b, e);
    for (size_t i = 0; i < rows->columns && status == 0; i++)
        status = pack(&rows->cells[i], &b->columns.at[i], b->rows, e);
    rows->rows += b->rows;
    return status;
}
