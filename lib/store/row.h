/*
 * row: the features of one record as bytes, the same in the log and online. A feature is found
 * without reading those before it, and has both its value and its spelling: what came as 1.10
 * leaves as 1.10. Little-endian:
 *
 *   uint16_t  features there were when it was written: those added later are missing in it
 *   uint8_t   enum row_kind of each
 *   zeros up to a multiple of 8 from the start of the row
 *   uint64_t  of each: the value, or where its bytes are: offset from the start of the row (low 32
 *             bits) and length
 *   bytes
 */
#ifndef STORE_ROW_H
#define STORE_ROW_H

#include "store/store.h"

#define ROW_FEATURES_MAX 65535

enum row_kind {
    ROW_MISSING,
    ROW_INT,   /* int64_t */
    ROW_FLOAT, /* double, finite */
    ROW_BOOL,  /* 0, 1 */
    ROW_TIME,  /* usec */
    ROW_TEXT,  /* bytes: text, or JSON for lists */
    ROW_SPELT, /* bytes: a value of the feature's type that is not spelt as we would */
};

/* A row under construction; {0}, reused for the next. */
struct row_builder {
    struct buf bytes;
    size_t features, next;
};
void row_begin(struct row_builder *b, size_t features);
/* The next feature; a missing cell is fine for any type. false, and nothing is added, when the cell
 * is no value of the type: integers beyond 64 bits, numbers that are not finite, times without an
 * offset, JSON that is none. */
bool row_add(struct row_builder *b, enum type type, struct text cell);
/* The next feature: a value; one that is not finite is missing. */
void row_add_int(struct row_builder *b, int64_t i);
void row_add_float(struct row_builder *b, double f);
/* The next feature, as another row has it. */
void row_take(struct row_builder *b, struct text row, size_t feature);
/* Borrows until the builder's next use. Features that were not added are missing. */
struct text row_end(struct row_builder *b);
void row_release(struct row_builder *b);

/* Whether all that the functions below touch is inside the bytes. Rows of a log or a store that was
 * written here are whole; those from elsewhere must pass. */
bool row_whole(struct text row);
size_t row_features(struct text row);
enum row_kind row_kind(struct text row, size_t feature); /* missing beyond the last */
/* The eight bytes of one that is neither missing nor bytes: an integer, a double's bits ... */
uint64_t row_bits(struct text row, size_t feature);
/* The value of a feature of numbers, however it is spelt; false when it is missing. */
bool row_int(struct text row, size_t feature, int64_t *i);
bool row_float(struct text row, size_t feature, double *f);
/* The cell as it came; missing when it is. What is no text is written to room. */
struct text row_cell(struct text row, size_t feature, char room[static TIME_MAX]);
/* The same as a JSON value, appended: numbers and lists as they are, all else in quotes. */
void row_json(struct text row, size_t feature, enum type type, struct buf *out);
/* Values that are missing in `patch`, but for the first, come from `base`. Into b; borrows as
 * row_end does. */
struct text row_merge(struct row_builder *b, struct text base, struct text patch);

#endif
