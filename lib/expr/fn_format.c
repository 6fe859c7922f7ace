/* Numbers and values put into text by a template, and back from units: format, printf, bytes,
 * durations. */
#include "expr/fn_text.h"

#include <math.h>
#include <stdio.h>

enum { WIDTH_MAX = 1000, PRECISION_MAX = 100 };

/* flags width .precision letter, as printf and format have them. */
struct spec {
    bool left, zero, plus, space, comma;
    int width, precision; /* -1: none */
    char letter;          /* 0: by the value */
};

static int read_number(const char **p, const char *end)
{
    int n = 0;
    while (*p < end && **p >= '0' && **p <= '9' && n <= WIDTH_MAX)
        n = n * 10 + (*(*p)++ - '0');
    return n;
}

static bool read_flag(struct spec *s, char c)
{
    switch (c) {
    case '-':
    case '<':
        s->left = true;
        return true;
    case '>':
        return true;
    case '0':
        s->zero = true;
        return true;
    case '+':
        s->plus = true;
        return true;
    case ' ':
        s->space = true;
        return true;
    case ',':
    case '\'':
        s->comma = true;
        return true;
    default:
        return false;
    }
}

/* Reads a spec at *p; false when it is malformed. */
static bool read_spec(const char **p, const char *end, struct spec *s)
{
    *s = (struct spec){.precision = -1};
    while (*p < end && read_flag(s, **p))
        (*p)++;
    s->width = read_number(p, end);
    if (*p < end && **p == ',') {
        s->comma = true;
        (*p)++;
    }
    if (*p < end && **p == '.') {
        (*p)++;
        s->precision = read_number(p, end);
    }
    while (*p < end && (**p == 'l' || **p == 'h'))
        (*p)++;
    if (*p < end && **p && strchr("diuxXobeEfFgGs", **p))
        s->letter = *(*p)++;
    return s->width <= WIDTH_MAX && s->precision <= PRECISION_MAX;
}

static void put_double(struct buf *b, const struct spec *s, double f)
{
    int precision = s->precision < 0 ? 6 : s->precision;
    switch (s->letter) {
    case 'e':
        buf_format(b, "%.*e", precision, f);
        break;
    case 'E':
        buf_format(b, "%.*E", precision, f);
        break;
    case 'g':
        buf_format(b, "%.*g", precision, f);
        break;
    case 'G':
        buf_format(b, "%.*G", precision, f);
        break;
    default:
        buf_format(b, "%.*f", precision, f);
        break;
    }
}

static void put_unsigned(struct buf *b, char letter, uint64_t n)
{
    char digits[65];
    size_t at = sizeof digits;
    unsigned shift = letter == 'b' ? 1 : letter == 'o' ? 3 : 4;
    const char *alphabet = letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    do {
        digits[--at] = alphabet[n & ((1U << shift) - 1)];
        n >>= shift;
    } while (n > 0);
    buf_add(b, digits + at, sizeof digits - at);
}

/* A comma before every group of three digits of the integer part. */
static void put_grouped(struct buf *b, struct text digits)
{
    size_t start = digits.len > 0 && digits.at[0] == '-', whole = start;
    while (whole < digits.len && digits.at[whole] >= '0' && digits.at[whole] <= '9')
        whole++;
    for (size_t i = 0; i < digits.len; i++) {
        if (i > start && i < whole && (whole - i) % 3 == 0)
            buf_putc(b, ',');
        buf_putc(b, digits.at[i]);
    }
}

