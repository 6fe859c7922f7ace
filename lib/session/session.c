/* From options to inputs, policies and outputs. */
#include "session/session.h"

#include "table/pretty.h"
#include "table/rejects.h"

#include <stdlib.h>

static int open_rejects(struct session *s, const char *path, struct error *e)
{
    struct sink *out = NULL;
    int status = path ? sink_open(path, &out, e) : 0;
    if (status)
        return status;
    s->rejects = rejects_new(out);
    s->context.policy.reject = rejects_add;
    s->context.policy.context = s->rejects;
    return 0;
}

static int close_rejects(struct rejects *rejects, struct error *e)
{
    uint64_t count = 0;
    int status = rejects ? rejects_close(rejects, &count, e) : 0;
    if (count)
        cli_warn("%llu wrong row%s or cell%s passed over", (unsigned long long)count,
                 count == 1 ? "" : "s", count == 1 ? "" : "s");
    return status;
}

static usec zone_convert(void *zone, usec local)
{
    return zone_to_utc(zone, local);
}

int time_option(const char *option, const char *text, usec *t, struct error *e)
{
    bool has_offset = false;
    char quoted[QUOTE_MAX];
    if (!time_parse(text, strlen(text), t, &has_offset) || (!has_offset && strlen(text) > 10))
        return error_set(e, ERR_USAGE, "%s: %s is not a time such as 2001-01-31T12:00:00Z", option,
                         quote(quoted, text, strlen(text)));
    return 0;
}

static int set_now(struct session *s, const char *text, struct error *e)
{
    if (text)
        return time_option("--now", text, &s->context.expr.now, e);
    s->context.expr.now = clock_now();
    return 0;
}

/* Few bytes that an option gives; NULL leaves the field as it is. */
static int set_bytes(char *field, size_t size, const char *option, const char *value,
                     struct error *e)
{
    if (!value)
        return 0;
    if (!*value || strlen(value) >= size)
        return error_set(e, ERR_USAGE, "%s: 1 to %zu bytes", option, size - 1);
    memcpy(field, value, strlen(value) + 1);
    return 0;
}

static int set_quote(struct format *f, const char *value, struct error *e)
{
    if (value && strcmp(value, "none") != 0 && strlen(value) != 1)
        return error_set(e, ERR_USAGE, "--quote: one byte, or none");
    if (value)
        f->quote = value[1] ? 0 : value[0];
    return 0;
}

static bool names_dialect(const struct stream_options *o)
{
    return o->delimiter || o->quote || o->comment || o->skip_lines || o->no_header ||
           o->backslash || o->lazy_quotes;
}

static int set_format(struct session *s, const struct stream_options *o, struct error *e)
{
    char quoted[QUOTE_MAX];
    struct format *f = &s->from;
    if (o->from && !format_from_name(text_of(o->from), f))
        return error_set(e, ERR_USAGE,
                         "--from: unknown format %s: csv tsv psv ssv jsonl json parquet",
                         quote(quoted, o->from, strlen(o->from)));
    if (!o->from && !names_dialect(o))
        return 0;
    if (!o->from)
        *f = format_csv(0); /* the delimiter is left to be found */
    int status = set_bytes(f->delimiter, sizeof f->delimiter, "--delimiter", o->delimiter, e);
    if (status == 0)
        status = set_bytes(f->comment, sizeof f->comment, "--comment", o->comment, e);
    if (status == 0)
        status = set_quote(f, o->quote, e);
    if (status)
        return status;
    f->skip_lines = (size_t)o->skip_lines;
    f->header = !o->no_header;
    f->backslash = o->backslash;
    f->lazy_quotes = o->lazy_quotes;
    s->context.input.format = f;
    return 0;
}

/* JSON Lines can take keys that no column was made for; CSV cannot. */
static bool takes_any_key(const struct stream_options *o)
{
    struct format f = format_jsonl();
    if (o->to)
        format_from_name(text_of(o->to), &f);
    else if (o->output)
        format_from_extension(path_format_extension(o->output), &f);
    return f.kind == FORMAT_JSONL;
}

