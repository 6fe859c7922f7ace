/*
 * kept: one row for each value of some columns, in the order they came. Values and rows that memory
 * does not hold are sorted by value on disk, and those that stay back into their order.
 */
#ifndef PREP_KEPT_H
#define PREP_KEPT_H

#include "prep/prep.h"

struct kept;

/* Which row stays of those with the same value; KEPT_SINGLE: that which has no other. */
enum kept_which { KEPT_FIRST, KEPT_LAST, KEPT_SINGLE };

struct kept *kept_new(const struct step *s, enum kept_which which);
/* From here on rows are those of b, told apart by these columns. Columns may then be dropped. */
void kept_batch(struct kept *k, struct batch *b, const size_t *columns, size_t count);
/* With KEPT_FIRST rows need not be held as long as the values are in memory: keep[r] says whether
 * row r is the first. False: no longer, use kept_add from here on. */
bool kept_mark_first(struct kept *k, const struct batch *b, uint8_t *keep);
/* Copies the rows that stay, as far as one can tell. */
int kept_add(struct kept *k, struct batch *b, struct error *e);
/* To be called between batches: keeps to --memory. */
int kept_relieve(struct kept *k, struct error *e);
/* Emits the rows held, with how many there were in a last column when counted. */
int kept_emit(struct kept *k, bool counted, struct emit *out, struct error *e);
void kept_free(struct kept *k);

#endif
