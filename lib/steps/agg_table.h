/*
 * agg_table: groups of rows and the states of their aggregates. Past its memory a table spills its
 * groups, as bytes, to a sorter, and what grows with the values of one group value by value to
 * another; at the end parts of one group come together again. Groups leave in the order of their
 * first row.
 */
#ifndef STEPS_AGG_TABLE_H
#define STEPS_AGG_TABLE_H

#include "prep/prep.h"
#include "steps/accumulate.h"
#include "table/sorter.h"

enum { AGG_ROWS_OUT = 4096, AGG_BY_MAX = 16 };

/* A column that comes out: a function of one of the aggregates. */
struct agg_output {
    const char *name;
    struct asked asked;
    size_t of;
};

/* s->plan of a step that aggregates. */
struct agg_plan {
    struct aggregate *aggregates; /* what is kept, */
    struct expr **values;         /* of which argument; NULL: none */
    size_t count;
    struct agg_output *outputs;
    size_t output_count;
    size_t *by, by_count;
    const char **by_names;
    uint64_t *sets; /* grouping sets: bit i = by[i] is part of the group */
    size_t set_count;
};

struct agg_table {
    const struct agg_plan *plan;
    struct map groups;      /* key of a group: see put_key */
    VEC(uint64_t) first;    /* smallest row id, by group */
    char **states;          /* per aggregate: array of states by group */
    size_t capacity;        /* groups that fit the arrays */
    size_t held;            /* bytes the states own */
    size_t limit;           /* bytes, then it spills */
    struct sorter *spilled; /* groups by key */
    struct spilled *values; /* of their states; with spilled */
    struct sorter *ordered; /* groups by first row, once merged */
    VEC(uint32_t) order;    /* groups in the order they go out */
    size_t next;
};

struct agg_table *agg_table_new(const struct agg_plan *plan, size_t limit);
void agg_table_free(struct agg_table *t);
/* Groups of n rows of b, from row `from` on, for one grouping set, into group[0 .. n). ids are of
 * all rows. */
void agg_table_find(struct agg_table *t, struct batch *b, uint64_t set, const uint64_t *ids,
                    size_t from, size_t n, uint32_t *group);
/* To be called when rows are with their groups: keeps to the limit. */
int agg_table_relieve(struct agg_table *t, struct error *e);
int agg_table_merge(struct agg_table *into, struct agg_table *from, struct error *e);
/* Ends adding: order and next then say which groups go out. */
int agg_table_finish(struct agg_table *t, struct error *e);
/* The next groups, at most AGG_ROWS_OUT: t->order.at[*from .. *from + n). Returns n, 0 at the end,
 * < 0. */
int agg_table_next(struct agg_table *t, size_t *from, struct error *e);
/* Value i of a group's key. */
struct text agg_table_key(const struct agg_table *t, size_t group, size_t i);

#endif
