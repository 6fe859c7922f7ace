/* Steps that take JSON cells apart into columns and put them together: flatten, unnest_json,
 * extract_json_path, unflatten. */
#include "steps/json_cell.h"
#include "steps/steps.h"

static const struct text missing = {NULL, 0};

struct parts {
    struct text *names; /* of the new columns */
    struct text *keys;  /* unnest_json: what they are called in the object */
    size_t count;
};

static int parts_open(struct step *s, const struct schema *in, struct parts *p, struct error *e)
{
    s->plan = p;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->count; i++)
        rc = step_new_name(s, in, p->names[i], e);
    return rc;
}

static int flatten_open(struct step *s, const struct schema *in, struct error *e)
{
    struct parts *p = arena_zero(&s->arena, sizeof *p);
    size_t column;
    int rc = arg_column(s, "column", in, &column, e);
    if (rc)
        return rc;
    p->count = (size_t)arg_int(s, "size");
    p->names = arena_alloc(&s->arena, (p->count + 1) * sizeof *p->names);
    const char *prefix =
        arg_given(s, "prefix") ? arg_string(s, "prefix") : in->fields.at[column].name;
    for (size_t i = 0; i < p->count; i++)
        p->names[i] = text_of(arena_format(&s->arena, "%s_%zu", prefix, i));
    return parts_open(s, in, p, e);
}

static int unnest_open(struct step *s, const struct schema *in, struct error *e)
{
    struct parts *p = arena_zero(&s->arena, sizeof *p);
    size_t column;
    int rc = arg_column(s, "column", in, &column, e);
    if (rc)
        return rc;
    p->count = arg_list(s, "keys", &p->keys);
    p->names = arena_alloc(&s->arena, (p->count + 1) * sizeof *p->names);
    const char *prefix =
        arg_given(s, "prefix") ? arg_string(s, "prefix") : in->fields.at[column].name;
    const char *joint = *prefix ? "_" : "";
    for (size_t i = 0; i < p->count; i++)
        p->names[i] = text_of(
            arena_format(&s->arena, "%s%s%.*s", prefix, joint, (int)p->keys[i].len, p->keys[i].at));
    return parts_open(s, in, p, e);
}

static int parts_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const struct parts *p = s->plan;
    if (!arg_bool(s, "keep"))
        schema_remove(schema, schema_find(schema, arg_text(s, "column")));
    for (size_t i = 0; i < p->count; i++) {
        size_t at = schema_add(schema, p->names[i], TYPE_TEXT);
        schema->fields.at[at].declared = false;
    }
    return 0;
}

/* Adds the new columns, and drops the one they came from. */
static void put_parts(const struct step *s, struct batch *b, struct text **columns)
{
    const struct parts *p = s->plan;
    if (!arg_bool(s, "keep"))
        batch_remove(b, s->reads.at[0]);
    for (size_t i = 0; i < p->count; i++)
        batch_add(b, column_of_text(columns[i]));
}

static struct text **new_parts(const struct parts *p, struct batch *b)
{
    struct text **columns = batch_array(b, p->count, sizeof *columns);
    for (size_t i = 0; i < p->count; i++)
        columns[i] = arena_zero(&b->arena, (b->rows + 1) * sizeof **columns);
    return columns;
}

static int flatten_cell(const struct step *s, struct batch *b, size_t row, struct text cell,
                        struct text **columns, struct error *e)
{
    const struct parts *p = s->plan;
    struct json_reader r;
    struct text key, value;
    size_t i = 0;
    (void)json_cell_begin(&r, cell, JSON_TOKEN_ARRAY);
    for (; json_cell_next(b, &r, &key, &value); i++)
        if (i < p->count)
            columns[i][row] = value;
    if (i == p->count || !arg_bool(s, "strict"))
        return 0;
    error_set(e, ERR_DATA, "list of %zu, not %zu", i, p->count);
    return batch_reject(b, row, s->reads.at[0], arg_string(s, "column"), e);
}

static int flatten_apply(const struct step *s, struct batch *b, struct error *e)
{
    struct text **columns = new_parts(s->plan, b);
    const struct text *cells = batch_text(b, s->reads.at[0]);
    for (size_t r = 0; r < b->rows; r++) {
        int rc = 0;
        if (json_cell_is(cells[r], JSON_TOKEN_ARRAY))
            rc = flatten_cell(s, b, r, cells[r], columns, e);
        else if (cells[r].at)
            rc = json_cell_reject(b, r, s->reads.at[0], arg_string(s, "column"), "a JSON list", e);
        if (rc)
            return rc;
    }
    put_parts(s, b, columns);
    return 0;
}

