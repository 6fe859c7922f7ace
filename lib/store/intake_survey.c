/* Which types the columns of a table have, when all its rows have been seen. */
#include "base/json_read.h"
#include "store/intake.h"
#include "table/infer.h"

struct column_survey {
    struct type_tally cells, elements; /* elements: of lists */
    bool local_times;                  /* one names no offset */
    bool other_nested;                 /* one is no list of scalars */
};

struct intake_survey {
    const struct schema *schema;
    struct column_survey *columns;
};

struct intake_survey *intake_survey_new(const struct schema *s)
{
    struct intake_survey *v = mem_alloc(sizeof *v);
    v->schema = s;
    v->columns = mem_alloc(s->fields.len * sizeof *v->columns);
    return v;
}

void intake_survey_free(struct intake_survey *v)
{
    if (!v)
        return;
    mem_free(v->columns);
    mem_free(v);
}

static bool is_local_time(struct text cell)
{
    usec t;
    bool has_offset = false;
    return time_parse(cell.at, cell.len, &t, &has_offset) && !has_offset;
}

/* The elements of a list are counted, too. */
static void look_into(struct column_survey *c, struct text cell)
{
    struct json_reader r;
    enum json_token t;
    json_start(&r, cell.at, cell.len);
    if (json_next(&r) != JSON_TOKEN_ARRAY) {
        c->other_nested = true;
        return;
    }
    while ((t = json_next(&r)) > JSON_TOKEN_DONE && t != JSON_TOKEN_END) {
        if (t == JSON_TOKEN_OBJECT || t == JSON_TOKEN_ARRAY || t == JSON_TOKEN_NULL) {
            c->other_nested = true;
            return;
        }
        size_t quotes = t == JSON_TOKEN_STRING;
        tally_json(&c->elements, (struct text){r.raw.at - quotes, r.raw.len + 2 * quotes});
    }
}

static void add_cell(struct column_survey *c, struct text cell, const struct text *raw)
{
    if (!cell.at)
        return;
    size_t nested = c->cells.nested;
    if (raw)
        tally_json(&c->cells, *raw);
    else
        tally_text(&c->cells, cell);
    if (c->cells.nested > nested)
        look_into(c, cell);
    if (c->cells.times == c->cells.cells && !c->local_times)
        c->local_times = is_local_time(cell);
}

void intake_survey_add(struct intake_survey *v, struct batch *b)
{
    bool json = b->format && b->format->kind == FORMAT_JSONL;
    for (size_t i = 0; i < v->schema->fields.len; i++) {
        const struct text *cells = batch_text(b, i), *raw = json ? batch_raw(b, i) : NULL;
        for (size_t r = 0; r < b->rows; r++)
            add_cell(&v->columns[i], cells[r], raw ? &raw[r] : NULL);
    }
}

/* Times are features only with their offsets; a declared type is what it is declared. */
static struct feature type_of(const struct intake_survey *v, size_t i)
{
    const struct column_survey *c = &v->columns[i];
    const struct field *field = &v->schema->fields.at[i];
    struct feature f = {.type = field->declared ? field->type : tally_type(&c->cells)};
    if (f.type == TYPE_TIME && c->local_times)
        f.type = TYPE_TEXT;
    if (f.type != TYPE_JSON)
        return f;
    f.type = tally_type(&c->elements);
    if (c->other_nested || c->cells.nested < c->cells.cells)
        f.type = TYPE_TEXT;
    else
        f.collection = COLLECTION_LIST;
    if (f.type == TYPE_TIME || f.type == TYPE_JSON)
        f.type = TYPE_TEXT;
    return f;
}

static int refuse_aggregates(const struct intake_survey *v, const struct group *g, struct error *e)
{
    for (size_t i = 0; i < g->aggregates.len; i++)
        if (schema_find(v->schema, text_of(g->aggregates.at[i].name)) != FIELD_NONE)
            return error_set(e, ERR_DATA, "feature '%s' is computed: no value can be given",
                             g->aggregates.at[i].name);
    return 0;
}

static size_t id_of(const struct group *g, struct text name)
{
    for (size_t i = 0; i < g->id_count; i++)
        if (text_equal(name, text_of(g->ids[i])))
            return i;
    return g->id_count;
}

int intake_survey_settle(struct intake_survey *v, struct group *g, struct error *e)
{
    int status = refuse_aggregates(v, g, e);
    for (size_t i = 0; i < v->schema->fields.len && status == 0; i++) {
        struct text name = text_of(v->schema->fields.at[i].name);
        struct feature f = type_of(v, i);
        size_t id = id_of(g, name);
        if (id < g->id_count)
            group_type_id(g, id,
                          f.type == TYPE_INT && v->columns[i].cells.cells ? TYPE_INT : TYPE_TEXT);
        else if (!text_equal(name, text_of(g->time)) && !text_equal(name, text_of("is_deleted")))
            status = group_add_feature(g, name, &f, e);
    }
    if (status == 0)
        status = group_settle(g, e);
    if (status == ERR_USAGE)
        status = e->code = ERR_DATA;
    return status;
}
