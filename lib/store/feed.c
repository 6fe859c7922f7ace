#include "store/feed.h"

#include "store/online_kinds.h"
#include "store/view.h"
#include "store/windows.h"

/* Records of a batch that are applied in one transaction. */
enum { AT_ONCE = 50000 };

struct feed {
    const struct group *group;
    bool unsafe, as_given;
    struct log *log;
    struct online *online;   /* NULL: none */
    struct windows *windows; /* NULL: none, or not needed so far */
    VEC(struct store_record) batch;
    struct buf newest; /* id and row of the record that feed_newest gave */
};

/* ---- from the log into the view ---- */

static int take_records(void *view, const struct store_record *records, size_t n, struct error *e)
{
    return online_apply(view, records, n, e);
}

/* Applies what the view lacks of the log. */
static int catch_up(const struct group *g, struct online *o, struct error *e)
{
    uint64_t applied;
    int status = online_applied(o, &applied, e);
    online_refresh(o);
    if (status)
        return status;
    return view_catch_up(g, applied, take_records, o, e);
}

/* A view that was opened anew, with this status, gets the whole log and is closed. */
static int fill_and_close(const struct group *g, struct online *o, int status, struct error *e)
{
    if (status == 0)
        status = catch_up(g, o, e);
    if (status == 0)
        status = online_sync(o, e);
    online_close(o);
    return status;
}

int online_make(const struct group *g, const char *folder, struct error *e)
{
    struct online *o = NULL;
    int status = lmdb_open(folder, ONLINE_ANEW, &o, e);
    return fill_and_close(g, o, status, e);
}

static int rebuild_elsewhere(const struct group *g, struct error *e)
{
    struct online *o = NULL;
    int status = online_open(g, ONLINE_ANEW, &o, e);
    return fill_and_close(g, o, status, e);
}

static int rebuild_online(const struct group *g, struct error *e)
{
    if (!group_has_online(g))
        return 0;
    return strcmp(g->online, "lmdb") == 0 ? view_rebuild(g, "online", online_make, e)
                                          : rebuild_elsewhere(g, e);
}

/* With the log's lock held. */
static int rebuild(const struct group *g, struct error *e)
{
    int status = rebuild_online(g, e);
    return status ? status : windows_rebuild(g, e);
}

/* Opens the view, which `make` makes anew when it is not to be believed. */
static int open_or_make(const struct group *g, enum online_mode mode, struct online **out,
                        int (*make)(const struct group *g, int timeout_ms, struct error *e),
                        int timeout_ms, struct error *e)
{
    struct error why = {0};
    int status = online_open(g, mode, out, &why);
    if (status == ERR_NO) {
        status = make(g, timeout_ms, e);
        return status ? status : online_open(g, mode, out, e);
    }
    if (status && e)
        *e = why;
    return status;
}

static int rebuild_at_once(const struct group *g, int timeout_ms, struct error *e)
{
    (void)timeout_ms;
    return rebuild_online(g, e);
}

int online_open_current(const struct group *g, struct online **out, struct error *e)
{
    int status = open_or_make(g, ONLINE_WRITE, out, rebuild_at_once, 0, e);
    return status ? status : catch_up(g, *out, e);
}

/* ---- feeding ---- */

int feed_open(const struct group *g, const struct feed_options *o, struct feed **out,
              struct error *e)
{
    struct feed *f = mem_alloc(sizeof *f);
    f->group = g;
    f->unsafe = o->unsafe;
    f->as_given = o->as_given;
    int status = view_lock(g, o->timeout_ms, o->segment, &f->log, e);
    if (status == 0 && group_has_online(g))
        status = online_open_current(g, &f->online, e);
    if (status)
        (void)feed_close(f, false, NULL);
    else
        *out = f;
    return status;
}

/* They are opened for the first record: the group may have had no features before. */
static int add_to_windows(struct feed *f, struct store_record *r, struct error *e)
{
    int status = f->windows ? 0 : windows_open(f->group, log_last(f->log), &f->windows, e);
    return status ? status : windows_add(f->windows, r, f->as_given ? NULL : &r->row, e);
}

int feed_add(struct feed *f, const struct store_record *r, struct error *e)
{
    struct store_record completed = *r;
    bool computes = !(r->flags & STORE_POSITION) && group_computes(f->group);
    int status = computes ? add_to_windows(f, &completed, e) : 0;
    if (status == 0)
        log_add(f->log, &completed);
    return status;
}

size_t feed_pending(const struct feed *f)
{
    return log_pending(f->log);
}

