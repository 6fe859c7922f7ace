/* Steps that draw some of the rows. */
#include "prep/groups.h"
#include "prep/reservoir.h"
#include "steps/draw.h"
#include "steps/steps.h"

#include <math.h>

/* Lets the rows with keep[r] == 1 go on. Takes b. */
static int emit_kept(struct batch *b, const uint8_t *keep, struct emit *out, struct error *e)
{
    batch_filter(b, keep);
    return emit(out, b, e);
}

static int bernoulli_open(struct step *s, const struct schema *in, struct error *e)
{
    (void)in, (void)e;
    s->by_row = true;
    return 0;
}

static int bernoulli_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    double fraction = arg_number(s, "fraction");
    uint8_t *keep = batch_array(b, b->rows, 1);
    for (size_t r = 0; r < b->rows; r++)
        keep[r] = draw_unit(s, batch_row_id(b, r)) < fraction;
    batch_filter(b, keep);
    return 0;
}

static int cluster_open(struct step *s, const struct schema *in, struct error *e)
{
    size_t *by, count;
    return arg_columns(s, "by", in, &by, &count, e); /* s->reads has them */
}

/* The same for all rows with the same cells in these columns, on any machine. */
static uint64_t hash_cells(struct batch *b, const size_t *columns, size_t count, size_t row)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < count; i++) {
        struct text cell = batch_text(b, columns[i])[row];
        hash = hash_u64(hash + (cell.at ? hash_bytes(cell.at, cell.len, 0) : 1));
    }
    return hash;
}

static int cluster_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    double fraction = arg_number(s, "fraction");
    uint8_t *keep = batch_array(b, b->rows, 1);
    for (size_t r = 0; r < b->rows; r++)
        keep[r] = draw_unit(s, hash_cells(b, s->reads.at, s->reads.len, r)) < fraction;
    batch_filter(b, keep);
    return 0;
}

struct counter {
    uint64_t rows;
};

static int counter_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct counter));
    return 0;
}

static void counter_stop(struct step *s)
{
    mem_free(s->run);
    s->run = NULL;
}

static int systematic_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    struct counter *counter = s->run;
    uint64_t every = (uint64_t)arg_int(s, "every");
    uint64_t first = arg_given(s, "start") ? (uint64_t)arg_int(s, "start") - 1
                                           : random_below(draw_seed(s), s->number, 0, every);
    uint8_t *keep = batch_array(b, b->rows, 1);
    for (size_t r = 0; r < b->rows; r++)
        keep[r] = counter->rows++ % every == first % every;
    return emit_kept(b, keep, out, e);
}

struct decimate_plan {
    size_t *by, by_count;
};

struct decimate_run {
    struct groups groups;
    VEC(uint64_t) seen;
};

static int decimate_open(struct step *s, const struct schema *in, struct error *e)
{
    struct decimate_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    return arg_columns(s, "by", in, &plan->by, &plan->by_count, e);
}

static int decimate_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct decimate_run));
    return 0;
}

static void decimate_stop(struct step *s)
{
    struct decimate_run *run = s->run;
    groups_release(&run->groups);
    vec_release(&run->seen);
    mem_free(run);
    s->run = NULL;
}

static int decimate_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct decimate_plan *plan = s->plan;
    struct decimate_run *run = s->run;
    uint64_t n = (uint64_t)arg_int(s, "n"), wanted = arg_choice(s, "keep") == 0 ? 0 : n - 1;
    uint8_t *keep = batch_array(b, b->rows, 1);
    groups_batch(&run->groups, b, plan->by, plan->by_count);
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = groups_find(&run->groups, r);
        if (group == run->seen.len)
            vec_push(&run->seen, 0);
        keep[r] = run->seen.at[group]++ % n == wanted;
    }
    return emit_kept(b, keep, out, e);
}

/* A reservoir for each group; without by= there is one. */
struct draw_plan {
    size_t *by, by_count;
    size_t weight; /* FIELD_NONE: all rows weigh the same */
};

struct stratum {
    uint64_t rows;    /* seen */
    uint64_t windows; /* fraction=: entered so far */
    uint64_t end;     /* the row where the next one begins */
    uint64_t chosen;  /* the row drawn from this one */
};

