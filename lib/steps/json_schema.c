/* JSON Schema: compiled to a tree, checked by pulling tokens, without a tree of the text. */
#include "steps/json_schema.h"

#include <jansson.h>
#include <math.h>

enum {
    IS_NULL = 1,
    IS_BOOLEAN = 2,
    IS_INTEGER = 4,
    IS_NUMBER = 8,
    IS_STRING = 16,
    IS_ARRAY = 32,
    IS_OBJECT = 64,
    ANYTHING = 127,
    REQUIRED_MAX = 64,
    DEPTH_MAX = 100,
};

struct property {
    struct json_schema *schema; /* NULL: anything goes */
    int required;               /* its bit, -1 when it may be absent */
};

struct json_schema {
    unsigned types;
    double minimum, maximum, above, below; /* above and below excluded; NaN: no bound */
    double min_length, max_length, min_items, max_items;
    bool closed;                    /* only listed properties */
    struct json_schema *additional; /* of properties not listed, and */
    struct json_schema *items;      /* of list items; NULL: anything */
    struct map names;               /* of properties, listed or required */
    VEC(struct property) properties;
    uint64_t required;  /* all their bits */
    bool listed;        /* enum or const is given */
    struct map allowed; /* its values, as put_scalar writes them */
};

static int compile(json_t *j, int depth, struct json_schema **out, struct error *e);

static int wrong(struct error *e, const char *key)
{
    return error_set(e, ERR_USAGE, "JSON schema: '%.60s' is not as this step understands it", key);
}

static int add_type(struct json_schema *s, const json_t *name, struct error *e)
{
    static const struct {
        const char *name;
        unsigned types;
    } known[] = {{"null", IS_NULL},
                 {"boolean", IS_BOOLEAN},
                 {"integer", IS_INTEGER},
                 {"string", IS_STRING},
                 {"array", IS_ARRAY},
                 {"object", IS_OBJECT},
                 {"number", IS_NUMBER | IS_INTEGER}};
    for (size_t i = 0; i < COUNT_OF(known) && json_is_string(name); i++)
        if (strcmp(json_string_value(name), known[i].name) == 0) {
            s->types |= known[i].types;
            return 0;
        }
    return wrong(e, "type");
}

static int compile_type(struct json_schema *s, const json_t *value, struct error *e)
{
    s->types = 0;
    if (!json_is_array(value))
        return add_type(s, value, e);
    int rc = 0;
    for (size_t i = 0; i < json_array_size(value) && rc == 0; i++)
        rc = add_type(s, json_array_get(value, i), e);
    return rc;
}

/* A scalar so that equal values give equal bytes: 1 and 1.0, "a" and "\u0061". */
static void put_scalar(struct buf *out, const json_t *j)
{
    char digits[NUMBER_MAX];
    if (json_is_string(j)) {
        buf_putc(out, '"');
        buf_add(out, json_string_value(j), json_string_length(j));
    } else if (json_is_number(j)) {
        buf_add(out, digits, number_print(digits, json_number_value(j)));
    } else {
        buf_puts(out, json_is_null(j) ? "null" : json_is_true(j) ? "true" : "false");
    }
}

static int allow(struct json_schema *s, const json_t *value, const char *key, struct error *e)
{
    if (json_is_object(value) || json_is_array(value))
        return wrong(e, key);
    struct buf text = {0};
    put_scalar(&text, value);
    (void)map_put(&s->allowed, (struct text){text.at, text.len}, NULL);
    buf_release(&text);
    s->listed = true;
    return 0;
}

static int compile_enum(struct json_schema *s, const json_t *values, struct error *e)
{
    int rc = json_is_array(values) ? 0 : wrong(e, "enum");
    for (size_t i = 0; i < json_array_size(values) && rc == 0; i++)
        rc = allow(s, json_array_get(values, i), "enum", e);
    return rc;
}

static struct property *property_of(struct json_schema *s, const char *name)
{
    bool is_new;
    size_t i = map_put(&s->names, text_of(name), &is_new);
    if (is_new)
        vec_push(&s->properties, ((struct property){NULL, -1}));
    return &s->properties.at[i];
}

static int compile_properties(struct json_schema *s, json_t *list, int depth, struct error *e)
{
    if (!json_is_object(list))
        return wrong(e, "properties");
    int rc = 0;
    const char *name;
    json_t *value;
    json_object_foreach(list, name, value)
    {
        struct json_schema *schema = NULL;
        rc = compile(value, depth + 1, &schema, e);
        property_of(s, name)->schema = schema;
        if (rc)
            break;
    }
    return rc;
}

