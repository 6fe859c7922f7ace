/* Folds for cross-validation: a column with the number of the fold in which a row is tested. */
#include "prep/groups.h"
#include "steps/draw.h"
#include "steps/steps.h"

enum fold_how { FOLD_KFOLD, FOLD_GROUP, FOLD_STRATIFIED, FOLD_TIMESERIES };

struct fold_plan {
    enum fold_how how;
    uint64_t k;
    size_t *by, by_count;
};

struct fold_state {
    uint64_t rows;
};

static void *fold_new(const struct step *s)
{
    (void)s;
    return mem_alloc(sizeof(struct fold_state));
}

static int fold_open(struct step *s, const struct schema *in, struct error *e)
{
    struct fold_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    plan->how = (enum fold_how)arg_choice(s, "how");
    plan->k = (uint64_t)arg_int(s, "k");
    s->draws_by_row = plan->how == FOLD_KFOLD;
    bool keyed = plan->how == FOLD_GROUP || plan->how == FOLD_STRATIFIED;
    struct text name = arg_text(s, "into");
    char quoted[QUOTE_MAX];
    if (keyed != arg_given(s, "by"))
        return step_error(s, e, keyed ? "expected by=COLUMN" : "by= does not go with this how=");
    if (schema_find(in, name) != FIELD_NONE)
        return step_error(s, e, "there is a column %s already", quote(quoted, name.at, name.len));
    if (plan->how != FOLD_TIMESERIES && !s->learnt)
        s->learnt = fold_new(s); /* there is nothing to learn: no pass is needed */
    return arg_columns(s, "by", in, &plan->by, &plan->by_count, e);
}

static int fold_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    schema_add(schema, arg_text(s, "into"), TYPE_INT);
    return 0;
}

static int fold_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    (void)s;
    (void)e;
    ((struct fold_state *)state)->rows += b->rows;
    return 0;
}

static int fold_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    ((struct fold_state *)into)->rows += ((struct fold_state *)from)->rows;
    return 0;
}

static json_t *fold_save(const struct step *s, const void *state)
{
    (void)s;
    return json_pack("{s:I}", "rows", (json_int_t)((const struct fold_state *)state)->rows);
}

static int fold_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    (void)s;
    const json_t *rows = json_object_get(j, "rows");
    if (!json_is_integer(rows) || json_integer_value(rows) < 0)
        return error_set(e, ERR_DATA, "rows: expected a whole number, not negative");
    ((struct fold_state *)state)->rows = (uint64_t)json_integer_value(rows);
    return 0;
}

struct fold_run {
    struct groups groups; /* stratified: the classes */
    VEC(uint64_t) next;   /* stratified: the fold of the class's next row */
    uint64_t row;
};

static int fold_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct fold_run));
    return 0;
}

static void fold_stop(struct step *s)
{
    struct fold_run *run = s->run;
    groups_release(&run->groups);
    vec_release(&run->next);
    mem_free(run);
    s->run = NULL;
}

static struct grouping fold_grouping(const struct step *s)
{
    const struct fold_plan *plan = s->plan;
    const struct fold_run *run = s->run;
    size_t held = map_held(&run->groups.map) + run->next.cap * sizeof *run->next.at;
    return (struct grouping){&run->groups.map, plan->by, plan->by_count, held};
}

static uint64_t draw_fold(const struct step *s, struct text key)
{
    const struct fold_plan *plan = s->plan;
    return random_below(draw_seed(s), s->number, hash_bytes(key.at, key.len, 0), plan->k);
}

/* The rows of a class go to the folds in turn, from one drawn by the class. */
static uint64_t next_fold(const struct step *s, struct fold_run *run, size_t group)
{
    const struct fold_plan *plan = s->plan;
    if (group == run->next.len)
        vec_push(&run->next, draw_fold(s, run->groups.map.keys.at[group]));
    uint64_t fold = run->next.at[group];
    run->next.at[group] = (fold + 1) % plan->k;
    return fold;
}

/* k equal blocks at the end are tested; what is before them is block 0. */
static uint64_t block_of(const struct fold_plan *plan, uint64_t rows, uint64_t row)
{
    uint64_t size = rows / (plan->k + 1), first = rows - plan->k * size;
    if (row < first || size == 0)
        return 0;
    uint64_t block = (row - first) / size + 1;
    return block < plan->k ? block : plan->k;
}

