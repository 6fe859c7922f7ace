/* Lowering of arithmetic, rounding, bits and conversions. */
#include "expr/lower_node.h"

#include "expr/eval.h"
#include "runtime/program.h"

static bool is_real(const struct lowering *l, uint32_t reg)
{
    return lower_class(l, reg) == ML_FLOAT;
}

static uint32_t arithmetic(struct lowering *l, enum ml_arithmetic what, uint32_t a, uint32_t b)
{
    static const enum ml_code codes[] = {
        [ML_ADD] = ML_OP_add, [ML_SUB] = ML_OP_sub, [ML_MUL] = ML_OP_mul, [ML_DIV] = ML_OP_div};
    if (!is_real(l, a) && !is_real(l, b))
        return lower_op(l, ML_OP_arithmetic_mixed, lower_mixed(l, a), lower_mixed(l, b), what);
    bool plain = what <= ML_DIV;
    uint32_t out = lower_register(l, ML_FLOAT);
    a = lower_real(l, a);
    b = lower_real(l, b);
    lower_op_to(l, plain ? codes[what] : ML_OP_arithmetic, ML_FINITE, out, a, b, plain ? 0 : what);
    return out;
}

static int call_arithmetic(struct lower_expr *k, const struct node *n, enum ml_arithmetic what,
                           uint32_t *reg)
{
    uint32_t a, b;
    int status =
        n->is_float ? lower_double(k, n->args[0], &a) : lower_as(k, n->args[0], KIND_NUMBER, &a);
    bool doubles = n->is_float || (is_real(k->l, a) && n->args[0]->form != NODE_LITERAL);
    if (!status)
        status =
            doubles ? lower_double(k, n->args[1], &b) : lower_as(k, n->args[1], KIND_NUMBER, &b);
    if (!status)
        *reg = arithmetic(k->l, what, a, b);
    return status;
}

#define ARITHMETIC(name, what)                                                                     \
    static int name(struct lower_expr *k, const struct node *n, uint32_t *reg)                     \
    {                                                                                              \
        return call_arithmetic(k, n, what, reg);                                                   \
    }
ARITHMETIC(call_mul, ML_MUL)
ARITHMETIC(call_div, ML_DIV)
ARITHMETIC(call_idiv, ML_IDIV)
ARITHMETIC(call_mod, ML_MOD)
ARITHMETIC(call_pow, ML_POW)

/* time + seconds, or a duration that is a literal. */
static int call_shift(struct lower_expr *k, const struct node *n, int sign, uint32_t *reg)
{
    bool swapped = n->args[0]->kind != KIND_TIME;
    const struct node *by = n->args[!swapped];
    uint32_t time, seconds;
    usec d = 0;
    int status = lower_as(k, n->args[swapped], KIND_TIME, &time);
    if (status)
        return status;
    if (by->kind == KIND_TEXT) {
        if (by->form != NODE_LITERAL || !duration_parse(by->value.text.at, by->value.text.len, &d))
            return lower_refused(k, n);
        uint32_t shift = lower_op(k->l, ML_OP_set_int, lower_int(k->l, sign * d), 0, 0);
        *reg = lower_op(k->l, ML_OP_time_plus, time, shift, 0);
        return 0;
    }
    status = lower_as(k, by, KIND_NUMBER, &seconds);
    if (!status)
        *reg = lower_op(k->l, ML_OP_time_shift, time, lower_mixed(k->l, seconds), sign < 0);
    return status;
}

static int call_add(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    if (n->kind == KIND_TIME)
        return call_shift(k, n, 1, reg);
    return call_arithmetic(k, n, ML_ADD, reg);
}

static int call_sub(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a, b;
    if (n->args[0]->kind != KIND_TIME || n->args[1]->kind != KIND_TIME)
        return n->kind == KIND_TIME ? call_shift(k, n, -1, reg)
                                    : call_arithmetic(k, n, ML_SUB, reg);
    int status = lower_as(k, n->args[0], KIND_TIME, &a);
    if (!status)
        status = lower_as(k, n->args[1], KIND_TIME, &b);
    if (!status)
        *reg = lower_op(k->l, ML_OP_seconds_between, a, b, 0);
    return status;
}

static int call_single(struct lower_expr *k, const struct node *n, enum ml_single what,
                       uint32_t *reg)
{
    uint32_t a;
    int status = lower_as(k, n->args[0], KIND_NUMBER, &a);
    if (!status)
        *reg = lower_op(k->l, ML_OP_single, lower_mixed(k->l, a), what, 0);
    return status;
}

#define SINGLE(name, what)                                                                         \
    static int name(struct lower_expr *k, const struct node *n, uint32_t *reg)                     \
    {                                                                                              \
        return call_single(k, n, what, reg);                                                       \
    }
SINGLE(call_neg, ML_NEG)
SINGLE(call_abs, ML_ABS)
SINGLE(call_floor, ML_FLOOR)
SINGLE(call_ceil, ML_CEIL)
SINGLE(call_trunc, ML_TRUNC)

