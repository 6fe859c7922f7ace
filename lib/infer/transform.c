/* From margins to answers. In double throughout: frameworks that do this in float differ in the
 * last bit of theirs, which is why margins are what is compared. */
#include "infer/infer.h"

#include <math.h>

static void softmax(double *x, size_t n, bool zeros_stay)
{
    double most = -(double)INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        most = x[i] > most ? x[i] : most;
    for (size_t i = 0; i < n; i++) {
        x[i] = zeros_stay && x[i] == 0 ? 0 : exp(x[i] - most);
        sum += x[i];
    }
    for (size_t i = 0; i < n && sum > 0; i++)
        x[i] /= sum;
}

static double transformed(const struct model *m, double x)
{
    switch (m->transform) {
    case TRANSFORM_SIGMOID:
    case TRANSFORM_SIGMOID_SHARE:
        return 1 / (1 + exp(-m->scale * x));
    case TRANSFORM_EXP:
        return exp(x);
    case TRANSFORM_STEP:
        return x > 0;
    case TRANSFORM_SQUARE:
        return x < 0 ? -(x * x) : x * x;
    case TRANSFORM_LOG1P_EXP:
        return log1p(exp(x));
    case TRANSFORM_PROBIT:
        return normal_quantile(x);
    default:
        return x;
    }
}

void margins_transform(const struct model *m, double *margins)
{
    double sum = 0;
    bool shares = m->transform == TRANSFORM_NORMALIZE || m->transform == TRANSFORM_SIGMOID_SHARE;
    if (m->transform == TRANSFORM_SOFTMAX || m->transform == TRANSFORM_SOFTMAX_ZERO) {
        softmax(margins, m->outputs, m->transform == TRANSFORM_SOFTMAX_ZERO);
        return;
    }
    for (size_t k = 0; k < m->outputs; k++) {
        margins[k] = transformed(m, margins[k]);
        sum += margins[k];
    }
    for (size_t k = 0; shares && sum != 0 && k < m->outputs; k++)
        margins[k] /= sum;
}

size_t margins_class(const struct model *m, const double *transformed_margins)
{
    size_t best = 0;
    if (m->outputs == 1)
        return transformed_margins[0] > m->cut;
    for (size_t k = 1; k < m->outputs; k++)
        best = transformed_margins[k] > transformed_margins[best] ? k : best;
    return best;
}
