/* Labels become entities: dealt to their parts, numbered, and each entity written in one piece. */
#include "store/pit_parts.h"
#include "sys/sys.h"

#include <stdlib.h>

struct timed {
    usec time;
    uint32_t label;
};

/* A label on its way to its entity. */
struct entry {
    uint64_t words[2]; /* as an entity has them; then the first is the number of the entity */
    usec time;
    uint32_t label, len; /* of the id */
};

/* What one thread found in its share of the labels. */
struct tally {
    size_t counts[PIT_PARTS]; /* labels by part; then where the next one of the part goes */
    usec first, last;
    bool whole[2]; /* all times are as many units after each other */
};

/* The entities of a part, in order of arrival. */
struct part {
    VEC(struct pit_entity) entities;
    uint64_t tree; /* slots in the trees; then where they begin */
};

/* What the threads that make entities share. */
struct making {
    struct pit_entities *s;
    const struct pit_label *labels;
    const usec *known;
    size_t n;
    unsigned jobs;
    usec some_time; /* of a label with an id */
    struct tally *tallies;
    struct entry *entries;                 /* by part */
    size_t starts[PIT_PARTS + 1], largest; /* of the parts, in labels */
    struct part parts[PIT_PARTS];
    atomic_uint next;
};

const struct pit_entity pit_nobody = {.words = {0}};

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

/* Level `level` of an entity's n labels from the one below. */
static void merge_level(struct pit_entities *s, uint64_t start, uint32_t n, unsigned level)
{
    size_t half = (size_t)1 << (level - 1);
    uint64_t below = start + (level - 1) * (uint64_t)n, here = below + n;
    for (size_t block = 0; block < n; block += 2 * half) {
        size_t left = block, middle = left + half < n ? left + half : n, right = middle;
        size_t end = middle + half < n ? middle + half : n;
        for (size_t to = block; to < end; to++) {
            bool from_right =
                left == middle || (right < end && s->known[below + right] < s->known[below + left]);
            size_t from = from_right ? right++ : left++;
            s->known[here + to] = s->known[below + from];
            s->number[here + to] = s->number[below + from];
        }
    }
}

/* How many slots it has. */
static uint64_t write_tree(const struct making *m, char *at, uint64_t start,
                           const struct timed *labels)
{
    struct pit_entities *s = m->s;
    uint32_t n = ((const struct pit_entity *)at)->count;
    uint64_t size = (uint64_t)n * pit_levels(n);
    memcpy(at + sizeof(struct pit_entity), &start, sizeof start);
    for (uint64_t i = 0; i < size; i++)
        s->tree[start + i] = (struct pit_slot){.time = PIT_NO_TIME};
    for (uint32_t k = 0; k < n; k++) {
        s->known[start + k] = m->known[labels[k].label];
        s->number[start + k] = k;
    }
    for (unsigned level = 1; level < pit_levels(n); level++)
        merge_level(s, start, n, level);
    return size;
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
        struct pit_key key;
        m->s->place[i] = PIT_NOWHERE;
        if (!l->id.at)
            continue;
        pit_key_make(&key, l->id);
        memcpy(x.words, key.words, sizeof x.words);
        if (l->id.len > 16)
            memcpy(&x.words[1], &l->id.at, sizeof l->id.at);
        m->entries[t->counts[pit_part_of(key.hash)]++] = x;
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
    m->starts[PIT_PARTS] = sum;
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
    struct pit_entities *s = m->s;
    s->first_time = INT64_MAX;
    s->last_time = INT64_MIN;
    for (unsigned k = 0; k < m->jobs; k++) {
        const struct tally *t = &m->tallies[k];
        s->first_time = t->first < s->first_time ? t->first : s->first_time;
        s->last_time = t->last > s->last_time ? t->last : s->last_time;
    }
    s->unit = (double)common_unit(m);
    s->time_size = s->unit > 0 ? sizeof(uint32_t) : sizeof(usec);
    s->times_at = sizeof(struct pit_entity) + (m->known ? sizeof(uint64_t) : 0);
}

/* ---- numbering the entities of a part ---- */

static uint64_t table_entry(uint64_t hash, uint64_t below)
{
    return (uint64_t)(uint32_t)hash << 32 | below;
}

