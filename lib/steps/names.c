#include "steps/names.h"

#include <stdlib.h>

struct ranked {
    struct text name;
    double number;
    size_t index;
};

static int by_bytes(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return text_compare(x->name, y->name);
}

static int by_number(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    int order = (x->number > y->number) - (x->number < y->number);
    return order ? order : by_bytes(a, b);
}

void names_sort(struct names *n)
{
    size_t count = n->map.keys.len;
    struct ranked *ranked = mem_array(NULL, count + 1, sizeof *ranked);
    bool numbers = true;
    for (size_t i = 0; i < count; i++) {
        ranked[i] = (struct ranked){n->map.keys.at[i], 0, i};
        numbers &= number_parse_double(ranked[i].name.at, ranked[i].name.len, &ranked[i].number);
    }
    qsort(ranked, count, sizeof *ranked, numbers ? by_number : by_bytes);
    n->order = mem_array(n->order, count + 1, sizeof *n->order);
    n->place = mem_array(n->place, count + 1, sizeof *n->place);
    for (size_t i = 0; i < count; i++) {
        n->order[i] = ranked[i].index;
        n->place[ranked[i].index] = i;
    }
    mem_free(ranked);
}

struct text names_at(const struct names *n, size_t place)
{
    return n->map.keys.at[n->order[place]];
}

void names_release(struct names *n)
{
    map_release(&n->map);
    mem_free(n->order);
    mem_free(n->place);
}
