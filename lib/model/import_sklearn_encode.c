/* Encoders of categories, numbers or texts, before a model of scikit-learn. Texts become numbers as
 * soon as a row is read: the place among the categories of their column. */
#include "model/import_sklearn.h"

#include <math.h>

/* The categories of all columns at hand: those of column i are value[first[i] .. first[i + 1]). */
struct categories {
    size_t *first;
    double *value; /* NaN: what is missing */
    bool *none;    /* by column: that is None, which is a category as others are */
};

static bool is_missing(const struct pickled *v)
{
    return v && (v->kind == PICKLE_NONE || (v->kind == PICKLE_FLOAT && isnan(v->real)));
}

/* Texts, and last, perhaps, what is missing. */
static int text_categories(struct sklearn *s, const struct pickled *o, const struct array *a,
                           size_t column, struct categories *c)
{
    size_t origin = s->origin[s->before + column], texts = a->count;
    double *to = c->value + c->first[column];
    if (origin == SIZE_MAX)
        return sklearn_wrong(s, o, "column %zu is text, which no step before can have given",
                             column + 1);
    if (s->m->features[origin].kind == FEATURE_TEXT)
        return sklearn_wrong(s, o, "column %zu: one text for two encoders is not supported",
                             column + 1);
    struct feature *feature = &s->m->features[origin];
    feature->kind = FEATURE_TEXT;
    feature->values = arena_zero(&s->m->arena, (a->count + 1) * sizeof *feature->values);
    if (texts > 1 && is_missing(array_object(a, texts - 1))) {
        to[--texts] = (double)NAN;
        c->none[column] = array_object(a, texts)->kind == PICKLE_NONE;
    }
    feature->value_count = texts;
    for (size_t k = 0; k < texts; k++) {
        const struct pickled *v = array_object(a, k);
        if ((v && v->kind != PICKLE_TEXT) || !(feature->values[k] = sklearn_text(s, a, k)))
            return sklearn_wrong(s, o, "column %zu: category %zu is no text as the others are",
                                 column + 1, k + 1);
        to[k] = (double)k;
    }
    return 0;
}

static int add_categories(struct sklearn *s, const struct pickled *o, const struct array *a,
                          size_t column, struct categories *c)
{
    double *to = c->value + c->first[column];
    if (array_is_text(a))
        return text_categories(s, o, a, column, c);
    for (size_t k = 0; k < a->count; k++)
        if (!array_number(a, k, &to[k]))
            return sklearn_wrong(s, o, "column %zu: category %zu is neither number nor text",
                                 column + 1, k + 1);
    return 0;
}

/* Sets first; false and an error when the list is not one of an array per column. */
static bool count_categories(struct sklearn *s, const struct pickled *o, const struct pickled *list,
                             struct categories *c)
{
    c->first = arena_zero(&s->m->arena, (s->width + 1) * sizeof *c->first);
    if (!list || list->kind != PICKLE_LIST || list->items.len != s->width) {
        sklearn_wrong(s, o, "it has not one list of categories per column");
        return false;
    }
    for (size_t i = 0; i < s->width; i++) {
        const struct pickled *v = list->items.at[i];
        if (v->kind != PICKLE_ARRAY || (!v->array->data && !v->array->objects)) {
            sklearn_wrong(s, o, "the categories of column %zu are no array", i + 1);
            return false;
        }
        if (!sklearn_charge(s, o, v->array))
            return false;
        c->first[i + 1] = c->first[i] + v->array->count;
    }
    return true;
}

/* categories_: a list of an array per column. */
static int read_categories(struct sklearn *s, const struct pickled *o, struct categories *c)
{
    const struct pickled *list = pickle_get(o, "categories_");
    if (!count_categories(s, o, list, c))
        return ERR_DATA;
    c->value = model_numbers(s->m, c->first[s->width]);
    c->none = arena_zero(&s->m->arena, s->width * sizeof *c->none);
    int status = 0;
    for (size_t i = 0; i < s->width && status == 0; i++)
        status = add_categories(s, o, list->items.at[i]->array, i, c);
    return status;
}

/* The place of a text among the values of a feature; -1: it is none. */
static double place_of(const struct feature *f, const char *text)
{
    for (size_t i = 0; i < f->value_count; i++)
        if (strcmp(f->values[i], text) == 0)
            return (double)i;
    return -1;
}

