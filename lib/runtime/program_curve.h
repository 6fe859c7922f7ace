/*
 * Curves that row programs compute of one number, by number: ML_CURVES; the steps that learn them
 * call the same functions. Each gets the number, which is not missing, and n constants. False: the
 * number is outside of the curve's domain, or the constants do not fit.
 */
#ifndef RUNTIME_PROGRAM_CURVE_H
#define RUNTIME_PROGRAM_CURVE_H

#include "runtime/runtime.h"

#include <stdbool.h>

#define ML_CURVES(CURVE)                                                                           \
    CURVE(log_shift)   /* ln(x + constant), which must be above 0 */                               \
    CURVE(uniform)     /* share of values below, from n quantiles at even shares */                \
    CURVE(normal)      /* the normal quantile of that share, within +-5.2 */                       \
    CURVE(scores)      /* n / 2 values, increasing, and as many scores: linear in between */       \
    CURVE(yeo_johnson) /* lambda, mean, deviation */                                               \
    CURVE(box_cox)     /* the same */                                                              \
    CURVE(clipped)     /* low, high; NaN is no bound */                                            \
    CURVE(within)      /* missing beyond low and high */                                           \
    CURVE(share)       /* factor, total: factor x / total, missing unless finite */

#define ML_DECLARE_CURVE(name)                                                                     \
    ML_API bool ml_curve_##name(double x, const double *constant, size_t n, double *out);
ML_CURVES(ML_DECLARE_CURVE)
#undef ML_DECLARE_CURVE
#define ML_CURVE_CODE(name) ML_CURVE_##name,
enum ml_curve_code { ML_CURVES(ML_CURVE_CODE) ML_CURVE_COUNT };
#undef ML_CURVE_CODE

ML_API double ml_box_cox(double x, double lambda);
ML_API double ml_yeo_johnson(double x, double lambda);

#endif
