/* How alike two texts are, character by character.
 * What is needed meanwhile comes from the arena. */
#ifndef EXPR_DISTANCE_H
#define EXPR_DISTANCE_H

#include "base/base.h"

struct characters {
    uint32_t *at;
    size_t count;
};
struct characters characters_of(struct text s, struct arena *arena);

/* Fewest inserts, deletes and replacements that make a into b; also swaps of neighbours when asked
 * (optimal string alignment). Time grows with the product of the lengths. */
size_t edit_distance(const struct characters *a, const struct characters *b, bool swaps,
                     struct arena *arena);

/* Jaro's similarity from 0 to 1 with Winkler's bonus: a tenth of the rest for each of up to four
 * common first characters. */
double jaro_winkler(const struct characters *a, const struct characters *b, struct arena *arena);

#endif
