/* Selections of columns: a,b  a..d  glob*  /regex/  @numeric  -name. */
#include "expr/expr.h"
#include "prep/recipe.h"

struct selection {
    struct step *step;
    const struct schema *schema;
    size_t *order; /* chosen columns as they came; FIELD_NONE: taken out again */
    size_t count;
    bool *chosen; /* by column */
    struct error *e;
};

static void choose(struct selection *sel, size_t column, bool out)
{
    if (!out && !sel->chosen[column]) {
        sel->chosen[column] = true;
        sel->order[sel->count++] = column;
    } else if (out && sel->chosen[column]) {
        size_t at = 0;
        while (sel->order[at] != column)
            at++;
        sel->chosen[column] = false;
        sel->count--;
        memmove(sel->order + at, sel->order + at + 1, (sel->count - at) * sizeof *sel->order);
    }
}

static int unknown_column(const struct selection *sel, struct text name)
{
    char quoted[QUOTE_MAX], hint[HINT_MAX];
    return step_error(sel->step, sel->e, "unknown column %s%s", quote(quoted, name.at, name.len),
                      column_hint(hint, name, sel->schema));
}

/* '*' any text, '?' one character. Backtracks to the last '*' only,
 * so time is at most len * len. */
static bool glob_matches(struct text pattern, struct text name)
{
    size_t p = 0, n = 0, star = SIZE_MAX, mark = 0;
    while (n < name.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = p++;
            mark = n;
        } else if (p < pattern.len && pattern.at[p] == '?') {
            n += utf8_offset(name.at + n, name.len - n, 1);
            p++;
        } else if (p < pattern.len && pattern.at[p] == name.at[n]) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.at[p] == '*')
        p++;
    return p == pattern.len;
}

static int none_matches(const struct selection *sel, struct text item)
{
    char quoted[QUOTE_MAX];
    return step_error(sel->step, sel->e, "no column matches %s", quote(quoted, item.at, item.len));
}

static int choose_glob(struct selection *sel, struct text item, bool out)
{
    bool any = false;
    for (size_t i = 0; i < sel->schema->fields.len; i++)
        if (glob_matches(item, text_of(sel->schema->fields.at[i].name))) {
            choose(sel, i, out);
            any = true;
        }
    return any ? 0 : none_matches(sel, item);
}

/* /pattern/ or /pattern/i */
static int choose_regex(struct selection *sel, struct text item, size_t closed, bool out)
{
    struct regex *regex;
    bool ignore_case = closed < item.len;
    struct error problem = {0};
    if (regex_compile(item.at + 1, closed - 2, ignore_case, &regex, &problem))
        return step_error(sel->step, sel->e, "%.400s", problem.message);
    struct regex_match *match = regex_match_new(regex);
    bool any = false;
    for (size_t i = 0; i < sel->schema->fields.len; i++)
        if (regex_search(regex, match, text_of(sel->schema->fields.at[i].name), 0)) {
            choose(sel, i, out);
            any = true;
        }
    regex_match_free(match);
    regex_free(regex);
    return any ? 0 : none_matches(sel, item);
}

static bool class_holds(struct text class, enum type type)
{
    if (text_equal(class, TEXT_LITERAL("all")))
        return true;
    if (text_equal(class, TEXT_LITERAL("numeric")))
        return type_is_number(type);
    return text_equal(class, text_of(type_name(type)));
}

static int choose_class(struct selection *sel, struct text item, bool out)
{
    static const char *const classes[] = {"@all",  "@numeric", "@text", "@time",
                                          "@bool", "@json",    "@int",  "@float"};
    bool known = false, any = false;
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        known = known || text_equal(item, text_of(classes[i]));
    if (!known) {
        char quoted[QUOTE_MAX], hint[HINT_MAX];
        nearest_hint(hint, item, classes, COUNT_OF(classes));
        return step_error(sel->step, sel->e, "unknown class of columns %s%s",
                          quote(quoted, item.at, item.len), hint);
    }
    struct text class = {item.at + 1, item.len - 1};
    for (size_t i = 0; i < sel->schema->fields.len; i++)
        if (class_holds(class, sel->schema->fields.at[i].type)) {
            choose(sel, i, out);
            any = true;
        }
    return any ? 0 : none_matches(sel, item);
}

