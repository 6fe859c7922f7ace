#include "prep/later.h"
#include "prep/hold.h"
#include "prep/sorted.h"

struct later {
    struct hold *rows, *turned;
};

struct later *later_new(const struct step *s)
{
    struct later *l = mem_alloc(sizeof *l);
    l->rows = hold_new(step_memory_whole(s) / 2);
    l->turned = hold_new(step_memory_whole(s) / 2);
    return l;
}

int later_add(struct later *l, struct batch *b, struct error *e)
{
    return hold_add(l->rows, b, e);
}

/* Blocks stand in the order they were added, which is that of the stream. */
static int turn_rows(struct later *l, int (*turn)(void *context, struct batch *b, struct error *e),
                     void *context, struct error *e)
{
    struct batch *b = batch_new();
    int rc = 0;
    for (size_t i = hold_blocks(l->rows); rc == 0 && i-- > 0;) {
        batch_clear(b);
        rc = hold_read(l->rows, i, true, b, e);
        if (rc == 0)
            rc = turn(context, b, e);
        if (rc == 0)
            rc = hold_add(l->turned, b, e);
    }
    batch_free(b);
    return rc;
}

int later_emit(struct later *l, int (*turn)(void *context, struct batch *b, struct error *e),
               void *context, struct emit *out, struct error *e)
{
    int rc = turn_rows(l, turn, context, e);
    hold_free(l->rows);
    l->rows = NULL;
    for (size_t i = hold_blocks(l->turned); rc == 0 && i-- > 0;) {
        struct batch *b = emit_batch(out);
        rc = hold_read(l->turned, i, true, b, e);
        if (rc == 0)
            rc = emit(out, b, e);
        else
            batch_free(b);
    }
    return rc < 0 ? rc : 0;
}

void later_free(struct later *l)
{
    if (!l)
        return;
    hold_free(l->rows);
    hold_free(l->turned);
    mem_free(l);
}
