#include "expr/distance.h"

struct characters characters_of(struct text s, struct arena *arena)
{
    struct characters c = {arena_alloc(arena, (s.len + 1) * sizeof *c.at), 0};
    for (size_t i = 0, used = 0; i < s.len; i += used)
        c.at[c.count++] = utf8_decode(s.at + i, s.len - i, &used);
    return c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t edit_distance(const struct characters *a, const struct characters *b, bool swaps,
                     struct arena *arena)
{
    size_t width = b->count + 1;
    size_t *rows = arena_alloc(arena, 3 * width * sizeof *rows);
    size_t *before = rows, *last = rows + width, *now = rows + 2 * width;
    for (size_t j = 0; j < width; j++)
        last[j] = before[j] = j;
    for (size_t i = 1; i <= a->count; i++) {
        now[0] = i;
        for (size_t j = 1; j < width; j++) {
            bool same = a->at[i - 1] == b->at[j - 1];
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + !same);
            if (swaps && i > 1 && j > 1 && a->at[i - 1] == b->at[j - 2] &&
                a->at[i - 2] == b->at[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[b->count];
}

/* Marks equal characters no further apart than the window; the number of pairs. */
static size_t match_characters(const struct characters *x, const struct characters *y,
                               uint8_t *x_used, uint8_t *y_used)
{
    size_t longer = x->count > y->count ? x->count : y->count, matches = 0;
    size_t window = longer / 2 > 0 ? longer / 2 - 1 : 0;
    for (size_t i = 0; i < x->count; i++) {
        size_t from = i > window ? i - window : 0, to = least(i + window + 1, y->count);
        for (size_t j = from; j < to; j++) {
            if (y_used[j] || x->at[i] != y->at[j])
                continue;
            x_used[i] = y_used[j] = 1;
            matches++;
            break;
        }
    }
    return matches;
}

static size_t out_of_order(const struct characters *x, const struct characters *y,
                           const uint8_t *x_used, const uint8_t *y_used)
{
    size_t count = 0;
    for (size_t i = 0, j = 0; i < x->count; i++) {
        if (!x_used[i])
            continue;
        while (!y_used[j])
            j++;
        count += x->at[i] != y->at[j++];
    }
    return count;
}

static double jaro(const struct characters *x, const struct characters *y, struct arena *arena)
{
    uint8_t *x_used = arena_zero(arena, x->count + 1), *y_used = arena_zero(arena, y->count + 1);
    if (x->count == 0 && y->count == 0)
        return 1.0;
    double m = (double)match_characters(x, y, x_used, y_used);
    if (m == 0.0)
        return 0.0;
    size_t swaps = out_of_order(x, y, x_used, y_used) / 2;
    double swapped = (double)swaps;
    return (m / (double)x->count + m / (double)y->count + (m - swapped) / m) / 3.0;
}

double jaro_winkler(const struct characters *a, const struct characters *b, struct arena *arena)
{
    double similarity = jaro(a, b, arena);
    size_t prefix = 0;
    while (prefix < 4 && prefix < a->count && prefix < b->count && a->at[prefix] == b->at[prefix])
        prefix++;
    return similarity + (double)prefix * 0.1 * (1.0 - similarity);
}
