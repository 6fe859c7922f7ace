#include "prep/dropping.h"

#include <stdlib.h>

static int compare_descending(const void *a, const void *b)
{
    const size_t *x = a, *y = b;
    return (*x < *y) - (*x > *y);
}

size_t *columns_descending(const size_t *columns, size_t n, struct arena *arena)
{
    size_t *at = arena_alloc(arena, (n + 1) * sizeof *at);
    if (n) {
        memcpy(at, columns, n * sizeof *at);
        qsort(at, n, sizeof *at, compare_descending);
    }
    return at;
}

void selection_leave_out(struct step *s, size_t column)
{
    size_t n = 0;
    for (size_t i = 0; i < s->column_count; i++) {
        if (s->columns[i] == column)
            continue;
        s->columns[n] = s->columns[i];
        s->names[n++] = s->names[i];
    }
    s->column_count = n;
}

int dropping_open(struct step *s, const struct schema *in, struct error *e)
{
    struct dropping *d = arena_zero(&s->arena, sizeof *d);
    size_t target;
    if (step_has_arg(s, "target")) {
        int rc = arg_column(s, "target", in, &target, e);
        if (rc)
            return rc;
        selection_leave_out(s, target);
    }
    d->types = arena_alloc(&s->arena, (s->column_count + 1) * sizeof *d->types);
    for (size_t i = 0; i < s->column_count; i++)
        d->types[i] = in->fields.at[s->columns[i]].type;
    s->plan = d;
    return 0;
}

int dropping_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const struct dropper *dropper = s->kind->detail;
    struct dropping *d = s->plan;
    bool *marks = arena_zero(&s->arena, s->column_count + 1);
    d->drop = arena_zero(&s->arena, schema->fields.len + 1);
    dropper->mark(s, marks);
    for (size_t i = 0; i < s->column_count; i++)
        d->drop[s->columns[i]] = marks[i];
    for (size_t i = schema->fields.len; i-- > 0;)
        if (d->drop[i])
            schema_remove(schema, i);
    return 0;
}

int dropping_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    const struct dropping *d = s->plan;
    for (size_t i = b->columns.len; i-- > 0;)
        if (d->drop[i])
            batch_remove(b, i);
    return 0;
}
