#include "table/json_list.h"
#include "table/json_read.h"
#include "table/json_scan.h"
#include "table/json_survey.h"
#include "table/json_write.h"
#include "table/table.h"
#include "unit.h"

/* A text of JSON Lines parsed for a schema; what comes of it. */
struct run {
    struct schema schema;
    struct json_input in;
    struct format format;
    struct cell_policy policy;
    struct batch *b;
    struct error e;
    int status;
    struct buf out;
};

/* names: of the columns, one letter each */
static void start(struct run *t, const char *names, bool keep_extras, enum on_error on_error)
{
    *t = (struct run){.format = format_jsonl(), .policy.on_error = on_error};
    for (; *names; names++)
        schema_add(&t->schema, (struct text){names, 1}, TYPE_TEXT);
    json_input_prepare(&t->in, &t->schema, keep_extras);
    t->b = batch_new();
}

static void parse(struct run *t, const char *text)
{
    batch_clear(t->b);
    t->e = (struct error){0};
    buf_add(&t->b->text, text, strlen(text));
    t->b->file = "x.jsonl";
    t->b->first_line = 1;
    t->b->format = &t->format;
    t->b->policy = &t->policy;
    t->status = json_parse_chunk(&t->schema, &t->in, t->b, &t->e);
    t->out.len = 0;
    if (t->status)
        return;
    batch_drop_rejected(t->b);
    struct writer w = {.format = format_jsonl(), .schema = &t->schema};
    json_write_batch(&w, t->b, &t->out);
}

static void stop(struct run *t)
{
    json_input_release(&t->in);
    schema_release(&t->schema);
    batch_free(t->b);
    buf_release(&t->out);
}

static void check_same(struct run *t, const char *text)
{
    parse(t, text);
    CHECK_TEXT(t->e.message, "");
    CHECK_INT(t->status, 0);
    CHECK_TEXT(buf_text(&t->out), text);
}

static void check_error(const char *text, const char *want)
{
    struct run t;
    char have[1200];
    start(&t, "ab", false, ON_ERROR_STOP);
    parse(&t, text);
    CHECK_INT(t.status, ERR_DATA);
    error_format(&t.e, have, sizeof have);
    CHECK_TEXT(have, want);
    stop(&t);
}

TEST(cells_are_the_json_text)
{
    struct run t;
    start(&t, "abc", false, ON_ERROR_STOP);
    parse(&t, "{\"a\":\"x\\n\",\"b\":12.50,\"c\":{\"k\":[1, 2]}}\r\n\n \t\r\n { \"a\" : null , "
              "\"b\":true }");
    CHECK_INT(t.status, 0);
    CHECK_INT(t.b->rows, 2);
    CHECK_INT(t.b->columns.len, 3);
    CHECK(text_equal(t.b->columns.at[0].text[0], TEXT_LITERAL("\"x\\n\"")));
    CHECK(text_equal(t.b->columns.at[1].text[0], TEXT_LITERAL("12.50")));
    CHECK(text_equal(t.b->columns.at[2].text[0], TEXT_LITERAL("{\"k\":[1, 2]}")));
    CHECK(text_equal(t.b->columns.at[0].text[1], TEXT_LITERAL("null")));
    CHECK(text_equal(t.b->columns.at[1].text[1], TEXT_LITERAL("true")));
    CHECK(!t.b->columns.at[2].text[1].at);
    CHECK(text_equal(batch_cell(t.b, 0, 0), TEXT_LITERAL("x\n")));
    CHECK(batch_missing(t.b, 0, 1));
    stop(&t);
}

TEST(rows_keep_their_own_keys_and_order)
{
    struct run t;
    start(&t, "abc", true, ON_ERROR_STOP);
    check_same(&t, "{\"a\":1,\"b\":2,\"c\":3}\n"
                   "{\"c\":3,\"b\":2,\"a\":1}\n"
                   "{\"a\":1}\n"
                   "{}\n"
                   "{\"a\":1,\"new\":{\"b\": 1},\"c\":null,\"other\":\"\\\"\"}\n"
                   "{\"b\":30000000000000000000000000000001}\n"
                   "{\"a\":1,\"b\":2,\"c\":3}\n");
    stop(&t);
}

