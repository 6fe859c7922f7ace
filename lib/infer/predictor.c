/* Compiled models, from a model or from an image's bytes, with the names they carry. */
#include "base/json_read.h"
#include "base/number.h"
#include "infer/image.h"
#include "prep/lower.h"
#include "sys/sys.h"

/* Images lie at a multiple of 64 bytes, as their sections expect. */
static struct ml_image *image_room(struct predictor *p, size_t n)
{
    p->memory = mem_alloc(n + 64);
    return (void *)((uintptr_t)p->memory + (64 - (uintptr_t)p->memory % 64) % 64);
}

/* The info of an image, read as it comes: it may be long. */
struct info_reader {
    struct predictor *p;
    struct json_reader json;
    VEC(const char *) names; /* of the list that is read */
    size_t features, fields, classes;
    bool has_texts; /* a feature names the values its texts have */
};

static bool is_key(const struct info_reader *i, const char *key)
{
    return text_equal(i->json.raw, text_of(key));
}

static const char *text_here(struct info_reader *i)
{
    struct text raw = i->json.raw;
    char *name = arena_alloc(&i->p->arena, raw.len + 1);
    size_t n = 0;
    bool whole = json_decode(name, raw, &n);
    name[whole ? n : 0] = '\0';
    return name;
}

static bool skip_value(struct info_reader *i, enum json_token t)
{
    bool opens = t == JSON_TOKEN_OBJECT || t == JSON_TOKEN_ARRAY;
    return opens ? json_skip(&i->json) : t != JSON_TOKEN_ERROR;
}

/* Calls read for each member of the object, whose token was just read, with the key in `raw`. */
static bool read_members(struct info_reader *i, bool (*read)(struct info_reader *))
{
    enum json_token t;
    while ((t = json_next(&i->json)) == JSON_TOKEN_KEY)
        if (!read(i))
            return false;
    return t == JSON_TOKEN_END;
}

static bool read_named(struct info_reader *i)
{
    bool is_name = is_key(i, "name");
    i->has_texts = i->has_texts || is_key(i, "values");
    enum json_token t = json_next(&i->json);
    if (is_name && t == JSON_TOKEN_STRING)
        vec_push(&i->names, text_here(i));
    return skip_value(i, t);
}

/* A list of texts, or of objects with a name each. */
static bool read_names(struct info_reader *i, const char ***names, size_t *count)
{
    enum json_token t = json_next(&i->json);
    bool whole = t == JSON_TOKEN_ARRAY;
    i->names.len = 0;
    for (size_t n = 1; whole && (t = json_next(&i->json)) != JSON_TOKEN_END; n++) {
        whole = t == JSON_TOKEN_OBJECT ? read_members(i, read_named) : t == JSON_TOKEN_STRING;
        if (t == JSON_TOKEN_STRING)
            vec_push(&i->names, text_here(i));
        whole = whole && i->names.len == n;
    }
    *count = i->names.len;
    *names = arena_alloc(&i->p->arena, (i->names.len + 1) * sizeof **names);
    if (i->names.len)
        memcpy(*names, i->names.at, i->names.len * sizeof **names);
    return whole;
}

static bool read_count(struct info_reader *i, size_t *count)
{
    int64_t n = 0;
    double unused;
    enum json_token t = json_next(&i->json);
    struct text raw = i->json.raw;
    bool whole = t == JSON_TOKEN_NUMBER &&
                 number_parse(raw.at, raw.len, &n, &unused) == NUMBER_INT && n >= 0;
    *count = whole ? (size_t)n : 0;
    return whole;
}

static bool read_flag(struct info_reader *i, bool *flag)
{
    enum json_token t = json_next(&i->json);
    *flag = t == JSON_TOKEN_TRUE;
    return *flag || t == JSON_TOKEN_FALSE;
}

static bool read_trees(struct info_reader *i)
{
    return is_key(i, "count") ? read_count(i, &i->p->trees) : skip_value(i, json_next(&i->json));
}

static bool read_member(struct info_reader *i)
{
    struct predictor *p = i->p;
    if (is_key(i, "features"))
        return read_names(i, &p->features, &i->features);
    if (is_key(i, "fields"))
        return read_names(i, &p->fields, &i->fields);
    if (is_key(i, "classes"))
        return read_names(i, &p->classes, &i->classes);
    if (is_key(i, "class_count"))
        return read_count(i, &p->class_count);
    if (is_key(i, "named"))
        return read_flag(i, &p->named);
    if (is_key(i, "exact"))
        return read_flag(i, &p->exact);
    bool trees = is_key(i, "trees");
    p->prepared = p->prepared || is_key(i, "preparation");
    enum json_token t = json_next(&i->json);
    return trees && t == JSON_TOKEN_OBJECT ? read_members(i, read_trees) : skip_value(i, t);
}

