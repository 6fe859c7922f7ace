/*
 * windows: aggregates (group.h) of the last records of each entity, for a group that has some. A
 * view in LMDB in the group's folder "windows", which follows from the log's records; nobody but
 * the writer reads it.
 *
 * A record of entity x at time t is aggregated over x's records with times in (t - window, t],
 * itself included, as far as they had come by then, in the order of their times, then of arrival.
 * So a value is what was known when the record came; it is stored in the record and never changes.
 *
 * - A delete ends what was before it: records behind it, in that order, do not see those before.
 * - A record is late when it is older than the newest time of any entity of the group, by more than
 *   the group's lateness: its aggregates are missing, and later records do not count it. Late
 *   deletes end what was before all the same.
 * - What no record that is in time can see any more is dropped: an entity's at its next record, of
 *   all entities whenever time went on by the longest window.
 *
 * Sums are exact before they are rounded, so a value depends on the records in its window alone.
 * Computing costs time in proportion to them, and so does writing what an entity has, once a batch.
 */
#ifndef STORE_WINDOWS_H
#define STORE_WINDOWS_H

#include "store/group.h"

struct windows;
/* The view to write to, with the log's lock held: made anew when it is not to be believed, is of
 * other aggregates, or has more than the log, whose last record is `last`; and brought to where the
 * log is. group is borrowed, and computes. */
int windows_open(const struct group *g, uint64_t last, struct windows **out, struct error *e);
/* The next record of the log, which is not committed yet. `row`, unless NULL, becomes the record's
 * with its aggregates, and borrows until the next call; of a delete it stays. After an error the
 * windows can only be closed. */
int windows_add(struct windows *w, const struct store_record *r, struct text *row, struct error *e);
/* How many records were late, of those that a row was asked for. */
uint64_t windows_late(const struct windows *w);
/* What was added is committed, up to this record. */
int windows_commit(struct windows *w, uint64_t lsn, struct error *e);
/* Forces all to the disk. */
int windows_sync(struct windows *w, struct error *e);
void windows_close(struct windows *w); /* NULL is fine */

/* The view made anew and put in the place of the one there is. For a group that computes none there
 * is nothing to do. */
int windows_rebuild(const struct group *g, struct error *e);
/* Whether the view, brought to where the log is, is what a replay gives: ERR_NO names the first
 * entity that differs. */
int windows_verify(const struct group *g, uint64_t last, struct error *e);

#endif
