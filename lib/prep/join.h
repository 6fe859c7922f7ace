/*
 * join: what is asked, and the way of tables that outgrow memory: rows of both are sorted by key,
 * merged, and sorted back into the order of the stream (sort-merge join).
 */
#ifndef PREP_JOIN_H
#define PREP_JOIN_H

#include "prep/match.h"
#include "prep/side.h"

enum join_how { JOIN_INNER, JOIN_LEFT, JOIN_RIGHT, JOIN_FULL, JOIN_SEMI, JOIN_ANTI, JOIN_CROSS };

/* s->plan of a join. */
struct join_plan {
    enum join_how how;
    struct side *side;
    struct match_key *keys;
    size_t key_count;
    struct taken take;
    uint8_t *wanted; /* by column of the side table: must be held */
    size_t left_columns;
};

/* Makes an empty b into n rows of the side table that have no partner: the stream's columns are
 * missing, but for the keys, which the caller sets; he adds the columns taken, too. numbers: of the
 * rows, in the side table. */
void join_right_only(const struct join_plan *plan, struct batch *b, const uint64_t *numbers,
                     size_t n);

struct join_disk;

struct join_disk *join_disk_new(const struct step *s);
/* Reads the side table. */
int join_disk_load(struct join_disk *d, struct error *e);
/* Copies the rows of b; in the order of the stream, one batch at a time. */
int join_disk_add(struct join_disk *d, struct batch *b, struct error *e);
/* After the last row: emits the result, in the order a join in memory has. */
int join_disk_emit(struct join_disk *d, struct emit *out, struct error *e);
void join_disk_free(struct join_disk *d);

#endif