TEST(keys_may_be_escaped)
{
    struct run t;
    start(&t, "ab", true, ON_ERROR_STOP);
    parse(&t, "{\"\\u0061\":1,\"b\":2}\n");
    CHECK_TEXT(buf_text(&t.out), "{\"a\":1,\"b\":2}\n");
    CHECK(!t.b->layout);
    parse(&t, "{\"a\":1,\"\\u0061\":2}\n");
    CHECK_INT(t.status, ERR_DATA);
    stop(&t);
}

TEST(rows_that_are_kept_or_gathered_keep_their_keys)
{
    struct run t;
    start(&t, "ab", true, ON_ERROR_STOP);
    parse(&t, "{\"a\":1,\"b\":1}\n{\"b\":2}\n{\"b\":3,\"x\":3}\n{\"a\":4}\n");
    batch_keep(t.b, (uint32_t[]){1, 2, 3}, 3);
    batch_gather(t.b, (uint32_t[]){2, 0, 1, 0}, 4, NULL);
    struct writer w = {.format = format_jsonl(), .schema = &t.schema};
    t.out.len = 0;
    json_write_batch(&w, t.b, &t.out);
    CHECK_TEXT(buf_text(&t.out), "{\"a\":4}\n{\"b\":2}\n{\"b\":3,\"x\":3}\n{\"b\":2}\n");
    batch_drop_extras(t.b);
    t.out.len = 0;
    json_write_row(&w, t.b, 2, &t.out);
    CHECK_TEXT(buf_text(&t.out), "{\"b\":3}\n");
    stop(&t);
}

TEST(steps_change_rows_with_own_keys)
{
    struct run t;
    start(&t, "abc", true, ON_ERROR_STOP);
    parse(&t, "{\"a\":1,\"b\":1,\"c\":1}\n{\"c\":2,\"a\":2}\n{\"c\":3,\"x\":0,\"b\":3}\n");
    static const int64_t filled[] = {10, 20, 30}, made[] = {7, 8, 9},
                         partly[] = {1, 2, INT_MISSING};
    batch_set(t.b, 1, column_of_int(filled)); /* gives the second row a b */
    batch_set(t.b, 0, column_of_int(partly)); /* the third stays without an a */
    batch_add(t.b, column_of_int(made));
    schema_add(&t.schema, text_of("n"), TYPE_INT);
    struct schema after;
    schema_copy(&after, &t.schema);
    struct writer w = {.format = format_jsonl(), .schema = &after};
    schema_remove(&t.schema, t.schema.fields.len - 1);
    batch_remove(t.b, 2);
    schema_remove(&after, 2);
    t.out.len = 0;
    json_write_batch(&w, t.b, &t.out);
    CHECK_TEXT(buf_text(&t.out), "{\"a\":1,\"b\":10,\"n\":7}\n"
                                 "{\"a\":2,\"b\":20,\"n\":8}\n"
                                 "{\"x\":0,\"b\":30,\"n\":9}\n");
    schema_release(&after);
    stop(&t);
}

