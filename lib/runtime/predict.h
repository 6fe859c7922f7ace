/* Rows in, predictions out. Any number of threads, each with work of its own. */
#ifndef RUNTIME_PREDICT_H
#define RUNTIME_PREDICT_H

#include "runtime/image.h"
#include "runtime/kernel.h"

enum ml_what {
    ML_MARGINS, /* before the transform */
    ML_ANSWERS, /* after it */
};

/* Why a row was refused. */
struct ml_refusal {
    enum { ML_REFUSED_BY_STAGE = 1, ML_REFUSED_BY_PROGRAM } by;
    uint32_t number;  /* of the stage, or of the recipe's step; from 1, 0: the model itself */
    uint32_t column;  /* of the stage, or of the program's fields; from 1, 0: not known */
    const char *text; /* "is not a number"; constant */
};

/* Bytes of work that a prediction needs, aligned to 64. */
ML_API size_t ml_image_work(const struct ml_image *m);
/* The same when every call is for one row: less. */
ML_API size_t ml_image_row_work(const struct ml_image *m);

/* out[r * outputs + k] for n rows of features. Returns n, or the number of the row (from 0) that a
 * stage refuses; why may be NULL. kernels: from ml_kernels_best. */
ML_API size_t ml_image_predict(const struct ml_image *m, const struct ml_kernels *kernels,
                               const struct ml_rows *rows, size_t n, enum ml_what what, void *work,
                               double *out, struct ml_refusal *why);

/* The same for rows of raw fields, fields[r * m->fields + i]. */
ML_API size_t ml_image_predict_raw(const struct ml_image *m, const struct ml_kernels *kernels,
                                   const struct ml_text *fields, size_t n, enum ml_what what,
                                   void *work, double *out, struct ml_refusal *why);

/* The numbers, in the model's source, of the leaf each tree leads to: leaves[r * trees + t]. */
ML_API size_t ml_image_leaves(const struct ml_image *m, const struct ml_kernels *kernels,
                              const struct ml_rows *rows, size_t n, void *work, uint32_t *leaves,
                              struct ml_refusal *why);
ML_API size_t ml_image_leaves_raw(const struct ml_image *m, const struct ml_kernels *kernels,
                                  const struct ml_text *fields, size_t n, void *work,
                                  uint32_t *leaves, struct ml_refusal *why);

/* Margins of a row to its answers, in place. */
ML_API void ml_image_answers(const struct ml_image *m, double *margins);
/* The class of a row's answers: the largest, of equal ones the first; or, of a single one, 1 above
 * the cut. */
ML_API size_t ml_image_class(const struct ml_image *m, const double *answers);

#endif
