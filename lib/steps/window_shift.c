/* The steps shift (lag, lead) and session_id. */
#include "prep/later.h"
#include "prep/rowwise.h"
#include "prep/sorted.h"
#include "prep/window.h"
#include "steps/steps.h"

#include <math.h>

/* A column's cells of one batch: numbers keep whether they are whole, all else goes as text. */
struct cell_array {
    bool number;
    struct column numbers;
    const struct text *texts;
};

/* One of them that outlives its batch. */
struct kept_cell {
    struct number number;
    struct buf text;
    bool missing; /* the text */
};

static struct number number_at(const struct column *c, size_t row)
{
    if (c->form == FORM_NUMBER)
        return c->number[row];
    if (c->form == FORM_FLOAT)
        return (struct number){.f = c->f64[row]};
    if (c->i64[row] == INT_MISSING)
        return (struct number){.f = (double)NAN};
    return (struct number){.i = c->i64[row], .is_int = true};
}

static void keep_cell(struct kept_cell *k, const struct cell_array *from, size_t row)
{
    if (from->number) {
        k->number = number_at(&from->numbers, row);
        return;
    }
    struct text cell = from->texts[row];
    k->missing = !cell.at;
    k->text.len = 0;
    if (cell.len > 0)
        buf_add(&k->text, cell.at, cell.len);
}

/* A column of results, first all missing. */
struct result {
    struct number *numbers;
    struct text *texts;
};

static struct result result_new(struct batch *b, bool number)
{
    struct result made = {NULL, NULL};
    if (number)
        made.numbers = batch_array(b, b->rows, sizeof *made.numbers);
    else
        made.texts = batch_array(b, b->rows, sizeof *made.texts);
    for (size_t r = 0; r < b->rows; r++)
        if (number)
            made.numbers[r] = (struct number){.f = (double)NAN};
        else
            made.texts[r] = (struct text){NULL, 0};
    batch_add(b, number ? column_of_number(made.numbers) : column_of_text(made.texts));
    return made;
}

static void put_text(struct batch *b, struct text *to, const char *at, size_t len)
{
    *to = (struct text){len > 0 ? arena_copy(&b->arena, at, len) : "", len};
}

struct shift_plan {
    struct ordering ordering;
    const char **added;
    bool *number; /* by selected column */
    size_t k;
    bool ahead;
};

/* A batch on its way through; one that looks ahead is held until its rows have their values. */
struct held {
    struct batch *b;
    struct result *results; /* by selected column */
    size_t waiting;         /* rows of it in trails */
};

struct waiting_row {
    struct held *held;
    size_t row;
};

/* The last k rows of a group: their cells (looking back), or the rows that want one (ahead). */
struct trail {
    struct kept_cell *cells; /* k times the selected columns */
    struct waiting_row *rows;
    size_t at, seen;
};

struct shift_run {
    struct order_check check;
    VEC(struct trail) trails; /* by group */
    VEC(struct held *) queue;
    size_t memory;        /* of the batches in the queue */
    struct later *later;  /* rows that memory has no room for; NULL: none */
    struct groups turned; /* theirs, from the last row on */
};

static int shift_open(struct step *s, const struct schema *in, struct error *e)
{
    struct shift_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    int64_t k = arg_int(s, "k");
    if (k == 0)
        return step_error(s, e, "k is 0");
    plan->ahead = arg_bool(s, "ahead") != (k < 0);
    plan->k = (size_t)(k < 0 ? -k : k);
    plan->number = arena_zero(&s->arena, s->column_count + 1);
    for (size_t i = 0; i < s->column_count; i++)
        plan->number[i] = type_is_number(in->fields.at[s->columns[i]].type);
    int rc = ordering_open(s, in, &plan->ordering, e);
    if (rc)
        return rc;
    const char *ending = arena_format(&s->arena, "_%s%zu", plan->ahead ? "lead" : "lag", plan->k);
    plan->added = arena_alloc(&s->arena, s->column_count * sizeof *plan->added);
    rc = window_names_fit(s, 1, e);
    for (size_t i = 0; rc == 0 && i < s->column_count; i++)
        rc = window_name(s, in, i, ending, &plan->added[i], e);
    return rc;
}

