/*
 * A compiled model as one piece of memory, wherever it lies: every *_at is an offset from the
 * start. Little-endian, aligned to 64 bytes. A row goes through the program (raw fields to
 * features), the stages, the predictor (trees or weights) and the
 * transform, as in the model it was made of.
 */
#ifndef RUNTIME_IMAGE_H
#define RUNTIME_IMAGE_H

#include "runtime/runtime.h"

#define ML_IMAGE_MAGIC   "mlimage"
#define ML_IMAGE_VERSION 1

enum { ML_TREES, ML_LINEAR };

enum {
    ML_TRANSFORM_NONE,
    ML_TRANSFORM_SIGMOID, /* 1 / (1 + exp(-scale * x)), each output */
    ML_TRANSFORM_SOFTMAX,
    ML_TRANSFORM_EXP,
    ML_TRANSFORM_STEP,      /* x > 0 */
    ML_TRANSFORM_SQUARE,    /* sign(x) x^2 */
    ML_TRANSFORM_LOG1P_EXP, /* log1p(exp(x)) */
    ML_TRANSFORM_SOFTMAX_ZERO,
    ML_TRANSFORM_PROBIT,
    ML_TRANSFORM_NORMALIZE,     /* x / sum of the outputs */
    ML_TRANSFORM_SIGMOID_SHARE, /* sigmoid of each output, divided by their sum */
};

/* A stage makes a vector of another; the numbers' meaning is that of struct stage in
 * model/model.h. */
enum {
    ML_STAGE_IMPUTE,
    ML_STAGE_CENTER,
    ML_STAGE_AFFINE,
    ML_STAGE_SHIFT,
    ML_STAGE_NORM,
    ML_STAGE_ONEHOT,
    ML_STAGE_MAP,
    ML_STAGE_FLOAT,
    ML_STAGE_PICK,
    ML_STAGE_MISSING,
};
enum {
    ML_NORM_LARGEST,
    ML_NORM_SUM,
    ML_NORM_ROOT,
    ML_NORM_LARGEST_VALUE,
    ML_NORM_ROOT_OF_RATIO,
};

struct ml_stage {
    uint8_t kind, single, norm, clips;
    uint8_t truncates, refuses; /* refuses: an unknown category is an error */
    uint8_t unused[2];
    uint32_t in, out;
    uint32_t before, after;         /* columns that pass as they are */
    uint32_t map_count, categories; /* categories of all columns together */
    double what, otherwise, clip[2];
    uint64_t a_at, b_at;     /* double, columns; 0: none */
    uint64_t category_at;    /* double, categories */
    uint64_t first_at;       /* uint32_t, columns + 1; 0: all columns have one map */
    uint64_t drop_at;        /* uint32_t, columns; UINT32_MAX: none; 0: nothing is dropped */
    uint64_t from_at, to_at; /* double, map_count */
    uint64_t pick_at;        /* uint32_t, out */
};

struct ml_image {
    char magic[8];
    uint64_t bytes;
    uint32_t version;
    uint8_t kind, transform;
    uint8_t single;        /* linear: rows, products and sums in float */
    uint8_t base_last;     /* linear: the base is added in the end */
    uint8_t two_classes;   /* one margin, of class 1 */
    uint8_t answers_class; /* the source's own answer is a class */
    uint8_t unused[2];
    uint32_t features; /* of a row, before the stages */
    uint32_t width;    /* of the vector that the predictor gets */
    uint32_t outputs;  /* margins, and as many answers */
    uint32_t stages;
    uint32_t fields; /* raw fields that the program takes */
    uint32_t reserved;
    double scale, cut; /* cut: a single output above it means class 1 */
    uint64_t stage_at; /* struct ml_stage */
    uint64_t plan_at;  /* trees: struct ml_plan, which ends where the image says */
    uint64_t plan_bytes;
    uint64_t base_at;    /* double, outputs: linear */
    uint64_t weight_at;  /* double, outputs * width: linear */
    uint64_t program_at; /* struct ml_program */
    uint64_t program_bytes;
    uint64_t info_at; /* JSON, ends with NUL: names, classes, where the model came from */
    uint64_t info_bytes;
};

/* 0 when everything a prediction will touch lies inside `bytes`, else a negative number: what an
 * image from a file must pass before it is used. */
ML_API int ml_image_check(const struct ml_image *m, uint64_t bytes);

#endif
