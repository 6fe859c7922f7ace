/*
 * profile: what the values of a feature are like: how many are missing, how they are spread, which
 * are frequent; kept as a group's baseline, to compare what comes later with it.
 *
 * A profile learns, or counts. One that learns needs nothing but values. From it follow bins, and
 * one with bins counts values in them: baselines do, and what is compared with one, in the same
 * bins. Both merge: the same for any order of rows and any split of them (but for the frequent
 * values of one that learns more than PROFILE_CATEGORIES of them).
 *
 * Numbers are bins of values: of ints and floats themselves, of times microseconds since 1970, of
 * lists how many elements they have. Edges are PROFILE_EDGES quantiles, and a value that several of
 * them fall on has a bin of its own. Texts and bools are categories: all there are, or, beyond
 * PROFILE_CATEGORIES, the most frequent; others count together. A text of more than
 * PROFILE_TEXT_MAX bytes goes by its beginning and a hash.
 */
#ifndef STORE_PROFILE_H
#define STORE_PROFILE_H

#include "stats/stats.h"
#include "store/group.h"

enum {
    PROFILE_EDGES = 200,
    PROFILE_CATEGORIES = 1000, /* that are counted */
    PROFILE_FREQUENT = 100,    /* that are kept when there are more */
    PROFILE_TEXT_MAX = 256,
};

struct profile {
    struct feature feature; /* its name is owned */
    uint64_t rows, missing;
    struct moments moments;   /* of numbers; of texts and bools: of their characters */
    struct distinct distinct; /* values */
    /* One that learns: */
    struct quantiles *quantiles;
    struct frequent *frequent;
    /* One that counts: */
    bool counts;
    struct histogram histogram;
    struct counts categories; /* first: by rank, from 0 */
    uint64_t other;           /* values of no category */
    bool complete;            /* the categories are all that were learnt */
    /* Numbers on their way. */
    double *pending;
    size_t pending_count;
};

/* Whether the feature's values are categories. */
bool profile_is_categories(const struct feature *f);
/* One that learns. memory: bytes of numbers that are held before they go to a scratch file, which
 * is one file for each profile. */
struct profile *profile_new(const struct feature *f, size_t memory); /* returns owned */
/* An empty one with bins for the values that another learnt, or with the bins that it has. */
int profile_bins(struct profile *from, struct profile **out, struct error *e);
void profile_free(struct profile *s); /* NULL is fine */

/* A value: missing when its text is. ERR_DATA when it is not of the feature's type. */
int profile_add(struct profile *s, struct text cell, struct error *e);
/* The one of a row (row.h), at its place there. */
int profile_add_value(struct profile *s, struct text row, size_t at, struct error *e);
/* All of a column of a batch. ERR_DATA, with the place, when one is not of the feature's type. */
int profile_add_column(struct profile *s, struct batch *b, size_t column, struct error *e);
/* What was added is in all the members. Before they are read. */
int profile_flush(struct profile *s, struct error *e);
/* `from` learns as `into` does, or has the same bins. What it learnt of numbers moves. */
int profile_merge(struct profile *into, struct profile *from, struct error *e);
/* Quantiles of numbers that were learnt, type 7, exact; NaN when there are none. */
int profile_quantiles(struct profile *s, const double *q, size_t n, double *out, struct error *e);
/* The n most frequent categories of one that learns, the most frequent first; returns how many
 * there are. Counts are exact while frequent_exact, else at most twice too large: values that may
 * be as rare as any are left out. value borrows. */
size_t profile_top(const struct profile *s, size_t n, struct text *value, uint64_t *count);
uint64_t profile_values(const struct profile *s); /* that are not missing */

/* ---- how far apart ---- */

/* NaN where there is none. Before: of the baseline. */
struct comparison {
    /* Of ten bins of equal counts, or the PROFILE_PSI_CATEGORIES most frequent values and all
     * others; and of those that are missing. Shares below 0.0001 count as that. */
    double psi;
    double ks, ks_error; /* of numbers: at least ks, at most ks + ks_error */
    double missing_before, missing_after, distinct_before, distinct_after;
    /* Distinct values that are more or fewer than other numbers of rows explain, as a share of what
     * they explain: from d values in n, between d and d * m / n in m. */
    double distinct_change;
    double new_share; /* of values: of categories that the baseline did not have */
    double mean_before, mean_after;
};
enum { PROFILE_PSI_BINS = 10, PROFILE_PSI_CATEGORIES = 20 };
/* Both count in the same bins. */
void profile_compare(const struct profile *before, const struct profile *after,
                     struct comparison *out);

/* ---- kept ---- */

/* GROUP/baselines/NAME.json: for which records, and the features' profiles, which count. */
struct baseline {
    usec made;
    bool newest;           /* only the newest record of each entity */
    uint64_t since, until; /* lsn > since and <= until */
    bool has_from, has_to;
    usec from, to; /* event times >= from and < to */
    VEC(struct profile *) features;
};
json_t *profile_save(const struct profile *s); /* flushed; one that counts */
int profile_load(const json_t *j, struct profile **out, struct error *e);

/* Names are as those of groups: ERR_USAGE else. Written whole or not at all, over one of that name.
 */
int baseline_save(const struct group *g, const char *name, const struct baseline *b,
                  struct error *e);
/* ERR_USAGE, and which ones there are, when there is none; ERR_DATA when it is damaged. */
int baseline_load(const struct group *g, const char *name, struct baseline *out, struct error *e);
int baseline_drop(const struct group *g, const char *name, struct error *e);
/* Names, sorted, as the keys of a map that is {0}. */
int baseline_names(const struct group *g, struct map *names, struct error *e);
void baseline_release(struct baseline *b);

#endif
