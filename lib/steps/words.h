/* words: texts cut into words, the same way in every step. */
#ifndef STEPS_WORDS_H
#define STEPS_WORDS_H

#include "steps/letters.h"

/* The next run of letters, digits and underscores (\w in Python) of at least `least` characters;
 * *rest moves behind it. False when there is none. */
bool word_next(struct text *rest, size_t least, struct text *word);
/* Appends the word in small letters. */
void put_word_lower(struct buf *out, struct text word);
/* Whether a word in small letters is one of the common English ones that carry no topic. */
bool word_is_common(struct text word);
const char *word_common(size_t i); /* by number; NULL behind the last */

#endif
