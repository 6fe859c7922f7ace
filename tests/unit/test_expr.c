/* The expression language: every function's example, grammar, kinds, missing values, errors. */
#include "expr/expr.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS = 3 };

static struct column texts(struct batch *b, const char *const values[ROWS])
{
    struct text *t = batch_array(b, ROWS, sizeof *t);
    for (size_t i = 0; i < ROWS; i++)
        t[i] = text_of(values[i]);
    return column_of_text(t);
}

static void make_schema(struct schema *s)
{
    *s = (struct schema){0};
    schema_add(s, text_of("x"), TYPE_INT);
    schema_add(s, text_of("name"), TYPE_TEXT);
    schema_add(s, text_of("f"), TYPE_FLOAT);
    schema_add(s, text_of("flag"), TYPE_BOOL);
    schema_add(s, text_of("when"), TYPE_TIME);
    schema_add(s, text_of("list"), TYPE_JSON);
    schema_add(s, text_of("air time"), TYPE_INT);
}

static struct batch *make_batch(void)
{
    static const char *const columns[][ROWS] = {
        {"1", "20", NULL},
        {"abc", "Hello", ""},
        {"1.5", "-2", "1e3"},
        {"true", "false", NULL},
        {"2024-01-31", "2024-02-29T10:00:00Z", NULL},
        {"[1,2,3]", "[\"a\",\"b\"]", NULL},
        {"9007199254740993", "007", "x"},
    };
    struct batch *b = batch_new();
    b->rows = ROWS;
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        batch_add(b, texts(b, columns[i]));
    return b;
}

static const char *const params[] = {"model=tree", NULL};
static const struct expr_context context = {
    .now = INT64_C(1700000000000000), .seed = 1, .stream = 2, .params = params};

static struct expr *compile(const char *text, struct error *e)
{
    struct schema s;
    struct expr *x = NULL;
    make_schema(&s);
    *e = (struct error){0};
    expr_compile(text, strlen(text), &s, &context, &x, e);
    schema_release(&s);
    return x;
}

/* All rows of the expression's value as text, joined by |; an error's message when there is one. */
static const char *value_of(const char *text, char out[static 800],
                            const struct cell_policy *policy)
{
    struct error e;
    struct expr *x = compile(text, &e);
    struct column c;
    out[0] = 0;
    if (!x) {
        snprintf(out, 800, "%s", e.message);
        return out;
    }
    struct batch *b = make_batch();
    b->policy = policy;
    if (expr_eval(x, b, &c, &e)) {
        snprintf(out, 800, "%s", e.message);
    } else {
        size_t column = batch_add(b, c), n = 0;
        for (size_t r = 0; r < ROWS; r++) {
            struct text t = batch_cell(b, column, r);
            n += (size_t)snprintf(out + n, 800 - n, "%s%.*s", r ? "|" : "", (int)t.len,
                                  t.at ? t.at : "");
        }
    }
    batch_free(b);
    expr_free(x);
    return out;
}

#define CHECK_VALUE(text, want)                                                                    \
    do {                                                                                           \
        char got_value[800];                                                                       \
        value_of(text, got_value, NULL);                                                           \
        if (strcmp(got_value, want) != 0)                                                          \
            UNIT_FAIL("%s is \"%s\", not \"%s\"", text, got_value, want);                          \
    } while (0)

/* The same for all three rows. */
#define CHECK_ONE(text, want) CHECK_VALUE(text, want "|" want "|" want)

static bool first_row_is(const char *text, const char *want, char got[static 800])
{
    value_of(text, got, NULL);
    size_t n = strlen(want);
    return strncmp(got, want, n) == 0 && got[n] == '|';
}

TEST(every_example_gives_its_result)
{
    const struct function **all = mem_array(NULL, function_count(), sizeof *all);
    functions_by_name(all);
    for (size_t i = 0; i < function_count(); i++) {
        const struct function *f = all[i];
        char got[800];
        if (!first_row_is(f->example, f->result, got))
            UNIT_FAIL("%s: %s is \"%s\", not \"%s\"", f->name, f->example, got, f->result);
    }
    mem_free(all);
}

