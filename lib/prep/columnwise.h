/*
 * columnwise: steps that learn something of each selected column. A family describes what one
 * column learns (struct learner); the hooks keep one such state per selected column, per thread,
 * and give the step's JSON as {"name of column": what the learner saves}.
 *
 *     static const struct learner mean_learner = {.size = sizeof(struct moments), .init = ...,
 *                                                 .numbers = ..., .merge = ..., ...};
 *     {.name = "impute_mean", ..., COLUMNWISE_HOOKS, ROWWISE_HOOKS,
 *      .detail = &(const struct columnwise){.map = {.from = TYPE_FLOAT, .to = TYPE_FLOAT,
 *                                                   .column = fill_mean},
 *                                           .learner = &mean_learner}},
 *
 * `map` is what ROWWISE_HOOKS work from (rowwise.h); a step with apply and shape of its own leaves
 * it out. Merging must not depend on order or split: keep states of lib/stats.
 */
#ifndef PREP_COLUMNWISE_H
#define PREP_COLUMNWISE_H

#include "prep/rowwise.h"
#include "stats/stats.h"

/* One column of one batch, on its way into a state. */
struct lesson {
    const struct step *step;
    struct batch *batch;
    size_t index; /* of the column in step->columns */
    size_t rows;
};

/* What a step did to the missing cells of a column. */
struct filled {
    double value;   /* NaN: they stayed missing */
    uint64_t times; /* cells */
    uint64_t rows;  /* with those that had a value */
};

struct learner {
    size_t size; /* of the state of one column; all bytes zero before init */
    void (*init)(const struct step *s, void *state); /* NULL: zero is right */
    /* One of these. values: an array of l->rows cells, missing ones among them. */
    int (*numbers)(const struct lesson *l, void *state, const double *values, struct error *e);
    int (*texts)(const struct lesson *l, void *state, const struct text *values, struct error *e);
    int (*merge)(const struct step *s, void *into, void *from, struct error *e);
    /* Derives the values apply uses; called after learning, loading and merging, so it must leave
     * the sums as they are. A column without values is no error: a shard may be empty. NULL:
     * nothing. */
    int (*finish)(const struct step *s, size_t index, void *state, struct error *e);
    json_t *(*save)(const struct step *s, const void *state);
    int (*load)(const struct step *s, void *state, const json_t *j, struct error *e);
    void (*release)(void *state); /* what the state owns; NULL: nothing */
    /* For merging a step with one that learns from what it filled, both NULL where that is not
     * exact. filled: what the step did to the rows it learnt from. refill: all of these rows, and
     * no others, were learnt from, and what was filled in is in truth `now`. */
    bool (*filled)(const void *state, struct filled *out);
    bool (*refill)(void *state, const struct filled *was, double now);
};

/* A step's detail. */
struct columnwise {
    struct rowwise map; /* first, so that rowwise hooks find it */
    const struct learner *learner;
    const struct learner *(*choose)(const struct step *s); /* instead: by the step's arguments */
};

/* The state of selected column `index` after finish; of the column a mapping runs over. */
const void *columnwise_learnt(const struct step *s, size_t index);
const void *columnwise_mapped(const struct mapping *m);

/* learner.filled and learner.refill of a selected column; false where there is none. */
bool columnwise_filled(const struct step *s, size_t index, struct filled *out);
bool columnwise_refill(const struct step *s, size_t index, const struct filled *was, double now);

/* The values that are not NaN, in order, in the batch's arena; *count of them. */
const double *lesson_present(const struct lesson *l, const double *values, size_t *count);

/* A number in a state file: NaN is null. */
json_t *json_of_number(double x);

/* The hooks; see prep.h for what they do. */
void *columnwise_state_new(const struct step *s);
int columnwise_learn(const struct step *s, void *state, struct batch *b, struct error *e);
int columnwise_merge(const struct step *s, void *into, void *from, struct error *e);
int columnwise_finish(struct step *s, void *state, struct error *e);
json_t *columnwise_save(const struct step *s, const void *state);
int columnwise_load(const struct step *s, void *state, const json_t *j, struct error *e);
void columnwise_state_free(void *state);
#define COLUMNWISE_HOOKS                                                                           \
    .state_new = columnwise_state_new, .learn = columnwise_learn, .merge = columnwise_merge,       \
    .finish = columnwise_finish, .save = columnwise_save, .load = columnwise_load,                 \
    .state_free = columnwise_state_free

#endif
