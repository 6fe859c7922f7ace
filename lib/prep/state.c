/* The state of a fitted recipe: one JSON file that people read, tools share and shards merge. */
#include "cli/cli.h"
#include "prep/json_text.h"
#include "prep/recipe.h"

#define FORMAT_NAME  "mlutils-recipe"
#define FORMAT_STAGE "mlutils-recipe-stage"
enum { FORMAT_VERSION = 1, FINGERPRINT_SIZE = 33 };

/* Tells schemas apart: 128 bits of hash over names and types, in hexadecimal. */
static void fingerprint(const struct schema *schema, char out[static FINGERPRINT_SIZE])
{
    struct buf text = {0};
    for (size_t i = 0; i < schema->fields.len; i++)
        buf_format(&text, "%s%c%s%c", schema->fields.at[i].name, '\0',
                   type_name(schema->fields.at[i].type), '\0');
    uint64_t high = hash_bytes(buf_text(&text), text.len, 1);
    uint64_t low = hash_bytes(buf_text(&text), text.len, 2);
    (void)snprintf(out, FINGERPRINT_SIZE, "%016llx%016llx", (unsigned long long)high,
                   (unsigned long long)low);
    buf_release(&text);
}

static json_t *save_schema(const struct schema *schema)
{
    json_t *list = json_array();
    for (size_t i = 0; i < schema->fields.len; i++) {
        const struct field *f = &schema->fields.at[i];
        json_t *field = json_object();
        json_object_set_new(field, "name", json_string_nocheck(f->name));
        json_object_set_new(field, "type",
                            f->empty ? json_null() : json_string(type_name(f->type)));
        if (f->declared)
            json_object_set_new(field, "declared", json_true());
        json_array_append_new(list, field);
    }
    return list;
}

static json_t *save_step(const struct step *s)
{
    json_t *out = json_object();
    json_object_set_new(out, "step", json_string(s->kind->name));
    json_t *columns = json_array();
    for (size_t i = 0; i < s->column_count; i++)
        json_array_append_new(columns, json_string_nocheck(s->names[i]));
    json_object_set_new(out, "columns", columns);
    if (step_learns(s))
        json_object_set_new(out, "state", s->kind->save(s, s->learnt));
    return out;
}

/* Opened anew, as loading will: the columns on record are those it will find. From the first step
 * on that is still to learn, all see what it sees; who has learnt nothing has only a name there. */
static int save_steps(struct recipe *r, json_t *steps, struct error *e)
{
    struct schema schema = {0};
    schema_copy(&schema, &r->schema);
    int rc = 0;
    bool front = false;
    for (size_t i = 0; rc == 0 && i < r->steps.len; i++) {
        struct step *s = r->steps.at[i];
        if (!front || s->learnt)
            rc = recipe_open_step(r, i, &schema, e);
        front = front || step_is_front(s);
        if (rc == 0 && front && r->stage == STAGE_NONE)
            rc = step_error(s, e, "is not fitted yet");
        if (rc == 0 && !front)
            rc = recipe_shape_step(r, i, &schema, e);
        if (rc == 0 && front && !s->learnt)
            json_array_append_new(steps, json_pack("{s:s}", "step", s->kind->name));
        else if (rc == 0)
            json_array_append_new(steps, save_step(s));
    }
    schema_release(&schema);
    return rc;
}

/* Which steps a part has taught, and of how many rows it is a part. */
static void save_learns(const struct recipe *r, json_t *root)
{
    json_t *learns = json_array();
    for (size_t i = 0; i < r->steps.len; i++)
        if (r->steps.at[i]->in_part)
            json_array_append_new(learns, json_integer((json_int_t)i + 1));
    json_object_set_new(root, "learns", learns);
    if (r->whole_rows)
        json_object_set_new(root, "of", json_integer((json_int_t)r->whole_rows));
}

int recipe_save(struct recipe *r, struct buf *out, struct error *e)
{
    bool part = r->stage == STAGE_PART;
    json_t *steps = json_array();
    int rc = save_steps(r, steps, e);
    if (rc) {
        json_decref(steps);
        return rc;
    }
    char print[FINGERPRINT_SIZE];
    fingerprint(&r->schema, print);
    json_t *root = json_object();
    json_object_set_new(root, "format",
                        json_string(r->stage == STAGE_NONE ? FORMAT_NAME : FORMAT_STAGE));
    json_object_set_new(root, "version", json_integer(FORMAT_VERSION));
    json_object_set_new(root, "tool", json_string("mlutils " MLUTILS_VERSION));
    json_object_set_new(root, "program", json_stringn_nocheck(r->program.at, r->program.len));
    /* A seed of 2^63 and more reads as a negative number: the same 64 bits. */
    json_object_set_new(root, "seed", json_integer((json_int_t)r->context.seed));
    json_object_set_new(root, "schema", save_schema(&r->schema));
    json_object_set_new(root, "fingerprint", json_string(print));
    json_object_set_new(root, "rows", json_integer((json_int_t)r->rows_seen));
    if (r->stage != STAGE_NONE) /* now() is the same in all shards and stages */
        json_object_set_new(root, "now", json_integer((json_int_t)r->context.expr.now));
    if (part)
        save_learns(r, root);
    if ((part || ranges_matter(r)) && ranges_known(r))
        json_object_set_new(root, "ranges", ranges_save(r));
    json_object_set_new(root, "steps", steps);
    json_put_value(out, root);
    buf_putc(out, '\n');
    json_decref(root);
    return 0;
}

