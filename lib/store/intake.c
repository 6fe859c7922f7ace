#include "store/intake.h"

#include "base/json_read.h"
#include "sys/sys.h"

#include <stdlib.h>

#define DELETED "is_deleted"

/* The cells of a record: of its id, its time, whether it is a delete, its features. */
static size_t time_cell(const struct group *g)
{
    return g->id_count;
}

static size_t deleted_cell(const struct group *g)
{
    return g->id_count + 1;
}

static size_t feature_cell(const struct group *g, size_t feature)
{
    return g->id_count + 2 + feature;
}

static size_t cell_count(const struct group *g)
{
    return feature_cell(g, g->features.len);
}

/* The cell of a column, FIELD_NONE for one that is none of the group's. */
static size_t cell_of(const struct group *g, struct text name)
{
    for (size_t i = 0; i < g->id_count; i++)
        if (text_equal(name, text_of(g->ids[i])))
            return i;
    if (text_equal(name, text_of(g->time)))
        return time_cell(g);
    if (text_equal(name, text_of(DELETED)))
        return deleted_cell(g);
    size_t feature = map_get(&g->names, name);
    return feature == MAP_NONE ? FIELD_NONE : feature_cell(g, feature);
}

static bool is_computed(const struct group *g, size_t cell)
{
    return cell >= feature_cell(g, 0) && g->features.at[cell - feature_cell(g, 0)].computed;
}

/* The same of a column that is given; aggregates may be among those that are passed over. */
static size_t taken_cell(const struct group *g, struct text name, const struct intake_options *o)
{
    size_t cell = cell_of(g, name);
    return cell != FIELD_NONE && o->others_pass && is_computed(g, cell) ? FIELD_NONE : cell;
}

static const char *cell_name(const struct group *g, size_t cell)
{
    return cell < g->id_count        ? g->ids[cell]
           : cell == time_cell(g)    ? g->time
           : cell == deleted_cell(g) ? DELETED
                                     : g->features.at[cell - feature_cell(g, 0)].name;
}

/* ---- one record ---- */

static usec expiry(const struct group *g, const struct intake_options *o, usec event_time)
{
    usec ttl = o->ttl ? o->ttl : g->ttl, at;
    return !ttl || __builtin_add_overflow(event_time, ttl, &at) ? STORE_NEVER : at;
}

static bool is_usual_time(struct text cell, usec t)
{
    char usual[TIME_MAX];
    size_t n = time_print(usual, t);
    return text_equal(cell, (struct text){usual, n});
}

/* The features' cells, behind the time's own spelling. *wrong: the cell that does not fit. */
static int add_row(const struct group *g, const struct text *cells, const struct store_record *r,
                   struct row_builder *b, size_t *wrong, struct error *e)
{
    struct text time = cells[time_cell(g)], none = {NULL, 0};
    row_begin(b, 1 + g->features.len);
    row_add(b, TYPE_TEXT, is_usual_time(time, r->event_time) ? none : time);
    for (size_t i = 0; i < g->features.len; i++) {
        *wrong = feature_cell(g, i);
        if (cells[*wrong].at && g->features.at[i].computed)
            return error_set(e, ERR_DATA, "feature '%s' is computed: no value can be given",
                             g->features.at[i].name);
        int status = group_add_cell(g, i, cells[*wrong], b, e);
        if (status)
            return status;
    }
    return 0;
}

static int read_deleted(struct text cell, bool *deleted, struct error *e)
{
    char quoted[QUOTE_MAX];
    bool yes = cell.at && (text_equal(cell, text_of("true")) || text_equal(cell, text_of("True")) ||
                           text_equal(cell, text_of("1")));
    bool no = !cell.at || text_equal(cell, text_of("false")) ||
              text_equal(cell, text_of("False")) || text_equal(cell, text_of("0"));
    *deleted = yes;
    return yes || no ? 0
                     : error_set(e, ERR_DATA, DELETED ": %s is neither true nor false",
                                 quote(quoted, cell.at, cell.len));
}

/* The first cell of the id that is missing. */
static size_t wrong_id(const struct group *g, const struct text *cells)
{
    size_t i = 0;
    while (i + 1 < g->id_count && cells[i].at && cells[i].len)
        i++;
    return i;
}

