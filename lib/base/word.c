#include "base/base.h"

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_-./+,:@%=", c));
}

void buf_put_word(struct buf *b, struct text word)
{
    size_t plain = 0;
    while (plain < word.len && is_plain(word.at[plain]))
        plain++;
    if (plain == word.len && plain > 0) {
        buf_add(b, word.at, word.len);
        return;
    }
    buf_putc(b, '\'');
    for (size_t i = 0; i < word.len; i++)
        if (word.at[i] == '\'')
            buf_puts(b, "'\\''");
        else
            buf_putc(b, word.at[i]);
    buf_putc(b, '\'');
}
