/*
 * Compiled trees: how they lie in memory, and the functions that run them. This header and the
 * kernels include nothing of the library: an artefact is made of them and of a plan's bytes.
 *
 * Rows go in blocks of ML_ROWS. A plane is what nodes test of a row: a feature, with one way of
 * taking what is missing, or membership of a category in a set. Of a number the plane has the code:
 * how many of the feature's cuts (its thresholds in all trees, sorted, each once) lie at or below
 * it (below it, for x <= threshold). A node compares codes, which says exactly what comparing the
 * numbers says. Trees are padded to perfect ones and all their nodes are compared: no row waits for
 * another, and 16, 32 or 64 rows go through an instruction. A single row walks instead, through
 * several trees at a time. Where codes do not do, all rows walk, comparing numbers.
 */
#ifndef ML_KERNEL_H
#define ML_KERNEL_H

#include "runtime/runtime.h"

#define ML_ROWS      64 /* of a block */
#define ML_DEPTH_MAX 8  /* of trees that have codes: a leaf's number is a byte */
#define ML_CUTS      255
#define ML_CUTS_ROOM 272 /* cuts of a feature with one-byte codes, padded with NaN */

enum { ML_MISSING_LEFT = 1, ML_MISSING_IS_ZERO = 2, ML_MISSING_WITH_ZERO = 4 };
enum { ML_SET_OF_FLOOR, ML_SET_OF_TRUNCATED, ML_SET_OF_WHOLE };
enum { ML_SUM_ADD, ML_SUM_MEAN, ML_SUM_MIN, ML_SUM_MAX };

struct ml_plane {
    uint32_t feature;
    uint32_t missing;     /* bits as above */
    uint32_t cut, cuts;   /* first of the cuts, and how many */
    uint32_t word, words; /* of its set; words == 0 and cuts == 0: an empty set */
    uint32_t is_set;
};

struct ml_tree {
    uint32_t depth;
    uint32_t node; /* first of its 2^depth - 1 nodes: children before parents, left before right */
    uint32_t leaf; /* first of its 2^depth leaves */
    uint32_t step; /* first of its steps */
    uint32_t output; /* first output it adds to */
};

/* A node for walking without codes: left when slot < threshold, else the step after `left`; both
 * count from the tree's first. A leaf goes to itself. */
struct ml_step {
    double threshold;
    uint32_t slot, left;
};

/* A plan is one piece of memory, this at its start, little-endian, aligned to 8 bytes; *_at are
 * offsets from its start. */
struct ml_plan {
    char magic[8];
    uint64_t bytes;
    uint32_t features, outputs, width, trees, planes, steps;
    uint8_t single_input; /* values are rounded to float before they are compared */
    uint8_t less_equal;
    uint8_t single_sum; /* sums and leaves are floats, else doubles */
    uint8_t how, base_last;
    uint8_t has_codes;
    uint8_t narrow;         /* wide sums become floats in the end */
    uint8_t sets_of;        /* how a number becomes a category */
    uint32_t rounds;        /* of a mean */
    uint32_t wide_ids;      /* leaf ids are uint32_t, else uint16_t */
    uint64_t plane_at;      /* struct ml_plane */
    uint64_t cut_at;        /* float or double as single_input says, ascending */
    uint64_t word_at;       /* uint32_t: the sets' bits */
    uint64_t base_at;       /* double, outputs */
    uint64_t tree_at;       /* struct ml_tree */
    uint64_t node_plane_at; /* uint16_t */
    uint64_t node_code_at;  /* uint8_t */
    uint64_t leaf_at;       /* float or double as single_sum says, width for each leaf */
    uint64_t step_at;       /* struct ml_step; these only without codes */
    uint64_t value_at;      /* as leaf_at, width for each step */
    uint64_t leaf_id_at;    /* one for each leaf; without codes for each step */
};
#define ML_PLAN_MAGIC "mlplan1"

/* Where rows lie. Value f of row r is column[f][r] when there are columns (column[f] NULL: missing
 * in all rows), else wide[r * stride + f] or single[r * stride + f], whichever is not NULL. NaN is
 * missing. */
struct ml_rows {
    const double *const *column;
    const double *wide;
    const float *single;
    size_t stride;
};

/* A block is ml_block_bytes of memory, aligned to 64, for up to ML_ROWS rows; nothing is allocated.
 * Its rows may be encoded in any order and in pieces, and stay encoded when it is predicted. One
 * thread at a time. */

/* Rows first .. first + n - 1 become rows at .. at + n - 1 of a block. */
typedef void ml_encode_kernel(const struct ml_plan *p, const struct ml_rows *rows, size_t first,
                              size_t n, size_t at, void *block);
/* Margins of the block's first n rows: margins[r * outputs + k]. */
typedef void ml_block_kernel(const struct ml_plan *p, void *block, size_t n, double *margins);
/* The number, in its source, of the leaf each tree leads to: leaves[r * trees + t]. */
typedef void ml_leaves_kernel(const struct ml_plan *p, void *block, size_t n, uint32_t *leaves);
/* One row of p->features doubles. work: as much memory as a block's. */
typedef void ml_row_kernel(const struct ml_plan *p, const double *row, void *work, double *margins);

struct ml_kernels {
    const char *name; /* "plain", "avx2", "avx512" */
    ml_encode_kernel *encode;
    ml_block_kernel *block;
    ml_leaves_kernel *leaves;
    ml_row_kernel *row;
};

/* The fastest that this processor runs, of those up to `level`: "scalar", "sse2", "neon" (all of
 * which are "plain"), "avx2" or "avx512"; NULL: no limit. */
ML_API const struct ml_kernels *ml_kernels_best(const char *level);
ML_API size_t ml_block_bytes(const struct ml_plan *p);

#endif
