/* Lists: JSON arrays. */
#include "expr/fn_list.h"

#include <stdlib.h>

void list_put(struct buf *b, struct text json)
{
    if (b->at[b->len - 1] != '[')
        buf_putc(b, ',');
    buf_add(b, json.at, json.len);
}

void list_put_value(struct buf *b, const struct value *v)
{
    if (b->at[b->len - 1] != '[')
        buf_putc(b, ',');
    put_json(b, v);
}

bool is_list_text(struct text json)
{
    struct json_reader r;
    return list_start(&r, json);
}

bool list_open(struct call *c, struct json_reader *r, struct text json)
{
    if (list_start(r, json))
        return true;
    char quoted[QUOTE_MAX];
    return call_fail(c, "%s wants a list, not %s", c->node->fn->about.name,
                     quote(quoted, json.at, json.len));
}

size_t list_length(struct text json)
{
    struct json_reader r;
    struct text item;
    size_t n = 0;
    if (list_start(&r, json))
        while (list_next(&r, &item))
            n++;
    return n;
}

bool list_values(struct call *c, struct text json, struct values *out)
{
    struct json_reader r;
    struct text item;
    if (!list_open(c, &r, json))
        return false;
    size_t room = list_length(json);
    *out = (struct values){arena_alloc(c->arena, (room + 1) * sizeof *out->at), 0};
    while (out->count < room && list_next(&r, &item)) {
        struct value *v = &out->at[out->count++];
        if (!value_of_json(item, c->arena, v)) {
            char quoted[QUOTE_MAX];
            return call_fail(c, "%s: %s is not a JSON value", c->node->fn->about.name,
                             quote(quoted, item.at, item.len));
        }
    }
    return true;
}

bool list_doubles(struct call *c, struct text json, struct doubles *out)
{
    struct values items;
    if (!list_values(c, json, &items))
        return false;
    *out = (struct doubles){arena_alloc(c->arena, (items.count + 1) * sizeof *out->at), 0};
    for (size_t i = 0; i < items.count; i++) {
        struct value *v = &items.at[i], number = {.kind = KIND_NULL};
        if (v->kind == KIND_NULL)
            continue;
        if (v->kind == KIND_TEXT && number_of_text(v->text, &number))
            v = &number;
        if (v->kind != KIND_NUMBER)
            return call_fail(c, "%s wants a list of numbers", c->node->fn->about.name);
        out->at[out->count++] = value_double(v);
    }
    return true;
}

bool give_item(struct value *out, struct text json)
{
    if (json.len == 4 && memcmp(json.at, "null", 4) == 0)
        return true;
    return give_json(out, json);
}

static bool finish_list(struct call *c, struct value *out)
{
    buf_putc(&c->scratch, ']');
    return give_scratch_json(c, out);
}

KERNEL(do_list)
{
    buf_putc(&c->scratch, '[');
    for (size_t i = 0; i < c->count && c->scratch.len <= TEXT_OUTPUT_MAX; i++)
        list_put_value(&c->scratch, &a[i]);
    return finish_list(c, out);
}

KERNEL(do_range)
{
    int64_t from = c->count > 1 ? a[0].i : 0, to = c->count > 1 ? a[1].i : a[0].i;
    int64_t step = c->count > 2 ? a[2].i : 1;
    int64_t n = 0;
    if (step == 0)
        return call_fail(c, "range wants a step that is not 0");
    buf_putc(&c->scratch, '[');
    for (int64_t i = from; step > 0 ? i < to : i > to; n++) {
        struct value v = {.kind = KIND_NUMBER, .is_int = true, .i = i};
        if (n == LIST_MAX)
            return call_fail(c, "range: more than %d items", LIST_MAX);
        list_put_value(&c->scratch, &v);
        if (__builtin_add_overflow(i, step, &i))
            break;
    }
    return finish_list(c, out);
}

KERNEL(do_append)
{
    struct json_reader r;
    struct text item;
    if (!list_open(c, &r, a[0].text))
        return false;
    buf_putc(&c->scratch, '[');
    while (list_next(&r, &item))
        list_put(&c->scratch, item);
    for (size_t i = 1; i < c->count; i++)
        list_put_value(&c->scratch, &a[i]);
    return finish_list(c, out);
}

KERNEL(do_zip)
{
    struct json_reader first, second;
    struct text x, y;
    if (!list_open(c, &first, a[0].text) || !list_open(c, &second, a[1].text))
        return false;
    buf_putc(&c->scratch, '[');
    while (list_next(&first, &x) && list_next(&second, &y)) {
        list_put(&c->scratch, TEXT_LITERAL("["));
        list_put(&c->scratch, x);
        list_put(&c->scratch, y);
        buf_putc(&c->scratch, ']');
    }
    return finish_list(c, out);
}