TEST(catalogue_is_sorted_and_complete)
{
    CHECK(function_count() >= 250);
    const struct function **all = mem_array(NULL, function_count(), sizeof *all);
    functions_by_name(all);
    for (size_t i = 0; i < function_count(); i++) {
        const struct function *f = all[i];
        if (i > 0 && strcmp(all[i - 1]->name, f->name) >= 0)
            UNIT_FAIL("%s is out of order or twice", f->name);
        CHECK(function_find(text_of(f->name)) == f);
        CHECK(strncmp(f->signature, f->name, strlen(f->name)) == 0);
        CHECK(f->family[0] && f->summary[0] && f->example[0]);
    }
    mem_free(all);
    CHECK(function_find(text_of("no_such_function")) == NULL);
}

TEST(precedence)
{
    CHECK_ONE("2 + 3 * 4", "14");
    CHECK_ONE("-2 ^ 2", "-4");
    CHECK_ONE("2 ^ 3 ^ 2", "512");
    CHECK_ONE("2 ^ -1", "0.5");
    CHECK_ONE("10 - 4 - 3", "3");
    CHECK_ONE("7 // 2 * 2", "6");
    CHECK_ONE("1 + 2 . 3", "33");
    CHECK_ONE("not 1 == 2 and true", "true");
    CHECK_ONE("true or false and false", "true");
    CHECK_VALUE("1 < 2 == true", "comparisons do not chain: join them with 'and'\n"
                                 "    1 < 2 == true\n          ^");
}

TEST(literals)
{
    CHECK_VALUE("'it''s'", "expected an operator or the end, not ''s''\n    'it''s'\n        ^");
    CHECK_ONE("\"a\\tb\\u00e9\\u{1F600}\"", "a\tbé😀");
    CHECK_ONE("\"\\d+\"", "\\d+");
    CHECK_ONE(".5 + 1e-1", "0.6");
    CHECK_ONE("null", "");
    CHECK_ONE("[1, 'a', true, null]", "[1,\"a\",true,null]");
    CHECK_ONE("9223372036854775807", "9223372036854775807");
}

TEST(columns)
{
    CHECK_VALUE("x", "1|20|");
    CHECK_VALUE("`air time`", "9007199254740993|007|x");
    CHECK_VALUE("x . name", "1abc|20Hello|");
    CHECK_VALUE("field(1) + field('f')", "2.5|18|");
    struct error e;
    struct expr *x = compile("x + f", &e);
    uint8_t need[7] = {0};
    expr_columns(x, need);
    CHECK(need[0] == 1 && need[1] == 0 && need[2] == 1);
    CHECK(expr_bare_column(x) == FIELD_NONE && !expr_is_constant(x) && !expr_ordered(x));
    CHECK_INT(expr_type(x), TYPE_FLOAT);
    expr_free(x);
    x = compile("`air time`", &e);
    CHECK_INT(expr_bare_column(x), 6);
    expr_free(x);
    x = compile("prev(x) + 1", &e);
    CHECK(expr_ordered(x));
    expr_free(x);
    x = compile("1 + length([1])", &e);
    CHECK(expr_is_constant(x));
    expr_free(x);
}

TEST(branches)
{
    CHECK_VALUE("if(x > 5, 'big', 'small')", "small|big|small");
    CHECK_VALUE("if(x > 5, 1)", "|1|");
    CHECK_VALUE("case when x > 5 then 1 when x == 1 then 2.5 end", "2.5|1|");
    CHECK_VALUE("case when x = 1 then 2 end", "'=' stands for nothing here: '==' compares\n"
                                              "    case when x = 1 then 2 end\n"
                                              "                ^");
    CHECK_VALUE("switch(x, 1, 'a', 20, 'b', 'c')", "a|b|c");
    CHECK_VALUE("coalesce(x, 0)", "1|20|0");
    CHECK_VALUE("default(x, 'none')", "1|20|none");
    CHECK_VALUE("nullif(x, 20)", "1||");
    CHECK_VALUE("x between 1 and 5", "true|false|");
    CHECK_VALUE("x not between 1 and 5", "false|true|");
    CHECK_VALUE("greatest(x, f)", "1.5|20|1000");
}

/* A guard keeps the other rows' errors away. */
TEST(guards)
{
    CHECK_VALUE("if(f > 0, ln(f), 0) >= 0", "true|true|true");
    CHECK_VALUE("f > 0 and ln(f) > 1", "false|false|true");
    CHECK_VALUE("f <= 0 or ln(f) > 1", "false|true|true");
    CHECK_VALUE("if(`air time` =~ '^\\d+$', `air time` + 1, 0)", "9007199254740994|8|0");
    CHECK_VALUE("ln(f)", "ln(-2) has no value");
}

