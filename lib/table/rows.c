#include "table/rows.h"

#include "table/cells.h"
#include "table/csv_read.h"

#include <math.h>

/* A packed cell is a tag and what the tag says; a packed row is its cells, or one whole record. */
enum tag {
    TAG_MISSING,
    TAG_RAW,   /* length, bytes */
    TAG_TEXT,  /* length, bytes */
    TAG_JSON,  /* length, bytes */
    TAG_INT,   /* 8 bytes */
    TAG_FLOAT, /* 8 bytes */
    TAG_TIME,  /* 8 bytes */
    TAG_FALSE,
    TAG_TRUE,
    TAG_RECORD, /* the rest of the row: a CSV record with its line end */
    TAG_FORMAT, /* before a row of another file than the first: 8 bytes, where its format is */
    TAG_COUNT,
};

/* ---- packing -------------------------------------------------------------------------------- */

static void put_length(struct buf *out, size_t n)
{
    while (n >= 0x80) {
        buf_putc(out, (char)(n | 0x80));
        n >>= 7;
    }
    buf_putc(out, (char)n);
}

static void put_text(struct buf *out, enum tag tag, struct text t)
{
    if (!t.at) {
        buf_putc(out, TAG_MISSING);
        return;
    }
    buf_putc(out, (char)tag);
    put_length(out, t.len);
    buf_add(out, t.at, t.len);
}

static void put_word(struct buf *out, enum tag tag, const void *word)
{
    buf_putc(out, (char)tag);
    buf_add(out, word, 8);
}

static void put_number(struct buf *out, struct number n)
{
    if (n.is_int)
        put_word(out, TAG_INT, &n.i);
    else if (isnan(n.f))
        buf_putc(out, TAG_MISSING);
    else
        put_word(out, TAG_FLOAT, &n.f);
}

static void put_word_or_missing(struct buf *out, enum tag tag, int64_t value)
{
    if (value == INT_MISSING)
        buf_putc(out, TAG_MISSING);
    else
        put_word(out, tag, &value);
}

static void put_bool(struct buf *out, uint8_t v)
{
    buf_putc(out, v == BOOL_MISSING ? TAG_MISSING : (char)(TAG_FALSE + v));
}

static void put_cell(struct batch *b, const struct column *c, size_t row, struct buf *out)
{
    switch (c->form) {
    case FORM_VIEW:
    case FORM_RAW:
        put_text(out, TAG_RAW, raw_cell(b, c, row));
        break;
    case FORM_TEXT:
        put_text(out, TAG_TEXT, c->text[row]);
        break;
    case FORM_JSON:
        put_text(out, TAG_JSON, c->text[row]);
        break;
    case FORM_INT:
        put_word_or_missing(out, TAG_INT, c->i64[row]);
        break;
    case FORM_TIME:
        put_word_or_missing(out, TAG_TIME, c->i64[row]);
        break;
    case FORM_FLOAT:
        put_number(out, (struct number){.f = c->f64[row]});
        break;
    case FORM_NUMBER:
        put_number(out, c->number[row]);
        break;
    case FORM_BOOL:
        put_bool(out, c->b8[row]);
        break;
    }
}

/* Whether the columns are the cells of the chunk's records, all of them, in their order. */
static bool is_whole(const struct batch *b)
{
    const struct column *c = b->columns.at;
    size_t n = b->columns.len;
    if (n == 0 || b->rows == 0 || !b->format || c->form != FORM_VIEW || c->view.stride != n)
        return false;
    for (size_t i = 1; i < n; i++)
        if (c[i].form != FORM_VIEW || c[i].view.at != c->view.at + i)
            return false;
    return c->view.base[c->view.at[n] - 1] == '\n';
}

struct row_packer row_packer(struct batch *b)
{
    return (struct row_packer){b, is_whole(b)};
}

static void put_record(const struct batch *b, size_t row, struct buf *out)
{
    const struct column *c = b->columns.at;
    const uint32_t *at = c->view.at + (b->kept ? b->kept[row] : row) * c->view.stride;
    buf_putc(out, TAG_RECORD);
    buf_add(out, c->view.base + at[0], at[c->view.stride] - at[0]);
}

void row_packer_put(const struct row_packer *p, size_t row, struct buf *out)
{
    if (p->b->part > 0 && p->b->format)
        put_word(out, TAG_FORMAT, &p->b->format);
    if (p->whole) {
        put_record(p->b, row, out);
        return;
    }
    for (size_t i = 0; i < p->b->columns.len; i++)
        put_cell(p->b, &p->b->columns.at[i], row, out);
}

void row_pack(struct batch *b, size_t row, struct buf *out)
{
    struct row_packer p = row_packer(b);
    row_packer_put(&p, row, out);
}

