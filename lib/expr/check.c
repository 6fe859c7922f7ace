/* Names become columns and parameters, every node gets its kind,
 * calls of literals become literals. */
#include "cli/cli.h"
#include "expr/eval.h"

/* The lambdas around a node, innermost first. */
struct scope {
    const struct node *lambda;
    const struct scope *outer;
};

struct checker {
    struct expr *x;
    struct batch *batch; /* one row, to fold with; made when first needed */
    struct error *e;
    unsigned calls;
};

static int check_node(struct checker *k, struct node *n, const struct scope *scope);

static bool find_variable(struct node *n, const struct scope *scope)
{
    for (; scope; scope = scope->outer)
        for (unsigned i = 0; i < COUNT_OF(scope->lambda->params); i++)
            if (scope->lambda->params[i].at && text_equal(scope->lambda->params[i], n->name)) {
                n->form = NODE_VARIABLE;
                n->kind = KIND_JSON;
                n->level = scope->lambda->level;
                n->index = i;
                return true;
            }
    return false;
}

static enum kind kind_of_type(enum type t)
{
    static const enum kind kinds[] = {
        [TYPE_TEXT] = KIND_TEXT, [TYPE_INT] = KIND_NUMBER, [TYPE_FLOAT] = KIND_NUMBER,
        [TYPE_BOOL] = KIND_BOOL, [TYPE_TIME] = KIND_TIME,  [TYPE_JSON] = KIND_JSON,
    };
    return kinds[t];
}

static int unknown_column(const struct checker *k, const struct node *n)
{
    char quoted[QUOTE_MAX];
    quote(quoted, n->name.at, n->name.len);
    struct arena scratch = {0};
    const char *word = arena_text(&scratch, n->name.at, n->name.len);
    const char *near = cli_nearest(word, k->x->column_names, k->x->schema->fields.len);
    arena_release(&scratch);
    if (near)
        return expr_fail(k->x, n->at, k->e, "unknown column %s: did you mean '%s'?", quoted, near);
    return expr_fail(k->x, n->at, k->e, "unknown column %s", quoted);
}

void node_make_column(struct expr *x, struct node *n, size_t column)
{
    n->form = NODE_COLUMN;
    n->column = column;
    n->name = text_of(x->column_names[column]);
    n->kind = kind_of_type(x->schema->fields.at[column].type);
    vec_push(&x->reads, column);
}

static int check_name(struct checker *k, struct node *n, const struct scope *scope)
{
    if (find_variable(n, scope))
        return 0;
    size_t column = schema_find(k->x->schema, n->name);
    if (column == FIELD_NONE)
        return unknown_column(k, n);
    node_make_column(k->x, n, column);
    return 0;
}

void node_make_literal(struct expr *x, struct node *n, struct value v)
{
    n->form = NODE_LITERAL;
    n->kind = v.kind;
    n->is_float = v.kind == KIND_NUMBER && !v.is_int;
    n->value = v;
    if (v.kind == KIND_TEXT || v.kind == KIND_JSON)
        n->value.text.at = arena_text(&x->arena, v.text.at, v.text.len);
}

static bool is_foldable(const struct node *n)
{
    if (n->form != NODE_CALL || n->fn->flags & (VOLATILE | ORDERED))
        return false;
    for (size_t i = 0; i < n->count; i++)
        if (n->args[i]->form != NODE_LITERAL)
            return false;
    return true;
}

/* A call of literals becomes its value. What depends on the batch after all (a time without a zone)
 * stays as it is. */
static int fold(struct checker *k, struct node *n)
{
    if (!is_foldable(n))
        return 0;
    if (!k->batch) {
        k->batch = batch_new();
        k->batch->rows = 1;
    }
    bool late = false;
    struct error e = {0};
    struct frame f = {.x = k->x, .batch = k->batch, .error = &e, .rows = 1, .late = &late};
    struct vector v;
    int status = eval(&f, n, &v);
    if (late)
        return 0;
    if (status)
        return expr_fail(k->x, n->at, k->e, "%s", e.message);
    enum kind declared = n->kind;
    node_make_literal(k->x, n, vector_get(&v, 0));
    if (n->kind == KIND_NULL)
        n->kind = declared;
    return 0;
}

