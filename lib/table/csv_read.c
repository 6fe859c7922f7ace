#include "table/csv_read.h"

#include "table/cells.h"

void csv_reader_init(struct csv_reader *r, const struct format *f, char newline, enum ragged ragged,
                     enum simd level)
{
    bool one_byte = f->delimiter[0] && !f->delimiter[1];
    *r = (struct csv_reader){
        .kernels = scan_kernels(level),
        .format = f,
        .ragged = ragged,
        .chars = {f->delimiter[0], f->quote ? f->quote : newline, newline},
        .parity = one_byte && !f->backslash && !f->lazy_quotes && !f->comment[0],
    };
}

static bool at_delimiter(const struct format *f, const char *p, const char *end)
{
    size_t n = strlen(f->delimiter);
    return *p == f->delimiter[0] &&
           (n == 1 || ((size_t)(end - p) >= n && !memcmp(p, f->delimiter, n)));
}

/* From an opening quote to the byte after the closing one; NULL when there is none. */
static const char *skip_quoted(const struct format *f, const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (f->backslash && *p == '\\' && p + 1 < end)
            p++;
        else if (*p == f->quote) {
            if (f->backslash || p + 1 == end || p[1] != f->quote)
                return p + 1;
            p++;
        }
    }
    return NULL;
}

static bool at_cell_end(const struct csv_reader *r, const char *p, const char *end)
{
    return p == end || *p == r->chars.newline || at_delimiter(r->format, p, end) ||
           (*p == '\r' && p + 1 < end && p[1] == r->chars.newline);
}

static void note(const char **problem, const char *where)
{
    if (problem && !*problem)
        *problem = where;
}

/* From a place outside quotes to the delimiter, line end or end of the text that ends the cell. */
static const char *skip_unquoted(const struct csv_reader *r, const char *p, const char *end,
                                 const char **problem)
{
    const struct format *f = r->format;
    bool quoting = f->quote && !f->lazy_quotes;
    for (; p < end && *p != r->chars.newline && !at_delimiter(f, p, end); p++) {
        if (f->backslash && *p == '\\' && p + 1 < end)
            p++;
        else if (quoting && *p == f->quote)
            note(problem, p);
    }
    return p;
}

/* The end of the cell that begins at p; NULL when it begins with quotes that do not end. */
static const char *skip_cell(const struct csv_reader *r, const char *p, const char *end,
                             const char **problem)
{
    const struct format *f = r->format;
    if (!f->quote || p == end || *p != f->quote)
        return skip_unquoted(r, p, end, problem);
    p = skip_quoted(f, p, end);
    if (!p)
        return NULL;
    if (!f->lazy_quotes && !at_cell_end(r, p, end))
        note(problem, p - 1);
    return skip_unquoted(r, p, end, problem);
}

const char *csv_record(const struct csv_reader *r, const char *at, const char *end,
                       struct csv_cells *cells, const char **problem)
{
    size_t delimiter = strlen(r->format->delimiter);
    cells->raw.len = 0;
    for (;;) {
        const char *stop = skip_cell(r, at, end, problem);
        if (!stop)
            return NULL;
        struct text cell = {at, (size_t)(stop - at)};
        bool record_ends = stop == end || *stop == r->chars.newline;
        if (record_ends && cell.len > 0 && cell.at[cell.len - 1] == '\r')
            cell.len--;
        vec_push(&cells->raw, cell);
        if (record_ends)
            return stop == end ? NULL : stop + 1;
        at = stop + delimiter;
    }
}

struct text csv_record_text(const struct csv_reader *r, const char *at, const char *end)
{
    struct csv_cells cells = {0};
    const char *next = csv_record(r, at, end, &cells, NULL);
    vec_release(&cells.raw);
    size_t n = (size_t)((next ? next : end) - at);
    n -= n > 0 && at[n - 1] == r->chars.newline;
    n -= n > 0 && at[n - 1] == '\r' && r->chars.newline == '\n';
    return (struct text){at, n};
}

static bool is_comment(const struct format *f, const char *at, const char *end)
{
    size_t n = strlen(f->comment);
    return n && (size_t)(end - at) >= n && memcmp(at, f->comment, n) == 0;
}

