/* Batches held back until the last one has come: packed, in memory as long as there is some, then
 * in a scratch file. */
#ifndef PREP_HOLD_H
#define PREP_HOLD_H

#include "prep/prep.h"

struct hold;

struct hold *hold_new(size_t memory); /* bytes */
/* Copies all rows of b. */
int hold_add(struct hold *h, struct batch *b, struct error *e);
/* Moves what `from` holds; it is empty then. */
void hold_merge(struct hold *into, struct hold *from);
/* Puts the blocks, one for each batch, in the order of the stream. */
void hold_sort(struct hold *h);
size_t hold_blocks(const struct hold *h);
uint64_t hold_rows(const struct hold *h);
/* Fills an empty b with the rows of block i, the last one first when backwards. */
int hold_read(struct hold *h, size_t i, bool backwards, struct batch *b, struct error *e);
void hold_free(struct hold *h); /* may be NULL */

#endif