static void unnest_cell(const struct parts *p, struct batch *b, size_t row, struct text cell,
                        struct text **columns)
{
    struct json_reader r;
    struct text key = missing, value;
    (void)json_cell_begin(&r, cell, JSON_TOKEN_OBJECT);
    while (json_cell_next(b, &r, &key, &value))
        for (size_t i = 0; i < p->count; i++)
            if (text_equal(p->keys[i], key))
                columns[i][row] = value;
}

static int unnest_apply(const struct step *s, struct batch *b, struct error *e)
{
    struct text **columns = new_parts(s->plan, b);
    const struct text *cells = batch_text(b, s->reads.at[0]);
    for (size_t r = 0; r < b->rows; r++) {
        int rc = 0;
        if (json_cell_is(cells[r], JSON_TOKEN_OBJECT))
            unnest_cell(s->plan, b, r, cells[r], columns);
        else if (cells[r].at)
            rc =
                json_cell_reject(b, r, s->reads.at[0], arg_string(s, "column"), "a JSON object", e);
        if (rc)
            return rc;
    }
    put_parts(s, b, columns);
    return 0;
}

static int lower_parts(const struct step *s, struct lowering *l, enum ml_code code, uint32_t b,
                       uint32_t c)
{
    const struct parts *p = s->plan;
    uint32_t *out = mem_array(NULL, p->count + 1, sizeof *out);
    for (size_t i = 0; i < p->count; i++)
        out[i] = lower_register(l, ML_TEXT);
    lower_op_to(l, code, 0, lower_list(l, out, p->count), lower_column(l, s->reads.at[0], ML_TEXT),
                b, c);
    if (!arg_bool(s, "keep"))
        lower_leave_out(l, s->reads.at, 1);
    for (size_t i = 0; i < p->count; i++)
        lower_add(l, out[i]);
    mem_free(out);
    return 0;
}

static int flatten_lower(const struct step *s, struct lowering *l, struct error *e)
{
    (void)e;
    return lower_parts(s, l, ML_OP_json_items, arg_bool(s, "strict"), 0);
}

static int unnest_lower(const struct step *s, struct lowering *l, struct error *e)
{
    const struct parts *p = s->plan;
    (void)e;
    return lower_parts(s, l, ML_OP_json_members, 0, lower_map(l, p->keys, p->count));
}

struct path_plan {
    struct expr *expr; /* json_path(column, path) */
    struct text into;
};

static int path_open(struct step *s, const struct schema *in, struct error *e)
{
    struct path_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    size_t column;
    plan->into = arg_text(s, "into");
    int rc = arg_column(s, "column", in, &column, e);
    if (rc == 0)
        rc = step_new_name(s, in, plan->into, e);
    if (rc)
        return rc;
    struct buf path = {0};
    json_put_string(&path, arg_text(s, "path").at, arg_text(s, "path").len);
    bool is_json_column = in->fields.at[column].type == TYPE_JSON;
    const char *text = arena_format(
        &s->arena, is_json_column ? "json_path(`%s`, %s)" : "json_path(json_parse(`%s`), %s)",
        in->fields.at[column].name, buf_text(&path));
    buf_release(&path);
    return step_expr(s, text_of(text), in, &plan->expr, e);
}

static void path_close(struct step *s)
{
    struct path_plan *plan = s->plan;
    expr_free(plan->expr);
}

static int path_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const struct path_plan *plan = s->plan;
    size_t at = schema_add(schema, plan->into, TYPE_TEXT); /* which may move the fields */
    schema->fields.at[at].declared = false;
    return 0;
}

static int path_apply(const struct step *s, struct batch *b, struct error *e)
{
    const struct path_plan *plan = s->plan;
    struct column c;
    int rc = expr_eval(plan->expr, b, &c, e);
    if (rc)
        return rc;
    size_t at = batch_add(b, c);
    const struct text *cells = batch_text(b, at);
    struct text *out = batch_array(b, b->rows, sizeof *out);
    for (size_t r = 0; r < b->rows; r++) {
        struct json_reader reader;
        out[r] = cells[r];
        if (c.form != FORM_JSON || !cells[r].at)
            continue;
        json_start(&reader, cells[r].at, cells[r].len);
        enum json_token token = json_next(&reader);
        out[r] = json_cell_text(b, &reader, token, cells[r].at);
    }
    batch_set(b, at, column_of_text(out));
    return 0;
}

struct member {
    size_t column;
    struct text key;
    enum type type;
};
struct unflatten_plan {
    struct member *members;
    size_t count;
    bool is_list; /* keys are 0, 1, 2 ... */
    struct text name;
};

