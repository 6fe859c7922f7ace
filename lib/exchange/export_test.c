/* Conditions as commands of sh: a program of awk (POSIX.1-2017, XCU) decides, which has numbers
 * with fractions and compares texts by their bytes. Its words are the parameters and texts asked
 * for. */
#include "exchange/conditions.h"

struct test {
    const struct pipeline *p;
    struct buf program, words;
    unsigned word_count;
    unsigned *word; /* by parameter: which word it is; 0: none yet */
};

static bool put_truth(struct test *t, const struct node *n);
static bool put_value(struct test *t, const struct node *n);

/* ---- values ---- */

static unsigned word_of_parameter(struct test *t, size_t i)
{
    if (t->word[i] == 0) {
        t->word[i] = ++t->word_count;
        buf_format(&t->words, " '%c%zu%c'", PARAMETER_MARK, i, PARAMETER_END);
    }
    return t->word[i];
}

static bool put_text(struct test *t, struct text text)
{
    if (memchr(text.at, '\n', text.len) || memchr(text.at, PARAMETER_MARK, text.len))
        return false;
    buf_putc(&t->words, ' ');
    shell_put_word(&t->words, text);
    buf_format(&t->program, "(ARGV[%u] \"\")", ++t->word_count);
    return true;
}

static bool put_literal(struct test *t, const struct value *v)
{
    if (v->kind == KIND_TEXT)
        return put_text(t, v->text);
    if (v->kind == KIND_BOOL)
        buf_puts(&t->program, v->b ? "1" : "0");
    else if (v->kind == KIND_NUMBER && v->is_int)
        buf_format(&t->program, "%lld", (long long)v->i);
    else if (v->kind == KIND_NUMBER)
        json_put_double(&t->program, v->f);
    return v->kind == KIND_BOOL || v->kind == KIND_NUMBER;
}

static bool put_column(struct test *t, const struct node *n)
{
    unsigned word = word_of_parameter(t, n->column);
    if (n->kind == KIND_TEXT)
        buf_format(&t->program, "(ARGV[%u] \"\")", word);
    else if (n->kind == KIND_NUMBER)
        buf_format(&t->program, "(ARGV[%u] + 0)", word);
    else if (n->kind == KIND_BOOL)
        buf_format(&t->program, "(ARGV[%u] == \"true\")", word);
    return n->kind == KIND_TEXT || n->kind == KIND_NUMBER || n->kind == KIND_BOOL;
}

static bool put_arithmetic(struct test *t, const struct node *n)
{
    static const char *const signs[][2] = {{"add", " + "}, {"sub", " - "}, {"mul", " * "}};
    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        if (!node_is_call(n, signs[i][0]) || n->count != 2)
            continue;
        buf_putc(&t->program, '(');
        bool good = put_value(t, n->args[0]);
        buf_puts(&t->program, signs[i][1]);
        good = good && put_value(t, n->args[1]);
        buf_putc(&t->program, ')');
        return good;
    }
    return false;
}

/* A parameter stands in a text as it was given, whatever its type. */
static bool put_concatenation(struct test *t, const struct node *n)
{
    bool good = true;
    buf_putc(&t->program, '(');
    for (size_t i = 0; i < n->count && good; i++) {
        const struct node *one = n->args[i];
        buf_puts(&t->program, i ? " " : "");
        if (one->form == NODE_COLUMN)
            buf_format(&t->program, "ARGV[%u]", word_of_parameter(t, one->column));
        else
            good = one->kind == KIND_TEXT && put_value(t, one);
    }
    buf_puts(&t->program, " \"\")");
    return good;
}

static bool put_value(struct test *t, const struct node *n)
{
    if (n->form == NODE_LITERAL)
        return put_literal(t, &n->value);
    if (n->form == NODE_COLUMN)
        return put_column(t, n);
    if (n->kind == KIND_NUMBER)
        return put_arithmetic(t, n);
    if (node_is_call(n, "concat"))
        return put_concatenation(t, n);
    buf_putc(&t->program, '('); /* awk has no a == b == c */
    bool good = n->kind == KIND_BOOL && put_truth(t, n);
    buf_putc(&t->program, ')');
    return good;
}

