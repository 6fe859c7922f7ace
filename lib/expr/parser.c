/* Tokens to a tree. Each function stands under the rule of the grammar it reads; binary operators
 * go by the table of precedence. Operators become calls of the function of their name. */
#include "cli/cli.h"
#include "expr/node.h"

struct parser {
    struct expr *x;
    struct token token; /* the one to be read next */
    unsigned depth;     /* of rules under way */
    unsigned cases; /* `case`s under way: inside of them when, then, else and end are no names */
    struct error *e;
    int status;
};

static struct node *parse_expression(struct parser *p, int weakest);

struct node *node_new(struct expr *x, enum node_form form, size_t at, size_t end)
{
    struct node *n = arena_zero(&x->arena, sizeof *n);
    n->form = form;
    n->at = at;
    n->end = end;
    return n;
}

/* Later errors do not hide the first one. */
static struct node *fail(struct parser *p, size_t at, const char *message)
{
    if (!p->status)
        p->status = expr_fail(p->x, at, p->e, "%s", message);
    return NULL;
}

static struct node *fail_expected(struct parser *p, const char *wanted)
{
    struct token *t = &p->token;
    if (t->kind == TOKEN_BAD)
        return fail(p, t->at, t->text.at);
    char message[QUOTE_MAX + 128], found[QUOTE_MAX];
    quote(found, p->x->source.at + t->at, t->end - t->at);
    snprintf(message, sizeof message, "expected %s, not %s", wanted,
             t->kind == TOKEN_END ? "the end" : found);
    return fail(p, t->at, message);
}

static void advance(struct parser *p)
{
    p->token = lexer_next(p->x->source, p->token.end, &p->x->arena);
}

static bool token_is(const struct token *t, const char *text)
{
    return (t->kind == TOKEN_SIGN || t->kind == TOKEN_NAME) && text_equal(t->text, text_of(text));
}

static bool next_is(const struct parser *p, const char *text)
{
    return token_is(&p->token, text);
}

static bool accept(struct parser *p, const char *text)
{
    if (!next_is(p, text))
        return false;
    advance(p);
    return true;
}

static bool expect(struct parser *p, const char *text)
{
    if (accept(p, text))
        return true;
    char wanted[40];
    snprintf(wanted, sizeof wanted, "'%s'", text);
    fail_expected(p, wanted);
    return false;
}

static struct token peek_second(struct parser *p)
{
    return lexer_next(p->x->source, p->token.end, &p->x->arena);
}

struct args {
    struct node **at;
    size_t len, cap;
};

static struct node *call(struct parser *p, const char *name, size_t at, size_t end,
                         struct node *const *args, size_t count)
{
    struct node *n = node_new(p->x, NODE_CALL, at, end);
    n->name = text_of(name);
    n->fn = function_row_find(n->name);
    n->count = count;
    size_t room = 1; /* see call2 */
    while (room <= count)
        room *= 2;
    n->args = arena_alloc(&p->x->arena, room * sizeof *args);
    for (size_t i = 0; i < count; i++) {
        if (!args[i])
            return NULL;
        n->args[i] = args[i];
        n->depth = args[i]->depth >= n->depth ? args[i]->depth + 1 : n->depth;
    }
    if (n->depth > TREE_DEPTH_MAX)
        return fail(p, at, "the expression is nested too deep");
    return n;
}

static struct node *call1(struct parser *p, const char *name, size_t at, struct node *a)
{
    return call(p, name, at, a ? a->end : at, &a, 1);
}

/* a op b. Chains of and, or and concat become one call of many arguments. */
static struct node *call2(struct parser *p, const char *name, size_t at, struct node *a,
                          struct node *b)
{
    if (!a || !b)
        return NULL;
    struct node *args[] = {a, b};
    bool chain = strcmp(name, "and") == 0 || strcmp(name, "or") == 0 || strcmp(name, "concat") == 0;
    if (!chain || a->form != NODE_CALL || !text_equal(a->name, text_of(name)) ||
        a->count >= ARGS_MAX || b->depth >= TREE_DEPTH_MAX)
        return call(p, name, at, b->end, args, 2);
    struct node **grown = a->args;
    if ((a->count & (a->count - 1)) == 0) { /* the array doubles at powers of two */
        grown = arena_alloc(&p->x->arena, 2 * a->count * sizeof *grown);
        memcpy(grown, a->args, a->count * sizeof *grown);
    }
    grown[a->count++] = b;
    a->args = grown;
    a->end = b->end;
    a->depth = b->depth >= a->depth ? b->depth + 1 : a->depth;
    return a;
}