/* Texts that a step before has put where none was: what they are in numbers is known only now. */
static void fill_texts(struct sklearn *s)
{
    double *b = model_numbers(s->m, s->width);
    bool fills = false;
    for (size_t i = 0; i < s->width; i++) {
        size_t origin = s->origin[s->before + i];
        const char *text = origin == SIZE_MAX ? NULL : s->fill[origin];
        fills = fills || text;
        b[i] = text ? place_of(&s->m->features[origin], text) : (double)NAN;
    }
    if (!fills)
        return;
    struct stage *stage = sklearn_stage(s, STAGE_IMPUTE);
    stage->what = (double)NAN;
    stage->b = b;
}

/* drop_idx_: per column the category without a column, or None. */
static int read_drops(struct sklearn *s, const struct pickled *o, struct stage *stage)
{
    if (!pickle_get(o, "drop_idx_"))
        return 0;
    const struct array *a = sklearn_array(s, o, "drop_idx_");
    if (!a)
        return ERR_DATA;
    if (a->dims != 1 || a->count != s->width)
        return sklearn_wrong(s, o, "drop_idx_ does not fit its columns");
    size_t *drop = arena_alloc(&s->m->arena, (s->width + 1) * sizeof *drop);
    for (size_t i = 0; i < s->width; i++) {
        const struct pickled *v = array_object(a, i);
        double at;
        drop[i] = SIZE_MAX;
        if (v && v->kind == PICKLE_NONE)
            continue;
        if (!array_number(a, i, &at) || !(at >= 0) ||
            at >= (double)(stage->first[i + 1] - stage->first[i]))
            return sklearn_wrong(s, o, "drop_idx_ of column %zu is out of range", i + 1);
        drop[i] = (size_t)at;
        stage->out--;
    }
    stage->drop = drop;
    return 0;
}

int sklearn_onehot(struct sklearn *s, const struct pickled *o)
{
    const struct pickled *unknown = pickle_get(o, "handle_unknown");
    struct categories c;
    bool refuses = pickle_is(unknown, "error");
    if (sklearn_flag(o, "_infrequent_enabled"))
        return sklearn_wrong(s, o, "infrequent categories are not supported");
    if (!refuses && !pickle_is(unknown, "ignore") && !pickle_is(unknown, "infrequent_if_exist"))
        return sklearn_wrong(s, o, "this handle_unknown is not supported");
    int status = read_categories(s, o, &c);
    if (status)
        return status;
    fill_texts(s);
    struct stage *stage = sklearn_stage(s, STAGE_ONEHOT);
    stage->unknown = refuses ? UNKNOWN_ERROR : UNKNOWN_ZEROS;
    stage->first = c.first;
    stage->category = c.value;
    stage->out = s->before + c.first[s->width] + s->after;
    status = read_drops(s, o, stage);
    s->width = stage->out - s->before - s->after;
    return status;
}

/* Columns become the places of their categories; what is missing, if that is one, and what is
 * unknown have numbers of their own. */
static void add_map(struct sklearn *s, const struct categories *c, double missing,
                    const double *unknown)
{
    struct stage *stage = sklearn_stage(s, STAGE_MAP);
    size_t count = c->first[s->width];
    double *to = model_numbers(s->m, count);
    for (size_t i = 0; i < s->width; i++)
        for (size_t k = c->first[i]; k < c->first[i + 1]; k++)
            to[k] = isnan(c->value[k]) && !c->none[i] ? missing : (double)(k - c->first[i]);
    stage->first = c->first;
    stage->from = c->value;
    stage->to = to;
    stage->map_count = count;
    stage->unknown = unknown ? UNKNOWN_ZEROS : UNKNOWN_ERROR;
    stage->otherwise = unknown ? *unknown : 0;
}

int sklearn_ordinal(struct sklearn *s, const struct pickled *o)
{
    const struct pickled *handle = pickle_get(o, "handle_unknown");
    bool refuses = pickle_is(handle, "error");
    double missing = (double)NAN, unknown = 0;
    struct categories c;
    if (sklearn_flag(o, "_infrequent_enabled"))
        return sklearn_wrong(s, o, "infrequent categories are not supported");
    if (!refuses && (!pickle_is(handle, "use_encoded_value") ||
                     !pickle_number(pickle_get(o, "unknown_value"), &unknown)))
        return sklearn_wrong(s, o, "this handle_unknown is not supported");
    if (pickle_get(o, "encoded_missing_value") &&
        !pickle_number(pickle_get(o, "encoded_missing_value"), &missing))
        return sklearn_wrong(s, o, "encoded_missing_value is no number");
    int status = read_categories(s, o, &c);
    if (status)
        return status;
    fill_texts(s);
    add_map(s, &c, missing, refuses ? NULL : &unknown);
    return 0;
}
