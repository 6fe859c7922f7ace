/* + - * / // % ^ on vectors: 64-bit integers with overflow checked, doubles, or cell by cell; and
 * on times. */
#include "runtime/arithmetic.h"
#include "expr/eval.h"

#include <math.h>

static const char *const signs[] = {
    [ML_ADD] = "+",   [ML_SUB] = "-", [ML_MUL] = "*", [ML_DIV] = "/",
    [ML_IDIV] = "//", [ML_MOD] = "%", [ML_POW] = "^"};

static int reject_op(const struct frame *f, enum ml_arithmetic op, size_t row,
                     const struct value *a, const struct value *b)
{
    struct buf text = {0};
    put_value(&text, a);
    buf_format(&text, " %s ", signs[op]);
    put_value(&text, b);
    bool divides = op == ML_DIV || op == ML_IDIV || op == ML_MOD;
    const char *why = divides && value_double(b) == 0.0 ? "divides by zero"
                      : a->is_int && b->is_int          ? "does not fit 64-bit integers"
                                                        : "has no finite value";
    error_set(f->error, ERR_DATA, "%s %s", buf_text(&text), why);
    buf_release(&text);
    return frame_reject(f, row);
}

#define DOUBLE_LOOP(expression)                                                                    \
    for (size_t r = 0; r < n; r++) {                                                               \
        double x = a[r * a_step], y = b[r * b_step];                                               \
        to[r] = (expression);                                                                      \
    }

static void double_loop(enum ml_arithmetic op, const double *a, size_t a_step, const double *b,
                        size_t b_step, double *to, size_t n)
{
    switch (op) {
    case ML_ADD:
        DOUBLE_LOOP(x + y)
        break;
    case ML_SUB:
        DOUBLE_LOOP(x - y)
        break;
    case ML_MUL:
        DOUBLE_LOOP(x * y)
        break;
    case ML_DIV:
        DOUBLE_LOOP(x / y)
        break;
    default: /* pow(NaN, 0) is 1, but missing stays missing */
        DOUBLE_LOOP(isnan(x) || isnan(y) ? (double)NAN : ml_double_arithmetic(op, x, y))
        break;
    }
}

static int double_rows(struct frame *f, enum ml_arithmetic op, const struct vector *a,
                       const struct vector *b, struct vector *out)
{
    double *to = frame_array(f, sizeof *to);
    int status = 0;
    double_loop(op, a->f64, !a->constant, b->f64, !b->constant, to, f->rows);
    for (size_t r = 0; r < f->rows && !status; r++) {
        if (LIKELY(isfinite(to[r])))
            continue;
        struct value x = vector_get(a, r), y = vector_get(b, r);
        if (x.kind == KIND_NULL || y.kind == KIND_NULL || isinf(x.f) || isinf(y.f))
            continue;
        to[r] = (double)NAN;
        if (frame_wants(f, r))
            status = reject_op(f, op, r, &x, &y);
    }
    *out = (struct vector){.form = FORM_FLOAT, .f64 = to};
    return status;
}

static int int_rows(struct frame *f, enum ml_arithmetic op, const struct vector *a,
                    const struct vector *b, struct vector *out)
{
    int64_t *to = frame_array(f, sizeof *to);
    int status = 0;
    for (size_t r = 0; r < f->rows && !status; r++) {
        int64_t x = a->i64[vector_at(a, r)], y = b->i64[vector_at(b, r)];
        to[r] = INT_MISSING;
        if (x == INT_MISSING || y == INT_MISSING || LIKELY(ml_int_arithmetic(op, x, y, &to[r])))
            continue;
        to[r] = INT_MISSING;
        struct value first = vector_get(a, r), second = vector_get(b, r);
        if (frame_wants(f, r))
            status = reject_op(f, op, r, &first, &second);
    }
    *out = (struct vector){.form = FORM_INT, .i64 = to};
    return status;
}

/* Integers and doubles mixed: each cell by its own. */
static bool value_op(enum ml_arithmetic op, const struct value *a, const struct value *b,
                     struct value *out)
{
    bool ints = a->is_int && b->is_int && !(op == ML_POW && b->i < 0);
    if (ints) {
        int64_t i = 0;
        return ml_int_arithmetic(op, a->i, b->i, &i) && give_int(out, i);
    }
    double x = value_double(a), y = value_double(b), z = ml_double_arithmetic(op, x, y);
    return (isfinite(z) || !isfinite(x) || !isfinite(y)) && give_double(out, z);
}

