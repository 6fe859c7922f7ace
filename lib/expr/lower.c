/* Lowering of nodes: literals, columns, conversions; calls go to the tables of their families. */
#include "expr/lower_node.h"

#include "expr/eval.h"
#include "runtime/program_math.h"

int lower_refused(struct lower_expr *k, const struct node *n)
{
    const char *name = n->fn ? n->fn->about.name : "expression";
    return error_set(k->e, ERR_NO, "%s(): not in compiled preparation", name);
}

static enum ml_class class_of_kind(enum kind kind)
{
    switch (kind) {
    case KIND_NUMBER:
        return ML_NUMBER;
    case KIND_BOOL:
        return ML_BOOL;
    case KIND_TIME:
        return ML_TIME;
    default:
        return ML_TEXT;
    }
}

static enum kind kind_of_class(enum ml_class class)
{
    static const enum kind kinds[] = {
        [ML_FLOAT] = KIND_NUMBER, [ML_INT] = KIND_NUMBER, [ML_NUMBER] = KIND_NUMBER,
        [ML_BOOL] = KIND_BOOL,    [ML_TIME] = KIND_TIME,  [ML_TEXT] = KIND_TEXT,
    };
    return kinds[class];
}

enum ml_class lower_class_of(const struct node *n)
{
    return n->kind == KIND_NUMBER && n->is_float ? ML_FLOAT : class_of_kind(n->kind);
}

uint32_t lower_mixed(struct lowering *l, uint32_t reg)
{
    switch (lower_class(l, reg)) {
    case ML_FLOAT:
        return lower_op(l, ML_OP_number_of_float, reg, 0, 0);
    case ML_INT:
        return lower_op(l, ML_OP_number_of_int, reg, 0, 0);
    default:
        return reg;
    }
}

uint32_t lower_real(struct lowering *l, uint32_t reg)
{
    switch (lower_class(l, reg)) {
    case ML_NUMBER:
        return lower_op(l, ML_OP_float_of_number, reg, 0, 0);
    case ML_INT:
        return lower_op(l, ML_OP_float_of_int, reg, 0, 0);
    default:
        return reg;
    }
}

void lower_store(struct lowering *l, const struct node *n, uint32_t to, uint32_t from)
{
    if (n->kind == KIND_NUMBER)
        from = n->is_float ? lower_real(l, from) : lower_mixed(l, from);
    lower_op_to(l, ML_OP_move, 0, to, from, 0, 0);
}

static uint32_t missing(struct lowering *l, enum ml_class class)
{
    uint32_t reg = lower_register(l, class);
    lower_op_to(l, ML_OP_missing, 0, reg, 0, 0, 0);
    return reg;
}

static int lower_literal(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    const struct value *v = &n->value;
    struct lowering *l = k->l;
    switch (v->kind) {
    case KIND_NUMBER:
        *reg = v->is_int ? lower_op(l, ML_OP_set_int, lower_int(l, v->i), 0, 0)
                         : lower_op(l, ML_OP_set_float, lower_float(l, v->f), 0, 0);
        return 0;
    case KIND_BOOL:
        *reg = lower_op(l, ML_OP_set_bool, v->b, 0, 0);
        return 0;
    case KIND_TIME:
        *reg = lower_op(l, ML_OP_set_time, lower_int(l, v->time), 0, 0);
        return 0;
    case KIND_TEXT:
        *reg = lower_op(l, ML_OP_set_text, lower_text(l, v->text), 0, 0);
        return 0;
    case KIND_NULL:
        *reg = missing(l, n->kind == KIND_NUMBER ? ML_FLOAT : class_of_kind(n->kind));
        return 0;
    case KIND_JSON:
        break;
    }
    return error_set(k->e, ERR_NO, "lists and maps: not in compiled preparation");
}

