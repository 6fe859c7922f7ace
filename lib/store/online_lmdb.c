/* The view in an LMDB environment. */
#include "store/online_kinds.h"

#include "store/lmdb_env.h"

#include <stdlib.h>

/* Values: as in online_value.h, with the id when the key cuts it. */
struct lmdb {
    struct online online; /* first */
    struct lmdb_env env;
    MDB_cursor *cursor; /* NULL: none */
};

static int failed(const struct lmdb *o, int code, struct error *e)
{
    return lmdb_env_failed(&o->env, code, e);
}

/* What a key and its value say; false when they are none of ours. */
static bool say(const MDB_val *key, const MDB_val *data, struct store_record *r)
{
    if (key->mv_size < 1)
        return false;
    r->id = (struct text){(const char *)key->mv_data + 1, key->mv_size - 1};
    return online_value_read((struct text){data->mv_data, data->mv_size}, r);
}

/* ---- opening ---- */

static void refresh(struct lmdb *o)
{
    if (o->cursor)
        mdb_cursor_close(o->cursor);
    o->cursor = NULL;
    lmdb_env_refresh(&o->env);
}

static void close_lmdb(struct online *online)
{
    struct lmdb *o = (void *)online;
    refresh(o);
    lmdb_env_close(&o->env);
    mem_free(o);
}

static int sync_lmdb(struct online *online, struct error *e)
{
    struct lmdb *o = (void *)online;
    return lmdb_env_sync(&o->env, e);
}

/* ---- reading ---- */

static int not_ours(const struct lmdb *o, struct error *e)
{
    return error_set(e, ERR_DATA, "%s: a record in it is damaged", o->env.folder);
}

/* 1; 0: it is not there. */
static int find(struct lmdb *o, struct text id, bool position, struct store_record *out,
                struct error *e)
{
    struct lmdb_key k = lmdb_key_of(id, position);
    MDB_val key = lmdb_val(k.at, k.len), data;
    int code = mdb_get(o->env.reading, o->env.db, &key, &data);
    if (code == MDB_NOTFOUND)
        return 0;
    if (code)
        return failed(o, code, e);
    if (!say(&key, &data, out))
        return not_ours(o, e);
    out->id = id;
    return 1;
}

static int get_lmdb(struct online *online, const struct text *ids, size_t n, online_take *take,
                    void *context, struct error *e)
{
    struct lmdb *o = (void *)online;
    int status = lmdb_env_look(&o->env, e);
    for (size_t i = 0; i < n && status == 0; i++) {
        struct store_record r;
        int found = find(o, ids[i], false, &r, e);
        status = found < 0 ? found : take(context, i, found ? &r : NULL, e);
    }
    return status;
}

static int position_lmdb(struct online *online, struct text source, struct buf *out,
                         struct error *e)
{
    struct lmdb *o = (void *)online;
    struct store_record r = {.lsn = 0};
    int status = lmdb_env_look(&o->env, e);
    int found = status ? status : find(o, source, true, &r, e);
    if (found > 0)
        buf_add(out, r.row.at, r.row.len);
    return found;
}

int lmdb_next(struct online *online, struct store_record *out, struct error *e)
{
    struct lmdb *o = (void *)online;
    int status = lmdb_env_look(&o->env, e);
    if (status)
        return status;
    int code = o->cursor ? 0 : mdb_cursor_open(o->env.reading, o->env.db, &o->cursor);
    MDB_val key, data;
    do
        code = code ? code : mdb_cursor_get(o->cursor, &key, &data, MDB_NEXT);
    while (code == 0 && !lmdb_is_entity(&key));
    if (code == 0)
        return say(&key, &data, out) ? 1 : not_ours(o, e);
    mdb_cursor_close(o->cursor);
    o->cursor = NULL;
    return code == MDB_NOTFOUND ? 0 : failed(o, code, e);
}

static void refresh_lmdb(struct online *online)
{
    refresh((void *)online);
}

static int applied_lmdb(struct online *online, uint64_t *lsn, struct error *e)
{
    struct lmdb *o = (void *)online;
    return lmdb_env_applied(&o->env, lsn, e);
}

static int ids_lmdb(struct online *online, online_take_id *take, void *context, struct error *e)
{
    struct store_record r = {.lsn = 0};
    int status;
    refresh((void *)online);
    while ((status = lmdb_next(online, &r, e)) > 0)
        if ((status = take(context, r.id, e)) != 0)
            break;
    return status;
}

/* ---- applying ---- */

/* A record in the order in which it is applied: entities by their keys, which are close in the map
 * then, and the records of one as they came. */
