/* XGBoost's models in UBJSON (Universal Binary JSON, draft 12): all numbers big-endian, and lists
 * may say their length and the type of their values once for all. */
#include "model/builder.h"
#include "model/import_xgboost.h"

enum { DEPTH_MAX = 64 };

struct level {
    bool object, counted;
    bool value_next; /* object: its key was read */
    char type;       /* of all values; 0: each says its own */
    uint64_t left;   /* counted: values to come */
};

struct ubjson_pull {
    struct pull base;
    const uint8_t *at, *end, *start;
    size_t depth;
    bool begun;
    struct level stack[DEPTH_MAX];
};

static enum json_token fail(struct ubjson_pull *p, const char *problem)
{
    p->base.problem = problem;
    p->base.offset = (size_t)(p->at - p->start);
    return JSON_TOKEN_ERROR;
}

static size_t bytes_left(const struct ubjson_pull *p)
{
    return (size_t)(p->end - p->at);
}

/* Bytes of a number of that type; 0: it is no such type. */
static size_t width_of(char type)
{
    switch (type) {
    case 'i':
    case 'U':
        return 1;
    case 'I':
        return 2;
    case 'l':
    case 'd':
        return 4;
    case 'L':
    case 'D':
        return 8;
    default:
        return 0;
    }
}

static uint64_t big_endian(const uint8_t *p, size_t n)
{
    uint64_t x = 0;
    for (size_t i = 0; i < n; i++)
        x = x << 8 | p[i];
    return x;
}

/* The integer of n bytes with its sign. */
static int64_t with_sign(uint64_t x, size_t n)
{
    uint64_t sign = UINT64_C(1) << (8 * n - 1);
    return (int64_t)((x ^ sign) - sign);
}

static double number_of(char type, const uint8_t *at)
{
    size_t n = width_of(type);
    uint64_t bits = big_endian(at, n);
    uint32_t low = (uint32_t)bits;
    float f;
    double d;
    switch (type) {
    case 'U':
        return (double)bits;
    case 'd':
        memcpy(&f, &low, sizeof f);
        return (double)f;
    case 'D':
        memcpy(&d, &bits, sizeof d);
        return d;
    default:
        return (double)with_sign(bits, n);
    }
}

/* A length: marker of an integer type, then the integer. */
static bool read_length(struct ubjson_pull *p, uint64_t *length)
{
    char type = p->at < p->end ? (char)*p->at : 0;
    size_t n = type == 'd' || type == 'D' ? 0 : width_of(type);
    if (n == 0 || bytes_left(p) - 1 < n)
        return fail(p, "a length is expected"), false;
    uint64_t bits = big_endian(p->at + 1, n);
    if (type != 'U' && with_sign(bits, n) < 0)
        return fail(p, "a length is negative"), false;
    p->at += 1 + n;
    *length = bits;
    return true;
}

static enum json_token read_text(struct ubjson_pull *p, enum json_token token)
{
    uint64_t n = 0;
    if (!read_length(p, &n))
        return JSON_TOKEN_ERROR;
    if (n > bytes_left(p))
        return fail(p, "a text is longer than the file");
    p->base.text = (struct text){(const char *)p->at, (size_t)n};
    p->at += n;
    return token;
}

static bool holds(struct ubjson_pull *p, char c)
{
    return p->at < p->end && *p->at == (uint8_t)c;
}

/* Behind [ or {: the type and the number of its values, when they are there. A value takes a byte
 * at least, so that no list is longer than the file. */
static enum json_token open_level(struct ubjson_pull *p, bool object)
{
    if (p->depth == DEPTH_MAX)
        return fail(p, "nested too deep");
    struct level *l = &p->stack[p->depth];
    *l = (struct level){.object = object};
    if (holds(p, '$')) {
        if (bytes_left(p) < 3 || !strchr("iUIlLdDSC[{", p->at[1]) || p->at[2] != '#')
            return fail(p, "the type of a list is not supported");
        l->type = (char)p->at[1];
        p->at += 2;
    }
    if (holds(p, '#')) {
        p->at++;
        l->counted = true;
        if (!read_length(p, &l->left))
            return JSON_TOKEN_ERROR;
    }
    size_t width = width_of(l->type);
    if (l->left > bytes_left(p) / (width ? width : 1))
        return fail(p, "a list is longer than the file");
    p->depth++;
    return object ? JSON_TOKEN_OBJECT : JSON_TOKEN_ARRAY;
}

