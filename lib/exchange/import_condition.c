/* SageMaker's conditions, in the spellings of its schema and of its SDK, as expressions. */
#include "exchange/import_sagemaker.h"

static int put_condition(struct sm *m, const struct doc_node *n, struct buf *out);

static bool is_type(const struct doc_node *n, const char *type)
{
    const struct doc_node *at = doc_get(n, "Type");
    return at && text_equal(at->text, text_of(type));
}

/* ---- operands ---- */

static bool is_plain_name(struct text name)
{
    static const char *const words[] = {"and",  "or",   "not", "xor",  "in",   "between", "when",
                                        "then", "else", "end", "case", "true", "false",   "null"};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (text_equal(name, text_of(words[i])))
            return false;
    return name.len > 0 && !memchr(name.at, '-', name.len) &&
           !(name.at[0] >= '0' && name.at[0] <= '9');
}

static int put_operand(struct sm *m, const struct doc_node *n, struct buf *out);

static int put_join(struct sm *m, const struct doc_node *n, struct buf *out)
{
    const struct doc_node *on = doc_get(n, "On"), *values = doc_get(n, "Values");
    int status = import_keys(m->x, n, "On Values", "Std:Join");
    if (status)
        return status;
    if (!values || values->kind != DOC_LIST || (on && on->kind != DOC_TEXT))
        return doc_error(m->x->doc, n, m->x->e, "Std:Join has a list Values and a text On");
    buf_puts(out, "(''");
    for (size_t i = 0; status == 0 && i < values->count; i++) {
        if (i && on) {
            buf_puts(out, " . ");
            import_put_expression_text(out, on->text);
        }
        buf_puts(out, " . ");
        status = put_operand(m, &values->items[i], out);
    }
    buf_putc(out, ')');
    return status;
}

static int put_parameter(struct sm *m, const struct doc_node *n, struct buf *out)
{
    static const char before[] = "Parameters.";
    struct text name = n->text;
    bool known = name.len > strlen(before) && memcmp(name.at, before, strlen(before)) == 0;
    if (known)
        name = (struct text){name.at + strlen(before), name.len - strlen(before)};
    if (!known)
        return doc_error(
            m->x->doc, n, m->x->e,
            "a condition on what a step made, or on the execution: those of a Pipefile "
            "know parameters alone");
    if (!sm_parameter(m, name))
        return doc_error(m->x->doc, n, m->x->e, "there is no parameter '%.*s'",
                         (int)(name.len > 64 ? 64 : name.len), name.at);
    const char *mark = is_plain_name(name) ? "" : "`";
    buf_format(out, "%s%.*s%s", mark, (int)name.len, name.at, mark);
    return 0;
}

static int put_operand(struct sm *m, const struct doc_node *n, struct buf *out)
{
    if (n->kind == DOC_TEXT) {
        import_put_expression_text(out, n->text);
        return 0;
    }
    if (n->kind == DOC_NUMBER || n->kind == DOC_BOOL) {
        buf_add(out, n->text.at, n->text.len);
        return 0;
    }
    const struct doc_node *join = doc_get(n, "Std:Join"), *get = doc_get(n, "Get");
    if (sm_is_reference(n) && join)
        return put_join(m, join, out);
    if (sm_is_reference(n) && get && get->kind == DOC_TEXT)
        return put_parameter(m, get, out);
    return doc_error(m->x->doc, n, m->x->e,
                     "a condition on what a step made: those of a Pipefile know parameters alone");
}

/* ---- the forms ---- */

static const char *sign_of(const struct doc_node *n)
{
    static const char *const signs[][2] = {
        {"Equals", "=="},     {"NotEquals", "!="},
        {"GreaterThan", ">"}, {"GreaterThanOrEqualTo", ">="},
        {"LessThan", "<"},    {"LessThanOrEqualTo", "<="},
    };
    for (size_t i = 0; i < COUNT_OF(signs); i++)
        if (is_type(n, signs[i][0]))
            return signs[i][1];
    return NULL;
}

