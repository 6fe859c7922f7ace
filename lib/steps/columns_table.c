/* Steps on columns that must see the rows first. */
#include "prep/hold.h"
#include "prep/lower.h"
#include "prep/recipe.h"
#include "prep/sorted.h"
#include "steps/steps.h"

/* What was learnt: which of s->columns ever held a value. */
struct held {
    uint64_t rows;
    uint8_t *any; /* by position in s->columns */
};

static void *empty_new(const struct step *s)
{
    struct held *h = mem_alloc(sizeof *h);
    h->any = mem_alloc(s->column_count + 1);
    return h;
}

static void empty_free(void *state)
{
    struct held *h = state;
    mem_free(h->any);
    mem_free(h);
}

static int empty_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    (void)e;
    struct held *h = state;
    h->rows += b->rows;
    for (size_t i = 0; i < s->column_count; i++)
        for (size_t r = 0; !h->any[i] && r < b->rows; r++)
            h->any[i] = !batch_missing(b, s->columns[i], r);
    return 0;
}

static int empty_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)e;
    struct held *a = into;
    const struct held *b = from;
    a->rows += b->rows;
    for (size_t i = 0; i < s->column_count; i++)
        a->any[i] |= b->any[i];
    return 0;
}

static json_t *empty_save(const struct step *s, const void *state)
{
    const struct held *h = state;
    json_t *out = json_object(), *any = json_array();
    for (size_t i = 0; i < s->column_count; i++)
        json_array_append_new(any, json_boolean(h->any[i]));
    json_object_set_new(out, "rows", json_integer((json_int_t)h->rows));
    json_object_set_new(out, "holds_values", any);
    return out;
}

static int empty_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct held *h = state;
    const json_t *rows = json_object_get(j, "rows"), *any = json_object_get(j, "holds_values");
    if (!json_is_integer(rows) || json_integer_value(rows) < 0)
        return error_set(e, ERR_DATA, "rows: expected a whole number, not negative");
    if (!json_is_array(any) || json_array_size(any) != s->column_count)
        return error_set(e, ERR_DATA, "holds_values: expected a list of %zu", s->column_count);
    h->rows = (uint64_t)json_integer_value(rows);
    for (size_t i = 0; i < s->column_count; i++)
        h->any[i] = json_is_true(json_array_get(any, i));
    return 0;
}

/* The n columns that go. Nothing is known of a column before a row was seen: then it stays. */
static size_t *empty_columns(const struct step *s, struct arena *arena, size_t *n)
{
    const struct held *h = s->learnt;
    size_t *at = arena_alloc(arena, (s->column_count + 1) * sizeof *at);
    *n = 0;
    for (size_t i = 0; i < s->column_count && h->rows > 0; i++)
        if (!h->any[i])
            at[(*n)++] = s->columns[i];
    return at;
}

static int empty_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    size_t n, *at = empty_columns(s, &s->arena, &n);
    schema_leave_out(schema, at, n);
    return 0;
}

static int empty_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    size_t n, *at = empty_columns(s, &b->arena, &n);
    batch_leave_out(b, at, n);
    return 0;
}

/* All rows, and how far the columns have been turned into rows. */
struct turned {
    struct hold *hold;
    const char **names; /* of the columns to come, one for each row; owned */
    struct arena arena; /* theirs */
    size_t next;        /* column of the table to turn next */
};

struct turn_plan {
    size_t names;           /* column that names the new ones, or FIELD_NONE */
    const char **old;       /* names of the columns that become rows */
    size_t *columns, count; /* and where they stand */
};

static int transpose_open(struct step *s, const struct schema *in, struct error *e)
{
    struct turn_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    int rc = arg_column(s, "names", in, &plan->names, e);
    if (rc)
        return rc;
    plan->old = arena_alloc(&s->arena, (in->fields.len + 1) * sizeof *plan->old);
    plan->columns = arena_alloc(&s->arena, (in->fields.len + 1) * sizeof *plan->columns);
    for (size_t i = 0; i < in->fields.len; i++) {
        const char *name = in->fields.at[i].name;
        if (i == plan->names)
            continue;
        plan->old[plan->count] = arena_text(&s->arena, name, strlen(name));
        plan->columns[plan->count++] = i;
    }
    return 0;
}

