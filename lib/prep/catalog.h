/* The catalogue in order, for the files that print it. */
#ifndef PREP_CATALOG_H
#define PREP_CATALOG_H

#include "prep/prep.h"

/* All steps, families in the order of the registry, names in alphabetical order within. */
struct catalog {
    struct catalog_entry {
        size_t family; /* by first appearance */
        const struct step_kind *kind;
    } *at;
    size_t len;
};
struct catalog catalog_sorted(void);
void catalog_release(struct catalog *c);
/* Function i when it is the first of its family, else NULL. */
const struct function *catalog_family_start(size_t i);

/* "impute COLUMNS [with=mean|median] [limit=INT]" */
void catalog_usage(struct buf *out, const struct step_kind *kind);
/* "expected: one of a b c; default x" and the like, after an argument's help line. */
void catalog_arg_notes(struct buf *out, const struct arg *a, const struct step_kind *kind);
/* "streams, each row alone" */
const char *catalog_class_text(const char *class);

#endif