TEST(sets)
{
    CHECK_VALUE("x in [1, 3]", "true|false|");
    CHECK_VALUE("x not in (1, 3)", "false|true|");
    CHECK_VALUE("name in ('abc', 'z')", "true|false|false");
    CHECK_VALUE("x in (1, null)", "true||");
    CHECK_VALUE("x in list", "true|false|");
    CHECK_VALUE("'a' in list", "false|true|");
    CHECK_VALUE("when in ['2024-01-31', '2024-02-01']", "true|false|");
}

TEST(patterns)
{
    CHECK_VALUE("name =~ '^[a-c]+$'", "true|false|false");
    CHECK_VALUE("name !~ 'l'", "true|false|true");
    CHECK_ONE("re_replace('a1b2', '(\\w)(\\d)', '$2${1}\\2$$')", "1a1$2b2$");
    CHECK_ONE("re_split('a', 'x*')", "[\"a\"]");
    CHECK_ONE("re_count('aaa', '')", "4");
    CHECK_ONE("like('50%', '50\\%')", "true");
    CHECK_ONE("like('aXbXc', '%b%c')", "true");
    CHECK_ONE("re_match('caf\xff', 'caf')", "true");
    CHECK_VALUE("name =~ '('", "pattern '(': missing closing parenthesis at byte 2\n"
                               "    name =~ '('\n            ^");
}

TEST(lambdas)
{
    CHECK_VALUE("map(list, y -> y . name)",
                "[\"1abc\",\"2abc\",\"3abc\"]|[\"aHello\",\"bHello\"]|");
    CHECK_ONE("map([1, 2], a -> map([10, 20], b -> a * b))", "[[10,20],[20,40]]");
    CHECK_ONE("reduce(['a', 'b'], '', (s, c) -> c . s)", "\"ba\"");
    CHECK_ONE("any([], y -> y)", "false");
    CHECK_ONE("all([true, null], y -> y)", "");
    CHECK_ONE("list_filter([3, 1, 2], y -> y >= 2)", "[3,2]");
    CHECK_VALUE("reduce([1, 2, 3], x, (a, b) -> a * b)", "6|120|");
}

TEST(three_valued_logic)
{
    static const char *const words[] = {"true", "false", "null"};
    static const char *const conjunction[] = {"true",  "false", "",      "false", "false",
                                              "false", "",      "false", ""};
    static const char *const disjunction[] = {"true", "true", "true", "true", "false",
                                              "",     "true", "",     ""};
    static const char *const exclusive[] = {"false", "true", "", "true", "false", "", "", "", ""};
    for (size_t i = 0; i < 9; i++) {
        char text[64], got[800];
        snprintf(text, sizeof text, "%s and %s", words[i / 3], words[i % 3]);
        CHECK(first_row_is(text, conjunction[i], got));
        snprintf(text, sizeof text, "%s or %s", words[i / 3], words[i % 3]);
        CHECK(first_row_is(text, disjunction[i], got));
        snprintf(text, sizeof text, "%s xor %s", words[i / 3], words[i % 3]);
        CHECK(first_row_is(text, exclusive[i], got));
    }
    CHECK_ONE("not null", "");
    CHECK_VALUE("x > 1 and flag", "false|false|");
    CHECK_VALUE("x > 1 or flag", "true|true|");
}

TEST(missing_stays_missing)
{
    CHECK_VALUE("x + 1", "2|21|");
    CHECK_VALUE("x == null", "||");
    CHECK_VALUE("upper(null)", "||");
    CHECK_VALUE("is_null(x)", "false|false|true");
    CHECK_VALUE("not_null(`air time`)", "true|true|true");
    CHECK_ONE("concat_ws('-', 'a', null, 'b')", "a-b");
    CHECK_ONE("max(null, 2)", "2");
    CHECK_ONE("0 * null", "");
    CHECK_ONE("null ^ 0", "");
}

