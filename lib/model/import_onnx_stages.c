/* Operators that make a vector of another, before the predictor: Scaler, Normalizer, Imputer,
 * LabelEncoder, OneHotEncoder, Cast. */
#include "model/import_onnx.h"

#include <math.h>

struct stage *onnx_stage(struct onnx_walk *w, enum stage_kind kind, bool single)
{
    size_t whole = w->before + w->width + w->after;
    vec_push(&w->stages, ((struct stage){.kind = kind,
                                         .single = single,
                                         .in = whole,
                                         .out = whole,
                                         .before = w->before,
                                         .after = w->after}));
    return &w->stages.at[w->stages.len - 1];
}

double *onnx_columns(struct onnx_walk *w, const struct onnx_node *n, const char *name,
                     const struct doubles *list, struct error *e)
{
    if (list->len != 1 && list->len != w->width) {
        (void)onnx_refuse(n, e, "%s has %zu values for %zu columns", name, list->len, w->width);
        return NULL;
    }
    double *values = model_numbers(w->model, w->width);
    for (size_t i = 0; i < w->width; i++)
        values[i] = list->at[list->len == 1 ? 0 : i];
    return values;
}

/* Doubles are scaled as doubles, everything else as floats; floats come out. */
int onnx_scaler(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    struct doubles scale = {0}, offset = {0};
    double *a = NULL, *b = NULL;
    int status = onnx_floats(n, "scale", &scale, e);
    if (status == 0)
        status = onnx_floats(n, "offset", &offset, e);
    if (status == 0 && scale.len != offset.len)
        status = onnx_refuse(n, e, "scale has %zu values, offset %zu", scale.len, offset.len);
    if (status == 0)
        a = onnx_columns(w, n, "offset", &offset, e);
    if (a)
        b = onnx_columns(w, n, "scale", &scale, e);
    vec_release(&scale);
    vec_release(&offset);
    if (!b)
        return ERR_DATA;
    struct stage *s = onnx_stage(w, STAGE_SHIFT, w->type != ONNX_DOUBLE);
    s->a = a;
    s->b = b;
    if (w->type == ONNX_DOUBLE)
        (void)onnx_stage(w, STAGE_FLOAT, false);
    w->type = ONNX_FLOAT;
    return 0;
}

int onnx_normalizer(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    struct text norm = TEXT_LITERAL("MAX");
    enum norm kind = NORM_LARGEST_VALUE;
    char text[QUOTE_MAX];
    if (onnx_text(n, "norm", &norm, e))
        return ERR_DATA;
    if (text_equal(norm, TEXT_LITERAL("L1")))
        kind = NORM_SUM;
    else if (text_equal(norm, TEXT_LITERAL("L2")))
        kind = NORM_ROOT_OF_RATIO;
    else if (!text_equal(norm, TEXT_LITERAL("MAX")))
        return onnx_refuse(n, e, "norm %s is not supported", quote(text, norm.at, norm.len));
    if (kind == NORM_ROOT_OF_RATIO && w->type == ONNX_DOUBLE)
        return onnx_refuse(n, e, "norm L2 of doubles is not supported");
    onnx_stage(w, STAGE_NORM, true)->norm = kind;
    w->type = ONNX_FLOAT;
    return 0;
}

static int read_integers_as_doubles(const struct onnx_node *n, const char *name,
                                    struct doubles *list, struct error *e)
{
    struct integers integers = {0};
    int status = onnx_ints(n, name, &integers, e);
    for (size_t i = 0; i < integers.len && status == 0; i++) {
        if (integers.at[i] > (INT64_C(1) << 53) || integers.at[i] < -(INT64_C(1) << 53))
            status = onnx_refuse(n, e, "%s: an integer beyond 2^53", name);
        vec_push(list, (double)integers.at[i]);
    }
    vec_release(&integers);
    return status;
}

