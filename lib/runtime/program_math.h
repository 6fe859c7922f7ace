/*
 * Mathematical functions that row programs call by number. Expressions and steps run the same ones,
 * so that a compiled preparation gives the same bits on the same C library.
 */
#ifndef RUNTIME_PROGRAM_MATH_H
#define RUNTIME_PROGRAM_MATH_H

#include "runtime/runtime.h"

#define ML_PI 3.14159265358979323846

/* Those of one number that the C library lacks. */
ML_API double ml_degrees(double x);
ML_API double ml_radians(double x);
ML_API double ml_cube_root(double x);
ML_API double ml_logit(double p);
ML_API double ml_sigmoid(double x);
ML_API double ml_norm_cdf(double x);
ML_API double ml_norm_ppf(double p);

/* Functions of a number and four parameters: what steps do to each cell. Unused parameters are
 * NaN. */
enum { ML_MAP_PARAMETERS = 4 };
#define ML_MAPS(MAP)                                                                               \
    MAP(log) /* to base p0, natural when NaN */                                                    \
    MAP(log1p)                                                                                     \
    MAP(log10)                                                                                     \
    MAP(log2)                                                                                      \
    MAP(sqrt)                                                                                      \
    MAP(cbrt)                                                                                      \
    MAP(square)                                                                                    \
    MAP(reciprocal)                                                                                \
    MAP(power) /* x^p0 */                                                                          \
    MAP(arcsin_sqrt)                                                                               \
    MAP(arcsinh) /* of (x - p0) / p1 */                                                            \
    MAP(logit)                                                                                     \
    MAP(sigmoid)                                                                                   \
    MAP(abs)                                                                                       \
    MAP(sign)                                                                                      \
    MAP(clip)     /* no less than p0 and no more than p1 */                                        \
    MAP(round)    /* to p0 decimal places; p1 is 10^|p0| */                                        \
    MAP(binarize) /* 1 above p0, else 0 */
#define ML_DECLARE_MAP(name) ML_API double ml_map_##name(double x, const double *p);
ML_MAPS(ML_DECLARE_MAP)
#undef ML_DECLARE_MAP

typedef double ml_real(double x);
typedef double ml_real2(double x, double y);
typedef double ml_map(double x, const double *parameters);

/* By number, NULL when there is none. */
ML_API ml_real *ml_real_at(uint32_t i);
ML_API ml_real2 *ml_real2_at(uint32_t i);
ML_API ml_map *ml_map_at(uint32_t i);

#endif
