/* Labels in order of id and time, the slots where records are kept, and who wins in the end. */
#include "store/pit_parts.h"
#include "sys/sys.h"

#include <stdlib.h>

struct timed {
    usec time;
    uint32_t label;
};

/* A label on its way to its part. */
struct entry {
    struct pit_key key; /* as a slot has it: with where a long id stands */
    usec time;
    uint32_t label, len; /* of the id */
};

/* What one thread found in its share of the labels. */
struct tally {
    size_t counts[PIT_PARTS]; /* labels by part; then where the next one of the part goes */
    usec first, last;
    bool whole[2]; /* all times are as many units after each other */
};

/* What the threads that make slots share. */
struct making {
    struct pit_slots *s;
    struct pit_ids *ids;
    const struct pit_label *labels;
    const usec *known;
    size_t n;
    unsigned jobs;
    usec some_time; /* of a label with an id */
    struct tally *tallies;
    struct entry *entries;                 /* by part */
    size_t starts[PIT_PARTS + 1], largest; /* of the parts, in labels */
    struct pit_part parts[PIT_PARTS];
    uint64_t slots[PIT_PARTS + 1]; /* of each part; then where they begin */
    atomic_uint next;
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

static void make_tree(struct pit_slots *s, const struct pit_id *id, uint64_t base,
                      const usec *known)
{
    uint32_t n = id->count;
    s->tree[id->first] = base;
    for (uint32_t k = 0; k < n; k++) {
        s->known[base + k] = known[s->label[id->first + k]];
        s->place[base + k] = k;
    }
    for (unsigned level = 1; level < pit_levels(n); level++)
        merge_level(s, base, n, level);
}

/* ---- labels to their parts ---- */

/* Units of time that 32 bits may count. */
static const int64_t units[2] = {USEC_SECOND, 1000};

static int64_t beyond_unit(usec t, unsigned u)
{
    int64_t rest = t % units[u];
    return rest < 0 ? rest + units[u] : rest;
}

static void note_time(const struct making *m, struct tally *t, usec time)
{
    t->first = time < t->first ? time : t->first;
    t->last = time > t->last ? time : t->last;
    for (unsigned u = 0; u < 2; u++)
        t->whole[u] = t->whole[u] && beyond_unit(time, u) == beyond_unit(m->some_time, u);
}

static size_t share(const struct making *m, unsigned number)
{
    return m->n / m->jobs * number + m->n % m->jobs * number / m->jobs;
}

static void count_labels(void *context, unsigned number)
{
    struct making *m = context;
    struct tally *t = &m->tallies[number];
    *t = (struct tally){.first = INT64_MAX, .last = INT64_MIN, .whole = {true, true}};
    for (size_t i = share(m, number), end = share(m, number + 1); i < end; i++) {
        const struct pit_label *l = &m->labels[i];
        struct pit_key key;
        if (!l->id.at)
            continue;
        pit_key_make(&key, l->id);
        t->counts[pit_part_of(key.hash)]++;
        note_time(m, t, l->time);
    }
}

/* In the order of the labels. */
static void deal_labels(void *context, unsigned number)
{
    struct making *m = context;
    struct tally *t = &m->tallies[number];
    for (size_t i = share(m, number), end = share(m, number + 1); i < end; i++) {
        const struct pit_label *l = &m->labels[i];
        struct entry x = {.time = l->time, .label = (uint32_t)i, .len = (uint32_t)l->id.len};
        if (!l->id.at)
            continue;
        pit_key_make(&x.key, l->id);
        if (l->id.len > 16)
            memcpy(&x.key.words[1], &l->id.at, sizeof l->id.at);
        m->entries[t->counts[pit_part_of(x.key.hash)]++] = x;
    }
}

static void place_parts(struct making *m)
{
    size_t sum = 0;
    for (unsigned i = 0; i < PIT_PARTS; i++) {
        m->starts[i] = sum;
        for (unsigned k = 0; k < m->jobs; k++) {
            size_t own = m->tallies[k].counts[i];
            m->tallies[k].counts[i] = sum;
            sum += own;
        }
        m->largest = sum - m->starts[i] > m->largest ? sum - m->starts[i] : m->largest;
    }
    m->starts[PIT_PARTS] = m->s->count = sum;
}

/* The largest unit of which all times are whole multiples from the first on, and few enough for 32
 * bits; 0: none. */
static int64_t common_unit(const struct making *m)
{
    uint64_t span = (uint64_t)m->s->last_time - (uint64_t)m->s->first_time;
    for (unsigned u = 0; u < 2; u++) {
        bool whole = span / (uint64_t)units[u] < UINT32_MAX;
        for (unsigned k = 0; k < m->jobs; k++)
            whole = whole && m->tallies[k].whole[u];
        if (whole)
            return units[u];
    }
    return 0;
}

static void settle_times(struct making *m)
{
    struct pit_slots *s = m->s;
    s->first_time = INT64_MAX;
    s->last_time = INT64_MIN;
    for (unsigned k = 0; k < m->jobs; k++) {
        const struct tally *t = &m->tallies[k];
        s->first_time = t->first < s->first_time ? t->first : s->first_time;
        s->last_time = t->last > s->last_time ? t->last : s->last_time;
    }
    int64_t unit = common_unit(m);
    s->unit = (double)unit;
    if (unit)
        s->near_times = pages_alloc((s->count + 3) * sizeof *s->near_times);
    else
        s->times = pages_alloc((s->count + 1) * sizeof *s->times);
}

/* ---- parts in order ---- */

static bool next_part(struct making *m, unsigned *number)
{
    *number = atomic_fetch_add(&m->next, 1);
    return *number < PIT_PARTS;
}

static void each_part(struct making *m, void (*work)(void *context, unsigned number))
{
    atomic_store(&m->next, 0);
    team_run(m->jobs, work, m);
}

/* The number of each label's id, and where the labels of each id begin: count + 1 numbers. */
static uint32_t *number_ids(struct pit_part *p, const struct entry *own, size_t n, uint32_t *codes)
{
    for (size_t i = 0; i < n; i++) {
        struct text id = {NULL, own[i].len};
        if (id.len > 16)
            memcpy(&id.at, &own[i].key.words[1], sizeof id.at);
        codes[i] = pit_part_put(p, &own[i].key, id);
    }
    uint32_t *start = mem_alloc(((size_t)p->count + 1) * sizeof *start), sum = 0;
    for (size_t i = 0; i < n; i++)
        start[codes[i]]++;
    for (size_t i = 0; i <= p->count; i++) {
        uint32_t labels = start[i];
        start[i] = sum;
        sum += labels;
    }
    return start;
}

static void sort_labels(const struct entry *own, size_t n, const uint32_t *codes,
                        const uint32_t *start, uint32_t ids, struct timed *sorted)
{
    uint32_t *next = mem_copy(start, ((size_t)ids + 1) * sizeof *next);
    for (size_t i = 0; i < n; i++)
        sorted[next[codes[i]]++] = (struct timed){own[i].time, own[i].label};
    for (uint32_t i = 0; i < ids; i++)
        sort(sorted + start[i], start[i + 1] - start[i]);
    mem_free(next);
}

/* As they are in `sorted`, from number `base` on. */
static void note_labels(struct pit_slots *s, const struct timed *sorted, size_t n, size_t base)
{
    int64_t unit = (int64_t)s->unit;
    for (size_t i = 0; i < n; i++) {
        s->label[base + i] = sorted[i].label;
        if (unit)
            s->near_times[base + i] = (uint32_t)((sorted[i].time - s->first_time) / unit);
        else
            s->times[base + i] = sorted[i].time;
    }
}

static uint64_t note_ids(const struct making *m, struct pit_part *p, const uint32_t *start,
                         size_t base)
{
    uint64_t slots = 0;
    for (size_t i = 0; p->slots && i <= p->mask; i++) {
        struct pit_id *id = &p->slots[i];
        if (!id->code)
            continue;
        id->first = (uint32_t)base + start[id->code - 1];
        id->count = start[id->code] - start[id->code - 1];
        slots += (uint64_t)id->count * (m->known ? pit_levels(id->count) : 1);
    }
    return slots;
}

static void order_parts(void *context, unsigned thread)
{
    (void)thread;
    struct making *m = context;
    uint32_t *codes = mem_array(NULL, m->largest + 1, sizeof *codes);
    struct timed *sorted = mem_array(NULL, m->largest + 1, sizeof *sorted);
    for (unsigned i; next_part(m, &i);) {
        size_t base = m->starts[i], n = m->starts[i + 1] - base;
        const struct entry *own = m->entries + base;
        struct pit_part *p = &m->parts[i];
        uint32_t *start = number_ids(p, own, n, codes);
        sort_labels(own, n, codes, start, p->count, sorted);
        note_labels(m->s, sorted, n, base);
        m->slots[i] = note_ids(m, p, start, base);
        mem_free(start);
    }
    mem_free(sorted);
    mem_free(codes);
}

/* ---- slots ---- */

static void place_slots(struct making *m)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i <= PIT_PARTS; i++) {
        uint64_t own = i < PIT_PARTS ? m->slots[i] : 0;
        m->slots[i] = sum;
        sum += own;
    }
    m->s->slot_count = sum;
}

