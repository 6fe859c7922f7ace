/* Encoders that put a number learnt from a target column in the place of each category. */
#include "steps/encoder.h"
#include "steps/steps.h"

#include <math.h>

/* The target at a place in all parts but `without` (SIZE_MAX: in all). Freed with tally_release. */
static struct tally tally_of(const struct categories *c, size_t place, size_t without)
{
    struct tally t = {0};
    for (size_t part = 0; part < c->parts; part++)
        if (part != without)
            tally_merge(&t, categories_tally(c, place, part));
    return t;
}

/* A table of one output whose value at each category depends on its tally alone. */
static int derive_each(const struct step *s, struct categories *c, double neutral,
                       double (*value)(const struct step *s, const struct categories *c,
                                       const struct tally *t))
{
    double *table = categories_table(c, 1, neutral);
    for (size_t i = 0; i < c->count + categories_keep(c); i++) {
        struct tally t = tally_of(c, i, SIZE_MAX);
        table[i] = value(s, c, &t);
        tally_release(&t);
    }
    return 0;
}

static bool is_category(const struct categories *c, uint32_t place)
{
    return place < c->count || (place == c->count + PLACE_KEEP && categories_keep(c));
}

/* The category's mean drawn to the prior: Micci-Barreca 2001, doi:10.1145/507533.507538. */
static double smoothed(const struct step *s, const struct tally *t, double prior)
{
    if (t->count == 0)
        return prior;
    double k = arg_number(s, "min_samples"), f = arg_number(s, "smoothing");
    double weight = 1 / (1 + exp(-((double)t->count - k) / f));
    return prior * (1 - weight) + tally_mean(t) * weight;
}

static double target_value(const struct step *s, const struct categories *c, const struct tally *t)
{
    return smoothed(s, t, categories_prior(c));
}

/* The target's mean over the rows outside a part; over all when there are none. */
static double prior_without(const struct categories *c, size_t part)
{
    struct tally all = {0};
    for (size_t i = 0; i < c->tallies.len; i++)
        if (i % c->parts != part)
            tally_merge(&all, &c->tallies.at[i]);
    double prior = all.count > 0 ? tally_mean(&all) : categories_prior(c);
    tally_release(&all);
    return prior;
}

/* c->own: a table for each part, learnt from the rows outside it. */
static int derive_target(const struct step *s, struct categories *c, struct error *e)
{
    (void)e;
    derive_each(s, c, categories_prior(c), target_value);
    if (c->parts == 1)
        return 0;
    size_t places = categories_places(c);
    double *tables = arena_alloc(&c->arena, c->parts * places * sizeof *tables);
    c->own = tables;
    for (size_t part = 0; part < c->parts; part++, tables += places) {
        double prior = prior_without(c, part);
        memcpy(tables, c->table, places * sizeof *tables);
        tables[c->count + PLACE_IGNORE] = prior;
        for (size_t i = 0; i < c->count + 1; i++) {
            struct tally t = tally_of(c, i, part);
            tables[i] = smoothed(s, &t, prior);
            tally_release(&t);
        }
    }
    return 0;
}

static int fill_target(const struct encoding *x)
{
    const struct categories *c = x->categories;
    const double *tables = c->own;
    if (c->parts == 1 || !x->step->context->training) {
        encoder_look_up(x);
        return 0;
    }
    double *out = batch_array(x->batch, x->batch->rows, sizeof *out);
    for (size_t r = 0; r < x->batch->rows; r++) {
        size_t part = encoder_part(x->step, c->parts, x->batch, r);
        out[r] = tables[part * categories_places(c) + x->place[r]];
    }
    x->out[0] = column_of_double(out);
    return 0;
}

static double mean_of_several(const struct step *s, const struct categories *c,
                              const struct tally *t)
{
    (void)s;
    return t->count > 1 ? tally_mean(t) : categories_prior(c);
}

static int derive_leave_one_out(const struct step *s, struct categories *c, struct error *e)
{
    (void)e;
    return derive_each(s, c, categories_prior(c), mean_of_several);
}

