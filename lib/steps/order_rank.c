/* rank, ntile: the place of each row's value among all. */
#include "prep/hold.h"
#include "prep/rowwise.h"
#include "prep/sorted.h"
#include "stats/stats.h"
#include "steps/steps.h"

enum { RANK_AVERAGE, RANK_MIN, RANK_MAX, RANK_DENSE, RANK_FIRST, RANK_TILE };

struct rank_plan {
    struct cell_order order;
    size_t *by, by_count;
    struct text into;
    int method;
    uint64_t tiles; /* ntile: how many */
};

/* While learning: rows as they are in hold, and a record for each in values, its key the group, the
 * value and the row's place. After finish: the rank of each row by its place in ranks. */
struct rank {
    struct hold *hold;
    struct sorter *values, *ranks;
    struct places places;
    struct counts groups; /* ntile: values in each group */
    struct buf key;
    size_t next; /* block of hold to produce */
};

/* What a record of values carries. */
struct value {
    uint32_t group; /* bytes of the key that are the group */
    bool missing;
};

/* Equal values, as they come out of the sorter. */
struct ties {
    struct buf key; /* of the first one, without its place */
    size_t group;   /* bytes of it that are the group */
    VEC(uint64_t) places;
    uint64_t before; /* rows of the group before them */
    uint64_t size;   /* ntile: values in the group */
    uint64_t dense;  /* different values of the group so far */
    bool missing;
};

static int rank_open(struct step *s, const struct schema *in, struct error *e)
{
    struct rank_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    size_t column = 0;
    int rc = arg_column(s, "column", in, &column, e);
    if (rc == 0)
        rc = arg_columns(s, "by", in, &plan->by, &plan->by_count, e);
    if (rc)
        return rc;
    plan->order = cell_order(in, column);
    plan->order.order.descending = arg_choice(s, "order") == 1;
    bool tiles = step_has_arg(s, "tiles");
    plan->method = tiles ? RANK_TILE : arg_choice(s, "method");
    plan->tiles = tiles ? (uint64_t)arg_int(s, "tiles") : 0;
    plan->into = arg_text(s, "into");
    if (!plan->into.at)
        plan->into =
            text_of(arena_format(&s->arena, "%s_%s", in->fields.at[column].name, s->kind->name));
    return step_new_name(s, in, plan->into, e);
}

static int rank_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const struct rank_plan *plan = s->plan;
    bool whole = plan->method != RANK_AVERAGE;
    schema_add(schema, plan->into, whole ? TYPE_INT : TYPE_FLOAT);
    return 0;
}

static void *rank_new(const struct step *s)
{
    struct rank *state = mem_alloc(sizeof *state);
    state->hold = hold_new(step_memory(s));
    state->values = sorter_new(step_memory(s) / 4);
    return state;
}

static void rank_free(void *p)
{
    struct rank *state = p;
    hold_free(state->hold);
    sorter_free(state->values);
    sorter_free(state->ranks);
    counts_release(&state->groups);
    buf_release(&state->key);
    mem_free(state);
}

static int rank_learn(const struct step *s, void *p, struct batch *b, struct error *e)
{
    const struct rank_plan *plan = s->plan;
    struct rank *state = p;
    const struct key_order plain = {0};
    places_batch(&state->places, b);
    int rc = hold_add(state->hold, b, e);
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        struct buf *key = &state->key;
        key->len = 0;
        for (size_t i = 0; i < plan->by_count; i++)
            key_put_text(key, batch_cell(b, plan->by[i], r), plain);
        struct value v = {(uint32_t)key->len, batch_missing(b, plan->order.column, r)};
        if (plan->method == RANK_TILE && !v.missing)
            (void)counts_add(&state->groups, (struct text){buf_text(key), key->len}, 1, 0);
        key_put_cell(key, b, r, &plan->order);
        key_put_id(key, places_next(&state->places));
        rc = sorter_add(state->values, (struct text){key->at, key->len},
                        (struct text){(const char *)&v, sizeof v}, e);
    }
    return rc;
}

