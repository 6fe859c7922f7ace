/* target_sums: exact sums of products of the selected columns and, as the last one, the column
 * target=, over the rows where all are there. For steps that choose columns together. */
#ifndef STEPS_TARGET_SUMS_H
#define STEPS_TARGET_SUMS_H

#include "prep/dropping.h"

void *target_sums_new(const struct step *s); /* a struct comoments of column_count + 1 columns */
void target_sums_free(void *state);
int target_sums_learn(const struct step *s, void *state, struct batch *b, struct error *e);
int target_sums_merge(const struct step *s, void *into, void *from, struct error *e);
json_t *target_sums_save(const struct step *s, const void *state);
int target_sums_load(const struct step *s, void *state, const json_t *j, struct error *e);

#define TARGET_SUMS_HOOKS                                                                          \
    .state_new = target_sums_new, .learn = target_sums_learn, .merge = target_sums_merge,          \
    .save = target_sums_save, .load = target_sums_load, .state_free = target_sums_free

#endif