static struct node *literal(struct parser *p, struct value value)
{
    struct node *n = node_new(p->x, NODE_LITERAL, p->token.at, p->token.end);
    n->value = value;
    n->kind = value.kind;
    n->is_float = value.kind == KIND_NUMBER && !value.is_int;
    advance(p);
    return n;
}

/* lambda = name "->" expression | "(" name "," name ")" "->" expression */
static struct node *parse_lambda(struct parser *p)
{
    struct node *n = node_new(p->x, NODE_LAMBDA, p->token.at, p->token.end);
    bool two = accept(p, "(");
    for (size_t i = 0; i < (two ? 2u : 1u); i++) {
        if (i > 0 && !expect(p, ","))
            return NULL;
        if (p->token.kind != TOKEN_NAME)
            return fail_expected(p, "a parameter's name");
        n->params[i] = p->token.text;
        advance(p);
    }
    if ((two && !expect(p, ")")) || !expect(p, "->"))
        return NULL;
    struct node *body = parse_expression(p, 0);
    if (!body)
        return NULL;
    n->args = arena_copy(&p->x->arena, &body, sizeof body);
    n->count = 1;
    n->depth = body->depth + 1;
    n->end = body->end;
    return n;
}

/* Does "(" name "," name ")" "->" or name "->" follow? */
static bool lambda_follows(struct parser *p)
{
    struct token t = p->token;
    static const char *const shape[] = {"(", NULL, ",", NULL, ")", "->"};
    size_t i = token_is(&t, "(") ? 0 : 5;
    if (i == 5) {
        struct token second = peek_second(p);
        return t.kind == TOKEN_NAME && token_is(&second, "->");
    }
    for (; i < COUNT_OF(shape); i++) {
        if (shape[i] ? !token_is(&t, shape[i]) : t.kind != TOKEN_NAME)
            return false;
        t = lexer_next(p->x->source, t.end, &p->x->arena);
    }
    return true;
}

/* argument { "," argument } close, or close alone. Returns false after a failure. */
static bool parse_args(struct parser *p, const char *close, struct args *args, size_t *end)
{
    for (size_t count = 0; !next_is(p, close); count++) {
        if (count > 0 && !expect(p, ","))
            return false;
        if (count >= ARGS_MAX)
            return fail(p, p->token.at, "too many arguments");
        struct node *arg = lambda_follows(p) ? parse_lambda(p) : parse_expression(p, 0);
        if (!arg)
            return false;
        vec_push(args, arg);
    }
    *end = p->token.end;
    return expect(p, close);
}

static struct node *unknown_function(struct parser *p, const struct token *name)
{
    size_t count = function_count();
    const struct function **all = mem_array(NULL, count, sizeof *all);
    const char **names = mem_array(NULL, count, sizeof *names);
    functions_by_name(all);
    for (size_t i = 0; i < count; i++)
        names[i] = all[i]->name;
    const char *word = arena_text(&p->x->arena, name->text.at, name->text.len);
    const char *near = cli_nearest(word, names, count);
    char quoted[QUOTE_MAX], message[QUOTE_MAX + 128];
    quote(quoted, name->text.at, name->text.len);
    if (near)
        snprintf(message, sizeof message, "unknown function %s: did you mean '%s'?", quoted, near);
    else
        snprintf(message, sizeof message, "unknown function %s", quoted);
    mem_free(names);
    mem_free(all);
    return fail(p, name->at, message);
}

/* call = name "(" [argument { "," argument }] ")" */
static struct node *parse_call(struct parser *p)
{
    struct token name = p->token;
    advance(p);
    advance(p);
    if (!function_row_find(name.text))
        return unknown_function(p, &name);
    struct args args = {0};
    size_t end = 0;
    struct node *n = NULL;
    if (parse_args(p, ")", &args, &end))
        n = call(p, function_row_find(name.text)->about.name, name.at, end, args.at, args.len);
    vec_release(&args);
    return n;
}

/* list = "[" [expression { "," expression }] "]" */
static struct node *parse_list(struct parser *p, const char *close)
{
    size_t at = p->token.at, end = 0;
    struct args args = {0};
    struct node *n = NULL;
    advance(p);
    if (parse_args(p, close, &args, &end))
        n = call(p, "list", at, end, args.at, args.len);
    vec_release(&args);
    return n;
}

