/* Cells that hold JSON, read value by value. */
#ifndef STEPS_JSON_CELL_H
#define STEPS_JSON_CELL_H

#include "table/table.h"

/* Whether the whole cell is JSON that begins so. */
bool json_cell_is(struct text cell, enum json_token wanted);
/* Starts reading a cell; false when it is missing or does not begin so. */
bool json_cell_begin(struct json_reader *r, struct text cell, enum json_token wanted);
/* The next value of the list or object being read; false at its end. key, for an object, as it
 * stands. */
bool json_cell_next(struct batch *b, struct json_reader *r, struct text *key, struct text *value);
/* The text of a value whose first token was just read: strings decoded into b's arena, lists and
 * objects as JSON, null missing. start is where the value begins. */
struct text json_cell_text(struct batch *b, struct json_reader *r, enum json_token token,
                           const char *start);
/* The cell is not what it should be, such as "a JSON list": as batch_reject. */
int json_cell_reject(struct batch *b, size_t row, size_t column, const char *name,
                     const char *wanted, struct error *e);

#endif
