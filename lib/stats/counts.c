#include "stats/state.h"

#include <stdlib.h>

size_t counts_add(struct counts *c, struct text value, uint64_t times, uint64_t row)
{
    bool is_new;
    size_t i = map_put(&c->map, value, &is_new);
    if (is_new) {
        vec_push(&c->n, times);
        vec_push(&c->first, row);
    } else {
        c->n.at[i] += times;
        c->first.at[i] = row < c->first.at[i] ? row : c->first.at[i];
    }
    return i;
}

void counts_merge(struct counts *into, const struct counts *from)
{
    for (size_t i = 0; i < from->map.keys.len; i++)
        counts_add(into, from->map.keys.at[i], from->n.at[i], from->first.at[i]);
}

struct entry {
    struct text name;
    double number; /* 0 unless all names are numbers */
    uint64_t n, first;
    uint32_t index;
};

static int compare_names(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return text_compare(a->name, b->name);
}

static int compare_frequencies(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->n != b->n)
        return a->n > b->n ? -1 : 1;
    return compare_names(left, right);
}

static int compare_arrivals(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return compare_names(left, right);
}

static void number_entries(struct entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct text name = entries[i].name;
        if (number_parse_double(name.at, name.len, &entries[i].number))
            continue;
        for (size_t k = 0; k < n; k++)
            entries[k].number = 0;
        return;
    }
}

uint32_t *counts_sorted(const struct counts *c, enum counts_order order)
{
    static int (*const compare[])(const void *, const void *) = {
        [COUNTS_BY_NAME] = compare_names,
        [COUNTS_BY_FREQUENCY] = compare_frequencies,
        [COUNTS_BY_ARRIVAL] = compare_arrivals,
    };
    size_t n = c->map.keys.len;
    struct entry *entries = mem_alloc(n * sizeof *entries);
    for (size_t i = 0; i < n; i++)
        entries[i] = (struct entry){.name = c->map.keys.at[i],
                                    .n = c->n.at[i],
                                    .first = c->first.at[i],
                                    .index = (uint32_t)i};
    number_entries(entries, n);
    qsort(entries, n, sizeof *entries, compare[order]);
    uint32_t *indexes = mem_alloc(n * sizeof *indexes);
    for (size_t i = 0; i < n; i++)
        indexes[i] = entries[i].index;
    mem_free(entries);
    return indexes;
}

json_t *counts_save(const struct counts *c)
{
    json_t *object = json_object();
    struct buf key = {0};
    uint32_t *order = counts_sorted(c, COUNTS_BY_NAME);
    for (size_t i = 0; i < c->map.keys.len; i++) {
        uint32_t k = order[i];
        uint64_t pair[2] = {c->n.at[k], c->first.at[k]};
        key.len = 0;
        state_escape(&key, c->map.keys.at[k]);
        json_object_set_new(object, buf_text(&key), state_counts(pair, 2));
    }
    mem_free(order);
    buf_release(&key);
    return object;
}

int counts_load(struct counts *c, const json_t *j, struct error *e)
{
    const char *key;
    json_t *value;
    struct buf name = {0};
    bool good = json_is_object(j);
    *c = (struct counts){0};
    json_object_foreach((json_t *)(uintptr_t)j, key, value)
    {
        uint64_t n, first;
        name.len = 0;
        good = good && state_unescape(&name, key) &&
               state_read_count(json_array_get(value, 0), &n) &&
               state_read_count(json_array_get(value, 1), &first);
        if (!good)
            break;
        counts_add(c, (struct text){buf_text(&name), name.len}, n, first);
    }
    buf_release(&name);
    if (good)
        return 0;
    counts_release(c);
    return error_set(e, ERR_DATA, "not the state of counts (name: [count, first row])");
}

void counts_release(struct counts *c)
{
    map_release(&c->map);
    vec_release(&c->n);
    vec_release(&c->first);
}
