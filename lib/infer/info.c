/* What an image says of itself, in JSON: for people, and for who must match columns by name. */
#include "infer/image.h"
#include "runtime/program.h"

/* Names come from files: what is not UTF-8 in them becomes U+FFFD. */
static json_t *any_text(struct text s)
{
    struct buf quoted = {0};
    json_put_string(&quoted, s.at, s.len);
    json_t *text = json_loadb(quoted.at, quoted.len, JSON_DECODE_ANY, NULL);
    buf_release(&quoted);
    return text ? text : json_string("?");
}

static struct text text_from(struct ml_text t)
{
    return (struct text){t.at, t.len};
}

static json_t *texts(const char *const *at, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, any_text(text_of(at[i])));
    return list;
}

static json_t *info_features(const struct model *m)
{
    json_t *list = json_array();
    for (size_t i = 0; i < m->feature_count; i++) {
        static const char *const kinds[] = {"number", "code", "text"};
        const struct feature *f = &m->features[i];
        json_t *feature =
            json_pack("{s:o, s:s}", "name", any_text(text_of(f->name)), "kind", kinds[f->kind]);
        if (f->kind == FEATURE_TEXT)
            json_object_set_new(feature, "values", texts(f->values, f->value_count));
        json_array_append_new(list, feature);
    }
    return list;
}

static json_t *info_source(const struct model *m)
{
    return json_pack("{s:s, s:o, s:s, s:I}", "format", m->format, "producer",
                     any_text(text_of(m->producer)), "sha256", m->sha256, "bytes",
                     (json_int_t)m->bytes);
}

static json_t *info_trees(const struct trees *t)
{
    size_t leaves = 0;
    for (size_t i = 0; i < t->nodes; i++)
        leaves += t->feature[i] == NODE_LEAF;
    return json_pack("{s:I, s:I, s:I, s:I, s:b}", "count", (json_int_t)t->count, "depth",
                     (json_int_t)trees_depth(t), "nodes", (json_int_t)t->nodes, "leaves",
                     (json_int_t)leaves, "cover", t->cover != NULL);
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

static json_t *info_prep(const struct compile_options *o)
{
    const struct recipe *r = o->prep;
    return json_pack("{s:o, s:o, s:I}", "file", any_text(text_of(o->prep_name ? o->prep_name : "")),
                     "program", any_text(r->program), "rows_seen", (json_int_t)r->rows_seen);
}

static json_t *info_fields(const struct ml_program *program)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < program->fields; i++) {
        struct text name = text_from(ml_program_field(program, i));
        struct text type = text_from(ml_program_type(program, i));
        json_array_append_new(
            list, json_pack("{s:o, s:o}", "name", any_text(name), "type", any_text(type)));
    }
    return list;
}

char *image_info(const struct model *m, const struct compile_options *o,
                 const struct ml_program *program)
{
    json_t *info = json_object();
    json_object_set_new(info, "source", info_source(m));
    json_object_set_new(info, "objective", any_text(text_of(m->objective)));
    json_object_set_new(info, "kind", json_string(m->kind == MODEL_TREES ? "trees" : "linear"));
    if (m->kind == MODEL_TREES)
        json_object_set_new(info, "trees", info_trees(&m->trees));
    json_object_set_new(info, "stages", json_integer((json_int_t)m->stage_count));
    json_object_set_new(info, "features", info_features(m));
    json_object_set_new(info, "named", json_boolean(m->named));
    json_object_set_new(info, "outputs", json_integer((json_int_t)m->outputs));
    json_object_set_new(info, "transform", json_string(transform_name(m->transform)));
    json_object_set_new(info, "answer", json_string(answer_name(m)));
    json_object_set_new(info, "class_count", json_integer((json_int_t)model_class_count(m)));
    if (m->classes)
        json_object_set_new(info, "classes", texts(m->classes, m->class_count));
    json_object_set_new(info, "fields", info_fields(program));
    if (o->prep)
        json_object_set_new(info, "preparation", info_prep(o));
    json_object_set_new(info, "exact", json_boolean(!o->float32 && !o->u8));
    char *text = json_dumps(info, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(info);
    return text;
}
