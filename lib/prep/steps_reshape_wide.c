/* Steps whose columns are the values of a column: pivot_wider, crosstab. */
#include "prep/families.h"
#include "prep/groups.h"
#include "table/rows.h"

#include <stdlib.h>

enum { BATCH_ROWS = 4096, DUPLICATES_ERROR = 0, DUPLICATES_FIRST, DUPLICATES_LAST };
enum { SHARE_NONE, SHARE_ALL, SHARE_ROWS, SHARE_COLUMNS };

/* Names in the order they are shown: as numbers when all are, else by their bytes. */
struct names {
    struct map map;
    size_t *order; /* of the map's numbers */
    size_t *place; /* the reverse */
};

struct ranked {
    struct text name;
    double number;
    size_t index;
};

static int by_bytes(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return text_compare(x->name, y->name);
}

static int by_number(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    int order = (x->number > y->number) - (x->number < y->number);
    return order ? order : by_bytes(a, b);
}

static void names_sort(struct names *n)
{
    size_t count = n->map.keys.len;
    struct ranked *ranked = mem_array(NULL, count + 1, sizeof *ranked);
    bool numbers = true;
    for (size_t i = 0; i < count; i++) {
        ranked[i] = (struct ranked){n->map.keys.at[i], 0, i};
        numbers &= number_parse_double(ranked[i].name.at, ranked[i].name.len, &ranked[i].number);
    }
    qsort(ranked, count, sizeof *ranked, numbers ? by_number : by_bytes);
    n->order = mem_array(n->order, count + 1, sizeof *n->order);
    n->place = mem_array(n->place, count + 1, sizeof *n->place);
    for (size_t i = 0; i < count; i++) {
        n->order[i] = ranked[i].index;
        n->place[ranked[i].index] = i;
    }
    mem_free(ranked);
}

static struct text names_at(const struct names *n, size_t i)
{
    return n->map.keys.at[n->order[i]];
}

static void names_release(struct names *n)
{
    map_release(&n->map);
    mem_free(n->order);
    mem_free(n->place);
}

struct wider_plan {
    size_t names_from, values_from;
    enum type type;
    size_t *id, id_count; /* the other columns, as they stand when those two are gone */
};

static int wider_open(struct step *s, const struct schema *in, struct error *e)
{
    struct wider_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    int rc = arg_column(s, "names_from", in, &plan->names_from, e);
    if (rc == 0)
        rc = arg_column(s, "values_from", in, &plan->values_from, e);
    if (rc)
        return rc;
    if (plan->names_from == plan->values_from)
        return step_error(s, e, "names and values come from two columns");
    plan->type = in->fields.at[plan->values_from].type;
    plan->id_count = in->fields.len - 2;
    plan->id = arena_alloc(&s->arena, (plan->id_count + 1) * sizeof *plan->id);
    for (size_t i = 0; i < plan->id_count; i++)
        plan->id[i] = i;
    return 0;
}

static void *names_new(const struct step *s)
{
    (void)s;
    return mem_alloc(sizeof(struct names));
}

static void names_free(void *state)
{
    names_release(state);
    mem_free(state);
}

static int wider_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    (void)e;
    const struct wider_plan *plan = s->plan;
    struct names *names = state;
    const struct text *cells = batch_text(b, plan->names_from);
    for (size_t r = 0; r < b->rows; r++)
        if (cells[r].at)
            (void)map_put(&names->map, cells[r], NULL);
    return 0;
}

static int names_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    struct names *x = into;
    const struct names *y = from;
    for (size_t i = 0; i < y->map.keys.len; i++)
        (void)map_put(&x->map, y->map.keys.at[i], NULL);
    return 0;
}

static int wider_finish(struct step *s, void *state, struct error *e)
{
    (void)s;
    (void)e;
    names_sort(state);
    return 0;
}

static json_t *wider_save(const struct step *s, const void *state)
{
    (void)s;
    const struct names *names = state;
    json_t *list = json_array();
    for (size_t i = 0; i < names->map.keys.len; i++) {
        struct text name = names_at(names, i);
        json_array_append_new(list, json_stringn(name.at, name.len));
    }
    return json_pack("{s:o}", "names", list);
}

