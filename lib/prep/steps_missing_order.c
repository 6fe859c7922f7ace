/* Steps that fill missing cells from rows before or behind: forward_fill, backward_fill,
 * interpolate. */
#include "prep/families.h"
#include "prep/groups.h"
#include "prep/rowwise.h"

#include <math.h>

struct order_plan {
    size_t *by, by_count;
    size_t order; /* FIELD_NONE: rows are one apart */
    bool time;
    const char *order_name;
    uint64_t limit; /* UINT64_MAX: none */
};

static int order_open(struct step *s, const struct schema *in, struct error *e)
{
    struct order_plan *p = arena_zero(&s->arena, sizeof *p);
    s->plan = p;
    p->limit = arg_given(s, "limit") ? (uint64_t)arg_int(s, "limit") : UINT64_MAX;
    p->order = FIELD_NONE;
    return arg_columns(s, "by", in, &p->by, &p->by_count, e);
}

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

static void forward_stop(struct step *s)
{
    struct forward *f = s->run;
    for (size_t i = 0; i < f->carried.len; i++)
        buf_release(&f->carried.at[i].value);
    vec_release(&f->carried);
    groups_release(&f->groups);
    mem_free(f);
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

static void forward_row(struct step *s, struct batch *b, struct text **cells, size_t row)
{
    struct forward *f = s->run;
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

/* Copies of the selected columns as text, which take their place in the batch. */
static struct text **own_cells(const struct step *s, struct batch *b)
{
    struct text **cells = batch_array(b, s->column_count, sizeof *cells);
    for (size_t i = 0; i < s->column_count; i++) {
        cells[i] = batch_array(b, b->rows, sizeof *cells[i]);
        memcpy(cells[i], batch_text(b, s->columns[i]), b->rows * sizeof *cells[i]);
    }
    for (size_t i = 0; i < s->column_count; i++)
        batch_set(b, s->columns[i], column_of_text(cells[i]));
    return cells;
}

static int forward_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    struct forward *f = s->run;
    const struct order_plan *p = s->plan;
    f->batch++;
    groups_batch(&f->groups, b, p->by, p->by_count);
    struct text **cells = own_cells(s, b);
    for (size_t r = 0; r < b->rows; r++)
        forward_row(s, b, cells, r);
    return emit(out, b, e);
}

/* A batch that waits until its missing cells have met the next value, or never will. */
struct held {
    struct batch *batch;
    struct text **cells;
    size_t waiting;
};

struct place {
    struct held *held;
    size_t row;
    double at;
};

/* A column of a group: the missing cells since its last value. */
struct gap {
    VEC(struct place) open;
    size_t first;             /* of open that still waits */
    uint64_t rows;            /* of the group so far */
    bool begun, abandoned;    /* a value came before; the gap is longer than limit */
    double before, before_at; /* that value */
};

struct lookahead {
    struct groups groups;
    VEC(struct gap) gaps; /* group * columns + column */
    VEC(struct held *) queue;
    size_t first; /* of the queue that is not emitted */
    size_t bytes;
};

static int lookahead_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct lookahead));
    return 0;
}

static void lookahead_stop(struct step *s)
{
    struct lookahead *l = s->run;
    for (size_t i = 0; i < l->gaps.len; i++)
        vec_release(&l->gaps.at[i].open);
    for (size_t i = l->first; i < l->queue.len; i++) {
        batch_free(l->queue.at[i]->batch);
        mem_free(l->queue.at[i]);
    }
    vec_release(&l->gaps);
    vec_release(&l->queue);
    groups_release(&l->groups);
    mem_free(l);
}

static struct gap *gaps_of_row(struct lookahead *l, size_t columns, size_t row)
{
    size_t at = groups_find(&l->groups, row) * columns;
    const struct gap fresh = {0};
    while (l->gaps.len < at + columns)
        vec_push(&l->gaps, fresh);
    return &l->gaps.at[at];
}

static void gap_wait(struct gap *g, struct held *h, size_t row, double at)
{
    if (g->first > 64 && g->first * 2 > g->open.len) { /* forget what waits no more */
        memmove(g->open.at, g->open.at + g->first, (g->open.len - g->first) * sizeof *g->open.at);
        g->open.len -= g->first;
        g->first = 0;
    }
    vec_push(&g->open, ((struct place){h, row, at}));
    h->waiting++;
}

/* The next cell of the gap that waits no more; NULL when there is none. */
static struct place *gap_next(struct gap *g)
{
    if (g->first == g->open.len) {
        g->first = g->open.len = 0;
        return NULL;
    }
    struct place *p = &g->open.at[g->first++];
    p->held->waiting--;
    return p;
}

