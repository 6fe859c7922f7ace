/* Batches: their columns, and which rows they keep. Conversions of cells are in convert.c. */
#include "table/cells.h"
#include "table/csv_read.h"
#include "table/shared.h"

#include <math.h>

struct batch *batch_new(void)
{
    struct batch *b = mem_alloc(sizeof *b);
    return b;
}

void batch_skip(struct batch *b, size_t n)
{
    b->text.at += n;
    b->text.cap -= n;
    b->text.len = b->text.len > n ? b->text.len - n : 0;
    b->skipped += n;
}

struct buf batch_take_text(struct batch *b)
{
    struct buf text = {b->text.at, 0, b->text.cap + b->skipped};
    if (b->skipped)
        text.at -= b->skipped;
    b->text = (struct buf){0};
    b->skipped = 0;
    return text;
}

static void drop_shared(struct batch *b)
{
    for (size_t i = 0; i < b->shared.len; i++)
        shared_drop(b->shared.at[i]);
    b->shared.len = 0;
}

void batch_clear(struct batch *b)
{
    drop_shared(b);
    struct batch empty = {.arena = b->arena, .text = batch_take_text(b)};
    memcpy(&empty.columns, &b->columns, sizeof empty.columns);
    memcpy(&empty.index, &b->index, sizeof empty.index);
    memcpy(&empty.shared, &b->shared, sizeof empty.shared);
    empty.columns.len = empty.index.len = 0;
    arena_reset(&empty.arena);
    *b = empty;
}

void batch_free(struct batch *b)
{
    if (!b)
        return;
    struct buf text = batch_take_text(b);
    buf_release(&text);
    drop_shared(b);
    vec_release(&b->shared);
    vec_release(&b->columns);
    vec_release(&b->index);
    arena_release(&b->arena);
    mem_free(b);
}

size_t batch_held(const struct batch *b)
{
    return sizeof *b + b->columns.cap * sizeof *b->columns.at + arena_held(&b->arena) +
           b->text.cap + b->skipped + b->index.cap * sizeof *b->index.at;
}

void *batch_array(struct batch *b, size_t count, size_t size)
{
    return arena_alloc(&b->arena, count * size + 64);
}

uint64_t batch_row_id(const struct batch *b, size_t row)
{
    if (b->ids)
        return b->ids[row];
    return b->first_id + ((uint64_t)(b->kept ? b->kept[row] : row) << ROW_ID_SHIFT);
}

size_t batch_add(struct batch *b, struct column c)
{
    vec_push(&b->columns, c);
    return b->columns.len - 1;
}

void batch_set(struct batch *b, size_t at, struct column c)
{
    b->columns.at[at] = c;
}

void batch_insert(struct batch *b, size_t at, struct column c)
{
    vec_push(&b->columns, c);
    memmove(b->columns.at + at + 1, b->columns.at + at, (b->columns.len - 1 - at) * sizeof c);
    b->columns.at[at] = c;
}

void batch_remove(struct batch *b, size_t at)
{
    b->columns.len--;
    memmove(b->columns.at + at, b->columns.at + at + 1,
            (b->columns.len - at) * sizeof b->columns.at[0]);
}

void batch_leave_out(struct batch *b, const size_t *at, size_t n)
{
    uint8_t *gone = arena_zero(&b->arena, b->columns.len + 1);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        gone[at[i]] = 1;
    for (size_t i = 0; i < b->columns.len; i++)
        if (!gone[i])
            b->columns.at[kept++] = b->columns.at[i];
    b->columns.len = kept;
}

void batch_arrange(struct batch *b, const size_t *at, size_t n)
{
    struct column *old = arena_copy(&b->arena, b->columns.at, b->columns.len * sizeof *old);
    for (size_t i = 0; i < n; i++)
        b->columns.at[i] = old[at[i]];
    b->columns.len = n;
}

void batch_move(struct batch *b, size_t from, size_t to)
{
    struct column moved = b->columns.at[from];
    batch_remove(b, from);
    batch_insert(b, to, moved);
}

struct column column_of_text(const struct text *values)
{
    return (struct column){.form = FORM_TEXT, .source = -1, .text = values};
}

struct column column_of_int(const int64_t *values)
{
    return (struct column){.form = FORM_INT, .source = -1, .i64 = values};
}

