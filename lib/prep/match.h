/*
 * match: rows of two tables that have equal keys. The side table's keys are gathered once; then any
 * thread may look for the partners of its rows.
 */
#ifndef PREP_MATCH_H
#define PREP_MATCH_H

#include "prep/prep.h"

/* A column of the rows and the one of the side table that it is compared with. */
struct match_key {
    size_t left, right;
    enum { MATCH_TEXT, MATCH_NUMBER, MATCH_TIME } as;
};

struct match {
    const struct match_key *keys;
    size_t count;
    bool missing_matches; /* a missing cell is a value like another; else it matches nothing */
    struct map map;       /* of keys: numbers groups */
    VEC(uint32_t) groups; /* by side row; UINT32_MAX none */
    uint32_t *starts; /* by group, and one more: its rows are rows[starts[g] .. starts[g + 1]) */
    uint32_t *rows;
    bool unique; /* no group has two rows */
    struct buf scratch;
};

/* The list of an argument: "a" when both columns have that name, "a=b". */
int match_keys(struct step *s, const char *name, const struct schema *left,
               const struct schema *right, struct match_key **keys, size_t *count, struct error *e);
/* How two columns compare: as numbers when both are and one may have a fraction, as times when both
 * are, else as text. */
struct match_key match_key(const struct schema *left, size_t l, const struct schema *right,
                           size_t r);

/* Rows of the side table, in order. */
void match_add(struct match *m, struct batch *side);
void match_finish(struct match *m);
size_t match_held(const struct match *m);
void match_release(struct match *m); /* but for keys, count and missing_matches */

/* Looks rows of b up; each reader belongs to one thread. */
struct match_reader {
    const struct match *match;
    const struct text **cells; /* by key */
    struct buf scratch;
};
struct match_reader match_reader(const struct match *m, struct batch *b);
/* The group of a row; MAP_NONE when it has no partner. */
size_t match_find(struct match_reader *r, size_t row);
void match_reader_release(struct match_reader *r);

/* The bytes that equal keys have in common, from cells as text; false when one is missing and that
 * matches nothing. *key borrows from a cell or from scratch. */
bool match_bytes(const struct match *m, const struct text **cells, size_t row, struct buf *scratch,
                 struct text *key);

#endif
