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
/* With KEPT_FIRST: hands the first row of each value on (takes b), at once as long as the values
 * are in memory; the others come from kept_emit. */
int kept_push_first(struct kept *k, struct batch *b, struct emit *out, struct error *e);
/* Copies the rows that stay, as far as one can tell. */
int kept_add(struct kept *k, struct batch *b, struct error *e);
/* Emits the rows held, with how many there were in a last column when counted. */
int kept_emit(struct kept *k, bool counted, struct emit *out, struct error *e);
void kept_free(struct kept *k);

#endif
