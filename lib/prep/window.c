/* Groups in order, and series of numbers over them. */
#include "prep/window.h"

#include "prep/rowwise.h"

#include <math.h>
#include <stdio.h>

void ordering_set(struct ordering *o, const struct schema *in, size_t column)
{
    enum type type = in->fields.at[column].type;
    o->column = column;
    o->name = in->fields.at[column].name;
    o->type = type == TYPE_TIME ? TYPE_TIME : type_is_number(type) ? TYPE_FLOAT : TYPE_TEXT;
}

int ordering_open(struct step *s, const struct schema *in, struct ordering *o, struct error *e)
{
    o->column = FIELD_NONE;
    int rc = arg_columns(s, "by", in, &o->by, &o->by_count, e);
    if (rc || !step_has_arg(s, "order"))
        return rc;
    size_t column;
    rc = arg_column(s, "order", in, &column, e);
    if (rc == 0 && column != FIELD_NONE) {
        ordering_set(o, in, column);
        o->name = arg_string(s, "order");
    }
    return rc;
}

static int went_back(const struct step *s, const struct ordering *o, struct batch *b, size_t row,
                     const char *how, struct error *e)
{
    char quoted[QUOTE_MAX];
    struct text cell = batch_cell(b, o->column, row);
    (void)error_set(e, ERR_DATA,
                    "%s: %s %s %s: rows must come in its order, group by group (put 'sort' before)",
                    s->kind->name, o->name, quote(quoted, cell.at ? cell.at : "", cell.len), how);
    return batch_place(b, row, e);
}

/* Whether the cell is not before the last one of its group, which it then becomes. */
static bool advance(struct position *last, bool first, union cells cells, enum type type,
                    size_t row)
{
    bool forward = first;
    switch (type) {
    case TYPE_TIME:
        forward |= cells.time[row] >= last->time;
        last->time = cells.time[row];
        break;
    case TYPE_FLOAT:
        forward |= cells.number[row] >= last->number;
        last->number = cells.number[row];
        break;
    default:
        forward |= text_compare(cells.text[row],
                                (struct text){buf_text(&last->text), last->text.len}) >= 0;
        last->text.len = 0;
        buf_add(&last->text, cells.text[row].at, cells.text[row].len);
    }
    return forward;
}

static bool is_missing(union cells cells, enum type type, size_t row)
{
    if (type == TYPE_TIME)
        return cells.time[row] == INT_MISSING;
    return type == TYPE_FLOAT ? isnan(cells.number[row]) : !cells.text[row].at;
}

static int check_order(const struct step *s, const struct ordering *o, struct order_check *c,
                       struct batch *b, const uint32_t *groups, size_t known, struct error *e)
{
    union cells cells;
    int rc = cells_of(b, o->column, o->name, o->type, &cells, e);
    if (rc)
        return rc;
    while (c->last.len < groups_count(&c->groups))
        vec_push(&c->last, (struct position){0});
    for (size_t r = 0; r < b->rows; r++) {
        bool first = groups[r] >= known;
        known += first;
        if (is_missing(cells, o->type, r))
            return went_back(s, o, b, r, "is missing", e);
        if (!advance(&c->last.at[groups[r]], first, cells, o->type, r))
            return went_back(s, o, b, r, "goes back", e);
    }
    return 0;
}

int ordering_check(const struct step *s, const struct ordering *o, struct order_check *c,
                   struct batch *b, uint32_t **groups, struct error *e)
{
    size_t known = groups_count(&c->groups);
    *groups = batch_array(b, b->rows, sizeof **groups);
    groups_batch(&c->groups, b, o->by, o->by_count);
    for (size_t r = 0; r < b->rows; r++)
        (*groups)[r] = (uint32_t)groups_find(&c->groups, r);
    return o->column == FIELD_NONE ? 0 : check_order(s, o, c, b, *groups, known, e);
}

void order_check_release(struct order_check *c)
{
    for (size_t g = 0; g < c->last.len; g++)
        buf_release(&c->last.at[g].text);
    vec_release(&c->last);
    groups_release(&c->groups);
}

static const char *given(const struct step *s, const char *name)
{
    return step_has_arg(s, name) ? arg_string(s, name) : NULL;
}

int window_names_fit(struct step *s, size_t results, struct error *e)
{
    const char *into = given(s, "into"), *suffix = given(s, "suffix");
    if (into && suffix)
        return step_error(s, e, "into and suffix exclude each other");
    if (into && s->column_count != 1)
        return step_error(s, e, "into names one column, but %zu are selected: use suffix",
                          s->column_count);
    if ((into || suffix) && results != 1)
        return step_error(s, e, "%s names one result, but there are %zu of each column",
                          into ? "into" : "suffix", results);
    return 0;
}

int window_name(struct step *s, const struct schema *in, size_t i, const char *ending,
                const char **name, struct error *e)
{
    const char *into = given(s, "into"), *suffix = given(s, "suffix");
    *name = into ? into : arena_format(&s->arena, "%s%s", s->names[i], suffix ? suffix : ending);
    return step_new_name(s, in, text_of(*name), e);
}

struct result {
    const struct series *series;
    const void *own;
    const char *ending;
    size_t offset; /* of its state among those of its column */
};

