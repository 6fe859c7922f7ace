#include "steps/agg_table.h"

#include <stdlib.h>

struct agg_table *agg_table_new(const struct agg_plan *plan, size_t limit)
{
    struct agg_table *t = mem_alloc(sizeof *t);
    t->plan = plan;
    t->limit = limit;
    t->states = mem_alloc((plan->count + 1) * sizeof *t->states);
    return t;
}

static void release_states(struct agg_table *t)
{
    for (size_t a = 0; a < t->plan->count; a++) {
        const struct keeper *f = t->plan->aggregates[a].keeper;
        for (size_t g = 0; f->release && g < t->first.len; g++)
            f->release(t->states[a] + g * f->size);
    }
}

static void clear_table(struct agg_table *t)
{
    release_states(t);
    for (size_t a = 0; a < t->plan->count; a++)
        if (t->states[a])
            memset(t->states[a], 0, t->first.len * t->plan->aggregates[a].keeper->size);
    map_clear(&t->groups);
    t->first.len = t->held = 0;
}

static void grow_states(struct agg_table *t)
{
    size_t more = t->capacity ? 2 * t->capacity : 64;
    for (size_t a = 0; a < t->plan->count; a++) {
        size_t size = t->plan->aggregates[a].keeper->size;
        t->states[a] = mem_array(t->states[a], more, size);
        memset(t->states[a] + t->capacity * size, 0, (more - t->capacity) * size);
    }
    t->capacity = more;
}

static uint32_t find_group(struct agg_table *t, struct text key, uint64_t id)
{
    bool is_new = false;
    size_t g = map_put(&t->groups, key, &is_new);
    if (is_new) {
        vec_push(&t->first, id);
        if (t->first.len > t->capacity)
            grow_states(t);
    } else if (id < t->first.at[g]) {
        t->first.at[g] = id;
    }
    return (uint32_t)g;
}

static size_t table_bytes(const struct agg_table *t)
{
    size_t size = 64;
    for (size_t a = 0; a < t->plan->count; a++)
        size += t->plan->aggregates[a].keeper->size;
    return t->capacity * size + t->held + map_held(&t->groups);
}

/* An empty table of the least size. */
static void release_table(struct agg_table *t)
{
    release_states(t);
    for (size_t a = 0; a < t->plan->count; a++) {
        mem_free(t->states[a]);
        t->states[a] = NULL;
    }
    map_release(&t->groups);
    vec_release(&t->first);
    t->capacity = t->held = 0;
}

void agg_table_free(struct agg_table *t)
{
    release_table(t);
    mem_free(t->states);
    vec_release(&t->order);
    sorter_free(t->spilled);
    spilled_free(t->values);
    sorter_free(t->ordered);
    mem_free(t);
}

/* The set, then length and bytes of each value, all ones for a missing one; columns that are not in
 * the set are missing. */
static void put_key(struct buf *key, uint64_t set, const struct text *const *cells, size_t count,
                    size_t row)
{
    key->len = 0;
    buf_add(key, &set, sizeof set);
    for (size_t i = 0; i < count; i++) {
        struct text v = set >> i & 1 ? cells[i][row] : (struct text){NULL, 0};
        uint32_t len = v.at ? (uint32_t)v.len : UINT32_MAX;
        buf_add(key, &len, sizeof len);
        if (v.at)
            buf_add(key, v.at, v.len);
    }
}

static struct text key_value(struct text key, size_t i)
{
    const char *at = key.at + sizeof(uint64_t);
    for (;; i--) {
        uint32_t len;
        memcpy(&len, at, sizeof len);
        at += sizeof len;
        bool missing = len == UINT32_MAX;
        if (i == 0)
            return (struct text){missing ? NULL : at, missing ? 0 : len};
        at += missing ? 0 : len;
    }
}

struct text agg_table_key(const struct agg_table *t, size_t group, size_t i)
{
    return key_value(t->groups.keys.at[group], i);
}

void agg_table_find(struct agg_table *t, struct batch *b, uint64_t set, const uint64_t *ids,
                    size_t from, size_t n, uint32_t *group)
{
    const struct agg_plan *p = t->plan;
    const struct text *cells[AGG_BY_MAX] = {NULL};
    if (p->by_count == 0 && n > 0) {
        find_group(t, (struct text){(const char *)&set, sizeof set}, ids[from]);
        memset(group, 0, n * sizeof *group); /* the only group there is */
        return;
    }
    for (size_t i = 0; i < p->by_count; i++)
        cells[i] = batch_text(b, p->by[i]);
    struct buf key = {0};
    for (size_t r = 0; r < n; r++) {
        put_key(&key, set, cells, p->by_count, from + r);
        group[r] = find_group(t, (struct text){key.at, key.len}, ids[from + r]);
    }
    buf_release(&key);
}

