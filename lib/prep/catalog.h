/* The catalogue in order, for the files that print it. */
#ifndef PREP_CATALOG_H
#define PREP_CATALOG_H

#include "prep/prep.h"

/* All steps: families in the order of the registry, names in alphabetical order within. */
struct catalog_entry {
    size_t family; /* by first appearance */
    const struct step_kind *kind;
};
struct catalog {
    struct catalog_entry *at;
    size_t len;
};
struct catalog catalog_sorted(void);
void catalog_release(struct catalog *c);

/* All functions by name. Returns owned; free with mem_free. */
const struct function **catalog_functions(void);
/* Whether function i of them is the first of its family. */
bool catalog_begins_family(const struct function *const *functions, size_t i);

/* "impute COLUMNS [with=mean|median] [limit=INT]" */
void catalog_usage(struct buf *out, const struct step_kind *kind);
/* "expected: one of a b c; default x" and the like, after an argument's help line. */
void catalog_arg_notes(struct buf *out, const struct arg *a, const struct step_kind *kind);
/* "streams, each row alone" */
const char *catalog_class_text(const char *class);

#endif
