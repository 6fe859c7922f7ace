/* Text for the web: percent encoding, HTML entities, Base64 (RFC 3986, RFC 4648). */
#include "expr/eval.h"

static bool is_unreserved(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

KERNEL(do_url_encode)
{
    for (size_t i = 0; i < a[0].text.len; i++) {
        char ch = a[0].text.at[i];
        if (is_unreserved(ch))
            buf_putc(&c->scratch, ch);
        else
            buf_format(&c->scratch, "%%%02X", (unsigned)(unsigned char)ch);
    }
    return give_scratch(c, out);
}

KERNEL(do_url_decode)
{
    struct text s = a[0].text;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] != '%') {
            buf_putc(&c->scratch, s.at[i] == '+' ? ' ' : s.at[i]);
            continue;
        }
        int high = i + 1 < s.len ? hex_digit_value(s.at[i + 1]) : -1;
        int low = i + 2 < s.len ? hex_digit_value(s.at[i + 2]) : -1;
        if (high < 0 || low < 0)
            return call_fail(c, "url_decode: %% without two hexadecimal digits");
        buf_putc(&c->scratch, (char)(high * 16 + low));
        i += 2;
    }
    return give_scratch(c, out);
}

static const struct {
    const char *name;
    uint32_t character;
} entities[] = {
    {"amp", '&'},      {"lt", '<'},       {"gt", '>'},       {"quot", '"'},     {"apos", '\''},
    {"nbsp", 0xA0},    {"copy", 0xA9},    {"reg", 0xAE},     {"deg", 0xB0},     {"middot", 0xB7},
    {"laquo", 0xAB},   {"raquo", 0xBB},   {"ndash", 0x2013}, {"mdash", 0x2014}, {"lsquo", 0x2018},
    {"rsquo", 0x2019}, {"ldquo", 0x201C}, {"rdquo", 0x201D}, {"bull", 0x2022},  {"hellip", 0x2026},
    {"euro", 0x20AC},  {"trade", 0x2122}, {"eacute", 0xE9},  {"egrave", 0xE8},  {"agrave", 0xE0},
    {"ccedil", 0xE7},  {"auml", 0xE4},    {"ouml", 0xF6},    {"uuml", 0xFC},    {"szlig", 0xDF},
};
enum { ENTITY_ESCAPED = 4 }; /* the first four must be written as entities */

KERNEL(do_html_escape)
{
    for (size_t i = 0; i < a[0].text.len; i++) {
        char ch = a[0].text.at[i];
        size_t k = 0;
        while (k < ENTITY_ESCAPED && entities[k].character != (uint32_t)(unsigned char)ch)
            k++;
        if (k < ENTITY_ESCAPED)
            buf_format(&c->scratch, "&%s;", entities[k].name);
        else if (ch == '\'')
            buf_puts(&c->scratch, "&#39;");
        else
            buf_putc(&c->scratch, ch);
    }
    return give_scratch(c, out);
}

/* #65 or #x41 */
static bool numeric_entity(struct text name, uint32_t *character)
{
    bool hex = name.len > 1 && (name.at[1] | 0x20) == 'x';
    uint32_t n = 0;
    size_t first = hex ? 2 : 1;
    for (size_t i = first; i < name.len; i++) {
        int digit = hex_digit_value(name.at[i]);
        if (digit < 0 || (!hex && digit > 9) || n > 0x10FFFF)
            return false;
        n = n * (hex ? 16 : 10) + (uint32_t)digit;
    }
    *character = n;
    return name.len > first && n > 0;
}

static bool entity(struct text name, uint32_t *character)
{
    if (name.len > 0 && name.at[0] == '#')
        return numeric_entity(name, character);
    for (size_t i = 0; i < COUNT_OF(entities); i++)
        if (text_equal(name, text_of(entities[i].name))) {
            *character = entities[i].character;
            return true;
        }
    return false;
}

