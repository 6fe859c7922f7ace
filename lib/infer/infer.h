/*
 * infer: predictions. The reference here is plain loops over struct model, one row at a time, in
 * the model's own precision and order of additions: what every tuned kernel must equal to the last
 * bit.
 */
#ifndef INFER_H
#define INFER_H

#include "model/model.h"

/* Room for the vectors of a row's stages; one per thread. */
struct reference;
struct reference *reference_new(const struct model *m); /* borrows m */
void reference_free(struct reference *r);

/* Margins of a row of m->feature_count values (NaN: missing; texts and categories as their codes,
 * -1: unknown): m->outputs of them. ERR_DATA when a stage refuses a value. */
int reference_margins(struct reference *r, const double *row, double *margins, struct error *e);
/* The leaf of each tree, counted from its root: m->trees.count of them. MODEL_TREES only. */
int reference_leaves(struct reference *r, const double *row, uint32_t *leaves, struct error *e);

/* Margins to the model's answer, in place. */
void margins_transform(const struct model *m, double *margins);
/* The class of transformed margins: the largest, of equal ones the first; or, of a single
 * one, 1 above m->cut. */
size_t margins_class(const struct model *m, const double *transformed);

#endif