static int shift_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const struct shift_plan *plan = s->plan;
    for (size_t i = 0; i < s->column_count; i++)
        schema_add(schema, text_of(plan->added[i]), schema->fields.at[s->columns[i]].type);
    return 0;
}

static int shift_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct shift_run));
    return 0;
}

static void trail_release(struct trail *t, size_t cells)
{
    for (size_t i = 0; t->cells && i < cells; i++)
        buf_release(&t->cells[i].text);
    mem_free(t->cells);
    mem_free(t->rows);
}

static void release_trails(struct shift_run *run, size_t cells)
{
    for (size_t g = 0; g < run->trails.len; g++)
        trail_release(&run->trails.at[g], cells);
    run->trails.len = 0;
}

static void shift_stop(struct step *s)
{
    const struct shift_plan *plan = s->plan;
    struct shift_run *run = s->run;
    if (!run)
        return;
    release_trails(run, plan->k * s->column_count);
    for (size_t i = 0; i < run->queue.len; i++) {
        batch_free(run->queue.at[i]->b);
        mem_free(run->queue.at[i]);
    }
    vec_release(&run->trails);
    vec_release(&run->queue);
    later_free(run->later);
    groups_release(&run->turned);
    order_check_release(&run->check);
    mem_free(run);
    s->run = NULL;
}

/* Where the group's next row goes; *full tells whether the place holds the row k before it. */
static size_t trail_step(struct trail *t, size_t k, bool *full)
{
    size_t place = t->at;
    *full = t->seen == k;
    t->seen += !*full;
    t->at = place + 1 == k ? 0 : place + 1;
    return place;
}

static void put_kept(struct batch *b, const struct result *to, size_t row, struct kept_cell *cell)
{
    if (!to->texts)
        to->numbers[row] = cell->number;
    else if (!cell->missing)
        put_text(b, &to->texts[row], cell->text.at, cell->text.len);
}

static void look_back(const struct step *s, struct trail *t, const struct held *h, size_t row,
                      const struct cell_array *cells)
{
    const struct shift_plan *plan = s->plan;
    bool full;
    size_t place = trail_step(t, plan->k, &full);
    if (!t->cells)
        t->cells = mem_alloc(plan->k * s->column_count * sizeof *t->cells);
    for (size_t i = 0; i < s->column_count; i++) {
        struct kept_cell *cell = &t->cells[place * s->column_count + i];
        if (full)
            put_kept(h->b, &h->results[i], row, cell);
        keep_cell(cell, &cells[i], row);
    }
}

static void put_cell(struct batch *b, const struct result *to, size_t row,
                     const struct cell_array *from, size_t from_row)
{
    if (!to->texts)
        to->numbers[row] = number_at(&from->numbers, from_row);
    else if (from->texts[from_row].at)
        put_text(b, &to->texts[row], from->texts[from_row].at, from->texts[from_row].len);
}

static void look_ahead(const struct step *s, struct trail *t, struct held *h, size_t row,
                       const struct cell_array *cells)
{
    const struct shift_plan *plan = s->plan;
    bool full;
    size_t place = trail_step(t, plan->k, &full);
    if (!t->rows)
        t->rows = mem_array(NULL, plan->k, sizeof *t->rows);
    struct waiting_row *w = &t->rows[place];
    for (size_t i = 0; full && i < s->column_count; i++)
        put_cell(w->held->b, &w->held->results[i], w->row, &cells[i], row);
    if (full)
        w->held->waiting--;
    *w = (struct waiting_row){h, row};
    h->waiting++;
}

static int read_cells(const struct step *s, struct batch *b, struct cell_array *cells,
                      struct error *e)
{
    const struct shift_plan *plan = s->plan;
    for (size_t i = 0; i < s->column_count; i++) {
        cells[i] = (struct cell_array){.number = plan->number[i]};
        if (!plan->number[i]) {
            cells[i].texts = batch_text(b, s->columns[i]);
            continue;
        }
        int rc = batch_number(b, s->columns[i], s->names[i], &cells[i].numbers, e);
        if (rc)
            return rc;
    }
    return 0;
}

