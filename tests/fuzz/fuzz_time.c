/* Times and durations from any bytes, by RFC 3339 and by patterns: what is read prints and reads
 * back. */
#include "base/base.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_print(usec t)
{
    char text[TIME_MAX];
    usec back = 0;
    bool has_offset = false;
    size_t n = time_print(text, t);
    if (n == 0 || n > TIME_MAX || !time_parse(text, n, &back, &has_offset) || back != t ||
        !has_offset)
        abort();
}

/* The first line is a pattern, the rest a text. */
static void check_pattern(const char *text, size_t size)
{
    const char *line = memchr(text, '\n', size);
    char pattern[128];
    struct error e = {0};
    if (!line || (size_t)(line - text) >= sizeof pattern)
        return;
    memcpy(pattern, text, (size_t)(line - text));
    pattern[line - text] = '\0';
    if (strlen(pattern) != (size_t)(line - text) || !time_pattern_valid(pattern, &e))
        return;
    usec t = 0;
    bool has_offset = false;
    size_t n = size - (size_t)(line + 1 - text);
    if (!time_parse_pattern(line + 1, n, pattern, &t, &has_offset))
        return;
    struct buf out = {0};
    if (time_pattern_printable(pattern, &e))
        time_print_pattern(&out, t, 0, pattern);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 1024)
        return 0;
    char *text = mem_copy(data, size);
    usec t = 0;
    bool has_offset = false;
    const usec first = civil_to_days(1, 1, 1) * USEC_DAY,
               last = civil_to_days(10000, 1, 1) * USEC_DAY;
    if (time_parse(text, size, &t, &has_offset) && t >= first && t < last)
        check_print(t);
    (void)duration_parse(text, size, &t);
    check_pattern(text, size);
    mem_free(text);
    return 0;
}
