/* crosstab: how often the values of two columns occur together. */
#include "prep/sorted.h"
#include "prep/value_counts.h"
#include "steps/names.h"
#include "steps/steps.h"

enum { SHARE_NONE, SHARE_ALL, SHARE_ROWS, SHARE_COLUMNS };
enum { PIECE_ROWS = 256, PIECE_CELLS = 1 << 18 }; /* of the table, at a time */

struct cross_plan {
    size_t rows, columns;
    enum type type; /* of the rows' column */
    const char *name;
};

struct cross {
    struct names columns;
    bool texts;                  /* not all values of the rows' column are numbers */
    struct value_counts *counts; /* pairs of values: see pair_key */
    struct buf key;
    /* After finish: */
    struct sorter *cells;   /* those that are not 0, row by row: see put_cell */
    int64_t *column_totals; /* by place */
    int64_t total;
    uint64_t told;    /* rows */
    bool has_next;    /* the cell that comes next is known: */
    struct text next; /* its value of the rows' column */
    size_t column;
    int64_t count;
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
    struct cross *c = mem_alloc(sizeof *c);
    c->counts = value_counts_new(step_memory(s));
    return c;
}

static void cross_free(void *state)
{
    struct cross *c = state;
    if (!c)
        return;
    names_release(&c->columns);
    value_counts_free(c->counts);
    sorter_free(c->cells);
    buf_release(&c->key);
    mem_free(c->column_totals);
    mem_free(c);
}

/* The length of a row's value, that, a column's value. */
static struct text pair_key(struct cross *c, struct text row, struct text column)
{
    c->key.len = 0;
    buf_add(&c->key, &row.len, sizeof row.len);
    buf_add(&c->key, row.at, row.len);
    buf_add(&c->key, column.at, column.len);
    return (struct text){c->key.at, c->key.len};
}

static void split_pair(struct text key, struct text *row, struct text *column)
{
    memcpy(&row->len, key.at, sizeof row->len);
    row->at = key.at + sizeof row->len;
    column->at = row->at + row->len;
    column->len = key.len - sizeof row->len - row->len;
}

static int cross_add(struct cross *c, struct text row, struct text column, struct error *e)
{
    bool is_new;
    double number;
    int rc = value_counts_add(c->counts, pair_key(c, row, column), 1, &is_new, e);
    if (is_new) {
        map_put(&c->columns.map, column, NULL);
        c->texts = c->texts || !number_parse_double(row.at, row.len, &number);
    }
    return rc;
}

static int cross_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    const struct cross_plan *plan = s->plan;
    const struct text *rows = batch_text(b, plan->rows), *columns = batch_text(b, plan->columns);
    int rc = 0;
    for (size_t r = 0; rc == 0 && r < b->rows; r++)
        if (rows[r].at && columns[r].at)
            rc = cross_add(state, rows[r], columns[r], e);
    return rc;
}

static int cross_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    struct cross *a = into, *b = from;
    for (size_t i = 0; i < b->columns.map.keys.len; i++)
        map_put(&a->columns.map, b->columns.map.keys.at[i], NULL);
    a->texts |= b->texts;
    return value_counts_merge(a->counts, b->counts, e);
}

/* By the row's value, as a number when all are, then by the place of the column. The payload is the
 * count, then the row's value. */
static int put_cell(struct cross *c, struct text row, size_t place, int64_t count,
                    struct buf *payload, struct error *e)
{
    double number;
    c->key.len = payload->len = 0;
    if (!c->texts && number_parse_double(row.at, row.len, &number))
        key_put_double(&c->key, number, (struct key_order){0});
    key_put_text(&c->key, row, (struct key_order){0});
    key_put_id(&c->key, place);
    buf_add(payload, &count, sizeof count);
    buf_add(payload, row.at, row.len);
    return sorter_add(c->cells, (struct text){c->key.at, c->key.len},
                      (struct text){payload->at, payload->len}, e);
}

static int order_cells(struct cross *c, struct error *e)
{
    struct buf payload = {0};
    struct text pair, row, column;
    uint64_t n;
    int got = 0, rc = value_counts_finish(c->counts, e);
    while (rc == 0 && (got = value_counts_next(c->counts, &pair, &n, e)) > 0) {
        split_pair(pair, &row, &column);
        size_t place = c->columns.place[map_get(&c->columns.map, column)];
        c->column_totals[place] += (int64_t)n;
        c->total += (int64_t)n;
        rc = put_cell(c, row, place, (int64_t)n, &payload, e);
    }
    buf_release(&payload);
    value_counts_free(c->counts);
    c->counts = NULL;
    if (rc == 0)
        rc = got < 0 ? got : sorter_finish(c->cells, e);
    return rc;
}

