/* when: an expression over the parameters. */
#include "pipeline/condition.h"

#include "expr/expr.h"

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

static int compile(const struct pipeline *p, const struct step *s,
                   const struct expr_context *context, struct expr **out, struct error *e)
{
    struct schema schema = {0};
    for (size_t i = 0; i < p->parameter_count; i++)
        schema_add(&schema, text_of(p->parameters[i].name), type_of(p->parameters[i].type));
    int status = expr_compile(s->when, strlen(s->when), &schema, context, out, e);
    schema_release(&schema);
    if (status == 0)
        return 0;
    if (e)
        e->code = ERR_DATA; /* the definition is wrong, not the command line */
    return error_at(e, p->path, s->entry->line, s->entry->column);
}

int condition_check(const struct pipeline *p, const struct step *s, struct error *e)
{
    const struct expr_context context = {.now = clock_now()};
    struct expr *x = NULL;
    int status = s->when ? compile(p, s, &context, &x, e) : 0;
    expr_free(x);
    return status;
}

int pipeline_condition(const struct pipeline *p, const struct step *s, struct expr **out,
                       struct error *e)
{
    const struct expr_context context = {.now = clock_now()};
    return compile(p, s, &context, out, e);
}

int condition_holds(const struct pipeline *p, const struct step *s, bool *out, struct error *e)
{
    const struct expr_context context = {.now = clock_now()};
    struct expr *x = NULL;
    uint8_t keep = 0;
    int status = compile(p, s, &context, &x, e);
    if (status == 0) {
        struct batch *b = row_of(p);
        status = expr_test(x, b, &keep, e);
        batch_free(b);
    }
    *out = keep;
    expr_free(x);
    return status;
}

int pipeline_holds(const struct pipeline *p, const struct step *s, bool *out, struct error *e)
{
    return condition_holds(p, s, out, e);
}

int pipeline_skipped(const struct pipeline *p, bool *skipped, struct error *e)
{
    int status = 0;
    for (size_t i = 0; i < p->step_count && status == 0; i++) {
        const struct step *s = &p->steps[p->order[i]];
        bool holds = true;
        if (s->when)
            status = condition_holds(p, s, &holds, e);
        for (uint32_t k = 0; k < s->wait_count; k++)
            holds = holds && !skipped[s->waits_for[k]];
        skipped[p->order[i]] = !holds;
    }
    return status;
}
