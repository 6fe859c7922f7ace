/* What the steps on text stand on: characters, places in texts, JSON Schema, patterns. */
#include "expr/expr.h"
#include "steps/json_schema.h"
#include "steps/letters.h"
#include "steps/locate.h"
#include "sys/sys.h"
#include "unit.h"

TEST(kinds_of_characters)
{
    CHECK(letter_is_digit(0xb2) && !letter_is_decimal(0xb2));    /* superscript two */
    CHECK(letter_is_numeric(0xbd) && !letter_is_digit(0xbd));    /* one half */
    CHECK(letter_is_numeric(0x4e94) && letter_is_alpha(0x4e94)); /* ideograph five */
    CHECK(letter_is_decimal(0x663));                             /* Arabic three */
    CHECK(letter_is_title(0x1c5) && letter_is_cased(0x1c5));
    CHECK(letter_is_lower(0xaa) && letter_is_upper(0x2160));
    CHECK(letter_is_space(0x3000) && letter_is_space(28) && !letter_is_space(0x200b));
    CHECK(!letter_is_numeric(0x10ffff) && !letter_is_digit(0x10ffff));
}

TEST(last_characters)
{
    struct text t = TEXT_LITERAL("a\xc3\xa9\xa9"); /* a, e acute, a stray byte */
    uint32_t c = 0;
    CHECK(text_last(&t, &c) && c == 0xfffd && t.len == 3);
    CHECK(text_last(&t, &c) && c == 0xe9 && t.len == 1);
    CHECK(text_last(&t, &c) && c == 'a' && t.len == 0);
    CHECK(!text_last(&t, &c));
}

TEST(cases_of_several_characters)
{
    struct buf b = {0};
    put_upper(&b, 0xdf);
    put_title(&b, 0xfb01);
    put_lower(&b, 0xc9);
    CHECK_TEXT(buf_text(&b), "SSFi\xc3\xa9");
    buf_release(&b);
}

TEST(slices)
{
    struct text t = TEXT_LITERAL("h\xc3\xa9llo");
    CHECK(text_equal(locate_slice(t, 1, 3), TEXT_LITERAL("\xc3\xa9l")));
    CHECK(text_equal(locate_slice(t, -2, INT64_MAX), TEXT_LITERAL("lo")));
    CHECK(text_equal(locate_slice(t, INT64_MIN, 1), TEXT_LITERAL("h")));
    CHECK_INT(locate_slice(t, 4, 2).len, 0);
    CHECK_INT(locate_last(TEXT_LITERAL("abab"), TEXT_LITERAL("ab")), 2);
    CHECK(locate_last(TEXT_LITERAL("a"), TEXT_LITERAL("ab")) == NOWHERE);
}

TEST(between_delimiters)
{
    struct text t = TEXT_LITERAL("x(a)(b)y"), left = TEXT_LITERAL("("), right = TEXT_LITERAL(")");
    CHECK(text_equal(locate_between(t, left, right, false), TEXT_LITERAL("a")));
    CHECK(text_equal(locate_between(t, left, right, true), TEXT_LITERAL("a)(b")));
    CHECK(!locate_between(t, right, TEXT_LITERAL("x"), false).at);
}

/* The JIT of PCRE2 10.42 misses these when told to expect bad UTF-8. */
TEST(classes_beyond_ascii)
{
    struct regex *r = NULL;
    struct error e = {0};
    CHECK_INT(regex_compile("(\\S)(\\s)", 8, false, &r, &e), 0);
    struct regex_match *m = regex_match_new(r);
    CHECK(regex_search(r, m, TEXT_LITERAL("\xd0\xb6 x"), 0));
    CHECK_INT(regex_group(m, 1).len, 2);
    CHECK(regex_search(r, m, TEXT_LITERAL("\xff\xd0\xb6 x"), 0)); /* around a bad byte */
    CHECK_INT(regex_group(m, 1).len, 2);
    regex_match_free(m);
    regex_free(r);
}

static bool schema_says(const char *schema, const char *json)
{
    struct json_schema *s = NULL;
    struct error e = {0};
    struct buf scratch = {0};
    bool compiled = json_schema_compile(schema, strlen(schema), &s, &e) == 0;
    bool good = compiled && json_schema_check(s, text_of(json), &scratch);
    CHECK(compiled);
    buf_release(&scratch);
    json_schema_free(s);
    return good;
}

TEST(json_schemas)
{
    const char *object = "{\"required\":[\"a\",\"a\"],\"properties\":{\"b\":{\"const\":1}}}";
    CHECK(schema_says(object, "{\"a\":null}"));
    CHECK(schema_says(object, "{\"b\":1.0,\"\\u0061\":[{}]}"));
    CHECK(!schema_says(object, "{\"a\":1,\"b\":2}"));
    CHECK(!schema_says(object, "{\"b\":1}"));
    CHECK(!schema_says("{\"minimum\":2}", "1.5"));
    CHECK(!schema_says("{\"exclusiveMinimum\":2}", "2"));
    CHECK(schema_says("{\"type\":\"integer\"}", "2.0"));
    CHECK(schema_says("true", "[1,{\"x\":[]}]"));
    CHECK(!schema_says("false", "1"));
    CHECK(!schema_says("{}", "[1"));
    CHECK(!schema_says("{}", "1 2"));
}

TEST(json_schema_unknown_keyword)
{
    struct json_schema *s = NULL;
    struct error e = {0};
    const char *text = "{\"anyOf\":[]}";
    CHECK_INT(json_schema_compile(text, strlen(text), &s, &e), ERR_USAGE);
    CHECK(strstr(e.message, "anyOf") && !s);
}

/* More than a pipe holds goes in and comes out; a child that does not read is no error. */
TEST(process_filters)
{
    enum { SIZE = 300000 };
    char cat[] = "cat", none[] = "true";
    char *copy[] = {cat, NULL}, *deaf[] = {none, NULL};
    char *bytes = mem_alloc(SIZE);
    struct buf out = {0};
    struct error e = {0};
    int status = -1;
    CHECK_INT(process_filter(copy, (struct text){bytes, SIZE}, &out, &status, &e), 0);
    CHECK_INT(status, 0);
    CHECK_INT(out.len, SIZE);
    out.len = 0;
    CHECK_INT(process_filter(deaf, (struct text){bytes, SIZE}, &out, &status, &e), 0);
    CHECK_INT(out.len, 0);
    buf_release(&out);
    mem_free(bytes);
}
