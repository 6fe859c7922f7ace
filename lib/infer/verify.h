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
};

/* Appends `random` rows of seed and, with them, rows in which every value of interest stands at
 * least once (at most `most` in all): thresholds and their neighbours in the model's precision,
 * category codes and codes of none, the parameters of stages, values no number is like. */
void verify_rows_make(const struct model *m, size_t random, size_t most, uint64_t seed,
                      struct verify_rows *rows);
/* Appends one row, unless the model refuses it. */
void verify_rows_add(struct verify_rows *rows, struct reference *r, const double *row);
void verify_rows_release(struct verify_rows *rows);

/* How far results are from the reference's. */
struct verify_result {
    size_t rows, values;
    size_t different;      /* values that are not the same bits */
    double largest;        /* difference, relative to the larger magnitude above 1 */
    double largest_answer; /* the same of answers */
    size_t row, output;    /* of the first margin that differs */
    double wanted, got;    /* there */
};
/* margins, answers: rows->n * outputs; NULL: not compared. Results accumulate: begin with {0}. */
void verify_compare(const struct model *m, const struct verify_rows *rows, const double *margins,
                    const double *answers, struct verify_result *result);
/* What is demanded: no margin further away than margin_tolerance (0: the same bits), no answer
 * than answer_tolerance. */
bool verify_passes(const struct verify_result *r, double margin_tolerance, double answer_tolerance);

#endif
