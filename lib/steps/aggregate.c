/* Steps that make one row of many: agg, rollup, cube. */
#include "prep/recipe.h"
#include "prep/sorted.h"
#include "steps/agg_table.h"
#include "steps/steps.h"

static bool is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

/* The end of the argument that begins at p: a comma or the closing parenthesis, outside quotes and
 * brackets of its own; end when there is none. */
static const char *argument_end(const char *p, const char *end)
{
    char quote = 0;
    for (int depth = 0; p < end; p++) {
        if (quote)
            quote = *p == quote ? 0 : quote;
        else if (is_one_of(*p, "\"'`"))
            quote = *p;
        else if (depth == 0 && is_one_of(*p, ",)"))
            return p;
        else if (is_one_of(*p, "(["))
            depth++;
        else if (depth > 0 && is_one_of(*p, ")]"))
            depth--;
    }
    return end;
}

/* "quantile(delay, 0.9)" into its name and up to two arguments. */
static bool split_call(struct text call, struct text *name, struct text args[2], size_t *count)
{
    const char *open = memchr(call.at, '(', call.len), *end = call.at + call.len;
    if (!open || end[-1] != ')')
        return false;
    *name = (struct text){call.at, (size_t)(open - call.at)};
    const char *start = open + 1;
    for (*count = 0; *count < 2 && start < end; (*count)++) {
        const char *stop = argument_end(start, end);
        if (stop == end)
            return false;
        args[*count] = (struct text){start, (size_t)(stop - start)};
        start = stop + 1;
    }
    if (*count == 1 && args[0].len == 0)
        *count = 0;
    return start == end;
}

/* The function and parameter asked for, and its argument in args[0]; *count arguments. */
static int open_call(struct step *s, struct text call, struct asked *asked, struct text args[2],
                     size_t *count, struct error *e)
{
    struct text name;
    char quoted[QUOTE_MAX];
    quote(quoted, call.at, call.len);
    if (call.len == 0 || !split_call(call, &name, args, count))
        return step_error(s, e, "%s: expected function(column), such as mean(delay)", quoted);
    const struct accumulator *f = asked->function = accumulator_find(name);
    asked->parameter = 0.5; /* the median's */
    if (!f)
        return step_error(s, e, "unknown aggregate function %s", quote(quoted, name.at, name.len));
    bool counts_rows = f == accumulator_find(text_of("count"));
    size_t wanted = 1 + (size_t)f->has_parameter;
    if (*count != wanted && !(counts_rows && *count == 0))
        return step_error(s, e, "%s: %zu argument%s, not %zu", quoted, wanted,
                          wanted == 1 ? "" : "s", *count);
    if (!f->has_parameter)
        return 0;
    struct text p = text_trimmed(args[1]);
    if (!number_parse_double(p.at, p.len, &asked->parameter) || asked->parameter < 0 ||
        asked->parameter > 1)
        return step_error(s, e, "%s: expected a number from 0 to 1 after the comma", quoted);
    return 0;
}

/* What is kept for the call: a new aggregate, or one that serves already. */
static int open_output(struct step *s, const struct schema *in, struct agg_plan *p,
                       const struct pair *pair, struct error *e)
{
    struct agg_output *out = &p->outputs[p->output_count++];
    struct text args[2] = {{NULL, 0}};
    size_t count = 0;
    out->name = arena_text(&s->arena, pair->name.at, pair->name.len);
    int status = open_call(s, pair->value, &out->asked, args, &count, e);
    if (status || !out->asked.function)
        return status;
    struct aggregate a = {.function = out->asked.function, .memory = step_memory(s) / 16};
    a.keeper = a.function->keeper;
    a.order = a.function->order;
    struct expr *value = NULL;
    if (count > 0) {
        a.argument = text_trimmed(args[0]);
        status = step_expr(s, a.argument, in, &value, e);
        if (status)
            return status;
        size_t bare = expr_bare_column(value);
        a.type = bare == FIELD_NONE ? expr_type(value) : in->fields.at[bare].type;
    }
    for (out->of = 0; out->of < p->count; out->of++)
        if (aggregate_share(&p->aggregates[out->of], &a)) {
            expr_free(value);
            return 0;
        }
    p->aggregates[p->count] = a;
    p->values[p->count++] = value;
    return 0;
}