TEST(integers_do_not_overflow_silently)
{
    CHECK_VALUE("x + 9223372036854775807", "1 + 9223372036854775807 does not fit 64-bit integers");
    CHECK_VALUE("x * 9223372036854775807 * 2",
                "20 * 9223372036854775807 does not fit 64-bit integers");
    CHECK_VALUE("-9223372036854775807 - x",
                "-9223372036854775807 - 1 does not fit 64-bit integers");
    CHECK_VALUE("(x + 1) ^ 63", "2 ^ 63 does not fit 64-bit integers");
    CHECK_VALUE("x / 0", "1 / 0 divides by zero");
    CHECK_VALUE("x // 0", "1 // 0 divides by zero");
    CHECK_VALUE("x % (x - 1)", "1 % 0 divides by zero");
    CHECK_VALUE("f * 1e308", "-2 * 1e+308 has no finite value");
    CHECK_VALUE("factorial(21)", "factorial(21) has no 64-bit value\n    factorial(21)\n    ^");
}

TEST(integers_and_floats)
{
    CHECK_ONE("2 == 2.0", "true");
    CHECK_ONE("7 / 2", "3.5");
    CHECK_ONE("-7 // 2", "-4");
    CHECK_ONE("-7 % 2", "1");
    CHECK_ONE("-7.5 % 2", "0.5");
    CHECK_ONE("7 % -2", "-1");
    CHECK_ONE("9007199254740993 == 9007199254740992", "false");
    CHECK_ONE("round_to(2.675, 2)", "2.68");
    CHECK_ONE("round_to(1234, -2)", "1200");
    CHECK_VALUE("f + x", "2.5|18|");
    CHECK_VALUE("if(x == 1, `air time`, '')", "9007199254740993||");
    CHECK_VALUE("if(x == 1, `air time` - 1, 0)", "9007199254740992|0|0");
}

TEST(comparisons_take_the_literals_kind)
{
    CHECK_VALUE("x == 1", "true|false|");
    CHECK_VALUE("x == '1'", "true|false|");
    CHECK_VALUE("x == '01'", "false|false|");
    CHECK_VALUE("x < '3'", "true|true|");
    CHECK_VALUE("x < 3", "true|false|");
    CHECK_VALUE("x < f", "true|false|");
    CHECK_VALUE("name < 'b'", "true|true|true");
    CHECK_VALUE("when > '2024-02-01'", "false|true|");
    CHECK_VALUE("flag == true", "true|false|");
    CHECK_VALUE("flag == 1", "true|false|");
    CHECK_VALUE("get(list, 0) == 1", "'a' is not a number");
    CHECK_VALUE("get(list, 0) == '1'", "true|false|");
}

TEST(times)
{
    CHECK_VALUE("when + 3600", "2024-01-31T01:00:00Z|2024-02-29T11:00:00Z|");
    CHECK_VALUE("when - '1d'", "2024-01-30T00:00:00Z|2024-02-28T10:00:00Z|");
    CHECK_VALUE("when - when", "0|0|");
    CHECK_VALUE("date_add(when, 1, 'month')", "2024-02-29T00:00:00Z|2024-03-29T10:00:00Z|");
    CHECK_VALUE("month(when)", "1|2|");
    CHECK_ONE("now()", "2023-11-14T22:13:20Z");
    CHECK_ONE("date_diff('2024-02-29', '2024-01-31', 'months')", "1");
    CHECK_ONE("date_diff('2024-01-31', '2024-02-29', 'months')", "-1");
    CHECK_ONE("trunc_time('2024-05-16', 'week')", "2024-05-13T00:00:00Z");
    CHECK_VALUE(
        "trunc_time('2024-05-16', 'fortnight')",
        "trunc_time: 'fortnight' is not a unit: years, months, weeks, days, hours, minutes, "
        "seconds\n    trunc_time('2024-05-16', 'fortnight')\n    ^");
    CHECK_VALUE("hour('2024-01-01 10:00')",
                "'2024-01-01 10:00' is not a time with a zone (declare one with --zone)");
    CHECK_VALUE("make_date(2023, 2, 29)",
                "make_date: there is no such date or time\n    make_date(2023, 2, 29)\n    ^");
}

#define CHECK_ERROR(text, want)                                                                    \
    do {                                                                                           \
        struct error e_;                                                                           \
        struct expr *x_ = compile(text, &e_);                                                      \
        CHECK(x_ == NULL);                                                                         \
        CHECK_INT(e_.code, ERR_USAGE);                                                             \
        CHECK_TEXT(e_.message, want);                                                              \
        expr_free(x_);                                                                             \
    } while (0)