static int fill_leave_one_out(const struct encoding *x)
{
    const struct categories *c = x->categories;
    if (!x->step->context->training) {
        encoder_look_up(x);
        return 0;
    }
    const double *y;
    int rc = encoder_target(x->step, x->batch, &y, x->error);
    if (rc)
        return rc;
    double *out = batch_array(x->batch, x->batch->rows, sizeof *out);
    for (size_t r = 0; r < x->batch->rows; r++) {
        out[r] = c->table[x->place[r]];
        if (isnan(y[r]) || !is_category(c, x->place[r]))
            continue;
        const struct tally *t = categories_tally(c, x->place[r], 0);
        if (t->count > 1)
            out[r] = (sum_value(&t->sum) - y[r]) / (double)(t->count - 1);
    }
    x->out[0] = column_of_double(out);
    return 0;
}

/* Efron and Hastie 2016, equations 7.19 and 7.20, with each category's own variance. */
static double james_stein_value(const struct step *s, const struct categories *c,
                                const struct tally *t)
{
    (void)s;
    double prior = categories_prior(c), k = (double)(c->count + categories_keep(c));
    if (t->count == 0)
        return prior;
    double own = t->count > 1 ? tally_variance(t) : 0, all = tally_variance(&c->total);
    double shrink = k > 3 && own > 0 ? own / (all + own) * (k - 3) / (k - 1) : 0;
    return (1 - shrink) * tally_mean(t) + shrink * prior;
}

static int derive_james_stein(const struct step *s, struct categories *c, struct error *e)
{
    (void)e;
    return derive_each(s, c, categories_prior(c), james_stein_value);
}

static double m_estimate_value(const struct step *s, const struct categories *c,
                               const struct tally *t)
{
    double m = arg_number(s, "m"), prior = categories_prior(c);
    double n = (double)t->count;
    return n + m > 0 ? (sum_value(&t->sum) + prior * m) / (n + m) : prior;
}

static int derive_m_estimate(const struct step *s, struct categories *c, struct error *e)
{
    (void)e;
    return derive_each(s, c, categories_prior(c), m_estimate_value);
}

static double woe_value(const struct step *s, const struct categories *c, const struct tally *t)
{
    if (t->count < 2)
        return 0;
    double r = arg_number(s, "regularization");
    double n = (double)t->count, positive = sum_value(&t->sum);
    double all = (double)c->total.count, all_positive = sum_value(&c->total.sum);
    double events = (positive + r) / (all_positive + 2 * r);
    double others = (n - positive + r) / (all - all_positive + 2 * r);
    return log(events / others);
}

static int derive_woe(const struct step *s, struct categories *c, struct error *e)
{
    (void)e;
    return derive_each(s, c, 0, woe_value);
}

static int quantile_of(struct quantiles *values, double q, double otherwise, double *out,
                       struct error *e)
{
    *out = otherwise;
    return values ? quantiles_at(values, &q, 1, out, e) : 0;
}

static int derive_quantile(const struct step *s, struct categories *c, struct error *e)
{
    double q = arg_number(s, "quantile"), m = arg_number(s, "m"), prior, own;
    int rc = quantile_of(c->values, q, (double)NAN, &prior, e);
    double *table = categories_table(c, 1, prior);
    for (size_t i = 0; rc == 0 && i < c->count + categories_keep(c); i++) {
        const struct tally *t = categories_tally(c, i, 0);
        double n = (double)t->count;
        rc = quantile_of(t->values, q, prior, &own, e);
        table[i] = n + m > 0 ? (n * own + prior * m) / (n + m) : prior;
    }
    return rc;
}

/* The target in the rows before this one. */
struct before {
    double count, sum;
};
struct running {
    size_t columns;
    struct before **before; /* by column and place */
};

static double catboost_value(const struct step *s, const struct categories *c,
                             const struct tally *t)
{
    double a = arg_number(s, "a"), prior = categories_prior(c);
    return t->count > 1 ? (sum_value(&t->sum) + prior * a) / ((double)t->count + a) : prior;
}

static int derive_catboost(const struct step *s, struct categories *c, struct error *e)
{
    (void)e;
    return derive_each(s, c, categories_prior(c), catboost_value);
}

