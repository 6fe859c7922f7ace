/* Maps (JSON objects), and looking into lists and maps alike. */
#include "expr/fn_list.h"

bool map_open(struct call *c, struct json_reader *r, struct text json)
{
    json_start(r, json.at, json.len);
    if (json_next(r) == JSON_TOKEN_OBJECT)
        return true;
    char quoted[QUOTE_MAX];
    return call_fail(c, "%s wants a map, not %s", c->node->fn->about.name,
                     quote(quoted, json.at, json.len));
}

bool map_next(struct json_reader *r, struct arena *arena, struct text *key, struct text *value)
{
    if (json_next(r) != JSON_TOKEN_KEY)
        return false;
    *key = r->raw;
    if (r->escaped) {
        struct buf decoded = {0};
        if (json_unescape(&decoded, r->raw))
            *key = (struct text){arena_text(arena, decoded.at ? decoded.at : "", decoded.len),
                                 decoded.len};
        buf_release(&decoded);
    }
    return json_value_text(r, json_next(r), value);
}

void map_put_entry(struct buf *b, struct text key, struct text json)
{
    if (b->at[b->len - 1] != '{')
        buf_putc(b, ',');
    json_put_string(b, key.at, key.len);
    buf_putc(b, ':');
    buf_add(b, json.at, json.len);
}

static bool finish_map(struct call *c, struct value *out)
{
    buf_putc(&c->scratch, '}');
    return give_scratch_json(c, out);
}

/* The last entry of that key counts. */
static bool find_key(struct text json, struct text wanted, struct arena *arena, struct text *found)
{
    struct json_reader r;
    struct text key, value;
    bool there = false;
    json_start(&r, json.at, json.len);
    if (json_next(&r) != JSON_TOKEN_OBJECT)
        return false;
    while (map_next(&r, arena, &key, &value))
        if (text_equal(key, wanted)) {
            *found = value;
            there = true;
        }
    return there;
}

static bool find_item(struct text json, int64_t index, struct text *found)
{
    struct json_reader r;
    if (index < 0)
        index += (int64_t)list_length(json);
    if (index < 0 || !list_start(&r, json))
        return false;
    for (; list_next(&r, found); index--)
        if (index == 0)
            return true;
    return false;
}

/* A key or an index as text for maps, as a number for lists. */
static bool find_member(struct call *c, struct text json, const struct value *key,
                        struct text *found)
{
    struct value number = *key;
    if (is_list_text(json)) {
        if (key->kind == KIND_TEXT && !number_of_text(key->text, &number))
            return false;
        return number.kind == KIND_NUMBER && number.is_int && find_item(json, number.i, found);
    }
    struct buf text = {0};
    put_value(&text, key);
    struct text wanted = {buf_text(&text), text.len};
    bool there = find_key(json, wanted, c->arena, found);
    buf_release(&text);
    return there;
}

KERNEL(do_get)
{
    struct text found;
    if (find_member(c, a[0].text, &a[1], &found))
        return give_item(out, found);
    if (c->count > 2 && a[2].kind != KIND_NULL) {
        put_json(&c->scratch, &a[2]);
        return give_scratch_json(c, out);
    }
    return true;
}

KERNEL(do_has)
{
    struct text found;
    if (!is_list_text(a[0].text))
        return give_bool(out, find_member(c, a[0].text, &a[1], &found));
    struct values items;
    if (!list_values(c, a[0].text, &items))
        return false;
    for (size_t i = 0; i < items.count; i++)
        if (items.at[i].kind == a[1].kind && value_compare(&items.at[i], &a[1]) == 0)
            return give_bool(out, true);
    return give_bool(out, false);
}

KERNEL(do_length)
{
    struct json_reader r;
    struct text key, value;
    int64_t n = 0;
    if (is_list_text(a[0].text))
        return give_int(out, (int64_t)list_length(a[0].text));
    if (!map_open(c, &r, a[0].text))
        return false;
    while (map_next(&r, c->arena, &key, &value))
        n++;
    return give_int(out, n);
}