static void *transpose_new(const struct step *s)
{
    struct turned *t = mem_alloc(sizeof *t);
    t->hold = hold_new(step_memory(s));
    return t;
}

static void transpose_free(void *state)
{
    struct turned *t = state;
    hold_free(t->hold);
    mem_free(t->names);
    arena_release(&t->arena);
    mem_free(t);
}

static int transpose_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    (void)s;
    return hold_add(((struct turned *)state)->hold, b, e);
}

static int transpose_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    hold_merge(((struct turned *)into)->hold, ((struct turned *)from)->hold);
    return 0;
}

/* Calls visit for every row in the order of the stream;
 * b holds it as row r, `row` counts from 0. */
static int each_row(struct turned *t,
                    void (*visit)(void *context, struct batch *b, size_t r, size_t row),
                    void *context, struct error *e)
{
    struct batch *b = batch_new();
    int rc = 0;
    for (size_t i = 0, row = 0; rc == 0 && i < hold_blocks(t->hold); i++) {
        batch_clear(b);
        rc = hold_read(t->hold, i, false, b, e);
        for (size_t r = 0; rc == 0 && r < b->rows; r++)
            visit(context, b, r, row++);
    }
    batch_free(b);
    return rc;
}

struct naming {
    const struct turn_plan *plan;
    struct turned *turned;
};

static void name_row(void *context, struct batch *b, size_t r, size_t row)
{
    const struct naming *n = context;
    struct arena *arena = &n->turned->arena;
    if (n->plan->names == FIELD_NONE) {
        n->turned->names[row] = arena_format(arena, "row%zu", row + 1);
    } else {
        struct text name = batch_cell(b, n->plan->names, r);
        n->turned->names[row] = arena_text(arena, name.at ? name.at : "", name.len);
    }
}

static int check_new_names(const struct step *s, const struct turned *t, struct error *e)
{
    struct map seen = {0};
    int rc = 0;
    map_put(&seen, arg_text(s, "into"), NULL);
    for (size_t i = 0; rc == 0 && i < hold_rows(t->hold); i++) {
        bool is_new;
        char quoted[QUOTE_MAX];
        struct text name = text_of(t->names[i]);
        map_put(&seen, name, &is_new);
        if (name.len == 0)
            rc = error_set(e, ERR_DATA, "transpose: row %zu has no name", i + 1);
        else if (!is_new)
            rc = error_set(e, ERR_DATA, "transpose: two columns would be called %s",
                           quote(quoted, name.at, name.len));
    }
    map_release(&seen);
    return rc;
}

/* The columns to come are held in memory, about so many bytes for each. */
static int check_room(const struct step *s, uint64_t rows, struct error *e)
{
    enum { COLUMN_BYTES = 300 };
    if (rows < step_memory_whole(s) / COLUMN_BYTES)
        return 0;
    return error_set(e, ERR_SYSTEM,
                     "transpose: %llu rows would become columns, which take %llu MiB: raise "
                     "--memory",
                     (unsigned long long)rows, (unsigned long long)(rows * COLUMN_BYTES >> 20) + 1);
}

static int transpose_finish(struct step *s, void *state, struct error *e)
{
    struct turned *t = state;
    struct naming naming = {s->plan, t};
    if (check_room(s, hold_rows(t->hold), e))
        return ERR_SYSTEM;
    hold_sort(t->hold);
    t->names = mem_array(NULL, (size_t)hold_rows(t->hold) + 1, sizeof *t->names);
    int rc = each_row(t, name_row, &naming, e);
    return rc ? rc : check_new_names(s, t, e);
}

static int transpose_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct turned *t = s->learnt;
    if (!t)
        return step_error(s, e, "its columns depend on the rows: they are not known before");
    schema_release(schema);
    schema_add(schema, arg_text(s, "into"), TYPE_TEXT);
    for (size_t i = 0; i < hold_rows(t->hold); i++)
        schema_add(schema, text_of(t->names[i]), TYPE_TEXT);
    return 0;
}

/* Some columns of the table on their way to become rows: cells[row * count + i] is that of
 * columns[i]. */
