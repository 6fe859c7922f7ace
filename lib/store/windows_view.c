/* The windows of a group as a view of its log. */
#include "store/view.h"
#include "store/windows_state.h"

/* Bytes of states from which on a replay writes them. */
enum { REPLAY_BYTES = 64 << 20 };

/* ERR_NO when it is of other aggregates. */
static int read_mark(struct windows *w, struct error *e)
{
    MDB_val key = windows_mark_key(), data = {0, NULL};
    int status = lmdb_env_look(&w->env, e);
    int code = status ? 0 : mdb_get(w->env.reading, w->env.db, &key, &data);
    if (status || (code && code != MDB_NOTFOUND))
        return status ? status : lmdb_env_failed(&w->env, code, e);
    struct text left = {data.mv_data, data.mv_size}, wanted = {w->is_of.at, w->is_of.len};
    const char *at;
    if (!windows_take_bytes(&left, sizeof w->mark, &at) || !text_equal(left, wanted))
        return error_set(e, ERR_NO, "%s: of other aggregates", w->env.folder);
    memcpy(&w->mark, at, sizeof w->mark);
    return 0;
}

static int take_committed(void *view, const struct store_record *records, size_t n, struct error *e)
{
    struct windows *w = view;
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i++) {
        status = windows_add(w, &records[i], NULL, e);
        if (status == 0 && (i + 1 == n || arena_held(&w->arena) > REPLAY_BYTES))
            status = windows_commit(w, records[i].lsn, e);
    }
    return status;
}

static int catch_up(struct windows *w, struct error *e)
{
    uint64_t applied;
    int status = lmdb_env_applied(&w->env, &applied, e);
    return status ? status : view_catch_up(w->group, applied, take_committed, w, e);
}

static int make(const struct group *g, const char *folder, struct error *e)
{
    struct windows *w = windows_new(g);
    uint64_t applied = 0;
    int status = lmdb_env_open(&w->env, folder, ONLINE_ANEW, e);
    if (status == 0)
        status = catch_up(w, e);
    if (status == 0)
        status = lmdb_env_applied(&w->env, &applied, e);
    if (status == 0)
        status = windows_commit(w, applied, e);
    if (status == 0)
        status = windows_sync(w, e);
    windows_close(w);
    return status;
}

/* ERR_NO when it must be made anew. */
static int open_believed(const struct group *g, const char *name, uint64_t last,
                         struct windows **out, struct error *e)
{
    struct windows *w = windows_new(g);
    char *folder = view_folder(g, name);
    uint64_t applied = 0;
    int status = lmdb_env_open(&w->env, folder, ONLINE_WRITE, e);
    if (status == 0)
        status = read_mark(w, e);
    if (status == 0)
        status = lmdb_env_applied(&w->env, &applied, e);
    if (status == 0 && applied > last)
        status = error_set(e, ERR_NO, "%s: has more than the log", folder);
    mem_free(folder);
    if (status)
        windows_close(w);
    else
        *out = w;
    return status;
}

int windows_open(const struct group *g, uint64_t last, struct windows **out, struct error *e)
{
    struct windows *w = NULL;
    struct error why = {0};
    int status = open_believed(g, "windows", last, &w, &why);
    if (status == ERR_NO) {
        status = windows_rebuild(g, &why);
        if (status == 0)
            status = open_believed(g, "windows", last, &w, &why);
    }
    if (status == 0)
        status = catch_up(w, &why);
    if (status == 0) {
        *out = w;
        return 0;
    }
    windows_close(w);
    if (e)
        *e = why;
    return status;
}

int windows_rebuild(const struct group *g, struct error *e)
{
    return group_computes(g) ? view_rebuild(g, "windows", make, e) : 0;
}

/* ---- verifying ---- */

/* The entities of a view that have something a record may see. */
struct walk {
    struct windows *windows;
    MDB_cursor *cursor;
    struct state state;
};

static int walk_begin(struct walk *k, struct windows *w, struct error *e)
{
    k->windows = w;
    lmdb_env_refresh(&w->env);
    int status = lmdb_env_look(&w->env, e);
    int code = status ? 0 : mdb_cursor_open(w->env.reading, w->env.db, &k->cursor);
    return code ? lmdb_env_failed(&w->env, code, e) : status;
}

static void walk_end(struct walk *k)
{
    if (k->cursor)
        mdb_cursor_close(k->cursor);
    vec_release(&k->state.events);
}

/* 1, and the next entity; 0 at the end. */
static int walk_next(struct walk *k, struct error *e)
{
    const struct windows *w = k->windows;
    MDB_val key, data;
    int code;
    while ((code = mdb_cursor_get(k->cursor, &key, &data, MDB_NEXT)) == 0) {
        if (!lmdb_is_entity(&key))
            continue;
        k->state.events.len = 0;
        k->state.id = (struct text){(const char *)key.mv_data + 1, key.mv_size - 1};
        if (!windows_read_state((struct text){data.mv_data, data.mv_size}, &k->state))
            return windows_damaged(w, e);
        windows_prune(&k->state, windows_horizon(w));
        if (k->state.events.len)
            return 1;
    }
    k->state.id = (struct text){NULL, 0};
    return code == MDB_NOTFOUND ? 0 : lmdb_env_failed(&w->env, code, e);
}

static bool same_state(const struct state *a, const struct state *b)
{
    bool same = a->events.len == b->events.len && text_equal(a->id, b->id);
    for (size_t i = 0; i < a->events.len && same; i++) {
        const struct event *x = &a->events.at[i], *y = &b->events.at[i];
        same = x->time == y->time && x->deleted == y->deleted && text_equal(x->row, y->row);
    }
    return same;
}

static int compare(struct walk *is, struct walk *wanted, struct error *e)
{
    char quoted[QUOTE_MAX];
    for (;;) {
        int more = walk_next(wanted, e), there = more < 0 ? more : walk_next(is, e);
        if (there < 0 || more < 0 || (!more && !there))
            return more < 0 ? more : there;
        struct text id = more ? wanted->state.id : is->state.id;
        if (more != there || !same_state(&is->state, &wanted->state))
            return error_set(e, ERR_NO, "the windows do not have what the log says of %s",
                             quote(quoted, id.at, id.len));
    }
}

static int compare_views(struct windows *is, struct windows *wanted, struct error *e)
{
    struct walk a = {.cursor = NULL}, b = {.cursor = NULL};
    if (is->mark.seen != wanted->mark.seen)
        return error_set(e, ERR_NO, "the windows have a newest time that is not the log's");
    int status = walk_begin(&a, is, e);
    if (status == 0)
        status = walk_begin(&b, wanted, e);
    if (status == 0)
        status = compare(&a, &b, e);
    walk_end(&a);
    walk_end(&b);
    return status;
}

int windows_verify(const struct group *g, uint64_t last, struct error *e)
{
    if (!group_computes(g))
        return 0;
    char *made = view_folder(g, "windows.verify");
    struct windows *is = NULL, *wanted = NULL;
    int status = windows_open(g, last, &is, e);
    if (status == 0)
        status = view_remove(made, e);
    if (status == 0)
        status = make(g, made, e);
    if (status == 0)
        status = open_believed(g, "windows.verify", last, &wanted, e);
    if (status == 0)
        status = compare_views(is, wanted, e);
    windows_close(is);
    windows_close(wanted);
    (void)view_remove(made, NULL);
    mem_free(made);
    return status;
}