/* Emits what waits for nothing; all of it when nothing more will come. */
static int emit_ready(struct lookahead *l, bool all, struct emit *out, struct error *e)
{
    int rc = 0;
    while (l->first < l->queue.len && rc == 0 && (all || l->queue.at[l->first]->waiting == 0)) {
        struct held *h = l->queue.at[l->first++];
        size_t bytes = batch_held(h->batch);
        l->bytes -= bytes < l->bytes ? bytes : l->bytes;
        rc = emit(out, h->batch, e);
        mem_free(h);
    }
    if (l->first == l->queue.len) {
        l->first = l->queue.len = 0;
        l->bytes = 0;
    }
    return rc;
}

static struct held *hold(struct step *s, struct batch *b, struct text **cells)
{
    struct lookahead *l = s->run;
    struct held *h = mem_alloc(sizeof *h);
    *h = (struct held){.batch = b, .cells = cells};
    vec_push(&l->queue, h);
    l->bytes += batch_held(b);
    return h;
}

static int check_memory(const struct step *s, struct error *e)
{
    const struct lookahead *l = s->run;
    if (l->bytes <= s->context->memory)
        return 0;
    return error_set(e, ERR_SYSTEM, "%s: the rows of a gap need more than --memory: give a limit",
                     s->kind->name);
}

static int lookahead_flush(struct step *s, struct emit *out, struct error *e)
{
    int rc = emit_ready(s->run, true, out, e);
    return rc < 0 ? rc : 0;
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
    struct held *h = hold(s, b, own_cells(s, b));
    for (size_t r = 0; r < b->rows; r++) {
        struct gap *gaps = gaps_of_row(l, s->column_count, r);
        for (size_t i = 0; i < s->column_count; i++)
            backward_cell(&gaps[i], h, i, r, p->limit);
    }
    int rc = emit_ready(l, false, out, e);
    return rc ? rc : check_memory(s, e);
}

static int interpolate_open(struct step *s, const struct schema *in, struct error *e)
{
    int rc = order_open(s, in, e);
    struct order_plan *p = s->plan;
    if (rc)
        return rc;
    if ((arg_choice(s, "with") == 1) != arg_given(s, "order"))
        return step_error(s, e, "with=time goes with order");
    rc = arg_column(s, "order", in, &p->order, e);
    if (rc || p->order == FIELD_NONE)
        return rc;
    const struct field *f = &in->fields.at[p->order];
    p->time = !type_is_number(f->type);
    p->order_name = arena_text(&s->arena, f->name, strlen(f->name));
    return 0;
}

static int interpolate_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    for (size_t i = 0; i < s->column_count; i++) {
        schema->fields.at[s->columns[i]].type = TYPE_FLOAT;
        schema->fields.at[s->columns[i]].declared = true;
    }
    return 0;
}

static struct text number_text(struct batch *b, double x)
{
    char digits[NUMBER_MAX];
    size_t n = number_print(digits, x);
    return (struct text){arena_copy(&b->arena, digits, n), n};
}

/* A cell at place `at` on the axis; missing when x is NaN. */
static void interpolate_cell(struct gap *g, struct held *h, size_t column, size_t row, double at,
                             double x, uint64_t limit)
{
    if (isnan(x)) {
        if (!g->begun || g->abandoned || isnan(at))
            return;
        gap_wait(g, h, row, at);
        g->abandoned = g->open.len - g->first > limit;
        while (g->abandoned && gap_next(g))
            ;
        return;
    }
    for (struct place *p; (p = gap_next(g));) {
        double share = (p->at - g->before_at) / (at - g->before_at);
        double y = g->before + (x - g->before) * share;
        if (isfinite(y))
            p->held->cells[column][p->row] = number_text(p->held->batch, y);
    }
    g->begun = !isnan(at);
    g->abandoned = false;
    g->before = x;
    g->before_at = at;
}

/* Where rows stand on the axis; NULL: one apart. */
static int axis_of(const struct step *s, struct batch *b, const double **out, struct error *e)
{
    const struct order_plan *p = s->plan;
    const usec *times;
    *out = NULL;
    if (p->order == FIELD_NONE)
        return 0;
    if (!p->time)
        return batch_double(b, p->order, p->order_name, out, e);
    int rc = batch_time(b, p->order, p->order_name, &times, e);
    double *axis = batch_array(b, b->rows, sizeof *axis);
    for (size_t r = 0; r < b->rows && rc == 0; r++)
        axis[r] = times[r] == INT_MISSING ? (double)NAN : (double)times[r];
    *out = axis;
    return rc;
}

static int interpolate_numbers(struct step *s, struct batch *b, const double ***out,
                               struct error *e)
{
    const double **x = batch_array(b, s->column_count, sizeof *x);
    int rc = 0;
    for (size_t i = 0; i < s->column_count && rc == 0; i++)
        rc = batch_double(b, s->columns[i], s->names[i], &x[i], e);
    *out = x;
    return rc;
}

