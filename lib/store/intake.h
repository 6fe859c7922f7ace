/*
 * intake: what comes from outside as records of a group: rows of a table, or one JSON object. And
 * the features of a group that has none yet, as its first rows have them.
 */
#ifndef STORE_INTAKE_H
#define STORE_INTAKE_H

#include "store/group.h"

struct intake_options {
    usec ttl;         /* 0: the group's */
    usec write_time;  /* of all records; 0: now, by row */
    bool others_pass; /* columns that the group has not are passed over, else they are errors */
};

/* What the columns of a table are to a group. Threads may share it. */
struct intake;
/* ERR_DATA when a column of the id or the time is lacking, or a column is none of the group's. A
 * column is_deleted makes its rows deletes. Borrows g. */
int intake_open(const struct group *g, const struct schema *s, const struct intake_options *o,
                struct intake **out, struct error *e);
void intake_free(struct intake *in); /* NULL is fine */

struct intake_rows {
    VEC(struct store_record) records; /* lsn 0; ids and rows are in the arena */
    VEC(uint64_t) numbers;            /* of the rows they come from, in the input, from 0 */
    struct arena arena;
    struct buf id;
    struct row_builder row;
};
/* Appends the records of b's rows. What does not fit goes to b's policy. */
int intake_batch(const struct intake *in, struct batch *b, struct intake_rows *rows,
                 struct error *e);
/* One object: its members are the columns. ERR_DATA names what is wrong. */
int intake_object(const struct group *g, struct text json, const struct intake_options *o,
                  struct intake_rows *rows, struct error *e);
void intake_clear(struct intake_rows *rows);
void intake_release(struct intake_rows *rows);

/* The schema of the group's columns, for reading JSON Lines; into must be {0}. */
void intake_schema(const struct group *g, struct schema *into);

/* Types from all rows, batch by batch. */
struct intake_survey;
struct intake_survey *intake_survey_new(const struct schema *s); /* borrows s */
void intake_survey_add(struct intake_survey *v, struct batch *b);
/* The columns become the group's features, but for its id (whose types are set) and time; and its
 * aggregates behind them. */
int intake_survey_settle(struct intake_survey *v, struct group *g, struct error *e);
void intake_survey_free(struct intake_survey *v); /* NULL is fine */

#endif