/* case = "case" { "when" expression "then" expression } ["else" expression] "end" */
static struct node *parse_case(struct parser *p)
{
    size_t at = p->token.at, end;
    struct args args = {0};
    struct node *n = NULL, *part = NULL;
    advance(p);
    p->cases++;
    while (accept(p, "when")) {
        part = parse_expression(p, 0);
        vec_push(&args, part);
        if (!part || !expect(p, "then"))
            goto done;
        part = parse_expression(p, 0);
        vec_push(&args, part);
        if (!part)
            goto done;
    }
    if (accept(p, "else")) {
        part = parse_expression(p, 0);
        vec_push(&args, part);
    }
    end = p->token.end;
    if (part && args.len <= ARGS_MAX && expect(p, "end"))
        n = call(p, "case", at, end, args.at, args.len);
    else if (part)
        fail(p, at, "too many branches");
done:
    p->cases--;
    vec_release(&args);
    return n;
}

static struct node *parse_number(struct parser *p)
{
    struct value v = {.kind = KIND_NUMBER};
    double f = 0;
    enum number_kind kind = number_parse(p->token.text.at, p->token.text.len, &v.i, &f);
    if (kind == NUMBER_NONE)
        return fail(p, p->token.at, "this number is out of range or has a leading zero");
    v.is_int = kind == NUMBER_INT;
    if (!v.is_int)
        v.f = f;
    return literal(p, v);
}

static bool is_reserved(const struct parser *p)
{
    static const char *const words[] = {"and",     "or",   "not",  "xor",  "in",
                                        "between", "when", "then", "else", "end"};
    size_t count = p->cases ? COUNT_OF(words) : COUNT_OF(words) - 4;
    for (size_t i = 0; i < count; i++)
        if (next_is(p, words[i]))
            return true;
    return false;
}

/* word = "true" | "false" | "null" | case | call | column */
static struct node *parse_word(struct parser *p)
{
    struct token second = peek_second(p);
    if (token_is(&second, "("))
        return parse_call(p);
    if (next_is(p, "true") || next_is(p, "false"))
        return literal(p, (struct value){.kind = KIND_BOOL, .b = next_is(p, "true")});
    if (next_is(p, "null"))
        return literal(p, (struct value){.kind = KIND_NULL});
    if (next_is(p, "case") && token_is(&second, "when"))
        return parse_case(p);
    if (is_reserved(p))
        return fail_expected(p, "a value");
    struct node *n = node_new(p->x, NODE_NAME, p->token.at, p->token.end);
    n->name = p->token.text;
    advance(p);
    return n;
}

/* primary = number | text | quoted name | word | list | "(" expression ")" */
static struct node *parse_primary(struct parser *p)
{
    struct node *n = NULL;
    switch (p->token.kind) {
    case TOKEN_NUMBER:
        return parse_number(p);
    case TOKEN_TEXT:
        return literal(p, (struct value){.kind = KIND_TEXT, .text = p->token.text});
    case TOKEN_QUOTED_NAME:
        n = node_new(p->x, NODE_NAME, p->token.at, p->token.end);
        n->name = p->token.text;
        advance(p);
        return n;
    case TOKEN_NAME:
        return parse_word(p);
    case TOKEN_SIGN:
        if (next_is(p, "["))
            return parse_list(p, "]");
        if (accept(p, "(")) {
            n = parse_expression(p, 0);
            return n && expect(p, ")") ? n : NULL;
        }
        break;
    case TOKEN_END:
    case TOKEN_BAD:
        break;
    }
    return fail_expected(p, "a value");
}