static int read_info(struct predictor *p, struct error *e)
{
    const struct ml_image *m = p->image;
    struct info_reader i = {.p = p};
    p->info = (const char *)m + m->info_at;
    json_start(&i.json, p->info, strlen(p->info));
    bool whole = json_next(&i.json) == JSON_TOKEN_OBJECT && read_members(&i, read_member) &&
                 json_next(&i.json) == JSON_TOKEN_DONE;
    vec_release(&i.names);
    p->takes_fields = p->prepared || i.has_texts;
    whole = whole && p->features && p->fields && i.features == m->features &&
            i.fields == m->fields && (!p->classes || i.classes == p->class_count) &&
            (p->class_count == 0 || p->class_count == m->outputs ||
             (m->outputs == 1 && p->class_count == 2));
    return whole ? 0 : error_set(e, ERR_DATA, "the image does not say what its columns are");
}

/* Whatever is read at a place that the image's own numbers name. */
static uint32_t plan_trees(const struct ml_image *m)
{
    const struct ml_plan *plan = (const void *)((const char *)m + m->plan_at);
    return m->kind == ML_TREES ? plan->trees : 0;
}

int predictor_load(const void *image, size_t n, struct predictor **out, struct error *e)
{
    struct predictor *p = mem_alloc(sizeof *p);
    struct ml_image *copy = image_room(p, n);
    memcpy(copy, image, n);
    p->image = copy;
    p->kernels = ml_kernels_best(simd_name(simd_level()));
    int status = ml_image_check(copy, n)
                     ? error_set(e, ERR_DATA, "not a compiled model, or a damaged one")
                     : read_info(p, e);
    if (status == 0 && p->trees != plan_trees(copy))
        status = error_set(e, ERR_DATA, "the image does not say how many trees it has");
    if (status) {
        predictor_free(p);
        return status;
    }
    *out = p;
    return 0;
}

/* No steps: the fields are the features. */
static struct recipe *plain_recipe(const struct model *m)
{
    const struct prep_context context = {0};
    struct recipe *r = NULL;
    recipe_parse("", 0, &context, &r, NULL);
    for (size_t i = 0; i < m->feature_count; i++)
        schema_add(&r->schema, text_of(m->features[i].name),
                   m->features[i].kind == FEATURE_TEXT ? TYPE_TEXT : TYPE_FLOAT);
    return r;
}

/* The program that makes the model's features: of raw rows, or of the features as texts. */
static int lower_features(const struct model *m, const struct compile_options *o,
                          struct buf *program, struct error *e)
{
    struct arena arena = {0};
    struct lower_feature *features = arena_zero(&arena, (m->feature_count + 1) * sizeof *features);
    for (size_t i = 0; i < m->feature_count; i++) {
        const struct feature *f = &m->features[i];
        features[i].name = f->name;
        if (f->kind != FEATURE_TEXT)
            continue;
        struct text *categories = arena_alloc(&arena, (f->value_count + 1) * sizeof *categories);
        for (size_t k = 0; k < f->value_count; k++)
            categories[k] = text_of(f->values[k]);
        features[i].categories = categories;
        features[i].count = f->value_count;
    }
    struct lower_request wanted = {features, m->feature_count, o->zone};
    struct recipe *plain = o->prep ? NULL : plain_recipe(m);
    int status = lower_recipe(plain ? plain : o->prep, &wanted, program, e);
    recipe_free(plain);
    arena_release(&arena);
    return status;
}

int predictor_compile(const struct model *m, const struct compile_options *o,
                      struct predictor **out, struct error *e)
{
    struct buf program = {0}, info = {0};
    int status = lower_features(m, o, &program, e);
    if (status == 0) {
        image_info(m, o, (const void *)program.at, &info);
        struct ml_image *image = image_new(m, o, &program, buf_text(&info), e);
        status = image ? predictor_load(image, image->bytes, out, e) : ERR_DATA;
        mem_free(image);
    }
    buf_release(&program);
    buf_release(&info);
    return status;
}

void predictor_free(struct predictor *p)
{
    if (!p)
        return;
    arena_release(&p->arena);
    mem_free(p->memory);
    mem_free(p);
}