static int PRINTF_LIKE(3, 4) bad_state(struct error *e, const char *path, const char *format, ...)
{
    char message[600];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return error_set(e, ERR_DATA, "recipe state: $%s: %s", path, message);
}

static bool is_text(const json_t *j, const char *text)
{
    return json_is_string(j) && strcmp(json_string_value(j), text) == 0;
}

static int check_header(const json_t *root, struct error *e)
{
    const json_t *format = json_object_get(root, "format");
    if (!is_text(format, FORMAT_NAME) && !is_text(format, FORMAT_STAGE))
        return error_set(e, ERR_DATA,
                         "not a recipe state: expected \"format\": \"" FORMAT_NAME "\"");
    const json_t *version = json_object_get(root, "version");
    if (!json_is_integer(version) || json_integer_value(version) < 1)
        return bad_state(e, ".version", "expected a whole number");
    if (json_integer_value(version) > FORMAT_VERSION)
        return bad_state(e, ".version", "%lld is newer than this program reads (%d)",
                         (long long)json_integer_value(version), FORMAT_VERSION);
    if (!json_is_integer(json_object_get(root, "seed")))
        return bad_state(e, ".seed", "expected a whole number");
    const json_t *rows = json_object_get(root, "rows");
    if (!json_is_integer(rows) || json_integer_value(rows) < 0)
        return bad_state(e, ".rows", "expected a whole number, not negative");
    if (!json_is_string(json_object_get(root, "program")))
        return bad_state(e, ".program", "expected a text");
    return 0;
}

static int load_field(const json_t *j, size_t i, struct schema *schema, struct error *e)
{
    char path[64];
    (void)snprintf(path, sizeof path, ".schema[%zu]", i);
    const json_t *name = json_object_get(j, "name"), *type = json_object_get(j, "type");
    bool empty = json_is_null(type);
    enum type t = TYPE_TEXT;
    if (!json_is_string(name))
        return bad_state(e, path, "expected a name");
    if (!empty && (!json_is_string(type) || !type_from_name(text_of(json_string_value(type)), &t)))
        return bad_state(e, path, "expected a type");
    if (schema_find(schema, text_of(json_string_value(name))) != FIELD_NONE)
        return bad_state(e, path, "a column of this name came before");
    size_t at = schema_add(schema, text_of(json_string_value(name)), t);
    schema->fields.at[at].declared = json_is_true(json_object_get(j, "declared"));
    schema->fields.at[at].empty = empty;
    return 0;
}

static int load_schema(const json_t *root, struct schema *schema, struct error *e)
{
    const json_t *list = json_object_get(root, "schema");
    if (!json_is_array(list))
        return bad_state(e, ".schema", "expected a list of columns");
    for (size_t i = 0; i < json_array_size(list); i++) {
        int rc = load_field(json_array_get(list, i), i, schema, e);
        if (rc)
            return rc;
    }
    char print[FINGERPRINT_SIZE];
    fingerprint(schema, print);
    if (!is_text(json_object_get(root, "fingerprint"), print))
        return bad_state(e, ".fingerprint", "does not fit the schema: expected \"%s\"", print);
    return 0;
}

static int check_columns(const json_t *columns, const struct step *s, size_t i, struct error *e)
{
    char path[64];
    (void)snprintf(path, sizeof path, ".steps[%zu].columns", i);
    bool same = json_is_array(columns) && json_array_size(columns) == s->column_count;
    for (size_t k = 0; same && k < s->column_count; k++)
        same = is_text(json_array_get(columns, k), s->names[k]);
    return same ? 0 : bad_state(e, path, "expected the columns the program selects");
}

static int load_learnt(struct step *s, size_t i, const json_t *j, struct error *e)
{
    char path[64];
    (void)snprintf(path, sizeof path, ".steps[%zu].state", i);
    if (!j)
        return bad_state(e, path, "is missing");
    struct error problem = {0};
    void *state = s->kind->state_new(s);
    int rc = s->kind->load(s, state, j, &problem);
    if (rc)
        s->kind->state_free(state);
    else if (s->in_part)
        step_keep_part(s, state);
    else
        rc = step_finish(s, state, &problem);
    return rc ? bad_state(e, path, "%s", problem.message) : 0;
}