TEST(errors_point_at_their_place)
{
    CHECK_ERROR("1 + nam", "unknown column 'nam': did you mean 'name'?\n    1 + nam\n        ^");
    CHECK_ERROR("uppr(name)",
                "unknown function 'uppr': did you mean 'upper'?\n    uppr(name)\n    ^");
    CHECK_ERROR("x +", "expected a value, not the end\n    x +\n       ^");
    CHECK_ERROR("(x", "expected ')', not the end\n    (x\n      ^");
    CHECK_ERROR("x y", "expected an operator or the end, not 'y'\n    x y\n      ^");
    CHECK_ERROR("'é' . \"abc", "this quote is never closed\n    'é' . \"abc\n          ^");
    CHECK_ERROR("x = 3", "'=' stands for nothing here: '==' compares\n    x = 3\n      ^");
    CHECK_ERROR("ln()", "too few arguments: ln(x) -> float\n    ln()\n    ^");
    CHECK_ERROR("ln(1, 2)", "too many arguments: ln(x) -> float\n    ln(1, 2)\n          ^");
    CHECK_ERROR("ln('a')", "'a' is not a number\n    ln('a')\n       ^");
    CHECK_ERROR("ln(flag)", "ln wants a number, not bool: int() makes one\n    ln(flag)\n       ^");
    CHECK_ERROR("year(x)", "year wants a time, not a number: from_epoch() makes one\n"
                           "    year(x)\n         ^");
    CHECK_ERROR("ln(-1)", "ln(-1) has no value\n    ln(-1)\n    ^");
    CHECK_ERROR("x\n+ )", "expected a value, not ')'\n    + )\n      ^");
    CHECK_ERROR("2x", "a name may not begin with a digit: put it in backquotes\n    2x\n    ^");
    CHECK_ERROR("map([1], 2)", "expected x -> ...: map(list, x -> value) -> list\n"
                               "    map([1], 2)\n             ^");
}

static void count_reject(void *count, const struct error *place, struct text raw)
{
    (void)place;
    (void)raw;
    ++*(int *)count;
}

TEST(policy_decides_about_bad_values)
{
    int rejected = 0;
    char got[800];
    struct cell_policy null = {.on_error = ON_ERROR_NULL, .reject = count_reject};
    null.context = &rejected;
    CHECK_TEXT(value_of("sqrt(f)", got, &null) + 17, "||31.622776601683793");
    CHECK_INT(rejected, 1);
    CHECK_TEXT(value_of("`air time` * 1", got, &null), "9007199254740993|7|");
    CHECK_INT(rejected, 2);
    CHECK_TEXT(value_of("name + 1", got, NULL), "column 'name': 'abc' is not a number");
}

static char *deep(const char *unit, size_t n, const char *rest)
{
    struct buf b = {0};
    for (size_t i = 0; i < n; i++)
        buf_puts(&b, unit);
    buf_puts(&b, rest);
    return buf_take(&b);
}

TEST(nesting_is_limited)
{
    static const char *const units[] = {"(",         "[",  "-",    "not ",  "abs(",
                                        "if(true, ", "2^", "1 + ", "1 - (", "case when "};
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        char *text = deep(units[i], 100000, "1");
        struct error e;
        CHECK(compile(text, &e) == NULL);
        CHECK(strstr(e.message, "nested too deep") != NULL);
        mem_free(text);
    }
    char *text = deep("x == 1 or ", 2000, "x == 20");
    char got[800];
    CHECK_TEXT(value_of(text, got, NULL), "true|true|");
    mem_free(text);
}

TEST(prev_looks_into_the_batch_before)
{
    struct error e;
    struct expr *x = compile("prev(name)", &e);
    for (int pass = 0; pass < 2; pass++)
        for (uint64_t i = 0; i < 2; i++) {
            struct batch *b = make_batch();
            struct column c;
            b->sequence = i;
            CHECK_INT(expr_eval(x, b, &c, &e), 0);
            CHECK(i == 0 ? c.text[0].at == NULL : text_equal(c.text[0], text_of("")));
            CHECK(text_equal(c.text[2], text_of("Hello")));
            batch_free(b);
        }
    expr_free(x);
}

