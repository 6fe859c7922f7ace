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

/* ---- applying ---- */

static int know_horizon(struct online *o, struct error *e)
{
    struct buf text = {0};
    double unused;
    if (o->horizon_known)
        return 0;
    o->horizon = INT64_MIN;
    int found = o->kind->position(o, STORE_HORIZON, &text, e);
    o->kind->refresh(o);
    if (found > 0 && number_parse(text.at, text.len, &o->horizon, &unused) != NUMBER_INT)
        found = error_set(e, ERR_DATA, "the view's horizon is no time");
    o->horizon_known = found >= 0;
    buf_release(&text);
    return found < 0 ? found : 0;
}

static bool is_horizon(const struct store_record *r)
{
    return r->flags & STORE_POSITION && text_equal(r->id, STORE_HORIZON);
}

/* Those that are before the horizon are left out. */
static int apply_some(struct online *o, const struct store_record *records, size_t n,
                      struct error *e)
{
    size_t passed = 0, kept = 0;
    while (passed < n &&
           (records[passed].event_time >= o->horizon || records[passed].flags & STORE_POSITION))
        passed++;
    if (passed == n)
        return n ? o->kind->apply(o, records, n, e) : 0;
    struct store_record *some = mem_array(NULL, n, sizeof *some);
    for (size_t i = 0; i < n; i++)
        if (records[i].event_time >= o->horizon || records[i].flags & STORE_POSITION)
            some[kept++] = records[i];
    int status = kept ? o->kind->apply(o, some, kept, e) : 0;
    mem_free(some);
    return status;
}

/* Entities that are dead and before the horizon. */
struct dead {
    struct online *online;
    usec horizon;
    struct text id; /* that is looked at */
    VEC(struct text) ids;
    struct arena arena;
};

static int look_at(void *context, size_t i, const struct store_record *r, struct error *e)
{
    struct dead *d = context;
    (void)i, (void)e;
    if (r && r->event_time < d->horizon &&
        (r->flags & STORE_DELETED || r->expires_at < d->horizon)) {
        struct text id = {arena_copy(&d->arena, d->id.at, d->id.len), d->id.len};
        vec_push(&d->ids, id);
    }
    return 0;
}

static int take_id(void *context, struct text id, struct error *e)
{
    struct dead *d = context;
    d->id = id;
    return d->online->kind->get(d->online, &id, 1, look_at, d, e);
}

static int pass_horizon(struct online *o, const struct store_record *r, struct error *e)
{
    struct dead d = {.online = o};
    double unused;
    if (number_parse(r->row.at, r->row.len, &d.horizon, &unused) != NUMBER_INT)
        return error_set(e, ERR_DATA, "a horizon of the log is no time");
    int status = o->kind->ids(o, take_id, &d, e);
    o->kind->refresh(o);
    if (status == 0 && d.ids.len)
        status = o->kind->remove(o, d.ids.at, d.ids.len, e);
    if (status == 0)
        status = o->kind->apply(o, r, 1, e);
    if (status == 0 && d.horizon > o->horizon)
        o->horizon = d.horizon;
    vec_release(&d.ids);
    arena_release(&d.arena);
    return status;
}

int online_apply(struct online *o, const struct store_record *records, size_t n, struct error *e)
{
    int status = know_horizon(o, e);
    while (n && status == 0) {
        size_t some = 0;
        while (some < n && !is_horizon(&records[some]))
            some++;
        status = apply_some(o, records, some, e);
        if (status == 0 && some < n)
            status = pass_horizon(o, &records[some++], e);
        records += some;
        n -= some;
    }
    return status;
}

/* ---- the rest, as the kinds do it ---- */

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