/* Appends the record that the cells are. *wrong: the cell because of which it is none. */
static int add_record(const struct group *g, const struct intake_options *o, usec write_time,
                      const struct text *cells, struct intake_rows *rows, size_t *wrong,
                      struct error *e)
{
    struct store_record r = {.write_time = write_time};
    bool deleted = false;
    rows->id.len = 0;
    *wrong = wrong_id(g, cells);
    int status = group_id(g, cells, &rows->id, e);
    if (status == 0) {
        *wrong = time_cell(g);
        status = group_time(g, cells[*wrong], &r.event_time, e);
    }
    if (status == 0) {
        *wrong = deleted_cell(g);
        status = read_deleted(cells[*wrong], &deleted, e);
    }
    if (status == 0 && !deleted)
        status = add_row(g, cells, &r, &rows->row, wrong, e);
    if (status)
        return status;
    struct text row = deleted ? (struct text){"", 0} : row_end(&rows->row);
    r.flags = deleted ? STORE_DELETED : 0;
    r.expires_at = deleted ? STORE_NEVER : expiry(g, o, r.event_time);
    r.id = (struct text){arena_copy(&rows->arena, rows->id.at, rows->id.len), rows->id.len};
    r.row = (struct text){arena_copy(&rows->arena, row.at, row.len), row.len};
    vec_push(&rows->records, r);
    return 0;
}

void intake_clear(struct intake_rows *rows)
{
    rows->records.len = rows->numbers.len = 0;
    arena_reset(&rows->arena);
}

void intake_release(struct intake_rows *rows)
{
    vec_release(&rows->records);
    vec_release(&rows->numbers);
    arena_release(&rows->arena);
    buf_release(&rows->id);
    row_release(&rows->row);
}

/* ---- rows of a table ---- */

struct intake {
    const struct group *group;
    struct intake_options options;
    size_t *columns; /* of the table, by cell; FIELD_NONE: lacking */
};

static int find_columns(struct intake *in, const struct schema *s, struct error *e)
{
    const struct group *g = in->group;
    char quoted[QUOTE_MAX];
    for (size_t i = 0; i < cell_count(g); i++)
        in->columns[i] = FIELD_NONE;
    for (size_t c = 0; c < s->fields.len; c++) {
        struct text name = text_of(s->fields.at[c].name);
        size_t cell = taken_cell(g, name, &in->options);
        if (cell != FIELD_NONE)
            in->columns[cell] = c;
        else if (!in->options.others_pass)
            return error_set(e, ERR_DATA,
                             "group '%s' has no feature %s: 'fstore update' adds one, "
                             "--ignore-others passes over it",
                             g->name, quote(quoted, name.at, name.len));
    }
    for (size_t i = 0; i <= time_cell(g); i++)
        if (in->columns[i] == FIELD_NONE)
            return error_set(e, ERR_DATA, "there is no column '%s', the %s of group '%s'",
                             cell_name(g, i), i == time_cell(g) ? "time" : "id", g->name);
    return 0;
}

int intake_open(const struct group *g, const struct schema *s, const struct intake_options *o,
                struct intake **out, struct error *e)
{
    struct intake *in = mem_alloc(sizeof *in);
    in->group = g;
    in->options = *o;
    in->columns = mem_array(NULL, cell_count(g), sizeof *in->columns);
    int status = find_columns(in, s, e);
    if (status)
        intake_free(in);
    else
        *out = in;
    return status;
}

void intake_free(struct intake *in)
{
    if (!in)
        return;
    mem_free(in->columns);
    mem_free(in);
}

static const struct text **column_cells(const struct intake *in, struct batch *b)
{
    size_t n = cell_count(in->group);
    const struct text **columns = batch_array(b, n, sizeof *columns);
    for (size_t i = 0; i < n; i++)
        columns[i] = in->columns[i] == FIELD_NONE ? NULL : batch_text(b, in->columns[i]);
    return columns;
}

/* A cell of the row was wrong: whether the row is to be tried again without it. */
static int complain(const struct intake *in, struct batch *b, size_t row, size_t wrong,
                    struct text *cells, bool *again, struct error *e)
{
    bool on_null = b->policy && b->policy->on_error == ON_ERROR_NULL;
    int status = batch_reject(b, row, in->columns[wrong], NULL, e);
    *again = status == 0 && on_null && wrong >= feature_cell(in->group, 0);
    cells[wrong] = (struct text){NULL, 0};
    return status;
}

static int take_row(const struct intake *in, struct batch *b, size_t row, usec write_time,
                    struct text *cells, struct intake_rows *rows, struct error *e)
{
    size_t wrong;
    bool again = true;
    int status = 0;
    while (again && add_record(in->group, &in->options, write_time, cells, rows, &wrong, e)) {
        status = complain(in, b, row, wrong, cells, &again, e);
        again = again && status == 0;
    }
    if (rows->records.len > rows->numbers.len)
        vec_push(&rows->numbers, batch_row_id(b, row) >> ROW_ID_SHIFT);
    return status;
}

int intake_batch(const struct intake *in, struct batch *b, struct intake_rows *rows,
                 struct error *e)
{
    size_t n = cell_count(in->group);
    const struct text **columns = column_cells(in, b);
    struct text *cells = batch_array(b, n, sizeof *cells);
    usec write_time = in->options.write_time ? in->options.write_time : clock_now();
    int status = 0;
    for (size_t r = 0; r < b->rows && status == 0; r++) {
        if (b->rejected && b->rejected[r])
            continue;
        for (size_t i = 0; i < n; i++)
            cells[i] = columns[i] ? columns[i][r] : (struct text){NULL, 0};
        status = take_row(in, b, r, write_time, cells, rows, e);
    }
    return status;
}

