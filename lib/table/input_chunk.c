/* Cutting an input into chunks of whole records, and making columns of them. */
#include "table/input.h"

/* ---- reading ---------------------------------------------------------------------------------------- */

static int discard(struct input_file *f, size_t n, struct error *e)
{
    char bytes[4096];
    while (n > 0) {
        ssize_t got = source_read(f->source, bytes, n < sizeof bytes ? n : sizeof bytes, e);
        if (got <= 0)
            return got < 0 ? (int)got : 0;
        n -= (size_t)got;
    }
    return 0;
}

static int begin_file(struct input *in, struct input_file *f, struct error *e)
{
    if (in->started)
        return 0;
    int status = input_file_open(in, f, e);
    if (status == 0)
        status = discard(f, f->data_start, e);
    in->started = true;
    in->at_end = false;
    in->list = (struct json_list){0};
    in->line = f->first_line;
    return status;
}

static void end_file(struct input *in)
{
    struct input_file *f = &in->files.at[in->current];
    if (in->files.len > 1 && f->source && source_rewindable(f->source)) {
        source_free(f->source);
        f->source = NULL;
    }
    in->current++;
    in->started = in->at_end = false;
}

/* More bytes behind text; sets at_end. */
static int read_more(struct input *in, struct input_file *f, struct buf *text, struct error *e)
{
    buf_reserve(text, in->chunk + SCAN_SLACK + 1);
    ssize_t got = source_read(f->source, text->at + text->len, in->chunk, e);
    if (got < 0)
        return (int)got;
    int status = 0;
    if (f->is_list && got > 0)
        status = json_list_rewrite(&in->list, text->at + text->len, (size_t)got, e);
    if (f->is_list && got == 0)
        status = json_list_end(&in->list, e);
    if (status)
        return error_at(e, source_name(f->source), 0, 0);
    text->len += (size_t)got;
    if (got == 0) {
        in->at_end = true;
        if (text->len > 0 && text->at[text->len - 1] != f->newline)
            text->at[text->len++] = f->newline;
    }
    return 0;
}

/* ---- borders ---------------------------------------------------------------------------------------- */

static void find_borders(const struct input_file *f, const struct buf *text, struct scan_borders *b)
{
    if (f->format.kind == FORMAT_CSV) {
        csv_borders(&f->csv, text->at, text->len, b);
        return;
    }
    struct scan_chars lines = {'\n', '\n', '\n'};
    scan_kernels(simd_level())->borders(text->at, text->len, lines, b);
}

/* Blank lines at the end of a file are no records; only the next bytes tell whether it is the end. */
static void leave_blank_lines(const struct input_file *f, const char *text, struct scan_borders *b)
{
    if (f->format.kind != FORMAT_CSV || f->csv.cells < 2)
        return;
    for (;;) {
        size_t end = b->end;
        size_t line = end > 1 && text[end - 2] == '\r' ? 2 : 1;
        if (end < line || text[end - 1] != f->newline || (end > line && text[end - line - 1] != f->newline))
            return;
        b->end -= line;
        b->lines--;
        b->records--;
    }
}

static bool only_blank(const struct input_file *f, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] != f->newline && text[i] != '\r')
            return false;
    return true;
}

static int explain_open_record(struct input *in, struct input_file *f, const struct buf *text,
                               struct error *e)
{
    if (f->format.kind == FORMAT_CSV && memchr(text->at, f->format.quote, text->len) && f->format.quote)
        return csv_explain_open_record(&f->csv, text->at, text->len, source_name(f->source), in->line, e);
    error_set(e, ERR_DATA, "record is longer than %zu bytes (raise --max-record)", in->max_record);
    return error_at(e, source_name(f->source), in->line, 0);
}

/* The first record, which may have been read in pieces, is no longer than it may be. */
static bool first_fits(const struct input *in, const struct input_file *f, const struct buf *text)
{
    struct buf head = {text->at, in->max_record, text->cap};
    struct scan_borders b;
    find_borders(f, &head, &b);
    return b.end > 0;
}

/* Fills text with at least one whole record: 1, or 0 at the end of the file, or < 0. */
static int fill(struct input *in, struct input_file *f, struct buf *text, struct scan_borders *b,
                struct error *e)
{
    buf_add(text, in->carry.at, in->carry.len);
    in->carry.len = 0;
    while (!in->at_end) {
        int status = read_more(in, f, text, e);
        if (status)
            return status;
        find_borders(f, text, b);
        leave_blank_lines(f, text->at, b);
        if (in->at_end && b->end < text->len) {
            if (only_blank(f, text->at + b->end, text->len - b->end))
                text->len = b->end;
            else
                return explain_open_record(in, f, text, e);
        }
        if (b->end > 0 && (text->len <= in->max_record || first_fits(in, f, text)))
            return 1;
        if (text->len > in->max_record)
            return explain_open_record(in, f, text, e);
    }
    return 0;
}

static void take_chunk(struct input *in, const struct input_file *f, struct batch *b,
                       const struct scan_borders *borders)
{
    buf_add(&in->carry, b->text.at + borders->end, b->text.len - borders->end);
    b->text.len = borders->end;
    memset(b->text.at + b->text.len, 0, SCAN_SLACK);
    b->part = in->current;
    b->file = source_name(f->source);
    b->first_line = in->line;
    b->first_id = in->records << ROW_ID_SHIFT;
    b->format = &f->format;
    b->policy = in->options.policy;
    in->line += borders->lines;
    in->records += f->format.kind == FORMAT_CSV ? borders->records
                                                : json_count_records(b->text.at, b->text.len);
}

int input_next(struct input *in, struct batch *b, struct error *e)
{
    while (in->current < in->files.len) {
        struct input_file *f = &in->files.at[in->current];
        struct scan_borders borders = {0};
        int status = begin_file(in, f, e);
        if (status == 0)
            status = fill(in, f, &b->text, &borders, e);
        if (status < 0)
            return status;
        if (status > 0) {
            take_chunk(in, f, b, &borders);
            return 1;
        }
        end_file(in);
    }
    return 0;
}

/* ---- parsing ---------------------------------------------------------------------------------------- */

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

int input_parse(const struct input *in, struct batch *b, struct error *e)
{
    const struct input_file *f = &in->files.at[b->part];
    int status = 0;
    if (f->format.kind == FORMAT_CSV) {
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
