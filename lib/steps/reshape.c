/* Steps between wide and long tables, one row at a time: pivot_longer, stack, template; implode;
 * and the keys of JSON Lines: regularize, unsparsify. */
#include "prep/groups.h"
#include "prep/lower.h"
#include "prep/recipe.h"
#include "steps/steps.h"
#include "table/rows.h"

#include <stdlib.h>

enum { BATCH_ROWS = 4096 };

/* A new column that holds, row by row, the cells of several columns in turn. */
struct turn {
    size_t *columns, count;
    struct text name;
    enum type type;
};

/* What all the columns are. */
static enum type common_type(const struct schema *in, const struct turn *t)
{
    enum type type = in->fields.at[t->columns[0]].type;
    for (size_t i = 1; i < t->count; i++) {
        enum type other = in->fields.at[t->columns[i]].type;
        if (type != other)
            type = type_is_number(type) && type_is_number(other) ? TYPE_FLOAT : TYPE_TEXT;
    }
    return type;
}

/* Cells stay as they stand in the source when all do. */
static struct column take_turns(const struct turn *t, struct batch *b)
{
    const struct text **cells = batch_array(b, t->count, sizeof *cells);
    bool raw = b->format != NULL;
    for (size_t i = 0; i < t->count && raw; i++)
        raw = (cells[i] = batch_raw(b, t->columns[i])) != NULL;
    for (size_t i = 0; i < t->count && !raw; i++)
        cells[i] = batch_text(b, t->columns[i]);
    struct text *out = batch_array(b, b->rows * t->count, sizeof *out);
    for (size_t r = 0; r < b->rows; r++)
        for (size_t i = 0; i < t->count; i++)
            out[r * t->count + i] = cells[i][r];
    return (struct column){.form = raw ? FORM_RAW : FORM_TEXT, .source = -1, .text = out};
}

struct longer_plan {
    struct turn *turns;         /* one for each new column of values */
    size_t count, width;        /* width: rows that come of one */
    uint8_t *gone;              /* by column: taken up in a turn */
    size_t *taken, taken_count; /* those columns */
    struct text names_to;
    /* pivot_longer: what stands in the column of names; stack: NULL, 1 2 3 ... */
    struct text *names;
};

static int longer_check_names(struct step *s, const struct schema *in,
                              const struct longer_plan *plan, struct error *e)
{
    for (size_t i = 0; i <= plan->count; i++) {
        struct text name = i < plan->count ? plan->turns[i].name : plan->names_to;
        size_t at = name.at ? schema_find(in, name) : FIELD_NONE;
        if (at != FIELD_NONE && !plan->gone[at])
            return step_new_name(s, in, name, e);
    }
    return 0;
}

static struct longer_plan *longer_plan(struct step *s, const struct schema *in)
{
    struct longer_plan *plan = arena_zero(&s->arena, sizeof *plan);
    plan->gone = arena_zero(&s->arena, in->fields.len + 1);
    plan->taken = arena_alloc(&s->arena, (in->fields.len + 1) * sizeof *plan->taken);
    s->plan = plan;
    return plan;
}

static void take_up(struct longer_plan *plan, const struct turn *turn)
{
    for (size_t i = 0; i < turn->count; i++) {
        size_t column = turn->columns[i];
        if (!plan->gone[column])
            plan->taken[plan->taken_count++] = column;
        plan->gone[column] = 1;
    }
}

static int longer_open(struct step *s, const struct schema *in, struct error *e)
{
    struct longer_plan *plan = longer_plan(s, in);
    plan->turns = arena_alloc(&s->arena, sizeof *plan->turns);
    plan->turns[0] =
        (struct turn){s->columns, s->column_count, arg_text(s, "values_to"), TYPE_TEXT};
    plan->turns[0].type = common_type(in, &plan->turns[0]);
    plan->count = 1;
    plan->width = s->column_count;
    plan->names_to = arg_text(s, "names_to");
    plan->names = arena_alloc(&s->arena, (s->column_count + 1) * sizeof *plan->names);
    for (size_t i = 0; i < s->column_count; i++)
        plan->names[i] = text_of(s->names[i]);
    take_up(plan, plan->turns);
    return longer_check_names(s, in, plan, e);
}

