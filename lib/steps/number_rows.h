/* Rows of numbers that are read again and again: in memory as long as there is some, then in a
 * scratch file. */
#ifndef STEPS_NUMBER_ROWS_H
#define STEPS_NUMBER_ROWS_H

#include "base/base.h"

struct number_rows;

struct number_rows *number_rows_new(size_t columns, size_t memory);             /* bytes */
int number_rows_add(struct number_rows *n, const double *row, struct error *e); /* copies */
/* Moves what `from` has. After that nothing is added to either. */
void number_rows_merge(struct number_rows *into, struct number_rows *from);
/* Every row, in any order, until visit returns anything but 0; that is returned. */
int number_rows_each(const struct number_rows *n,
                     int (*visit)(void *context, const double *row, struct error *e), void *context,
                     struct error *e);
void number_rows_free(struct number_rows *n); /* may be NULL */

#endif