static uint64_t fold_of(const struct step *s, struct batch *b, size_t row)
{
    const struct fold_plan *plan = s->plan;
    struct fold_run *run = s->run;
    switch (plan->how) {
    case FOLD_GROUP:
        return draw_fold(s, groups_key(&run->groups, row));
    case FOLD_STRATIFIED:
        return next_fold(s, run, groups_find(&run->groups, row));
    case FOLD_TIMESERIES:
        return block_of(plan, ((const struct fold_state *)s->learnt)->rows, run->row++);
    case FOLD_KFOLD:
        break;
    }
    return random_below(draw_seed(s), s->number, batch_row_id(b, row), plan->k);
}

static int fold_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct fold_plan *plan = s->plan;
    struct fold_run *run = s->run;
    int64_t *folds = batch_array(b, b->rows, sizeof *folds);
    groups_batch(&run->groups, b, plan->by, plan->by_count);
    for (size_t r = 0; r < b->rows; r++)
        folds[r] = (int64_t)fold_of(s, b, r);
    (void)batch_add(b, column_of_int(folds));
    return emit(out, b, e);
}

/* The others go by the rows before. */
static bool fold_shards(const struct step *s)
{
    const struct fold_plan *plan = s->plan;
    return plan->how == FOLD_KFOLD || plan->how == FOLD_GROUP;
}

static const struct arg fold_args[] = {
    {.name = "k",
     .kind = ARG_INT,
     .fallback = "5",
     .help = "number of folds",
     .min = 2,
     .max = 1e6},
    {.name = "how", .kind = ARG_METHOD, .fallback = "kfold", .help = "which rows go together"},
    {.name = "by",
     .kind = ARG_COLUMNS,
     .help = "the key of how=group, the class of how=stratified"},
    {.name = "into", .kind = ARG_NAME, .fallback = "fold", .help = "the new column"},
    DRAW_SEED,
    {0},
};

#define KEYED "c,x\nu,1\nv,2\nu,3\nv,4\nu,5\n"

static const struct method fold_methods[] = {
    {"kfold",
     "S",
     "each row by chance, by (seed, step, row)",
     {.program = "fold k=2 seed=1",
      .input = KEYED,
      .output = "c,x,fold\nu,1,1\nv,2,0\nu,3,1\nv,4,1\nu,5,1\n"}},
    {"group",
     "S",
     "each key by chance, so that no key is in two folds",
     {.program = "fold k=2 how=group by=c seed=2",
      .input = KEYED,
      .output = "c,x,fold\nu,1,0\nv,2,1\nu,3,0\nv,4,1\nu,5,0\n"}},
    {"stratified",
     "W",
     "the rows of a class to the folds in turn, in file order",
     {.program = "fold k=2 how=stratified by=c seed=1",
      .input = KEYED,
      .output = "c,x,fold\nu,1,1\nv,2,1\nu,3,0\nv,4,0\nu,5,1\n"}},
    {"timeseries",
     "F",
     "blocks of the stream: train on those before, test on this one",
     {.program = "fold k=2 how=timeseries",
      .input = "x\n1\n2\n3\n4\n5\n6\n7\n",
      .output = "x,fold\n1,0\n2,0\n3,0\n4,1\n5,1\n6,2\n7,2\n"}},
    {0},
};

const struct step_kind steps_fold[] = {
    {
        .name = "fold",
        .aliases = "split_kfold:how=kfold split_group_kfold:how=group "
                   "split_stratified_kfold:how=stratified split_timeseries_cv:how=timeseries",
        .family = "split",
        .class = "F",
        .summary = "the number of the cross-validation fold in which each row is tested",
        .details =
            "Folds are numbered from 0. kfold and group deal by chance, so sizes are about equal; "
            "the same key gets the same fold in any file. stratified gives each fold the same "
            "number of rows of a class but for one. timeseries cuts as scikit-learn's "
            "TimeSeriesSplit: fold 0 is only ever trained on, folds 1 to k are tested after "
            "training on all before; sort the rows by time first. Only timeseries has to count the "
            "rows when it is fitted.",
        .args = fold_args,
        .methods = fold_methods,
        .example = {.program = "fold k=2 how=timeseries",
                    .input = "x\n1\n2\n3\n4\n5\n6\n7\n",
                    .output = "x,fold\n1,0\n2,0\n3,0\n4,1\n5,1\n6,2\n7,2\n"},
        .open = fold_open,
        .shape = fold_shape,
        .start = fold_start,
        .stop = fold_stop,
        .push = fold_push,
        .grouping = fold_grouping,
        .ordered = true,
        .shards = fold_shards,
        .only_adds = true,
        .state_new = fold_new,
        .learn = fold_learn,
        .merge = fold_merge,
        .save = fold_save,
        .load = fold_load,
        .state_free = mem_free,
    },
    {0},
};
