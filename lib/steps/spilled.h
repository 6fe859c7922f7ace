/*
 * spilled: values that states of aggregates put to disk, and get again state by state. A state is
 * named by the key of its group and the number of its aggregate; no key may begin with another.
 */
#ifndef STEPS_SPILLED_H
#define STEPS_SPILLED_H

#include "table/sorter.h"

struct spilled;

struct spilled *spilled_new(size_t memory); /* bytes */
/* From here on values are put, or got, of this state. Getting must go by key, then number. */
void spilled_state(struct spilled *v, struct text group, size_t aggregate);
int spilled_put(struct spilled *v, struct text value, struct text payload, struct error *e);
/* Moves all that `from` has. */
int spilled_merge(struct spilled *into, struct spilled *from, struct error *e);
/* Ends putting. */
int spilled_finish(struct spilled *v, struct error *e);
/* The state's next value, by its bytes: 1; 0 behind the last; < 0. A value comes as often as it was
 * put. Both texts live until the next call. */
int spilled_next(struct spilled *v, struct text *value, struct text *payload, struct error *e);
void spilled_free(struct spilled *v); /* may be NULL */

#endif
