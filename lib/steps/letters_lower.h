/* letters_lower: letters and words in row programs. */
#ifndef STEPS_LETTERS_LOWER_H
#define STEPS_LETTERS_LOWER_H

#include "lower/lower.h"

/* What a text becomes when each of its characters is put by put_lower, put_upper, put_title. */
uint32_t lower_small_letters(struct lowering *l, uint32_t text);
uint32_t lower_capitals(struct lowering *l, uint32_t text);
uint32_t lower_titles(struct lowering *l, uint32_t text);
/* What follows a letter with a case by put_lower, the rest by put_title. */
uint32_t lower_title_case(struct lowering *l, uint32_t text);
/* Capitals put by put_lower, small letters by put_upper. */
uint32_t lower_swapped(struct lowering *l, uint32_t text);
/* Ranges of the characters that words are made of (words.h). */
uint32_t lower_word_characters(struct lowering *l);

#endif
