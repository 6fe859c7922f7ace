/* Ids, entities, rows and sources of the point-in-time join. For the files of this module. */
#ifndef STORE_PIT_PARTS_H
#define STORE_PIT_PARTS_H

#include "store/pit.h"

#include <stdatomic.h>

/* ---- ids ---- */

/* An id as two words that are equal when the ids are: its bytes where it has up to 16, else its
 * hash and nothing. */
struct pit_key {
    uint64_t words[2], hash;
};

static inline uint64_t pit_load(const char *p, size_t n)
{
    uint64_t x = 0;
    memcpy(&x, p, n);
    return x;
}

static inline uint64_t pit_hash(uint64_t first, uint64_t second, size_t len)
{
    struct bits128 p =
        bits128_product(first ^ 0x9e3779b97f4a7c15U, (second + len) ^ 0xd1b54a32d192ed03U);
    return p.high ^ p.low;
}

/* Words of short ids overlap, and tell apart what has the same length. */
static inline void pit_key_make(struct pit_key *key, struct text id)
{
    const char *p = id.at;
    size_t n = id.len;
    key->words[0] = key->words[1] = 0;
    if (LIKELY(n >= 4 && n < 8)) {
        key->words[0] = pit_load(p, 4) | pit_load(p + n - 4, 4) << 32;
    } else if (LIKELY(n >= 8 && n <= 16)) {
        key->words[0] = pit_load(p, 8);
        key->words[1] = pit_load(p + n - 8, 8);
    } else if (n > 16) {
        key->words[0] = xxh64(p, n, 0);
    } else if (n > 0) {
        key->words[0] = pit_load(p, 1) | pit_load(p + n / 2, 1) << 8 | pit_load(p + n - 1, 1) << 16;
    }
    key->hash = pit_hash(key->words[0], key->words[1], n);
}

/* ---- slots ---- */

#define PIT_ROOM_MAX ((UINT32_C(1) << 29) - 1)

/* A row as it was kept. When it expires, which few do, the time follows, and then its bytes. */
struct pit_row {
    uint64_t lsn;
    uint32_t len;
    uint32_t deleted : 1, expires : 1;
    uint32_t moved : 1; /* lsn is the address of its copy */
    uint32_t room : 29; /* behind this head, in words of 8 bytes */
};

static inline char *pit_row_bytes(struct pit_row *row)
{
    return (char *)(row + 1) + (row->expires ? sizeof(usec) : 0);
}

static inline usec pit_row_expiry(const struct pit_row *row)
{
    usec t = STORE_NEVER;
    if (row->expires)
        memcpy(&t, row + 1, sizeof t);
    return t;
}

/* The best record so far of those that are candidates from here on. Two words, so that it never
 * lies across two lines of the cache. */
struct pit_slot {
    _Atomic usec time; /* PIT_NO_TIME: none; PIT_BUSY: a thread is at the row */
    struct pit_row *_Atomic row;
};
#define PIT_BUSY    INT64_MIN /* the time of no record */
#define PIT_NO_TIME (INT64_MIN + 1)

static inline struct pit_row *pit_slot_row(const struct pit_slot *s)
{
    return atomic_load_explicit(&s->row, memory_order_relaxed);
}

/* ---- entities: an id and its labels ---- */

struct pit_label {
    struct text id; /* missing: it has no candidates */
    usec time;
};

/* All of an entity is one piece of memory, so that a record meets few lines of the cache, side by
 * side: this head, its labels' times in order and, from the next multiple of 16 on, a slot for
 * each. */
struct pit_entity {
    uint64_t words[2]; /* of its id's key, the second of a long one being where it stands */
    uint32_t len;      /* of the id */
    uint32_t count;    /* of labels */
};

/* They are dealt out by the hash of the id, so that threads make each part's by themselves. */
enum { PIT_PARTS = 64, PIT_UNIT = 64 /* bytes; where an entity begins is a multiple of it */ };

#define PIT_NOWHERE UINT32_MAX