static int rank_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    struct rank *x = into, *y = from;
    hold_merge(x->hold, y->hold);
    counts_merge(&x->groups, &y->groups);
    return sorter_merge(x->values, y->values, e);
}

/* Which of so many parts, as even as can be and the first ones the larger, value `at` of size
 * lies in. */
static uint64_t tile_of(uint64_t at, uint64_t size, uint64_t tiles)
{
    uint64_t least = size / tiles, larger = size % tiles;
    if (at < larger * (least + 1))
        return at / (least + 1) + 1;
    return larger + (at - larger * (least + 1)) / least + 1;
}

static double rank_of(const struct ties *t, const struct rank_plan *plan, size_t i)
{
    double first = (double)t->before + 1, count = (double)t->places.len;
    switch (plan->method) {
    case RANK_TILE:
        return (double)tile_of(t->before + i, t->size, plan->tiles);
    case RANK_AVERAGE:
        return first + (count - 1) / 2;
    case RANK_MAX:
        return first + count - 1;
    case RANK_DENSE:
        return (double)t->dense;
    case RANK_FIRST:
        return first + (double)i;
    default:
        return first;
    }
}

/* Gives all ties their rank; NaN for missing values. */
static int put_ranks(struct rank *state, struct ties *t, const struct rank_plan *plan,
                     struct error *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < t->places.len; i++) {
        double rank = t->missing ? (double)__builtin_nanf("") : rank_of(t, plan, i);
        state->key.len = 0;
        key_put_id(&state->key, t->places.at[i]);
        rc = sorter_add(state->ranks, (struct text){state->key.at, state->key.len},
                        (struct text){(const char *)&rank, sizeof rank}, e);
    }
    return rc;
}

static uint64_t place_of(struct text key)
{
    uint64_t place = 0;
    for (size_t i = key.len - 8; i < key.len; i++)
        place = place << 8 | (unsigned char)key.at[i];
    return place;
}

static bool same_bytes(const struct buf *a, struct text b)
{
    return a->len == b.len && (b.len == 0 || memcmp(a->at, b.at, b.len) == 0);
}

/* From the ties before to those that begin with this key. */
static void next_ties(const struct rank *state, struct ties *t, struct text key, struct value v)
{
    struct text group = {v.group ? key.at : "", v.group};
    size_t known = map_get(&state->groups.map, group);
    bool same_group = t->group == v.group && t->key.len >= v.group &&
                      (v.group == 0 || memcmp(t->key.at, group.at, v.group) == 0);
    t->before = same_group ? t->before + t->places.len : 0;
    t->dense = same_group ? t->dense + 1 : 1;
    t->size = known == MAP_NONE ? 0 : state->groups.n.at[known];
    t->group = v.group;
    t->missing = v.missing;
    t->places.len = 0;
    t->key.len = 0;
    buf_add(&t->key, key.at, key.len);
}

static int rank_all(struct rank *state, struct ties *t, const struct rank_plan *plan,
                    struct error *e)
{
    struct text key, payload;
    int got = 0, rc = 0;
    while (rc == 0 && (got = sorter_next(state->values, &key, &payload, e)) > 0) {
        uint64_t place = place_of(key);
        struct value v;
        memcpy(&v, payload.at, sizeof v);
        key.len -= 8;
        if (t->places.len == 0 || !same_bytes(&t->key, key)) {
            rc = put_ranks(state, t, plan, e);
            next_ties(state, t, key, v);
        }
        vec_push(&t->places, place);
    }
    if (rc == 0 && got == 0)
        rc = put_ranks(state, t, plan, e);
    return rc ? rc : got;
}

static int rank_finish(struct step *s, void *p, struct error *e)
{
    struct rank *state = p;
    struct ties ties = {0};
    state->ranks = sorter_new(step_memory(s) / 4);
    hold_sort(state->hold);
    int rc = sorter_finish(state->values, e);
    if (rc == 0)
        rc = rank_all(state, &ties, s->plan, e);
    if (rc == 0)
        rc = sorter_finish(state->ranks, e);
    sorter_free(state->values);
    state->values = NULL;
    buf_release(&ties.key);
    vec_release(&ties.places);
    return rc;
}

