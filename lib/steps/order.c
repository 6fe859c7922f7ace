/* Steps that put all rows, or the columns, into another order: sort, shuffle, sort_columns. */
#include "prep/lower.h"
#include "prep/sorted.h"
#include "steps/steps.h"

#include <stdlib.h>

/* Rows being put in order. */
struct ordering {
    struct sorted *sorted;
    struct buf key;
};

static void *ordering_new(const struct step *s)
{
    struct ordering *state = mem_alloc(sizeof *state);
    state->sorted = sorted_new(s);
    return state;
}

static void ordering_free(void *p)
{
    struct ordering *state = p;
    sorted_free(state->sorted);
    buf_release(&state->key);
    mem_free(state);
}

static int ordering_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    struct ordering *x = into, *y = from;
    return sorted_merge(x->sorted, y->sorted, e);
}

static int ordering_finish(struct step *s, void *p, struct error *e)
{
    (void)s;
    struct ordering *state = p;
    return sorted_finish(state->sorted, e);
}

static int ordering_produce(struct step *s, struct batch *b, struct error *e)
{
    struct ordering *state = s->learnt;
    return sorted_produce(state->sorted, b, e);
}

struct sort_plan {
    struct cell_order *orders;
    size_t count;
};

static int sort_open(struct step *s, const struct schema *in, struct error *e)
{
    struct cell_order usual = {.order.descending = arg_choice(s, "order") == 1,
                               .order.missing_first = arg_choice(s, "missing") == 1};
    struct sort_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    if (arg_bool(s, "natural"))
        usual.as = CELL_NATURAL;
    else if (arg_bool(s, "numeric"))
        usual.as = CELL_NUMBER;
    return sort_orders(s, "columns", in, usual, &plan->orders, &plan->count, e);
}

static void put_key(const struct sort_plan *plan, struct batch *b, size_t row, struct buf *key)
{
    key->len = 0;
    for (size_t i = 0; i < plan->count; i++)
        key_put_cell(key, b, row, &plan->orders[i]);
}

static int sort_learn(const struct step *s, void *p, struct batch *b, struct error *e)
{
    struct ordering *state = p;
    int rc = 0;
    sorted_batch(state->sorted, b);
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        put_key(s->plan, b, r, &state->key);
        rc = sorted_add(state->sorted, r, &state->key, e);
    }
    return rc;
}

static int shuffle_learn(const struct step *s, void *p, struct batch *b, struct error *e)
{
    struct ordering *state = p;
    uint64_t seed = arg_given(s, "seed") ? (uint64_t)arg_int(s, "seed") : s->context->seed;
    int rc = 0;
    sorted_batch(state->sorted, b);
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        state->key.len = 0;
        key_put_id(&state->key, random_bits(seed, s->number, batch_row_id(b, r)));
        rc = sorted_add(state->sorted, r, &state->key, e);
    }
    return rc;
}

/* Column i of what leaves is column at[i] of what came. */
struct sorted_names {
    size_t *at, count;
};

struct named_place {
    const char *name;
    size_t at;
};

static int by_name(const void *a, const void *b)
{
    const struct named_place *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int sort_columns_open(struct step *s, const struct schema *in, struct error *e)
{
    (void)e;
    size_t n = in->fields.len;
    bool descending = arg_choice(s, "order") == 1;
    struct sorted_names *names = arena_zero(&s->arena, sizeof *names);
    struct named_place *places = mem_array(NULL, n + 1, sizeof *places);
    names->count = n;
    names->at = arena_alloc(&s->arena, (n + 1) * sizeof *names->at);
    for (size_t i = 0; i < n; i++)
        places[i] = (struct named_place){in->fields.at[i].name, i};
    if (n > 0)
        qsort(places, n, sizeof *places, by_name);
    for (size_t i = 0; i < n; i++)
        names->at[descending ? n - 1 - i : i] = places[i].at;
    mem_free(places);
    s->plan = names;
    return 0;
}

static int sort_columns_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const struct sorted_names *names = s->plan;
    schema_arrange(schema, names->at, names->count);
    return 0;
}

static int sort_columns_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    const struct sorted_names *names = s->plan;
    batch_arrange(b, names->at, names->count);
    return 0;
}

static const struct arg sort_args[] = {
    {.name = "columns",
     .kind = ARG_LIST,
     .help =
         "columns to sort by, the weightiest first, each with :asc or :desc behind it if need be",
     .positional = true,
     .required = true},
    {.name = "order",
     .kind = ARG_CHOICE,
     .fallback = "asc",
     .help = "of columns that do not say",
     .choices = "asc desc"},
    {.name = "missing",
     .kind = ARG_CHOICE,
     .fallback = "last",
     .help = "where missing values go, in either order",
     .choices = "last first"},
    {.name = "natural",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "compare digits within text as numbers: a2 before a10"},
    {.name = "numeric",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "compare what is a number as one in text columns, too"},
    {0},
};
static const struct arg shuffle_args[] = {
    {.name = "seed", .kind = ARG_INT, .help = "of the order (default: that of the run)"},
    {0},
};

static const struct arg sort_columns_args[] = {
    {.name = "order",
     .kind = ARG_CHOICE,
     .fallback = "asc",
     .help = "of the names",
     .choices = "asc desc"},
    {0},
};

#define ORDERING                                                                                   \
    .family = "order", .class = "B", .state_new = ordering_new, .merge = ordering_merge,           \
    .finish = ordering_finish, .state_free = ordering_free, .produce = ordering_produce,           \
    .blocking = true, .needs_all = true, .shards = shards_always

const struct step_kind steps_order[] = {
    {
        .name = "shuffle",
        .summary = "put the rows into a random order",
        .details = "Each row draws a number by the seed and its place in the input, so the order "
                   "is the same for any number of threads. Rows beyond --memory are sorted through "
                   "a scratch file.",
        .args = shuffle_args,
        .example = {.program = "shuffle seed=1",
                    .input = "x\n1\n2\n3\n4\n5\n",
                    .output = "x\n2\n5\n4\n1\n3\n"},
        .learn = shuffle_learn,
        ORDERING,
    },
    {
        .name = "sort",
        .aliases = "sort_by arrange order_by sort_natural:natural=true sort_desc:order=desc",
        .summary = "sort the rows by columns",
        .details =
            "Stable: rows that compare equal keep their order. In a column of numbers or times the "
            "values count, exactly also for large integers; cells that are neither come behind "
            "them as text. Text compares byte by byte, which for UTF-8 is by code point; a column "
            "that is text because of cells such as 007 is compared as text unless numeric=true. "
            "Missing cells come last in either order (pandas: the same; SQL systems differ). Rows "
            "beyond --memory are sorted in runs through a scratch file.",
        .args = sort_args,
        .example = {.program = "sort city,delay:desc",
                    .input = "city,delay\nUlm,5\nBonn,7\nUlm,10\nBonn,\n",
                    .output = "city,delay\nBonn,7\nBonn,\nUlm,10\nUlm,5\n"},
        .open = sort_open,
        .learn = sort_learn,
        ORDERING,
    },
    {
        .name = "sort_columns",
        .family = "order",
        .class = "S",
        .summary = "put the columns in order of their names",
        .details = "Names compare byte by byte: capitals come before small letters.",
        .args = sort_columns_args,
        .example = {.program = "sort_columns", .input = "b,a\n1,2\n", .output = "a,b\n2,1\n"},
        .open = sort_columns_open,
        .shape = sort_columns_shape,
        .apply = sort_columns_apply,
        .lower = lower_arranging,
        .needs_all = true,
    },
    {0},
};
