/* Text: pieces, searching, joining. Positions count characters from 0; a negative one counts from
 * the end. */
#include "expr/fn_text.h"

KERNEL(do_len)
{
    return give_int(out, (int64_t)utf8_length(a[0].text.at, a[0].text.len));
}

KERNEL(do_bytes)
{
    return give_int(out, (int64_t)a[0].text.len);
}

/* Characters from `start` on, at most `count` of them. */
static struct text piece(struct text s, int64_t start, int64_t count)
{
    if (start < 0) {
        start += (int64_t)utf8_length(s.at, s.len);
        if (start < 0) {
            count = count < -start ? 0 : count + start;
            start = 0;
        }
    }
    size_t from = utf8_offset(s.at, s.len, (size_t)start);
    size_t bytes = count <= 0 ? 0 : utf8_offset(s.at + from, s.len - from, (size_t)count);
    return (struct text){s.at + from, bytes};
}

KERNEL(do_substr)
{
    return give_text(out, piece(a[0].text, a[1].i, c->count > 2 ? a[2].i : INT64_MAX));
}

KERNEL(do_left)
{
    return give_text(out, piece(a[0].text, 0, a[1].i));
}

KERNEL(do_right)
{
    int64_t n = a[1].i < 0 ? 0 : a[1].i, length = (int64_t)utf8_length(a[0].text.at, a[0].text.len);
    return give_text(out, piece(a[0].text, n < length ? length - n : 0, INT64_MAX));
}

size_t text_find(struct text s, struct text part, size_t from)
{
    if (part.len == 0)
        return from;
    while (from + part.len <= s.len) {
        const char *hit = memchr(s.at + from, part.at[0], s.len - part.len - from + 1);
        if (!hit)
            return SIZE_MAX;
        from = (size_t)(hit - s.at);
        if (memcmp(hit, part.at, part.len) == 0)
            return from;
        from++;
    }
    return SIZE_MAX;
}

static bool starts_with(struct text s, struct text part)
{
    return part.len <= s.len && memcmp(s.at, part.at, part.len) == 0;
}

KERNEL(do_starts_with)
{
    return give_bool(out, starts_with(a[0].text, a[1].text));
}

KERNEL(do_ends_with)
{
    struct text s = a[0].text, part = a[1].text;
    return give_bool(out,
                     part.len <= s.len && memcmp(s.at + s.len - part.len, part.at, part.len) == 0);
}

KERNEL(do_contains)
{
    return give_bool(out, text_find(a[0].text, a[1].text, 0) != SIZE_MAX);
}

KERNEL(do_index)
{
    size_t at = text_find(a[0].text, a[1].text, 0);
    return give_int(out, at == SIZE_MAX ? -1 : (int64_t)utf8_length(a[0].text.at, at));
}

KERNEL(do_rindex)
{
    struct text s = a[0].text, part = a[1].text;
    for (size_t at = s.len + 1; at-- > 0;)
        if (at + part.len <= s.len && memcmp(s.at + at, part.at, part.len) == 0)
            return give_int(out, (int64_t)utf8_length(s.at, at));
    return give_int(out, -1);
}

KERNEL(do_count_substr)
{
    int64_t count = 0;
    for (size_t at = 0; a[1].text.len > 0; at += a[1].text.len) {
        at = text_find(a[0].text, a[1].text, at);
        if (at == SIZE_MAX)
            break;
        count++;
    }
    return give_int(out, count);
}

KERNEL(do_concat)
{
    for (size_t i = 0; i < c->count && c->scratch.len <= TEXT_OUTPUT_MAX; i++)
        buf_add(&c->scratch, a[i].text.at, a[i].text.len);
    return give_scratch(c, out);
}

KERNEL(do_concat_ws)
{
    bool first = true;
    if (a[0].kind == KIND_NULL)
        return true;
    for (size_t i = 1; i < c->count; i++) {
        if (a[i].kind == KIND_NULL)
            continue;
        if (!first)
            buf_add(&c->scratch, a[0].text.at, a[0].text.len);
        buf_add(&c->scratch, a[i].text.at, a[i].text.len);
        first = false;
    }
    return give_scratch(c, out);
}

bool text_fits(struct call *c, size_t unit, int64_t count)
{
    if (unit == 0 || count <= TEXT_OUTPUT_MAX / (int64_t)unit)
        return true;
    return call_fail(c, "%s: the text would be longer than 16 MiB", c->node->fn->about.name);
}

KERNEL(do_repeat)
{
    if (!text_fits(c, a[0].text.len, a[1].i))
        return false;
    for (int64_t i = 0; i < a[1].i && a[0].text.len > 0; i++)
        buf_add(&c->scratch, a[0].text.at, a[0].text.len);
    return give_scratch(c, out);
}

KERNEL(do_reverse)
{
    struct text s = a[0].text;
    char *to = arena_alloc(c->arena, s.len + 1);
    for (size_t i = 0, used = 0; i < s.len; i += used) {
        utf8_decode(s.at + i, s.len - i, &used);
        memcpy(to + s.len - i - used, s.at + i, used);
    }
    return give_text(out, (struct text){to, s.len});
}