static void table_put(uint64_t *table, size_t mask, uint64_t entry)
{
    size_t at = entry >> 32;
    while (table[at & mask])
        at++;
    table[at & mask] = entry;
}

/* From ids to numbers, below 1 + the number. */
struct numbering {
    uint64_t *table;
    size_t mask;
};

static void grow(struct numbering *t)
{
    struct numbering bigger = {.mask = t->table ? t->mask * 2 + 1 : 63};
    bigger.table = mem_alloc((bigger.mask + 1) * sizeof *bigger.table);
    for (size_t i = 0; t->table && i <= t->mask; i++)
        if (t->table[i])
            table_put(bigger.table, bigger.mask, t->table[i]);
    mem_free(t->table);
    *t = bigger;
}

/* The key of which an entity keeps the words, and the id if it is long. */
static struct pit_key key_of(const uint64_t words[static 2], size_t len, struct text *id)
{
    struct pit_key key = {.words = {words[0], words[1]}};
    *id = (struct text){NULL, len};
    if (len > 16) {
        memcpy(&id->at, &words[1], sizeof id->at);
        key.words[1] = 0;
    }
    key.hash = pit_hash(key.words[0], key.words[1], len);
    return key;
}

static uint32_t number_of(struct numbering *t, struct part *p, const struct entry *x)
{
    struct text id;
    struct pit_key key = key_of(x->words, x->len, &id);
    if (!t->table || p->entities.len >= t->mask / 2)
        grow(t);
    size_t at = (uint32_t)key.hash;
    for (uint64_t found; (found = t->table[at & t->mask]) != 0; at++) {
        uint32_t number = (uint32_t)found - 1;
        if (found >> 32 == (uint32_t)key.hash && pit_entity_is(&p->entities.at[number], &key, id))
            return number;
    }
    vec_push(&p->entities,
             ((struct pit_entity){.words = {x->words[0], x->words[1]}, .len = x->len}));
    table_put(t->table, t->mask, table_entry(key.hash, p->entities.len));
    return (uint32_t)p->entities.len - 1;
}

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

static void number_parts(void *context, unsigned thread)
{
    (void)thread;
    struct making *m = context;
    for (unsigned i; next_part(m, &i);) {
        struct part *p = &m->parts[i];
        struct numbering t = {0};
        for (size_t k = m->starts[i]; k < m->starts[i + 1]; k++) {
            uint32_t number = number_of(&t, p, &m->entries[k]);
            m->entries[k].words[0] = number;
            p->entities.at[number].count++;
        }
        mem_free(t.table);
    }
}

/* ---- writing them ---- */

static void place_entities(struct making *m)
{
    struct pit_entities *s = m->s;
    size_t sum = 0, most = 0;
    for (unsigned i = 0; i < PIT_PARTS; i++) {
        struct part *p = &m->parts[i];
        uint64_t tree = s->tree_size;
        s->starts[i] = sum;
        for (size_t k = 0; k < p->entities.len; k++) {
            uint32_t count = p->entities.at[k].count;
            sum += pit_entity_size(s, count);
            s->tree_size += m->known ? (uint64_t)count * pit_levels(count) : 0;
        }
        p->tree = tree;
        most = p->entities.len > most ? p->entities.len : most;
    }
    s->starts[PIT_PARTS] = sum;
    for (s->mask = 63; s->mask / 2 < most;)
        s->mask = s->mask * 2 + 1;
}

/* The entries of a part, entity by entity. */
static void group_entries(const struct part *p, const struct entry *own, size_t n,
                          struct timed *grouped)
{
    uint32_t *next = mem_alloc((p->entities.len + 1) * sizeof *next), sum = 0;
    for (size_t k = 0; k < p->entities.len; k++) {
        next[k] = sum;
        sum += p->entities.at[k].count;
    }
    for (size_t i = 0; i < n; i++)
        grouped[next[own[i].words[0]]++] = (struct timed){own[i].time, own[i].label};
    mem_free(next);
}