static int wider_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct names *names = state;
    const json_t *list = json_object_get(j, "names");
    if (!json_is_array(list))
        return error_set(e, ERR_DATA, "%s: the state lacks its names", s->kind->name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *name = json_array_get(list, i);
        if (!json_is_string(name))
            return error_set(e, ERR_DATA, "%s: a name in the state is not text", s->kind->name);
        struct text text = {json_string_value(name), json_string_length(name)};
        (void)map_put(&names->map, text, NULL);
    }
    return 0;
}

static int wider_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct wider_plan *plan = s->plan;
    const struct names *names = s->learnt;
    size_t a = plan->names_from, b = plan->values_from;
    schema_remove(schema, a > b ? a : b);
    schema_remove(schema, a > b ? b : a);
    for (size_t i = 0; i < names->map.keys.len; i++) {
        struct text name = names_at(names, i);
        name = text_of(arena_format(&schema->arena, "%s%.*s", arg_string(s, "prefix"),
                                    (int)name.len, name.at));
        int rc = step_new_name(s, schema, name, e);
        if (rc)
            return rc;
        schema->fields.at[schema_add(schema, name, plan->type)].declared = false;
    }
    return 0;
}

struct wide_row {
    struct buf id; /* packed */
    uint64_t row_id;
    struct text *cells; /* by place of the name; in the run's arena */
};

struct wider_run {
    struct groups groups;
    VEC(struct wide_row) rows;
    struct row_origin origin;
    struct arena arena;
};

static int wider_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct wider_run));
    return 0;
}

static void wider_stop(struct step *s)
{
    struct wider_run *run = s->run;
    if (!run)
        return;
    for (size_t i = 0; i < run->rows.len; i++)
        buf_release(&run->rows.at[i].id);
    vec_release(&run->rows);
    groups_release(&run->groups);
    row_origin_release(&run->origin);
    arena_release(&run->arena);
    mem_free(run);
    s->run = NULL;
}

static int put_cell(const struct step *s, struct batch *b, size_t row, struct wide_row *wide,
                    struct text name, struct text value, struct error *e)
{
    struct wider_run *run = s->run;
    const struct names *names = s->learnt;
    size_t index = name.at ? map_get(&names->map, name) : MAP_NONE;
    char quoted[QUOTE_MAX];
    if (index == MAP_NONE) {
        if (!name.at || arg_choice(s, "unknown") == 1)
            return 0;
        error_set(e, ERR_DATA, "%s was not there when the columns were learnt (unknown=ignore)",
                  quote(quoted, name.at, name.len));
        return batch_reject(b, row, FIELD_NONE, arg_string(s, "names_from"), e);
    }
    struct text *cell = &wide->cells[names->place[index]];
    if (cell->at && arg_choice(s, "duplicates") == DUPLICATES_ERROR) {
        error_set(e, ERR_DATA, "second value for %s of the same row (duplicates=first or last)",
                  quote(quoted, name.at, name.len));
        return batch_reject(b, row, FIELD_NONE, arg_string(s, "names_from"), e);
    }
    if (value.at && (!cell->at || arg_choice(s, "duplicates") == DUPLICATES_LAST))
        *cell = (struct text){arena_text(&run->arena, value.at, value.len), value.len};
    return 0;
}

static struct wide_row *wide_row(const struct step *s, size_t group,
                                 const struct row_packer *packer, size_t row)
{
    struct wider_run *run = s->run;
    const struct names *names = s->learnt;
    if (group == run->rows.len) {
        struct wide_row fresh = {.row_id = batch_row_id(packer->b, row)};
        fresh.cells = arena_zero(&run->arena, (names->map.keys.len + 1) * sizeof *fresh.cells);
        row_packer_put(packer, row, &fresh.id);
        vec_push(&run->rows, fresh);
    }
    return &run->rows.at[group];
}