static struct scan_borders borders_general(const struct csv_reader *r, const char *text, size_t n)
{
    struct scan_borders b = {0};
    struct csv_cells cells = {0};
    const char *at = text, *end = text + n, *next;
    while (at < end && (next = csv_record(r, at, end, &cells, NULL))) {
        b.records += !is_comment(r->format, at, end);
        b.end = (size_t)(next - text);
        at = next;
    }
    for (size_t i = 0; i < n; i++)
        *(i < b.end ? &b.lines : &b.lines_behind) += text[i] == r->chars.newline;
    vec_release(&cells.raw);
    return b;
}

struct scan_borders csv_borders(const struct csv_reader *r, const char *text, size_t n)
{
    if (!r->parity)
        return borders_general(r, text, n);
    struct scan_totals totals = r->kernels->totals(text, n, r->chars);
    return scan_borders(text, n, r->chars, &totals, false);
}

static int error_in_text(const struct csv_reader *r, const char *text, const char *where,
                         const char *file, uint64_t line, struct error *e)
{
    const char *line_start = text;
    for (const char *p = text; p < where; p++)
        if (*p == r->chars.newline) {
            line += line > 0;
            line_start = p + 1;
        }
    return error_at(e, file, line, (uint64_t)(where - line_start) + 1);
}

/* The cell of the record at `at` whose quotes do not end; NULL when there is none. */
static const char *open_cell(const struct csv_reader *r, const char *at, const char *end)
{
    for (;;) {
        const char *stop = skip_cell(r, at, end, NULL);
        if (!stop)
            return at;
        if (stop == end || *stop == r->chars.newline)
            return NULL;
        at = stop + strlen(r->format->delimiter);
    }
}

int csv_explain_open_record(const struct csv_reader *r, const char *text, size_t n,
                            const char *file, uint64_t line, struct error *e)
{
    struct csv_cells cells = {0};
    const char *at = text, *record = text, *end = text + n, *problem = NULL;
    do {
        record = at;
        at = csv_record(r, at, end, &cells, &problem);
    } while (at && at < end && !problem);
    vec_release(&cells.raw);
    if (problem) {
        error_set(e, ERR_DATA,
                  "stray quote: a quoted cell ends at its closing quote, a quote inside "
                  "is doubled (--lazy-quotes takes it as it is)");
        return error_in_text(r, text, problem, file, line, e);
    }
    const char *opening = open_cell(r, record, end);
    if (opening)
        error_set(e, ERR_DATA, "quote is never closed");
    else
        error_set(e, ERR_DATA, "record does not end within %zu bytes (raise --max-record)",
                  (size_t)(end - record));
    return error_in_text(r, text, opening ? opening : record, file, line, e);
}

int csv_invalid_byte(const struct csv_reader *r, const char *text, size_t n, const char *file,
                     uint64_t line, struct error *e)
{
    size_t at = r->kernels->valid(text, n);
    unsigned char byte = (unsigned char)text[at];
    if (byte == 0)
        error_set(e, ERR_DATA, "NUL byte");
    else
        error_set(e, ERR_DATA, "byte 0x%02x is not UTF-8 (name the encoding with --encoding)",
                  byte);
    return error_in_text(r, text, text + at, file, line, e);
}

static bool index_regular(const struct csv_reader *r, struct batch *b)
{
    struct scan_index s = {.text = b->text.at,
                           .n = b->text.len,
                           .chars = r->chars,
                           .stride = (uint32_t)r->cells,
                           .count = 1,
                           .before = 1};
    vec_reserve(&b->index, 4096);
    b->index.at[0] = 0;
    for (;;) {
        s.at = b->index.at;
        s.cap = b->index.cap;
        if (r->kernels->index(&s))
            break;
        if (s.problem)
            return false;
        vec_reserve(&b->index, 2 * b->index.cap);
    }
    b->index.len = s.count;
    b->rows = s.rows;
    return true;
}

static void make_views(const struct csv_reader *r, struct batch *b)
{
    for (size_t c = 0; c < r->cells; c++) {
        struct column view = {.form = FORM_VIEW, .source = -1};
        view.view.base = b->text.at;
        view.view.at = b->index.at + c;
        view.view.stride = (uint32_t)r->cells;
        view.view.last = c + 1 == r->cells;
        batch_add(b, view);
    }
    b->row_start = b->index.at;
    b->row_stride = (uint32_t)r->cells;
}

struct rows {
    struct text **columns; /* r->cells arrays */
    uint32_t *start;
    uint64_t *ids; /* records that are left out have theirs, too: ids do not depend on chunks */
    size_t count;
    uint64_t record; /* of the chunk, the next one to be read */
};