static int find_end(const struct selection *sel, struct text name, size_t otherwise, size_t *at)
{
    (void)unquote(name, &sel->step->arena, &name);
    *at = name.len > 0 ? schema_find(sel->schema, name) : otherwise;
    return *at == FIELD_NONE ? unknown_column(sel, name) : 0;
}

/* a..d in the order of the columns; d..a backwards; either end may be left out. */
static int choose_range(struct selection *sel, struct text from_name, struct text to_name, bool out)
{
    size_t from, to;
    int rc = find_end(sel, from_name, 0, &from);
    if (!rc)
        rc = find_end(sel, to_name, sel->schema->fields.len - 1, &to);
    if (rc)
        return rc;
    for (size_t i = from;; i += from < to ? 1 : SIZE_MAX) {
        choose(sel, i, out);
        if (i == to)
            return 0;
    }
}

static size_t find_dots(struct text item)
{
    for (size_t i = 0; i + 1 < item.len; i++)
        if (item.at[i] == '.' && item.at[i + 1] == '.')
            return i;
    return FIELD_NONE;
}

static int choose_pattern(struct selection *sel, struct text item, bool out)
{
    size_t closed = item.len > 0 && item.at[0] == '/' ? regex_length(item) : 0;
    bool flagged = closed > 0 && closed + 1 == item.len && item.at[closed] == 'i';
    if (closed > 0 && (closed == item.len || flagged))
        return choose_regex(sel, item, closed, out);
    if (item.len > 0 && item.at[0] == '@')
        return choose_class(sel, item, out);
    size_t dots = find_dots(item);
    if (dots != FIELD_NONE && item.len > 2)
        return choose_range(sel, (struct text){item.at, dots},
                            (struct text){item.at + dots + 2, item.len - dots - 2}, out);
    if (memchr(item.at, '*', item.len) || memchr(item.at, '?', item.len))
        return choose_glob(sel, item, out);
    return unknown_column(sel, item);
}

/* A name that exists is that column, whatever it looks like;
 * a quoted item is never anything else. */
static int choose_item(struct selection *sel, struct text item, bool first)
{
    struct text name;
    bool quoted = unquote(item, &sel->step->arena, &name);
    size_t column = schema_find(sel->schema, name);
    bool out = false;
    if (column == FIELD_NONE && !quoted && item.len > 1 && item.at[0] == '-') {
        out = true;
        item = (struct text){item.at + 1, item.len - 1};
        quoted = unquote(item, &sel->step->arena, &name);
        column = schema_find(sel->schema, name);
    }
    for (size_t i = 0; out && first && i < sel->schema->fields.len; i++)
        choose(sel, i, false);
    if (column != FIELD_NONE) {
        choose(sel, column, out);
        return 0;
    }
    return quoted ? unknown_column(sel, name) : choose_pattern(sel, item, out);
}

int select_columns(struct step *s, struct text selection, const struct schema *in, size_t **columns,
                   size_t *count, struct error *e)
{
    size_t total = in->fields.len;
    struct selection sel = {.step = s, .schema = in, .e = e};
    sel.order = arena_alloc(&s->arena, (total + 1) * sizeof *sel.order);
    sel.chosen = arena_zero(&s->arena, total + 1);
    struct text rest = selection, item;
    bool first = true;
    while (item_next(&rest, &item)) {
        if (item.len == 0 && !first)
            continue;
        int rc = choose_item(&sel, item, first);
        if (rc)
            return rc;
        first = false;
    }
    *columns = sel.order;
    *count = sel.count;
    if (sel.count > 0)
        return 0;
    char quoted[QUOTE_MAX];
    return step_error(s, e, "%s leaves no column", quote(quoted, selection.at, selection.len));
}
