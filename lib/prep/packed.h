/* Rows held back one by one, each packed into bytes, and handed on later in order of arrival. */
#ifndef PREP_PACKED_H
#define PREP_PACKED_H

#include "prep/prep.h"
#include "table/rows.h"

struct packed_row {
    struct buf bytes; /* owned by whoever holds the row */
    uint64_t id, arrival;
};
/* Packs row `row` of b; the bytes' buffer is used again. */
void packed_row_take(struct packed_row *p, struct batch *b, size_t row, uint64_t arrival);
/* Emits the n rows, sorted by arrival in place; their columns are those of origin. */
int packed_rows_emit(const struct packed_row **rows, size_t n, const struct row_origin *origin,
                     struct emit *out, struct error *e);

#endif