static int rank_produce(struct step *s, struct batch *b, struct error *e)
{
    struct rank *state = s->learnt;
    if (state->next == hold_blocks(state->hold))
        return 0;
    int rc = hold_read(state->hold, state->next++, false, b, e);
    double *ranks = batch_array(b, b->rows, sizeof *ranks);
    int64_t *whole = batch_array(b, b->rows, sizeof *whole);
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        struct text key, payload;
        int got = sorter_next(state->ranks, &key, &payload, e);
        rc = got < 0 ? got : 0;
        if (got > 0)
            memcpy(&ranks[r], payload.at, sizeof *ranks);
        whole[r] = got > 0 && ranks[r] > 0 ? (int64_t)ranks[r] : INT_MISSING;
    }
    bool average = ((const struct rank_plan *)s->plan)->method == RANK_AVERAGE;
    batch_add(b, average ? column_of_double(ranks) : column_of_int(whole));
    return rc < 0 ? rc : 1;
}

#define VALUES_ARG(text)                                                                           \
    {                                                                                              \
        .name = "column", .kind = ARG_COLUMN, .help = text, .positional = true, .required = true   \
    }
#define PLACE_ARGS(lowest, within, fallback_name)                                                  \
    {.name = "order",                                                                              \
     .kind = ARG_CHOICE,                                                                           \
     .fallback = "asc",                                                                            \
     .help = lowest,                                                                               \
     .choices = "asc desc"},                                                                       \
        {.name = "by", .kind = ARG_COLUMNS, .help = within},                                       \
    {                                                                                              \
        .name = "into", .kind = ARG_NAME,                                                          \
        .help = "name of the new column (default: " fallback_name ")"                              \
    }

static const struct arg rank_args[] = {
    VALUES_ARG("whose values to rank"),
    {.name = "method",
     .kind = ARG_CHOICE,
     .fallback = "average",
     .help = "rank of equal values: the average, smallest or largest of theirs, the next whole "
             "number, or by arrival",
     .choices = "average min max dense first"},
    PLACE_ARGS("asc gives 1 to the smallest value", "rank within each group of equal values",
               "COLUMN_rank"),
    {0},
};
static const struct arg tile_args[] = {
    VALUES_ARG("whose values to divide"),
    {.name = "tiles",
     .kind = ARG_INT,
     .help = "how many parts",
     .min = 1,
     .max = 1e9,
     .positional = true,
     .required = true},
    PLACE_ARGS("asc puts the smallest values into part 1",
               "divide each group of equal values by itself", "COLUMN_ntile"),
    {0},
};

#define RANKING                                                                                    \
    .class = "B", .open = rank_open, .shape = rank_shape, .state_new = rank_new,                   \
    .learn = rank_learn, .merge = rank_merge, .finish = rank_finish, .produce = rank_produce,      \
    .state_free = rank_free, .blocking = true, .needs_all = true, .only_adds = true
#define ROWS_STAY                                                                                  \
    "Rows keep their order. Values compare as in sort. A missing value has no place, and is not "  \
    "counted; missing values of by= are a group. Rows beyond --memory go through scratch files. "

const struct step_kind steps_order_rank[] = {
    {
        .name = "rank",
        .family = "order",
        .summary = "add the place of each value among all",
        .details = ROWS_STAY "As in pandas.",
        .args = rank_args,
        .example = {.program = "rank x",
                    .input = "x\n3\n1\n3\n\n",
                    .output = "x,x_rank\n3,2.5\n1,1\n3,2.5\n,\n"},
        RANKING,
    },
    {
        .name = "ntile",
        .family = "window",
        .summary = "divide the rows in order of a value into parts of equal size",
        .details = ROWS_STAY
        "The function of SQL: sizes differ by one at most, the first parts are the larger ones, "
        "and equal values may fall into two parts: they go by arrival. bin_equal_freq cuts "
        "between values instead.",
        .args = tile_args,
        .example = {.program = "ntile x 2",
                    .input = "x\n30\n10\n\n40\n20\n20\n",
                    .output = "x,x_ntile\n30,2\n10,1\n,\n40,2\n20,1\n20,1\n"},
        RANKING,
    },
    {0},
};
