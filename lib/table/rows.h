/*
 * rows: rows packed into bytes and unpacked again, for whatever holds rows back: sorts, joins,
 * groups, windows. A cell that nobody touched stays the bytes it was; computed numbers stay exact.
 */
#ifndef TABLE_ROWS_H
#define TABLE_ROWS_H

#include "table/table.h"

/* Packs the rows of one batch; a record of a CSV chunk that no step touched is packed as its bytes.
 * Valid as long as b does not change. */
struct row_packer {
    struct batch *b;
    bool whole; /* rows are records of the chunk */
};
struct row_packer row_packer(struct batch *b);
/* Appends row `row`. */
void row_packer_put(const struct row_packer *p, size_t row, struct buf *out);
/* Both at once, for a row here and there. */
void row_pack(struct batch *b, size_t row, struct buf *out);

/* What rows must know that is the same for all of them; learnt from the batches they come from. */
struct row_origin {
    const struct format *format; /* of raw cells: of the first file; borrowed from the input */
    size_t part;                 /* the file's number */
    const struct cell_policy *policy;
    int32_t *source; /* per column; owned */
    size_t columns;
};
/* Once before packing rows of b, for every batch; not from two threads at a time. */
void row_origin_see(struct row_origin *o, const struct batch *b);
void row_origin_merge(struct row_origin *into, const struct row_origin *from);
void row_origin_release(struct row_origin *o);

/* Fills an empty b with packed rows, in the order given. The bytes must live as long as b: copy
 * them into b->text (with 64 readable bytes behind them) or b->arena; b->text may be rewritten.
 * ids: n row ids, copied, or NULL (then first_id counts). */
void rows_unpack(struct batch *b, const struct row_origin *o, const struct text *rows, size_t n,
                 const uint64_t *ids);

#endif