/* A group's first row, then length and bytes of each state. */
static void pack_group(const struct agg_table *t, size_t g, struct buf *bytes)
{
    bytes->len = 0;
    buf_add(bytes, &t->first.at[g], sizeof(uint64_t));
    for (size_t a = 0; a < t->plan->count; a++) {
        const struct keeper *f = t->plan->aggregates[a].keeper;
        size_t length_at = bytes->len;
        uint64_t n = 0;
        buf_add(bytes, &n, sizeof n);
        f->put(&t->plan->aggregates[a], t->states[a] + g * f->size, bytes);
        n = bytes->len - length_at - sizeof n;
        memcpy(bytes->at + length_at, &n, sizeof n);
    }
}

/* What the states of a group hold of single values goes to disk. */
static int spill_values(struct agg_table *t, size_t g, struct error *e)
{
    int status = 0;
    for (size_t a = 0; a < t->plan->count && status == 0; a++) {
        const struct keeper *f = t->plan->aggregates[a].keeper;
        if (!f->spill)
            continue;
        spilled_state(t->values, t->groups.keys.at[g], a);
        status = f->spill(t->states[a] + g * f->size, t->values, e);
    }
    return status;
}

static int spill_table(struct agg_table *t, struct error *e)
{
    struct buf bytes = {0};
    int status = 0;
    if (!t->spilled) {
        t->spilled = sorter_new(t->limit / 4);
        t->values = spilled_new(t->limit / 4);
    }
    for (size_t g = 0; g < t->first.len && status == 0; g++) {
        status = spill_values(t, g, e);
        if (status)
            break;
        pack_group(t, g, &bytes);
        status =
            sorter_add(t->spilled, t->groups.keys.at[g], (struct text){bytes.at, bytes.len}, e);
    }
    buf_release(&bytes);
    clear_table(t);
    return status;
}

int agg_table_relieve(struct agg_table *t, struct error *e)
{
    return table_bytes(t) > t->limit && t->first.len > 0 ? spill_table(t, e) : 0;
}

/* A group as pack_group wrote it. */
static void absorb_group(struct agg_table *t, struct text key, struct text bytes)
{
    uint64_t first, n;
    memcpy(&first, bytes.at, sizeof first);
    uint32_t g = find_group(t, key, first);
    const char *at = bytes.at + sizeof first;
    for (size_t a = 0; a < t->plan->count; a++) {
        const struct aggregate *aggregate = &t->plan->aggregates[a];
        memcpy(&n, at, sizeof n);
        at += sizeof n;
        if (n)
            aggregate->keeper->absorb(aggregate, t->states[a] + g * aggregate->keeper->size,
                                      (struct text){at, n}, &t->held);
        at += n;
    }
}

int agg_table_merge(struct agg_table *t, struct agg_table *other, struct error *e)
{
    if (!t->spilled && !other->spilled && table_bytes(t) + table_bytes(other) <= 2 * t->limit) {
        struct buf part = {0};
        for (size_t g = 0; g < other->first.len; g++) {
            uint32_t mine = find_group(t, other->groups.keys.at[g], other->first.at[g]);
            for (size_t a = 0; a < t->plan->count; a++) {
                const struct aggregate *aggregate = &t->plan->aggregates[a];
                size_t size = aggregate->keeper->size;
                part.len = 0;
                aggregate->keeper->put(aggregate, other->states[a] + g * size, &part);
                if (part.len)
                    aggregate->keeper->absorb(aggregate, t->states[a] + mine * size,
                                              (struct text){part.at, part.len}, &t->held);
            }
        }
        buf_release(&part);
        return 0;
    }
    int status = spill_table(t, e);
    if (status == 0)
        status = spill_table(other, e);
    if (status == 0)
        status = spilled_merge(t->values, other->values, e);
    return status ? status : sorter_merge(t->spilled, other->spilled, e);
}

/* Groups with the same first row go out by their sets, finer ones first: sets are made in falling
 * order. */
static uint64_t set_of(struct text key)
{
    uint64_t set;
    memcpy(&set, key.at, sizeof set);
    return set;
}

/* Of a first row and a set, before the key. */
enum { ORDER_BYTES = 16 };

