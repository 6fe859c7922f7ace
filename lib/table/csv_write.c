/* Writing CSV: cells nobody touched as the bytes they came in, runs of them in one copy. */
#include "table/csv_write.h"
#include "table/cells.h"

#include <math.h>

static bool needs_quotes(const struct format *f, struct text v)
{
    if (v.len == 0 || v.at[0] == ' ' || v.at[v.len - 1] == ' ')
        return true;
    for (size_t i = 0; i < v.len; i++) {
        char c = v.at[i];
        if (c == f->delimiter[0] || c == '\n' || c == '\r' || (c == f->quote && c))
            return true;
    }
    return f->comment[0] && v.at[0] == f->comment[0];
}

static void put_quoted(const struct format *f, struct text v, struct buf *out)
{
    char quote = f->quote ? f->quote : '"', escape = f->backslash ? '\\' : quote;
    buf_putc(out, quote);
    for (size_t i = 0; i < v.len; i++) {
        if (v.at[i] == quote || (f->backslash && v.at[i] == '\\'))
            buf_putc(out, escape);
        buf_putc(out, v.at[i]);
    }
    buf_putc(out, quote);
}

void csv_put_value(const struct format *f, struct text v, struct buf *out)
{
    if (!v.at)
        return;
    if (needs_quotes(f, v))
        put_quoted(f, v, out);
    else
        buf_add(out, v.at, v.len);
}

static void put_double(struct buf *out, double f)
{
    if (isnan(f))
        return;
    buf_reserve(out, NUMBER_MAX);
    out->len += number_print(out->at + out->len, f);
}

static inline void put_int(struct buf *out, int64_t i)
{
    if ((uint64_t)i < 10) { /* indicators and codes, most of what steps make */
        buf_putc(out, (char)('0' + i));
        return;
    }
    if (i == INT_MISSING)
        return;
    buf_reserve(out, NUMBER_MAX);
    out->len += number_print_int(out->at + out->len, i);
}

static void put_time(struct buf *out, usec t)
{
    if (t == INT_MISSING)
        return;
    buf_reserve(out, TIME_MAX);
    out->len += time_print(out->at + out->len, t);
}

static void put_raw(const struct format *f, struct batch *b, struct text raw, bool same,
                    struct buf *out)
{
    if (same)
        buf_add(out, raw.at, raw.len);
    else
        csv_put_value(f, cell_value(b->format, raw, &b->arena), out);
}

/* A JSON string is written as its value; lists and maps as they are. */
static struct text json_scalar(struct batch *b, struct text value)
{
    const struct format json = {.kind = FORMAT_JSONL};
    return cell_value(&json, value, &b->arena);
}

static void put_cell(const struct format *f, struct batch *b, const struct column *c, size_t row,
                     bool same, struct buf *out)
{
    switch (c->form) {
    case FORM_VIEW:
    case FORM_RAW:
        put_raw(f, b, raw_cell(b, c, row), same, out);
        break;
    case FORM_TEXT:
        csv_put_value(f, c->text[row], out);
        break;
    case FORM_JSON:
        csv_put_value(f, json_scalar(b, c->text[row]), out);
        break;
    case FORM_INT:
        put_int(out, c->i64[row]);
        break;
    case FORM_FLOAT:
        put_double(out, c->f64[row]);
        break;
    case FORM_NUMBER:
        if (c->number[row].is_int)
            put_int(out, c->number[row].i);
        else
            put_double(out, c->number[row].f);
        break;
    case FORM_BOOL:
        if (c->b8[row] != BOOL_MISSING)
            buf_puts(out, c->b8[row] ? "true" : "false");
        break;
    case FORM_TIME:
        put_time(out, c->i64[row]);
        break;
    }
}

/* Columns that are neighbours in the chunk leave in one copy, delimiters between them included. */
struct span {
    const struct column *first;
    uint32_t cells; /* 0: not a view, written cell by cell */
    bool last;      /* ends its record: may end in a carriage return */
};

static bool follows(const struct column *before, const struct column *c)
{
    return before->form == FORM_VIEW && c->form == FORM_VIEW && c->view.base == before->view.base &&
           c->view.stride == before->view.stride && c->view.at == before->view.at + 1;
}