/* The batch that was committed, into the view. */
static int apply_committed(struct feed *f, struct error *e)
{
    struct store_record r;
    size_t at = 0;
    int status = 0;
    f->batch.len = 0;
    while (status == 0 && log_committed(f->log, &at, &r)) {
        vec_push(&f->batch, r);
        if (f->batch.len < AT_ONCE)
            continue;
        status = online_apply(f->online, f->batch.at, f->batch.len, e);
        f->batch.len = 0;
    }
    if (status == 0)
        status = online_apply(f->online, f->batch.at, f->batch.len, e);
    online_refresh(f->online);
    return status;
}

int feed_commit(struct feed *f, uint64_t *lsn, struct error *e)
{
    *lsn = 0;
    bool any = log_pending(f->log) > 0;
    int status = log_commit(f->log, !f->unsafe, e);
    if (status)
        return status;
    *lsn = log_last(f->log);
    if (any && f->windows)
        status = windows_commit(f->windows, *lsn, e);
    return any && f->online && status == 0 ? apply_committed(f, e) : status;
}

static void keep_newest(struct feed *f, const struct store_record *r, struct store_record *out)
{
    size_t id = r->id.len, row = r->row.len;
    f->newest.len = 0;
    buf_add(&f->newest, r->id.at, id);
    buf_add(&f->newest, r->row.at, row);
    *out = *r;
    out->id = (struct text){f->newest.at, id};
    out->row = (struct text){f->newest.at + id, row};
}

/* Without a view the log itself is looked through: the newest record, or the last position. */
static int look_through(struct feed *f, struct text id, bool position, struct store_record *out,
                        struct error *e)
{
    char *folder = view_folder(f->group, "log");
    struct log_reader *r = log_reader_open(folder, 1);
    struct store_record got;
    int status;
    bool found = false;
    while ((status = log_next(r, &got, e)) > 0) {
        bool is_position = got.flags & STORE_POSITION;
        if (is_position != position || !text_equal(got.id, id))
            continue;
        if (!found || position || store_newer(got.event_time, got.lsn, out->event_time, out->lsn))
            keep_newest(f, &got, out);
        found = true;
    }
    log_reader_close(r);
    mem_free(folder);
    return status < 0 ? status : found;
}

int feed_position(struct feed *f, struct text source, struct buf *out, struct error *e)
{
    struct store_record r = {.lsn = 0};
    if (f->online)
        return online_position(f->online, source, out, e);
    int found = look_through(f, source, true, &r, e);
    if (found > 0)
        buf_add(out, r.row.at, r.row.len);
    return found;
}

struct newest {
    struct feed *feed;
    struct store_record *out;
    bool found;
};

static int take_newest(void *context, size_t i, const struct store_record *r, struct error *e)
{
    struct newest *n = context;
    (void)i, (void)e;
    n->found = r != NULL;
    if (r)
        keep_newest(n->feed, r, n->out);
    return 0;
}

int feed_newest(struct feed *f, struct text id, struct store_record *out, struct error *e)
{
    struct newest n = {f, out, false};
    if (!f->online)
        return look_through(f, id, false, out, e);
    int status = online_get(f->online, &id, 1, take_newest, &n, e);
    return status ? status : n.found;
}

struct online *feed_online(struct feed *f)
{
    return f->online;
}

uint64_t feed_late(const struct feed *f)
{
    return f->windows ? windows_late(f->windows) : 0;
}

int feed_close(struct feed *f, bool settle, struct error *e)
{
    int status = f->online && settle ? online_sync(f->online, e) : 0;
    if (status == 0 && f->windows && settle)
        status = windows_sync(f->windows, e);
    windows_close(f->windows);
    online_close(f->online);
    log_close(f->log);
    vec_release(&f->batch);
    buf_release(&f->newest);
    mem_free(f);
    return status;
}

/* ---- the view as a whole ---- */

int group_rebuild(const struct group *g, int timeout_ms, struct error *e)
{
    struct log *log = NULL;
    int status = view_lock(g, timeout_ms, 0, &log, e);
    if (status == 0)
        status = rebuild(g, e);
    log_close(log);
    return status;
}

int group_forget(const struct group *g, struct text id, int timeout_ms, uint64_t *records,
                 struct error *e)
{
    struct log *log = NULL;
    *records = 0;
    int status = view_lock(g, timeout_ms, 0, &log, e);
    if (status == 0)
        status = log_forget(log, id, records, e);
    if (status == 0)
        status = rebuild(g, e);
    log_close(log);
    return status;
}

int group_online(const struct group *g, int timeout_ms, struct online **out, struct error *e)
{
    if (!group_has_online(g))
        return error_set(e, ERR_NO, "group '%s' is not kept online", g->name);
    return open_or_make(g, ONLINE_READ, out, group_rebuild, timeout_ms, e);
}
