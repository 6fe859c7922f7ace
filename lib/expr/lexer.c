/* Text of an expression to tokens. */
#include "expr/node.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

int hex_digit_value(char c)
{
    if (is_digit(c))
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* \uXXXX or \u{X...} after its backslash: bytes used, 0 when it is not one. */
static size_t unicode_escape(const char *p, size_t n, uint32_t *c)
{
    bool braces = n > 1 && p[1] == '{';
    size_t i = braces ? 2 : 1, first = i, most = braces ? 6 : 4;
    for (*c = 0; i < n && i - first < most && hex_digit_value(p[i]) >= 0; i++)
        *c = *c * 16 + (uint32_t)hex_digit_value(p[i]);
    if (braces)
        return i > first && i < n && p[i] == '}' ? i + 1 : 0;
    return i - first == 4 ? i : 0;
}

/* Appends what the escape at p (after the backslash) stands for. One that is not ours, such as \d,
 * stays as it is, so that patterns need no second backslash. Returns the bytes used. */
static size_t put_escape(const char *p, size_t n, struct buf *out)
{
    static const char from[] = "nrt\\\"'`", to[] = "\n\r\t\\\"'`";
    const char *known = p[0] ? strchr(from, p[0]) : NULL;
    if (known) {
        buf_putc(out, to[known - from]);
        return 1;
    }
    uint32_t c = 0;
    size_t used = p[0] == 'u' ? unicode_escape(p, n, &c) : 0;
    if (used > 0) {
        char bytes[4];
        buf_add(out, bytes, utf8_print(bytes, c));
        return used;
    }
    buf_putc(out, '\\');
    buf_putc(out, p[0]);
    return 1;
}

static struct token bad(struct token t, size_t end, const char *why)
{
    t.kind = TOKEN_BAD;
    t.end = end;
    t.text = text_of(why);
    return t;
}

/* text = '"' ... '"' | "'" ... "'"      quoted name = '`' ... '`' */
static struct token lex_quoted(struct text s, struct token t, struct arena *arena)
{
    char quote_mark = s.at[t.at];
    struct buf decoded = {0};
    size_t i = t.at + 1;
    while (i < s.len && s.at[i] != quote_mark) {
        if (s.at[i] == '\\' && i + 1 < s.len)
            i += 1 + put_escape(s.at + i + 1, s.len - i - 1, &decoded);
        else
            buf_putc(&decoded, s.at[i++]);
    }
    t.text =
        (struct text){arena_text(arena, decoded.at ? decoded.at : "", decoded.len), decoded.len};
    buf_release(&decoded);
    if (i >= s.len)
        return bad(t, t.at + 1, "this quote is never closed");
    t.kind = quote_mark == '`' ? TOKEN_QUOTED_NAME : TOKEN_TEXT;
    t.end = i + 1;
    return t;
}

static size_t skip_digits(struct text s, size_t i)
{
    while (i < s.len && is_digit(s.at[i]))
        i++;
    return i;
}

/* number = digits ["." digits] [("e" | "E") ["+" | "-"] digits] | "." digits ... */
static struct token lex_number(struct text s, struct token t)
{
    size_t i = skip_digits(s, t.at);
    if (i + 1 < s.len && s.at[i] == '.' && is_digit(s.at[i + 1]))
        i = skip_digits(s, i + 1);
    if (i < s.len && (s.at[i] | 0x20) == 'e') {
        size_t k = i + 1;
        if (k < s.len && (s.at[k] == '+' || s.at[k] == '-'))
            k++;
        if (k < s.len && is_digit(s.at[k]))
            i = skip_digits(s, k);
    }
    t.kind = TOKEN_NUMBER;
    t.end = i;
    t.text = (struct text){s.at + t.at, i - t.at};
    if (i < s.len && is_name_start(s.at[i]))
        return bad(t, i + 1, "a name may not begin with a digit: put it in backquotes");
    return t;
}

static struct token lex_name(struct text s, struct token t)
{
    size_t i = t.at;
    while (i < s.len && (is_name_start(s.at[i]) || is_digit(s.at[i])))
        i++;
    t.kind = TOKEN_NAME;
    t.end = i;
    t.text = (struct text){s.at + t.at, i - t.at};
    return t;
}

static struct token lex_sign(struct text s, struct token t)
{
    static const char *const signs[] = {
        "||", "&&", "==", "!=", "<=", ">=", "=~", "!~", "->", "//", "<", ">", "+",
        "-",  ".",  "*",  "/",  "%",  "^",  "!",  "(",  ")",  "[",  "]", ",",
    };
    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        size_t n = strlen(signs[i]);
        if (s.len - t.at >= n && memcmp(s.at + t.at, signs[i], n) == 0) {
            t.kind = TOKEN_SIGN;
            t.end = t.at + n;
            t.text = text_of(signs[i]);
            return t;
        }
    }
    if (s.at[t.at] == '=')
        return bad(t, t.at + 1, "'=' stands for nothing here: '==' compares");
    return bad(t, t.at + 1, "unexpected character");
}

struct token lexer_next(struct text source, size_t at, struct arena *arena)
{
    while (at < source.len && strchr(" \t\r\n", source.at[at]) && source.at[at])
        at++;
    struct token t = {.at = at, .end = at};
    if (at >= source.len)
        return t;
    char c = source.at[at];
    if (c == '"' || c == '\'' || c == '`')
        return lex_quoted(source, t, arena);
    bool fraction = c == '.' && at + 1 < source.len && is_digit(source.at[at + 1]);
    if (is_digit(c) || fraction)
        return lex_number(source, t);
    return is_name_start(c) ? lex_name(source, t) : lex_sign(source, t);
}
