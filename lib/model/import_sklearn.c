/* A scikit-learn model in a pickle or a joblib file: what it is made of, in which order. */
#include "model/import_sklearn.h"

#include <math.h>
#include <stdio.h>

enum { WIDTH_MAX = 1 << 16, ROOM_LEAST = 4096, SPREAD_LEAST = 1 << 18 };

int sklearn_wrong(struct sklearn *s, const struct pickled *o, const char *format, ...)
{
    char what[256];
    struct text class = pickle_class(o);
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return error_set(s->e, ERR_DATA, "%s%.*s%s%s", s->step, (int)class.len, class.at,
                     class.len ? ": " : "", what);
}

bool sklearn_charge(struct sklearn *s, const struct pickled *o, const struct array *a)
{
    size_t bytes = a->count * (a->data ? a->type->size : 1);
    if (bytes > s->room) {
        sklearn_wrong(s, o, "its parts share one array");
        return false;
    }
    s->room -= bytes;
    return true;
}

const struct array *sklearn_array(struct sklearn *s, const struct pickled *o, const char *name)
{
    const struct pickled *v = pickle_get(o, name);
    if (!v || v->kind != PICKLE_ARRAY || (!v->array->data && !v->array->objects)) {
        sklearn_wrong(s, o,
                      "%s is no array: the model is not fitted, or of a version that is not "
                      "supported",
                      name);
        return NULL;
    }
    return sklearn_charge(s, o, v->array) ? v->array : NULL;
}

double *sklearn_numbers(struct sklearn *s, const struct pickled *o, const char *name, size_t count)
{
    const struct array *a = sklearn_array(s, o, name);
    if (!a)
        return NULL;
    if (a->count != count) {
        sklearn_wrong(s, o, "%s has %zu numbers, not %zu", name, a->count, count);
        return NULL;
    }
    double *numbers = model_numbers(s->m, count);
    for (size_t i = 0; i < count; i++) {
        if (!array_number(a, i, &numbers[i])) {
            sklearn_wrong(s, o, "%s has something that is no number", name);
            return NULL;
        }
    }
    return numbers;
}

const char *sklearn_text(struct sklearn *s, const struct array *a, size_t i)
{
    struct buf text = {0};
    const char *copy = NULL;
    if (array_text(a, i, &text) && text.len <= s->room) {
        copy = model_text(s->m, (struct text){buf_text(&text), text.len});
        s->room -= text.len;
    }
    buf_release(&text);
    return copy;
}

int sklearn_classes(struct sklearn *s, const struct pickled *o)
{
    struct model *m = s->m;
    const struct array *a = sklearn_array(s, o, "classes_");
    if (!a)
        return ERR_DATA;
    if (a->dims != 1 || a->count < 2)
        return sklearn_wrong(s, o, "it has no two classes");
    m->classes = arena_zero(&m->arena, a->count * sizeof *m->classes);
    m->class_count = a->count;
    for (size_t i = 0; i < a->count; i++)
        if (!(m->classes[i] = sklearn_text(s, a, i)))
            return sklearn_wrong(s, o, "class %zu is neither a number nor a text", i);
    return 0;
}

double *sklearn_outputs(struct sklearn *s, size_t outputs)
{
    double *base = model_numbers(s->m, outputs);
    s->m->outputs = outputs;
    s->m->base = base;
    return base;
}

bool sklearn_flag(const struct pickled *o, const char *name)
{
    double x;
    return pickle_number(pickle_get(o, name), &x) && x != 0;
}

double sklearn_field(const struct dtype_field *f, const char *record)
{
    double x;
    return f && dtype_number(f->type, record + f->offset, &x) ? x : (double)NAN;
}

uint32_t sklearn_index(double x)
{
    return x >= 0 && x < UINT32_MAX ? (uint32_t)x : UINT32_MAX;
}

double numpy_sum(const double *x, size_t n)
{
    double sum = 0, part[8];
    size_t i;
    if (n < 8) {
        for (i = 0; i < n; i++)
            sum += x[i];
        return sum;
    }
    if (n > 128) {
        size_t half = n / 2 - n / 2 % 8;
        return numpy_sum(x, half) + numpy_sum(x + half, n - half);
    }
    memcpy(part, x, sizeof part);
    for (i = 8; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++)
            part[k] += x[i + k];
    sum = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
    for (; i < n; i++)
        sum += x[i];
    return sum;
}

