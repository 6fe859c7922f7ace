/* interpolate: missing numbers along the line between the values around them. */
#include "prep/lookahead.h"
#include "prep/rowwise.h"
#include "steps/steps.h"

#include <math.h>

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

/* What must be known of a cell when rows come the other way. */
enum { NOTE_VALUE, NOTE_AT, NOTE_BEFORE, NOTE_BEFORE_AT, NOTE_LENGTH, NOTES };

static double **note_columns(const struct step *s, struct batch *b)
{
    double **notes = batch_array(b, s->column_count * NOTES, sizeof *notes);
    for (size_t i = 0; i < s->column_count * NOTES; i++)
        notes[i] = batch_array(b, b->rows, sizeof *notes[i]);
    return notes;
}

/* Before g learns of the cell. The length counts the cell, and is 0 when it is not to be filled. */
static void note_cell(struct gap *g, double *const *notes, size_t row, double at, double x)
{
    if (!isnan(x) || !g->begun)
        g->length = 0;
    bool waits = isnan(x) && g->begun && !isnan(at);
    g->length += waits;
    notes[NOTE_VALUE][row] = x;
    notes[NOTE_AT][row] = at;
    notes[NOTE_BEFORE][row] = g->before;
    notes[NOTE_BEFORE_AT][row] = g->before_at;
    notes[NOTE_LENGTH][row] = waits ? (double)g->length : 0;
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
}

/* A value, of which the next gap begins. */
static void gap_end(struct gap *g, double at, double x)
{
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

/* Fills cells of the rows that wait, in memory; h NULL: only takes notes. */
static void note_rows(struct step *s, struct batch *b, double *const *notes, const double *const *x,
                      const double *axis, struct held *h)
{
    uint64_t limit = ((const struct order_plan *)s->plan)->limit;
    for (size_t r = 0; r < b->rows; r++) {
        struct gap *gaps = lookahead_gaps(s->run, s->column_count, r);
        for (size_t i = 0; i < s->column_count; i++) {
            double at = axis ? axis[r] : (double)gaps[i].rows++;
            note_cell(&gaps[i], notes + i * NOTES, r, at, x[i][r]);
            if (h)
                interpolate_cell(&gaps[i], h, i, r, at, x[i][r], limit);
            if (!isnan(x[i][r]))
                gap_end(&gaps[i], at, x[i][r]);
        }
    }
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
    double **notes = note_columns(s, b);
    groups_batch(&l->groups, b, p->by, p->by_count);
    if (l->later) {
        note_rows(s, b, notes, x, axis, NULL);
        return lookahead_later(s, b, notes, s->column_count * NOTES, e);
    }
    struct held *h = lookahead_hold(s, b);
    h->notes = notes;
    h->note_count = s->column_count * NOTES;
    note_rows(s, b, notes, x, axis, h);
    return lookahead_emit(s, out, e);
}

/* The value behind, and whether the gap before it is longer than limit. */
struct turned_gap {
    double value, at;
    bool in_gap, there, abandoned;
};

struct turned_line {
    const struct step *step;
    struct groups groups;
    VEC(struct turned_gap) gaps; /* group * columns + column */
};

static void turned_cell(struct turned_gap *g, const double *const *notes, struct batch *b,
                        struct text *cells, size_t row, uint64_t limit)
{
    double x = notes[NOTE_VALUE][row], length = notes[NOTE_LENGTH][row];
    if (!isnan(x)) {
        *g = (struct turned_gap){.value = x, .at = notes[NOTE_AT][row], .there = true};
        return;
    }
    if (length == 0 || !g->there)
        return;
    if (!g->in_gap)
        g->abandoned = length > (double)limit;
    g->in_gap = true;
    double before = notes[NOTE_BEFORE][row], before_at = notes[NOTE_BEFORE_AT][row];
    double share = (notes[NOTE_AT][row] - before_at) / (g->at - before_at);
    double y = before + (g->value - before) * share;
    if (!g->abandoned && isfinite(y))
        cells[row] = number_text(b, y);
}

/* The notes at the end of the batch, taken off. */
static int take_notes(const struct step *s, struct batch *b, const double ***notes, struct error *e)
{
    size_t count = s->column_count * NOTES, first = b->columns.len - count;
    int rc = 0;
    *notes = batch_array(b, count, sizeof **notes);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = batch_double(b, first + i, "", &(*notes)[i], e);
    for (size_t i = 0; i < count; i++)
        batch_remove(b, b->columns.len - 1);
    return rc;
}

static int interpolate_turned(void *context, struct batch *b, struct error *e)
{
    struct turned_line *t = context;
    const struct step *s = t->step;
    const struct order_plan *p = s->plan;
    const double **notes;
    int rc = take_notes(s, b, &notes, e);
    if (rc)
        return rc;
    groups_batch(&t->groups, b, p->by, p->by_count);
    struct text **cells = own_cells(s, b);
    for (size_t r = 0; r < b->rows; r++) {
        size_t at = groups_find(&t->groups, r) * s->column_count;
        while (t->gaps.len < at + s->column_count)
            vec_push(&t->gaps, (struct turned_gap){0});
        for (size_t i = 0; i < s->column_count; i++)
            turned_cell(&t->gaps.at[at + i], &notes[i * NOTES], b, cells[i], r, p->limit);
    }
    return 0;
}

static int interpolate_flush(struct step *s, struct emit *out, struct error *e)
{
    struct turned_line t = {.step = s};
    int rc = lookahead_flush(s, interpolate_turned, &t, out, e);
    groups_release(&t.groups);
    vec_release(&t.gaps);
    return rc;
}

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

const struct step_kind steps_missing_interpolate[] = {
    {.name = "interpolate",
     LOOKAHEAD,
     .summary = "fill missing numbers along the line between the values around them",
     .details =
         "Rows are taken in the order of the stream and wait until the value behind the gap comes. "
         "Once those that wait outgrow --memory, they and all behind them go through scratch "
         "files, and leave after the last one has come. Cells before the first and behind "
         "the last value stay missing (pandas repeats the last).",
     .args = interpolate_args,
     .methods = interpolate_methods,
     .example = {.program = "interpolate x",
                 .input = "t,x\n0,\n1,10\n2,\n9,20\n10,\n",
                 .output = "t,x\n0,\n1,10\n2,15\n9,20\n10,\n"},
     .open = interpolate_open,
     .shape = interpolate_shape,
     .push = interpolate_push,
     .flush = interpolate_flush},
    {.name = NULL},
};
