/* Steps that fill missing cells from rows before or behind: forward_fill, backward_fill. */
#include "prep/lookahead.h"
#include "prep/rowwise.h"
#include "steps/steps.h"

/* The last value of a column in a group. */
struct carried {
    struct buf value;
    bool there;
    uint64_t used;      /* times since it came */
    struct text shared; /* it, with the life of batch number `batch` */
    uint64_t batch;
};

struct forward {
    VEC(struct carried) carried; /* group * columns + column */
    struct groups groups;
    uint64_t batch; /* number of the one at hand */
};

static int forward_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct forward));
    return 0;
}

static void forward_release(struct forward *f)
{
    for (size_t i = 0; i < f->carried.len; i++)
        buf_release(&f->carried.at[i].value);
    vec_release(&f->carried);
    groups_release(&f->groups);
}

static void forward_stop(struct step *s)
{
    if (s->run)
        forward_release(s->run);
    mem_free(s->run);
}

static struct grouping forward_grouping(const struct step *s)
{
    enum { OWNED = 64 }; /* a guess: what a value takes */
    const struct order_plan *p = s->plan;
    const struct forward *f = s->run;
    size_t held = map_held(&f->groups.map) + f->carried.cap * (sizeof *f->carried.at + OWNED);
    return (struct grouping){&f->groups.map, p->by, p->by_count, held};
}

static void carry(struct carried *c, struct text value, uint64_t batch)
{
    c->value.len = 0;
    buf_add(&c->value, value.at, value.len);
    c->there = true;
    c->used = 0;
    c->shared = value;
    c->batch = batch;
}

static struct text carried_value(struct carried *c, struct batch *b, uint64_t batch)
{
    if (c->batch != batch) {
        c->shared =
            (struct text){arena_text(&b->arena, buf_text(&c->value), c->value.len), c->value.len};
        c->batch = batch;
    }
    c->used++;
    return c->shared;
}

static void forward_row(const struct step *s, struct forward *f, struct batch *b,
                        struct text **cells, size_t row)
{
    uint64_t limit = ((const struct order_plan *)s->plan)->limit;
    size_t at = groups_find(&f->groups, row) * s->column_count;
    const struct carried fresh = {0};
    while (f->carried.len < at + s->column_count)
        vec_push(&f->carried, fresh);
    for (size_t i = 0; i < s->column_count; i++) {
        struct carried *c = &f->carried.at[at + i];
        if (cells[i][row].at)
            carry(c, cells[i][row], f->batch);
        else if (c->there && c->used < limit)
            cells[i][row] = carried_value(c, b, f->batch);
    }
}

static void fill_forward(const struct step *s, struct forward *f, struct batch *b)
{
    const struct order_plan *p = s->plan;
    f->batch++;
    groups_batch(&f->groups, b, p->by, p->by_count);
    struct text **cells = own_cells(s, b);
    for (size_t r = 0; r < b->rows; r++)
        forward_row(s, f, b, cells, r);
}

static int forward_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    fill_forward(s, s->run, b);
    return emit(out, b, e);
}

static void backward_cell(struct gap *g, struct held *h, size_t column, size_t row, uint64_t limit)
{
    struct text value = h->cells[column][row];
    if (!value.at) {
        gap_wait(g, h, row, 0);
        if (g->open.len - g->first > limit)
            (void)gap_next(g);
        return;
    }
    for (struct place *p; (p = gap_next(g));) {
        struct arena *arena = &p->held->batch->arena;
        p->held->cells[column][p->row] =
            (struct text){arena_text(arena, value.at, value.len), value.len};
    }
}

static int backward_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    struct lookahead *l = s->run;
    const struct order_plan *p = s->plan;
    groups_batch(&l->groups, b, p->by, p->by_count);
    if (l->later) {
        for (size_t r = 0; r < b->rows; r++)
            (void)groups_find(&l->groups, r); /* known when rows come the other way */
        return lookahead_later(s, b, NULL, 0, e);
    }
    struct held *h = lookahead_hold(s, b);
    for (size_t r = 0; r < b->rows; r++) {
        struct gap *gaps = lookahead_gaps(l, s->column_count, r);
        for (size_t i = 0; i < s->column_count; i++)
            backward_cell(&gaps[i], h, i, r, p->limit);
    }
    return lookahead_emit(s, out, e);
}

struct turned_fill {
    const struct step *step;
    struct forward forward;
};

/* From the last row on, backward is forward. */
static int fill_turned(void *context, struct batch *b, struct error *e)
{
    struct turned_fill *t = context;
    (void)e;
    fill_forward(t->step, &t->forward, b);
    return 0;
}

static int backward_flush(struct step *s, struct emit *out, struct error *e)
{
    struct turned_fill t = {.step = s};
    int rc = lookahead_flush(s, fill_turned, &t, out, e);
    forward_release(&t.forward);
    return rc;
}

static const struct arg forward_args[] = {
    ROWWISE_COLUMNS("columns to fill"),
    LIMIT_ARG("cells to fill after a value, at most"),
    BY_ARG,
    {.name = NULL},
};
static const struct arg backward_args[] = {
    ROWWISE_COLUMNS("columns to fill"),
    LIMIT_ARG("cells to fill before a value, at most"),
    BY_ARG,
    {.name = NULL},
};
const struct step_kind steps_missing_order[] = {
    {.name = "forward_fill",
     .aliases = "ffill fill_down fill_down_n",
     .family = "missing",
     .class = "W",
     .summary = "fill missing cells with the last value above",
     .details = "Rows are taken in the order of the stream. Cells before the first value stay "
                "missing. Groups beyond --memory go through scratch files.",
     .args = forward_args,
     .example = {.program = "forward_fill x by=k limit=1",
                 .input = "k,x\na,1\nb,\na,\na,\nb,7\nb,\n",
                 .output = "k,x\na,1\nb,\na,1\na,\nb,7\nb,7\n"},
     .open = order_open,
     .push = forward_push,
     .start = forward_start,
     .stop = forward_stop,
     .grouping = forward_grouping,
     .ordered = true},
    {.name = "backward_fill",
     .aliases = "bfill fill_up",
     LOOKAHEAD,
     .summary = "fill missing cells with the next value below",
     .details =
         "Rows are taken in the order of the stream and wait until the value comes. Once those "
         "that "
         "wait outgrow --memory, they and all behind them go through scratch files, and leave "
         "after the last one has come. Cells behind the last value stay missing.",
     .args = backward_args,
     .example = {.program = "backward_fill x limit=1",
                 .input = "k,x\na,\nb,\nc,5\nd,\n",
                 .output = "k,x\na,\nb,5\nc,5\nd,\n"},
     .open = order_open,
     .push = backward_push,
     .flush = backward_flush},
    {.name = NULL},
};
