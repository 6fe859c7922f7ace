/* Values of a column that become names of columns or rows, in the order they are shown: as numbers
 * when all are, else by their bytes. */
#ifndef STEPS_NAMES_H
#define STEPS_NAMES_H

#include "base/base.h"

struct names {
    struct map map;
    size_t *order; /* numbers of the map, as they are shown; made by names_sort */
    size_t *place; /* the reverse: where each number of the map is shown */
};
void names_sort(struct names *n); /* to be called once all are in the map */
struct text names_at(const struct names *n, size_t place); /* borrows from the map */
void names_release(struct names *n);

#endif
