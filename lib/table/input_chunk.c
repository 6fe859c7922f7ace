/* Cutting an input into chunks of whole records. */
#include "table/input.h"

#include "sys/sys.h"

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
    in->sliced = status == 0 && !f->parquet && input_can_slice(f, &in->next, &in->end);
    if (status == 0 && !in->sliced && !f->parquet)
        status = discard(f, f->data_start, e);
    in->started = true;
    in->at_end = false;
    in->list = (struct json_list){0};
    return status;
}

static void end_file(struct input *in)
{
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
        return error_at(e, input_file_name(f), 0, 0);
    text->len += (size_t)got;
    if (got == 0) {
        in->at_end = true;
        if (text->len > 0 && text->at[text->len - 1] != f->newline)
            text->at[text->len++] = f->newline;
    }
    return 0;
}

static struct scan_borders find_borders(const struct input_file *f, const char *text, size_t n)
{
    if (f->format.kind == FORMAT_CSV)
        return csv_borders(&f->csv, text, n);
    struct scan_chars lines = {'\n', '\n', '\n'};
    struct scan_totals totals = scan_kernels(simd_level())->totals(text, n, lines);
    return scan_borders(text, n, lines, &totals, false);
}

/* Blank lines at the end of a file are no records;
 * only the next bytes tell whether it is the end. */
static void leave_blank_lines(const struct input_file *f, const char *text, struct scan_borders *b)
{
    if (f->format.kind != FORMAT_CSV || f->csv.cells < 2)
        return;
    for (;;) {
        size_t end = b->end;
        size_t line = end > 1 && text[end - 2] == '\r' ? 2 : 1;
        if (end < line || text[end - 1] != f->newline ||
            (end > line && text[end - line - 1] != f->newline))
            return;
        b->end -= line;
        b->lines--;
        b->lines_behind++;
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

int input_explain_open(const struct input *in, const struct input_file *f, const struct buf *text,
                       struct error *e)
{
    if (f->format.kind == FORMAT_CSV && f->format.quote &&
        memchr(text->at, f->format.quote, text->len))
        return csv_explain_open_record(&f->csv, text->at, text->len, input_file_name(f), in->line,
                                       e);
    error_set(e, ERR_DATA, "record is longer than %zu bytes (raise --max-record)", in->max_record);
    return error_at(e, input_file_name(f), in->line, 0);
}

int input_check(struct input *in, const struct input_file *f, struct buf *text, bool at_end,
                struct scan_borders *borders, struct error *e)
{
    leave_blank_lines(f, text->at, borders);
    if (at_end && only_blank(f, text->at + borders->end, text->len - borders->end))
        text->len = borders->end;
    /* The first record, which may have been read in pieces, is no longer than it may be. */
    bool fits = text->len <= in->max_record ||
                (borders->end > 0 && find_borders(f, text->at, in->max_record).end > 0);
    if (!fits || (at_end && borders->end == 0 && text->len > 0))
        return input_explain_open(in, f, text, e);
    return borders->end > 0;
}

void input_take(struct input *in, const struct input_file *f, struct batch *b,
                const struct scan_borders *borders)
{
    b->text.len = borders->end;
    memset(b->text.at + b->text.len, 0, SCAN_SLACK);
    b->part = (size_t)(f - in->files.at);
    b->file = input_file_name(f);
    b->first_line = in->line;
    b->first_id = in->records << ROW_ID_SHIFT;
    b->format = &f->format;
    b->policy = in->options.policy;
    in->line += borders->lines;
    in->records += borders->records;
}

/* The next rows of a Parquet file, which are settled at once: 1, 0 at the end, or < 0. */
static int take_rows(struct input *in, struct input_file *f, struct batch *b, struct error *e)
{
    uint64_t passed = 0;
    int got = input_parquet_next(f->parquet, in->chunk, b, &passed, e);
    in->records += passed;
    if (got <= 0)
        return got;
    b->part = (size_t)(f - in->files.at);
    b->file = input_file_name(f);
    b->first_id = in->records << ROW_ID_SHIFT;
    b->format = &f->format;
    b->policy = in->options.policy;
    in->records += b->rows;
    return 1;
}

/* The next records of a stream: 1, or 0 at the end of the file, or < 0. */
static int read_stream(struct input *in, struct input_file *f, struct batch *b, struct error *e)
{
    struct buf *text = &b->text;
    buf_add(text, in->carry.at, in->carry.len);
    in->carry.len = 0;
    if (in->at_end && text->len > 0) /* behind the last records */
        return input_explain_open(in, f, text, e);
    while (!in->at_end) {
        int got = read_more(in, f, text, e);
        if (got < 0)
            return got;
        struct scan_borders borders = find_borders(f, text->at, text->len);
        got = input_check(in, f, text, in->at_end, &borders, e);
        if (got < 0)
            return got;
        if (got > 0) {
            buf_add(&in->carry, text->at + borders.end, text->len - borders.end);
            if (f->format.kind != FORMAT_CSV)
                borders.records = json_count_records(text->at, borders.end);
            input_take(in, f, b, &borders);
            return 1;
        }
    }
    return 0;
}

static struct slice next_slice(struct input *in, bool first)
{
    uint64_t left = in->end - in->next;
    size_t n = left < in->chunk ? (size_t)left : in->chunk;
    struct slice slice = {in->current, in->next, n, first, n == left};
    in->next += n;
    return slice;
}

/* The next slice to be read, or a chunk of what is not sliced: 1, 0 at the end, < 0. */
static int next_chunk(struct input *in, struct batch *b, struct slice *slice, struct error *e)
{
    for (; in->current < in->files.len; end_file(in)) {
        struct input_file *f = &in->files.at[in->current];
        bool first = !in->started;
        int status = begin_file(in, f, e);
        b->sequence = in->chunks;
        if (status == 0 && in->sliced && in->next < in->end) {
            in->chunks++;
            *slice = next_slice(in, first);
            return 1;
        }
        turn_wait(in->turn, in->chunks); /* all chunks before have settled */
        if (in->failed)
            return 0;
        if (first)
            in->line = f->first_line;
        if (status == 0)
            status = f->parquet   ? take_rows(in, f, b, e)
                     : in->sliced ? input_end_slices(in, f, &b->text, e)
                                  : read_stream(in, f, b, e);
        if (status) {
            in->failed = status < 0;
            in->chunks++;
            turn_next(in->turn);
            return status;
        }
        input_file_close(in, f);
    }
    return 0;
}

int input_next(struct input *in, struct batch *b, struct error *e)
{
    struct slice slice = {0};
    pthread_mutex_lock(&in->door);
    int got = next_chunk(in, b, &slice, e);
    pthread_mutex_unlock(&in->door);
    return slice.n > 0 ? input_read_slice(in, &slice, b, e) : got;
}
