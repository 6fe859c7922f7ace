/*
 * store: features of entities over time. A group of features is a folder with a log of records,
 * which is the truth, and views of it that can be made anew at any time.
 *
 * row.h     the features of one record as bytes
 * log.h     records on disk, durable, in the order in which they came
 * online.h  the newest record of each entity
 * windows.h what is computed when a record comes, of those before it
 * group.h   what a group's records are, and what fits them
 * feed.h    records into all of it
 */
#ifndef STORE_H
#define STORE_H

#include "table/table.h"

#define STORE_NEVER INT64_MAX /* expires_at */
/* Longest id and row that are taken, in bytes. */
#define STORE_ID_MAX  2048
#define STORE_ROW_MAX (16 << 20)

enum store_flag {
    STORE_DELETED = 1, /* the entity has no features from event_time on */
    STORE_HARD = 2,    /* a delete whose older values are to be gone, too */
    /* No record of an entity: how far a source was read, which is its id, when what stands before
     * it in its batch was written. The row is as the source means it. */
    STORE_POSITION = 8,
};
/* The position of this name says how far back the newest records are still looked after: from its
 * event_time on. Deletes before it are gone, and what expired before it; and records before it that
 * come later are history only, so that nothing comes back all the same. */
#define STORE_HORIZON TEXT_LITERAL("\1horizon")

/* What was said about an entity, all of it: who has but some of the features adds those there are
 * (row_merge). Of two records of one entity the one with the later event_time is
 * the newer; at equal times that which came first. */
struct store_record {
    uint64_t lsn;    /* number in the log: 1, 2, 3 ... */
    usec event_time; /* when it was so */
    usec write_time; /* when it was written: by a clock that may step, only lsn orders */
    usec expires_at; /* from then on it is not read online; STORE_NEVER */
    unsigned flags;  /* enum store_flag */
    struct text id;
    struct text row; /* row.h; empty for deletes */
};

/* Whether a is the newer of two records of one entity. */
static inline bool store_newer(usec a_time, uint64_t a_lsn, usec b_time, uint64_t b_lsn)
{
    return a_time != b_time ? a_time > b_time : a_lsn < b_lsn;
}

#endif
