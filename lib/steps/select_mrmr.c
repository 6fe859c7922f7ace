/* select_mrmr: columns that say much about a target and little about each other. */
#include "steps/pairs.h"
#include "steps/steps.h"
#include "steps/target_sums.h"

#include <math.h>

/* F of the regression of the target on column i, by the mean correlation with those kept. */
static double merit(const struct comoments *c, size_t i, const bool *drop, size_t kept)
{
    double r = comoments_correlation(c, i, c->p - 1), alike = 0;
    double f = r * r / (1 - r * r) * ((double)c->count - 2);
    for (size_t k = 0; k + 1 < c->p; k++)
        if (!drop[k])
            alike += fabs(comoments_correlation(c, i, k));
    return kept ? f / (alike / (double)kept) : f;
}

/* Greedy: the best by merit joins those kept, the first of equals. */
static void mark_redundant(const struct step *s, bool *drop)
{
    const struct comoments *c = s->learnt;
    size_t p = s->column_count, most = (size_t)arg_int(s, "keep");
    for (size_t i = 0; i < p; i++)
        drop[i] = true;
    for (size_t kept = 0; kept < most && kept < p; kept++) {
        size_t best = SIZE_MAX;
        double best_merit = -1;
        for (size_t i = 0; i < p; i++) {
            double m = drop[i] ? merit(c, i, drop, kept) : -1;
            if (m > best_merit) {
                best = i;
                best_merit = m;
            }
        }
        if (best == SIZE_MAX) /* only constant columns are left */
            return;
        drop[best] = false;
    }
}

static const struct arg mrmr_args[] = {
    DROPPING_NUMBERS,
    DROPPING_TARGET("number to be predicted; 0 and 1 for two classes"),
    {.name = "keep",
     .kind = ARG_INT,
     .fallback = "10",
     .help = "keep so many",
     .min = 1,
     .max = 1e9},
    {0},
};

const struct step_kind steps_select_mrmr[] = {
    {.name = "select_mrmr",
     .family = "select",
     .class = "F",
     .summary = "keep columns that say much about a target and little about each other",
     .details = "Minimum redundancy, maximum relevance by the quotient of F and correlation (Ding "
                "and Peng 2005): one column after the other, the one with the largest F of the "
                "regression divided by its mean absolute correlation with those kept before. Rows "
                "with a missing value teach nothing.",
     .args = mrmr_args,
     .example = {.program = "select_mrmr target=y keep=2",
                 .input = "a,b,c,y\n1,1,3,4\n2,2,1,3\n3,3,1,4\n4,5,3,8\n",
                 .output = "b,c,y\n1,3,4\n2,1,3\n3,1,4\n5,3,8\n"},
     DROPPING_HOOKS,
     TARGET_SUMS_HOOKS,
     .detail = &(const struct dropper){.mark = mark_redundant}},
    {0},
};
