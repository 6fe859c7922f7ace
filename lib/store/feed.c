#include "store/feed.h"

#include "store/online_kinds.h"

#include "sys/sys.h"

#include <inttypes.h>
#include <unistd.h>

/* Records that are applied in one transaction. */
enum { AT_ONCE = 50000, AT_ONCE_BYTES = 64 << 20 };

struct feed {
    const struct group *group;
    bool unsafe;
    struct log *log;
    struct online *online; /* NULL: none */
    VEC(struct store_record) batch;
    struct buf newest; /* id and row of the record that feed_newest gave */
};

static char *part(const struct group *g, const char *name)
{
    return mem_format("%s/%s", g->folder, name);
}

static bool has_online(const struct group *g)
{
    return strcmp(g->online, "none") != 0;
}

/* ---- from the log into a view ---- */

struct replay {
    struct log_reader *log;
    VEC(struct store_record) batch;
    struct arena arena; /* of what the batch has */
    size_t bytes;
};

/* The next records, as many as go in one transaction: 1; 0 at the end. */
static int read_batch(struct replay *r, struct error *e)
{
    struct store_record got;
    int status = 1;
    r->batch.len = r->bytes = 0;
    arena_reset(&r->arena);
    while (r->batch.len < AT_ONCE && r->bytes < AT_ONCE_BYTES &&
           (status = log_next(r->log, &got, e)) > 0) {
        got.id.at = arena_copy(&r->arena, got.id.at, got.id.len);
        got.row.at = arena_copy(&r->arena, got.row.at, got.row.len);
        r->bytes += got.id.len + got.row.len;
        vec_push(&r->batch, got);
    }
    return status < 0 ? status : r->batch.len > 0;
}

/* Applies what the view lacks of the log. */
static int catch_up(const struct group *g, struct online *o, struct error *e)
{
    uint64_t applied;
    int status = online_applied(o, &applied, e);
    online_refresh(o);
    if (status)
        return status;
    char *folder = part(g, "log");
    struct replay r = {.log = log_reader_open(folder, applied + 1)};
    while ((status = read_batch(&r, e)) > 0)
        if ((status = online_apply(o, r.batch.at, r.batch.len, e)) != 0)
            break;
    log_reader_close(r.log);
    vec_release(&r.batch);
    arena_release(&r.arena);
    mem_free(folder);
    return status;
}

static int remove_view(const char *folder, struct error *e)
{
    static const char *const names[] = {"state", "data.mdb", "lock.mdb"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char *path = mem_format("%s/%s", folder, names[i]);
        (void)unlink(path);
        mem_free(path);
    }
    if (rmdir(folder) && access(folder, F_OK) == 0)
        return error_errno(e, "%s: cannot be removed", folder);
    return 0;
}

/* A view made of the whole log in the folder, on the disk and closed. */
static int make_view(const struct group *g, const char *folder, struct error *e)
{
    struct online *o = NULL;
    int status = lmdb_open(folder, ONLINE_ANEW, &o, e);
    if (status == 0)
        status = catch_up(g, o, e);
    if (status == 0)
        status = online_sync(o, e);
    online_close(o);
    return status;
}

/* Readers of the view before keep what they have open. */
static int put_in_place(const char *made, const char *folder, struct error *e)
{
    char *old = mem_format("%s.old", folder);
    int status = remove_view(old, e);
    if (status == 0 && rename(folder, old) && access(folder, F_OK) == 0)
        status = error_errno(e, "%s: cannot be replaced", folder);
    if (status == 0 && rename(made, folder))
        status = error_errno(e, "%s: cannot be put in place", folder);
    if (status == 0)
        status = remove_view(old, e);
    mem_free(old);
    return status;
}

/* Beside the one there is, which is read meanwhile. */
static int rebuild_folder(const struct group *g, struct error *e)
{
    char *folder = part(g, "online"), *made = part(g, "online.new");
    int status = remove_view(made, e);
    if (status == 0)
        status = make_view(g, made, e);
    if (status == 0)
        status = put_in_place(made, folder, e);
    mem_free(folder);
    mem_free(made);
    return status;
}

