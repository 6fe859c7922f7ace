/*
 * score: what a column says about the column target=, for steps that drop columns. Every state of a
 * learner here begins with a struct score, set by finish.
 */
#ifndef STEPS_SCORE_H
#define STEPS_SCORE_H

#include "prep/dropping.h"

struct score {
    double score, p_value; /* NaN: none */
};

/* The cells of target=, the step's only other column. */
const struct text *score_targets(const struct lesson *l);
/* State for a file: the sums (taken) under that name, and the score. */
json_t *score_save(const struct score *score, const char *name, json_t *sums);

/* Learners that count values by class. Columns of numbers with more than bins= values are cut into
 * so many bins of equal counts. Mutual information in nats; or, of two classes, the sum of
 * (p - q) ln(p / q) over their shares, which is the information value and the stability index. */
extern const struct learner score_information, score_divergence;
#endif