/* The condition is false for all of the first batch, yet its last row is remembered. */
TEST(prev_behind_a_guard)
{
    struct error e;
    struct expr *x = compile("row_num() == 1 and prev(f) == 1000", &e);
    for (uint64_t i = 0; i < 2; i++) {
        struct batch *b = make_batch();
        uint8_t keep[ROWS];
        b->sequence = i;
        b->first_id = (i == 0 ? UINT64_C(5) : 0) << ROW_ID_SHIFT;
        CHECK_INT(expr_test(x, b, keep, &e), 0);
        CHECK_INT(keep[0], i);
        batch_free(b);
    }
    expr_free(x);
    CHECK_ERROR("map([1], y -> prev(y))", "prev looks at rows, not at the items of a list\n"
                                          "    map([1], y -> prev(y))\n                  ^");
}

TEST(results_are_bounded)
{
    CHECK(compile("repeat('ab', 100000000)", &(struct error){0}) == NULL);
    struct error e;
    struct expr *x = compile("reduce(range(60), 'a', (s, i) -> s . s)", &e);
    struct batch *b = make_batch();
    struct column c;
    CHECK_INT(expr_eval(x, b, &c, &e), ERR_DATA);
    CHECK_TEXT(e.message, "concat: the result is longer than 16 MiB");
    batch_free(b);
    expr_free(x);
}

TEST(draws_depend_on_row_and_call_alone)
{
    char first[800], second[800];
    CHECK_TEXT(value_of("rand()", first, NULL), value_of("rand()", second, NULL));
    value_of("rand() == rand()", first, NULL);
    CHECK_TEXT(first, "false|false|false");
    value_of("length(list_uniq(map(range(50), i -> rand())))", first, NULL);
    CHECK_TEXT(first, "50|50|50");
}

TEST(conditions_keep_true_rows)
{
    struct error e;
    struct expr *x = compile("x >= 1", &e);
    struct batch *b = make_batch();
    uint8_t keep[ROWS];
    CHECK_INT(expr_test(x, b, keep, &e), 0);
    CHECK(keep[0] == 1 && keep[1] == 1 && keep[2] == 0);
    batch_free(b);
    expr_free(x);
}

TEST(sounds_and_distances)
{
    CHECK_ONE("metaphone('Thomas')", "0MS");
    CHECK_ONE("metaphone('physics')", "FSKS");
    CHECK_ONE("metaphone('school')", "SKL");
    CHECK_ONE("metaphone('judge')", "JJ");
    CHECK_ONE("soundex('Ashcraft')", "A261");
    CHECK_ONE("soundex('Tymczak')", "T522");
    CHECK_ONE("soundex('Pfister')", "P236");
    CHECK_ONE("soundex('42')", "");
    CHECK_ONE("levenshtein('', 'naïve')", "5");
    CHECK_ONE("damerau('ca', 'abc')", "3");
    CHECK_ONE("round_to(jaro_winkler('DIXON', 'DICKSONX'), 4)", "0.8133");
}

TEST(digests_of_many_lengths)
{
    /* 55, 56, 63, 64, 111, 112, 128 bytes: the ends of blocks */
    CHECK_ONE("md5(repeat('a', 55))", "ef1772b6dff9a122358552954ad0df65");
    CHECK_ONE("md5(repeat('a', 56))", "3b0c8ac703f828b04c6c197006d17218");
    CHECK_ONE("md5(repeat('a', 64))", "014842d480b571495a4a0363793f7367");
    CHECK_ONE("sha1(repeat('a', 63))", "03f09f5b158a7a8cdad920bddc29b81c18a551f5");
    CHECK_ONE("left(sha256(repeat('a', 119)), 16)", "31eba51c313a5c08");
    CHECK_ONE("left(sha512(repeat('a', 111)), 16)", "fa9121c7b32b9e01");
    CHECK_ONE("left(sha512(repeat('a', 112)), 16)", "c01d080efd492776");
    CHECK_ONE("xxh64('abc')", "44bc2cf5ad770999");
    CHECK_ONE("xxh64('0123456789012345678901234567890123456789')", "ca6fc80cbde1a931");
    CHECK_ONE("murmur3('The quick brown fox jumps over the lazy dog')", "776992547");
}

static void put_end(struct buf *out, const struct input_gap *gap, const struct gap_end *end)
{
    if (!end->there)
        buf_puts(out, "*");
    else if (gap->type == TYPE_TEXT)
        buf_add(out, end->text.at, end->text.len);
    else if (gap->type == TYPE_TIME)
        buf_format(out, "%" PRId64, end->time);
    else
        buf_format(out, "%.17g", end->number);
}