struct draw_run {
    struct groups groups;
    struct row_origin origin;
    VEC(struct reservoir) reservoirs;
    VEC(struct stratum) strata;
    uint64_t arrivals;
};

static int draw_open(struct step *s, const struct schema *in, struct error *e, bool by, bool weight)
{
    struct draw_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    plan->weight = FIELD_NONE;
    int rc = by ? arg_columns(s, "by", in, &plan->by, &plan->by_count, e) : 0;
    if (rc == 0 && weight)
        rc = arg_column(s, "weight", in, &plan->weight, e);
    else if (rc == 0 && arg_given(s, "n") == arg_given(s, "fraction"))
        rc = step_error(s, e, "expected one of n= and fraction=");
    return rc;
}

static int reservoir_open(struct step *s, const struct schema *in, struct error *e)
{
    return draw_open(s, in, e, false, false);
}

static int weighted_open(struct step *s, const struct schema *in, struct error *e)
{
    return draw_open(s, in, e, false, true);
}

static int stratified_open(struct step *s, const struct schema *in, struct error *e)
{
    return draw_open(s, in, e, true, false);
}

static int draw_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct draw_run));
    return 0;
}

static void draw_stop(struct step *s)
{
    struct draw_run *run = s->run;
    for (size_t i = 0; i < run->reservoirs.len; i++)
        reservoir_release(&run->reservoirs.at[i]);
    vec_release(&run->reservoirs);
    vec_release(&run->strata);
    groups_release(&run->groups);
    row_origin_release(&run->origin);
    mem_free(run);
    s->run = NULL;
}

static struct reservoir *reservoir_at(struct draw_run *run, size_t group)
{
    struct reservoir fresh = {0};
    while (run->reservoirs.len <= group)
        vec_push(&run->reservoirs, fresh);
    return &run->reservoirs.at[group];
}

/* -ln(u) / weight: the k smallest are a sample without replacement in which every next row is drawn
 * by weight (Efraimidis and Spirakis 2006, doi:10.1016/j.ipl.2005.11.003). Bits of doubles that are
 * not negative are in their order. */
static uint64_t weighted_key(const struct step *s, uint64_t id, double weight)
{
    double key = -log1p(-draw_unit(s, id)) / weight;
    uint64_t bits;
    memcpy(&bits, &key, sizeof bits);
    return bits;
}

static int offer_weighted(struct step *s, struct batch *b, struct error *e)
{
    const struct draw_plan *plan = s->plan;
    struct draw_run *run = s->run;
    size_t n = (size_t)arg_int(s, "n");
    const double *weight;
    const char *name = arg_string(s, "weight");
    int rc = batch_double(b, plan->weight, name, &weight, e);
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        if (weight[r] < 0) {
            (void)error_set(e, ERR_DATA, "sample_weighted: a weight is negative");
            rc = batch_reject(b, r, plan->weight, name, e);
        } else if (weight[r] > 0) {
            uint64_t key = weighted_key(s, batch_row_id(b, r), weight[r]);
            reservoir_offer(reservoir_at(run, 0), n, key, run->arrivals++, b, r);
        }
    }
    return rc;
}

static void offer_all(struct step *s, struct batch *b)
{
    const struct draw_plan *plan = s->plan;
    struct draw_run *run = s->run;
    size_t n = (size_t)arg_int(s, "n");
    uint64_t seed = draw_seed(s);
    groups_batch(&run->groups, b, plan->by, plan->by_count);
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = plan->by_count > 0 ? groups_find(&run->groups, r) : 0;
        uint64_t key = random_bits(seed, s->number, batch_row_id(b, r));
        reservoir_offer(reservoir_at(run, group), n, key, run->arrivals++, b, r);
    }
}

/* Rows of a stratum fall into windows of 1 / fraction rows; one row of each window is drawn. */
static bool stratum_draws(struct step *s, struct stratum *t, double fraction, uint64_t id)
{
    uint64_t row = t->rows++;
    if (fraction < 1e-15)
        return false;
    if (row == t->end) {
        t->end = (uint64_t)ceil((double)++t->windows / fraction);
        t->chosen = row + random_below(draw_seed(s), s->number, id, t->end - row);
    }
    return row == t->chosen;
}