static void make_slots(void *context, unsigned thread)
{
    (void)thread;
    struct making *m = context;
    struct pit_slots *s = m->s;
    for (unsigned i; next_part(m, &i);) {
        uint64_t base = m->slots[i];
        for (uint64_t k = base; k < m->slots[i + 1]; k++)
            s->slots[k] = (struct pit_slot){.time = PIT_NO_TIME};
        pit_ids_take(m->ids, i, &m->parts[i]);
        const struct pit_id *ids = pit_ids_part(m->ids, i);
        for (size_t k = 0; m->known && k <= m->ids->mask; k++)
            if (ids[k].code) {
                make_tree(s, &ids[k], base, m->known);
                base += (uint64_t)ids[k].count * pit_levels(ids[k].count);
            }
    }
}

static void make(struct making *m)
{
    struct pit_slots *s = m->s;
    team_run(m->jobs, count_labels, m);
    place_parts(m);
    settle_times(m);
    m->entries = pages_alloc((s->count + 1) * sizeof *m->entries);
    team_run(m->jobs, deal_labels, m);
    s->label = pages_alloc((s->count + 1) * sizeof *s->label);
    each_part(m, order_parts);
    pages_free(m->entries, (s->count + 1) * sizeof *m->entries);
    place_slots(m);
    s->slots = pages_alloc((s->slot_count + 1) * sizeof *s->slots);
    if (m->known) {
        s->tree = mem_array(NULL, s->count + 1, sizeof *s->tree);
        s->known = mem_array(NULL, s->slot_count + 1, sizeof *s->known);
        s->place = mem_array(NULL, s->slot_count + 1, sizeof *s->place);
    }
    pit_ids_make(m->ids, m->parts);
    each_part(m, make_slots);
}

