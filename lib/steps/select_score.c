/* Keeping the columns that say most about a target: select_best, select_information_value,
 * select_psi. */
#include "prep/dropping.h"
#include "steps/score.h"
#include "steps/steps.h"

#include <math.h>
#include <stdlib.h>

struct by_class {
    struct score score;
    VEC(struct moments) moments; /* by number in classes */
    struct map classes;
};

static struct moments *moments_of(struct by_class *b, struct text name)
{
    bool fresh;
    size_t i = map_put(&b->classes, name, &fresh);
    if (fresh) {
        struct moments empty;
        moments_init(&empty, 2);
        vec_push(&b->moments, empty);
    }
    return &b->moments.at[i];
}

static int by_class_add(const struct lesson *l, void *state, const double *values, struct error *e)
{
    const struct text *classes = score_targets(l);
    bool positive = arg_choice(l->step, "score") == 0;
    for (size_t r = 0; r < l->rows; r++) {
        if (isnan(values[r]) || !classes[r].at)
            continue;
        if (positive && values[r] < 0)
            return error_set(e, ERR_DATA,
                             "%s: score=chi2 is of counts and frequencies, '%s' has a negative "
                             "number",
                             l->step->kind->name, l->step->names[l->index]);
        moments_add(moments_of(state, classes[r]), values[r]);
    }
    return 0;
}

static int by_class_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    struct by_class *b = from;
    for (size_t i = 0; i < b->moments.len; i++)
        moments_merge(moments_of(into, b->classes.keys.at[i]), &b->moments.at[i]);
    return 0;
}

static json_t *by_class_save(const struct step *s, const void *state)
{
    (void)s;
    const struct by_class *b = state;
    json_t *classes = json_object();
    for (size_t i = 0; i < b->moments.len; i++)
        json_object_set_new_nocheck(classes, b->classes.keys.at[i].at,
                                    moments_save(&b->moments.at[i]));
    return score_save(&b->score, "classes", classes);
}

static int by_class_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    (void)s;
    const char *name;
    json_t *moments;
    json_object_foreach((json_t *)(uintptr_t)json_object_get(j, "classes"), name, moments)
    {
        int rc = moments_load(moments_of(state, text_of(name)), moments, e);
        if (rc)
            return rc;
    }
    return 0;
}

static void by_class_release(void *state)
{
    struct by_class *b = state;
    for (size_t i = 0; i < b->moments.len; i++)
        moments_release(&b->moments.at[i]);
    vec_release(&b->moments);
    map_release(&b->classes);
}

/* All classes together. */
static struct moments total_of(const struct by_class *b)
{
    struct moments all;
    moments_init(&all, 2);
    for (size_t i = 0; i < b->moments.len; i++)
        moments_merge(&all, &b->moments.at[i]);
    return all;
}

static int compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The sum does not depend on the order of the terms, which is that of arrival. */
static double sum_of(double *terms, size_t n)
{
    double sum = 0;
    if (n)
        qsort(terms, n, sizeof *terms, compare_doubles);
    for (size_t i = 0; i < n; i++)
        sum += terms[i];
    return sum;
}

/* Sums of the column by class against the shares of the classes. */
static int finish_chi2(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)s;
    (void)index;
    (void)e;
    struct by_class *b = state;
    struct moments all = total_of(b);
    double sum = sum_value(&all.power[0]);
    double *terms = mem_array(NULL, b->moments.len + 1, sizeof *terms);
    for (size_t i = 0; i < b->moments.len; i++) {
        const struct moments *m = &b->moments.at[i];
        double expected = sum * ((double)m->count / (double)all.count);
        double observed = sum_value(&m->power[0]);
        terms[i] = (observed - expected) * (observed - expected) / expected;
    }
    b->score.score = b->moments.len > 1 ? sum_of(terms, b->moments.len) : (double)NAN;
    b->score.p_value = chi2_sf(b->score.score, (double)b->moments.len - 1);
    mem_free(terms);
    moments_release(&all);
    return 0;
}

