/*
 * Open addressing with linear probing. A slot of 8 bytes holds the key's number and 32 bits of its
 * hash, so a probe reads the key itself only when it is almost surely the one; the full hashes are
 * kept, so growing never reads a key.
 */
#include "base/base.h"

enum { MAP_FIRST_SLOTS = 16 };

struct map_slot {
    uint32_t number; /* of the key, plus 1; 0 = empty */
    uint32_t tag;    /* high half of the hash */
};

static inline uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

/* The slot of the key, or the empty slot where it would go. */
static struct map_slot *find_slot(const struct map *m, struct text key, uint64_t hash)
{
    for (size_t i = (size_t)hash & m->mask;; i = (i + 1) & m->mask) {
        struct map_slot *slot = &m->slots[i];
        if (slot->number == 0)
            return slot;
        if (slot->tag != tag_of(hash))
            continue;
        struct text known = m->keys.at[slot->number - 1];
        if (known.len == key.len && (key.len == 0 || memcmp(known.at, key.at, key.len) == 0))
            return slot;
    }
}

static void map_grow(struct map *m)
{
    size_t count = m->slots ? (m->mask + 1) * 2 : MAP_FIRST_SLOTS;
    mem_free(m->slots);
    m->slots = mem_alloc(count * sizeof(*m->slots));
    m->mask = count - 1;
    for (size_t key = 0; key < m->keys.len; key++) {
        uint64_t hash = m->hashes.at[key];
        size_t i = (size_t)hash & m->mask;
        while (m->slots[i].number)
            i = (i + 1) & m->mask;
        m->slots[i] = (struct map_slot){(uint32_t)key + 1, tag_of(hash)};
    }
}

size_t map_put(struct map *m, struct text key, bool *is_new)
{
    if (!m->slots)
        map_grow(m);
    uint64_t hash = hash_bytes(key.at, key.len, 0);
    struct map_slot *slot = find_slot(m, key, hash);
    if (is_new)
        *is_new = slot->number == 0;
    if (slot->number)
        return slot->number - 1;
    if (UNLIKELY(m->keys.len >= UINT32_MAX - 1))
        mem_fail(SIZE_MAX);

    struct text copy = {arena_text(&m->arena, key.at, key.len), key.len};
    vec_push(&m->keys, copy);
    vec_push(&m->hashes, hash);
    *slot = (struct map_slot){(uint32_t)m->keys.len, tag_of(hash)};
    if (m->keys.len > (m->mask + 1) / 3 * 2) /* at most two thirds full */
        map_grow(m);
    return m->keys.len - 1;
}

size_t map_get(const struct map *m, struct text key)
{
    if (m->keys.len == 0)
        return MAP_NONE;
    const struct map_slot *slot = find_slot(m, key, hash_bytes(key.at, key.len, 0));
    return slot->number ? slot->number - 1 : MAP_NONE;
}

size_t map_held(const struct map *m)
{
    size_t slots = m->slots ? (m->mask + 1) * sizeof(*m->slots) : 0;
    return slots + m->keys.cap * sizeof(*m->keys.at) + m->hashes.cap * sizeof(*m->hashes.at) +
           arena_held(&m->arena);
}

void map_clear(struct map *m)
{
    if (m->slots)
        memset(m->slots, 0, (m->mask + 1) * sizeof(*m->slots));
    m->keys.len = m->hashes.len = 0;
    arena_reset(&m->arena);
}

void map_release(struct map *m)
{
    mem_free(m->slots);
    vec_release(&m->keys);
    vec_release(&m->hashes);
    arena_release(&m->arena);
    *m = (struct map){0};
}
