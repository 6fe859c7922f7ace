/* wrangle sniff FILE: what the first bytes tell of a file, as JSON. */
#include "wrangle.h"

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

static void put_finding(const struct sniffed *s, const char *file, struct buf *out)
{
    bool csv = s->format.kind == FORMAT_CSV;
    char quote[2] = {s->format.quote, 0};
    buf_puts(out, "{\"file\":");
    json_put_string(out, file, strlen(file));
    put_text(out, "format", csv ? "csv" : "jsonl");
    if (csv) {
        put_text(out, "delimiter", s->format.delimiter);
        put_text(out, "quote", quote);
        put_text(out, "escape", s->format.backslash ? "\\" : quote);
        buf_format(out, ",\"header\":%s", s->format.header ? "true" : "false");
    }
    put_text(out, "line_end", s->line_end);
    put_text(out, "encoding", "UTF-8");
    buf_puts(out, ",\"columns\":[");
    for (size_t i = 0; i < s->schema.fields.len; i++) {
        const struct field *f = &s->schema.fields.at[i];
        buf_puts(out, i ? ",{\"name\":" : "{\"name\":");
        json_put_string(out, f->name, strlen(f->name));
        buf_format(out, ",\"type\":\"%s\"}", type_name(f->type));
    }
    buf_puts(out, "],\"confidence\":");
    json_put_double(out, s->confidence);
    buf_format(out, ",\"records\":%zu,\"bytes\":%zu}\n", s->records, s->bytes);
}

static int sniff_file(const char *path, const struct sniff_options *o, struct buf *out,
                      struct error *e)
{
    struct source_options so = {.encoding = o->encoding};
    struct source *source = NULL;
    const char *at = NULL;
    size_t n = 0;
    int status = source_open(path, &so, &source, e);
    if (status == 0)
        status = source_peek(source, SCHEMA_SAMPLE_BYTES, &at, &n, e);
    if (status == 0) {
        struct sniffed found = {0};
        bool complete = n < SCHEMA_SAMPLE_BYTES;
        status = sniff(at, complete ? n : SCHEMA_SAMPLE_BYTES, complete, NULL, &found, e);
        if (status == 0)
            put_finding(&found, source_name(source), out);
        else
            error_at(e, source_name(source), e->line, e->column);
        schema_release(&found.schema);
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
    .summary = "tell format, delimiter, header and types from the first bytes",
    .operands = "[FILE...]",
    .options = options,
    .options_size = sizeof(struct sniff_options),
    .run = run,
};
