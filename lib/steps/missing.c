/* Steps that make, fill, mark and count missing cells, each row alone. */
#include "prep/retype.h"
#include "steps/steps.h"

struct filling {
    struct text value;
    enum type *types; /* of the results */
};

/* The type of a column of type `column` once `value` stands in it. */
static enum type type_with(enum type column, struct text value)
{
    enum type of_value = infer_type(&value, 1);
    if (of_value == column || column == TYPE_TEXT)
        return column;
    if (column == TYPE_FLOAT && of_value == TYPE_INT)
        return TYPE_FLOAT;
    return column == TYPE_INT && of_value == TYPE_FLOAT ? TYPE_FLOAT : TYPE_TEXT;
}

static int plan_fill(struct step *s, const struct schema *in, struct error *e)
{
    struct filling *f = arena_zero(&s->arena, sizeof *f);
    (void)e;
    rowwise_plan(s)->own = f;
    f->value = arg_text(s, "value");
    f->types = arena_alloc(&s->arena, (s->column_count + 1) * sizeof *f->types);
    for (size_t i = 0; i < s->column_count; i++)
        f->types[i] = type_with(in->fields.at[s->columns[i]].type, f->value);
    return 0;
}

static int fill_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct filling *f = rowwise_plan(s)->own;
    return rowwise_shape_as(s, schema, f->types, TYPE_TEXT, e);
}

static int fill(struct mapping *m)
{
    const struct filling *f = m->own;
    for (size_t r = 0; r < m->rows; r++)
        m->out->text[r] = m->in->text[r].at ? m->in->text[r] : f->value;
    return 0;
}

/* A number that fills a column is known as one, too: what was a number stays one. */
static int lower_fill(struct lower_map *m)
{
    const struct filling *f = m->own;
    double number;
    m->out[0] = lower_op(m->to, ML_OP_fill_text, m->in[0], lower_text(m->to, f->value), 0);
    if (number_parse_double(f->value.at, f->value.len, &number))
        m->also[0] = lower_op(m->to, ML_OP_fill_float, lower_column(m->to, m->columns[0], ML_FLOAT),
                              lower_float(m->to, number), 0);
    return 0;
}

/* Of one type when all columns are; whole numbers and fractions together are fractions. */
static int plan_coalesce(struct step *s, const struct schema *in, struct error *e)
{
    struct filling *f = arena_zero(&s->arena, sizeof *f);
    (void)e;
    rowwise_plan(s)->own = f;
    f->types = arena_alloc(&s->arena, sizeof *f->types);
    f->types[0] = in->fields.at[s->columns[0]].type;
    for (size_t i = 1; i < s->column_count; i++) {
        enum type next = in->fields.at[s->columns[i]].type;
        if (next != f->types[0])
            f->types[0] =
                type_is_number(next) && type_is_number(f->types[0]) ? TYPE_FLOAT : TYPE_TEXT;
    }
    return 0;
}

static int coalesce(struct mapping *m)
{
    for (size_t r = 0; r < m->rows; r++) {
        m->out->text[r] = (struct text){NULL, 0};
        for (size_t i = 0; i < m->count && !m->out->text[r].at; i++)
            m->out->text[r] = m->in[i].text[r];
    }
    return 0;
}

static int lower_coalesce(struct lower_map *m)
{
    m->out[0] = m->in[0];
    for (size_t i = 1; i < m->count; i++)
        m->out[0] = lower_op(m->to, ML_OP_first_text, m->out[0], m->in[i], 0);
    return 0;
}

static int indicate(struct mapping *m)
{
    for (size_t r = 0; r < m->rows; r++)
        m->out->flag[r] = !m->in->text[r].at;
    return 0;
}

static int count_missing(struct mapping *m)
{
    for (size_t r = 0; r < m->rows; r++) {
        m->out->integer[r] = 0;
        for (size_t i = 0; i < m->count; i++)
            m->out->integer[r] += !m->in[i].text[r].at;
    }
    return 0;
}

/* What a column holds is missing in any class. */
static uint32_t held(const struct lower_map *m, size_t i)
{
    const struct lower_column *c = &m->to->columns.at[m->columns[i]];
    return c->as[c->class];
}

static int lower_indicate(struct lower_map *m)
{
    m->out[0] = lower_op(m->to, ML_OP_is_missing, held(m, 0), 1, 0);
    return 0;
}

static int lower_count_missing(struct lower_map *m)
{
    m->out[0] = lower_op(m->to, ML_OP_set_int, lower_int(m->to, 0), 0, 0);
    for (size_t i = 0; i < m->count; i++)
        m->out[0] = lower_op(m->to, ML_OP_count_missing, m->out[0], held(m, i), 0);
    return 0;
}

