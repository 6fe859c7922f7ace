/*
 * near: partners that need not be equal, only near each other on a line: which they are, and how
 * they are found on disk.
 */
#ifndef STEPS_NEAR_H
#define STEPS_NEAR_H

#include "prep/beside.h"

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

/* Pairing on disk: lists may be NULL for asof. */
struct near_disk {
    const struct near_rule *rule;
    struct pair_list *lists[2]; /* range: intervals that have begun, and may not have ended */
};
/* For the rules' pair; context is the near_disk. */
int near_pair_asof(struct pairing *p, void *context, struct error *e);
int near_pair_range(struct pairing *p, void *context, struct error *e);

#endif