int onnx_imputer(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    struct doubles values = {0};
    double what = 0;
    int64_t integer = 0;
    int status;
    if (w->type == ONNX_INT64) {
        status = read_integers_as_doubles(n, "imputed_value_int64s", &values, e);
        status = status ? status : onnx_int(n, "replaced_value_int64", &integer, e);
        what = (double)integer;
    } else {
        status = onnx_floats(n, "imputed_value_floats", &values, e);
        status = status ? status : onnx_float(n, "replaced_value_float", &what, e);
    }
    if (status == 0 && w->type != ONNX_INT64 && w->type != ONNX_FLOAT)
        status = onnx_refuse(n, e, "its input is of neither floats nor 64-bit integers");
    /* onnxruntime takes the first of a list that has another length. */
    if (status == 0 && values.len != w->width && values.len > 1)
        values.len = 1;
    double *b = status ? NULL : onnx_columns(w, n, "imputed values", &values, e);
    vec_release(&values);
    if (!b)
        return ERR_DATA;
    struct stage *s = onnx_stage(w, STAGE_IMPUTE, w->type == ONNX_FLOAT);
    s->b = b;
    s->what = what;
    return 0;
}

/* Gives texts numbers: all columns have the same. */
static int number_texts(struct onnx_walk *w, const struct onnx_node *n, const struct texts *list,
                        struct error *e)
{
    struct model *m = w->model;
    struct map seen = {0};
    const char **values = arena_alloc(&m->arena, (list->len + 1) * sizeof *values);
    int status = 0;
    for (size_t i = 0; i < list->len && status == 0; i++) {
        bool is_new;
        (void)map_put(&seen, list->at[i], &is_new);
        values[i] = model_text(m, list->at[i]);
        if (!is_new)
            status = onnx_refuse(n, e, "a text is listed twice");
    }
    for (size_t i = 0; i < w->width && status == 0; i++) {
        size_t origin = w->origin[w->before + i];
        if (origin == SIZE_MAX)
            status = onnx_refuse(n, e, "texts behind another operator");
        else if (m->features[origin].values)
            status = onnx_refuse(n, e, "one text is numbered twice");
        else
            m->features[origin] =
                (struct feature){m->features[origin].name, FEATURE_TEXT, values, list->len};
    }
    map_release(&seen);
    return status;
}

/* 0, 1, 2 ...: the codes of texts. */
static void count_up(struct doubles *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        vec_push(list, (double)i);
}

static int read_keys(struct onnx_walk *w, const struct onnx_node *n, struct doubles *keys,
                     struct error *e)
{
    if (w->type != ONNX_STRING)
        return w->type == ONNX_INT64 ? read_integers_as_doubles(n, "keys_int64s", keys, e)
                                     : onnx_floats(n, "keys_floats", keys, e);
    struct texts texts = {0};
    const char *name = onnx_has(n, "classes_strings") ? "classes_strings" : "keys_strings";
    int status = onnx_texts(n, name, &texts, e);
    if (status == 0)
        status = number_texts(w, n, &texts, e);
    count_up(keys, texts.len);
    vec_release(&texts);
    return status;
}

/* Values, and what keys that are not listed become. */
static int read_encoded(struct onnx_walk *w, const struct onnx_node *n, struct doubles *values,
                        double *otherwise, size_t keys, struct error *e)
{
    int64_t integer = -1;
    int status;
    if (onnx_has(n, "values_floats")) {
        *otherwise = -0.0;
        w->type = ONNX_FLOAT;
        status = onnx_floats(n, "values_floats", values, e);
        return status ? status : onnx_float(n, "default_float", otherwise, e);
    }
    w->type = ONNX_INT64;
    if (onnx_has(n, "classes_strings"))
        count_up(values, keys);
    else if (!onnx_has(n, "values_int64s"))
        return onnx_refuse(n, e, "it makes texts, or lists its values in tensors");
    status = read_integers_as_doubles(n, "values_int64s", values, e);
    if (status == 0)
        status = onnx_int(n, "default_int64", &integer, e);
    *otherwise = (double)integer;
    return status;
}

