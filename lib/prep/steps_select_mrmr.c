/* select_mrmr: columns that say much about a target and little about each other. */
#include "prep/dropping.h"
#include "prep/families.h"
#include "prep/pairs.h"

#include <math.h>

/* Sums of the selected columns and, last, the target, over the rows where all are there. */
static void *sums_new(const struct step *s)
{
    struct comoments *c = mem_alloc(sizeof *c);
    comoments_init(c, s->column_count + 1);
    return c;
}

static void sums_free(void *state)
{
    if (state)
        comoments_release(state);
    mem_free(state);
}

static int sums_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    struct numbers numbers;
    const double *target;
    size_t p = s->column_count;
    double *row = batch_array(b, p + 1, sizeof *row);
    int rc = numbers_of(s, b, &numbers, e);
    if (rc == 0)
        rc = batch_double(b, s->reads.at[0], arg_string(s, "target"), &target, e);
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        row[p] = target[r];
        if (numbers_row(&numbers, r, row) && isfinite(row[p]))
            comoments_add(state, row);
    }
    return rc;
}

static int sums_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    comoments_merge(into, from);
    return 0;
}

static json_t *sums_save(const struct step *s, const void *state)
{
    (void)s;
    return json_pack("{s:o}", "sums", comoments_save(state));
}

static int sums_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct comoments *c = state;
    comoments_release(c);
    int rc = comoments_load(c, json_object_get(j, "sums"), e);
    if (rc == 0 && c->p != s->column_count + 1)
        rc = error_set(e, ERR_DATA, "expected sums of %zu columns", s->column_count + 1);
    return rc;
}

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
     .state_new = sums_new,
     .learn = sums_learn,
     .merge = sums_merge,
     .save = sums_save,
     .load = sums_load,
     .state_free = sums_free,
     .detail = &(const struct dropper){.mark = mark_redundant}},
    {0},
};