static int mixed_rows(struct frame *f, enum ml_arithmetic op, const struct vector *a,
                      const struct vector *b, struct vector *out)
{
    struct filler to = filler_new(f, 'n');
    int status = 0;
    for (size_t r = 0; r < f->rows && !status; r++) {
        struct value x = vector_get(a, r), y = vector_get(b, r), z = {.kind = KIND_NULL};
        bool complete = x.kind != KIND_NULL && y.kind != KIND_NULL;
        if (complete && !value_op(op, &x, &y, &z)) {
            z.kind = KIND_NULL;
            if (frame_wants(f, r))
                status = reject_op(f, op, r, &x, &y);
        }
        filler_put(&to, r, &z);
    }
    *out = filler_vector(&to);
    return status;
}

static int eval_op(struct frame *f, const struct node *n, enum ml_arithmetic op, struct vector *out)
{
    struct vector a, b;
    bool doubles = n->is_float;
    int status = doubles ? eval_double(f, n->args[0], &a) : eval_as(f, n->args[0], KIND_NUMBER, &a);
    if (status)
        return status;
    doubles = doubles || (a.form == FORM_FLOAT && !a.constant);
    status = doubles ? eval_double(f, n->args[1], &b) : eval_as(f, n->args[1], KIND_NUMBER, &b);
    if (status)
        return status;
    if (a.form == FORM_FLOAT || b.form == FORM_FLOAT) {
        vector_as_double(f, &a, &a);
        vector_as_double(f, &b, &b);
        return double_rows(f, op, &a, &b, out);
    }
    bool ints = a.form == FORM_INT && b.form == FORM_INT && op != ML_POW;
    return ints ? int_rows(f, op, &a, &b, out) : mixed_rows(f, op, &a, &b, out);
}

/* time - time: seconds between. */
static int time_difference(struct frame *f, const struct node *n, struct vector *out)
{
    struct vector a, b;
    int status = eval_as(f, n->args[0], KIND_TIME, &a);
    if (!status)
        status = eval_as(f, n->args[1], KIND_TIME, &b);
    if (status)
        return status;
    struct filler to = filler_new(f, 'n');
    for (size_t r = 0; r < f->rows; r++) {
        int64_t x = a.i64[vector_at(&a, r)], y = b.i64[vector_at(&b, r)];
        struct value v = {.kind = KIND_NULL};
        if (x != INT_MISSING && y != INT_MISSING) {
            if ((x - y) % USEC_SECOND == 0)
                give_int(&v, (x - y) / USEC_SECOND);
            else
                give_double(&v, (double)(x - y) / 1e6);
        }
        filler_put(&to, r, &v);
    }
    *out = filler_vector(&to);
    return 0;
}

static bool duration_of_value(const struct value *v, usec *d)
{
    if (v->kind == KIND_TEXT)
        return duration_parse(v->text.at, v->text.len, d);
    double seconds = value_double(v);
    if (!(fabs(seconds) < 1e12))
        return false;
    *d = v->is_int ? v->i * USEC_SECOND : (usec)llround(seconds * 1e6);
    return true;
}

/* time + seconds, or + a duration such as "2h". */
static int time_shift(struct frame *f, const struct node *n, int sign, struct vector *out)
{
    bool swapped = n->args[0]->kind != KIND_TIME;
    struct vector a, b;
    int status = eval_as(f, n->args[swapped], KIND_TIME, &a);
    if (!status)
        status = eval(f, n->args[!swapped], &b);
    if (status)
        return status;
    usec *to = frame_array(f, sizeof *to);
    for (size_t r = 0; r < f->rows && !status; r++) {
        struct value x = vector_get(&a, r), y = vector_get(&b, r);
        usec d = 0;
        to[r] = INT_MISSING;
        if (x.kind == KIND_NULL || y.kind == KIND_NULL)
            continue;
        if (duration_of_value(&y, &d) && !__builtin_add_overflow(x.time, sign * d, &to[r]) &&
            time_in_range(to[r]))
            continue;
        to[r] = INT_MISSING;
        if (frame_wants(f, r))
            status = reject_op(f, sign > 0 ? ML_ADD : ML_SUB, r, &x, &y);
    }
    *out = (struct vector){.form = FORM_TIME, .i64 = to};
    return status;
}

