/* JSON text (RFC 8259): writing strings and numbers. */
#include "base/base.h"

#include <math.h>

static void put_valid(struct buf *b, const char *s, size_t n)
{
    for (;;) {
        size_t good = utf8_valid_prefix(s, n);
        buf_add(b, s, good);
        if (good == n)
            return;
        buf_puts(b, "\xEF\xBF\xBD");
        s += good + 1;
        n -= good + 1;
    }
}

static void put_escape(struct buf *b, char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *short_form = c ? strchr(from, c) : NULL;
    if (short_form) {
        buf_putc(b, '\\');
        buf_putc(b, to[short_form - from]);
    } else {
        buf_format(b, "\\u%04x", (unsigned)(unsigned char)c);
    }
}

void json_put_string(struct buf *b, const char *s, size_t n)
{
    buf_reserve(b, n + 2);
    buf_putc(b, '"');
    for (size_t i = 0; i < n; i++) {
        size_t run = json_plain_run(s + i, n - i);
        put_valid(b, s + i, run);
        i += run;
        if (i == n)
            break;
        put_escape(b, s[i]);
    }
    buf_putc(b, '"');
}

void json_put_double(struct buf *b, double f)
{
    char text[NUMBER_MAX];
    if (isfinite(f))
        buf_add(b, text, number_print(text, f));
    else
        buf_puts(b, "null");
}

bool json_unescape(struct buf *out, struct text raw)
{
    size_t n = 0;
    buf_reserve(out, raw.len + 1);
    if (!json_decode(out->at + out->len, raw, &n))
        return false;
    out->len += n;
    return true;
}

bool json_valid(struct text t)
{
    struct json_reader r;
    enum json_token token;
    json_start(&r, t.at, t.len);
    do
        token = json_next(&r);
    while (token > JSON_TOKEN_DONE);
    return token == JSON_TOKEN_DONE;
}
