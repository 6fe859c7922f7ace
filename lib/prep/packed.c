#include "prep/packed.h"

#include <stdlib.h>

enum { BATCH_ROWS = 4096 };

void packed_row_take(struct packed_row *p, struct batch *b, size_t row, uint64_t arrival)
{
    p->bytes.len = 0;
    row_pack(b, row, &p->bytes);
    p->id = batch_row_id(b, row);
    p->arrival = arrival;
}

static int by_arrival(const void *a, const void *b)
{
    const struct packed_row *const *x = a, *const *y = b;
    return (*x)->arrival < (*y)->arrival ? -1 : (*x)->arrival > (*y)->arrival;
}

static int emit_batch_of(const struct packed_row *const *rows, size_t n,
                         const struct row_origin *origin, struct emit *out, struct error *e)
{
    struct batch *b = emit_batch(out);
    struct text *texts = batch_array(b, n, sizeof *texts);
    uint64_t *ids = batch_array(b, n, sizeof *ids);
    for (size_t i = 0; i < n; i++) {
        const struct buf *bytes = &rows[i]->bytes;
        texts[i] = (struct text){arena_copy(&b->arena, bytes->at, bytes->len), bytes->len};
        ids[i] = rows[i]->id;
    }
    rows_unpack(b, origin, texts, n, ids);
    return emit(out, b, e);
}

int packed_rows_emit(const struct packed_row **rows, size_t n, const struct row_origin *origin,
                     struct emit *out, struct error *e)
{
    int rc = 0;
    if (n > 1)
        qsort(rows, n, sizeof *rows, by_arrival);
    for (size_t i = 0; rc == 0 && i < n; i += BATCH_ROWS) {
        size_t some = n - i < BATCH_ROWS ? n - i : BATCH_ROWS;
        rc = emit_batch_of(rows + i, some, origin, out, e);
    }
    return rc < 0 ? rc : 0;
}
