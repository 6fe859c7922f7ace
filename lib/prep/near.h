/*
 * near: joins whose partners need not be equal, only near or alike: what join_asof, join_range and
 * join_fuzzy have in common, and how rows on a line are paired on disk.
 */
#ifndef PREP_NEAR_H
#define PREP_NEAR_H

#include "prep/pairing.h"

/* The side table, groups of equal by=, and what is taken of it. */
struct near_side {
    struct side *side;
    struct match_key *by;
    size_t by_count;
    struct taken take;
    uint8_t *wanted;
};

/* Reads the step's arguments file= and by=. */
int near_side_open(struct step *s, const struct schema *in, struct near_side *n, struct error *e);
/* And take=: but for by= and the column `own` of the file (FIELD_NONE: none). */
int near_side_take(struct step *s, struct near_side *n, size_t own, struct error *e);
/* Reads the table into memory and its groups into m. `see` gets each batch, and says how many bytes
 * it holds by now. SIDE_FULL: --memory does not hold it, and nothing is. */
int near_side_load(struct step *s, const struct near_side *n, struct match *m,
                   int (*see)(void *context, struct batch *b, size_t *held, struct error *e),
                   void *context, struct error *e);
/* For pairing_new: side, keys and columns held. */
struct pairing_rules near_side_rules(const struct near_side *n);

/* ---- on a line ------------------------------------------------------------------------------ */

enum near_direction { NEAR_BACKWARD, NEAR_FORWARD, NEAR_NEAREST };

/* Which rows are near. */
struct near_rule {
    bool is_time;
    enum near_direction direction; /* asof */
    bool exact;                    /* asof: an equal value counts */
    bool has_limit;
    struct point limit;
    bool at_low, at_high; /* range: the ends belong to it */
    bool keeps_left;      /* rows without partner */
};

/* Of the last row before p and the first behind (or there; NULL: none): -1 takes the former, 1 the
 * latter, 0 neither. */
int near_choose(const struct near_rule *rule, struct point p, const struct point *before,
                const struct point *behind);
bool near_holds(const struct near_rule *rule, const struct span *span, struct point p);

/* A step's rows on disk. */
struct near_disk {
    const struct near_rule *rule;
    struct pairing *pairing;
    struct pair_list *lists[2]; /* range: intervals that have begun, and may not have ended */
};
/* For the rules' pair; context is the near_disk. */
int near_pair_asof(struct pairing *p, void *context, struct error *e);
int near_pair_range(struct pairing *p, void *context, struct error *e);

/* ---- arguments ------------------------------------------------------------------------------ */

#define NEAR_SIDE_ARGS(by_help, keys)                                                              \
    {.name = "by", .kind = ARG_LIST, .help = by_help},                                             \
        {.name = "take",                                                                           \
         .kind = ARG_TEXT,                                                                         \
         .help = "columns of the file to add, as a selection (default: all but " keys ")"},        \
        SIDE_SUFFIX_ARG

#endif
