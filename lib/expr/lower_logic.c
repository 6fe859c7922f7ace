/* Lowering of comparisons and of functions that do not want all of their arguments. */
#include "expr/lower_node.h"

#include "expr/eval.h"

enum { LESS = 1, EQUAL = 2, GREATER = 4 };

uint32_t lower_compare(struct lowering *l, uint32_t x, uint32_t y, unsigned orders)
{
    bool doubles = lower_class(l, x) == ML_FLOAT && lower_class(l, y) == ML_FLOAT;
    return lower_op(l, doubles ? ML_OP_compare_float : ML_OP_compare, x, y, orders);
}

int lower_pair(struct lower_expr *k, const struct node *a, const struct node *b, uint32_t *x,
               uint32_t *y)
{
    bool doubles;
    enum kind kind = compare_kind(a, b, &doubles);
    int status;
    if (doubles) {
        status = lower_double(k, a, x);
        return status ? status : lower_double(k, b, y);
    }
    status = lower_as(k, a, kind, x);
    if (!status)
        status = lower_as(k, b, kind, y);
    if (!status && lower_class(k->l, *x) != lower_class(k->l, *y)) {
        *x = lower_mixed(k->l, *x);
        *y = lower_mixed(k->l, *y);
    }
    return status;
}

static int call_comparison(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    static const struct {
        const char *name;
        unsigned orders;
    } words[] = {{"eq", EQUAL},        {"ne", LESS | GREATER}, {"lt", LESS},
                 {"le", LESS | EQUAL}, {"gt", GREATER},        {"ge", GREATER | EQUAL}};
    uint32_t x, y;
    size_t i = 0;
    while (strcmp(words[i].name, n->fn->about.name) != 0)
        i++;
    int status = lower_pair(k, n->args[0], n->args[1], &x, &y);
    if (!status)
        *reg = lower_compare(k->l, x, y, words[i].orders);
    return status;
}

static int call_between(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t x, bound, above, below;
    int status = lower_pair(k, n->args[0], n->args[1], &x, &bound);
    if (status)
        return status;
    above = lower_compare(k->l, x, bound, GREATER | EQUAL);
    status = lower_pair(k, n->args[0], n->args[2], &x, &bound);
    if (status)
        return status;
    below = lower_compare(k->l, x, bound, LESS | EQUAL);
    *reg = lower_op(k->l, ML_OP_kleene, above, below, 0);
    return 0;
}

static int call_in(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    const struct literal_set *s = n->set;
    uint32_t x;
    if (!s)
        return lower_refused(k, n);
    uint32_t absent = s->has_null ? ML_BOOL_MISSING : 0;
    if (s->kind == KIND_TEXT) {
        int status = lower_as(k, n->args[0], KIND_TEXT, &x);
        uint32_t map = lower_map(k->l, s->texts.keys.at, s->texts.keys.len);
        *reg = status ? 0 : lower_op(k->l, ML_OP_in_texts, x, map, absent);
        return status;
    }
    int status = lower_double(k, n->args[0], &x);
    uint32_t range = lower_range(k->l, s->numbers.at, s->numbers.len);
    *reg = status ? 0 : lower_op(k->l, ML_OP_in_numbers, x, range, absent);
    return status;
}

/* and is decided by a false, or by a true. */
static int call_chain(struct lower_expr *k, const struct node *n, unsigned decided, uint32_t *reg)
{
    struct lowering *l = k->l;
    uint32_t answer = lower_op(l, ML_OP_set_bool, !decided, 0, 0), v;
    size_t *skips = mem_array(NULL, n->count, sizeof *skips);
    int status = 0;
    size_t i = 0;
    for (; i < n->count && !status; i++) {
        skips[i] = i > 0 ? lower_jump(l, ML_OP_jump_is, answer, decided) : 0;
        k->masked += i > 0;
        status = lower_as(k, n->args[i], KIND_BOOL, &v);
        k->masked -= i > 0;
        if (!status)
            lower_op_to(l, ML_OP_kleene, 0, answer, answer, v, decided);
    }
    while (i-- > 1)
        lower_land(l, skips[i]);
    mem_free(skips);
    *reg = answer;
    return status;
}

static int call_and(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    return call_chain(k, n, 0, reg);
}

static int call_or(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    return call_chain(k, n, 1, reg);
}

static int call_not(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a;
    int status = lower_as(k, n->args[0], KIND_BOOL, &a);
    if (!status)
        *reg = lower_op(k->l, ML_OP_not, a, 0, 0);
    return status;
}

static int call_xor(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a, b;
    int status = lower_as(k, n->args[0], KIND_BOOL, &a);
    if (!status)
        status = lower_as(k, n->args[1], KIND_BOOL, &b);
    if (!status)
        *reg = lower_op(k->l, ML_OP_xor, a, b, 0);
    return status;
}

/* Branches that end at one place. */
struct branches {
    struct lower_expr *k;
    const struct node *n;
    uint32_t out;
    VEC(size_t) ends;
};

static struct branches branches_new(struct lower_expr *k, const struct node *n)
{
    struct branches b = {.k = k, .n = n, .out = lower_register(k->l, lower_class_of(n))};
    lower_op_to(k->l, ML_OP_missing, 0, b.out, 0, 0, 0);
    k->masked++;
    return b;
}