/* One new column from a=x,y,z */
static int stack_turn(struct step *s, const struct schema *in, const struct pair *pair,
                      struct turn *turn, struct error *e)
{
    turn->name = pair->name;
    int rc = select_columns(s, pair->value, in, &turn->columns, &turn->count, e);
    if (rc)
        return rc;
    turn->type = common_type(in, turn);
    for (size_t i = 0; i < turn->count; i++)
        vec_push(&s->reads, turn->columns[i]);
    return 0;
}

static int stack_open(struct step *s, const struct schema *in, struct error *e)
{
    struct longer_plan *plan = longer_plan(s, in);
    plan->turns = arena_alloc(&s->arena, (s->pairs.len + 1) * sizeof *plan->turns);
    plan->names_to = arg_text(s, "into");
    if (s->pairs.len == 0)
        return step_error(s, e, "name the new columns: height=h1,h2 weight=w1,w2");
    for (; plan->count < s->pairs.len; plan->count++) {
        struct turn *turn = &plan->turns[plan->count];
        int rc = stack_turn(s, in, &s->pairs.at[plan->count], turn, e);
        if (rc)
            return rc;
        if (turn->count != plan->turns[0].count)
            return step_error(s, e, "%.*s takes %zu columns, %.*s %zu: as many are wanted",
                              (int)turn->name.len, turn->name.at, turn->count,
                              (int)plan->turns[0].name.len, plan->turns[0].name.at,
                              plan->turns[0].count);
        take_up(plan, turn);
    }
    plan->width = plan->turns[0].count;
    return longer_check_names(s, in, plan, e);
}

static int longer_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const struct longer_plan *plan = s->plan;
    schema_leave_out(schema, plan->taken, plan->taken_count);
    if (plan->names_to.at)
        schema_add(schema, plan->names_to, plan->names ? TYPE_TEXT : TYPE_INT);
    for (size_t i = 0; i < plan->count; i++) {
        size_t at = schema_add(schema, plan->turns[i].name, plan->turns[i].type);
        schema->fields.at[at].declared = false;
    }
    return 0;
}

static struct column names_column(const struct longer_plan *plan, struct batch *b, size_t n)
{
    struct text *names = batch_array(b, n, sizeof *names);
    int64_t *numbers = batch_array(b, n, sizeof *numbers);
    for (size_t r = 0; r < n; r++) {
        numbers[r] = (int64_t)(r % plan->width) + 1;
        if (plan->names)
            names[r] = plan->names[r % plan->width];
    }
    return plan->names ? column_of_text(names) : column_of_int(numbers);
}

/* Leaves out rows all of whose new columns are missing. */
static void drop_missing(const struct longer_plan *plan, struct batch *b)
{
    uint8_t *keep = arena_zero(&b->arena, b->rows + 1);
    for (size_t i = 0; i < plan->count; i++) {
        const struct text *cells = batch_text(b, b->columns.len - 1 - i);
        for (size_t r = 0; r < b->rows; r++)
            keep[r] |= cells[r].at != NULL;
    }
    batch_filter(b, keep);
}

static int longer_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    const struct longer_plan *plan = s->plan;
    size_t n = b->rows * plan->width;
    struct column *values = batch_array(b, plan->count, sizeof *values);
    for (size_t i = 0; i < plan->count; i++)
        values[i] = take_turns(&plan->turns[i], b);
    batch_leave_out(b, plan->taken, plan->taken_count);
    uint32_t *rows = batch_array(b, n, sizeof *rows);
    for (size_t r = 0; r < n; r++)
        rows[r] = (uint32_t)(r / plan->width);
    batch_gather(b, rows, n, NULL);
    if (plan->names_to.at)
        batch_add(b, names_column(plan, b, n));
    for (size_t i = 0; i < plan->count; i++)
        batch_add(b, values[i]);
    if (arg_bool(s, "drop_missing"))
        drop_missing(plan, b);
    return 0;
}

struct template_plan {
    size_t *from; /* FIELD_NONE: a new column */
    size_t count;
    struct text *names;
};

