/* A scikit-learn model in a pickle or a joblib file: what it is made of, in which order. */
#include "model/import_sklearn.h"

#include <math.h>
#include <stdio.h>

enum { WIDTH_MAX = 1 << 16, PIPELINES_MAX = 8, ROOM_LEAST = 4096, STEPS_MAX = 64 };

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

struct estimator {
    const char *name;
    sklearn_reader *read;
};

static const struct estimator transformers[] = {
    {"StandardScaler", sklearn_standard_scaler}, {"MinMaxScaler", sklearn_minmax_scaler},
    {"MaxAbsScaler", sklearn_maxabs_scaler},     {"RobustScaler", sklearn_robust_scaler},
    {"Normalizer", sklearn_normalizer},          {"SimpleImputer", sklearn_imputer},
    {"OneHotEncoder", sklearn_onehot},           {"FunctionTransformer", sklearn_function},
};

static const struct estimator predictors[] = {
    {"DecisionTreeClassifier", sklearn_tree_classifier},
    {"DecisionTreeRegressor", sklearn_tree_regressor},
    {"ExtraTreeClassifier", sklearn_tree_classifier},
    {"ExtraTreeRegressor", sklearn_tree_regressor},
    {"RandomForestClassifier", sklearn_forest_classifier},
    {"RandomForestRegressor", sklearn_forest_regressor},
    {"ExtraTreesClassifier", sklearn_forest_classifier},
    {"ExtraTreesRegressor", sklearn_forest_regressor},
    {"GradientBoostingClassifier", sklearn_boosting_classifier},
    {"GradientBoostingRegressor", sklearn_boosting_regressor},
    {"HistGradientBoostingClassifier", sklearn_histogram_boosting},
    {"HistGradientBoostingRegressor", sklearn_histogram_boosting},
    {"LogisticRegression", sklearn_logistic},
    {"LogisticRegressionCV", sklearn_logistic},
    {"LinearDiscriminantAnalysis", sklearn_discriminant},
    {"SGDClassifier", sklearn_sgd_classifier},
    {"LinearSVC", sklearn_class_only},
    {"Perceptron", sklearn_class_only},
    {"PassiveAggressiveClassifier", sklearn_class_only},
    {"RidgeClassifier", sklearn_ridge_classifier},
    {"RidgeClassifierCV", sklearn_ridge_classifier},
    {"PoissonRegressor", sklearn_log_link},
    {"GammaRegressor", sklearn_log_link},
    {"TweedieRegressor", sklearn_tweedie},
    {"ARDRegression", sklearn_regression},
    {"BayesianRidge", sklearn_regression},
    {"ElasticNet", sklearn_regression},
    {"ElasticNetCV", sklearn_regression},
    {"HuberRegressor", sklearn_regression},
    {"Lars", sklearn_regression},
    {"LarsCV", sklearn_regression},
    {"Lasso", sklearn_regression},
    {"LassoCV", sklearn_regression},
    {"LassoLars", sklearn_regression},
    {"LassoLarsCV", sklearn_regression},
    {"LassoLarsIC", sklearn_regression},
    {"LinearRegression", sklearn_regression},
    {"LinearSVR", sklearn_regression},
    {"MultiTaskElasticNet", sklearn_regression},
    {"MultiTaskLasso", sklearn_regression},
    {"OrthogonalMatchingPursuit", sklearn_regression},
    {"PassiveAggressiveRegressor", sklearn_regression},
    {"QuantileRegressor", sklearn_regression},
    {"Ridge", sklearn_regression},
    {"RidgeCV", sklearn_regression},
    {"SGDRegressor", sklearn_regression},
    {"TheilSenRegressor", sklearn_regression},
};

static sklearn_reader *find_reader(const struct pickled *o, bool predicts)
{
    const struct estimator *in = predicts ? predictors : transformers;
    size_t count = predicts ? COUNT_OF(predictors) : COUNT_OF(transformers);
    for (size_t i = 0; i < count; i++)
        if (text_equal(pickle_class(o), text_of(in[i].name)))
            return in[i].read;
    return NULL;
}

/* One estimator of a pipeline, or the model itself; the last one predicts. */
static int read_estimator(struct sklearn *s, const struct pickled *o, bool last)
{
    sklearn_reader *read = find_reader(o, last);
    double width;
    if (pickle_number(pickle_get(o, "n_features_in_"), &width) && width != (double)s->width)
        return sklearn_wrong(s, o, "it takes %.0f columns and gets %zu", width, s->width);
    if (last)
        s->m->objective = model_text(s->m, pickle_class(o));
    return read(s, o);
}

/* Steps one after another, those of a pipeline in a pipeline in its place. */
struct step_list {
    VEC(const struct pickled *) step, name;
    size_t seen; /* pipelines may be in pipelines any number of times */
};