/* A conversion that no value passes: the row is refused unless it is missing. */
static uint32_t convert_none(struct lowering *l, uint32_t reg, enum ml_class want, enum ml_why why)
{
    uint32_t out = missing(l, want), is_missing = lower_op(l, ML_OP_is_missing, reg, 1, 0);
    size_t skip = lower_jump(l, ML_OP_jump_is, is_missing, 1);
    lower_op_to(l, ML_OP_missing, 0, out, 0, 0, 0);
    lower_op_to(l, ML_OP_refuse, 0, 0, why, 0, 0);
    lower_land(l, skip);
    return out;
}

static uint32_t printed(struct lowering *l, uint32_t reg)
{
    static const enum ml_code codes[] = {
        [ML_FLOAT] = ML_OP_text_of_float,   [ML_INT] = ML_OP_text_of_int,
        [ML_NUMBER] = ML_OP_text_of_number, [ML_BOOL] = ML_OP_text_of_bool,
        [ML_TIME] = ML_OP_text_of_time,
    };
    enum ml_class class = lower_class(l, reg);
    return class == ML_TEXT ? reg : lower_op(l, codes[class], reg, 0, 0);
}

/* A value as another kind, as vector_as has it. */
static uint32_t convert(struct lowering *l, uint32_t reg, enum kind want)
{
    enum kind have = kind_of_class(lower_class(l, reg));
    if (want == KIND_NULL || have == want)
        return reg;
    switch (want) {
    case KIND_NUMBER:
        if (have == KIND_BOOL)
            return lower_op(l, ML_OP_number_of_bool, reg, 0, 0);
        return have == KIND_TEXT ? lower_op(l, ML_OP_number_of_text, reg, 1, 0)
                                 : convert_none(l, reg, ML_NUMBER, ML_WHY_NUMBER);
    case KIND_BOOL:
        if (have == KIND_NUMBER)
            return lower_op(l, ML_OP_bool_of_number, lower_mixed(l, reg), 0, 0);
        return have == KIND_TEXT ? lower_op(l, ML_OP_bool_of_text, reg, 0, 0)
                                 : convert_none(l, reg, ML_BOOL, ML_WHY_BOOL);
    case KIND_TIME:
        return have == KIND_TEXT ? lower_op(l, ML_OP_time_of_text, reg, l->zone, 0)
                                 : convert_none(l, reg, ML_TIME, ML_WHY_TIME);
    default:
        return printed(l, reg);
    }
}

/* The table converts a whole column of texts; cells that some rows alone are asked for go one by
 * one. */
static uint32_t column_as(struct lower_expr *k, const struct node *n, enum kind want)
{
    struct lowering *l = k->l;
    enum ml_class have = l->columns.at[n->column].class;
    if (want == KIND_TEXT)
        return lower_column(l, n->column, ML_TEXT);
    enum kind first = n->kind == KIND_BOOL && want == KIND_NUMBER ? KIND_BOOL : want;
    uint32_t reg = have == ML_TEXT && !k->masked ? lower_column(l, n->column, class_of_kind(first))
                                                 : l->columns.at[n->column].as[have];
    return convert(l, convert(l, reg, first), want);
}

static int lower_column_node(struct lower_expr *k, const struct node *n, enum kind want,
                             uint32_t *reg)
{
    if (n->kind == KIND_JSON && want != KIND_TEXT)
        return error_set(k->e, ERR_NO, "lists and maps: not in compiled preparation");
    *reg = column_as(k, n, want);
    return 0;
}

static const struct call_lowering *find_call(const char *name)
{
    static const struct call_lowering *const families[] = {lower_logic_calls, lower_number_calls,
                                                           lower_text_calls, lower_time_calls};
    for (size_t i = 0; i < COUNT_OF(families); i++)
        for (const struct call_lowering *c = families[i]; c->name; c++)
            if (strcmp(c->name, name) == 0)
                return c;
    return NULL;
}

