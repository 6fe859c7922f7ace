#include "table/json_scan.h"

const char *json_fail(struct json_fault *fault, const char *at, const char *what)
{
    fault->at = at;
    fault->what = *at == '\n' ? "unexpected end of line" : what;
    return NULL;
}

/* Four hexadecimal digits at p, or -1. A newline among them is no digit,
 * so nothing beyond is read. */
static int32_t hex_4(const char *p)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)p[i], letter = c | 0x20;
        if (c >= '0' && c <= '9')
            value = value << 4 | (c - '0');
        else if (letter >= 'a' && letter <= 'f')
            value = value << 4 | (letter - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/* p: the backslash of \uXXXX. A high surrogate takes the low one that must follow with it. */
static const char *scan_unicode_escape(const char *p, struct json_fault *fault)
{
    int32_t unit = hex_4(p + 2);
    if (unit < 0)
        return json_fail(fault, p, "\\u needs four hexadecimal digits");
    if (unit < 0xD800 || unit > 0xDFFF)
        return p + 6;
    if (unit < 0xDC00 && p[6] == '\\' && p[7] == 'u') {
        int32_t low = hex_4(p + 8);
        if (low >= 0xDC00 && low <= 0xDFFF)
            return p + 12;
    }
    return json_fail(fault, p, "a surrogate without its other half");
}

static const char *scan_escape(const char *p, struct json_fault *fault)
{
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 2;
    case 'u':
        return scan_unicode_escape(p, fault);
    default:
        return json_fail(fault, p + (p[1] == '\n'), "unknown escape in a string");
    }
}

/* Checks the text of a string that is not all ASCII. */
static const char *check_utf8(const char *start, const char *end, struct json_fault *fault)
{
    size_t n = (size_t)(end - start), valid = utf8_valid_prefix(start, n);
    return valid == n ? end + 1 : json_fail(fault, start + valid, "text that is not UTF-8");
}

const char *json_scan_string(const char *p, struct json_fault *fault)
{
    const char *start = ++p;
    unsigned not_ascii = 0, high;
    for (;;) {
        unsigned stops = json_specials(p, &high);
        if (!stops) {
            not_ascii |= high;
            p += 16;
            continue;
        }
        not_ascii |= high & (stops - 1) & ~stops;
        p += __builtin_ctz(stops);
        if (LIKELY(*p == '"'))
            break;
        if (*p != '\\')
            return json_fail(fault, p, "a control character in a string");
        p = scan_escape(p, fault);
        if (!p)
            return NULL;
    }
    return UNLIKELY(not_ascii) ? check_utf8(start, p, fault) : p + 1;
}

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* One digit or more; NULL when there is none. */
static inline const char *scan_digits(const char *p, struct json_fault *fault)
{
    if (UNLIKELY(!is_digit(*p)))
        return json_fail(fault, p, "a number needs a digit here");
    while (is_digit(*++p))
        ;
    return p;
}

const char *json_scan_number(const char *p, struct json_fault *fault)
{
    p += *p == '-';
    p = *p == '0' ? p + 1 : scan_digits(p, fault);
    if (p && *p == '.')
        p = scan_digits(p + 1, fault);
    if (p && (*p == 'e' || *p == 'E')) {
        p++;
        p = scan_digits(p + (*p == '-' || *p == '+'), fault);
    }
    return p;
}

static const char *scan_word(const char *p, const char *word, struct json_fault *fault)
{
    const char *start = p;
    for (; *word; word++, p++)
        if (*p != *word)
            return json_fail(fault, start, "not a JSON value");
    return p;
}

/* A value that is neither list nor map. */
static inline const char *scan_scalar(const char *p, struct json_fault *fault)
{
    switch (*p) {
    case '"':
        return json_scan_string(p, fault);
    case 't':
        return scan_word(p, "true", fault);
    case 'f':
        return scan_word(p, "false", fault);
    case 'n':
        return scan_word(p, "null", fault);
    default:
        if (LIKELY(is_digit(*p) || *p == '-'))
            return json_scan_number(p, fault);
        return json_fail(fault, p, "not a JSON value");
    }
}

/* `"key":` and the space around it; the place of the value. */
static const char *scan_key(const char *p, struct json_fault *fault)
{
    if (*p != '"')
        return json_fail(fault, p, "expected a key in double quotes");
    p = json_scan_string(p, fault);
    if (!p)
        return NULL;
    p = json_skip_space(p);
    return *p == ':' ? json_skip_space(p + 1) : json_fail(fault, p, "expected ':' after the key");
}

/* The lists and maps the scan is inside of: the bracket that closes each. */
struct nest {
    size_t depth;
    char closers[JSON_SCAN_DEPTH];
};

/* After a value: closes what ends here and goes on to the next value, if there is one. Sets depth
 * to 0 at the end of the outermost list or map. */
static const char *scan_after(const char *p, struct nest *n, struct json_fault *fault)
{
    while (n->depth > 0) {
        char closer = n->closers[n->depth - 1];
        p = json_skip_space(p);
        if (*p == ',') {
            p = json_skip_space(p + 1);
            return closer == '}' ? scan_key(p, fault) : p;
        }
        if (*p != closer)
            return json_fail(fault, p,
                             closer == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
        p++;
        n->depth--;
    }
    return p;
}

/* p: an opening bracket. The place of the first value inside,
 * or what follows the empty brackets. */
static const char *scan_open(const char *p, struct nest *n, struct json_fault *fault)
{
    if (n->depth == JSON_SCAN_DEPTH - 1)
        return json_fail(fault, p, "lists and maps nested too deep");
    char closer = *p == '{' ? '}' : ']';
    n->closers[n->depth++] = closer;
    p = json_skip_space(p + 1);
    if (*p == closer)
        return scan_after(p, n, fault);
    return closer == '}' ? scan_key(p, fault) : p;
}

static const char *scan_nested(const char *p, struct json_fault *fault)
{
    struct nest n;
    n.depth = 0;
    do {
        if (*p == '{' || *p == '[') {
            p = scan_open(p, &n, fault);
        } else {
            p = scan_scalar(p, fault);
            if (p)
                p = scan_after(p, &n, fault);
        }
    } while (p && n.depth > 0);
    return p;
}

const char *json_scan_value(const char *p, struct json_fault *fault)
{
    return UNLIKELY(*p == '{' || *p == '[') ? scan_nested(p, fault) : scan_scalar(p, fault);
}
