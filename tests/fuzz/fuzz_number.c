/* Numbers from any bytes: the three readers agree,
 * and what is printed reads back to the same bits. */
#include "base/base.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_print(double f)
{
    char text[NUMBER_MAX];
    double back = 0;
    size_t n = number_print(text, f);
    if (n == 0 || n > NUMBER_MAX || !number_parse_double(text, n, &back) ||
        memcmp(&back, &f, sizeof f) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096)
        return 0;
    char *exact =
        mem_copy(data, size + (size == 0)); /* no byte behind the last can be read unseen */
    char padded[4096 + 32] = {0};
    memcpy(padded, data, size);
    int64_t i = 0;
    double f = 0, g = 0, h = 0;
    enum number_kind kind = size ? number_parse(exact, size, &i, &f) : NUMBER_NONE;
    bool is_double = size && number_parse_double(exact, size, &g);
    if (is_double != (size && number_parse_padded(padded, size, &h)))
        abort();
    if (is_double && memcmp(&g, &h, sizeof g) != 0)
        abort();
    if (kind != NUMBER_NONE && (!is_double || memcmp(&f, &g, sizeof f) != 0))
        abort();
    if (is_double)
        check_print(g);
    if (size >= sizeof g) {
        memcpy(&g, data, sizeof g);
        if (g - g == 0) /* finite */
            check_print(g);
    }
    mem_free(exact);
    return 0;
}
