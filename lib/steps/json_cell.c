#include "steps/json_cell.h"

static const struct text missing = {NULL, 0};

struct text json_cell_text(struct batch *b, struct json_reader *r, enum json_token token,
                           const char *start)
{
    struct buf decoded = {0};
    struct text out = r->raw;
    switch (token) {
    case JSON_TOKEN_OBJECT:
    case JSON_TOKEN_ARRAY:
        return json_skip(r) ? (struct text){start, (size_t)(r->at - start)} : missing;
    case JSON_TOKEN_STRING:
        if (!r->escaped)
            return out;
        (void)json_unescape(&decoded, out);
        out =
            (struct text){arena_copy(&b->arena, buf_text(&decoded), decoded.len + 1), decoded.len};
        buf_release(&decoded);
        return out;
    case JSON_TOKEN_NUMBER:
    case JSON_TOKEN_TRUE:
    case JSON_TOKEN_FALSE:
        return out;
    default:
        return missing;
    }
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && strchr(" \t\n\r,:", *at))
        at++;
    return at;
}

bool json_cell_next(struct batch *b, struct json_reader *r, struct text *key, struct text *value)
{
    const char *start = skip_blanks(r->at, r->end);
    enum json_token token = json_next(r);
    if (token == JSON_TOKEN_KEY) {
        *key = r->raw;
        start = skip_blanks(r->at, r->end);
        token = json_next(r);
    }
    if (token == JSON_TOKEN_END || token == JSON_TOKEN_ERROR || token == JSON_TOKEN_DONE)
        return false;
    *value = json_cell_text(b, r, token, start);
    return true;
}

bool json_cell_begin(struct json_reader *r, struct text cell, enum json_token wanted)
{
    if (!cell.at)
        return false;
    json_start(r, cell.at, cell.len);
    return json_next(r) == wanted;
}

bool json_cell_is(struct text cell, enum json_token wanted)
{
    struct json_reader r;
    if (!json_cell_begin(&r, cell, wanted))
        return false;
    if ((wanted == JSON_TOKEN_ARRAY || wanted == JSON_TOKEN_OBJECT) && !json_skip(&r))
        return false;
    return json_next(&r) == JSON_TOKEN_DONE;
}

int json_cell_reject(struct batch *b, size_t row, size_t column, const char *name,
                     const char *wanted, struct error *e)
{
    struct text v = batch_cell(b, column, row);
    char quoted[QUOTE_MAX];
    error_set(e, ERR_DATA, "%s is not %s", quote(quoted, v.at, v.len), wanted);
    return batch_reject(b, row, column, name, e);
}