/* The letter of argument i, 0 past the last; *required: how many there must be. */
static char letter_at(const char *args, size_t i)
{
    char last = 0;
    for (const char *p = args; *p; p++) {
        if (*p == '?')
            continue;
        if (*p == '*')
            return last;
        last = *p;
        if (i-- == 0)
            return last;
    }
    return 0;
}

char function_letter(const struct function_row *fn, size_t i)
{
    return letter_at(fn->args, i);
}

static size_t required_args(const char *args)
{
    size_t n = 0;
    while (args[n] && args[n] != '?' && args[n] != '*')
        n++;
    return n;
}

static bool kind_fits(enum kind have, char letter)
{
    switch (letter) {
    case 'n':
    case 'i':
    case 'f':
        return have != KIND_BOOL && have != KIND_TIME;
    case 'b':
        return have != KIND_TIME;
    case 'd':
        return have != KIND_NUMBER && have != KIND_BOOL;
    case 'j':
        return have == KIND_JSON || have == KIND_TEXT || have == KIND_NULL;
    default:
        return true;
    }
}

static int wrong_kind(struct checker *k, const struct node *call, const struct node *arg,
                      char letter)
{
    static const struct {
        enum kind have;
        char want;
        const char *way;
    } ways[] = {
        {KIND_BOOL, 'n', ": int() makes one"},
        {KIND_TIME, 'n', ": epoch() makes one"},
        {KIND_NUMBER, 'd', ": from_epoch() makes one"},
    };
    char group = letter == 'i' || letter == 'f' ? 'n' : letter;
    const char *way = "";
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        if (ways[i].have == arg->kind && ways[i].want == group)
            way = ways[i].way;
    return expr_fail(k->x, arg->at, k->e, "%s wants %s, not %s%s", call->fn->about.name,
                     kind_name(letter_kind(letter)), kind_name(arg->kind), way);
}

/* A text literal where a number, bool or time is wanted is read now, so that a wrong one is an
 * error with a caret. A clock time without an offset waits for the zone of the batch. */
static int convert_literal(struct checker *k, struct node *n, char letter)
{
    enum kind want = letter_kind(letter);
    struct text t = n->value.text;
    struct value v = {.kind = KIND_NULL};
    bool has_offset = false, good = true;
    char quoted[QUOTE_MAX];
    if (n->form != NODE_LITERAL || n->value.kind != KIND_TEXT || letter == 'v')
        return 0;
    if (want == KIND_NUMBER)
        good = number_of_text(t, &v);
    else if (want == KIND_BOOL && (good = bool_of_text(t, &v.b)))
        v.kind = KIND_BOOL;
    else if (want == KIND_TIME && (good = time_parse(t.at, t.len, &v.time, &has_offset)))
        v.kind = has_offset || t.len <= 10 ? KIND_TIME : KIND_NULL;
    if (!good)
        return expr_fail(k->x, n->at, k->e, "%s is not %s", quote(quoted, t.at, t.len),
                         kind_name(want));
    if (v.kind != KIND_NULL)
        node_make_literal(k->x, n, v);
    return 0;
}

static int prepare_pattern(struct checker *k, struct node *call, const struct node *arg)
{
    if (arg->form != NODE_LITERAL || arg->kind != KIND_TEXT)
        return expr_fail(k->x, arg->at, k->e, "%s wants a constant pattern", call->fn->about.name);
    struct error e = {0};
    if (regex_compile(arg->value.text.at, arg->value.text.len, false, &call->regex, &e))
        return expr_fail(k->x, arg->at, k->e, "%s", e.message);
    return 0;
}

