/* Rows of a pairing as bytes: for pairing.c and pairing_rows.c. */
#ifndef PREP_PAIRING_ROWS_H
#define PREP_PAIRING_ROWS_H

#include "prep/pairing.h"

/* Appends a row; its span, too, when it is on a line. */
void pair_row_put(const struct pair_row *row, bool on_line, struct buf *out);
/* What was put; borrows from bytes. */
void pair_row_get(struct text bytes, struct pair_row *row);

#endif