void pit_slots_make(struct pit_slots *s, struct pit_ids *ids, const struct pit_label *labels,
                    const usec *known, size_t n, unsigned jobs)
{
    size_t first = 0;
    *s = (struct pit_slots){0};
    while (first < n && !labels[first].id.at)
        first++;
    if (first == n)
        return;
    struct making *m = mem_alloc(sizeof *m);
    *m = (struct making){.s = s,
                         .ids = ids,
                         .labels = labels,
                         .known = known,
                         .n = n,
                         .jobs = jobs,
                         .some_time = labels[first].time,
                         .tallies = mem_array(NULL, jobs, sizeof *m->tallies)};
    make(m);
    mem_free(m->tallies);
    mem_free(m);
}

void pit_slots_release(struct pit_slots *s)
{
    pages_free(s->times, (s->count + 1) * sizeof *s->times);
    pages_free(s->near_times, (s->count + 3) * sizeof *s->near_times);
    pages_free(s->label, (s->count + 1) * sizeof *s->label);
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
    improve(best, atomic_load_explicit(&s->time, memory_order_relaxed), pit_slot_row(s));
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

struct winning {
    const struct pit_slots *s;
    const struct pit_ids *ids;
    struct pit_winner *out;
    atomic_uint next;
};

static void find_winners(void *context, unsigned thread)
{
    (void)thread;
    struct winning *w = context;
    for (unsigned part; (part = atomic_fetch_add(&w->next, 1)) < PIT_PARTS;) {
        const struct pit_id *ids = pit_ids_part(w->ids, part);
        for (size_t i = 0; i <= w->ids->mask; i++)
            if (ids[i].code && w->s->tree)
                winners_in_tree(w->s, &ids[i], w->out);
            else if (ids[i].code)
                winners_in_order(w->s, &ids[i], w->out);
    }
}

void pit_slots_winners(const struct pit_slots *s, const struct pit_ids *ids, struct pit_winner *out,
                       unsigned jobs)
{
    struct winning w = {.s = s, .ids = ids, .out = out};
    team_run(s->count ? jobs : 0, find_winners, &w);
}