static bool starts_with(struct text name, struct text prefix)
{
    return name.len > prefix.len && memcmp(name.at, prefix.at, prefix.len) == 0;
}

static bool is_number(struct text key, size_t n)
{
    char digits[NUMBER_MAX];
    size_t len = number_print_int(digits, (int64_t)n);
    return text_equal(key, (struct text){digits, len});
}

static int unflatten_open(struct step *s, const struct schema *in, struct error *e)
{
    struct unflatten_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    plan->name = arg_text(s, "name");
    plan->members = arena_alloc(&s->arena, (in->fields.len + 1) * sizeof *plan->members);
    struct text prefix =
        text_of(arena_format(&s->arena, "%s%s", plan->name.at, arg_string(s, "sep")));
    plan->is_list = true;
    for (size_t i = 0; i < in->fields.len; i++) {
        struct text name = text_of(in->fields.at[i].name);
        if (!starts_with(name, prefix))
            continue;
        struct text key = {name.at + prefix.len, name.len - prefix.len};
        key.at = arena_text(&s->arena, key.at, key.len);
        plan->is_list = plan->is_list && is_number(key, plan->count);
        plan->members[plan->count++] = (struct member){i, key, in->fields.at[i].type};
        vec_push(&s->reads, i);
    }
    char quoted[QUOTE_MAX];
    if (plan->count == 0)
        return step_error(s, e, "no column begins with %s", quote(quoted, prefix.at, prefix.len));
    return step_new_name(s, in, plan->name, e);
}

static int unflatten_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const struct unflatten_plan *plan = s->plan;
    for (size_t i = plan->count; i-- > 0;)
        schema_remove(schema, plan->members[i].column);
    schema_add(schema, plan->name, TYPE_JSON);
    return 0;
}

/* A cell as JSON: what its column's type says, when it is written like that. */
static void put_json(struct buf *out, struct text v, enum type type)
{
    int64_t i;
    double f;
    bool plain = false;
    if (!v.at)
        plain = true;
    else if (type_is_number(type))
        plain = number_parse(v.at, v.len, &i, &f) != NUMBER_NONE &&
                json_cell_is((struct text){v.at, v.len}, JSON_TOKEN_NUMBER);
    else if (type == TYPE_BOOL)
        plain = text_equal(v, TEXT_LITERAL("true")) || text_equal(v, TEXT_LITERAL("false"));
    else if (type == TYPE_JSON)
        plain = json_cell_is(v, JSON_TOKEN_OBJECT) || json_cell_is(v, JSON_TOKEN_ARRAY);
    if (plain)
        buf_add(out, v.at ? v.at : "null", v.at ? v.len : 4);
    else
        json_put_string(out, v.at, v.len);
}

static void put_members(const struct unflatten_plan *plan, const struct text **cells, size_t row,
                        struct buf *out)
{
    bool first = true;
    buf_putc(out, plan->is_list ? '[' : '{');
    for (size_t i = 0; i < plan->count; i++) {
        const struct member *m = &plan->members[i];
        if (!plan->is_list && !cells[i][row].at)
            continue;
        if (!first)
            buf_putc(out, ',');
        first = false;
        if (!plan->is_list) {
            json_put_string(out, m->key.at, m->key.len);
            buf_putc(out, ':');
        }
        put_json(out, cells[i][row], m->type);
    }
    buf_putc(out, plan->is_list ? ']' : '}');
}

static int unflatten_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    const struct unflatten_plan *plan = s->plan;
    const struct text **cells = batch_array(b, plan->count, sizeof *cells);
    struct text *out = batch_array(b, b->rows, sizeof *out);
    struct buf json = {0};
    for (size_t i = 0; i < plan->count; i++)
        cells[i] = batch_text(b, plan->members[i].column);
    for (size_t r = 0; r < b->rows; r++) {
        json.len = 0;
        put_members(plan, cells, r, &json);
        out[r] = (struct text){arena_copy(&b->arena, json.at, json.len), json.len};
    }
    buf_release(&json);
    for (size_t i = plan->count; i-- > 0;)
        batch_remove(b, plan->members[i].column);
    batch_add(b, column_of_json(out));
    return 0;
}

#define JSON_COLUMN                                                                                \
    {                                                                                              \
        .name = "column", .kind = ARG_COLUMN, .help = "the column of JSON", .positional = true,    \
        .required = true                                                                           \
    }
#define KEEP_ARG                                                                                   \
    {                                                                                              \
        .name = "keep", .kind = ARG_BOOL, .fallback = "false",                                     \
        .help = "keep the column it came from"                                                     \
    }

