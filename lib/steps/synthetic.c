/* Steps that balance classes by new rows between those there are: SMOTE and its kin. */
#include "prep/lower.h"
#include "steps/class_rows.h"
#include "steps/draw.h"
#include "steps/steps.h"

#include <math.h>
#include <stdlib.h>

enum { BATCH_ROWS = 4096 };

/* A class that gets new rows. */
struct growth {
    size_t class;
    size_t from, to; /* its rows */
    uint64_t *until; /* of row from + i: new rows made of it and those before; adasyn only */
    uint64_t count;  /* new rows */
    size_t **near, *near_count; /* neighbours of row from + i, once looked for */
};

/* Column by column the rows being made. */
struct making {
    const struct step *step;
    const struct class_rows *c;
    const struct class_plan *plan;
    struct emit *out;
    struct batch *batch;
    double **numbers;
    struct text **texts, *classes;
    uint64_t *ids, made;
    struct arena *arena; /* of the neighbours */
};

static uint64_t largest(const struct class_rows *c)
{
    uint64_t most = 0;
    for (size_t i = 0; i < c->class_count; i++)
        most = class_count(c, i) > most ? class_count(c, i) : most;
    return most;
}

static size_t wanted_neighbours(const struct step *s)
{
    return (size_t)arg_int(s, "k");
}

/* adasyn: rows are the more often a start, the more of their neighbours are of other classes. */
static void weigh_starts(const struct making *m, struct growth *g)
{
    const struct class_rows *c = m->c;
    size_t n = g->to - g->from, k = wanted_neighbours(m->step), all = c->first[c->class_count];
    double *share = arena_zero(m->arena, (n + 1) * sizeof *share), sum = 0;
    size_t *near = arena_alloc(m->arena, (k + 1) * sizeof *near);
    for (size_t i = 0; i < n; i++) {
        size_t found = class_rows_near(c, g->from + i, 0, all, k, near), others = 0;
        for (size_t j = 0; j < found; j++)
            others += c->rows[near[j]].class != g->class;
        share[i] = (double)others / (double)k;
        sum += share[i];
    }
    g->until = arena_alloc(m->arena, (n + 1) * sizeof *g->until);
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        double part = sum > 0 ? share[i] / sum : 1 / (double)n;
        total += (uint64_t)rint(part * (double)g->count);
        g->until[i] = total;
    }
    g->count = total;
}

/* The row a new one starts from. */
static size_t start_of(const struct making *m, const struct growth *g, uint64_t number)
{
    size_t n = g->to - g->from;
    if (!g->until)
        return g->from + (size_t)random_below(draw_seed(m->step), m->step->number, 3 * m->made, n);
    size_t low = 0, high = n - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (g->until[middle] > number)
            high = middle;
        else
            low = middle + 1;
    }
    return g->from + low;
}

/* Neighbours of a row within its class, looked for once. */
static size_t neighbours_of(const struct making *m, struct growth *g, size_t row, size_t **near)
{
    size_t i = row - g->from, k = wanted_neighbours(m->step);
    if (!g->near[i]) {
        g->near[i] = arena_alloc(m->arena, (k + 1) * sizeof *g->near[i]);
        g->near_count[i] = class_rows_near(m->c, row, g->from, g->to, k, g->near[i]);
    }
    *near = g->near[i];
    return g->near_count[i];
}

/* The text most of the neighbours have; of several the one that sorts first. */
static struct text vote(const struct class_rows *c, const size_t *near, size_t count, size_t text)
{
    struct text best = {NULL, 0};
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        struct text own = c->rows[near[i]].t[text];
        size_t votes = 0;
        for (size_t k = 0; k < count; k++)
            votes += text_equal(own, c->rows[near[k]].t[text]);
        if (votes > most || (votes == most && text_compare(own, best) < 0)) {
            most = votes;
            best = own;
        }
    }
    return best;
}

static void make_row(struct making *m, struct growth *g, uint64_t number)
{
    const struct class_plan *plan = m->plan;
    uint64_t seed = draw_seed(m->step), stream = m->step->number, draw = 3 * m->made;
    size_t start = start_of(m, g, number), *near;
    size_t count = neighbours_of(m, g, start, &near);
    size_t other = count > 0 ? near[random_below(seed, stream, draw + 1, count)] : start;
    double u = random_unit(seed, stream, draw + 2);
    const struct near_row *a = &m->c->rows[start], *b = &m->c->rows[other];
    size_t row = m->batch->rows++;
    for (size_t i = 0; i < plan->number_count; i++) {
        double x = a->x[i] + u * (b->x[i] - a->x[i]);
        m->numbers[i][row] = plan->is_whole[i] ? rint(x) : x;
    }
    for (size_t i = 0; i < plan->text_count; i++)
        m->texts[i][row] = count > 0 ? vote(m->c, near, count, i) : a->t[i];
    m->classes[row] = class_name(m->c, g->class);
    m->ids[row] = UINT64_C(1) << 63 | m->made++ << ROW_ID_SHIFT;
}

