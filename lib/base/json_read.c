/* JSON text (RFC 8259): a pull parser, decoding of escapes. */
#include "base/json_read.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { JSON_DEPTH_MAX = 512 };

/* What the reader expects next. */
enum json_state {
    JSON_WANT_VALUE,        /* at the start, after a key or after a comma in an array */
    JSON_WANT_VALUE_OR_END, /* after [ */
    JSON_WANT_KEY_OR_END,   /* after { */
    JSON_WANT_COMMA_OR_END, /* after a value; at depth 0 the end of the text */
    JSON_FAILED,
};

/* Bytes before the first that cannot stand in a string as it is: quote, backslash, control. */
static inline size_t json_run(const char *p, size_t n)
{
    size_t i = 0;
#ifdef __SSE2__
    const __m128i quote_byte = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i last_control = _mm_set1_epi8(0x1F);
    for (; n - i >= 16; i += 16) {
        __m128i bytes = _mm_loadu_si128((const void *)(p + i));
        __m128i control = _mm_cmpeq_epi8(_mm_max_epu8(bytes, last_control), last_control);
        __m128i special =
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote_byte), _mm_cmpeq_epi8(bytes, backslash));
        unsigned found = (unsigned)_mm_movemask_epi8(_mm_or_si128(special, control));
        if (found)
            return i + (size_t)__builtin_ctz(found);
    }
#endif
    while (i < n && p[i] != '"' && p[i] != '\\' && (unsigned char)p[i] >= 0x20)
        i++;
    return i;
}

size_t json_plain_run(const char *p, size_t n)
{
    return json_run(p, n);
}

void json_start(struct json_reader *r, const char *text, size_t n)
{
    *r = (struct json_reader){.state = JSON_WANT_VALUE};
    r->at = r->start = text ? text : "";
    r->end = r->at + n;
}

static enum json_token json_fail(struct json_reader *r, const char *problem)
{
    r->problem = problem;
    r->state = JSON_FAILED;
    return JSON_TOKEN_ERROR;
}

