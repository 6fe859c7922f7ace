/* What stats and drift share: which records, and a table of what was found. */
#ifndef FSTORE_STATS_H
#define FSTORE_STATS_H

#include "fstore.h"
#include "store/profile.h"

/* ---- which records ---- */

struct record_range {
    const char *features, *from_time, *to_time;
    int64_t since, until;
    bool newest;
};

/* clang-format off */
#define RANGE_ROWS(S)                                                                              \
    {0, "features", "A,B,...", INTO_TEXT(S, range.features), .help = "these alone"},               \
        {0, "since", "LSN", INTO_INT(S, range.since), .fallback = "0", .range = "0..",             \
         .help = "records behind that one of the log"},                                            \
        {0, "until", "LSN", INTO_INT(S, range.until), .fallback = "0", .range = "0..",             \
         .help = "records up to that one; 0: all"},                                                \
        {0, "from-time", "TIME", INTO_TEXT(S, range.from_time),                                    \
         .help = "records of that time and later"},                                                \
        {0, "to-time", "TIME", INTO_TEXT(S, range.to_time), .help = "records of times before it"}, \
        {0, "online", NULL, INTO_FLAG(S, range.newest),                                            \
         .help = "only the newest record of each entity, as it is read online"},                   \
        {0, "memory", "SIZE", INTO_SIZE(S, stream.memory), .fallback = "256M", .range = "1M..",    \
         .help = "what sorting may hold before it goes to a scratch file"}
/* clang-format on */

bool range_given(const struct record_range *r); /* other than which features */
/* All but the features; an end that is not given is where the log ends now. */
int range_read(const struct group *g, const struct record_range *r, struct baseline *out,
               struct error *e);
/* Adds n features of those records to profiles of them. at: their numbers in the group. */
int range_add(const struct group *g, const struct baseline *range, uint64_t memory,
              struct profile **profiles, const size_t *at, size_t n, struct error *e);

/* ---- a table ---- */

struct report_column {
    const char *name;
    enum type type; /* TYPE_TEXT, TYPE_FLOAT, TYPE_JSON */
};
struct report {
    const struct report_column *columns;
    size_t count;
    VEC(struct report_cell {
        struct text text; /* missing: none */
        double number;
    })
    cells;
    struct arena arena;
};
/* The next cell of the row; those of JSON may be any values. */
void report_text(struct report *r, const char *text); /* NULL: missing */
void report_number(struct report *r, double x);       /* NaN: missing */
void report_json(struct report *r, struct buf *json); /* empties it; empty: missing */
/* As the options say; JSON Lines if they do not. */
int report_write(struct report *r, const struct stream_options *o, struct error *e);
void report_release(struct report *r);

#endif