/* A state whose values went to disk must know all that will be asked. */
static void plan_parameters(struct step *s, struct agg_plan *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct aggregate *a = &p->aggregates[i];
        double *parameters = arena_alloc(&s->arena, p->output_count * sizeof *parameters);
        for (size_t o = 0; o < p->output_count; o++)
            if (p->outputs[o].of == i)
                parameters[a->parameter_count++] = p->outputs[o].asked.parameter;
        a->parameters = parameters;
    }
}

static void plan_sets(struct step *s, struct agg_plan *p)
{
    uint64_t all = p->by_count ? ~UINT64_C(0) >> (64 - p->by_count) : 0;
    bool cube = strcmp(s->kind->name, "cube") == 0, rollup = strcmp(s->kind->name, "rollup") == 0;
    p->set_count = cube ? (size_t)1 << p->by_count : rollup ? p->by_count + 1 : 1;
    p->sets = arena_alloc(&s->arena, p->set_count * sizeof *p->sets);
    for (size_t i = 0; i < p->set_count; i++)
        p->sets[i] = cube ? all - i : all >> i;
}

static int agg_open(struct step *s, const struct schema *in, struct error *e)
{
    struct agg_plan *p = arena_zero(&s->arena, sizeof *p);
    s->plan = p;
    int status = arg_columns(s, "by", in, &p->by, &p->by_count, e);
    if (status)
        return status;
    if (p->by_count > AGG_BY_MAX)
        return step_error(s, e, "at most 16 columns to group by");
    p->by_names = arena_alloc(&s->arena, (p->by_count + 1) * sizeof *p->by_names);
    for (size_t i = 0; i < p->by_count; i++)
        p->by_names[i] = arena_text(&s->arena, in->fields.at[p->by[i]].name,
                                    strlen(in->fields.at[p->by[i]].name));
    plan_sets(s, p);
    p->aggregates = arena_zero(&s->arena, s->pairs.len * sizeof *p->aggregates);
    p->values = arena_zero(&s->arena, s->pairs.len * sizeof *p->values);
    p->outputs = arena_zero(&s->arena, s->pairs.len * sizeof *p->outputs);
    for (size_t i = 0; i < s->pairs.len && status == 0; i++)
        status = open_output(s, in, p, &s->pairs.at[i], e);
    plan_parameters(s, p);
    return status;
}

static void agg_close(struct step *s)
{
    struct agg_plan *p = s->plan;
    for (size_t i = 0; p && i < p->count; i++)
        expr_free(p->values[i]);
    s->plan = NULL;
}

static int agg_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct agg_plan *p = s->plan;
    struct schema out = {0};
    for (size_t i = 0; i < p->by_count; i++) {
        schema_add(&out, text_of(p->by_names[i]), schema->fields.at[p->by[i]].type);
        out.fields.at[i].declared = schema->fields.at[p->by[i]].declared;
    }
    int status = 0;
    for (size_t i = 0; i < p->output_count && status == 0; i++) {
        const struct agg_output *o = &p->outputs[i];
        if (schema_find(&out, text_of(o->name)) != FIELD_NONE)
            status = step_error(s, e, "two columns named '%s'", o->name);
        const struct accumulator *f = o->asked.function;
        schema_add(&out, text_of(o->name), f->keeps_type ? p->aggregates[o->of].type : f->result);
    }
    schema_release(schema);
    *schema = out;
    return status;
}

/* For messages about the values of aggregate i. */
static const char *column_name(const struct agg_plan *p, size_t i)
{
    size_t o = 0;
    while (p->outputs[o].of != i)
        o++;
    return p->outputs[o].name;
}

/* The argument's values; a column made for them goes again. */
static int take_samples(const struct agg_plan *p, size_t i, struct batch *b, struct samples *v,
                        struct error *e)
{
    const struct expr *x = p->values[i];
    *v = (struct samples){0};
    if (!x)
        return 0;
    size_t column = expr_bare_column(x);
    bool made = column == FIELD_NONE;
    if (made) {
        struct column c;
        int status = expr_eval(x, b, &c, e);
        if (status)
            return status;
        column = batch_add(b, c);
    }
    const char *name = column_name(p, i);
    int status = 0;
    switch (aggregate_held_as(&p->aggregates[i])) {
    case TYPE_FLOAT:
        status = batch_double(b, column, name, &v->number, e);
        break;
    case TYPE_TIME:
        status = batch_time(b, column, name, &v->time, e);
        break;
    default:
        v->text = batch_text(b, column);
    }
    if (made)
        batch_remove(b, column);
    return status;
}

