/* Single values: to and from text and JSON. */
#include "expr/eval.h"

#include <math.h>

double value_double(const struct value *v)
{
    if (v->kind != KIND_NUMBER)
        return (double)NAN;
    return v->is_int ? (double)v->i : v->f;
}

bool number_of_text(struct text t, struct value *out)
{
    int64_t i = 0;
    double f = 0;
    enum number_kind kind = number_parse(t.at, t.len, &i, &f);
    if (kind == NUMBER_INT && i != INT_MISSING)
        return give_int(out, i);
    if (kind == NUMBER_NONE && !number_parse_double(t.at, t.len, &f))
        return false;
    return give_double(out, f);
}

bool time_in_range(usec t)
{
    return t >= -62135596800 * USEC_SECOND && t < 253402300800 * USEC_SECOND;
}

static bool word_equal(struct text t, const char *word)
{
    size_t n = strlen(word);
    if (t.len != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((t.at[i] | 0x20) != (word[i] | 0x20))
            return false;
    return true;
}

bool bool_of_text(struct text t, uint8_t *out)
{
    if (word_equal(t, "true") || text_equal(t, TEXT_LITERAL("1")))
        *out = 1;
    else if (word_equal(t, "false") || text_equal(t, TEXT_LITERAL("0")))
        *out = 0;
    else
        return false;
    return true;
}

static void put_number(struct buf *b, const struct value *v)
{
    char digits[NUMBER_MAX];
    buf_add(b, digits, v->is_int ? number_print_int(digits, v->i) : number_print(digits, v->f));
}

void put_value(struct buf *b, const struct value *v)
{
    char time[TIME_MAX];
    switch (v->kind) {
    case KIND_NULL:
        break;
    case KIND_NUMBER:
        put_number(b, v);
        break;
    case KIND_BOOL:
        buf_puts(b, v->b ? "true" : "false");
        break;
    case KIND_TIME:
        buf_add(b, time, time_print(time, v->time));
        break;
    case KIND_TEXT:
        buf_add(b, v->text.at, v->text.len);
        break;
    case KIND_JSON:
        if (v->text.len >= 2 && v->text.at[0] == '"' &&
            json_unescape(b, (struct text){v->text.at + 1, v->text.len - 2}))
            break;
        if (!text_equal(v->text, TEXT_LITERAL("null")))
            buf_add(b, v->text.at, v->text.len);
        break;
    }
}

void put_json(struct buf *b, const struct value *v)
{
    switch (v->kind) {
    case KIND_NULL:
        buf_puts(b, "null");
        break;
    case KIND_NUMBER:
        if (v->is_int)
            put_number(b, v);
        else
            json_put_double(b, v->f);
        break;
    case KIND_TIME:
        buf_putc(b, '"');
        put_value(b, v);
        buf_putc(b, '"');
        break;
    case KIND_TEXT:
        json_put_string(b, v->text.at, v->text.len);
        break;
    case KIND_BOOL:
        put_value(b, v);
        break;
    case KIND_JSON:
        buf_add(b, v->text.at, v->text.len);
        break;
    }
}

bool json_value_text(struct json_reader *r, enum json_token t, struct text *out)
{
    const char *start;
    switch (t) {
    case JSON_TOKEN_OBJECT:
    case JSON_TOKEN_ARRAY:
        start = r->at - 1;
        if (!json_skip(r))
            return false;
        *out = (struct text){start, (size_t)(r->at - start)};
        return true;
    case JSON_TOKEN_STRING:
        *out = (struct text){r->raw.at - 1, r->raw.len + 2};
        return true;
    case JSON_TOKEN_NUMBER:
    case JSON_TOKEN_TRUE:
    case JSON_TOKEN_FALSE:
    case JSON_TOKEN_NULL:
        *out = r->raw;
        return true;
    case JSON_TOKEN_ERROR:
    case JSON_TOKEN_DONE:
    case JSON_TOKEN_END:
    case JSON_TOKEN_KEY:
        break;
    }
    return false;
}

static bool text_of_json_string(struct text raw, bool escaped, struct arena *arena,
                                struct value *out)
{
    if (!escaped)
        return give_text(out, raw);
    struct buf decoded = {0};
    bool good = json_unescape(&decoded, raw);
    if (good)
        give_text(out, (struct text){arena_text(arena, decoded.at ? decoded.at : "", decoded.len),
                                     decoded.len});
    buf_release(&decoded);
    return good;
}

bool value_of_json(struct text json, struct arena *arena, struct value *out)
{
    struct json_reader r;
    json_start(&r, json.at, json.len);
    enum json_token t = json_next(&r);
    struct text raw = r.raw, whole;
    bool escaped = r.escaped;
    *out = (struct value){.kind = KIND_NULL};
    if (!json_value_text(&r, t, &whole) || json_next(&r) != JSON_TOKEN_DONE)
        return false;
    switch (t) {
    case JSON_TOKEN_OBJECT:
    case JSON_TOKEN_ARRAY:
        return give_json(out, whole);
    case JSON_TOKEN_STRING:
        return text_of_json_string(raw, escaped, arena, out);
    case JSON_TOKEN_NUMBER:
        return number_of_text(raw, out);
    case JSON_TOKEN_TRUE:
    case JSON_TOKEN_FALSE:
        return give_bool(out, t == JSON_TOKEN_TRUE);
    default:
        return t == JSON_TOKEN_NULL;
    }
}

bool list_start(struct json_reader *r, struct text json)
{
    json_start(r, json.at, json.len);
    return json_next(r) == JSON_TOKEN_ARRAY;
}

bool list_next(struct json_reader *r, struct text *item)
{
    return json_value_text(r, json_next(r), item);
}

int value_compare(const struct value *a, const struct value *b)
{
    if (a->kind == KIND_NUMBER && b->kind == KIND_NUMBER) {
        if (a->is_int && b->is_int)
            return (a->i > b->i) - (a->i < b->i);
        double x = value_double(a), y = value_double(b);
        return (x > y) - (x < y);
    }
    if (a->kind != b->kind)
        return a->kind == KIND_NUMBER   ? -1
               : b->kind == KIND_NUMBER ? 1
               : a->kind < b->kind      ? -1
                                        : 1;
    if (a->kind == KIND_BOOL)
        return (int)a->b - (int)b->b;
    if (a->kind == KIND_TIME)
        return (a->time > b->time) - (a->time < b->time);
    return a->kind == KIND_NULL ? 0 : text_compare(a->text, b->text);
}

bool call_fail(struct call *c, const char *format, ...)
{
    char message[sizeof c->error->message];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    error_set(c->error, ERR_DATA, "%s", message);
    return false;
}

static bool scratch_text(struct call *c, struct text *out)
{
    const char *at = c->scratch.at ? c->scratch.at : "";
    if (c->scratch.len > TEXT_OUTPUT_MAX)
        return call_fail(c, "%s: the result is longer than 16 MiB", c->node->fn->about.name);
    *out = (struct text){arena_text(c->arena, at, c->scratch.len), c->scratch.len};
    return true;
}

bool give_scratch(struct call *c, struct value *out)
{
    struct text t = {NULL, 0};
    return scratch_text(c, &t) && give_text(out, t);
}

bool give_scratch_json(struct call *c, struct value *out)
{
    struct text t = {NULL, 0};
    return scratch_text(c, &t) && give_json(out, t);
}
