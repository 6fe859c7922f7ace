/* Rows told apart by the values of some columns: the by= of steps that keep a table of groups. */
#ifndef PREP_GROUPS_H
#define PREP_GROUPS_H

#include "table/table.h"

struct groups {
    struct map map;
    struct buf key;
    const struct text **cells; /* of the batch at hand, by column of the key */
    size_t count;
};

/* From here on rows are those of b; without columns all rows are one group. */
void groups_batch(struct groups *g, struct batch *b, const size_t *columns, size_t count);
/* The number of the row's group, in order of arrival. Missing and the empty text are different
 * values. */
size_t groups_find(struct groups *g, size_t row);
/* The bytes by which groups are told apart; live until the next call. */
struct text groups_key(struct groups *g, size_t row);
size_t groups_count(const struct groups *g);
void groups_release(struct groups *g);

#endif
