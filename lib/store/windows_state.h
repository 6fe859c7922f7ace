/* The windows of a group, and what of them is stored. For the files of this module. */
#ifndef STORE_WINDOWS_STATE_H
#define STORE_WINDOWS_STATE_H

#include "store/lmdb_env.h"
#include "store/windows.h"
#include "store/windows_value.h"

/*
 * An entity's key is that of lmdb_env.h. Its value is a struct stored_state, the id where the key
 * cuts it, and its events in their order: a struct stored_event and the row of each. The key "w"
 * has a struct stored_mark and what the view is of, as text. All little-endian.
 */
struct stored_state {
    int64_t last; /* time of the last event */
    uint32_t events, id;
};
struct stored_event {
    int64_t time;
    uint32_t row, deleted;
};
struct stored_mark {
    int64_t seen, swept;
};

#define WINDOWS_NEVER INT64_MIN

/* The events of an entity, of which those of the batch are not stored yet. */
struct state {
    struct text id;
    VEC(struct event) events; /* by time, then as they came */
};

struct windows {
    const struct group *group;
    struct lmdb_env env;
    VEC(struct window_rule) rules;
    size_t *rule_of;       /* by place in a record's row: MAP_NONE, or its number */
    size_t width;          /* of a record's row */
    VEC(size_t) arguments; /* features that the events' rows have */
    struct buf is_of;      /* what another view would be of if it differed */
    usec longest;
    struct stored_mark mark; /* the newest time; what was dropped everywhere */
    uint64_t late;           /* records that were completed */
    /* Of the batch. */
    struct map ids;
    VEC(struct state) states; /* by number of the id */
    struct arena arena;
    struct row_builder event, row;
    struct map texts;
};

struct windows *windows_new(const struct group *g); /* nothing is opened */
MDB_val windows_mark_key(void);
/* The next n bytes of those that are left. */
bool windows_take_bytes(struct text *left, size_t n, const char **at);
/* Appends the events of a value; they borrow from it, and so does the id where it is in it. */
bool windows_read_state(struct text value, struct state *s);
int windows_damaged(const struct windows *w, struct error *e);
/* No record that is in time sees what is of this time or before. */
usec windows_horizon(const struct windows *w);
void windows_prune(struct state *s, usec until);

#endif