/* The rows a step sees: behind the one before it, or in front of the first still to learn. */
struct sight {
    struct schema schema;
    bool front;
};

static int check_kind(const json_t *j, const struct step *s, size_t i, struct error *e)
{
    char path[64];
    if (is_text(json_object_get(j, "step"), s->kind->name))
        return 0;
    (void)snprintf(path, sizeof path, ".steps[%zu].step", i);
    return bad_state(e, path, "expected \"%s\", as in the program", s->kind->name);
}

/* Opens a step where it stands. It may be one that has learnt nothing yet. */
static int open_loaded(struct recipe *r, size_t i, bool taught, struct sight *sight,
                       struct error *e)
{
    const struct step *s = r->steps.at[i];
    int rc = recipe_open_step(r, i, &sight->schema, e);
    sight->front = sight->front || s->in_part || (!taught && step_is_front(s));
    return rc;
}

static int load_step(struct recipe *r, size_t i, const json_t *j, struct sight *sight,
                     struct error *e)
{
    struct step *s = r->steps.at[i];
    const json_t *state = json_object_get(j, "state");
    bool taught = step_learns(s) && (state || s->in_part || r->stage == STAGE_NONE);
    int rc = check_kind(j, s, i, e);
    if (rc || (sight->front && !taught))
        return rc;
    rc = open_loaded(r, i, taught, sight, e);
    if (rc || (sight->front && !taught))
        return rc;
    rc = check_columns(json_object_get(j, "columns"), s, i, e);
    if (!rc && taught)
        rc = load_learnt(s, i, state, e);
    return rc || sight->front ? rc : recipe_shape_step(r, i, &sight->schema, e);
}

static int load_steps(struct recipe *r, const json_t *root, struct error *e)
{
    const json_t *steps = json_object_get(root, "steps");
    if (!json_is_array(steps) || json_array_size(steps) != r->steps.len)
        return bad_state(e, ".steps", "expected a list of %zu steps, as in the program",
                         r->steps.len);
    struct sight sight = {.front = false};
    schema_copy(&sight.schema, &r->schema);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->steps.len; i++)
        rc = load_step(r, i, json_array_get(steps, i), &sight, e);
    schema_release(&sight.schema);
    return rc;
}

static int load_learns(struct recipe *r, const json_t *learns, struct error *e)
{
    if (!json_is_array(learns))
        return bad_state(e, ".learns", "expected a list of steps");
    for (size_t i = 0; i < json_array_size(learns); i++) {
        json_int_t number = json_integer_value(json_array_get(learns, i));
        if (number < 1 || (size_t)number > r->steps.len ||
            !step_learns(r->steps.at[(size_t)number - 1]))
            return bad_state(e, ".learns", "expected the numbers of steps that learn");
        r->steps.at[(size_t)number - 1]->in_part = true;
    }
    return 0;
}

/* How far a fit in stages is. */
static int load_stage_of(struct recipe *r, json_t *root, struct error *e)
{
    const json_t *learns = json_object_get(root, "learns"), *of = json_object_get(root, "of");
    const json_t *now = json_object_get(root, "now");
    json_int_t rows = json_integer_value(of);
    if (!json_is_integer(now))
        return bad_state(e, ".now", "expected a whole number");
    r->context.expr.now = (usec)json_integer_value(now);
    r->stage = STAGE_SETTLED;
    if (!learns)
        return 0;
    if (of && (!json_is_integer(of) || rows < 1))
        return bad_state(e, ".of", "expected a whole number, at least 1");
    r->stage = STAGE_PART;
    r->whole_rows = (uint64_t)rows;
    r->part = json_incref(root);
    return load_learns(r, learns, e);
}

static int load_recipe(json_t *root, const struct prep_context *context, struct recipe **out,
                       struct error *e)
{
    const json_t *program = json_object_get(root, "program");
    struct error problem = {0};
    int rc = recipe_parse(json_string_value(program), json_string_length(program), context, out,
                          &problem);
    if (rc)
        return bad_state(e, ".program", "%s", problem.message);
    struct recipe *r = *out;
    r->context.seed = (uint64_t)json_integer_value(json_object_get(root, "seed"));
    r->rows_seen = (uint64_t)json_integer_value(json_object_get(root, "rows"));
    const json_t *ranges = json_object_get(root, "ranges");
    if (ranges && !ranges_load(r, ranges))
        return bad_state(e, ".ranges", "expected [first, last] of %llu rows, in order",
                         (unsigned long long)r->rows_seen);
    if (is_text(json_object_get(root, "format"), FORMAT_STAGE))
        rc = load_stage_of(r, root, e);
    if (rc == 0)
        rc = load_schema(root, &r->schema, e);
    return rc ? rc : load_steps(r, root, e);
}

