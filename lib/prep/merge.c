/* Merging: states of shards become that of the whole, or the reason why they cannot. */
#include "prep/columnwise.h"
#include "prep/recipe.h"

static enum type wider(enum type a, enum type b)
{
    return type_is_number(a) && type_is_number(b) ? TYPE_FLOAT : TYPE_TEXT;
}

/* Whole numbers in one shard and fractions in another are both numbers; other types together are
 * text. */
static int merge_schema(struct schema *into, const struct schema *from, struct error *e)
{
    if (into->fields.len != from->fields.len)
        return error_set(e, ERR_DATA, "cannot merge: %zu columns and %zu columns", into->fields.len,
                         from->fields.len);
    for (size_t i = 0; i < into->fields.len; i++) {
        struct field *a = &into->fields.at[i];
        const struct field *b = &from->fields.at[i];
        char quoted[QUOTE_MAX];
        if (strcmp(a->name, b->name) != 0)
            return error_set(e, ERR_DATA, "cannot merge: column %zu is %s in one recipe only",
                             i + 1, quote(quoted, a->name, strlen(a->name)));
        if (a->empty || b->empty)
            a->type = a->empty ? b->type : a->type;
        else if (a->type != b->type)
            a->type = wider(a->type, b->type);
        a->empty = a->empty && b->empty;
    }
    return 0;
}

static int check_same_names(const struct step *a, const struct step *b, struct error *e)
{
    bool same = a->column_count == b->column_count;
    for (size_t i = 0; same && i < a->column_count; i++)
        same = strcmp(a->names[i], b->names[i]) == 0;
    if (same)
        return 0;
    return error_set(e, ERR_DATA,
                     "cannot merge: step %zu (%s) selects other columns in each recipe", a->number,
                     a->kind->name);
}

/* A column in which a step filled missing cells, in each of two shards and in the whole. */
struct filling {
    char *name;
    struct filled a, b;
    double now;
    bool exact; /* else it carries something learnt that cannot be taken back */
};

/* Which columns carry something that was learnt, and so differs from shard to shard. */
struct learnt_columns {
    VEC(struct filling) fillings;
    bool all; /* the rows themselves may differ, or columns whose names are not known here */
    const struct step *mixes; /* the first step that makes something else of a shard's rows */
};

static struct filling *find_filling(const struct learnt_columns *l, const char *name)
{
    for (size_t i = 0; i < l->fillings.len; i++)
        if (strcmp(l->fillings.at[i].name, name) == 0)
            return &l->fillings.at[i];
    return NULL;
}

static bool carries(const struct learnt_columns *l, const struct schema *schema,
                    const size_t *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (find_filling(l, schema->fields.at[columns[i]].name))
            return true;
    return false;
}

/* Takes what the shards' own fills put into the sums of b's and a's step out again, and puts the
 * fill of the whole in. False where the step's sums do not allow it. */
static bool refill(const struct step *a, const struct step *b, const struct learnt_columns *l)
{
    for (size_t i = 0; i < a->column_count; i++) {
        const struct filling *f = find_filling(l, a->names[i]);
        if (f && !(f->exact && columnwise_refill(a, i, &f->a, f->now) &&
                   columnwise_refill(b, i, &f->b, f->now)))
            return false;
    }
    return true;
}

/* A sum over values that another step has changed by what it learnt is not the sum over the whole:
 * unless the change can be taken back there is no exact merge, so there is none. */
static int check_independent(const struct step *a, const struct step *b,
                             const struct schema *schema, struct learnt_columns *l, struct error *e)
{
    bool reads = l->all || carries(l, schema, a->reads.at, a->reads.len);
    if (!step_learns(a)) {
        l->mixes = l->mixes || step_shards(a) ? l->mixes : a;
        bool sees = reads || carries(l, schema, a->columns, a->column_count);
        l->all = l->all || (sees && !step_arranges(a));
        for (size_t i = 0; a->kind->push && i < l->fillings.len; i++)
            l->fillings.at[i].exact = false; /* rows may have become more */
        return 0;
    }
    if (l->mixes)
        return error_set(
            e, ERR_DATA,
            "cannot merge: step %zu (%s) learns from what step %zu (%s) makes of several "
            "rows, and what that is differs in shards; apply that one to the whole first",
            a->number, a->kind->name, l->mixes->number, l->mixes->kind->name);
    if (!reads && refill(a, b, l))
        return 0;
    return error_set(e, ERR_DATA,
                     "cannot merge: step %zu (%s) learns from what a step before it has learnt; "
                     "fit the shards in stages, with --begin and --after",
                     a->number, a->kind->name);
}

/* Column i of step a now carries what it learnt. */
static struct filling *note_column(struct learnt_columns *l, const char *name)
{
    struct filling *f = find_filling(l, name);
    if (!f) {
        struct filling made = {.name = mem_text(name)};
        vec_push(&l->fillings, made);
        f = &l->fillings.at[l->fillings.len - 1];
    }
    f->exact = false;
    return f;
}