static bool set_in_list(struct call *c, const struct value *a, struct text with, struct value *out)
{
    struct json_reader r;
    struct text item;
    int64_t length = (int64_t)list_length(a[0].text), at = a[1].i;
    if (a[1].kind != KIND_NUMBER || !a[1].is_int)
        return call_fail(c, "set wants a position in a list");
    at = at < 0 ? at + length : at;
    if (at < 0 || at >= length)
        return call_fail(c, "set: the list has no position %lld", (long long)a[1].i);
    list_start(&r, a[0].text);
    buf_putc(&c->scratch, '[');
    for (int64_t i = 0; list_next(&r, &item); i++)
        list_put(&c->scratch, i == at ? with : item);
    buf_putc(&c->scratch, ']');
    return give_scratch_json(c, out);
}

static bool set_in_map(struct call *c, const struct value *a, struct text with, struct value *out)
{
    struct json_reader r;
    struct text key, value;
    struct buf name = {0};
    bool done = false;
    if (!map_open(c, &r, a[0].text))
        return false;
    put_value(&name, &a[1]);
    struct text wanted = {buf_text(&name), name.len};
    buf_putc(&c->scratch, '{');
    while (map_next(&r, c->arena, &key, &value)) {
        bool same = text_equal(key, wanted);
        map_put_entry(&c->scratch, key, same ? with : value);
        done = done || same;
    }
    if (!done)
        map_put_entry(&c->scratch, wanted, with);
    buf_release(&name);
    return finish_map(c, out);
}

KERNEL(do_set)
{
    struct buf json = {0};
    if (a[0].kind == KIND_NULL || a[1].kind == KIND_NULL)
        return true;
    put_json(&json, &a[2]);
    struct text with = {buf_text(&json), json.len};
    bool good =
        is_list_text(a[0].text) ? set_in_list(c, a, with, out) : set_in_map(c, a, with, out);
    buf_release(&json);
    return good;
}

KERNEL(do_keys)
{
    struct json_reader r;
    struct text key, value;
    if (!map_open(c, &r, a[0].text))
        return false;
    buf_putc(&c->scratch, '[');
    while (map_next(&r, c->arena, &key, &value))
        list_put_value(&c->scratch, &(struct value){.kind = KIND_TEXT, .text = key});
    buf_putc(&c->scratch, ']');
    return give_scratch_json(c, out);
}

KERNEL(do_values)
{
    struct json_reader r;
    struct text key, value;
    if (!map_open(c, &r, a[0].text))
        return false;
    buf_putc(&c->scratch, '[');
    while (map_next(&r, c->arena, &key, &value))
        list_put(&c->scratch, value);
    buf_putc(&c->scratch, ']');
    return give_scratch_json(c, out);
}

/* Keys in order of arrival; the second map's values win. */
KERNEL(do_merge_map)
{
    struct json_reader r;
    struct text key, value, other;
    if (!map_open(c, &r, a[0].text))
        return false;
    buf_putc(&c->scratch, '{');
    while (map_next(&r, c->arena, &key, &value))
        map_put_entry(&c->scratch, key, find_key(a[1].text, key, c->arena, &other) ? other : value);
    if (!map_open(c, &r, a[1].text))
        return false;
    while (map_next(&r, c->arena, &key, &value))
        if (!find_key(a[0].text, key, c->arena, &other))
            map_put_entry(&c->scratch, key, value);
    return finish_map(c, out);
}

/* The text up to sep, cut off the front of *rest; the whole of it without sep. */
static struct text cut(struct text *rest, struct text sep)
{
    struct text head = *rest;
    for (size_t i = 0; i + sep.len <= rest->len; i++)
        if (memcmp(rest->at + i, sep.at, sep.len) == 0) {
            head.len = i;
            *rest = (struct text){rest->at + i + sep.len, rest->len - i - sep.len};
            return head;
        }
    *rest = (struct text){rest->at + rest->len, 0};
    return head;
}

KERNEL(do_explode_kv)
{
    struct text rest = a[0].text;
    struct buf json = {0};
    if (a[1].text.len == 0 || a[2].text.len == 0)
        return call_fail(c, "explode_kv wants separators that are not empty");
    buf_putc(&c->scratch, '{');
    while (rest.len > 0) {
        struct text value = cut(&rest, a[1].text), key = cut(&value, a[2].text);
        if (key.len == 0 && value.len == 0)
            continue;
        json.len = 0;
        json_put_string(&json, value.at, value.len);
        map_put_entry(&c->scratch, key, (struct text){json.at, json.len});
    }
    buf_release(&json);
    return finish_map(c, out);
}