/* The value without padding; false when a number is wanted and it is none. */
static bool put_body(struct buf *b, const struct spec *s, const struct value *v)
{
    struct value number = *v;
    if (s->letter == 's' || (s->letter == 0 && (v->kind != KIND_NUMBER || s->precision < 0))) {
        put_value(b, v);
        return true;
    }
    if (v->kind == KIND_BOOL)
        give_int(&number, v->b);
    else if (v->kind != KIND_NUMBER && (v->kind != KIND_TEXT || !number_of_text(v->text, &number)))
        return false;
    if (s->letter == 0 || strchr("eEfFgG", s->letter)) {
        put_double(b, s, value_double(&number));
        return true;
    }
    double f = value_double(&number);
    if (!number.is_int && !(fabs(f) < 9223372036854775807.0))
        return false;
    int64_t i = number.is_int ? number.i : (int64_t)round(f);
    if (strchr("diu", s->letter))
        buf_format(b, "%lld", (long long)i);
    else
        put_unsigned(b, s->letter, (uint64_t)i);
    return true;
}

static void put_padded(struct buf *b, const struct spec *s, struct text body, bool number)
{
    size_t have = utf8_length(body.at, body.len), width = (size_t)s->width;
    size_t lacks = width > have ? width - have : 0;
    bool zero = s->zero && !s->left && number;
    size_t sign =
        zero && body.len > 0 && (body.at[0] == '-' || body.at[0] == '+' || body.at[0] == ' ');
    buf_add(b, body.at, sign);
    for (size_t i = 0; i < lacks && !s->left; i++)
        buf_putc(b, zero ? '0' : ' ');
    buf_add(b, body.at + sign, body.len - sign);
    for (size_t i = 0; i < lacks && s->left; i++)
        buf_putc(b, ' ');
}

static bool put_formatted(struct call *c, struct buf *b, const struct spec *s,
                          const struct value *v)
{
    struct buf body = {0}, grouped = {0};
    struct value inner;
    char quoted[QUOTE_MAX];
    if (v->kind == KIND_JSON && value_of_json(v->text, c->arena, &inner))
        v = &inner;
    bool number = s->letter != 's' && (s->letter != 0 || v->kind == KIND_NUMBER);
    if (!put_body(&body, s, v)) {
        body.len = 0;
        put_value(&body, v);
        call_fail(c, "%s is not a number %%%c can write", quote(quoted, buf_text(&body), body.len),
                  s->letter);
        buf_release(&body);
        return false;
    }
    struct text done = {buf_text(&body), body.len};
    if (number && (s->plus || s->space) && done.at[0] != '-')
        buf_putc(&grouped, s->plus ? '+' : ' ');
    if (number && s->comma)
        put_grouped(&grouped, done);
    else
        buf_add(&grouped, done.at, done.len);
    put_padded(b, s, (struct text){buf_text(&grouped), grouped.len}, number);
    buf_release(&body);
    buf_release(&grouped);
    return true;
}

static bool bad_template(struct call *c, struct text template)
{
    char quoted[QUOTE_MAX];
    return call_fail(c, "%s: bad template %s", c->node->fn->about.name,
                     quote(quoted, template.at, template.len));
}

/* {} or {:spec} for each value in turn, {{ for a brace. */
KERNEL(do_format)
{
    struct text t = a[0].text;
    const char *p = t.at, *end = t.at + t.len;
    size_t next = 1;
    while (p < end) {
        struct spec s = {.precision = -1};
        if ((*p == '{' || *p == '}') && p + 1 < end && p[1] == *p) {
            buf_putc(&c->scratch, *p);
            p += 2;
        } else if (*p == '{') {
            p++;
            if (p < end && *p == ':' && (p++, !read_spec(&p, end, &s)))
                return bad_template(c, t);
            if (p >= end || *p != '}' || next >= c->count)
                return bad_template(c, t);
            p++;
            if (!put_formatted(c, &c->scratch, &s, &a[next++]))
                return false;
        } else {
            buf_putc(&c->scratch, *p++);
        }
    }
    return give_scratch(c, out);
}

