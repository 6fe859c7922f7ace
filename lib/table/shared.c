#include "table/shared.h"

#include <stdatomic.h>

struct shared *shared_new(void)
{
    struct shared *s = mem_alloc(sizeof *s);
    atomic_store(&s->holders, 1);
    return s;
}

void shared_hold(struct shared *s)
{
    atomic_fetch_add(&s->holders, 1);
}

void shared_drop(struct shared *s)
{
    if (!s || atomic_fetch_sub(&s->holders, 1) != 1)
        return;
    arena_release(&s->arena);
    mem_free(s);
}
