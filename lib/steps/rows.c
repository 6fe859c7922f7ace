/* Steps that keep some rows and drop others, by the row alone. */
#include "expr/expr.h"
#include "prep/recipe.h"
#include "steps/steps.h"

static int filter_open(struct step *s, const struct schema *in, struct error *e)
{
    struct text text = arg_text(s, "condition");
    if (arg_bool(s, "invert"))
        text = text_of(arena_format(&s->arena, "not (%s)", text.at));
    struct expr *condition;
    int rc = step_expr(s, text, in, &condition, e);
    s->plan = rc ? NULL : condition;
    return rc;
}

static void filter_close(struct step *s)
{
    expr_free(s->plan);
}

static int filter_apply(const struct step *s, struct batch *b, struct error *e)
{
    uint8_t *keep = batch_array(b, b->rows, 1);
    int rc = expr_test(s->plan, b, keep, e);
    if (rc == 0)
        batch_filter(b, keep);
    return rc;
}

static bool filter_gaps(const struct step *s, struct input_gaps *gaps)
{
    return expr_gaps(s->plan, gaps);
}

static int grep_open(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct text pattern = arg_text(s, "pattern");
    struct regex *regex;
    struct error problem = {0};
    if (regex_compile(pattern.at, pattern.len, arg_bool(s, "ignore_case"), &regex, &problem))
        return step_error(s, e, "%.380s", problem.message);
    s->plan = regex;
    return 0;
}

static void grep_close(struct step *s)
{
    regex_free(s->plan);
}

static int grep_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    const struct regex *regex = s->plan;
    struct regex_match *match = regex_match_new(regex);
    uint8_t wanted = !arg_bool(s, "invert");
    uint8_t *keep = batch_array(b, b->rows, 1);
    memset(keep, !wanted, b->rows);
    for (size_t i = 0; i < s->column_count; i++) {
        const struct text *cells = batch_text(b, s->columns[i]);
        for (size_t r = 0; r < b->rows; r++)
            if (keep[r] != wanted && cells[r].at && regex_search(regex, match, cells[r], 0))
                keep[r] = wanted;
    }
    regex_match_free(match);
    batch_filter(b, keep);
    return 0;
}

static int missing_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    bool all = arg_choice(s, "how") == 1;
    uint8_t *keep = batch_array(b, b->rows, 1);
    memset(keep, !all, b->rows);
    for (size_t i = 0; i < s->column_count; i++)
        for (size_t r = 0; r < b->rows; r++)
            if (keep[r] != all && batch_missing(b, s->columns[i], r) != all)
                keep[r] = all;
    batch_filter(b, keep);
    return 0;
}

/* The type the cells of each of s->columns must have. */
static int invalid_open(struct step *s, const struct schema *in, struct error *e)
{
    (void)e;
    enum type *types = arena_alloc(&s->arena, (s->column_count + 1) * sizeof *types);
    s->plan = types;
    for (size_t i = 0; i < s->column_count; i++) {
        types[i] = in->fields.at[s->columns[i]].type;
        if (arg_given(s, "type"))
            (void)type_from_name(arg_text(s, "type"), &types[i]);
    }
    return 0;
}

/* Counts the cells that do not convert, without a word about them. */
static int convert(struct batch *b, size_t column, const char *name, enum type type,
                   struct error *e)
{
    const int64_t *ints;
    const double *doubles;
    const uint8_t *bools;
    switch (type) {
    case TYPE_INT:
        return batch_int(b, column, name, &ints, e);
    case TYPE_FLOAT:
        return batch_double(b, column, name, &doubles, e);
    case TYPE_BOOL:
        return batch_bool(b, column, name, &bools, e);
    case TYPE_TIME:
        return batch_time(b, column, name, &ints, e);
    case TYPE_TEXT:
    case TYPE_JSON:
        break;
    }
    return 0;
}

