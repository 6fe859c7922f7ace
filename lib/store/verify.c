/* Whether the views are what the log says. */
#include "store/feed.h"

#include "store/online_kinds.h"
#include "store/view.h"
#include "store/windows.h"

#include <inttypes.h>

/* ---- the online view ---- */

static bool same_record(const struct store_record *a, const struct store_record *b)
{
    return a->lsn == b->lsn && a->event_time == b->event_time && a->write_time == b->write_time &&
           a->expires_at == b->expires_at && a->flags == b->flags && text_equal(a->id, b->id) &&
           text_equal(a->row, b->row);
}

static int differs(struct text id, struct error *e)
{
    char quoted[QUOTE_MAX];
    return error_set(e, ERR_NO, "the view does not have what the log says of %s",
                     quote(quoted, id.at, id.len));
}

/* Some of the records that there should be, and what the view has. */
struct check {
    struct arena arena;
    VEC(struct store_record) wanted;
    VEC(struct text) ids;
};

static int compare(void *context, size_t i, const struct store_record *r, struct error *e)
{
    const struct check *c = context;
    return r && same_record(r, &c->wanted.at[i]) ? 0 : differs(c->ids.at[i], e);
}

static int compare_some(struct online *is, struct check *c, struct error *e)
{
    int status = online_get(is, c->ids.at, c->ids.len, compare, c, e);
    c->ids.len = c->wanted.len = 0;
    arena_reset(&c->arena);
    return status;
}

/* All that there should be is there. */
static int check_records(struct online *is, struct online *wanted, uint64_t *entities,
                         struct error *e)
{
    enum { AT_A_TIME = 1000 };
    struct check c = {.wanted = {0}};
    struct store_record r;
    int status;
    while ((status = lmdb_next(wanted, &r, e)) > 0) {
        r.id.at = arena_copy(&c.arena, r.id.at, r.id.len);
        r.row.at = arena_copy(&c.arena, r.row.at, r.row.len);
        vec_push(&c.wanted, r);
        vec_push(&c.ids, r.id);
        ++*entities;
        if (c.ids.len == AT_A_TIME && (status = compare_some(is, &c, e)) != 0)
            break;
    }
    if (status == 0)
        status = compare_some(is, &c, e);
    vec_release(&c.wanted);
    vec_release(&c.ids);
    arena_release(&c.arena);
    return status;
}

static int check_known(void *context, size_t i, const struct store_record *r, struct error *e)
{
    const struct text *id = context;
    (void)i;
    return r ? 0 : differs(*id, e);
}

static int check_id(void *context, struct text id, struct error *e)
{
    return online_get(context, &id, 1, check_known, &id, e);
}

/* And nothing else is. */
static int compare_views(struct online *is, struct online *wanted, uint64_t *entities,
                         struct error *e)
{
    int status = check_records(is, wanted, entities, e);
    return status ? status : online_ids(is, check_id, wanted, e);
}

static int check_applied(struct online *is, struct online *wanted, struct error *e)
{
    uint64_t a = 0, b = 0;
    int status = online_applied(is, &a, e);
    if (status == 0)
        status = online_applied(wanted, &b, e);
    if (status || a == b)
        return status;
    return error_set(e, ERR_NO,
                     "the view ends with record %" PRIu64 " of the log, which ends with %" PRIu64,
                     a, b);
}

/* With the log's lock held, so that nothing is written meanwhile. A view that a crash left behind
 * the log is brought to its end first, as by whoever opens it next. */
static int verify_online(const struct group *g, uint64_t *entities, struct error *e)
{
    char *made = view_folder(g, "online.verify");
    struct online *is = NULL, *wanted = NULL;
    int status = view_remove(made, e);
    if (status == 0)
        status = online_make(g, made, e);
    if (status == 0)
        status = lmdb_open(made, ONLINE_READ, &wanted, e);
    if (status == 0)
        status = online_open_current(g, &is, e);
    if (status == 0)
        status = check_applied(is, wanted, e);
    if (status == 0)
        status = compare_views(is, wanted, entities, e);
    online_close(is);
    online_close(wanted);
    (void)view_remove(made, NULL);
    mem_free(made);
    return status;
}

int group_verify(const struct group *g, uint64_t *entities, struct error *e)
{
    struct log *log = NULL;
    int status = view_lock(g, -1, 0, &log, e);
    *entities = 0;
    if (status == 0 && group_has_online(g))
        status = verify_online(g, entities, e);
    if (status == 0)
        status = windows_verify(g, log_last(log), e);
    log_close(log);
    return status;
}
