#include "prep/dropping.h"

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
    d->gone = arena_alloc(&s->arena, (s->column_count + 1) * sizeof *d->gone);
    d->gone_count = 0;
    dropper->mark(s, marks);
    for (size_t i = 0; i < s->column_count; i++)
        if (marks[i])
            d->gone[d->gone_count++] = s->columns[i];
    schema_leave_out(schema, d->gone, d->gone_count);
    return 0;
}

int dropping_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    const struct dropping *d = s->plan;
    batch_leave_out(b, d->gone, d->gone_count);
    return 0;
}
