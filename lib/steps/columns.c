/* Steps on columns as such: which there are, in what order, under what names. */
#include "expr/expr.h"
#include "prep/lower.h"
#include "prep/recipe.h"
#include "steps/steps.h"

/* Column i of what leaves is column at[i] of what came. */
struct layout {
    size_t *at, count;
    bool *selected; /* by column of what came */
};

static struct layout *layout_new(struct step *s, const struct schema *in)
{
    struct layout *l = arena_zero(&s->arena, sizeof *l);
    l->at = arena_alloc(&s->arena, (in->fields.len + 1) * sizeof *l->at);
    l->selected = arena_zero(&s->arena, in->fields.len + 1);
    for (size_t i = 0; i < s->column_count; i++)
        l->selected[s->columns[i]] = true;
    s->plan = l;
    return l;
}

static void layout_add_selected(struct layout *l, const struct step *s)
{
    for (size_t i = 0; i < s->column_count; i++)
        l->at[l->count++] = s->columns[i];
}

/* Columns from .. to of the input that are not selected. */
static void layout_add_others(struct layout *l, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (!l->selected[i])
            l->at[l->count++] = i;
}

static int layout_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const struct layout *l = s->plan;
    schema_arrange(schema, l->at, l->count);
    return 0;
}

static int layout_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    const struct layout *l = s->plan;
    batch_arrange(b, l->at, l->count);
    return 0;
}

/* Keys that never became columns were not selected. */
static int select_apply(const struct step *s, struct batch *b, struct error *e)
{
    if (!text_equal(arg_text(s, "columns"), TEXT_LITERAL("@all")))
        batch_drop_extras(b);
    return layout_apply(s, b, e);
}

static int select_open(struct step *s, const struct schema *in, struct error *e)
{
    (void)e;
    layout_add_selected(layout_new(s, in), s);
    return 0;
}

static int drop_open(struct step *s, const struct schema *in, struct error *e)
{
    struct layout *l = layout_new(s, in);
    layout_add_others(l, 0, in->fields.len);
    return l->count > 0 ? 0 : step_error(s, e, "no column would be left");
}

static int reorder_open(struct step *s, const struct schema *in, struct error *e)
{
    (void)e;
    struct layout *l = layout_new(s, in);
    bool end = arg_choice(s, "to") == 1;
    if (!end)
        layout_add_selected(l, s);
    layout_add_others(l, 0, in->fields.len);
    if (end)
        layout_add_selected(l, s);
    return 0;
}

/* The gap between columns (0: before the first) that the arguments of move name. */
static int move_target(struct step *s, const struct schema *in, size_t *gap, struct error *e)
{
    size_t before = FIELD_NONE, after = FIELD_NONE;
    int given =
        arg_given(s, "to") + arg_given(s, "before") + arg_given(s, "after") + arg_given(s, "index");
    if (given != 1)
        return step_error(s, e, "expected one of to=, before=, after= and index=");
    int rc = arg_column(s, "before", in, &before, e);
    if (!rc)
        rc = arg_column(s, "after", in, &after, e);
    if (rc)
        return rc;
    if (before != FIELD_NONE)
        *gap = before;
    else if (after != FIELD_NONE)
        *gap = after + 1;
    else if (arg_given(s, "to"))
        *gap = arg_choice(s, "to") == 0 ? 0 : in->fields.len;
    else
        *gap = SIZE_MAX;
    return 0;
}

/* index=K counts places in the result: so many unselected columns stand before. */
static size_t gap_of_index(const struct step *s, const struct layout *l, size_t columns)
{
    size_t before = (size_t)arg_int(s, "index") - 1, gap = 0;
    for (; gap < columns && before > 0; gap++)
        before -= !l->selected[gap];
    return gap;
}

static int move_open(struct step *s, const struct schema *in, struct error *e)
{
    struct layout *l = layout_new(s, in);
    size_t gap = 0;
    int rc = move_target(s, in, &gap, e);
    if (rc)
        return rc;
    if (gap == SIZE_MAX)
        gap = gap_of_index(s, l, in->fields.len);
    layout_add_others(l, 0, gap);
    layout_add_selected(l, s);
    layout_add_others(l, gap, in->fields.len);
    return 0;
}

