/*
 * What is kept of the newest record of an entity, the same in every kind of view: a struct
 * online_value, little-endian; the id, when the key does not say all of it; the row. For the files
 * of this module.
 */
#ifndef STORE_ONLINE_VALUE_H
#define STORE_ONLINE_VALUE_H

#include "store/store.h"

struct online_value {
    int64_t event_time, write_time, expires_at;
    uint64_t lsn;
    uint32_t flags;
    uint32_t id; /* bytes of the id behind it */
};

/* The row that is kept: none of what is deleted, or had expired when it came. */
struct text online_row(const struct store_record *r);
struct online_value online_value_of(const struct store_record *r, size_t id);
/* Of a whole value; borrows from it, and what it does not say of the id stays. false when it is too
 * short; that its row is whole is not looked at. */
bool online_value_read(struct text value, struct store_record *r);

#endif