static int rebuild_elsewhere(const struct group *g, struct error *e)
{
    struct online *o = NULL;
    int status = online_open(g, ONLINE_ANEW, &o, e);
    if (status == 0)
        status = catch_up(g, o, e);
    if (status == 0)
        status = online_sync(o, e);
    online_close(o);
    return status;
}

/* With the log's lock held. */
static int rebuild(const struct group *g, struct error *e)
{
    return strcmp(g->online, "lmdb") == 0 ? rebuild_folder(g, e) : rebuild_elsewhere(g, e);
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
    return rebuild(g, e);
}

/* The view to write to. */
static int open_view(const struct group *g, struct online **out, struct error *e)
{
    int status = open_or_make(g, ONLINE_WRITE, out, rebuild_at_once, 0, e);
    return status ? status : catch_up(g, *out, e);
}

/* ---- feeding ---- */

static int open_log(const struct group *g, int timeout_ms, size_t segment, struct log **out,
                    struct error *e)
{
    struct log_options o = {.segment = segment, .timeout_ms = timeout_ms};
    char *folder = part(g, "log");
    int status = log_open(folder, &o, out, e);
    mem_free(folder);
    return status;
}

int feed_open(const struct group *g, const struct feed_options *o, struct feed **out,
              struct error *e)
{
    struct feed *f = mem_alloc(sizeof *f);
    f->group = g;
    f->unsafe = o->unsafe;
    int status = open_log(g, o->timeout_ms, o->segment, &f->log, e);
    if (status == 0 && has_online(g))
        status = open_view(g, &f->online, e);
    if (status)
        (void)feed_close(f, false, NULL);
    else
        *out = f;
    return status;
}

void feed_add(struct feed *f, const struct store_record *r)
{
    log_add(f->log, r);
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
    return any && f->online ? apply_committed(f, e) : 0;
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
    char *folder = part(f->group, "log");
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

int feed_close(struct feed *f, bool settle, struct error *e)
{
    int status = f->online && settle ? online_sync(f->online, e) : 0;
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
    int status = open_log(g, timeout_ms, 0, &log, e);
    if (status == 0 && has_online(g))
        status = rebuild(g, e);
    log_close(log);
    return status;
}

int group_forget(const struct group *g, struct text id, int timeout_ms, uint64_t *records,
                 struct error *e)
{
    struct log *log = NULL;
    *records = 0;
    int status = open_log(g, timeout_ms, 0, &log, e);
    if (status == 0)
        status = log_forget(log, id, records, e);
    if (status == 0 && has_online(g))
        status = rebuild(g, e);
    log_close(log);
    return status;
}

int group_online(const struct group *g, int timeout_ms, struct online **out, struct error *e)
{
    if (!has_online(g))
        return error_set(e, ERR_NO, "group '%s' is not kept online", g->name);
    return open_or_make(g, ONLINE_READ, out, group_rebuild, timeout_ms, e);
}

/* ---- verifying ---- */

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
static int verify(const struct group *g, uint64_t *entities, struct error *e)
{
    char *made = part(g, "online.verify");
    struct online *is = NULL, *wanted = NULL;
    int status = remove_view(made, e);
    if (status == 0)
        status = make_view(g, made, e);
    if (status == 0)
        status = lmdb_open(made, ONLINE_READ, &wanted, e);
    if (status == 0)
        status = open_view(g, &is, e);
    if (status == 0)
        status = check_applied(is, wanted, e);
    if (status == 0)
        status = compare_views(is, wanted, entities, e);
    online_close(is);
    online_close(wanted);
    (void)remove_view(made, NULL);
    mem_free(made);
    return status;
}

int group_verify(const struct group *g, uint64_t *entities, struct error *e)
{
    struct log *log = NULL;
    int status = open_log(g, -1, 0, &log, e);
    *entities = 0;
    if (status == 0 && has_online(g))
        status = verify(g, entities, e);
    log_close(log);
    return status;
}
