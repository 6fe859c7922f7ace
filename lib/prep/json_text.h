/* JSON values as text a person can read and compare line by line. */
#ifndef PREP_JSON_TEXT_H
#define PREP_JSON_TEXT_H

#include "base/base.h"

#include <jansson.h>

/* Appends j: keys sorted, two blanks a level, short lists of scalars on one line, doubles in the
 * fewest digits that read back the same. No newline at the end. */
void json_put_value(struct buf *out, const json_t *j);

#endif
