/* Functions that do not want all of their arguments: and, or, if, case, coalesce ... An argument is
 * evaluated for the rows alone that need it, so that a guard protects what it guards. */
#include "expr/eval.h"

static struct vector bools(const uint8_t *values)
{
    return (struct vector){.form = FORM_BOOL, .b8 = values};
}

/* mask[r] = 1 for the wanted rows whose answer is still open; false when there is none. */
static bool open_rows(const struct frame *f, const uint8_t *answer, uint8_t decided, uint8_t *mask)
{
    bool any = false;
    for (size_t r = 0; r < f->rows; r++) {
        mask[r] = answer[r] != decided && frame_wants(f, r);
        any = any || mask[r];
    }
    return any;
}

static uint8_t kleene(uint8_t a, uint8_t b, uint8_t decided)
{
    if (a == decided || b == decided)
        return decided;
    return a == BOOL_MISSING || b == BOOL_MISSING ? BOOL_MISSING : !decided;
}

/* and is decided by a false, or by a true. */
static int eval_chain(struct frame *f, const struct node *n, uint8_t decided, struct vector *out)
{
    uint8_t *answer = frame_array(f, 1), *mask = frame_array(f, 1);
    memset(answer, !decided, f->rows);
    for (size_t i = 0; i < n->count; i++) {
        struct vector v;
        if (i > 0 && !open_rows(f, answer, decided, mask))
            break;
        struct frame part = i > 0 ? frame_masked(f, mask) : *f;
        int status = eval_as(&part, n->args[i], KIND_BOOL, &v);
        if (status)
            return status;
        for (size_t r = 0; r < f->rows; r++)
            if (i == 0 || mask[r])
                answer[r] = kleene(answer[r], v.b8[vector_at(&v, r)], decided);
    }
    *out = bools(answer);
    return 0;
}

static int eval_and(struct frame *f, const struct node *n, struct vector *out)
{
    return eval_chain(f, n, 0, out);
}

static int eval_or(struct frame *f, const struct node *n, struct vector *out)
{
    return eval_chain(f, n, 1, out);
}

static int eval_not(struct frame *f, const struct node *n, struct vector *out)
{
    struct vector v;
    int status = eval_as(f, n->args[0], KIND_BOOL, &v);
    if (status)
        return status;
    uint8_t *to = frame_array(f, 1);
    for (size_t r = 0; r < f->rows; r++) {
        uint8_t b = v.b8[vector_at(&v, r)];
        to[r] = b == BOOL_MISSING ? b : !b;
    }
    *out = bools(to);
    return 0;
}

KERNEL(do_xor)
{
    return give_bool(out, a[0].b != a[1].b);
}

/* Branches of if, case, switch and coalesce: which one gives each row its value. */
struct choices {
    struct frame *f;
    enum kind kind;
    uint32_t *choice; /* CHOICE_NONE while open */
    uint8_t *open;    /* 1: wanted and not decided yet */
    struct vector *vectors;
    size_t count;
};

static struct choices choices_new(struct frame *f, const struct node *n)
{
    struct choices c = {.f = f, .kind = n->kind};
    c.choice = frame_array(f, sizeof *c.choice);
    c.open = frame_array(f, 1);
    c.vectors = arena_alloc(&f->batch->arena, (n->count + 1) * sizeof *c.vectors);
    for (size_t r = 0; r < f->rows; r++) {
        c.choice[r] = CHOICE_NONE;
        c.open[r] = frame_wants(f, r);
    }
    return c;
}

/* Adds a branch for the rows of mask, which are decided then. */
static int choices_add(struct choices *c, const struct node *n, const uint8_t *mask)
{
    struct frame part = frame_masked(c->f, mask);
    int status = eval_as(&part, n, c->kind, &c->vectors[c->count]);
    for (size_t r = 0; r < c->f->rows; r++)
        if (mask[r]) {
            c->choice[r] = (uint32_t)c->count;
            c->open[r] = 0;
        }
    c->count++;
    return status;
}

static bool any_set(const uint8_t *mask, size_t n)
{
    return n > 0 && memchr(mask, 1, n) != NULL;
}

/* The open rows where v is true, into mask. */
static void true_rows(const struct choices *c, const struct vector *v, uint8_t *mask)
{
    for (size_t r = 0; r < c->f->rows; r++)
        mask[r] = c->open[r] && v->b8[vector_at(v, r)] == 1;
}

/* args: condition, value, condition, value ... [else]. A missing condition is not true. */
static int eval_case(struct frame *f, const struct node *n, struct vector *out)
{
    struct choices c = choices_new(f, n);
    uint8_t *mask = frame_array(f, 1);
    int status = 0;
    size_t i = 0;
    for (; i + 1 < n->count && !status && any_set(c.open, f->rows); i += 2) {
        struct frame part = frame_masked(f, c.open);
        struct vector condition;
        status = eval_as(&part, n->args[i], KIND_BOOL, &condition);
        if (status)
            return status;
        true_rows(&c, &condition, mask);
        if (any_set(mask, f->rows))
            status = choices_add(&c, n->args[i + 1], mask);
    }
    if (!status && n->count % 2 && any_set(c.open, f->rows)) {
        memcpy(mask, c.open, f->rows);
        status = choices_add(&c, n->args[n->count - 1], mask);
    }
    if (!status)
        *out = vector_select(f, n->kind, c.vectors, c.count, c.choice);
    return status;
}