/* Of the formats seen the first file's is that of raw cells; the others become values. */
static void choose_format(struct row_origin *o, const struct format *f, size_t part)
{
    if (!f || (o->format && o->part <= part))
        return;
    o->format = f;
    o->part = part;
}

void row_origin_see(struct row_origin *o, const struct batch *b)
{
    if (!o->source) {
        o->columns = b->columns.len;
        o->source = mem_array(NULL, b->columns.len + 1, sizeof *o->source);
        for (size_t i = 0; i < b->columns.len; i++)
            o->source[i] = b->columns.at[i].source;
    }
    choose_format(o, b->format, b->part);
    if (b->policy)
        o->policy = b->policy;
    for (size_t i = 0; i < o->columns && i < b->columns.len; i++)
        if (o->source[i] != b->columns.at[i].source)
            o->source[i] = -1;
}

void row_origin_merge(struct row_origin *into, const struct row_origin *from)
{
    if (!into->source && from->source) {
        into->columns = from->columns;
        into->source = mem_copy(from->source, (from->columns + 1) * sizeof *from->source);
    }
    choose_format(into, from->format, from->part);
    if (from->policy)
        into->policy = from->policy;
    for (size_t i = 0; from->source && i < into->columns; i++)
        if (into->source[i] != from->source[i])
            into->source[i] = -1;
}

void row_origin_release(struct row_origin *o)
{
    mem_free(o->source);
    *o = (struct row_origin){0};
}

/* ---- unpacking ------------------------------------------------------------------------------ */

struct cell {
    enum tag tag;
    struct text text; /* of words: the 8 bytes */
};

static const char *read_cell(const char *at, struct cell *c)
{
    c->tag = (enum tag) * at++;
    c->text = (struct text){NULL, 0};
    if (c->tag == TAG_RAW || c->tag == TAG_TEXT || c->tag == TAG_JSON) {
        size_t n = 0;
        for (unsigned shift = 0;; shift += 7) {
            unsigned char byte = (unsigned char)*at++;
            n |= (size_t)(byte & 0x7F) << shift;
            if (byte < 0x80)
                break;
        }
        c->text = (struct text){at, n};
        return at + n;
    }
    if (c->tag == TAG_INT || c->tag == TAG_FLOAT || c->tag == TAG_TIME) {
        c->text = (struct text){at, 8};
        return at + 8;
    }
    return at;
}

static int64_t word_int(const struct cell *c)
{
    int64_t v = INT_MISSING;
    if (c->text.at)
        memcpy(&v, c->text.at, 8);
    return v;
}

static double word_double(const struct cell *c)
{
    double v = (double)NAN;
    if (c->text.at)
        memcpy(&v, c->text.at, 8);
    return v;
}

static struct column ints_of(struct batch *b, const struct cell *cells, size_t n, enum tag tag)
{
    int64_t *v = batch_array(b, n, sizeof *v);
    for (size_t r = 0; r < n; r++)
        v[r] = word_int(&cells[r]);
    return tag == TAG_TIME ? column_of_time(v) : column_of_int(v);
}

static struct column doubles_of(struct batch *b, const struct cell *cells, size_t n)
{
    double *v = batch_array(b, n, sizeof *v);
    for (size_t r = 0; r < n; r++)
        v[r] = word_double(&cells[r]);
    return column_of_double(v);
}

static struct column numbers_of(struct batch *b, const struct cell *cells, size_t n)
{
    struct number *v = batch_array(b, n, sizeof *v);
    for (size_t r = 0; r < n; r++) {
        v[r].is_int = cells[r].tag == TAG_INT;
        if (v[r].is_int)
            v[r].i = word_int(&cells[r]);
        else
            v[r].f = word_double(&cells[r]);
    }
    return column_of_number(v);
}

static struct column bools_of(struct batch *b, const struct cell *cells, size_t n)
{
    uint8_t *v = batch_array(b, n, sizeof *v);
    for (size_t r = 0; r < n; r++)
        v[r] = cells[r].tag == TAG_MISSING ? BOOL_MISSING : cells[r].tag == TAG_TRUE;
    return column_of_bool(v);
}

static struct column texts_of(struct batch *b, const struct cell *cells, size_t n, enum form form)
{
    struct text *v = batch_array(b, n, sizeof *v);
    for (size_t r = 0; r < n; r++)
        v[r] = cells[r].text;
    return (struct column){.form = form, .source = -1, .text = v};
}

