/* Steps that make columns from values: copies, conversions, expressions, numbers of rows. */
#include "expr/lower.h"
#include "prep/groups.h"
#include "prep/lower.h"
#include "prep/recipe.h"
#include "steps/steps.h"

static int copy_open(struct step *s, const struct schema *in, struct error *e)
{
    size_t *from = arena_alloc(&s->arena, (s->pairs.len + 1) * sizeof *from);
    struct map names = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->pairs.len; i++) {
        const struct pair *p = &s->pairs.at[i];
        char quoted[QUOTE_MAX], hint[HINT_MAX];
        bool is_new;
        map_put(&names, p->value, &is_new);
        from[i] = schema_find(in, p->name);
        if (from[i] == FIELD_NONE)
            rc = step_error(s, e, "unknown column %s%s", quote(quoted, p->name.at, p->name.len),
                            column_hint(hint, p->name, in));
        else if (!is_new)
            rc = step_error(s, e, "two columns would be called %s",
                            quote(quoted, p->value.at, p->value.len));
        else
            rc = step_new_name(s, in, p->value, e);
        if (rc == 0)
            vec_push(&s->reads, from[i]);
    }
    map_release(&names);
    s->plan = from;
    return rc;
}

static int copy_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const size_t *from = s->plan;
    for (size_t i = 0; i < s->pairs.len; i++) {
        struct field old = schema->fields.at[from[i]];
        size_t at = schema_add(schema, s->pairs.at[i].value, old.type);
        schema->fields.at[at].declared = old.declared;
    }
    return 0;
}

static int copy_lower(const struct step *s, struct lowering *l, struct error *e)
{
    (void)e;
    const size_t *from = s->plan;
    for (size_t i = 0; i < s->pairs.len; i++) {
        struct lower_column c = l->columns.at[from[i]];
        vec_push(&l->columns, c);
    }
    return 0;
}

static int copy_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    const size_t *from = s->plan;
    for (size_t i = 0; i < s->pairs.len; i++) {
        struct column c = b->columns.at[from[i]];
        c.source = -1;
        batch_add(b, c);
    }
    return 0;
}

enum cast_to { CAST_INT, CAST_FLOAT, CAST_BOOL, CAST_DATE, CAST_TIME, CAST_TEXT };
enum cast_invalid { INVALID_ERROR, INVALID_SKIP, INVALID_NULL };

static int cast_open(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    int to = arg_choice(s, "to");
    if (!arg_given(s, "format"))
        return 0;
    if (to != CAST_DATE && to != CAST_TIME)
        return step_error(s, e, "format= is for to=date and to=time");
    struct error problem = {0};
    if (time_pattern_valid(arg_string(s, "format"), &problem))
        return 0;
    return step_error(s, e, "format: %.300s", problem.message);
}

static int cast_shape(struct step *s, struct schema *schema, struct error *e)
{
    static const enum type types[] = {TYPE_INT,  TYPE_FLOAT, TYPE_BOOL,
                                      TYPE_TIME, TYPE_TIME,  TYPE_TEXT};
    (void)e;
    for (size_t i = 0; i < s->column_count; i++) {
        schema->fields.at[s->columns[i]].type = types[arg_choice(s, "to")];
        schema->fields.at[s->columns[i]].declared = true;
    }
    return 0;
}

static int times_by_pattern(const struct step *s, struct batch *b, size_t column, const char *name,
                            const usec **out, struct error *e)
{
    const char *pattern = arg_string(s, "format");
    const struct text *cells = batch_text(b, column);
    usec *times = batch_array(b, b->rows, sizeof *times);
    for (size_t r = 0; r < b->rows; r++) {
        bool has_offset;
        times[r] = INT_MISSING;
        if (!cells[r].at ||
            time_parse_pattern(cells[r].at, cells[r].len, pattern, &times[r], &has_offset))
            continue;
        char quoted[QUOTE_MAX];
        times[r] = INT_MISSING;
        (void)error_set(e, ERR_DATA, "%s is not a time as in '%.60s'",
                        quote(quoted, cells[r].at, cells[r].len), pattern);
        int rc = batch_reject(b, r, column, name, e);
        if (rc)
            return rc;
    }
    *out = times;
    return 0;
}

/* Days leave as they are written, 2001-01-31. */
static const struct text *dates_of_times(struct batch *b, const usec *times)
{
    struct text *dates = batch_array(b, b->rows, sizeof *dates);
    struct buf date = {0};
    for (size_t r = 0; r < b->rows; r++) {
        dates[r] = (struct text){NULL, 0};
        if (times[r] == INT_MISSING)
            continue;
        date.len = 0;
        time_print_pattern(&date, times[r], 0, "%Y-%m-%d");
        dates[r] = (struct text){arena_copy(&b->arena, date.at, date.len), date.len};
    }
    buf_release(&date);
    return dates;
}