KERNEL(do_slice)
{
    struct json_reader r;
    struct text item;
    if (!list_open(c, &r, a[0].text))
        return false;
    int64_t length = (int64_t)list_length(a[0].text), from = a[1].i;
    int64_t to = c->count > 2 ? a[2].i : length;
    from = from < 0 ? from + length : from;
    to = to < 0 ? to + length : to;
    buf_putc(&c->scratch, '[');
    for (int64_t i = 0; i < to && list_next(&r, &item); i++)
        if (i >= from)
            list_put(&c->scratch, item);
    return finish_list(c, out);
}

/* Lists within the list, however deep, are opened: reads on at the same level of text. */
static bool put_flat(struct buf *b, struct text json)
{
    struct json_reader r;
    json_start(&r, json.at, json.len);
    int depth = 1;
    json_next(&r);
    while (depth > 0) {
        struct text item;
        enum json_token t = json_next(&r);
        if (t == JSON_TOKEN_ARRAY)
            depth++;
        else if (t == JSON_TOKEN_END)
            depth--;
        else if (json_value_text(&r, t, &item))
            list_put(b, item);
        else
            return false;
    }
    return true;
}

KERNEL(do_list_flatten)
{
    struct json_reader r;
    if (!list_open(c, &r, a[0].text))
        return false;
    buf_putc(&c->scratch, '[');
    if (!put_flat(&c->scratch, a[0].text))
        return call_fail(c, "list_flatten: bad JSON");
    return finish_list(c, out);
}

static int by_value(const void *a, const void *b)
{
    return value_compare(a, b);
}

KERNEL(do_list_sort)
{
    struct values items;
    if (!list_values(c, a[0].text, &items))
        return false;
    qsort(items.at, items.count, sizeof *items.at, by_value);
    bool descending = c->count > 1 && a[1].b;
    buf_putc(&c->scratch, '[');
    for (size_t i = 0; i < items.count; i++)
        list_put_value(&c->scratch, &items.at[descending ? items.count - 1 - i : i]);
    return finish_list(c, out);
}

KERNEL(do_list_uniq)
{
    struct json_reader r;
    struct text item;
    struct map seen = {0};
    if (!list_open(c, &r, a[0].text))
        return false;
    buf_putc(&c->scratch, '[');
    while (list_next(&r, &item)) {
        bool is_new;
        map_put(&seen, item, &is_new);
        if (is_new)
            list_put(&c->scratch, item);
    }
    map_release(&seen);
    return finish_list(c, out);
}

#define LIST "list, map"
static const struct function_row rows[] = {
    {{"append", LIST, "append(list, item, ...) -> list", "the list with the items at its end",
      "append([1, 2], 3)", "[1,2,3]"},
     "jv*",
     'j',
     TAKES_MISSING,
     .row = do_append},
    {{"list", LIST, "list(item, ...) -> list", "[item, ...]; a missing item is null",
      "list(1, \"a\", null)", "[1,\"a\",null]"},
     "?v*",
     'j',
     TAKES_MISSING,
     .row = do_list},
    {{"list_flatten", LIST, "list_flatten(list) -> list", "lists within the list opened",
      "list_flatten([1, [2, [3]]])", "[1,2,3]"},
     "j",
     'j',
     .row = do_list_flatten},
    {{"list_sort", LIST, "list_sort(list [, descending]) -> list",
      "in order, numbers before other values", "list_sort([3, 1, 2])", "[1,2,3]"},
     "j?b",
     'j',
     .row = do_list_sort},
    {{"list_uniq", LIST, "list_uniq(list) -> list", "without items that came before",
      "list_uniq([1, 2, 1])", "[1,2]"},
     "j",
     'j',
     .row = do_list_uniq},
    {{"range", LIST, "range([from,] to [, step]) -> list",
      "integers from `from` (0) up to but without `to`", "range(4)", "[0,1,2,3]"},
     "i?ii",
     'j',
     .row = do_range},
    {{"slice", LIST, "slice(list, from [, to]) -> list",
      "items from position `from` up to but without `to`; negative ones count from the end",
      "slice([1, 2, 3, 4], 1, 3)", "[2,3]"},
     "ji?i",
     'j',
     .row = do_slice},
    {{"zip", LIST, "zip(a, b) -> list", "pairs of the items at the same places",
      "zip([1, 2], [\"a\", \"b\"])", "[[1,\"a\"],[2,\"b\"]]"},
     "jj",
     'j',
     .row = do_zip},
};
const struct function_family list_functions = {rows, COUNT_OF(rows)};
