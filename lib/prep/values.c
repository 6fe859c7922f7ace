/* What an argument's text must look like, by its kind. */
#include "prep/recipe.h"

#include <math.h>

struct text arg_choice_at(const struct arg *a, const struct step_kind *kind, size_t i)
{
    if (!a->choices && kind->methods) {
        for (const struct method *m = kind->methods; m->name; m++)
            if (i-- == 0)
                return text_of(m->name);
        return (struct text){"", 0};
    }
    const char *p = a->choices ? a->choices : "";
    for (;; i--) {
        p += strspn(p, " ");
        size_t len = strcspn(p, " ");
        if (i == 0 || len == 0)
            return (struct text){p, len};
        p += len;
    }
}

static bool check_choice(const struct arg *a, const struct step_kind *kind, struct arg_value *value,
                         struct buf *why)
{
    buf_puts(why, "expected one of");
    for (size_t i = 0;; i++) {
        struct text choice = arg_choice_at(a, kind, i);
        if (choice.len == 0)
            return false;
        if (text_equal(choice, value->text)) {
            value->choice = (int)i;
            return true;
        }
        buf_putc(why, ' ');
        buf_add(why, choice.at, choice.len);
    }
}

static bool check_range(const struct arg *a, double number, struct buf *why)
{
    if (a->min >= a->max || (number >= a->min && number <= a->max))
        return true;
    char low[NUMBER_MAX], high[NUMBER_MAX];
    size_t low_len = number_print(low, a->min), high_len = number_print(high, a->max);
    if (isinf(a->max))
        buf_format(why, "expected at least %.*s", (int)low_len, low);
    else
        buf_format(why, "expected a number from %.*s to %.*s", (int)low_len, low, (int)high_len,
                   high);
    return false;
}

static bool check_number(const struct arg *a, struct arg_value *value, struct buf *why)
{
    enum number_kind found =
        number_parse(value->text.at, value->text.len, &value->integer, &value->number);
    bool whole = a->kind == ARG_INT;
    if (found == NUMBER_NONE || (whole && found != NUMBER_INT)) {
        buf_puts(why, whole ? "expected a whole number" : "expected a number");
        return false;
    }
    return check_range(a, value->number, why);
}

static bool check_bool(struct arg_value *value, struct buf *why)
{
    bool yes = text_equal(value->text, TEXT_LITERAL("true")) ||
               text_equal(value->text, TEXT_LITERAL("yes"));
    value->flag = yes;
    if (yes || text_equal(value->text, TEXT_LITERAL("false")) ||
        text_equal(value->text, TEXT_LITERAL("no")))
        return true;
    buf_puts(why, "expected true or false");
    return false;
}

static bool check_list(struct arg_value *value, struct arena *arena)
{
    struct text rest = value->text, item;
    if (rest.len >= 2 && rest.at[0] == '[' && rest.at[rest.len - 1] == ']')
        rest = (struct text){rest.at + 1, rest.len - 2};
    VEC(struct text) items = {0};
    while (rest.len > 0 && item_next(&rest, &item)) {
        (void)unquote(item, arena, &item);
        vec_push(&items, item);
    }
    value->items =
        arena_copy(arena, items.at ? (const void *)items.at : "", items.len * sizeof item);
    value->item_count = items.len;
    vec_release(&items);
    return true;
}

bool arg_check(const struct arg *a, const struct step_kind *kind, struct arg_value *value,
               struct arena *arena, struct buf *why)
{
    switch (a->kind) {
    case ARG_NUMBER:
    case ARG_INT:
        return check_number(a, value, why);
    case ARG_BOOL:
        return check_bool(value, why);
    case ARG_CHOICE:
    case ARG_METHOD:
        return check_choice(a, kind, value, why);
    case ARG_LIST:
        return check_list(value, arena);
    case ARG_DURATION:
        if (duration_parse(value->text.at, value->text.len, &value->integer))
            return true;
        buf_puts(why, "expected a duration such as 30d, 2h or 1h30m");
        return false;
    case ARG_COLUMNS:
    case ARG_COLUMN:
    case ARG_NAME:
    case ARG_FILE:
    case ARG_EXPR:
    case ARG_REST:
        if (value->text.len > 0)
            return true;
        buf_puts(why, "expected more than the empty text");
        return false;
    case ARG_TEXT:
    case ARG_PAIRS:
        break;
    }
    return true;
}