/* The value of a branch, and on to the end. */
static int branches_take(struct branches *b, const struct node *value, bool last)
{
    uint32_t v;
    int status = lower_as(b->k, value, b->n->kind, &v);
    if (status)
        return status;
    lower_store(b->k->l, b->n, b->out, v);
    if (!last)
        vec_push(&b->ends, lower_jump(b->k->l, ML_OP_jump, 0, 0));
    return 0;
}

static int branches_end(struct branches *b, int status, uint32_t *reg)
{
    while (b->ends.len > 0)
        lower_land(b->k->l, b->ends.at[--b->ends.len]);
    vec_release(&b->ends);
    b->k->masked--;
    *reg = b->out;
    return status;
}

static int call_case(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    struct branches b = branches_new(k, n);
    uint32_t condition;
    int status = 0;
    size_t i = 0;
    for (; i + 1 < n->count && !status; i += 2) {
        status = lower_as(k, n->args[i], KIND_BOOL, &condition);
        if (status)
            break;
        size_t next = lower_jump(k->l, ML_OP_jump_not, condition, 1);
        status = branches_take(&b, n->args[i + 1], false);
        lower_land(k->l, next);
    }
    if (!status && n->count % 2)
        status = branches_take(&b, n->args[n->count - 1], true);
    return branches_end(&b, status, reg);
}

static int call_switch(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    struct branches b = branches_new(k, n);
    uint32_t x, value;
    int status = 0;
    for (size_t i = 1; i + 1 < n->count && !status; i += 2) {
        status = lower_pair(k, n->args[0], n->args[i], &x, &value);
        if (status)
            break;
        size_t next = lower_jump(k->l, ML_OP_jump_not, lower_compare(k->l, x, value, EQUAL), 1);
        status = branches_take(&b, n->args[i + 1], false);
        lower_land(k->l, next);
    }
    if (!status && n->count % 2 == 0)
        status = branches_take(&b, n->args[n->count - 1], true);
    return branches_end(&b, status, reg);
}

static int call_coalesce(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    struct branches b = branches_new(k, n);
    int status = 0;
    k->masked--;
    for (size_t i = 0; i < n->count && !status; i++) {
        status = branches_take(&b, n->args[i], true);
        if (i == 0)
            k->masked++;
        if (!status && i + 1 < n->count)
            vec_push(&b.ends, lower_jump(k->l, ML_OP_jump_has, b.out, 0));
    }
    return branches_end(&b, status, reg);
}

static int call_nullif(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a, b, value;
    int status = lower_pair(k, n->args[0], n->args[1], &a, &b);
    if (!status)
        status = lower_node(k, n->args[0], &value);
    if (status)
        return status;
    uint32_t out = lower_register(k->l, lower_class(k->l, value));
    lower_op_to(k->l, ML_OP_missing, 0, out, 0, 0, 0);
    size_t skip = lower_jump(k->l, ML_OP_jump_is, lower_compare(k->l, a, b, EQUAL), 1);
    lower_op_to(k->l, ML_OP_move, 0, out, value, 0, 0);
    lower_land(k->l, skip);
    *reg = out;
    return 0;
}

/* All arguments in one class; the best so far goes from one comparison to the next. */
static int call_extreme(struct lower_expr *k, const struct node *n, unsigned least, uint32_t *reg)
{
    uint32_t best = LOWER_NONE, v;
    int status = 0;
    for (size_t i = 0; i < n->count && !status; i++) {
        status = lower_as(k, n->args[i], n->kind, &v);
        if (status)
            break;
        if (n->kind == KIND_NUMBER)
            v = lower_mixed(k->l, v);
        if (best == LOWER_NONE) {
            best = v;
            continue;
        }
        uint32_t out = lower_register(k->l, lower_class(k->l, v));
        lower_op_to(k->l, ML_OP_extreme, 0, out, best, v, least);
        best = out;
    }
    *reg = best;
    return status;
}

static int call_greatest(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    return call_extreme(k, n, 0, reg);
}

static int call_least(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    return call_extreme(k, n, 1, reg);
}

/* A cell that does not parse is not missing. */
static int call_missing(struct lower_expr *k, const struct node *n, unsigned answer, uint32_t *reg)
{
    uint32_t a;
    int status = n->args[0]->form == NODE_COLUMN ? lower_as(k, n->args[0], KIND_TEXT, &a)
                                                 : lower_node(k, n->args[0], &a);
    if (!status)
        *reg = lower_op(k->l, ML_OP_is_missing, a, answer, 0);
    return status;
}

static int call_is_null(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    return call_missing(k, n, 1, reg);
}

static int call_not_null(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    return call_missing(k, n, 0, reg);
}

const struct call_lowering lower_logic_calls[] = {
    {"and", call_and},
    {"between", call_between},
    {"case", call_case},
    {"coalesce", call_coalesce},
    {"default", call_coalesce},
    {"eq", call_comparison},
    {"ge", call_comparison},
    {"greatest", call_greatest},
    {"gt", call_comparison},
    {"if", call_case},
    {"in", call_in},
    {"is_null", call_is_null},
    {"le", call_comparison},
    {"least", call_least},
    {"lt", call_comparison},
    {"max", call_greatest},
    {"min", call_least},
    {"ne", call_comparison},
    {"not", call_not},
    {"not_null", call_not_null},
    {"nullif", call_nullif},
    {"or", call_or},
    {"switch", call_switch},
    {"xor", call_xor},
    {0},
};
