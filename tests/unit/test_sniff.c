#include "table/infer.h"
#include "table/pretty.h"
#include "table/table.h"
#include "unit.h"

/* "delimiter [doubtful header|no header] [backslash] [line end] name:type ... (records)" */
static const char *describe(const char *text, bool complete, const struct format *given,
                            struct buf *out)
{
    struct sniffed s;
    struct error e = {0};
    out->len = 0;
    if (sniff(text, strlen(text), complete, given, &s, &e)) {
        buf_puts(out, e.message);
    } else if (s.format.kind == FORMAT_JSONL) {
        buf_puts(out, "jsonl");
    } else {
        const char *header = s.header_doubtful ? " doubtful header" : "";
        buf_format(out, "%s%s%s%s", s.format.delimiter, s.format.header ? header : " no header",
                   s.format.backslash ? " backslash" : "",
                   s.line_end[0] == '\r' ? s.line_end[1] ? " crlf" : " cr" : "");
    }
    for (size_t i = 0; i < s.schema.fields.len; i++)
        buf_format(out, " %s:%s", s.schema.fields.at[i].name,
                   type_name(s.schema.fields.at[i].type));
    buf_format(out, " (%zu)", s.records);
    schema_release(&s.schema);
    return buf_text(out);
}

TEST(delimiters)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"a,b\n1,x\n2,y\n", ", a:int b:text (2)"},
        {"a\tb\n1\tx, y\n", "\t a:int b:text (1)"},
        {"a;b\n1,5;2,5\n", "; a:text b:text (1)"},
        {"a|b|c\n1|2|3\n", "| a:int b:int c:int (1)"},
        {"a:b:c\n1:2:3\n", ": a:int b:int c:int (1)"},
        {"a b c\n1 2 3\n", "  a:int b:int c:int (1)"},
        {"a:b\n1:2\n", ", a:b:text (1)"}, /* two columns: as likely words or times of day */
        {"a\x1f"
         "b\n1\x1f"
         "2\n",
         "\x1f a:int b:int (1)"},
        {"id,at\n1,2020-01-31 10:20:30Z\n2,2020-02-01 00:00:00Z\n", ", id:int at:time (2)"},
        {"1,10:20:30\n2,00:00:00\n", ", doubtful header 1:int 10:20:30:text (1)"},
        {"name\nfirst one\nsecond and third\n", ", name:text (2)"},
        {"name,quote\nx,\"a;b;c\"\ny,\"d;e;f\"\n", ", name:text quote:text (2)"},
        {"a;b\n\"x;\"\"y\"\",\n,\";1\n", "; a:text b:int (1)"},
        {"a,b\n\"x\\\"y,z\",1\n\"u\",2\n", ", backslash a:text b:int (2)"},
        {"a,b\r\n1,2\r\n", ", crlf a:int b:int (1)"},
        {"a,b\r1,2\r3,4\r", ", cr a:int b:int (2)"},
        {"a,b,c\n1,2\n3,4,5\n6,7,8\n", ", a:int b:int c:int (3)"},
        {"", ", (0)"},
        {"\n\n", ", (0)"},
    };
    struct buf out = {0};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_TEXT(describe(cases[i].text, true, NULL, &out), cases[i].want);
    buf_release(&out);
}

