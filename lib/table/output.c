#include "table/output.h"

#include "table/pretty.h"

enum { HOLD = 1 << 20 };

struct output {
    struct writer writer;
    struct sink *sink;
    struct buf text;                /* not yet written */
    struct parquet_writer *parquet; /* NULL: another format */
    struct parquet_rows *rows;
    struct pretty table;
};

static int flush(struct output *o, struct error *e)
{
    int status = o->text.len ? sink_write(o->sink, o->text.at, o->text.len, e) : 0;
    o->text.len = 0;
    return status;
}

int output_new(const struct format *format, const struct parquet_options *parquet,
               const struct schema *schema, struct sink *sink, struct output **out, struct error *e)
{
    static const struct parquet_options usual = {.codec = PARQUET_SNAPPY};
    struct output *o = mem_alloc(sizeof *o);
    int status = 0;
    o->writer = (struct writer){.format = *format, .schema = schema};
    o->sink = sink;
    if (format->kind == FORMAT_PARQUET) {
        status = parquet_writer_new(schema, parquet ? parquet : &usual, sink, &o->parquet, e);
        o->rows = status ? NULL : parquet_rows_new(o->parquet);
    } else if (format->kind != FORMAT_PRETTY) {
        write_header(&o->writer, &o->text);
    }
    if (status)
        output_free(o);
    else
        *out = o;
    return status;
}

int output_add(struct output *o, struct batch *b, struct error *e)
{
    if (o->parquet) {
        int status = parquet_convert(o->parquet, b, o->rows, e);
        return status ? status : parquet_append(o->parquet, o->rows, e);
    }
    if (o->writer.format.kind == FORMAT_PRETTY) {
        pretty_add(&o->table, o->writer.schema, b);
        return 0;
    }
    write_batch(&o->writer, b, &o->text);
    return o->text.len < HOLD && !sink_is_live(o->sink) ? 0 : flush(o, e);
}

int output_finish(struct output *o, struct error *e)
{
    if (o->parquet)
        return parquet_finish(o->parquet, e);
    if (o->writer.format.kind == FORMAT_PRETTY)
        pretty_finish(&o->table, &o->text);
    return flush(o, e);
}

void output_free(struct output *o)
{
    if (!o)
        return;
    struct buf unfinished = {0};
    pretty_finish(&o->table, &unfinished);
    buf_release(&unfinished);
    parquet_rows_free(o->rows);
    parquet_writer_free(o->parquet);
    buf_release(&o->text);
    mem_free(o);
}
