/* select_single_feature: columns that predict a target all by themselves. */
#include "steps/distribution.h"
#include "steps/score.h"
#include "steps/steps.h"

#include <math.h>

enum { SCORE_AUC, SCORE_R2 };

/* Pairs of a value and a target: a class, or a number. */
struct alone {
    struct score score;
    struct distribution pairs;
};

static int alone_add(const struct lesson *l, void *state, const double *values, struct error *e)
{
    struct alone *a = state;
    const struct text *classes = NULL;
    const double *numbers = NULL;
    const bool by_class = arg_choice(l->step, "score") == SCORE_AUC;
    int rc = 0;
    if (by_class)
        classes = score_targets(l);
    else
        rc = batch_double(l->batch, l->step->reads.at[0], arg_string(l->step, "target"), &numbers,
                          e);
    for (size_t r = 0; rc == 0 && r < l->rows; r++) {
        if (isnan(values[r]) || (by_class ? !classes[r].at : !isfinite(numbers[r])))
            continue;
        if (by_class)
            distribution_add_class(&a->pairs, values[r], classes[r]);
        else
            distribution_add(&a->pairs, values[r], numbers[r], 1);
    }
    return rc;
}

static int alone_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    distribution_merge(&((struct alone *)into)->pairs, &((struct alone *)from)->pairs);
    return 0;
}

/* Area under the curve of two classes: how often a value of one is the larger, a tie counting half
 * (Mann and Whitney 1947); whichever class it speaks for. */
static double area(const struct distribution *d)
{
    double before[2] = {0, 0}, wins = 0;
    for (size_t i = 0; i < d->pairs.len;) {
        double x = d->pairs.at[i].x, here[2] = {0, 0};
        for (; i < d->pairs.len && d->pairs.at[i].x == x; i++)
            here[(size_t)d->pairs.at[i].y] += (double)d->pairs.at[i].n;
        wins += here[1] * (before[0] + here[0] / 2);
        before[0] += here[0];
        before[1] += here[1];
    }
    double share = wins / (before[0] * before[1]);
    return fmax(share, 1 - share);
}

/* Squared correlation: what a regression on the column explains. */
static double explained(const struct distribution *d)
{
    struct sum x = {0}, y = {0}, xx = {0}, xy = {0}, yy = {0};
    double n = (double)d->count;
    for (size_t i = 0; i < d->pairs.len; i++) {
        const struct pair_count *pair = &d->pairs.at[i];
        double times = (double)pair->n;
        sum_add_product(&x, pair->x, times);
        sum_add_product(&y, pair->y, times);
    }
    double mean_x = sum_value(&x) / n, mean_y = sum_value(&y) / n;
    for (size_t i = 0; i < d->pairs.len; i++) {
        const struct pair_count *pair = &d->pairs.at[i];
        double dx = pair->x - mean_x, dy = pair->y - mean_y, times = (double)pair->n;
        sum_add_product(&xx, dx * dx, times);
        sum_add_product(&xy, dx * dy, times);
        sum_add_product(&yy, dy * dy, times);
    }
    double covariance = sum_value(&xy);
    double result = covariance * covariance / (sum_value(&xx) * sum_value(&yy));
    struct sum *all[] = {&x, &y, &xx, &xy, &yy};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        sum_release(all[i]);
    return result;
}

static int alone_finish(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)index;
    struct alone *a = state;
    distribution_settle(&a->pairs);
    a->score = (struct score){(double)NAN, (double)NAN};
    if (arg_choice(s, "score") == SCORE_R2) {
        a->score.score = explained(&a->pairs);
        return 0;
    }
    size_t classes = a->pairs.classes.keys.len;
    if (classes > 2)
        return error_set(e, ERR_DATA, "%s: score=auc wants two classes, the target has %zu",
                         s->kind->name, classes);
    if (classes == 2)
        a->score.score = area(&a->pairs);
    return 0;
}

static json_t *alone_save(const struct step *s, const void *state)
{
    (void)s;
    const struct alone *a = state;
    return score_save(&a->score, "pairs", distribution_save(&a->pairs));
}

static int alone_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    (void)s;
    return distribution_load(&((struct alone *)state)->pairs, json_object_get(j, "pairs"), e);
}

static void alone_release(void *state)
{
    distribution_release(&((struct alone *)state)->pairs);
}

static const struct learner alone_learner = {.size = sizeof(struct alone),
                                             .numbers = alone_add,
                                             .merge = alone_merge,
                                             .finish = alone_finish,
                                             .save = alone_save,
                                             .load = alone_load,
                                             .release = alone_release};

/* A column without a score, such as a constant one, predicts nothing. */
static void mark_weak(const struct step *s, bool *drop)
{
    double usual = arg_choice(s, "score") == SCORE_AUC ? 0.6 : 0.05;
    double threshold = arg_given(s, "threshold") ? arg_number(s, "threshold") : usual;
    for (size_t i = 0; i < s->column_count; i++) {
        const struct alone *a = columnwise_learnt(s, i);
        drop[i] = a->pairs.count > 0 && !(a->score.score >= threshold);
    }
}

static const struct arg alone_args[] = {
    DROPPING_NUMBERS,
    DROPPING_TARGET("column to be predicted: two classes, or with score=r2 a number"),
    {.name = "score",
     .kind = ARG_CHOICE,
     .fallback = "auc",
     .help = "area under the ROC curve, or the share of the target's variance explained",
     .choices = "auc r2"},
    {.name = "threshold",
     .kind = ARG_NUMBER,
     .help = "columns with a lower score go (default: 0.6 of auc, 0.05 of r2)",
     .min = 0,
     .max = 1},
    {0},
};

const struct step_kind steps_select_alone[] = {
    {.name = "select_single_feature",
     .aliases = "select_by_single_feature_performance",
     .family = "select",
     .class = "F",
     .summary = "drop columns that alone predict a target badly",
     .details = "The column itself is the model, so nothing is left to a seed: auc ranks the rows "
                "by it, ascending or descending, whichever is better; r2 is that of the regression "
                "on it, the squared correlation. feature-engine trains a model of your choice "
                "instead. Cells missing in the column or the target are left out." HELD(
                    "values counted", "about 150 bytes and the text"),
     .args = alone_args,
     .example = {.program = "select_single_feature target=y threshold=0.8",
                 .input = "a,b,y\n1,4,0\n2,1,0\n8,3,1\n9,2,1\n",
                 .output = "a,y\n1,0\n2,0\n8,1\n9,1\n"},
     DROPPING_HOOKS,
     COLUMNWISE_HOOKS,
     .detail = &(const struct dropper){{.learner = &alone_learner}, mark_weak}},
    {0},
};
