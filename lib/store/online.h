/*
 * online: the newest record of each entity of a group, to be read by id. A view: all of it follows
 * from the log's records 1 to online_applied, applied in their order.
 *
 * A record takes the place of the one there is when its event_time is later; at the same time or
 * before, the one there is stays. Deletes are kept as records without features (tombstones), so
 * that nothing older comes back. A record with STORE_MERGE keeps the features it lacks of the one
 * it replaces, unless that was deleted, or expired at its event_time.
 *
 * In an LMDB environment: one file, read by any number of processes while one writes (the log's
 * lock says which). It is not forced to the disk with every transaction, since it can be made anew:
 * after the machine itself stopped without online_sync it is not believed.
 */
#ifndef STORE_ONLINE_H
#define STORE_ONLINE_H

#include "store/store.h"

struct online;
/* The folder is made for writing. ERR_NO when it is not there, or not to be believed: it must be
 * made anew, with ONLINE_ANEW, from the log. */
enum online_mode { ONLINE_READ, ONLINE_WRITE, ONLINE_ANEW };
int online_open(const char *folder, enum online_mode mode, struct online **out, struct error *e);
void online_close(struct online *o); /* NULL is fine */

/* lsn of the last record that was applied; 0: none. */
int online_applied(struct online *o, uint64_t *lsn, struct error *e);
/* Applies n records, the next ones of the log, all or none of them. */
int online_apply(struct online *o, const struct store_record *records, size_t n, struct error *e);
/* Forces all to the disk: from then on it is believed whatever happens, until it is written to. */
int online_sync(struct online *o, struct error *e);

/* The newest record of the entity: 1; 0: there was never one, or it is forgotten; < 0. Borrows
 * until the next call. A tombstone, or a record that has expired, is found, too. Not for several
 * threads. */
int online_get(struct online *o, struct text id, struct store_record *out, struct error *e);
/* How far a source was read: 1, and what the last STORE_POSITION of its name says; 0: never. */
int online_position(struct online *o, struct text source, struct store_record *out,
                    struct error *e);
/* The newest of all entities, in the order of their keys; as online_get. Begins anew after 0. */
int online_next(struct online *o, struct store_record *out, struct error *e);
/* From now on what was applied since is seen, too; before, all calls see one moment. */
void online_refresh(struct online *o);

#endif
