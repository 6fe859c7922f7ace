/*
 * quantile_runs: distinct keys with their counts, in key order, in memory and in sorted runs of a
 * scratch file. Internal to stats.
 *
 * A key is a double made comparable as an unsigned number.
 */
#ifndef STATS_QUANTILE_RUNS_H
#define STATS_QUANTILE_RUNS_H

#include "stats/stats.h"

struct tally {
    uint64_t key, count;
};
struct tallies {
    struct tally *at;
    size_t len, cap; /* grows as a VEC does */
};
struct run {
    uint64_t offset, tallies; /* offset in bytes */
};
struct runs {
    size_t memory;          /* bytes, about; both in memory and for reading back */
    struct tallies settled; /* increasing keys */
    VEC(struct run) spilled;
    int fd; /* -1 until something was spilled */
    uint64_t file_size;
};
void runs_init(struct runs *r, size_t memory);
/* Adds tallies of increasing keys. */
int runs_add(struct runs *r, const struct tally *t, size_t n, struct error *e);
void runs_release(struct runs *r);

/* Reads everything in key order, one tally per distinct key. The runs must not change meanwhile. */
struct walk;
struct walk *walk_open(const struct runs *r);
int walk_next(struct walk *w, struct tally *t, struct error *e); /* 1, 0 at the end, or an error */
void walk_free(struct walk *w);

#endif