KERNEL(do_replace)
{
    struct text s = a[0].text, from = a[1].text;
    size_t copied = 0, at = from.len ? text_find(s, from, 0) : SIZE_MAX;
    if (at == SIZE_MAX)
        return give_text(out, s);
    while (at != SIZE_MAX && c->scratch.len <= TEXT_OUTPUT_MAX) {
        buf_add(&c->scratch, s.at + copied, at - copied);
        buf_add(&c->scratch, a[2].text.at, a[2].text.len);
        copied = at + from.len;
        at = text_find(s, from, copied);
    }
    buf_add(&c->scratch, s.at + copied, s.len - copied);
    return give_scratch(c, out);
}

/* Place of the character s[i..] among the characters of set, SIZE_MAX when absent. */
static size_t char_place(struct text set, uint32_t wanted)
{
    size_t place = 0, used = 0;
    for (size_t i = 0; i < set.len; i += used, place++)
        if (utf8_decode(set.at + i, set.len - i, &used) == wanted)
            return place;
    return SIZE_MAX;
}

KERNEL(do_translate)
{
    struct text s = a[0].text;
    for (size_t i = 0, used = 0; i < s.len; i += used) {
        size_t place = char_place(a[1].text, utf8_decode(s.at + i, s.len - i, &used));
        if (place == SIZE_MAX) {
            buf_add(&c->scratch, s.at + i, used);
            continue;
        }
        struct text with = piece(a[2].text, (int64_t)place, 1);
        buf_add(&c->scratch, with.at, with.len);
    }
    return give_scratch(c, out);
}

KERNEL(do_split)
{
    struct text s = a[0].text, sep = a[1].text;
    size_t start = 0, at;
    if (sep.len == 0)
        return call_fail(c, "split wants a separator that is not empty");
    buf_putc(&c->scratch, '[');
    while ((at = text_find(s, sep, start)) != SIZE_MAX) {
        json_put_string(&c->scratch, s.at + start, at - start);
        buf_putc(&c->scratch, ',');
        start = at + sep.len;
    }
    json_put_string(&c->scratch, s.at + start, s.len - start);
    buf_putc(&c->scratch, ']');
    return give_scratch_json(c, out);
}

KERNEL(do_split_part)
{
    struct text s = a[0].text, sep = a[1].text;
    int64_t wanted = a[2].i, pieces = 1;
    size_t start = 0, at;
    if (sep.len == 0)
        return call_fail(c, "split_part wants a separator that is not empty");
    for (at = 0; wanted < 0 && (at = text_find(s, sep, at)) != SIZE_MAX; at += sep.len)
        pieces++;
    if (wanted < 0)
        wanted += pieces;
    for (; wanted > 0; wanted--) {
        at = text_find(s, sep, start);
        if (at == SIZE_MAX)
            return true;
        start = at + sep.len;
    }
    at = text_find(s, sep, start);
    if (wanted == 0)
        give_text(out, (struct text){s.at + start, (at == SIZE_MAX ? s.len : at) - start});
    return true;
}

KERNEL(do_join)
{
    struct json_reader r;
    struct text item;
    bool first = true;
    if (!list_start(&r, a[0].text))
        return call_fail(c, "join wants a list");
    while (list_next(&r, &item)) {
        struct value v;
        if (!value_of_json(item, c->arena, &v) || v.kind == KIND_NULL)
            continue;
        if (!first)
            buf_add(&c->scratch, a[1].text.at, a[1].text.len);
        put_value(&c->scratch, &v);
        first = false;
    }
    return give_scratch(c, out);
}

KERNEL(do_ngrams)
{
    struct text s = a[0].text;
    if (a[1].i < 1)
        return call_fail(c, "ngrams wants a length of at least 1");
    size_t n = (size_t)a[1].i, used = 0, length = utf8_length(s.at, s.len);
    if (n <= length && !text_fits(c, n + 3, (int64_t)(length - n + 1)))
        return false;
    buf_putc(&c->scratch, '[');
    for (size_t i = 0, k = 0; k + n <= length; i += used, k++) {
        if (k > 0)
            buf_putc(&c->scratch, ',');
        json_put_string(&c->scratch, s.at + i, utf8_offset(s.at + i, s.len - i, n));
        utf8_decode(s.at + i, s.len - i, &used);
    }
    buf_putc(&c->scratch, ']');
    return give_scratch_json(c, out);
}

KERNEL(do_char)
{
    char bytes[4];
    if (a[0].i < 0 || a[0].i > 0x10FFFF || (a[0].i >= 0xD800 && a[0].i < 0xE000))
        return call_fail(c, "%lld is not the number of a character", (long long)a[0].i);
    buf_add(&c->scratch, bytes, utf8_print(bytes, (uint32_t)a[0].i));
    return give_scratch(c, out);
}

KERNEL(do_ord)
{
    size_t used;
    if (a[0].text.len == 0)
        return true;
    return give_int(out, utf8_decode(a[0].text.at, a[0].text.len, &used));
}

