/*
 * value_counts: how often values occur, however many there are: in a map as long as memory holds
 * them, then in a scratch file. They come out by their bytes.
 */
#ifndef PREP_VALUE_COUNTS_H
#define PREP_VALUE_COUNTS_H

#include "base/base.h"

struct value_counts;

struct value_counts *value_counts_new(size_t memory); /* bytes */
/* is_new (may be NULL): it may not have been there before, as far as memory tells. */
int value_counts_add(struct value_counts *c, struct text value, uint64_t times, bool *is_new,
                     struct error *e);
/* Moves what `from` has. After that nothing is added to either. */
int value_counts_merge(struct value_counts *into, struct value_counts *from, struct error *e);
/* Ends adding. */
int value_counts_finish(struct value_counts *c, struct error *e);
/* The next value, each once: 1; 0 behind the last; < 0. It lives until the next call. */
int value_counts_next(struct value_counts *c, struct text *value, uint64_t *times, struct error *e);
void value_counts_free(struct value_counts *c); /* may be NULL */

#endif