TEST(malformed_lines_are_named)
{
    check_error("{\"a\":1,\"b\":2}\n{\"a\":1,}\n",
                "x.jsonl:2:8: expected a key in double quotes: '}'");
    check_error("\n\n{\"a\":1", "x.jsonl:3:7: unexpected end of line");
    check_error("{\"a\":\"x", "x.jsonl:1:8: unexpected end of line");
    check_error("[1]\n", "x.jsonl:1:1: expected an object, one a line: '[1]'");
    check_error("{\"a\":NaN}\n", "x.jsonl:1:6: not a JSON value: 'NaN}'");
    check_error("{\"a\":01}\n", "x.jsonl:1:7: expected ',' or '}': '1}'");
    check_error("{\"a\":1.}\n", "x.jsonl:1:8: a number needs a digit here: '}'");
    check_error("{\"a\":-}\n", "x.jsonl:1:7: a number needs a digit here: '}'");
    check_error("{\"a\":1e+}\n", "x.jsonl:1:9: a number needs a digit here: '}'");
    check_error("{\"a\":tru}\n", "x.jsonl:1:6: not a JSON value: 'tru}'");
    check_error("{\"a\":\"\t\"}\n", "x.jsonl:1:7: a control character in a string: '\\x09\"}'");
    check_error("{\"a\":\"\\x\"}\n", "x.jsonl:1:7: unknown escape in a string: '\\x\"}'");
    check_error("{\"a\":\"\\ud800\"}\n",
                "x.jsonl:1:7: a surrogate without its other half: '\\ud800\"}'");
    check_error("{\"a\":\"\\udc00\"}\n",
                "x.jsonl:1:7: a surrogate without its other half: '\\udc00\"}'");
    check_error("{\"a\":\"\\ud800\\udbff\"}\n",
                "x.jsonl:1:7: a surrogate without its other half: '\\ud800\\udbff\"}'");
    check_error("{\"a\":\"\\udc00\\udc00\"}\n",
                "x.jsonl:1:7: a surrogate without its other half: '\\udc00\\udc00\"}'");
    check_error("{\"a\":\"\\u12g4\"}\n",
                "x.jsonl:1:7: \\u needs four hexadecimal digits: '\\u12g4\"}'");
    check_error("{\"a\":\"\xC3(\"}\n", "x.jsonl:1:7: text that is not UTF-8: '\\xC3(\"}'");
    check_error("{\"a\":1} {}\n", "x.jsonl:1:9: text after the object: '{}'");
    check_error("{\"a\":[1,]}\n", "x.jsonl:1:9: not a JSON value: ']}'");
    check_error("{\"a\":[1}\n", "x.jsonl:1:8: expected ',' or ']': '}'");
    check_error("{\"a\":{\"k\":1]}\n", "x.jsonl:1:12: expected ',' or '}': ']}'");
    check_error("{\"a\":1,\"a\":2}\n", "x.jsonl:1:8: the same key twice in a record: '\"a\":2}'");
    check_error("{\"b\":1,\"b\":2}\n", "x.jsonl:1:8: the same key twice in a record: '\"b\":2}'");
    check_error("{\"b\":1,\"a\":1,\"b\":2}\n",
                "x.jsonl:1:14: the same key twice in a record: '\"b\":2}'");
}

TEST(an_unknown_key_is_an_error_without_a_place_for_it)
{
    check_error("{\"a\":1,\"b\":2}\n{\"a\":1,\"z\":2}\n",
                "x.jsonl:2:8: a key that earlier records do not have: '\"z\":2}'");
}

TEST(an_extra_key_may_not_come_twice_either)
{
    struct run t;
    start(&t, "a", true, ON_ERROR_STOP);
    check_same(&t, "{\"x\":1}\n{\"x\":1}\n");
    parse(&t, "{\"x\":1,\"y\":2,\"\\u0078\":3}\n");
    CHECK_INT(t.status, ERR_DATA);
    CHECK_INT(t.e.column, 14);
    stop(&t);
}

TEST(bad_lines_can_be_skipped_or_emptied)
{
    static const char text[] = "{\"a\":1,\"b\":1}\n{\"a\":2,\"b\":\n{\"a\":3,\"b\":3}\n";
    struct run t;
    start(&t, "ab", true, ON_ERROR_SKIP);
    parse(&t, text);
    CHECK_TEXT(buf_text(&t.out), "{\"a\":1,\"b\":1}\n{\"a\":3,\"b\":3}\n");
    stop(&t);
    start(&t, "ab", true, ON_ERROR_NULL);
    parse(&t, text);
    CHECK_TEXT(buf_text(&t.out), "{\"a\":1,\"b\":1}\n{\"a\":null,\"b\":null}\n{\"a\":3,\"b\":3}\n");
    stop(&t);
}