static int eval_add(struct frame *f, const struct node *n, struct vector *out)
{
    return n->kind == KIND_TIME ? time_shift(f, n, 1, out) : eval_op(f, n, ML_ADD, out);
}

static int eval_sub(struct frame *f, const struct node *n, struct vector *out)
{
    if (n->args[0]->kind == KIND_TIME && n->args[1]->kind == KIND_TIME)
        return time_difference(f, n, out);
    return n->kind == KIND_TIME ? time_shift(f, n, -1, out) : eval_op(f, n, ML_SUB, out);
}

static int eval_mul(struct frame *f, const struct node *n, struct vector *out)
{
    return eval_op(f, n, ML_MUL, out);
}

static int eval_div(struct frame *f, const struct node *n, struct vector *out)
{
    return eval_op(f, n, ML_DIV, out);
}

static int eval_idiv(struct frame *f, const struct node *n, struct vector *out)
{
    return eval_op(f, n, ML_IDIV, out);
}

static int eval_mod(struct frame *f, const struct node *n, struct vector *out)
{
    return eval_op(f, n, ML_MOD, out);
}

static int eval_pow(struct frame *f, const struct node *n, struct vector *out)
{
    return eval_op(f, n, ML_POW, out);
}

static int check_float(struct expr *x UNUSED, struct node *n, struct error *e UNUSED)
{
    n->is_float = n->is_float || n->args[0]->is_float || n->args[1]->is_float;
    return 0;
}

static int check_number_or_time(struct expr *x, struct node *n, struct error *e)
{
    enum kind a = n->args[0]->kind, b = n->args[1]->kind;
    bool subtracts = text_equal(text_of(n->fn->about.name), TEXT_LITERAL("sub"));
    for (size_t i = 0; i < 2; i++)
        if (n->args[i]->kind == KIND_BOOL)
            return expr_fail(x, n->args[i]->at, e, "%s wants numbers, not bool: int() makes one",
                             n->fn->about.name);
    if (subtracts ? b == KIND_TIME && a != KIND_TIME : a == KIND_TIME && b == KIND_TIME)
        return expr_fail(x, n->args[1]->at, e, "%s wants a number or a duration here, not a time",
                         n->fn->about.name);
    n->kind = a == b && a == KIND_TIME           ? KIND_NUMBER
              : a == KIND_TIME || b == KIND_TIME ? KIND_TIME
                                                 : KIND_NUMBER;
    if (n->kind == KIND_NUMBER && a != KIND_TIME)
        return check_float(x, n, e);
    return 0;
}

#define ARITHMETIC "arithmetic"
static const struct function_row rows[] = {
    {{"add", ARITHMETIC, "add(a, b) -> number",
      "a + b; also a time and seconds or a duration: t + 60, t + \"2h\"", "add(2, 3)", "5"},
     "vv",
     'n',
     .eval = eval_add,
     .check = check_number_or_time},
    {{"div", ARITHMETIC, "div(a, b) -> float", "a / b; an error when b is 0", "div(7, 2)", "3.5"},
     "nn",
     'f',
     .eval = eval_div},
    {{"idiv", ARITHMETIC, "idiv(a, b) -> number", "a // b, the quotient rounded down",
      "idiv(-7, 2)", "-4"},
     "nn",
     'n',
     .eval = eval_idiv,
     .check = check_float},
    {{"mod", ARITHMETIC, "mod(a, b) -> number", "a % b, with the sign of b", "mod(-7, 3)", "2"},
     "nn",
     'n',
     .eval = eval_mod,
     .check = check_float},
    {{"mul", ARITHMETIC, "mul(a, b) -> number", "a * b", "mul(6, 7)", "42"},
     "nn",
     'n',
     .eval = eval_mul,
     .check = check_float},
    {{"pow", ARITHMETIC, "pow(a, b) -> number",
      "a ^ b; an integer when both are and b is not negative", "pow(2, 10)", "1024"},
     "nn",
     'n',
     .eval = eval_pow,
     .check = check_float},
    {{"sub", ARITHMETIC, "sub(a, b) -> number", "a - b; of two times the seconds between them",
      "sub(2, 3)", "-1"},
     "vv",
     'n',
     .eval = eval_sub,
     .check = check_number_or_time},
};
const struct function_family arithmetic_functions = {rows, COUNT_OF(rows)};
