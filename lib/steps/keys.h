/* keys: tables in files, found by a key. For the files of lookup_join and foreign_key. */
#ifndef STEPS_KEYS_H
#define STEPS_KEYS_H

#include "prep/beside.h"

struct table_plan {
    struct beside table;
    const char **names; /* of new columns */
    size_t name_count;
};

/* In a row program the table stands among the constants. */
int lookup_lower(const struct step *s, struct lowering *l, struct error *e);
int foreign_lower(const struct step *s, struct lowering *l, struct error *e);

#endif
