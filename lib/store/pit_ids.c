/* The table from ids to their labels. */
#include "store/pit_parts.h"
#include "sys/sys.h"

bool pit_id_equal(const struct pit_id *slot, struct text id)
{
    const char *at;
    memcpy(&at, &slot->words[1], sizeof at);
    return memcmp(at, id.at, id.len) == 0;
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
        size_t at = pit_hash(old->words[0], second, old->len) & bigger.mask;
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

uint32_t pit_ids_put(struct pit_ids *ids, struct text id)
{
    struct pit_key key;
    pit_key_make(&key, id);
    if (!ids->slots || ids->count >= ids->mask / 2)
        grow(ids);
    struct pit_id *slot = pit_ids_slot(ids, &key, id);
    if (slot->code)
        return slot->code - 1;
    *slot = (struct pit_id){
        .words = {key.words[0], key.words[1]}, .len = (uint32_t)id.len, .code = ++ids->count};
    if (id.len > 16) {
        const char *at = arena_copy(&ids->bytes, id.at, id.len);
        memcpy(&slot->words[1], &at, sizeof at);
    }
    return slot->code - 1;
}

void pit_ids_release(struct pit_ids *ids)
{
    pages_free(ids->slots, bytes_of(ids));
    arena_release(&ids->bytes);
    *ids = (struct pit_ids){0};
}
