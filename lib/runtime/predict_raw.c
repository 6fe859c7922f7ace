/* Raw rows. There are no programs yet: every row is refused. */
#include "runtime/predict.h"

ML_API size_t ml_image_predict_raw(const struct ml_image *m, const struct ml_kernels *kernels,
                                   const struct ml_text *fields, size_t n, enum ml_what what,
                                   void *work, double *out, struct ml_refusal *why)
{
    (void)m, (void)kernels, (void)fields, (void)n, (void)what, (void)work, (void)out, (void)why;
    return 0;
}
