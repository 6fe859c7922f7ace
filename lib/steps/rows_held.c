/* Steps that hold rows back: tail, reverse. */
#include "prep/groups.h"
#include "prep/hold.h"
#include "prep/sorted.h"
#include "steps/steps.h"
#include "table/rows.h"

enum { BATCH_ROWS = 4096 };

struct tail_plan {
    size_t *by, by_count;
};

/* A row held back; its buffer serves the next one in this place of the ring. */
struct kept_row {
    struct buf bytes;
    uint64_t id, arrival;
};

/* The last rows of a group. */
struct ring {
    VEC(struct kept_row) rows;
    size_t next; /* the oldest, once the ring is full */
};

struct tail_run {
    struct groups groups;
    VEC(struct ring) rings; /* by group */
    struct row_origin origin;
    uint64_t arrivals;
    size_t held; /* bytes of the rows */
};

static int tail_open(struct step *s, const struct schema *in, struct error *e)
{
    struct tail_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    return arg_columns(s, "by", in, &plan->by, &plan->by_count, e);
}

static int tail_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct tail_run));
    return 0;
}

static void tail_stop(struct step *s)
{
    struct tail_run *run = s->run;
    if (!run)
        return;
    for (size_t g = 0; g < run->rings.len; g++) {
        for (size_t i = 0; i < run->rings.at[g].rows.len; i++)
            buf_release(&run->rings.at[g].rows.at[i].bytes);
        vec_release(&run->rings.at[g].rows);
    }
    vec_release(&run->rings);
    groups_release(&run->groups);
    row_origin_release(&run->origin);
    mem_free(run);
    s->run = NULL;
}

/* The place for one more row: a new one while there are fewer than n, then the oldest. */
static struct kept_row *ring_place(struct ring *ring, uint64_t n)
{
    if (ring->rows.len < n) {
        struct kept_row fresh = {0};
        vec_push(&ring->rows, fresh);
        return &ring->rows.at[ring->rows.len - 1];
    }
    struct kept_row *place = &ring->rows.at[ring->next];
    ring->next = ring->next + 1 == ring->rows.len ? 0 : ring->next + 1;
    return place;
}

static int tail_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    (void)out;
    (void)e;
    const struct tail_plan *plan = s->plan;
    struct tail_run *run = s->run;
    uint64_t n = (uint64_t)arg_int(s, "n");
    row_origin_see(&run->origin, b);
    groups_batch(&run->groups, b, plan->by, plan->by_count);
    for (size_t r = 0; n > 0 && r < b->rows; r++) {
        size_t group = groups_find(&run->groups, r);
        struct ring fresh = {0};
        if (group == run->rings.len)
            vec_push(&run->rings, fresh);
        struct kept_row *place = ring_place(&run->rings.at[group], n);
        run->held -= place->bytes.cap;
        place->bytes.len = 0;
        row_pack(b, r, &place->bytes);
        run->held += place->bytes.cap;
        place->id = batch_row_id(b, r);
        place->arrival = run->arrivals++;
    }
    batch_free(b);
    return 0;
}

static struct grouping tail_grouping(const struct step *s)
{
    const struct tail_plan *plan = s->plan;
    const struct tail_run *run = s->run;
    size_t group = sizeof(struct ring) + sizeof(struct kept_row);
    size_t held = map_held(&run->groups.map) + run->rings.len * group + run->held;
    return (struct grouping){&run->groups.map, plan->by, plan->by_count, held};
}

static int by_arrival(const void *a, const void *b)
{
    const struct kept_row *x = *(const struct kept_row *const *)a;
    const struct kept_row *y = *(const struct kept_row *const *)b;
    return x->arrival < y->arrival ? -1 : x->arrival > y->arrival;
}

