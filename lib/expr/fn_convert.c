/* From one kind to another, and numbers to and from other bases. */
#include "expr/eval.h"

#include <math.h>

/* The number behind a value of any kind. */
static bool to_number(struct call *c, const struct value *v, struct value *out)
{
    struct value inner = *v;
    if (v->kind == KIND_JSON && !value_of_json(v->text, c->arena, &inner))
        inner = *v;
    if (inner.kind == KIND_NUMBER || inner.kind == KIND_NULL) {
        *out = inner;
        return true;
    }
    if (inner.kind == KIND_BOOL)
        return give_int(out, inner.b);
    if (inner.kind == KIND_TIME)
        return give_double(out, (double)inner.time / 1e6);
    if (inner.kind == KIND_TEXT && number_of_text(inner.text, out))
        return true;
    char quoted[QUOTE_MAX];
    return call_fail(c, "%s is not a number", quote(quoted, v->text.at, v->text.len));
}

KERNEL(do_number)
{
    return to_number(c, &a[0], out);
}

KERNEL(do_float)
{
    struct value v = {.kind = KIND_NULL};
    return to_number(c, &a[0], &v) && give_double(out, value_double(&v));
}

KERNEL(do_int)
{
    struct value v = {.kind = KIND_NULL};
    if (!to_number(c, &a[0], &v))
        return false;
    if (v.kind == KIND_NULL || v.is_int) {
        *out = v;
        return true;
    }
    if (!(fabs(v.f) < 9223372036854775808.0))
        return call_fail(c, "int: the number does not fit 64 bits");
    return give_int(out, (int64_t)v.f);
}

KERNEL(do_str)
{
    return give_text(out, a[0].text);
}

KERNEL(do_bool)
{
    return give_bool(out, a[0].b);
}

static const char *json_type(struct text json)
{
    switch (json.len ? json.at[0] : 0) {
    case '[':
        return "list";
    case '{':
        return "map";
    case '"':
        return "text";
    case 't':
    case 'f':
        return "bool";
    default:
        return memchr(json.at, '.', json.len) || memchr(json.at, 'e', json.len) ? "float" : "int";
    }
}

KERNEL(do_typeof)
{
    static const char *const names[] = {
        [KIND_NULL] = "missing", [KIND_NUMBER] = "float", [KIND_TEXT] = "text",
        [KIND_BOOL] = "bool",    [KIND_TIME] = "time",    [KIND_JSON] = "json",
    };
    if (a[0].kind == KIND_JSON)
        return give_text(out, text_of(json_type(a[0].text)));
    if (a[0].kind == KIND_NUMBER && a[0].is_int)
        return give_text(out, TEXT_LITERAL("int"));
    return give_text(out, text_of(names[a[0].kind]));
}

static void put_in_base(struct buf *b, uint64_t n, unsigned base)
{
    char digits[64];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[n % base];
        n /= base;
    } while (n > 0);
    buf_add(b, digits + at, sizeof digits - at);
}

static bool read_in_base(struct call *c, struct text s, unsigned base, uint64_t *out)
{
    char quoted[QUOTE_MAX];
    bool good = s.len > 0;
    *out = 0;
    for (size_t i = 0; i < s.len && good; i++) {
        char ch = s.at[i], lower = (char)(ch | 0x20);
        unsigned digit = ch >= '0' && ch <= '9'         ? (unsigned)(ch - '0')
                         : lower >= 'a' && lower <= 'z' ? (unsigned)(lower - 'a') + 10
                                                        : 99;
        good = digit < base && !__builtin_mul_overflow(*out, base, out) &&
               !__builtin_add_overflow(*out, digit, out);
    }
    return good || call_fail(c, "%s is not a number of base %u", quote(quoted, s.at, s.len), base);
}

static bool want_base(struct call *c, int64_t base)
{
    return (base >= 2 && base <= 36) ||
           call_fail(c, "%lld is not a base between 2 and 36", (long long)base);
}

/* Sign and digits, as the bases other than 2 and 16 are written. */
static void put_signed(struct buf *b, int64_t n, unsigned base)
{
    if (n < 0)
        buf_putc(b, '-');
    put_in_base(b, n < 0 ? (uint64_t)-n : (uint64_t)n, base);
}

static bool read_signed(struct call *c, struct text s, unsigned base, int64_t *out)
{
    bool negative = s.len > 0 && s.at[0] == '-';
    uint64_t n = 0;
    if (!read_in_base(c, (struct text){s.at + negative, s.len - negative}, base, &n))
        return false;
    if (n > INT64_MAX)
        return call_fail(c, "the number does not fit 64-bit integers");
    *out = negative ? -(int64_t)n : (int64_t)n;
    return true;
}

KERNEL(do_hex)
{
    put_in_base(&c->scratch, (uint64_t)a[0].i, 16);
    return give_scratch(c, out);
}

