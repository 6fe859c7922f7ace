/*
 * state: numbers and arrays in the JSON of a state. Internal to stats.
 */
#ifndef STATS_STATE_H
#define STATS_STATE_H

#include "stats/stats.h"

json_t *state_number(double x); /* a number, or "nan", "inf", "-inf" */
bool state_read_number(const json_t *j, double *x);
bool state_read_count(const json_t *j, uint64_t *n); /* an integer that is not negative */
json_t *state_counts(const uint64_t *at, size_t n);  /* array */

/* The member `key` of an object as above; false when it is absent or something else. */
bool state_get_number(const json_t *j, const char *key, double *x);
bool state_get_count(const json_t *j, const char *key, uint64_t *n);

/* Any bytes as text that JSON can hold, and back: a backslash is doubled, NUL and bytes that are
 * not UTF-8 become \xNN. Both append; state_unescape returns false on an escape it does
 * not know. */
void state_escape(struct buf *out, struct text bytes);
bool state_unescape(struct buf *out, const char *text);

#endif
