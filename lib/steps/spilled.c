#include "steps/spilled.h"

struct spilled {
    struct sorter *sorter;
    struct buf key; /* the name of the state, then a value */
    size_t name;    /* its length */
    bool has_next;  /* the record that comes next is known: */
    struct text next, payload;
};

struct spilled *spilled_new(size_t memory)
{
    struct spilled *v = mem_alloc(sizeof *v);
    v->sorter = sorter_new(memory);
    return v;
}

void spilled_state(struct spilled *v, struct text group, size_t aggregate)
{
    v->key.len = 0;
    buf_add(&v->key, group.at, group.len);
    key_put_id(&v->key, aggregate);
    v->name = v->key.len;
}

int spilled_put(struct spilled *v, struct text value, struct text payload, struct error *e)
{
    v->key.len = v->name;
    buf_add(&v->key, value.at, value.len);
    return sorter_add(v->sorter, (struct text){v->key.at, v->key.len}, payload, e);
}

int spilled_merge(struct spilled *into, struct spilled *from, struct error *e)
{
    return sorter_merge(into->sorter, from->sorter, e);
}

int spilled_finish(struct spilled *v, struct error *e)
{
    return sorter_finish(v->sorter, e);
}

int spilled_next(struct spilled *v, struct text *value, struct text *payload, struct error *e)
{
    if (!v->has_next) {
        int got = sorter_next(v->sorter, &v->next, &v->payload, e);
        if (got <= 0)
            return got;
        v->has_next = true;
    }
    if (v->next.len < v->name || memcmp(v->next.at, v->key.at, v->name) != 0)
        return 0;
    *value = (struct text){v->next.at + v->name, v->next.len - v->name};
    *payload = v->payload;
    v->has_next = false;
    return 1;
}

void spilled_free(struct spilled *v)
{
    if (!v)
        return;
    sorter_free(v->sorter);
    buf_release(&v->key);
    mem_free(v);
}