static struct text text_of_cell(struct batch *b, const struct cell *c)
{
    int64_t i = word_int(c);
    double f = word_double(c);
    uint8_t truth = c->tag == TAG_TRUE;
    struct column one = column_of_text(&c->text);
    if (c->tag == TAG_RAW)
        return raw_value(b, c->text);
    if (c->tag == TAG_INT)
        one = column_of_int(&i);
    if (c->tag == TAG_TIME)
        one = column_of_time(&i);
    if (c->tag == TAG_FLOAT)
        one = column_of_double(&f);
    if (c->tag == TAG_TRUE || c->tag == TAG_FALSE)
        one = column_of_bool(&truth);
    size_t at = batch_add(b, one);
    struct text t = batch_cell(b, at, 0);
    batch_remove(b, at);
    return t;
}

/* Cells of several kinds: only text holds them all. */
static struct column mixed_of(struct batch *b, const struct cell *cells, size_t n)
{
    struct text *v = batch_array(b, n, sizeof *v);
    for (size_t r = 0; r < n; r++)
        v[r] = cells[r].tag == TAG_MISSING ? (struct text){NULL, 0} : text_of_cell(b, &cells[r]);
    return column_of_text(v);
}

static struct column column_of_cells(struct batch *b, const struct cell *cells, size_t n)
{
    bool seen[TAG_COUNT] = {false};
    for (size_t r = 0; r < n; r++)
        seen[cells[r].tag] = true;
    seen[TAG_FALSE] |= seen[TAG_TRUE];
    bool number = seen[TAG_INT] || seen[TAG_FLOAT];
    int kinds =
        seen[TAG_RAW] + seen[TAG_TEXT] + seen[TAG_JSON] + number + seen[TAG_TIME] + seen[TAG_FALSE];
    if (kinds > 1)
        return mixed_of(b, cells, n);
    if (seen[TAG_INT] && seen[TAG_FLOAT])
        return numbers_of(b, cells, n);
    if (seen[TAG_INT] || seen[TAG_TIME])
        return ints_of(b, cells, n, seen[TAG_INT] ? TAG_INT : TAG_TIME);
    if (seen[TAG_FLOAT])
        return doubles_of(b, cells, n);
    if (seen[TAG_FALSE])
        return bools_of(b, cells, n);
    return texts_of(b, cells, n,
                    seen[TAG_RAW] && b->format ? FORM_RAW
                    : seen[TAG_JSON]           ? FORM_JSON
                                               : FORM_TEXT);
}

/* ---- whole records -------------------------------------------------------------------------- */

static struct csv_reader reader_of(const struct row_origin *o)
{
    struct csv_reader r;
    csv_reader_init(&r, o->format, '\n', RAGGED_ERROR, simd_level());
    r.cells = o->columns;
    return r;
}

static size_t count_records(const struct text *rows, size_t n)
{
    size_t records = 0;
    for (size_t r = 0; r < n; r++)
        records += rows[r].len > 0 && *rows[r].at == TAG_RECORD;
    return records;
}

/* Whether the rows stand in b->text one behind the other: their tags can then be squeezed out. */
static bool in_place(const struct batch *b, const struct text *rows, size_t n)
{
    uintptr_t from = (uintptr_t)b->text.at, end = from + b->text.len;
    for (size_t r = 0; r < n; r++) {
        uintptr_t at = (uintptr_t)rows[r].at;
        if (at < from || at >= end)
            return false;
        from = at + rows[r].len;
    }
    return true;
}

/* b->text becomes the records, one behind the other. */
static void join_records(struct batch *b, const struct text *rows, size_t n)
{
    struct buf text = {0}, old = {0};
    size_t total = 0;
    for (size_t r = 0; r < n; r++)
        total += rows[r].len - 1;
    bool here = in_place(b, rows, n);
    if (!here)
        buf_reserve(&text, total + SCAN_SLACK);
    char *at = here ? b->text.at : text.at;
    for (size_t r = 0; r < n; r++) {
        memmove(at, rows[r].at + 1, rows[r].len - 1);
        at += rows[r].len - 1;
    }
    memset(at, 0, SCAN_SLACK);
    if (!here) {
        old = batch_take_text(b);
        b->text = text;
    }
    buf_release(&old);
    b->text.len = total;
}

/* The row of a record, packed cell by cell. */
static struct text cells_of_record(struct batch *b, const struct csv_reader *reader,
                                   struct text row)
{
    struct csv_cells cells = {0};
    struct buf packed = {0};
    (void)csv_record(reader, row.at + 1, row.at + row.len, &cells, NULL);
    for (size_t i = 0; i < reader->cells; i++)
        put_text(&packed, TAG_RAW, cells.raw.at[i]);
    vec_release(&cells.raw);
    struct text out = {arena_copy(&b->arena, packed.at, packed.len), packed.len};
    buf_release(&packed);
    return out;
}