static enum json_token read_number(struct ubjson_pull *p, char type)
{
    size_t n = width_of(type);
    if (n == 0)
        return fail(p, "not the type of a value");
    if (n > bytes_left(p))
        return fail(p, "the file ends in a number");
    p->base.number = number_of(type, p->at);
    p->at += n;
    return JSON_TOKEN_NUMBER;
}

static enum json_token read_character(struct ubjson_pull *p)
{
    if (p->at == p->end)
        return fail(p, "the file ends in a character");
    p->base.text = (struct text){(const char *)p->at++, 1};
    return JSON_TOKEN_STRING;
}

/* A value of a type whose marker is behind us. */
static enum json_token read_value(struct ubjson_pull *p, char type)
{
    switch (type) {
    case '{':
        return open_level(p, true);
    case '[':
        return open_level(p, false);
    case 'S':
        return read_text(p, JSON_TOKEN_STRING);
    case 'C':
        return read_character(p);
    case 'Z':
        return JSON_TOKEN_NULL;
    case 'T':
    case 'F':
        p->base.number = type == 'T';
        return JSON_TOKEN_NUMBER;
    default:
        return read_number(p, type);
    }
}

static enum json_token read_marked(struct ubjson_pull *p)
{
    while (holds(p, 'N')) /* no operation */
        p->at++;
    if (p->at == p->end)
        return fail(p, "the file ends before a value");
    return read_value(p, (char)*p->at++);
}

/* Whether the level ends here; its last byte, if it has one, is read. */
static bool level_ends(struct ubjson_pull *p, const struct level *l)
{
    if (l->counted)
        return l->left == 0;
    while (holds(p, 'N'))
        p->at++;
    if (!holds(p, l->object ? '}' : ']'))
        return false;
    p->at++;
    return true;
}

static enum json_token step(struct ubjson_pull *p)
{
    if (p->depth == 0) {
        if (p->begun)
            return p->at == p->end ? JSON_TOKEN_DONE : fail(p, "more behind the end");
        p->begun = true;
        return read_marked(p);
    }
    struct level *l = &p->stack[p->depth - 1];
    if (!l->value_next && level_ends(p, l)) {
        p->depth--;
        return JSON_TOKEN_END;
    }
    if (l->object && !l->value_next) {
        l->value_next = true;
        return read_text(p, JSON_TOKEN_KEY);
    }
    l->value_next = false;
    l->left -= l->counted;
    return l->type ? read_value(p, l->type) : read_marked(p);
}

static enum json_token next(struct pull *base)
{
    struct ubjson_pull *p = (struct ubjson_pull *)base;
    enum json_token token = step(p);
    if (token != JSON_TOKEN_ERROR)
        base->offset = (size_t)(p->at - p->start);
    return token;
}

static struct ubjson_pull start(const char *bytes, size_t n)
{
    const uint8_t *first = (const uint8_t *)bytes;
    return (struct ubjson_pull){.base.next = next, .at = first, .end = first + n, .start = first};
}

static bool is_booster(const char *bytes, size_t n)
{
    if (n < 2 || bytes[0] != '{')
        return false;
    struct ubjson_pull p = start(bytes, n);
    bool object = next(&p.base) == JSON_TOKEN_OBJECT;
    return object && next(&p.base) == JSON_TOKEN_KEY && booster_key(p.base.text);
}

int import_xgboost_ubjson(const char *bytes, size_t n, struct model **m, struct error *e)
{
    if (!is_booster(bytes, n))
        return 0;
    struct booster b = {.bytes = n};
    struct ubjson_pull p = start(bytes, n);
    int status = booster_read(&p.base, &b, e);
    if (status == 0)
        status = booster_model(&b, "xgboost-ubjson", m, e);
    booster_release(&b);
    return status;
}
