/* locate: places in texts, for the steps that search and edit. */
#ifndef STEPS_LOCATE_H
#define STEPS_LOCATE_H

#include "base/base.h"

#define NOWHERE SIZE_MAX

/* Byte offset of the first `wanted` at or after `from`, of the last one; NOWHERE. wanted is not
 * empty. */
size_t locate_first(struct text in, struct text wanted, size_t from);
size_t locate_last(struct text in, struct text wanted);

/* What stands between the first `left` and a `right` behind it: the nearest, or (last) the last
 * one. NULL when there is no such pair. */
struct text locate_between(struct text in, struct text left, struct text right, bool last);

/* Characters start to end (excluded), 0-based; negative ones count from the end, those beyond it
 * stop there. end INT64_MAX: to the end. As Python's slices. */
struct text locate_slice(struct text in, int64_t start, int64_t end);

#endif
