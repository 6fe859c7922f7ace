/*
 * online: the newest record of each entity of a group, to be read by id. A view: all of it follows
 * from the log's records 1 to online_applied, applied in their order.
 *
 * A record takes the place of the one there is when its event_time is later; at the same time or
 * before, the one there is stays. Deletes are kept as records without features (tombstones), so
 * that nothing older comes back; and so are records that had expired when they came.
 *
 * From a STORE_HORIZON on, what is dead and before it is gone, and records before it are not taken.
 *
 * Where it is, the group says; what is answered is the same:
 *
 * "lmdb"       an LMDB environment in the group's folder: read by any number of processes while one
 *              writes (the log's lock says which). It is not forced to the disk with every
 *              transaction, since it can be made anew: after the machine itself stopped without
 *              online_sync it is not believed.
 * redis://[[USER]:PASSWORD@]HOST[:PORT][/NUMBER], redis+unix:///PATH[?db=NUMBER]
 *              a value for each entity, fs:{GROUP:ID}, of the same bytes as in LMDB: it is read
 *              with this library, not with other clients. It vanishes 30 days after it expired.
 *              Other clients may write there: what is read is looked at, and ERR_DATA if it is none
 *              of ours. ERR_BUSY when the server is not reached, also after trying again for some
 *              seconds.
 */
#ifndef STORE_ONLINE_H
#define STORE_ONLINE_H

#include "store/group.h"

struct online;
/* ERR_NO when it is not there, or not to be believed: it must be made anew, with ONLINE_ANEW, from
 * the log. g is borrowed. Not for several threads. */
enum online_mode { ONLINE_READ, ONLINE_WRITE, ONLINE_ANEW };
int online_open(const struct group *g, enum online_mode mode, struct online **out, struct error *e);
void online_close(struct online *o); /* NULL is fine */

/* lsn of the last record that was applied; 0: none. */
int online_applied(struct online *o, uint64_t *lsn, struct error *e);
/* Applies n records, the next ones of the log. After an error some may be applied; applying them
 * again does no harm. */
int online_apply(struct online *o, const struct store_record *records, size_t n, struct error *e);
/* Forces all to the disk: from then on it is believed whatever happens, until it is written to. One
 * that was made anew is believed from its first sync on. */
int online_sync(struct online *o, struct error *e);

/* Calls take for each of n ids, in their order, with its newest record, which borrows until take
 * returns; NULL: there was never one, or it is forgotten. A tombstone, or a record that has
 * expired, is given, too. take returns 0 to go on. */
typedef int online_take(void *context, size_t i, const struct store_record *r, struct error *e);
int online_get(struct online *o, const struct text *ids, size_t n, online_take *take, void *context,
               struct error *e);
/* How far a source was read: 1, and what the last STORE_POSITION of its name says, appended; 0:
 * never. */
int online_position(struct online *o, struct text source, struct buf *out, struct error *e);
/* Calls take for each id there is a record of, in any order, some perhaps twice. */
typedef int online_take_id(void *context, struct text id, struct error *e);
int online_ids(struct online *o, online_take_id *take, void *context, struct error *e);
/* From now on what was applied since is seen, too; before, all calls may see one moment. */
void online_refresh(struct online *o);

#endif
