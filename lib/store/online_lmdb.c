/* The view in an LMDB environment. */
#include "store/online_kinds.h"

#include "base/digest.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Keys: 'i' and an id of up to 480 bytes; 'l', the first 464 bytes of a longer one and 16 of its
 * SHA-256; 'p' and the name of a source; 'a': lsn of the last record applied. Values: as in
 * online_value.h, with the id when it is long.
 */
enum { SHORT_ID = 480, LONG_PREFIX = 464, LONG_DIGEST = 16, KEY_MAX = 1 + SHORT_ID };
enum { READERS = 1024 };

#define FIRST_MAP ((size_t)64 << 20)

struct lmdb {
    struct online online; /* first */
    char *folder;
    bool writes;
    MDB_env *env;
    MDB_dbi db;
    MDB_txn *reading; /* NULL: none */
    MDB_cursor *cursor;
};

static int failed(const struct lmdb *o, int code, struct error *e)
{
    return error_set(e, ERR_SYSTEM, "%s: %s", o->folder, mdb_strerror(code));
}

/* ---- keys ---- */

struct key {
    char at[KEY_MAX];
    size_t len;
};

static struct key key_of(struct text id, bool position)
{
    struct key k = {.len = 1 + id.len};
    k.at[0] = position ? 'p' : id.len <= SHORT_ID ? 'i' : 'l';
    if (id.len <= SHORT_ID) {
        memcpy(k.at + 1, id.at, id.len);
        return k;
    }
    uint8_t digest[SHA256_SIZE];
    sha256(id, digest);
    memcpy(k.at + 1, id.at, LONG_PREFIX);
    memcpy(k.at + 1 + LONG_PREFIX, digest, LONG_DIGEST);
    k.len = 1 + LONG_PREFIX + LONG_DIGEST;
    return k;
}

static MDB_val val_of(void *at, size_t len)
{
    return (MDB_val){len, at};
}

