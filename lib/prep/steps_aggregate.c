/* Steps that make one row of many: agg, rollup, cube. */
#include "prep/accumulate.h"
#include "prep/families.h"
#include "table/sorter.h"

#include <stdlib.h>

enum { ROWS_OUT = 4096 };

/* ---- the plan: what is asked --------------------------------------------------------------------------- */

struct agg_plan {
    struct aggregate *aggregates;
    struct expr **values;   /* argument of each; NULL: none */
    const char **names;
    size_t count;
    size_t *by, by_count;
    const char **by_names;
    uint64_t *sets;         /* grouping sets: bit i = by[i] is part of the group */
    size_t set_count;
};

/* "quantile(delay, 0.9)" into its name and up to two arguments. */
static bool split_call(struct text call, struct text *name, struct text args[2], size_t *count)
{
    const char *open = memchr(call.at, '(', call.len), *end = call.at + call.len;
    if (!open || end[-1] != ')')
        return false;
    *name = (struct text){call.at, (size_t)(open - call.at)};
    const char *at = open + 1, *start = at;
    *count = 0;
    char quote = 0;
    for (int depth = 0; at < end; at++) {
        if (quote)
            quote = *at == quote ? 0 : quote;
        else if (*at == '"' || *at == '\'' || *at == '`')
            quote = *at;
        else if (*at == '(' || *at == '[')
            depth++;
        else if (depth > 0 && (*at == ')' || *at == ']'))
            depth--;
        else if (depth == 0 && (*at == ',' || *at == ')')) {
            if (*count == 2)
                return false;
            args[(*count)++] = (struct text){start, (size_t)(at - start)};
            start = at + 1;
        }
    }
    if (*count == 1 && args[0].len == 0)
        *count = 0;
    return start == end;
}

static int open_aggregate(struct step *s, const struct schema *in, struct text call,
                          struct aggregate *a, struct expr **value, struct error *e)
{
    struct text name, args[2];
    size_t count = 0;
    char quoted[QUOTE_MAX];
    quote(quoted, call.at, call.len);
    if (call.len == 0 || !split_call(call, &name, args, &count))
        return step_error(s, e, "%s: expected function(column), such as mean(delay)", quoted);
    a->function = accumulator_find(name);
    a->memory = s->context->memory;
    if (!a->function)
        return step_error(s, e, "unknown aggregate function %s", quote(quoted, name.at, name.len));
    bool counts_rows = a->function == accumulator_find(text_of("count"));
    size_t wanted = 1 + (size_t)a->function->has_parameter;
    if (count != wanted && !(counts_rows && count == 0))
        return step_error(s, e, "%s: %zu argument%s, not %zu", quoted, wanted, wanted == 1 ? "" : "s",
                          count);
    if (a->function->has_parameter) {
        struct text p = args[1];
        while (p.len && *p.at == ' ')
            p = (struct text){p.at + 1, p.len - 1};
        if (!number_parse_double(p.at, p.len, &a->parameter) || a->parameter < 0 || a->parameter > 1)
            return step_error(s, e, "%s: expected a number from 0 to 1 after the comma", quoted);
    }
    if (count == 0)
        return 0;
    int status = step_expr(s, args[0], in, value, e);
    if (status == 0) {
        size_t bare = expr_bare_column(*value);
        a->type = bare == FIELD_NONE ? expr_type(*value) : in->fields.at[bare].type;
    }
    return status;
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
    if (p->by_count > 16)
        return step_error(s, e, "at most 16 columns to group by");
    p->by_names = arena_alloc(&s->arena, (p->by_count + 1) * sizeof *p->by_names);
    for (size_t i = 0; i < p->by_count; i++)
        p->by_names[i] = arena_text(&s->arena, in->fields.at[p->by[i]].name,
                                    strlen(in->fields.at[p->by[i]].name));
    plan_sets(s, p);
    p->aggregates = arena_zero(&s->arena, s->pairs.len * sizeof *p->aggregates);
    p->values = arena_zero(&s->arena, s->pairs.len * sizeof *p->values);
    p->names = arena_zero(&s->arena, s->pairs.len * sizeof *p->names);
    for (size_t i = 0; i < s->pairs.len && status == 0; i++) {
        struct pair *pair = &s->pairs.at[i];
        p->names[i] = arena_text(&s->arena, pair->name.at, pair->name.len);
        p->count++;
        status = open_aggregate(s, in, pair->value, &p->aggregates[i], &p->values[i], e);
    }
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
    for (size_t i = 0; i < p->count && status == 0; i++) {
        if (schema_find(&out, text_of(p->names[i])) != FIELD_NONE)
            status = step_error(s, e, "two columns named '%s'", p->names[i]);
        const struct aggregate *a = &p->aggregates[i];
        schema_add(&out, text_of(p->names[i]), a->function->keeps_type ? a->type : a->function->result);
    }
    schema_release(schema);
    *schema = out;
    return status;
}

