/*
 * A compiled model as a C library, in floats or doubles. Every function may be called from any
 * thread; none allocates. Depends on libc and libm alone.
 *
 * A row is ml_inputs() numbers in the order of the model's features (ml_info names them), NaN for
 * what is missing; ld is the distance between two rows, in numbers. out gets ml_outputs() numbers a
 * row. The functions that predict return how many rows they predicted: n, or the number (from 0) of
 * the first row they refuse, such as one with a category the model does not know.
 */
#ifndef MLMODEL_H
#define MLMODEL_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ML_ABI_VERSION 1

int ml_abi(void);        /* ML_ABI_VERSION of the library */
size_t ml_inputs(void);  /* features of a row */
size_t ml_outputs(void); /* numbers of a prediction */
size_t ml_fields(void);  /* raw fields of a row: those of ml_predict_raw */

/* The model's answers: probabilities of classes (of two: of the second), or values. */
size_t ml_predict(const float *x, size_t n, size_t ld, float *out);
size_t ml_predict_f64(const double *x, size_t n, size_t ld, double *out);
/* Before the last transform (sigmoid, softmax ...). */
size_t ml_margins_f64(const double *x, size_t n, size_t ld, double *out);

/* Raw rows: fields as text, as they stand in a CSV file after unquoting; NULL is missing. lengths
 * NULL: they end with NUL. Row r has fields[r * ml_fields()] and on. With fused preparation these
 * are the columns the preparation was fitted on, else the features as numbers. */
size_t ml_predict_raw(const char *const *fields, const size_t *lengths, size_t n, double *out);

/* The class of one prediction, counted from 0. */
size_t ml_class(const double *prediction);

/* JSON: names of features and fields, classes, objective, where the model came from. */
const char *ml_info(void);

#ifdef __cplusplus
}
#endif
#endif