struct tokens {
    enum type *types; /* as they were */
    struct text *at;
    size_t count;
    struct regex *regex;
};

static struct tokens *tokens_new(struct step *s, const struct schema *in)
{
    struct tokens *t = mem_alloc(sizeof *t);
    rowwise_plan(s)->own = t;
    t->types = arena_alloc(&s->arena, (s->column_count + 1) * sizeof *t->types);
    for (size_t i = 0; i < s->column_count; i++)
        t->types[i] = in->fields.at[s->columns[i]].type;
    return t;
}

static void tokens_free(void *own)
{
    struct tokens *t = own;
    regex_free(t->regex);
    mem_free(t);
}

static int plan_tokens(struct step *s, const struct schema *in, struct error *e)
{
    struct tokens *t = tokens_new(s, in);
    (void)e;
    t->count = arg_list(s, "tokens", &t->at);
    return 0;
}

static int plan_regex(struct step *s, const struct schema *in, struct error *e)
{
    struct text pattern = arg_text(s, "pattern");
    struct error problem = {0};
    struct tokens *t = tokens_new(s, in);
    bool ignore_case = arg_bool(s, "ignore_case");
    if (regex_compile(pattern.at, pattern.len, ignore_case, &t->regex, &problem))
        return step_error(s, e, "%s", problem.message);
    return 0;
}

static int tokens_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct tokens *t = rowwise_plan(s)->own;
    return rowwise_shape_as(s, schema, t->types, TYPE_TEXT, e);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct text trimmed(struct text cell)
{
    while (cell.len > 0 && is_blank(cell.at[0]))
        cell = (struct text){cell.at + 1, cell.len - 1};
    while (cell.len > 0 && is_blank(cell.at[cell.len - 1]))
        cell.len--;
    return cell;
}

static bool is_token(const struct tokens *t, struct text cell)
{
    cell = trimmed(cell);
    for (size_t i = 0; i < t->count; i++)
        if (text_equal(cell, t->at[i]))
            return true;
    return cell.len == 0;
}

static int clear_tokens(struct mapping *m)
{
    for (size_t r = 0; r < m->rows; r++) {
        struct text cell = m->in->text[r];
        m->out->text[r] = cell.at && is_token(m->own, cell) ? (struct text){NULL, 0} : cell;
    }
    return 0;
}

static int lower_clear_tokens(struct lower_map *m)
{
    const struct tokens *t = m->own;
    struct map different = {0};
    for (size_t i = 0; i < t->count; i++)
        map_put(&different, t->at[i], NULL);
    uint32_t map = lower_map(m->to, different.keys.at, different.keys.len);
    m->out[0] = lower_op(m->to, ML_OP_blank_known, m->in[0], map, 1);
    map_release(&different);
    return 0;
}

static int clear_matches(struct mapping *m)
{
    const struct tokens *t = m->own;
    struct regex_match *match = regex_match_new(t->regex);
    int rc = 0;
    for (size_t r = 0; r < m->rows && rc == 0; r++) {
        struct text cell = m->in->text[r];
        bool clear = cell.at && regex_search(t->regex, match, cell, 0);
        m->out->text[r] = clear ? (struct text){NULL, 0} : cell;
        if (cell.at && UNLIKELY(regex_gave_up(match)))
            rc = mapping_reject(m, 0, r, "the pattern takes too many steps on this text");
    }
    regex_match_free(match);
    return rc;
}

static const struct arg fill_args[] = {
    ROWWISE_COLUMNS("columns to fill"),
    {.name = "value", .kind = ARG_TEXT, .required = true, .help = "what missing cells become"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL},
};
static const struct arg coalesce_args[] = {
    ROWWISE_COLUMNS("columns to look into, in this order"),
    {.name = "into", .kind = ARG_NAME, .required = true, .help = "the new column"},
    {.name = NULL},
};
static const struct arg indicator_args[] = {
    ROWWISE_COLUMNS("columns to look at"),
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL},
};
static const struct arg count_args[] = {
    ROWWISE_COLUMNS("columns to look at"),
    {.name = "into", .kind = ARG_NAME, .fallback = "missing_count", .help = "the new column"},
    {.name = NULL},
};
static const struct arg tokens_args[] = {
    ROWWISE_COLUMNS("columns to look at"),
    {.name = "tokens",
     .kind = ARG_LIST,
     .fallback = "NA,N/A,n/a,NULL,null,None,none,NaN,nan,-,?",
     .help = "texts that mean missing"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL},
};
static const struct arg regex_args[] = {
    ROWWISE_COLUMNS("columns to look at"),
    {.name = "pattern", .kind = ARG_TEXT, .required = true, .help = "PCRE2 regular expression"},
    {.name = "ignore_case", .kind = ARG_BOOL, .fallback = "false", .help = "letters of any case"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL},
};

