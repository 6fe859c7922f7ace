/* Values of a node's attributes, decoded from their AttributeProto when asked for. */
#include "model/import_onnx.h"

#include <stdio.h>

/* Fields of AttributeProto. */
enum {
    FIELD_F = 2,
    FIELD_I = 3,
    FIELD_S = 4,
    FIELD_T = 5,
    FIELD_FLOATS = 7,
    FIELD_INTS = 8,
    FIELD_STRINGS = 9
};

int onnx_refuse(const struct onnx_node *n, struct error *e, const char *format, ...)
{
    char op[QUOTE_MAX], name[QUOTE_MAX], reason[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    quote(op, n->op.at ? n->op.at : "", n->op.len);
    if (n->name.len == 0)
        return error_set(e, ERR_DATA, "operator %s: %s", op, reason);
    return error_set(e, ERR_DATA, "operator %s (node %s): %s", op,
                     quote(name, n->name.at, n->name.len), reason);
}

static const struct onnx_attribute *find(const struct onnx_node *n, const char *name)
{
    for (size_t i = 0; i < n->attributes.len; i++)
        if (text_equal(n->attributes.at[i].name, text_of(name)))
            return &n->attributes.at[i];
    return NULL;
}

bool onnx_has(const struct onnx_node *n, const char *name)
{
    return find(n, name) != NULL;
}

/* Where the values go that a field of an attribute holds; all but one are NULL. */
struct into {
    uint32_t field;
    int64_t *integer;
    double *number;
    struct text *text;
    struct integers *integers;
    struct doubles *doubles;
    struct texts *texts;
};

static int take_value(const struct proto *p, const struct proto_field *f, const struct into *into,
                      struct error *e)
{
    if (into->integers)
        return proto_integers(p, f, into->integers, e);
    if (into->doubles)
        return proto_doubles(p, f, WIRE_FIXED32, into->doubles, e);
    if (into->texts && f->wire == WIRE_BYTES)
        vec_push(into->texts, f->bytes);
    else if (into->text && f->wire == WIRE_BYTES)
        *into->text = f->bytes;
    else if (into->integer && f->wire == WIRE_VARINT)
        *into->integer = (int64_t)f->value;
    else if (into->number && f->wire == WIRE_FIXED32)
        *into->number = proto_float(f->value);
    else
        return error_set(e, ERR_DATA, "byte %zu: a value of another kind",
                         (size_t)(p->at - p->file));
    return 0;
}

static bool is_value(uint32_t field)
{
    return (field >= FIELD_F && field <= FIELD_STRINGS) || field == 10 || field == 11 ||
           field == 22 || field == 23;
}

static int read_values(const struct onnx_node *n, const char *name, const struct into *into,
                       struct error *e)
{
    const struct onnx_attribute *a = find(n, name);
    if (!a)
        return 0;
    struct proto p = {a->body.at, a->body.at + a->body.len, n->file};
    struct proto_field f;
    int status;
    while ((status = proto_next(&p, &f, e)) > 0) {
        if (f.number == into->field)
            status = take_value(&p, &f, into, e);
        else if (is_value(f.number))
            status = onnx_refuse(n, e, "attribute '%s' has another type than it should", name);
        if (status < 0)
            return status;
    }
    return status;
}

int onnx_int(const struct onnx_node *n, const char *name, int64_t *value, struct error *e)
{
    return read_values(n, name, &(struct into){.field = FIELD_I, .integer = value}, e);
}

int onnx_float(const struct onnx_node *n, const char *name, double *value, struct error *e)
{
    return read_values(n, name, &(struct into){.field = FIELD_F, .number = value}, e);
}

int onnx_text(const struct onnx_node *n, const char *name, struct text *value, struct error *e)
{
    return read_values(n, name, &(struct into){.field = FIELD_S, .text = value}, e);
}

int onnx_ints(const struct onnx_node *n, const char *name, struct integers *list, struct error *e)
{
    return read_values(n, name, &(struct into){.field = FIELD_INTS, .integers = list}, e);
}

int onnx_texts(const struct onnx_node *n, const char *name, struct texts *list, struct error *e)
{
    return read_values(n, name, &(struct into){.field = FIELD_STRINGS, .texts = list}, e);
}

/* What is read of a TensorProto. */
struct tensor {
    uint64_t type;   /* 2 */
    struct text raw; /* 9; else the numbers are in 4 or 10 */
    bool elsewhere;  /* 13, 14: data in another file */
};

static int take_tensor(struct tensor *t, const struct proto *p, const struct proto_field *f,
                       struct doubles *list, struct error *e)
{
    switch (f->number) {
    case 2:
        t->type = f->value;
        return 0;
    case 4:
        return proto_doubles(p, f, WIRE_FIXED32, list, e);
    case 9:
        t->raw = f->bytes;
        return 0;
    case 10:
        return proto_doubles(p, f, WIRE_FIXED64, list, e);
    case 13:
    case 14:
        t->elsewhere |= f->number == 13 || f->value != 0;
        return 0;
    default:
        return 0;
    }
}

static int read_tensor(const struct onnx_node *n, const char *name, struct text body,
                       struct doubles *list, struct error *e)
{
    struct proto p = {body.at, body.at + body.len, n->file};
    struct proto_field f;
    struct tensor t = {0};
    int status;
    while ((status = proto_next(&p, &f, e)) > 0) {
        status = take_tensor(&t, &p, &f, list, e);
        if (status)
            return status;
    }
    if (status)
        return status;
    if (t.elsewhere)
        return onnx_refuse(n, e, "%s is in another file", name);
    if (t.type != ONNX_FLOAT && t.type != ONNX_DOUBLE)
        return onnx_refuse(n, e, "%s is no tensor of floats or doubles", name);
    if (t.raw.at)
        proto_array(t.raw, t.type == ONNX_FLOAT ? WIRE_FIXED32 : WIRE_FIXED64, list);
    return 0;
}

int onnx_floats(const struct onnx_node *n, const char *name, struct doubles *list, struct error *e)
{
    char as_tensor[64];
    struct text body = {0};
    (void)snprintf(as_tensor, sizeof as_tensor, "%s_as_tensor", name);
    int status = read_values(n, name, &(struct into){.field = FIELD_FLOATS, .doubles = list}, e);
    if (status == 0)
        status = read_values(n, as_tensor, &(struct into){.field = FIELD_T, .text = &body}, e);
    if (status || !body.at)
        return status;
    if (list->len)
        return onnx_refuse(n, e, "both '%s' and '%s' are given", name, as_tensor);
    char *what = mem_format("attribute '%s'", as_tensor);
    status = read_tensor(n, what, body, list, e);
    mem_free(what);
    return status;
}

/* An initializer's TensorProto; at == NULL and an error when there is none. */
static struct text find_constant(const struct onnx_graph *g, const struct onnx_node *n,
                                 struct text name, struct error *e)
{
    size_t i = map_get(&g->initializers, name);
    if (i != MAP_NONE)
        return g->constants.at[i];
    (void)onnx_refuse(n, e, "an input is no constant");
    return (struct text){NULL, 0};
}

int onnx_constant_floats(const struct onnx_graph *g, const struct onnx_node *n, struct text name,
                         struct integers *shape, struct doubles *list, struct error *e)
{
    struct text body = find_constant(g, n, name, e);
    struct proto p = {body.at, body.at + body.len, n->file};
    struct proto_field f;
    int status;
    if (!body.at)
        return ERR_DATA;
    while ((status = proto_next(&p, &f, e)) > 0)
        if (f.number == 1 && (status = proto_integers(&p, &f, shape, e)))
            return status;
    return status ? status : read_tensor(n, "an input", body, list, e);
}

static int take_integers(struct tensor *t, const struct proto *p, const struct proto_field *f,
                         struct integers *list, struct error *e)
{
    if (f->number == 5 || f->number == 7)
        return proto_integers(p, f, list, e);
    bool other = f->number == 4 || f->number == 10;
    return other ? 0 : take_tensor(t, p, f, NULL, e);
}

/* Little-endian. */
static void add_raw(struct text raw, size_t size, struct integers *list)
{
    for (size_t i = 0; i + size <= raw.len; i += size) {
        uint64_t bits = 0;
        for (size_t k = size; k-- > 0;)
            bits = bits << 8 | (uint8_t)raw.at[i + k];
        vec_push(list, size == 4 ? (int64_t)(int32_t)(uint32_t)bits : (int64_t)bits);
    }
}

int onnx_constant_integers(const struct onnx_graph *g, const struct onnx_node *n, struct text name,
                           struct integers *list, struct error *e)
{
    struct text body = find_constant(g, n, name, e);
    struct proto p = {body.at, body.at + body.len, n->file};
    if (!body.at)
        return ERR_DATA;
    struct proto_field f;
    struct tensor t = {0};
    int status;
    while ((status = proto_next(&p, &f, e)) > 0)
        if ((status = take_integers(&t, &p, &f, list, e)))
            return status;
    if (status)
        return status;
    if (t.elsewhere || (t.type != ONNX_INT64 && t.type != ONNX_INT32))
        return onnx_refuse(n, e, "an input is no constant of integers in the file");
    add_raw(t.raw, t.type == ONNX_INT32 ? 4 : 8, list);
    return 0;
}