static int prepare_zone(struct checker *k, struct node *call, const struct node *arg)
{
    if (arg->form != NODE_LITERAL || arg->kind != KIND_TEXT)
        return expr_fail(k->x, arg->at, k->e, "%s wants a constant time zone",
                         call->fn->about.name);
    struct error e = {0};
    if (zone_open(arg->value.text.at, &call->zone, &e))
        return expr_fail(k->x, arg->at, k->e, "%s", e.message);
    return 0;
}

static int check_lambda(struct checker *k, struct node *n, char letter, const struct scope *scope)
{
    bool two = n->params[1].at != NULL;
    if (two != (letter == 'y'))
        return expr_fail(k->x, n->at, k->e,
                         letter == 'y' ? "expected (a, b) -> ..." : "expected x -> ...");
    n->level = scope ? scope->lambda->level + 1 : 1;
    struct scope inner = {n, scope};
    int status = check_node(k, n->args[0], &inner);
    n->kind = n->args[0]->kind;
    return status;
}

static int check_arg(struct checker *k, struct node *call, size_t i, const struct scope *scope)
{
    struct node *arg = call->args[i];
    char letter = letter_at(call->fn->args, i);
    if (!letter)
        return expr_fail(k->x, arg->at, k->e, "too many arguments: %s", call->fn->about.signature);
    bool wants_lambda = letter == 'x' || letter == 'y';
    if (wants_lambda != (arg->form == NODE_LAMBDA))
        return expr_fail(k->x, arg->at, k->e, "expected %s: %s",
                         wants_lambda ? "x -> ..." : "a value", call->fn->about.signature);
    if (wants_lambda)
        return check_lambda(k, arg, letter, scope);
    int status = check_node(k, arg, scope);
    if (!status)
        status = convert_literal(k, arg, letter);
    if (status)
        return status;
    if (letter == 'p')
        return prepare_pattern(k, call, arg);
    if (letter == 'z')
        return prepare_zone(k, call, arg);
    return kind_fits(arg->kind, letter) ? 0 : wrong_kind(k, call, arg, letter);
}

enum kind kind_join(enum kind a, enum kind b)
{
    if (a == b || b == KIND_NULL)
        return a;
    if (a == KIND_NULL)
        return b;
    return a == KIND_JSON || b == KIND_JSON ? KIND_JSON : KIND_TEXT;
}

static enum kind joined_kind(const struct node *call)
{
    enum kind k = KIND_NULL;
    for (size_t i = 0; i < call->count; i++)
        if (letter_at(call->fn->args, i) == 'v')
            k = kind_join(k, call->args[i]->kind);
    return k;
}

static int check_call(struct checker *k, struct node *n, const struct scope *scope)
{
    vec_push(&k->x->calls, n);
    n->ordinal = k->calls++;
    int status = 0;
    if (scope && n->fn->flags & ORDERED)
        return expr_fail(k->x, n->at, k->e, "%s looks at rows, not at the items of a list",
                         n->fn->about.name);
    for (size_t i = 0; i < n->count && !status; i++)
        status = check_arg(k, n, i, scope);
    if (status)
        return status;
    if (n->count < required_args(n->fn->args))
        return expr_fail(k->x, n->at, k->e, "too few arguments: %s", n->fn->about.signature);
    n->kind = n->fn->result == '=' ? joined_kind(n) : letter_kind(n->fn->result);
    n->is_float = n->fn->result == 'f';
    if (n->fn->check)
        status = n->fn->check(k->x, n, k->e);
    return status ? status : fold(k, n);
}

static int check_node(struct checker *k, struct node *n, const struct scope *scope)
{
    switch (n->form) {
    case NODE_NAME:
        return check_name(k, n, scope);
    case NODE_CALL:
        return check_call(k, n, scope);
    case NODE_LITERAL:
    case NODE_COLUMN:
    case NODE_VARIABLE:
    case NODE_LAMBDA:
        break;
    }
    return 0;
}

int check(struct expr *x, struct error *e)
{
    struct checker k = {.x = x, .e = e};
    int status = check_node(&k, x->root, NULL);
    batch_free(k.batch);
    return status;
}
