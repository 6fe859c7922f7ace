/* Opening a recipe against a schema, step by step: fitting, loading and merging all walk this way.
 */
#include "prep/recipe.h"

bool step_learns(const struct step *s)
{
    return s->kind->state_new && !s->kind->blocking;
}

static void step_close(struct step *s)
{
    if (s->kind->close && s->plan)
        s->kind->close(s);
    s->plan = NULL;
    s->columns = NULL;
    s->names = NULL;
    s->column_count = 0;
    s->in_order = false;
    s->reads.len = 0;
}

static int resolve_columns(struct step *s, const struct schema *schema, struct error *e)
{
    bool has = false;
    for (const struct arg *a = s->kind->args; a && a->name; a++)
        has = has || (a->kind == ARG_COLUMNS && strcmp(a->name, "columns") == 0);
    if (!has || !arg_given(s, "columns"))
        return 0;
    int rc = select_columns(s, arg_text(s, "columns"), schema, &s->columns, &s->column_count, e);
    if (rc)
        return rc;
    s->names = arena_alloc(&s->arena, (s->column_count + 1) * sizeof *s->names);
    for (size_t i = 0; i < s->column_count; i++) {
        const char *name = schema->fields.at[s->columns[i]].name;
        s->names[i] = arena_text(&s->arena, name, strlen(name));
    }
    return 0;
}

int recipe_open_step(struct recipe *r, size_t i, const struct schema *schema, struct error *e)
{
    struct step *s = r->steps.at[i];
    step_close(s);
    int rc = resolve_columns(s, schema, e);
    if (rc || !s->kind->open)
        return rc;
    return s->kind->open(s, schema, e);
}

int recipe_shape_step(struct recipe *r, size_t i, struct schema *schema, struct error *e)
{
    struct step *s = r->steps.at[i];
    return s->kind->shape ? s->kind->shape(s, schema, e) : 0;
}

int step_finish(struct step *s, void *state, struct error *e)
{
    int rc = s->kind->finish ? s->kind->finish(s, state, e) : 0;
    if (rc) {
        s->kind->state_free(state);
        return rc;
    }
    if (s->learnt && s->learnt != state)
        s->kind->state_free(s->learnt);
    s->learnt = state;
    return 0;
}
