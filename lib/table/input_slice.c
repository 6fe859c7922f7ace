/*
 * A plain file is cut into slices at any byte, which threads read and scan side by side. Whether a
 * slice begins inside quotes is known once the slices before it have been scanned; both answers are
 * counted before that, so that what is left to do in turn is a few instructions and the reading of
 * the record that a border cut in two.
 */
#include "table/input.h"

#include "sys/sys.h"

enum { ROOM = 16 << 10 }; /* before the slice, for the beginning of its first record */

static struct scan_chars chars_of(const struct input_file *f)
{
    return f->format.kind == FORMAT_CSV ? f->csv.chars : (struct scan_chars){'\n', '\n', '\n'};
}

bool input_can_slice(const struct input_file *f, uint64_t *start, uint64_t *end)
{
    bool scans = f->format.kind == FORMAT_CSV ? f->csv.parity : !f->is_list;
    if (!scans || !source_plain(f->source, start, end))
        return false;
    *start += f->data_start;
    return *start < *end;
}

/* Puts the bytes from the open record up to the slice, which stands at ROOM, before it. */
static int read_beginning(struct input *in, const struct slice *slice, struct batch *b,
                          struct error *e)
{
    size_t n = (size_t)(slice->at - in->open.at), len = b->text.len - ROOM;
    if (n <= ROOM) {
        batch_skip(b, ROOM - n);
    } else {
        buf_reserve(&b->text, n + SCAN_SLACK);
        memmove(b->text.at + n, b->text.at + ROOM, len);
    }
    b->text.len = n + len;
    return n ? source_read_at(in->files.at[slice->file].source, in->open.at, b->text.at, n, e) : 0;
}

/* What is known of a slice before its turn. */
struct scanned {
    struct scan_totals totals;
    bool blank; /* JSON Lines: there may be lines that are no records */
};

/* In turn: the chunk begins where the one before ended, and ends with the last record that ends in
 * the slice. */
static int settle(struct input *in, const struct slice *slice, const struct scanned *scanned,
                  struct batch *b, struct error *e)
{
    struct input_file *f = &in->files.at[slice->file];
    if (slice->first) {
        in->open = (struct open_record){.at = slice->at};
        in->line = f->first_line;
    }
    size_t before = (size_t)(slice->at - in->open.at), n = b->text.len - ROOM;
    struct scan_borders borders =
        scan_borders(b->text.at + ROOM, n, chars_of(f), &scanned->totals, in->open.inside);
    borders.records += in->open.records;
    *(borders.end ? &borders.lines : &borders.lines_behind) += in->open.lines;
    borders.end += borders.end ? before : 0;
    uint64_t records = borders.records;
    if (borders.end || slice->last || before + n > in->max_record) {
        int status = read_beginning(in, slice, b, e);
        if (status == 0)
            status = input_check(in, f, &b->text, slice->last, &borders, e);
        if (status < 0)
            return status;
        if (slice->last)
            in->open.rest = b->text.len - borders.end;
    }
    if (borders.end == 0)
        borders.records = 0;
    in->open.at += borders.end;
    in->open.lines = borders.lines_behind;
    in->open.records = records - borders.records;
    in->open.inside ^= scanned->totals.odd;
    if (scanned->blank && borders.end)
        borders.records = json_count_records(b->text.at, borders.end);
    input_take(in, f, b, &borders);
    return 1;
}

static struct scanned scan(const struct input_file *f, const char *text, size_t n)
{
    return (struct scanned){.totals = scan_kernels(simd_level())->totals(text, n, chars_of(f)),
                            .blank = f->format.kind != FORMAT_CSV && json_blank_line(text, n)};
}

int input_read_slice(struct input *in, const struct slice *slice, struct batch *b, struct error *e)
{
    const struct input_file *f = &in->files.at[slice->file];
    struct scanned scanned = {0};
    buf_reserve(&b->text, ROOM + slice->n + 1 + SCAN_SLACK);
    b->text.len = ROOM + slice->n;
    int status = source_read_at(f->source, slice->at, b->text.at + ROOM, slice->n, e);
    if (status == 0) {
        if (slice->last && b->text.at[b->text.len - 1] != f->newline)
            b->text.at[b->text.len++] = f->newline;
        scanned = scan(f, b->text.at + ROOM, b->text.len - ROOM);
    }
    turn_wait(in->turn, b->sequence);
    if (in->failed) /* the error is on its way from a slice before */
        input_take(in, f, b, &(struct scan_borders){0});
    else if (status == 0)
        status = settle(in, slice, &scanned, b, e);
    in->failed |= status < 0;
    turn_next(in->turn);
    return status < 0 ? status : 1;
}

int input_end_slices(struct input *in, const struct input_file *f, struct buf *text,
                     struct error *e)
{
    size_t n = in->open.rest;
    if (n == 0)
        return 0;
    buf_reserve(text, n);
    text->at[n - 1] = f->newline; /* the file may have none at its end */
    uint64_t left = in->end - in->open.at;
    int status = source_read_at(f->source, in->open.at, text->at, n < left ? n : (size_t)left, e);
    text->len = n;
    return status ? status : input_explain_open(in, f, text, e);
}