static int push_stratified(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct draw_plan *plan = s->plan;
    struct draw_run *run = s->run;
    double fraction = arg_number(s, "fraction");
    uint8_t *keep = batch_array(b, b->rows, 1);
    groups_batch(&run->groups, b, plan->by, plan->by_count);
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = groups_find(&run->groups, r);
        struct stratum fresh = {0};
        if (group == run->strata.len)
            vec_push(&run->strata, fresh);
        keep[r] = stratum_draws(s, &run->strata.at[group], fraction, batch_row_id(b, r));
    }
    return emit_kept(b, keep, out, e);
}

static int draw_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct draw_plan *plan = s->plan;
    struct draw_run *run = s->run;
    bool weighted = plan->weight != FIELD_NONE;
    if (!weighted && arg_given(s, "fraction")) {
        if (plan->by_count > 0)
            return push_stratified(s, b, out, e);
        int rc = bernoulli_apply(s, b, e);
        return rc ? rc : emit(out, b, e);
    }
    int rc = 0;
    row_origin_see(&run->origin, b);
    if (weighted)
        rc = offer_weighted(s, b, e);
    else
        offer_all(s, b);
    batch_free(b);
    return rc;
}

static int draw_flush(struct step *s, struct emit *out, struct error *e)
{
    const struct draw_run *run = s->run;
    return reservoir_emit(run->reservoirs.at, run->reservoirs.len, &run->origin, out, e);
}

#define FRACTION(must)                                                                             \
    {                                                                                              \
        .name = "fraction", .kind = ARG_NUMBER, .required = must,                                  \
        .help = "share of the rows to draw", .min = 0, .max = 1                                    \
    }
#define ROWS_WANTED(must, what)                                                                    \
    {                                                                                              \
        .name = "n", .kind = ARG_INT, .required = must, .help = what, .min = 0, .max = 1e9         \
    }

static const struct arg bernoulli_args[] = {FRACTION(true), DRAW_SEED, {0}};
static const struct arg cluster_args[] = {
    FRACTION(true),
    {.name = "by", .kind = ARG_COLUMNS, .help = "the key that is drawn or not", .required = true},
    DRAW_SEED,
    {0},
};
static const struct arg systematic_args[] = {
    {.name = "every",
     .kind = ARG_INT,
     .help = "one of so many rows",
     .required = true,
     .min = 1,
     .max = 1e15},
    {.name = "start",
     .kind = ARG_INT,
     .help = "the first row drawn, from 1; else by chance",
     .min = 1,
     .max = 1e15},
    DRAW_SEED,
    {0},
};
static const struct arg decimate_args[] = {
    {.name = "n",
     .kind = ARG_INT,
     .fallback = "10",
     .help = "one of so many rows",
     .min = 1,
     .max = 1e15},
    {.name = "keep",
     .kind = ARG_CHOICE,
     .fallback = "last",
     .choices = "first last",
     .help = "which of them"},
    {.name = "by", .kind = ARG_COLUMNS, .help = "count in each group apart"},
    {0},
};
static const struct arg reservoir_args[] = {
    ROWS_WANTED(false, "rows to draw"), FRACTION(false), DRAW_SEED, {0}};
static const struct arg weighted_args[] = {
    ROWS_WANTED(true, "rows to draw"),
    {.name = "weight", .kind = ARG_COLUMN, .help = "how much each row weighs", .required = true},
    DRAW_SEED,
    {0},
};
static const struct arg stratified_args[] = {
    ROWS_WANTED(false, "rows to draw of each group"),
    FRACTION(false),
    {.name = "by", .kind = ARG_COLUMNS, .help = "the groups", .required = true},
    DRAW_SEED,
    {0},
};

#define TEN "x\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"
#define BY_ROW                                                                                     \
    "Rows are drawn by (seed, step, row): the same for any number of threads and any chunks. "