static int swap_open(struct step *s, const struct schema *in, struct error *e)
{
    size_t first, second;
    int rc = arg_column(s, "first", in, &first, e);
    if (!rc)
        rc = arg_column(s, "second", in, &second, e);
    if (rc)
        return rc;
    struct layout *l = layout_new(s, in);
    layout_add_others(l, 0, in->fields.len);
    l->at[first] = second;
    l->at[second] = first;
    return 0;
}

/* New names by column of the input; NULL keeps the old one. */
static const char **names_new(struct step *s, const struct schema *in)
{
    const char **names = arena_zero(&s->arena, (in->fields.len + 1) * sizeof *names);
    s->plan = names;
    return names;
}

static const char *name_then(const struct schema *in, const char *const *names, size_t i)
{
    return names[i] ? names[i] : in->fields.at[i].name;
}

/* No column may be nameless, no two may have one name. */
static int check_names(struct step *s, const struct schema *in, struct error *e)
{
    const char *const *names = s->plan;
    struct map seen = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < in->fields.len; i++) {
        struct text name = text_of(name_then(in, names, i));
        char quoted[QUOTE_MAX];
        bool is_new;
        map_put(&seen, name, &is_new);
        if (name.len == 0)
            rc = step_error(s, e, "column %zu would have no name", i + 1);
        else if (!is_new)
            rc = step_error(s, e, "two columns would be called %s",
                            quote(quoted, name.at, name.len));
    }
    map_release(&seen);
    return rc;
}

static int names_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const char *const *names = s->plan;
    for (size_t i = 0; i < schema->fields.len; i++)
        if (names[i])
            schema_rename(schema, i, text_of(names[i]));
    return 0;
}

static bool is_regex(struct text name)
{
    return name.len > 2 && name.at[0] == '/' && regex_length(name) == name.len;
}

static int rename_by_regex(struct step *s, const struct pair *p, const struct schema *in,
                           const char **names, struct error *e)
{
    struct regex *regex;
    struct error problem = {0};
    if (regex_compile(p->name.at + 1, p->name.len - 2, false, &regex, &problem))
        return step_error(s, e, "%.380s", problem.message);
    struct regex_match *match = regex_match_new(regex);
    struct buf name = {0};
    size_t found = 0;
    for (size_t i = 0; i < in->fields.len; i++) {
        struct text old = text_of(in->fields.at[i].name);
        if (!regex_search(regex, match, old, 0))
            continue;
        name.len = 0;
        regex_replace(regex, match, old, p->value, true, &name);
        names[i] = arena_text(&s->arena, buf_text(&name), name.len);
        found++;
    }
    buf_release(&name);
    regex_match_free(match);
    regex_free(regex);
    char quoted[QUOTE_MAX];
    return found > 0
               ? 0
               : step_error(s, e, "no column matches %s", quote(quoted, p->name.at, p->name.len));
}

static int rename_open(struct step *s, const struct schema *in, struct error *e)
{
    const char **names = names_new(s, in);
    for (size_t i = 0; i < s->pairs.len; i++) {
        const struct pair *p = &s->pairs.at[i];
        size_t column = schema_find(in, p->name);
        char quoted[QUOTE_MAX], hint[HINT_MAX];
        int rc = 0;
        if (column != FIELD_NONE)
            names[column] = arena_text(&s->arena, p->value.at, p->value.len);
        else if (is_regex(p->name))
            rc = rename_by_regex(s, p, in, names, e);
        else
            rc = step_error(s, e, "unknown column %s%s", quote(quoted, p->name.at, p->name.len),
                            column_hint(hint, p->name, in));
        if (rc)
            return rc;
    }
    return check_names(s, in, e);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum name_style { STYLE_KEEP, STYLE_LOWER, STYLE_UPPER };

/* Letters, digits and single underscores, none at the ends, no digit first. */
static void put_safe_name(struct buf *out, struct text name, enum name_style style)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!is_letter(c) && !is_digit(c))
            c = '_';
        if (c == '_' && (out->len == 0 || out->at[out->len - 1] == '_'))
            continue;
        if (is_digit(c) && out->len == 0)
            buf_putc(out, '_');
        if (is_letter(c) && style != STYLE_KEEP)
            c = (char)(style == STYLE_LOWER ? c | 0x20 : c & ~0x20);
        buf_putc(out, c);
    }
    while (out->len > 0 && out->at[out->len - 1] == '_')
        out->len--;
}