static struct column missing_column(struct batch *b)
{
    struct text *cells = batch_array(b, BATCH_ROWS, sizeof *cells);
    memset(cells, 0, BATCH_ROWS * sizeof *cells);
    return column_of_text(cells);
}

static void begin_batch(struct making *m)
{
    const struct class_plan *plan = m->plan;
    struct batch *b = m->batch = emit_batch(m->out);
    b->policy = &m->step->context->policy;
    for (size_t i = 0; i < plan->column_count; i++)
        (void)batch_add(b, missing_column(b));
    for (size_t i = 0; i < plan->number_count; i++) {
        m->numbers[i] = batch_array(b, BATCH_ROWS, sizeof **m->numbers);
        batch_set(b, plan->numbers[i], column_of_double(m->numbers[i]));
    }
    for (size_t i = 0; i < plan->text_count; i++) {
        m->texts[i] = batch_array(b, BATCH_ROWS, sizeof **m->texts);
        batch_set(b, plan->texts[i], column_of_text(m->texts[i]));
    }
    m->classes = batch_array(b, BATCH_ROWS, sizeof *m->classes);
    batch_set(b, plan->target, column_of_text(m->classes));
    m->ids = batch_array(b, BATCH_ROWS, sizeof *m->ids);
    b->ids = m->ids;
}

static int grow_class(struct making *m, struct growth *g, struct error *e)
{
    size_t n = g->to - g->from;
    g->near = arena_zero(m->arena, (n + 1) * sizeof *g->near);
    g->near_count = arena_zero(m->arena, (n + 1) * sizeof *g->near_count);
    if (strcmp(m->step->kind->name, "adasyn") == 0)
        weigh_starts(m, g);
    int rc = 0;
    for (uint64_t i = 0; rc == 0 && i < g->count; i++) {
        if (!m->batch)
            begin_batch(m);
        make_row(m, g, i);
        if (m->batch->rows == BATCH_ROWS) {
            rc = emit(m->out, m->batch, e);
            m->batch = NULL;
        }
    }
    return rc;
}

/* Behind the last row: the new ones, class by class. */
static int synthetic_flush(struct step *s, struct emit *out, struct error *e)
{
    const struct class_rows *c = s->learnt;
    const struct class_plan *plan = s->plan;
    struct arena arena = {0};
    struct making m = {.step = s, .c = c, .plan = plan, .out = out, .arena = &arena};
    m.numbers = arena_alloc(&arena, (plan->number_count + 1) * sizeof *m.numbers);
    m.texts = arena_alloc(&arena, (plan->text_count + 1) * sizeof *m.texts);
    double ratio = arg_number(s, "ratio");
    uint64_t level = (uint64_t)(ratio * (double)largest(c));
    int rc = 0;
    for (size_t i = 0; rc == 0 && s->context->training && i < c->class_count; i++) {
        struct growth g = {.class = i, .from = c->first[i], .to = c->first[i + 1]};
        uint64_t rows = class_count(c, i);
        g.count = rows < level && g.to > g.from ? level - rows : 0;
        rc = g.count > 0 ? grow_class(&m, &g, e) : 0;
    }
    if (m.batch && rc == 0)
        rc = emit(out, m.batch, e);
    arena_release(&arena);
    return rc < 0 ? rc : 0;
}

static int synthetic_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    (void)s;
    return emit(out, b, e);
}

static int numbers_open(struct step *s, const struct schema *in, struct error *e)
{
    return class_plan_open(s, in, false, e);
}

static int mixed_open(struct step *s, const struct schema *in, struct error *e)
{
    return class_plan_open(s, in, true, e);
}

