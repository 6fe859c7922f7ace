/* The parts of a prediction around the trees. */
#ifndef RUNTIME_STAGE_H
#define RUNTIME_STAGE_H

#include "runtime/predict.h"

/* Runs all stages over a row; both vectors have room for the widest one, the first holds the
 * features. Returns the vector with the result, or NULL when a stage refuses a value. */
ML_API double *ml_stages_run(const struct ml_image *m, double *vector, double *other,
                             struct ml_refusal *why);
ML_API uint32_t ml_stages_widest(const struct ml_image *m); /* numbers of the longest vector */

/* Margins of a linear model for a row of m->width numbers. */
ML_API void ml_linear_margins(const struct ml_image *m, const double *row, double *margins);

#endif
