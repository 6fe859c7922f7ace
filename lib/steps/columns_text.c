/* Steps that split a text column into several and join several into one. */
#include "prep/recipe.h"
#include "steps/steps.h"

enum merge_missing { MISSING_SKIP, MISSING_EMPTY, MISSING_NULL };

/* The result stands where the first of them in the table stood. */
static size_t merge_place(const struct step *s)
{
    size_t first = s->columns[0];
    for (size_t i = 1; i < s->column_count; i++)
        if (s->columns[i] < first)
            first = s->columns[i];
    return first;
}

static int merge_open(struct step *s, const struct schema *in, struct error *e)
{
    struct text name = arg_text(s, "into");
    for (size_t i = 0; !arg_bool(s, "keep") && i < s->column_count; i++)
        if (text_equal(name, text_of(s->names[i])))
            return 0;
    return step_new_name(s, in, name, e);
}

static int merge_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    size_t place = merge_place(s);
    if (!arg_bool(s, "keep"))
        schema_leave_out(schema, s->columns, s->column_count);
    schema_insert(schema, place, arg_text(s, "into"), TYPE_TEXT);
    return 0;
}

static struct text merge_row(const struct step *s, struct batch *b, const struct text *const *cells,
                             size_t row, struct buf *scratch)
{
    struct text sep = arg_text(s, "sep");
    enum merge_missing missing = (enum merge_missing)arg_choice(s, "missing");
    size_t used = 0;
    scratch->len = 0;
    for (size_t i = 0; i < s->column_count; i++) {
        struct text cell = cells[i][row];
        if (!cell.at && missing == MISSING_NULL)
            return cell;
        if (!cell.at && missing == MISSING_SKIP)
            continue;
        if (used++ > 0)
            buf_add(scratch, sep.at, sep.len);
        if (cell.at)
            buf_add(scratch, cell.at, cell.len);
    }
    if (used == 0)
        return (struct text){NULL, 0};
    return (struct text){arena_copy(&b->arena, buf_text(scratch), scratch->len), scratch->len};
}

static int merge_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    const struct text **cells = batch_array(b, s->column_count, sizeof *cells);
    for (size_t i = 0; i < s->column_count; i++)
        cells[i] = batch_text(b, s->columns[i]);
    struct text *merged = batch_array(b, b->rows, sizeof *merged);
    struct buf scratch = {0};
    for (size_t r = 0; r < b->rows; r++)
        merged[r] = merge_row(s, b, cells, r, &scratch);
    buf_release(&scratch);
    size_t place = merge_place(s);
    if (!arg_bool(s, "keep"))
        batch_leave_out(b, s->columns, s->column_count);
    batch_insert(b, place, column_of_text(merged));
    return 0;
}

static int merge_lower(const struct step *s, struct lowering *l, struct error *e)
{
    /* As concat counts what is missing; all of them makes the result missing, unless empty. */
    static const uint32_t how[] = {[MISSING_SKIP] = 1 + 3, [MISSING_EMPTY] = 2, [MISSING_NULL] = 0};
    uint32_t *cells = mem_array(NULL, s->column_count + 1, sizeof *cells);
    (void)e;
    for (size_t i = 0; i < s->column_count; i++)
        cells[i] = lower_column(l, s->columns[i], ML_TEXT);
    uint32_t sep = lower_op(l, ML_OP_set_text, lower_text(l, arg_text(s, "sep")), 0, 0);
    uint32_t merged = lower_op(l, ML_OP_concat, lower_list(l, cells, s->column_count), sep,
                               how[arg_choice(s, "missing")]);
    mem_free(cells);
    size_t place = merge_place(s);
    if (!arg_bool(s, "keep"))
        lower_leave_out(l, s->columns, s->column_count);
    lower_insert(l, place, merged);
    return 0;
}

enum split_extra { EXTRA_MERGE, EXTRA_DROP, EXTRA_ERROR };

struct split_plan {
    struct text sep;
    size_t column, count;
    const char *name;
    struct text *into;
    enum split_extra extra;
};

