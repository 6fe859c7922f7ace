#include "base/base.h"
#include "unit.h"

#include <math.h>

/* The tokens of a text as letters, an error as '!': {"a":[1]} is "{ka[n1]}."; at most 80. */
static const char *tokens(struct text text)
{
    static char out[2000];
    static const char letters[] = "!.{[}ksntf0";
    struct buf b = {0};
    struct json_reader r;
    enum json_token token;
    json_start(&r, text.at, text.len);
    do {
        token = json_next(&r);
        buf_putc(&b, letters[token]);
        if (token == JSON_TOKEN_KEY || token == JSON_TOKEN_STRING || token == JSON_TOKEN_NUMBER)
            buf_add(&b, r.raw.at, r.raw.len);
    } while (token != JSON_TOKEN_ERROR && token != JSON_TOKEN_DONE);
    CHECK(json_next(&r) == token);
    CHECK((token == JSON_TOKEN_ERROR) == (r.problem != NULL));
    (void)snprintf(out, sizeof(out), "%s", buf_text(&b));
    buf_release(&b);
    return out;
}

/* The text is copied to the heap without its NUL, so that a sanitizer sees a read past its end. */
static bool accepts(struct text text)
{
    char *copy = mem_copy(text.at, text.len);
    const char *seen = tokens((struct text){copy, text.len});
    mem_free(copy);
    return seen[strlen(seen) - 1] == '.';
}

TEST(json_reads_tokens)
{
    CHECK_TEXT(tokens(text_of("{}")), "{}.");
    CHECK_TEXT(tokens(text_of("[]")), "[}.");
    CHECK_TEXT(tokens(text_of("{\"a\":[1]}")), "{ka[n1}}.");
    CHECK_TEXT(tokens(text_of(" [ true , false,null ,\"\" ] \r\n\t")), "[tf0s}.");
    CHECK_TEXT(tokens(text_of("{\"a\":{\"b\":[{},[]]},\"c\" : -1.5e+3}")),
               "{ka{kb[{}[}}}kcn-1.5e+3}.");
    CHECK_TEXT(tokens(text_of("\"a\\\"b\\u00e9\"")), "sa\\\"b\\u00e9.");
    CHECK_TEXT(tokens(text_of("0")), "n0.");
}

/* How many numbers a list has; -1 on an error. */
static int count_numbers(const char *list, bool nonfinite)
{
    struct json_reader r;
    int numbers = 0;
    json_start(&r, list, strlen(list));
    r.nonfinite = nonfinite;
    for (;;) {
        enum json_token token = json_next(&r);
        if (token == JSON_TOKEN_ERROR || token == JSON_TOKEN_DONE)
            return token == JSON_TOKEN_DONE ? numbers : -1;
        numbers += token == JSON_TOKEN_NUMBER;
    }
}