/* ---- the table of groups -------------------------------------------------------------------------------- */

struct agg_table {
    const struct agg_plan *plan;
    struct map groups;          /* key of a group: see put_key */
    VEC(uint64_t) first;        /* smallest row id, by group */
    char **states;              /* per aggregate: array of states by group */
    size_t capacity;            /* groups that fit the arrays */
    size_t held;                /* bytes the states own */
    size_t limit;               /* bytes, then it spills */
    struct sorter *spilled;     /* groups by key */
    struct sorter *ordered;     /* groups by first row, once merged */
    VEC(uint32_t) order;        /* groups in the order they go out */
    size_t next;
};

static void *agg_state_new(const struct step *s)
{
    struct agg_table *t = mem_alloc(sizeof *t);
    t->plan = s->plan;
    t->states = mem_alloc((t->plan->count + 1) * sizeof *t->states);
    t->limit = s->context->memory / (s->context->jobs ? s->context->jobs : 1);
    return t;
}

static void release_states(struct agg_table *t)
{
    for (size_t a = 0; a < t->plan->count; a++) {
        const struct accumulator *f = t->plan->aggregates[a].function;
        for (size_t g = 0; f->release && g < t->first.len; g++)
            f->release(t->states[a] + g * f->size);
    }
}

static void clear_table(struct agg_table *t)
{
    release_states(t);
    for (size_t a = 0; a < t->plan->count; a++)
        if (t->states[a])
            memset(t->states[a], 0, t->first.len * t->plan->aggregates[a].function->size);
    map_clear(&t->groups);
    t->first.len = t->held = 0;
}

static void agg_state_free(void *state)
{
    struct agg_table *t = state;
    release_states(t);
    for (size_t a = 0; a < t->plan->count; a++)
        mem_free(t->states[a]);
    mem_free(t->states);
    map_release(&t->groups);
    vec_release(&t->first);
    vec_release(&t->order);
    sorter_free(t->spilled);
    sorter_free(t->ordered);
    mem_free(t);
}

static void grow_states(struct agg_table *t)
{
    size_t more = t->capacity ? 2 * t->capacity : 64;
    for (size_t a = 0; a < t->plan->count; a++) {
        size_t size = t->plan->aggregates[a].function->size;
        t->states[a] = mem_array(t->states[a], more, size);
        memset(t->states[a] + t->capacity * size, 0, (more - t->capacity) * size);
    }
    t->capacity = more;
}

static uint32_t find_group(struct agg_table *t, struct text key, uint64_t id)
{
    bool is_new = false;
    size_t g = map_put(&t->groups, key, &is_new);
    if (is_new) {
        vec_push(&t->first, id);
        if (t->first.len > t->capacity)
            grow_states(t);
    } else if (id < t->first.at[g]) {
        t->first.at[g] = id;
    }
    return (uint32_t)g;
}

static size_t table_bytes(const struct agg_table *t)
{
    size_t size = 64;
    for (size_t a = 0; a < t->plan->count; a++)
        size += t->plan->aggregates[a].function->size;
    return t->capacity * size + t->held + map_held(&t->groups);
}

/* ---- keys ------------------------------------------------------------------------------------------------- */

/* The set, then length and bytes of each value, all ones for a missing one; columns that are not in the set
 * are missing. */
static void put_key(struct buf *key, uint64_t set, const struct text *const *cells, size_t count,
                    size_t row)
{
    key->len = 0;
    buf_add(key, &set, sizeof set);
    for (size_t i = 0; i < count; i++) {
        struct text v = set >> i & 1 ? cells[i][row] : (struct text){NULL, 0};
        uint32_t len = v.at ? (uint32_t)v.len : UINT32_MAX;
        buf_add(key, &len, sizeof len);
        if (v.at)
            buf_add(key, v.at, v.len);
    }
}

static struct text key_value(struct text key, size_t i)
{
    const char *at = key.at + sizeof(uint64_t);
    for (;; i--) {
        uint32_t len;
        memcpy(&len, at, sizeof len);
        at += sizeof len;
        bool missing = len == UINT32_MAX;
        if (i == 0)
            return (struct text){missing ? NULL : at, missing ? 0 : len};
        at += missing ? 0 : len;
    }
}