/* Functions of doubles are those the runtime knows by number. */
static int lower_real_call(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a, b, i = 0;
    int status = lower_double(k, n->args[0], &a);
    if (!status && n->fn->real2)
        status = lower_double(k, n->args[1], &b);
    if (status)
        return status;
    if (n->fn->real2) {
        while (ml_real2_at(i) && ml_real2_at(i) != n->fn->real2)
            i++;
        *reg = ml_real2_at(i) ? lower_op(k->l, ML_OP_real2, a, b, i) : 0;
        return ml_real2_at(i) ? 0 : lower_refused(k, n);
    }
    while (ml_real_at(i) && ml_real_at(i) != n->fn->real)
        i++;
    *reg = ml_real_at(i) ? lower_op(k->l, ML_OP_real, a, i, 0) : 0;
    return ml_real_at(i) ? 0 : lower_refused(k, n);
}

int lower_node(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    switch (n->form) {
    case NODE_LITERAL:
        return lower_literal(k, n, reg);
    case NODE_COLUMN:
        return lower_column_node(k, n, n->kind, reg);
    case NODE_CALL:
        break;
    case NODE_VARIABLE:
    case NODE_NAME:
    case NODE_LAMBDA:
        return lower_refused(k, n);
    }
    if (n->fn->real || n->fn->real2)
        return lower_real_call(k, n, reg);
    const struct call_lowering *call = find_call(n->fn->about.name);
    return call ? call->lower(k, n, reg) : lower_refused(k, n);
}

int lower_as(struct lower_expr *k, const struct node *n, enum kind want, uint32_t *reg)
{
    if (want == KIND_JSON)
        return error_set(k->e, ERR_NO, "lists and maps: not in compiled preparation");
    if (n->form == NODE_COLUMN && want != KIND_NULL)
        return lower_column_node(k, n, want, reg);
    int status = lower_node(k, n, reg);
    if (!status)
        *reg = convert(k->l, *reg, want);
    return status;
}

int lower_double(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    if (n->form == NODE_COLUMN && n->kind != KIND_BOOL && n->kind != KIND_JSON) {
        *reg = lower_column(k->l, n->column, ML_FLOAT);
        return 0;
    }
    int status = lower_as(k, n, KIND_NUMBER, reg);
    if (!status)
        *reg = lower_real(k->l, *reg);
    return status;
}

int lower_integer(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    int status = lower_as(k, n, KIND_NUMBER, reg);
    if (!status && lower_class(k->l, *reg) != ML_INT)
        *reg = lower_op(k->l, ML_OP_int_of_number, lower_mixed(k->l, *reg), 0, 0);
    return status;
}

int lower_letter(struct lower_expr *k, const struct node *n, char letter, uint32_t *reg)
{
    switch (letter) {
    case 'f':
        return lower_double(k, n, reg);
    case 'i':
        return lower_integer(k, n, reg);
    case 'v':
        return lower_node(k, n, reg);
    default:
        return lower_as(k, n, letter_kind(letter), reg);
    }
}

/* What depends on when, or with what options, the recipe is run was folded in long ago. */
static int check_calls(const struct expr *x, struct error *e)
{
    static const char *const names[] = {"now", "today", "param"};
    for (size_t i = 0; i < x->calls.len; i++) {
        const struct node *n = x->calls.at[i];
        const char *name = n->fn->about.name;
        bool late = strcmp(name, "age") == 0 && n->count == 1;
        for (size_t j = 0; j < COUNT_OF(names); j++)
            late = late || strcmp(name, names[j]) == 0;
        if (late)
            return error_set(e, ERR_NO, "%s(): depends on the run, not in compiled preparation",
                             name);
    }
    return 0;
}

static int lower_root(const struct expr *x, struct lowering *l, enum kind want, uint32_t *reg,
                      struct error *e)
{
    struct lower_expr k = {.x = x, .l = l, .e = e};
    int status = check_calls(x, e);
    return status ? status : lower_as(&k, x->root, want, reg);
}

int expr_lower(const struct expr *x, struct lowering *l, uint32_t *reg, struct error *e)
{
    return lower_root(x, l, KIND_NULL, reg, e);
}

int expr_lower_test(const struct expr *x, struct lowering *l, uint32_t *reg, struct error *e)
{
    return lower_root(x, l, KIND_BOOL, reg, e);
}