static size_t find_spans(const struct batch *b, bool same, struct span *spans)
{
    size_t n = 0;
    for (size_t i = 0; i < b->columns.len; i++) {
        const struct column *c = &b->columns.at[i];
        if (same && i > 0 && follows(c - 1, c) && spans[n - 1].cells) {
            spans[n - 1].cells++;
            spans[n - 1].last = c->view.last;
        } else {
            bool view = same && c->form == FORM_VIEW;
            spans[n++] = (struct span){c, view ? 1 : 0, view && c->view.last};
        }
    }
    return n;
}

/* Copies n bytes with SCAN_SLACK readable bytes behind them; short cells in one or two moves. */
static inline void put_span(struct buf *out, const char *from, size_t n)
{
    if (UNLIKELY(out->cap - out->len < n + 32))
        buf_reserve(out, n + 32);
    char *to = out->at + out->len;
    memcpy(to, from, 16);
    if (n > 16) {
        memcpy(to + 16, from + 16, 16);
        if (n > 32)
            memcpy(to + 32, from + 32, n - 32);
    }
    out->len += n;
}

static void put_view(struct buf *out, const struct span *s, uint32_t chunk_row)
{
    const uint32_t *at = s->first->view.at + (size_t)chunk_row * s->first->view.stride;
    const char *base = s->first->view.base;
    size_t start = at[0], end = (size_t)at[s->cells] - 1;
    if (s->last && end > start && base[end - 1] == '\r')
        end--;
    put_span(out, base + start, end - start);
}

static void put_rows(const struct format *f, struct batch *b, const struct span *spans, size_t n,
                     bool same, size_t from, size_t to, struct buf *out)
{
    size_t delimiter = strlen(f->delimiter);
    for (size_t r = from; r < to; r++) {
        for (size_t i = 0; i < n; i++) {
            if (i > 0 && delimiter == 1)
                buf_putc(out, f->delimiter[0]);
            else if (i > 0)
                buf_add(out, f->delimiter, delimiter);
            if (spans[i].cells)
                put_view(out, &spans[i], b->kept ? b->kept[r] : (uint32_t)r);
            else
                put_cell(f, b, spans[i].first, r, same, out);
        }
        buf_putc(out, '\n');
    }
}

/* Whole records of the chunk, in runs of neighbours; nothing in them needs a second look. */
static void put_records(struct batch *b, const struct column *first, struct buf *out)
{
    const uint32_t *at = first->view.at;
    uint32_t stride = first->view.stride;
    for (size_t r = 0; r < b->rows;) {
        uint32_t from = b->kept ? b->kept[r] : (uint32_t)r;
        size_t run = b->kept ? 1 : b->rows;
        while (b->kept && r + run < b->rows && b->kept[r + run] == from + run)
            run++;
        size_t start = at[(size_t)from * stride], end = at[(from + run) * stride];
        buf_add(out, first->view.base + start, end - start);
        r += run;
    }
}

static void put_all(const struct format *f, struct batch *b, size_t from, size_t to,
                    struct buf *out)
{
    bool same = b->format && format_same_cells(f, b->format);
    struct span *spans = batch_array(b, b->columns.len + 1, sizeof *spans);
    size_t n = find_spans(b, same, spans);
    bool whole = n == 1 && spans[0].cells && spans[0].cells == spans[0].first->view.stride;
    if (whole && from == 0 && to == b->rows && !memchr(b->text.at, '\r', b->text.len))
        put_records(b, spans[0].first, out);
    else
        put_rows(f, b, spans, n, same, from, to, out);
}

void csv_write_header(const struct writer *w, struct buf *out)
{
    const struct format *f = &w->format;
    const struct schema *s = w->schema;
    bool same = w->input && format_same_cells(f, w->input);
    for (size_t i = 0; i < s->fields.len; i++) {
        const struct field *field = &s->fields.at[i];
        if (i > 0)
            buf_puts(out, f->delimiter);
        if (same && field->raw)
            buf_puts(out, field->raw);
        else
            csv_put_value(f, text_of(field->name), out);
    }
    buf_putc(out, '\n');
}

void csv_write_batch(const struct writer *w, struct batch *b, struct buf *out)
{
    put_all(&w->format, b, 0, b->rows, out);
}

void csv_write_row(const struct writer *w, struct batch *b, size_t row, struct buf *out)
{
    put_all(&w->format, b, row, row + 1, out);
}
