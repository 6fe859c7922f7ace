#include "store/records.h"

#include "store/columns.h"

#include <inttypes.h>
#include <stdio.h>

enum { AT_ONCE = 4096, AT_ONCE_BYTES = 8 << 20 };

struct record_output {
    const struct group *group;
    unsigned columns;
    bool typed;
    struct schema schema;
    struct output *output;
    struct batch *batch;
    VEC(struct store_record) records; /* not yet written */
    size_t bytes;
    struct arena arena; /* of theirs */
};

/* ---- columns ---- */

/* In the order in which they stand. */
static const struct {
    enum record_column column;
    const char *name;
    enum type type;
} others[] = {
    {RECORD_INVOKED, "api_invocation_time", TYPE_TIME}, {RECORD_WRITTEN, "write_time", TYPE_TIME},
    {RECORD_DELETED, "is_deleted", TYPE_BOOL},          {RECORD_LSN, "_lsn", TYPE_INT},
    {RECORD_EXPIRES, "_expires_at", TYPE_TIME},         {RECORD_HOW, "_how", TYPE_TEXT},
};

static void make_schema(struct record_output *o)
{
    const struct group *g = o->group;
    bool number = !o->typed && g->times.unit != TIME_TEXT;
    for (size_t i = 0; i < g->id_count; i++)
        schema_add(&o->schema, text_of(g->ids[i]), g->id_types[i]);
    schema_add(&o->schema, text_of(g->time), number ? TYPE_FLOAT : TYPE_TIME);
    for (size_t i = 0; i < g->features.len; i++)
        schema_add(&o->schema, text_of(g->features.at[i].name),
                   feature_cell_type(&g->features.at[i]));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (o->columns & others[i].column)
            schema_add(&o->schema, text_of(others[i].name), others[i].type);
}

/* ---- cells ---- */

static void add_ids(struct record_output *o)
{
    for (size_t c = 0; c < o->group->id_count; c++) {
        struct text *cells = batch_array(o->batch, o->records.len, sizeof *cells);
        for (size_t i = 0; i < o->records.len; i++)
            cells[i] = group_id_part(o->records.at[i].id, c);
        batch_add(o->batch, column_of_text(cells));
    }
}

/* As the group takes it. */
static struct text print_time(const struct group *g, usec t, char room[static TIME_MAX])
{
    static const int64_t units[] = {
        [TIME_SECONDS] = USEC_SECOND, [TIME_MILLIS] = 1000, [TIME_MICROS] = 1, [TIME_NANOS] = 1};
    static const int digits[] = {[TIME_SECONDS] = 6, [TIME_MILLIS] = 3};
    enum time_unit unit = g->times.unit;
    if (unit == TIME_TEXT)
        return (struct text){room, time_print(room, t)};
    uint64_t size = t < 0 ? 0 - (uint64_t)t : (uint64_t)t, per = (uint64_t)units[unit];
    int n = snprintf(room, TIME_MAX, "%s%" PRIu64, t < 0 ? "-" : "", size / per);
    if (unit == TIME_NANOS && t != 0)
        n += snprintf(room + n, TIME_MAX - (size_t)n, "000");
    else if (size % per)
        n += snprintf(room + n, TIME_MAX - (size_t)n, ".%0*" PRIu64, digits[unit], size % per);
    return (struct text){room, (size_t)n};
}

static struct text kept(struct record_output *o, struct text cell, const char *room)
{
    if (cell.at == room)
        cell.at = arena_copy(&o->batch->arena, cell.at, cell.len);
    return cell;
}

static void add_times(struct record_output *o)
{
    char room[TIME_MAX];
    struct text *cells = batch_array(o->batch, o->records.len, sizeof *cells);
    for (size_t i = 0; i < o->records.len; i++) {
        const struct store_record *r = &o->records.at[i];
        struct text cell = row_cell(r->row, 0, room);
        if (!cell.at)
            cell = print_time(o->group, r->event_time, room);
        cells[i] = kept(o, cell, room);
    }
    batch_add(o->batch, column_of_text(cells));
}

typedef usec time_in(const struct store_record *r);
static usec event_time(const struct store_record *r)
{
    return r->event_time;
}
static usec write_time(const struct store_record *r)
{
    return r->write_time;
}
static usec expires_at(const struct store_record *r)
{
    return r->expires_at == STORE_NEVER ? INT_MISSING : r->expires_at;
}