static int fill_catboost(const struct encoding *x)
{
    const struct categories *c = x->categories;
    const struct running *running = x->step->run;
    if (!x->step->context->training) {
        encoder_look_up(x);
        return 0;
    }
    const double *y;
    int rc = encoder_target(x->step, x->batch, &y, x->error);
    if (rc)
        return rc;
    double a = arg_number(x->step, "a"), prior = categories_prior(c);
    double *out = batch_array(x->batch, x->batch->rows, sizeof *out);
    for (size_t r = 0; r < x->batch->rows; r++) {
        out[r] = c->table[x->place[r]];
        if (!is_category(c, x->place[r]))
            continue;
        struct before *before = &running->before[x->index][x->place[r]];
        out[r] = before->count + a > 0 ? (before->sum + prior * a) / (before->count + a) : prior;
        before->count += !isnan(y[r]);
        before->sum += isnan(y[r]) ? 0 : y[r];
    }
    x->out[0] = column_of_double(out);
    return 0;
}

static int catboost_start(struct step *s, struct error *e)
{
    (void)e;
    struct running *running = mem_alloc(sizeof *running);
    running->columns = s->column_count;
    running->before = mem_alloc(running->columns * sizeof *running->before);
    for (size_t i = 0; i < running->columns; i++) {
        const struct categories *c = columnwise_learnt(s, i);
        running->before[i] = mem_alloc((c->count + 1) * sizeof *running->before[i]);
    }
    s->run = running;
    return 0;
}

static void catboost_stop(struct step *s)
{
    struct running *running = s->run;
    for (size_t i = 0; i < running->columns; i++)
        mem_free(running->before[i]);
    mem_free(running->before);
    mem_free(running);
}

static int catboost_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    int rc = encoder_apply(s, b, e);
    if (rc) {
        batch_free(b);
        return rc;
    }
    batch_drop_rejected(b);
    return emit(out, b, e);
}

static const struct arg plain_args[] = {ENCODER_TARGET_BEGIN, ENCODER_TARGET_END};
static const struct arg target_args[] = {
    ENCODER_TARGET_BEGIN,
    {.name = "with",
     .kind = ARG_METHOD,
     .fallback = "plain",
     .help = "how rows it is fitted on see it"},
    {.name = "min_samples",
     .kind = ARG_NUMBER,
     .fallback = "20",
     .help = "rows at which mean and prior weigh the same"},
    {.name = "smoothing",
     .kind = ARG_NUMBER,
     .fallback = "10",
     .help = "rows over which the weight moves from prior to mean",
     .min = 1e-9,
     .max = (double)INFINITY},
    {.name = "folds",
     .kind = ARG_INT,
     .fallback = "5",
     .help = "with=folds: how many",
     .min = 2,
     .max = 100},
    {.name = "seed", .kind = ARG_INT, .help = "with=folds: of the folds; else the program's"},
    ENCODER_TARGET_END};
static const struct arg m_args[] = {ENCODER_TARGET_BEGIN,
                                    {.name = "m",
                                     .kind = ARG_NUMBER,
                                     .fallback = "1",
                                     .help = "weight of the prior, in rows",
                                     .min = 0,
                                     .max = (double)INFINITY},
                                    ENCODER_TARGET_END};
static const struct arg quantile_args[] = {ENCODER_TARGET_BEGIN,
                                           {.name = "quantile",
                                            .kind = ARG_NUMBER,
                                            .fallback = "0.5",
                                            .help = "which",
                                            .min = 0,
                                            .max = 1},
                                           {.name = "m",
                                            .kind = ARG_NUMBER,
                                            .fallback = "1",
                                            .help = "weight of the prior, in rows",
                                            .min = 0,
                                            .max = (double)INFINITY},
                                           ENCODER_TARGET_END};
static const struct arg woe_args[] = {ENCODER_TARGET_BEGIN,
                                      {.name = "regularization",
                                       .kind = ARG_NUMBER,
                                       .fallback = "1",
                                       .help = "rows added to each side, so that none is empty",
                                       .min = 0,
                                       .max = (double)INFINITY},
                                      ENCODER_TARGET_END};
static const struct arg catboost_args[] = {ENCODER_TARGET_BEGIN,
                                           {.name = "a",
                                            .kind = ARG_NUMBER,
                                            .fallback = "1",
                                            .help = "weight of the prior, in rows",
                                            .min = 0,
                                            .max = (double)INFINITY},
                                           ENCODER_TARGET_END};