static const struct arg flatten_args[] = {
    JSON_COLUMN,
    {.name = "size",
     .kind = ARG_INT,
     .help = "columns to make: longer lists are cut, shorter ones leave missing cells",
     .min = 1,
     .max = 100000,
     .required = true},
    {.name = "prefix", .kind = ARG_TEXT, .help = "of the new names (default: the column's)"},
    {.name = "strict",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "a list of another length is wrong"},
    KEEP_ARG,
    {0},
};
static const struct arg unnest_args[] = {
    JSON_COLUMN,
    {.name = "keys",
     .kind = ARG_LIST,
     .help = "keys of the object to make columns of",
     .positional = true,
     .required = true},
    {.name = "prefix",
     .kind = ARG_TEXT,
     .help = "of the new names, before _ (default: the column's; \"\" for none)"},
    KEEP_ARG,
    {0},
};
static const struct arg path_args[] = {
    JSON_COLUMN,
    {.name = "path",
     .kind = ARG_TEXT,
     .help = "such as $.a[0].b",
     .positional = true,
     .required = true},
    {.name = "into", .kind = ARG_NAME, .help = "name of the new column", .required = true},
    {0},
};
static const struct arg unflatten_args[] = {
    {.name = "name",
     .kind = ARG_NAME,
     .help = "what the columns' names begin with, and the new column's name",
     .positional = true,
     .required = true},
    {.name = "sep",
     .kind = ARG_TEXT,
     .fallback = "_",
     .help = "what stands between it and the key"},
    {0},
};

#define RESHAPE .family = "reshape", .class = "S"

const struct step_kind steps_reshape_json[] = {
    {
        .name = "extract_json_path",
        .not_compiled = "reads JSON by a path, which artefacts cannot: see unnest_json",
        RESHAPE,
        .summary = "add the value at a path in a column of JSON",
        .details = "Missing where the path leads nowhere. Texts lose their quotes.",
        .args = path_args,
        .example = {.program = "extract_json_path j $.a[1].b into=b",
                    .input = "j\n\"{\"\"a\"\":[1,{\"\"b\"\":5}]}\"\n",
                    .output = "j,b\n\"{\"\"a\"\":[1,{\"\"b\"\":5}]}\",5\n"},
        .open = path_open,
        .close = path_close,
        .shape = path_shape,
        .apply = path_apply,
    },
    {
        .name = "flatten",
        .aliases = "flatten_vector",
        RESHAPE,
        .summary = "a column of lists becomes columns prefix_0, prefix_1 ...",
        .details = "How many is an argument, so that new data get the same columns.",
        .args = flatten_args,
        .example = {.program = "flatten v size=2",
                    .input = "id,v\n1,\"[5,6,7]\"\n2,[8]\n",
                    .output = "id,v_0,v_1\n1,5,6\n2,8,\n"},
        .open = flatten_open,
        .shape = parts_shape,
        .lower = flatten_lower,
        .apply = flatten_apply,
        .needs_all = true,
    },
    {
        .name = "unflatten",
        .not_compiled = NOT_COMPILED_JSON,
        RESHAPE,
        .summary = "columns whose names begin alike become one column of JSON",
        .details = "A list when their names go on as 0, 1, 2 ..., else an object without the keys "
                   "of missing cells.",
        .args = unflatten_args,
        .example = {.program = "unflatten at",
                    .input = "id,at_x,at_y\n1,5,6\n2,7,\n",
                    .output = "id,at\n1,\"{\"\"x\"\":5,\"\"y\"\":6}\"\n2,\"{\"\"x\"\":7}\"\n"},
        .open = unflatten_open,
        .shape = unflatten_shape,
        .apply = unflatten_apply,
        .needs_all = true,
    },
    {
        .name = "unnest_json",
        .aliases = "flatten_structured",
        RESHAPE,
        .summary = "keys of a column of JSON objects become columns",
        .details = "Missing where an object lacks the key. Texts lose their quotes; lists and "
                   "objects stay JSON, for the next level.",
        .args = unnest_args,
        .example = {.program = "unnest_json j a,b",
                    .input = "id,j\n1,\"{\"\"a\"\":1,\"\"b\"\":\"\"x\"\"}\"\n2,{}\n",
                    .output = "id,j_a,j_b\n1,1,x\n2,,\n"},
        .open = unnest_open,
        .shape = parts_shape,
        .lower = unnest_lower,
        .apply = unnest_apply,
        .needs_all = true,
    },
    {0},
};
