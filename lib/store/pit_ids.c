/* The table from ids to their labels. */
#include "store/pit_parts.h"
#include "sys/sys.h"

static uint64_t mix(uint64_t a, uint64_t b)
{
    struct bits128 p = bits128_product(a ^ 0x9e3779b97f4a7c15U, b ^ 0xd1b54a32d192ed03U);
    return p.high ^ p.low;
}

static uint64_t load(const char *p, size_t n)
{
    uint64_t x = 0;
    memcpy(&x, p, n);
    return x;
}

/* Bytes of up to 16 in two words: they overlap, and tell apart what has the same length. */
static void short_words(struct text id, uint64_t words[static 2])
{
    const char *p = id.at;
    size_t n = id.len;
    words[1] = 0;
    if (n >= 8) {
        words[0] = load(p, 8);
        words[1] = load(p + n - 8, 8);
    } else if (n >= 4) {
        words[0] = load(p, 4) | load(p + n - 4, 4) << 32;
    } else {
        words[0] = n == 0 ? 0 : load(p, 1) | load(p + n / 2, 1) << 8 | load(p + n - 1, 1) << 16;
    }
}

struct pit_key pit_key(struct text id)
{
    struct pit_key key = {.id = id};
    if (id.len <= 16)
        short_words(id, key.words);
    else
        key.words[0] = xxh64(id.at, id.len, 0);
    key.hash = mix(key.words[0], key.words[1] + id.len);
    return key;
}

static bool is_it(const struct pit_id *slot, const struct pit_key *key)
{
    if (slot->len != key->id.len || slot->words[0] != key->words[0])
        return false;
    if (slot->len <= 16)
        return slot->words[1] == key->words[1];
    const char *at;
    memcpy(&at, &slot->words[1], sizeof at);
    return memcmp(at, key->id.at, slot->len) == 0;
}

static struct pit_id *find_slot(const struct pit_ids *ids, const struct pit_key *key)
{
    size_t at = key->hash & ids->mask;
    while (ids->slots[at].code && !is_it(&ids->slots[at], key))
        at = (at + 1) & ids->mask;
    return &ids->slots[at];
}

static size_t bytes_of(const struct pit_ids *ids)
{
    return (ids->mask + 1) * sizeof *ids->slots;
}

static void grow(struct pit_ids *ids)
{
    struct pit_ids bigger = {.mask = ids->slots ? ids->mask * 2 + 1 : 1023};
    bigger.slots = pages_alloc(bytes_of(&bigger));
    for (size_t i = 0; ids->slots && i <= ids->mask; i++) {
        const struct pit_id *old = &ids->slots[i];
        uint64_t second = old->len <= 16 ? old->words[1] : 0;
        size_t at = mix(old->words[0], second + old->len) & bigger.mask;
        if (!old->code)
            continue;
        while (bigger.slots[at].code)
            at = (at + 1) & bigger.mask;
        bigger.slots[at] = *old;
    }
    pages_free(ids->slots, bytes_of(ids));
    ids->slots = bigger.slots;
    ids->mask = bigger.mask;
}

uint32_t pit_ids_put(struct pit_ids *ids, const struct pit_key *key)
{
    if (!ids->slots || ids->count >= ids->mask / 2)
        grow(ids);
    struct pit_id *slot = find_slot(ids, key);
    if (slot->code)
        return slot->code - 1;
    *slot = (struct pit_id){.words = {key->words[0], key->words[1]},
                            .len = (uint32_t)key->id.len,
                            .code = ++ids->count};
    if (key->id.len > 16) {
        const char *at = arena_copy(&ids->bytes, key->id.at, key->id.len);
        memcpy(&slot->words[1], &at, sizeof at);
    }
    return slot->code - 1;
}

const struct pit_id *pit_ids_find(const struct pit_ids *ids, const struct pit_key *key)
{
    const struct pit_id *slot = find_slot(ids, key);
    return slot->code ? slot : NULL;
}

void pit_ids_release(struct pit_ids *ids)
{
    pages_free(ids->slots, bytes_of(ids));
    arena_release(&ids->bytes);
    *ids = (struct pit_ids){0};
}