/* Results of the rows of a batch, each in its group; ahead: they come as later rows do. */
static int shift_groups(struct step *s, struct held *h, const uint32_t *groups, size_t count,
                        bool ahead, struct error *e)
{
    const struct shift_plan *plan = s->plan;
    struct shift_run *run = s->run;
    struct cell_array *cells = batch_array(h->b, s->column_count, sizeof *cells);
    int rc = read_cells(s, h->b, cells, e);
    if (rc)
        return rc;
    while (run->trails.len < count)
        vec_push(&run->trails, (struct trail){0});
    h->results = batch_array(h->b, s->column_count, sizeof *h->results);
    for (size_t i = 0; i < s->column_count; i++)
        h->results[i] = result_new(h->b, plan->number[i]);
    for (size_t r = 0; r < h->b->rows; r++)
        if (ahead)
            look_ahead(s, &run->trails.at[groups[r]], h, r, cells);
        else
            look_back(s, &run->trails.at[groups[r]], h, r, cells);
    return 0;
}

/* Hands on the batches no row of which waits, up to the first one that does. */
static int release_ready(struct shift_run *run, bool all, struct emit *out, struct error *e)
{
    size_t ready = 0;
    int rc = 0;
    while (rc == 0 && ready < run->queue.len && (all || run->queue.at[ready]->waiting == 0)) {
        struct held *h = run->queue.at[ready++];
        run->memory -= batch_held(h->b);
        rc = emit(out, h->b, e);
        mem_free(h);
    }
    run->queue.len -= ready;
    if (ready > 0)
        memmove(run->queue.at, run->queue.at + ready, run->queue.len * sizeof *run->queue.at);
    return rc;
}

/* The rows that wait go to disk, without results, and so will those behind them. */
static int begin_later(struct step *s, struct error *e)
{
    const struct shift_plan *plan = s->plan;
    struct shift_run *run = s->run;
    int rc = 0;
    run->later = later_new(s);
    for (size_t i = 0; i < run->queue.len; i++) {
        struct held *h = run->queue.at[i];
        for (size_t k = 0; k < s->column_count; k++)
            batch_remove(h->b, h->b->columns.len - 1);
        if (rc == 0)
            rc = later_add(run->later, h->b, e);
        batch_free(h->b);
        mem_free(h);
    }
    vec_release(&run->queue);
    release_trails(run, plan->k * s->column_count);
    return rc;
}

static int shift_batch(struct step *s, struct batch *b, const uint32_t *groups, struct emit *out,
                       struct error *e)
{
    const struct shift_plan *plan = s->plan;
    struct shift_run *run = s->run;
    struct held *h = mem_alloc(sizeof *h);
    h->b = b;
    vec_push(&run->queue, h);
    int rc = shift_groups(s, h, groups, groups_count(&run->check.groups), plan->ahead, e);
    run->memory += batch_held(b);
    if (rc == 0)
        rc = release_ready(run, false, out, e);
    if (rc == 0 && run->memory > step_memory_whole(s))
        rc = begin_later(s, e);
    return rc;
}

static int shift_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct shift_plan *plan = s->plan;
    struct shift_run *run = s->run;
    uint32_t *groups;
    int rc = ordering_check(s, &plan->ordering, &run->check, b, &groups, e);
    if (rc == 0 && !run->later)
        return shift_batch(s, b, groups, out, e);
    if (rc == 0)
        rc = later_add(run->later, b, e);
    batch_free(b);
    return rc;
}

/* From the last row on, looking ahead is looking back. */
static int shift_turned(void *context, struct batch *b, struct error *e)
{
    struct step *s = context;
    const struct shift_plan *plan = s->plan;
    struct shift_run *run = s->run;
    struct held h = {.b = b};
    uint32_t *groups = batch_array(b, b->rows, sizeof *groups);
    groups_batch(&run->turned, b, plan->ordering.by, plan->ordering.by_count);
    for (size_t r = 0; r < b->rows; r++)
        groups[r] = (uint32_t)groups_find(&run->turned, r);
    return shift_groups(s, &h, groups, groups_count(&run->turned), false, e);
}

