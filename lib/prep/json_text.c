#include "prep/json_text.h"

enum { SHORT_LIST = 16 };

static void put_value(struct buf *out, const json_t *j, int level);

static void put_line(struct buf *out, int level)
{
    buf_putc(out, '\n');
    for (int i = 0; i < level; i++)
        buf_puts(out, "  ");
}

static void put_scalar(struct buf *out, const json_t *j)
{
    switch (json_typeof(j)) {
    case JSON_STRING:
        json_put_string(out, json_string_value(j), json_string_length(j));
        break;
    case JSON_INTEGER:
        buf_format(out, "%lld", (long long)json_integer_value(j));
        break;
    case JSON_REAL: {
        size_t from = out->len;
        json_put_double(out, json_real_value(j));
        /* 5 would read back as an integer */
        if (!memchr(out->at + from, '.', out->len - from) &&
            !memchr(out->at + from, 'e', out->len - from))
            buf_puts(out, ".0");
        break;
    }
    case JSON_TRUE:
        buf_puts(out, "true");
        break;
    case JSON_FALSE:
        buf_puts(out, "false");
        break;
    default:
        buf_puts(out, "null");
    }
}

static bool fits_a_line(const json_t *list)
{
    size_t count = json_array_size(list);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        if (json_is_object(item) || json_is_array(item))
            return false;
    }
    return count <= SHORT_LIST;
}

static void put_list(struct buf *out, const json_t *list, int level)
{
    bool one_line = fits_a_line(list);
    buf_putc(out, '[');
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (i > 0)
            buf_puts(out, one_line ? ", " : ",");
        if (!one_line)
            put_line(out, level + 1);
        put_value(out, json_array_get(list, i), level + 1);
    }
    if (!one_line)
        put_line(out, level);
    buf_putc(out, ']');
}

struct member {
    const char *key;
    const json_t *value;
};

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static void put_object(struct buf *out, const json_t *object, int level)
{
    size_t count = 0;
    struct member *members = mem_array(NULL, json_object_size(object) + 1, sizeof *members);
    json_t *from = json_incref((json_t *)(uintptr_t)object); /* jansson's iterators are not const */
    for (void *it = json_object_iter(from); it; it = json_object_iter_next(from, it))
        members[count++] = (struct member){json_object_iter_key(it), json_object_iter_value(it)};
    qsort(members, count, sizeof *members, by_key);
    buf_putc(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_putc(out, ',');
        put_line(out, level + 1);
        json_put_string(out, members[i].key, strlen(members[i].key));
        buf_puts(out, ": ");
        put_value(out, members[i].value, level + 1);
    }
    if (count > 0)
        put_line(out, level);
    buf_putc(out, '}');
    mem_free(members);
    json_decref(from);
}

static void put_value(struct buf *out, const json_t *j, int level)
{
    if (json_is_object(j))
        put_object(out, j, level);
    else if (json_is_array(j))
        put_list(out, j, level);
    else
        put_scalar(out, j);
}

void json_put_value(struct buf *out, const json_t *j)
{
    put_value(out, j, 0);
}
