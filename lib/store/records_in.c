#include "store/records.h"

struct record_input {
    const struct group *group;
    struct input *in;
    struct batch *batch;
    size_t row; /* the next one of the batch */
    bool typed_time;
    /* Columns by what they are; FIELD_NONE: not there. */
    size_t *ids, time, *features;
    size_t write_time, deleted, expires_at, how;
    size_t ignored; /* columns that say nothing new */
    /* Of the batch at hand. */
    const usec *times, *write_times, *expire_times;
    const uint8_t *are_deleted;
    struct text *cells; /* of an id */
    struct buf id;
    struct row_builder builder;
};

/* ---- columns ---- */

static size_t find(struct record_input *r, const char *name, size_t *known)
{
    size_t at = schema_find(input_schema(r->in), text_of(name));
    *known += at != FIELD_NONE;
    return at;
}

static int find_needed(struct record_input *r, const char *name, size_t *known, size_t *at,
                       struct error *e)
{
    *at = find(r, name, known);
    return *at == FIELD_NONE ? error_set(e, ERR_DATA, "there is no column '%s'", name) : 0;
}

static bool is_known(const struct record_input *r, size_t at)
{
    const size_t others[] = {r->time, r->write_time, r->deleted, r->expires_at, r->how, r->ignored};
    const struct schema *s = input_schema(r->in);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (at == others[i])
            return true;
    for (size_t i = 0; i < r->group->id_count; i++)
        if (at == r->ids[i])
            return true;
    return map_get(&r->group->names, text_of(s->fields.at[at].name)) != MAP_NONE ||
           strcmp(s->fields.at[at].name, "api_invocation_time") == 0;
}

static int refuse_unknown(const struct record_input *r, struct error *e)
{
    const struct schema *s = input_schema(r->in);
    char quoted[QUOTE_MAX];
    for (size_t i = 0; i < s->fields.len; i++) {
        const char *name = s->fields.at[i].name;
        if (!is_known(r, i))
            return error_set(e, ERR_DATA, "%s is no column of group '%s'",
                             quote(quoted, name, strlen(name)), r->group->name);
    }
    return 0;
}

static int find_columns(struct record_input *r, struct error *e)
{
    const struct group *g = r->group;
    size_t known = 0;
    int status = find_needed(r, g->time, &known, &r->time, e);
    for (size_t i = 0; i < g->id_count && status == 0; i++)
        status = find_needed(r, g->ids[i], &known, &r->ids[i], e);
    for (size_t i = 0; i < g->features.len; i++)
        r->features[i] = find(r, g->features.at[i].name, &known);
    r->write_time = find(r, "write_time", &known);
    r->deleted = find(r, "is_deleted", &known);
    r->expires_at = find(r, "_expires_at", &known);
    r->how = find(r, "_how", &known);
    r->ignored = find(r, "_lsn", &known);
    bool all = known == input_schema(r->in)->fields.len;
    return status || all ? status : refuse_unknown(r, e);
}

int record_input_new(const struct group *g, struct input *in, struct record_input **out,
                     struct error *e)
{
    struct record_input *r = mem_alloc(sizeof *r);
    r->group = g;
    r->in = in;
    r->batch = batch_new();
    r->ids = mem_array(NULL, g->id_count + 1, sizeof *r->ids);
    r->cells = mem_array(NULL, g->id_count + 1, sizeof *r->cells);
    r->features = mem_array(NULL, g->features.len + 1, sizeof *r->features);
    r->typed_time = input_format(in)->kind == FORMAT_PARQUET;
    int status = find_columns(r, e);
    if (status)
        record_input_free(r);
    else
        *out = r;
    return status;
}

void record_input_free(struct record_input *r)
{
    if (!r)
        return;
    batch_free(r->batch);
    mem_free(r->ids);
    mem_free(r->cells);
    mem_free(r->features);
    buf_release(&r->id);
    row_release(&r->builder);
    mem_free(r);
}

/* ---- batches ---- */

static int times_of(struct record_input *r, size_t column, const usec **out, struct error *e)
{
    *out = NULL;
    return column == FIELD_NONE
               ? 0
               : batch_time(r->batch, column, input_schema(r->in)->fields.at[column].name, out, e);
}

