/*
 * later: rows that wait for rows behind them, when memory does not hold those that wait: they go to
 * disk, and pass once more from the last to the first, so that what they wait for comes before
 * them.
 */
#ifndef PREP_LATER_H
#define PREP_LATER_H

#include "prep/prep.h"

struct later;

struct later *later_new(const struct step *s);
/* Copies the rows of b; in the order of the stream. */
int later_add(struct later *l, struct batch *b, struct error *e);
/* After the last row: `turn` gets batches from the last to the first, with the last row first, and
 * changes them; then they are emitted in their order. */
int later_emit(struct later *l, int (*turn)(void *context, struct batch *b, struct error *e),
               void *context, struct emit *out, struct error *e);
void later_free(struct later *l);

#endif
