/* wrangle sniff FILE: what a file is read as, and hints where its first bytes suggest otherwise. */
#include "wrangle.h"

#include "table/input_parquet.h"

struct sniff_options {
    const char *encoding;
};

static const struct option options[] = {
    {0, "encoding", "NAME", INTO_TEXT(struct sniff_options, encoding),
     .help = "encoding of the input (default: UTF-8, UTF-16 by its mark)"},
    OPTION_END,
};

static void put_text(struct buf *out, const char *name, const char *text)
{
    buf_format(out, ",\"%s\":", name);
    json_put_string(out, text, strlen(text));
}

static void put_hint(struct buf *hints, const char *format, ...) PRINTF_LIKE(2, 3);
static void put_hint(struct buf *hints, const char *format, ...)
{
    struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&text, format, args);
    va_end(args);
    if (hints->len > 0)
        buf_putc(hints, ',');
    json_put_string(hints, text.at, text.len);
    buf_release(&text);
}

static const char *kind_name(const struct format *f)
{
    return f->kind == FORMAT_CSV ? "csv" : f->kind == FORMAT_PARQUET ? "parquet" : "jsonl";
}

static void put_columns(const struct schema *s, struct buf *out)
{
    buf_puts(out, ",\"columns\":[");
    for (size_t i = 0; i < s->fields.len; i++) {
        const struct field *f = &s->fields.at[i];
        buf_puts(out, i ? ",{\"name\":" : "{\"name\":");
        json_put_string(out, f->name, strlen(f->name));
        buf_format(out, ",\"type\":\"%s\"}", type_name(f->type));
    }
    buf_putc(out, ']');
}

static void put_finding(const struct sniffed *s, const char *file, struct buf *hints,
                        struct buf *out)
{
    bool csv = s->format.kind == FORMAT_CSV;
    char quote[2] = {s->format.quote, 0};
    buf_puts(out, "{\"file\":");
    json_put_string(out, file, strlen(file));
    put_text(out, "format", kind_name(&s->format));
    if (csv) {
        put_text(out, "delimiter", s->format.delimiter);
        put_text(out, "quote", quote);
        put_text(out, "escape", s->format.backslash ? "\\" : quote);
        buf_format(out, ",\"header\":%s", s->format.header ? "true" : "false");
    }
    put_text(out, "line_end", s->line_end);
    put_text(out, "encoding", "UTF-8");
    put_columns(&s->schema, out);
    buf_puts(out, ",\"confidence\":");
    json_put_double(out, s->confidence);
    buf_format(out, ",\"records\":%zu,\"bytes\":%zu,\"hints\":[%s]}\n", s->records, s->bytes,
               buf_text(hints));
}

/* The format the file's name says it has, which reading goes by; false when it says none. */
static bool format_of_name(const char *path, struct format *f)
{
    return strcmp(path, "-") != 0 && format_from_extension(path_format_extension(path), f);
}

/* What the sample is read as. Where the name of the file says another format than its content, the
 * name's, with a hint. */
static int sniff_sample(const char *path, const char *at, size_t n, bool complete,
                        struct sniffed *found, struct buf *hints, struct error *e)
{
    struct format named;
    int status = sniff(at, n, complete, NULL, found, e);
    if (status)
        return status;
    if (found->header_doubtful)
        put_hint(hints, "the first record looks like data: --no-header");
    if (n == 0 || !format_of_name(path, &named))
        return 0;
    if (named.kind != found->format.kind)
        put_hint(hints, "the content looks like %s: -f %s", kind_name(&found->format),
                 kind_name(&found->format));
    else if (named.kind == FORMAT_CSV && found->schema.fields.len > 1 &&
             strcmp(named.delimiter, found->format.delimiter) != 0)
        put_hint(hints, "the content looks delimited otherwise: -d '%s'", found->format.delimiter);
    else
        return 0;
    schema_release(&found->schema);
    return sniff(at, n, complete, &named, found, e);
}

static void put_parquet(const struct parquet_file *f, const char *file, struct buf *out)
{
    struct schema s = {0};
    struct buf hints = {0};
    for (size_t i = 0; i < parquet_columns(f); i++) {
        const struct parquet_column *c = parquet_column(f, i);
        schema_add(&s, text_of(c->name), c->type);
        if (c->refused)
            put_hint(&hints, "column %s cannot be read: %s", c->name, c->refused);
    }
    buf_puts(out, "{\"file\":");
    json_put_string(out, file, strlen(file));
    put_text(out, "format", "parquet");
    put_columns(&s, out);
    buf_format(out, ",\"records\":%llu,\"row_groups\":%zu,\"hints\":[%s]}\n",
               (unsigned long long)parquet_rows(f), parquet_groups(f), buf_text(&hints));
    buf_release(&hints);
    schema_release(&s);
}

/* Nothing is guessed: columns, types and the number of rows stand in the file. Takes source. */
static int sniff_parquet(struct source *source, const char *path, struct buf *out, struct error *e)
{
    struct input_parquet *in = NULL;
    char *name = mem_text(source_name(source));
    int status = input_parquet_open(source, path, &in, e);
    if (status == 0)
        put_parquet(input_parquet_file(in), name, out);
    input_parquet_free(in);
    mem_free(name);
    return status;
}

static bool is_parquet(const char *path, const char *at, size_t n)
{
    struct format named;
    if (format_of_name(path, &named))
        return named.kind == FORMAT_PARQUET;
    return n >= 4 && memcmp(at, "PAR1", 4) == 0;
}

static int sniff_file(const char *path, const struct sniff_options *o, struct buf *out,
                      struct error *e)
{
    struct source_options so = {.encoding = o->encoding};
    struct source *source = NULL;
    const char *at = NULL;
    size_t n = 0;
    bool complete = false;
    int status = source_open(path, &so, &source, e);
    if (status == 0)
        status = sample_peek(source, SCHEMA_SAMPLE_BYTES, RECORD_BYTES_MAX, &at, &n, &complete, e);
    if (status == 0 && is_parquet(path, at, n)) {
        return sniff_parquet(source, path, out, e);
    }
    if (status == 0) {
        struct sniffed found = {0};
        struct buf hints = {0};
        status = sniff_sample(path, at, n, complete, &found, &hints, e);
        if (status == 0)
            put_finding(&found, source_name(source), &hints, out);
        else
            error_at(e, source_name(source), e->line, e->column);
        schema_release(&found.schema);
        buf_release(&hints);
    }
    source_free(source);
    return status;
}

static int run(void *context, struct operands *operands)
{
    struct buf text = {0};
    struct error e = {0};
    int status = 0;
    for (size_t i = 0; i < operands->len || i == 0; i++) {
        status = sniff_file(operands->len ? operands->at[i] : "-", context, &text, &e);
        if (status)
            break;
    }
    if (status == 0)
        status = print_text(&text, &e);
    buf_release(&text);
    return finish(status, &e);
}

const struct command command_sniff = {
    .name = "sniff",
    .summary = "tell what a file is read as: format, delimiter, header, types",
    .operands = "[FILE...]",
    .options = options,
    .options_size = sizeof(struct sniff_options),
    .run = run,
};