static void add_usec(struct record_output *o, time_in *of)
{
    usec *cells = batch_array(o->batch, o->records.len, sizeof *cells);
    for (size_t i = 0; i < o->records.len; i++)
        cells[i] = of(&o->records.at[i]);
    batch_add(o->batch, column_of_time(cells));
}

static void add_deleted(struct record_output *o)
{
    uint8_t *cells = batch_array(o->batch, o->records.len, sizeof *cells);
    for (size_t i = 0; i < o->records.len; i++)
        cells[i] = (o->records.at[i].flags & STORE_DELETED) != 0;
    batch_add(o->batch, column_of_bool(cells));
}

static void add_lsn(struct record_output *o)
{
    int64_t *cells = batch_array(o->batch, o->records.len, sizeof *cells);
    for (size_t i = 0; i < o->records.len; i++)
        cells[i] = (int64_t)o->records.at[i].lsn;
    batch_add(o->batch, column_of_int(cells));
}

static void add_how(struct record_output *o)
{
    struct text *cells = batch_array(o->batch, o->records.len, sizeof *cells);
    for (size_t i = 0; i < o->records.len; i++) {
        unsigned flags = o->records.at[i].flags;
        cells[i] = flags & STORE_HARD ? TEXT_LITERAL("hard") : (struct text){NULL, 0};
    }
    batch_add(o->batch, column_of_text(cells));
}

/* ---- features and others ---- */

static void add_features(struct record_output *o)
{
    struct text *rows = batch_array(o->batch, o->records.len, sizeof *rows);
    for (size_t i = 0; i < o->records.len; i++) {
        const struct store_record *r = &o->records.at[i];
        rows[i] = r->row.len ? r->row : (struct text){NULL, 0};
    }
    for (size_t i = 0; i < o->group->features.len; i++) {
        struct column c = feature_column(o->group, i, rows, o->batch);
        batch_add(o->batch, c);
    }
}

static void add_other(struct record_output *o, enum record_column column)
{
    switch (column) {
    case RECORD_INVOKED:
    case RECORD_WRITTEN:
        add_usec(o, write_time);
        break;
    case RECORD_DELETED:
        add_deleted(o);
        break;
    case RECORD_LSN:
        add_lsn(o);
        break;
    case RECORD_EXPIRES:
        add_usec(o, expires_at);
        break;
    case RECORD_HOW:
        add_how(o);
        break;
    }
}

/* ---- the whole ---- */

static int flush(struct record_output *o, struct error *e)
{
    if (o->records.len == 0)
        return 0;
    batch_clear(o->batch);
    o->batch->rows = o->records.len;
    add_ids(o);
    if (o->typed)
        add_usec(o, event_time);
    else
        add_times(o);
    add_features(o);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (o->columns & others[i].column)
            add_other(o, others[i].column);
    int status = output_add(o->output, o->batch, e);
    o->records.len = o->bytes = 0;
    arena_reset(&o->arena);
    return status;
}

int record_output_new(const struct group *g, const struct record_target *target, unsigned columns,
                      struct record_output **out, struct error *e)
{
    struct record_output *o = mem_alloc(sizeof *o);
    o->group = g;
    o->columns = columns;
    o->typed = target->format.kind == FORMAT_PARQUET;
    o->batch = batch_new();
    make_schema(o);
    int status =
        output_new(&target->format, &target->parquet, &o->schema, target->sink, &o->output, e);
    if (status)
        record_output_free(o);
    else
        *out = o;
    return status;
}

int record_output_add(struct record_output *o, const struct store_record *r, struct error *e)
{
    struct store_record copy = *r;
    copy.id.at = arena_copy(&o->arena, r->id.at, r->id.len);
    copy.row.at = arena_copy(&o->arena, r->row.at, r->row.len);
    vec_push(&o->records, copy);
    o->bytes += r->id.len + r->row.len;
    return o->records.len < AT_ONCE && o->bytes < AT_ONCE_BYTES ? 0 : flush(o, e);
}

int record_output_finish(struct record_output *o, struct error *e)
{
    int status = flush(o, e);
    return status ? status : output_finish(o->output, e);
}

void record_output_free(struct record_output *o)
{
    if (!o)
        return;
    output_free(o->output);
    batch_free(o->batch);
    schema_release(&o->schema);
    vec_release(&o->records);
    arena_release(&o->arena);
    mem_free(o);
}
