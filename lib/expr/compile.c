/* From text to a checked expression, and what may be asked about one. */
#include "expr/eval.h"

#include <stdio.h>

/* ---- messages ---------------------------------------------------------------------------------
 */

enum { SHOWN_BEFORE = 60, SHOWN_AFTER = 40 };

static bool inside_character(struct text s, size_t at)
{
    return at < s.len && (s.at[at] & 0xC0) == 0x80;
}

/* The part of the line around byte `at` that is shown, cut between characters. */
static void shown_part(struct text source, size_t at, size_t *start, size_t *end)
{
    *start = *end = at;
    while (*start > 0 && source.at[*start - 1] != '\n' && at - *start < SHOWN_BEFORE)
        --*start;
    while (*end < source.len && source.at[*end] != '\n' && *end - at < SHOWN_AFTER)
        ++*end;
    while (*start < at && inside_character(source, *start))
        ++*start;
    while (*end > at && inside_character(source, *end))
        --*end;
}

/* The line of the source with control bytes as spaces, and a caret under byte `at`. */
static void show_place(struct text source, size_t at, struct buf *out)
{
    size_t start, end;
    shown_part(source, at, &start, &end);
    buf_puts(out, "\n    ");
    for (size_t i = start; i < end; i++)
        buf_putc(out, (unsigned char)source.at[i] < 0x20 ? ' ' : source.at[i]);
    buf_puts(out, "\n    ");
    for (size_t i = utf8_length(source.at + start, at - start); i > 0; i--)
        buf_putc(out, ' ');
    buf_putc(out, '^');
}

int expr_fail(const struct expr *x, size_t at, struct error *e, const char *format, ...)
{
    struct buf message = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&message, format, args);
    va_end(args);
    show_place(x->source, at < x->source.len ? at : x->source.len, &message);
    error_set(e, ERR_USAGE, "%s", buf_text(&message));
    buf_release(&message);
    return ERR_USAGE;
}

/* ---- life -------------------------------------------------------------------------------------
 */

static void copy_names(struct expr *x, const struct schema *schema)
{
    size_t n = schema->fields.len;
    x->column_names = arena_alloc(&x->arena, (n + 1) * sizeof *x->column_names);
    for (size_t i = 0; i < n; i++) {
        const char *name = schema->fields.at[i].name;
        x->column_names[i] = arena_text(&x->arena, name, strlen(name));
    }
}

int expr_compile(const char *text, size_t n, const struct schema *schema,
                 const struct expr_context *context, struct expr **out, struct error *e)
{
    struct error local = {0};
    if (!e)
        e = &local;
    struct expr *x = mem_alloc(sizeof *x);
    x->source = (struct text){arena_text(&x->arena, text, n), n};
    x->schema = schema;
    if (context)
        x->context = *context;
    copy_names(x, schema);
    int status = parse(x, e);
    if (!status)
        status = check(x, e);
    x->schema = NULL;
    if (status) {
        expr_free(x);
        return status;
    }
    *out = x;
    return 0;
}

void expr_free(struct expr *x)
{
    if (!x)
        return;
    for (size_t i = 0; i < x->calls.len; i++) {
        struct node *n = x->calls.at[i];
        regex_free(n->regex);
        zone_free(n->zone);
        literal_set_free(n->set);
        carry_free(n->carry);
    }
    vec_release(&x->calls);
    vec_release(&x->reads);
    arena_release(&x->arena);
    mem_free(x);
}

/* ---- questions ---------------------------------------------------------------------------------
 */

const char *kind_name(enum kind k)
{
    static const char *const names[] = {
        [KIND_NULL] = "null", [KIND_NUMBER] = "a number", [KIND_TEXT] = "text",
        [KIND_BOOL] = "bool", [KIND_TIME] = "a time",     [KIND_JSON] = "a list or map",
    };
    return names[k];
}

enum type expr_type(const struct expr *x)
{
    static const enum type types[] = {
        [KIND_NULL] = TYPE_TEXT, [KIND_NUMBER] = TYPE_FLOAT, [KIND_TEXT] = TYPE_TEXT,
        [KIND_BOOL] = TYPE_BOOL, [KIND_TIME] = TYPE_TIME,    [KIND_JSON] = TYPE_JSON,
    };
    return types[x->root->kind];
}

void expr_columns(const struct expr *x, uint8_t *need)
{
    for (size_t i = 0; i < x->reads.len; i++)
        need[x->reads.at[i]] = 1;
}

size_t expr_bare_column(const struct expr *x)
{
    return x->root->form == NODE_COLUMN ? x->root->column : FIELD_NONE;
}

bool expr_is_constant(const struct expr *x)
{
    return x->root->form == NODE_LITERAL;
}

static bool calls_any(const struct expr *x, unsigned flag)
{
    for (size_t i = 0; i < x->calls.len; i++)
        if (x->calls.at[i]->fn->flags & flag)
            return true;
    return false;
}

bool expr_ordered(const struct expr *x)
{
    return calls_any(x, ORDERED);
}

bool expr_by_row(const struct expr *x)
{
    return calls_any(x, BY_ROW);
}
