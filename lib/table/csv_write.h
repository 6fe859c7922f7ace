/* CSV out. Cells nobody touched leave as they came when the dialect is the same.
 * For the files of this module. */
#ifndef TABLE_CSV_WRITE_H
#define TABLE_CSV_WRITE_H

#include "table/table.h"

void csv_write_header(const struct writer *w, struct buf *out);
void csv_write_batch(const struct writer *w, struct batch *b, struct buf *out);
void csv_write_row(const struct writer *w, struct batch *b, size_t row, struct buf *out);
/* The value, quoted when it must be; nothing for a missing one. */
void csv_put_value(const struct format *f, struct text v, struct buf *out);

#endif