/* The values of all arguments. */
static int take_all(const struct agg_plan *p, struct batch *b, struct samples *values,
                    struct error *e)
{
    int status = 0;
    for (size_t i = 0; i < p->count && status == 0; i++)
        status = take_samples(p, i, b, &values[i], e);
    return status;
}

/* Some of the rows, from `from` on. */
static struct samples samples_from(const struct samples *all, size_t from)
{
    struct samples v = *all;
    v.number = v.number ? v.number + from : NULL;
    v.time = v.time ? v.time + from : NULL;
    v.text = v.text ? v.text + from : NULL;
    return v;
}

/* n rows from `from` on go to their groups. */
static void add_rows(struct agg_table *t, struct batch *b, const struct samples *values,
                     const uint64_t *ids, size_t from, size_t n)
{
    const struct agg_plan *p = t->plan;
    uint32_t *group = batch_array(b, n, sizeof *group);
    for (size_t k = 0; k < p->set_count; k++) {
        agg_table_find(t, b, p->sets[k], ids, from, n, group);
        for (size_t i = 0; i < p->count; i++) {
            struct samples v = samples_from(&values[i], from);
            v.rows = n;
            v.group = group;
            v.ids = ids + from;
            v.one_group = p->by_count == 0;
            p->aggregates[i].keeper->add(&p->aggregates[i], t->states[i], &v, &t->held);
        }
    }
}

/* Rows between which the table is kept to its limit: where a group begins with a map a batch of new
 * groups takes too much. */
static size_t rows_at_once(const struct agg_plan *p, size_t rows)
{
    enum { ROWS = 4096 };
    bool grows = false;
    for (size_t i = 0; i < p->count; i++)
        grows |= p->aggregates[i].keeper->spill != NULL;
    return grows && rows > ROWS ? ROWS : rows;
}

static int agg_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    const struct agg_plan *p = s->plan;
    struct agg_table *t = state;
    if (b->rows == 0)
        return 0;
    uint64_t *ids = batch_array(b, b->rows, sizeof *ids);
    for (size_t r = 0; r < b->rows; r++)
        ids[r] = batch_row_id(b, r);
    struct samples *values = batch_array(b, p->count, sizeof *values);
    int status = take_all(p, b, values, e);
    size_t most = rows_at_once(p, b->rows);
    for (size_t from = 0; from < b->rows && status == 0; from += most) {
        add_rows(t, b, values, ids, from, b->rows - from < most ? b->rows - from : most);
        status = agg_table_relieve(t, e);
    }
    return status;
}

static void *agg_state_new(const struct step *s)
{
    return agg_table_new(s->plan, step_memory(s));
}

static void agg_state_free(void *state)
{
    agg_table_free(state);
}

static int agg_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    return agg_table_merge(into, from, e);
}

static int agg_finish(struct step *s, void *state, struct error *e)
{
    (void)s;
    return agg_table_finish(state, e);
}

static int answer_column(struct agg_table *t, const struct agg_output *o, size_t from, size_t n,
                         struct batch *b, struct error *e)
{
    const struct aggregate *a = &t->plan->aggregates[o->of];
    enum type as = aggregate_answers_as(a, o->asked.function);
    union {
        double *number;
        int64_t *time;
        struct text *text;
        void *any;
    } out = {.any = batch_array(b, n, sizeof(struct text))};
    for (size_t i = 0; i < n; i++) {
        union answer answer;
        size_t group = t->order.at[from + i];
        char *state = t->states[o->of] + group * a->keeper->size;
        int status = aggregate_value(a, &o->asked, state, &b->arena, &answer, e);
        if (status)
            return status;
        if (as == TYPE_FLOAT)
            out.number[i] = answer.number;
        else if (as == TYPE_TIME)
            out.time[i] = answer.time;
        else
            out.text[i] = answer.text;
    }
    batch_add(b, as == TYPE_FLOAT                         ? column_of_double(out.number)
                 : as == TYPE_TIME                        ? column_of_time(out.time)
                 : o->asked.function->result == TYPE_JSON ? column_of_json(out.text)
                                                          : column_of_text(out.text));
    return 0;
}