static int cast_to_time(const struct step *s, struct batch *b, size_t column, const char *name,
                        struct column *out, struct error *e)
{
    const usec *times;
    int rc = arg_given(s, "format") ? times_by_pattern(s, b, column, name, &times, e)
                                    : batch_time(b, column, name, &times, e);
    if (rc)
        return rc;
    if (arg_choice(s, "to") == CAST_DATE)
        *out = column_of_text(dates_of_times(b, times));
    else
        *out = column_of_time(times);
    return 0;
}

static int cast_column(const struct step *s, struct batch *b, size_t column, const char *name,
                       struct column *out, struct error *e)
{
    const int64_t *ints;
    const double *doubles;
    const uint8_t *bools;
    int rc = 0;
    switch ((enum cast_to)arg_choice(s, "to")) {
    case CAST_INT:
        if ((rc = batch_int(b, column, name, &ints, e)) == 0)
            *out = column_of_int(ints);
        return rc;
    case CAST_FLOAT:
        if ((rc = batch_double(b, column, name, &doubles, e)) == 0)
            *out = column_of_double(doubles);
        return rc;
    case CAST_BOOL:
        if ((rc = batch_bool(b, column, name, &bools, e)) == 0)
            *out = column_of_bool(bools);
        return rc;
    case CAST_DATE:
    case CAST_TIME:
        return cast_to_time(s, b, column, name, out, e);
    case CAST_TEXT:
        break;
    }
    *out = column_of_text(batch_text(b, column));
    return 0;
}

static int cast_apply(const struct step *s, struct batch *b, struct error *e)
{
    static const enum on_error choices[] = {ON_ERROR_STOP, ON_ERROR_SKIP, ON_ERROR_NULL};
    const struct cell_policy *outer = b->policy;
    struct cell_policy own = {0};
    if (outer)
        own = *outer;
    if (arg_given(s, "invalid")) {
        own.on_error = choices[arg_choice(s, "invalid")];
        b->policy = &own;
    }
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->column_count; i++) {
        struct column c;
        rc = cast_column(s, b, s->columns[i], s->names[i], &c, e);
        if (rc == 0)
            batch_set(b, s->columns[i], c);
    }
    b->policy = outer;
    return rc;
}

static uint32_t lower_cast(const struct step *s, struct lowering *l, size_t column)
{
    static const enum ml_class classes[] = {ML_INT, ML_FLOAT, ML_BOOL, ML_TIME, ML_TIME, ML_TEXT};
    int to = arg_choice(s, "to");
    uint32_t reg;
    if (arg_given(s, "format")) {
        struct text pattern = arg_text(s, "format");
        pattern.len++; /* its NUL */
        reg = lower_op(l, ML_OP_time_of_pattern, lower_column(l, column, ML_TEXT), 0,
                       lower_text(l, pattern));
    } else {
        reg = lower_column(l, column, classes[to]);
    }
    return to == CAST_DATE ? lower_op(l, ML_OP_text_of_date, reg, 0, 0) : reg;
}

static int cast_lower(const struct step *s, struct lowering *l, struct error *e)
{
    bool to_null = arg_given(s, "invalid") && arg_choice(s, "invalid") == INVALID_NULL;
    if (arg_given(s, "invalid") && arg_choice(s, "invalid") == INVALID_SKIP)
        return lower_refuse(e, "invalid=skip leaves rows out");
    for (size_t i = 0; i < s->column_count; i++) {
        l->else_missing = to_null;
        uint32_t reg = lower_cast(s, l, s->columns[i]);
        l->else_missing = false;
        lower_set(l, s->columns[i], reg);
    }
    return 0;
}

struct assignment {
    struct text name;
    struct expr *value;
    enum type type;
    size_t column; /* replaced, or one behind the last: appended */
};

struct assignments {
    VEC(struct assignment) list;
};

static void set_close(struct step *s)
{
    struct assignments *plan = s->plan;
    for (size_t i = 0; i < plan->list.len; i++)
        expr_free(plan->list.at[i].value);
    vec_release(&plan->list);
}