enum { LEVEL_OR = 1, LEVEL_AND, LEVEL_NOT, LEVEL_COMPARE, LEVEL_ADD, LEVEL_MULTIPLY, LEVEL_UNARY };
static const struct operator
{
    const char *sign, *function;
    int level;
}
operators[] = {
    {"or", "or", LEVEL_OR},
    {"||", "or", LEVEL_OR},
    {"xor", "xor", LEVEL_OR},
    {"and", "and", LEVEL_AND},
    {"&&", "and", LEVEL_AND},
    {"==", "eq", LEVEL_COMPARE},
    {"!=", "ne", LEVEL_COMPARE},
    {"<", "lt", LEVEL_COMPARE},
    {"<=", "le", LEVEL_COMPARE},
    {">", "gt", LEVEL_COMPARE},
    {">=", "ge", LEVEL_COMPARE},
    {"=~", "re_match", LEVEL_COMPARE},
    {"!~", "re_match", LEVEL_COMPARE},
    {"in", "in", LEVEL_COMPARE},
    {"not", "in", LEVEL_COMPARE},
    {"between", "between", LEVEL_COMPARE},
    {"+", "add", LEVEL_ADD},
    {"-", "sub", LEVEL_ADD},
    {".", "concat", LEVEL_ADD},
    {"*", "mul", LEVEL_MULTIPLY},
    {"/", "div", LEVEL_MULTIPLY},
    {"//", "idiv", LEVEL_MULTIPLY},
    {"%", "mod", LEVEL_MULTIPLY},
};

static const struct operator* operator_next(const struct parser *p)
{
    for (size_t i = 0; i < COUNT_OF(operators); i++)
        if (next_is(p, operators[i].sign))
            return &operators[i];
    return NULL;
}

/* power = primary ["^" unary] */
static struct node *parse_power(struct parser *p)
{
    struct node *base = parse_primary(p);
    if (!base || !accept(p, "^"))
        return base;
    return call2(p, "pow", base->at, base, parse_expression(p, LEVEL_UNARY));
}

/* prefix = ("-" | "!") prefix | "not" comparison | power */
static struct node *parse_prefix(struct parser *p)
{
    size_t at = p->token.at;
    if (accept(p, "-"))
        return call1(p, "neg", at, parse_expression(p, LEVEL_UNARY));
    if (accept(p, "!"))
        return call1(p, "not", at, parse_expression(p, LEVEL_UNARY));
    if (accept(p, "not"))
        return call1(p, "not", at, parse_expression(p, LEVEL_NOT));
    return parse_power(p);
}

/* in = "in" ("[" ... "]" | "(" ... ")" | sum)     between = "between" sum "and" sum */
static struct node *parse_in(struct parser *p, struct node *left)
{
    struct node *right = next_is(p, "(") ? parse_list(p, ")") : parse_expression(p, LEVEL_ADD);
    return call2(p, "in", left->at, left, right);
}

static struct node *parse_between(struct parser *p, struct node *left)
{
    struct node *low = parse_expression(p, LEVEL_ADD);
    if (!low || !expect(p, "and"))
        return NULL;
    struct node *args[] = {left, low, parse_expression(p, LEVEL_ADD)};
    return args[2] ? call(p, "between", left->at, args[2]->end, args, 3) : NULL;
}

static struct node *parse_right_side(struct parser *p, const struct operator* o, struct node *left)
{
    size_t at = left->at;
    bool negated = accept(p, "not"); /* not in, not between */
    if (negated)
        o = operator_next(p);
    if (!o || (negated && strcmp(o->sign, "in") != 0 && strcmp(o->sign, "between") != 0))
        return fail_expected(p, "'in'");
    advance(p);
    struct node *n;
    if (strcmp(o->sign, "in") == 0)
        n = parse_in(p, left);
    else if (strcmp(o->sign, "between") == 0)
        n = parse_between(p, left);
    else
        n = call2(p, o->function, at, left, parse_expression(p, o->level + 1));
    return negated || strcmp(o->sign, "!~") == 0 ? call1(p, "not", at, n) : n;
}

/* expression = prefix { operator expression }, operators no weaker than `weakest` */
static struct node *parse_expression(struct parser *p, int weakest)
{
    if (++p->depth > DEPTH_MAX)
        return fail(p, p->token.at, "the expression is nested too deep");
    struct node *left = parse_prefix(p);
    const struct operator* o = NULL;
    bool compared = false;
    while (left && (o = operator_next(p)) && o->level >= weakest) {
        if (o->level == LEVEL_COMPARE && compared)
            return fail(p, p->token.at, "comparisons do not chain: join them with 'and'");
        compared = o->level == LEVEL_COMPARE;
        left = parse_right_side(p, o, left);
    }
    p->depth--;
    return left;
}

int parse(struct expr *x, struct error *e)
{
    struct parser p = {.x = x, .e = e};
    advance(&p);
    x->root = parse_expression(&p, 0);
    if (x->root && p.token.kind != TOKEN_END)
        fail_expected(&p, "an operator or the end");
    return p.status;
}
