/* The record and its surroundings: place, columns, the row before, the environment. */
#include "expr/eval.h"

#include <stdlib.h>

/* ---- place ---------------------------------------------------------------------------------- */

KERNEL(do_row_num)
{
    size_t row = frame_root_row(c->frame, c->row);
    return give_int(out, (int64_t)(batch_row_id(c->frame->batch, row) >> ROW_ID_SHIFT) + 1);
}

KERNEL(do_file_name)
{
    return give_text(out, text_of(c->frame->batch->file));
}

/* ---- columns: answered while compiling ------------------------------------------------------ */

static int want_literal(const struct expr *x, const struct node *n, struct error *e)
{
    if (n->args[0]->form == NODE_LITERAL && n->args[0]->value.kind != KIND_NULL)
        return 0;
    return expr_fail(x, n->args[0]->at, e, "%s wants a constant", n->fn->about.name);
}

static int check_col_exists(struct expr *x, struct node *n, struct error *e)
{
    int status = want_literal(x, n, e);
    struct value v = {.kind = KIND_NULL};
    if (status)
        return status;
    give_bool(&v, schema_find(x->schema, n->args[0]->value.text) != FIELD_NONE);
    node_make_literal(x, n, v);
    return 0;
}

static int check_field(struct expr *x, struct node *n, struct error *e)
{
    int status = want_literal(x, n, e);
    if (status)
        return status;
    const struct value *v = &n->args[0]->value;
    size_t column = FIELD_NONE;
    if (v->kind == KIND_TEXT)
        column = schema_find(x->schema, v->text);
    else if (v->kind == KIND_NUMBER && v->is_int && v->i >= 1)
        column = (size_t)v->i - 1;
    if (column >= x->schema->fields.len)
        return expr_fail(x, n->args[0]->at, e, "there is no such column");
    node_make_column(x, n, column);
    return 0;
}

static int check_fields(struct expr *x, struct node *n, struct error *e UNUSED)
{
    struct buf names = {0};
    struct value v = {.kind = KIND_NULL};
    buf_putc(&names, '[');
    for (size_t i = 0; i < x->schema->fields.len; i++) {
        if (i > 0)
            buf_putc(&names, ',');
        json_put_string(&names, x->column_names[i], strlen(x->column_names[i]));
    }
    buf_putc(&names, ']');
    give_json(&v, (struct text){names.at, names.len});
    node_make_literal(x, n, v);
    buf_release(&names);
    return 0;
}

static int check_nfields(struct expr *x, struct node *n, struct error *e UNUSED)
{
    struct value v = {.kind = KIND_NULL};
    give_int(&v, (int64_t)x->schema->fields.len);
    node_make_literal(x, n, v);
    return 0;
}

/* ---- the environment: constants too --------------------------------------------------------- */

KERNEL(do_env)
{
    struct buf *name = &c->scratch;
    buf_add(name, a[0].text.at, a[0].text.len);
    const char *value = getenv(buf_text(name));
    if (!value)
        return c->count < 2 || give_text(out, a[1].text);
    return give_text(out, text_of(value));
}

KERNEL(do_param)
{
    const char *const *p = c->frame->x->context.params;
    struct text name = a[0].text;
    for (; p && *p; p++)
        if (strncmp(*p, name.at, name.len) == 0 && (*p)[name.len] == '=')
            return give_text(out, text_of(*p + name.len + 1));
    if (c->count > 1)
        return give_text(out, a[1].text);
    char quoted[QUOTE_MAX];
    return call_fail(c, "no parameter %s was given", quote(quoted, name.at, name.len));
}

/* ---- prev ----------------------------------------------------------------------------------- */

/* The last value of the batch before. Batches come in file order, one at a time; a new run over the
 * rows begins with a batch whose sequence is not above the last one's. */
struct carry {
    bool started;
    uint64_t sequence;
    struct value last;
    struct buf text;    /* of last, when it has one */
    struct vector rows; /* values of the batch under way */
};

void carry_free(struct carry *c)
{
    if (!c)
        return;
    buf_release(&c->text);
    mem_free(c);
}

