/* Opening a recipe against a schema, step by step:
 * fitting, loading and merging all walk this way. */
#include "prep/recipe.h"

bool step_learns(const struct step *s)
{
    return s->kind->state_new && !s->kind->blocking;
}

bool step_shards(const struct step *s)
{
    if (s->kind->shards)
        return s->kind->shards(s);
    return !s->kind->blocking && !s->kind->ordered && !s->kind->flush && !s->in_order;
}

bool shards_always(const struct step *s)
{
    (void)s;
    return true;
}

bool step_arranges(const struct step *s)
{
    static const char *const names[] = {"select", "drop", "move", "reorder", "sort_columns"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(s->kind->name, names[i]) == 0)
            return true;
    return false;
}

static void step_close(struct step *s)
{
    if (s->kind->close && s->plan)
        s->kind->close(s);
    s->plan = NULL;
    s->columns = NULL;
    s->in_order = s->by_row = s->draws_by_row = false;
    s->reads.len = 0;
}

static bool has_columns(const struct step *s)
{
    for (const struct arg *a = s->kind->args; a && a->name; a++)
        if (a->kind == ARG_COLUMNS && strcmp(a->name, "columns") == 0)
            return arg_given(s, "columns");
    return false;
}

/* What was learnt is by column, in this order: the same columns again, wherever they stand now. */
static int find_names(struct step *s, const struct schema *schema, struct error *e)
{
    s->columns = arena_alloc(&s->arena, (s->column_count + 1) * sizeof *s->columns);
    for (size_t i = 0; i < s->column_count; i++) {
        char quoted[QUOTE_MAX];
        struct text name = text_of(s->names[i]);
        s->columns[i] = schema_find(schema, name);
        if (s->columns[i] == FIELD_NONE)
            return step_error(s, e, "no column %s", quote(quoted, name.at, name.len));
    }
    return 0;
}

static int resolve_columns(struct step *s, const struct schema *schema, struct error *e)
{
    if (!has_columns(s)) {
        s->names = NULL;
        s->column_count = 0;
        return 0;
    }
    if (s->learnt && s->names)
        return find_names(s, schema, e);
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

void step_keep_part(struct step *s, void *state)
{
    if (s->learnt && s->learnt != state)
        s->kind->state_free(s->learnt);
    s->learnt = state;
    s->in_part = true;
}

bool step_is_front(const struct step *s)
{
    return step_learns(s) && (s->in_part || !s->learnt);
}

int recipe_to_front(struct recipe *r, struct schema *schema, size_t *at, struct error *e)
{
    int rc = 0;
    for (*at = 0; rc == 0 && *at < r->steps.len; ++*at) {
        rc = recipe_open_step(r, *at, schema, e);
        if (rc == 0 && step_is_front(r->steps.at[*at]))
            break;
        if (rc == 0)
            rc = recipe_shape_step(r, *at, schema, e);
    }
    return rc;
}