/* % conversions for each value in turn, as C's printf writes them. */
KERNEL(do_printf)
{
    struct text t = a[0].text;
    const char *p = t.at, *end = t.at + t.len;
    size_t next = 1;
    while (p < end) {
        struct spec s;
        if (*p != '%') {
            buf_putc(&c->scratch, *p++);
            continue;
        }
        p++;
        if (p < end && *p == '%') {
            buf_putc(&c->scratch, *p++);
            continue;
        }
        if (!read_spec(&p, end, &s) || !s.letter || next >= c->count)
            return bad_template(c, t);
        if (!put_formatted(c, &c->scratch, &s, &a[next++]))
            return false;
    }
    return give_scratch(c, out);
}

KERNEL(do_fmtnum)
{
    const char *p = a[1].text.at, *end = p + a[1].text.len;
    struct spec s;
    p += p < end && *p == '%';
    if (!read_spec(&p, end, &s) || p != end)
        return bad_template(c, a[1].text);
    if (!s.letter)
        s.letter = s.precision >= 0 ? 'f' : 's';
    return put_formatted(c, &c->scratch, &s, &a[0]) && give_scratch(c, out);
}

struct unit {
    const char *name;
    double factor;
};

static bool same_name(struct text s, const char *name, bool any_case)
{
    char bit = any_case ? 0x20 : 0;
    if (s.len != strlen(name))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if ((s.at[i] | bit) != (name[i] | bit))
            return false;
    return true;
}

/* A number, spaces, and the name of a unit (any case of letters when asked). */
static bool read_unit(struct text s, const struct unit *units, size_t count, bool any_case,
                      double *out)
{
    size_t n = 0, sign = s.len > 0 && s.at[0] == '+';
    double number = 0;
    while (n < s.len && s.at[n] && strchr("0123456789.+-", s.at[n]))
        n++;
    if (!number_parse_double(s.at + sign, n - sign, &number))
        return false;
    while (n < s.len && s.at[n] == ' ')
        n++;
    for (size_t i = 0; i < count; i++)
        if (same_name((struct text){s.at + n, s.len - n}, units[i].name, any_case)) {
            *out = number * units[i].factor;
            return true;
        }
    return false;
}

static bool give_whole(struct value *out, double f)
{
    if (f == floor(f) && fabs(f) < 9007199254740992.0)
        return give_int(out, (int64_t)f);
    return give_double(out, f);
}

static bool not_a(struct call *c, struct text s, const char *what)
{
    char quoted[QUOTE_MAX];
    return call_fail(c, "%s is not %s", quote(quoted, s.at, s.len), what);
}

KERNEL(do_parse_bytes)
{
    static const struct unit units[] = {
        {"", 1.0},         {"b", 1.0},      {"k", 1e3},      {"kb", 1e3},     {"m", 1e6},
        {"mb", 1e6},       {"g", 1e9},      {"gb", 1e9},     {"t", 1e12},     {"tb", 1e12},
        {"p", 1e15},       {"pb", 1e15},    {"kib", 1024.0}, {"ki", 1024.0},  {"mib", 1048576.0},
        {"mi", 1048576.0}, {"gib", 0x1p30}, {"gi", 0x1p30},  {"tib", 0x1p40}, {"ti", 0x1p40},
        {"pib", 0x1p50},   {"pi", 0x1p50},
    };
    double bytes = 0;
    if (!read_unit(a[0].text, units, COUNT_OF(units), true, &bytes))
        return not_a(c, a[0].text, "a number of bytes");
    return give_whole(out, bytes);
}

KERNEL(do_parse_si)
{
    static const struct unit units[] = {
        {"", 1.0},  {"n", 1e-9}, {"u", 1e-6}, {"\xC2\xB5", 1e-6}, {"m", 1e-3}, {"k", 1e3},
        {"K", 1e3}, {"M", 1e6},  {"G", 1e9},  {"T", 1e12},        {"P", 1e15},
    };
    double number = 0;
    if (!read_unit(a[0].text, units, COUNT_OF(units), false, &number))
        return not_a(c, a[0].text, "a number with an SI prefix");
    return give_whole(out, number);
}