static int interpolate_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    struct lookahead *l = s->run;
    const struct order_plan *p = s->plan;
    const double **x, *axis;
    int rc = interpolate_numbers(s, b, &x, e);
    if (!rc)
        rc = axis_of(s, b, &axis, e);
    if (rc) {
        batch_free(b);
        return rc;
    }
    groups_batch(&l->groups, b, p->by, p->by_count);
    struct held *h = hold(s, b, own_cells(s, b));
    for (size_t r = 0; r < b->rows; r++) {
        struct gap *gaps = gaps_of_row(l, s->column_count, r);
        for (size_t i = 0; i < s->column_count; i++) {
            double at = axis ? axis[r] : (double)gaps[i].rows++;
            interpolate_cell(&gaps[i], h, i, r, at, x[i][r], p->limit);
        }
    }
    rc = emit_ready(l, false, out, e);
    return rc ? rc : check_memory(s, e);
}

#define LIMIT_ARG(what)                                                                            \
    {                                                                                              \
        .name = "limit", .kind = ARG_INT, .min = 1, .max = 1e15, .help = what                      \
    }
#define BY_ARG                                                                                     \
    {                                                                                              \
        .name = "by", .kind = ARG_COLUMNS, .help = "fill within rows that agree in these columns"  \
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
static const struct arg interpolate_args[] = {
    ROWWISE_COLUMNS("columns of numbers to fill"),
    {.name = "with", .kind = ARG_METHOD, .fallback = "linear", .help = "what distance means"},
    {.name = "order", .kind = ARG_COLUMN, .help = "time: the column of times or numbers"},
    LIMIT_ARG("a gap of more cells is left as it is"),
    BY_ARG,
    {.name = NULL},
};

static const struct method interpolate_methods[] = {
    {"linear",
     "W",
     "rows are one apart",
     {.program = "interpolate x",
      .input = "t,x\n0,\n1,10\n2,\n9,20\n10,\n",
      .output = "t,x\n0,\n1,10\n2,15\n9,20\n10,\n"}},
    {"time",
     "W",
     "rows are as far apart as order= says",
     {.program = "interpolate x with=time order=t",
      .input = "t,x\n1,10\n2,\n5,\n6,20\n",
      .output = "t,x\n1,10\n2,12\n5,18\n6,20\n"}},
    {.name = NULL},
};

#define LOOKAHEAD                                                                                  \
    .family = "missing", .class = "W", .ordered = true, .start = lookahead_start,                  \
    .stop = lookahead_stop, .flush = lookahead_flush

const struct step_kind steps_missing_order[] = {
    {.name = "forward_fill",
     .aliases = "ffill fill_down fill_down_n",
     .family = "missing",
     .class = "W",
     .summary = "fill missing cells with the last value above",
     .details = "Rows are taken in the order of the stream. Cells before the first value stay "
                "missing.",
     .args = forward_args,
     .example = {.program = "forward_fill x by=k limit=1",
                 .input = "k,x\na,1\nb,\na,\na,\nb,7\nb,\n",
                 .output = "k,x\na,1\nb,\na,1\na,\nb,7\nb,7\n"},
     .open = order_open,
     .push = forward_push,
     .start = forward_start,
     .stop = forward_stop,
     .ordered = true},
    {.name = "backward_fill",
     .aliases = "bfill fill_up",
     LOOKAHEAD,
     .summary = "fill missing cells with the next value below",
     .details =
         "Rows are taken in the order of the stream and wait in memory until the value comes; "
         "limit= bounds the wait, else --memory does. Cells behind the last value stay "
         "missing.",
     .args = backward_args,
     .example = {.program = "backward_fill x limit=1",
                 .input = "k,x\na,\nb,\nc,5\nd,\n",
                 .output = "k,x\na,\nb,5\nc,5\nd,\n"},
     .open = order_open,
     .push = backward_push},
    {.name = "interpolate",
     LOOKAHEAD,
     .summary = "fill missing numbers along the line between the values around them",
     .details =
         "Rows are taken in the order of the stream and wait in memory until the value behind the "
         "gap comes; limit= bounds the wait, else --memory does. Cells before the first and behind "
         "the last value stay missing (pandas repeats the last).",
     .args = interpolate_args,
     .methods = interpolate_methods,
     .example = {.program = "interpolate x",
                 .input = "t,x\n0,\n1,10\n2,\n9,20\n10,\n",
                 .output = "t,x\n0,\n1,10\n2,15\n9,20\n10,\n"},
     .open = interpolate_open,
     .shape = interpolate_shape,
     .push = interpolate_push},
    {.name = NULL},
};
