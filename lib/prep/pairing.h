/*
 * pairing: rows of the stream with rows of a side table that memory does not hold. Both are sorted
 * by key on disk, and within a key by their place on a line when they have one; brought together
 * key by key; and what came of it is sorted back into the order of the stream (sort-merge join).
 */
#ifndef PREP_PAIRING_H
#define PREP_PAIRING_H

#include "prep/match.h"
#include "prep/side.h"

/* What values lie on a line: numbers, or microseconds. */
struct point {
    double number;
    usec time;
};

/* An instant (low), or an interval. */
struct span {
    struct point low, high;
};

int point_compare(bool is_time, struct point a, struct point b);
bool point_missing(bool is_time, struct point p);

/* A row of one of the tables, on its way. */
struct pair_row {
    uint64_t place; /* its number in its table */
    struct span span;
    struct text text; /* of the rules' text column */
    struct text row;  /* left: id and packed row; right: the cells held */
};

/* What became of rows, for a batch: its rows, and of the side table beside them the cells held. */
struct paired {
    bool right_only; /* rows of the side table without partner; b is empty, n its rows */
    size_t n;
    const uint64_t *places;    /* of right rows, when right_only */
    const uint8_t *has;        /* by row: it has a partner */
    const double *score;       /* as given with the pair */
    const struct text **cells; /* by column of the side table; NULL where it is not held */
};

struct pairing;

struct pairing_rules {
    struct side *side;
    const struct match_key *keys;
    size_t key_count;
    bool missing_matches;  /* see match.h */
    const uint8_t *wanted; /* columns of the side table that are held */
    bool on_line, is_time; /* rows are given a span; those without one have no partner */
    bool has_text;         /* of each row a text is held, that of these columns: */
    size_t left_text, right_text;
    bool unique;                  /* a key that the side table has twice is ERR_DATA */
    bool keeps_left, keeps_right; /* rows that match nothing are results, too */
    /* Both tables stand before the rows of one key, which both have: pairs them, and leaves both
     * behind them. */
    int (*pair)(struct pairing *p, void *context, struct error *e);
    /* A batch of results, in the end: takes b. */
    int (*finish)(void *context, struct batch *b, const struct paired *r, struct emit *out,
                  struct error *e);
    void *context;
};

/* Copies the rules. */
struct pairing *pairing_new(const struct step *s, const struct pairing_rules *rules);
/* Reads the side table. `spans` fills those of a batch of it; may be NULL. */
int pairing_load(struct pairing *p,
                 int (*spans)(void *context, struct batch *b, struct span *out, struct error *e),
                 struct error *e);
/* Copies the rows of b; in the order of the stream, one batch at a time. */
int pairing_add(struct pairing *p, struct batch *b, const struct span *spans, struct error *e);
/* After the last row. Results come in the order of the left rows, those of one in that of the side
 * table; rows of the side table without partner behind. */
int pairing_emit(struct pairing *p, struct emit *out, struct error *e);
void pairing_free(struct pairing *p);

/* The next row of the key; NULL behind the last. Lives until the next call. */
const struct pair_row *pairing_left(const struct pairing *p);
const struct pair_row *pairing_right(const struct pairing *p);
int pairing_next_left(struct pairing *p, struct error *e);
int pairing_next_right(struct pairing *p, struct error *e);
/* A result: the two rows; right NULL: the left row has no partner. */
int pairing_put(struct pairing *p, const struct pair_row *left, const struct pair_row *right,
                double score, struct error *e);

/* Rows kept and read again and again, in the order they came. */
struct pair_list;
struct pair_list *pair_list_new(const struct step *s);
int pair_list_add(struct pair_list *l, const struct pair_row *row, struct error *e);
int pair_list_rewind(struct pair_list *l, struct error *e); /* ends adding */
/* 1 with a row that lives until the next call; 0 behind the last; < 0. */
int pair_list_next(struct pair_list *l, struct pair_row *row, struct error *e);
void pair_list_clear(struct pair_list *l);
void pair_list_free(struct pair_list *l);

/* A row that stays when the list or table goes on. */
struct kept_row {
    bool there;
    struct pair_row row;
    struct buf bytes;
};
void kept_row_set(struct kept_row *k, const struct pair_row *row);
void kept_row_release(struct kept_row *k);

/* Adds the cells of the columns taken. */
void pairing_add_columns(const struct side *side, const struct taken *take, struct batch *b,
                         const struct paired *r);
/* Makes an empty b into n rows of the side table alone: the stream's columns are missing but for
 * those of the keys, which are given as cells of the side table by its columns. */
void side_alone(const struct side *side, const struct match_key *keys, size_t key_count,
                size_t left_columns, struct batch *b, const uint64_t *places, size_t n,
                const struct text **cells);

#endif
