/* The file: row groups one after the other, then the footer. */
#include "table/parquet_write.h"

#include "sys/sys.h"
#include "table/thrift.h"

#include <stdatomic.h>

static const char magic[] = "PAR1";

enum { MAGIC_BYTES = 4, DEFAULT_PAGE = 1 << 20 };

static int put_bytes(struct parquet_writer *w, const void *bytes, size_t n, struct error *e)
{
    int status = n ? sink_write(w->sink, bytes, n, e) : 0;
    w->offset += n;
    return status;
}

int parquet_writer_new(const struct schema *schema, const struct parquet_options *options,
                       struct sink *sink, struct parquet_writer **out, struct error *e)
{
    if (schema->fields.len == 0)
        return error_set(e, ERR_DATA, "a Parquet file needs at least one column");
    struct parquet_writer *w = mem_alloc(sizeof *w);
    w->schema = schema;
    w->options = *options;
    w->sink = sink;
    if (w->options.group_rows == 0)
        w->options.group_rows = PARQUET_GROUP_ROWS;
    if (w->options.page_bytes == 0)
        w->options.page_bytes = DEFAULT_PAGE;
    w->group = parquet_rows_new(w);
    int status = put_bytes(w, magic, MAGIC_BYTES, e);
    if (status) {
        parquet_writer_free(w);
        return status;
    }
    *out = w;
    return 0;
}

void parquet_writer_free(struct parquet_writer *w)
{
    if (!w)
        return;
    parquet_rows_free(w->group);
    buf_release(&w->groups);
    mem_free(w);
}

/* Columns of a group, encoded side by side. */
struct crew {
    struct parquet_writer *writer;
    struct parquet_encoded *encoded; /* per column */
    struct error *errors;            /* per thread */
    _Atomic size_t next;
};

static void encode_columns(void *context, unsigned number)
{
    struct crew *c = context;
    struct parquet_writer *w = c->writer;
    struct parquet_library library = w->library;
    size_t i;
    while ((i = atomic_fetch_add(&c->next, 1)) < w->group->columns)
        if (parquet_encode(&w->group->cells[i], w->group->rows, &w->options, &library,
                           &c->encoded[i], &c->errors[number]))
            return;
}

static int encode_group(struct parquet_writer *w, struct parquet_encoded *encoded, struct error *e)
{
    size_t columns = w->group->columns;
    unsigned jobs = w->options.jobs ? w->options.jobs : 1;
    jobs = jobs < columns ? jobs : (unsigned)columns;
    struct crew crew = {.writer = w, .encoded = encoded};
    crew.errors = mem_alloc(jobs * sizeof *crew.errors);
    team_run(jobs, encode_columns, &crew);
    int status = 0;
    for (unsigned i = 0; i < jobs && status == 0; i++)
        if (crew.errors[i].code) {
            status = crew.errors[i].code;
            if (e)
                *e = crew.errors[i];
        }
    mem_free(crew.errors);
    return status;
}

static void put_statistics(struct thrift_writer *meta, const struct parquet_encoded *x,
                           size_t missing)
{
    struct thrift_writer s = thrift_put_struct(meta, 12);
    thrift_put_int(&s, 3, THRIFT_I64, (int64_t)missing);
    if (x->bounded) {
        thrift_put_binary(&s, 5, x->max.at, x->max.len);
        thrift_put_binary(&s, 6, x->min.at, x->min.len);
        thrift_put_bool(&s, 7, true);
        thrift_put_bool(&s, 8, true);
    }
    thrift_put_stop(&s);
}