static int wider_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    (void)out;
    const struct wider_plan *plan = s->plan;
    struct wider_run *run = s->run;
    const struct text *names = batch_text(b, plan->names_from);
    const struct text *values = batch_text(b, plan->values_from);
    size_t x = plan->names_from, y = plan->values_from;
    batch_remove(b, x > y ? x : y);
    batch_remove(b, x > y ? y : x);
    row_origin_see(&run->origin, b);
    groups_batch(&run->groups, b, plan->id, plan->id_count);
    struct row_packer packer = row_packer(b);
    int rc = 0;
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        struct wide_row *wide = wide_row(s, groups_find(&run->groups, r), &packer, r);
        rc = put_cell(s, b, r, wide, names[r], values[r], e);
    }
    batch_free(b);
    return rc;
}

static int emit_wide(const struct step *s, const struct wide_row *from, size_t n, struct emit *out,
                     struct error *e)
{
    const struct wider_run *run = s->run;
    const struct names *names = s->learnt;
    struct batch *b = emit_batch(out);
    struct text *rows = batch_array(b, n, sizeof *rows);
    uint64_t *ids = batch_array(b, n, sizeof *ids);
    for (size_t i = 0; i < n; i++) {
        rows[i] =
            (struct text){arena_copy(&b->arena, from[i].id.at, from[i].id.len), from[i].id.len};
        ids[i] = from[i].row_id;
    }
    rows_unpack(b, &run->origin, rows, n, ids);
    for (size_t c = 0; c < names->map.keys.len; c++) {
        struct text *cells = batch_array(b, n, sizeof *cells);
        for (size_t i = 0; i < n; i++)
            cells[i] = from[i].cells[c].at ? from[i].cells[c] : arg_text(s, "fill");
        batch_add(b, column_of_text(cells));
    }
    return emit(out, b, e);
}

static int wider_flush(struct step *s, struct emit *out, struct error *e)
{
    const struct wider_run *run = s->run;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < run->rows.len; i += BATCH_ROWS) {
        size_t n = run->rows.len - i < BATCH_ROWS ? run->rows.len - i : BATCH_ROWS;
        rc = emit_wide(s, run->rows.at + i, n, out, e);
    }
    return rc < 0 ? rc : 0;
}

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

static const struct arg wider_args[] = {
    {.name = "names_from",
     .kind = ARG_COLUMN,
     .help = "the column whose values name the new columns",
     .positional = true,
     .required = true},
    {.name = "values_from",
     .kind = ARG_COLUMN,
     .help = "the column whose cells go into them",
     .positional = true,
     .required = true},
    {.name = "prefix", .kind = ARG_TEXT, .fallback = "\"\"", .help = "of the new names"},
    {.name = "fill", .kind = ARG_TEXT, .help = "where there is no value (default: missing)"},
    {.name = "duplicates",
     .kind = ARG_CHOICE,
     .fallback = "error",
     .help = "two values for one cell",
     .choices = "error first last"},
    {.name = "unknown",
     .kind = ARG_CHOICE,
     .fallback = "error",
     .help = "a name that was not there when the columns were learnt",
     .choices = "error ignore"},
    {0},
};
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

const struct step_kind steps_reshape_wide[] = {
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
    {
        .name = "pivot_wider",
        .aliases = "spread pivot",
        .family = "reshape",
        .class = "F",
        .summary = "values of a column become columns",
        .details = "The fit learns which columns there are, so that new data get the same ones: in "
                   "order of their names, numbers as numbers when all are (pandas sorts, too; "
                   "dplyr goes by arrival). Rows that agree in all other columns become one, in "
                   "order of first appearance; they are held in memory until the end.",
        .args = wider_args,
        .example = {.program = "pivot_wider name value",
                    .input = "id,name,value\n1,y,6\n1,x,5\n2,x,7\n",
                    .output = "id,x,y\n1,5,6\n2,7,\n"},
        .open = wider_open,
        .shape = wider_shape,
        .state_new = names_new,
        .learn = wider_learn,
        .merge = names_merge,
        .finish = wider_finish,
        .save = wider_save,
        .load = wider_load,
        .state_free = names_free,
        .start = wider_start,
        .stop = wider_stop,
        .push = wider_push,
        .flush = wider_flush,
        .ordered = true,
        .needs_all = true,
    },
    {0},
};
