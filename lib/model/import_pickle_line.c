/* Texts as protocol 0 of pickle writes them into lines: 'a\\x00b' with the quotes and escapes of a
 * string of Python 2, or characters below 256 and \\uXXXX of one of Python 3. */
#include "model/import_pickle_file.h"

/* n hexadecimal digits; false when there are fewer. */
static bool take_hex(struct text *rest, size_t n, uint32_t *out)
{
    *out = 0;
    if (rest->len < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = rest->at[i];
        bool digit = c >= '0' && c <= '9', small = c >= 'a' && c <= 'f', big = c >= 'A' && c <= 'F';
        if (!digit && !small && !big)
            return false;
        *out = *out * 16 + (uint32_t)(digit ? c - '0' : (small ? c - 'a' : c - 'A') + 10);
    }
    rest->at += n;
    rest->len -= n;
    return true;
}

static char take_char(struct text *rest)
{
    rest->len--;
    return *rest->at++;
}

/* Behind a backslash. */
static bool unescape_byte(struct text *rest, char *out)
{
    static const char names[] = "abfnrtv\\'\"", bytes[] = "\a\b\f\n\r\t\v\\'\"";
    uint32_t code;
    if (rest->len == 0)
        return false;
    char c = take_char(rest);
    const char *named = strchr(names, c);
    if (c != '\0' && named) {
        *out = bytes[named - names];
        return true;
    }
    if (c != 'x' || !take_hex(rest, 2, &code))
        return false;
    *out = (char)(unsigned char)code;
    return true;
}

static bool unescape_string(struct text rest, char *out, size_t *n)
{
    if (rest.len < 2 || (*rest.at != '\'' && *rest.at != '"') || rest.at[rest.len - 1] != *rest.at)
        return false;
    rest = (struct text){rest.at + 1, rest.len - 2};
    while (rest.len > 0) {
        char c = take_char(&rest);
        if (c == '\\' && !unescape_byte(&rest, &c))
            return false;
        out[(*n)++] = c;
    }
    return true;
}

static bool unescape_wide(struct text rest, char *out, size_t *n)
{
    char utf8[4];
    while (rest.len > 0) {
        uint32_t c = (unsigned char)take_char(&rest);
        if (c == '\\' && rest.len > 0 && (*rest.at == 'u' || *rest.at == 'U') &&
            !take_hex(&rest, take_char(&rest) == 'u' ? 4 : 8, &c))
            return false;
        size_t used = utf8_print(utf8, c);
        memcpy(out + *n, utf8, used);
        *n += used;
    }
    return true;
}

bool pickle_unescape(struct arena *a, struct text line, bool wide, struct text *out)
{
    size_t n = 0;
    char *bytes = arena_alloc(a, 2 * line.len + 1); /* two of UTF-8 for each of Latin-1 */
    bool good = wide ? unescape_wide(line, bytes, &n) : unescape_string(line, bytes, &n);
    *out = (struct text){bytes, n};
    return good;
}
