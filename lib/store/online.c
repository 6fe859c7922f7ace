#include "store/online_kinds.h"

int online_open(const struct group *g, enum online_mode mode, struct online **out, struct error *e)
{
    if (strncmp(g->online, "redis", 5) == 0)
        return redis_open(g, mode, out, e);
    char *folder = mem_format("%s/online", g->folder);
    int status = lmdb_open(folder, mode, out, e);
    mem_free(folder);
    return status;
}

void online_close(struct online *o)
{
    if (o)
        o->kind->close(o);
}

int online_applied(struct online *o, uint64_t *lsn, struct error *e)
{
    return o->kind->applied(o, lsn, e);
}

int online_apply(struct online *o, const struct store_record *records, size_t n, struct error *e)
{
    return n ? o->kind->apply(o, records, n, e) : 0;
}

int online_sync(struct online *o, struct error *e)
{
    return o->kind->sync(o, e);
}

int online_get(struct online *o, const struct text *ids, size_t n, online_take *take, void *context,
               struct error *e)
{
    return o->kind->get(o, ids, n, take, context, e);
}

int online_position(struct online *o, struct text source, struct buf *out, struct error *e)
{
    return o->kind->position(o, source, out, e);
}

int online_ids(struct online *o, online_take_id *take, void *context, struct error *e)
{
    return o->kind->ids(o, take, context, e);
}

void online_refresh(struct online *o)
{
    o->kind->refresh(o);
}
