/* crosstab: how often the values of two columns occur together. */
#include "steps/names.h"
#include "steps/steps.h"

enum { SHARE_NONE, SHARE_ALL, SHARE_ROWS, SHARE_COLUMNS };

struct cross_plan {
    size_t rows, columns;
    enum type type; /* of the rows' column */
    const char *name;
};

struct cross {
    struct names rows, columns;
    struct map pairs; /* two numbers of 8 bytes: of a row's and a column's value */
    VEC(int64_t) counts;
    /* After finish, by place: */
    int64_t *row_totals, *column_totals, total;
    size_t next; /* row to produce */
};

static int cross_open(struct step *s, const struct schema *in, struct error *e)
{
    struct cross_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    int rc = arg_column(s, "rows", in, &plan->rows, e);
    if (rc == 0)
        rc = arg_column(s, "columns_from", in, &plan->columns, e);
    if (rc)
        return rc;
    const struct field *f = &in->fields.at[plan->rows];
    plan->type = f->type;
    plan->name = arena_text(&s->arena, f->name, strlen(f->name));
    return 0;
}

static void *cross_new(const struct step *s)
{
    (void)s;
    return mem_alloc(sizeof(struct cross));
}

static void cross_free(void *state)
{
    struct cross *c = state;
    names_release(&c->rows);
    names_release(&c->columns);
    map_release(&c->pairs);
    vec_release(&c->counts);
    mem_free(c->row_totals);
    mem_free(c->column_totals);
    mem_free(c);
}

static void cross_add(struct cross *c, struct text row, struct text column, int64_t count)
{
    uint64_t pair[2] = {map_put(&c->rows.map, row, NULL), map_put(&c->columns.map, column, NULL)};
    size_t at = map_put(&c->pairs, (struct text){(const char *)pair, sizeof pair}, NULL);
    if (at == c->counts.len)
        vec_push(&c->counts, 0);
    c->counts.at[at] += count;
}

static int cross_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    (void)e;
    const struct cross_plan *plan = s->plan;
    const struct text *rows = batch_text(b, plan->rows), *columns = batch_text(b, plan->columns);
    for (size_t r = 0; r < b->rows; r++)
        if (rows[r].at && columns[r].at)
            cross_add(state, rows[r], columns[r], 1);
    return 0;
}

static void pair_at(const struct cross *c, size_t i, uint64_t pair[2])
{
    memcpy(pair, c->pairs.keys.at[i].at, 2 * sizeof *pair);
}

static int cross_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    const struct cross *c = from;
    for (size_t i = 0; i < c->counts.len; i++) {
        uint64_t pair[2];
        pair_at(c, i, pair);
        cross_add(into, c->rows.map.keys.at[pair[0]], c->columns.map.keys.at[pair[1]],
                  c->counts.at[i]);
    }
    return 0;
}

static int cross_finish(struct step *s, void *state, struct error *e)
{
    (void)s;
    (void)e;
    struct cross *c = state;
    names_sort(&c->rows);
    names_sort(&c->columns);
    c->row_totals = mem_alloc((c->rows.map.keys.len + 1) * sizeof *c->row_totals);
    c->column_totals = mem_alloc((c->columns.map.keys.len + 1) * sizeof *c->column_totals);
    for (size_t i = 0; i < c->counts.len; i++) {
        uint64_t pair[2];
        pair_at(c, i, pair);
        c->row_totals[c->rows.place[pair[0]]] += c->counts.at[i];
        c->column_totals[c->columns.place[pair[1]]] += c->counts.at[i];
        c->total += c->counts.at[i];
    }
    return 0;
}

static int cross_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct cross_plan *plan = s->plan;
    const struct cross *c = s->learnt;
    if (!c)
        return step_error(s, e, "its columns depend on the rows: they are not known before");
    schema_release(schema);
    schema_add(schema, text_of(plan->name), plan->type);
    for (size_t i = 0; i < c->columns.map.keys.len; i++) {
        struct text name = names_at(&c->columns, i);
        int rc = step_new_name(s, schema, name, e);
        if (rc)
            return rc;
        schema_add(schema, name, arg_choice(s, "share") == SHARE_NONE ? TYPE_INT : TYPE_FLOAT);
    }
    return 0;
}