/* The name, or with the first of _2, _3 ... that nobody has. */
static const char *unused_name(struct step *s, struct map *seen, struct text name)
{
    bool is_new;
    map_put(seen, name, &is_new);
    const char *unused = arena_text(&s->arena, name.at, name.len);
    for (unsigned k = 2; !is_new; k++) {
        unused = arena_format(&s->arena, "%.*s_%u", (int)name.len, name.at, k);
        map_put(seen, text_of(unused), &is_new);
    }
    return unused;
}

static int safe_names_open(struct step *s, const struct schema *in, struct error *e)
{
    (void)e;
    const char **names = names_new(s, in);
    enum name_style style = (enum name_style)arg_choice(s, "style");
    struct map seen = {0};
    struct buf name = {0};
    for (size_t i = 0; i < in->fields.len; i++) {
        name.len = 0;
        put_safe_name(&name, text_of(in->fields.at[i].name), style);
        if (name.len == 0)
            buf_format(&name, "c%zu", i + 1);
        names[i] = unused_name(s, &seen, (struct text){name.at, name.len});
    }
    map_release(&seen);
    buf_release(&name);
    return 0;
}

static int header_set_open(struct step *s, const struct schema *in, struct error *e)
{
    const char **names = names_new(s, in);
    struct text *items;
    size_t count = arg_list(s, "names", &items);
    if (count != in->fields.len)
        return step_error(s, e, "%zu names for %zu columns", count, in->fields.len);
    for (size_t i = 0; i < count; i++)
        names[i] = arena_text(&s->arena, items[i].at, items[i].len);
    return check_names(s, in, e);
}

#define COLUMNS_FIRST(what)                                                                        \
    {                                                                                              \
        .name = "columns", .kind = ARG_COLUMNS, .help = what, .positional = true, .required = true \
    }

