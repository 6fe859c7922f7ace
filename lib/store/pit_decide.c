/* Who wins each label. */
#include "store/pit_parts.h"
#include "sys/sys.h"

/* The better one of two in the first. */
static void improve(struct pit_slot *best, const struct pit_slot *other)
{
    const struct pit_row *row = pit_slot_row(other), *old = pit_slot_row(best);
    usec time = atomic_load_explicit(&other->time, memory_order_relaxed);
    usec best_time = atomic_load_explicit(&best->time, memory_order_relaxed);
    if (row && (!old || time > best_time || (time == best_time && row->lsn < old->lsn)))
        *best = *other;
}

/* The best record among the slots from the first one on. */
static void decide_in_order(struct pit_slot *slots, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        struct pit_slot best = slots[i - 1];
        improve(&best, &slots[i]);
        slots[i] = best;
    }
}

/* One block of a level: in order of known, each label gets the best of those before it. */
static void decide_in_block(const struct pit_entities *s, uint64_t from, uint64_t to,
                            struct pit_slot *winners)
{
    struct pit_slot best = {0};
    for (uint64_t i = from; i < to; i++) {
        improve(&best, &s->tree[i]);
        improve(&winners[s->number[i]], &best);
    }
}

static void decide_in_tree(const struct pit_entities *s, const struct pit_entity *entity)
{
    uint32_t n = entity->count;
    uint64_t start = pit_tree_of(entity);
    for (unsigned level = 0; level < pit_levels(n); level++, start += n)
        for (uint64_t block = 0; block < n; block += (uint64_t)1 << level) {
            uint64_t end = block + ((uint64_t)1 << level);
            decide_in_block(s, start + block, start + (end < n ? end : n), pit_slots_of(s, entity));
        }
}

struct deciding {
    const struct pit_entities *s;
    atomic_uint next;
};

static void decide_parts(void *context, unsigned thread)
{
    (void)thread;
    struct deciding *d = context;
    const struct pit_entities *s = d->s;
    for (unsigned part; (part = atomic_fetch_add(&d->next, 1)) < PIT_PARTS;)
        for (size_t at = s->starts[part]; at < s->starts[part + 1];) {
            const struct pit_entity *entity = (const void *)(s->bytes + at);
            if (s->tree)
                decide_in_tree(s, entity);
            else
                decide_in_order(pit_slots_of(s, entity), entity->count);
            at += pit_entity_size(s, entity->count);
        }
}

void pit_entities_decide(struct pit_entities *s, unsigned jobs)
{
    struct deciding d = {.s = s};
    team_run(s->bytes ? jobs : 0, decide_parts, &d);
}
