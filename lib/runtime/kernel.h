/*
 * kernel: compiled trees, how they lie in memory, and the functions that run them.
 *
 * A value is first coded: a column has the sorted cuts of a feature (its thresholds in all trees,
 * each once), and the code of a value is how many of them it reaches. A plane is a column with one
 * way of taking what is missing. "Goes right at this threshold" then is "has a code above this
 * number", exactly; for sets of categories it is a bit of a table, looked up by code.
 *
 * Rows go in blocks of ML_ROWS. A line has a bit for each row of a block: whether it goes right
 * where a plane is compared with one code, or with one set. Many nodes of many trees ask the same,
 * so lines are made once for a group of trees, by logic from the bits of the codes, and a tree
 * takes hundreds of rows at a time through logic on lines: a perfect tree (padded, shallow) by
 * picking the bits of the leaf's number from its two halves; a sparse one (up to ML_LEAVES leaves,
 * any depth) by sending all rows down from the root. A deep tree has more leaves; its rows walk,
 * many at a time so that they do not wait for one another. A single row walks through all trees.
 * Leaves are added in the order of the trees, as the source does: sums are the same to the bit.
 */
#ifndef RUNTIME_KERNEL_H
#define RUNTIME_KERNEL_H

#include "runtime/runtime.h"

/* Whether there are vectors of 16 bytes. */
#if defined(__SSE2__) || defined(__ARM_NEON) || defined(__wasm_simd128__) || defined(__VSX__)
#define ML_HAS_VECTORS 1
#else
#define ML_HAS_VECTORS 0
#endif

#if ML_HAS_VECTORS || UINTPTR_MAX > UINT32_MAX
#define ML_ROWS 512 /* of a block */
#else
#define ML_ROWS 64 /* where memory is short */
#endif
#define ML_LINE   (ML_ROWS / 8) /* bytes */
#define ML_LEVELS 8             /* of a column's cuts, 16 times as many on each */
#define ML_LEAVES 256           /* of a perfect or sparse tree: a leaf's number is a byte */
#define ML_BITS   16            /* of codes that lines are made of */

enum { ML_MISSING_LEFT = 1, ML_MISSING_IS_ZERO = 2, ML_MISSING_WITH_ZERO = 4 };
enum { ML_SUM_ADD, ML_SUM_MEAN, ML_SUM_MIN, ML_SUM_MAX };

#define ML_NO_BYTE UINT32_MAX

/* The cuts lie in blocks of 16 numbers. The last level has all of them, ascending, then NaN up to
 * the end of a block, in a block of its own when they fill all; the level before it has every
 * sixteenth of those, and so on; the first is one block. The planes of a usual column
 * have one byte a code, no way for zeros and no deep trees. */
struct ml_column {
    uint32_t feature;
    uint32_t cuts;
    uint32_t levels;
    uint32_t plane, planes;    /* the first of those it fills, and how many */
    uint32_t byte;             /* of a usual column's first plane; else ML_NO_BYTE */
    uint32_t level[ML_LEVELS]; /* bytes in ML_AT_CUT before each */
    double missing;            /* what a usual column's first plane takes NaN for */
};

struct ml_plane {
    uint32_t codes;       /* those that occur are below it */
    uint32_t missing;     /* code of NaN */
    uint32_t with_zero;   /* and of |x| <= 1e-35F */
    uint32_t bytes, byte; /* of a code as lines take it, 0 to 2; the first of them in a block */
    uint32_t word, words; /* a plane of sets: uint32_t of a set, those of its first */
    uint32_t sets;
};

/* The lines of a plane in a group: of each, ML_AT_CODE has the code that its rows are above, or the
 * number of the set. How lines of codes are made: for each bit of the codes from the lowest on,
 * two counts (uint16_t), a and b, and a + b numbers of lines of the level before: the first a of
 * the new level are those lines or the bit, the others are those and the bit. The level before the
 * first is a single line of no rows. */
struct ml_fill {
    uint32_t plane;
    uint32_t line, lines;
    uint32_t bits;  /* levels */
    uint32_t level; /* their first number in ML_AT_LEVEL */
};

/* Consecutive trees that share lines. */
struct ml_group {
    uint32_t tree, trees;
    uint32_t walked; /* trees that are not deep: single rows need the lines for them */
    uint32_t fill, fills;
    uint32_t code; /* of its first line, in ML_AT_CODE */
    uint32_t lines;
};

enum ml_tree_kind { ML_PERFECT, ML_SPARSE, ML_DEEP };

