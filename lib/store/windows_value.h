/* The values of aggregates over events. For the files of this module. */
#ifndef STORE_WINDOWS_VALUE_H
#define STORE_WINDOWS_VALUE_H

#include "store/group.h"

/* A record of an entity, as far as windows are concerned. */
struct event {
    usec time;
    bool deleted;
    struct text row; /* of the arguments alone; a delete's is empty */
};

/* What is computed. */
struct window_rule {
    enum aggregate_function function;
    usec window;
    bool of_records; /* count() */
    bool of_floats;  /* the argument is a float, else an int, or of any type */
    size_t argument; /* its place in the events' rows */
};

/* The first event that is later than t; n: none. */
size_t event_after(const struct event *events, size_t n, usec t);
/* A map for the next use, without what was large in the last. */
void map_empty(struct map *m);
/* The last of n events is the one that the value is of, and none is later. Added to the row. texts
 * is scratch. */
void window_value(const struct window_rule *rule, const struct event *events, size_t n,
                  struct map *texts, struct row_builder *into);

#endif