static void carry_keep(struct carry *c, struct value v)
{
    if (v.kind == KIND_TEXT || v.kind == KIND_JSON) {
        c->text.len = 0;
        buf_add(&c->text, v.text.at, v.text.len);
        v.text = (struct text){buf_text(&c->text), c->text.len};
    }
    c->last = v;
}

/* Inner calls of prev come after outer ones in x->calls, and are wanted first. */
int carries_begin(struct frame *f)
{
    int status = 0;
    for (size_t i = f->x->calls.len; i-- > 0 && !status;) {
        const struct node *n = f->x->calls.at[i];
        if (!n->carry || n->form != NODE_CALL)
            continue;
        if (!n->carry->started || f->batch->sequence <= n->carry->sequence)
            n->carry->last = (struct value){.kind = KIND_NULL};
        status = eval_as(f, n->args[0], n->kind, &n->carry->rows);
    }
    return status;
}

void carries_end(struct frame *f)
{
    for (size_t i = 0; i < f->x->calls.len; i++) {
        struct carry *c = f->x->calls.at[i]->carry;
        if (!c)
            continue;
        if (f->rows > 0)
            carry_keep(c, vector_get(&c->rows, f->rows - 1));
        c->started = true;
        c->sequence = f->batch->sequence;
    }
}

static int check_prev(struct expr *x UNUSED, struct node *n, struct error *e UNUSED)
{
    n->carry = mem_alloc(sizeof *n->carry);
    n->kind = n->args[0]->kind == KIND_NULL ? KIND_TEXT : n->args[0]->kind;
    return 0;
}

/* carries_begin has the values already. */
static int eval_prev(struct frame *f, const struct node *n, struct vector *out)
{
    const struct carry *c = n->carry;
    struct value before = c->last;
    struct filler to = filler_new(f, kind_letter(n->kind));
    if (before.kind == KIND_TEXT || before.kind == KIND_JSON)
        before.text.at = arena_text(&f->batch->arena, before.text.at, before.text.len);
    for (size_t r = 0; r < f->rows; r++) {
        filler_put(&to, r, &before);
        before = vector_get(&c->rows, r);
    }
    *out = filler_vector(&to);
    return 0;
}

#define RECORD "record"
static const struct function_row rows[] = {
    {{"col_exists", RECORD, "col_exists(name) -> bool", "is there a column of this name?",
      "col_exists(\"no such column\")", "false"},
     "t",
     'b',
     .row = do_row_num,
     .check = check_col_exists},
    {{"env", RECORD, "env(name [, default]) -> text",
      "a variable of the environment; missing (or the default) when unset",
      "env(\"NO_SUCH_VARIABLE\", \"none\")", "none"},
     "t?t",
     't',
     .row = do_env},
    {{"field", RECORD, "field(name or number) -> any",
      "the column of a constant name, or of a constant number from 1 (here a column x that holds "
      "1)",
      "field(\"x\")", "1"},
     "v",
     '=',
     VOLATILE,
     .row = do_row_num,
     .check = check_field},
    {{"fields", RECORD, "fields() -> list", "names of the columns", "typeof(fields())", "list"},
     "",
     'j',
     .row = do_row_num,
     .check = check_fields},
    {{"file_name", RECORD, "file_name() -> text", "the file the row comes from; missing for none",
      "is_null(file_name())", "true"},
     "",
     't',
     VOLATILE,
     .row = do_file_name},
    {{"nfields", RECORD, "nfields() -> int", "number of columns", "nfields() == length(fields())",
      "true"},
     "",
     'i',
     .row = do_row_num,
     .check = check_nfields},
    {{"param", RECORD, "param(name [, default]) -> text",
      "a parameter given on the command line; an error when neither it nor a default is there",
      "param(\"none given\", \"default\")", "default"},
     "t?t",
     't',
     .row = do_param},
    {{"prev", RECORD, "prev(x) -> any",
      "x of the row before, missing in the first; x is worked out for every row",
      "is_null(prev(1))", "true"},
     "v",
     '=',
     VOLATILE | ORDERED,
     .eval = eval_prev,
     .check = check_prev},
    {{"row_num", RECORD, "row_num() -> int", "number of the record in the input, from 1",
      "row_num()", "1"},
     "",
     'i',
     VOLATILE | BY_ROW,
     .row = do_row_num},
};
const struct function_family record_functions = {rows, COUNT_OF(rows)};