/* New names: none empty, none twice, none of another column. */
static int check_into(struct step *s, const struct split_plan *plan, const struct schema *in,
                      struct error *e)
{
    for (size_t i = 0; i < plan->count; i++) {
        bool replaces = !arg_bool(s, "keep") && text_equal(plan->into[i], arg_text(s, "column"));
        if (plan->into[i].len == 0)
            return step_error(s, e, "into= holds an empty name");
        for (size_t k = 0; k < i; k++)
            if (text_equal(plan->into[i], plan->into[k]))
                return step_error(s, e, "into= names a column twice");
        int rc = replaces ? 0 : step_new_name(s, in, plan->into[i], e);
        if (rc)
            return rc;
    }
    return plan->count > 0 ? 0 : step_error(s, e, "into= names no column");
}

static int split_open(struct step *s, const struct schema *in, struct error *e)
{
    struct split_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    plan->sep = arg_text(s, "sep");
    plan->count = arg_list(s, "into", &plan->into);
    plan->extra = (enum split_extra)arg_choice(s, "extra");
    plan->name = arg_string(s, "column");
    if (plan->sep.len == 0)
        return step_error(s, e, "sep= may not be empty");
    int rc = arg_column(s, "column", in, &plan->column, e);
    return rc ? rc : check_into(s, plan, in, e);
}

static int split_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const struct split_plan *plan = s->plan;
    for (size_t i = plan->count; i-- > 0;)
        schema_insert(schema, plan->column + 1, plan->into[i], TYPE_TEXT);
    if (!arg_bool(s, "keep"))
        schema_remove(schema, plan->column);
    return 0;
}

/* The first place of a text that is not empty. */
static const char *find_text(struct text in, struct text what)
{
    const char *at = in.at, *end = in.at + in.len;
    while ((size_t)(end - at) >= what.len) {
        at = memchr(at, what.at[0], (size_t)(end - at) - what.len + 1);
        if (!at || memcmp(at, what.at, what.len) == 0)
            return at;
        at++;
    }
    return NULL;
}

/* The parts of one cell; false when there are more than there are columns and that is an error. */
static bool split_cell(const struct split_plan *plan, struct text cell, struct text **parts,
                       size_t row)
{
    for (size_t i = 0; i < plan->count; i++)
        parts[i][row] = (struct text){NULL, 0};
    for (size_t i = 0; cell.at; i++) {
        const char *sep = find_text(cell, plan->sep);
        bool last = i + 1 == plan->count;
        if (last && sep && plan->extra == EXTRA_ERROR)
            return false;
        bool all = !sep || (last && plan->extra == EXTRA_MERGE);
        parts[i][row] = (struct text){cell.at, all ? cell.len : (size_t)(sep - cell.at)};
        if (all || last)
            return true;
        size_t used = (size_t)(sep - cell.at) + plan->sep.len;
        cell = (struct text){cell.at + used, cell.len - used};
    }
    return true;
}

static int too_many_parts(const struct split_plan *plan, struct batch *b, size_t row,
                          struct text cell, struct error *e)
{
    char quoted[QUOTE_MAX];
    (void)error_set(e, ERR_DATA, "%s has more than %zu parts", quote(quoted, cell.at, cell.len),
                    plan->count);
    return batch_reject(b, row, plan->column, plan->name, e);
}

static int split_apply(const struct step *s, struct batch *b, struct error *e)
{
    const struct split_plan *plan = s->plan;
    const struct text *cells = batch_text(b, plan->column);
    struct text **parts = batch_array(b, plan->count, sizeof *parts);
    for (size_t i = 0; i < plan->count; i++)
        parts[i] = batch_array(b, b->rows, sizeof *parts[i]);
    for (size_t r = 0; r < b->rows; r++) {
        int rc = 0;
        if (!split_cell(plan, cells[r], parts, r))
            rc = too_many_parts(plan, b, r, cells[r], e);
        if (rc)
            return rc;
    }
    for (size_t i = plan->count; i-- > 0;)
        batch_insert(b, plan->column + 1, column_of_text(parts[i]));
    if (!arg_bool(s, "keep"))
        batch_remove(b, plan->column);
    return 0;
}