static int template_open(struct step *s, const struct schema *in, struct error *e)
{
    struct template_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    struct text *wanted;
    size_t n = arg_list(s, "columns", &wanted);
    bool others = arg_bool(s, "others");
    uint8_t *used = arena_zero(&s->arena, in->fields.len + 1);
    plan->from = arena_alloc(&s->arena, (n + in->fields.len + 1) * sizeof *plan->from);
    plan->names = arena_alloc(&s->arena, (n + in->fields.len + 1) * sizeof *plan->names);
    for (size_t i = 0; i < n; i++) {
        size_t at = schema_find(in, wanted[i]);
        for (size_t k = 0; k < i; k++)
            if (text_equal(wanted[k], wanted[i]))
                return step_error(s, e, "%.*s is named twice", (int)wanted[i].len, wanted[i].at);
        plan->names[plan->count] = wanted[i];
        plan->from[plan->count++] = at;
        if (at != FIELD_NONE)
            used[at] = 1;
    }
    for (size_t i = 0; i < in->fields.len && others; i++)
        if (!used[i])
            plan->from[plan->count++] = i;
    return 0;
}

static int template_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const struct template_plan *plan = s->plan;
    struct schema old = *schema;
    *schema = (struct schema){0};
    for (size_t i = 0; i < plan->count; i++) {
        const struct field *f = plan->from[i] == FIELD_NONE ? NULL : &old.fields.at[plan->from[i]];
        size_t at =
            schema_add(schema, f ? text_of(f->name) : plan->names[i], f ? f->type : TYPE_TEXT);
        schema->fields.at[at].declared = f && f->declared;
        if (f && f->raw)
            schema->fields.at[at].raw = arena_text(&schema->arena, f->raw, strlen(f->raw));
    }
    schema_release(&old);
    return 0;
}

static int template_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    const struct template_plan *plan = s->plan;
    struct text fill = arg_text(s, "fill"), *filled = batch_array(b, b->rows, sizeof *filled);
    struct column *old = arena_copy(&b->arena, b->columns.at, b->columns.len * sizeof *old);
    for (size_t r = 0; r < b->rows; r++)
        filled[r] = fill;
    b->columns.len = 0;
    for (size_t i = 0; i < plan->count; i++)
        batch_add(b, plan->from[i] == FIELD_NONE ? column_of_text(filled) : old[plan->from[i]]);
    return 0;
}

static int template_lower(const struct step *s, struct lowering *l, struct error *e)
{
    const struct template_plan *plan = s->plan;
    struct text fill = arg_text(s, "fill");
    (void)e;
    size_t *at = mem_array(NULL, plan->count + 1, sizeof *at);
    for (size_t i = 0; i < plan->count; i++) {
        at[i] = plan->from[i];
        if (at[i] != FIELD_NONE)
            continue;
        at[i] = l->columns.len;
        uint32_t reg = lower_register(l, ML_TEXT);
        if (fill.at)
            lower_op_to(l, ML_OP_set_text, 0, reg, lower_text(l, fill), 0, 0);
        else
            lower_op_to(l, ML_OP_missing, 0, reg, 0, 0, 0);
        lower_add(l, reg);
    }
    lower_arrange(l, at, plan->count);
    mem_free(at);
    return 0;
}

/* The first row of a group, and the items of all its rows. */
struct imploded {
    struct buf row, items;
    uint64_t id;
};

struct implode_run {
    struct groups groups;
    VEC(struct imploded) rows;
    struct row_origin origin;
    size_t *by, by_count;
};

static int implode_open(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    return s->column_count == 1 ? 0 : step_error(s, e, "one column at a time");
}

static int implode_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    schema->fields.at[s->columns[0]].type = arg_given(s, "sep") ? TYPE_TEXT : TYPE_JSON;
    return 0;
}

static int implode_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct implode_run));
    return 0;
}

static void implode_stop(struct step *s)
{
    struct implode_run *run = s->run;
    if (!run)
        return;
    for (size_t i = 0; i < run->rows.len; i++) {
        buf_release(&run->rows.at[i].row);
        buf_release(&run->rows.at[i].items);
    }
    vec_release(&run->rows);
    groups_release(&run->groups);
    row_origin_release(&run->origin);
    mem_free(run->by);
    mem_free(run);
    s->run = NULL;
}

/* All columns but the one whose items are gathered. */
static void implode_key(const struct step *s, struct implode_run *run, size_t columns)
{
    if (run->by)
        return;
    run->by = mem_array(NULL, columns + 1, sizeof *run->by);
    for (size_t i = 0; i < columns; i++)
        if (i != s->columns[0])
            run->by[run->by_count++] = i;
}

