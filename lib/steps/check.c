/* Validate: checks of whole rows and of the table's form: expect, assert, schema_check,
 * json_schema. */
#include "expr/lower.h"
#include "prep/lower.h"
#include "prep/verdict.h"
#include "runtime/program_form.h"
#include "steps/json_schema.h"
#include "steps/steps.h"
#include "sys/sys.h"

struct condition {
    struct expr *expr;
    struct text source;
};

static void condition_close(struct step *s)
{
    struct condition *c = s->plan;
    expr_free(c->expr);
    mem_free(c);
}

static int assert_open(struct step *s, const struct schema *in, struct error *e)
{
    struct condition *c = mem_alloc(sizeof *c);
    s->plan = c;
    c->source = arg_text(s, "condition");
    int rc = step_expr(s, c->source, in, &c->expr, e);
    if (rc == 0 && expr_type(c->expr) != TYPE_BOOL)
        return step_error(s, e, "expected a condition that is true or false");
    return rc;
}

static int expect_open(struct step *s, const struct schema *in, struct error *e)
{
    char quoted[QUOTE_MAX];
    struct text name = arg_text(s, "into");
    if (schema_find(in, name) != FIELD_NONE)
        return step_error(s, e, "there is a column %s already", quote(quoted, name.at, name.len));
    return assert_open(s, in, e);
}

static int expect_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    schema_add(schema, arg_text(s, "into"), TYPE_BOOL);
    return 0;
}

static void complain_of_row(const void *context, size_t row, struct error *e)
{
    (void)row;
    const struct step *s = context;
    const struct condition *c = s->plan;
    (void)error_set(e, ERR_DATA, "%s: does not hold: %.*s", s->kind->name, (int)c->source.len,
                    c->source.at);
}

static int assert_apply(const struct step *s, struct batch *b, struct error *e)
{
    const struct condition *c = s->plan;
    struct column right;
    int rc = expr_eval(c->expr, b, &right, e);
    struct verdict v = {.action = ACTION_FAIL,
                        .right = right.b8,
                        .column = FIELD_NONE,
                        .complain = complain_of_row,
                        .context = s};
    return rc ? rc : verdict_enforce(b, &v, e);
}

static int assert_lower(const struct step *s, struct lowering *l, struct error *e)
{
    uint32_t right = 0;
    int rc = expr_lower_test(((const struct condition *)s->plan)->expr, l, &right, e);
    if (rc == 0)
        lower_op_to(l, ML_OP_want, 0, 0, right, 1, 0);
    return rc;
}

static int expect_lower(const struct step *s, struct lowering *l, struct error *e)
{
    uint32_t right = 0;
    int rc = expr_lower_test(((const struct condition *)s->plan)->expr, l, &right, e);
    if (rc == 0)
        lower_add(l, right);
    return rc;
}

static int expect_apply(const struct step *s, struct batch *b, struct error *e)
{
    const struct condition *c = s->plan;
    const struct cell_policy *p = b->policy;
    struct column right;
    int rc = expr_eval(c->expr, b, &right, e);
    if (rc)
        return rc;
    for (size_t r = 0; r < b->rows && p && p->reject; r++) {
        if (right.b8[r] != 0)
            continue;
        struct error place = {0};
        complain_of_row(s, r, &place);
        (void)batch_place(b, r, &place);
        p->reject(p->context, &place, (struct text){NULL, 0});
    }
    batch_add(b, column_of_bool(right.b8));
    return 0;
}

struct wanted_field {
    size_t column;
    const char *name;
    enum type type;
    bool present; /* no missing cell */
};

struct wanted_schema {
    struct wanted_field *fields;
    size_t count;
};

/* The answer is no when the run is to fail by it, else the data is wrong. */
static int mismatch(const struct step *s, struct error *e, const char *what, const char *name)
{
    char quoted[QUOTE_MAX];
    int code = verdict_action(s) == ACTION_FAIL ? ERR_NO : ERR_DATA;
    return error_set(e, code, "schema_check: %s %s", what, quote(quoted, name, strlen(name)));
}

/* "name:type" or "name:type!" */
static int read_field(struct step *s, struct text item, const struct schema *in,
                      struct wanted_field *f, struct error *e)
{
    char quoted[QUOTE_MAX];
    size_t colon = item.len;
    while (colon > 0 && item.at[colon - 1] != ':')
        colon--;
    struct text name = {item.at, colon > 0 ? colon - 1 : 0};
    struct text type = {item.at + colon, item.len - colon};
    f->present = type.len > 0 && type.at[type.len - 1] == '!';
    type.len -= f->present;
    if (colon == 0 || !type_from_name(type, &f->type))
        return step_error(s, e, "expected name:type, not %s", quote(quoted, item.at, item.len));
    f->name = arena_text(&s->arena, name.at, name.len);
    f->column = schema_find(in, name);
    if (f->column == FIELD_NONE)
        return mismatch(s, e, "there is no column", f->name);
    vec_push(&s->reads, f->column);
    return 0;
}

