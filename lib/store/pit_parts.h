/* Ids, slots, rows and sources of the point-in-time join. For the files of this module. */
#ifndef STORE_PIT_PARTS_H
#define STORE_PIT_PARTS_H

#include "store/pit.h"

#include <stdatomic.h>

/* ---- ids ---- */

/* An id as two words that are equal when the ids are: its bytes where it has up to 16, else its
 * hash and where it stands. */
struct pit_key {
    uint64_t words[2], hash;
};

/* A slot of the table, half a line of the cache. */
struct pit_id {
    uint64_t words[2];
    uint32_t len;
    uint32_t code;         /* 1 + number in order of arrival; 0: the slot is empty */
    uint32_t first, count; /* its labels, once they are in order */
};
_Static_assert(sizeof(struct pit_id) == 32, "two to a line of the cache");

/* Ids are dealt out by their hash, so that threads put each part's labels in order by themselves.
 */
enum { PIT_PARTS = 64 };

/* The ids of one part, while they are counted; owns its slots. */
struct pit_part {
    struct pit_id *slots; /* mask + 1 of them */
    size_t mask;
    uint32_t count;
};
/* Its number in the part. id is borrowed. */
uint32_t pit_part_put(struct pit_part *p, const struct pit_key *key, struct text id);

/* Those of all parts, one after the other in one piece of memory. */
struct pit_ids {
    struct pit_id *slots; /* mask + 1 a part */
    size_t mask;
};
/* Empty, with room for all that the parts have. */
void pit_ids_make(struct pit_ids *ids, const struct pit_part parts[static PIT_PARTS]);
void pit_ids_take(struct pit_ids *ids, unsigned number, struct pit_part *part); /* frees it */
void pit_ids_release(struct pit_ids *ids);

static inline unsigned pit_part_of(uint64_t hash)
{
    return (unsigned)(hash >> 58);
}

static inline struct pit_id *pit_ids_part(const struct pit_ids *ids, unsigned number)
{
    return ids->slots + number * (ids->mask + 1);
}

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

/* Whether a slot with long ids whose hashes are equal has this one. */
bool pit_id_equal(const struct pit_id *slot, struct text id);

/* The slot that is looked into after slot `at`: the other one of its line, then a line further. */
static inline size_t pit_id_next(size_t at, size_t home, size_t mask)
{
    return (at ^ home) & 1 ? ((at ^ 1) + 2) & mask : at ^ 1;
}

/* Where it is among mask + 1 slots, or the empty one where it would be. */
static inline struct pit_id *pit_id_find(struct pit_id *slots, size_t mask,
                                         const struct pit_key *key, struct text id)
{
    size_t home = key->hash & mask;
    for (size_t at = home;; at = pit_id_next(at, home, mask)) {
        struct pit_id *slot = &slots[at];
        bool same = slot->words[0] == key->words[0] && slot->len == id.len;
        if (!slot->code ||
            (same && (id.len <= 16 ? slot->words[1] == key->words[1] : pit_id_equal(slot, id))))
            return slot;
    }
}

static inline const struct pit_id *pit_ids_find(const struct pit_ids *ids,
                                                const struct pit_key *key, struct text id)
{
    return pit_id_find(pit_ids_part(ids, pit_part_of(key->hash)), ids->mask, key, id);
}

/* Where it is looked for first. */
static inline const struct pit_id *pit_ids_home(const struct pit_ids *ids,
                                                const struct pit_key *key)
{
    return pit_ids_part(ids, pit_part_of(key->hash)) + (key->hash & ids->mask);
}

/* ---- slots ---- */

struct pit_label {
    struct text id; /* missing: it has no candidates */
    usec time;
};

#define PIT_ROOM_MAX ((UINT32_C(1) << 30) - 1)

/* A row as it was kept. Bytes follow. */
struct pit_row {
    uint64_t lsn;
    usec expires_at;
    uint32_t len;
    uint32_t deleted : 2, room : 30; /* for so many words of 8 bytes */
};

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

/* The labels in order of id and time. */
struct pit_slots {
    size_t count; /* of labels that have an id */
    /* count; or, where all are whole units after the first one, how many in 32 bits: half as much
     * memory to wait for */
    usec *times;
    uint32_t *near_times;       /* three more are there to be read */
    usec first_time, last_time; /* of all */
    double unit;
    uint32_t *label;        /* count: which one it is */
    struct pit_slot *slots; /* slot_count: count, or those of the tree */
    size_t slot_count;
    /* PIT_KNOWN_BY. Of an id with n labels from `first` on, in levels 0, 1 ... until a block has
     * all: n entries from tree[first] + level * n on, in blocks of 1 << level, each in order of
     * known. */
    uint64_t *tree;
    usec *known;
    uint32_t *place; /* in 0 .. n */
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
void pit_slots_make(struct pit_slots *s, struct pit_ids *ids, const struct pit_label *labels,
                    const usec *known, size_t n, unsigned jobs);
void pit_slots_release(struct pit_slots *s);

/* The winner of each label. */
struct pit_winner {
    usec time; /* INT64_MIN: none */
    struct pit_row *row;
};
void pit_slots_winners(const struct pit_slots *s, const struct pit_ids *ids, struct pit_winner *out,
                       unsigned jobs);

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

/* The first of an id's labels that is not before t. */
static inline uint32_t pit_first_label(const struct pit_slots *s, const struct pit_id *id, usec t)
{
    if (!s->near_times)
        return pit_first_from(s->times + id->first, id->count, t);
    if (t <= s->first_time)
        return 0;
    /* Exact as far as 32 bits go: units are at most 10^6, and 2^32 of them are below 2^53. */
    double units = (double)((uint64_t)t - (uint64_t)s->first_time) / s->unit;
    uint64_t whole = units > (double)UINT32_MAX ? UINT64_MAX : (uint64_t)units;
    if (whole > UINT32_MAX || (whole += (double)whole < units) > UINT32_MAX)
        return id->count;
    return pit_first_near(s->near_times + id->first, id->count, (uint32_t)whole);
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
