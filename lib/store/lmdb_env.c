/* What views in LMDB share. */
#include "store/lmdb_env.h"

#include "base/digest.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONG_PREFIX = 464, LONG_DIGEST = 16 };
enum { READERS = 1024 };

#define FIRST_MAP ((size_t)64 << 20)

int lmdb_env_failed(const struct lmdb_env *v, int code, struct error *e)
{
    if (code == EACCES)
        return error_set(e, ERR_SYSTEM,
                         "%s: %s (readers, too, must be able to write to its lock.mdb)", v->folder,
                         mdb_strerror(code));
    return error_set(e, ERR_SYSTEM, "%s: %s", v->folder, mdb_strerror(code));
}

/* ---- keys ---- */

struct lmdb_key lmdb_key_of(struct text id, bool position)
{
    struct lmdb_key k = {.len = 1 + id.len};
    k.at[0] = position ? 'p' : id.len <= LMDB_SHORT_ID ? 'i' : 'l';
    if (id.len <= LMDB_SHORT_ID) {
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

bool lmdb_is_entity(const MDB_val *key)
{
    char tag = *(const char *)key->mv_data;
    return tag == 'i' || tag == 'l';
}

uint64_t lmdb_key_prefix(struct text id)
{
    uint64_t prefix = 0;
    for (size_t i = 0; i < 7; i++)
        prefix = prefix << 8 | (i < id.len ? (unsigned char)id.at[i] : 0);
    return prefix | (uint64_t)(id.len > LMDB_SHORT_ID) << 56;
}

static MDB_val applied_key(void)
{
    static char name[] = "a";
    return lmdb_val(name, 1);
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

enum state { STATE_CLEAN, STATE_OURS, STATE_LOST };

static enum state read_state(const struct lmdb_env *v)
{
    char room[64];
    char *path = mem_format("%s/state", v->folder);
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

static int write_state(const struct lmdb_env *v, struct text content, struct error *e)
{
    char *path = mem_format("%s/state", v->folder);
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
static int mark_written(const struct lmdb_env *v, struct error *e)
{
    char room[64];
    return read_state(v) == STATE_OURS ? 0 : write_state(v, boot_name(room), e);
}

static int remove_file(const struct lmdb_env *v, const char *name, struct error *e)
{
    char *path = mem_format("%s/%s", v->folder, name);
    int status =
        unlink(path) && errno != ENOENT ? error_errno(e, "%s: cannot be removed", path) : 0;
    mem_free(path);
    return status;
}

static int make_anew(const struct lmdb_env *v, struct error *e)
{
    if (mkdir(v->folder, 0777) && errno != EEXIST)
        return error_errno(e, "%s: cannot be made", v->folder);
    int status = remove_file(v, "state", e);
    if (status == 0)
        status = remove_file(v, "data.mdb", e);
    return status ? status : remove_file(v, "lock.mdb", e);
}

/* Others may have made the map larger. */
static int begin(struct lmdb_env *v, unsigned flags, MDB_txn **txn)
{
    int code = mdb_txn_begin(v->env, NULL, flags, txn);
    for (int i = 0; code == MDB_MAP_RESIZED && i < 100; i++) {
        code = mdb_env_set_mapsize(v->env, 0);
        if (code == 0)
            code = mdb_txn_begin(v->env, NULL, flags, txn);
    }
    return code;
}

static int open_environment(struct lmdb_env *v, struct error *e)
{
    MDB_txn *txn = NULL;
    unsigned flags = v->writes ? MDB_NOSYNC : MDB_RDONLY;
    int code = mdb_env_create(&v->env);
    if (code == 0)
        code = mdb_env_set_maxreaders(v->env, READERS);
    if (code == 0 && v->writes)
        code = mdb_env_set_mapsize(v->env, FIRST_MAP);
    if (code == 0)
        code = mdb_env_open(v->env, v->folder, flags | MDB_NOTLS, 0666);
    if (code == 0)
        code = mdb_reader_check(v->env, NULL);
    if (code == 0)
        code = begin(v, v->writes ? 0 : MDB_RDONLY, &txn);
    if (code == 0)
        code = mdb_dbi_open(txn, NULL, 0, &v->db);
    if (txn && code == 0)
        code = mdb_txn_commit(txn);
    else if (txn)
        mdb_txn_abort(txn);
    return code ? lmdb_env_failed(v, code, e) : 0;
}

static int check_state(const struct lmdb_env *v, struct error *e)
{
    if (read_state(v) != STATE_LOST)
        return 0;
    return error_set(e, ERR_NO, "%s: not there, or not as it was when the machine stopped",
                     v->folder);
}

int lmdb_env_open(struct lmdb_env *v, const char *folder, enum online_mode mode, struct error *e)
{
    v->folder = mem_text(folder);
    v->writes = mode != ONLINE_READ;
    int status = mode == ONLINE_ANEW ? make_anew(v, e) : check_state(v, e);
    if (status == 0 && v->writes)
        status = mark_written(v, e);
    return status ? status : open_environment(v, e);
}

void lmdb_env_close(struct lmdb_env *v)
{
    lmdb_env_refresh(v);
    if (v->env)
        mdb_env_close(v->env);
    mem_free(v->folder);
    *v = (struct lmdb_env){0};
}

int lmdb_env_sync(struct lmdb_env *v, struct error *e)
{
    int code = mdb_env_sync(v->env, 1);
    return code ? lmdb_env_failed(v, code, e) : write_state(v, text_of("clean"), e);
}

/* ---- reading ---- */

int lmdb_env_look(struct lmdb_env *v, struct error *e)
{
    int code = v->reading ? 0 : begin(v, MDB_RDONLY, &v->reading);
    return code ? lmdb_env_failed(v, code, e) : 0;
}

void lmdb_env_refresh(struct lmdb_env *v)
{
    if (v->reading)
        mdb_txn_abort(v->reading);
    v->reading = NULL;
}

int lmdb_env_applied(struct lmdb_env *v, uint64_t *lsn, struct error *e)
{
    MDB_val key = applied_key(), data;
    *lsn = 0;
    int status = lmdb_env_look(v, e);
    if (status)
        return status;
    int code = mdb_get(v->reading, v->db, &key, &data);
    if (code == 0 && data.mv_size == sizeof *lsn)
        memcpy(lsn, data.mv_data, sizeof *lsn);
    return code == 0 || code == MDB_NOTFOUND ? 0 : lmdb_env_failed(v, code, e);
}

/* ---- writing ---- */

static int put_applied(const struct lmdb_env *v, MDB_txn *txn, uint64_t lsn)
{
    MDB_val key = applied_key(), data = lmdb_val(&lsn, sizeof lsn);
    return mdb_put(txn, v->db, &key, &data, 0);
}

/* With one cursor, which need not go down from the root for a neighbour of the last. */
static int fill_in(const struct lmdb_env *v, MDB_txn *txn, lmdb_env_fill *fill, void *context,
                   uint64_t lsn)
{
    MDB_cursor *c;
    int code = mdb_cursor_open(txn, v->db, &c);
    if (code)
        return code;
    code = fill(context, c);
    mdb_cursor_close(c);
    return code || lsn == 0 ? code : put_applied(v, txn, lsn);
}

static int try_write(struct lmdb_env *v, lmdb_env_fill *fill, void *context, uint64_t lsn)
{
    MDB_txn *txn = NULL;
    int code = begin(v, 0, &txn);
    if (code)
        return code;
    code = fill_in(v, txn, fill, context, lsn);
    if (code == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

static int grow_map(struct lmdb_env *v)
{
    MDB_envinfo info;
    int code = mdb_env_info(v->env, &info);
    return code ? code : mdb_env_set_mapsize(v->env, 2 * info.me_mapsize);
}

int lmdb_env_write(struct lmdb_env *v, lmdb_env_fill *fill, void *context, uint64_t lsn,
                   struct error *e)
{
    int code;
    lmdb_env_refresh(v);
    while ((code = try_write(v, fill, context, lsn)) == MDB_MAP_FULL)
        if ((code = grow_map(v)) != 0)
            break;
    return code ? lmdb_env_failed(v, code, e) : 0;
}
