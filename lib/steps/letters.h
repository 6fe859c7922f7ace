/*
 * letters: what kind of character one is, and its other case, as Python's str methods see it
 * (Unicode's properties; full mappings for the sharp s and the Latin ligatures, else simple ones).
 */
#ifndef STEPS_LETTERS_H
#define STEPS_LETTERS_H

#include "base/base.h"

bool letter_is_space(uint32_t c);
/* The ranges of characters for which it is true, by number; false behind the last. */
struct letter_range {
    uint32_t first, last;
};
bool letter_space_range(size_t i, struct letter_range *out);
bool letter_is_alpha(uint32_t c);
bool letter_is_decimal(uint32_t c); /* 0-9 in any script */
bool letter_is_digit(uint32_t c);   /* also superscripts, circled digits */
bool letter_is_numeric(uint32_t c); /* also fractions, Roman and Chinese numerals */
bool letter_is_lower(uint32_t c);
bool letter_is_upper(uint32_t c);
bool letter_is_title(uint32_t c); /* digraphs such as U+01C5 */
bool letter_is_alnum(uint32_t c);
bool letter_is_cased(uint32_t c);

/* Append the mapped character. */
void put_char(struct buf *out, uint32_t c);
/* Characters whose capital is several characters, by number. */
enum { LETTER_EXPANSIONS = 8 };
struct text letter_expansion(size_t i, uint32_t *c);
void put_upper(struct buf *out, uint32_t c);
void put_lower(struct buf *out, uint32_t c);
void put_title(struct buf *out, uint32_t c);

bool text_is_ascii(struct text t);

/* Walks over characters: uint32_t c; for (struct text t = s; text_next(&t, &c);) */
static inline bool text_next(struct text *t, uint32_t *c)
{
    if (t->len == 0)
        return false;
    size_t used = 1;
    unsigned char first = (unsigned char)t->at[0];
    *c = first < 0x80 ? first : utf8_decode(t->at, t->len, &used);
    t->at += used;
    t->len -= used;
    return true;
}
/* The last character, taken off the end. */
bool text_last(struct text *t, uint32_t *c);

#endif