/* name = expression */
static int split_assignment(struct step *s, struct text item, struct text *name, struct text *value,
                            struct error *e)
{
    bool quoted = item.len > 0 && strchr("\"'`", item.at[0]);
    size_t from = quoted ? quoted_length(item, true) : 0;
    const char *equals = memchr(item.at + from, '=', item.len - from);
    size_t at = equals ? (size_t)(equals - item.at) : item.len;
    *name = text_trimmed((struct text){item.at, at});
    *value = (struct text){item.at + at + (equals != NULL), item.len - at - (equals != NULL)};
    *value = text_trimmed(*value);
    bool compares = value->len > 0 && value->at[0] == '=';
    char shown[QUOTE_MAX];
    if (!equals || compares || name->len == 0 || value->len == 0)
        return step_error(s, e, "expected name = expression, not %s",
                          quote(shown, item.at, item.len));
    (void)unquote(*name, &s->arena, name);
    return 0;
}

/* One assignment; later ones see its column. */
static int set_add(struct step *s, struct text item, struct schema *seen, struct error *e)
{
    struct assignments *plan = s->plan;
    struct assignment a = {0};
    struct text value;
    int rc = split_assignment(s, item, &a.name, &value, e);
    if (!rc)
        rc = step_expr(s, value, seen, &a.value, e);
    if (rc)
        return rc;
    a.type = expr_type(a.value);
    a.column = schema_find(seen, a.name);
    if (a.column == FIELD_NONE)
        a.column = schema_add(seen, a.name, a.type);
    seen->fields.at[a.column].type = a.type;
    seen->fields.at[a.column].declared = true;
    vec_push(&plan->list, a);
    return 0;
}

/* What earlier assignments made is not read from the rows that come. */
static void forget_new_columns(struct step *s, size_t columns)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->reads.len; i++)
        if (s->reads.at[i] < columns)
            s->reads.at[kept++] = s->reads.at[i];
    s->reads.len = kept;
}

static int set_open(struct step *s, const struct schema *in, struct error *e)
{
    s->plan = arena_zero(&s->arena, sizeof(struct assignments));
    struct schema seen = {0};
    schema_copy(&seen, in);
    struct text rest = arg_text(s, "assignments"), item;
    int rc = 0;
    while (rc == 0 && item_next(&rest, &item))
        rc = set_add(s, item, &seen, e);
    schema_release(&seen);
    forget_new_columns(s, in->fields.len);
    return rc;
}

static int set_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const struct assignments *plan = s->plan;
    for (size_t i = 0; i < plan->list.len; i++) {
        const struct assignment *a = &plan->list.at[i];
        if (a->column == schema->fields.len)
            schema_add(schema, a->name, a->type);
        schema->fields.at[a->column].type = a->type;
        schema->fields.at[a->column].declared = true;
    }
    return 0;
}

static int set_apply(const struct step *s, struct batch *b, struct error *e)
{
    const struct assignments *plan = s->plan;
    for (size_t i = 0; i < plan->list.len; i++) {
        const struct assignment *a = &plan->list.at[i];
        struct column c;
        int rc = expr_eval(a->value, b, &c, e);
        if (rc)
            return rc;
        c.source = -1;
        if (a->column == b->columns.len)
            batch_add(b, c);
        else
            batch_set(b, a->column, c);
    }
    return 0;
}

/* A column alone goes as it is, with what it is known as. */
static int lower_assignment(const struct assignment *a, struct lowering *l, struct error *e)
{
    size_t from = expr_bare_column(a->value);
    uint32_t reg = 0;
    int rc = from == FIELD_NONE ? expr_lower(a->value, l, &reg, e) : 0;
    if (rc)
        return rc;
    if (a->column == l->columns.len)
        lower_add(l, reg);
    if (from == FIELD_NONE)
        lower_set(l, a->column, reg);
    else
        l->columns.at[a->column] = l->columns.at[from];
    return 0;
}

static int set_lower(const struct step *s, struct lowering *l, struct error *e)
{
    const struct assignments *plan = s->plan;
    int rc = 0;
    for (size_t i = 0; i < plan->list.len && rc == 0; i++)
        rc = lower_assignment(&plan->list.at[i], l, e);
    return rc;
}

struct index_plan {
    size_t *by, by_count;
};

struct index_run {
    struct groups groups;
    VEC(int64_t) next; /* by group */
};

static int index_open(struct step *s, const struct schema *in, struct error *e)
{
    struct index_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    int rc = step_new_name(s, in, arg_text(s, "name"), e);
    return rc ? rc : arg_columns(s, "by", in, &plan->by, &plan->by_count, e);
}

static int index_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    schema_insert(schema, 0, arg_text(s, "name"), TYPE_INT);
    return 0;
}

static int index_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct index_run));
    return 0;
}

static void index_stop(struct step *s)
{
    struct index_run *run = s->run;
    if (!run)
        return;
    groups_release(&run->groups);
    vec_release(&run->next);
    mem_free(run);
    s->run = NULL;
}