static int put_comparison(struct sm *m, const struct doc_node *n, const char *sign, struct buf *out)
{
    const struct doc_node *left = doc_get(n, "LeftValue"), *right = doc_get(n, "RightValue");
    int status = import_keys(m->x, n, "Type LeftValue RightValue", "a comparison");
    if (status)
        return status;
    if (!left || !right)
        return doc_error(m->x->doc, n, m->x->e, "a comparison has LeftValue and RightValue");
    status = put_operand(m, left, out);
    buf_format(out, " %s ", sign);
    return status ? status : put_operand(m, right, out);
}

static int put_membership(struct sm *m, const struct doc_node *n, struct buf *out)
{
    bool sdk = doc_get(n, "QueryValue") != NULL;
    const struct doc_node *value = doc_get(n, sdk ? "QueryValue" : "Value");
    const struct doc_node *list = doc_get(n, sdk ? "Values" : "In");
    int status =
        import_keys(m->x, n, sdk ? "Type QueryValue Values" : "Type Value In", "a condition In");
    if (status)
        return status;
    if (!value || !list || list->kind != DOC_LIST || list->count == 0)
        return doc_error(m->x->doc, n, m->x->e, "In has a value and a list of some values");
    status = put_operand(m, value, out);
    buf_puts(out, is_type(n, "NotIn") ? " not in [" : " in [");
    for (size_t i = 0; status == 0 && i < list->count; i++) {
        buf_puts(out, i ? ", " : "");
        status = put_operand(m, &list->items[i], out);
    }
    buf_putc(out, ']');
    return status;
}

static int put_list(struct sm *m, const struct doc_node *list, const char *between, struct buf *out)
{
    int status = 0;
    for (size_t i = 0; i < list->count && status == 0; i++) {
        buf_puts(out, i ? between : "");
        buf_puts(out, list->count > 1 ? "(" : "");
        status = put_condition(m, &list->items[i], out);
        buf_puts(out, list->count > 1 ? ")" : "");
    }
    return status;
}

static int put_alternative(struct sm *m, const struct doc_node *n, struct buf *out)
{
    const struct doc_node *list = doc_get(n, "Conditions");
    int status = import_keys(m->x, n, "Type Conditions", "a condition Or");
    if (status)
        return status;
    if (!list || list->kind != DOC_LIST || list->count == 0)
        return doc_error(m->x->doc, n, m->x->e, "Or has a list Conditions");
    return put_list(m, list, " or ", out);
}

static int put_negation(struct sm *m, const struct doc_node *n, struct buf *out)
{
    const struct doc_node *inner = doc_get(n, "Expression");
    int status = import_keys(m->x, n, "Type Expression", "a condition Not");
    if (status)
        return status;
    if (!inner)
        return doc_error(m->x->doc, n, m->x->e, "Not has an Expression");
    buf_puts(out, "not (");
    status = put_condition(m, inner, out);
    buf_putc(out, ')');
    return status;
}

static int put_condition(struct sm *m, const struct doc_node *n, struct buf *out)
{
    char quoted[QUOTE_MAX];
    const char *sign = sign_of(n);
    const struct doc_node *type = doc_get(n, "Type");
    if (sign)
        return put_comparison(m, n, sign, out);
    if (is_type(n, "In") || is_type(n, "NotIn"))
        return put_membership(m, n, out);
    if (is_type(n, "Or"))
        return put_alternative(m, n, out);
    if (is_type(n, "Not"))
        return put_negation(m, n, out);
    if (!type)
        return doc_error(m->x->doc, n, m->x->e, "a condition without a Type");
    return doc_error(m->x->doc, type, m->x->e, "unknown condition %s",
                     quote(quoted, type->text.at, type->text.len));
}

int sm_conditions(struct sm *m, const struct doc_node *list, struct buf *out)
{
    return put_list(m, list, " and ", out);
}