struct pit_entities {
    size_t labels;
    uint32_t *place; /* of each label its slot, in multiples of 16 bytes; PIT_NOWHERE: no id */
    char *bytes;     /* the entities; NULL: there are none */
    size_t starts[PIT_PARTS + 1]; /* of the parts, there */
    /* mask + 1 a part: bits of the hash above, below 1 + the number of the unit where the entity
     * begins; 0: nothing. Small, so that it stays in the cache. */
    uint64_t *table;
    size_t mask;
    /* Times are in 32 bits where all are whole units after the first one; unit 0: as they are. */
    size_t times_at, time_size;
    usec first_time, last_time; /* of all */
    double unit;
    /* PIT_KNOWN_BY. Of an entity with n labels, in levels 0, 1 ... until a block has all: n slots
     * from tree[start + level * n] on, in blocks of 1 << level, each in order of known. The start
     * follows the entity's head, its own slots are there for the winners. */
    struct pit_slot *tree;
    size_t tree_size;
    usec *known;
    uint32_t *number; /* of the label, in 0 .. n */
};

/* Levels of the tree of n labels. */
static inline unsigned pit_levels(uint32_t n)
{
    unsigned levels = 1;
    while (n > (uint32_t)1 << (levels - 1))
        levels++;
    return levels;
}

/* With that many threads. Ids are borrowed from the labels. known: NULL, or as many. */
void pit_entities_make(struct pit_entities *s, const struct pit_label *labels, const usec *known,
                       size_t n, unsigned jobs);
void pit_entities_release(struct pit_entities *s);
/* Finds the winners, which are then in the slots of the labels. */
void pit_entities_decide(struct pit_entities *s, unsigned jobs);

/* Behind the times, and those that are read with the last four. */
static inline size_t pit_slots_at(const struct pit_entities *s, uint32_t count)
{
    return (s->times_at + s->time_size * ((size_t)count + 3) + 15) / 16 * 16;
}

static inline size_t pit_entity_size(const struct pit_entities *s, uint32_t count)
{
    size_t n = pit_slots_at(s, count) + count * sizeof(struct pit_slot);
    return (n + PIT_UNIT - 1) / PIT_UNIT * PIT_UNIT;
}

static inline struct pit_slot *pit_slots_of(const struct pit_entities *s,
                                            const struct pit_entity *entity)
{
    return (struct pit_slot *)((char *)(uintptr_t)entity + pit_slots_at(s, entity->count));
}

static inline uint64_t pit_tree_of(const struct pit_entity *entity)
{
    uint64_t start;
    memcpy(&start, entity + 1, sizeof start);
    return start;
}

/* The winner of a label, once that is decided; NULL: none. */
static inline const struct pit_slot *pit_winner_of(const struct pit_entities *s, size_t label)
{
    if (!s->bytes || s->place[label] == PIT_NOWHERE)
        return NULL;
    const void *at = s->bytes + (size_t)s->place[label] * sizeof(struct pit_slot);
    const struct pit_slot *w = at;
    return pit_slot_row(w) ? w : NULL;
}

/* ---- finding ---- */

static inline unsigned pit_part_of(uint64_t hash)
{
    return (unsigned)(hash >> 58);
}

/* Where it is looked for first. */
static inline const uint64_t *pit_table_home(const struct pit_entities *s,
                                             const struct pit_key *key)
{
    return s->table + pit_part_of(key->hash) * (s->mask + 1) + ((uint32_t)key->hash & s->mask);
}

extern const struct pit_entity pit_nobody; /* has no labels */

/* From the place on that *at says: the next entity of which the hash may be the key's; pit_nobody
 * when there is none. Its memory isn't looked at. */
static inline const struct pit_entity *pit_next_like(const struct pit_entities *s,
                                                     const struct pit_key *key, size_t *at)
{
    const uint64_t *part = s->table + pit_part_of(key->hash) * (s->mask + 1);
    for (;; ++*at) {
        uint64_t x = part[*at & s->mask];
        if (!x)
            return &pit_nobody;
        if (x >> 32 == (uint32_t)key->hash)
            return (const struct pit_entity *)(s->bytes + ((uint32_t)x - 1) * (size_t)PIT_UNIT);
    }
}

static inline const struct pit_entity *pit_first_like(const struct pit_entities *s,
                                                      const struct pit_key *key)
{
    size_t at = (uint32_t)key->hash;
    return pit_next_like(s, key, &at);
}

static inline bool pit_entity_is(const struct pit_entity *entity, const struct pit_key *key,
                                 struct text id)
{
    if (entity->words[0] != key->words[0] || entity->len != id.len)
        return false;
    if (LIKELY(id.len <= 16))
        return entity->words[1] == key->words[1];
    const char *at;
    memcpy(&at, &entity->words[1], sizeof at);
    return memcmp(at, id.at, id.len) == 0;
}

