/* What stands before a model in a pipeline of scikit-learn. */
#include "model/import_sklearn.h"

#include <math.h>

struct stage *sklearn_stage(struct sklearn *s, enum stage_kind kind)
{
    size_t whole = s->before + s->width + s->after;
    struct stage stage = {
        .kind = kind, .in = whole, .out = whole, .before = s->before, .after = s->after};
    vec_push(&s->stages, stage);
    return &s->stages.at[s->stages.len - 1];
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
    struct stage *stage = sklearn_stage(s, STAGE_CENTER);
    stage->a = columns(s, o, "mean_", sklearn_flag(o, "with_mean"), 0);
    stage->b = stage->a ? columns(s, o, "scale_", sklearn_flag(o, "with_std"), 1) : NULL;
    return stage->b ? 0 : ERR_DATA;
}

int sklearn_maxabs_scaler(struct sklearn *s, const struct pickled *o)
{
    struct stage *stage = sklearn_stage(s, STAGE_CENTER);
    stage->a = columns(s, o, "", false, 0);
    stage->b = columns(s, o, "scale_", true, 1);
    return stage->b ? 0 : ERR_DATA;
}

int sklearn_robust_scaler(struct sklearn *s, const struct pickled *o)
{
    struct stage *stage = sklearn_stage(s, STAGE_CENTER);
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
    struct stage *stage = sklearn_stage(s, STAGE_NORM);
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
    struct stage *stage = sklearn_stage(s, STAGE_AFFINE);
    stage->clips = sklearn_flag(o, "clip");
    stage->a = columns(s, o, "min_", true, 0);
    stage->b = stage->a ? columns(s, o, "scale_", true, 1) : NULL;
    if (!stage->b)
        return ERR_DATA;
    return stage->clips ? read_range(s, o, stage->clip) : 0;
}

/* statistics_ of texts: each stands for what is missing in a column of them. An encoder behind it
 * gives them their numbers. */
static int impute_texts(struct sklearn *s, const struct pickled *o, const struct array *a)
{
    const struct pickled *what = pickle_get(o, "missing_values"); /* NULL: None */
    double number = (double)NAN;
    if (what && (!pickle_number(what, &number) || !isnan(number)))
        return sklearn_wrong(s, o, "missing_values other than NaN and None are not supported");
    if (a->count != s->width)
        return sklearn_wrong(s, o, "statistics_ has %zu texts, not %zu", a->count, s->width);
    for (size_t i = 0; i < s->width; i++) {
        size_t origin = s->origin[s->before + i];
        const struct pickled *v = array_object(a, i);
        if (origin == SIZE_MAX || (v && v->kind != PICKLE_TEXT))
            return sklearn_wrong(s, o, "column %zu is no text as it came", i + 1);
        const char *text = sklearn_text(s, a, i);
        if (!text)
            return sklearn_wrong(s, o, "its texts are too long for the file");
        s->fill[origin] = s->fill[origin] ? s->fill[origin] : text;
    }
    return 0;
}

int sklearn_imputer(struct sklearn *s, const struct pickled *o)
{
    double what = 0;
    const struct pickled *statistics = pickle_get(o, "statistics_");
    if (sklearn_flag(o, "add_indicator"))
        return sklearn_wrong(s, o, "add_indicator is not supported");
    if (statistics && statistics->kind == PICKLE_ARRAY && array_is_text(statistics->array))
        return impute_texts(s, o, statistics->array);
    if (!pickle_number(pickle_get(o, "missing_values"), &what))
        return sklearn_wrong(s, o, "missing_values that are no number are not supported");
    struct stage *stage = sklearn_stage(s, STAGE_IMPUTE);
    stage->what = what;
    if (!(stage->b = columns(s, o, "statistics_", true, 0)))
        return ERR_DATA;
    for (size_t i = 0; i < s->width; i++)
        if (isnan(stage->b[i]))
            return sklearn_wrong(s, o, "column %zu had no value and is left out: not supported",
                                 i + 1);
    return 0;
}
