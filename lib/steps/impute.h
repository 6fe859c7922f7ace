/* What the files of the step impute share: its plan, and learners with the fillers that go with
 * them. */
#ifndef STEPS_IMPUTE_H
#define STEPS_IMPUTE_H

#include "prep/columnwise.h"

struct impute_plan {
    enum type *types;         /* of the results, by selected column */
    size_t *by, by_count;     /* group_mean */
    size_t *from, from_count; /* regression, knn: further columns */
    const char **from_names;
};
const struct impute_plan *impute_plan(const struct step *s);

/* One selected column of a batch: missing cells of `cells` are to be filled. */
struct gaps {
    const struct step *step;
    struct batch *batch;
    size_t index;
    struct text *cells; /* batch->rows */
};

/* Fills what it can; what it cannot stays missing. */
typedef int impute_fill(const struct gaps *g, struct error *e);

extern const struct learner impute_group_learner; /* mean of the row's group, else of all */
int impute_fill_group(const struct gaps *g, struct error *e);
/* In a row program, the number that fills the cell if it is missing. */
uint32_t impute_lower_group(const struct step *s, size_t index, struct lowering *l);
extern const struct learner impute_regression_learner; /* a linear model of the from= columns */
int impute_fill_regression(const struct gaps *g, struct error *e);
uint32_t impute_lower_regression(const struct step *s, size_t index, struct lowering *l);
extern const struct learner impute_knn_learner; /* mean of the nearest rows of a sample */
int impute_fill_knn(const struct gaps *g, struct error *e);
uint32_t impute_lower_knn(const struct step *s, size_t index, struct lowering *l);

/* Numbers of the from= columns, by column. */
int impute_predictors(const struct step *s, struct batch *b, const double ***out, struct error *e);
/* x as text in the batch's arena; NaN is missing. */
struct text impute_text(struct batch *b, double x);

#endif