struct turning {
    struct batch *into;
    const size_t *columns;
    size_t count;
    struct text *cells;
};

static void turn_row(void *context, struct batch *b, size_t r, size_t row)
{
    const struct turning *t = context;
    for (size_t i = 0; i < t->count; i++) {
        struct text cell = batch_cell(b, t->columns[i], r);
        if (cell.at)
            cell.at = arena_copy(&t->into->arena, cell.at, cell.len);
        t->cells[row * t->count + i] = cell;
    }
}

/* As many columns at a time as memory allows: the rows are read again for the next ones. */
static size_t columns_at_once(const struct step *s, uint64_t rows, size_t left)
{
    enum { CELL_BYTES = 64 }; /* a guess: what a cell and its slice take */
    size_t memory = s->context->memory ? s->context->memory : (size_t)1 << 30;
    size_t some = memory / CELL_BYTES / ((size_t)rows + 1) + 1;
    return some < left ? some : left;
}

static int transpose_produce(struct step *s, struct batch *b, struct error *e)
{
    const struct turn_plan *plan = s->plan;
    struct turned *t = s->learnt;
    size_t rows = (size_t)hold_rows(t->hold);
    size_t count = columns_at_once(s, rows, plan->count - t->next);
    if (count == 0)
        return 0;
    struct text *names = batch_array(b, count, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = text_of(plan->old[t->next + i]);
    struct turning turning = {b, plan->columns + t->next, count,
                              batch_array(b, rows * count, sizeof(struct text))};
    int rc = each_row(t, turn_row, &turning, e);
    if (rc)
        return rc;
    b->rows = count;
    b->policy = &s->context->policy;
    b->first_id = (uint64_t)t->next << ROW_ID_SHIFT;
    batch_add(b, column_of_text(names));
    for (size_t row = 0; row < rows; row++)
        batch_add(b, column_of_text(turning.cells + row * count));
    t->next += count;
    return 1;
}

static const struct arg empty_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .fallback = "@all",
     .help = "columns to look at",
     .positional = true},
    {0},
};
static const struct arg transpose_args[] = {
    {.name = "names",
     .kind = ARG_COLUMN,
     .help = "column whose values name the new columns (default: row1, row2 ...)"},
    {.name = "into",
     .kind = ARG_NAME,
     .fallback = "field",
     .help = "name of the first column, which holds the old names"},
    {0},
};

const struct step_kind steps_columns_table[] = {
    {
        .name = "drop_empty_columns",
        .family = "columns",
        .class = "F",
        .summary = "leave out the columns that never held a value",
        .details =
            "Fitting learns which columns are missing in every row; applying leaves out "
            "those, whatever the new rows hold. The empty text in quotes is a value. Without "
            "any row nothing is left out.",
        .args = empty_args,
        .example = {.program = "drop_empty_columns",
                    .input = "a,b,c\n1,,3\n4,,\n",
                    .output = "a,c\n1,3\n4,\n"},
        .shape = empty_shape,
        .apply = empty_apply,
        .lower = lower_arranging,
        .state_new = empty_new,
        .learn = empty_learn,
        .merge = empty_merge,
        .save = empty_save,
        .load = empty_load,
        .state_free = empty_free,
    },
    {
        .name = "transpose",
        .family = "columns",
        .class = "B",
        .summary = "turn columns into rows and rows into columns",
        .details =
            "Every row becomes a column of text. Past --memory the rows wait in a scratch "
            "file and are read once for every group of columns that fits. The columns of the "
            "result are held in memory, about 300 bytes and the name for each: more than "
            "--memory is an error. As the columns depend on the rows, a recipe that is fitted "
            "and kept cannot hold this step.",
        .args = transpose_args,
        .example = {.program = "transpose names=year",
                    .input = "year,births,deaths\n1990,10,8\n1991,12,9\n",
                    .output = "field,1990,1991\nbirths,10,12\ndeaths,8,9\n"},
        .open = transpose_open,
        .shape = transpose_shape,
        .state_new = transpose_new,
        .learn = transpose_learn,
        .merge = transpose_merge,
        .finish = transpose_finish,
        .state_free = transpose_free,
        .produce = transpose_produce,
        .blocking = true,
        .needs_all = true,
    },
    {0},
};
