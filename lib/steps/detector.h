/*
 * Detectors: models of what rows usually look like, made from a sample of complete rows. A score is
 * the higher the stranger a row is. Random draws depend on the step alone.
 */
#ifndef STEPS_DETECTOR_H
#define STEPS_DETECTOR_H

#include "prep/prep.h"
#include "runtime/program_vector.h"
#include "steps/row_sample.h"

#define NO_ROW SIZE_MAX

struct detector {
    /* Returned owned; NULL when the sample does not do. It may keep pointers into rows. */
    void *(*build)(const struct step *s, const struct row_sample *rows);
    /* `self`: which row of the sample this is, or NO_ROW.
     * scratch holds scratch_size(model) bytes. */
    double (*score)(const void *model, const double *row, size_t self, void *scratch);
    size_t (*scratch_size)(const void *model);
    void (*free)(void *model);
    double threshold; /* scores above it are anomalies, unless the step says otherwise; NaN: none */
    /* In a row program: the kernel, its constants, and how many results it gives of `width`
     * numbers, the last of which is the score. */
    enum ml_vector_code vector;
    size_t (*constants)(const void *model, struct buf *out);
};

extern const struct detector detector_forest;  /* Liu, Ting and Zhou 2008 */
extern const struct detector detector_lof;     /* Breunig et al. 2000 */
extern const struct detector detector_ellipse; /* minimum covariance determinant, 1999 */

#endif
