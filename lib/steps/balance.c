/* Steps that balance classes by the rows there are: repeating, dropping, weighing. */
#include "prep/lower.h"
#include "steps/class_rows.h"
#include "steps/draw.h"
#include "steps/encoder.h"
#include "steps/steps.h"

#include <math.h>
#include <stdlib.h>

/* rows / (classes * rows of the class), as scikit-learn's class_weight="balanced". */
static int derive_weights(const struct step *s, struct categories *c, struct error *e)
{
    (void)s;
    (void)e;
    double *table = categories_table(c, 1, 1), all = 0;
    for (size_t i = 0; i < c->count; i++)
        all += (double)categories_rows(c, i);
    for (size_t i = 0; i < c->count; i++)
        table[i] = all / ((double)c->count * (double)categories_rows(c, i));
    return 0;
}

/* Rows wanted of each class, in c->own. */
static int derive_wanted(const struct step *s, struct categories *c, struct error *e)
{
    (void)e;
    bool over = strcmp(s->kind->name, "oversample_random") == 0;
    uint64_t *wanted = arena_alloc(&c->arena, (c->count + 1) * sizeof *wanted);
    uint64_t most = 0, least = UINT64_MAX;
    for (size_t i = 0; i < c->count; i++) {
        uint64_t rows = categories_rows(c, i);
        most = rows > most ? rows : most;
        least = rows < least ? rows : least;
    }
    uint64_t level = over ? most : least;
    if (arg_given(s, "n"))
        level = (uint64_t)arg_int(s, "n");
    for (size_t i = 0; i < c->count; i++) {
        uint64_t rows = categories_rows(c, i);
        wanted[i] = (rows < level) == over ? level : rows;
    }
    c->own = wanted;
    return 0;
}

/* What is left of a class while its rows stream by. */
struct quota {
    uint64_t rows;  /* still to come */
    uint64_t extra; /* copies still to be dealt beyond those every row gets */
    uint64_t each;  /* copies of every row */
};

static int balance_start(struct step *s, struct error *e)
{
    (void)e;
    const struct categories *c = columnwise_learnt(s, 0);
    const uint64_t *wanted = c->own;
    struct quota *quotas = mem_alloc((c->count + 1) * sizeof *quotas);
    for (size_t i = 0; i < c->count; i++) {
        uint64_t rows = categories_rows(c, i);
        quotas[i] = (struct quota){rows, wanted[i] % rows, wanted[i] / rows};
    }
    s->run = quotas;
    return 0;
}

static void balance_stop(struct step *s)
{
    mem_free(s->run);
    s->run = NULL;
}

/* Copies of the next row of a class: exactly `extra` of its rows get one more, each with the same
 * probability (selection sampling, Fan, Muller and Rezucha 1962). */
static uint64_t quota_take(struct quota *q, double u)
{
    bool more = u * (double)q->rows < (double)q->extra;
    q->extra -= more;
    q->rows -= q->rows > 0;
    return q->each + more;
}

static int balance_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    if (!s->context->training)
        return emit(out, b, e);
    const struct categories *c = columnwise_learnt(s, 0);
    struct quota *quotas = s->run;
    uint32_t *place = batch_array(b, b->rows, sizeof *place);
    int rc = encoder_places(s, 0, b, place, e);
    VEC(uint32_t) rows = {0};
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        uint64_t copies = 1;
        if (place[r] < c->count)
            copies = quota_take(&quotas[place[r]], draw_unit(s, batch_row_id(b, r)));
        while (copies-- > 0)
            vec_push(&rows, (uint32_t)r);
    }
    if (rc == 0)
        batch_gather(b, rows.at, rows.len, NULL);
    else
        batch_free(b);
    vec_release(&rows);
    return rc ? rc : emit(out, b, e);
}

struct dropped {
    uint64_t *ids;
    size_t count;
};

static int tomek_open(struct step *s, const struct schema *in, struct error *e)
{
    return class_plan_open(s, in, false, e);
}

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static size_t minority(const struct class_rows *c)
{
    size_t least = 0;
    for (size_t i = 1; i < c->class_count; i++)
        if (class_count(c, i) < class_count(c, least))
            least = i;
    return least;
}

/* Two rows of different classes, each the other's nearest: of such a pair the row that is not of
 * the smallest class goes. */
static int tomek_finish(struct step *s, void *state, struct error *e)
{
    struct class_rows *c = state;
    int rc = class_rows_finish(s, state, e);
    if (rc || c->class_count == 0)
        return rc;
    size_t n = c->first[c->class_count], least = minority(c);
    struct dropped *dropped = arena_zero(&c->arena, sizeof *dropped);
    dropped->ids = arena_alloc(&c->arena, (n + 1) * sizeof *dropped->ids);
    size_t *near = arena_alloc(&c->arena, (n + 1) * sizeof *near);
    for (size_t i = 0; i < n; i++)
        if (class_rows_near(c, i, 0, n, 1, &near[i]) == 0)
            near[i] = i;
    for (size_t i = 0; i < n; i++) {
        const struct near_row *row = &c->rows[i], *other = &c->rows[near[i]];
        if (near[near[i]] == i && row->class != other->class && row->class != least)
            dropped->ids[dropped->count++] = row->id;
    }
    qsort(dropped->ids, dropped->count, sizeof *dropped->ids, by_number);
    c->own = dropped;
    return 0;
}