struct column column_of_double(const double *values)
{
    return (struct column){.form = FORM_FLOAT, .source = -1, .f64 = values};
}

struct column column_of_number(const struct number *values)
{
    return (struct column){.form = FORM_NUMBER, .source = -1, .number = values};
}

struct column column_of_bool(const uint8_t *values)
{
    return (struct column){.form = FORM_BOOL, .source = -1, .b8 = values};
}

struct column column_of_time(const usec *values)
{
    return (struct column){.form = FORM_TIME, .source = -1, .i64 = values};
}

struct column column_of_json(const struct text *values)
{
    return (struct column){.form = FORM_JSON, .source = -1, .text = values};
}

static const struct text no_text = {NULL, 0};

/* New arrays hold rows[0..n) of the old ones; UINT32_MAX is a missing row. */
#define GATHER(type, from, missing)                                                                \
    do {                                                                                           \
        type *into = batch_array(b, n, sizeof *into);                                              \
        const type *old = (from);                                                                  \
        for (size_t i = 0; i < n; i++)                                                             \
            into[i] = rows[i] == UINT32_MAX ? (missing) : old[rows[i]];                            \
        (from) = into;                                                                             \
    } while (0)

static void column_gather(struct batch *b, struct column *c, const uint32_t *rows, size_t n)
{
    const struct number no_number = {.f = (double)NAN, .is_int = false};
    c->as_text = NULL;
    if (c->as_double)
        GATHER(double, c->as_double, (double)NAN);
    switch (c->form) {
    case FORM_VIEW:
        break;
    case FORM_RAW:
    case FORM_TEXT:
    case FORM_JSON:
        GATHER(struct text, c->text, no_text);
        break;
    case FORM_INT:
    case FORM_TIME:
        GATHER(int64_t, c->i64, INT_MISSING);
        break;
    case FORM_FLOAT:
        GATHER(double, c->f64, (double)NAN);
        break;
    case FORM_NUMBER:
        GATHER(struct number, c->number, no_number);
        break;
    case FORM_BOOL:
        GATHER(uint8_t, c->b8, BOOL_MISSING);
        break;
    }
}

