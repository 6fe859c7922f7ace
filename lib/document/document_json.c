/* JSON, read as a stream into the tree. */
#include "document/tree.h"

struct json_source {
    struct tree *tree;
    struct json_reader reader;
    struct finder finder;
};

static struct place place_at(struct json_source *s, const char *at)
{
    return finder_byte(&s->finder, (size_t)(at - s->reader.start));
}

/* A scalar, or a key: at is its first byte. */
static int add(struct json_source *s, enum doc_kind kind, const char *at, struct text text)
{
    struct place place = place_at(s, at);
    struct branch b = {{.kind = (uint8_t)kind, .line = place.line, .column = place.column},
                       .values = 1};
    b.node.truth = kind == DOC_BOOL && text.at[0] == 't';
    b.node.text = text;
    return tree_add(s->tree, &b);
}

static int add_plain(struct json_source *s, enum doc_kind kind)
{
    struct text raw = s->reader.raw;
    return add(s, kind, raw.at,
               (struct text){arena_text(&s->tree->doc->arena, raw.at, raw.len), raw.len});
}

static int add_string(struct json_source *s)
{
    struct text raw = s->reader.raw, text = {0};
    char *decoded = arena_text(&s->tree->doc->arena, raw.at, raw.len);
    text = (struct text){decoded, raw.len};
    if (s->reader.escaped && !json_decode(decoded, raw, &text.len))
        return tree_error(s->tree, place_at(s, raw.at - 1), "invalid escape in a string");
    decoded[text.len] = '\0';
    return add(s, DOC_TEXT, raw.at - 1, text);
}

static int add_number(struct json_source *s)
{
    struct text raw = s->reader.raw;
    char quoted[QUOTE_MAX];
    double value;
    if (!number_parse_double(raw.at, raw.len, &value))
        return tree_error(s->tree, place_at(s, raw.at), "number %s is too large",
                          quote(quoted, raw.at, raw.len));
    return add_plain(s, DOC_NUMBER);
}

static int take(struct json_source *s, enum json_token token)
{
    struct branch closed;
    switch (token) {
    case JSON_TOKEN_OBJECT:
        return tree_open(s->tree, DOC_MAP, place_at(s, s->reader.at - 1));
    case JSON_TOKEN_ARRAY:
        return tree_open(s->tree, DOC_LIST, place_at(s, s->reader.at - 1));
    case JSON_TOKEN_END:
        return tree_close(s->tree, &closed);
    case JSON_TOKEN_KEY:
    case JSON_TOKEN_STRING:
        return add_string(s);
    case JSON_TOKEN_NUMBER:
        return add_number(s);
    case JSON_TOKEN_TRUE:
    case JSON_TOKEN_FALSE:
        return add_plain(s, DOC_BOOL);
    case JSON_TOKEN_NULL:
        return add_plain(s, DOC_NULL);
    case JSON_TOKEN_DONE:
        return 0;
    default:
        return tree_error(s->tree, place_at(s, s->reader.at), "%s", s->reader.problem);
    }
}

int document_read_json(struct tree *t, struct text bytes)
{
    struct json_source s = {.tree = t};
    finder_start(&s.finder, bytes);
    size_t valid = utf8_valid_prefix(bytes.at, bytes.len);
    if (valid < bytes.len)
        return tree_error(t, finder_byte(&s.finder, valid), "invalid UTF-8");
    json_start(&s.reader, bytes.at, bytes.len);
    enum json_token token;
    int status;
    do {
        token = json_next(&s.reader);
        status = take(&s, token);
    } while (status == 0 && token != JSON_TOKEN_DONE);
    return status;
}