static int parse_nested(struct run *t, size_t depth)
{
    struct buf text = {0};
    buf_puts(&text, "{\"a\":");
    for (size_t i = 0; i < depth; i++)
        buf_puts(&text, i % 2 ? "[" : "{\"k\":");
    buf_puts(&text, "0");
    for (size_t i = depth; i > 0; i--)
        buf_putc(&text, (i - 1) % 2 ? ']' : '}');
    buf_puts(&text, "}\n");
    parse(t, buf_text(&text));
    buf_release(&text);
    return t->status;
}

TEST(depth_is_limited)
{
    struct run t;
    start(&t, "a", true, ON_ERROR_STOP);
    CHECK_INT(parse_nested(&t, JSON_SCAN_DEPTH - 1), 0);
    CHECK_INT(parse_nested(&t, JSON_SCAN_DEPTH), ERR_DATA);
    stop(&t);
}

TEST(strings_of_every_length_and_special_byte)
{
    struct run t;
    start(&t, "ab", true, ON_ERROR_STOP);
    for (size_t n = 0; n < 70; n++)
        for (size_t at = 0; at <= n; at++) {
            struct buf text = {0};
            buf_puts(&text, "{\"a\":\"");
            for (size_t i = 0; i < n; i++)
                buf_puts(&text, i == at ? "\\ud83d\\ude00\xC3\xA9" : "x");
            buf_puts(&text, "\",\"b\":1}\n");
            check_same(&t, buf_text(&text));
            buf_release(&text);
        }
    stop(&t);
}

TEST(long_names_are_compared_whole)
{
    static const char *const names[] = {"abcdefghijklm", "abcdefghijklmn", "abcdefghijklmno",
                                        "abcdefghijklmnopqrstuvwxyz0123456789",
                                        "abcdefghijklmnopqrstuvwxyz012345678x"};
    struct run t;
    start(&t, "", true, ON_ERROR_STOP);
    json_input_release(&t.in);
    struct buf text = {0};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        schema_add(&t.schema, text_of(names[i]), TYPE_TEXT);
        buf_format(&text, "%c\"%s\":%zu", i ? ',' : '{', names[i], i);
    }
    buf_puts(&text, "}\n{\"abcdefghijklmnopqrstuvwxyz0123456789\":1,\"abcdefghijklmx\":2}\n{\"a");
    json_input_prepare(&t.in, &t.schema, true);
    text.len -= 3;
    check_same(&t, buf_text(&text));
    buf_release(&text);
    stop(&t);
}

TEST(kernel_agrees_with_the_plain_one)
{
    char block[16];
    for (uint64_t n = 0; n < 20000; n++) {
        for (unsigned i = 0; i < 16; i++)
            block[i] = (char)(random_bits(1, 2, n * 16 + i) & (n % 2 ? 0x7F : 0xFF));
        unsigned high = 0, want_high = 0;
        for (unsigned i = 0; i < 16; i++)
            want_high |= (unsigned)((unsigned char)block[i] >> 7) << i;
        CHECK_INT(json_specials(block, &high), json_specials_plain(block));
        CHECK_INT(high, want_high);
    }
}

TEST(numbers_as_json_writes_them)
{
    static const char *const good[] = {"0",
                                       "-0",
                                       "7",
                                       "10",
                                       "1.5",
                                       "0.25",
                                       "-3.0",
                                       "1e5",
                                       "1E+05",
                                       "2.5e-3",
                                       "1234567890123456789012345.5"};
    static const char *const bad[] = {"",    "-",    "007", "-01", ".5", "5.",   "+1",  "1e",
                                      "1e+", "1.e2", "0x1", "1 ",  " 1", "1..2", "NaN", "00.5"};
    for (size_t i = 0; i < COUNT_OF(good); i++)
        CHECK(json_is_number(good[i], strlen(good[i])));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        CHECK(!json_is_number(bad[i], strlen(bad[i])));
}