static inline void json_skip_space(struct json_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

/* The next byte; 0 at the end, and for a NUL, which no token begins with. */
static inline char json_peek(const struct json_reader *r)
{
    return r->at < r->end ? *r->at : '\0';
}

static inline bool json_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool json_in_object(const struct json_reader *r)
{
    int top = r->depth - 1;
    return r->stack[top / 8] >> (top % 8) & 1;
}

static enum json_token json_open_level(struct json_reader *r, bool object)
{
    if (r->depth == JSON_DEPTH_MAX)
        return json_fail(r, "nested too deep");
    uint8_t bit = (uint8_t)(1U << (r->depth % 8));
    uint8_t *byte = &r->stack[r->depth / 8];
    *byte = (uint8_t)(object ? *byte | bit : *byte & ~bit);
    r->depth++;
    r->at++;
    r->state = object ? JSON_WANT_KEY_OR_END : JSON_WANT_VALUE_OR_END;
    return object ? JSON_TOKEN_OBJECT : JSON_TOKEN_ARRAY;
}

static enum json_token json_close_level(struct json_reader *r)
{
    r->at++;
    r->depth--;
    r->state = JSON_WANT_COMMA_OR_END;
    return JSON_TOKEN_END;
}

static int json_hex_value(char c)
{
    if (json_is_digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four hexadecimal digits at p, or -1. */
static int32_t json_hex_unit(const char *p, const char *end)
{
    if (end - p < 4)
        return -1;
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = json_hex_value(p[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* The byte that \c stands for; 0 when there is no such escape (\u is not among them). */
static char json_short_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return '\0';
    }
}

/* Steps over the escape whose backslash is at r->at. */
static bool json_skip_escape(struct json_reader *r)
{
    const char *p = r->at + 1;
    if (p == r->end)
        return false;
    if (*p == 'u' && json_hex_unit(p + 1, r->end) >= 0)
        r->at = p + 5;
    else if (json_short_escape(*p))
        r->at = p + 1;
    else
        return false;
    r->escaped = true;
    return true;
}

/* Reads the string whose first quote is at r->at into raw; false on error. */
static inline bool json_read_string(struct json_reader *r)
{
    const char *first = ++r->at;
    r->escaped = false;
    for (;;) {
        r->at += json_run(r->at, (size_t)(r->end - r->at));
        if (r->at == r->end)
            return json_fail(r, "string without an end"), false;
        if (LIKELY(*r->at == '"'))
            break;
        if (*r->at != '\\')
            return json_fail(r, "control character in a string"), false;
        if (!json_skip_escape(r))
            return json_fail(r, "invalid escape in a string"), false;
    }
    r->raw = (struct text){first, (size_t)(r->at - first)};
    r->at++;
    return true;
}

/* Steps over digits; false when there is none. */
static inline bool json_skip_digits(struct json_reader *r)
{
    const char *first = r->at;
    while (r->at < r->end && json_is_digit(*r->at))
        r->at++;
    return r->at > first;
}

static enum json_token json_read_number(struct json_reader *r)
{
    const char *first = r->at;
    if (*r->at == '-')
        r->at++;
    if (json_peek(r) == '0')
        r->at++; /* nothing but a point or an exponent may follow */
    else if (!json_skip_digits(r))
        return json_fail(r, "number without digits");
    if (json_peek(r) == '.') {
        r->at++;
        if (!json_skip_digits(r))
            return json_fail(r, "number without digits after the point");
    }
    if (json_peek(r) == 'e' || json_peek(r) == 'E') {
        r->at++;
        if (json_peek(r) == '+' || json_peek(r) == '-')
            r->at++;
        if (!json_skip_digits(r))
            return json_fail(r, "number without digits in the exponent");
    }
    r->raw = (struct text){first, (size_t)(r->at - first)};
    r->escaped = false;
    r->state = JSON_WANT_COMMA_OR_END;
    return JSON_TOKEN_NUMBER;
}

static enum json_token json_read_word(struct json_reader *r, struct text word,
                                      enum json_token token)
{
    if ((size_t)(r->end - r->at) < word.len || memcmp(r->at, word.at, word.len) != 0)
        return json_fail(r, "not a JSON value");
    r->raw = (struct text){r->at, word.len};
    r->escaped = false;
    r->at += word.len;
    r->state = JSON_WANT_COMMA_OR_END;
    return token;
}

/* A number of those that JSON does not have but some writers write. */
static enum json_token json_read_nonfinite(struct json_reader *r)
{
    char first = json_peek(r);
    return json_read_word(r,
                          first == 'N'   ? TEXT_LITERAL("NaN")
                          : first == 'I' ? TEXT_LITERAL("Infinity")
                                         : TEXT_LITERAL("-Infinity"),
                          JSON_TOKEN_NUMBER);
}

/* Whether one stands at r->at: I behind the minus, or any of the first letters. */
static bool json_at_nonfinite(const struct json_reader *r)
{
    char first = json_peek(r);
    return r->nonfinite && (first == 'N' || first == 'I' ||
                            (first == '-' && r->end - r->at > 1 && r->at[1] == 'I'));
}

static enum json_token json_read_value(struct json_reader *r)
{
    switch (json_peek(r)) {
    case '"':
        if (!json_read_string(r))
            return JSON_TOKEN_ERROR;
        r->state = JSON_WANT_COMMA_OR_END;
        return JSON_TOKEN_STRING;
    case '{':
        return json_open_level(r, true);
    case '[':
        return json_open_level(r, false);
    case 't':
        return json_read_word(r, TEXT_LITERAL("true"), JSON_TOKEN_TRUE);
    case 'f':
        return json_read_word(r, TEXT_LITERAL("false"), JSON_TOKEN_FALSE);
    case 'n':
        return json_read_word(r, TEXT_LITERAL("null"), JSON_TOKEN_NULL);
    default:
        if (json_at_nonfinite(r))
            return json_read_nonfinite(r);
        if (json_peek(r) == '-' || json_is_digit(json_peek(r)))
            return json_read_number(r);
        return json_fail(r, r->at == r->end ? "value missing at the end" : "not a JSON value");
    }
}

/* The colon belongs to the key: after a KEY the reader stands before the value. */
static enum json_token json_read_key(struct json_reader *r)
{
    if (json_peek(r) != '"')
        return json_fail(r, "expected a key in quotes");
    if (!json_read_string(r))
        return JSON_TOKEN_ERROR;
    json_skip_space(r);
    if (json_peek(r) != ':')
        return json_fail(r, "expected a colon after the key");
    r->at++;
    r->state = JSON_WANT_VALUE;
    return JSON_TOKEN_KEY;
}

static enum json_token json_after_value(struct json_reader *r)
{
    if (r->depth == 0)
        return r->at == r->end ? JSON_TOKEN_DONE : json_fail(r, "text after the value");
    bool object = json_in_object(r);
    if (json_peek(r) == (object ? '}' : ']'))
        return json_close_level(r);
    if (json_peek(r) != ',')
        return json_fail(r, object ? "expected a comma or }" : "expected a comma or ]");
    r->at++;
    json_skip_space(r);
    return object ? json_read_key(r) : json_read_value(r);
}

enum json_token json_next(struct json_reader *r)
{
    if (r->state == JSON_FAILED)
        return JSON_TOKEN_ERROR;
    json_skip_space(r);
    switch ((enum json_state)r->state) {
    case JSON_WANT_COMMA_OR_END:
        return json_after_value(r);
    case JSON_WANT_KEY_OR_END:
        return json_peek(r) == '}' ? json_close_level(r) : json_read_key(r);
    case JSON_WANT_VALUE_OR_END:
        return json_peek(r) == ']' ? json_close_level(r) : json_read_value(r);
    default:
        return json_read_value(r);
    }
}

bool json_skip(struct json_reader *r)
{
    int outside = r->depth - 1;
    while (r->depth > outside) {
        if (json_next(r) == JSON_TOKEN_ERROR)
            return false;
    }
    return true;
}

/* Reads the digits behind \u, and those of the low surrogate that must follow a high one. Returns
 * the end of what was read, NULL when it is no character. */
static const char *json_decode_unicode(const char *p, const char *end, uint32_t *c)
{
    int32_t unit = json_hex_unit(p, end);
    if (unit < 0 || (unit >= 0xDC00 && unit < 0xE000))
        return NULL;
    p += 4;
    *c = (uint32_t)unit;
    if (unit < 0xD800 || unit >= 0xE000)
        return p;
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return NULL;
    int32_t low = json_hex_unit(p + 2, end);
    if (low < 0xDC00 || low >= 0xE000)
        return NULL;
    *c = 0x10000 + ((uint32_t)unit - 0xD800) * 0x400 + ((uint32_t)low - 0xDC00);
    return p + 6;
}

/* Writes what the escape after the backslash before p stands for. Returns its end or NULL. */
static const char *json_decode_escape(char **out, const char *p, const char *end)
{
    if (p == end)
        return NULL;
    if (*p != 'u') {
        *(*out)++ = json_short_escape(*p);
        return json_short_escape(*p) ? p + 1 : NULL;
    }
    uint32_t c = 0;
    char encoded[4];
    p = json_decode_unicode(p + 1, end, &c);
    if (p) {
        size_t n = utf8_print(encoded, c);
        memcpy(*out, encoded, n);
        *out += n;
    }
    return p;
}

bool json_decode(char *out, struct text raw, size_t *n)
{
    char *to = out;
    const char *p = raw.at, *end = p ? p + raw.len : NULL;
    while (p && p != end) {
        const char *backslash = memchr(p, '\\', (size_t)(end - p));
        const char *stop = backslash ? backslash : end;
        memcpy(to, p, (size_t)(stop - p));
        to += stop - p;
        p = backslash ? json_decode_escape(&to, backslash + 1, end) : end;
        if (!p)
            return false;
    }
    *n = (size_t)(to - out);
    return true;
}