TEST(headers)
{
    struct buf out = {0};
    CHECK_TEXT(describe("a,b\n", true, NULL, &out), ", a:text b:text (0)");
    CHECK_TEXT(describe("x,y\nu,v\n", true, NULL, &out), ", x:text y:text (1)");
    CHECK_TEXT(describe("x,x\nu,v\n", true, NULL, &out), ", doubtful header x:text x:text (1)");
    CHECK_TEXT(describe("1,x\n2,y\n", true, NULL, &out), ", doubtful header 1:int x:text (1)");
    CHECK_TEXT(describe(",x\n0,y\n1,z\n", true, NULL, &out), ", c1:int x:text (2)");
    CHECK_TEXT(describe(",x\na,y\n", true, NULL, &out), ", doubtful header c1:text x:text (1)");
    struct format given = format_csv('\t');
    CHECK_TEXT(describe("1,x\ta\n2,y\tb\n", true, &given, &out), "\t 1,x:text a:text (1)");
    given.header = false;
    given.delimiter[0] = '\0';
    CHECK_TEXT(describe("x;y\nu;v\n", true, &given, &out), "; no header c1:text c2:text (2)");
    given.header = true;
    given.skip_lines = 1;
    given.comment[0] = '#';
    CHECK_TEXT(describe("made by, us\n# a\nx;y\n1;2\n", true, &given, &out), "; x:int y:int (1)");
    buf_release(&out);
}

TEST(a_record_cut_by_the_end_of_the_sample_does_not_count)
{
    struct buf out = {0};
    CHECK_TEXT(describe("a,b\n1,2\n3,x", false, NULL, &out), ", a:int b:int (1)");
    CHECK_TEXT(describe("a,b\n1,2\n3,x", true, NULL, &out), ", a:int b:text (2)");
    CHECK_TEXT(describe("a,b\n1,\"2\n3,x", false, NULL, &out), ", a:text b:text (0)");
    buf_release(&out);
}

TEST(json)
{
    struct buf out = {0};
    CHECK_TEXT(describe(" \n{\"a\":1}\n{\"a\":2}\n", true, NULL, &out), "jsonl a:int (2)");
    CHECK_TEXT(describe("[{\"a\":1},\n {\"a\":true}]", true, NULL, &out), "jsonl a:text (2)");
    CHECK_TEXT(describe("[{\"a\":1},,", true, NULL, &out),
               "list of objects, after object 1: ',': expected an object (0)");
    CHECK_TEXT(describe("[1],[2]\n", true, NULL, &out), ", [1]:text [2]:text (0)");
    buf_release(&out);
}

static enum type infer(const char *const *cells, size_t n)
{
    struct text values[8];
    for (size_t i = 0; i < n; i++)
        values[i] = text_of(cells[i]);
    return infer_type(values, n);
}
#define CHECK_TYPE(type, ...)                                                                      \
    do {                                                                                           \
        const char *const cells_[] = {__VA_ARGS__};                                                \
        CHECK_TEXT(type_name(infer(cells_, COUNT_OF(cells_))), type);                              \
    } while (0)

TEST(types)
{
    CHECK_INT(infer_type(NULL, 0), TYPE_TEXT);
    CHECK_TYPE("text", NULL, NULL);
    CHECK_TYPE("int", "1", NULL, "-20");
    CHECK_TYPE("int", "0", "9223372036854775807");
    CHECK_TYPE("text", "1", "00501");
    CHECK_TYPE("text", "1", "-01");
    CHECK_TYPE("text", "123456789012345678901234567890");
    CHECK_TYPE("text", "1", "");
    CHECK_TYPE("float", "1", "1.10");
    CHECK_TYPE("float", "-0", "1");
    CHECK_TYPE("float", ".5", "5.");
    CHECK_TYPE("text", "1e5", "2E7");
    CHECK_TYPE("float", "1e5", "2");
    CHECK_TYPE("float", "1e-5", "2E+3");
    CHECK_TYPE("float", "1.5e5", "1e-3");
    CHECK_TYPE("text", "1e999");
    CHECK_TYPE("text", "1_000");
    CHECK_TYPE("text", "0x1F");
    CHECK_TYPE("text", "nan", "1");
    CHECK_TYPE("text", "inf");
    CHECK_TYPE("text", "NA", "1");
    CHECK_TYPE("text", "+1");
    CHECK_TYPE("bool", "true", "False", "TRUE");
    CHECK_TYPE("text", "true", "1");
    CHECK_TYPE("text", "truest");
    CHECK_TYPE("time", "2020-01-31", "2020-01-31T10:00:00Z");
    CHECK_TYPE("text", "2020-01-31", "20200131");
    CHECK_TYPE("text", "03/04/2024");
    CHECK_TYPE("text", "2020-02-30");
    CHECK_TYPE("text", "[1]", "{}");
}

