/* cuts: where records begin. For the files of this module. */
#ifndef SHARD_CUTS_H
#define SHARD_CUTS_H

#include "shard/shard.h"

/* Moves n ascending places of a file, from `first` (where a record begins) to its size, each to the
 * first record that begins there or behind; to the size when there is none. */
int cuts_move(const char *path, uint64_t first, uint64_t size, const struct shard_records *how,
              unsigned jobs, uint64_t *places, size_t n, struct error *e);

/* The same for row groups, each place to the border next to it. */
int groups_move(const char *path, uint64_t *places, size_t n, struct error *e);
/* Rows of the row groups from place begin to end. */
int groups_count(const char *path, uint64_t begin, uint64_t end, uint64_t *out, struct error *e);

#endif