const struct step_kind steps_sample[] = {
    {
        .name = "decimate",
        .family = "sample",
        .class = "S",
        .summary = "keep one row of every n, in file order",
        .details = "As Miller: the last of each n rows unless keep=first; rows after the last "
                   "full n are dropped by keep=last. by= counts in each group apart and keeps a "
                   "table of groups.",
        .args = decimate_args,
        .example = {.program = "decimate n=4", .input = TEN, .output = "x\n4\n8\n"},
        .open = decimate_open,
        .start = decimate_start,
        .stop = decimate_stop,
        .push = decimate_push,
        .ordered = true,
    },
    {
        .name = "sample_bernoulli",
        .family = "sample",
        .class = "S",
        .summary = "draw each row with the same probability",
        .details = BY_ROW "The number of rows drawn is about fraction times those there are.",
        .args = bernoulli_args,
        .example = {.program = "sample_bernoulli fraction=0.4 seed=1",
                    .input = TEN,
                    .output = "x\n2\n9\n"},
        .open = bernoulli_open,
        .apply = bernoulli_apply,
    },
    {
        .name = "sample_cluster",
        .family = "sample",
        .class = "S",
        .summary = "draw keys: all rows of a key, or none",
        .details =
            "A key is drawn by (seed, step, hash of the key), so the same keys are drawn from "
            "any file.",
        .args = cluster_args,
        .example = {.program = "sample_cluster fraction=0.5 by=user seed=1",
                    .input = "user,x\na,1\nb,2\na,3\nc,4\nb,5\nd,6\n",
                    .output = "user,x\nb,2\nc,4\nb,5\n"},
        .open = cluster_open,
        .apply = cluster_apply,
    },
    {
        .name = "sample_reservoir",
        .aliases = "sample",
        .family = "sample",
        .class = "W",
        .summary = "draw n rows, or a fraction of them, without replacement; order is kept",
        .details = BY_ROW "With n= exactly n rows (all, when there are no more), held in memory "
                          "until the end; with fraction= each row by itself, as sample_bernoulli.",
        .args = reservoir_args,
        .example = {.program = "sample n=3 seed=7", .input = TEN, .output = "x\n2\n3\n4\n"},
        .open = reservoir_open,
        .start = draw_start,
        .stop = draw_stop,
        .push = draw_push,
        .flush = draw_flush,
        .ordered = true,
    },
    {
        .name = "sample_stratified",
        .family = "sample",
        .class = "W",
        .summary = "draw n rows, or a fraction, of every group",
        .details = "With n= at most n rows of each group, held in memory until the end. With "
                   "fraction= one row by chance of each run of 1/fraction rows of the group, so "
                   "that every group is drawn from to within one row of its share. Order is kept.",
        .args = stratified_args,
        .example = {.program = "sample_stratified n=1 by=c seed=1",
                    .input = "c,x\na,1\nb,2\na,3\nb,4\na,5\n",
                    .output = "c,x\nb,2\na,5\n"},
        .open = stratified_open,
        .start = draw_start,
        .stop = draw_stop,
        .push = draw_push,
        .flush = draw_flush,
        .ordered = true,
    },
    {
        .name = "sample_systematic",
        .family = "sample",
        .class = "S",
        .summary = "draw every k-th row from a start drawn by chance",
        .args = systematic_args,
        .example = {.program = "sample_systematic every=4 start=2",
                    .input = TEN,
                    .output = "x\n2\n6\n10\n"},
        .start = counter_start,
        .stop = counter_stop,
        .push = systematic_push,
        .ordered = true,
    },
    {
        .name = "sample_weighted",
        .family = "sample",
        .class = "W",
        .summary = "draw n rows without replacement, heavy ones first",
        .details = BY_ROW "Every next row is drawn with a probability in proportion to its weight "
                          "among those left (Efraimidis and Spirakis 2006). Rows of weight zero or "
                          "missing are never drawn. The n rows are held in memory; order is kept.",
        .args = weighted_args,
        .example = {.program = "sample_weighted n=2 weight=w seed=1",
                    .input = "x,w\n1,0\n2,100\n3,0.001\n4,100\n",
                    .output = "x,w\n2,100\n4,100\n"},
        .open = weighted_open,
        .start = draw_start,
        .stop = draw_stop,
        .push = draw_push,
        .flush = draw_flush,
        .ordered = true,
    },
    {0},
};
