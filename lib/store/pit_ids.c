/* The table from ids to their labels. */
#include "store/pit_parts.h"
#include "sys/sys.h"

enum { FIRST_SIZE = 64 };

bool pit_id_equal(const struct pit_id *slot, struct text id)
{
    const char *at;
    memcpy(&at, &slot->words[1], sizeof at);
    return memcmp(at, id.at, id.len) == 0;
}

static void move_to(struct pit_id *to, size_t mask, const struct pit_part *from)
{
    for (size_t i = 0; from->slots && i <= from->mask; i++) {
        const struct pit_id *old = &from->slots[i];
        if (!old->code)
            continue;
        uint64_t second = old->len <= 16 ? old->words[1] : 0;
        size_t home = pit_hash(old->words[0], second, old->len) & mask, at = home;
        while (to[at].code)
            at = pit_id_next(at, home, mask);
        to[at] = *old;
    }
}

static void grow(struct pit_part *p)
{
    size_t mask = p->slots ? p->mask * 2 + 1 : FIRST_SIZE - 1;
    struct pit_id *bigger = mem_alloc((mask + 1) * sizeof *bigger);
    move_to(bigger, mask, p);
    mem_free(p->slots);
    p->slots = bigger;
    p->mask = mask;
}

uint32_t pit_part_put(struct pit_part *p, const struct pit_key *key, struct text id)
{
    if (!p->slots || p->count >= p->mask / 2)
        grow(p);
    struct pit_id *slot = pit_id_find(p->slots, p->mask, key, id);
    if (slot->code)
        return slot->code - 1;
    *slot = (struct pit_id){
        .words = {key->words[0], key->words[1]}, .len = (uint32_t)id.len, .code = ++p->count};
    if (id.len > 16)
        memcpy(&slot->words[1], &id.at, sizeof id.at);
    return slot->code - 1;
}

void pit_ids_make(struct pit_ids *ids, const struct pit_part parts[static PIT_PARTS])
{
    ids->mask = FIRST_SIZE - 1;
    for (unsigned i = 0; i < PIT_PARTS; i++)
        ids->mask = parts[i].slots && parts[i].mask > ids->mask ? parts[i].mask : ids->mask;
    ids->slots = pages_alloc((ids->mask + 1) * PIT_PARTS * sizeof *ids->slots);
}

void pit_ids_take(struct pit_ids *ids, unsigned number, struct pit_part *part)
{
    move_to(pit_ids_part(ids, number), ids->mask, part);
    mem_free(part->slots);
    part->slots = NULL;
}

void pit_ids_release(struct pit_ids *ids)
{
    pages_free(ids->slots, (ids->mask + 1) * PIT_PARTS * sizeof *ids->slots);
    *ids = (struct pit_ids){0};
}