static int put_groups(struct agg_table *t, size_t from, size_t n, struct batch *b, struct error *e)
{
    const struct agg_plan *p = t->plan;
    b->rows = n;
    for (size_t i = 0; i < p->by_count; i++) {
        struct text *cells = batch_array(b, n, sizeof *cells);
        for (size_t r = 0; r < n; r++) {
            struct text v = agg_table_key(t, t->order.at[from + r], i);
            cells[r] = v.at ? (struct text){arena_text(&b->arena, v.at, v.len), v.len} : v;
        }
        batch_add(b, column_of_text(cells));
    }
    for (size_t i = 0; i < p->output_count; i++) {
        int status = answer_column(t, &p->outputs[i], from, n, b, e);
        if (status)
            return status;
    }
    return 1;
}

static int agg_produce(struct step *s, struct batch *b, struct error *e)
{
    struct agg_table *t = s->learnt;
    size_t from = 0;
    int n = agg_table_next(t, &from, e);
    if (n <= 0)
        return n;
    b->first_id = (uint64_t)from << ROW_ID_SHIFT;
    return put_groups(t, from, (size_t)n, b, e);
}

static const struct arg agg_args[] = {
    {.name = "name",
     .kind = ARG_PAIRS,
     .required = true,
     .help = "new column = function(expression): count sum mean min max first last mode median "
             "quantile std var skew kurtosis nunique nunique_approx collect"},
    {.name = "by",
     .kind = ARG_COLUMNS,
     .help = "columns whose values make the groups; none: one group"},
    {0},
};

#define AGG_HOOKS                                                                                  \
    .args = agg_args, .open = agg_open, .close = agg_close, .shape = agg_shape,                    \
    .state_new = agg_state_new, .learn = agg_learn, .merge = agg_merge, .finish = agg_finish,      \
    .state_free = agg_state_free, .produce = agg_produce, .blocking = true

const struct step_kind steps_aggregate[] = {
    {.name = "agg",
     .wants = WANTS_LISTED,
     .aliases = "group_by summarise summarize aggregate",
     .family = "aggregate",
     .class = "W",
     .summary = "one row for each group, with statistics of its rows",
     .details = "Groups come in the order of their first row; a missing key is a group of its "
                "own (pandas drops it). Sums and means are exact, rounded once, so they depend "
                "neither on the order of rows nor on threads. std and var divide by n - 1 as "
                "pandas and SQL do; median and quantile are exact, type 7. The table of groups, "
                "and the values of a group that mode, nunique, median and quantile need, spill "
                "past --memory." HELD("values that go into one list of collect",
                                      "about 200 bytes and the text"),
     .example = {.program = "agg n=count() mean_delay=mean(delay) by=origin",
                 .input = "origin,delay\nORD,10\nATL,3\nORD,20\n",
                 .output = "origin,n,mean_delay\nORD,2,15\nATL,1,3\n"},
     AGG_HOOKS},
    {.name = "rollup",
     .family = "aggregate",
     .class = "W",
     .summary = "agg for by=a,b, then a alone, then all rows: subtotals and a total",
     .details = "Columns left out of a subtotal are missing in its row. Rows come in the order "
                "of their first input row, finer groups first.",
     .example = {.program = "rollup n=count() by=city,kind",
                 .input = "city,kind\nA,x\nA,y\nB,x\n",
                 .output = "city,kind,n\nA,x,1\nA,,2\n,,3\nA,y,1\nB,x,1\nB,,1\n"},
     AGG_HOOKS},
    {.name = "cube",
     .family = "aggregate",
     .class = "W",
     .summary = "agg for every subset of the columns of by=",
     .details = "Columns left out of a subset are missing in its rows. Rows come in the order of "
                "their first input row, finer groups first.",
     .example = {.program = "cube n=count() by=city,kind",
                 .input = "city,kind\nA,x\nB,x\n",
                 .output = "city,kind,n\nA,x,1\n,x,2\nA,,1\n,,2\nB,x,1\nB,,1\n"},
     AGG_HOOKS},
    {0},
};