/* ---- conditions ---- */

static bool put_pair(struct test *t, const struct node *a, const char *sign, const struct node *b)
{
    if (a->kind != b->kind)
        return false;
    bool good = put_value(t, a);
    buf_puts(&t->program, sign);
    return good && put_value(t, b);
}

static const char *sign_of(const struct node *n)
{
    static const char *const signs[][2] = {{"eq", " == "}, {"ne", " != "}, {"lt", " < "},
                                           {"le", " <= "}, {"gt", " > "},  {"ge", " >= "}};
    for (size_t i = 0; i < COUNT_OF(signs) && n->count == 2; i++)
        if (node_is_call(n, signs[i][0]))
            return signs[i][1];
    return NULL;
}

static bool put_list(struct test *t, const struct node *n, const char *between)
{
    bool good = true;
    for (size_t i = 0; i < n->count && good; i++) {
        buf_puts(&t->program, i ? between : "");
        buf_putc(&t->program, '(');
        good = put_truth(t, n->args[i]);
        buf_putc(&t->program, ')');
    }
    return good;
}

/* One of the literals of a list. */
static bool put_item(struct test *t, const struct node *value, const json_t *item)
{
    struct node literal = {.form = NODE_LITERAL};
    if (json_is_string(item))
        literal.value = (struct value){.kind = KIND_TEXT,
                                       .text = {json_string_value(item), json_string_length(item)}};
    else if (json_is_integer(item))
        literal.value =
            (struct value){.kind = KIND_NUMBER, .is_int = true, .i = json_integer_value(item)};
    else if (json_is_real(item))
        literal.value = (struct value){.kind = KIND_NUMBER, .f = json_real_value(item)};
    else
        return false;
    literal.kind = literal.value.kind;
    return put_pair(t, value, " == ", &literal);
}

static bool put_membership(struct test *t, const struct node *n)
{
    json_t *items = node_items(n);
    bool good = items != NULL;
    for (size_t i = 0; i < json_array_size(items) && good; i++) {
        buf_puts(&t->program, i ? " || " : "");
        good = put_item(t, n->args[0], json_array_get(items, i));
    }
    json_decref(items);
    return good;
}

static bool put_truth(struct test *t, const struct node *n)
{
    const char *sign = sign_of(n);
    if (n->form != NODE_CALL)
        return n->kind == KIND_BOOL && put_value(t, n);
    if (sign)
        return put_pair(t, n->args[0], sign, n->args[1]);
    if (node_is_call(n, "and"))
        return put_list(t, n, " && ");
    if (node_is_call(n, "or"))
        return put_list(t, n, " || ");
    if (node_is_call(n, "in"))
        return put_membership(t, n);
    if (node_is_call(n, "not")) {
        buf_puts(&t->program, "!(");
        bool good = put_truth(t, n->args[0]);
        buf_putc(&t->program, ')');
        return good;
    }
    if (!node_is_call(n, "between"))
        return false;
    bool good = put_pair(t, n->args[0], " >= ", n->args[1]);
    buf_puts(&t->program, " && ");
    return good && put_pair(t, n->args[0], " <= ", n->args[2]);
}

bool condition_put_shell(struct buf *b, const struct pipeline *p, const struct node *n)
{
    struct test t = {.p = p};
    t.word = mem_alloc((p->parameter_count + 1) * sizeof *t.word);
    bool good = put_truth(&t, n);
    if (good)
        buf_format(b, "LC_ALL=C awk 'BEGIN { exit !(%s) }'%s", buf_text(&t.program),
                   buf_text(&t.words));
    mem_free(t.word);
    buf_release(&t.program);
    buf_release(&t.words);
    return good;
}