/* A ColumnChunk and its ColumnMetaData. */
static void put_chunk(struct parquet_writer *w, size_t column, const struct parquet_encoded *x)
{
    const struct parquet_cells *cells = &w->group->cells[column];
    const char *name = w->schema->fields.at[column].name;
    struct thrift_writer chunk = {.out = &w->groups};
    thrift_put_int(&chunk, 2, THRIFT_I64, 0);
    struct thrift_writer meta = thrift_put_struct(&chunk, 3);
    thrift_put_int(&meta, 1, THRIFT_I32, parquet_physical_of(cells->type));
    thrift_put_list(&meta, 2, THRIFT_I32, x->dictionary_bytes ? 3 : 2);
    thrift_put_element(&w->groups, ENCODING_PLAIN);
    thrift_put_element(&w->groups, ENCODING_RLE);
    if (x->dictionary_bytes)
        thrift_put_element(&w->groups, ENCODING_RLE_DICTIONARY);
    thrift_put_list(&meta, 3, THRIFT_BINARY, 1);
    thrift_put_text(&w->groups, name, strlen(name));
    thrift_put_int(&meta, 4, THRIFT_I32, w->options.codec);
    thrift_put_int(&meta, 5, THRIFT_I64, (int64_t)w->group->rows);
    thrift_put_int(&meta, 6, THRIFT_I64, (int64_t)x->raw_bytes);
    thrift_put_int(&meta, 7, THRIFT_I64, (int64_t)x->bytes.len);
    thrift_put_int(&meta, 9, THRIFT_I64, (int64_t)(w->offset + x->dictionary_bytes));
    if (x->dictionary_bytes)
        thrift_put_int(&meta, 11, THRIFT_I64, (int64_t)w->offset);
    put_statistics(&meta, x, w->group->rows - cells->count);
    thrift_put_stop(&meta);
    thrift_put_stop(&chunk);
}

static int put_group(struct parquet_writer *w, const struct parquet_encoded *encoded,
                     struct error *e)
{
    size_t columns = w->group->columns, raw = 0;
    struct thrift_writer group = {.out = &w->groups};
    int status = 0;
    thrift_put_list(&group, 1, THRIFT_STRUCT, columns);
    for (size_t i = 0; i < columns && status == 0; i++) {
        put_chunk(w, i, &encoded[i]);
        raw += encoded[i].raw_bytes;
        status = put_bytes(w, encoded[i].bytes.at, encoded[i].bytes.len, e);
    }
    thrift_put_int(&group, 2, THRIFT_I64, (int64_t)raw);
    thrift_put_int(&group, 3, THRIFT_I64, (int64_t)w->group->rows);
    thrift_put_stop(&group);
    return status;
}

static int write_group(struct parquet_writer *w, struct error *e)
{
    size_t columns = w->group->columns;
    if (w->group->rows == 0)
        return 0;
    struct parquet_encoded *encoded = mem_alloc(columns * sizeof *encoded);
    int status = encode_group(w, encoded, e);
    if (status == 0)
        status = put_group(w, encoded, e);
    w->rows += w->group->rows;
    w->group_count++;
    parquet_rows_clear(w->group);
    for (size_t i = 0; i < columns; i++) {
        buf_release(&encoded[i].bytes);
        buf_release(&encoded[i].min);
        buf_release(&encoded[i].max);
    }
    mem_free(encoded);
    return status;
}

/* How far rows have been moved, per column. */
struct moved {
    size_t values, bytes;
};

static size_t text_bytes(const struct parquet_cells *c, size_t from, size_t n)
{
    size_t bytes = 0;
    for (size_t i = from; i < from + n; i++) {
        uint32_t len;
        memcpy(&len, c->lengths.at + i * sizeof len, sizeof len);
        bytes += len;
    }
    return bytes;
}

static void move_cells(const struct parquet_cells *from, struct moved *m, size_t row, size_t n,
                       struct parquet_cells *to)
{
    size_t values = 0, bytes;
    for (size_t i = row; i < row + n; i++)
        values += (size_t)from->present.at[i];
    buf_add(&to->present, from->present.at + row, n);
    to->count += values;
    if (values == 0)
        return;
    if (from->type == TYPE_TEXT || from->type == TYPE_JSON) {
        bytes = text_bytes(from, m->values, values);
        buf_add(&to->lengths, from->lengths.at + m->values * sizeof(uint32_t),
                values * sizeof(uint32_t));
    } else {
        bytes = values * (from->type == TYPE_BOOL ? 1 : 8);
    }
    buf_reserve(&to->values, bytes + 1); /* empty texts begin somewhere, too */
    if (bytes > 0)
        buf_add(&to->values, from->values.at + m->bytes, bytes);
    m->values += values;
    m->bytes += bytes;
}

