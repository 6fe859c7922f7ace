/*
 * Tables for eyes: columns aligned, as wide as their widest cell needs, numbers to the right. All
 * rows are held until the end, since the last may be the widest. For commands that show some rows.
 *
 * A long cell is cut, with an ellipsis; what would move the cursor is shown as \n, \t or \xNN. A
 * missing cell is blank, the empty text "".
 */
#ifndef TABLE_PRETTY_H
#define TABLE_PRETTY_H

#include "table/table.h"

struct pretty {
    size_t max_cell; /* character cells of the terminal; 0: 40 */
    size_t columns, rows;
    VEC(struct text) cells; /* row by row, as shown; the first row is the header */
    struct pretty_column *column;
    struct arena arena;
};
/* Adds the rows of b, copied. The schema must be the same at every call. */
void pretty_add(struct pretty *p, const struct schema *schema, struct batch *b);
/* Appends the table, or nothing when no batch was added, and releases p. */
void pretty_finish(struct pretty *p, struct buf *out);

#endif
