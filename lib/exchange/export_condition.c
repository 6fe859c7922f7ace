/* The condition of a step as conditions of SageMaker, which know comparisons, In, Or and Not. */
#include "exchange/conditions.h"
#include "exchange/sagemaker.h"

#include <stdlib.h>

static json_t *condition_of(const struct exporting *x, const struct node *n);

static json_t *operand_of(const struct exporting *x, const struct node *n);

static json_t *join_of(const struct exporting *x, const struct node *n)
{
    json_t *values = json_array();
    for (size_t i = 0; i < n->count; i++)
        if (json_array_append_new(values, operand_of(x, n->args[i])) != 0) {
            json_decref(values);
            return NULL;
        }
    return json_pack("{s:{s:s, s:o}}", "Std:Join", "On", "", "Values", values);
}

/* NULL: it is neither a parameter nor a literal of one of their types, nor some of them joined. */
static json_t *operand_of(const struct exporting *x, const struct node *n)
{
    if (node_is_call(n, "concat"))
        return join_of(x, n);
    if (n->form == NODE_COLUMN) {
        char *path = mem_format("Parameters.%s", x->p->parameters[n->column].name);
        json_t *out = json_pack("{s:s}", "Get", path);
        mem_free(path);
        return out;
    }
    if (n->form != NODE_LITERAL)
        return NULL;
    if (n->kind == KIND_TEXT)
        return json_stringn(n->value.text.at, n->value.text.len);
    if (n->kind == KIND_NUMBER)
        return n->value.is_int ? json_integer(n->value.i) : json_real(n->value.f);
    return n->kind == KIND_BOOL ? json_boolean(n->value.b) : NULL;
}

static json_t *comparison(const char *type, json_t *left, json_t *right)
{
    if (left && right)
        return json_pack("{s:s, s:o, s:o}", "Type", type, "LeftValue", left, "RightValue", right);
    json_decref(left);
    json_decref(right);
    return NULL;
}

/* Takes the condition, which may be NULL. */
static json_t *negation(json_t *condition)
{
    return condition ? json_pack("{s:s, s:o}", "Type", "Not", "Expression", condition) : NULL;
}

/* Or of the arguments; of their negations: what is left of an And inside. */
static json_t *alternative(const struct exporting *x, const struct node *n, bool negated)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n->count; i++) {
        json_t *one = condition_of(x, n->args[i]);
        one = negated ? negation(one) : one;
        if (!one) {
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, one);
    }
    return json_pack("{s:s, s:o}", "Type", "Or", "Conditions", list);
}

static json_t *membership(const struct exporting *x, const struct node *n)
{
    json_t *value = operand_of(x, n->args[0]), *values = node_items(n);
    if (value && values)
        return json_pack("{s:s, s:o, s:o}", "Type", "In", "QueryValue", value, "Values", values);
    json_decref(value);
    json_decref(values);
    return NULL;
}

static json_t *comparison_of(const struct exporting *x, const struct node *n)
{
    static const char *const types[][2] = {
        {"eq", "Equals"},   {"gt", "GreaterThan"},
        {"lt", "LessThan"}, {"ge", "GreaterThanOrEqualTo"},
        {"ne", "Equals"},   {"le", "LessThanOrEqualTo"},
    };
    if (n->count != 2 || n->args[0]->kind != n->args[1]->kind)
        return NULL;
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (node_is_call(n, types[i][0])) {
            json_t *out =
                comparison(types[i][1], operand_of(x, n->args[0]), operand_of(x, n->args[1]));
            return node_is_call(n, "ne") ? negation(out) : out;
        }
    return NULL;
}

static json_t *between(const struct exporting *x, const struct node *n)
{
    json_t *low = comparison("LessThan", operand_of(x, n->args[0]), operand_of(x, n->args[1]));
    json_t *high = comparison("GreaterThan", operand_of(x, n->args[0]), operand_of(x, n->args[2]));
    if (low && high)
        return negation(json_pack("{s:s, s:[o, o]}", "Type", "Or", "Conditions", low, high));
    json_decref(low);
    json_decref(high);
    return NULL;
}

static json_t *condition_of(const struct exporting *x, const struct node *n)
{
    if (n->kind == KIND_BOOL && n->form != NODE_CALL)
        return comparison("Equals", operand_of(x, n), json_true());
    if (node_is_call(n, "not"))
        return negation(condition_of(x, n->args[0]));
    if (node_is_call(n, "or"))
        return alternative(x, n, false);
    if (node_is_call(n, "and"))
        return negation(alternative(x, n, true));
    if (node_is_call(n, "in"))
        return membership(x, n);
    if (node_is_call(n, "between"))
        return between(x, n);
    return n->form == NODE_CALL ? comparison_of(x, n) : NULL;
}

static bool add_all(const struct exporting *x, const struct node *n, json_t *list)
{
    bool chain = node_is_call(n, "and");
    bool good = true;
    for (size_t i = 0; i < (chain ? n->count : 1) && good; i++) {
        json_t *one = condition_of(x, chain ? n->args[i] : n);
        good = one != NULL;
        if (one)
            json_array_append_new(list, one);
    }
    return good;
}

int export_conditions(struct exporting *x, const struct step *s, json_t *list)
{
    char quoted[QUOTE_MAX];
    struct expr *condition = NULL;
    int status = pipeline_condition(x->p, s, &condition, x->e);
    if (status == 0 && !add_all(x, condition->root, list))
        status = export_error(x, s, "SageMaker has no such condition: %s",
                              quote(quoted, s->when, strlen(s->when)));
    expr_free(condition);
    return status;
}