int session_open(struct session *s, const struct stream_options *o, struct error *e)
{
    struct prep_context *c = &s->context;
    c->memory = o->memory ? o->memory : (size_t)1 << 30;
    c->jobs = o->jobs ? (unsigned)o->jobs : cpu_count();
    c->seed = c->expr.seed = (uint64_t)o->seed;
    c->allow_exec = o->allow_exec;
    s->first_row = (uint64_t)o->first_row;
    s->params = mem_array(NULL, o->params.len + 1, sizeof *s->params);
    for (size_t i = 0; i < o->params.len; i++)
        s->params[i] = o->params.at[i];
    s->params[o->params.len] = NULL;
    c->expr.params = s->params;
    s->na = mem_array(NULL, o->na.len + 1, sizeof *s->na);
    for (size_t i = 0; i < o->na.len; i++)
        s->na[i] = text_of(o->na.at[i]);
    c->policy.na = s->na;
    c->policy.na_count = o->na.len;
    c->policy.on_error = (enum on_error)o->on_error;
    c->input.encoding = o->encoding;
    c->input.ragged = (enum ragged)o->ragged;
    c->input.max_record = o->max_record;
    c->input.source_column = o->source_column;
    c->input.union_schema = o->schema == 1;
    c->input.same_header = o->same_header;
    c->input.live = o->live;
    c->input.json_out = takes_any_key(o);
    if (o->types)
        c->input.types = text_of(o->types);
    if (o->columns)
        c->input.columns = text_of(o->columns);
    c->input.policy = &c->policy;
    int status = set_now(s, o->now, e);
    if (status == 0)
        status = set_format(s, o, e);
    if (status == 0 && (o->rejects || o->on_error))
        status = open_rejects(s, o->rejects, e);
    if (status == 0 && o->zone)
        status = zone_open(o->zone, &s->zone, e);
    c->policy.zone = s->zone;
    c->policy.zone_to_utc = s->zone ? zone_convert : NULL;
    return status;
}

int session_close(struct session *s, int status, struct error *e)
{
    struct error late = {0};
    int closed = close_rejects(s->rejects, &late);
    if (status == 0 && closed) {
        *e = late;
        status = closed;
    }
    zone_free(s->zone);
    mem_free(s->na);
    mem_free(s->params);
    *s = (struct session){0};
    return status;
}

int session_input(struct session *s, const struct recipe *r, const struct operands *operands,
                  struct input **out, struct error *e)
{
    s->context.input.json_out = s->context.input.json_out && recipe_is_rowwise(r);
    s->context.input.union_schema = s->context.input.union_schema || recipe_wants_union(r);
    if (s->rejects)
        rejects_name_files(s->rejects, operands->at, operands->len);
    struct input_options o = s->context.input; /* its own: side tables are no shards */
    o.first_row = s->first_row;
    return input_open(operands->at, operands->len, &o, out, e);
}

int session_run(session_work *work, const struct stream_options *o, const void *options,
                struct operands *operands)
{
    struct error e = {0};
    struct session s = {0};
    int status = session_open(&s, o, &e);
    if (status == 0)
        status = work(&s, options, operands, &e);
    return finish(session_close(&s, status, &e), &e);
}

typedef int recipe_loader(const char *json, size_t n, const struct prep_context *context,
                          struct recipe **out, struct error *e);

static int load_with(recipe_loader *loader, const char *path, const struct prep_context *context,
                     struct recipe **out, struct error *e)
{
    struct buf text = {0};
    int status = file_load(path, STATE_MAX, &text, e);
    if (status == 0) {
        status = loader(text.at ? text.at : "", text.len, context, out, e);
        if (status)
            error_at(e, path, 0, 0);
    }
    buf_release(&text);
    return status;
}