static void add_item(const struct step *s, struct imploded *row, struct text item)
{
    struct text sep = arg_text(s, "sep");
    if (!item.at)
        return;
    if (row->items.len > 0)
        buf_add(&row->items, sep.at ? sep.at : ",", sep.at ? sep.len : 1);
    if (sep.at)
        buf_add(&row->items, item.at, item.len);
    else
        json_put_string(&row->items, item.at, item.len);
}

static int implode_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    (void)out;
    (void)e;
    struct implode_run *run = s->run;
    implode_key(s, run, b->columns.len);
    row_origin_see(&run->origin, b);
    groups_batch(&run->groups, b, run->by, run->by_count);
    const struct text *items = batch_text(b, s->columns[0]);
    struct row_packer packer = row_packer(b);
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = groups_find(&run->groups, r);
        if (group == run->rows.len) {
            struct imploded fresh = {.id = batch_row_id(b, r)};
            row_packer_put(&packer, r, &fresh.row);
            vec_push(&run->rows, fresh);
        }
        add_item(s, &run->rows.at[group], items[r]);
    }
    batch_free(b);
    return 0;
}

static struct text finished_items(const struct step *s, struct batch *b, const struct imploded *row)
{
    bool is_list = !arg_given(s, "sep");
    if (!is_list && row->items.len == 0)
        return (struct text){NULL, 0};
    char *at = arena_alloc(&b->arena, row->items.len + 2);
    if (row->items.len > 0)
        memcpy(at + is_list, row->items.at, row->items.len);
    if (is_list) {
        at[0] = '[';
        at[row->items.len + 1] = ']';
    }
    return (struct text){at, row->items.len + 2 * (size_t)is_list};
}

static int emit_imploded(const struct step *s, const struct imploded *from, size_t n,
                         struct emit *out, struct error *e)
{
    const struct implode_run *run = s->run;
    struct batch *b = emit_batch(out);
    struct text *rows = batch_array(b, n, sizeof *rows), *items = batch_array(b, n, sizeof *items);
    uint64_t *ids = batch_array(b, n, sizeof *ids);
    for (size_t i = 0; i < n; i++) {
        rows[i] =
            (struct text){arena_copy(&b->arena, from[i].row.at, from[i].row.len), from[i].row.len};
        items[i] = finished_items(s, b, &from[i]);
        ids[i] = from[i].id;
    }
    rows_unpack(b, &run->origin, rows, n, ids);
    batch_set(b, s->columns[0],
              arg_given(s, "sep") ? column_of_text(items) : column_of_json(items));
    return emit(out, b, e);
}

static int implode_flush(struct step *s, struct emit *out, struct error *e)
{
    const struct implode_run *run = s->run;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < run->rows.len; i += BATCH_ROWS) {
        size_t n = run->rows.len - i < BATCH_ROWS ? run->rows.len - i : BATCH_ROWS;
        rc = emit_imploded(s, run->rows.at + i, n, out, e);
    }
    return rc < 0 ? rc : 0;
}

static int regularize_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)s;
    (void)e;
    batch_order_keys(b);
    return 0;
}

static int unsparsify_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)s;
    (void)e;
    batch_complete_keys(b);
    return 0;
}

static const struct arg longer_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .help = "columns to take up",
     .positional = true,
     .required = true},
    {.name = "names_to", .kind = ARG_NAME, .fallback = "name", .help = "column for their names"},
    {.name = "values_to", .kind = ARG_NAME, .fallback = "value", .help = "column for their cells"},
    {.name = "drop_missing",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "leave out missing cells"},
    {0},
};
static const struct arg stack_args[] = {
    {.name = "into", .kind = ARG_NAME, .help = "column for the number of the place, from 1"},
    {.name = "drop_missing",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "leave out rows in which all new columns are missing"},
    {.name = "new", .kind = ARG_PAIRS, .help = "name=a,b,c: a new column from these in turn"},
    {0},
};
static const struct arg template_args[] = {
    {.name = "columns",
     .kind = ARG_LIST,
     .help = "names of the columns wanted, in order",
     .positional = true,
     .required = true},
    {.name = "fill",
     .kind = ARG_TEXT,
     .help = "value of columns there were not (default: missing)"},
    {.name = "others",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "keep other columns behind them"},
    {0},
};
static const struct arg no_args[] = {{0}};
static const struct arg implode_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .help = "the column whose cells are gathered",
     .positional = true,
     .required = true},
    {.name = "sep",
     .kind = ARG_TEXT,
     .help = "text between them; without it they become a JSON list of texts"},
    {0},
};

