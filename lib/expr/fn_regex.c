/* Functions that search with PCRE2 patterns, and those of like. */
#include "expr/eval.h"

/* The next match of the call's pattern; *failed: the search was given up. */
static bool next_match(struct call *c, struct text s, size_t *from, bool *failed)
{
    bool found = regex_next(c->node->regex, c->match, s, from);
    *failed = !found && regex_gave_up(c->match);
    if (*failed)
        call_fail(c, "%s: the pattern takes too many steps on this text", c->node->fn->about.name);
    return found;
}

KERNEL(do_re_match)
{
    size_t from = 0;
    bool failed, found = next_match(c, a[0].text, &from, &failed);
    return !failed && give_bool(out, found);
}

/* Group k of the first match; missing when there is none. */
static bool give_group(struct call *c, struct text s, size_t k, struct value *out)
{
    size_t from = 0;
    bool failed, found = next_match(c, s, &from, &failed);
    if (found)
        give_text(out, regex_group(c->match, k));
    return !failed;
}

KERNEL(do_re_extract)
{
    return give_group(c, a[0].text, regex_groups(c->node->regex) > 0 ? 1 : 0, out);
}

static size_t group_of(struct call *c, const struct value *v)
{
    const struct regex *r = c->node->regex;
    struct value number;
    if (v->kind == KIND_NUMBER && v->is_int && v->i >= 0)
        return (size_t)v->i;
    if (v->kind == KIND_TEXT && number_of_text(v->text, &number) && number.is_int && number.i >= 0)
        return (size_t)number.i;
    for (size_t k = 1; k <= regex_groups(r) && v->kind == KIND_TEXT; k++) {
        const char *name = regex_group_name(r, k);
        if (name && text_equal(text_of(name), v->text))
            return k;
    }
    return SIZE_MAX;
}

KERNEL(do_re_group)
{
    size_t k = group_of(c, &a[2]);
    if (k > regex_groups(c->node->regex))
        return call_fail(c, "re_group: the pattern has no such group");
    return give_group(c, a[0].text, k, out);
}

KERNEL(do_re_extract_all)
{
    size_t from = 0, k = regex_groups(c->node->regex) > 0 ? 1 : 0;
    bool failed = false;
    buf_putc(&c->scratch, '[');
    while (next_match(c, a[0].text, &from, &failed)) {
        struct value v = {.kind = KIND_NULL};
        give_text(&v, regex_group(c->match, k));
        if (c->scratch.len > 1)
            buf_putc(&c->scratch, ',');
        put_json(&c->scratch, &v);
    }
    buf_putc(&c->scratch, ']');
    return !failed && give_scratch_json(c, out);
}

KERNEL(do_re_count)
{
    size_t from = 0;
    int64_t count = 0;
    bool failed = false;
    while (next_match(c, a[0].text, &from, &failed))
        count++;
    return !failed && give_int(out, count);
}

KERNEL(do_re_replace)
{
    regex_replace(c->node->regex, c->match, a[0].text, a[2].text, true, &c->scratch);
    if (regex_gave_up(c->match))
        return call_fail(c, "re_replace: the pattern takes too many steps on this text");
    return give_scratch(c, out);
}

KERNEL(do_re_split)
{
    struct text s = a[0].text;
    size_t from = 0, start = 0;
    bool failed = false;
    buf_putc(&c->scratch, '[');
    while (next_match(c, s, &from, &failed)) {
        struct text m = regex_group(c->match, 0);
        size_t at = (size_t)(m.at - s.at);
        if (m.len == 0 || at < start)
            continue;
        json_put_string(&c->scratch, s.at + start, at - start);
        buf_putc(&c->scratch, ',');
        start = at + m.len;
    }
    json_put_string(&c->scratch, s.at + start, s.len - start);
    buf_putc(&c->scratch, ']');
    return !failed && give_scratch_json(c, out);
}

KERNEL(do_re_escape)
{
    for (size_t i = 0; i < a[0].text.len; i++) {
        char ch = a[0].text.at[i];
        if (ch && strchr("\\^$.[]|()?*+{}-#/", ch))
            buf_putc(&c->scratch, '\\');
        buf_putc(&c->scratch, ch);
    }
    return give_scratch(c, out);
}

KERNEL(do_like)
{
    return give_bool(out,
                     like_fits(a[0].text.at, a[0].text.len, a[1].text.at, a[1].text.len, false));
}

KERNEL(do_ilike)
{
    return give_bool(out,
                     like_fits(a[0].text.at, a[0].text.len, a[1].text.at, a[1].text.len, true));
}

#define REGEX "regex (PCRE2)"
#define LOGIC "compare, logic"
static const struct function_row rows[] = {
    {{"ilike", LOGIC, "ilike(text, pattern) -> bool", "like, with A-Z the same as a-z",
      "ilike(\"Hello\", \"h%\")", "true"},
     "tt",
     'b',
     .row = do_ilike},
    {{"like", LOGIC, "like(text, pattern) -> bool",
      "does the whole text fit? % any text, _ one character, \\ before one of them",
      "like(\"hello\", \"h_l%\")", "true"},
     "tt",
     'b',
     .row = do_like},
    {{"matches", LOGIC, "matches(text, pattern) -> bool", "the same as text =~ pattern",
      "matches(\"abc\", \"^a.c$\")", "true"},
     "tp",
     'b',
     .row = do_re_match},
    {{"re_count", REGEX, "re_count(text, pattern) -> int", "number of matches",
      "re_count(\"a1b22\", \"\\d+\")", "2"},
     "tp",
     'i',
     .row = do_re_count},
    {{"re_escape", REGEX, "re_escape(text) -> text", "a pattern that matches just this text",
      "re_escape(\"1.5\")", "1\\.5"},
     "t",
     't',
     .row = do_re_escape},
    {{"re_extract", REGEX, "re_extract(text, pattern) -> text",
      "the first match, or its first group when the pattern has groups; missing without a match",
      "re_extract(\"order 66\", \"\\d+\")", "66"},
     "tp",
     't',
     .row = do_re_extract},
    {{"re_extract_all", REGEX, "re_extract_all(text, pattern) -> list",
      "all matches, or their first groups", "re_extract_all(\"a1b22\", \"\\d+\")",
      "[\"1\",\"22\"]"},
     "tp",
     'j',
     .row = do_re_extract_all},
    {{"re_group", REGEX, "re_group(text, pattern, group) -> text",
      "a group of the first match by number or name; missing when unset",
      "re_group(\"k=v\", \"(\\w)=(?<value>\\w)\", \"value\")", "v"},
     "tpv",
     't',
     .row = do_re_group},
    {{"re_match", REGEX, "re_match(text, pattern) -> bool", "text =~ pattern: is there a match?",
      "re_match(\"abc\", \"^a\")", "true"},
     "tp",
     'b',
     .row = do_re_match},
    {{"re_replace", REGEX, "re_replace(text, pattern, with) -> text",
      "all matches replaced; $1 ${name} in `with` stand for groups, $$ for a dollar",
      "re_replace(\"2024-05\", \"(\\d+)-(\\d+)\", \"$2/$1\")", "05/2024"},
     "tpt",
     't',
     .row = do_re_replace},
    {{"re_split", REGEX, "re_split(text, pattern) -> list", "the pieces between matches",
      "re_split(\"a, b;c\", \"[,;] *\")", "[\"a\",\"b\",\"c\"]"},
     "tp",
     'j',
     .row = do_re_split},
};
const struct function_family regex_functions = {rows, COUNT_OF(rows)};