static int shift_flush(struct step *s, struct emit *out, struct error *e)
{
    struct shift_run *run = s->run;
    if (run->later) {
        order_check_release(&run->check);
        run->check = (struct order_check){0};
        return later_emit(run->later, shift_turned, s, out, e);
    }
    int rc = release_ready(run, true, out, e);
    return rc < 0 ? rc : 0;
}

static struct grouping shift_grouping(const struct step *s)
{
    enum { OWNED = 32 }; /* a guess: what a text takes */
    const struct shift_plan *plan = s->plan;
    const struct shift_run *run = s->run;
    const struct map *known = &run->check.groups.map;
    size_t cells = plan->ahead ? plan->k * sizeof(struct waiting_row)
                               : plan->k * s->column_count * (sizeof(struct kept_cell) + OWNED);
    size_t held = map_held(known) + run->trails.len * (sizeof(struct trail) + cells) +
                  run->check.last.cap * sizeof *run->check.last.at;
    return (struct grouping){known, plan->ordering.by, plan->ordering.by_count, held};
}

struct session_plan {
    struct ordering ordering;
    double gap; /* as the column counts: microseconds for times */
    const char *added;
};

struct session {
    double last;
    int64_t number;
};

struct session_run {
    struct order_check check;
    VEC(struct session) sessions; /* by group */
};

static int read_gap(struct step *s, struct session_plan *plan, struct error *e)
{
    struct text gap = arg_text(s, "gap");
    usec span;
    if (plan->ordering.type == TYPE_TIME && duration_parse(gap.at, gap.len, &span) && span > 0) {
        plan->gap = (double)span;
        return 0;
    }
    if (plan->ordering.type == TYPE_TIME)
        return step_error(s, e, "gap must be a duration such as 30m");
    if (plan->ordering.type != TYPE_FLOAT)
        return step_error(s, e, "%s holds neither times nor numbers", plan->ordering.name);
    if (!number_parse_double(gap.at, gap.len, &plan->gap) || plan->gap <= 0)
        return step_error(s, e, "gap must be a number above 0");
    return 0;
}

static int session_open(struct step *s, const struct schema *in, struct error *e)
{
    struct session_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    int rc = ordering_open(s, in, &plan->ordering, e);
    size_t column;
    if (rc == 0)
        rc = arg_column(s, "column", in, &column, e);
    if (rc)
        return rc;
    ordering_set(&plan->ordering, in, column);
    plan->ordering.name = arg_string(s, "column");
    plan->added = arg_string(s, "into");
    rc = read_gap(s, plan, e);
    return rc ? rc : step_new_name(s, in, text_of(plan->added), e);
}

static struct grouping session_grouping(const struct step *s)
{
    const struct session_plan *plan = s->plan;
    const struct session_run *run = s->run;
    const struct map *known = &run->check.groups.map;
    size_t held = map_held(known) + run->sessions.cap * sizeof *run->sessions.at +
                  run->check.last.cap * sizeof *run->check.last.at;
    return (struct grouping){known, plan->ordering.by, plan->ordering.by_count, held};
}

static int session_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    schema_add(schema, text_of(((const struct session_plan *)s->plan)->added), TYPE_INT);
    return 0;
}

static int session_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct session_run));
    return 0;
}

static void session_stop(struct step *s)
{
    struct session_run *run = s->run;
    if (!run)
        return;
    vec_release(&run->sessions);
    order_check_release(&run->check);
    mem_free(run);
    s->run = NULL;
}