/* args: x, value, result, value, result ... [default] */
static int eval_switch(struct frame *f, const struct node *n, struct vector *out)
{
    struct choices c = choices_new(f, n);
    uint8_t *mask = frame_array(f, 1);
    int status = 0;
    size_t i = 1;
    for (; i + 1 < n->count && !status && any_set(c.open, f->rows); i += 2) {
        struct frame part = frame_masked(f, c.open);
        struct vector x, value;
        status = eval_pair(&part, n->args[0], n->args[i], &x, &value);
        if (status)
            return status;
        compare_vectors(&part, COMPARE_EQ, &x, &value, mask);
        struct vector equal = bools(mask);
        true_rows(&c, &equal, mask);
        if (any_set(mask, f->rows))
            status = choices_add(&c, n->args[i + 1], mask);
    }
    if (!status && n->count % 2 == 0 && any_set(c.open, f->rows)) {
        memcpy(mask, c.open, f->rows);
        status = choices_add(&c, n->args[n->count - 1], mask);
    }
    if (!status)
        *out = vector_select(f, n->kind, c.vectors, c.count, c.choice);
    return status;
}

/* The first that is not missing. */
static int eval_coalesce(struct frame *f, const struct node *n, struct vector *out)
{
    struct choices c = choices_new(f, n);
    int status = 0;
    for (size_t i = 0; i < n->count && !status && any_set(c.open, f->rows); i++) {
        struct frame part = frame_masked(f, c.open);
        struct vector *v = &c.vectors[c.count];
        status = eval_as(i == 0 ? f : &part, n->args[i], n->kind, v);
        for (size_t r = 0; r < f->rows && !status; r++)
            if (c.open[r] && !vector_is_missing(v, r)) {
                c.choice[r] = (uint32_t)c.count;
                c.open[r] = 0;
            }
        c.count++;
    }
    if (!status)
        *out = vector_select(f, n->kind, c.vectors, c.count, c.choice);
    return status;
}

static int eval_nullif(struct frame *f, const struct node *n, struct vector *out)
{
    struct vector a, b, value;
    int status = eval_pair(f, n->args[0], n->args[1], &a, &b);
    if (!status)
        status = eval(f, n->args[0], &value);
    if (status)
        return status;
    uint8_t *equal = frame_array(f, 1);
    uint32_t *choice = frame_array(f, sizeof *choice);
    compare_vectors(f, COMPARE_EQ, &a, &b, equal);
    for (size_t r = 0; r < f->rows; r++)
        choice[r] = equal[r] == 1 ? CHOICE_NONE : 0;
    *out = vector_select(f, n->kind, &value, 1, choice);
    return 0;
}

static int eval_extreme(struct frame *f, const struct node *n, int sign, struct vector *out)
{
    struct choices c = choices_new(f, n);
    int status = 0;
    for (size_t i = 0; i < n->count && !status; i++)
        status = eval_as(f, n->args[i], n->kind, &c.vectors[i]);
    if (status)
        return status;
    for (size_t r = 0; r < f->rows; r++) {
        struct value best = {.kind = KIND_NULL};
        for (uint32_t i = 0; i < n->count; i++) {
            struct value v = vector_get(&c.vectors[i], r);
            if (v.kind == KIND_NULL)
                continue;
            if (best.kind == KIND_NULL || value_compare(&v, &best) * sign > 0) {
                best = v;
                c.choice[r] = i;
            }
        }
    }
    *out = vector_select(f, n->kind, c.vectors, n->count, c.choice);
    return 0;
}

static int eval_greatest(struct frame *f, const struct node *n, struct vector *out)
{
    return eval_extreme(f, n, 1, out);
}

static int eval_least(struct frame *f, const struct node *n, struct vector *out)
{
    return eval_extreme(f, n, -1, out);
}

static int eval_missing(struct frame *f, const struct node *n, uint8_t answer, struct vector *out)
{
    struct vector v;
    int status;
    if (n->args[0]->form == NODE_COLUMN) /* a cell that does not parse is not missing */
        status = eval_as(f, n->args[0], KIND_TEXT, &v);
    else
        status = eval(f, n->args[0], &v);
    if (status)
        return status;
    uint8_t *to = frame_array(f, 1);
    for (size_t r = 0; r < f->rows; r++)
        to[r] = vector_is_missing(&v, r) ? answer : !answer;
    *out = bools(to);
    return 0;
}

static int eval_is_null(struct frame *f, const struct node *n, struct vector *out)
{
    return eval_missing(f, n, 1, out);
}

static int eval_not_null(struct frame *f, const struct node *n, struct vector *out)
{
    return eval_missing(f, n, 0, out);
}

