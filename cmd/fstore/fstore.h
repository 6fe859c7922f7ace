/* What the commands of fstore share. */
#ifndef FSTORE_H
#define FSTORE_H

#include "session/session.h"
#include "store/feed.h"
#include "store/group.h"
#include "store/registry.h"

#include <jansson.h>

/* How long a writer waits for another. */
#define OPTION_ROW_TIMEOUT(S, field)                                                               \
    {                                                                                              \
        0, "timeout", "DURATION", INTO_DURATION(S, field),                                         \
            .fallback = "10s",                                                                     \
            .help = "how long to wait for another writer; then the exit status is 5"               \
    }
static inline int timeout_ms(usec timeout)
{
    return timeout / 1000 > INT32_MAX ? INT32_MAX : (int)(timeout / 1000);
}

/* The store's folder; returns owned. */
int store_open(bool make, char **out, struct error *e);
/* The group of that name. */
int store_group(const char *name, struct group **out, struct error *e);
/* lsn of the group's last record. */
int group_last(const struct group *g, uint64_t *lsn, struct error *e);
/* Descriptions may not change while records come: with the lock of the group's log held. The group
 * is read anew under it. */
int group_lock(const char *name, usec timeout, struct log **lock, struct group **out,
               struct error *e);

/* A command's words as an id: as many as the group has columns for it. Appended to id. */
int id_of_words(const struct group *g, char *const *words, size_t n, struct buf *id,
                struct error *e);

/* {"id":..,"time":..,FEATURES} of a record, in one line without its end. wanted: numbers of
 * features, NULL: all. */
void put_record(const struct group *g, const struct store_record *r, const size_t *wanted,
                size_t count, struct buf *out);
void put_ids(const struct group *g, struct text id, struct buf *out); /* "user_id":"u1" */
void put_text(struct buf *out, const char *name, const char *text);   /* ,"name":"text" */
/* "a,b" as numbers of features; NULL: all of them. Returns owned *wanted. */
int wanted_features(const struct group *g, const char *list, size_t **wanted, size_t *count,
                    struct error *e);
/* JSON in one line to standard output. Takes j. */
int print_json(json_t *j, size_t flags, struct error *e);

extern const struct command command_create, command_update, command_drop, command_list,
    command_describe, command_search, command_tag, command_meta, command_ingest, command_put,
    command_delete, command_forget, command_get, command_mget, command_history, command_verify,
    command_rebuild, command_gc, command_log, command_materialize, command_compact, command_export,
    command_import, command_snapshot, command_join, command_stats, command_drift;

#endif
