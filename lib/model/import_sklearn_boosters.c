/*
 * Estimators that XGBoost and LightGBM have for scikit-learn: an object with the framework's own
 * model in it, as bytes or text. Also XGBoost's Booster alone, as older containers pickled it.
 */
#include "model/import_sklearn.h"

#include <math.h>

static bool is_class(const struct pickled *o, const char *name)
{
    return text_equal(pickle_class(o), text_of(name));
}

/* The Booster of an estimator, or that alone; NULL: o is neither. */
static const struct pickled *booster_of(const struct pickled *o)
{
    if (is_class(o, "Booster"))
        return o;
    const struct pickled *booster = pickle_get(o, "_Booster");
    return is_class(booster, "Booster") ? booster : NULL;
}

/* Its model as the framework saves it; missing: there is none. */
static struct text saved_model(const struct pickled *booster)
{
    const struct pickled *handle = pickle_get(booster, "handle");
    if (!handle)
        handle = pickle_get(booster, "_handle");
    if (handle && (handle->kind == PICKLE_BYTES || handle->kind == PICKLE_TEXT))
        return handle->text;
    return (struct text){NULL, 0};
}

/* The model inside, read once. */
static int read_inner(struct sklearn *s, const struct pickled *o)
{
    static importer *const importers[] = {import_lightgbm, import_xgboost_json,
                                          import_xgboost_ubjson, import_xgboost_binary};
    const struct pickled *booster = booster_of(o);
    struct text bytes = saved_model(booster);
    int got = 0;
    if (s->inner)
        return 0;
    if (!bytes.at)
        return sklearn_wrong(s, o, "it is not fitted");
    for (size_t i = 0; i < COUNT_OF(importers) && got == 0; i++)
        got = importers[i](bytes.at, bytes.len, &s->inner, s->e);
    if (got == 0)
        return sklearn_wrong(s, o, "its booster is no model that is known");
    return got < 0 ? got : 0;
}

int sklearn_booster_width(struct sklearn *s, const struct pickled *o, size_t *width)
{
    int status = booster_of(o) ? read_inner(s, o) : 0;
    if (status == 0 && s->inner)
        *width = s->inner->feature_count;
    return status;
}

/* A value of their own that stands for missing ones, besides NaN. */
static void add_missing(struct sklearn *s, const struct pickled *o)
{
    double missing;
    if (!pickle_number(pickle_get(o, "missing"), &missing) || isnan(missing))
        return;
    struct stage *stage = sklearn_stage(s, STAGE_IMPUTE);
    double *b = model_numbers(s->m, s->width);
    for (size_t i = 0; i < s->width; i++)
        b[i] = (double)NAN;
    stage->single = true;
    stage->what = missing;
    stage->b = b;
}

/* Estimators add the trees up to the best round, when they stopped early: of XGBoost's that is its
 * number from 0, of LightGBM's their count. A Booster alone adds all. */
static void keep_best(struct model *m, const struct pickled *o, const struct pickled *booster)
{
    double best = (double)m->best_rounds, parallel = 1;
    bool forest = is_class(o, "XGBRFClassifier") || is_class(o, "XGBRFRegressor");
    if (m->kind != MODEL_TREES || o == booster || forest)
        return;
    if (pickle_number(pickle_get(booster, "best_iteration"), &best))
        best += pickle_get(o, "_best_iteration") ? 0 : 1;
    (void)pickle_number(pickle_get(o, "_best_iteration"), &best);
    (void)pickle_number(pickle_get(o, "num_parallel_tree"), &parallel);
    /* Files of older versions do not say it. */
    size_t sums = m->outputs / m->trees.width;
    double told = (double)m->round_trees, least = parallel * (double)sums;
    double trees = best * (told > least ? told : least);
    if (!(trees >= 1) || trees >= (double)m->trees.count)
        return;
    m->trees.count = (size_t)trees;
    m->trees.nodes = m->trees.root[m->trees.count];
    m->sum.rounds = m->sum.rounds ? (size_t)best : 0;
}

/* What the features are is the booster's to say as long as it gets them as they came. */
static void take_features(struct sklearn *s, const struct model *inner)
{
    for (size_t i = 0; i < s->width; i++) {
        size_t origin = s->origin[i];
        if (origin == SIZE_MAX)
            continue;
        struct feature *feature = &s->m->features[origin];
        const char *name = feature->name;
        *feature = inner->features[i];
        feature->name = s->m->named ? name : inner->features[i].name;
    }
    s->m->named = s->m->named || (s->stages.len == 0 && inner->named);
}

static int read_classes(struct sklearn *s, const struct pickled *o)
{
    const struct pickled *encoder = pickle_get(o, "_le");
    const struct pickled *named = pickle_get(o, "classes_") ? o : encoder;
    size_t classes = model_class_count(s->m);
    if (classes == 0 || !pickle_get(named, "classes_"))
        return 0;
    int status = sklearn_classes(s, named);
    if (status == 0 && s->m->class_count != classes)
        status = sklearn_wrong(s, o, "it names %zu classes of %zu", s->m->class_count, classes);
    return status;
}

/* Everything of the inner model but its features and stages, which come behind those there are. */
static void take_model(struct sklearn *s)
{
    struct model *m = s->m, *inner = s->inner;
    for (size_t i = 0; i < inner->stage_count; i++)
        vec_push(&s->stages, inner->stages[i]);
    m->kind = inner->kind;
    m->producer = inner->producer;
    m->objective = inner->objective;
    m->trees = inner->trees;
    m->linear = inner->linear;
    m->sum = inner->sum;
    m->outputs = inner->outputs;
    m->base = inner->base;
    m->transform = inner->transform;
    m->scale = inner->scale;
    m->two_classes = inner->two_classes;
    m->cut = inner->cut;
    m->answers_class = inner->answers_class;
    m->class_count = inner->class_count;
    m->best_rounds = inner->best_rounds;
    m->round_trees = inner->round_trees;
    arena_adopt(&m->arena, &inner->arena);
    model_free(inner);
    s->inner = NULL;
}

int sklearn_booster(struct sklearn *s, const struct pickled *o)
{
    int status = read_inner(s, o);
    if (status)
        return status;
    if (s->inner->feature_count != s->width)
        return sklearn_wrong(s, o, "its booster takes %zu columns and gets %zu",
                             s->inner->feature_count, s->width);
    take_features(s, s->inner);
    add_missing(s, o);
    keep_best(s->inner, o, booster_of(o));
    take_model(s);
    return read_classes(s, o);
}