static int call_round(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a, decimals;
    if (n->count == 1)
        return call_single(k, n, ML_ROUND, reg);
    int status = lower_as(k, n->args[0], KIND_NUMBER, &a);
    if (!status)
        status = lower_integer(k, n->args[1], &decimals);
    if (!status)
        *reg = lower_op(k->l, ML_OP_round_to, lower_mixed(k->l, a), decimals, 0);
    return status;
}

static int call_sign(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a;
    int status = lower_as(k, n->args[0], KIND_NUMBER, &a);
    if (!status)
        *reg = lower_op(k->l, ML_OP_sign, lower_mixed(k->l, a), 0, 0);
    return status;
}

static int call_clamp(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a[3];
    int status = 0;
    for (size_t i = 0; i < 3 && !status; i++) {
        status = lower_as(k, n->args[i], KIND_NUMBER, &a[i]);
        a[i] = status ? 0 : lower_mixed(k->l, a[i]);
    }
    if (!status)
        *reg = lower_op(k->l, ML_OP_clamp, a[0], a[1], a[2]);
    return status;
}

static int call_fma(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a[3];
    int status = 0;
    for (size_t i = 0; i < 3 && !status; i++)
        status = lower_double(k, n->args[i], &a[i]);
    if (!status)
        *reg = lower_op(k->l, ML_OP_fma, a[0], a[1], a[2]);
    return status;
}

static int call_whole(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    static const struct {
        const char *name;
        enum ml_whole what;
    } words[] = {{"band", ML_BAND}, {"bor", ML_BOR}, {"bxor", ML_BXOR}, {"shl", ML_SHL},
                 {"shr", ML_SHR},   {"gcd", ML_GCD}, {"lcm", ML_LCM}};
    uint32_t a, b, what = 0;
    while (strcmp(words[what].name, n->fn->about.name) != 0)
        what++;
    int status = lower_integer(k, n->args[0], &a);
    if (!status)
        status = lower_integer(k, n->args[1], &b);
    if (!status)
        *reg = lower_op(k->l, ML_OP_whole, a, b, words[what].what);
    return status;
}

static int call_whole_single(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    const char *name = n->fn->about.name;
    enum ml_whole_single what = strcmp(name, "bnot") == 0       ? ML_BNOT
                                : strcmp(name, "popcount") == 0 ? ML_POPCOUNT
                                                                : ML_FACTORIAL;
    uint32_t a;
    int status = lower_integer(k, n->args[0], &a);
    if (!status)
        *reg = lower_op(k->l, ML_OP_whole_single, a, what, 0);
    return status;
}

/* isfinite, isinf, isnan: of what is missing, too. */
static int call_float_is(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    const char *name = n->fn->about.name;
    uint32_t a, what = strcmp(name, "isfinite") == 0 ? 0 : strcmp(name, "isinf") == 0 ? 1 : 2;
    int status = lower_as(k, n->args[0], KIND_NUMBER, &a);
    if (!status)
        *reg = lower_op(k->l, ML_OP_float_is, lower_real(k->l, a), what, 0);
    return status;
}

/* The number behind a value of any kind. */
static int call_number(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a;
    int status = lower_node(k, n->args[0], &a);
    if (status)
        return status;
    switch (lower_class(k->l, a)) {
    case ML_TEXT:
        *reg = lower_op(k->l, ML_OP_number_of_text, a, 1, 0);
        break;
    case ML_BOOL:
        *reg = lower_op(k->l, ML_OP_number_of_bool, a, 0, 0);
        break;
    case ML_TIME:
        *reg = lower_op(k->l, ML_OP_float_of_time, a, 0, 0);
        break;
    default:
        *reg = a;
        break;
    }
    return 0;
}

static int call_float_call(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    int status = call_number(k, n, reg);
    if (!status)
        *reg = lower_real(k->l, *reg);
    return status;
}

static int call_int_call(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    int status = call_number(k, n, reg);
    if (!status && lower_class(k->l, *reg) != ML_INT)
        *reg = lower_op(k->l, ML_OP_int_cut, lower_mixed(k->l, *reg), 0, 0);
    return status;
}

static int call_same(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    return lower_letter(k, n->args[0], function_letter(n->fn, 0), reg);
}

const struct call_lowering lower_number_calls[] = {
    {"abs", call_abs},
    {"add", call_add},
    {"band", call_whole},
    {"bnot", call_whole_single},
    {"bool", call_same},
    {"bor", call_whole},
    {"bxor", call_whole},
    {"ceil", call_ceil},
    {"clamp", call_clamp},
    {"div", call_div},
    {"factorial", call_whole_single},
    {"float", call_float_call},
    {"floor", call_floor},
    {"fma", call_fma},
    {"gcd", call_whole},
    {"idiv", call_idiv},
    {"int", call_int_call},
    {"isfinite", call_float_is},
    {"isinf", call_float_is},
    {"isnan", call_float_is},
    {"lcm", call_whole},
    {"mod", call_mod},
    {"mul", call_mul},
    {"neg", call_neg},
    {"number", call_number},
    {"popcount", call_whole_single},
    {"pow", call_pow},
    {"round", call_round},
    {"round_to", call_round},
    {"shl", call_whole},
    {"shr", call_whole},
    {"sign", call_sign},
    {"str", call_same},
    {"sub", call_sub},
    {"trunc", call_trunc},
    {0},
};