#define TEXT "text"
static const struct function_row rows[] = {
    {{"bytes", TEXT, "bytes(text) -> int", "length in bytes of UTF-8", "bytes(\"é\")", "2"},
     "t",
     'i',
     .row = do_bytes},
    {{"char", TEXT, "char(number) -> text", "the character of a Unicode number", "char(65)", "A"},
     "i",
     't',
     .row = do_char},
    {{"concat", TEXT, "concat(a, b, ...) -> text", "a . b: one after the other",
      "concat(\"a\", 1, true)", "a1true"},
     "t*",
     't',
     .row = do_concat},
    {{"concat_ws", TEXT, "concat_ws(separator, a, b, ...) -> text",
      "joined by a separator, missing ones left out", "concat_ws(\"-\", \"a\", null, \"b\")",
      "a-b"},
     "tt*",
     't',
     TAKES_MISSING,
     .row = do_concat_ws},
    {{"contains", TEXT, "contains(text, part) -> bool", "does the text hold the part?",
      "contains(\"hello\", \"ell\")", "true"},
     "tt",
     'b',
     .row = do_contains},
    {{"count_substr", TEXT, "count_substr(text, part) -> int",
      "how often the part occurs, without overlap", "count_substr(\"banana\", \"an\")", "2"},
     "tt",
     'i',
     .row = do_count_substr},
    {{"ends_with", TEXT, "ends_with(text, part) -> bool", "does the text end with the part?",
      "ends_with(\"hello\", \"lo\")", "true"},
     "tt",
     'b',
     .row = do_ends_with},
    {{"index", TEXT, "index(text, part) -> int", "position of the first part, -1 without one",
      "index(\"hello\", \"l\")", "2"},
     "tt",
     'i',
     .row = do_index},
    {{"join", TEXT, "join(list, separator) -> text", "the items as one text, null left out",
      "join([1, 2, 3], \"-\")", "1-2-3"},
     "jt",
     't',
     .row = do_join},
    {{"left", TEXT, "left(text, n) -> text", "the first n characters", "left(\"hello\", 2)", "he"},
     "ti",
     't',
     .row = do_left},
    {{"len", TEXT, "len(text) -> int", "length in characters", "len(\"naïve\")", "5"},
     "t",
     'i',
     .row = do_len},
    {{"ngrams", TEXT, "ngrams(text, n) -> list", "all runs of n characters", "ngrams(\"abcd\", 3)",
      "[\"abc\",\"bcd\"]"},
     "ti",
     'j',
     .row = do_ngrams},
    {{"ord", TEXT, "ord(text) -> int", "Unicode number of the first character; missing for \"\"",
      "ord(\"A\")", "65"},
     "t",
     'i',
     .row = do_ord},
    {{"repeat", TEXT, "repeat(text, n) -> text", "the text n times", "repeat(\"ab\", 3)", "ababab"},
     "ti",
     't',
     .row = do_repeat},
    {{"replace", TEXT, "replace(text, from, to) -> text", "every `from` becomes `to`, literally",
      "replace(\"a.b.c\", \".\", \"-\")", "a-b-c"},
     "ttt",
     't',
     .row = do_replace},
    {{"reverse", TEXT, "reverse(text) -> text", "the characters from last to first",
      "reverse(\"abc\")", "cba"},
     "t",
     't',
     .row = do_reverse},
    {{"right", TEXT, "right(text, n) -> text", "the last n characters", "right(\"hello\", 2)",
      "lo"},
     "ti",
     't',
     .row = do_right},
    {{"rindex", TEXT, "rindex(text, part) -> int", "position of the last part, -1 without one",
      "rindex(\"hello\", \"l\")", "3"},
     "tt",
     'i',
     .row = do_rindex},
    {{"split", TEXT, "split(text, separator) -> list", "the pieces between separators",
      "split(\"a,b\", \",\")", "[\"a\",\"b\"]"},
     "tt",
     'j',
     .row = do_split},
    {{"split_part", TEXT, "split_part(text, separator, n) -> text",
      "piece n from 0, or from the end; missing when there is none",
      "split_part(\"a-b-c\", \"-\", 1)", "b"},
     "tti",
     't',
     .row = do_split_part},
    {{"starts_with", TEXT, "starts_with(text, part) -> bool", "does the text begin with the part?",
      "starts_with(\"hello\", \"he\")", "true"},
     "tt",
     'b',
     .row = do_starts_with},
    {{"substr", TEXT, "substr(text, start [, length]) -> text",
      "characters from position start on; a negative start counts from the end",
      "substr(\"hello\", 1, 3)", "ell"},
     "ti?i",
     't',
     .row = do_substr},
    {{"translate", TEXT, "translate(text, from, to) -> text",
      "each character of `from` becomes the one at its place in `to`, or nothing",
      "translate(\"2,50\", \",\", \".\")", "2.50"},
     "ttt",
     't',
     .row = do_translate},
};
const struct function_family text_functions = {rows, COUNT_OF(rows)};
