/*
 * What row programs compute of several numbers at once, by number: ML_VECTORS. A kernel gets n
 * numbers and `count` constants, and makes k numbers; false: their counts do not fit the kernel.
 * NaN is missing. Additions are in the order of the steps that do the same to batches.
 */
#ifndef RUNTIME_PROGRAM_VECTOR_H
#define RUNTIME_PROGRAM_VECTOR_H

#include "runtime/runtime.h"

#include <stdbool.h>

struct ml_vector {
    const double *in;
    uint32_t n;
    const double *constant;
    uint32_t count;
    double *out;
    uint32_t k;
};

#define ML_VECTORS(VECTOR)                                                                         \
    VECTOR(linear)    /* weights (in - shift): shift (n), weights (k rows of n) */                 \
    VECTOR(fourier)   /* the same, then cosines: size, phase (k), shift, weights */                \
    VECTOR(distances) /* to k points of n */                                                       \
    VECTOR(landmarks) /* gamma, k points of n, a matrix of k rows of k */                          \
    VECTOR(waves)     /* of one number: sine and cosine of 1, 2 ... turns in a period */           \
    VECTOR(splines)   /* of one number: degree, knots */                                           \
    VECTOR(sum)       /* of what is not missing; so are the next five */                           \
    VECTOR(mean)                                                                                   \
    VECTOR(least)                                                                                  \
    VECTOR(most)                                                                                   \
    VECTOR(deviation)                                                                              \
    VECTOR(product)                                                                                \
    VECTOR(unit_l1) /* divided by their length, missing ones counting as 0 in it */                \
    VECTOR(unit_l2)                                                                                \
    VECTOR(unit_max)                                                                               \
    VECTOR(scaled)  /* times n constants */                                                        \
    VECTOR(bm25)    /* k counts of words and that of all: k1, b, usual count, k weights */         \
    VECTOR(weights) /* of k components, least squares, none negative: k rows of n, k of k */       \
    VECTOR(ellipse) /* the squared distance, behind n numbers: centre (n), root (n rows of n) */   \
    VECTOR(forest)  /* how early rows are cut off: see program_near.c */                           \
    VECTOR(density) /* how much thinner than its neighbours: see there */                          \
    VECTOR(nearest) /* mean of a number of the nearest rows: see there */

#define ML_VECTOR_CODE(name) ML_VECTOR_##name,
enum ml_vector_code { ML_VECTORS(ML_VECTOR_CODE) ML_VECTOR_COUNT };
#undef ML_VECTOR_CODE
#define ML_DECLARE_VECTOR(name) ML_API bool ml_vector_##name(const struct ml_vector *v);
ML_VECTORS(ML_DECLARE_VECTOR)
#undef ML_DECLARE_VECTOR

enum { ML_SPLINE_DEGREE_MAX = 5, ML_FOREST_NODES = 1 << 26 };

ML_API bool ml_vector_run(uint32_t code, const struct ml_vector *v);

#endif