/* Groups of the rows of b for one grouping set. */
static void find_groups(struct agg_table *t, struct batch *b, uint64_t set, const uint64_t *ids,
                        uint32_t *group)
{
    const struct agg_plan *p = t->plan;
    const struct text *cells[16] = {NULL};
    if (p->by_count == 0 && b->rows > 0) {
        find_group(t, (struct text){(const char *)&set, sizeof set}, ids[0]);
        memset(group, 0, b->rows * sizeof *group); /* the only group there is */
        return;
    }
    for (size_t i = 0; i < p->by_count; i++)
        cells[i] = batch_text(b, p->by[i]);
    struct buf key = {0};
    for (size_t r = 0; r < b->rows; r++) {
        put_key(&key, set, cells, p->by_count, r);
        group[r] = find_group(t, (struct text){key.at, key.len}, ids[r]);
    }
    buf_release(&key);
}

/* ---- learning --------------------------------------------------------------------------------------------- */

/* The argument's values; a column made for them goes again. */
static int take_samples(const struct agg_plan *p, size_t i, struct batch *b, struct samples *v,
                        struct error *e)
{
    const struct expr *x = p->values[i];
    v->number = NULL;
    v->time = NULL;
    v->text = NULL;
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
    int status = 0;
    switch (aggregate_held_as(&p->aggregates[i])) {
    case TYPE_FLOAT:
        status = batch_double(b, column, p->names[i], &v->number, e);
        break;
    case TYPE_TIME:
        status = batch_time(b, column, p->names[i], &v->time, e);
        break;
    default:
        v->text = batch_text(b, column);
    }
    if (made)
        batch_remove(b, column);
    return status;
}

static int spill_table(struct agg_table *t, struct error *e)
{
    struct buf bytes = {0}, part = {0};
    int status = 0;
    if (!t->spilled)
        t->spilled = sorter_new(t->limit / 4);
    for (size_t g = 0; g < t->first.len && status == 0; g++) {
        bytes.len = 0;
        buf_add(&bytes, &t->first.at[g], sizeof(uint64_t));
        for (size_t a = 0; a < t->plan->count; a++) {
            const struct accumulator *f = t->plan->aggregates[a].function;
            part.len = 0;
            f->put(&t->plan->aggregates[a], t->states[a] + g * f->size, &part);
            uint64_t n = part.len;
            buf_add(&bytes, &n, sizeof n);
            buf_add(&bytes, part.at, part.len);
        }
        status = sorter_add(t->spilled, t->groups.keys.at[g], (struct text){bytes.at, bytes.len}, e);
    }
    buf_release(&bytes);
    buf_release(&part);
    clear_table(t);
    return status;
}

static int agg_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    const struct agg_plan *p = s->plan;
    struct agg_table *t = state;
    uint64_t *ids = batch_array(b, b->rows, sizeof *ids);
    uint32_t *group = batch_array(b, b->rows, sizeof *group);
    for (size_t r = 0; r < b->rows; r++)
        ids[r] = batch_row_id(b, r);
    struct samples v = {.rows = b->rows, .group = group, .ids = ids, .one_group = p->by_count == 0};
    for (size_t k = 0; k < p->set_count; k++) {
        find_groups(t, b, p->sets[k], ids, group);
        for (size_t i = 0; i < p->count; i++) {
            int status = take_samples(p, i, b, &v, e);
            if (status)
                return status;
            p->aggregates[i].function->add(&p->aggregates[i], t->states[i], &v, &t->held);
        }
    }
    return table_bytes(t) > t->limit && t->first.len > 0 ? spill_table(t, e) : 0;
}

/* A group as spill_table wrote it. */
static void absorb_group(struct agg_table *t, struct text key, struct text bytes)
{
    uint64_t first, n;
    memcpy(&first, bytes.at, sizeof first);
    uint32_t g = find_group(t, key, first);
    const char *at = bytes.at + sizeof first;
    for (size_t a = 0; a < t->plan->count; a++) {
        const struct aggregate *aggregate = &t->plan->aggregates[a];
        memcpy(&n, at, sizeof n);
        at += sizeof n;
        if (n)
            aggregate->function->absorb(aggregate, t->states[a] + g * aggregate->function->size,
                                        (struct text){at, n}, &t->held);
        at += n;
    }
}

