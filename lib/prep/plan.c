/* Which steps learn in one pass, and recipe_explain:
 * what a run of the program will do, in words. */
#include "prep/recipe.h"

static bool touches(const struct step *s, const uint8_t *changed)
{
    for (size_t i = 0; i < s->column_count; i++)
        if (changed[s->columns[i]])
            return true;
    for (size_t i = 0; i < s->reads.len; i++)
        if (changed[s->reads.at[i]])
            return true;
    return false;
}

/* Opens step i for the rows it can learn from together with earlier steps. False when those it will
 * see once they are applied, of the schema `behind`, do not have the same columns for it. */
static bool opens_alike(struct recipe *r, size_t i, const struct schema *schema,
                        struct schema *behind)
{
    struct step *s = r->steps.at[i];
    if (recipe_open_step(r, i, behind, NULL))
        return false;
    const char **names = s->names;
    size_t count = s->column_count;
    bool alike = !s->kind->keeps_rows || recipe_shape_step(r, i, behind, NULL) == 0;
    alike = recipe_open_step(r, i, schema, NULL) == 0 && alike && s->column_count == count;
    for (size_t k = 0; k < count && alike; k++)
        alike = strcmp(s->names[k], names[k]) == 0;
    return alike;
}

/* Later steps can learn from the same rows as long as those between leave the rows and the columns
 * they look at alone. */
void recipe_learners(struct recipe *r, size_t at, const struct schema *schema, bool *together)
{
    uint8_t *changed = mem_alloc(schema->fields.len + 1);
    struct schema behind;
    schema_copy(&behind, schema);
    for (size_t i = at; i < r->steps.len; i++) {
        struct step *s = r->steps.at[i];
        bool learnt = s->learnt || together[i];
        together[i] = false;
        if (i > at && (!step_learns(s) || s->kind->needs_all))
            break;
        bool alike = opens_alike(r, i, schema, &behind);
        if (i > at && !alike)
            break;
        together[i] = !learnt && (i == at || !touches(s, changed));
        if (!s->kind->keeps_rows || !alike)
            break;
        for (size_t c = 0; c < s->column_count; c++)
            changed[s->columns[c]] = 1;
    }
    schema_release(&behind);
    mem_free(changed);
}

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

struct plan {
    struct recipe *recipe;
    struct schema schema;
    size_t *pass; /* in which a step learns; 0: it does not, or not yet */
    size_t passes;
};

/* Gives the first step without a pass one, and those that can share it. False when all have theirs,
 * or the columns that it would see are not known before an earlier step has learnt. */
static bool plan_pass(struct plan *p, const struct schema *in, struct error *e, int *status)
{
    struct recipe *r = p->recipe;
    schema_release(&p->schema);
    schema_copy(&p->schema, in);
    for (size_t i = 0; i < r->steps.len; i++) {
        struct step *s = r->steps.at[i];
        *status = recipe_open_step(r, i, &p->schema, e);
        if (*status)
            return false;
        if (step_learns(s) && p->pass[i] == 0) {
            bool *together = mem_alloc(r->steps.len * sizeof *together);
            for (size_t k = i; k < r->steps.len; k++)
                together[k] = p->pass[k] != 0;
            recipe_learners(r, i, &p->schema, together);
            p->passes++;
            for (size_t k = i; k < r->steps.len; k++)
                if (together[k])
                    p->pass[k] = p->passes;
            mem_free(together);
            return true;
        }
        if (s->kind->blocking || (step_learns(s) && !s->kind->keeps_rows))
            return false;
        *status = recipe_shape_step(r, i, &p->schema, e);
        if (*status)
            return false;
    }
    return false;
}

static void put_plan(const struct plan *p, struct buf *out)
{
    for (size_t i = 0; i < p->recipe->steps.len; i++) {
        const struct step *s = p->recipe->steps.at[i];
        buf_format(out, "%2zu  %-2s  %-40s  ", i + 1, s->kind->class, mode_of(s));
        if (p->pass[i])
            buf_format(out, "[pass %zu] ", p->pass[i]);
        buf_add(out, s->source.at, s->source.len);
        buf_putc(out, '\n');
    }
    buf_format(out, "%zu pass%s over the input to learn, 1 to apply\n", p->passes,
               p->passes == 1 ? "" : "es");
}

int recipe_explain(struct recipe *r, const struct schema *in, struct buf *out, struct error *e)
{
    struct plan p = {.recipe = r};
    int status = 0;
    p.pass = mem_alloc((r->steps.len + 1) * sizeof *p.pass);
    while (in && plan_pass(&p, in, e, &status))
        ;
    for (size_t i = 0; i < r->steps.len;
         i++) /* what is not known takes a pass of its own, at most */
        if (step_learns(r->steps.at[i]) && p.pass[i] == 0)
            p.pass[i] = ++p.passes;
    if (status == 0)
        put_plan(&p, out);
    schema_release(&p.schema);
    mem_free(p.pass);
    return status;
}
