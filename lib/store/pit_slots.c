/* Labels in order of id and time, the slots where records are kept, and who wins in the end. */
#include "store/pit_parts.h"
#include "sys/sys.h"

#include <stdlib.h>

struct timed {
    usec time;
    uint32_t label;
};

static int compare(const void *a, const void *b)
{
    const struct timed *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return (x->label > y->label) - (x->label < y->label);
}

/* Few, as the labels of one id mostly are. */
static void insertion_sort(struct timed *at, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct timed x = at[i];
        size_t k = i;
        for (; k > 0 && at[k - 1].time > x.time; k--)
            at[k] = at[k - 1];
        at[k] = x;
    }
}

static void sort(struct timed *at, size_t n)
{
    if (n <= 24)
        insertion_sort(at, n);
    else
        qsort(at, n, sizeof *at, compare);
}

/* Where the labels of each id begin: count + 1 numbers. */
static uint32_t *starts_of(const struct pit_ids *ids, const struct pit_label *labels, size_t n)
{
    uint32_t *start = mem_alloc(((size_t)ids->count + 1) * sizeof *start), sum = 0;
    for (size_t i = 0; i < n; i++)
        if (labels[i].id != PIT_NO_LABEL)
            start[labels[i].id]++;
    for (size_t i = 0; i <= ids->count; i++) {
        uint32_t own = start[i];
        start[i] = sum;
        sum += own;
    }
    return start;
}

static struct timed *labels_by_id(const struct pit_label *labels, size_t n, const uint32_t *start,
                                  uint32_t ids)
{
    struct timed *out = pages_alloc(((size_t)start[ids] + 1) * sizeof *out);
    uint32_t *next = mem_copy(start, ((size_t)ids + 1) * sizeof *next);
    for (size_t i = 0; i < n; i++)
        if (labels[i].id != PIT_NO_LABEL)
            out[next[labels[i].id]++] = (struct timed){labels[i].time, (uint32_t)i};
    mem_free(next);
    return out;
}

/* ---- the tree of PIT_KNOWN_BY ---- */

/* Level `level` of an id's n labels from the one below. */
static void merge_level(struct pit_slots *s, uint64_t base, uint32_t n, unsigned level)
{
    size_t half = (size_t)1 << (level - 1);
    uint64_t below = base + (level - 1) * (uint64_t)n, here = below + n;
    for (size_t block = 0; block < n; block += 2 * half) {
        size_t left = block, middle = left + half < n ? left + half : n, right = middle;
        size_t end = middle + half < n ? middle + half : n;
        for (size_t to = block; to < end; to++) {
            bool from_right =
                left == middle || (right < end && s->known[below + right] < s->known[below + left]);
            size_t from = from_right ? right++ : left++;
            s->known[here + to] = s->known[below + from];
            s->place[here + to] = s->place[below + from];
        }
    }
}

static void make_tree(struct pit_slots *s, const uint32_t *start, uint32_t ids, const usec *known)
{
    s->tree = mem_array(NULL, s->count + 1, sizeof *s->tree);
    s->slot_count = 0;
    for (uint32_t i = 0; i < ids; i++) {
        uint32_t n = start[i + 1] - start[i];
        s->tree[start[i]] = s->slot_count;
        s->slot_count += n ? (size_t)pit_levels(n) * n : 0;
    }
    s->known = mem_array(NULL, s->slot_count + 1, sizeof *s->known);
    s->place = mem_array(NULL, s->slot_count + 1, sizeof *s->place);
    for (uint32_t i = 0; i < ids; i++) {
        uint32_t n = start[i + 1] - start[i];
        for (uint32_t k = 0; k < n; k++) {
            s->known[s->tree[start[i]] + k] = known[s->label[start[i] + k]];
            s->place[s->tree[start[i]] + k] = k;
        }
        for (unsigned level = 1; n && level < pit_levels(n); level++)
            merge_level(s, s->tree[start[i]], n, level);
    }
}

/* ---- making ---- */

/* The largest unit of which all times are whole multiples from `first` on, and few enough for 32
 * bits; 0: none. */
static int64_t common_unit(const struct timed *at, size_t n, usec first, usec last)
{
    static const int64_t units[] = {USEC_SECOND, 1000};
    for (size_t u = 0; u < COUNT_OF(units); u++) {
        bool whole = ((uint64_t)last - (uint64_t)first) / (uint64_t)units[u] < UINT32_MAX;
        for (size_t i = 0; whole && i < n; i++)
            whole = ((uint64_t)at[i].time - (uint64_t)first) % (uint64_t)units[u] == 0;
        if (whole)
            return units[u];
    }
    return 0;
}

