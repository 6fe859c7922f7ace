/* Places in texts. */
#include "steps/locate.h"

size_t locate_first(struct text in, struct text wanted, size_t from)
{
    if (from > in.len)
        return NOWHERE;
    const char *found = memmem(in.at + from, in.len - from, wanted.at, wanted.len);
    return found ? (size_t)(found - in.at) : NOWHERE;
}

size_t locate_last(struct text in, struct text wanted)
{
    if (wanted.len > in.len)
        return NOWHERE;
    for (size_t at = in.len - wanted.len + 1; at-- > 0;)
        if (memcmp(in.at + at, wanted.at, wanted.len) == 0)
            return at;
    return NOWHERE;
}

struct text locate_between(struct text in, struct text left, struct text right, bool last)
{
    size_t start = locate_first(in, left, 0);
    if (start == NOWHERE)
        return (struct text){NULL, 0};
    start += left.len;
    struct text rest = {in.at + start, in.len - start};
    size_t end = last ? locate_last(rest, right) : locate_first(rest, right, 0);
    return end == NOWHERE ? (struct text){NULL, 0} : (struct text){rest.at, end};
}

/* Byte offset of character n of `length`; negative from the end. */
static size_t byte_at(struct text in, int64_t n, size_t length)
{
    int64_t count = (int64_t)length;
    if (n < 0)
        n = n < -count ? 0 : n + count;
    return n >= count ? in.len : utf8_offset(in.at, in.len, (size_t)n);
}

struct text locate_slice(struct text in, int64_t start, int64_t end)
{
    size_t length = utf8_length(in.at, in.len);
    size_t from = byte_at(in, start, length), to = byte_at(in, end, length);
    return (struct text){in.at + from, to > from ? to - from : 0};
}
