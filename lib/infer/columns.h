/* Which columns of a table a predictor needs. For the files of this module. */
#ifndef INFER_COLUMNS_H
#define INFER_COLUMNS_H

#include "infer/infer.h"

/* input[i]: the column of field i, or of feature i where there is no program; FIELD_NONE: absent,
 * which is ERR_DATA unless absent_is_missing. */
int columns_find(const struct predictor *p, const struct schema *in, bool absent_is_missing,
                 size_t *input, struct error *e);

#endif
