/* The point-in-time join as the last step of a recipe: rows are labels. */
#ifndef FSTORE_JOIN_STEP_H
#define FSTORE_JOIN_STEP_H

#include "prep/prep.h"
#include "store/pit.h"

struct join_how {
    const char *labels; /* the file's name, for messages; NULL: standard input */
    const char *time;
    struct time_rule rule;
    const char *known_by; /* NULL: not asked for */
    const char **ids;     /* names of the labels' columns; id_count 0: as each source has them */
    size_t id_count;
    bool age, status;
    struct pit_options pit; /* known follows from known_by */
    size_t memory;
    VEC(struct pit_source *) sources;
    uint64_t rows; /* set: labels that left */
};
/* All is borrowed until the recipe is freed. */
void join_step_add(struct recipe *r, struct join_how *how);

#endif