KERNEL(do_html_unescape)
{
    enum { NAME_MAX_BYTES = 12 };
    struct text s = a[0].text;
    for (size_t i = 0; i < s.len; i++) {
        size_t window = s.len - i < NAME_MAX_BYTES ? s.len - i : NAME_MAX_BYTES;
        const char *end = s.at[i] == '&' ? memchr(s.at + i, ';', window) : NULL;
        uint32_t character;
        char bytes[4];
        if (end && entity((struct text){s.at + i + 1, (size_t)(end - s.at) - i - 1}, &character)) {
            buf_add(&c->scratch, bytes, utf8_print(bytes, character));
            i = (size_t)(end - s.at);
        } else {
            buf_putc(&c->scratch, s.at[i]);
        }
    }
    return give_scratch(c, out);
}

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

KERNEL(do_b64_encode)
{
    const unsigned char *p = (const unsigned char *)a[0].text.at;
    for (size_t n = a[0].text.len; n > 0;) {
        size_t take = n < 3 ? n : 3;
        uint32_t bits = (uint32_t)p[0] << 16;
        bits |= take > 1 ? (uint32_t)p[1] << 8 : 0;
        bits |= take > 2 ? (uint32_t)p[2] : 0;
        for (size_t i = 0; i < 4; i++)
            buf_putc(&c->scratch, i <= take ? base64[bits >> (18 - 6 * i) & 63] : '=');
        p += take;
        n -= take;
    }
    return give_scratch(c, out);
}

/* The alphabet of URLs (- and _) is read too. */
static int base64_digit(char c)
{
    if (c == '-' || c == '_')
        return c == '-' ? 62 : 63;
    const char *at = c ? strchr(base64, c) : NULL;
    return at ? (int)(at - base64) : -1;
}

KERNEL(do_b64_decode)
{
    struct text s = a[0].text;
    uint32_t bits = 0;
    unsigned count = 0;
    while (s.len > 0 && s.at[s.len - 1] == '=')
        s.len--;
    for (size_t i = 0; i < s.len; i++) {
        int digit = base64_digit(s.at[i]);
        if (digit < 0)
            return call_fail(c, "b64_decode: byte %zu is not Base64", i + 1);
        bits = bits << 6 | (uint32_t)digit;
        count += 6;
        if (count >= 8) {
            count -= 8;
            buf_putc(&c->scratch, (char)(bits >> count & 0xFF));
        }
    }
    if (count == 6)
        return call_fail(c, "b64_decode: the text is cut off");
    return give_scratch(c, out);
}

#define CONVERSION "conversion"
static const struct function_row rows[] = {
    {{"b64_decode", CONVERSION, "b64_decode(text) -> text", "from Base64, either alphabet",
      "b64_decode(\"aGVsbG8=\")", "hello"},
     "t",
     't',
     .row = do_b64_decode},
    {{"b64_encode", CONVERSION, "b64_encode(text) -> text", "to Base64", "b64_encode(\"hello\")",
      "aGVsbG8="},
     "t",
     't',
     .row = do_b64_encode},
    {{"html_escape", CONVERSION, "html_escape(text) -> text", "& < > and quotes as entities",
      "html_escape(\"a < b\")", "a &lt; b"},
     "t",
     't',
     .row = do_html_escape},
    {{"html_unescape", CONVERSION, "html_unescape(text) -> text",
      "common and numeric entities as characters; others stay", "html_unescape(\"&lt;&#65;&gt;\")",
      "<A>"},
     "t",
     't',
     .row = do_html_unescape},
    {{"url_decode", CONVERSION, "url_decode(text) -> text", "%XX as bytes, + as a space",
      "url_decode(\"a%20b\")", "a b"},
     "t",
     't',
     .row = do_url_decode},
    {{"url_encode", CONVERSION, "url_encode(text) -> text",
      "all but letters, digits and -._~ as %XX", "url_encode(\"a b&c\")", "a%20b%26c"},
     "t",
     't',
     .row = do_url_encode},
};
const struct function_family encode_functions = {rows, COUNT_OF(rows)};