/* Columns of a row. Versions before 0.24 have no n_features_in_. */
static int count_features(struct sklearn *s, const struct pickled *o)
{
    static const char *const names[] = {"n_features_in_", "n_features_", "_n_features"};
    double width = 0;
    size_t columns = 0;
    int status = sklearn_booster_width(s, o, &columns);
    if (status)
        return status;
    width = (double)columns;
    for (size_t i = 0; i < COUNT_OF(names) && width == 0; i++)
        if (!pickle_number(pickle_get(o, names[i]), &width))
            width = 0;
    if (width == 0) {
        const struct pickled *coef = pickle_get(o, "coef_");
        if (coef && coef->kind == PICKLE_ARRAY && coef->array->dims > 0)
            width = (double)coef->array->shape[coef->array->dims - 1];
    }
    /* A count may be written without as many bytes behind it. */
    if (!(width >= 1) || width > (double)(s->room + WIDTH_MAX))
        return sklearn_wrong(s, o, "it is not fitted, or takes too many columns");
    s->width = (size_t)width;
    return 0;
}

static int name_features(struct sklearn *s, const struct pickled *o)
{
    const struct array *a;
    if (!pickle_get(o, "feature_names_in_"))
        return 0;
    if (!(a = sklearn_array(s, o, "feature_names_in_")))
        return ERR_DATA;
    if (a->count != s->width)
        return sklearn_wrong(s, o, "it has %zu columns and names of %zu", s->width, a->count);
    for (size_t i = 0; i < a->count; i++)
        if (!(s->m->features[i].name = sklearn_text(s, a, i)))
            return sklearn_wrong(s, o, "the name of column %zu is no text", i + 1);
    s->m->named = true;
    return 0;
}

/* Every column is a feature as it came. */
static void start_columns(struct sklearn *s)
{
    s->origin = arena_alloc(&s->m->arena, s->width * sizeof *s->origin);
    s->fill = arena_zero(&s->m->arena, s->width * sizeof *s->fill);
    for (size_t i = 0; i < s->width; i++)
        s->origin[i] = i;
}

static int read_model(struct sklearn *s, const struct pickle *p)
{
    const struct pickled *first = sklearn_first(p->root), *last = sklearn_last(p->root);
    const struct pickled *version = pickle_get(last, "_sklearn_version");
    int status = sklearn_check(s, p->root);
    if (status == 0)
        status = count_features(s, first);
    if (status)
        return status;
    s->m = model_new(p->joblib ? "sklearn-joblib" : "sklearn-pickle", s->width);
    if (version && version->kind == PICKLE_TEXT)
        s->m->producer = arena_format(&s->m->arena, "scikit-learn %.*s", (int)version->text.len,
                                      version->text.at);
    start_columns(s);
    if ((status = name_features(s, first)) == 0)
        status = sklearn_read(s, p->root);
    s->m->stages = arena_copy(&s->m->arena, s->stages.at, s->stages.len * sizeof *s->stages.at);
    s->m->stage_count = s->stages.len;
    if (status == 0)
        model_release_unused(s->m);
    return status;
}

static int read_pickle(const char *bytes, size_t n, struct model **out, struct error *e)
{
    struct pickle p = {0};
    struct sklearn s = {.room = 2 * n + ROOM_LEAST, .spread = n + SPREAD_LEAST, .step = "", .e = e};
    int status = pickle_read(bytes, n, &p, e);
    if (status == 0)
        status = read_model(&s, &p);
    vec_release(&s.stages);
    model_free(s.inner);
    pickle_release(&p);
    *out = s.m;
    return status ? status : 1;
}

static bool is_pickle(const char *bytes, size_t n)
{
    static const char *const starts[] = {"ccopy_reg\n_reconstructor\n",
                                         "ccopyreg\n_reconstructor\n"};
    if (n >= 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5)
        return true;
    for (size_t i = 0; i < COUNT_OF(starts); i++) /* protocols 0 and 1 */
        if (n > strlen(starts[i]) && memcmp(bytes, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

int import_sklearn(const char *bytes, size_t n, struct model **m, struct error *e)
{
    return is_pickle(bytes, n) ? read_pickle(bytes, n, m, e) : 0;
}
