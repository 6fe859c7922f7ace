/* Steps whose results are written as text but are of another type: fills that leave cells as they
 * came, codes of bins. */
#ifndef PREP_RETYPE_H
#define PREP_RETYPE_H

#include "prep/rowwise.h"

/* rowwise_shape, after which result i is of types[i] (types NULL: of `all`).
 */
int rowwise_shape_as(struct step *s, struct schema *schema, const enum type *types, enum type all,
                     struct error *e);

#endif