struct series_plan {
    struct ordering ordering;
    VEC(struct result) results;
    size_t size;        /* of the states of one column */
    const char **added; /* by column and result */
};

struct series_run {
    struct order_check check;
    struct arena arena; /* states */
    VEC(char *) states; /* by group: those of its columns one after the other */
};

const struct ordering *series_ordering(const struct step *s)
{
    return &((const struct series_plan *)s->plan)->ordering;
}

void series_result(struct step *s, const struct series *series, const void *own, const char *format,
                   ...)
{
    struct series_plan *plan = s->plan;
    va_list args;
    va_start(args, format);
    struct result made = {series, own, arena_vformat(&s->arena, format, args), plan->size};
    va_end(args);
    vec_push(&plan->results, made);
    plan->size += (series->size + 15) / 16 * 16;
}

static int name_results(struct step *s, const struct schema *in, struct error *e)
{
    struct series_plan *plan = s->plan;
    size_t count = plan->results.len;
    int rc = window_names_fit(s, count, e);
    plan->added = arena_alloc(&s->arena, s->column_count * count * sizeof *plan->added);
    for (size_t i = 0; rc == 0 && i < s->column_count * count; i++)
        rc = window_name(s, in, i / count, plan->results.at[i % count].ending, &plan->added[i], e);
    return rc;
}

int series_open(struct step *s, const struct schema *in, struct error *e)
{
    const struct series_kind *kind = s->kind->detail;
    struct series_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    int rc = ordering_open(s, in, &plan->ordering, e);
    if (rc == 0)
        rc = kind->prepare(s, e);
    return rc ? rc : name_results(s, in, e);
}

void series_close(struct step *s)
{
    struct series_plan *plan = s->plan;
    vec_release(&plan->results);
}

int series_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const struct series_plan *plan = s->plan;
    for (size_t i = 0; i < s->column_count * plan->results.len; i++)
        schema_add(schema, text_of(plan->added[i]), TYPE_FLOAT);
    return 0;
}

int series_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct series_run));
    return 0;
}

/* The states of one column in one group. */
static void release_states(const struct series_plan *plan, char *states)
{
    for (size_t k = 0; k < plan->results.len; k++) {
        const struct result *result = &plan->results.at[k];
        if (result->series->release)
            result->series->release(states + result->offset);
    }
}

void series_stop(struct step *s)
{
    const struct series_plan *plan = s->plan;
    struct series_run *run = s->run;
    if (!run)
        return;
    for (size_t g = 0; g < run->states.len; g++)
        for (size_t i = 0; i < s->column_count; i++)
            release_states(plan, run->states.at[g] + i * plan->size);
    vec_release(&run->states);
    arena_release(&run->arena);
    order_check_release(&run->check);
    mem_free(run);
    s->run = NULL;
}

struct grouping series_grouping(const struct step *s)
{
    enum { OWNED = 192 }; /* a guess: what a state owns beside itself */
    const struct series_plan *plan = s->plan;
    const struct series_run *run = s->run;
    size_t owned = 0, groups = groups_count(&run->check.groups);
    for (size_t k = 0; k < plan->results.len; k++)
        owned += plan->results.at[k].series->release ? OWNED : 0;
    size_t held = map_held(&run->check.groups.map) + arena_held(&run->arena) +
                  groups * (sizeof(struct position) + sizeof(char *) + s->column_count * owned);
    return (struct grouping){&run->check.groups.map, plan->ordering.by, plan->ordering.by_count,
                             held};
}

static int run_column(struct step *s, struct batch *b, size_t i, const uint32_t *groups,
                      const usec *times, struct error *e)
{
    const struct series_plan *plan = s->plan;
    const struct series_run *run = s->run;
    const double *in;
    int rc = batch_double(b, s->columns[i], s->names[i], &in, e);
    for (size_t k = 0; rc == 0 && k < plan->results.len; k++) {
        const struct result *result = &plan->results.at[k];
        size_t offset = i * plan->size + result->offset;
        double *out = batch_array(b, b->rows, sizeof *out);
        for (size_t r = 0; r < b->rows; r++)
            out[r] = result->series->next(result->own, run->states.at[groups[r]] + offset, in[r],
                                          times ? times[r] : INT_MISSING);
        batch_add(b, column_of_double(out));
    }
    return rc;
}

static int run_batch(struct step *s, struct batch *b, struct error *e)
{
    struct series_run *run = s->run;
    const struct series_plan *plan = s->plan;
    const usec *times = NULL;
    uint32_t *groups;
    int rc = ordering_check(s, &plan->ordering, &run->check, b, &groups, e);
    if (rc == 0 && plan->ordering.column != FIELD_NONE && plan->ordering.type == TYPE_TIME)
        rc = batch_time(b, plan->ordering.column, plan->ordering.name, &times, e);
    while (run->states.len < groups_count(&run->check.groups))
        vec_push(&run->states, arena_zero(&run->arena, s->column_count * plan->size));
    for (size_t i = 0; rc == 0 && i < s->column_count; i++)
        rc = run_column(s, b, i, groups, times, e);
    return rc;
}

int series_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    int rc = run_batch(s, b, e);
    if (rc == 0)
        return emit(out, b, e);
    batch_free(b);
    return rc;
}