/* One column of CSV cells of type `type`, written as JSON Lines. */
static const char *write_cell(const char *cell, enum type type, struct buf *out)
{
    struct schema schema = {0};
    schema_add(&schema, text_of("v"), type);
    struct format csv = format_csv(',');
    struct text na = TEXT_LITERAL("NA");
    struct cell_policy policy = {.na = &na, .na_count = strcmp(cell, "NA") == 0};
    struct batch *b = batch_new();
    size_t n = strlen(cell);
    buf_add(&b->text, cell, n);
    buf_add(&b->text, "\n", 1);
    buf_reserve(&b->text, 64);
    memset(b->text.at + b->text.len, 0, 64);
    uint32_t index[] = {0, (uint32_t)n + 1};
    struct column view = {.form = FORM_VIEW, .source = 0};
    view.view.base = b->text.at;
    view.view.at = index;
    view.view.stride = 1;
    view.view.last = true;
    batch_add(b, view);
    b->rows = 1;
    b->format = &csv;
    b->policy = &policy;
    struct writer w = {.format = format_jsonl(), .schema = &schema};
    out->len = 0;
    json_write_batch(&w, b, out);
    struct text value = batch_cell(b, 0, 0); /* the same as a text that is not in the chunk */
    struct text copy = {value.at ? arena_text(&b->arena, value.at, value.len) : NULL, value.len};
    batch_set(b, 0, column_of_text(&copy));
    struct buf again = {0};
    json_write_row(&w, b, 0, &again);
    CHECK_TEXT(buf_text(&again), buf_text(out));
    buf_release(&again);
    batch_free(b);
    schema_release(&schema);
    return buf_text(out);
}