static int number_sessions(struct step *s, struct batch *b, struct error *e)
{
    const struct session_plan *plan = s->plan;
    struct session_run *run = s->run;
    union cells cells;
    uint32_t *groups;
    int rc = ordering_check(s, &plan->ordering, &run->check, b, &groups, e);
    if (rc == 0)
        rc =
            cells_of(b, plan->ordering.column, plan->ordering.name, plan->ordering.type, &cells, e);
    if (rc)
        return rc;
    while (run->sessions.len < groups_count(&run->check.groups))
        vec_push(&run->sessions, (struct session){0});
    int64_t *numbers = batch_array(b, b->rows, sizeof *numbers);
    for (size_t r = 0; r < b->rows; r++) {
        struct session *at = &run->sessions.at[groups[r]];
        bool time = plan->ordering.type == TYPE_TIME;
        double now = time ? (double)cells.time[r] : cells.number[r];
        at->number += at->number == 0 || now - at->last > plan->gap;
        at->last = now;
        numbers[r] = at->number;
    }
    batch_add(b, column_of_int(numbers));
    return 0;
}

static int session_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    int rc = number_sessions(s, b, e);
    if (rc == 0)
        return emit(out, b, e);
    batch_free(b);
    return rc;
}

static const struct arg shift_args[] = {
    ROWWISE_COLUMNS("columns of any type"),
    {.name = "k",
     .kind = ARG_INT,
     .fallback = "1",
     .min = -1e6,
     .max = 1e6,
     .help = "rows to look back; negative: the other way"},
    {.name = "ahead", .kind = ARG_BOOL, .fallback = "false", .help = "look ahead (lead)"},
    WINDOW_BY,
    WINDOW_ORDER,
    ROWWISE_INTO,
    WINDOW_SUFFIX,
    {0},
};
static const struct arg session_args[] = {
    {.name = "column",
     .kind = ARG_COLUMN,
     .positional = true,
     .required = true,
     .help = "times or numbers, not going back within a group"},
    {.name = "gap",
     .kind = ARG_TEXT,
     .fallback = "30m",
     .help = "a longer pause begins a session: a duration, or a number for numbers"},
    WINDOW_BY,
    {.name = "into", .kind = ARG_NAME, .fallback = "session_id", .help = "name of the new column"},
    {0},
};

const struct step_kind steps_window_shift[] = {
    {.name = "session_id",
     .aliases = "sessionize",
     .family = "window",
     .class = "W",
     .summary = "number the sessions of each group: runs of rows without a long pause",
     .details =
         "Sessions are numbered from 1 within each group of by=. A pause of exactly gap does "
         "not end one. Rows must come in order of the column (put sort before); a missing "
         "time is an error.",
     .args = session_args,
     .example = {.program = "session_id t gap=30 by=user",
                 .input = "user,t\nann,0\nbob,5\nann,30\nann,61\nbob,20\n",
                 .output = "user,t,session_id\nann,0,1\nbob,5,1\nann,30,1\nann,61,2\nbob,20,1\n"},
     .open = session_open,
     .shape = session_shape,
     .start = session_start,
     .stop = session_stop,
     .push = session_push,
     .grouping = session_grouping,
     .ordered = true,
     .only_adds = true},
    {.name = "shift",
     .aliases = "lag lead:ahead=true shift_lag shift_lead:ahead=true",
     .family = "window",
     .class = "W",
     .summary = "value of the row k before, or with lead k behind, in its group",
     .details = WINDOW_ORDER_RULE
     "The first k rows of a group (lead: the last) give missing. lead holds rows back until the "
     "later ones have come. New columns are named x_lag1 or x_lead1.",
     .args = shift_args,
     .example = {.program = "lag delay by=origin order=date",
                 .input = "date,origin,delay\n1,ORD,10\n1,ATL,5\n2,ORD,20\n2,ATL,7\n",
                 .output = "date,origin,delay,delay_lag1\n1,ORD,10,\n1,ATL,5,\n2,ORD,20,10\n"
                           "2,ATL,7,5\n"},
     .open = shift_open,
     .shape = shift_shape,
     .start = shift_start,
     .stop = shift_stop,
     .grouping = shift_grouping,
     .holds_back = true,
     .push = shift_push,
     .flush = shift_flush,
     .ordered = true,
     .only_adds = true},
    {0},
};