/* The pieces, but for the last: the rest behind as many separators, or its first piece alone. */
static int split_lower(const struct step *s, struct lowering *l, struct error *e)
{
    const struct split_plan *plan = s->plan;
    uint32_t cell = lower_column(l, plan->column, ML_TEXT);
    uint32_t sep = lower_op(l, ML_OP_set_text, lower_text(l, plan->sep), 0, 0);
    uint32_t *parts = mem_array(NULL, plan->count, sizeof *parts);
    (void)e;
    for (size_t i = 0; i < plan->count; i++) {
        bool rest = i + 1 == plan->count && plan->extra == EXTRA_MERGE;
        uint32_t number = lower_op(l, ML_OP_set_int, lower_int(l, (int64_t)i), 0, 0);
        parts[i] = lower_register(l, ML_TEXT);
        lower_op_to(l, ML_OP_split_part, rest, parts[i], cell, sep, number);
    }
    if (plan->extra == EXTRA_ERROR) {
        uint32_t next = lower_op(l, ML_OP_set_int, lower_int(l, (int64_t)plan->count), 0, 0);
        uint32_t beyond = lower_op(l, ML_OP_split_part, cell, sep, next);
        lower_op_to(l, ML_OP_want, 0, 0, lower_op(l, ML_OP_is_missing, beyond, 1, 0), 0, 0);
    }
    for (size_t i = plan->count; i-- > 0;)
        lower_insert(l, plan->column + 1, parts[i]);
    if (!arg_bool(s, "keep"))
        lower_leave_out(l, &plan->column, 1);
    mem_free(parts);
    return 0;
}

static const struct arg merge_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .help = "columns to join, in this order",
     .positional = true,
     .required = true},
    {.name = "into", .kind = ARG_NAME, .help = "name of the result", .required = true},
    {.name = "sep", .kind = ARG_TEXT, .fallback = " ", .help = "what to put between the values"},
    {.name = "missing",
     .kind = ARG_CHOICE,
     .fallback = "skip",
     .help = "pass over missing values, take them as empty, or give missing",
     .choices = "skip empty null"},
    {.name = "keep",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "keep the columns themselves, too"},
    {0},
};
static const struct arg split_args[] = {
    {.name = "column",
     .kind = ARG_COLUMN,
     .help = "column to split",
     .positional = true,
     .required = true},
    {.name = "into", .kind = ARG_LIST, .help = "names of the parts", .required = true},
    {.name = "sep", .kind = ARG_TEXT, .fallback = ",", .help = "what stands between the parts"},
    {.name = "extra",
     .kind = ARG_CHOICE,
     .fallback = "merge",
     .help = "what happens to parts beyond the last name",
     .choices = "merge drop error"},
    {.name = "keep", .kind = ARG_BOOL, .fallback = "false", .help = "keep the column itself, too"},
    {0},
};

const struct step_kind steps_columns_text[] = {
    {
        .name = "merge_columns",
        .aliases = "unite",
        .family = "columns",
        .class = "S",
        .summary = "join the texts of columns into one",
        .details = "The result stands where the first of the columns stood. When all values of a "
                   "row are missing it is missing, unless missing=empty.",
        .args = merge_args,
        .example = {.program = "merge_columns first,last into=name",
                    .input = "first,last,age\nAda,Lovelace,36\nPlato,,80\n",
                    .output = "name,age\nAda Lovelace,36\nPlato,80\n"},
        .open = merge_open,
        .shape = merge_shape,
        .apply = merge_apply,
        .lower = merge_lower,
    },
    {
        .name = "split_column",
        .aliases = "separate",
        .family = "columns",
        .class = "S",
        .summary = "split a text column into several",
        .details = "The parts take the place of the column. A cell of fewer parts leaves the "
                   "last ones missing; with more parts the last column holds the rest, "
                   "separators included, unless extra= says otherwise.",
        .args = split_args,
        .example = {.program = "split_column name into=first,last sep=\" \"",
                    .input = "name,age\nAda King Lovelace,36\nPlato,80\n",
                    .output = "first,last,age\nAda,King Lovelace,36\nPlato,,80\n"},
        .open = split_open,
        .shape = split_shape,
        .apply = split_apply,
        .lower = split_lower,
    },
    {0},
};
