/* What the families of time functions share. */
#ifndef EXPR_FN_TIME_H
#define EXPR_FN_TIME_H

#include "base/interval.h"
#include "expr/eval.h"

enum unit {
    UNIT_YEAR,
    UNIT_QUARTER,
    UNIT_MONTH,
    UNIT_WEEK,
    UNIT_DAY,
    UNIT_HOUR,
    UNIT_MINUTE,
    UNIT_SECOND,
    UNIT_MILLI
};
/* "day", "days" ...; false and an error when the word is none of them. */
bool unit_of(struct call *c, struct text word, enum unit *unit);
/* Length of a unit that has a fixed one, 0 for months, quarters and years. */
usec unit_length(enum unit unit);
/* The civil time at t, in the zone of the call when it has one, else UTC. */
struct civil civil_at(const struct call *c, usec t);
/* As a result; an error outside of the years 1 to 9999. */
bool give_civil(struct call *c, struct value *out, const struct civil *civil);
bool give_shifted(struct call *c, struct value *out, usec t, usec by);

#endif