/* The same columns in the same order, and no others. */
static int compare_order(const struct step *s, const struct wanted_schema *w,
                         const struct schema *in, struct error *e)
{
    for (size_t i = 0; i < in->fields.len; i++)
        if (i >= w->count || w->fields[i].column != i)
            return mismatch(s, e,
                            "exact: this column is not expected here:", in->fields.at[i].name);
    return 0;
}

static int schema_open(struct step *s, const struct schema *in, struct error *e)
{
    struct wanted_schema *w = arena_zero(&s->arena, sizeof *w);
    struct text *items;
    s->plan = w;
    w->count = arg_list(s, "types", &items);
    w->fields = arena_zero(&s->arena, (w->count + 1) * sizeof *w->fields);
    for (size_t i = 0; i < w->count; i++) {
        int rc = read_field(s, items[i], in, &w->fields[i], e);
        if (rc)
            return rc;
    }
    return arg_bool(s, "exact") ? compare_order(s, w, in, e) : 0;
}

static bool fits(struct text cell, enum type type)
{
    struct ml_text plain = {cell.at, cell.len};
    usec t;
    bool has_offset;
    switch (type) {
    case TYPE_INT:
        return ml_form_whole(plain);
    case TYPE_FLOAT:
        return ml_form_number(plain);
    case TYPE_BOOL:
        return ml_form_truth(plain);
    case TYPE_TIME:
        return time_parse(cell.at, cell.len, &t, &has_offset);
    case TYPE_JSON:
        return json_valid(cell);
    case TYPE_TEXT:
        break;
    }
    return true;
}

struct field_check {
    const struct wanted_field *field;
    const struct text *cells;
};

static void complain_of_type(const void *context, size_t row, struct error *e)
{
    const struct field_check *c = context;
    struct text cell = c->cells[row];
    char quoted[QUOTE_MAX];
    (void)error_set(e, ERR_DATA, "schema_check: %s is not of type %s",
                    cell.at ? quote(quoted, cell.at, cell.len) : "a missing value",
                    type_name(c->field->type));
}

static int check_field(const struct step *s, const struct wanted_field *f, struct batch *b,
                       struct error *e)
{
    struct field_check check = {f, batch_text(b, f->column)};
    uint8_t *right = batch_array(b, b->rows, 1);
    for (size_t r = 0; r < b->rows; r++)
        right[r] = check.cells[r].at ? fits(check.cells[r], f->type) : !f->present;
    struct verdict v = {.action = verdict_action(s),
                        .right = right,
                        .column = f->column,
                        .name = f->name,
                        .complain = complain_of_type,
                        .context = &check};
    return verdict_enforce(b, &v, e);
}

static int schema_apply(const struct step *s, struct batch *b, struct error *e)
{
    const struct wanted_schema *w = s->plan;
    int rc = 0;
    for (size_t i = 0; i < w->count && rc == 0; i++)
        rc = check_field(s, &w->fields[i], b, e);
    return rc;
}

static int lower_field_check(const struct wanted_field *f, struct lowering *l, struct error *e)
{
    static const enum ml_form_code forms[] = {
        [TYPE_INT] = ML_FORM_whole, [TYPE_FLOAT] = ML_FORM_number, [TYPE_BOOL] = ML_FORM_truth};
    uint32_t cell = lower_column(l, f->column, ML_TEXT), right;
    if (f->type == TYPE_JSON)
        return lower_refuse(e, "type json: not in compiled preparation");
    if (f->present)
        lower_op_to(l, ML_OP_want, 0, 0, lower_op(l, ML_OP_is_missing, cell, 0, 0), 0, 0);
    if (f->type == TYPE_TEXT)
        return 0;
    if (f->type == TYPE_TIME)
        right = lower_reads(l, cell, lower_time_if(l, cell));
    else
        right = lower_op(l, ML_OP_has_form, cell, forms[f->type], 0);
    lower_op_to(l, ML_OP_want, 0, 0, right, 1, 0);
    return 0;
}

static int schema_lower(const struct step *s, struct lowering *l, struct error *e)
{
    const struct wanted_schema *w = s->plan;
    int rc = 0;
    if (verdict_action(s) == ACTION_DROP)
        return lower_refuse(e, "action=drop leaves rows out");
    for (size_t i = 0; i < w->count && rc == 0; i++)
        rc = lower_field_check(&w->fields[i], l, e);
    return rc;
}

enum { SCHEMA_FILE_MAX = 1 << 20 };

static int load_schema(struct step *s, struct buf *text, struct error *e)
{
    const char *name = arg_string(s, "file"), *directory = s->context->directory;
    bool relative = directory && name[0] != '/';
    const char *path = relative ? arena_format(&s->arena, "%s/%s", directory, name) : name;
    return file_load(path, SCHEMA_FILE_MAX, text, e);
}

