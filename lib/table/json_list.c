#include "table/json_list.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(const char *text, size_t n, size_t i)
{
    while (i < n && is_space(text[i]))
        i++;
    return i;
}

bool json_is_list(const char *text, size_t n)
{
    size_t i = skip_space(text, n, 0);
    if (i == n || text[i] != '[')
        return false;
    i = skip_space(text, n, i + 1);
    return i < n && (text[i] == '{' || text[i] == ']');
}

/* Inside an object: only brackets, quotes and line ends matter;
 * all else is the parser's to judge. */
static void step_inside(struct json_list *list, char *c)
{
    switch (*c) {
    case '{':
    case '[':
        list->depth++;
        break;
    case '}':
    case ']':
        if (--list->depth == 0)
            list->state = LIST_NEXT;
        break;
    case '"':
        list->state = LIST_STRING;
        break;
    case '\n':
        *c = ' ';
        break;
    default:
        break;
    }
}

static void step_string(struct json_list *list, char c)
{
    if (list->state == LIST_ESCAPE)
        list->state = LIST_STRING;
    else if (c == '\\')
        list->state = LIST_ESCAPE;
    else if (c == '"')
        list->state = LIST_IN;
}

/* Between objects. False when the byte cannot stand there. */
static bool step_between(struct json_list *list, char *c)
{
    char have = *c;
    *c = ' ';
    if (is_space(have))
        return true;
    switch (list->state) {
    case LIST_BEFORE:
        list->state = LIST_FIRST;
        return have == '[';
    case LIST_FIRST:
    case LIST_WANT:
        if (have == ']' && list->state == LIST_FIRST) {
            list->state = LIST_AFTER;
            return true;
        }
        *c = have;
        list->state = LIST_IN;
        list->depth = 1;
        list->objects++;
        return have == '{';
    case LIST_NEXT:
        *c = '\n';
        list->state = have == ',' ? LIST_WANT : LIST_AFTER;
        return have == ',' || have == ']';
    default:
        return false;
    }
}

static const char *wanted(enum json_list_state state)
{
    switch (state) {
    case LIST_FIRST:
        return "expected an object or ']'";
    case LIST_WANT:
        return "expected an object";
    case LIST_NEXT:
        return "expected ',' or ']' after an object";
    case LIST_AFTER:
        return "text after the end of the list";
    default:
        return "expected '['";
    }
}

static int misplaced(const struct json_list *before, char byte, struct error *e)
{
    char quoted[QUOTE_MAX];
    return error_set(e, ERR_DATA, "list of objects, after object %llu: %s: %s",
                     (unsigned long long)before->objects, quote(quoted, &byte, 1),
                     wanted(before->state));
}

int json_list_rewrite(struct json_list *list, char *text, size_t n, struct error *e)
{
    for (size_t i = 0; i < n; i++) {
        struct json_list before = *list;
        char byte = text[i];
        if (list->state == LIST_IN)
            step_inside(list, &text[i]);
        else if (list->state == LIST_STRING || list->state == LIST_ESCAPE)
            step_string(list, byte);
        else if (!step_between(list, &text[i]))
            return misplaced(&before, byte, e);
    }
    return 0;
}

int json_list_end(const struct json_list *list, struct error *e)
{
    if (list->state == LIST_AFTER || list->state == LIST_BEFORE)
        return 0;
    return error_set(e, ERR_DATA, "list of objects ends early, in or after object %llu",
                     (unsigned long long)list->objects);
}