/* Column and ends of each gap, "!" where missing cells are kept; "?" at the end: it may fail. */
static const char *gaps_of(const char *text, char out[static 800])
{
    struct error e;
    struct expr *x = compile(text, &e);
    struct input_gaps gaps = {0};
    struct buf shown = {0};
    if (!x)
        return e.code ? "no expression" : NULL;
    bool safe = expr_gaps(x, &gaps);
    for (size_t i = 0; i < gaps.list.len; i++) {
        const struct input_gap *gap = &gaps.list.at[i];
        buf_format(&shown, "%zu", gap->column);
        if (!gap->missing_alone) {
            buf_puts(&shown, gap->from.open ? "(" : "[");
            put_end(&shown, gap, &gap->from);
            buf_puts(&shown, ",");
            put_end(&shown, gap, &gap->to);
            buf_puts(&shown, gap->to.open ? ")" : "]");
        }
        buf_puts(&shown, gap->keep_missing ? "! " : " ");
    }
    snprintf(out, 800, "%s%s", buf_text(&shown), safe ? "" : "?");
    vec_release(&gaps.list);
    buf_release(&shown);
    expr_free(x);
    return out;
}

TEST(gaps_of_conditions)
{
    static const struct {
        const char *text, *gaps;
    } cases[] = {
        {"x > 5", "0[*,5] "},
        {"x >= 5", "0[*,5) "},
        {"x < 5", "0[5,*] "},
        {"x <= 2.5", "0(2.5,*] "},
        {"5 > x", "0[5,*] "},
        {"-5 <= x", "0[*,-5) "},
        {"x == 5", "0[*,5) 0(5,*] "},
        {"5 != x", "0[5,5] "},
        {"not (x > 5)", "0(5,*] "},
        {"not not (x > 5)", "0[*,5] "},
        {"x > 9007199254740993", "0[*,9007199254740992) "},
        {"x != 9007199254740993", "0(9007199254740992,9007199254740992) "},
        {"x > 9007199254740992.0", "0[*,9007199254740992] "},
        {"name >= \"b\" && name < \"c\"", "1[*,b) 1[c,*] "},
        {"when >= \"1970-01-01T00:00:01Z\"", "4[*,1000000) "},
        {"when < \"1970-01-02\"", "4[86400000000,*] "},
        {"when < \"1970-01-02T00:00:00\"", "?"}, /* the zone is not known yet */
        {"x in (3, 1, null, 2)", "0[*,1) 0(3,*] "},
        {"name in (\"c\", \"a\")", "1[*,a) 1(c,*] "},
        {"x in (1, \"a\")", "?"},
        {"x not in (3, 1)", "0 "},
        {"x between 1 and 3", "0[*,1) 0(3,*] "},
        {"x not between 1 and 3", "0[1,3] "},
        {"not_null(x)", "0 "},
        {"is_null(x)", "?"},
        {"not is_null(name)", "1 "},
        {"flag and x > 5", "3 0[*,5] "},
        {"flag == false", "3 "},
        {"not flag", "3 "},
        {"not (x > 5 or f < 1)", "0(5,*] 2[*,1) "},
        {"x > 5 or f < 1", "?"},
        {"not (x > 5 and f < 1)", "?"},
        {"x > 5 and ln(f) < 1 and x < 9", "0[*,5]! ?"},
        {"ln(f) < 1 and x > 5", "?"},
        {"x > 5 and (f < 1 or f > 2)", "0[*,5]! ?"},
        {"x > 5 and prev(x) > 5", "?"},
        {"x > f", "?"},
        {"x > \"5\"", "?"}, /* as text */
        {"name > 5", "?"},  /* cells may not be numbers */
        {"x + 1 > 5", "?"},
        {"x > 2 + 3", "0[*,5] "},
        {"x > null", "?"},
        {"list == \"a\"", "?"},
        {"between(x, 1, f)", "?"},
        {"true", "?"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char out[800];
        const char *got = gaps_of(cases[i].text, out);
        if (strcmp(got, cases[i].gaps) != 0)
            UNIT_FAIL("%s: %s, not %s", cases[i].text, got, cases[i].gaps);
    }
}