static int prepare_schema(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    if (arg_given(s, "file") == arg_given(s, "schema"))
        return step_error(s, e, "give file or schema");
    struct buf text = {0};
    int rc = 0;
    if (arg_given(s, "file"))
        rc = load_schema(s, &text, e);
    else
        buf_add(&text, arg_text(s, "schema").at, arg_text(s, "schema").len);
    struct json_schema *schema = NULL;
    if (rc == 0)
        rc = json_schema_compile(text.at, text.len, &schema, e);
    rowwise_plan(s)->own = schema;
    buf_release(&text);
    return rc;
}

static void release_schema(void *own)
{
    json_schema_free(own);
}

static bool test_schema(struct mapping *m, struct text cell)
{
    bool right = json_schema_check(m->own, cell, &m->scratch);
    m->scratch.len = 0;
    return right;
}

#define VALIDATE .family = "validate", .class = "S"

static const struct arg expect_args[] = {
    {.name = "condition",
     .kind = ARG_REST,
     .positional = true,
     .required = true,
     .help = "what is expected of every row"},
    {.name = "into", .kind = ARG_NAME, .fallback = "expected", .help = "new true/false column"},
    {.name = NULL}};

static const struct arg assert_args[] = {{.name = "condition",
                                          .kind = ARG_REST,
                                          .positional = true,
                                          .required = true,
                                          .help = "what must hold for every row"},
                                         {.name = NULL}};

static const struct arg schema_args[] = {
    {.name = "types",
     .kind = ARG_LIST,
     .positional = true,
     .required = true,
     .help =
         "id:int!,city:text ...: types int float bool time text json; ! admits no missing cell"},
    {.name = "exact",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "these columns in this order and no others"},
    {.name = "action",
     .kind = ARG_CHOICE,
     .fallback = "reject",
     .choices = "drop reject fail",
     .help = "what to do with wrong cells"},
    {.name = NULL}};

static const struct arg json_args[] = {
    ROWWISE_COLUMNS("columns of JSON"),
    {.name = "file", .kind = ARG_FILE, .help = "the schema"},
    {.name = "schema", .kind = ARG_TEXT, .help = "the schema itself"},
    VERDICT_ACTION("flag"),
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};

const struct step_kind steps_check[] = {
    {.name = "expect",
     VALIDATE,
     .summary = "record whether a condition holds for each row",
     .details = "Adds a true/false column and writes the rows where the condition is false to "
                "--rejects; the run goes on. A missing condition is recorded as missing.",
     .args = expect_args,
     .example = {.program = "expect into=ok fare >= 0",
                 .input = "fare\n5\n-1\n\n",
                 .output = "fare,ok\n5,true\n-1,false\n,\n"},
     .open = expect_open,
     .shape = expect_shape,
     .close = condition_close,
     .apply = expect_apply,
     .lower = expect_lower},
    {.name = "assert",
     VALIDATE,
     .aliases = "check",
     .summary = "end the run with exit status 1 unless a condition holds for every row",
     .details = "A missing condition does not fail: assert fare is not null for that.",
     .args = assert_args,
     .example = {.program = "assert fare >= 0", .input = "fare\n5\n\n", .output = "fare\n5\n\n"},
     .open = assert_open,
     .close = condition_close,
     .apply = assert_apply,
     .lower = assert_lower},
    {.name = "schema_check",
     VALIDATE,
     .summary = "columns that must be there, and the types of their cells",
     .details =
         "A column that is absent ends the run: exit status 1 with action=fail, else 3. Cells "
         "are judged one by one; a number with a leading zero is text.",
     .args = schema_args,
     .example = {.program = "schema_check id:int!,city:text action=drop",
                 .input = "id,city\n1,Paris\nx,Rome\n,Oslo\n",
                 .output = "id,city\n1,Paris\n"},
     .open = schema_open,
     .apply = schema_apply,
     .lower = schema_lower},
    {.name = "json_schema",
     .not_compiled = "checks JSON by a schema, which artefacts cannot",
     VALIDATE,
     .summary = "JSON cells checked against a JSON Schema",
     .details =
         "Keywords: type, enum and const of scalars, minimum, maximum, exclusiveMinimum, "
         "exclusiveMaximum, minLength, maxLength, items, minItems, maxItems, properties, "
         "required, additionalProperties. Any other that is no annotation is an error. Text that "
         "is not JSON is wrong; a missing cell gives missing.",
     .args = json_args,
     .example = {.program =
                     "json_schema doc schema='{\"type\":\"object\",\"required\":[\"n\"]}' into=ok",
                 .input = "doc\n\"{\"\"n\"\":1}\"\n{}\n",
                 .output = "doc,ok\n\"{\"\"n\"\":1}\",true\n{},false\n"},
     VERDICT_HOOKS,
     .detail = &(const struct rowwise){.to = TYPE_BOOL,
                                       .test = test_schema,
                                       .suffix = "_json_schema",
                                       .domain = "as the schema says",
                                       .prepare = prepare_schema,
                                       .release = release_schema}},
    {.name = NULL},
};