/* Converts under a policy that drops the row of a cell that does not. */
static int invalid_apply(const struct step *s, struct batch *b, struct error *e)
{
    const enum type *types = s->plan;
    const struct cell_policy *outer = b->policy;
    struct cell_policy own = {0};
    if (outer)
        own = *outer;
    own.on_error = ON_ERROR_SKIP;
    own.reject = NULL;
    b->policy = &own;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->column_count; i++) {
        struct column before = b->columns.at[s->columns[i]];
        rc = convert(b, s->columns[i], s->names[i], types[i], e);
        b->columns.at[s->columns[i]] = before;
    }
    b->policy = outer;
    if (rc == 0)
        batch_drop_rejected(b);
    return rc;
}

static const struct arg filter_args[] = {
    {.name = "condition",
     .kind = ARG_REST,
     .help = "expression that is true for the rows to keep",
     .positional = true,
     .required = true},
    {.name = "invert",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "keep those for which it is false"},
    {0},
};
static const struct arg grep_args[] = {
    {.name = "pattern",
     .kind = ARG_TEXT,
     .help = "regular expression (PCRE2)",
     .positional = true,
     .required = true},
    {.name = "columns", .kind = ARG_COLUMNS, .fallback = "@all", .help = "columns to search"},
    {.name = "invert",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "keep the rows that do not match"},
    {.name = "ignore_case",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "let letters match their other case"},
    {0},
};
static const struct arg missing_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .fallback = "@all",
     .help = "columns to look at",
     .positional = true},
    {.name = "how",
     .kind = ARG_CHOICE,
     .fallback = "any",
     .help = "drop a row when any of them is missing, or all",
     .choices = "any all"},
    {0},
};
static const struct arg invalid_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .fallback = "@all",
     .help = "columns to look at",
     .positional = true},
    {.name = "type",
     .kind = ARG_CHOICE,
     .help = "the type wanted (default: each column's own)",
     .choices = "int float bool time"},
    {0},
};

const struct step_kind steps_rows[] = {
    {
        .name = "drop_invalid",
        .family = "rows",
        .class = "S",
        .summary = "drop rows with a cell that is not of its column's type",
        .details = "A column's type is declared (--types, cast) or inferred from the first rows. "
                   "Missing cells are not invalid: drop_missing drops those.",
        .args = invalid_args,
        .example = {.program = "drop_invalid age type=int",
                    .input = "name,age\nAda,36\nBob,old\nEve,\n",
                    .output = "name,age\nAda,36\nEve,\n"},
        .open = invalid_open,
        .apply = invalid_apply,
    },
    {
        .name = "drop_missing",
        .aliases = "drop_na",
        .family = "rows",
        .class = "S",
        .summary = "drop rows with missing values",
        .args = missing_args,
        .example = {.program = "drop_missing age",
                    .input = "name,age\nAda,36\nBob,\n",
                    .output = "name,age\nAda,36\n"},
        .apply = missing_apply,
    },
    {
        .name = "filter",
        .wants = WANTS_STAY,
        .aliases = "where having filter_not:invert=true",
        .family = "rows",
        .class = "S",
        .summary = "keep the rows for which a condition is true",
        .details = "Rows for which the condition is missing are dropped: filter not (x > 3) "
                   "keeps no row without x. Write filter x is null or so to keep those.",
        .args = filter_args,
        .example = {.program = "filter delay > 15 and origin in (\"ORD\", \"ATL\")",
                    .input = "origin,delay\nORD,20\nJFK,30\nATL,3\nATL,\n",
                    .output = "origin,delay\nORD,20\n"},
        .open = filter_open,
        .close = filter_close,
        .apply = filter_apply,
        .gaps = filter_gaps,
    },
    {
        .name = "grep",
        .family = "rows",
        .class = "S",
        .summary = "keep the rows in which a cell matches a regular expression",
        .details = "Cells are searched one by one, as values: quotes and delimiters of the file "
                   "are not seen.",
        .args = grep_args,
        .example = {.program = "grep \"^A\" columns=name",
                    .input = "name,city\nAda,Ulm\nBob,Aachen\n",
                    .output = "name,city\nAda,Ulm\n"},
        .open = grep_open,
        .close = grep_close,
        .apply = grep_apply,
    },
    {0},
};
