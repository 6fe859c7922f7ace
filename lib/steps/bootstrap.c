/* bootstrap: rows drawn with replacement. */
#include "prep/lower.h"
#include "steps/draw.h"
#include "steps/steps.h"

#include <math.h>

enum { BOOTSTRAP_EXACT, BOOTSTRAP_POISSON };

/* What is learnt, and in s->run what is left of it. */
struct draws {
    uint64_t rows, draws;
};

static void *bootstrap_new(const struct step *s)
{
    (void)s;
    return mem_alloc(sizeof(struct draws));
}

static int bootstrap_open(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    (void)e;
    s->draws_by_row = true;
    if (arg_choice(s, "with") == BOOTSTRAP_POISSON && !s->learnt)
        s->learnt = bootstrap_new(s); /* there is nothing to learn: no pass is needed */
    return 0;
}

static int bootstrap_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    (void)s;
    (void)e;
    ((struct draws *)state)->rows += b->rows;
    return 0;
}

static int bootstrap_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    ((struct draws *)into)->rows += ((struct draws *)from)->rows;
    return 0;
}

static json_t *bootstrap_save(const struct step *s, const void *state)
{
    (void)s;
    return json_pack("{s:I}", "rows", (json_int_t)((const struct draws *)state)->rows);
}

static int bootstrap_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    (void)s;
    const json_t *rows = json_object_get(j, "rows");
    if (!json_is_integer(rows) || json_integer_value(rows) < 0)
        return error_set(e, ERR_DATA, "rows: expected a whole number, not negative");
    ((struct draws *)state)->rows = (uint64_t)json_integer_value(rows);
    return 0;
}

static int bootstrap_start(struct step *s, struct error *e)
{
    (void)e;
    const struct draws *learnt = s->learnt;
    struct draws *left = mem_alloc(sizeof *left);
    left->rows = left->draws = learnt->rows;
    s->run = left;
    return 0;
}

/* How many of `draws` draws, each with probability p, fall on a row: inverse of the binomial (p <
 * 1) or, with draws 0, of the Poisson distribution with mean p. */
static uint64_t copies_of(double u, uint64_t draws, double p)
{
    double n = (double)draws, odds = p / (1 - p);
    double term = draws > 0 ? exp(n * log1p(-p)) : exp(-p), below = term;
    uint64_t copies = 0;
    while (u >= below && copies < 1000 && (draws == 0 || copies < draws)) {
        double k = (double)copies++;
        term *= draws > 0 ? (n - k) / (k + 1) * odds : p / (k + 1);
        below += term;
    }
    return copies;
}

/* A multinomial draw row by row: the row's share of what is left. */
static uint64_t exact_copies(struct draws *left, double u)
{
    if (left->rows == 0 || left->draws == 0)
        return 0;
    uint64_t copies =
        left->rows == 1 ? left->draws : copies_of(u, left->draws, 1 / (double)left->rows);
    left->rows--;
    left->draws -= copies;
    return copies;
}

static int bootstrap_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    struct draws *left = s->run;
    if (!s->context->training)
        return emit(out, b, e);
    VEC(uint32_t) rows = {0};
    for (size_t r = 0; r < b->rows; r++) {
        double u = draw_unit(s, batch_row_id(b, r));
        bool exact = arg_choice(s, "with") == BOOTSTRAP_EXACT;
        uint64_t copies = exact ? exact_copies(left, u) : copies_of(u, 0, 1);
        while (copies-- > 0)
            vec_push(&rows, (uint32_t)r);
    }
    batch_gather(b, rows.at, rows.len, NULL);
    vec_release(&rows);
    return emit(out, b, e);
}

static void bootstrap_stop(struct step *s)
{
    mem_free(s->run);
    s->run = NULL;
}

/* An exact number of rows is drawn from all of them. */
static bool bootstrap_shards(const struct step *s)
{
    return arg_choice(s, "with") != BOOTSTRAP_EXACT;
}

static const struct arg bootstrap_args[] = {
    {.name = "with", .kind = ARG_METHOD, .fallback = "exact", .help = "how rows are drawn"},
    DRAW_SEED,
    {0},
};

#define TEN "x\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"
#define BY_ROW                                                                                     \
    "Rows are drawn by (seed, step, row): the same for any number of threads and any chunks. "

static const struct method bootstrap_methods[] = {
    {"exact",
     "B",
     "as many draws with replacement as there are rows",
     {.program = "bootstrap with=exact seed=1",
      .input = TEN,
      .output = "x\n1\n1\n3\n3\n3\n3\n4\n6\n7\n8\n"}},
    {"poisson",
     "S",
     "each row a number of times drawn from the Poisson distribution of mean 1",
     {.program = "bootstrap with=poisson seed=1",
      .input = TEN,
      .output = "x\n1\n1\n3\n3\n3\n3\n4\n5\n6\n7\n7\n8\n8\n10\n"}},
    {0},
};

const struct step_kind steps_bootstrap[] = {
    {
        .name = "bootstrap",
        .family = "sample",
        .class = "B",
        .summary = "draw rows with replacement; copies stand together, in the order of the stream",
        .details = BY_ROW "exact counts the rows first and then draws that many, row by row as a "
                          "multinomial; poisson needs no count, and gives about as many rows. Only "
                          "rows the recipe is fitted on are drawn; apply lets new rows pass.",
        .args = bootstrap_args,
        .methods = bootstrap_methods,
        .example = {.program = "bootstrap seed=1",
                    .input = TEN,
                    .output = "x\n1\n1\n3\n3\n3\n3\n4\n6\n7\n8\n"},
        .open = bootstrap_open,
        .state_new = bootstrap_new,
        .learn = bootstrap_learn,
        .merge = bootstrap_merge,
        .save = bootstrap_save,
        .load = bootstrap_load,
        .state_free = mem_free,
        .start = bootstrap_start,
        .stop = bootstrap_stop,
        .push = bootstrap_push,
        .lower = lower_nothing,
        .ordered = true,
        .shards = bootstrap_shards,
    },
    {0},
};