static int add_steps(struct sklearn *s, const struct pickled *o, int depth, struct step_list *out)
{
    const struct pickled *steps = pickle_get(o, "steps");
    if (depth > PIPELINES_MAX)
        return sklearn_wrong(s, o, "pipelines are nested too deeply");
    if (!steps || steps->kind != PICKLE_LIST)
        return sklearn_wrong(s, o, "it has no steps");
    for (size_t i = 0; i < steps->items.len; i++) {
        const struct pickled *pair = steps->items.at[i], *step;
        if (pair->kind != PICKLE_TUPLE || pair->items.len != 2 ||
            pair->items.at[0]->kind != PICKLE_TEXT)
            return sklearn_wrong(s, o, "step %zu has no name", i + 1);
        if (++out->seen > STEPS_MAX)
            return sklearn_wrong(s, o, "it has too many steps");
        step = pair->items.at[1];
        if (step->kind == PICKLE_NONE || pickle_is(step, "passthrough"))
            continue;
        if (text_equal(pickle_class(step), TEXT_LITERAL("Pipeline"))) {
            int status = add_steps(s, step, depth + 1, out);
            if (status)
                return status;
            continue;
        }
        vec_push(&out->step, step);
        vec_push(&out->name, pair->items.at[0]);
    }
    return 0;
}

static int list_steps(struct sklearn *s, const struct pickled *root, struct step_list *out)
{
    if (text_equal(pickle_class(root), TEXT_LITERAL("Pipeline"))) {
        int status = add_steps(s, root, 1, out);
        return status || out->step.len ? status : sklearn_wrong(s, root, "it has no steps");
    }
    vec_push(&out->step, root);
    vec_push(&out->name, NULL);
    return 0;
}

/* Columns of a row. Versions before 0.24 have no n_features_in_. */
static int count_features(struct sklearn *s, const struct pickled *o)
{
    static const char *const names[] = {"n_features_in_", "n_features_", "_n_features"};
    double width = 0;
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

/* The step's name, for messages about it. */
static void enter_step(struct sklearn *s, const struct pickled *name)
{
    char quoted[QUOTE_MAX];
    s->step =
        name ? arena_format(&s->m->arena, "step %s: ", quote(quoted, name->text.at, name->text.len))
             : "";
}

static int read_steps(struct sklearn *s, const struct step_list *steps)
{
    struct model *m = s->m;
    m->stages = arena_zero(&m->arena, steps->step.len * sizeof *m->stages);
    for (size_t i = 0; i < steps->step.len; i++) {
        enter_step(s, steps->name.at[i]);
        int status = read_estimator(s, steps->step.at[i], i + 1 == steps->step.len);
        if (status)
            return status;
    }
    return 0;
}

/* Names every step that cannot be read at all, which is said before what is wrong with one that
 * can. */
static int check_steps(struct sklearn *s, const struct step_list *steps)
{
    struct buf list = {0};
    char quoted[QUOTE_MAX];
    size_t n = steps->step.len;
    if (n == 0 || steps->step.at[n - 1]->kind != PICKLE_OBJECT)
        return sklearn_wrong(s, NULL, "there is no estimator of scikit-learn in it");
    for (size_t i = 0; i < n; i++) {
        const struct pickled *step = steps->step.at[i], *name = steps->name.at[i];
        struct text class = pickle_class(step);
        if (find_reader(step, i + 1 == n))
            continue;
        buf_puts(&list, list.len ? ", " : "");
        if (name)
            buf_format(&list, "step %s: ", quote(quoted, name->text.at, name->text.len));
        buf_format(&list, "%s", quote(quoted, class.at, class.len));
        if (i + 1 == n && find_reader(step, false))
            buf_puts(&list, " as the model");
    }
    int status = list.len ? error_set(s->e, ERR_DATA, "not supported: %s", buf_text(&list)) : 0;
    buf_release(&list);
    return status;
}

static int read_model(struct sklearn *s, const struct pickle *p, const struct step_list *steps)
{
    const struct pickled *first = steps->step.at ? steps->step.at[0] : NULL;
    const struct pickled *last = first ? steps->step.at[steps->step.len - 1] : NULL;
    const struct pickled *version = pickle_get(last, "_sklearn_version");
    int status = check_steps(s, steps);
    if (status == 0)
        status = count_features(s, first);
    if (status)
        return status;
    s->m = model_new(p->joblib ? "sklearn-joblib" : "sklearn-pickle", s->width);
    if (version && version->kind == PICKLE_TEXT)
        s->m->producer = arena_format(&s->m->arena, "scikit-learn %.*s", (int)version->text.len,
                                      version->text.at);
    if ((status = name_features(s, first)) == 0)
        status = read_steps(s, steps);
    return status;
}

static int read_pickle(const char *bytes, size_t n, struct model **out, struct error *e)
{
    struct pickle p = {0};
    struct step_list steps = {0};
    struct sklearn s = {.room = 2 * n + ROOM_LEAST, .step = "", .e = e};
    int status = pickle_read(bytes, n, &p, e);
    if (status == 0)
        status = list_steps(&s, p.root, &steps);
    if (status == 0)
        status = read_model(&s, &p, &steps);
    vec_release(&steps.step);
    vec_release(&steps.name);
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
