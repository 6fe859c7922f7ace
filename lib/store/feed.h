/*
 * feed: records into a group: into its log, which makes them safe, and then into its views, online
 * and windows. Opening one brings the views to where the log is, from nothing if need be.
 */
#ifndef STORE_FEED_H
#define STORE_FEED_H

#include "store/group.h"
#include "store/log.h"
#include "store/online.h"

struct feed_options {
    int timeout_ms; /* to wait for another writer; negative: for ever */
    size_t segment; /* as for the log */
    bool unsafe;    /* commits are not forced to the disk: a machine that stops may lose some */
    bool as_given;  /* aggregates are what the rows say, and not computed */
};

struct feed;
/* group is borrowed. ERR_BUSY when another writes. */
int feed_open(const struct group *g, const struct feed_options *o, struct feed **out,
              struct error *e);
/* Into the batch, in a group with aggregates completed with them; lsn is not read. Copied. After an
 * error the feed can only be closed. */
int feed_add(struct feed *f, const struct store_record *r, struct error *e);
size_t feed_pending(const struct feed *f); /* bytes of the batch */
/* All that was added is in the log when *lsn, that of the last record, is not 0; and in the view,
 * too, when the status is 0. */
int feed_commit(struct feed *f, uint64_t *lsn, struct error *e);
/* How far a source was read, as of the last commit: 1, and what the last STORE_POSITION of its name
 * says, appended; 0: never. */
int feed_position(struct feed *f, struct text source, struct buf *out, struct error *e);
/* The newest record of an entity, as of the last commit: 1, and it, which borrows until the next
 * call; 0: there was never one. */
int feed_newest(struct feed *f, struct text id, struct store_record *out, struct error *e);
/* The view, as of the last commit; NULL when the group has none. Borrowed. */
struct online *feed_online(struct feed *f);
/* Of the records that were added, how many came too late for their aggregates. */
uint64_t feed_late(const struct feed *f);
/* Also forces the view to the disk, when `settle`: worth it after many records. */
int feed_close(struct feed *f, bool settle, struct error *e);

/* The group's view for reading, brought to where the log is if it is not to be believed. ERR_NO
 * when the group has none, ERR_BUSY when it must be made anew and another writes. */
int group_online(const struct group *g, int timeout_ms, struct online **out, struct error *e);
/* The views made anew from the log, beside those there are, and put in their places. */
int group_rebuild(const struct group *g, int timeout_ms, struct error *e);
/* Erases an entity from the log and from the views, which are made anew. *records: how many of its
 * records there were. */
int group_forget(const struct group *g, struct text id, int timeout_ms, uint64_t *records,
                 struct error *e);
/* Whether the views are what the log says: ERR_NO names the first entity that differs. *entities:
 * how many there are. */
int group_verify(const struct group *g, uint64_t *entities, struct error *e);

#endif
