/* A recipe walked step by step, each lowered against the columns it sees. */
#include "prep/lower.h"
#include "prep/recipe.h"

#include <ctype.h>
#include <stdio.h>

int lower_refuse(struct error *e, const char *format, ...)
{
    char message[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return error_set(e, ERR_NO, "%s", message);
}

enum ml_class lower_class_of_type(enum type t)
{
    static const enum ml_class classes[] = {
        [TYPE_TEXT] = ML_TEXT, [TYPE_INT] = ML_INT,   [TYPE_FLOAT] = ML_FLOAT,
        [TYPE_BOOL] = ML_BOOL, [TYPE_TIME] = ML_TIME, [TYPE_JSON] = ML_TEXT,
    };
    return classes[t];
}

int lower_nothing(const struct step *s, struct lowering *l, struct error *e)
{
    (void)s, (void)l, (void)e;
    return 0;
}

/* The step is applied to a batch without rows, whose columns know their places. */
int lower_arranging(const struct step *s, struct lowering *l, struct error *e)
{
    struct batch *b = batch_new();
    for (size_t i = 0; i < l->columns.len; i++) {
        struct column c = column_of_text(NULL);
        batch_add(b, c);
        b->columns.at[i].source = (int32_t)i;
    }
    int rc = s->kind->apply(s, b, e);
    size_t *at = mem_array(NULL, b->columns.len + 1, sizeof *at);
    for (size_t i = 0; i < b->columns.len; i++)
        at[i] = (size_t)b->columns.at[i].source;
    if (rc == 0)
        lower_arrange(l, at, b->columns.len);
    mem_free(at);
    batch_free(b);
    return rc;
}

struct walk {
    struct recipe *r;
    struct lowering *l;
    struct schema schema; /* before the step under way */
    struct buf refused;   /* "sort: not row by row; ..." */
    struct error *e;
};

static void lower_fields(struct walk *w, const struct zone *zone)
{
    const struct cell_policy *policy = &w->r->context.policy;
    struct lowering *l = w->l;
    uint32_t na = policy->na_count ? lower_map(l, policy->na, policy->na_count) : 0;
    l->zone = zone ? lower_zone(l, zone_table(zone)) : 0;
    for (size_t i = 0; i < w->schema.fields.len; i++) {
        const struct field *f = &w->schema.fields.at[i];
        lower_field(l, text_of(f->name), type_name(f->type));
        if (policy->na_count)
            lower_set(l, i, lower_op(l, ML_OP_blank_known, lower_column(l, i, ML_TEXT), na, 0));
    }
}

static int without_hook(const struct step *s, struct error *e)
{
    const struct step_kind *k = s->kind;
    bool drops = strcmp(k->family, "rows") == 0 || strcmp(k->family, "sample") == 0;
    bool by_row = k->apply || !(k->push || k->flush || k->blocking);
    return lower_refuse(e, drops    ? "leaves rows out"
                           : by_row ? "not in compiled preparation"
                                    : "not row by row");
}

static int lower_step(struct walk *w, const struct step *s, struct error *why)
{
    if (s->kind->not_compiled)
        return lower_refuse(why, "%s", s->kind->not_compiled);
    if (!s->kind->lower)
        return without_hook(s, why);
    return s->kind->lower(s, w->l, why);
}

/* By the name that stands in the program, which may be an alias. */
static void refuse_step(struct walk *w, const struct step *s, const struct error *why)
{
    size_t n = 0;
    while (n < s->source.len && (s->source.at[n] == '_' || isalnum((unsigned char)s->source.at[n])))
        n++;
    struct text name = n ? (struct text){s->source.at, n} : text_of(s->kind->name);
    buf_format(&w->refused, "%s%.*s: %s", w->refused.len ? "; " : "", (int)name.len, name.at,
               why->message);
}

/* After a step that is not compiled: columns that were there before go on, new ones are made up, so
 * that the steps behind can be looked at, too. */
static void make_up(struct walk *w, const struct schema *now)
{
    struct lowering *l = w->l;
    struct lower_column *old = mem_copy(l->columns.at, l->columns.len * sizeof *old);
    size_t known = l->columns.len;
    l->columns.len = 0;
    for (size_t i = 0; i < now->fields.len; i++) {
        size_t at = schema_find(&w->schema, text_of(now->fields.at[i].name));
        if (at != FIELD_NONE && at < known)
            vec_push(&l->columns, old[at]);
        else
            lower_add(l, lower_register(l, ML_TEXT));
    }
    mem_free(old);
}

static int walk_step(struct walk *w, size_t i)
{
    struct step *s = w->r->steps.at[i];
    struct error why = {0};
    struct schema now = {0};
    int rc = recipe_open_step(w->r, i, &w->schema, w->e);
    if (rc)
        return rc;
    schema_copy(&now, &w->schema);
    rc = recipe_shape_step(w->r, i, &now, w->e);
    w->l->step = (uint32_t)i + 1;
    int lowered = rc ? rc : lower_step(w, s, &why);
    if (!lowered && now.fields.len != w->l->columns.len)
        lowered = lower_refuse(&why, "%zu columns, not %zu", w->l->columns.len, now.fields.len);
    if (lowered == ERR_NO) {
        refuse_step(w, s, &why);
        make_up(w, &now);
    } else if (lowered && rc == 0) {
        *w->e = why;
        rc = lowered;
    }
    schema_release(&w->schema);
    w->schema = now;
    return rc;
}

static enum lower_what answers_of(enum type t)
{
    if (t == TYPE_BOOL)
        return LOWER_FLAGS;
    return t == TYPE_INT || t == TYPE_FLOAT ? LOWER_NUMBERS : LOWER_EITHER;
}

static int lower_answers(struct walk *w, const struct lower_request *wanted, uint32_t *results)
{
    for (size_t i = 0; i < wanted->count; i++) {
        const struct lower_feature *f = &wanted->features[i];
        size_t column = schema_find(&w->schema, text_of(f->name));
        char quoted[QUOTE_MAX], hint[HINT_MAX];
        if (column == FIELD_NONE)
            return error_set(w->e, ERR_DATA, "the preparation gives no column %s%s",
                             quote(quoted, f->name, strlen(f->name)),
                             column_hint(hint, text_of(f->name), &w->schema));
        enum lower_what what = answers_of(w->schema.fields.at[column].type);
        results[i] = f->categories ? lower_code(w->l, column, f->categories, f->count)
                                   : lower_answer(w->l, column, what);
    }
    return 0;
}

static int finish(struct walk *w, const struct lower_request *wanted, struct buf *program)
{
    uint32_t *results = mem_array(NULL, wanted->count + 1, sizeof *results);
    w->l->step = 0;
    int rc = w->refused.len ? error_set(w->e, ERR_NO, "%s", buf_text(&w->refused))
                            : lower_answers(w, wanted, results);
    if (rc == 0)
        rc = lower_finish(w->l, results, wanted->count, program, w->e);
    mem_free(results);
    return rc;
}

int lower_recipe(struct recipe *r, const struct lower_request *wanted, struct buf *program,
                 struct error *e)
{
    struct error local = {0};
    struct walk w = {.r = r, .l = lowering_new(), .e = e ? e : &local};
    schema_copy(&w.schema, &r->schema);
    lower_fields(&w, wanted->zone);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->steps.len; i++)
        rc = walk_step(&w, i);
    if (rc == 0)
        rc = finish(&w, wanted, program);
    schema_release(&w.schema);
    buf_release(&w.refused);
    lowering_free(w.l);
    return rc;
}
