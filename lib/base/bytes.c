#include "base/base.h"

#include <stdio.h>

enum { BUF_FIRST = 64 };

struct text text_of(const char *s)
{
    return (struct text){s, s ? strlen(s) : 0};
}

bool text_equal(struct text a, struct text b)
{
    if (!a.at || !b.at)
        return !a.at && !b.at;
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

int text_compare(struct text a, struct text b)
{
    if (!a.at || !b.at)
        return (a.at != NULL) - (b.at != NULL);
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.at, b.at, common) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

void buf_reserve(struct buf *b, size_t more)
{
    if (more <= b->cap - b->len)
        return;
    size_t need;
    if (__builtin_add_overflow(b->len, more, &need))
        mem_fail(SIZE_MAX);
    b->at = vec_grow_(b->at, &b->cap, need < BUF_FIRST ? BUF_FIRST : need, 1);
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
    if (n == 0)
        return;
    buf_reserve(b, n);
    memcpy(b->at + b->len, bytes, n);
    b->len += n;
}

void buf_puts(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_format(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vformat(b, format, args);
    va_end(args);
}

/* Prints into the room there is; a second time when that was too small. */
void buf_vformat(struct buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    buf_reserve(b, BUF_FIRST);
    size_t room = b->cap - b->len;
    int len = vsnprintf(b->at + b->len, room, format, args);
    if (len < 0)
        mem_fail(SIZE_MAX); /* longer than INT_MAX */
    if ((size_t)len >= room) {
        buf_reserve(b, (size_t)len + 1);
        (void)vsnprintf(b->at + b->len, (size_t)len + 1, format, again);
    }
    b->len += (size_t)len;
    va_end(again);
}

const char *buf_text(struct buf *b)
{
    buf_reserve(b, 1);
    b->at[b->len] = '\0';
    return b->at;
}

char *buf_take(struct buf *b)
{
    buf_reserve(b, 1);
    char *text = b->at;
    text[b->len] = '\0';
    *b = (struct buf){0};
    return text;
}

void buf_release(struct buf *b)
{
    mem_free(b->at);
    *b = (struct buf){0};
}
