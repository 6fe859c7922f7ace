/* Estimators by their names, and what holds several: pipelines, which run one after another, and
 * transformers of columns and unions, whose parts stand side by side. Any of them may hold any
 * other, and themselves, so that all that is visited is counted. */
#include "model/import_sklearn.h"

enum { NESTING_MAX = 8, STEPS_MAX = 64 };

enum role { TRANSFORMS, PREDICTS };

struct estimator {
    const char *name;
    sklearn_reader *read;
};

static const struct estimator transformers[] = {
    {"StandardScaler", sklearn_standard_scaler}, {"MinMaxScaler", sklearn_minmax_scaler},
    {"MaxAbsScaler", sklearn_maxabs_scaler},     {"RobustScaler", sklearn_robust_scaler},
    {"Normalizer", sklearn_normalizer},          {"SimpleImputer", sklearn_imputer},
    {"OneHotEncoder", sklearn_onehot},           {"OrdinalEncoder", sklearn_ordinal},
    {"FunctionTransformer", sklearn_function},
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
    {"Booster", sklearn_booster},
    {"XGBClassifier", sklearn_booster},
    {"XGBRegressor", sklearn_booster},
    {"XGBRanker", sklearn_booster},
    {"XGBRFClassifier", sklearn_booster},
    {"XGBRFRegressor", sklearn_booster},
    {"LGBMClassifier", sklearn_booster},
    {"LGBMRegressor", sklearn_booster},
    {"LGBMRanker", sklearn_booster},
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

static bool is_class(const struct pickled *o, const char *name)
{
    return text_equal(pickle_class(o), text_of(name));
}

static sklearn_reader *find_reader(const struct pickled *o, enum role role)
{
    const struct estimator *in = role == PREDICTS ? predictors : transformers;
    size_t count = role == PREDICTS ? COUNT_OF(predictors) : COUNT_OF(transformers);
    for (size_t i = 0; i < count; i++)
        if (is_class(o, in[i].name))
            return in[i].read;
    return NULL;
}

/* The parts of what holds several, as a list of (name, estimator, ...); NULL: it is no such thing.
 */
static const struct pickled *parts_of(const struct pickled *o)
{
    const struct pickled *parts = NULL;
    if (is_class(o, "Pipeline"))
        parts = pickle_get(o, "steps");
    else if (is_class(o, "ColumnTransformer"))
        parts = pickle_get(o, "transformers_");
    else if (is_class(o, "FeatureUnion"))
        parts = pickle_get(o, "transformer_list");
    return parts && parts->kind == PICKLE_LIST ? parts : NULL;
}

static bool is_several(const struct pickled *o)
{
    return is_class(o, "Pipeline") || is_class(o, "ColumnTransformer") ||
           is_class(o, "FeatureUnion");
}

/* Part i; false when it is no pair with a name. */
static bool part_at(const struct pickled *parts, size_t i, const struct pickled **name,
                    const struct pickled **o)
{
    const struct pickled *pair = parts->items.at[i];
    if (pair->kind != PICKLE_TUPLE || pair->items.len < 2 || pair->items.at[0]->kind != PICKLE_TEXT)
        return false;
    *name = pair->items.at[0];
    *o = pair->items.at[1];
    return true;
}

/* A step that changes nothing. */
static bool is_passed(const struct pickled *o)
{
    return o->kind == PICKLE_NONE || pickle_is(o, "passthrough");
}

/* The first estimator that gets a row, and the last one of all, which predicts. */
static const struct pickled *end_of(const struct pickled *o, bool first)
{
    const struct pickled *name, *found = o;
    for (size_t depth = 0; depth < NESTING_MAX && is_several(found); depth++) {
        const struct pickled *parts = parts_of(found);
        if (is_class(found, "ColumnTransformer") || !parts || parts->items.len == 0 ||
            !part_at(parts, first ? 0 : parts->items.len - 1, &name, &o))
            break;
        for (size_t i = 0; first && is_passed(o) && i < parts->items.len; i++)
            if (!part_at(parts, i, &name, &o))
                return found;
        found = o;
    }
    return found;
}

const struct pickled *sklearn_first(const struct pickled *root)
{
    return end_of(root, true);
}

const struct pickled *sklearn_last(const struct pickled *root)
{
    return end_of(root, false);
}

/* One more estimator is visited. */
static int count_visit(struct sklearn *s, const struct pickled *o, size_t depth)
{
    if (depth > NESTING_MAX)
        return sklearn_wrong(s, o, "pipelines are nested too deeply");
    if (++s->visited > STEPS_MAX)
        return sklearn_wrong(s, o, "it has too many steps");
    return 0;
}

/* ---- what is not supported, all of it ---- */

struct check {
    struct sklearn *s;
    struct buf list; /* of what is not supported */
};

static int check_one(struct check *c, const struct pickled *o, const struct pickled *name,
                     enum role role, size_t depth);

static int check_parts(struct check *c, const struct pickled *o, enum role role, size_t depth)
{
    const struct pickled *parts = parts_of(o), *part, *name;
    if (!parts || parts->items.len == 0)
        return sklearn_wrong(c->s, o, "it has no steps, or is not fitted");
    for (size_t i = 0; i < parts->items.len; i++) {
        if (!part_at(parts, i, &name, &part))
            return sklearn_wrong(c->s, o, "step %zu has no name", i + 1);
        bool last = i + 1 == parts->items.len && role == PREDICTS;
        if (!last && (is_passed(part) || pickle_is(part, "drop")))
            continue;
        int status = check_one(c, part, name, last ? PREDICTS : TRANSFORMS, depth + 1);
        if (status)
            return status;
    }
    return 0;
}

static int check_one(struct check *c, const struct pickled *o, const struct pickled *name,
                     enum role role, size_t depth)
{
    char quoted[QUOTE_MAX];
    struct text class = pickle_class(o);
    int status = count_visit(c->s, o, depth);
    if (status)
        return status;
    if (role == PREDICTS && o->kind != PICKLE_OBJECT)
        return sklearn_wrong(c->s, NULL, "there is no estimator of scikit-learn in it");
    if (is_class(o, "Pipeline") || (is_several(o) && role == TRANSFORMS))
        return check_parts(c, o, role, depth);
    if (find_reader(o, role))
        return 0;
    buf_puts(&c->list, c->list.len ? ", " : "");
    if (name)
        buf_format(&c->list, "step %s: ", quote(quoted, name->text.at, name->text.len));
    buf_format(&c->list, "%s", quote(quoted, class.at, class.len));
    if (role == PREDICTS && (is_several(o) || find_reader(o, TRANSFORMS)))
        buf_puts(&c->list, " as the model");
    return 0;
}

int sklearn_check(struct sklearn *s, const struct pickled *root)
{
    struct check c = {.s = s};
    int status = check_one(&c, root, NULL, PREDICTS, 0);
    if (status == 0 && c.list.len)
        status = error_set(s->e, ERR_DATA, "not supported: %s", buf_text(&c.list));
    s->visited = 0;
    buf_release(&c.list);
    return status;
}

/* ---- reading ---- */

static int read_one(struct sklearn *s, const struct pickled *o, const struct pickled *name,
                    enum role role, size_t depth);

/* What becomes of `was` columns that an estimator gets are s->width new ones. */
static void forget_origins(struct sklearn *s, size_t was)
{
    size_t whole = s->before + s->width + s->after;
    size_t *origin = arena_alloc(&s->m->arena, (whole + 1) * sizeof *origin);
    memcpy(origin, s->origin, s->before * sizeof *origin);
    for (size_t i = 0; i < s->width; i++)
        origin[s->before + i] = SIZE_MAX;
    memcpy(origin + s->before + s->width, s->origin + s->before + was, s->after * sizeof *origin);
    s->origin = origin;
}

static int read_estimator(struct sklearn *s, const struct pickled *o, enum role role)
{
    sklearn_reader *read = find_reader(o, role);
    size_t was = s->width, stages = s->stages.len;
    const size_t *origin = s->origin;
    double width;
    if (pickle_number(pickle_get(o, "n_features_in_"), &width) && width != (double)s->width)
        return sklearn_wrong(s, o, "it takes %.0f columns and gets %zu", width, s->width);
    if (role == PREDICTS)
        s->m->objective = model_text(s->m, pickle_class(o));
    int status = read(s, o);
    if (status == 0 && s->stages.len > stages && s->origin == origin)
        forget_origins(s, was); /* else it has said what they are */
    return status;
}

static int read_pipeline(struct sklearn *s, const struct pickled *o, enum role role, size_t depth)
{
    const struct pickled *parts = parts_of(o), *part, *name;
    int status = 0;
    for (size_t i = 0; i < parts->items.len && status == 0; i++) {
        bool last = i + 1 == parts->items.len && role == PREDICTS;
        if (part_at(parts, i, &name, &part) && (last || !is_passed(part)))
            status = read_one(s, part, name, last ? PREDICTS : TRANSFORMS, depth + 1);
    }
    return status;
}

/* One of several estimators that stand side by side, and how many of the columns it gets. */
struct branch {
    const struct pickled *o, *name;
    size_t columns;
};

struct branches {
    VEC(struct branch) list;
    VEC(size_t) pick; /* columns of all branches, among those at hand */
};

/* Which columns a part of a ColumnTransformer gets. */
static int pick_columns(struct sklearn *s, const struct pickled *o, const struct pickled *name,
                        struct branches *b, size_t *count)
{
    const struct pickled *all = pickle_get(o, "_transformer_to_input_indices"), *list = NULL;
    for (size_t i = 0; all && all->kind == PICKLE_DICT && i + 1 < all->items.len && !list; i += 2)
        if (all->items.at[i]->kind == PICKLE_TEXT && text_equal(all->items.at[i]->text, name->text))
            list = all->items.at[i + 1];
    if (!list || list->kind != PICKLE_LIST)
        return sklearn_wrong(s, o, "it does not list its columns: a version that is not supported");
    *count = list->items.len;
    if (*count > s->spread)
        return sklearn_wrong(s, o, "it repeats too many columns");
    for (size_t i = 0; i < list->items.len; i++) {
        double column;
        if (!pickle_number(list->items.at[i], &column) || !(column >= 0) ||
            column >= (double)s->width)
            return sklearn_wrong(s, o, "it takes a column that is not there");
        vec_push(&b->pick, (size_t)column);
    }
    return 0;
}

static int add_branch(struct sklearn *s, const struct pickled *o, size_t i, struct branches *b)
{
    const struct pickled *part, *name;
    size_t count = s->width;
    if (!part_at(parts_of(o), i, &name, &part) || pickle_is(part, "drop"))
        return 0;
    if (is_class(o, "ColumnTransformer")) {
        int status = pick_columns(s, o, name, b, &count);
        if (status)
            return status;
    } else {
        for (size_t k = 0; k < count; k++)
            vec_push(&b->pick, k);
    }
    if (count)
        vec_push(&b->list, ((struct branch){part, name, count}));
    return 0;
}

int sklearn_pick(struct sklearn *s, const size_t *columns, size_t n)
{
    size_t whole = s->before + s->width + s->after, made = whole - s->width + n;
    if (made > s->spread)
        return sklearn_wrong(s, NULL, "it repeats too many columns");
    s->spread -= made;
    size_t *pick = arena_alloc(&s->m->arena, (made + 1) * sizeof *pick);
    size_t *origin = arena_alloc(&s->m->arena, (made + 1) * sizeof *origin);
    for (size_t i = 0; i < made; i++) {
        bool behind = i >= s->before + n;
        pick[i] = i < s->before ? i
                  : behind      ? i - n + s->width
                                : s->before + columns[i - s->before];
        origin[i] = s->origin[pick[i]];
    }
    vec_push(&s->stages,
             ((struct stage){.kind = STAGE_PICK, .in = whole, .out = made, .pick = pick}));
    s->origin = origin;
    s->width = n;
    return 0;
}

static int read_branches(struct sklearn *s, const struct branches *b, size_t depth)
{
    size_t before = s->before, after = s->after;
    int status = sklearn_pick(s, b->pick.at, b->pick.len);
    s->after += s->width;
    for (size_t i = 0; i < b->list.len && status == 0; i++) {
        const struct branch *branch = &b->list.at[i];
        s->width = branch->columns;
        s->after -= s->width;
        if (!is_passed(branch->o))
            status = read_one(s, branch->o, branch->name, TRANSFORMS, depth + 1);
        s->before += s->width;
    }
    s->width = s->before - before;
    s->before = before;
    s->after = after;
    return status;
}

static int read_side_by_side(struct sklearn *s, const struct pickled *o, size_t depth)
{
    struct branches b = {0};
    int status = 0;
    if (pickle_get(o, "transformer_weights"))
        status = sklearn_wrong(s, o, "transformer_weights are not supported");
    for (size_t i = 0; i < parts_of(o)->items.len && status == 0; i++)
        status = add_branch(s, o, i, &b);
    if (status == 0 && b.list.len == 0)
        status = sklearn_wrong(s, o, "no column is left");
    if (status == 0)
        status = read_branches(s, &b, depth);
    vec_release(&b.list);
    vec_release(&b.pick);
    return status;
}

static int read_one(struct sklearn *s, const struct pickled *o, const struct pickled *name,
                    enum role role, size_t depth)
{
    char quoted[QUOTE_MAX];
    const char *step = s->step;
    int status = count_visit(s, o, depth);
    if (status)
        return status;
    if (name) /* for messages about it */
        s->step =
            arena_format(&s->m->arena, "step %s: ", quote(quoted, name->text.at, name->text.len));
    if (is_class(o, "Pipeline"))
        status = read_pipeline(s, o, role, depth);
    else if (is_several(o))
        status = read_side_by_side(s, o, depth);
    else
        status = read_estimator(s, o, role);
    s->step = step;
    return status;
}

int sklearn_read_own(struct sklearn *s, const struct pickled *o)
{
    struct check c = {.s = s};
    int status = check_one(&c, o, NULL, TRANSFORMS, 1);
    if (status == 0 && c.list.len)
        status = error_set(s->e, ERR_DATA, "not supported: %s", buf_text(&c.list));
    buf_release(&c.list);
    return status ? status : read_one(s, o, NULL, TRANSFORMS, 1);
}

int sklearn_read(struct sklearn *s, const struct pickled *root)
{
    return read_one(s, root, NULL, PREDICTS, 0);
}
