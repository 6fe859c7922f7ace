/* Fitting shards in stages: what begins it, what joins the parts of a stage, what ends one. What a
 * stage learns is in run.c, how it is written in state.c. */
#include "prep/lower.h"
#include "prep/recipe.h"

static void forget_state(struct step *s, void *learnt)
{
    if (s->learnt && s->learnt != learnt)
        s->kind->state_free(s->learnt);
    s->learnt = learnt;
}

static int refuse_mixed(const struct step *s, const struct step *mixes, struct error *e)
{
    return error_set(e, ERR_DATA,
                     "cannot fit shards: step %zu (%s) learns from what step %zu (%s) makes of "
                     "several rows, and what that is differs in shards: fit the whole",
                     s->number, s->kind->name, mixes->number, mixes->kind->name);
}

/* Columns behind the front are known as far as the steps before keep them. */
struct ahead {
    struct schema schema;
    bool known;
    const struct step *mixes; /* the first that makes something else of a shard's rows */
    bool rows;                /* the rows themselves, or columns one does not know */
    struct map columns;       /* else of these */
};

/* Whether the step looks at what is something else in shards. */
static bool sees_mixed(const struct ahead *a, const struct step *s)
{
    if (a->rows || !a->mixes)
        return a->rows;
    bool sees = s->kind->needs_all;
    for (size_t i = 0; i < s->column_count; i++)
        sees = sees || map_get(&a->columns, text_of(s->names[i])) != MAP_NONE;
    for (size_t i = 0; i < s->reads.len; i++)
        sees = sees ||
               map_get(&a->columns, text_of(a->schema.fields.at[s->reads.at[i]].name)) != MAP_NONE;
    return sees;
}

/* Columns that were not there before. */
static void note_new(struct ahead *a, const struct schema *before)
{
    for (size_t i = 0; i < a->schema.fields.len; i++) {
        struct text name = text_of(a->schema.fields.at[i].name);
        if (schema_find(before, name) == FIELD_NONE)
            map_put(&a->columns, name, NULL);
    }
}

/* Leaves out the columns that are gone. False when there are some. */
static bool forget_gone(struct ahead *a)
{
    struct map left = {0};
    size_t count = a->columns.keys.len;
    for (size_t i = 0; i < count; i++)
        if (schema_find(&a->schema, a->columns.keys.at[i]) != FIELD_NONE)
            map_put(&left, a->columns.keys.at[i], NULL);
    map_release(&a->columns);
    a->columns = left;
    return left.keys.len == count;
}

/* Shapes the schema to that behind the step, and notes what is something else in shards. */
static int note_mixed(struct recipe *r, size_t i, bool told, struct ahead *a, struct error *e)
{
    const struct step *s = r->steps.at[i];
    struct schema before;
    bool mixes = told && !step_shards(s), arranges = step_arranges(s);
    a->rows = a->rows || (!arranges && sees_mixed(a, s)) || (mixes && !s->kind->only_adds);
    a->mixes = mixes && !a->mixes ? s : a->mixes;
    schema_copy(&before, &a->schema);
    int rc = a->known ? recipe_shape_step(r, i, &a->schema, e) : 0;
    if (mixes)
        note_new(a, &before);
    bool kept = forget_gone(a) || arranges; /* else it may have another name now */
    a->rows = a->rows || !kept || (a->mixes && !a->known);
    schema_release(&before);
    return rc;
}

/* What opening settles without a row is not kept. */
static int check_step(struct recipe *r, size_t i, struct ahead *a, struct error *e)
{
    struct step *s = r->steps.at[i];
    void *learnt = s->learnt;
    int rc = recipe_open_step(r, i, &a->schema, a->known ? e : NULL);
    bool told = rc == 0 || !s->kind->shards; /* else it may have nothing to learn */
    rc = a->known ? rc : 0;
    if (rc == 0 && told && step_is_front(s) && sees_mixed(a, s))
        rc = refuse_mixed(s, a->mixes, e);
    a->known = a->known && (!step_is_front(s) || s->kind->keeps_rows);
    if (rc == 0)
        rc = note_mixed(r, i, told, a, e);
    forget_state(s, learnt);
    return rc;
}

int stage_possible(struct recipe *r, struct error *e)
{
    struct ahead a = {.known = true};
    int rc = 0;
    schema_copy(&a.schema, &r->schema);
    for (size_t i = 0; rc == 0 && i < r->steps.len; i++)
        rc = check_step(r, i, &a, e);
    schema_release(&a.schema);
    map_release(&a.columns);
    return rc;
}

int recipe_begin(struct recipe *r, const struct schema *in, struct error *e)
{
    schema_release(&r->schema);
    schema_copy(&r->schema, in);
    r->stage = STAGE_SETTLED;
    return stage_possible(r, e);
}

/* ---- parts become one ---- */

