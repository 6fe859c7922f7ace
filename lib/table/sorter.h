/*
 * sorter: records (a key and a payload) in, records by key out; any number of them. Past its memory
 * it writes sorted runs to a scratch file and merges them while reading. Keys compare as bytes;
 * key_put_* make such keys of values. Records with equal keys come in any order: end keys with a
 * row id.
 */
#ifndef TABLE_SORTER_H
#define TABLE_SORTER_H

#include "table/table.h"

struct sorter;

struct sorter *sorter_new(size_t memory); /* bytes; at least 1 MiB is used */
int sorter_add(struct sorter *s, struct text key, struct text payload, struct error *e);
/* Moves all records of from into `into`; from is empty then and may be freed. */
int sorter_merge(struct sorter *into, struct sorter *from, struct error *e);
/* Ends adding. */
int sorter_finish(struct sorter *s, struct error *e);
/* The next record in order: 1; 0 behind the last; < 0. Both texts live until the next call. */
int sorter_next(struct sorter *s, struct text *key, struct text *payload, struct error *e);
uint64_t sorter_count(const struct sorter *s);
void sorter_free(struct sorter *s);

/* Key parts: appended one after the other they compare as tuples. Within a part numbers come before
 * times before texts; descending turns all that round. Missing values come last either way, or
 * first with missing_first. -0 equals 0, and integers compare with doubles exactly. */
struct key_order {
    bool descending, missing_first;
};
void key_put_double(struct buf *key, double v, struct key_order o); /* NaN is missing */
void key_put_int(struct buf *key, int64_t v, struct key_order o);   /* INT_MISSING */
void key_put_number(struct buf *key, struct number v, struct key_order o);
void key_put_time(struct buf *key, usec v, struct key_order o); /* INT_MISSING */
void key_put_text(struct buf *key, struct text v, struct key_order o);
/* Digits in a row compare as numbers: a2 before a10. */
void key_put_natural(struct buf *key, struct text v, struct key_order o);
void key_put_id(struct buf *key, uint64_t id); /* 8 bytes, ascending */
uint64_t key_id(struct text key);              /* the id a key ends with */

#endif