int load_recipe(const char *path, const struct prep_context *context, struct recipe **out,
                struct error *e)
{
    return load_with(recipe_load, path, context, out, e);
}

int load_stage(const char *path, const struct prep_context *context, struct recipe **out,
               struct error *e)
{
    return load_with(recipe_load_stage, path, context, out, e);
}

int output_format_or(const struct stream_options *o, const struct format *usual, struct format *out,
                     struct error *e)
{
    char quoted[QUOTE_MAX];
    *out = *usual;
    if (o->to && !format_from_name(text_of(o->to), out))
        return error_set(e, ERR_USAGE,
                         "--to: unknown format %s: csv tsv psv ssv jsonl parquet pretty",
                         quote(quoted, o->to, strlen(o->to)));
    if (!o->to && o->output)
        format_from_extension(path_format_extension(o->output), out);
    out->header = !o->no_out_header;
    return set_bytes(out->delimiter, sizeof out->delimiter, "--out-delimiter", o->out_delimiter, e);
}

int output_format(const struct stream_options *o, const struct input *in, struct format *out,
                  struct error *e)
{
    struct format usual = *input_format(in);
    if (usual.kind == FORMAT_PARQUET) /* what follows in a pipe reads lines */
        usual = format_csv(',');
    return output_format_or(o, &usual, out, e);
}

enum parquet_codec output_codec(const struct stream_options *o)
{
    static const enum parquet_codec codecs[] = {PARQUET_SNAPPY, PARQUET_ZSTD, PARQUET_GZIP,
                                                PARQUET_NONE};
    return codecs[o->parquet_codec];
}

static void show_progress(void *context, uint64_t rows, uint64_t bytes)
{
    (void)rows;
    struct progress *p = context;
    if (bytes > p->done)
        progress_add(p, bytes - p->done);
}

static int show(void *context, const struct schema *schema, struct batch *b, struct error *e)
{
    (void)e;
    pretty_add(context, schema, b);
    return 0;
}

static int write_text(const char *path, const struct buf *text, struct error *e)
{
    struct sink *sink = NULL;
    int status = sink_open(path, &sink, e);
    if (status == 0 && text->len)
        status = sink_write(sink, text->at, text->len, e);
    if (status == 0)
        return sink_commit(sink, e);
    sink_abort(sink);
    return status;
}

/* An aligned table holds its rows until it knows their widths, so it goes through the consumer. */
static int run_to_table(struct recipe *r, struct input *in, const char *path, struct error *e)
{
    struct pretty table = {0};
    struct buf text = {0};
    struct run_options o = {.consume = show, .consume_context = &table};
    int status = recipe_run(r, in, &o, e);
    pretty_finish(&table, &text);
    if (status == 0)
        status = write_text(path, &text, e);
    buf_release(&text);
    return status;
}

int run_to_output(struct recipe *r, struct input *in, const struct stream_options *o,
                  struct error *e)
{
    struct format format;
    struct sink *sink = NULL;
    int status = output_format(o, in, &format, e);
    if (status == 0 && format.kind == FORMAT_PRETTY)
        return run_to_table(r, in, o->output, e);
    if (status == 0)
        status = sink_open(o->output, &sink, e);
    if (status)
        return status;
    struct progress p = {0};
    progress_start(&p, "reading", "bytes", 0);
    struct run_options run = {.parquet_codec = (int)output_codec(o),
                              .format = &format,
                              .out = sink,
                              .progress = show_progress,
                              .progress_context = &p};
    status = recipe_run(r, in, &run, e);
    progress_finish(&p);
    if (status == 0)
        return sink_commit(sink, e);
    sink_abort(sink);
    return status;
}

int print_text(const struct buf *text, struct error *e)
{
    return write_text(NULL, text, e);
}

int finish(int status, const struct error *e)
{
    return status < 0 ? cli_report(e) : status;
}
