/*
 * Counters stand in a heap with the smallest count on top; a hash table with linear probing finds
 * the counter of a text. A text without a counter takes over the smallest one, with its count.
 */
#include "stats/stats.h"

#include <stdlib.h>

struct counter {
    char *text; /* owned */
    size_t len;
    uint64_t hash, count;
    uint64_t arrival; /* order of taking the counter: breaks ties towards the oldest */
    size_t slot;
};

struct frequent {
    struct counter *heap;
    size_t len, capacity;
    size_t *slots; /* index into heap + 1, 0 = empty */
    size_t mask;
    uint64_t arrivals;
    bool exact;
};

struct frequent *frequent_new(size_t capacity)
{
    struct frequent *f = mem_alloc(sizeof *f);
    f->capacity = capacity ? capacity : 1;
    f->heap = mem_alloc(f->capacity * sizeof *f->heap);
    f->mask = 15;
    while (f->mask < 2 * f->capacity)
        f->mask = f->mask * 2 + 1;
    f->slots = mem_alloc((f->mask + 1) * sizeof *f->slots);
    f->exact = true;
    return f;
}

void frequent_free(struct frequent *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->len; i++)
        mem_free(f->heap[i].text);
    mem_free(f->heap);
    mem_free(f->slots);
    mem_free(f);
}

bool frequent_exact(const struct frequent *f)
{
    return f->exact;
}

static void place(struct frequent *f, size_t i, struct counter c)
{
    f->heap[i] = c;
    f->slots[c.slot] = i + 1;
}

static bool before(const struct counter *a, const struct counter *b)
{
    return a->count != b->count ? a->count < b->count : a->arrival < b->arrival;
}

static void sift_up(struct frequent *f, size_t i)
{
    struct counter moving = f->heap[i];
    for (; i > 0 && before(&moving, &f->heap[(i - 1) / 2]); i = (i - 1) / 2)
        place(f, i, f->heap[(i - 1) / 2]);
    place(f, i, moving);
}

static void sift_down(struct frequent *f, size_t i)
{
    struct counter moving = f->heap[i];
    for (size_t child; (child = 2 * i + 1) < f->len; i = child) {
        if (child + 1 < f->len && before(&f->heap[child + 1], &f->heap[child]))
            child++;
        if (before(&moving, &f->heap[child]))
            break;
        place(f, i, f->heap[child]);
    }
    place(f, i, moving);
}

/* The slot of the text, or the empty one where it belongs. */
static size_t find_slot(const struct frequent *f, struct text value, uint64_t hash)
{
    size_t slot = hash & f->mask;
    for (; f->slots[slot]; slot = (slot + 1) & f->mask) {
        const struct counter *c = &f->heap[f->slots[slot] - 1];
        if (c->hash == hash && text_equal((struct text){c->text, c->len}, value))
            break;
    }
    return slot;
}

/* Empties a slot and closes the gap it leaves in the probe sequences. */
static void remove_slot(struct frequent *f, size_t hole)
{
    f->slots[hole] = 0;
    for (size_t k = (hole + 1) & f->mask; f->slots[k]; k = (k + 1) & f->mask) {
        struct counter *c = &f->heap[f->slots[k] - 1];
        size_t home = c->hash & f->mask;
        if (((k - home) & f->mask) < ((k - hole) & f->mask))
            continue;
        f->slots[hole] = f->slots[k];
        c->slot = hole;
        f->slots[k] = 0;
        hole = k;
    }
}

static void add_counter(struct frequent *f, struct text value, uint64_t hash, uint64_t times)
{
    struct counter c = {.len = value.len, .hash = hash, .count = times, .arrival = f->arrivals++};
    c.text = mem_text_n(value.at, value.len);
    if (f->len < f->capacity) {
        c.slot = find_slot(f, value, hash);
        f->heap[f->len] = c;
        sift_up(f, f->len++);
        return;
    }
    f->exact = false;
    c.count += f->heap[0].count;
    remove_slot(f, f->heap[0].slot);
    mem_free(f->heap[0].text);
    c.slot = find_slot(f, value, hash);
    f->heap[0] = c;
    sift_down(f, 0);
}

void frequent_add(struct frequent *f, struct text value, uint64_t times)
{
    uint64_t hash = hash_bytes(value.at, value.len, 0);
    size_t found = f->slots[find_slot(f, value, hash)];
    if (!found) {
        add_counter(f, value, hash, times);
        return;
    }
    f->heap[found - 1].count += times;
    sift_down(f, found - 1);
}

void frequent_merge(struct frequent *into, const struct frequent *from)
{
    for (size_t i = 0; i < from->len; i++)
        frequent_add(into, (struct text){from->heap[i].text, from->heap[i].len},
                     from->heap[i].count);
    into->exact = into->exact && from->exact;
}

/* Larger counts first, then by bytes. */
static int compare_counters(const void *left, const void *right)
{
    const struct counter *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return text_compare((struct text){a->text, a->len}, (struct text){b->text, b->len});
}

size_t frequent_top(const struct frequent *f, size_t n, struct text *value, uint64_t *count)
{
    struct counter *sorted = mem_copy(f->heap, f->len * sizeof *sorted);
    qsort(sorted, f->len, sizeof *sorted, compare_counters);
    n = n < f->len ? n : f->len;
    for (size_t i = 0; i < n; i++) {
        value[i] = (struct text){sorted[i].text, sorted[i].len};
        count[i] = sorted[i].count;
    }
    mem_free(sorted);
    return n;
}