/* Joins the kinds of args[first], args[first + step] ... and of the last when it stands alone. */
static void join_branches(struct node *n, size_t first, bool last_alone)
{
    n->kind = KIND_NULL;
    n->is_float = true;
    for (size_t i = first; i < n->count; i += 2) {
        n->kind = kind_join(n->kind, n->args[i]->kind);
        n->is_float = n->is_float && n->args[i]->is_float;
    }
    if (last_alone) {
        n->kind = kind_join(n->kind, n->args[n->count - 1]->kind);
        n->is_float = n->is_float && n->args[n->count - 1]->is_float;
    }
    n->is_float = n->is_float && n->kind == KIND_NUMBER;
}

static int check_case(struct expr *x, struct node *n, struct error *e)
{
    for (size_t i = 0; i + 1 < n->count; i += 2)
        if (n->args[i]->kind == KIND_TIME)
            return expr_fail(x, n->args[i]->at, e, "a condition wants bool, not a time");
    join_branches(n, 1, n->count % 2);
    return 0;
}

static int check_if(struct expr *x, struct node *n, struct error *e)
{
    return check_case(x, n, e);
}

static int check_switch(struct expr *x UNUSED, struct node *n, struct error *e UNUSED)
{
    join_branches(n, 2, n->count % 2 == 0);
    return 0;
}

static int check_nullif(struct expr *x UNUSED, struct node *n, struct error *e UNUSED)
{
    n->kind = n->args[0]->kind;
    return 0;
}

#define LOGIC "compare, logic"
static const struct function_row rows[] = {
    {{"and", LOGIC, "and(a, b, ...) -> bool",
      "a and b: false wins over missing; the second is not looked at when the first decides",
      "and(true, 2 > 1)", "true"},
     "bb*",
     'b',
     .eval = eval_and},
    {{"case", LOGIC, "case(condition, value, ... [, else]) -> any",
      "case when condition then value ... else value end; a missing condition is not true",
      "case when 2 > 3 then \"a\" when 3 > 2 then \"b\" else \"c\" end", "b"},
     "vv*",
     '=',
     .eval = eval_case,
     .check = check_case},
    {{"coalesce", LOGIC, "coalesce(a, b, ...) -> any", "the first that is not missing",
      "coalesce(null, 3)", "3"},
     "v*",
     '=',
     .eval = eval_coalesce},
    {{"default", LOGIC, "default(x, value) -> any", "x, or the value where x is missing",
      "default(null, \"none\")", "none"},
     "vv",
     '=',
     .eval = eval_coalesce},
    {{"greatest", LOGIC, "greatest(a, b, ...) -> any", "the largest, missing ones left out",
      "greatest(3, 10, 7)", "10"},
     "v*",
     '=',
     .eval = eval_greatest},
    {{"if", LOGIC, "if(condition, a [, b]) -> any",
      "a where the condition is true, else b (missing without one)", "if(2 > 1, \"yes\", \"no\")",
      "yes"},
     "bv?v",
     '=',
     .eval = eval_case,
     .check = check_if},
    {{"is_null", LOGIC, "is_null(x) -> bool", "is x missing?", "is_null(null)", "true"},
     "v",
     'b',
     .eval = eval_is_null},
    {{"least", LOGIC, "least(a, b, ...) -> any", "the smallest, missing ones left out",
      "least(3, 10, 7)", "3"},
     "v*",
     '=',
     .eval = eval_least},
    {{"max", "arithmetic", "max(a, b, ...) -> any", "the same as greatest", "max(3, null, 7)", "7"},
     "v*",
     '=',
     .eval = eval_greatest},
    {{"min", "arithmetic", "min(a, b, ...) -> any", "the same as least", "min(3, null, 7)", "3"},
     "v*",
     '=',
     .eval = eval_least},
    {{"not", LOGIC, "not(a) -> bool", "not a; missing stays missing", "not(1 > 2)", "true"},
     "b",
     'b',
     .eval = eval_not},
    {{"not_null", LOGIC, "not_null(x) -> bool", "does x have a value?", "not_null(\"\")", "true"},
     "v",
     'b',
     .eval = eval_not_null},
    {{"nullif", LOGIC, "nullif(x, y) -> any", "x, but missing where it equals y",
      "nullif(\"NA\", \"NA\")", ""},
     "vv",
     '=',
     .eval = eval_nullif,
     .check = check_nullif},
    {{"or", LOGIC, "or(a, b, ...) -> bool",
      "a or b: true wins over missing; the second is not looked at when the first decides",
      "or(null, true)", "true"},
     "bb*",
     'b',
     .eval = eval_or},
    {{"switch", LOGIC, "switch(x, value, result, ... [, default]) -> any",
      "the result after the first value that x equals", "switch(2, 1, \"one\", 2, \"two\")", "two"},
     "vvv*",
     '=',
     .eval = eval_switch,
     .check = check_switch},
    {{"xor", LOGIC, "xor(a, b) -> bool", "one of the two, not both", "xor(true, false)", "true"},
     "bb",
     'b',
     .row = do_xor},
};
const struct function_family logic_functions = {rows, COUNT_OF(rows)};