TEST(csv_cells_become_json)
{
    struct buf out = {0};
    CHECK_TEXT(write_cell("12", TYPE_INT, &out), "{\"v\":12}\n");
    CHECK_TEXT(write_cell("12", TYPE_TEXT, &out), "{\"v\":\"12\"}\n");
    CHECK_TEXT(write_cell("\"12\"", TYPE_INT, &out), "{\"v\":12}\n");
    CHECK_TEXT(write_cell("1.10", TYPE_FLOAT, &out), "{\"v\":1.10}\n");
    CHECK_TEXT(write_cell("007", TYPE_INT, &out), "{\"v\":\"007\"}\n");
    CHECK_TEXT(write_cell("00.7", TYPE_FLOAT, &out), "{\"v\":\"00.7\"}\n");
    CHECK_TEXT(write_cell(".5", TYPE_FLOAT, &out), "{\"v\":\".5\"}\n");
    CHECK_TEXT(write_cell("5.", TYPE_FLOAT, &out), "{\"v\":\"5.\"}\n");
    CHECK_TEXT(write_cell("0.5", TYPE_FLOAT, &out), "{\"v\":0.5}\n");
    CHECK_TEXT(write_cell("-1.5e-3", TYPE_FLOAT, &out), "{\"v\":-1.5e-3}\n");
    CHECK_TEXT(write_cell("1234567890.1234567890", TYPE_FLOAT, &out),
               "{\"v\":1234567890.1234567890}\n");
    CHECK_TEXT(write_cell("1:2", TYPE_INT, &out), "{\"v\":\"1:2\"}\n");
    CHECK_TEXT(write_cell("", TYPE_INT, &out), "{\"v\":null}\n");
    CHECK_TEXT(write_cell("\"\"", TYPE_INT, &out), "{\"v\":\"\"}\n");
    CHECK_TEXT(write_cell("NA", TYPE_TEXT, &out), "{\"v\":null}\n");
    CHECK_TEXT(write_cell("True", TYPE_BOOL, &out), "{\"v\":true}\n");
    CHECK_TEXT(write_cell("falsey", TYPE_BOOL, &out), "{\"v\":\"falsey\"}\n");
    CHECK_TEXT(write_cell("2020-01-31", TYPE_TIME, &out), "{\"v\":\"2020-01-31\"}\n");
    CHECK_TEXT(write_cell("a\\b", TYPE_TEXT, &out), "{\"v\":\"a\\\\b\"}\n");
    CHECK_TEXT(write_cell("\"a \"\"b\"\"\nc\"", TYPE_TEXT, &out), "{\"v\":\"a \\\"b\\\"\\nc\"}\n");
    CHECK_TEXT(write_cell("na\xC3\xAFve", TYPE_TEXT, &out), "{\"v\":\"na\xC3\xAFve\"}\n");
    CHECK_TEXT(write_cell("bad \xFF byte", TYPE_TEXT, &out), "{\"v\":\"bad \xEF\xBF\xBD byte\"}\n");
    CHECK_TEXT(write_cell("x\r", TYPE_TEXT, &out), "{\"v\":\"x\"}\n");
    CHECK_TEXT(write_cell("exactly 16 bytes", TYPE_TEXT, &out), "{\"v\":\"exactly 16 bytes\"}\n");
    CHECK_TEXT(write_cell("seventeen\\bytes!!", TYPE_TEXT, &out),
               "{\"v\":\"seventeen\\\\bytes!!\"}\n");
    CHECK_TEXT(write_cell("seventeen  bytes?", TYPE_TEXT, &out), "{\"v\":\"seventeen  bytes?\"}\n");
    CHECK_TEXT(write_cell("a text that is longer than 32 bytes", TYPE_TEXT, &out),
               "{\"v\":\"a text that is longer than 32 bytes\"}\n");
    CHECK_TEXT(write_cell("[1,null]", TYPE_JSON, &out), "{\"v\":[1,null]}\n");
    CHECK_TEXT(write_cell("[1,", TYPE_JSON, &out), "{\"v\":\"[1,\"}\n");
    buf_release(&out);
}

TEST(values_of_every_form)
{
    static const int64_t ints[] = {-5, INT_MISSING};
    static const double floats[] = {0.1, (double)__builtin_nanf("")};
    static const struct number numbers[] = {{.i = 3, .is_int = true},
                                            {.f = (double)__builtin_nanf(""), .is_int = false}};
    static const uint8_t bools[] = {1, BOOL_MISSING};
    static const usec times[] = {1500000, INT_MISSING};
    static const struct text json[] = {{"[1]", 3}, {NULL, 0}}, texts[] = {{"q\"", 2}, {NULL, 0}};
    struct batch *b = batch_new();
    struct schema s = {0};
    for (const char *name = "ifnbtjs"; *name; name++)
        schema_add(&s, (struct text){name, 1}, TYPE_TEXT);
    batch_add(b, column_of_int(ints));
    batch_add(b, column_of_double(floats));
    batch_add(b, column_of_number(numbers));
    batch_add(b, column_of_bool(bools));
    batch_add(b, column_of_time(times));
    batch_add(b, column_of_json(json));
    batch_add(b, column_of_text(texts));
    b->rows = 2;
    struct writer w = {.format = format_jsonl(), .schema = &s};
    struct buf out = {0};
    json_write_batch(&w, b, &out);
    CHECK_TEXT(
        buf_text(&out),
        "{\"i\":-5,\"f\":0.1,\"n\":3,\"b\":true,\"t\":\"1970-01-01T00:00:01.500Z\",\"j\":[1],"
        "\"s\":\"q\\\"\"}\n"
        "{\"i\":null,\"f\":null,\"n\":null,\"b\":null,\"t\":null,\"j\":null,\"s\":null}\n");
    buf_release(&out);
    schema_release(&s);
    batch_free(b);
}

