/*
 * pit: the point-in-time join. To each label, an id and a time, the features that the entity had
 * then.
 *
 * Candidates are the records of the id whose event_time is at or before the label's time and, when
 * asked, whose write_time is at or before a time of the label's. The newest of them (store_newer)
 * wins, and only then is it asked whether it still holds: a delete, a record that had expired, or
 * one older than the look-back gives no features rather than older ones.
 *
 * How: labels are held in memory, by id and time; records stream past in any order, once, and each
 * is kept at the first label it is a candidate of when it is the best one there so far. A maximum
 * over the labels of an id, in order of time, then gives every label its winner. Memory goes by
 * labels; records need no order and no memory. With a second time (PIT_KNOWN_BY) the labels of an
 * id are a tree of blocks in order of time, each block in order of that other time.
 */
#ifndef STORE_PIT_H
#define STORE_PIT_H

#include "store/group.h"

/* ---- where records come from ---- */

struct pit_source;
/* What is the same for all of them. Names borrow from the source. */
struct pit_about {
    const char *name; /* what columns are called by */
    const char *const *ids;
    size_t id_count;
    struct field *features;
    size_t feature_count;
    bool has_write_times;
};
const struct pit_about *pit_about(const struct pit_source *s);
/* Features by their names, separated by commas; all when NULL. ERR_USAGE when one is unknown.
 * `last` is the lsn of the last record that is read; UINT64_MAX: all there are. g is borrowed. */
int pit_group_source(const struct group *g, const char *features, uint64_t last,
                     struct pit_source **out, struct error *e);
/* The lsn of the last record that was read. */
uint64_t pit_source_last(const struct pit_source *s);

/* Rows of a table, each a record of which lsn is its number; its name is the file's, without folder
 * and extension. All columns that are neither id nor time are features. Ids are equal when their
 * cells are, as text. */
struct pit_file {
    const char *path;
    const char *const *ids;
    size_t id_count;
    const char *time;
    struct time_rule rule;
    const char *features;              /* as above */
    const struct input_options *input; /* with a policy */
};
/* All of f is borrowed. */
int pit_file_source(const struct pit_file *f, struct pit_source **out, struct error *e);
void pit_source_free(struct pit_source *s); /* NULL is fine */

/* ---- joining ---- */

struct pit_options {
    bool strict; /* event_time before the label's time, not at it */
    enum pit_known {
        PIT_KNOWN_NOT,  /* whenever it was written */
        PIT_KNOWN_THEN, /* write_time at or before the label's time, */
        PIT_KNOWN_BY,   /* or at or before another time of the label's */
    } known;
    usec lookback; /* STORE_NEVER: none */
    unsigned jobs;
};

/* One source joined to labels. */
struct pit;
struct pit *pit_new(struct pit_source *s,
                    const struct pit_options *o); /* borrows s, returns owned */
void pit_free(struct pit *p);                     /* NULL is fine */
/* The next label. A missing id, time or known_by (where it is asked for) makes one without
 * candidates. id is borrowed until pit_clear. */
void pit_add(struct pit *p, struct text id, usec time, usec known_by);
/* Bytes that the labels will have taken when they are joined, the features kept for them as far as
 * they can be foreseen. */
size_t pit_need(const struct pit *p);
/* Reads all records, with several threads; what comes out does not depend on their number. */
int pit_join(struct pit *p, struct error *e);

enum pit_status { PIT_OK, PIT_MISSING, PIT_EXPIRED, PIT_DELETED };
const char *pit_status_name(enum pit_status s);
struct pit_answer {
    enum pit_status status;
    usec event_time; /* of the winner; INT_MISSING without one */
    struct text row; /* for pit_cell; missing unless PIT_OK */
};
/* Labels count from 0. Any thread, after pit_join; borrows until pit_clear. */
struct pit_answer pit_answer(const struct pit *p, size_t label);
/* A feature of a row. What is no text there is written to room. */
struct text pit_cell(const struct pit *p, struct text row, size_t feature,
                     char room[static TIME_MAX]);
/* Without labels again, for the next ones. */
void pit_clear(struct pit *p);

#endif