/*
 * Nodes name a line by 8 times its number.
 *
 * Perfect: at `node` lie the lines of 2^depth - 1 nodes, level by level; its 2^depth leaves are
 * numbered from left to right. The depth is 0, or 3 to 8. Trees of one depth are alike when nodes
 * and values of each follow those of the one before it in the group.
 *
 * Sparse: a row's place starts as 0, and node i sends it from one place to 2i + 1 or 2i + 2. At
 * `node` lie the places that nodes send from; for each place two numbers, a line and the place to
 * its left, of a leaf's place 8 times the group's lines plus the leaf's number and the place
 * itself; then, for each bit of a leaf's number, a count and the places whose leaves all have it.
 *
 * Deep: at `node` lie its struct ml_step. For blocks its top, 0 or 3 to 8 levels, is a perfect tree
 * with its lines at `top`; at `start` lies where rows go on from the leaves of that, as children
 * do.
 */
struct ml_tree {
    uint8_t kind;
    uint8_t bits;   /* perfect and sparse: of a leaf's number; deep: levels of its top */
    uint16_t alike; /* perfect: trees from this on that are alike */
    uint32_t depth; /* steps to the farthest leaf */
    uint32_t nodes; /* with children */
    uint32_t leaves;
    uint32_t node;   /* in ML_AT_NODE, or ML_AT_STEP */
    uint32_t output; /* the first it adds to */
    uint32_t number; /* of its first leaf in ML_AT_NUMBER */
    uint32_t top;    /* deep: in ML_AT_NODE */
    uint32_t start;  /* deep: in ML_AT_START */
    uint32_t unused;
    uint64_t value; /* perfect and sparse: [width][2^bits]; deep: [leaves][width] */
};

/* A node of a deep tree: to the right when the code is above `code`, or by set `code`. Children
 * count from the tree's first; -1 minus the number of a leaf. */
struct ml_step {
    uint32_t plane, code;
    int32_t child[2];
};

enum ml_section {
    ML_AT_COLUMN, /* struct ml_column */
    ML_AT_CUT,    /* float when single_input, else double */
    ML_AT_PLANE,  /* struct ml_plane */
    ML_AT_WORD,   /* uint32_t: bit c % 32 of word c / 32 of a set: code c goes right */
    ML_AT_BASE,   /* double, outputs */
    ML_AT_GROUP,  /* struct ml_group */
    ML_AT_FILL,   /* struct ml_fill */
    ML_AT_LEVEL,  /* uint16_t */
    ML_AT_CODE,   /* uint16_t */
    ML_AT_TREE,   /* struct ml_tree */
    ML_AT_NODE,   /* uint16_t */
    ML_AT_STEP,   /* struct ml_step */
    ML_AT_START,  /* int32_t */
    ML_AT_VALUE,  /* float when single_sum, else double */
    ML_AT_NUMBER, /* uint32_t when wide_numbers, else uint16_t: leaves in their source */
    ML_AT_END,
};

/* A plan is one piece of memory, this at its start, little-endian, aligned to 8 bytes. Its sections
 * lie one behind the other, at multiples of 64 from its start, each with 256 zeros behind it:
 * kernels read beyond the last value. */
struct ml_plan {
    char magic[8];
    uint64_t bytes;
    uint32_t features, outputs, width, trees;
    uint32_t columns, planes, groups;
    uint32_t number_planes; /* planes of sets come behind them */
    uint8_t single_input;   /* values are rounded to float before they are compared */
    uint8_t single_sum;     /* sums and leaves are floats, else doubles */
    uint8_t how, base_last; /* ML_SUM_ADD ... */
    uint8_t narrow;         /* wide sums become floats in the end */
    uint8_t has_deep, wide_numbers, unused;
    uint32_t rounds;            /* of a mean */
    uint32_t row_bytes;         /* of a row's codes as lines take them */
    uint32_t lines;             /* of the largest group */
    uint32_t levels;            /* lines of memory that making those of numbers takes */
    uint32_t set_codes;         /* the most that a plane has whose sets have lines; 0: none */
    uint64_t at[ML_AT_END + 1]; /* of the sections; the last is bytes */
};
#define ML_PLAN_MAGIC "mlplan2"

/* 0 when all that kernels will touch lies inside the plan and it in `bytes`, else a negative
 * number: what a plan from a file must pass before it is used. */
ML_API int ml_plan_check(const struct ml_plan *p, uint64_t bytes);

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
/* One row of p->features doubles. work: ml_row_bytes, aligned to 8; a block is enough. */
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
ML_API size_t ml_row_bytes(const struct ml_plan *p);

#endif
