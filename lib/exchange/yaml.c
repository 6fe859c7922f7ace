/* Texts in YAML 1.1, for readers of 1.2, too: productions 126 to 131 and chapter 8 of 1.2.2. */
#include "exchange/yaml.h"

/* c-printable, without those that are line breaks to some readers. */
static bool is_printable(uint32_t c)
{
    if (c == 0x85 || c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFD)
        return false;
    return (c >= 0x20 && c < 0x7F) || (c >= 0xA0 && c < 0xFFFE) || c >= 0x10000;
}

/* U+FFFD may come of a byte that is no UTF-8. */
void yaml_put_quoted(struct buf *b, struct text text)
{
    static const char letters[] = "\"\\\n\t\r", escapes[] = "\"\\ntr";
    buf_putc(b, '"');
    for (size_t i = 0, used = 0; i < text.len; i += used) {
        uint32_t c = utf8_decode(text.at + i, text.len - i, &used);
        const char *letter = c && c < 0x80 ? strchr(letters, (int)c) : NULL;
        if (letter)
            buf_format(b, "\\%c", escapes[letter - letters]);
        else if (is_printable(c))
            buf_add(b, text.at + i, used);
        else
            buf_format(b, "\\u%04X", (unsigned)c);
    }
    buf_putc(b, '"');
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_-./$+=", c));
}

/* Words that begin with a letter and are no null, boolean or number of any version. */
static bool is_plain(struct text text)
{
    static const char *const reserved[] = {"null", "true", "false", "yes", "no",
                                           "on",   "off",  "y",     "n"};
    if (text.len == 0 || !((text.at[0] | 0x20) >= 'a' && (text.at[0] | 0x20) <= 'z'))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!is_word(text.at[i]))
            return false;
    for (size_t i = 0; i < COUNT_OF(reserved); i++)
        if (text.len == strlen(reserved[i]) && strncasecmp(text.at, reserved[i], text.len) == 0)
            return false;
    return true;
}

void yaml_put_text(struct buf *b, struct text text)
{
    if (is_plain(text))
        buf_add(b, text.at, text.len);
    else
        yaml_put_quoted(b, text);
}

/* Its first line says how deep the block is, so it must not begin with a blank; line feeds at the
 * end are kept by how the block begins, one or none. */
static bool fits_block(struct text text)
{
    size_t used, end = text.len;
    if (!memchr(text.at, '\n', text.len) || text.at[0] == ' ' || text.at[0] == '\n' ||
        text.at[0] == '\t')
        return false;
    if (end > 1 && text.at[end - 1] == '\n' && text.at[end - 2] == '\n')
        return false;
    for (size_t i = 0; i < text.len; i += used) {
        uint32_t c = utf8_decode(text.at + i, text.len - i, &used);
        if (!is_printable(c) && c != '\n' && c != '\t')
            return false;
    }
    return true;
}

void yaml_put_value(struct buf *b, struct text text, int indent)
{
    buf_putc(b, ' ');
    if (!fits_block(text)) {
        yaml_put_text(b, text);
        buf_putc(b, '\n');
        return;
    }
    buf_puts(b, text.at[text.len - 1] == '\n' ? "|\n" : "|-\n");
    for (const char *at = text.at, *end = at + text.len; at < end;) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((line ? line : end) - at);
        if (n)
            buf_format(b, "%*s%.*s", indent, "", (int)n, at);
        buf_putc(b, '\n');
        at += n + 1;
    }
}