struct change {
    uint64_t prefix; /* of the key, as a number */
    const struct store_record *record;
};

static int by_key(const void *a, const void *b)
{
    const struct change *x = a, *y = b;
    if (x->prefix != y->prefix)
        return x->prefix < y->prefix ? -1 : 1;
    int order = text_compare(x->record->id, y->record->id);
    return order ? order : (x->record->lsn > y->record->lsn) - (x->record->lsn < y->record->lsn);
}

/* With MDB_NOOVERWRITE MDB_KEYEXIST and *there, what there is; with MDB_CURRENT it takes its place.
 */
static int put(MDB_cursor *c, struct lmdb_key *k, const struct store_record *r, unsigned flags,
               MDB_val *there)
{
    struct text row = online_row(r);
    struct online_value v = online_value_of(r, lmdb_key_cuts(k) ? r->id.len : 0);
    MDB_val key = lmdb_val(k->at, k->len), data = {sizeof v + v.id + row.len, NULL};
    int code = mdb_cursor_put(c, &key, &data, MDB_RESERVE | flags);
    *there = data;
    if (code)
        return code;
    char *to = data.mv_data;
    memcpy(to, &v, sizeof v);
    memcpy(to + sizeof v, r->id.at, v.id);
    memcpy(to + sizeof v + v.id, row.at, row.len);
    return 0;
}

static int apply_one(MDB_cursor *c, const struct store_record *r)
{
    bool position = r->flags & STORE_POSITION;
    struct lmdb_key k = lmdb_key_of(r->id, position);
    struct store_record before;
    MDB_val key = lmdb_val(k.at, k.len), data;
    int code = put(c, &k, r, position ? 0 : MDB_NOOVERWRITE, &data);
    if (code != MDB_KEYEXIST)
        return code;
    if (!say(&key, &data, &before))
        return MDB_CORRUPTED;
    return store_newer(r->event_time, r->lsn, before.event_time, before.lsn)
               ? put(c, &k, r, MDB_CURRENT, &data)
               : 0;
}

struct changes {
    struct change *at;
    size_t n;
};

static int apply_all(void *context, MDB_cursor *c)
{
    const struct changes *all = context;
    int code = 0;
    for (size_t i = 0; i < all->n && code == 0; i++)
        code = apply_one(c, all->at[i].record);
    return code;
}

static int apply_lmdb(struct online *online, const struct store_record *records, size_t n,
                      struct error *e)
{
    struct lmdb *o = (void *)online;
    struct changes all = {mem_array(NULL, n, sizeof *all.at), n};
    for (size_t i = 0; i < n; i++)
        all.at[i] = (struct change){lmdb_key_prefix(records[i].id), &records[i]};
    qsort(all.at, n, sizeof *all.at, by_key);
    refresh(o);
    int status = lmdb_env_write(&o->env, apply_all, &all, records[n - 1].lsn, e);
    mem_free(all.at);
    return status;
}

/* ---- removing ---- */

struct removal {
    const struct text *ids;
    size_t n;
};

static int remove_all(void *context, MDB_cursor *c)
{
    const struct removal *r = context;
    int code = 0;
    for (size_t i = 0; i < r->n && code == 0; i++) {
        struct lmdb_key k = lmdb_key_of(r->ids[i], false);
        MDB_val key = lmdb_val(k.at, k.len), data;
        code = mdb_cursor_get(c, &key, &data, MDB_SET);
        code = code == MDB_NOTFOUND ? 0 : code ? code : mdb_cursor_del(c, 0);
    }
    return code;
}

static int remove_lmdb(struct online *online, const struct text *ids, size_t n, struct error *e)
{
    struct lmdb *o = (void *)online;
    struct removal r = {ids, n};
    refresh(o);
    return lmdb_env_write(&o->env, remove_all, &r, 0, e);
}

/* ---- all of it ---- */

int lmdb_open(const char *folder, enum online_mode mode, struct online **out, struct error *e)
{
    static const struct online_kind kind = {.close = close_lmdb,
                                            .applied = applied_lmdb,
                                            .apply = apply_lmdb,
                                            .sync = sync_lmdb,
                                            .get = get_lmdb,
                                            .position = position_lmdb,
                                            .ids = ids_lmdb,
                                            .refresh = refresh_lmdb,
                                            .remove = remove_lmdb};
    struct lmdb *o = mem_alloc(sizeof *o);
    o->online.kind = &kind;
    int status = lmdb_env_open(&o->env, folder, mode, e);
    if (status)
        close_lmdb(&o->online);
    else
        *out = &o->online;
    return status;
}