/* path = ["$"] { "." name | "[" number "]" | "[" quote name quote "]" }; the first dot may be left
 * out. Takes one step off the front of *path; false when it is malformed. */
static bool path_step(struct text *path, struct value *key)
{
    const char *p = path->at, *end = path->at + path->len;
    const char *stop;
    if (*p == '[') {
        stop = memchr(p, ']', (size_t)(end - p));
        if (!stop)
            return false;
        struct text inside = {p + 1, (size_t)(stop - p) - 1};
        bool quoted = inside.len >= 2 && (inside.at[0] == '"' || inside.at[0] == '\'') &&
                      inside.at[inside.len - 1] == inside.at[0];
        if (quoted)
            give_text(key, (struct text){inside.at + 1, inside.len - 2});
        else if (!number_of_text(inside, key) || !key->is_int)
            return false;
        stop++;
    } else {
        p += *p == '.';
        for (stop = p; stop < end && *stop != '.' && *stop != '[';)
            stop++;
        if (stop == p)
            return false;
        give_text(key, (struct text){p, (size_t)(stop - p)});
    }
    *path = (struct text){stop, (size_t)(end - stop)};
    return true;
}

KERNEL(do_json_path)
{
    struct text at = a[0].text, path = a[1].text;
    if (path.len > 0 && path.at[0] == '$')
        path = (struct text){path.at + 1, path.len - 1};
    while (path.len > 0) {
        struct value key = {.kind = KIND_NULL};
        char quoted[QUOTE_MAX];
        if (!path_step(&path, &key))
            return call_fail(c, "%s is not a path such as $.a[0].b",
                             quote(quoted, a[1].text.at, a[1].text.len));
        if (!find_member(c, at, &key, &at))
            return true;
    }
    return give_item(out, at);
}

#define LIST "list, map"
static const struct function_row rows[] = {
    {{"explode_kv", LIST, "explode_kv(text, separator, equals) -> map",
      "\"a=1;b=2\" as a map of texts", "explode_kv(\"a=1;b=2\", \";\", \"=\")",
      "{\"a\":\"1\",\"b\":\"2\"}"},
     "ttt",
     'j',
     .row = do_explode_kv},
    {{"get", LIST, "get(list or map, position or key [, default]) -> any",
      "an item; missing (or the default) when there is none", "get([10, 20], 1)", "20"},
     "jv?v",
     'j',
     .row = do_get},
    {{"has", LIST, "has(list or map, item or key) -> bool",
      "does the list hold the item, the map the key?", "has([1, 2], 2)", "true"},
     "jv",
     'b',
     .row = do_has},
    {{"json_path", LIST, "json_path(json, path) -> any",
      "the value at a path such as $.a[0].b; missing when there is none",
      "json_path(json_parse(\"{\\\"a\\\":[1,{\\\"b\\\":5}]}\"), \"$.a[1].b\")", "5"},
     "jt",
     'j',
     .row = do_json_path},
    {{"keys", LIST, "keys(map) -> list", "the keys of a map",
      "keys(explode_kv(\"a=1;b=2\", \";\", \"=\"))", "[\"a\",\"b\"]"},
     "j",
     'j',
     .row = do_keys},
    {{"length", LIST, "length(list or map) -> int", "number of items or keys", "length([1, 2, 3])",
      "3"},
     "j",
     'i',
     .row = do_length},
    {{"merge_map", LIST, "merge_map(a, b) -> map", "the entries of both, those of b win",
      "merge_map(json_parse(\"{\\\"a\\\":1}\"), json_parse(\"{\\\"b\\\":2}\"))",
      "{\"a\":1,\"b\":2}"},
     "jj",
     'j',
     .row = do_merge_map},
    {{"set", LIST, "set(list or map, position or key, value) -> list or map",
      "with the item replaced; a new key is added", "set([1, 2, 3], 0, 9)", "[9,2,3]"},
     "jvv",
     'j',
     TAKES_MISSING,
     .row = do_set},
    {{"values", LIST, "values(map) -> list", "the values of a map",
      "values(explode_kv(\"a=1;b=2\", \";\", \"=\"))", "[\"1\",\"2\"]"},
     "j",
     'j',
     .row = do_values},
};
const struct function_family map_functions = {rows, COUNT_OF(rows)};
