/* Text: white space, padding, wrapping. */
#include "expr/fn_text.h"

/* White_Space of the Unicode character database. */
bool is_space_char(uint32_t c)
{
    static const uint16_t others[] = {0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000};
    if (c <= 0x20)
        return c == 0x20 || (c >= 9 && c <= 13);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (c == others[i])
            return true;
    return c >= 0x2000 && c <= 0x200A;
}

/* Is the character one of the set, or white space without a set? */
static bool in_set(uint32_t wanted, const struct value *set)
{
    if (set->kind != KIND_TEXT)
        return is_space_char(wanted);
    for (size_t i = 0, used = 0; i < set->text.len; i += used)
        if (utf8_decode(set->text.at + i, set->text.len - i, &used) == wanted)
            return true;
    return false;
}

static struct text trim_left(struct text s, const struct value *set)
{
    size_t i = 0, used = 0;
    while (i < s.len && in_set(utf8_decode(s.at + i, s.len - i, &used), set))
        i += used;
    return (struct text){s.at + i, s.len - i};
}

/* The character before byte n begins at most three bytes earlier. */
static size_t last_char(struct text s)
{
    size_t start = s.len - 1;
    while (start > 0 && s.len - start < 4 && ((unsigned char)s.at[start] & 0xC0) == 0x80)
        start--;
    size_t used = 0;
    utf8_decode(s.at + start, s.len - start, &used);
    return start + used == s.len ? start : s.len - 1;
}

static struct text trim_right(struct text s, const struct value *set)
{
    size_t used = 0;
    while (s.len > 0) {
        size_t start = last_char(s);
        if (!in_set(utf8_decode(s.at + start, s.len - start, &used), set))
            break;
        s.len = start;
    }
    return s;
}

KERNEL(do_trim)
{
    return give_text(out, trim_right(trim_left(a[0].text, &a[1]), &a[1]));
}

KERNEL(do_ltrim)
{
    return give_text(out, trim_left(a[0].text, &a[1]));
}

KERNEL(do_rtrim)
{
    return give_text(out, trim_right(a[0].text, &a[1]));
}

KERNEL(do_squeeze)
{
    struct text s = a[0].text;
    bool space = false;
    for (size_t i = 0, used = 0; i < s.len; i += used) {
        bool now = is_space_char(utf8_decode(s.at + i, s.len - i, &used));
        if (now && !space)
            buf_putc(&c->scratch, ' ');
        else if (!now)
            buf_add(&c->scratch, s.at + i, used);
        space = now;
    }
    return give_scratch(c, out);
}

static bool put_padding(struct call *c, const struct value *a)
{
    struct text fill = c->count > 2 ? a[2].text : TEXT_LITERAL(" ");
    size_t have = utf8_length(a[0].text.at, a[0].text.len);
    size_t unit = utf8_length(fill.at, fill.len);
    int64_t lacks = a[1].i - (int64_t)have;
    if (unit == 0)
        return call_fail(c, "%s wants something to pad with", c->node->fn->about.name);
    if (lacks <= 0)
        return true;
    if (!text_fits(c, fill.len, lacks))
        return false;
    for (; lacks >= (int64_t)unit; lacks -= (int64_t)unit)
        buf_add(&c->scratch, fill.at, fill.len);
    buf_add(&c->scratch, fill.at, utf8_offset(fill.at, fill.len, (size_t)lacks));
    return true;
}

KERNEL(do_lpad)
{
    if (!put_padding(c, a))
        return false;
    buf_add(&c->scratch, a[0].text.at, a[0].text.len);
    return give_scratch(c, out);
}

KERNEL(do_rpad)
{
    buf_add(&c->scratch, a[0].text.at, a[0].text.len);
    return put_padding(c, a) && give_scratch(c, out);
}

/* The word at or after byte *at, which moves behind it; empty at the end. */
static struct text next_word(struct text s, size_t *at)
{
    size_t i = *at, used = 0;
    while (i < s.len && is_space_char(utf8_decode(s.at + i, s.len - i, &used)))
        i += used;
    size_t start = i;
    while (i < s.len && !is_space_char(utf8_decode(s.at + i, s.len - i, &used)))
        i += used;
    *at = i;
    return (struct text){s.at + start, i - start};
}

KERNEL(do_wrap)
{
    size_t at = 0, column = 0;
    struct text word;
    if (a[1].i < 1)
        return call_fail(c, "wrap wants a width of at least 1");
    while ((word = next_word(a[0].text, &at)).len > 0) {
        size_t width = utf8_length(word.at, word.len);
        if (column > 0 && column + 1 + width > (size_t)a[1].i) {
            buf_putc(&c->scratch, '\n');
            column = 0;
        } else if (column > 0) {
            buf_putc(&c->scratch, ' ');
            column++;
        }
        buf_add(&c->scratch, word.at, word.len);
        column += width;
    }
    return give_scratch(c, out);
}

#define TEXT "text"
static const struct function_row rows[] = {
    {{"lpad", TEXT, "lpad(text, width [, fill]) -> text",
      "filled at the left up to width characters; never cut", "lpad(\"7\", 3, \"0\")", "007"},
     "ti?t",
     't',
     .row = do_lpad},
    {{"ltrim", TEXT, "ltrim(text [, characters]) -> text",
      "without white space (or these characters) at the start", "ltrim(\"  a \") . \"|\"", "a |"},
     "t?t",
     't',
     .row = do_ltrim},
    {{"rpad", TEXT, "rpad(text, width [, fill]) -> text",
      "filled at the right up to width characters; never cut", "rpad(\"7\", 3, \".\")", "7.."},
     "ti?t",
     't',
     .row = do_rpad},
    {{"rtrim", TEXT, "rtrim(text [, characters]) -> text",
      "without white space (or these characters) at the end", "rtrim(\"1.500\", \"0\")", "1.5"},
     "t?t",
     't',
     .row = do_rtrim},
    {{"squeeze", TEXT, "squeeze(text) -> text", "every run of white space becomes one space",
      "squeeze(\"a  b   c\")", "a b c"},
     "t",
     't',
     .row = do_squeeze},
    {{"trim", TEXT, "trim(text [, characters]) -> text",
      "without white space (or these characters) at both ends", "trim(\"  a b  \")", "a b"},
     "t?t",
     't',
     .row = do_trim},
    {{"wrap", TEXT, "wrap(text, width) -> text",
      "words on lines of at most width characters; a longer word has its own",
      "replace(wrap(\"aa bb cc\", 5), \"\\n\", \"|\")", "aa bb|cc"},
     "ti",
     't',
     .row = do_wrap},
};
const struct function_family pad_functions = {rows, COUNT_OF(rows)};