static void note_times(struct pit_slots *s, const struct timed *sorted)
{
    usec first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < s->count; i++) {
        first = sorted[i].time < first ? sorted[i].time : first;
        last = sorted[i].time > last ? sorted[i].time : last;
    }
    int64_t unit = s->count ? common_unit(sorted, s->count, first, last) : 0;
    if (unit) {
        s->first_time = first;
        s->unit = (double)unit;
        s->near_times = pages_alloc((s->count + 1) * sizeof *s->near_times);
        for (size_t i = 0; i < s->count; i++)
            s->near_times[i] = (uint32_t)((sorted[i].time - first) / unit);
        return;
    }
    s->times = pages_alloc((s->count + 1) * sizeof *s->times);
    for (size_t i = 0; i < s->count; i++)
        s->times[i] = sorted[i].time;
}

static void note_labels(struct pit_ids *ids, const uint32_t *start)
{
    for (size_t i = 0; ids->slots && i <= ids->mask; i++) {
        struct pit_id *id = &ids->slots[i];
        if (!id->code)
            continue;
        id->first = start[id->code - 1];
        id->count = start[id->code] - id->first;
    }
}

void pit_slots_make(struct pit_slots *s, struct pit_ids *ids, const struct pit_label *labels,
                    const usec *known, size_t n)
{
    uint32_t *start = starts_of(ids, labels, n);
    struct timed *sorted = labels_by_id(labels, n, start, ids->count);
    *s = (struct pit_slots){.count = start[ids->count]};
    s->slot_count = s->count;
    s->label = mem_array(NULL, s->count + 1, sizeof *s->label);
    for (uint32_t i = 0; i < ids->count; i++)
        sort(sorted + start[i], start[i + 1] - start[i]);
    note_times(s, sorted);
    for (size_t i = 0; i < s->count; i++)
        s->label[i] = sorted[i].label;
    pages_free(sorted, (s->count + 1) * sizeof *sorted);
    if (known)
        make_tree(s, start, ids->count, known);
    s->slots = pages_alloc((s->slot_count + 1) * sizeof *s->slots);
    for (size_t i = 0; i < s->slot_count; i++)
        s->slots[i] = (struct pit_slot){.time = INT64_MIN};
    note_labels(ids, start);
    mem_free(start);
}

void pit_slots_release(struct pit_slots *s)
{
    pages_free(s->times, (s->count + 1) * sizeof *s->times);
    pages_free(s->near_times, (s->count + 1) * sizeof *s->near_times);
    mem_free(s->label);
    pages_free(s->slots, (s->slot_count + 1) * sizeof *s->slots);
    mem_free(s->tree);
    mem_free(s->known);
    mem_free(s->place);
    *s = (struct pit_slots){0};
}

/* ---- winners ---- */

/* The best record among slots seen so far. */
static void improve(struct pit_winner *best, usec time, struct pit_row *row)
{
    if (row &&
        (!best->row || time > best->time || (time == best->time && row->lsn < best->row->lsn)))
        *best = (struct pit_winner){time, row};
}

static void improve_by_slot(struct pit_winner *best, const struct pit_slot *s)
{
    improve(best, atomic_load_explicit(&s->time, memory_order_relaxed), s->row);
}

static void winners_in_order(const struct pit_slots *s, const struct pit_id *id,
                             struct pit_winner *out)
{
    struct pit_winner best = {0};
    for (uint32_t i = id->first; i < id->first + id->count; i++) {
        improve_by_slot(&best, &s->slots[i]);
        out[s->label[i]] = best;
    }
}

/* One block of a level: in order of known, each label gets the best of those before it. */
static void winners_in_block(const struct pit_slots *s, uint64_t from, uint64_t to,
                             struct pit_winner *winners)
{
    struct pit_winner best = {0};
    for (uint64_t i = from; i < to; i++) {
        improve_by_slot(&best, &s->slots[i]);
        improve(&winners[s->place[i]], best.time, best.row);
    }
}

static void winners_in_tree(const struct pit_slots *s, const struct pit_id *id,
                            struct pit_winner *out)
{
    struct pit_winner *winners = mem_alloc(id->count * sizeof *winners);
    uint64_t base = s->tree[id->first];
    for (unsigned level = 0; level < pit_levels(id->count); level++, base += id->count)
        for (uint64_t block = 0; block < id->count; block += (uint64_t)1 << level) {
            uint64_t end = block + ((uint64_t)1 << level);
            winners_in_block(s, base + block, base + (end < id->count ? end : id->count), winners);
        }
    for (uint32_t i = 0; i < id->count; i++)
        out[s->label[id->first + i]] = winners[i];
    mem_free(winners);
}

void pit_slots_winners(struct pit_slots *s, const struct pit_ids *ids, struct pit_winner *out)
{
    for (size_t i = 0; ids->slots && i <= ids->mask; i++) {
        const struct pit_id *id = &ids->slots[i];
        if (id->code && id->count && s->tree)
            winners_in_tree(s, id, out);
        else if (id->code && id->count)
            winners_in_order(s, id, out);
    }
}
