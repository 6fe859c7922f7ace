#include "base/base.h"

bool size_parse(const char *p, size_t n, uint64_t *size)
{
    static const char letters[] = "KMGTP";
    if (n > 3 && memcmp(p + n - 2, "iB", 2) == 0)
        n -= 2;
    const char *letter = n > 0 && p[n - 1] ? strchr(letters, p[n - 1]) : NULL;
    int shift = letter ? 10 * (int)(letter - letters + 1) : 0;
    int64_t whole;
    double real;
    if (number_parse(p, letter ? n - 1 : n, &whole, &real) != NUMBER_INT || whole < 0)
        return false;
    if ((uint64_t)whole > UINT64_MAX >> shift)
        return false;
    *size = (uint64_t)whole << shift;
    return true;
}
