/*
 * view: what is made of a group's log: the records that a view lacks, and a view's folder put in
 * the place of another. For the files of this module.
 */
#ifndef STORE_VIEW_H
#define STORE_VIEW_H

#include "store/group.h"

/* "GROUP/NAME"; returns owned. */
char *view_folder(const struct group *g, const char *name);
/* Opens the log of the group for writing, and so keeps others from it. */
struct log;
int view_lock(const struct group *g, int timeout_ms, size_t segment, struct log **out,
              struct error *e);

/* Takes n records, at least one, the next ones of the log. */
typedef int view_take(void *view, const struct store_record *records, size_t n, struct error *e);
/* What the log has behind the record `applied`, batch by batch. */
int view_catch_up(const struct group *g, uint64_t applied, view_take *take, void *view,
                  struct error *e);

/* Whether there is one or not. */
int view_remove(const char *folder, struct error *e);
/* Makes a view of the whole log in a folder, and closes it. */
typedef int view_make(const struct group *g, const char *folder, struct error *e);
/* Made anew beside the one of that name there is, which is read meanwhile, and put in its place. */
int view_rebuild(const struct group *g, const char *name, view_make *make, struct error *e);

#endif