static int tomek_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    const struct class_rows *c = s->learnt;
    const struct dropped *dropped = c->own;
    if (!s->context->training || !dropped || dropped->count == 0)
        return 0;
    uint8_t *keep = batch_array(b, b->rows, 1);
    for (size_t r = 0; r < b->rows; r++) {
        uint64_t id = batch_row_id(b, r);
        keep[r] = !bsearch(&id, dropped->ids, dropped->count, sizeof id, by_number);
    }
    batch_filter(b, keep);
    return 0;
}

#define CLASS_COLUMN ROWWISE_COLUMNS("the column with the class")
#define ONLY_TRAINING                                                                              \
    "Only rows the recipe is fitted on are changed: apply lets new rows pass, so that a model is " \
    "trained on balanced classes and used on the stream as it is. "

static const struct arg weights_args[] = {
    CLASS_COLUMN,
    {.name = "into", .kind = ARG_NAME, .fallback = "class_weight", .help = "the new column"},
    ENCODER_UNKNOWN("error"),
    ENCODER_MISSING("missing"),
    {0},
};
static const struct arg over_args[] = {
    CLASS_COLUMN,
    {.name = "n",
     .kind = ARG_INT,
     .help = "rows wanted of each class, at least; else those of the largest",
     .min = 1,
     .max = 1e15},
    DRAW_SEED,
    {0},
};
static const struct arg under_args[] = {
    CLASS_COLUMN,
    {.name = "n",
     .kind = ARG_INT,
     .help = "rows wanted of each class, at most; else those of the smallest",
     .min = 1,
     .max = 1e15},
    DRAW_SEED,
    {0},
};
static const struct arg tomek_args[] = {
    {.name = "target",
     .kind = ARG_COLUMN,
     .help = "the column with the class",
     .positional = true,
     .required = true},
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .help = "features; else all numeric columns but the class"},
    {.name = "sample",
     .kind = ARG_INT,
     .fallback = "10000",
     .help = "rows of each class that are looked at, at most",
     .min = 1,
     .max = 1e8},
    DRAW_SEED,
    {0},
};

static const struct encoder weights = {ENCODER_LEARNS, .to = TYPE_FLOAT, .derive = derive_weights};
static const struct encoder wanted = {ENCODER_LEARNS, .to = TYPE_TEXT, .derive = derive_wanted};

#define BALANCE_HOOKS                                                                              \
    .open = encoder_open, .start = balance_start, .stop = balance_stop, .push = balance_push,      \
    .lower = lower_nothing, .ordered = true, COLUMNWISE_HOOKS, .detail = &wanted

#define CLASSES "y,x\na,1\na,2\nb,3\na,4\n"

const struct step_kind steps_balance[] = {
    {
        .name = "class_weights",
        .family = "sample",
        .class = "F",
        .summary = "a weight for each row, so that all classes weigh the same",
        .details = "rows / (classes x rows of the class), as scikit-learn's balanced weights. "
                   "unknown=ignore gives 1.",
        .args = weights_args,
        .example = {.program = "class_weights y | round class_weight digits=4",
                    .input = CLASSES,
                    .output = "y,x,class_weight\na,1,0.6667\na,2,0.6667\nb,3,2\na,4,0.6667\n"},
        ENCODER_HOOKS,
        .detail = &weights,
    },
    {
        .name = "oversample_random",
        .aliases = "random_oversample",
        .family = "sample",
        .class = "F",
        .summary = "repeat rows of small classes until all are as large as the largest",
        .details = ONLY_TRAINING
        "Every row of a class is repeated equally often, but for the rest, which is dealt to "
        "rows drawn by (seed, step, row); imbalanced-learn draws all copies with replacement. "
        "Copies stand behind their row.",
        .args = over_args,
        .example = {.program = "oversample_random y",
                    .input = CLASSES,
                    .output = "y,x\na,1\na,2\nb,3\nb,3\nb,3\na,4\n"},
        BALANCE_HOOKS,
    },
    {
        .name = "tomek_links",
        .family = "sample",
        .class = "F2",
        .summary = "drop rows whose nearest row is of another class and has it as its nearest",
        .details = ONLY_TRAINING
        "Of such a pair (Tomek 1976) the row that is not of the smallest class goes. Distances "
        "are Euclidean: scale the features first. Rows with a missing feature are kept. Of "
        "classes larger than sample= rows a seeded sample is looked at; the work grows with "
        "the square of the rows.",
        .args = tomek_args,
        .example = {.program = "tomek_links y",
                    .input = "y,x\na,1\na,2\na,2.9\nb,3\nb,5\n",
                    .output = "y,x\na,1\na,2\nb,3\nb,5\n"},
        .open = tomek_open,
        .apply = tomek_apply,
        .lower = lower_nothing,
        .state_new = class_rows_new,
        .learn = class_rows_learn,
        .merge = class_rows_merge,
        .finish = tomek_finish,
        .save = class_rows_save,
        .load = class_rows_load,
        .state_free = class_rows_free,
    },
    {
        .name = "undersample_random",
        .aliases = "random_undersample",
        .family = "sample",
        .class = "F",
        .summary = "drop rows of large classes until all are as small as the smallest",
        .details = ONLY_TRAINING "Exactly that many rows of each class stay, drawn by (seed, step, "
                                 "row) in one pass over the stream (Fan, Muller and Rezucha 1962).",
        .args = under_args,
        .example = {.program = "undersample_random y seed=1",
                    .input = CLASSES,
                    .output = "y,x\na,2\nb,3\n"},
        BALANCE_HOOKS,
    },
    {0},
};
