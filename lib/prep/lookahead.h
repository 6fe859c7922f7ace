/*
 * lookahead: steps that fill missing cells in the order of the stream, and rows of theirs that wait
 * for later ones: in memory, then on disk (later.h).
 */
#ifndef PREP_LOOKAHEAD_H
#define PREP_LOOKAHEAD_H

#include "prep/groups.h"
#include "prep/later.h"
#include "prep/prep.h"

struct order_plan {
    size_t *by, by_count;
    size_t order; /* FIELD_NONE: rows are one apart */
    bool time;
    const char *order_name;
    uint64_t limit; /* UINT64_MAX: none */
};

/* Reads limit= and by=. */
int order_open(struct step *s, const struct schema *in, struct error *e);
struct grouping lookahead_grouping(const struct step *s);
/* Copies of the selected columns as text, which take their place in the batch. */
struct text **own_cells(const struct step *s, struct batch *b);

/* A batch that waits until its missing cells have met the next value, or never will. */
struct held {
    struct batch *batch;
    struct text **cells;
    struct column *as_came; /* the selected columns */
    double **notes;         /* columns added to the row on disk; and */
    size_t note_count;      /* how many; 0 at first */
    size_t waiting;
};

struct place {
    struct held *held;
    size_t row;
    double at;
};

/* A column of a group: the missing cells since its last value. */
struct gap {
    VEC(struct place) open;
    size_t first;             /* of open that still waits */
    uint64_t rows;            /* of the group so far */
    uint64_t length;          /* cells that wait or would, since the last value */
    bool begun, abandoned;    /* a value came before; the gap is longer than limit */
    double before, before_at; /* that value */
};

struct lookahead {
    struct groups groups;
    VEC(struct gap) gaps; /* group * columns + column */
    VEC(struct held *) queue;
    size_t first; /* of the queue that is not emitted */
    size_t bytes;
    struct later *later; /* the rows, once memory has no room for them; NULL: in the queue */
};

int lookahead_start(struct step *s, struct error *e);
void lookahead_stop(struct step *s);
/* The gaps of a row of the batch given to groups_batch, by selected column. */
struct gap *lookahead_gaps(struct lookahead *l, size_t columns, size_t row);
void gap_wait(struct gap *g, struct held *h, size_t row, double at);
/* The next cell of the gap that waits no more; NULL when there is none. */
struct place *gap_next(struct gap *g);
/* Takes b into the queue. */
struct held *lookahead_hold(struct step *s, struct batch *b);
/* Emits what waits for nothing. When memory has no room for what waits, that goes to disk as it
 * came, and so must the rows behind. */
int lookahead_emit(struct step *s, struct emit *out, struct error *e);
/* To disk, from then on. Takes b, of which nothing is changed. */
int lookahead_later(struct step *s, struct batch *b, double **notes, size_t note_count,
                    struct error *e);
/* The end: emits all; those on disk once `turn` had them, see later.h. */
int lookahead_flush(struct step *s, int (*turn)(void *context, struct batch *b, struct error *e),
                    void *context, struct emit *out, struct error *e);

#define LIMIT_ARG(what)                                                                            \
    {                                                                                              \
        .name = "limit", .kind = ARG_INT, .min = 1, .max = 1e15, .help = what                      \
    }
#define BY_ARG                                                                                     \
    {                                                                                              \
        .name = "by", .kind = ARG_COLUMNS, .help = "fill within rows that agree in these columns"  \
    }

#define LOOKAHEAD                                                                                  \
    .family = "missing", .class = "W", .ordered = true, .start = lookahead_start,                  \
    .stop = lookahead_stop, .grouping = lookahead_grouping, .holds_back = true

#endif
