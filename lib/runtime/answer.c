/* From margins to answers. In double throughout: frameworks that do this in float differ in the
 * last bit of theirs, which is why margins are what is compared. */
#include "runtime/predict.h"

#include "base/base.h"

#include <math.h>
#include <stdbool.h>

static void answer_softmax(double *x, uint32_t n, bool zeros_stay)
{
    double most = -(double)INFINITY, sum = 0;
    for (uint32_t i = 0; i < n; i++)
        most = x[i] > most ? x[i] : most;
    for (uint32_t i = 0; i < n; i++) {
        x[i] = zeros_stay && x[i] == 0 ? 0 : exp(x[i] - most);
        sum += x[i];
    }
    for (uint32_t i = 0; i < n && sum > 0; i++)
        x[i] /= sum;
}

static double answer_of(const struct ml_image *m, double x)
{
    switch (m->transform) {
    case ML_TRANSFORM_SIGMOID:
    case ML_TRANSFORM_SIGMOID_SHARE:
        return 1 / (1 + exp(-m->scale * x));
    case ML_TRANSFORM_EXP:
        return exp(x);
    case ML_TRANSFORM_STEP:
        return x > 0;
    case ML_TRANSFORM_SQUARE:
        return x < 0 ? -(x * x) : x * x;
    case ML_TRANSFORM_LOG1P_EXP:
        return log1p(exp(x));
    case ML_TRANSFORM_PROBIT:
        return normal_quantile(x);
    default:
        return x;
    }
}

ML_API void ml_image_answers(const struct ml_image *m, double *margins)
{
    double sum = 0;
    if (m->transform == ML_TRANSFORM_SOFTMAX || m->transform == ML_TRANSFORM_SOFTMAX_ZERO) {
        answer_softmax(margins, m->outputs, m->transform == ML_TRANSFORM_SOFTMAX_ZERO);
        return;
    }
    for (uint32_t k = 0; k < m->outputs; k++) {
        margins[k] = answer_of(m, margins[k]);
        sum += margins[k];
    }
    bool shares =
        m->transform == ML_TRANSFORM_NORMALIZE || m->transform == ML_TRANSFORM_SIGMOID_SHARE;
    for (uint32_t k = 0; shares && sum != 0 && k < m->outputs; k++)
        margins[k] /= sum;
}

ML_API size_t ml_image_class(const struct ml_image *m, const double *answers)
{
    uint32_t best = 0;
    if (m->outputs == 1)
        return answers[0] > m->cut;
    for (uint32_t k = 1; k < m->outputs; k++)
        best = answers[k] > answers[best] ? k : best;
    return best;
}