static int cross_finish(struct step *s, void *state, struct error *e)
{
    struct cross *c = state;
    names_sort(&c->columns);
    c->column_totals = mem_alloc((c->columns.map.keys.len + 1) * sizeof *c->column_totals);
    c->cells = sorter_new(step_memory_whole(s) / 2);
    return order_cells(c, e);
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

/* Makes the next cell known: 1; 0 behind the last; < 0. */
static int look(struct cross *c, struct error *e)
{
    struct text key, payload;
    if (c->has_next)
        return 1;
    int got = sorter_next(c->cells, &key, &payload, e);
    if (got <= 0)
        return got;
    c->has_next = true;
    c->column = (size_t)key_id(key);
    memcpy(&c->count, payload.at, sizeof c->count);
    c->next = (struct text){payload.at + sizeof c->count, payload.len - sizeof c->count};
    return 1;
}

/* Rows of the table on their way out. */
struct piece {
    struct text *names;
    int64_t *grid; /* rows * width */
    size_t width, most;
};

/* The next rows, at most so many as the piece has room for. */
static int fill_piece(struct cross *c, struct batch *b, struct piece *p, struct error *e)
{
    int got;
    b->rows = 0;
    while ((got = look(c, e)) > 0) {
        if (b->rows == 0 || !text_equal(c->next, p->names[b->rows - 1])) {
            if (b->rows == p->most)
                break;
            p->names[b->rows++] =
                (struct text){arena_text(&b->arena, c->next.at, c->next.len), c->next.len};
        }
        p->grid[(b->rows - 1) * p->width + c->column] = c->count;
        c->has_next = false;
    }
    return got < 0 ? got : 0;
}

static int64_t row_total(const int64_t *row, size_t width)
{
    int64_t total = 0;
    for (size_t k = 0; k < width; k++)
        total += row[k];
    return total;
}

static void cross_shares(const struct cross *c, struct batch *b, int share, const struct piece *p)
{
    int64_t *row_totals = batch_array(b, b->rows, sizeof *row_totals);
    for (size_t r = 0; r < b->rows; r++)
        row_totals[r] = row_total(p->grid + r * p->width, p->width);
    for (size_t k = 0; k < p->width; k++) {
        double *shares = batch_array(b, b->rows, sizeof *shares);
        for (size_t r = 0; r < b->rows; r++) {
            int64_t total = share == SHARE_ALL    ? c->total
                            : share == SHARE_ROWS ? row_totals[r]
                                                  : c->column_totals[k];
            shares[r] = (double)p->grid[r * p->width + k] / (double)total;
        }
        batch_add(b, column_of_double(shares));
    }
}

static void cross_counts(struct batch *b, const struct piece *p)
{
    for (size_t k = 0; k < p->width; k++) {
        int64_t *counts = batch_array(b, b->rows, sizeof *counts);
        for (size_t r = 0; r < b->rows; r++)
            counts[r] = p->grid[r * p->width + k];
        batch_add(b, column_of_int(counts));
    }
}

static int cross_produce(struct step *s, struct batch *b, struct error *e)
{
    struct cross *c = s->learnt;
    struct piece p = {.width = c->columns.map.keys.len};
    size_t fit = PIECE_CELLS / (p.width + 1) + 1;
    p.most = fit < PIECE_ROWS ? fit : PIECE_ROWS;
    p.names = batch_array(b, p.most, sizeof *p.names);
    p.grid = arena_zero(&b->arena, (p.most * p.width + 1) * sizeof *p.grid);
    int rc = fill_piece(c, b, &p, e);
    if (rc || b->rows == 0)
        return rc;
    b->first_id = c->told << ROW_ID_SHIFT;
    batch_add(b, column_of_text(p.names));
    if (arg_choice(s, "share") == SHARE_NONE)
        cross_counts(b, &p);
    else
        cross_shares(c, b, arg_choice(s, "share"), &p);
    c->told += b->rows;
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
                   "are. Rows with a missing cell in either column are left out, as in pandas. "
                   "Counts that --memory does not hold wait on disk." HELD(
                       "columns of the result", "about 300 bytes and the name"),
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