int onnx_label_encoder(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    struct doubles keys = {0}, values = {0};
    double otherwise = 0;
    bool single = w->type == ONNX_FLOAT;
    int status = read_keys(w, n, &keys, e);
    if (status == 0 && keys.len == 0)
        status = onnx_refuse(n, e, "it has no keys of its input's type");
    if (status == 0)
        status = read_encoded(w, n, &values, &otherwise, keys.len, e);
    /* Before version 4 a key that is no number is found by none. */
    for (size_t i = 0; i < keys.len && i < values.len && w->graph->version < 4; i++)
        if (isnan(keys.at[i]))
            values.at[i] = otherwise;
    if (status == 0 && keys.len != values.len)
        status = onnx_refuse(n, e, "it has %zu keys and %zu values", keys.len, values.len);
    if (status == 0) {
        struct arena *a = &w->model->arena;
        struct stage *s = onnx_stage(w, STAGE_MAP, single);
        s->from = arena_copy(a, keys.at, keys.len * sizeof *keys.at);
        s->to = arena_copy(a, values.at, values.len * sizeof *values.at);
        s->map_count = keys.len;
        s->otherwise = otherwise;
    }
    vec_release(&keys);
    vec_release(&values);
    return status;
}

static int read_categories(struct onnx_walk *w, const struct onnx_node *n, struct doubles *list,
                           struct error *e)
{
    struct texts texts = {0};
    if (w->type != ONNX_STRING)
        return read_integers_as_doubles(n, "cats_int64s", list, e);
    int status = onnx_texts(n, "cats_strings", &texts, e);
    if (status == 0)
        status = number_texts(w, n, &texts, e);
    count_up(list, texts.len);
    vec_release(&texts);
    return status;
}

static void add_one_hot(struct onnx_walk *w, const struct doubles *list, bool zeros)
{
    struct stage *s = onnx_stage(w, STAGE_ONEHOT, w->type == ONNX_FLOAT);
    double *category = model_numbers(w->model, w->width * list->len);
    size_t *first = arena_zero(&w->model->arena, (w->width + 1) * sizeof *first);
    for (size_t i = 0; i < w->width; i++) {
        first[i + 1] = (i + 1) * list->len;
        for (size_t k = 0; k < list->len; k++)
            category[first[i] + k] = list->at[k];
    }
    s->category = category;
    s->first = first;
    s->truncates = w->type != ONNX_STRING;
    s->unknown = zeros ? UNKNOWN_ZEROS : UNKNOWN_ERROR;
    w->width *= list->len;
    s->out = w->before + w->width + w->after;
    w->type = ONNX_FLOAT;
}

/* Every column has the same categories. The columns that come out stay a matrix here; a Reshape
 * behind it makes it one in ONNX. */
int onnx_one_hot(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    struct doubles list = {0};
    int64_t zeros = 1;
    int status = read_categories(w, n, &list, e);
    if (status == 0)
        status = onnx_int(n, "zeros", &zeros, e);
    if (status == 0 && (list.len == 0 || w->width > w->graph->bytes / list.len))
        status = onnx_refuse(n, e, "%zu columns of %zu categories of its input's type", w->width,
                             list.len);
    if (status == 0)
        add_one_hot(w, &list, zeros != 0);
    vec_release(&list);
    return status;
}

/* Integers and floats hold as doubles whatever they are cast to, but floats and doubles that become
 * integers would change, and texts are no numbers. */
int onnx_cast(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    int64_t to = ONNX_UNKNOWN;
    bool integers = w->type == ONNX_INT64 || w->type == ONNX_INT32;
    if (onnx_int(n, "to", &to, e))
        return ERR_DATA;
    if (w->answered || to == (int64_t)w->type)
        return 0;
    if (w->type == ONNX_STRING ||
        (to != ONNX_FLOAT && to != ONNX_DOUBLE && !(integers && to == ONNX_INT64)))
        return onnx_refuse(n, e, "a cast from type %d to %lld changes values", (int)w->type,
                           (long long)to);
    if (to == ONNX_FLOAT || w->type == ONNX_FLOAT)
        (void)onnx_stage(w, STAGE_FLOAT, true);
    w->type = (enum onnx_type)to;
    return 0;
}
