/* Patterns of LIKE. */
#include "base/plain.h"

static uint32_t fold_case(uint32_t c, bool ignore_case)
{
    return ignore_case && c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* One pattern character against one of the text: bytes both use; false when they differ. */
static bool like_one(const char *pattern, size_t pattern_n, const char *s, size_t n,
                     bool ignore_case, size_t *pattern_used, size_t *used)
{
    size_t escape = pattern[0] == '\\' && pattern_n > 1;
    uint32_t want = utf8_decode(pattern + escape, pattern_n - escape, pattern_used);
    uint32_t have = utf8_decode(s, n, used);
    *pattern_used += escape;
    return (want == '_' && !escape) || fold_case(want, ignore_case) == fold_case(have, ignore_case);
}

/* Greedy with one place to come back to: the last % seen. */
ML_API bool like_fits(const char *s, size_t n, const char *pattern, size_t pattern_n,
                      bool ignore_case)
{
    size_t i = 0, k = 0, star = SIZE_MAX, star_at = 0, pattern_used = 0, used = 0;
    while (k < n) {
        if (i < pattern_n && pattern[i] == '%') {
            star = ++i;
            star_at = k;
        } else if (i < pattern_n && like_one(pattern + i, pattern_n - i, s + k, n - k, ignore_case,
                                             &pattern_used, &used)) {
            i += pattern_used;
            k += used;
        } else if (star != SIZE_MAX) {
            utf8_decode(s + star_at, n - star_at, &used);
            star_at += used;
            k = star_at;
            i = star;
        } else {
            return false;
        }
    }
    while (i < pattern_n && pattern[i] == '%')
        i++;
    return i == pattern_n;
}
