/* States of the accumulators, for accumulate.c and accumulate_text.c. */
#ifndef PREP_ACCUMULATE_STATE_H
#define PREP_ACCUMULATE_STATE_H

#include "prep/accumulate.h"

#include <jansson.h>

#define STATE(type, states, i) ((type *)(void *)((states) + (size_t)(i) * sizeof(type)))

/* States that lib/stats saves as JSON; put takes j. */
void state_put_json(json_t *j, struct buf *out);
json_t *state_get_json(struct text bytes);

/* mode, nunique; nunique_approx; collect */
void occurrences_add(const struct aggregate *a, char *states, const struct samples *v, size_t *held);
void occurrences_put(const struct aggregate *a, char *state, struct buf *out);
void occurrences_absorb(const struct aggregate *a, char *state, struct text bytes, size_t *held);
int mode_value(const struct aggregate *a, char *state, struct arena *arena, union answer *out,
               struct error *e);
int nunique_value(const struct aggregate *a, char *state, struct arena *arena, union answer *out,
                  struct error *e);
void occurrences_release(char *state);
void distinct_samples(const struct aggregate *a, char *states, const struct samples *v,
                      size_t *held);
void distinct_put(const struct aggregate *a, char *state, struct buf *out);
void distinct_absorb(const struct aggregate *a, char *state, struct text bytes, size_t *held);
int distinct_answer(const struct aggregate *a, char *state, struct arena *arena, union answer *out,
                    struct error *e);
void distinct_free(char *state);
void collect_add(const struct aggregate *a, char *states, const struct samples *v, size_t *held);
void collect_put(const struct aggregate *a, char *state, struct buf *out);
void collect_absorb(const struct aggregate *a, char *state, struct text bytes, size_t *held);
int collect_value(const struct aggregate *a, char *state, struct arena *arena, union answer *out,
                  struct error *e);
void collect_release(char *state);

#endif