TEST(no_columns_are_an_empty_object)
{
    struct batch *b = batch_new();
    struct schema s = {0};
    struct writer w = {.format = format_jsonl(), .schema = &s};
    struct buf out = {0};
    b->rows = 2;
    json_write_batch(&w, b, &out);
    CHECK_TEXT(buf_text(&out), "{}\n{}\n");
    buf_release(&out);
    batch_free(b);
}

TEST(record_ends)
{
    CHECK_INT(json_last_record_end("a\nb\nc", 5), 4);
    CHECK_INT(json_last_record_end("abc", 3), 0);
    CHECK_INT(json_last_record_end(NULL, 0), 0);
}

static const char *survey(const char *text, bool all_keys, bool complete, struct buf *out)
{
    struct json_survey s = {.all_keys = all_keys};
    struct schema schema = {0};
    json_collect_schema(&s, text, strlen(text), complete);
    json_survey_schema(&s, &schema);
    out->len = 0;
    for (size_t i = 0; i < schema.fields.len; i++)
        buf_format(out, "%s:%s ", schema.fields.at[i].name, type_name(schema.fields.at[i].type));
    buf_format(out, "%zu/%zu", s.records, s.malformed);
    schema_release(&schema);
    json_survey_release(&s);
    return buf_text(out);
}

TEST(survey_finds_keys_and_types)
{
    struct buf out = {0};
    static const char text[] =
        "{\"i\":1,\"f\":1,\"b\":true,\"t\":\"2020-01-01\",\"s\":\"12\",\"n\":null}\n"
        "oops\n\n"
        "{\"f\":1e5,\"i\":-2,\"b\":null,\"j\":[]}\n{\"i\":1.5}";
    CHECK_TEXT(survey(text, false, false, &out), "i:int f:float b:bool t:time s:text n:text 2/1");
    CHECK_TEXT(survey(text, true, false, &out),
               "i:int f:float b:bool t:time s:text n:text j:json 2/1");
    CHECK_TEXT(survey(text, false, true, &out), "i:float f:float b:bool t:time s:text n:text 3/1");
    CHECK_TEXT(survey("{\"\\u00e9\":300000000000000000000}\n", false, true, &out),
               "\xC3\xA9:text 1/0");
    CHECK_TEXT(survey("", true, true, &out), "0/0");
    buf_release(&out);
}

/* The list in pieces of every size. */
static void check_list(const char *text, const char *want)
{
    size_t n = strlen(text);
    for (size_t piece = 1; piece <= n; piece++) {
        struct json_list list = {0};
        struct error e = {0};
        char *copy = mem_text(text);
        int status = 0;
        for (size_t at = 0; at < n && !status; at += piece)
            status = json_list_rewrite(&list, copy + at, n - at < piece ? n - at : piece, &e);
        if (!status)
            status = json_list_end(&list, &e);
        CHECK_TEXT(status ? e.message : copy, want);
        mem_free(copy);
    }
}

TEST(a_list_of_objects_becomes_lines)
{
    check_list("[{\"a\":\"]},\\\"{\"},{\"b\":[{}]}]", " {\"a\":\"]},\\\"{\"}\n{\"b\":[{}]}\n");
    check_list(" [\n {\"a\":\n1}\n ,\n{} ]\n", "    {\"a\": 1}  \n {} \n ");
    check_list("[]", "  ");
    check_list("[{},]", "list of objects, after object 1: ']': expected an object");
    check_list("[{} {}]",
               "list of objects, after object 1: '{': expected ',' or ']' after an object");
    check_list("[1]", "list of objects, after object 0: '1': expected an object or ']'");
    check_list("[{}] x", "list of objects, after object 1: 'x': text after the end of the list");
    check_list("[{},{", "list of objects ends early, in or after object 2");
    CHECK(json_is_list(" [ {", 4));
    CHECK(json_is_list("[]", 2));
    CHECK(!json_is_list("[1", 2));
    CHECK(!json_is_list("{", 1));
}
