/* What the families of text functions share. */
#ifndef EXPR_FN_TEXT_H
#define EXPR_FN_TEXT_H

#include "expr/eval.h"

/* Offset of part in s at or after `from`; SIZE_MAX: not there. */
size_t text_find(struct text s, struct text part, size_t from);
/* False, and an error, when count units of so many bytes pass TEXT_OUTPUT_MAX. */
bool text_fits(struct call *c, size_t unit, int64_t count);
bool is_space_char(uint32_t c);

#endif