/* Rows of chunks with and without a view of whole records stand side by side: all become cells. */
static const struct text *without_records(struct batch *b, const struct row_origin *o,
                                          const struct text *rows, size_t n)
{
    struct csv_reader reader = reader_of(o);
    struct text *out = batch_array(b, n, sizeof *out);
    for (size_t r = 0; r < n; r++)
        out[r] = *rows[r].at == TAG_RECORD ? cells_of_record(b, &reader, rows[r]) : rows[r];
    return out;
}

static void unpack_records(struct batch *b, const struct row_origin *o, const struct text *rows,
                           size_t n)
{
    struct csv_reader reader = reader_of(o);
    join_records(b, rows, n);
    (void)csv_view_chunk(&reader, b); /* they were regular before */
    for (size_t i = 0; i < o->columns; i++)
        b->columns.at[i].source = o->source[i];
}

/* ---- rows of other files -------------------------------------------------------------------- */

/* Appends a raw cell as its value. */
static void put_value(struct batch *b, const struct format *f, struct text raw, struct buf *out)
{
    struct text v = cell_value(f, raw, &b->arena);
    put_text(out, TAG_TEXT, v.at && is_na(b->policy, v) ? (struct text){NULL, 0} : v);
}

static void put_record_values(struct batch *b, const struct format *f, size_t columns,
                              struct text record, struct buf *out)
{
    struct csv_reader reader;
    struct csv_cells cells = {0};
    csv_reader_init(&reader, f, '\n', RAGGED_ERROR, simd_level());
    (void)csv_record(&reader, record.at, record.at + record.len, &cells, NULL);
    for (size_t i = 0; i < columns; i++)
        put_value(b, f, cells.raw.at[i], out);
    vec_release(&cells.raw);
}

/* The cells of a packed row, raw ones as their values. */
static void put_cell_values(struct batch *b, const struct format *f, size_t columns, const char *at,
                            struct buf *out)
{
    for (size_t i = 0; i < columns; i++) {
        struct cell c;
        const char *next = read_cell(at, &c);
        if (c.tag == TAG_RAW)
            put_value(b, f, c.text, out);
        else
            buf_add(out, at, (size_t)(next - at));
        at = next;
    }
}

static struct text translate(struct batch *b, const struct format *f, size_t columns,
                             struct text row)
{
    struct buf packed = {0};
    if (*row.at == TAG_RECORD)
        put_record_values(b, f, columns, (struct text){row.at + 1, row.len - 1}, &packed);
    else
        put_cell_values(b, f, columns, row.at, &packed);
    struct text out = {arena_copy(&b->arena, packed.at, packed.len), packed.len};
    buf_release(&packed);
    return out;
}

/* The rows without their TAG_FORMAT; as they are when none has one. */
static const struct text *without_formats(struct batch *b, const struct row_origin *o,
                                          const struct text *rows, size_t n)
{
    size_t found = 0;
    for (size_t r = 0; r < n; r++)
        found += rows[r].len > 0 && *rows[r].at == TAG_FORMAT;
    if (found == 0)
        return rows;
    struct text *out = arena_copy(&b->arena, rows, n * sizeof *out);
    for (size_t r = 0; r < n; r++) {
        const struct format *f = NULL;
        if (out[r].len == 0 || *out[r].at != TAG_FORMAT)
            continue;
        memcpy(&f, out[r].at + 1, sizeof f);
        out[r] = (struct text){out[r].at + 9, out[r].len - 9};
        if (out[r].len > 0 && !format_same_cells(f, o->format))
            out[r] = translate(b, f, o->columns, out[r]);
    }
    return out;
}

/* ---- all rows ------------------------------------------------------------------------------- */

static void unpack_cells(struct batch *b, const struct row_origin *o, const struct text *rows,
                         size_t n)
{
    const char **at = batch_array(b, n + 1, sizeof *at);
    for (size_t r = 0; r < n; r++)
        at[r] = rows[r].at;
    struct cell *cells = batch_array(b, n + 1, sizeof *cells);
    for (size_t i = 0; i < o->columns; i++) {
        for (size_t r = 0; r < n; r++)
            at[r] = read_cell(at[r], &cells[r]);
        struct column c = column_of_cells(b, cells, n);
        if (c.form == FORM_RAW)
            c.source = o->source[i];
        batch_add(b, c);
    }
}

void rows_unpack(struct batch *b, const struct row_origin *o, const struct text *rows, size_t n,
                 const uint64_t *ids)
{
    b->rows = n;
    b->format = o->format;
    b->policy = o->policy;
    b->ids = ids ? arena_copy(&b->arena, ids, n * sizeof *ids) : NULL;
    rows = without_formats(b, o, rows, n);
    size_t records = count_records(rows, n);
    if (records == n && n > 0) {
        unpack_records(b, o, rows, n);
        return;
    }
    if (records > 0)
        rows = without_records(b, o, rows, n);
    unpack_cells(b, o, rows, n);
}
