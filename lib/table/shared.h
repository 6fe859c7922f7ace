/* Memory that cells of several batches are slices of: freed with the last that holds it. Any
 * thread may hold and drop it. */
#ifndef TABLE_SHARED_H
#define TABLE_SHARED_H

#include "base/base.h"

struct shared {
    _Atomic size_t holders;
    struct arena arena;
};
struct shared *shared_new(void); /* returns owned: one holder */
void shared_hold(struct shared *s);
void shared_drop(struct shared *s); /* NULL is fine */

#endif