/* Its labels are in order. */
static void write_entity(const struct making *m, char *at, const struct pit_entity *head,
                         const struct timed *labels)
{
    struct pit_entities *s = m->s;
    char *times = at + s->times_at;
    int64_t unit = (int64_t)s->unit;
    memcpy(at, head, sizeof *head);
    struct pit_slot *slots = pit_slots_of(s, (const struct pit_entity *)at);
    size_t first = (size_t)((char *)slots - s->bytes) / sizeof *slots;
    for (uint32_t i = 0; i < head->count; i++) {
        uint32_t near = unit ? (uint32_t)((labels[i].time - s->first_time) / unit) : 0;
        memcpy(times + i * s->time_size, unit ? (const void *)&near : &labels[i].time,
               s->time_size);
        slots[i] = (struct pit_slot){.time = PIT_NO_TIME};
        s->place[labels[i].label] = (uint32_t)(first + i);
    }
}

static void note_entity(const struct making *m, unsigned part, const char *at,
                        const struct pit_entity *head)
{
    struct text id;
    uint64_t unit = (uint64_t)(at - m->s->bytes) / PIT_UNIT;
    uint64_t hash = key_of(head->words, head->len, &id).hash;
    table_put(m->s->table + part * (m->s->mask + 1), m->s->mask, table_entry(hash, unit + 1));
}

static void write_parts(void *context, unsigned thread)
{
    (void)thread;
    struct making *m = context;
    struct timed *grouped = mem_array(NULL, m->largest + 1, sizeof *grouped);
    for (unsigned i; next_part(m, &i);) {
        struct part *p = &m->parts[i];
        struct timed *labels = grouped;
        char *at = m->s->bytes + m->s->starts[i];
        group_entries(p, m->entries + m->starts[i], m->starts[i + 1] - m->starts[i], grouped);
        for (size_t k = 0; k < p->entities.len; k++) {
            const struct pit_entity *head = &p->entities.at[k];
            sort(labels, head->count);
            write_entity(m, at, head, labels);
            note_entity(m, i, at, head);
            if (m->known)
                p->tree += write_tree(m, at, p->tree, labels);
            labels += head->count;
            at += pit_entity_size(m->s, head->count);
        }
        vec_release(&p->entities);
    }
    mem_free(grouped);
}

static void make(struct making *m)
{
    struct pit_entities *s = m->s;
    team_run(m->jobs, count_labels, m);
    place_parts(m);
    settle_times(m);
    size_t count = m->starts[PIT_PARTS];
    m->entries = pages_alloc((count + 1) * sizeof *m->entries);
    team_run(m->jobs, deal_labels, m);
    each_part(m, number_parts);
    place_entities(m);
    s->bytes = pages_alloc(s->starts[PIT_PARTS]);
    s->table = pages_alloc((s->mask + 1) * PIT_PARTS * sizeof *s->table);
    if (m->known) {
        s->tree = pages_alloc((s->tree_size + 1) * sizeof *s->tree);
        s->known = mem_array(NULL, s->tree_size + 1, sizeof *s->known);
        s->number = mem_array(NULL, s->tree_size + 1, sizeof *s->number);
    }
    each_part(m, write_parts);
    pages_free(m->entries, (count + 1) * sizeof *m->entries);
}

void pit_entities_make(struct pit_entities *s, const struct pit_label *labels, const usec *known,
                       size_t n, unsigned jobs)
{
    size_t first = 0;
    *s = (struct pit_entities){.labels = n};
    while (first < n && !labels[first].id.at)
        first++;
    if (first == n)
        return;
    s->place = pages_alloc((n + 1) * sizeof *s->place);
    struct making *m = mem_alloc(sizeof *m);
    *m = (struct making){.s = s,
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

void pit_entities_release(struct pit_entities *s)
{
    pages_free(s->place, (s->labels + 1) * sizeof *s->place);
    pages_free(s->bytes, s->starts[PIT_PARTS]);
    pages_free(s->table, (s->mask + 1) * PIT_PARTS * sizeof *s->table);
    pages_free(s->tree, (s->tree_size + 1) * sizeof *s->tree);
    mem_free(s->known);
    mem_free(s->number);
    *s = (struct pit_entities){0};
}

const struct pit_entity *pit_entity_find(const struct pit_entities *s, const struct pit_key *key,
                                         struct text id)
{
    for (size_t at = (uint32_t)key->hash;; at++) {
        const struct pit_entity *entity = pit_next_like(s, key, &at);
        if (entity == &pit_nobody || pit_entity_is(entity, key, id))
            return entity;
    }
}