KERNEL(do_fmt_bytes)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double x = value_double(&a[0]);
    size_t k = 0;
    while (k + 1 < COUNT_OF(names) && fabs(x) >= 1024.0) {
        x /= 1024.0;
        k++;
    }
    char digits[NUMBER_MAX];
    size_t n = number_print(digits, round(x * 10.0) / 10.0);
    buf_add(&c->scratch, digits, n);
    buf_format(&c->scratch, " %s", names[k]);
    return give_scratch(c, out);
}

KERNEL(do_parse_duration)
{
    usec d = 0;
    if (!duration_parse(a[0].text.at, a[0].text.len, &d))
        return not_a(c, a[0].text, "a duration such as 1h30m");
    return d % USEC_SECOND == 0 ? give_int(out, d / USEC_SECOND)
                                : give_double(out, (double)d / 1e6);
}

/* The two largest units suffice for an eye, but all are given so that it reads back the same. */
KERNEL(do_fmt_duration)
{
    static const struct {
        const char *name;
        int64_t length;
    } units[] = {{"d", 86400000000}, {"h", 3600000000}, {"m", 60000000},
                 {"s", 1000000},     {"ms", 1000},      {"us", 1}};
    double seconds = value_double(&a[0]);
    if (!(fabs(seconds) < 1e12))
        return call_fail(c, "fmt_duration: the number is too large");
    int64_t rest = llround(seconds * 1e6);
    if (rest < 0)
        buf_putc(&c->scratch, '-');
    rest = rest < 0 ? -rest : rest;
    if (rest == 0)
        buf_puts(&c->scratch, "0s");
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (rest >= units[i].length)
            buf_format(&c->scratch, "%lld%s", (long long)(rest / units[i].length), units[i].name);
        rest %= units[i].length;
    }
    return give_scratch(c, out);
}

#define CONVERSION "conversion"
static const struct function_row rows[] = {
    {{"fmt_bytes", CONVERSION, "fmt_bytes(number) -> text", "a size for eyes, in powers of 1024",
      "fmt_bytes(1536)", "1.5 KiB"},
     "n",
     't',
     .row = do_fmt_bytes},
    {{"fmt_duration", CONVERSION, "fmt_duration(seconds) -> text", "seconds as days, hours ...",
      "fmt_duration(5400)", "1h30m"},
     "n",
     't',
     .row = do_fmt_duration},
    {{"fmtnum", CONVERSION, "fmtnum(number, template) -> text",
      "one number as printf writes it: %.2f, %08d, %x; , groups thousands",
      "fmtnum(3.14159, \"%.2f\")", "3.14"},
     "nt",
     't',
     .row = do_fmtnum},
    {{"format", "text", "format(template, value, ...) -> text",
      "{} takes the next value, {:8.2f} writes it so, {{ is a brace",
      "format(\"{}: {:.1f}\", \"x\", 2.25)", "x: 2.2"},
     "tv*",
     't',
     .row = do_format},
    {{"parse_bytes", CONVERSION, "parse_bytes(text) -> number", "1k is 1000, 1KiB is 1024",
      "parse_bytes(\"1.5 KiB\")", "1536"},
     "t",
     'n',
     .row = do_parse_bytes},
    {{"parse_duration", CONVERSION, "parse_duration(text) -> number", "a duration in seconds",
      "parse_duration(\"1h30m\")", "5400"},
     "t",
     'n',
     .row = do_parse_duration},
    {{"parse_si", CONVERSION, "parse_si(text) -> number",
      "a number with one of n u m k M G T P behind it", "parse_si(\"2.5k\")", "2500"},
     "t",
     'n',
     .row = do_parse_si},
    {{"printf", "text", "printf(template, value, ...) -> text",
      "as C's printf: d i u x X o b e f g s, flags - 0 + space and ', widths and precisions",
      "printf(\"%05.1f|%-3s|%x\", 2.5, \"a\", 255)", "002.5|a  |ff"},
     "tv*",
     't',
     .row = do_printf},
};
const struct function_family format_functions = {rows, COUNT_OF(rows)};