static MDB_val applied_key(void)
{
    static char name[] = "a";
    return val_of(name, 1);
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

/* A boot of this machine has a name; one that cannot be read is as good as another boot. */
static struct text boot_name(char room[static 64])
{
    struct error unwanted;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : file_read(fd, room, 36, "boot_id", &unwanted);
    if (fd >= 0)
        close(fd);
    return (struct text){room, n > 0 ? (size_t)n : 0};
}

/*
 * The file "state" is "clean" when all of the environment is on the disk, else it names the boot of
 * the machine in which it was written to.
 */
enum state { STATE_CLEAN, STATE_OURS, STATE_LOST };

static enum state read_state(const struct lmdb *o)
{
    char room[64];
    char *path = mem_format("%s/state", o->folder);
    struct buf content = {0};
    struct error unwanted;
    enum state state = STATE_LOST;
    struct text boot = boot_name(room);
    if (file_load(path, 64, &content, &unwanted) == 0) {
        struct text have = {content.at, content.len};
        if (text_equal(have, text_of("clean")))
            state = STATE_CLEAN;
        else if (boot.len && text_equal(have, boot))
            state = STATE_OURS;
    }
    buf_release(&content);
    mem_free(path);
    return state;
}

static int write_state(const struct lmdb *o, struct text content, struct error *e)
{
    char *path = mem_format("%s/state", o->folder);
    struct replace *r = NULL;
    int status = replace_open(path, &r, e);
    if (status == 0) {
        status = file_write(replace_fd(r), content.at, content.len, path, e);
        if (status)
            replace_abort(r);
        else
            status = replace_commit(r, e);
    }
    mem_free(path);
    return status;
}

/* Says before the first write that what is on the disk may not be whole. */
static int mark_written(const struct lmdb *o, struct error *e)
{
    char room[64];
    return read_state(o) == STATE_OURS ? 0 : write_state(o, boot_name(room), e);
}

static int remove_file(const struct lmdb *o, const char *name, struct error *e)
{
    char *path = mem_format("%s/%s", o->folder, name);
    int status =
        unlink(path) && errno != ENOENT ? error_errno(e, "%s: cannot be removed", path) : 0;
    mem_free(path);
    return status;
}

static int make_anew(const struct lmdb *o, struct error *e)
{
    if (mkdir(o->folder, 0777) && errno != EEXIST)
        return error_errno(e, "%s: cannot be made", o->folder);
    int status = remove_file(o, "state", e);
    if (status == 0)
        status = remove_file(o, "data.mdb", e);
    return status ? status : remove_file(o, "lock.mdb", e);
}

/* Others may have made the map larger. */
static int begin(struct lmdb *o, unsigned flags, MDB_txn **txn)
{
    int code = mdb_txn_begin(o->env, NULL, flags, txn);
    for (int i = 0; code == MDB_MAP_RESIZED && i < 100; i++) {
        code = mdb_env_set_mapsize(o->env, 0);
        if (code == 0)
            code = mdb_txn_begin(o->env, NULL, flags, txn);
    }
    return code;
}

static int open_environment(struct lmdb *o, struct error *e)
{
    MDB_txn *txn = NULL;
    unsigned flags = o->writes ? MDB_NOSYNC : MDB_RDONLY;
    int code = mdb_env_create(&o->env);
    if (code == 0)
        code = mdb_env_set_maxreaders(o->env, READERS);
    if (code == 0 && o->writes)
        code = mdb_env_set_mapsize(o->env, FIRST_MAP);
    if (code == 0)
        code = mdb_env_open(o->env, o->folder, flags | MDB_NOTLS, 0666);
    if (code == 0)
        code = mdb_reader_check(o->env, NULL);
    if (code == 0)
        code = begin(o, o->writes ? 0 : MDB_RDONLY, &txn);
    if (code == 0)
        code = mdb_dbi_open(txn, NULL, 0, &o->db);
    if (txn && code == 0)
        code = mdb_txn_commit(txn);
    else if (txn)
        mdb_txn_abort(txn);
    return code ? failed(o, code, e) : 0;
}

static int check_state(const struct lmdb *o, struct error *e)
{
    if (read_state(o) != STATE_LOST)
        return 0;
    return error_set(e, ERR_NO, "%s: not there, or not as it was when the machine stopped",
                     o->folder);
}

static void close_lmdb(struct online *online)
{
    struct lmdb *o = (void *)online;
    if (o->cursor)
        mdb_cursor_close(o->cursor);
    if (o->reading)
        mdb_txn_abort(o->reading);
    if (o->env)
        mdb_env_close(o->env);
    mem_free(o->folder);
    mem_free(o);
}

static int sync_lmdb(struct online *online, struct error *e)
{
    struct lmdb *o = (void *)online;
    int code = mdb_env_sync(o->env, 1);
    return code ? failed(o, code, e) : write_state(o, text_of("clean"), e);
}

/* ---- reading ---- */

static int look(struct lmdb *o, struct error *e)
{
    int code = o->reading ? 0 : begin(o, MDB_RDONLY, &o->reading);
    return code ? failed(o, code, e) : 0;
}

static int not_ours(const struct lmdb *o, struct error *e)
{
    return error_set(e, ERR_DATA, "%s: a record in it is damaged", o->folder);
}

/* 1; 0: it is not there. */
static int find(struct lmdb *o, struct text id, bool position, struct store_record *out,
                struct error *e)
{
    struct key k = key_of(id, position);
    MDB_val key = val_of(k.at, k.len), data;
    int code = mdb_get(o->reading, o->db, &key, &data);
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
    int status = look(o, e);
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
    int status = look(o, e);
    int found = status ? status : find(o, source, true, &r, e);
    if (found > 0)
        buf_add(out, r.row.at, r.row.len);
    return found;
}

/* Not of an entity. */
static bool is_other(const MDB_val *key)
{
    char tag = *(const char *)key->mv_data;
    return tag != 'i' && tag != 'l';
}

int lmdb_next(struct online *online, struct store_record *out, struct error *e)
{
    struct lmdb *o = (void *)online;
    int status = look(o, e);
    if (status)
        return status;
    int code = o->cursor ? 0 : mdb_cursor_open(o->reading, o->db, &o->cursor);
    MDB_val key, data;
    do
        code = code ? code : mdb_cursor_get(o->cursor, &key, &data, MDB_NEXT);
    while (code == 0 && is_other(&key));
    if (code == 0)
        return say(&key, &data, out) ? 1 : not_ours(o, e);
    mdb_cursor_close(o->cursor);
    o->cursor = NULL;
    return code == MDB_NOTFOUND ? 0 : failed(o, code, e);
}

static void refresh(struct lmdb *o)
{
    if (o->cursor)
        mdb_cursor_close(o->cursor);
    if (o->reading)
        mdb_txn_abort(o->reading);
    o->cursor = NULL;
    o->reading = NULL;
}

static int applied_in(const struct lmdb *o, MDB_txn *txn, uint64_t *lsn)
{
    MDB_val key = applied_key(), data;
    int code = mdb_get(txn, o->db, &key, &data);
    *lsn = 0;
    if (code == 0 && data.mv_size == sizeof *lsn)
        memcpy(lsn, data.mv_data, sizeof *lsn);
    return code == MDB_NOTFOUND ? 0 : code;
}

static void refresh_lmdb(struct online *online)
{
    refresh((void *)online);
}

static int applied_lmdb(struct online *online, uint64_t *lsn, struct error *e)
{
    struct lmdb *o = (void *)online;
    int status = look(o, e);
    int code = status ? 0 : applied_in(o, o->reading, lsn);
    return code ? failed(o, code, e) : status;
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

static uint64_t prefix_of(struct text id)
{
    uint64_t prefix = 0;
    for (size_t i = 0; i < 7; i++)
        prefix = prefix << 8 | (i < id.len ? (unsigned char)id.at[i] : 0);
    return prefix | (uint64_t)(id.len > SHORT_ID) << 56;
}

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
static int put(MDB_cursor *c, struct key *k, const struct store_record *r, unsigned flags,
               MDB_val *there)
{
    struct text row = online_row(r);
    struct online_value v = online_value_of(r, k->at[0] == 'l' ? r->id.len : 0);
    MDB_val key = val_of(k->at, k->len), data = {sizeof v + v.id + row.len, NULL};
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
    struct key k = key_of(r->id, position);
    struct store_record before;
    MDB_val key = val_of(k.at, k.len), data;
    int code = put(c, &k, r, position ? 0 : MDB_NOOVERWRITE, &data);
    if (code != MDB_KEYEXIST)
        return code;
    if (!say(&key, &data, &before))
        return MDB_CORRUPTED;
    return store_newer(r->event_time, r->lsn, before.event_time, before.lsn)
               ? put(c, &k, r, MDB_CURRENT, &data)
               : 0;
}

static int put_applied(const struct lmdb *o, MDB_txn *txn, uint64_t lsn)
{
    MDB_val key = applied_key(), data = val_of(&lsn, sizeof lsn);
    return mdb_put(txn, o->db, &key, &data, 0);
}

/* With one cursor, which need not go down from the root for a neighbour of the last. */
static int apply_in(const struct lmdb *o, MDB_txn *txn, const struct change *changes, size_t n,
                    uint64_t last)
{
    MDB_cursor *c;
    int code = mdb_cursor_open(txn, o->db, &c);
    if (code)
        return code;
    for (size_t i = 0; i < n && code == 0; i++)
        code = apply_one(c, changes[i].record);
    mdb_cursor_close(c);
    return code ? code : put_applied(o, txn, last);
}

static int try_apply(struct lmdb *o, const struct change *changes, size_t n, uint64_t last)
{
    MDB_txn *txn = NULL;
    int code = begin(o, 0, &txn);
    if (code)
        return code;
    code = apply_in(o, txn, changes, n, last);
    if (code == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

static int grow_map(struct lmdb *o)
{
    MDB_envinfo info;
    int code = mdb_env_info(o->env, &info);
    refresh(o);
    return code ? code : mdb_env_set_mapsize(o->env, 2 * info.me_mapsize);
}

static int apply_lmdb(struct online *online, const struct store_record *records, size_t n,
                      struct error *e)
{
    struct lmdb *o = (void *)online;
    struct change *changes = mem_array(NULL, n, sizeof *changes);
    for (size_t i = 0; i < n; i++)
        changes[i] = (struct change){prefix_of(records[i].id), &records[i]};
    qsort(changes, n, sizeof *changes, by_key);
    int code;
    while ((code = try_apply(o, changes, n, records[n - 1].lsn)) == MDB_MAP_FULL)
        if ((code = grow_map(o)) != 0)
            break;
    mem_free(changes);
    return code ? failed(o, code, e) : 0;
}

/* ---- removing ---- */

static int remove_in(const struct lmdb *o, MDB_txn *txn, const struct text *ids, size_t n)
{
    int code = 0;
    for (size_t i = 0; i < n && code == 0; i++) {
        struct key k = key_of(ids[i], false);
        MDB_val key = val_of(k.at, k.len);
        code = mdb_del(txn, o->db, &key, NULL);
        code = code == MDB_NOTFOUND ? 0 : code;
    }
    return code;
}

static int try_remove(struct lmdb *o, const struct text *ids, size_t n)
{
    MDB_txn *txn = NULL;
    int code = begin(o, 0, &txn);
    if (code)
        return code;
    code = remove_in(o, txn, ids, n);
    if (code == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

static int remove_lmdb(struct online *online, const struct text *ids, size_t n, struct error *e)
{
    struct lmdb *o = (void *)online;
    int code;
    refresh(o);
    while ((code = try_remove(o, ids, n)) == MDB_MAP_FULL)
        if ((code = grow_map(o)) != 0)
            break;
    return code ? failed(o, code, e) : 0;
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
    o->folder = mem_text(folder);
    o->writes = mode != ONLINE_READ;
    int status = mode == ONLINE_ANEW ? make_anew(o, e) : check_state(o, e);
    if (status == 0 && o->writes)
        status = mark_written(o, e);
    if (status == 0)
        status = open_environment(o, e);
    if (status)
        close_lmdb(&o->online);
    else
        *out = &o->online;
    return status;
}