TEST(json_reads_nonfinite_numbers_when_asked)
{
    CHECK_INT(count_numbers("[NaN,1, Infinity,-Infinity]", true), 4);
    CHECK_INT(count_numbers("[-1]", true), 1);
    CHECK_INT(count_numbers("[NaN]", false), -1);
    CHECK_INT(count_numbers("[-Infinity]", false), -1);
    static const char *const bad[] = {"[Nan]", "[-NaN]", "[Inf]", "[-I]", "[-]", "[NaN1]", "[N"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_INT(count_numbers(bad[i], true), -1);
}

TEST(json_accepts)
{
    static const char *const good[] = {
        "0",
        "-0",
        "10",
        "1.5",
        "-1.25E-10",
        "1e5",
        "\"\"",
        "[[]]",
        "true",
        " null ",
        "[1,2]",
        "{\"\":0}",
        "1E+0",
        "[0e0]",
        "\"/\"",
        "\"\\uD800\"",
        "{\"a\":1,\"a\":2}",
        "\"\\/\\b\\f\\n\\r\\t\"",
        "\"\x7F\"",
        "\"\xFF\"",
    };
    for (size_t i = 0; i < COUNT_OF(good); i++)
        if (!accepts(text_of(good[i])))
            UNIT_FAIL("refused: %s", good[i]);
}

TEST(json_refuses)
{
    static const char *const bad[] = {
        "",
        " ",
        "[",
        "{",
        "]",
        "}",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "{1:1}",
        "{,}",
        "{\"a\":1]",
        "1 2",
        "{}x",
        "01",
        "-",
        "+1",
        ".5",
        "5.",
        "1e",
        "1e+",
        "1.e1",
        "0x1",
        "-01",
        "NaN",
        "Infinity",
        "tru",
        "truex",
        "True",
        "nul",
        "\"",
        "\"a",
        "\"\\",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u123",
        "\"\n\"",
        "\"\x1F\"",
        "\"\t\"",
        "'a'",
        "[\"a\" \"b\"]",
        "\xEF\xBB\xBF{}",
        "[1]]",
        "\"a\"\"b\"",
        "/**/1",
        "\f1",
        "{\"a\"::1}",
        "{\"a\":1,,}",
        "\"\\U0041\"",
        "\"\\ud8\\u00\"",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (accepts(text_of(bad[i])))
            UNIT_FAIL("accepted: %s", bad[i]);
    CHECK(!accepts(TEXT_LITERAL("\0")));
    CHECK(!accepts(TEXT_LITERAL("1\0")));
    CHECK(!accepts(TEXT_LITERAL("\"\0\"")));
    CHECK(!accepts((struct text){0}));
}

TEST(json_says_where)
{
    struct json_reader r;
    const char *text = "{\"a\": tru}";
    json_start(&r, text, strlen(text));
    CHECK_INT(json_next(&r), JSON_TOKEN_OBJECT);
    CHECK_INT(json_next(&r), JSON_TOKEN_KEY);
    CHECK_INT(json_next(&r), JSON_TOKEN_ERROR);
    CHECK_INT(r.at - r.start, 6);
    CHECK_TEXT(r.problem, "not a JSON value");
}

/* Every byte that ends or breaks a string is seen at every place in and around blocks of 16. */
TEST(json_scans_strings_of_any_length)
{
    for (size_t n = 0; n < 70; n++) {
        char text[80];
        memset(text, 'x', sizeof(text));
        text[0] = text[n + 1] = '"';
        CHECK_INT(strlen(tokens((struct text){text, n + 2})), n + 2);
        for (size_t i = 1; i <= n; i++) {
            text[i] = '\x1F';
            CHECK(!accepts((struct text){text, n + 2}));
            text[i] = '"';
            CHECK(!accepts((struct text){text, n + 2}));
            text[i] = '\\';
            CHECK(!accepts((struct text){text, n + 2}));
            text[i] = '\xE9';
            CHECK(accepts((struct text){text, n + 2}));
            text[i] = 'x';
        }
    }
}

static size_t deepest(char open)
{
    char text[600];
    size_t depth = 0;
    struct json_reader r;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = open == '[' ? '[' : "{\"\":"[i % 4];
    json_start(&r, text, open == '[' ? sizeof(text) : 596);
    for (enum json_token t; (t = json_next(&r)) != JSON_TOKEN_ERROR;)
        depth += t == JSON_TOKEN_ARRAY || t == JSON_TOKEN_OBJECT;
    return depth;
}

TEST(json_depth_is_limited)
{
    CHECK_INT(deepest('['), 512);
    CHECK_INT(deepest('{'), 149);
    char text[1024];
    memset(text, '[', 512);
    memset(text + 512, ']', 512);
    CHECK(accepts((struct text){text, 1024}));
}

TEST(json_knows_object_from_array_at_every_depth)
{
    enum { LEVELS = 100 };
    struct buf b = {0};
    char ends[LEVELS];
    for (size_t i = 0; i < LEVELS; i++) {
        bool object = i % 3 == 0 || i % 7 == 0;
        buf_puts(&b, object ? "{\"\":" : "[");
        ends[LEVELS - 1 - i] = object ? '}' : ']';
    }
    buf_putc(&b, '1');
    buf_add(&b, ends, LEVELS);
    CHECK(accepts((struct text){b.at, b.len}));
    b.at[b.len - 50] ^= ']' ^ '}';
    CHECK(!accepts((struct text){b.at, b.len}));
    buf_release(&b);
}

TEST(json_skips)
{
    struct json_reader r;
    const char *text = "{\"a\":{\"b\":[1,{}],\"c\":\"}\"},\"d\":[[1]],\"e\":[1}";
    json_start(&r, text, strlen(text));
    CHECK_INT(json_next(&r), JSON_TOKEN_OBJECT);
    CHECK_INT(json_next(&r), JSON_TOKEN_KEY);
    CHECK_INT(json_next(&r), JSON_TOKEN_OBJECT);
    CHECK(json_skip(&r));
    CHECK_INT(json_next(&r), JSON_TOKEN_KEY);
    CHECK(text_equal(r.raw, text_of("d")));
    CHECK_INT(json_next(&r), JSON_TOKEN_ARRAY);
    CHECK(json_skip(&r));
    CHECK_INT(json_next(&r), JSON_TOKEN_KEY);
    CHECK_INT(json_next(&r), JSON_TOKEN_ARRAY);
    CHECK(!json_skip(&r));
    CHECK_INT(json_next(&r), JSON_TOKEN_ERROR);
}

static const char *unescaped(const char *raw)
{
    static char out[100];
    struct buf b = {0};
    buf_puts(&b, "<");
    bool good = json_unescape(&b, text_of(raw));
    (void)snprintf(out, sizeof(out), "%s%s", buf_text(&b), good ? ">" : "!");
    buf_release(&b);
    return out;
}

TEST(json_unescapes)
{
    CHECK_TEXT(unescaped(""), "<>");
    CHECK_TEXT(unescaped("plain"), "<plain>");
    CHECK_TEXT(unescaped("a\\\"\\\\\\/\\b\\f\\n\\r\\tz"), "<a\"\\/\b\f\n\r\tz>");
    CHECK_TEXT(unescaped("\\u0041\\u00e9\\u20AC"), "<A\xC3\xA9\xE2\x82\xAC>");
    CHECK_TEXT(unescaped("\\uD83D\\uDE00."), "<\xF0\x9F\x98\x80.>");
    CHECK_TEXT(unescaped("\\uDBFF\\uDFFF"), "<\xF4\x8F\xBF\xBF>");
    struct buf b = {0};
    CHECK(json_unescape(&b, text_of("\\u0000x")));
    CHECK(b.len == 2 && memcmp(b.at, "\0x", 2) == 0);
    CHECK(json_unescape(&b, (struct text){0}));
    buf_release(&b);
}

TEST(json_unescape_refuses_and_appends_nothing)
{
    static const char *const bad[] = {
        "x\\",
        "x\\x",
        "x\\u",
        "x\\u123",
        "x\\uD800",
        "x\\uDC00",
        "x\\uD800x",
        "x\\uD800\\n",
        "x\\uD800\\uD800",
        "x\\uDE00\\uD83D",
        "x\\uD83D\\uDE0",
        "x\\u00g0",
        "x\\uDC00\\uDC00",
        "x\\u+123",
        "x\\uD83D\\uE000",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        CHECK_TEXT(unescaped(bad[i]), "<!");
}

static const char *put(struct text s)
{
    static char out[200];
    struct buf b = {0};
    json_put_string(&b, s.at, s.len);
    (void)snprintf(out, sizeof(out), "%s", buf_text(&b));
    buf_release(&b);
    return out;
}

TEST(json_writes_strings)
{
    CHECK_TEXT(put(TEXT_LITERAL("")), "\"\"");
    CHECK_TEXT(put((struct text){0}), "\"\"");
    CHECK_TEXT(put(TEXT_LITERAL("a/b\x7F")), "\"a/b\x7F\"");
    CHECK_TEXT(put(TEXT_LITERAL("\"\\\b\f\n\r\t")), "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
    CHECK_TEXT(put(TEXT_LITERAL("\0\x01\x1F")), "\"\\u0000\\u0001\\u001f\"");
    CHECK_TEXT(put(TEXT_LITERAL("\xC3\xA9\xF0\x9F\x98\x80")), "\"\xC3\xA9\xF0\x9F\x98\x80\"");
    CHECK_TEXT(put(TEXT_LITERAL("a\xFFz\xC3")), "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\"");
    CHECK_TEXT(put(TEXT_LITERAL("\xC3\"")), "\"\xEF\xBF\xBD\\\"\"");
}

TEST(json_strings_round_trip)
{
    char bytes[128 * 3];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i % 128);
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        struct buf text = {0}, back = {0};
        struct json_reader r;
        json_put_string(&text, bytes + sizeof(bytes) - n, n);
        json_start(&r, text.at, text.len);
        CHECK_INT(json_next(&r), JSON_TOKEN_STRING);
        CHECK(json_unescape(&back, r.raw));
        CHECK(back.len == n && (n == 0 || memcmp(back.at, bytes + sizeof(bytes) - n, n) == 0));
        CHECK_INT(json_next(&r), JSON_TOKEN_DONE);
        buf_release(&text);
        buf_release(&back);
    }
}

TEST(json_writes_numbers)
{
    struct buf b = {0};
    const double numbers[] = {0.1, -3, 1e300, (double)NAN, (double)INFINITY, -(double)INFINITY};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        json_put_double(&b, numbers[i]);
        buf_putc(&b, ' ');
    }
    CHECK_TEXT(buf_text(&b), "0.1 -3 1e+300 null null null ");
    buf_release(&b);
}
