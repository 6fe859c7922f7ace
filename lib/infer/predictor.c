/* Compiled models, from a model or from an image's bytes, with the names they carry. */
#include "infer/image.h"
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

static int read_info(struct predictor *p, struct error *e)
{
    const struct ml_image *m = p->image;
    p->info = (const char *)m + m->info_at;
    json_t *info = json_loads(p->info, 0, NULL);
    const json_t *classes = json_object_get(info, "classes");
    p->features = names_of(p, json_object_get(info, "features"), m->features);
    p->fields = m->fields ? names_of(p, json_object_get(info, "fields"), m->fields) : NULL;
    p->class_count = (size_t)json_integer_value(json_object_get(info, "class_count"));
    p->classes = classes ? names_of(p, classes, p->class_count) : NULL;
    p->trees = (size_t)json_integer_value(json_object_get(json_object_get(info, "trees"), "count"));
    p->named = json_is_true(json_object_get(info, "named"));
    p->exact = json_is_true(json_object_get(info, "exact"));
    bool whole = info && p->features && (p->fields || !m->fields) && (p->classes || !classes) &&
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

int predictor_compile(const struct model *m, const struct compile_options *o,
                      struct predictor **out, struct error *e)
{
    char *info = image_info(m, o);
    struct ml_image *image = image_new(m, info, e);
    int status = image ? predictor_load(image, image->bytes, out, e) : ERR_DATA;
    mem_free(image);
    free(info); /* jansson's */
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
