/*
 * tape: records written once and read in the same order again and again. Past its memory they are
 * in a scratch file.
 */
#ifndef TABLE_TAPE_H
#define TABLE_TAPE_H

#include "table/table.h"

struct tape;

struct tape *tape_new(size_t memory); /* bytes */
int tape_add(struct tape *t, struct text record, struct error *e);
/* Ends adding; the next record is the first. */
int tape_rewind(struct tape *t, struct error *e);
/* 1 with a record that lives until the next call; 0 behind the last; < 0. */
int tape_next(struct tape *t, struct text *record, struct error *e);
/* Forgets the records, so that others can be added. */
void tape_clear(struct tape *t);
void tape_free(struct tape *t);

#endif