#define TARGET_ROWS "c,y\na,1\na,0\na,1\nb,0\nb,0\nc,1\n"
static const struct method target_methods[] = {
    {"plain",
     "F",
     "every row sees what all rows taught",
     {.program = "target_encode c target=y | round c digits=6",
      .input = TARGET_ROWS,
      .output = "c,y\n0.525744,1\n0.525744,0\n0.525744,1\n0.429074,0\n0.429074,0\n0.565054,1\n"}},
    {"folds",
     "F",
     "a row it is fitted on sees what the other folds taught, new rows see all",
     {.program = "target_encode c target=y with=folds folds=2 min_samples=0 smoothing=1 | "
                 "round c digits=4",
      .input = "c,y\na,1\na,0\na,1\nb,0\nb,0\nb,1\na,1\n",
      .output = "c,y\n0.9702,1\n0.9702,0\n0.4801,1\n0.5298,0\n0.0896,0\n0.0896,1\n0.4801,1\n"}},
    {0},
};

static const struct encoder target_encoder = {ENCODER_LEARNS,      .target = TARGET_SUM,
                                              .to = TYPE_FLOAT,    .derive = derive_target,
                                              .fill = fill_target, .lower = encoder_lower_look_up};
static const struct encoder leave_one_out = {ENCODER_LEARNS,
                                             .target = TARGET_SUM,
                                             .to = TYPE_FLOAT,
                                             .derive = derive_leave_one_out,
                                             .fill = fill_leave_one_out,
                                             .lower = encoder_lower_look_up};
static const struct encoder james_stein = {ENCODER_LEARNS, .target = TARGET_SQUARE,
                                           .to = TYPE_FLOAT, .derive = derive_james_stein};
static const struct encoder m_estimate = {ENCODER_LEARNS, .target = TARGET_SUM, .to = TYPE_FLOAT,
                                          .derive = derive_m_estimate};
static const struct encoder woe = {ENCODER_LEARNS, .target = TARGET_SUM, .binary = true,
                                   .to = TYPE_FLOAT, .derive = derive_woe};
static const struct encoder quantile_target = {ENCODER_LEARNS, .target = TARGET_VALUES,
                                               .to = TYPE_FLOAT, .derive = derive_quantile};
static const struct encoder catboost = {ENCODER_LEARNS,        .target = TARGET_SUM,
                                        .to = TYPE_FLOAT,      .derive = derive_catboost,
                                        .fill = fill_catboost, .lower = encoder_lower_look_up};

