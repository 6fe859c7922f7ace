/* Conditions as rules of a Choice state of Amazon States Language; parameters are in $.params. */
#include "exchange/conditions.h"

static json_t *variable_of(const struct pipeline *p, const struct node *n)
{
    char *path = mem_format("$.params['%s']", p->parameters[n->column].name);
    json_t *out = json_text(path);
    mem_free(path);
    return out;
}

/* ---- comparisons ---- */

static const char *type_of(enum kind kind)
{
    return kind == KIND_TEXT ? "String" : kind == KIND_NUMBER ? "Numeric" : "Boolean";
}

static json_t *literal_of(const struct node *n)
{
    const struct value *v = &n->value;
    if (v->kind == KIND_TEXT)
        return json_stringn(v->text.at, v->text.len);
    if (v->kind == KIND_NUMBER)
        return v->is_int ? json_integer(v->i) : json_real(v->f);
    return json_boolean(v->b);
}

static json_t *comparison(const struct pipeline *p, const struct node *left, const char *test,
                          const struct node *right)
{
    bool path = right->form == NODE_COLUMN;
    char *name = mem_format("%s%s%s", type_of(left->kind), test, path ? "Path" : "");
    json_t *rule = json_pack("{s:o}", "Variable", variable_of(p, left));
    json_object_set_new(rule, name, path ? variable_of(p, right) : literal_of(right));
    mem_free(name);
    return rule;
}

/* The one that is a parameter stands on the left. */
static json_t *pair(const struct pipeline *p, const struct node *a, size_t test,
                    const struct node *b)
{
    static const char *const tests[] = {"Equals", "LessThan", "LessThanEquals", "GreaterThan",
                                        "GreaterThanEquals"};
    static const size_t turned[] = {0, 3, 4, 1, 2};
    bool plain = a->form == NODE_COLUMN || a->form == NODE_LITERAL;
    plain = plain && (b->form == NODE_COLUMN || b->form == NODE_LITERAL);
    bool kinds = a->kind == KIND_TEXT || a->kind == KIND_NUMBER || a->kind == KIND_BOOL;
    if (!plain || !kinds || a->kind != b->kind || (a->kind == KIND_BOOL && test != 0))
        return NULL;
    if (a->form == NODE_COLUMN)
        return comparison(p, a, tests[test], b);
    return b->form == NODE_COLUMN ? comparison(p, b, tests[turned[test]], a) : NULL;
}

/* ---- the rest ---- */

static json_t *negation(json_t *rule)
{
    return rule ? json_pack("{s:o}", "Not", rule) : NULL;
}

static json_t *all_of(const struct pipeline *p, const struct node *n, const char *word)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n->count; i++)
        if (json_array_append_new(list, condition_choice(p, n->args[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return json_pack("{s:o}", word, list);
}

static json_t *between(const struct pipeline *p, const struct node *n)
{
    json_t *low = pair(p, n->args[0], 4, n->args[1]), *high = pair(p, n->args[0], 2, n->args[2]);
    if (low && high)
        return json_pack("{s:[o, o]}", "And", low, high);
    json_decref(low);
    json_decref(high);
    return NULL;
}

static json_t *equals_item(const struct pipeline *p, const struct node *value, const json_t *item)
{
    bool text = value->kind == KIND_TEXT && json_is_string(item);
    bool number = value->kind == KIND_NUMBER && json_is_number(item);
    if (value->form != NODE_COLUMN || !(text || number))
        return NULL;
    return json_pack("{s:o, s:O}", "Variable", variable_of(p, value),
                     text ? "StringEquals" : "NumericEquals", item);
}

static json_t *membership(const struct pipeline *p, const struct node *n)
{
    json_t *rules = json_array(), *items = node_items(n);
    bool good = items != NULL;
    for (size_t i = 0; i < json_array_size(items) && good; i++)
        good =
            json_array_append_new(rules, equals_item(p, n->args[0], json_array_get(items, i))) == 0;
    json_decref(items);
    if (good)
        return json_pack("{s:o}", "Or", rules);
    json_decref(rules);
    return NULL;
}

json_t *condition_choice(const struct pipeline *p, const struct node *n)
{
    static const char *const names[] = {"eq", "lt", "le", "gt", "ge"};
    if (n->form == NODE_COLUMN && n->kind == KIND_BOOL)
        return json_pack("{s:o, s:b}", "Variable", variable_of(p, n), "BooleanEquals", 1);
    if (n->form != NODE_CALL)
        return NULL;
    for (size_t i = 0; i < COUNT_OF(names) && n->count == 2; i++)
        if (node_is_call(n, names[i]))
            return pair(p, n->args[0], i, n->args[1]);
    if (node_is_call(n, "ne") && n->count == 2)
        return negation(pair(p, n->args[0], 0, n->args[1]));
    if (node_is_call(n, "not"))
        return negation(condition_choice(p, n->args[0]));
    if (node_is_call(n, "and") || node_is_call(n, "or"))
        return all_of(p, n, node_is_call(n, "and") ? "And" : "Or");
    if (node_is_call(n, "between"))
        return between(p, n);
    return node_is_call(n, "in") ? membership(p, n) : NULL;
}
