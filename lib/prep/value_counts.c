#include "prep/value_counts.h"

#include "stats/stats.h"
#include "table/sorter.h"

enum { VALUE_BYTES = 80 }; /* what a value takes in the map beside its text */

struct value_counts {
    struct counts counts;
    size_t held, limit;    /* bytes of counts */
    struct sorter *sorter; /* value; how often, in 8 bytes */
    struct buf value;      /* of the records read last */
    bool has_next;         /* the record behind them is known: */
    struct text next, times;
};

struct value_counts *value_counts_new(size_t memory)
{
    struct value_counts *c = mem_alloc(sizeof *c);
    c->limit = memory / 2;
    c->sorter = sorter_new(memory / 2);
    return c;
}

static int spill(struct value_counts *c, struct error *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->counts.map.keys.len; i++)
        rc = sorter_add(c->sorter, c->counts.map.keys.at[i],
                        (struct text){(const char *)&c->counts.n.at[i], sizeof(uint64_t)}, e);
    map_clear(&c->counts.map);
    c->counts.n.len = c->counts.first.len = c->held = 0;
    return rc;
}

int value_counts_add(struct value_counts *c, struct text value, uint64_t times, bool *is_new,
                     struct error *e)
{
    size_t before = c->counts.map.keys.len;
    bool seen = counts_add(&c->counts, value, times, 0) < before;
    if (is_new)
        *is_new = !seen;
    if (seen)
        return 0;
    c->held += value.len + VALUE_BYTES;
    return c->held > c->limit ? spill(c, e) : 0;
}

int value_counts_merge(struct value_counts *into, struct value_counts *from, struct error *e)
{
    bool in_memory = sorter_count(into->sorter) == 0 && sorter_count(from->sorter) == 0;
    if (in_memory && into->held + from->held <= 2 * into->limit) {
        counts_merge(&into->counts, &from->counts);
        into->held += from->held;
        return 0;
    }
    int rc = spill(into, e);
    if (rc == 0)
        rc = spill(from, e);
    return rc ? rc : sorter_merge(into->sorter, from->sorter, e);
}

int value_counts_finish(struct value_counts *c, struct error *e)
{
    int rc = spill(c, e);
    counts_release(&c->counts);
    c->counts = (struct counts){0};
    return rc ? rc : sorter_finish(c->sorter, e);
}

static int look(struct value_counts *c, struct error *e)
{
    int got = c->has_next ? 1 : sorter_next(c->sorter, &c->next, &c->times, e);
    c->has_next = got > 0;
    return got;
}

int value_counts_next(struct value_counts *c, struct text *value, uint64_t *times, struct error *e)
{
    int got = look(c, e);
    if (got <= 0)
        return got;
    c->value.len = 0;
    buf_add(&c->value, c->next.at, c->next.len);
    *value = (struct text){buf_text(&c->value), c->value.len};
    *times = 0;
    while (got > 0 && text_equal(*value, c->next)) {
        uint64_t n;
        memcpy(&n, c->times.at, sizeof n);
        *times += n;
        c->has_next = false;
        got = look(c, e);
    }
    return got < 0 ? got : 1;
}

void value_counts_free(struct value_counts *c)
{
    if (!c)
        return;
    counts_release(&c->counts);
    sorter_free(c->sorter);
    buf_release(&c->value);
    mem_free(c);
}