#define SYNTHETIC_ARGS(features)                                                                   \
    {.name = "target",                                                                             \
     .kind = ARG_COLUMN,                                                                           \
     .help = "the column with the class",                                                          \
     .positional = true,                                                                           \
     .required = true},                                                                            \
        {.name = "columns", .kind = ARG_COLUMNS, .help = features},                                \
        {.name = "k",                                                                              \
         .kind = ARG_INT,                                                                          \
         .fallback = "5",                                                                          \
         .help = "neighbours to choose from",                                                      \
         .min = 1,                                                                                 \
         .max = 1000},                                                                             \
        {.name = "ratio",                                                                          \
         .kind = ARG_NUMBER,                                                                       \
         .fallback = "1",                                                                          \
         .help = "rows wanted of each class, as a share of the largest one's",                     \
         .min = 0,                                                                                 \
         .max = 1},                                                                                \
        {.name = "sample",                                                                         \
         .kind = ARG_INT,                                                                          \
         .fallback = "10000",                                                                      \
         .help = "rows of each class that new ones are made from, at most",                        \
         .min = 1,                                                                                 \
         .max = 1e8},                                                                              \
        DRAW_SEED, {0},

static const struct arg numbers_args[] = {
    SYNTHETIC_ARGS("features; else all numeric columns but the class")};
static const struct arg mixed_args[] = {
    SYNTHETIC_ARGS("features, numbers and texts; else all columns but the class")};

#define SYNTHETIC_HOOKS                                                                            \
    .push = synthetic_push, .lower = lower_nothing, .flush = synthetic_flush,                      \
    .state_new = class_rows_new, .learn = class_rows_learn, .merge = class_rows_merge,             \
    .finish = class_rows_finish, .save = class_rows_save, .load = class_rows_load,                 \
    .state_free = class_rows_free

#define SYNTHETIC_DETAILS                                                                          \
    "New rows come behind all others, class by class. Whole-number columns are rounded; columns "  \
    "that are no feature are missing in new rows. Rows with a missing feature are no start. "      \
    "Distances are Euclidean: scale the features first. Of classes larger than sample= rows a "    \
    "seeded sample serves. Only when the recipe is fitted are rows made: apply lets new data "     \
    "pass. "

const struct step_kind steps_synthetic[] = {
    {
        .name = "adasyn",
        .family = "sample",
        .class = "F2",
        .summary = "new rows of small classes, more of them where other classes are near",
        .details = SYNTHETIC_DETAILS
        "As smote, but the share of other classes among the k nearest rows of all classes "
        "says how many new rows start from a row; counts are rounded, so the total may differ "
        "a little (He et al. 2008).",
        .args = numbers_args,
        .example = {.program = "adasyn y k=1 seed=1",
                    .input = "y,x\na,1\na,2\na,3\na,4\nb,5\nb,9\n",
                    .output = "y,x\na,1\na,2\na,3\na,4\nb,5\nb,9\nb,7\nb,8\n"},
        .open = numbers_open,
        SYNTHETIC_HOOKS,
    },
    {
        .name = "smote",
        .family = "sample",
        .class = "F2",
        .summary = "new rows of small classes, between a row and one of its nearest neighbours",
        .details = SYNTHETIC_DETAILS "x + u (neighbour - x) with u even in 0 to 1, the row and the "
                                     "neighbour drawn by (seed, step, number of the new row) "
                                     "(Chawla et al. 2002, doi:10.1613/jair.953).",
        .args = numbers_args,
        .example = {.program = "smote y k=1 seed=1 | round x digits=3",
                    .input = "y,x\na,1.5\na,2\na,3\na,4\nb,5\nb,9\n",
                    .output = "y,x\na,1.5\na,2\na,3\na,4\nb,5\nb,9\nb,7.488\nb,7.703\n"},
        .open = numbers_open,
        SYNTHETIC_HOOKS,
    },
    {
        .name = "smote_nc",
        .family = "sample",
        .class = "F2",
        .summary = "smote for numbers and texts together",
        .details = SYNTHETIC_DETAILS
        "A text that differs counts in distances like the median standard deviation of the "
        "numbers in the smallest class; a new row takes the text most of the k neighbours "
        "have, the first by name when several (Chawla et al. 2002, section 6.1).",
        .args = mixed_args,
        .example = {.program = "smote_nc y k=2 seed=1 | round x digits=3",
                    .input = "y,x,c\na,1.5,r\na,2,r\na,3,s\na,4,s\nb,5,r\nb,9,s\nb,6,s\n",
                    .output =
                        "y,x,c\na,1.5,r\na,2,r\na,3,s\na,4,s\nb,5,r\nb,9,s\nb,6,s\nb,5.622,r\n"},
        .open = mixed_open,
        SYNTHETIC_HOOKS,
    },
    {0},
};