static int index_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct index_plan *plan = s->plan;
    struct index_run *run = s->run;
    int64_t *numbers = batch_array(b, b->rows, sizeof *numbers);
    groups_batch(&run->groups, b, plan->by, plan->by_count);
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = groups_find(&run->groups, r);
        if (group == run->next.len)
            vec_push(&run->next, arg_int(s, "start"));
        numbers[r] = run->next.at[group]++;
    }
    batch_insert(b, 0, column_of_int(numbers));
    return emit(out, b, e);
}

static const struct arg index_args[] = {
    {.name = "name",
     .kind = ARG_NAME,
     .fallback = "index",
     .help = "name of the new first column",
     .positional = true},
    {.name = "start", .kind = ARG_INT, .fallback = "1", .help = "number of the first row"},
    {.name = "by", .kind = ARG_COLUMNS, .help = "count within each group of equal values"},
    {0},
};
static const struct arg cast_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .help = "columns to convert",
     .positional = true,
     .required = true},
    {.name = "to",
     .kind = ARG_CHOICE,
     .help = "the type wanted",
     .choices = "int float bool date time text",
     .required = true},
    {.name = "format",
     .kind = ARG_TEXT,
     .help = "how times are written, as %d.%m.%Y (default: RFC 3339)"},
    {.name = "invalid",
     .kind = ARG_CHOICE,
     .help = "what a cell that does not convert does (default: as --on-error)",
     .choices = "error skip null"},
    {0},
};
static const struct arg copy_args[] = {
    {.name = "SOURCE", .kind = ARG_PAIRS, .help = "SOURCE=NEW", .required = true},
    {0},
};
static const struct arg set_args[] = {
    {.name = "assignments",
     .kind = ARG_REST,
     .help = "name = expression, separated by commas",
     .positional = true,
     .required = true},
    {0},
};

const struct step_kind steps_columns_values[] = {
    {
        .name = "add_index",
        .aliases = "enumerate row_number",
        .family = "columns",
        .class = "S",
        .summary = "number the rows in a new first column",
        .details = "Counts the rows that arrive here, in their order. With by= every group has "
                   "its own count, and a table of groups is kept in memory.",
        .args = index_args,
        .example = {.program = "add_index n by=city",
                    .input = "city,x\nUlm,5\nBonn,6\nUlm,7\n",
                    .output = "n,city,x\n1,Ulm,5\n1,Bonn,6\n2,Ulm,7\n"},
        .open = index_open,
        .shape = index_shape,
        .push = index_push,
        .start = index_start,
        .stop = index_stop,
        .ordered = true,
        .only_adds = true,
    },
    {
        .name = "cast",
        .aliases = "parse_type",
        .family = "columns",
        .class = "S",
        .summary = "convert columns to a type",
        .details = "int takes 3 and 3.0 but not 3.5 (see the function round); bool takes true, "
                   "false, 1 and 0; date cuts a time to its day in UTC and writes 2001-01-31. "
                   "Missing stays missing. A pattern without a zone means UTC.",
        .args = cast_args,
        .example =
            {.program =
                 "cast n to=int | cast day to=date format=%d.%m.%Y | cast x to=float invalid=null",
             .input = "n,day,x\n3.0,31.01.2001,1.50\n4,01.02.2001,n/a\n",
             .output = "n,day,x\n3,2001-01-31,1.5\n4,2001-02-01,\n"},
        .open = cast_open,
        .shape = cast_shape,
        .apply = cast_apply,
        .lower = cast_lower,
    },
    {
        .name = "copy",
        .aliases = "duplicate_column",
        .family = "columns",
        .class = "S",
        .summary = "append copies of columns under new names",
        .args = copy_args,
        .example = {.program = "copy price=price_before",
                    .input = "price,n\n1.50,2\n",
                    .output = "price,n,price_before\n1.50,2,1.50\n"},
        .open = copy_open,
        .shape = copy_shape,
        .apply = copy_apply,
        .lower = copy_lower,
    },
    {
        .name = "set",
        .aliases = "expr add_const mutate",
        .family = "columns",
        .class = "S",
        .summary = "compute columns by expressions",
        .details = "A name that exists is replaced in its place, a new one is appended. "
                   "Assignments are worked from left to right: later ones see the columns of "
                   "earlier ones.",
        .args = set_args,
        .example = {.program = "set x = x * 2, big = x > 5",
                    .input = "x,y\n1,a\n3,b\n",
                    .output = "x,y,big\n2,a,false\n6,b,true\n"},
        .open = set_open,
        .shape = set_shape,
        .close = set_close,
        .apply = set_apply,
        .lower = set_lower,
    },
    {0},
};
