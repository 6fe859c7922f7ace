/* Linear models of scikit-learn: x @ coef_.T + intercept_ in double, by a matrix product whose
 * order of additions depends on the machine. */
#include "model/import_sklearn.h"

/* intercept_: a number for all outputs, or one for each. */
static int read_intercept(struct sklearn *s, const struct pickled *o, double *base)
{
    const struct pickled *v = pickle_get(o, "intercept_");
    double one;
    if (pickle_number(v, &one)) {
        for (size_t k = 0; k < s->m->outputs; k++)
            base[k] = one;
        return 0;
    }
    const double *numbers = sklearn_numbers(s, o, "intercept_", s->m->outputs);
    if (!numbers)
        return ERR_DATA;
    memcpy(base, numbers, s->m->outputs * sizeof *base);
    return 0;
}

/* coef_: [outputs][columns], or [columns]. */
static int read_linear(struct sklearn *s, const struct pickled *o)
{
    const struct pickled *coef = pickle_get(o, "coef_");
    const struct array *a = coef && coef->kind == PICKLE_ARRAY ? coef->array : NULL;
    if (!a || a->dims < 1 || a->dims > 2 || a->count == 0)
        return sklearn_wrong(s, o, "coef_ is no matrix: it is not fitted");
    if (a->shape[a->dims - 1] != s->width)
        return sklearn_wrong(s, o, "it has weights of %zu columns and gets %zu",
                             a->shape[a->dims - 1], s->width);
    s->m->kind = MODEL_LINEAR;
    s->m->sum.base_last = true;
    double *base = sklearn_outputs(s, a->dims == 2 ? a->shape[0] : 1);
    s->m->linear.weight = sklearn_numbers(s, o, "coef_", a->count);
    return s->m->linear.weight ? read_intercept(s, o, base) : ERR_DATA;
}

int sklearn_regression(struct sklearn *s, const struct pickled *o)
{
    return read_linear(s, o);
}

/* A row of weights per class, or, of two classes, one for the second. */
static int read_classifier(struct sklearn *s, const struct pickled *o,
                           const struct pickled *has_classes)
{
    int status = sklearn_classes(s, has_classes);
    if (status == 0)
        status = read_linear(s, o);
    if (status)
        return status;
    s->m->two_classes = s->m->class_count == 2;
    if (s->m->outputs != (s->m->two_classes ? 1 : s->m->class_count))
        return sklearn_wrong(s, o, "its weights do not fit its classes");
    return 0;
}

/* One against the rest, each by its own probability. */
static void one_against_rest(struct model *m)
{
    m->transform = m->two_classes ? TRANSFORM_SIGMOID : TRANSFORM_SIGMOID_SHARE;
}

int sklearn_logistic(struct sklearn *s, const struct pickled *o)
{
    const struct pickled *multi = pickle_get(o, "multi_class");
    int status = read_classifier(s, o, o);
    if (status)
        return status;
    bool two = s->m->two_classes, multinomial = pickle_is(multi, "multinomial");
    bool ovr = pickle_is(multi, "ovr") ||
               (!multinomial && (two || pickle_is(pickle_get(o, "solver"), "liblinear")));
    if (ovr) {
        one_against_rest(s->m);
        return 0;
    }
    s->m->transform = two ? TRANSFORM_SIGMOID : TRANSFORM_SOFTMAX;
    if (two) /* softmax of -x and x */
        s->m->scale = 2;
    return 0;
}

/* The class is all that it answers: a step at 0, or the largest. */
static void class_only(struct model *m)
{
    m->answers_class = true;
    m->transform = m->two_classes ? TRANSFORM_STEP : TRANSFORM_NONE;
}

int sklearn_ridge_classifier(struct sklearn *s, const struct pickled *o)
{
    const struct pickled *labels = pickle_get(o, "_label_binarizer");
    const struct pickled *kind = pickle_get(labels, "y_type_");
    if (!pickle_is(kind, "binary") && !pickle_is(kind, "multiclass"))
        return sklearn_wrong(s, o, "a classifier of several targets is not supported");
    int status = read_classifier(s, o, labels);
    if (status == 0)
        class_only(s->m);
    return status;
}

int sklearn_class_only(struct sklearn *s, const struct pickled *o)
{
    int status = read_classifier(s, o, o);
    if (status == 0)
        class_only(s->m);
    return status;
}

/* Its probabilities are those of a logistic regression, of one class against the other or of all
 * together. */
int sklearn_discriminant(struct sklearn *s, const struct pickled *o)
{
    int status = read_classifier(s, o, o);
    if (status == 0)
        s->m->transform = s->m->two_classes ? TRANSFORM_SIGMOID : TRANSFORM_SOFTMAX;
    return status;
}

/* Generalized linear models. */

int sklearn_log_link(struct sklearn *s, const struct pickled *o)
{
    s->m->transform = TRANSFORM_EXP;
    return read_linear(s, o);
}

int sklearn_tweedie(struct sklearn *s, const struct pickled *o)
{
    const struct pickled *link = pickle_get(o, "link");
    double power = 0;
    (void)pickle_number(pickle_get(o, "power"), &power);
    if (!pickle_is(link, "auto") && !pickle_is(link, "log") && !pickle_is(link, "identity"))
        return sklearn_wrong(s, o, "this link is not supported");
    if (pickle_is(link, "log") || (pickle_is(link, "auto") && power > 0))
        return sklearn_log_link(s, o);
    return read_linear(s, o);
}

int sklearn_sgd_classifier(struct sklearn *s, const struct pickled *o)
{
    const struct pickled *loss = pickle_get(o, "loss");
    int status = read_classifier(s, o, o);
    if (status)
        return status;
    if (pickle_is(loss, "log_loss") || pickle_is(loss, "log"))
        one_against_rest(s->m);
    else
        class_only(s->m);
    return 0;
}
