/* select_lasso: the columns a linear model cannot do without. */
#include "steps/pairs.h"
#include "steps/steps.h"
#include "steps/target_sums.h"

#include <math.h>

enum { ROUNDS_MAX = 100000 };

/* p columns with mean 0 and deviation 1: their correlations (p * p), covariances with the target
 * and weights. */
struct lasso {
    size_t p;
    double *alike, *pull, *weight;
};

static struct lasso lasso_of(const struct comoments *c)
{
    size_t p = c->p - 1;
    struct lasso x = {.p = p, .alike = mem_array(NULL, p * p + 2 * p + 1, sizeof *x.alike)};
    x.pull = x.alike + p * p;
    x.weight = x.pull + p;
    double spread = sqrt(comoments_covariance(c, p, p, 0));
    for (size_t i = 0; i < p; i++) {
        double with_target = comoments_correlation(c, i, p);
        x.pull[i] = isnan(with_target) ? 0 : with_target * spread;
        x.weight[i] = 0;
        for (size_t k = 0; k < p; k++) {
            double r = i == k ? 1 : comoments_correlation(c, i, k);
            x.alike[i * p + k] = isnan(r) ? 0 : r; /* a constant column says nothing */
        }
    }
    return x;
}

/* The best weight of column i while the others stay. */
static double best_weight(const struct lasso *x, size_t i, double alpha)
{
    double pull = x->pull[i];
    for (size_t k = 0; k < x->p; k++)
        if (k != i)
            pull -= x->alike[i * x->p + k] * x->weight[k];
    return copysign(fmax(fabs(pull) - alpha, 0), pull);
}

/* Column after column until no weight changes any more to speak of. */
static void descend(const struct lasso *x, double alpha)
{
    double change = 1, largest = 0;
    for (int round = 0; round < ROUNDS_MAX && change > 1e-12 * largest; round++) {
        change = largest = 0;
        for (size_t i = 0; i < x->p; i++) {
            double before = x->weight[i];
            x->weight[i] = best_weight(x, i, alpha);
            change = fmax(change, fabs(x->weight[i] - before));
            largest = fmax(largest, fabs(x->weight[i]));
        }
    }
}

static void mark_weightless(const struct step *s, bool *drop)
{
    const struct comoments *c = s->learnt;
    if (c->count < 2) /* nothing is known: all stay */
        return;
    struct lasso x = lasso_of(c);
    descend(&x, arg_number(s, "alpha"));
    for (size_t i = 0; i < x.p; i++)
        drop[i] = x.weight[i] == 0;
    mem_free(x.alike);
}

static const struct arg lasso_args[] = {
    DROPPING_NUMBERS,
    DROPPING_TARGET("number to be predicted"),
    {.name = "alpha",
     .kind = ARG_NUMBER,
     .help = "price of a weight, in units of the target: the more the fewer columns stay",
     .min = 0,
     .max = 1e300,
     .required = true},
    {0},
};

const struct step_kind steps_select_lasso[] = {
    {.name = "select_lasso",
     .family = "select",
     .class = "F",
     .summary = "keep the columns to which a lasso regression gives a weight",
     .details = "Least squares with a price of alpha for the absolute value of each weight "
                "(Tibshirani 1996), by coordinate descent over columns scaled to mean 0 and "
                "deviation 1: scikit-learn's Lasso behind StandardScaler. Exact sums are all it "
                "needs. A column goes at the latest when alpha reaches its covariance with the "
                "target, divided by its deviation. Rows with a missing value teach nothing.",
     .args = lasso_args,
     .example = {.program = "select_lasso target=y alpha=0.5",
                 .input = "a,b,c,y\n1,1,3,3\n2,5,1,4\n3,2,1,7\n4,2,3,8\n",
                 .output = "a,y\n1,3\n2,4\n3,7\n4,8\n"},
     DROPPING_HOOKS,
     TARGET_SUMS_HOOKS,
     .detail = &(const struct dropper){.mark = mark_weightless}},
    {0},
};
