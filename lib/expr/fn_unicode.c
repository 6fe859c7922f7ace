/* Text: letter case, normal forms, accents. */
#include "expr/fn_text.h"

#include <stdlib.h>
#include <utf8proc.h>

static bool is_ascii(struct text s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] >= 0x80)
            return false;
    return true;
}

static bool is_letter(uint32_t c)
{
    utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}

static bool is_digit(uint32_t c)
{
    utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
    return k == UTF8PROC_CATEGORY_ND;
}

static char map_ascii(char c, bool to_lower)
{
    if (to_lower)
        return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

/* Appends each character mapped; bad bytes stay as they are. */
static void put_mapped(struct buf *out, struct text s, utf8proc_int32_t (*map)(utf8proc_int32_t))
{
    bool to_lower = map == utf8proc_tolower;
    buf_reserve(out, s.len);
    for (size_t i = 0, used = 1; s.at && i < s.len; i += used) {
        char bytes[4];
        used = 1;
        if ((unsigned char)s.at[i] < 0x80) {
            buf_putc(out, map_ascii(s.at[i], to_lower));
            continue;
        }
        uint32_t c = utf8_decode(s.at + i, s.len - i, &used);
        if (c == 0xFFFD)
            buf_add(out, s.at + i, used);
        else
            buf_add(out, bytes, utf8_print(bytes, (uint32_t)map((utf8proc_int32_t)c)));
    }
}

KERNEL(do_upper)
{
    put_mapped(&c->scratch, a[0].text, utf8proc_toupper);
    return give_scratch(c, out);
}

KERNEL(do_lower)
{
    put_mapped(&c->scratch, a[0].text, utf8proc_tolower);
    return give_scratch(c, out);
}

KERNEL(do_title)
{
    struct text s = a[0].text;
    bool inside = false;
    for (size_t i = 0, used = 0; i < s.len; i += used) {
        uint32_t ch = utf8_decode(s.at + i, s.len - i, &used);
        struct text one = {s.at + i, used};
        put_mapped(&c->scratch, one, inside ? utf8proc_tolower : utf8proc_totitle);
        inside = is_letter(ch) || is_digit(ch) || ch == '\'' || ch == 0x2019;
    }
    return give_scratch(c, out);
}

/* A normal form; text that is not valid UTF-8 stays as it is. */
static bool give_mapped(struct call *c, struct text s, utf8proc_option_t options, struct value *out)
{
    utf8proc_uint8_t *mapped = NULL;
    if (is_ascii(s))
        return give_text(out, s);
    utf8proc_ssize_t n =
        utf8proc_map((const utf8proc_uint8_t *)s.at, (utf8proc_ssize_t)s.len, &mapped, options);
    if (n < 0)
        return give_text(out, s);
    buf_add(&c->scratch, mapped, (size_t)n);
    free(mapped);
    return give_scratch(c, out);
}

KERNEL(do_nfc)
{
    return give_mapped(c, a[0].text, UTF8PROC_STABLE | UTF8PROC_COMPOSE, out);
}

KERNEL(do_nfd)
{
    return give_mapped(c, a[0].text, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, out);
}

KERNEL(do_strip_accents)
{
    return give_mapped(c, a[0].text, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_STRIPMARK, out);
}

KERNEL(do_slugify)
{
    struct value plain = a[0];
    give_mapped(c, a[0].text, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_STRIPMARK, &plain);
    struct text s = plain.text;
    bool gap = false;
    c->scratch.len = 0;
    for (size_t i = 0, used = 0; i < s.len; i += used) {
        uint32_t ch = utf8_decode(s.at + i, s.len - i, &used);
        if (ch == 0xFFFD || (!is_letter(ch) && !is_digit(ch))) {
            gap = true;
            continue;
        }
        if (gap && c->scratch.len > 0)
            buf_putc(&c->scratch, '-');
        gap = false;
        put_mapped(&c->scratch, (struct text){s.at + i, used}, utf8proc_tolower);
    }
    return give_scratch(c, out);
}

#define TEXT "text"
static const struct function_row rows[] = {
    {{"lower", TEXT, "lower(text) -> text", "in small letters", "lower(\"ÉTÉ\")", "été"},
     "t",
     't',
     .row = do_lower},
    {{"nfc", TEXT, "nfc(text) -> text", "Unicode normal form C: accents joined to their letters",
      "len(nfc(\"e\\u0301\"))", "1"},
     "t",
     't',
     .row = do_nfc},
    {{"nfd", TEXT, "nfd(text) -> text", "Unicode normal form D: accents apart from their letters",
      "len(nfd(\"é\"))", "2"},
     "t",
     't',
     .row = do_nfd},
    {{"slugify", TEXT, "slugify(text) -> text",
      "small letters and digits without accents, hyphens for the rest",
      "slugify(\"Café au Lait!\")", "cafe-au-lait"},
     "t",
     't',
     .row = do_slugify},
    {{"strip_accents", TEXT, "strip_accents(text) -> text", "letters without their accents",
      "strip_accents(\"Crème brûlée\")", "Creme brulee"},
     "t",
     't',
     .row = do_strip_accents},
    {{"title", TEXT, "title(text) -> text", "the first letter of each word large, the others small",
      "title(\"new york\")", "New York"},
     "t",
     't',
     .row = do_title},
    {{"upper", TEXT, "upper(text) -> text", "in capital letters", "upper(\"été\")", "ÉTÉ"},
     "t",
     't',
     .row = do_upper},
};
const struct function_family unicode_functions = {rows, COUNT_OF(rows)};
