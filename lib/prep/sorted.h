/* Rows on their way into an order of their own: packed, sorted by keys (table/sorter.h), in memory
 * as long as there is some, then in a scratch file, and unpacked again. Rows with equal keys keep
 * the order they came in. */
#ifndef PREP_SORTED_H
#define PREP_SORTED_H

#include "prep/prep.h"
#include "table/sorter.h"

/* Numbers rows in the order of the stream, for the batches that one thread gets. */
struct places {
    uint64_t sequence, next;
};
void places_batch(struct places *p, const struct batch *b); /* from here on rows are those of b */
uint64_t places_next(struct places *p);

struct sorted;

/* For one of the threads of a step, with its share of --memory. */
struct sorted *sorted_new(const struct step *s);
struct sorted *sorted_new_sized(size_t memory); /* bytes */
/* From here on rows are those of b. */
void sorted_batch(struct sorted *t, struct batch *b);
/* Adds a row. The row's place in the stream is appended to key. */
int sorted_add(struct sorted *t, size_t row, struct buf *key, struct error *e);
/* The same without the place, for keys that differ anyhow. */
int sorted_put(struct sorted *t, size_t row, struct text key, struct error *e);
/* The same for a row packed elsewhere, of batches that origin has seen. */
int sorted_put_packed(struct sorted *t, struct text key, uint64_t id, struct text row,
                      struct error *e);
struct row_origin;
void sorted_origin(struct sorted *t, const struct row_origin *origin);
int sorted_merge(struct sorted *into, struct sorted *from, struct error *e);
/* Ends adding. */
int sorted_finish(struct sorted *t, struct error *e);
/* The next rows into an empty b: 1; 0 behind the last; < 0. */
int sorted_produce(struct sorted *t, struct batch *b, struct error *e);
/* The same, where keys that agree but for an id at their end make a group: *ends tells whether the
 * last group is complete, which it mostly is as long as groups are small. */
int sorted_produce_groups(struct sorted *t, struct batch *b, bool *ends, struct error *e);
void sorted_free(struct sorted *t);

/* How the cells of a column compare. */
struct cell_order {
    size_t column;
    struct key_order order;
    enum { CELL_TEXT, CELL_NUMBER, CELL_TIME, CELL_NATURAL } as;
};
/* Text as text; cells of a number or time column by value, and by their text, behind all values,
 * when they have none. */
struct cell_order cell_order(const struct schema *in, size_t column);
void key_put_cell(struct buf *key, struct batch *b, size_t row, const struct cell_order *o);

/* The list of an argument as columns in order of weight: "a,b:desc". Each may be a selection. What
 * an item does not say itself is as in `usual`. */
int sort_orders(struct step *s, const char *name, const struct schema *in, struct cell_order usual,
                struct cell_order **orders, size_t *count, struct error *e);

/* Bytes a step may hold, and each of its threads. */
size_t step_memory_whole(const struct step *s);
size_t step_memory(const struct step *s);

#endif
