/* A ModelProto's graph: nodes, inputs and names; values of attributes stay where they are. */
#include "model/import_onnx.h"

struct reading {
    struct onnx_graph *graph;
    struct error *e;
};

static int put_text(struct texts *list, const struct proto_field *f)
{
    vec_push(list, f->bytes);
    return 0;
}

/* Calls take for every field of bytes of a message. */
typedef int take(struct reading *r, struct proto *p, const struct proto_field *f, void *into);
static int each_field(struct reading *r, struct proto p, take *take_field, void *into)
{
    struct proto_field f;
    int status;
    while ((status = proto_next(&p, &f, r->e)) > 0) {
        status = take_field(r, &p, &f, into);
        if (status)
            return status;
    }
    return status;
}

static int take_attribute_name(struct reading *r, struct proto *p, const struct proto_field *f,
                               void *into)
{
    (void)r, (void)p;
    if (f->number == 1 && f->wire == WIRE_BYTES)
        ((struct onnx_attribute *)into)->name = f->bytes;
    return 0;
}

static int take_node(struct reading *r, struct proto *p, const struct proto_field *f, void *into)
{
    struct onnx_node *n = into;
    struct onnx_attribute a = {.body = f->bytes};
    if (f->wire != WIRE_BYTES)
        return 0;
    switch (f->number) {
    case 1:
        return put_text(&n->inputs, f);
    case 2:
        return put_text(&n->outputs, f);
    case 3:
        n->name = f->bytes;
        return 0;
    case 4:
        n->op = f->bytes;
        return 0;
    case 5:
        if (each_field(r, proto_within(p, f->bytes), take_attribute_name, &a))
            return ERR_DATA;
        vec_push(&n->attributes, a);
        return 0;
    case 7:
        n->domain = f->bytes;
        return 0;
    default:
        return 0;
    }
}

/* A TypeProto.Tensor's shape: the columns are the second dimension, when it is a number. */
struct shape {
    struct onnx_input *input;
    size_t dimensions;
};

static int take_dimension(struct reading *r, struct proto *p, const struct proto_field *f,
                          void *into)
{
    struct shape *s = into;
    (void)r, (void)p;
    if (f->number == 1 && f->wire == WIRE_VARINT && s->dimensions == 2 && f->value < UINT32_MAX)
        s->input->columns = (size_t)f->value;
    return 0;
}

static int take_shape(struct reading *r, struct proto *p, const struct proto_field *f, void *into)
{
    struct shape *s = into;
    if (f->number != 1 || f->wire != WIRE_BYTES)
        return 0;
    s->dimensions++;
    return each_field(r, proto_within(p, f->bytes), take_dimension, s);
}

static int take_tensor_type(struct reading *r, struct proto *p, const struct proto_field *f,
                            void *into)
{
    struct shape s = {into, 0};
    if (f->number == 1 && f->wire == WIRE_VARINT)
        s.input->type = f->value < 32 ? (enum onnx_type)f->value : ONNX_UNKNOWN;
    if (f->number != 2 || f->wire != WIRE_BYTES)
        return 0;
    return each_field(r, proto_within(p, f->bytes), take_shape, &s);
}

static int take_type(struct reading *r, struct proto *p, const struct proto_field *f, void *into)
{
    if (f->number != 1 || f->wire != WIRE_BYTES)
        return 0;
    return each_field(r, proto_within(p, f->bytes), take_tensor_type, into);
}

/* A ValueInfoProto. */
static int take_input(struct reading *r, struct proto *p, const struct proto_field *f, void *into)
{
    struct onnx_input *input = into;
    if (f->number == 1 && f->wire == WIRE_BYTES)
        input->name = f->bytes;
    if (f->number != 2 || f->wire != WIRE_BYTES)
        return 0;
    return each_field(r, proto_within(p, f->bytes), take_type, input);
}

static int take_tensor_name(struct reading *r, struct proto *p, const struct proto_field *f,
                            void *into)
{
    (void)r, (void)p;
    if (f->number == 8 && f->wire == WIRE_BYTES)
        *(struct text *)into = f->bytes;
    return 0;
}

static int add_node(struct reading *r, const struct proto *p, struct text body)
{
    struct onnx_node n = {.file = p->file};
    vec_push(&r->graph->nodes, n);
    return each_field(r, proto_within(p, body), take_node,
                      &r->graph->nodes.at[r->graph->nodes.len - 1]);
}

static int take_graph(struct reading *r, struct proto *p, const struct proto_field *f, void *into)
{
    struct onnx_graph *g = into;
    struct onnx_input input = {0};
    struct text name = {0};
    bool is_new;
    if (f->wire != WIRE_BYTES)
        return 0;
    struct proto body = proto_within(p, f->bytes);
    switch (f->number) {
    case 1:
        return add_node(r, p, f->bytes);
    case 5:
        if (each_field(r, body, take_tensor_name, &name))
            return ERR_DATA;
        (void)map_put(&g->initializers, name, &is_new);
        if (is_new)
            vec_push(&g->constants, f->bytes);
        return 0;
    case 11:
        if (each_field(r, body, take_input, &input))
            return ERR_DATA;
        vec_push(&g->inputs, input);
        return 0;
    default:
        return 0;
    }
}

/* An OperatorSetIdProto. */
struct operators {
    struct text domain;
    uint64_t version;
};

static int take_operators(struct reading *r, struct proto *p, const struct proto_field *f,
                          void *into)
{
    struct operators *o = into;
    (void)r, (void)p;
    if (f->number == 1 && f->wire == WIRE_BYTES)
        o->domain = f->bytes;
    if (f->number == 2 && f->wire == WIRE_VARINT)
        o->version = f->value;
    return 0;
}

static int add_operators(struct reading *r, struct proto p)
{
    struct operators o = {0};
    int status = each_field(r, p, take_operators, &o);
    if (status == 0 && text_equal(o.domain, TEXT_LITERAL("ai.onnx.ml")))
        r->graph->version = o.version;
    return status;
}

static int take_model(struct reading *r, struct proto *p, const struct proto_field *f, void *into)
{
    struct onnx_graph *g = into;
    if (f->wire != WIRE_BYTES)
        return 0;
    if (f->number == 2)
        g->producer = f->bytes;
    if (f->number == 3)
        g->producer_version = f->bytes;
    if (f->number == 8)
        return add_operators(r, proto_within(p, f->bytes));
    return f->number == 7 ? each_field(r, proto_within(p, f->bytes), take_graph, g) : 0;
}

/* Before version 4 of the format initializers are inputs, too. */
static void drop_initialized_inputs(struct onnx_graph *g)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->inputs.len; i++)
        if (map_get(&g->initializers, g->inputs.at[i].name) == MAP_NONE)
            g->inputs.at[kept++] = g->inputs.at[i];
    g->inputs.len = kept;
}

int onnx_graph_read(struct onnx_graph *g, struct text file, struct error *e)
{
    struct reading r = {g, e};
    g->bytes = file.len;
    struct proto p = {file.at, file.at + file.len, file.at};
    int status = each_field(&r, p, take_model, g);
    if (status == 0)
        drop_initialized_inputs(g);
    return status;
}

void onnx_graph_release(struct onnx_graph *g)
{
    for (size_t i = 0; i < g->nodes.len; i++) {
        vec_release(&g->nodes.at[i].inputs);
        vec_release(&g->nodes.at[i].outputs);
        vec_release(&g->nodes.at[i].attributes);
    }
    vec_release(&g->nodes);
    vec_release(&g->inputs);
    vec_release(&g->constants);
    map_release(&g->initializers);
}
