/* What a step's hooks ask for: values of arguments, columns, expressions, errors that name the
 * step. */
#include "prep/recipe.h"

/* ---- values --------------------------------------------------------------------------------- */

static size_t arg_index(const struct step *s, const char *name)
{
    for (const struct arg *a = s->kind->args; a && a->name; a++)
        if (strcmp(a->name, name) == 0)
            return (size_t)(a - s->kind->args);
    abort(); /* a step asks for an argument it does not have */
}

static const struct arg_value *arg_value(const struct step *s, const char *name)
{
    return &s->values[arg_index(s, name)];
}

bool arg_given(const struct step *s, const char *name)
{
    size_t i = arg_index(s, name);
    return s->kind->args[i].kind == ARG_PAIRS ? s->pairs.len > 0 : s->values[i].given;
}

struct text arg_text(const struct step *s, const char *name)
{
    return arg_value(s, name)->text;
}

const char *arg_string(const struct step *s, const char *name)
{
    return arg_value(s, name)->text.at;
}

double arg_number(const struct step *s, const char *name)
{
    return arg_value(s, name)->number;
}

int64_t arg_int(const struct step *s, const char *name)
{
    return arg_value(s, name)->integer;
}

bool arg_bool(const struct step *s, const char *name)
{
    return arg_value(s, name)->flag;
}

int arg_choice(const struct step *s, const char *name)
{
    return arg_value(s, name)->choice;
}

usec arg_duration(const struct step *s, const char *name)
{
    return arg_value(s, name)->integer;
}

size_t arg_list(const struct step *s, const char *name, struct text **items)
{
    const struct arg_value *value = arg_value(s, name);
    *items = value->items;
    return value->item_count;
}

/* ---- columns and expressions ---------------------------------------------------------------- */

static void note_read(struct step *s, size_t column)
{
    for (size_t i = 0; i < s->reads.len; i++)
        if (s->reads.at[i] == column)
            return;
    vec_push(&s->reads, column);
}

int arg_column(struct step *s, const char *name, const struct schema *in, size_t *column,
               struct error *e)
{
    struct text wanted = arg_text(s, name);
    *column = wanted.at ? schema_find(in, wanted) : FIELD_NONE;
    if (*column != FIELD_NONE)
        note_read(s, *column);
    if (*column != FIELD_NONE || !wanted.at)
        return 0;
    char quoted[QUOTE_MAX], hint[HINT_MAX];
    return step_error(s, e, "%s: unknown column %s%s", name, quote(quoted, wanted.at, wanted.len),
                      column_hint(hint, wanted, in));
}

int arg_columns(struct step *s, const char *name, const struct schema *in, size_t **columns,
                size_t *count, struct error *e)
{
    *columns = NULL;
    *count = 0;
    if (!arg_given(s, name))
        return 0;
    int rc = select_columns(s, arg_text(s, name), in, columns, count, e);
    for (size_t i = 0; rc == 0 && i < *count; i++)
        note_read(s, (*columns)[i]);
    return rc;
}

int step_new_name(const struct step *s, const struct schema *in, struct text name, struct error *e)
{
    char quoted[QUOTE_MAX];
    if (schema_find(in, name) == FIELD_NONE)
        return 0;
    return step_error(s, e, "there is a column %s already", quote(quoted, name.at, name.len));
}

static size_t step_offset(const struct step *s)
{
    return (size_t)(s->source.at - s->recipe->program.at);
}

int step_expr(struct step *s, struct text text, const struct schema *in, struct expr **out,
              struct error *e)
{
    struct expr_context *context = arena_copy(&s->arena, &s->context->expr, sizeof *context);
    context->seed = s->context->seed;
    context->stream = s->number;
    struct error problem = {0};
    int rc = expr_compile(text.at, text.len, in, context, out, &problem);
    if (rc) { /* its message shows the expression with a caret of its own */
        (void)error_set(e, rc, "%s: %.700s", s->kind->name, problem.message);
        return rc;
    }
    s->in_order = s->in_order || expr_ordered(*out);
    s->by_row = s->by_row || expr_by_row(*out);
    uint8_t *need = mem_alloc(in->fields.len + 1);
    expr_columns(*out, need);
    for (size_t i = 0; i < in->fields.len; i++)
        if (need[i])
            note_read(s, i);
    mem_free(need);
    return 0;
}

int step_error(const struct step *s, struct error *e, const char *format, ...)
{
    char message[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return program_error(s->recipe, step_offset(s), e, "%s: %s", s->kind->name, message);
}
