/*
 * infer: predictions. Two ways that must agree to the last bit: the reference, plain loops over
 * the trees of a struct model, one row at a time, in the model's own precision and order of
 * additions; and the predictor, a model compiled into an image (runtime/image.h), run by the
 * kernels that artefacts carry, too.
 */
#ifndef INFER_H
#define INFER_H

#include "model/model.h"
#include "prep/prep.h"
#include "runtime/predict.h"

/* ---- the reference ---- */

/* Room for the vectors of a row's stages; one per thread. */
struct reference;
struct reference *reference_new(const struct model *m); /* borrows m */
void reference_free(struct reference *r);

/* Margins of a row of m->feature_count values (NaN: missing; texts and categories as their codes,
 * -1: unknown): m->outputs of them. ERR_DATA when a stage refuses a value. */
int reference_margins(struct reference *r, const double *row, double *margins, struct error *e);
/* Whether no stage refuses the row. */
bool reference_takes(struct reference *r, const double *row);
/* The source's number of the leaf of each tree: m->trees.count of them. MODEL_TREES only. */
int reference_leaves(struct reference *r, const double *row, uint32_t *leaves, struct error *e);
size_t reference_outputs(const struct reference *r);
/* Margins of a row to the model's answers, in place. */
void reference_answers(const struct reference *r, double *margins);
void margins_transform(const struct model *m, double *margins);
/* The class of a row's answers: the largest, of equal ones the first; or, of a single one, 1 above
 * m->cut. */
size_t margins_class(const struct model *m, const double *transformed);

/* ---- the predictor ---- */

struct compile_options {
    struct recipe
        *prep; /* fitted: raw rows go in, and it is fused with the model; NULL: features */
    const char *prep_name;   /* its file, for what the image says of itself */
    const struct zone *zone; /* of clock times in raw rows that name none; NULL: refused */
    bool float32;            /* numbers and sums of a model in doubles become floats: not exact */
    bool u8; /* features with more than 255 thresholds keep 255 of them: not exact */
};

/* A compiled model and the names that go with it. Read-only once made: any number of threads. */
struct predictor {
    const struct ml_image *image;
    const struct ml_kernels *kernels; /* the fastest here, as $ML_SIMD limits them */
    const char *info;                 /* JSON, as ml_info gives it */
    const char **features;            /* image->features names */
    const char **fields;              /* image->fields names of raw columns */
    bool prepared;                    /* a preparation is fused with the model */
    bool takes_fields;    /* rows must come as raw fields: they are prepared, or have texts */
    const char **classes; /* class_count; NULL: none, or without names */
    size_t class_count;
    size_t trees; /* 0: linear */
    bool named;   /* the features' names are the model's own, not f0, f1 ... */
    bool exact;   /* compiled without float32 and u8 */
    /* The rest is private. */
    struct arena arena;
    void *memory;
};

/* ERR_DATA when the model is too large; ERR_NO naming every step of the preparation that does not
 * go row by row, or is not known to the compiler. Copies what it needs. */
int predictor_compile(const struct model *m, const struct compile_options *o,
                      struct predictor **out, struct error *e);
/* From the bytes of an image, which are checked and copied: ERR_DATA when they are none. */
int predictor_load(const void *image, size_t n, struct predictor **out, struct error *e);
void predictor_free(struct predictor *p); /* NULL is fine */

/* Names of the predicted columns: "prediction", "prob_yes" ... */
enum predict_kind {
    PREDICT_ANSWER, /* what the model's own framework answers: a value, probabilities, or a class */
    PREDICT_MARGIN, /* before the last transform */
    PREDICT_PROBABILITY, /* of each class */
    PREDICT_CLASS,
    PREDICT_LEAF, /* of each tree */
};

/* Adds a step to a recipe: the columns that the predictor needs are looked up by name, and the
 * rows leave with those of `keep` (a selection; NULL: none) and the predictions. Opening it fails
 * with ERR_DATA when a column is not there, unless absent_is_missing; with ERR_USAGE when the
 * model has no such predictions. A row that the model refuses is a wrong cell. p is borrowed. */
struct predict_step {
    const struct predictor *predictor;
    enum predict_kind kind;
    const char *keep;
    bool absent_is_missing;
};
void predict_step_add(struct recipe *r, const struct predict_step *how);

#endif