static int compile_required(struct json_schema *s, const json_t *list, struct error *e)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n > REQUIRED_MAX)
        return wrong(e, "required");
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name)
            return wrong(e, "required");
        property_of(s, name)->required = (int)i;
    }
    /* A name listed twice keeps one bit. */
    for (size_t i = 0; i < s->properties.len; i++)
        if (s->properties.at[i].required >= 0)
            s->required |= UINT64_C(1) << s->properties.at[i].required;
    return 0;
}

static int compile_additional(struct json_schema *s, json_t *value, int depth, struct error *e)
{
    s->closed = json_is_false(value);
    if (json_is_boolean(value))
        return 0;
    return compile(value, depth + 1, &s->additional, e);
}

static double *bound_named(struct json_schema *s, const char *key)
{
    const struct {
        const char *name;
        double *bound;
    } known[] = {{"minimum", &s->minimum},        {"maximum", &s->maximum},
                 {"exclusiveMinimum", &s->above}, {"exclusiveMaximum", &s->below},
                 {"minLength", &s->min_length},   {"maxLength", &s->max_length},
                 {"minItems", &s->min_items},     {"maxItems", &s->max_items}};
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcmp(key, known[i].name) == 0)
            return known[i].bound;
    return NULL;
}

static bool is_annotation(const char *key)
{
    static const char *const known[] = {"title",   "description", "default", "examples",
                                        "$schema", "$id",         "$comment"};
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcmp(key, known[i]) == 0)
            return true;
    return false;
}

static int compile_keyword(struct json_schema *s, const char *key, json_t *value, int depth,
                           struct error *e)
{
    double *bound = bound_named(s, key);
    if (bound) {
        *bound = json_number_value(value);
        return json_is_number(value) ? 0 : wrong(e, key);
    }
    if (strcmp(key, "type") == 0)
        return compile_type(s, value, e);
    if (strcmp(key, "enum") == 0)
        return compile_enum(s, value, e);
    if (strcmp(key, "const") == 0)
        return allow(s, value, key, e);
    if (strcmp(key, "properties") == 0)
        return compile_properties(s, value, depth, e);
    if (strcmp(key, "required") == 0)
        return compile_required(s, value, e);
    if (strcmp(key, "additionalProperties") == 0)
        return compile_additional(s, value, depth, e);
    if (strcmp(key, "items") == 0)
        return compile(value, depth + 1, &s->items, e);
    return is_annotation(key) ? 0 : wrong(e, key);
}

static struct json_schema *schema_new(void)
{
    struct json_schema *s = mem_alloc(sizeof *s);
    s->types = ANYTHING;
    s->minimum = s->maximum = s->above = s->below = (double)NAN;
    s->min_length = s->max_length = s->min_items = s->max_items = (double)NAN;
    return s;
}

/* *out is set, and owned by the caller, also on error. */
static int compile(json_t *j, int depth, struct json_schema **out, struct error *e)
{
    *out = schema_new();
    if (json_is_boolean(j)) {
        (*out)->types = json_is_true(j) ? ANYTHING : 0;
        return 0;
    }
    if (!json_is_object(j) || depth > DEPTH_MAX)
        return error_set(e, ERR_USAGE, "JSON schema: expected an object");
    for (void *at = json_object_iter(j); at; at = json_object_iter_next(j, at)) {
        int rc =
            compile_keyword(*out, json_object_iter_key(at), json_object_iter_value(at), depth, e);
        if (rc)
            return rc;
    }
    return 0;
}

int json_schema_compile(const char *text, size_t n, struct json_schema **out, struct error *e)
{
    json_error_t problem;
    json_t *j = json_loadb(text, n, JSON_DECODE_ANY, &problem);
    *out = NULL;
    if (!j)
        return error_set(e, ERR_USAGE, "JSON schema: line %d: %s", problem.line, problem.text);
    int rc = compile(j, 0, out, e);
    json_decref(j);
    if (rc) {
        json_schema_free(*out);
        *out = NULL;
    }
    return rc;
}

void json_schema_free(struct json_schema *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->properties.len; i++)
        json_schema_free(s->properties.at[i].schema);
    json_schema_free(s->additional);
    json_schema_free(s->items);
    map_release(&s->names);
    vec_release(&s->properties);
    map_release(&s->allowed);
    mem_free(s);
}

struct check {
    struct json_reader reader;
    struct buf *scratch;
};

static bool check_value(struct check *c, const struct json_schema *s, enum json_token t);

/* Comparisons with NaN, no bound, are false. */
static bool within(double x, double low, double high)
{
    return !(x < low) && !(x > high);
}