json_t *state_parse(const char *json, size_t n, struct error *e)
{
    json_error_t problem;
    json_t *root = json_loadb(json, n, JSON_REJECT_DUPLICATES, &problem);
    if (!root) {
        (void)error_set(e, ERR_DATA, "recipe state: not JSON: %s", problem.text);
        (void)error_at(e, NULL, (uint64_t)(problem.line > 0 ? problem.line : 0), 0);
    } else if (check_header(root, e)) {
        json_decref(root);
        root = NULL;
    }
    return root;
}

static int load_text(const char *json, size_t n, const struct prep_context *context, bool stages,
                     struct recipe **out, struct error *e)
{
    *out = NULL;
    json_t *root = state_parse(json, n, e);
    int rc = root ? 0 : ERR_DATA;
    if (root && !stages && is_text(json_object_get(root, "format"), FORMAT_STAGE))
        rc = error_set(e, ERR_DATA,
                       "is not fitted to the end: fit and merge the stages that are left");
    if (rc == 0)
        rc = load_recipe(root, context, out, e);
    json_decref(root);
    if (rc) {
        recipe_free(*out);
        *out = NULL;
    }
    return rc;
}

int recipe_load(const char *json, size_t n, const struct prep_context *context, struct recipe **out,
                struct error *e)
{
    return load_text(json, n, context, false, out, e);
}

int recipe_load_stage(const char *json, size_t n, const struct prep_context *context,
                      struct recipe **out, struct error *e)
{
    return load_text(json, n, context, true, out, e);
}

/* One finding: an error when strict, else a warning. */
static int drift(bool strict, void (*warn)(const char *message), struct error *e,
                 const char *message)
{
    if (strict)
        return error_set(e, ERR_DATA, "%s", message);
    if (warn)
        warn(message);
    return 0;
}

static int check_type(const struct field *f, const struct schema *in, bool strict,
                      void (*warn)(const char *message), struct error *e)
{
    char quoted[QUOTE_MAX], message[QUOTE_MAX + 120];
    size_t at = schema_find(in, text_of(f->name));
    if (at == FIELD_NONE)
        return 0;
    enum type now = in->fields.at[at].type;
    bool same = now == f->type || (f->type == TYPE_FLOAT && now == TYPE_INT) || f->empty ||
                in->fields.at[at].empty;
    if (same)
        return 0;
    (void)snprintf(message, sizeof message,
                   "column %s was %s when the recipe was fitted, is %s now",
                   quote(quoted, f->name, strlen(f->name)), type_name(f->type), type_name(now));
    return drift(strict, warn, e, message);
}

/* A recorded column that is gone is an error when a step needs it:
 * then the steps cannot be opened. */
static int check_present(struct recipe *r, const struct schema *in, bool strict, struct error *e)
{
    const char *gone = NULL;
    for (size_t i = 0; i < r->schema.fields.len && !gone; i++)
        if (schema_find(in, text_of(r->schema.fields.at[i].name)) == FIELD_NONE)
            gone = r->schema.fields.at[i].name;
    if (!gone)
        return 0;
    struct schema schema;
    schema_copy(&schema, in);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->steps.len; i++) {
        rc = recipe_open_step(r, i, &schema, NULL);
        if (rc == 0)
            rc = recipe_shape_step(r, i, &schema, NULL);
    }
    schema_release(&schema);
    if (rc == 0 && !strict)
        return 0;
    char quoted[QUOTE_MAX], hint[HINT_MAX];
    return error_set(e, ERR_DATA, "the input has no column %s, which the recipe was fitted on%s",
                     quote(quoted, gone, strlen(gone)), column_hint(hint, text_of(gone), in));
}

int recipe_check_input(struct recipe *r, const struct schema *in, bool strict,
                       void (*warn)(const char *message), struct error *e)
{
    int rc = check_present(r, in, strict, e);
    for (size_t i = 0; rc == 0 && i < r->schema.fields.len; i++)
        rc = check_type(&r->schema.fields.at[i], in, strict, warn, e);
    for (size_t i = 0; rc == 0 && i < in->fields.len; i++) {
        const char *name = in->fields.at[i].name;
        char quoted[QUOTE_MAX], message[QUOTE_MAX + 80];
        if (schema_find(&r->schema, text_of(name)) != FIELD_NONE)
            continue;
        (void)snprintf(message, sizeof message, "the recipe does not know column %s",
                       quote(quoted, name, strlen(name)));
        rc = drift(strict, warn, e, message);
    }
    return rc;
}
