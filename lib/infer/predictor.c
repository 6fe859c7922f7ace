/* Compiled models, from a model or from an image's bytes, with the names they carry. */
#include "infer/image.h"
#include "prep/lower.h"
#include "sys/sys.h"

#include <stdlib.h>

/* Images lie at a multiple of 64 bytes, as their sections expect. */
static struct ml_image *image_room(struct predictor *p, size_t n)
{
    p->memory = mem_alloc(n + 64);
    return (void *)((uintptr_t)p->memory + (64 - (uintptr_t)p->memory % 64) % 64);
}

static const char *name_of(struct predictor *p, const json_t *j)
{
    const char *s = json_string_value(json_is_object(j) ? json_object_get(j, "name") : j);
    return s ? arena_text(&p->arena, s, strlen(s)) : "";
}

/* count texts, or objects with a name; NULL when there are not that many. */
static const char **names_of(struct predictor *p, const json_t *list, size_t count)
{
    if (json_array_size(list) != count)
        return NULL;
    const char **names = arena_alloc(&p->arena, (count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = name_of(p, json_array_get(list, i));
    return names;
}

static bool has_texts(const json_t *info)
{
    const json_t *features = json_object_get(info, "features");
    for (size_t i = 0; i < json_array_size(features); i++)
        if (json_object_get(json_array_get(features, i), "values"))
            return true;
    return false;
}

static int read_info(struct predictor *p, struct error *e)
{
    const struct ml_image *m = p->image;
    p->info = (const char *)m + m->info_at;
    json_t *info = json_loads(p->info, 0, NULL);
    const json_t *classes = json_object_get(info, "classes");
    p->features = names_of(p, json_object_get(info, "features"), m->features);
    p->fields = names_of(p, json_object_get(info, "fields"), m->fields);
    p->prepared = json_object_get(info, "preparation");
    p->takes_fields = p->prepared || has_texts(info);
    p->class_count = (size_t)json_integer_value(json_object_get(info, "class_count"));
    p->classes = classes ? names_of(p, classes, p->class_count) : NULL;
    p->trees = (size_t)json_integer_value(json_object_get(json_object_get(info, "trees"), "count"));
    p->named = json_is_true(json_object_get(info, "named"));
    p->exact = json_is_true(json_object_get(info, "exact"));
    bool whole = info && p->features && p->fields && (p->classes || !classes) &&
                 (p->class_count == 0 || p->class_count == m->outputs ||
                  (m->outputs == 1 && p->class_count == 2));
    json_decref(info);
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
    struct buf program = {0};
    int status = lower_features(m, o, &program, e);
    if (status == 0) {
        char *info = image_info(m, o, (const void *)program.at);
        struct ml_image *image = image_new(m, o, &program, info, e);
        status = image ? predictor_load(image, image->bytes, out, e) : ERR_DATA;
        mem_free(image);
        free(info); /* jansson's */
    }
    buf_release(&program);
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
