/* What an image says of itself, in JSON: for people, and for who must match columns by name.
 * Written as it goes: models may have a million features. */
#include "infer/image.h"
#include "runtime/program.h"

#include <inttypes.h>

/* Names come from files: what is not UTF-8 in them becomes U+FFFD. */
static void put_text(struct buf *out, struct text s)
{
    json_put_string(out, s.at, s.len);
}

static void put_key(struct buf *out, const char *key)
{
    char last = out->at[out->len - 1];
    buf_format(out, "%s\"%s\":", last == '{' ? "" : ",", key);
}

static void put_string(struct buf *out, const char *key, struct text value)
{
    put_key(out, key);
    put_text(out, value);
}

static void put_count(struct buf *out, const char *key, uint64_t value)
{
    put_key(out, key);
    buf_format(out, "%" PRIu64, value);
}

static void put_flag(struct buf *out, const char *key, bool value)
{
    put_key(out, key);
    buf_puts(out, value ? "true" : "false");
}

static void open_list(struct buf *out, const char *key)
{
    put_key(out, key);
    buf_putc(out, '[');
}

static void next_item(struct buf *out, size_t i)
{
    if (i > 0)
        buf_putc(out, ',');
}

static void put_texts(struct buf *out, const char *key, const char *const *at, size_t n)
{
    open_list(out, key);
    for (size_t i = 0; i < n; i++) {
        next_item(out, i);
        put_text(out, text_of(at[i]));
    }
    buf_putc(out, ']');
}

static void put_features(struct buf *out, const struct model *m)
{
    static const char *const kinds[] = {"number", "code", "text"};
    open_list(out, "features");
    for (size_t i = 0; i < m->feature_count; i++) {
        const struct feature *f = &m->features[i];
        next_item(out, i);
        buf_putc(out, '{');
        put_string(out, "name", text_of(f->name));
        put_string(out, "kind", text_of(kinds[f->kind]));
        if (f->kind == FEATURE_TEXT)
            put_texts(out, "values", f->values, f->value_count);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void put_source(struct buf *out, const struct model *m)
{
    put_key(out, "source");
    buf_putc(out, '{');
    put_string(out, "format", text_of(m->format));
    put_string(out, "producer", text_of(m->producer));
    put_string(out, "sha256", text_of(m->sha256));
    put_count(out, "bytes", m->bytes);
    buf_putc(out, '}');
}

static void put_trees(struct buf *out, const struct trees *t)
{
    size_t leaves = 0;
    for (size_t i = 0; i < t->nodes; i++)
        leaves += t->feature[i] == NODE_LEAF;
    put_key(out, "trees");
    buf_putc(out, '{');
    put_count(out, "count", t->count);
    put_count(out, "depth", trees_depth(t));
    put_count(out, "nodes", t->nodes);
    put_count(out, "leaves", leaves);
    put_flag(out, "cover", t->cover != NULL);
    buf_putc(out, '}');
}

/* What the model's own framework answers. */
static const char *answer_name(const struct model *m)
{
    if (m->answers_class)
        return "class";
    if (m->two_classes)
        return "probability";
    return model_class_count(m) ? "probabilities" : "value";
}

static void put_preparation(struct buf *out, const struct compile_options *o)
{
    const struct recipe *r = o->prep;
    put_key(out, "preparation");
    buf_putc(out, '{');
    put_string(out, "file", text_of(o->prep_name ? o->prep_name : ""));
    put_string(out, "program", r->program);
    put_count(out, "rows_seen", r->rows_seen);
    buf_putc(out, '}');
}

static void put_fields(struct buf *out, const struct ml_program *program)
{
    open_list(out, "fields");
    for (uint32_t i = 0; i < program->fields; i++) {
        struct ml_text name = ml_program_field(program, i), type = ml_program_type(program, i);
        next_item(out, i);
        buf_putc(out, '{');
        put_string(out, "name", (struct text){name.at, name.len});
        put_string(out, "type", (struct text){type.at, type.len});
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

void image_info(const struct model *m, const struct compile_options *o,
                const struct ml_program *program, struct buf *out)
{
    buf_putc(out, '{');
    put_source(out, m);
    put_string(out, "objective", text_of(m->objective));
    put_string(out, "kind", text_of(m->kind == MODEL_TREES ? "trees" : "linear"));
    if (m->kind == MODEL_TREES)
        put_trees(out, &m->trees);
    put_count(out, "stages", m->stage_count);
    put_features(out, m);
    put_flag(out, "named", m->named);
    put_count(out, "outputs", m->outputs);
    put_string(out, "transform", text_of(transform_name(m->transform)));
    put_string(out, "answer", text_of(answer_name(m)));
    put_count(out, "class_count", model_class_count(m));
    if (m->classes)
        put_texts(out, "classes", m->classes, m->class_count);
    put_fields(out, program);
    if (o->prep)
        put_preparation(out, o);
    put_flag(out, "exact", !o->float32 && !o->u8);
    buf_putc(out, '}');
}
