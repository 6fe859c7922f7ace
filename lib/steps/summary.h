/*
 * Summary: what most steps on numbers learn of a column. The sums it is made from (moments,
 * quantiles or all values), and the few numbers derived from them by the step's finish.
 *
 *     static const struct learner robust = SUMMARY_LEARNER(summary_quantiles, finish_robust);
 */
#ifndef STEPS_SUMMARY_H
#define STEPS_SUMMARY_H

#include "prep/columnwise.h"
#include "steps/distribution.h"

struct summary {
    struct moments *moments;
    struct quantiles *quantiles;
    struct distribution *values;
    uint64_t missing; /* cells without a value */
    VEC(double) learnt;
    const char *const *names; /* of learnt, for the state file */
    const char *list;         /* or one name for all of them */
};

/* init hooks: which sums are kept. */
void summary_moments(const struct step *s, void *state);   /* count, min, max, x, x^2 */
void summary_quantiles(const struct step *s, void *state); /* any quantile; spills */
void summary_values(const struct step *s, void *state);    /* every value; in memory */

int summary_numbers(const struct lesson *l, void *state, const double *values, struct error *e);
bool summary_filled(const void *state, struct filled *out);             /* by learnt.at[0] */
bool summary_refill(void *state, const struct filled *was, double now); /* moments alone */
int summary_merge(const struct step *s, void *into, void *from, struct error *e);
json_t *summary_save(const struct step *s, const void *state);
int summary_load(const struct step *s, void *state, const json_t *j, struct error *e);
void summary_release(void *state);
#define SUMMARY_LEARNER_OF(start, add, derive)                                                     \
    {                                                                                              \
        .size = sizeof(struct summary), .init = start, .numbers = add, .merge = summary_merge,     \
        .finish = derive, .save = summary_save, .load = summary_load, .release = summary_release,  \
        .refill = summary_refill                                                                   \
    }
#define SUMMARY_FILL_LEARNER(start, derive)                                                        \
    {                                                                                              \
        .size = sizeof(struct summary), .init = start, .numbers = summary_numbers,                 \
        .merge = summary_merge, .finish = derive, .save = summary_save, .load = summary_load,      \
        .release = summary_release, .filled = summary_filled                                       \
    }
#define SUMMARY_LEARNER(start, derive) SUMMARY_LEARNER_OF(start, summary_numbers, derive)

/* For finish: what was learnt, as numbers with a name each or as one list. Copies the values. */
void summary_set(struct summary *m, const char *const *names, const double *values, size_t count);
void summary_set_list(struct summary *m, const char *name, const double *values, size_t count);

#endif
