/*
 * lookup: a side table in memory, found by key. Read once when a step is opened; then any thread
 * may look things up. Keys that are missing are not in the table.
 */
#ifndef PREP_LOOKUP_H
#define PREP_LOOKUP_H

#include "prep/prep.h"

struct lookup {
    struct map keys;         /* key -> row, the first one with that key */
    size_t width;            /* values of a row */
    VEC(struct text) values; /* row-major */
    const char **names;      /* of the values' columns, and */
    enum type *types;        /* what they are taken for */
    struct arena arena;
};

/* Reads the file (relative to the context's directory). keys names its key columns; values (NULL:
 * all others) the columns to keep. A key found twice is ERR_DATA unless repeats. ERR_SYSTEM when
 * the table outgrows --memory. l must be {0}; release it also after an error. */
struct lookup_request {
    const char *path;
    const struct text *keys, *values;
    size_t key_count, value_count;
    bool repeats;
};
int lookup_load(struct lookup *l, const struct step *s, const struct lookup_request *want,
                struct error *e);
/* The row of these key cells; MAP_NONE when there is none, or one of them is missing. scratch is
 * overwritten. */
size_t lookup_find(const struct lookup *l, const struct text *key, size_t count,
                   struct buf *scratch);
void lookup_release(struct lookup *l);

#endif