static bool is_blank(const struct csv_cells *cells)
{
    return cells->raw.len == 1 && cells->raw.at[0].len == 0;
}

/* Decides about a record with the wrong number of cells: > 0 keep, 0 leave out, < 0 stop. */
static int settle_ragged(const struct csv_reader *r, struct batch *b, const char *at, size_t have,
                         struct error *e)
{
    enum on_error policy = b->policy ? b->policy->on_error : ON_ERROR_STOP;
    if (r->ragged == RAGGED_TRUNCATE && have > r->cells)
        return 1;
    if ((r->ragged == RAGGED_PAD || policy == ON_ERROR_NULL || r->ragged == RAGGED_EXTRA) &&
        have < r->cells)
        return 1;
    error_set(e, ERR_DATA, "%zu cell%s where the header has %zu", have, have == 1 ? "" : "s",
              r->cells);
    error_in_text(r, b->text.at, at, b->file, b->first_line, e);
    e->column = 0;
    if (policy == ON_ERROR_STOP)
        return e->code;
    if (b->policy->reject)
        b->policy->reject(b->policy->context, e, csv_record_text(r, at, b->text.at + b->text.len));
    *e = (struct error){0};
    return 0;
}

static void add_row(const struct csv_reader *r, struct batch *b, struct rows *rows,
                    const struct csv_cells *cells, const char *at)
{
    for (size_t c = 0; c < r->cells; c++)
        rows->columns[c][rows->count] =
            c < cells->raw.len ? cells->raw.at[c] : (struct text){b->text.at, 0};
    rows->ids[rows->count] = b->first_id + (rows->record << ROW_ID_SHIFT);
    rows->start[rows->count++] = (uint32_t)(at - b->text.at);
}

static int parse_records(const struct csv_reader *r, struct batch *b, struct rows *rows,
                         struct csv_cells *cells, struct error *e)
{
    const char *at = b->text.at, *end = at + b->text.len;
    while (at < end) {
        const char *problem = NULL, *next = csv_record(r, at, end, cells, &problem);
        if (problem || !next)
            return csv_explain_open_record(r, b->text.at, b->text.len, b->file, b->first_line, e);
        bool comment = is_comment(r->format, at, end);
        bool skip = comment ||
                    (is_blank(cells) && r->cells > 1 && (next == end || r->ragged != RAGGED_ERROR));
        int keep = skip ? 0 : 1;
        if (!skip && cells->raw.len != r->cells)
            keep = settle_ragged(r, b, at, cells->raw.len, e);
        if (keep < 0)
            return keep;
        if (keep)
            add_row(r, b, rows, cells, at);
        rows->record += !comment;
        at = next;
    }
    return 0;
}

static int parse_irregular(const struct csv_reader *r, struct batch *b, struct error *e)
{
    size_t lines = 1;
    for (size_t i = 0; i < b->text.len; i++)
        lines += b->text.at[i] == r->chars.newline;
    struct rows rows = {.columns = batch_array(b, r->cells, sizeof *rows.columns),
                        .start = batch_array(b, lines, sizeof *rows.start),
                        .ids = batch_array(b, lines, sizeof *rows.ids)};
    for (size_t c = 0; c < r->cells; c++)
        rows.columns[c] = batch_array(b, lines, sizeof **rows.columns);
    struct csv_cells cells = {0};
    int status = parse_records(r, b, &rows, &cells, e);
    vec_release(&cells.raw);
    if (status)
        return status;
    for (size_t c = 0; c < r->cells; c++)
        batch_add(b, (struct column){.form = FORM_RAW, .source = -1, .text = rows.columns[c]});
    b->row_start = rows.start;
    b->row_stride = 1;
    b->rows = rows.count;
    if (rows.record > rows.count)
        b->ids = rows.ids;
    return 0;
}

bool csv_view_chunk(const struct csv_reader *r, struct batch *b)
{
    if (!r->parity || !index_regular(r, b))
        return false;
    make_views(r, b);
    return true;
}

int csv_parse_chunk(const struct csv_reader *r, struct batch *b, struct error *e)
{
    if (r->kernels->valid(b->text.at, b->text.len) < b->text.len)
        return csv_invalid_byte(r, b->text.at, b->text.len, b->file, b->first_line, e);
    return csv_view_chunk(r, b) ? 0 : parse_irregular(r, b, e);
}
