/* What stands before a model in a pipeline of scikit-learn. */
#include "model/import_sklearn.h"

#include <math.h>

static struct stage *add_stage(struct sklearn *s, enum stage_kind kind)
{
    struct stage *stage = &s->m->stages[s->m->stage_count++];
    stage->kind = kind;
    stage->in = stage->out = s->width;
    return stage;
}

/* An attribute of as many numbers as there are columns, or `otherwise` in all of them. */
static const double *columns(struct sklearn *s, const struct pickled *o, const char *name,
                             bool present, double otherwise)
{
    if (present)
        return sklearn_numbers(s, o, name, s->width);
    double *same = model_numbers(s->m, s->width);
    for (size_t i = 0; i < s->width; i++)
        same[i] = otherwise;
    return same;
}

int sklearn_standard_scaler(struct sklearn *s, const struct pickled *o)
{
    struct stage *stage = add_stage(s, STAGE_CENTER);
    stage->a = columns(s, o, "mean_", sklearn_flag(o, "with_mean"), 0);
    stage->b = stage->a ? columns(s, o, "scale_", sklearn_flag(o, "with_std"), 1) : NULL;
    return stage->b ? 0 : ERR_DATA;
}

int sklearn_maxabs_scaler(struct sklearn *s, const struct pickled *o)
{
    struct stage *stage = add_stage(s, STAGE_CENTER);
    stage->a = columns(s, o, "", false, 0);
    stage->b = columns(s, o, "scale_", true, 1);
    return stage->b ? 0 : ERR_DATA;
}

int sklearn_robust_scaler(struct sklearn *s, const struct pickled *o)
{
    struct stage *stage = add_stage(s, STAGE_CENTER);
    stage->a = columns(s, o, "center_", sklearn_flag(o, "with_centering"), 0);
    stage->b = stage->a ? columns(s, o, "scale_", sklearn_flag(o, "with_scaling"), 1) : NULL;
    return stage->b ? 0 : ERR_DATA;
}

int sklearn_normalizer(struct sklearn *s, const struct pickled *o)
{
    static const struct {
        const char *name;
        enum norm norm;
    } known[] = {{"l1", NORM_SUM}, {"l2", NORM_ROOT}, {"max", NORM_LARGEST}};
    const struct pickled *norm = pickle_get(o, "norm");
    struct stage *stage = add_stage(s, STAGE_NORM);
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        stage->norm = known[i].norm;
        if (pickle_is(norm, known[i].name))
            return 0;
    }
    return sklearn_wrong(s, o, "this norm is not supported");
}

/* Without a function it passes on what it gets. */
int sklearn_function(struct sklearn *s, const struct pickled *o)
{
    return pickle_get(o, "func") ? sklearn_wrong(s, o, "functions are not supported") : 0;
}

static int read_range(struct sklearn *s, const struct pickled *o, double *clip)
{
    const struct pickled *range = pickle_get(o, "feature_range");
    if (!range || (range->kind != PICKLE_TUPLE && range->kind != PICKLE_LIST) ||
        range->items.len != 2 || !pickle_number(range->items.at[0], &clip[0]) ||
        !pickle_number(range->items.at[1], &clip[1]))
        return sklearn_wrong(s, o, "its feature_range is no pair of numbers");
    return 0;
}

int sklearn_minmax_scaler(struct sklearn *s, const struct pickled *o)
{
    struct stage *stage = add_stage(s, STAGE_AFFINE);
    stage->clips = sklearn_flag(o, "clip");
    stage->a = columns(s, o, "min_", true, 0);
    stage->b = stage->a ? columns(s, o, "scale_", true, 1) : NULL;
    if (!stage->b)
        return ERR_DATA;
    return stage->clips ? read_range(s, o, stage->clip) : 0;
}

int sklearn_imputer(struct sklearn *s, const struct pickled *o)
{
    struct stage *stage = add_stage(s, STAGE_IMPUTE);
    if (sklearn_flag(o, "add_indicator"))
        return sklearn_wrong(s, o, "add_indicator is not supported");
    if (!pickle_number(pickle_get(o, "missing_values"), &stage->what))
        return sklearn_wrong(s, o, "missing_values that are no number are not supported");
    if (!(stage->b = columns(s, o, "statistics_", true, 0)))
        return ERR_DATA;
    for (size_t i = 0; i < s->width; i++)
        if (isnan(stage->b[i]))
            return sklearn_wrong(s, o, "column %zu had no value and is left out: not supported",
                                 i + 1);
    return 0;
}

/* Texts become the codes of a column that is text. */
static int text_categories(struct sklearn *s, const struct pickled *o, const struct array *a,
                           size_t column, double *to)
{
    struct feature *feature = &s->m->features[column];
    if (s->m->stage_count > 1)
        return sklearn_wrong(s, o, "column %zu is text, which no step before can have given",
                             column + 1);
    feature->kind = FEATURE_TEXT;
    feature->value_count = a->count;
    feature->values = arena_zero(&s->m->arena, (a->count + 1) * sizeof *feature->values);
    for (size_t k = 0; k < a->count; k++) {
        const struct pickled *v = array_object(a, k);
        if ((v && v->kind != PICKLE_TEXT) || !(feature->values[k] = sklearn_text(s, a, k)))
            return sklearn_wrong(s, o, "column %zu: category %zu is no text as the others are",
                                 column + 1, k + 1);
        to[k] = (double)k;
    }
    return 0;
}

static int add_categories(struct sklearn *s, const struct pickled *o, const struct array *a,
                          size_t column, double *to)
{
    if (array_is_text(a))
        return text_categories(s, o, a, column, to);
    for (size_t k = 0; k < a->count; k++)
        if (!array_number(a, k, &to[k]))
            return sklearn_wrong(s, o, "column %zu: category %zu is neither number nor text",
                                 column + 1, k + 1);
    return 0;
}

/* categories_: a list of an array per column. */
static int read_categories(struct sklearn *s, const struct pickled *o, struct stage *stage)
{
    const struct pickled *list = pickle_get(o, "categories_");
    size_t *first = arena_zero(&s->m->arena, (s->width + 1) * sizeof *first);
    if (!list || list->kind != PICKLE_LIST || list->items.len != s->width)
        return sklearn_wrong(s, o, "it has not one list of categories per column");
    for (size_t i = 0; i < s->width; i++) {
        const struct pickled *v = list->items.at[i];
        if (v->kind != PICKLE_ARRAY || (!v->array->data && !v->array->objects))
            return sklearn_wrong(s, o, "the categories of column %zu are no array", i + 1);
        if (!sklearn_charge(s, o, v->array))
            return ERR_DATA;
        first[i + 1] = first[i] + v->array->count;
    }
    double *category = model_numbers(s->m, first[s->width]);
    stage->first = first;
    stage->category = category;
    stage->out = first[s->width];
    int status = 0;
    for (size_t i = 0; i < s->width && status == 0; i++)
        status = add_categories(s, o, list->items.at[i]->array, i, category + first[i]);
    return status;
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
    struct stage *stage = add_stage(s, STAGE_ONEHOT);
    if (sklearn_flag(o, "_infrequent_enabled"))
        return sklearn_wrong(s, o, "infrequent categories are not supported");
    if (pickle_is(unknown, "error"))
        stage->unknown = UNKNOWN_ERROR;
    else if (!pickle_is(unknown, "ignore") && !pickle_is(unknown, "infrequent_if_exist"))
        return sklearn_wrong(s, o, "this handle_unknown is not supported");
    int status = read_categories(s, o, stage);
    if (status == 0)
        status = read_drops(s, o, stage);
    s->width = stage->out;
    return status;
}