static bool is_same(const json_t *a, const json_t *b, const char *name)
{
    const json_t *x = json_object_get(a, name), *y = json_object_get(b, name);
    return x && y ? json_equal(x, y) : x == y;
}

static int check_same_stage(const json_t *a, const json_t *b, struct error *e)
{
    static const struct {
        const char *name, *what;
    } members[] = {
        {"program", "the programs differ"},
        {"seed", "the seeds differ"},
        {"schema", "the columns differ"},
        {"format", "one is a part of a stage, one is not"},
        {"learns", "the stages differ"},
        {"of", "the stages before are of other rows"},
        {"now", "they go on from different states"},
    };
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (!is_same(a, b, members[i].name))
            return error_set(e, ERR_DATA, "cannot merge: %s", members[i].what);
    return 0;
}

static int add_step(struct step *s, const json_t *a, const json_t *b, struct error *e)
{
    struct error problem = {0};
    bool same = s->in_part ? is_same(a, b, "step") && is_same(a, b, "columns") : json_equal(a, b);
    if (!same)
        return error_set(e, ERR_DATA,
                         "cannot merge: step %zu (%s) is another in each part: they go on from "
                         "different states",
                         s->number, s->kind->name);
    if (!s->in_part)
        return 0;
    void *state = s->kind->state_new(s);
    int rc = s->kind->load(s, state, json_object_get(b, "state"), &problem);
    if (rc == 0)
        rc = s->kind->merge(s, s->learnt, state, &problem);
    s->kind->state_free(state);
    return rc ? error_set(e, ERR_DATA, "recipe state: $.steps[%zu].state: %s", s->number - 1,
                          problem.message)
              : 0;
}

static int add_rows(struct recipe *r, const json_t *root, struct error *e)
{
    const json_t *ranges = json_object_get(root, "ranges");
    struct recipe from = {.rows_seen = (uint64_t)json_integer_value(json_object_get(root, "rows"))};
    int rc = ranges && !ranges_load(&from, ranges)
                 ? error_set(e, ERR_DATA, "recipe state: $.ranges: expected those of its rows")
                 : ranges_merge(r, &from, e);
    vec_release(&from.ranges);
    return rc;
}

int recipe_add_part(struct recipe *r, const char *json, size_t n, struct error *e)
{
    json_t *root = state_parse(json, n, e);
    if (!root)
        return ERR_DATA;
    const json_t *into = json_object_get(r->part, "steps"), *from = json_object_get(root, "steps");
    int rc = check_same_stage(r->part, root, e);
    if (rc == 0 && json_array_size(from) != r->steps.len)
        rc = error_set(e, ERR_DATA, "recipe state: $.steps: expected a list of %zu steps",
                       r->steps.len);
    for (size_t i = 0; rc == 0 && i < r->steps.len; i++)
        rc = add_step(r->steps.at[i], json_array_get(into, i), json_array_get(from, i), e);
    if (rc == 0)
        rc = add_rows(r, root, e);
    json_decref(root);
    return rc;
}

/* ---- the end of a stage ---- */

static int settle_step(struct step *s, struct error *e)
{
    void *state = s->learnt;
    s->learnt = NULL;
    s->in_part = false;
    return step_finish(s, state, e);
}

int recipe_settle(struct recipe *r, struct error *e)
{
    struct schema schema;
    size_t front = 0;
    if (r->whole_rows && r->whole_rows != r->rows_seen)
        return error_set(e, ERR_DATA,
                         "these are parts of %llu rows, and the stages before learnt from %llu",
                         (unsigned long long)r->rows_seen, (unsigned long long)r->whole_rows);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->steps.len; i++)
        if (r->steps.at[i]->in_part)
            rc = settle_step(r->steps.at[i], e);
    schema_copy(&schema, &r->schema);
    if (rc == 0)
        rc = recipe_to_front(r, &schema, &front, e);
    r->stage = front == r->steps.len ? STAGE_NONE : STAGE_SETTLED;
    if (rc == 0 && r->stage == STAGE_SETTLED)
        rc = stage_possible(r, e);
    schema_release(&schema);
    return rc;
}

/* ---- shards are transformed ---- */

/* What only rows a recipe is fitted on go through lets others pass. */
static bool keeps_shards(const struct step *s)
{
    bool passes = step_learns(s) && s->kind->lower == lower_nothing;
    return passes || (step_shards(s) && !s->kind->blocking && !s->kind->wants_all);
}

int recipe_takes_shards(const struct recipe *r, struct error *e)
{
    for (size_t i = 0; i < r->steps.len; i++) {
        const struct step *s = r->steps.at[i];
        if (!keeps_shards(s))
            return error_set(e, ERR_DATA,
                             "step %zu (%s) makes of several rows, or of their order, what differs "
                             "in shards: apply it to the whole",
                             s->number, s->kind->name);
    }
    return 0;
}