const struct step_kind steps_encode_target[] = {
    {
        .name = "catboost_encode",
        .aliases = "catboost",
        .family = "encode",
        .class = "W",
        .summary = "the target's mean over earlier rows of the category, with a prior",
        .details = ENCODER_PRIOR
        "Rows it is fitted on see (sum before + prior a) / (rows before + a), in the order of "
        "the stream; new rows see the same of all rows fitted on, and the prior for categories "
        "of one row (category_encoders 2.10; Prokhorenkova et al. 2018)." HELD(
            "categories", "about 300 bytes and the text"),
        .args = catboost_args,
        .example = {.program = "catboost_encode c target=y",
                    .input = TARGET_ROWS,
                    .output = "c,y\n0.5,1\n0.75,0\n0.5,1\n0.5,0\n0.25,0\n0.5,1\n"},
        .open = encoder_open,
        .shape = encoder_shape,
        .push = catboost_push,
        .lower = encoder_lower,
        .start = catboost_start,
        .stop = catboost_stop,
        .ordered = true,
        COLUMNWISE_HOOKS,
        .detail = &catboost,
    },
    {
        .name = "james_stein",
        .family = "encode",
        .class = "F",
        .summary = "the target's mean in the category, shrunk to the prior by its variance",
        .details = ENCODER_PRIOR
        "With v the variance of the target in the category, V over all rows (both with n - 1) "
        "and K categories the mean's weight is 1 - v/(V + v) (K - 3)/(K - 1), and 1 for K up "
        "to 3 and for categories of one row." HELD("categories", "about 300 bytes and the text"),
        .args = plain_args,
        .example = {.program = "james_stein c target=y | round c digits=6",
                    .input = "c,y\na,1\na,0\na,1\nb,0\nb,0\nc,1\nd,1\nd,0\n",
                    .output =
                        "c,y\n0.636752,1\n0.636752,0\n0.636752,1\n0,0\n0,0\n1,1\n0.5,1\n0.5,0\n"},
        ENCODER_HOOKS,
        .detail = &james_stein,
    },
    {
        .name = "leave_one_out",
        .aliases = "loo_encode",
        .family = "encode",
        .class = "F",
        .summary = "the target's mean over the other rows of the category",
        .details = ENCODER_PRIOR
        "Rows it is fitted on are left out of their own mean; new rows see the "
        "mean of all. Categories of one row get the prior." HELD("categories",
                                                                 "about 300 bytes and the text"),
        .args = plain_args,
        .example = {.program = "leave_one_out c target=y",
                    .input = TARGET_ROWS,
                    .output = "c,y\n0.5,1\n1,0\n0.5,1\n0,0\n0,0\n0.5,1\n"},
        ENCODER_HOOKS,
        .detail = &leave_one_out,
    },
    {
        .name = "m_estimate",
        .family = "encode",
        .class = "F",
        .summary = "the target's mean in the category, the prior counted as m more rows",
        .details = ENCODER_PRIOR "The value is (sum + prior m) / (n + m)." HELD(
            "categories", "about 300 bytes and the text"),
        .args = m_args,
        .example = {.program = "m_estimate c target=y | round c digits=6",
                    .input = TARGET_ROWS,
                    .output = "c,y\n0.625,1\n0.625,0\n0.625,1\n0.166667,0\n0.166667,0\n0.75,1\n"},
        ENCODER_HOOKS,
        .detail = &m_estimate,
    },
    {
        .name = "quantile_target",
        .aliases = "quantile_encode",
        .family = "encode",
        .class = "F",
        .summary = "a quantile of the target in the category, drawn to that of all rows",
        .details = "The value is (n q + m Q) / (n + m) with q the category's quantile and Q that "
                   "of all rows, both of type 7. unknown=ignore and missing=ignore give Q." HELD(
                       "categories", "about 300 bytes and the text"),
        .args = quantile_args,
        .example = {.program = "quantile_target c target=y",
                    .input = "c,y\na,1\na,2\na,6\nb,4\n",
                    .output = "c,y\n2.25,1\n2.25,2\n2.25,6\n3.5,4\n"},
        ENCODER_HOOKS,
        .detail = &quantile_target,
    },
    {
        .name = "target_encode",
        .aliases = "target_encode_cv:with=folds mean_encode",
        .family = "encode",
        .class = "F",
        .summary = "the target's mean in the category, drawn to the prior when rows are few",
        .details = ENCODER_PRIOR
        "The value is prior (1 - w) + mean w with w = 1 / (1 + exp(-(n - min_samples) / "
        "smoothing)), as category_encoders 2.10 has it. with=folds keeps a row's own target "
        "out of its value: rows are dealt to folds by (seed, row), and a row that the step is "
        "fitted on sees what the rows of the other folds taught." HELD(
            "categories", "about 300 bytes and the text"),
        .args = target_args,
        .methods = target_methods,
        .example = {.program = "target_encode c target=y | round c digits=6",
                    .input = TARGET_ROWS,
                    .output = "c,y\n0.525744,1\n0.525744,0\n0.525744,1\n0.429074,0\n0.429074,0\n"
                              "0.565054,1\n"},
        ENCODER_HOOKS,
        .detail = &target_encoder,
    },
    {
        .name = "woe",
        .aliases = "weight_of_evidence",
        .family = "encode",
        .class = "F",
        .summary = "weight of evidence: the log of the category's share of ones over zeros",
        .details = "With s of n rows of the category 1, S of N of all, and r = regularization: "
                   "ln(((s + r)/(S + 2r)) / ((n - s + r)/(N - S + 2r))). Categories of one row, "
                   "unknown=ignore and missing=ignore give 0. The target is 0 or 1, or see "
                   "positive=." HELD("categories", "about 300 bytes and the text"),
        .args = woe_args,
        .example = {.program = "woe c target=y | round c digits=6",
                    .input = TARGET_ROWS,
                    .output = "c,y\n0.405465,1\n0.405465,0\n0.405465,1\n-1.098612,0\n-1.098612,0\n"
                              "0,1\n"},
        ENCODER_HOOKS,
        .detail = &woe,
    },
    {0},
};