KERNEL(do_bin)
{
    put_in_base(&c->scratch, (uint64_t)a[0].i, 2);
    return give_scratch(c, out);
}

/* 64 bits: the sign comes back as hex wrote it. */
KERNEL(do_unhex)
{
    struct text s = a[0].text;
    uint64_t n = 0;
    if (s.len > 2 && s.at[0] == '0' && (s.at[1] | 0x20) == 'x')
        s = (struct text){s.at + 2, s.len - 2};
    return read_in_base(c, s, 16, &n) && give_int(out, (int64_t)n);
}

KERNEL(do_tobase)
{
    if (!want_base(c, a[1].i))
        return false;
    put_signed(&c->scratch, a[0].i, (unsigned)a[1].i);
    return give_scratch(c, out);
}

KERNEL(do_frombase)
{
    int64_t n = 0;
    return want_base(c, a[1].i) && read_signed(c, a[0].text, (unsigned)a[1].i, &n) &&
           give_int(out, n);
}

KERNEL(do_base)
{
    int64_t n = 0;
    if (!want_base(c, a[1].i) || !want_base(c, a[2].i) ||
        !read_signed(c, a[0].text, (unsigned)a[1].i, &n))
        return false;
    put_signed(&c->scratch, n, (unsigned)a[2].i);
    return give_scratch(c, out);
}

KERNEL(do_json_parse)
{
    struct value v;
    if (!value_of_json(a[0].text, c->arena, &v)) {
        char quoted[QUOTE_MAX];
        return call_fail(c, "%s is not JSON", quote(quoted, a[0].text.at, a[0].text.len));
    }
    return v.kind == KIND_NULL || give_json(out, a[0].text);
}

KERNEL(do_json_stringify)
{
    put_json(&c->scratch, &a[0]);
    return give_scratch(c, out);
}

#define CONVERSION "conversion"
static const struct function_row rows[] = {
    {{"base", CONVERSION, "base(text, from, to) -> text", "a whole number from one base to another",
      "base(\"ff\", 16, 2)", "11111111"},
     "tii",
     't',
     .row = do_base},
    {{"bin", CONVERSION, "bin(int) -> text", "base 2; negative ones as 64 bits", "bin(10)", "1010"},
     "i",
     't',
     .row = do_bin},
    {{"bool", CONVERSION, "bool(x) -> bool", "true, false, 1 and 0; an error for others",
      "bool(\"TRUE\")", "true"},
     "b",
     'b',
     .row = do_bool},
    {{"float", CONVERSION, "float(x) -> float", "as a double; an error when x is not a number",
      "float(\"2.5\")", "2.5"},
     "v",
     'f',
     .row = do_float},
    {{"frombase", CONVERSION, "frombase(text, base) -> int", "a whole number written in a base",
      "frombase(\"zz\", 36)", "1295"},
     "ti",
     'i',
     .row = do_frombase},
    {{"hex", CONVERSION, "hex(int) -> text", "base 16; negative ones as 64 bits", "hex(255)", "ff"},
     "i",
     't',
     .row = do_hex},
    {{"int", CONVERSION, "int(x) -> int", "x without its fraction; true is 1, false 0",
      "int(\"42.9\")", "42"},
     "v",
     'i',
     .row = do_int},
    {{"json_parse", CONVERSION, "json_parse(text) -> any", "a JSON text as the value it stands for",
      "json_parse(\"[1, 2]\")", "[1, 2]"},
     "t",
     'j',
     .row = do_json_parse},
    {{"json_stringify", CONVERSION, "json_stringify(x) -> text",
      "the value as JSON; missing is null", "json_stringify(\"a\\\"b\")", "\"a\\\"b\""},
     "v",
     't',
     TAKES_MISSING,
     .row = do_json_stringify},
    {{"number", CONVERSION, "number(x) -> number", "an integer or a double, as it is written",
      "number(\"3\") + 1", "4"},
     "v",
     'n',
     .row = do_number},
    {{"str", CONVERSION, "str(x) -> text", "the value as text", "str(1.50)", "1.5"},
     "t",
     't',
     .row = do_str},
    {{"tobase", CONVERSION, "tobase(int, base) -> text", "written in a base between 2 and 36",
      "tobase(1295, 36)", "zz"},
     "ii",
     't',
     .row = do_tobase},
    {{"typeof", CONVERSION, "typeof(x) -> text",
      "int, float, text, bool, time, list, map or missing", "typeof(2.5)", "float"},
     "v",
     't',
     TAKES_MISSING,
     .row = do_typeof},
    {{"unhex", CONVERSION, "unhex(text) -> int", "a number of base 16, with or without 0x",
      "unhex(\"ff\")", "255"},
     "t",
     'i',
     .row = do_unhex},
};
const struct function_family convert_functions = {rows, COUNT_OF(rows)};