static void cross_shares(const struct cross *c, struct batch *b, int share, const int64_t *grid)
{
    size_t width = c->columns.map.keys.len;
    for (size_t k = 0; k < width; k++) {
        double *shares = batch_array(b, b->rows, sizeof *shares);
        for (size_t r = 0; r < b->rows; r++) {
            int64_t total = share == SHARE_ALL    ? c->total
                            : share == SHARE_ROWS ? c->row_totals[c->next + r]
                                                  : c->column_totals[k];
            shares[r] = (double)grid[r * width + k] / (double)total;
        }
        batch_add(b, column_of_double(shares));
    }
}

static void cross_counts(const struct cross *c, struct batch *b, const int64_t *grid)
{
    size_t width = c->columns.map.keys.len;
    for (size_t k = 0; k < width; k++) {
        int64_t *counts = batch_array(b, b->rows, sizeof *counts);
        for (size_t r = 0; r < b->rows; r++)
            counts[r] = grid[r * width + k];
        batch_add(b, column_of_int(counts));
    }
}

static int cross_produce(struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    struct cross *c = s->learnt;
    size_t left = c->rows.map.keys.len - c->next, width = c->columns.map.keys.len;
    b->rows = left < 256 ? left : 256;
    if (left == 0)
        return 0;
    struct text *names = batch_array(b, b->rows, sizeof *names);
    int64_t *grid = arena_zero(&b->arena, (b->rows * width + 1) * sizeof *grid);
    for (size_t r = 0; r < b->rows; r++)
        names[r] = names_at(&c->rows, c->next + r);
    for (size_t i = 0; i < c->counts.len; i++) {
        uint64_t pair[2];
        pair_at(c, i, pair);
        size_t row = c->rows.place[pair[0]];
        if (row >= c->next && row < c->next + b->rows)
            grid[(row - c->next) * width + c->columns.place[pair[1]]] = c->counts.at[i];
    }
    b->first_id = (uint64_t)c->next << ROW_ID_SHIFT;
    batch_add(b, column_of_text(names));
    if (arg_choice(s, "share") == SHARE_NONE)
        cross_counts(c, b, grid);
    else
        cross_shares(c, b, arg_choice(s, "share"), grid);
    c->next += b->rows;
    return 1;
}

static const struct arg cross_args[] = {
    {.name = "rows",
     .kind = ARG_COLUMN,
     .help = "the column whose values become rows",
     .positional = true,
     .required = true},
    {.name = "columns_from",
     .kind = ARG_COLUMN,
     .help = "the column whose values become columns",
     .positional = true,
     .required = true},
    {.name = "share",
     .kind = ARG_CHOICE,
     .fallback = "none",
     .help = "instead of counts: shares of all, of the row or of the column",
     .choices = "none all rows columns"},
    {0},
};

const struct step_kind steps_reshape_cross[] = {
    {
        .name = "crosstab",
        .aliases = "contingency_table",
        .family = "reshape",
        .class = "W",
        .summary = "how often the values of two columns occur together",
        .details = "Rows and columns are in order of their values, numbers as numbers when all "
                   "are. Rows with a missing cell in either column are left out, as in pandas. The "
                   "table is held in memory.",
        .args = cross_args,
        .example = {.program = "crosstab city ok",
                    .input = "city,ok\nUlm,y\nBonn,n\nUlm,y\nUlm,n\n",
                    .output = "city,n,y\nBonn,1,0\nUlm,1,2\n"},
        .open = cross_open,
        .shape = cross_shape,
        .state_new = cross_new,
        .learn = cross_learn,
        .merge = cross_merge,
        .finish = cross_finish,
        .produce = cross_produce,
        .state_free = cross_free,
        .blocking = true,
    },
    {0},
};
