/* The text formats by name, and the way to their writers. */
#include "table/csv_write.h"
#include "table/json_write.h"
#include "table/table.h"

struct format format_csv(char delimiter)
{
    return (struct format){
        .kind = FORMAT_CSV, .delimiter = {delimiter, 0}, .quote = '"', .header = true};
}

struct format format_jsonl(void)
{
    return (struct format){.kind = FORMAT_JSONL};
}

static const struct {
    const char *name, *extension;
    enum format_kind kind;
    char delimiter;
} formats[] = {
    {"csv", ".csv", FORMAT_CSV, ','},           {"tsv", ".tsv", FORMAT_CSV, '\t'},
    {"tsv", ".tab", FORMAT_CSV, '\t'},          {"psv", ".psv", FORMAT_CSV, '|'},
    {"ssv", ".ssv", FORMAT_CSV, ';'},           {"jsonl", ".jsonl", FORMAT_JSONL, 0},
    {"ndjson", ".ndjson", FORMAT_JSONL, 0},     {"json", ".json", FORMAT_JSONL, 0},
    {"parquet", ".parquet", FORMAT_PARQUET, 0}, {"pretty", NULL, FORMAT_PRETTY, 0},
};

static struct format format_at(size_t i)
{
    struct format f = format_csv(formats[i].delimiter);
    if (formats[i].kind == FORMAT_JSONL)
        f = format_jsonl();
    f.kind = formats[i].kind;
    return f;
}

bool format_from_name(struct text name, struct format *f)
{
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (text_equal(name, text_of(formats[i].name))) {
            *f = format_at(i);
            return true;
        }
    return false;
}

bool format_from_extension(struct text extension, struct format *f)
{
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (formats[i].extension && text_equal(extension, text_of(formats[i].extension))) {
            *f = format_at(i);
            return true;
        }
    return false;
}

bool format_same_cells(const struct format *a, const struct format *b)
{
    return a->kind == FORMAT_CSV && b->kind == FORMAT_CSV && a->quote == b->quote &&
           a->backslash == b->backslash && a->lazy_quotes == b->lazy_quotes &&
           strcmp(a->delimiter, b->delimiter) == 0 && strcmp(a->comment, b->comment) == 0;
}

void write_header(const struct writer *w, struct buf *out)
{
    if (w->format.kind == FORMAT_CSV && w->format.header)
        csv_write_header(w, out);
}

void write_batch(const struct writer *w, struct batch *b, struct buf *out)
{
    if (w->format.kind == FORMAT_JSONL)
        json_write_batch(w, b, out);
    else
        csv_write_batch(w, b, out);
}

void write_row(const struct writer *w, struct batch *b, size_t row, struct buf *out)
{
    if (w->format.kind == FORMAT_JSONL)
        json_write_row(w, b, row, out);
    else
        csv_write_row(w, b, row, out);
}
