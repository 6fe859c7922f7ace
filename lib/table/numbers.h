/*
 * numbers: cells of a regular CSV chunk as doubles, a column at a time; the inner loop of every
 * computation on CSV. A cell takes about 5 ns: one load of 16 bytes, one shuffle that drops the
 * point and aligns the digits, three multiply-adds, one division (at most 15 digits, so it rounds
 * correctly: Clinger 1990). Longer numbers and exponents go to number_parse_double. With AVX-512
 * four cells share all that, a division, too.
 */
#ifndef TABLE_NUMBERS_H
#define TABLE_NUMBERS_H

#include "sys/sys.h"
#include "table/table.h"

/* out[r] for rows from `from` on, up to the first cell that is neither empty (NaN) nor a number:
 * returns its row, or b->rows. c is a FORM_VIEW column of b. */
typedef size_t number_kernel(const struct batch *b, const struct column *c, size_t from,
                             double *out);
number_kernel numbers_scalar; /* the reference */
number_kernel numbers_avx2;
number_kernel numbers_avx512;

number_kernel *number_kernel_of(enum simd level);

#endif
