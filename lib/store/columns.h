/* columns: rows of a group as columns of a table. */
#ifndef STORE_COLUMNS_H
#define STORE_COLUMNS_H

#include "store/group.h"

/* A feature of b->rows rows as a column made in b's arena, numbers where all are spelt as we would,
 * else text as it came; rows[r].at NULL: missing. The texts are slices of the rows. */
struct column feature_column(const struct group *g, size_t feature, const struct text *rows,
                             struct batch *b);

#endif