/* The id's entity, or pit_nobody. */
const struct pit_entity *pit_entity_find(const struct pit_entities *s, const struct pit_key *key,
                                         struct text id);

/* Index of the first of n ascending times that is not before t; n when there is none. */
static inline uint32_t pit_first_from(const usec *times, uint32_t n, usec t)
{
    const usec *at = times;
    for (; n > 1; n -= n / 2)
        at += at[n / 2 - 1] < t ? n / 2 : 0;
    return (uint32_t)(at - times) + (n == 1 && *at < t);
}

typedef uint32_t pit_lanes __attribute__((vector_size(16)));

/* Few are counted rather than searched. Four are read at a time, up to three behind the last. */
static inline uint32_t pit_first_near(const uint32_t *times, uint32_t n, uint32_t t)
{
    const uint32_t *at = times;
    for (; n > 16; n -= n / 2)
        at += at[n / 2 - 1] < t ? n / 2 : 0;
    pit_lanes before = {0}, number = {0, 1, 2, 3};
    for (uint32_t k = 0; k < n; k += 4, number += 4) {
        pit_lanes four;
        memcpy(&four, at + k, sizeof four);
        before -= (pit_lanes)((four < t) & (number < n));
    }
    return (uint32_t)(at - times) + before[0] + before[1] + before[2] + before[3];
}

/* The first of an entity's labels that is not before t. */
static inline uint32_t pit_first_label(const struct pit_entities *s,
                                       const struct pit_entity *entity, usec t)
{
    const void *times = (const char *)entity + s->times_at;
    if (s->unit == 0)
        return pit_first_from(times, entity->count, t);
    if (t <= s->first_time)
        return 0;
    /* Exact as far as 32 bits go: units are at most 10^6, and 2^32 of them are below 2^53. */
    double units = (double)((uint64_t)t - (uint64_t)s->first_time) / s->unit;
    uint64_t whole = units > (double)UINT32_MAX ? UINT64_MAX : (uint64_t)units;
    if (whole > UINT32_MAX || (whole += (double)whole < units) > UINT32_MAX)
        return entity->count;
    return pit_first_near(times, entity->count, (uint32_t)whole);
}

/* ---- rows ---- */

/* Copies of rows, made by one thread. */
struct pit_rows {
    struct pit_rows_block *blocks;
};
/* A row with room for len bytes, to be filled; *held grows by what was taken from the system. */
struct pit_row *pit_rows_add(struct pit_rows *rows, size_t len, size_t *held);
void pit_rows_release(struct pit_rows *rows);

/* ---- sources ---- */

struct pit_record {
    struct text id;
    usec event_time, write_time, expires_at;
    uint64_t lsn;
    bool deleted;
    struct text row; /* as the source has it, */
    size_t number;   /* or the number of the row in the piece */
};

/* A piece of a source, for one thread. The first member of what a kind makes. */
struct pit_piece {
    uint64_t sequence;
};

struct pit_source_kind {
    /* Before each pass, in which labels are of that time at the latest. */
    int (*begin)(struct pit_source *s, usec latest, struct error *e);
    struct pit_piece *(*piece_new)(struct pit_source *s);
    void (*piece_free)(struct pit_piece *p);
    /* The next piece: 1, 0 at the end, < 0. Any thread; they are numbered in the source's order. */
    int (*next)(struct pit_source *s, struct pit_piece *p, struct error *e);
    /* The next of a piece's records, which borrow until the next call: how many, 0 at the end, < 0.
     */
    int (*take)(struct pit_source *s, struct pit_piece *p, struct pit_record *out, int n,
                struct error *e);
    /* A record's features as bytes, for cell. */
    size_t (*size)(struct pit_source *s, struct pit_piece *p, struct pit_record *r);
    void (*copy)(struct pit_source *s, struct pit_piece *p, const struct pit_record *r, char *into);
    struct text (*cell)(const struct pit_source *s, struct text row, size_t feature,
                        char room[static TIME_MAX]);
    void (*close)(struct pit_source *s);
};

/* The first member of what a kind opens. */
struct pit_source {
    const struct pit_source_kind *kind;
    struct pit_about about;
    struct arena arena;
    uint64_t last;
    size_t row_bytes; /* about so many bytes of a row are kept */
};

/* The numbers of the features that are named, all without names; in the arena. */
int pit_choose(struct pit_source *s, const char *names, const struct field *all, size_t count,
               size_t **numbers, struct error *e);

#endif