static int agg_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    struct agg_table *t = into, *other = from;
    if (!t->spilled && !other->spilled && table_bytes(t) + table_bytes(other) <= 2 * t->limit) {
        struct buf part = {0};
        for (size_t g = 0; g < other->first.len; g++) {
            uint32_t mine = find_group(t, other->groups.keys.at[g], other->first.at[g]);
            for (size_t a = 0; a < t->plan->count; a++) {
                const struct aggregate *aggregate = &t->plan->aggregates[a];
                size_t size = aggregate->function->size;
                part.len = 0;
                aggregate->function->put(aggregate, other->states[a] + g * size, &part);
                if (part.len)
                    aggregate->function->absorb(aggregate, t->states[a] + mine * size,
                                                (struct text){part.at, part.len}, &t->held);
            }
        }
        buf_release(&part);
        return 0;
    }
    int status = spill_table(t, e);
    if (status == 0)
        status = spill_table(other, e);
    return status ? status : sorter_merge(t->spilled, other->spilled, e);
}

/* ---- the result -------------------------------------------------------------------------------------------- */

/* Parts of one group come one after the other; whole groups go on, by their first row. */
static int merge_spilled(struct agg_table *t, struct error *e)
{
    struct sorter *parts = t->spilled;
    struct text key, bytes;
    struct buf order = {0};
    t->spilled = NULL;
    t->ordered = sorter_new(t->limit / 2);
    struct agg_table one = {.plan = t->plan, .limit = t->limit};
    one.states = mem_alloc((t->plan->count + 1) * sizeof *one.states);
    int status = sorter_finish(parts, e), got = 0;
    while (status == 0 && (got = sorter_next(parts, &key, &bytes, e)) >= 0) {
        bool whole = one.first.len > 0 && (got == 0 || !text_equal(key, one.groups.keys.at[0]));
        if (whole) {
            uint64_t first = one.first.at[0];
            size_t limit = one.limit;
            one.spilled = sorter_new(limit);
            status = spill_table(&one, e);
            struct text k, v;
            if (status == 0)
                status = sorter_finish(one.spilled, e);
            if (status == 0 && sorter_next(one.spilled, &k, &v, e) == 1) {
                order.len = 0;
                key_put_id(&order, first);
                buf_add(&order, k.at, k.len);
                status = sorter_add(t->ordered, (struct text){order.at, order.len}, v, e);
            }
            sorter_free(one.spilled);
            one.spilled = NULL;
        }
        if (got == 0)
            break;
        absorb_group(&one, key, bytes);
    }
    release_states(&one);
    for (size_t a = 0; a < t->plan->count; a++)
        mem_free(one.states[a]);
    mem_free(one.states);
    map_release(&one.groups);
    vec_release(&one.first);
    buf_release(&order);
    sorter_free(parts);
    if (status == 0 && got < 0)
        status = got;
    return status ? status : sorter_finish(t->ordered, e);
}

struct ranked {
    uint64_t first;
    uint32_t group;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}

static void order_groups(struct agg_table *t)
{
    struct ranked *ranked = mem_array(NULL, t->first.len + 1, sizeof *ranked);
    for (size_t g = 0; g < t->first.len; g++)
        ranked[g] = (struct ranked){t->first.at[g], (uint32_t)g};
    if (t->first.len)
        qsort(ranked, t->first.len, sizeof *ranked, compare_ranked);
    t->order.len = t->next = 0;
    for (size_t g = 0; g < t->first.len; g++)
        vec_push(&t->order, ranked[g].group);
    mem_free(ranked);
}

static int agg_finish(struct step *s, void *state, struct error *e)
{
    struct agg_table *t = state;
    s->learnt = t;
    if (t->spilled) {
        int status = spill_table(t, e);
        return status ? status : merge_spilled(t, e);
    }
    if (t->first.len == 0 && t->plan->by_count == 0) { /* no rows: one row of counts all the same */
        uint64_t set = 0;
        find_group(t, (struct text){(const char *)&set, sizeof set}, 0);
    }
    order_groups(t);
    return 0;
}