#define MISSING .family = "missing", .class = "S"
#define MAP_OF(result, kernel, ...)                                                                \
    ROWWISE_MAP(.from = TYPE_TEXT, .to = result, .column = kernel, __VA_ARGS__)
#define TEXT_HOOKS(shape_hook)                                                                     \
    .open = rowwise_open, .shape = shape_hook, .close = rowwise_close, .apply = rowwise_apply,     \
    .lower = rowwise_lower

const struct step_kind steps_missing[] = {
    {.name = "fill",
     .aliases = "fill_value fillna impute_constant arbitrary_number",
     MISSING,
     .summary = "put a value into missing cells",
     .details = "Other cells keep their text. A column whose type the value does not fit becomes "
                "text.",
     .args = fill_args,
     .example = {.program = "fill age,city value=0",
                 .input = "age,city\n31,Rome\n,\n",
                 .output = "age,city\n31,Rome\n0,0\n"},
     TEXT_HOOKS(fill_shape),
     MAP_OF(TYPE_TEXT, fill, .lower = lower_fill, .prepare = plan_fill)},
    {.name = "coalesce",
     MISSING,
     .summary = "the first value of several columns that is there",
     .args = coalesce_args,
     .example = {.program = "coalesce mobile,home into=phone",
                 .input = "mobile,home\n,55\n66,77\n,\n",
                 .output = "mobile,home,phone\n,55,55\n66,77,66\n,,\n"},
     TEXT_HOOKS(fill_shape),
     MAP_OF(TYPE_TEXT, coalesce, .lower = lower_coalesce, .several = true,
            .prepare = plan_coalesce)},
    {.name = "missing_indicator",
     .aliases = "add_missing_indicator is_missing",
     MISSING,
     .summary = "add true or false: was the cell missing",
     .details = "New columns are named after the old with _missing at the end.",
     .args = indicator_args,
     .example = {.program = "missing_indicator age",
                 .input = "age,city\n31,Rome\n,Oslo\n",
                 .output = "age,city,age_missing\n31,Rome,false\n,Oslo,true\n"},
     ROWWISE_HOOKS,
     MAP_OF(TYPE_BOOL, indicate, .lower = lower_indicate, .suffix = "_missing")},
    {.name = "missing_count",
     .aliases = "count_missing",
     MISSING,
     .summary = "add the number of missing cells of the row",
     .args = count_args,
     .example = {.program = "missing_count @all",
                 .input = "age,city\n31,Rome\n,Oslo\n,\n",
                 .output = "age,city,missing_count\n31,Rome,0\n,Oslo,1\n,,2\n"},
     ROWWISE_HOOKS,
     MAP_OF(TYPE_INT, count_missing, .lower = lower_count_missing, .several = true)},
    {.name = "missing_tokens_to_null",
     .aliases = "null_tokens na_tokens",
     MISSING,
     .summary = "texts that stand for missing become missing",
     .details =
         "Blanks around a cell are left out when it is compared; a cell of nothing but blanks "
         "becomes missing too. Case matters. --na does the same for all columns while "
         "reading.",
     .args = tokens_args,
     .example = {.program = "missing_tokens_to_null age tokens=NA,unknown",
                 .input = "age\n31\nNA\n unknown \n\"\"\nna\n",
                 .output = "age\n31\n\n\n\nna\n"},
     TEXT_HOOKS(tokens_shape),
     MAP_OF(TYPE_TEXT, clear_tokens, .lower = lower_clear_tokens, .prepare = plan_tokens,
            .release = tokens_free)},
    {.name = "regex_to_missing",
     .not_compiled = NOT_COMPILED_REGEX,
     .aliases = "convert_regex_to_missing",
     MISSING,
     .summary = "cells in which a regular expression is found become missing",
     .args = regex_args,
     .example = {.program = "regex_to_missing phone pattern=\"^0+$\"",
                 .input = "phone\n555\n000\n0501\n",
                 .output = "phone\n555\n\n0501\n"},
     TEXT_HOOKS(tokens_shape),
     MAP_OF(TYPE_TEXT, clear_matches, .prepare = plan_regex, .release = tokens_free)},
    {.name = NULL},
};