static bool is_allowed(const struct json_schema *s, const struct buf *value)
{
    return !s->listed || map_get(&s->allowed, (struct text){value->at, value->len}) != MAP_NONE;
}

static bool check_number(struct check *c, const struct json_schema *s)
{
    double x;
    struct text raw = c->reader.raw;
    if (!number_parse_double(raw.at, raw.len, &x))
        return false;
    unsigned kind = x == floor(x) ? IS_INTEGER | IS_NUMBER : IS_NUMBER;
    if (!(s->types & kind) || !within(x, s->minimum, s->maximum) || x <= s->above || x >= s->below)
        return false;
    char digits[NUMBER_MAX];
    c->scratch->len = 0;
    buf_add(c->scratch, digits, number_print(digits, x));
    return is_allowed(s, c->scratch);
}

static bool check_string(struct check *c, const struct json_schema *s)
{
    c->scratch->len = 0;
    buf_putc(c->scratch, '"');
    if (!(s->types & IS_STRING) || !json_unescape(c->scratch, c->reader.raw))
        return false;
    double length = (double)utf8_length(c->scratch->at + 1, c->scratch->len - 1);
    return within(length, s->min_length, s->max_length) && is_allowed(s, c->scratch);
}

static bool check_word(struct check *c, const struct json_schema *s, unsigned type)
{
    c->scratch->len = 0;
    buf_add(c->scratch, c->reader.raw.at, c->reader.raw.len);
    return (s->types & type) && is_allowed(s, c->scratch);
}

static bool skip_value(struct check *c, enum json_token t)
{
    return t == JSON_TOKEN_OBJECT || t == JSON_TOKEN_ARRAY ? json_skip(&c->reader)
                                                           : t != JSON_TOKEN_ERROR;
}

static bool check_array(struct check *c, const struct json_schema *s)
{
    double count = 0;
    if (!(s->types & IS_ARRAY) || s->listed)
        return false;
    enum json_token t;
    for (; (t = json_next(&c->reader)) != JSON_TOKEN_END; count++)
        if (!(s->items ? check_value(c, s->items, t) : skip_value(c, t)))
            return false;
    return within(count, s->min_items, s->max_items);
}

/* The property whose key was just read; MAP_NONE when it is not listed. */
static size_t find_property(struct check *c, const struct json_schema *s)
{
    struct text key = c->reader.raw;
    if (c->reader.escaped) {
        c->scratch->len = 0;
        if (!json_unescape(c->scratch, key))
            return MAP_NONE;
        key = (struct text){c->scratch->at, c->scratch->len};
    }
    return map_get(&s->names, key);
}

static bool check_object(struct check *c, const struct json_schema *s)
{
    uint64_t seen = 0;
    if (!(s->types & IS_OBJECT) || s->listed)
        return false;
    enum json_token t;
    while ((t = json_next(&c->reader)) == JSON_TOKEN_KEY) {
        size_t i = find_property(c, s);
        const struct property *p = i == MAP_NONE ? NULL : &s->properties.at[i];
        if (p && p->required >= 0)
            seen |= UINT64_C(1) << p->required;
        const struct json_schema *schema = p && p->schema ? p->schema : s->additional;
        if (s->closed && !(p && p->schema))
            return false;
        t = json_next(&c->reader);
        if (!(schema ? check_value(c, schema, t) : skip_value(c, t)))
            return false;
    }
    return t == JSON_TOKEN_END && (seen & s->required) == s->required;
}

static bool check_value(struct check *c, const struct json_schema *s, enum json_token t)
{
    switch (t) {
    case JSON_TOKEN_OBJECT:
        return check_object(c, s);
    case JSON_TOKEN_ARRAY:
        return check_array(c, s);
    case JSON_TOKEN_STRING:
        return check_string(c, s);
    case JSON_TOKEN_NUMBER:
        return check_number(c, s);
    case JSON_TOKEN_TRUE:
    case JSON_TOKEN_FALSE:
        return check_word(c, s, IS_BOOLEAN);
    case JSON_TOKEN_NULL:
        return check_word(c, s, IS_NULL);
    case JSON_TOKEN_ERROR:
    case JSON_TOKEN_DONE:
    case JSON_TOKEN_END:
    case JSON_TOKEN_KEY:
        break;
    }
    return false;
}

bool json_schema_check(const struct json_schema *s, struct text json, struct buf *scratch)
{
    struct check c = {.scratch = scratch};
    json_start(&c.reader, json.at, json.len);
    return check_value(&c, s, json_next(&c.reader)) && json_next(&c.reader) == JSON_TOKEN_DONE;
}
