/* Which patterns of times there are, and writing by them into a growing text. */
#include "base/base.h"

#define PARSE_LETTERS "YymdeHIMSfpbBaAjzZsnt%"
#define PRINT_LETTERS PARSE_LETTERS "GVuwUqL"

static bool letters_known(const char *pattern, const char *letters, struct error *e)
{
    for (const char *p = strchr(pattern, '%'); p; p = strchr(p + 2, '%')) {
        if (p[1] && strchr(letters, p[1]))
            continue;
        char quoted[QUOTE_MAX];
        size_t length = p[1] ? utf8_offset(p + 1, strlen(p + 1), 1) : 0;
        error_set(e, ERR_USAGE, "unknown %s in a time pattern: expected %% and one of %s",
                  quote(quoted, p, 1 + length), letters);
        return false;
    }
    return true;
}

bool time_pattern_valid(const char *pattern, struct error *e)
{
    return letters_known(pattern, PARSE_LETTERS, e);
}

bool time_pattern_printable(const char *pattern, struct error *e)
{
    return letters_known(pattern, PRINT_LETTERS, e);
}

void time_print_pattern(struct buf *out, usec t, int offset, const char *pattern)
{
    size_t room = strlen(pattern) + TIME_MAX, n;
    do {
        buf_reserve(out, room);
        n = time_format(out->at + out->len, room, t, offset, pattern);
    } while (n > room && (room = n));
    out->len += n;
}
