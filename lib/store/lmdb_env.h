/*
 * lmdb_env: an LMDB environment in a folder, as a view of a log: what its keys are, how far the log
 * is in it, whether it is to be believed. For the files of this module.
 *
 * It is read by any number of processes while one writes (the log's lock says which). It is not
 * forced to the disk with every transaction, since it can be made anew: the file "state" says
 * "clean" when all of it is on the disk, else in which boot of the machine it was written to; after
 * another boot it is not believed.
 */
#ifndef STORE_LMDB_ENV_H
#define STORE_LMDB_ENV_H

#include "store/online.h"

#include <lmdb.h>

struct lmdb_env {
    char *folder;
    bool writes;
    MDB_env *env;
    MDB_dbi db;
    MDB_txn *reading; /* NULL: none */
};

/* Into {0}. ERR_NO when it is not there, or not to be believed: it must be made anew. To be closed
 * after an error, too. */
int lmdb_env_open(struct lmdb_env *v, const char *folder, enum online_mode mode, struct error *e);
void lmdb_env_close(struct lmdb_env *v);
/* Forces all to the disk. */
int lmdb_env_sync(struct lmdb_env *v, struct error *e);
/* The error that a code of LMDB's, not 0, is. */
int lmdb_env_failed(const struct lmdb_env *v, int code, struct error *e);

/* `reading` is there, and sees one moment until lmdb_env_refresh; cursors of it are closed before
 * that, and before anything is written. */
int lmdb_env_look(struct lmdb_env *v, struct error *e);
void lmdb_env_refresh(struct lmdb_env *v);
/* lsn of the last record that was applied; 0: none. */
int lmdb_env_applied(struct lmdb_env *v, uint64_t *lsn, struct error *e);

/* Changes by a cursor; returns LMDB's code. */
typedef int lmdb_env_fill(void *context, MDB_cursor *c);
/* Fills and notes what was applied (lsn; 0: nothing new), in one transaction; where the map is too
 * small it grows, and all is done again. Ends `reading`. */
int lmdb_env_write(struct lmdb_env *v, lmdb_env_fill *fill, void *context, uint64_t lsn,
                   struct error *e);

/*
 * Keys: 'i' and an id of up to 480 bytes; 'l', the first 464 bytes of a longer one and 16 of its
 * SHA-256; others by their first letter: 'p' and the name of a source; 'a': lsn of the last record
 * applied.
 */
enum { LMDB_SHORT_ID = 480, LMDB_KEY_MAX = 1 + LMDB_SHORT_ID };
struct lmdb_key {
    char at[LMDB_KEY_MAX];
    size_t len;
};
struct lmdb_key lmdb_key_of(struct text id, bool position);
/* Whether the key does not say all of the id. */
static inline bool lmdb_key_cuts(const struct lmdb_key *k)
{
    return k->at[0] == 'l';
}
/* Whether a key is that of an entity. */
bool lmdb_is_entity(const MDB_val *key);
/* Something whose order in ids is close to that of their keys. */
uint64_t lmdb_key_prefix(struct text id);

static inline MDB_val lmdb_val(void *at, size_t len)
{
    return (MDB_val){len, at};
}

#endif
