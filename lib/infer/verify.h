/*
 * verify: is a compiled model the model? Rows that make a difference (random ones, every threshold
 * and its neighbours, missing, infinite and tiny values, unknown categories), what the reference
 * says of them, and how far another's results are from that.
 */
#ifndef INFER_VERIFY_H
#define INFER_VERIFY_H

#include "infer/infer.h"

/* Rows of features. */
struct verify_rows {
    size_t n, features;
    double *at; /* n * features; owned */
    size_t cap;
    size_t refused; /* rows that the model itself refuses: they are not among the n */
    size_t *from;   /* n: which of the rows that were added, counted from 0; owned */
};

/* Appends `random` rows of seed and, with them, rows in which every value of interest stands at
 * least once (at most `most` in all, and 8 million numbers, but 8 rows of any model): thresholds
 * and their neighbours in the model's precision, category codes and codes of none, the parameters
 * of stages, values no number is like. */
void verify_rows_make(const struct model *m, size_t random, size_t most, uint64_t seed,
                      struct verify_rows *rows);
/* Appends one row, unless the model refuses it. */
void verify_rows_add(struct verify_rows *rows, struct reference *r, const double *row);
void verify_rows_release(struct verify_rows *rows);

/* What is demanded of results, and how far they are from the reference's. Distances are relative to
 * the larger magnitude, where that is more than 1. */
struct verify_result {
    double margin_tolerance; /* 0: the same bits */
    double answer_tolerance;
    double share; /* of the rows that may be further away: 0 for what is exact */

    size_t rows, beyond;   /* beyond: rows further away than the tolerances */
    size_t different;      /* margins that are not the same bits */
    double largest;        /* distance of a margin */
    double largest_answer; /* of an answer */
    size_t row, output;    /* of the first margin or answer beyond */
    double wanted, got;    /* there */
};
/* margins, answers: rows->n * outputs; NULL: not compared. Results accumulate. */
void verify_compare(const struct model *m, const struct verify_rows *rows, const double *margins,
                    const double *answers, struct verify_result *v);
bool verify_passes(const struct verify_result *v);

/* The features of a table's rows, after the steps of r: what a predictor would make of them.
 * predictor is the model's, without a program. */
int verify_rows_read(const struct predictor *predictor, const struct model *m, struct recipe *r,
                     struct input *in, struct verify_rows *rows, struct error *e);

#endif
