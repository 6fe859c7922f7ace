/* recipe_explain: what a run of the program will do, in words. */
#include "prep/recipe.h"

static const char *mode_of(const struct step *s)
{
    if (s->kind->blocking)
        return "gathers all rows, spills past --memory";
    if (step_learns(s))
        return "learns, then streams";
    if (s->kind->ordered || s->in_order)
        return "streams in file order";
    return "streams";
}

/* Passes over the input that learning takes: steps that stand together and look at columns the
 * others leave alone share one. Exact where the schema is known without learning, an upper bound
 * elsewhere. */
static size_t learning_pass(const struct step *s, size_t pass, const struct step *before)
{
    bool together = before && step_learns(before) && before->kind->keeps_rows && pass > 0;
    for (size_t i = 0; together && i < s->column_count; i++)
        for (size_t k = 0; k < before->column_count; k++)
            together = together && s->columns[i] != before->columns[k];
    return together ? pass : pass + 1;
}

int recipe_explain(struct recipe *r, const struct schema *in, struct buf *out, struct error *e)
{
    struct schema schema = {0};
    if (in)
        schema_copy(&schema, in);
    size_t passes = 0;
    bool known = in != NULL; /* the schema at this step */
    int status = 0;
    for (size_t i = 0; i < r->steps.len && status == 0; i++) {
        struct step *s = r->steps.at[i];
        if (known)
            status = recipe_open_step(r, i, &schema, e);
        if (status)
            break;
        buf_format(out, "%2zu  %-2s  %-40s  ", i + 1, s->kind->class, mode_of(s));
        if (step_learns(s) && !s->kind->blocking) {
            passes = learning_pass(s, passes, i ? r->steps.at[i - 1] : NULL);
            buf_format(out, "[pass %zu] ", passes);
            known = known && s->kind->keeps_rows;
        } else if (known && !s->kind->blocking) {
            status = recipe_shape_step(r, i, &schema, e);
        } else {
            known = false;
        }
        buf_add(out, s->source.at, s->source.len);
        buf_putc(out, '\n');
    }
    if (status == 0)
        buf_format(out, "%zu pass%s over the input to learn, 1 to apply\n", passes,
                   passes == 1 ? "" : "es");
    schema_release(&schema);
    return status;
}
