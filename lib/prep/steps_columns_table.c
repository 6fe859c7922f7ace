/* Steps on columns that must see the rows first. */
#include "prep/families.h"
#include "prep/recipe.h"

/* ---- drop_empty_columns --------------------------------------------------------------------- */

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

/* Nothing is known of a column before a row was seen: then it stays. */
static bool drops(const struct step *s, size_t column)
{
    const struct held *h = s->learnt;
    for (size_t i = 0; i < s->column_count; i++)
        if (s->columns[i] == column)
            return h->rows > 0 && !h->any[i];
    return false;
}

static int empty_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    for (size_t i = schema->fields.len; i-- > 0;)
        if (drops(s, i))
            schema_remove(schema, i);
    return 0;
}

static int empty_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    for (size_t i = b->columns.len; i-- > 0;)
        if (drops(s, i))
            batch_remove(b, i);
    return 0;
}

/* ---- the table ------------------------------------------------------------------------------ */

static const struct arg empty_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .fallback = "@all",
     .help = "columns to look at",
     .positional = true},
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
        .state_new = empty_new,
        .learn = empty_learn,
        .merge = empty_merge,
        .save = empty_save,
        .load = empty_load,
        .state_free = empty_free,
    },
    {0},
};