static int convert(struct record_input *r, struct error *e)
{
    int status = times_of(r, r->typed_time ? r->time : FIELD_NONE, &r->times, e);
    if (status == 0)
        status = times_of(r, r->write_time, &r->write_times, e);
    if (status == 0)
        status = times_of(r, r->expires_at, &r->expire_times, e);
    r->are_deleted = NULL;
    if (status == 0 && r->deleted != FIELD_NONE)
        status = batch_bool(r->batch, r->deleted, "is_deleted", &r->are_deleted, e);
    return status;
}

/* To a batch with a row left: 1; 0 at the end. */
static int next_batch(struct record_input *r, struct error *e)
{
    int status = 1;
    while (status > 0 && r->row == r->batch->rows) {
        batch_clear(r->batch);
        r->row = 0;
        status = input_next(r->in, r->batch, e);
        if (status <= 0)
            return status;
        status = input_parse(r->in, r->batch, e);
        if (status == 0)
            status = convert(r, e);
        status = status < 0 ? status : 1;
    }
    return status;
}

/* ---- rows ---- */

static struct text cell_of(struct record_input *r, size_t column)
{
    return column == FIELD_NONE ? (struct text){NULL, 0} : batch_text(r->batch, column)[r->row];
}

static int read_time(struct record_input *r, struct store_record *out, struct error *e)
{
    if (!r->times)
        return group_time(r->group, cell_of(r, r->time), &out->event_time, e);
    out->event_time = r->times[r->row];
    return out->event_time == INT_MISSING
               ? error_set(e, ERR_DATA, "%s: the time is missing", r->group->time)
               : 0;
}

static int read_id(struct record_input *r, struct store_record *out, struct error *e)
{
    for (size_t i = 0; i < r->group->id_count; i++)
        r->cells[i] = cell_of(r, r->ids[i]);
    r->id.len = 0;
    int status = group_id(r->group, r->cells, &r->id, e);
    out->id = (struct text){r->id.at, r->id.len};
    return status;
}

static int read_row(struct record_input *r, struct store_record *out, struct error *e)
{
    const struct group *g = r->group;
    char usual[TIME_MAX];
    struct text spelt = r->times ? (struct text){NULL, 0} : cell_of(r, r->time);
    struct text plain = {usual, time_print(usual, out->event_time)};
    row_begin(&r->builder, g->features.len + 1);
    if (text_equal(spelt, plain))
        spelt.at = NULL;
    if (!row_add(&r->builder, TYPE_TEXT, spelt))
        return error_set(e, ERR_DATA, "%s: too long", g->time);
    int status = 0;
    for (size_t i = 0; i < g->features.len && status == 0; i++)
        status = group_add_cell(g, i, cell_of(r, r->features[i]), &r->builder, e);
    out->row = row_end(&r->builder);
    return status;
}

static int read_how(struct record_input *r, struct store_record *out, struct error *e)
{
    struct text how = cell_of(r, r->how);
    char quoted[QUOTE_MAX];
    bool deleted = r->are_deleted && r->are_deleted[r->row] == 1;
    out->flags = deleted ? STORE_DELETED : 0;
    out->write_time = r->write_times ? r->write_times[r->row] : INT_MISSING;
    out->expires_at = r->expire_times ? r->expire_times[r->row] : INT_MISSING;
    if (out->expires_at == INT_MISSING)
        out->expires_at = STORE_NEVER;
    if (!how.at || how.len == 0)
        return 0;
    if (!text_equal(how, TEXT_LITERAL("hard")) || !deleted)
        return error_set(e, ERR_DATA, "_how: %s: expected hard, of a delete",
                         quote(quoted, how.at, how.len));
    out->flags |= STORE_HARD;
    return 0;
}

static int read_record(struct record_input *r, struct store_record *out, struct error *e)
{
    *out = (struct store_record){.lsn = 0};
    int status = read_how(r, out, e);
    if (status == 0)
        status = read_time(r, out, e);
    if (status == 0)
        status = read_id(r, out, e);
    if (status == 0 && !(out->flags & STORE_DELETED))
        status = read_row(r, out, e);
    return status;
}

int record_input_next(struct record_input *r, struct store_record *out, struct error *e)
{
    int status = next_batch(r, e);
    if (status <= 0)
        return status;
    status = read_record(r, out, e);
    if (status) {
        (void)batch_place(r->batch, r->row, e);
        return status;
    }
    r->row++;
    return 1;
}
