/* What steps that clean texts look for, byte by byte, for row programs and the same steps. */
#ifndef RUNTIME_PROGRAM_MARKUP_H
#define RUNTIME_PROGRAM_MARKUP_H

#include "runtime/runtime.h"

#include <stdbool.h>

/* Bytes of the tag, comment, script, style or entity at the start of t, which is not empty; 0: none
 * is there. *c: the character that takes their place, or 0. */
ML_API size_t ml_markup(struct ml_text t, uint32_t *c);
/* Bytes of the contraction at the start of t, any case, straight or curly apostrophe, and what it
 * stands for; 0: none. start: a word begins there. */
ML_API size_t ml_contraction(struct ml_text t, bool start, const char **stands_for);
/* Whether a word begins behind the byte. */
ML_API bool ml_ends_word(char c);
/* Writes the bytes that were read as Windows-1252 or Latin-1 to give t, at most t.len; false when
 * they cannot be those of a UTF-8 text. */
ML_API bool ml_unread(struct ml_text t, char *out, size_t *n);
enum { ML_REPAIRS_MAX = 3 }; /* of a text that was misread more than once */

#endif
