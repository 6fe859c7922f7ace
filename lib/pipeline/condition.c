/* when: an expression over the parameters. */
#include "expr/expr.h"
#include "pipeline/running.h"

static enum type type_of(enum parameter_type t)
{
    static const enum type types[] = {[PARAMETER_STRING] = TYPE_TEXT,
                                      [PARAMETER_INTEGER] = TYPE_INT,
                                      [PARAMETER_FLOAT] = TYPE_FLOAT,
                                      [PARAMETER_BOOLEAN] = TYPE_BOOL};
    return types[t];
}

/* One row of which the parameters are the columns. */
static struct batch *row_of(const struct pipeline *p)
{
    struct batch *b = batch_new();
    b->rows = 1;
    for (size_t i = 0; i < p->parameter_count; i++) {
        struct text *cell = batch_array(b, 1, sizeof *cell);
        *cell = p->parameters[i].value;
        batch_add(b, column_of_text(cell));
    }
    return b;
}

int condition_holds(struct run *r, uint32_t step, bool *out, struct error *e)
{
    const struct pipeline *p = r->p;
    const struct step *s = &p->steps[step];
    struct expr_context context = {.now = clock_now()};
    struct schema schema = {0};
    struct expr *x = NULL;
    uint8_t keep = 0;
    for (size_t i = 0; i < p->parameter_count; i++)
        schema_add(&schema, text_of(p->parameters[i].name), type_of(p->parameters[i].type));
    int status = expr_compile(s->when, strlen(s->when), &schema, &context, &x, e);
    if (status == 0) {
        struct batch *b = row_of(p);
        status = expr_test(x, b, &keep, e);
        batch_free(b);
    }
    if (status) { /* the definition is wrong, not the command line */
        e->code = ERR_DATA;
        status = error_at(e, p->path, s->entry->line, s->entry->column);
    }
    *out = keep;
    expr_free(x);
    schema_release(&schema);
    return status;
}
