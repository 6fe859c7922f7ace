/* States of the accumulators, for accumulate.c and accumulate_text.c. */
#ifndef STEPS_ACCUMULATE_STATE_H
#define STEPS_ACCUMULATE_STATE_H

#include "steps/accumulate.h"

#include <jansson.h>

#define STATE(type, states, i) ((type *)(void *)((states) + (size_t)(i) * sizeof(type)))

/* States that lib/stats saves as JSON; put takes j. */
void state_put_json(json_t *j, struct buf *out);
json_t *state_get_json(struct text bytes);

/* Of accumulate_text.c: mode and nunique; nunique_approx; collect. */
extern const struct keeper occurrences_keeper, distinct_keeper, collect_keeper;
int mode_value(const struct aggregate *a, double parameter, char *state, struct arena *arena,
               union answer *out, struct error *e);
int nunique_value(const struct aggregate *a, double parameter, char *state, struct arena *arena,
                  union answer *out, struct error *e);
int distinct_answer(const struct aggregate *a, double parameter, char *state, struct arena *arena,
                    union answer *out, struct error *e);
int collect_value(const struct aggregate *a, double parameter, char *state, struct arena *arena,
                  union answer *out, struct error *e);

/* Of accumulate_values.c: median and quantile. */
extern const struct keeper values_keeper;
int values_value(const struct aggregate *a, double parameter, char *state, struct arena *arena,
                 union answer *out, struct error *e);

#endif
