/* The kinds of online views. For the files of this module. */
#ifndef STORE_ONLINE_KINDS_H
#define STORE_ONLINE_KINDS_H

#include "store/online.h"
#include "store/online_value.h"

/* As the functions of online.h. */
struct online_kind {
    void (*close)(struct online *o);
    int (*applied)(struct online *o, uint64_t *lsn, struct error *e);
    int (*apply)(struct online *o, const struct store_record *records, size_t n, struct error *e);
    int (*sync)(struct online *o, struct error *e);
    int (*get)(struct online *o, const struct text *ids, size_t n, online_take *take, void *context,
               struct error *e);
    int (*position)(struct online *o, struct text source, struct buf *out, struct error *e);
    int (*ids)(struct online *o, online_take_id *take, void *context, struct error *e);
    void (*refresh)(struct online *o);
    int (*remove)(struct online *o, const struct text *ids, size_t n, struct error *e);
};

/* The first member of what a kind opens. */
struct online {
    const struct online_kind *kind;
    usec horizon; /* see STORE_HORIZON */
    bool horizon_known;
};

int lmdb_open(const char *folder, enum online_mode mode, struct online **out, struct error *e);
/* The newest of all entities, in the order of their keys: 1, and it, which borrows until the next
 * call; 0 at the end. */
int lmdb_next(struct online *o, struct store_record *out, struct error *e);
/* The view to write to, with the log's lock held: made anew if need be, and brought to where the
 * log is. */
int online_open_current(const struct group *g, struct online **out, struct error *e);
/* A view of the whole log in the folder, on the disk and closed. */
int online_make(const struct group *g, const char *folder, struct error *e);
static inline bool group_has_online(const struct group *g)
{
    return strcmp(g->online, "none") != 0;
}
int redis_open(const struct group *g, enum online_mode mode, struct online **out, struct error *e);

#endif