#define ALL_KEYS                                                                                   \
    "JSON Lines are read twice: all keys of the input become columns, in the order in which they " \
    "first come. "

const struct step_kind steps_reshape[] = {
    {
        .name = "implode",
        .aliases = "nest_implode nest",
        .family = "reshape",
        .class = "W",
        .summary = "rows that differ in one column only become one with a list",
        .details = "The reverse of explode. Groups leave in order of first appearance, at the end; "
                   "one row of each is held in memory. Missing cells are left out." HELD(
                       "groups and their items", "about 200 bytes and the text"),
        .args = implode_args,
        .example = {.program = "implode tag sep=;",
                    .input = "id,tag\n1,a\n2,c\n1,b\n",
                    .output = "id,tag\n1,a;b\n2,c\n"},
        .open = implode_open,
        .shape = implode_shape,
        .start = implode_start,
        .stop = implode_stop,
        .push = implode_push,
        .flush = implode_flush,
        .ordered = true,
        .needs_all = true,
    },
    {
        .name = "pivot_longer",
        .not_compiled = NOT_COMPILED_ROWS,
        .aliases = "melt gather unpivot",
        .family = "reshape",
        .class = "S",
        .summary = "columns become rows: one for each with its name and its cell",
        .details = "The rows of one row stay together (pandas melt goes column by column). The new "
                   "columns stand behind those that are left.",
        .args = longer_args,
        .example = {.program = "pivot_longer x,y",
                    .input = "id,x,y\n1,5,6\n2,7,\n",
                    .output = "id,name,value\n1,x,5\n1,y,6\n2,x,7\n2,y,\n"},
        .open = longer_open,
        .shape = longer_shape,
        .apply = longer_apply,
        .needs_all = true,
    },
    {
        .name = "regularize",
        .family = "reshape",
        .class = "S",
        .summary = "the keys of each JSON object in the order of the columns",
        .details = ALL_KEYS "A row has the keys it had, no more. Tables have one order of columns: "
                            "there the step changes nothing.",
        .args = no_args,
        .example = {.program = "regularize",
                    .input = "{\"a\":1,\"b\":2,\"c\":3}\n{\"c\":6,\"a\":4}\n",
                    .output = "{\"a\":1,\"b\":2,\"c\":3}\n{\"a\":4,\"c\":6}\n"},
        .apply = regularize_apply,
        .lower = lower_nothing,
        .all_keys = true,
    },
    {
        .name = "stack",
        .not_compiled = NOT_COMPILED_ROWS,
        .aliases = "wide_to_long",
        .family = "reshape",
        .class = "S",
        .summary = "several columns in turn become one, for several new columns at once",
        .args = stack_args,
        .example = {.program = "stack h=h1,h2 w=w1,w2 into=n",
                    .input = "id,h1,w1,h2,w2\n1,10,20,30,40\n",
                    .output = "id,n,h,w\n1,1,10,20\n1,2,30,40\n"},
        .open = stack_open,
        .shape = longer_shape,
        .apply = longer_apply,
        .needs_all = true,
    },
    {
        .name = "template",
        .family = "reshape",
        .class = "S",
        .summary = "exactly these columns in this order, whatever came",
        .details = "Columns there are not are made, others go unless others=true.",
        .args = template_args,
        .example = {.program = "template b,z,a",
                    .input = "a,b,c\n1,2,3\n",
                    .output = "b,z,a\n2,,1\n"},
        .open = template_open,
        .shape = template_shape,
        .apply = template_apply,
        .lower = template_lower,
        .needs_all = true,
    },
    {
        .name = "unsparsify",
        .family = "reshape",
        .class = "S",
        .summary = "every JSON object has all columns as keys, null where it lacked one",
        .details = ALL_KEYS "The step fill puts something else in place of null. Cells of tables "
                            "are there already: nothing changes.",
        .args = no_args,
        .example = {.program = "unsparsify",
                    .input = "{\"a\":1}\n{\"c\":6,\"a\":4}\n{\"b\":7}\n",
                    .output = "{\"a\":1,\"c\":null,\"b\":null}\n{\"a\":4,\"c\":6,\"b\":null}\n"
                              "{\"a\":null,\"c\":null,\"b\":7}\n"},
        .apply = unsparsify_apply,
        .lower = lower_nothing,
        .all_keys = true,
    },
    {0},
};
