/* Between the parts of the importer of scikit-learn's estimators. */
#ifndef MODEL_IMPORT_SKLEARN_H
#define MODEL_IMPORT_SKLEARN_H

#include "model/builder.h"
#include "model/import_pickle.h"

struct sklearn {
    struct model *m;
    VEC(struct stage) stages;
    /* The next estimator gets width columns of the vector, behind `before` and with `after` behind
     * it that are other estimators' business. */
    size_t before, width, after;
    size_t *origin;    /* of the whole vector: the feature that a column still is; SIZE_MAX: none */
    const char **fill; /* by feature: the text that stands for a missing one; NULL: none */
    size_t visited;    /* estimators */
    struct model *inner; /* of another framework, in the pickle; NULL */
    size_t spread;       /* columns that may still be made by repeating others */
    /* Bytes of arrays that may still be read: a pickle can name one array a million times, but a
     * model has each for itself. */
    size_t room;
    const char *step; /* "step 'name': " or "" */
    struct error *e;
};

/* ERR_DATA "step 'name': Class: what" */
int sklearn_wrong(struct sklearn *s, const struct pickled *o, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* The array that an attribute is; NULL and an error when it is something else. */
const struct array *sklearn_array(struct sklearn *s, const struct pickled *o, const char *name);
/* Its `count` numbers, in the model's memory; NULL and an error when they are not that. */
double *sklearn_numbers(struct sklearn *s, const struct pickled *o, const char *name, size_t count);
/* Takes the array's bytes from s->room; false and an error when they were read already. */
bool sklearn_charge(struct sklearn *s, const struct pickled *o, const struct array *a);
/* Names of classes from classes_ of `o`: at least two. */
int sklearn_classes(struct sklearn *s, const struct pickled *o);
/* Element i of an array as a text in the model's memory; NULL when it is none. */
const char *sklearn_text(struct sklearn *s, const struct array *a, size_t i);
/* Sets number and base of outputs. */
double *sklearn_outputs(struct sklearn *s, size_t outputs);
/* Whether a parameter is True, or any number but 0. */
bool sklearn_flag(const struct pickled *o, const char *name);
/* A number in a record; NaN when there is no such field or it is no number. */
double sklearn_field(const struct dtype_field *f, const char *record);
/* What is no index becomes one that is out of range everywhere. */
uint32_t sklearn_index(double x);
/* Sum as numpy adds a row of a matrix: pairwise, in eight columns. */
double numpy_sum(const double *x, size_t n);

/* The estimators of the root, a model or a pipeline that ends with one: the first that gets a row,
 * the one that predicts. */
const struct pickled *sklearn_first(const struct pickled *root);
const struct pickled *sklearn_last(const struct pickled *root);
/* ERR_DATA that names every estimator which is not supported. */
int sklearn_check(struct sklearn *s, const struct pickled *root);
/* Sets the columns that an estimator of XGBoost or LightGBM takes; leaves them as they are when o
 * is none. */
int sklearn_booster_width(struct sklearn *s, const struct pickled *o, size_t *width);
/* Reads all of them, after sklearn_check. */
int sklearn_read(struct sklearn *s, const struct pickled *root);
/* Reads one that a predictor has of its own before it. */
int sklearn_read_own(struct sklearn *s, const struct pickled *o);

/* Each reads one estimator into s->m. */
typedef int sklearn_reader(struct sklearn *s, const struct pickled *o);
sklearn_reader sklearn_tree_classifier, sklearn_tree_regressor;
sklearn_reader sklearn_forest_classifier, sklearn_forest_regressor;
sklearn_reader sklearn_boosting_classifier, sklearn_boosting_regressor;
sklearn_reader sklearn_histogram_boosting;
sklearn_reader sklearn_logistic, sklearn_regression, sklearn_ridge_classifier;
sklearn_reader sklearn_sgd_classifier, sklearn_class_only, sklearn_discriminant;
sklearn_reader sklearn_log_link, sklearn_tweedie;
sklearn_reader sklearn_booster; /* of XGBoost and LightGBM */
/* Adds a stage of the columns at hand; valid until the next. */
struct stage *sklearn_stage(struct sklearn *s, enum stage_kind kind);
/* The columns at hand become n of them, by their numbers: chosen, repeated, reordered. What they
 * are of is in s->origin, made anew. */
int sklearn_pick(struct sklearn *s, const size_t *columns, size_t n);
/* Each adds stages. */
sklearn_reader sklearn_standard_scaler, sklearn_minmax_scaler, sklearn_maxabs_scaler;
sklearn_reader sklearn_robust_scaler, sklearn_normalizer, sklearn_imputer, sklearn_onehot;
sklearn_reader sklearn_ordinal, sklearn_function;

#endif
