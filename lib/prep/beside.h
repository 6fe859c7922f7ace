/*
 * beside: a side table whose rows are found by key: in memory, or, when --memory does not hold it,
 * with the rows of the stream on disk (pairing.h). What the steps have in common that join the
 * stream with a file.
 */
#ifndef PREP_BESIDE_H
#define PREP_BESIDE_H

#include "prep/pairing.h"

struct beside {
    struct side *side;
    struct match_key *keys;
    size_t key_count;
    bool missing_matches; /* see match.h */
    struct taken take;
    uint8_t *wanted; /* by column of the side table: must be held */
};

/* Opens the file of the argument file=, and reads the keys of the argument `keys`. */
int beside_open(struct step *s, const struct schema *in, const char *keys, struct beside *t,
                struct error *e);
/* Takes a selection of columns (at NULL: all), but for the keys and the column `own` of the file
 * (FIELD_NONE: none). */
int beside_take(struct step *s, struct beside *t, struct text selection, size_t own,
                struct error *e);

/* The table while rows stream; {0} at first. */
struct beside_rows {
    struct match match;
    struct pairing *disk; /* the table is not in memory */
};

/* Reads the table. `see` (NULL: nobody) gets each batch and says how many bytes it holds by now.
 * When memory has no room the rows go to disk, with what `how` says of them (side, keys and columns
 * need not be said), and `spans` as in pairing.h; those of the stream must then come in order: to
 * be called by the step's start. */
int beside_load(struct step *s, const struct beside *t, struct beside_rows *rows,
                int (*see)(void *context, struct batch *b, size_t *held, struct error *e),
                const struct pairing_rules *how,
                int (*spans)(void *context, struct batch *b, struct span *out, struct error *e),
                struct error *e);
/* On disk: copies b, and frees it; the result comes in the end. */
int beside_push(struct beside_rows *rows, struct batch *b, const struct span *spans,
                struct error *e);
int beside_flush(struct beside_rows *rows, struct emit *out, struct error *e);
void beside_clear(const struct beside *t, struct beside_rows *rows);

#define BESIDE_ARGS(by_help, keys)                                                                 \
    {.name = "by", .kind = ARG_LIST, .help = by_help},                                             \
        {.name = "take",                                                                           \
         .kind = ARG_TEXT,                                                                         \
         .help = "columns of the file to add, as a selection (default: all but " keys ")"},        \
        SIDE_SUFFIX_ARG

#endif