/* What the shards filled, before their states become one. */
static void note_fillings(const struct step *a, const struct step *b, struct learnt_columns *l)
{
    for (size_t i = 0; i < a->column_count; i++) {
        bool before = find_filling(l, a->names[i]) != NULL;
        struct filling *f = note_column(l, a->names[i]);
        f->exact = !before && columnwise_filled(a, i, &f->a) && columnwise_filled(b, i, &f->b);
    }
}

/* Whether which rows leave the step, which learns, is learnt. */
static bool changes_rows(const struct step *s)
{
    bool removes =
        step_has_arg(s, "action") && text_equal(arg_text(s, "action"), text_of("remove"));
    return s->kind->flush || removes || strcmp(s->kind->family, "sample") == 0;
}

static void note_merged(const struct step *a, const struct schema *before,
                        const struct schema *after, struct learnt_columns *l)
{
    struct filled whole;
    for (size_t i = 0; i < a->column_count; i++) {
        struct filling *f = find_filling(l, a->names[i]);
        if (f && f->exact && columnwise_filled(a, i, &whole))
            f->now = whole.value;
    }
    for (size_t k = 0; k < after->fields.len; k++) /* columns it made */
        if (schema_find(before, text_of(after->fields.at[k].name)) == FIELD_NONE)
            note_column(l, after->fields.at[k].name);
    l->all = l->all || changes_rows(a);
}

/* Columns keep what they carry under the names that a step gives them; those it drops carry nothing
 * more. A step with nothing to do to rows leaves columns where they are. */
static void follow_names(const struct step *s, const struct schema *before,
                         const struct schema *after, struct learnt_columns *l)
{
    bool renames = !step_learns(s) && !s->kind->apply && !s->kind->push;
    size_t n = 0;
    for (size_t i = 0; i < l->fillings.len; i++) {
        struct filling f = l->fillings.at[i];
        size_t at = schema_find(renames ? before : after, text_of(f.name));
        if (at != FIELD_NONE) {
            mem_free(f.name);
            f.name = mem_text(after->fields.at[at].name);
            l->fillings.at[n++] = f;
        } else {
            mem_free(f.name);
        }
    }
    l->fillings.len = n;
}

static void learnt_columns_release(struct learnt_columns *l)
{
    for (size_t i = 0; i < l->fillings.len; i++)
        mem_free(l->fillings.at[i].name);
    vec_release(&l->fillings);
}

/* Opened anew: what earlier steps learnt together may change what this one sees. */
static int merge_step(struct recipe *r, struct recipe *from, size_t i, struct schema *schema,
                      struct learnt_columns *l, struct error *e)
{
    struct step *a = r->steps.at[i], *b = from->steps.at[i];
    struct schema before = {0};
    int rc = recipe_open_step(r, i, schema, e);
    if (!rc)
        rc = check_same_names(a, b, e);
    if (!rc)
        rc = check_independent(a, b, schema, l, e);
    if (!rc && step_learns(a)) {
        void *state = a->learnt;
        note_fillings(a, b, l);
        rc = a->kind->merge(a, state, b->learnt, e);
        if (!rc) {
            a->learnt = NULL;
            rc = step_finish(a, state, e);
        }
    }
    schema_copy(&before, schema);
    if (!rc)
        rc = recipe_shape_step(r, i, schema, e);
    if (!rc && step_learns(a))
        note_merged(a, &before, schema, l);
    if (!rc)
        follow_names(a, &before, schema, l);
    schema_release(&before);
    return rc;
}

static int check_mergeable(const struct recipe *r, const struct recipe *from, struct error *e)
{
    if (!text_equal(r->program, from->program))
        return error_set(e, ERR_DATA, "cannot merge: the programs differ");
    if (r->context.seed != from->context.seed)
        return error_set(e, ERR_DATA, "cannot merge: the seeds differ");
    for (size_t i = 0; i < r->steps.len; i++)
        if (step_learns(r->steps.at[i]) && (!r->steps.at[i]->learnt || !from->steps.at[i]->learnt))
            return error_set(e, ERR_DATA, "cannot merge: step %zu is not fitted", i + 1);
    return 0;
}

int recipe_merge(struct recipe *r, struct recipe *from, struct error *e)
{
    int rc = check_mergeable(r, from, e);
    if (!rc)
        rc = merge_schema(&r->schema, &from->schema, e);
    if (rc)
        return rc;
    struct schema schema = {0};
    struct learnt_columns learnt = {0};
    schema_copy(&schema, &r->schema);
    for (size_t i = 0; rc == 0 && i < r->steps.len; i++)
        rc = merge_step(r, from, i, &schema, &learnt, e);
    learnt_columns_release(&learnt);
    schema_release(&schema);
    return rc ? rc : ranges_merge(r, from, e);
}
