/*
 * JSON Lines out. Raw cells of JSON input leave as they came; of all others a cell is bare when its
 * column's type and its own text agree that it is a number, true or false, else a string. Missing
 * is null; in a row with a layout of its own, absent keys stay absent and keys that are no columns
 * go with it. For the files of this module.
 */
#ifndef TABLE_JSON_WRITE_H
#define TABLE_JSON_WRITE_H

#include "table/table.h"

void json_write_batch(const struct writer *w, struct batch *b, struct buf *out);
void json_write_row(const struct writer *w, struct batch *b, size_t row, struct buf *out);

/* True when p[0..n) is a number as JSON writes them. */
bool json_is_number(const char *p, size_t n);

#endif