/* One-way analysis of variance. */
static int finish_anova(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)s;
    (void)index;
    (void)e;
    struct by_class *b = state;
    size_t classes = b->moments.len;
    struct moments all = total_of(b);
    double n = (double)all.count, total = moments_variance(&all, 0) * n;
    double *terms = mem_array(NULL, classes + 1, sizeof *terms);
    for (size_t i = 0; i < classes; i++)
        terms[i] = moments_variance(&b->moments.at[i], 0) * (double)b->moments.at[i].count;
    double within = sum_of(terms, classes), df1 = (double)classes - 1, df2 = n - (double)classes;
    b->score.score = classes > 1 ? ((total - within) / df1) / (within / df2) : (double)NAN;
    b->score.p_value = f_sf(b->score.score, df1, df2);
    mem_free(terms);
    moments_release(&all);
    return 0;
}

#define BY_CLASS_LEARNER(derive)                                                                   \
    {                                                                                              \
        .size = sizeof(struct by_class), .numbers = by_class_add, .merge = by_class_merge,         \
        .finish = derive, .save = by_class_save, .load = by_class_load,                            \
        .release = by_class_release                                                                \
    }
static const struct learner chi2_learner = BY_CLASS_LEARNER(finish_chi2);
static const struct learner anova_learner = BY_CLASS_LEARNER(finish_anova);

struct with_target {
    struct score score;
    struct comoments sums; /* of the column and the target */
};

static void with_target_init(const struct step *s, void *state)
{
    (void)s;
    struct with_target *w = state;
    comoments_init(&w->sums, 2);
}

static int with_target_add(const struct lesson *l, void *state, const double *values,
                           struct error *e)
{
    struct with_target *w = state;
    const double *targets;
    int rc =
        batch_double(l->batch, l->step->reads.at[0], arg_string(l->step, "target"), &targets, e);
    for (size_t r = 0; rc == 0 && r < l->rows; r++)
        if (isfinite(values[r]) && isfinite(targets[r]))
            comoments_add(&w->sums, (const double[]){values[r], targets[r]});
    return rc;
}

static int with_target_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    struct with_target *a = into, *b = from;
    comoments_merge(&a->sums, &b->sums);
    return 0;
}

static int finish_regression(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)s;
    (void)index;
    (void)e;
    struct with_target *w = state;
    double x = comoments_covariance(&w->sums, 0, 0, 0), y = comoments_covariance(&w->sums, 1, 1, 0);
    double xy = comoments_covariance(&w->sums, 0, 1, 0), df = (double)w->sums.count - 2;
    double square = xy * xy / (x * y); /* of the correlation; NaN when one is constant */
    w->score.score = square / (1 - square) * df;
    w->score.p_value = f_sf(w->score.score, 1, df);
    return 0;
}

static json_t *with_target_save(const struct step *s, const void *state)
{
    (void)s;
    const struct with_target *w = state;
    return score_save(&w->score, "sums", comoments_save(&w->sums));
}

static int with_target_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    (void)s;
    struct with_target *w = state;
    comoments_release(&w->sums);
    int rc = comoments_load(&w->sums, json_object_get(j, "sums"), e);
    return rc == 0 && w->sums.p != 2 ? error_set(e, ERR_DATA, "expected sums of 2 columns") : rc;
}

static void with_target_release(void *state)
{
    struct with_target *w = state;
    comoments_release(&w->sums);
}

static const struct learner regression_learner = {.size = sizeof(struct with_target),
                                                  .init = with_target_init,
                                                  .numbers = with_target_add,
                                                  .merge = with_target_merge,
                                                  .finish = finish_regression,
                                                  .save = with_target_save,
                                                  .load = with_target_load,
                                                  .release = with_target_release};

static const struct learner *choose_learner(const struct step *s)
{
    static const struct learner *const learners[] = {&chi2_learner, &anova_learner,
                                                     &regression_learner, &score_information};
    return learners[arg_choice(s, "score")];
}