/* The answers of the only group of `one`, whose values are on disk. */
static int settle(const struct agg_table *t, struct agg_table *one, struct error *e)
{
    int status = 0;
    for (size_t a = 0; a < t->plan->count && status == 0; a++) {
        const struct aggregate *aggregate = &t->plan->aggregates[a];
        if (!aggregate->keeper->settle)
            continue;
        spilled_state(t->values, one->groups.keys.at[0], a);
        status = aggregate->keeper->settle(aggregate, one->states[a], t->values, e);
    }
    return status;
}

/* The only group of `one` is whole: it goes on, by its first row. */
static int put_whole(struct agg_table *t, struct agg_table *one, struct error *e)
{
    struct buf order = {0}, bytes = {0};
    struct text key = one->groups.keys.at[0];
    int status = settle(t, one, e);
    if (status)
        return status;
    key_put_id(&order, one->first.at[0]);
    key_put_id(&order, ~set_of(key));
    buf_add(&order, key.at, key.len);
    pack_group(one, 0, &bytes);
    status = sorter_add(t->ordered, (struct text){order.at, order.len},
                        (struct text){bytes.at, bytes.len}, e);
    buf_release(&order);
    buf_release(&bytes);
    clear_table(one);
    return status;
}

/* Parts of one group come one after the other. */
static int bring_together(struct agg_table *t, struct agg_table *one, struct error *e)
{
    struct text key, bytes;
    int got = 1, status = sorter_finish(t->spilled, e);
    if (status == 0)
        status = spilled_finish(t->values, e);
    while (status == 0 && (got = sorter_next(t->spilled, &key, &bytes, e)) > 0) {
        if (one->first.len > 0 && !text_equal(key, one->groups.keys.at[0]))
            status = put_whole(t, one, e);
        absorb_group(one, key, bytes);
    }
    if (status == 0 && got == 0 && one->first.len > 0)
        status = put_whole(t, one, e);
    return got < 0 ? got : status;
}

static int merge_spilled(struct agg_table *t, struct error *e)
{
    struct agg_table *one = agg_table_new(t->plan, t->limit);
    t->ordered = sorter_new(t->limit / 2);
    int status = bring_together(t, one, e);
    agg_table_free(one);
    sorter_free(t->spilled);
    spilled_free(t->values);
    t->spilled = NULL;
    t->values = NULL;
    return status ? status : sorter_finish(t->ordered, e);
}

/* By first row, and of groups with the same one the finer set first. */
struct ranked {
    uint64_t first;
    struct text key;
    uint32_t group;
};

static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    uint64_t a_set = set_of(a->key), b_set = set_of(b->key);
    return a_set != b_set ? (a_set < b_set) - (a_set > b_set) : text_compare(a->key, b->key);
}

static void order_groups(struct agg_table *t)
{
    struct ranked *ranked = mem_array(NULL, t->first.len + 1, sizeof *ranked);
    for (size_t g = 0; g < t->first.len; g++)
        ranked[g] = (struct ranked){t->first.at[g], t->groups.keys.at[g], (uint32_t)g};
    if (t->first.len)
        qsort(ranked, t->first.len, sizeof *ranked, compare_ranked);
    t->order.len = t->next = 0;
    for (size_t g = 0; g < t->first.len; g++)
        vec_push(&t->order, ranked[g].group);
    mem_free(ranked);
}

int agg_table_finish(struct agg_table *t, struct error *e)
{
    if (t->spilled) {
        int status = spill_table(t, e);
        release_table(t); /* its size counts when groups come back */
        return status ? status : merge_spilled(t, e);
    }
    if (t->first.len == 0 && t->plan->by_count == 0) { /* no rows: one row of counts all the same */
        uint64_t set = 0;
        find_group(t, (struct text){(const char *)&set, sizeof set}, 0);
    }
    order_groups(t);
    return 0;
}

/* The next groups of a spilled table, back in memory: as many as fit, but one at least. */
static int read_ordered(struct agg_table *t, struct error *e)
{
    clear_table(t);
    struct text key, bytes;
    int got = 1;
    while ((t->first.len == 0 || (t->first.len < AGG_ROWS_OUT && table_bytes(t) < t->limit)) &&
           (got = sorter_next(t->ordered, &key, &bytes, e)) == 1)
        absorb_group(t, (struct text){key.at + ORDER_BYTES, key.len - ORDER_BYTES}, bytes);
    order_groups(t);
    return got < 0 ? got : 0;
}

int agg_table_next(struct agg_table *t, size_t *from, struct error *e)
{
    if (t->ordered && t->next == t->order.len) {
        int status = read_ordered(t, e);
        if (status)
            return status;
    }
    size_t left = t->order.len - t->next, n = left < AGG_ROWS_OUT ? left : AGG_ROWS_OUT;
    *from = t->next;
    t->next += n;
    return (int)n;
}