static int emit_rows(const struct tail_run *run, struct kept_row *const *kept, size_t n,
                     struct emit *out, struct error *e)
{
    struct batch *b = emit_batch(out);
    struct text *rows = batch_array(b, n, sizeof *rows);
    uint64_t *ids = batch_array(b, n, sizeof *ids);
    for (size_t i = 0; i < n; i++) {
        const struct buf *bytes = &kept[i]->bytes;
        rows[i] = (struct text){arena_copy(&b->arena, bytes->at, bytes->len), bytes->len};
        ids[i] = kept[i]->id;
    }
    rows_unpack(b, &run->origin, rows, n, ids);
    return emit(out, b, e);
}

static int tail_flush(struct step *s, struct emit *out, struct error *e)
{
    struct tail_run *run = s->run;
    VEC(struct kept_row *) kept = {0};
    for (size_t g = 0; g < run->rings.len; g++)
        for (size_t i = 0; i < run->rings.at[g].rows.len; i++)
            vec_push(&kept, &run->rings.at[g].rows.at[i]);
    if (kept.len > 1)
        qsort(kept.at, kept.len, sizeof *kept.at, by_arrival);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < kept.len; i += BATCH_ROWS) {
        size_t n = kept.len - i < BATCH_ROWS ? kept.len - i : BATCH_ROWS;
        rc = emit_rows(run, kept.at + i, n, out, e);
    }
    vec_release(&kept);
    return rc < 0 ? rc : 0;
}

struct reversed {
    struct hold *hold;
    size_t left; /* blocks not yet produced */
};

static void *reverse_new(const struct step *s)
{
    struct reversed *state = mem_alloc(sizeof *state);
    state->hold = hold_new(step_memory(s));
    return state;
}

static void reverse_free(void *state)
{
    hold_free(((struct reversed *)state)->hold);
    mem_free(state);
}

static int reverse_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    (void)s;
    return hold_add(((struct reversed *)state)->hold, b, e);
}

static int reverse_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    hold_merge(((struct reversed *)into)->hold, ((struct reversed *)from)->hold);
    return 0;
}

static int reverse_finish(struct step *s, void *state, struct error *e)
{
    (void)s;
    (void)e;
    struct reversed *all = state;
    hold_sort(all->hold);
    all->left = hold_blocks(all->hold);
    return 0;
}

static int reverse_produce(struct step *s, struct batch *b, struct error *e)
{
    struct reversed *all = s->learnt;
    if (all->left == 0)
        return 0;
    int rc = hold_read(all->hold, --all->left, true, b, e);
    return rc ? rc : 1;
}

static const struct arg tail_args[] = {
    {.name = "n",
     .kind = ARG_INT,
     .fallback = "10",
     .help = "rows to keep",
     .max = 9e18,
     .positional = true},
    {.name = "by", .kind = ARG_COLUMNS, .help = "keep so many of each group of equal values"},
    {0},
};

const struct step_kind steps_rows_held[] = {
    {
        .name = "reverse",
        .aliases = "tac",
        .family = "rows",
        .class = "B",
        .summary = "put the rows in the opposite order",
        .example = {.program = "reverse", .input = "x\n1\n2\n3\n", .output = "x\n3\n2\n1\n"},
        .state_new = reverse_new,
        .learn = reverse_learn,
        .merge = reverse_merge,
        .finish = reverse_finish,
        .state_free = reverse_free,
        .produce = reverse_produce,
        .shards = shards_always,
        .blocking = true,
        .needs_all = true,
    },
    {
        .name = "tail",
        .family = "rows",
        .class = "W",
        .summary = "keep the last rows",
        .details = "With by= the last rows of every group are kept. They leave at the end of the "
                   "input, in its order, "
                   "and are held in memory until then; rows of groups beyond --memory go through "
                   "scratch files.",
        .args = tail_args,
        .example = {.program = "tail 1 by=city",
                    .input = "city,x\nUlm,1\nBonn,3\nUlm,2\n",
                    .output = "city,x\nBonn,3\nUlm,2\n"},
        .open = tail_open,
        .start = tail_start,
        .stop = tail_stop,
        .push = tail_push,
        .flush = tail_flush,
        .grouping = tail_grouping,
        .holds_back = true,
        .ordered = true,
        .needs_all = true,
    },
    {0},
};
