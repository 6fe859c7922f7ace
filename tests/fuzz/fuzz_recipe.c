/*
 * Any bytes as a program. An error must point into the program; each step of one that parses must
 * parse alone to the same step, and its selections must be ones or say why not.
 */
#include "prep/recipe.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct prep_context context = {.jobs = 1};

static void check_error(const char *program, size_t n, const struct error *e)
{
    uint64_t lines = 1;
    for (size_t i = 0; i < n; i++)
        lines += program[i] == '\n';
    if (e->code != ERR_USAGE || e->line > lines || e->column > n + 1 || e->message[0] == '\0')
        abort();
}

static void check_alone(const struct step *s)
{
    struct recipe *r;
    struct error e = {0};
    if (recipe_parse(s->source.at, s->source.len, &context, &r, &e) || r->steps.len != 1 ||
        r->steps.at[0]->kind != s->kind)
        abort();
    recipe_free(r);
}

static void check_selections(struct step *s, const struct schema *schema)
{
    for (const struct arg *a = s->kind->args; a && a->name; a++) {
        size_t *columns, count;
        struct error e = {0};
        if (a->kind != ARG_COLUMNS || !arg_given(s, a->name))
            continue;
        if (select_columns(s, arg_text(s, a->name), schema, &columns, &count, &e) == 0 &&
            (count == 0 || count > schema->fields.len))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recipe *r;
    struct error e = {0};
    const char *program = (const char *)data;
    if (recipe_parse(program, size, &context, &r, &e)) {
        check_error(program, size, &e);
        return 0;
    }
    struct schema schema = {0};
    schema_add(&schema, TEXT_LITERAL("a"), TYPE_INT);
    schema_add(&schema, TEXT_LITERAL("b_1"), TYPE_TEXT);
    schema_add(&schema, TEXT_LITERAL("any name"), TYPE_TIME);
    for (size_t i = 0; i < r->steps.len; i++) {
        check_alone(r->steps.at[i]);
        check_selections(r->steps.at[i], &schema);
    }
    schema_release(&schema);
    recipe_free(r);
    return 0;
}