static int answer_column(const struct aggregate *a, struct agg_table *t, char *states,
                         size_t from, size_t n, struct batch *b, struct error *e)
{
    enum type as = aggregate_answers_as(a);
    union {
        double *number;
        int64_t *time;
        struct text *text;
        void *any;
    } out = {.any = batch_array(b, n, sizeof(struct text))};
    for (size_t i = 0; i < n; i++) {
        union answer answer;
        size_t group = t->order.at[from + i];
        int status =
            a->function->value(a, states + group * a->function->size, &b->arena, &answer, e);
        if (status)
            return status;
        if (as == TYPE_FLOAT)
            out.number[i] = answer.number;
        else if (as == TYPE_TIME)
            out.time[i] = answer.time;
        else
            out.text[i] = answer.text;
    }
    batch_add(b, as == TYPE_FLOAT                        ? column_of_double(out.number)
                 : as == TYPE_TIME                       ? column_of_time(out.time)
                 : a->function->result == TYPE_JSON ? column_of_json(out.text)
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
            struct text v = key_value(t->groups.keys.at[t->order.at[from + r]], i);
            cells[r] = v.at ? (struct text){arena_text(&b->arena, v.at, v.len), v.len} : v;
        }
        batch_add(b, column_of_text(cells));
    }
    for (size_t a = 0; a < p->count; a++) {
        int status = answer_column(&p->aggregates[a], t, t->states[a], from, n, b, e);
        if (status)
            return status;
    }
    return 1;
}

/* The next groups of a spilled table, back in memory. */
static int read_ordered(struct agg_table *t, struct error *e)
{
    clear_table(t);
    struct text key, bytes;
    int got = 1;
    while (t->first.len < ROWS_OUT && table_bytes(t) < t->limit &&
           (got = sorter_next(t->ordered, &key, &bytes, e)) == 1)
        absorb_group(t, (struct text){key.at + 8, key.len - 8}, bytes);
    order_groups(t);
    return got < 0 ? got : 0;
}

static int agg_produce(struct step *s, struct batch *b, struct error *e)
{
    struct agg_table *t = s->learnt;
    if (t->ordered && t->next == t->order.len) {
        int status = read_ordered(t, e);
        if (status)
            return status;
    }
    size_t left = t->order.len - t->next, n = left < ROWS_OUT ? left : ROWS_OUT;
    if (n == 0)
        return 0;
    b->first_id = (uint64_t)t->next << ROW_ID_SHIFT;
    t->next += n;
    return put_groups(t, t->next - n, n, b, e);
}

/* ---- the entries ------------------------------------------------------------------------------------------- */

static const struct arg agg_args[] = {
    {.name = "name", .kind = ARG_PAIRS, .required = true,
     .help = "new column = function(expression): count sum mean min max first last mode median "
             "quantile std var skew kurtosis nunique nunique_approx collect"},
    {.name = "by", .kind = ARG_COLUMNS, .help = "columns whose values make the groups; none: one group"},
    {0},
};

#define AGG_HOOKS                                                                                  \
    .args = agg_args, .open = agg_open, .close = agg_close, .shape = agg_shape,                    \
    .state_new = agg_state_new, .learn = agg_learn, .merge = agg_merge, .finish = agg_finish,      \
    .state_free = agg_state_free, .produce = agg_produce, .blocking = true

const struct step_kind steps_aggregate[] = {
    {.name = "agg",
     .aliases = "group_by summarise summarize aggregate",
     .family = "aggregate",
     .class = "W",
     .summary = "one row for each group, with statistics of its rows",
     .details = "Groups come in the order of their first row; a missing key is a group of its own (pandas drops it). Sums and "
                "means are exact, rounded once, so they depend neither on the order of rows nor on threads. std and "
                "var divide by n - 1 as pandas and SQL do; median and quantile are exact, type 7. The table of groups "
                "spills past --memory.",
     .example = {.program = "agg n=count() mean_delay=mean(delay) by=origin",
                 .input = "origin,delay\nORD,10\nATL,3\nORD,20\n",
                 .output = "origin,n,mean_delay\nORD,2,15\nATL,1,3\n"},
     AGG_HOOKS},
    {.name = "rollup",
     .family = "aggregate",
     .class = "W",
     .summary = "agg for by=a,b, then a alone, then all rows: subtotals and a total",
     .details = "Columns left out of a subtotal are missing in its row. Rows come in the order of their first input row, "
                "finer groups first.",
     .example = {.program = "rollup n=count() by=city,kind",
                 .input = "city,kind\nA,x\nA,y\nB,x\n",
                 .output = "city,kind,n\nA,x,1\nA,,2\n,,3\nA,y,1\nB,x,1\nB,,1\n"},
     AGG_HOOKS},
    {.name = "cube",
     .family = "aggregate",
     .class = "W",
     .summary = "agg for every subset of the columns of by=",
     .details = "Columns left out of a subset are missing in its rows. Rows come in the order of their first input row, "
                "finer groups first.",
     .example = {.program = "cube n=count() by=city,kind",
                 .input = "city,kind\nA,x\nB,x\n",
                 .output = "city,kind,n\nA,x,1\n,x,2\nA,,1\n,,2\nB,x,1\nB,,1\n"},
     AGG_HOOKS},
    {0},
};