TEST(the_order_of_cells_does_not_matter)
{
    static const char *const cells[] = {"1e5", "7", "x", "2020-01-31", "true", NULL, "00", "1.5"};
    for (unsigned subset = 0; subset < 1U << COUNT_OF(cells); subset++) {
        struct text forward[8], backward[8];
        size_t n = 0;
        for (size_t i = 0; i < COUNT_OF(cells); i++)
            if (subset >> i & 1)
                forward[n++] = text_of(cells[i]);
        for (size_t i = 0; i < n; i++)
            backward[i] = forward[n - 1 - i];
        CHECK_INT(infer_type(forward, n), infer_type(backward, n));
    }
}

TEST(pretty_aligns)
{
    static const struct text names[] = {{"ab", 2}, {"\xE6\xBC\xA2\xE5\xAD\x97", 6}, {NULL, 0}};
    static const int64_t counts[] = {1000, INT_MISSING, 7};
    static const struct text notes[] = {{"a line\nand more", 15}, {"", 0}, {NULL, 0}};
    struct schema s = {0};
    schema_add(&s, text_of("name"), TYPE_TEXT);
    schema_add(&s, text_of("n"), TYPE_INT);
    schema_add(&s, text_of("note"), TYPE_TEXT);
    struct batch *b = batch_new();
    batch_add(b, column_of_text(names));
    batch_add(b, column_of_int(counts));
    batch_add(b, column_of_text(notes));
    b->rows = 3;
    struct pretty p = {.max_cell = 10};
    struct buf out = {0};
    pretty_add(&p, &s, b);
    b->rows = 1;
    pretty_add(&p, &s, b);
    pretty_finish(&p, &out);
    CHECK_TEXT(buf_text(&out), "name     n  note\n"
                               "\xE2\x94\x80\xE2\x94\x80\xE2\x94\x80\xE2\x94\x80  "
                               "\xE2\x94\x80\xE2\x94\x80\xE2\x94\x80\xE2\x94\x80  "
                               "\xE2\x94\x80\xE2\x94\x80\xE2\x94\x80\xE2\x94\x80\xE2\x94\x80"
                               "\xE2\x94\x80\xE2\x94\x80\xE2\x94\x80\xE2\x94\x80\xE2\x94\x80\n"
                               "ab    1000  a line\\na\xE2\x80\xA6\n"
                               "\xE6\xBC\xA2\xE5\xAD\x97        \"\"\n"
                               "         7\n"
                               "ab    1000  a line\\na\xE2\x80\xA6\n");
    buf_release(&out);
    schema_release(&s);
    batch_free(b);
}

TEST(pretty_cuts_at_the_width)
{
    static const struct text cells[] = {{"1234", 4},
                                        {"12345", 5},
                                        {"\xE6\xBC\xA2\xE6\xBC\xA2", 6},
                                        {"\xE6\xBC\xA2\xE6\xBC\xA2\xE6\xBC\xA2", 9},
                                        {"\x1b[31m", 5}};
    struct schema s = {0};
    schema_add(&s, text_of("c"), TYPE_TEXT);
    struct batch *b = batch_new();
    batch_add(b, column_of_text(cells));
    b->rows = COUNT_OF(cells);
    struct pretty p = {.max_cell = 4};
    struct buf out = {0};
    pretty_add(&p, &s, b);
    pretty_finish(&p, &out);
    CHECK_TEXT(buf_text(&out) + 15, "1234\n123\xE2\x80\xA6\n\xE6\xBC\xA2\xE6\xBC\xA2\n"
                                    "\xE6\xBC\xA2\xE2\x80\xA6\n\xE2\x80\xA6\n");
    pretty_finish(&p, &out);
    buf_release(&out);
    schema_release(&s);
    batch_free(b);
}