static const uint64_t *ids_gather(struct batch *b, const uint32_t *rows, size_t n)
{
    uint64_t *ids = batch_array(b, n, sizeof *ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = b->ids[rows[i]];
    return ids;
}

static const uint32_t *kept_gather(struct batch *b, const uint32_t *rows, size_t n)
{
    uint32_t *kept = batch_array(b, n, sizeof *kept);
    for (size_t i = 0; i < n; i++)
        kept[i] = rows[i] == UINT32_MAX || !b->kept ? rows[i] : b->kept[rows[i]];
    return kept;
}

void batch_keep(struct batch *b, const uint32_t *rows, size_t n)
{
    if (n == b->rows)
        return;
    for (size_t i = 0; i < b->columns.len; i++)
        column_gather(b, &b->columns.at[i], rows, n);
    if (b->ids)
        b->ids = ids_gather(b, rows, n);
    if (b->rejected) {
        uint8_t *rejected = batch_array(b, n, 1);
        for (size_t i = 0; i < n; i++)
            rejected[i] = b->rejected[rows[i]];
        b->rejected = rejected;
    }
    b->kept = kept_gather(b, rows, n);
    b->rows = n;
}

void batch_filter(struct batch *b, const uint8_t *keep)
{
    uint32_t *rows = batch_array(b, b->rows + 1, sizeof *rows);
    size_t n = 0;
    for (size_t r = 0; r < b->rows; r++) {
        rows[n] = (uint32_t)r;
        n += keep[r] == 1;
    }
    batch_keep(b, rows, n);
}

const struct text *batch_raw(struct batch *b, size_t column)
{
    const struct column *c = &b->columns.at[column];
    if (c->form != FORM_VIEW)
        return c->form == FORM_RAW ? c->text : NULL;
    struct text *raw = batch_array(b, b->rows, sizeof *raw);
    for (size_t r = 0; r < b->rows; r++)
        raw[r] = view_cell(c, b->kept ? b->kept[r] : (uint32_t)r);
    return raw;
}

/* Rows come in any order now: cells of the chunk become slices. */
static void column_unview(struct batch *b, size_t column)
{
    struct column *c = &b->columns.at[column];
    if (c->form != FORM_VIEW)
        return;
    c->text = batch_raw(b, column);
    c->form = FORM_RAW;
}

static const uint64_t *ids_of_repeats(struct batch *b, const uint32_t *rows, size_t n)
{
    uint64_t *ids = batch_array(b, n, sizeof *ids);
    uint64_t child = 0;
    for (size_t i = 0; i < n; i++) {
        child = i > 0 && rows[i] == rows[i - 1] ? child + 1 : 0;
        ids[i] = rows[i] == UINT32_MAX ? 0 : batch_row_id(b, rows[i]) + child;
    }
    return ids;
}

void batch_gather(struct batch *b, const uint32_t *rows, size_t n, const uint64_t *ids)
{
    const uint64_t *new_ids =
        ids ? arena_copy(&b->arena, ids, n * sizeof *ids) : ids_of_repeats(b, rows, n);
    for (size_t i = 0; i < b->columns.len; i++) {
        column_unview(b, i);
        column_gather(b, &b->columns.at[i], rows, n);
    }
    b->kept = kept_gather(b, rows, n);
    b->ids = new_ids;
    b->rejected = NULL;
    b->rows = n;
}

/* Chunks end with a line, so what ends lines is there to see. */
static char newline_of(const struct batch *b)
{
    return b->text.len > 0 && b->text.at[b->text.len - 1] == '\r' ? '\r' : '\n';
}

int batch_place(struct batch *b, size_t row, struct error *e)
{
    if (!e || !b->file)
        return e ? e->code : ERR_DATA;
    size_t chunk_row = b->kept ? b->kept[row] : row;
    if (b->first_row > 0 && chunk_row != UINT32_MAX)
        return error_at(e, b->file, b->first_row + chunk_row, e->column);
    if (b->first_line == 0 || chunk_row == UINT32_MAX || !b->row_start)
        return error_at(e, b->file, 0, e->column);
    size_t offset = b->row_start[chunk_row * b->row_stride];
    if (b->line == 0 || offset < b->line_offset) {
        b->line = b->first_line;
        b->line_offset = 0;
    }
    const char *at = b->text.at + b->line_offset, *end = b->text.at + offset;
    char newline = newline_of(b);
    while ((at = memchr(at, newline, (size_t)(end - at)))) {
        b->line++;
        at++;
    }
    b->line_offset = offset;
    return error_at(e, b->file, b->line, e->column);
}

/* The text of a row of the chunk, without its line end. */
static struct text record_of(const struct batch *b, size_t row)
{
    size_t chunk_row = b->kept ? b->kept[row] : row;
    if (!b->row_start || chunk_row == UINT32_MAX)
        return (struct text){NULL, 0};
    const char *at = b->text.at + b->row_start[chunk_row * b->row_stride];
    const char *end = b->text.at + b->text.len;
    struct csv_reader reader;
    if (b->format->kind == FORMAT_CSV) {
        csv_reader_init(&reader, b->format, newline_of(b), RAGGED_ERROR, SIMD_SCALAR);
        return csv_record_text(&reader, at, end);
    }
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    return (struct text){at, (size_t)((stop ? stop : end) - at)};
}

int batch_reject(struct batch *b, size_t row, size_t column, const char *name, struct error *e)
{
    const struct cell_policy *p = b->policy;
    if (name) {
        char text[sizeof e->message];
        memcpy(text, e->message, sizeof text);
        char quoted[QUOTE_MAX];
        error_set(e, ERR_DATA, "column %s: %.480s", quote(quoted, name, strlen(name)), text);
    }
    if (column != FIELD_NONE)
        e->column = column + 1;
    batch_place(b, row, e);
    if (!p || p->on_error == ON_ERROR_STOP)
        return e->code;
    if (p->reject)
        p->reject(p->context, e,
                  column < b->columns.len ? batch_cell(b, column, row) : record_of(b, row));
    if (p->on_error == ON_ERROR_SKIP) {
        if (!b->rejected)
            b->rejected = arena_zero(&b->arena, b->rows + 1);
        b->rejected[row] = 1;
    }
    *e = (struct error){0};
    return 0;
}

void batch_drop_rejected(struct batch *b)
{
    if (!b->rejected)
        return;
    uint8_t *keep = b->rejected;
    for (size_t r = 0; r < b->rows; r++)
        keep[r] = !keep[r];
    b->rejected = NULL;
    batch_filter(b, keep);
}