struct place {
    double key; /* the smaller the better; NaN is worst */
    size_t index;
};

static int by_key(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    bool no_a = isnan(a->key), no_b = isnan(b->key);
    if (no_a != no_b)
        return no_a ? 1 : -1;
    if (!no_a && a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

/* How many of the columns in order of p-value pass at level alpha. */
static size_t passing(const struct step *s, const struct place *places, size_t p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p; i++) {
        double p_value = places[i].key, n = (double)p;
        bool good = arg_given(s, "fpr")   ? p_value < arg_number(s, "fpr")
                    : arg_given(s, "fwe") ? p_value < arg_number(s, "fwe") / n
                                          : p_value <= arg_number(s, "fdr") * (double)(i + 1) / n;
        kept = good ? i + 1 : kept; /* fdr: up to the last one that passes */
    }
    return kept;
}

static void mark_worst(const struct step *s, bool *drop)
{
    size_t p = s->column_count, kept;
    bool tested = arg_given(s, "fpr") || arg_given(s, "fwe") || arg_given(s, "fdr");
    struct place *places = mem_array(NULL, p + 1, sizeof *places);
    for (size_t i = 0; i < p; i++) {
        const struct score *score = columnwise_learnt(s, i);
        places[i] = (struct place){tested ? score->p_value : -score->score, i};
    }
    if (p)
        qsort(places, p, sizeof *places, by_key);
    kept = tested ? passing(s, places, p) : (size_t)arg_int(s, "keep");
    for (size_t i = kept; i < p; i++)
        drop[places[i].index] = true;
    mem_free(places);
}

static void mark_uninformative(const struct step *s, bool *drop)
{
    for (size_t i = 0; i < s->column_count; i++)
        drop[i] =
            ((const struct score *)columnwise_learnt(s, i))->score < arg_number(s, "threshold");
}

static void mark_unstable(const struct step *s, bool *drop)
{
    for (size_t i = 0; i < s->column_count; i++)
        drop[i] =
            ((const struct score *)columnwise_learnt(s, i))->score >= arg_number(s, "threshold");
}

#define LEVEL(option, text)                                                                        \
    {                                                                                              \
        .name = option, .kind = ARG_NUMBER, .help = text, .min = 0, .max = 1                       \
    }
#define BINS                                                                                       \
    {                                                                                              \
        .name = "bins", .kind = ARG_INT, .fallback = "10",                                         \
        .help = "numbers with more values are cut into so many bins of equal counts", .min = 2,    \
        .max = 1e6                                                                                 \
    }
static const struct arg best_args[] = {
    DROPPING_NUMBERS,
    DROPPING_TARGET("column to be predicted"),
    {.name = "score", .kind = ARG_METHOD, .fallback = "anova", .help = "how columns are judged"},
    {.name = "keep",
     .kind = ARG_INT,
     .fallback = "10",
     .help = "keep so many, the best",
     .min = 1,
     .max = 1e9},
    LEVEL("fpr", "instead of keep: p-value below this"),
    LEVEL("fdr", "instead of keep: at most this share of false ones (Benjamini, Hochberg 1995)"),
    LEVEL("fwe", "instead of keep: p-value below this divided by the number of columns"),
    BINS,
    {0},
};
static const struct arg value_args[] = {
    DROPPING_COLUMNS,
    DROPPING_TARGET("column of two classes"),
    {.name = "threshold",
     .kind = ARG_NUMBER,
     .fallback = "0.2",
     .help = "columns with less information value go",
     .min = 0,
     .max = 1e300},
    BINS,
    {0},
};
static const struct arg psi_args[] = {
    DROPPING_COLUMNS,
    {.name = "target",
     .kind = ARG_COLUMN,
     .help = "column of two values that tells which of the two sets a row is of",
     .required = true},
    {.name = "threshold",
     .kind = ARG_NUMBER,
     .fallback = "0.25",
     .help = "columns with this index or more go",
     .min = 0,
     .max = 1e300},
    BINS,
    {0},
};

#define SCORED      "a,b,y\n1,4,0\n2,1,0\n8,3,1\n9,2,1\n"
#define SCORED_BEST "a,y\n1,0\n2,0\n8,1\n9,1\n"
static const struct method best_methods[] = {
    {"chi2",
     "F",
     "counts and frequencies: are their sums in proportion to the classes",
     {.program = "select_best target=y score=chi2 keep=1", .input = SCORED, .output = SCORED_BEST}},
    {"anova",
     "F",
     "do the means of the classes differ: one-way F",
     {.program = "select_best target=y score=anova keep=1",
      .input = SCORED,
      .output = SCORED_BEST}},
    {"f_regression",
     "F",
     "correlation with a number: F of the regression on the column alone",
     {.program = "select_best target=y score=f_regression fpr=0.05",
      .input = SCORED,
      .output = SCORED_BEST}},
    {"mutual_info",
     "F",
     "what values or bins say about the class; no p-value, so with keep= only",
     {.program = "select_best a,b target=y score=mutual_info keep=1 bins=2",
      .input = SCORED,
      .output = SCORED_BEST}},
    {0},
};

const struct step_kind steps_select_score[] = {
    {.name = "select_best",
     .aliases = "select_k_best kbest_chi2:score=chi2 kbest_anova:score=anova "
                "kbest_f_regression:score=f_regression kbest_mutual_info:score=mutual_info "
                "select_fdr:fdr=0.05 select_fpr:fpr=0.05 select_fwe:fwe=0.05",
     .family = "select",
     .class = "F",
     .summary = "keep the columns that say most about a target, each judged alone",
     .details = "Scores and p-values are those of scikit-learn's chi2, f_classif and "
                "f_regression; mutual_info counts values, and cuts numbers into bins, where "
                "scikit-learn estimates from neighbours. Cells missing in the column or the "
                "target are left out. Of equal scores the earlier column wins; a constant column "
                "loses to all. The target and columns not selected stay." HELD(
                    "values that chi2 and mutual_info count", "about 150 bytes and the text"),
     .args = best_args,
     .methods = best_methods,
     .example = {.program = "select_best target=y keep=1", .input = SCORED, .output = SCORED_BEST},
     DROPPING_HOOKS,
     COLUMNWISE_HOOKS,
     .detail = &(const struct dropper){{.choose = choose_learner}, mark_worst}},
    {.name = "select_information_value",
     .aliases = "select_iv",
     .family = "select",
     .class = "F",
     .summary = "drop columns that tell two classes apart too little",
     .details = "Sum over values, or bins of equal counts, of (p - q) ln(p / q), the shares of the "
                "two classes (Siddiqi 2006), with shares floored at 0.0001. Below 0.02 a column is "
                "useless, above 0.3 strong." HELD("values counted", "about 150 bytes and the text"),
     .args = value_args,
     .example = {.program = "select_information_value target=y bins=2",
                 .input = SCORED,
                 .output = SCORED_BEST},
     DROPPING_HOOKS,
     COLUMNWISE_HOOKS,
     .detail = &(const struct dropper){{.learner = &score_divergence}, mark_uninformative}},
    {.name = "select_psi",
     .aliases = "drop_high_psi",
     .family = "select",
     .class = "F",
     .summary = "drop columns that are spread differently in two sets of rows",
     .details = "The population stability index: sum over values, or bins of equal counts of all "
                "rows, of (p - q) ln(p / q), with shares floored at 0.0001. target= names the "
                "column that tells the sets apart, such as one made by split." HELD(
                    "values counted", "about 150 bytes and the text"),
     .args = psi_args,
     .example = {.program = "select_psi target=set bins=2",
                 .input = "a,b,set\n1,4,x\n2,1,x\n8,3,y\n9,2,y\n",
                 .output = "b,set\n4,x\n1,x\n3,y\n2,y\n"},
     DROPPING_HOOKS,
     COLUMNWISE_HOOKS,
     .detail = &(const struct dropper){{.learner = &score_divergence}, mark_unstable}},
    {0},
};