static const struct arg select_args[] = {
    COLUMNS_FIRST("columns to keep, in this order"),
    {0},
};
static const struct arg drop_args[] = {
    COLUMNS_FIRST("columns to leave out"),
    {0},
};
static const struct arg rename_args[] = {
    {.name = "OLD",
     .kind = ARG_PAIRS,
     .help = "OLD=NEW, or /regex/=NEW with $1 for its groups",
     .required = true},
    {0},
};
static const struct arg reorder_args[] = {
    COLUMNS_FIRST("columns in the order wanted"),
    {.name = "to",
     .kind = ARG_CHOICE,
     .fallback = "start",
     .help = "where they stand together",
     .choices = "start end"},
    {0},
};
static const struct arg move_args[] = {
    COLUMNS_FIRST("columns to move, together"),
    {.name = "to", .kind = ARG_CHOICE, .help = "to the start or the end", .choices = "start end"},
    {.name = "before", .kind = ARG_COLUMN, .help = "in front of this column"},
    {.name = "after", .kind = ARG_COLUMN, .help = "behind this column"},
    {.name = "index",
     .kind = ARG_INT,
     .help = "to this place of the result, the first is 1",
     .min = 1,
     .max = 1e9},
    {0},
};
static const struct arg safe_names_args[] = {
    {.name = "style",
     .kind = ARG_CHOICE,
     .fallback = "keep",
     .help = "what becomes of letters",
     .choices = "keep lower upper"},
    {0},
};
static const struct arg header_set_args[] = {
    {.name = "names",
     .kind = ARG_LIST,
     .help = "a name for every column",
     .positional = true,
     .required = true},
    {0},
};
static const struct arg swap_args[] = {
    {.name = "first", .kind = ARG_COLUMN, .help = "a column", .positional = true, .required = true},
    {.name = "second",
     .kind = ARG_COLUMN,
     .help = "the one to change places with",
     .positional = true,
     .required = true},
    {0},
};
const struct step_kind steps_columns[] = {
    {
        .name = "drop",
        .family = "columns",
        .class = "S",
        .summary = "leave columns out",
        .args = drop_args,
        .example = {.program = "drop b", .input = "a,b,c\n1,2,3\n", .output = "a,c\n1,3\n"},
        .open = drop_open,
        .shape = layout_shape,
        .apply = layout_apply,
        .lower = lower_arranging,
    },
    {
        .name = "header_set",
        .family = "columns",
        .class = "S",
        .summary = "give all columns new names, by position",
        .args = header_set_args,
        .example = {.program = "header_set id,\"full name\"",
                    .input = "c1,c2\n1,Ada\n",
                    .output = "id,full name\n1,Ada\n"},
        .open = header_set_open,
        .shape = names_shape,
        .lower = lower_nothing,
    },
    {
        .name = "move",
        .family = "columns",
        .class = "S",
        .summary = "move columns to another place",
        .args = move_args,
        .example = {.program = "move c before=a",
                    .input = "a,b,c\n1,2,3\n",
                    .output = "c,a,b\n3,1,2\n"},
        .open = move_open,
        .shape = layout_shape,
        .apply = layout_apply,
        .lower = lower_arranging,
    },
    {
        .name = "rename",
        .aliases = "rename_regex",
        .family = "columns",
        .class = "S",
        .summary = "give columns other names",
        .details = "All names change at once, so two columns may exchange theirs. A regular "
                   "expression renames every column it matches: rename /^x_(.*)/=$1. It is an "
                   "error when two columns would have one name.",
        .args = rename_args,
        .example = {.program = "rename delay=delay_min /^tmp_/=t_",
                    .input = "delay,tmp_a,tmp_b\n5,1,2\n",
                    .output = "delay_min,t_a,t_b\n5,1,2\n"},
        .open = rename_open,
        .shape = names_shape,
        .lower = lower_nothing,
    },
    {
        .name = "reorder",
        .family = "columns",
        .class = "S",
        .summary = "bring columns to the start or the end, in the order given",
        .args = reorder_args,
        .example = {.program = "reorder c,b",
                    .input = "a,b,c\n1,2,3\n",
                    .output = "c,b,a\n3,2,1\n"},
        .open = reorder_open,
        .shape = layout_shape,
        .apply = layout_apply,
        .lower = lower_arranging,
    },
    {
        .name = "safe_names",
        .aliases = "lower_names:style=lower",
        .family = "columns",
        .class = "S",
        .summary = "names of letters, digits and underscores only",
        .details =
            "Every run of other bytes becomes one underscore, those at the ends go, a name never "
            "begins with a digit, an empty one becomes c1, c2 ... by position, and repeated ones "
            "get _2, _3 ...",
        .args = safe_names_args,
        .example = {.program = "safe_names style=lower",
                    .input = "Unit Price (EUR),2nd,unit price eur\n1,2,3\n",
                    .output = "unit_price_eur,_2nd,unit_price_eur_2\n1,2,3\n"},
        .open = safe_names_open,
        .shape = names_shape,
        .lower = lower_nothing,
    },
    {
        .name = "select",
        .wants = WANTS_LISTED,
        .aliases = "keep_types",
        .family = "columns",
        .class = "S",
        .summary = "keep columns, in the order given",
        .args = select_args,
        .example = {.program = "select c,a", .input = "a,b,c\n1,2,3\n", .output = "c,a\n3,1\n"},
        .open = select_open,
        .shape = layout_shape,
        .apply = select_apply,
        .lower = lower_arranging,
    },
    {
        .name = "swap_columns",
        .family = "columns",
        .class = "S",
        .summary = "let two columns change places",
        .args = swap_args,
        .example = {.program = "swap_columns a c",
                    .input = "a,b,c\n1,2,3\n",
                    .output = "c,b,a\n3,2,1\n"},
        .open = swap_open,
        .shape = layout_shape,
        .apply = layout_apply,
        .lower = lower_arranging,
    },
    {0},
};
