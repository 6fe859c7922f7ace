/*
 * rejects: what was wrong with rows and cells, collected from all threads and written as JSON Lines
 * in the order of the input. What several passes or several steps find wrong with one cell is one
 * case. Past a few MiB they are in a scratch file.
 */
#ifndef TABLE_REJECTS_H
#define TABLE_REJECTS_H

#include "io/io.h"
#include "table/table.h"

struct rejects;

/* To `out`, which is taken; NULL counts only. */
struct rejects *rejects_new(struct sink *out);
/* The names of the inputs, in their order; others come behind them. */
void rejects_name_files(struct rejects *r, char *const *paths, size_t n);
/* The `reject` of a cell_policy whose context is a struct rejects. */
void rejects_add(void *rejects, const struct error *place, struct text raw);
/* Writes and commits; frees r. *count is that of the different cases. */
int rejects_close(struct rejects *r, uint64_t *count, struct error *e);

#endif