int parquet_append(struct parquet_writer *w, struct parquet_rows *rows, struct error *e)
{
    struct moved *moved = mem_alloc(rows->columns * sizeof *moved);
    int status = 0;
    for (size_t row = 0, n; row < rows->rows && status == 0; row += n) {
        size_t room = w->options.group_rows - w->group->rows, left = rows->rows - row;
        n = left < room ? left : room;
        for (size_t i = 0; i < rows->columns; i++)
            move_cells(&rows->cells[i], &moved[i], row, n, &w->group->cells[i]);
        w->group->rows += n;
        if (w->group->rows == w->options.group_rows)
            status = write_group(w, e);
    }
    mem_free(moved);
    parquet_rows_clear(rows);
    return status;
}

static void put_logical(struct thrift_writer *leaf, enum type type)
{
    struct thrift_writer logical = thrift_put_struct(leaf, 10), inner, unit, micros;
    if (type == TYPE_TIME) {
        inner = thrift_put_struct(&logical, 8);
        thrift_put_bool(&inner, 1, true);
        unit = thrift_put_struct(&inner, 2);
        micros = thrift_put_struct(&unit, 2);
        thrift_put_stop(&micros);
        thrift_put_stop(&unit);
    } else {
        inner = thrift_put_struct(&logical, type == TYPE_JSON ? 12 : 1);
    }
    thrift_put_stop(&inner);
    thrift_put_stop(&logical);
}

static void put_leaf(const struct field *f, struct buf *out)
{
    struct thrift_writer leaf = {.out = out};
    thrift_put_int(&leaf, 1, THRIFT_I32, parquet_physical_of(f->type));
    thrift_put_int(&leaf, 3, THRIFT_I32, 1);
    thrift_put_binary(&leaf, 4, f->name, strlen(f->name));
    if (f->type == TYPE_TEXT || f->type == TYPE_JSON || f->type == TYPE_TIME) {
        int64_t converted = f->type == TYPE_TIME ? 10 : f->type == TYPE_JSON ? 19 : 0;
        thrift_put_int(&leaf, 6, THRIFT_I32, converted);
        put_logical(&leaf, f->type);
    }
    thrift_put_stop(&leaf);
}

static void put_schema(const struct schema *s, struct buf *out)
{
    struct thrift_writer root = {.out = out};
    thrift_put_binary(&root, 4, "schema", 6);
    thrift_put_int(&root, 5, THRIFT_I32, (int64_t)s->fields.len);
    thrift_put_stop(&root);
    for (size_t i = 0; i < s->fields.len; i++)
        put_leaf(&s->fields.at[i], out);
}

/* The order of every column is that of its type. */
static void put_orders(size_t columns, struct buf *out)
{
    for (size_t i = 0; i < columns; i++) {
        struct thrift_writer order = {.out = out}, inner = thrift_put_struct(&order, 1);
        thrift_put_stop(&inner);
        thrift_put_stop(&order);
    }
}

static void put_footer(const struct parquet_writer *w, struct buf *out)
{
    static const char made_by[] = "mlutils";
    size_t columns = w->schema->fields.len;
    struct thrift_writer footer = {.out = out};
    thrift_put_int(&footer, 1, THRIFT_I32, 1);
    thrift_put_list(&footer, 2, THRIFT_STRUCT, columns + 1);
    put_schema(w->schema, out);
    thrift_put_int(&footer, 3, THRIFT_I64, (int64_t)w->rows);
    thrift_put_list(&footer, 4, THRIFT_STRUCT, w->group_count);
    if (w->groups.len > 0)
        buf_add(out, w->groups.at, w->groups.len);
    thrift_put_binary(&footer, 6, made_by, sizeof made_by - 1);
    thrift_put_list(&footer, 7, THRIFT_STRUCT, columns);
    put_orders(columns, out);
    thrift_put_stop(&footer);
}

int parquet_finish(struct parquet_writer *w, struct error *e)
{
    struct buf footer = {0};
    int status = write_group(w, e);
    if (status)
        return status;
    put_footer(w, &footer);
    uint32_t n = (uint32_t)footer.len;
    buf_add(&footer, &n, sizeof n);
    buf_add(&footer, magic, MAGIC_BYTES);
    status = put_bytes(w, footer.at, footer.len, e);
    buf_release(&footer);
    return status;
}
