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

/* functools.partial of scikit-learn's check of arrays, which changes no number. */
static bool is_check(const struct pickled *function)
{
    static const char check[] = "sklearn.utils.validation.check_array";
    if (!text_equal(pickle_class(function), TEXT_LITERAL("partial")))
        return false;
    const struct pickled *args = function->object.args;
    return args && args->items.len == 1 && args->items.at[0]->kind == PICKLE_GLOBAL &&
           text_equal(args->items.at[0]->text, TEXT_LITERAL(check));
}

/* Without a function it passes on what it gets. */
int sklearn_function(struct sklearn *s, const struct pickled *o)
{
    const struct pickled *function = pickle_get(o, "func");
    return function && !is_check(function) ? sklearn_wrong(s, o, "functions are not supported") : 0;
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

/* ---- imputation ---- */

/* The columns that an imputer makes: those that had values, and those of which it tells whether
 * they are missing. */
struct imputed {
    VEC(size_t) pick;
    size_t values;
    size_t marks;
};

/* Those of add_indicator. */
static int pick_marks(struct sklearn *s, const struct pickled *o, struct imputed *c)
{
    const struct pickled *indicator = pickle_get(o, "indicator_");
    if (!sklearn_flag(o, "add_indicator"))
        return 0;
    if (!indicator || indicator->kind != PICKLE_OBJECT)
        return sklearn_wrong(s, o, "add_indicator without an indicator_");
    const struct array *a = sklearn_array(s, indicator, "features_");
    if (!a)
        return ERR_DATA;
    for (size_t i = 0; i < a->count; i++) {
        double column;
        if (!array_number(a, i, &column) || !(column >= 0) || column >= (double)s->width)
            return sklearn_wrong(s, indicator, "features_: column %zu is not there", i + 1);
        vec_push(&c->pick, (size_t)column);
    }
    c->marks = a->count;
    return 0;
}

/* The columns at hand become those of c; `same` of them are still features as they came. */
static int pick_imputed(struct sklearn *s, const struct imputed *c, size_t same)
{
    if (c->pick.len == s->width && c->marks == 0)
        return 0;
    if (sklearn_pick(s, c->pick.at, c->pick.len))
        return ERR_DATA;
    for (size_t i = same; i < c->pick.len; i++)
        s->origin[s->before + i] = SIZE_MAX;
    return 0;
}

static void mark_missing(struct sklearn *s, const struct imputed *c, double what)
{
    if (c->marks == 0)
        return;
    struct stage *stage = sklearn_stage(s, STAGE_MISSING);
    stage->before += c->values;
    stage->what = what;
}

/* statistics_ of texts: each stands for what is missing in a column of them. An encoder behind it
 * gives them their numbers. */
static int impute_texts(struct sklearn *s, const struct pickled *o, const struct array *a,
                        struct imputed *c)
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
        vec_push(&c->pick, i);
    }
    c->values = s->width;
    int status = pick_marks(s, o, c);
    if (status == 0)
        status = pick_imputed(s, c, c->values);
    if (status == 0)
        mark_missing(s, c, (double)NAN);
    return status;
}

/* Columns that had no value at all are left out. */
static int impute_numbers(struct sklearn *s, const struct pickled *o, struct imputed *c)
{
    double what, *fill = sklearn_numbers(s, o, "statistics_", s->width);
    if (!fill)
        return ERR_DATA;
    if (!pickle_number(pickle_get(o, "missing_values"), &what))
        return sklearn_wrong(s, o, "missing_values that are no number are not supported");
    for (size_t i = 0; i < s->width; i++)
        if (!isnan(fill[i])) {
            fill[c->values++] = fill[i];
            vec_push(&c->pick, i);
        }
    if (c->values == 0)
        return sklearn_wrong(s, o, "no column had a value");
    int status = pick_marks(s, o, c);
    if (status == 0)
        status = pick_imputed(s, c, 0);
    if (status)
        return status;
    struct stage *stage = sklearn_stage(s, STAGE_IMPUTE);
    stage->after += c->marks;
    stage->what = what;
    stage->b = fill;
    mark_missing(s, c, what);
    return 0;
}

int sklearn_imputer(struct sklearn *s, const struct pickled *o)
{
    const struct pickled *statistics = pickle_get(o, "statistics_");
    struct imputed c = {0};
    int status;
    if (statistics && statistics->kind == PICKLE_ARRAY && array_is_text(statistics->array))
        status = impute_texts(s, o, statistics->array, &c);
    else
        status = impute_numbers(s, o, &c);
    vec_release(&c.pick);
    return status;
}