void intake_schema(const struct group *g, struct schema *into)
{
    for (size_t i = 0; i < g->id_count; i++)
        schema_add(into, text_of(g->ids[i]), g->id_types[i]);
    schema_add(into, text_of(g->time), TYPE_TEXT);
    for (size_t i = 0; i < g->features.len; i++)
        schema_add(into, text_of(g->features.at[i].name), TYPE_TEXT);
    schema_add(into, text_of(DELETED), TYPE_TEXT);
    for (size_t i = 0; i < into->fields.len; i++)
        into->fields.at[i].declared = false;
}

/* ---- one object ---- */

struct object {
    const struct group *group;
    struct json_reader json;
    struct text *cells;
    bool *given;
    struct arena *arena;
};

static int bad_json(const struct json_reader *r, const char *what, struct error *e)
{
    error_set(e, ERR_DATA, "%s: expected a JSON object", what);
    return error_at(e, NULL, 0, (uint64_t)(r->at - r->start) + 1);
}

/* A member's value as a cell; lists and objects as they stand. */
static int read_value(struct object *o, struct text *cell, struct error *e)
{
    struct json_reader *r = &o->json;
    const char *start;
    struct buf decoded = {0};
    enum json_token t = json_next(r);
    switch (t) {
    case JSON_TOKEN_NULL:
        *cell = (struct text){NULL, 0};
        return 0;
    case JSON_TOKEN_STRING:
        if (!json_unescape(&decoded, r->raw)) {
            buf_release(&decoded);
            return bad_json(r, "a bad escape", e);
        }
        *cell = (struct text){arena_copy(o->arena, decoded.at, decoded.len), decoded.len};
        buf_release(&decoded);
        return 0;
    case JSON_TOKEN_OBJECT:
    case JSON_TOKEN_ARRAY:
        start = r->at - 1;
        if (!json_skip(r))
            return bad_json(r, r->problem, e);
        *cell = (struct text){start, (size_t)(r->at - start)};
        return 0;
    case JSON_TOKEN_ERROR:
        return bad_json(r, r->problem, e);
    default:
        *cell = r->raw;
        return 0;
    }
}

static int read_member(struct object *o, const struct intake_options *options, struct error *e)
{
    struct buf name = {0};
    struct text value = {NULL, 0};
    char quoted[QUOTE_MAX];
    int status = json_unescape(&name, o->json.raw) ? 0 : bad_json(&o->json, "a bad escape", e);
    struct text key = {name.len ? name.at : "", name.len};
    size_t cell = status ? FIELD_NONE : taken_cell(o->group, key, options);
    if (status == 0 && cell == FIELD_NONE && !options->others_pass)
        status = error_set(e, ERR_DATA, "group '%s' has no feature %s", o->group->name,
                           quote(quoted, key.at, key.len));
    if (status == 0 && cell != FIELD_NONE && o->given[cell])
        status = error_set(e, ERR_DATA, "%s is there twice", quote(quoted, key.at, key.len));
    if (status == 0)
        status = read_value(o, &value, e);
    if (status == 0 && cell != FIELD_NONE) {
        o->cells[cell] = value;
        o->given[cell] = true;
    }
    buf_release(&name);
    return status;
}

static int read_object(struct object *o, const struct intake_options *options, struct error *e)
{
    enum json_token t = json_next(&o->json);
    if (t != JSON_TOKEN_OBJECT)
        return bad_json(&o->json, t == JSON_TOKEN_ERROR ? o->json.problem : "another value", e);
    while ((t = json_next(&o->json)) == JSON_TOKEN_KEY) {
        int status = read_member(o, options, e);
        if (status)
            return status;
    }
    if (t != JSON_TOKEN_END || json_next(&o->json) != JSON_TOKEN_DONE)
        return bad_json(&o->json, o->json.problem ? o->json.problem : "more than one value", e);
    return 0;
}

int intake_object(const struct group *g, struct text json, const struct intake_options *options,
                  struct intake_rows *rows, struct error *e)
{
    size_t n = cell_count(g), wrong;
    struct object o = {.group = g,
                       .cells = arena_zero(&rows->arena, n * sizeof *o.cells),
                       .given = arena_zero(&rows->arena, n),
                       .arena = &rows->arena};
    json_start(&o.json, json.at, json.len);
    int status = read_object(&o, options, e);
    if (status)
        return status;
    return add_record(g, options, options->write_time ? options->write_time : clock_now(), o.cells,
                      rows, &wrong, e);
}
