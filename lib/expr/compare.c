/* Comparisons: == != < <= > >=, between, in. */
#include "expr/eval.h"

#include <math.h>

/* Which orders make the comparison true: bit 0 less, bit 1 equal, bit 2 greater. */
static unsigned accepted(enum compare_op op)
{
    static const unsigned char orders[] = {
        [COMPARE_EQ] = 2, [COMPARE_NE] = 5, [COMPARE_LT] = 1,
        [COMPARE_LE] = 3, [COMPARE_GT] = 4, [COMPARE_GE] = 6,
    };
    return orders[op];
}

static uint8_t by_order(unsigned orders, int order)
{
    return orders >> ((order > 0) - (order < 0) + 1) & 1;
}

static void compare_doubles(unsigned orders, const struct vector *a, const struct vector *b,
                            uint8_t *out, size_t n)
{
    size_t a_step = !a->constant, b_step = !b->constant;
    for (size_t r = 0; r < n; r++) {
        double x = a->f64[r * a_step], y = b->f64[r * b_step];
        uint8_t answer = orders >> ((x > y) - (x < y) + 1) & 1;
        out[r] = isunordered(x, y) ? BOOL_MISSING : answer;
    }
}

static void compare_ints(unsigned orders, const struct vector *a, const struct vector *b,
                         uint8_t *out, size_t n)
{
    size_t a_step = !a->constant, b_step = !b->constant;
    for (size_t r = 0; r < n; r++) {
        int64_t x = a->i64[r * a_step], y = b->i64[r * b_step];
        uint8_t answer = orders >> ((x > y) - (x < y) + 1) & 1;
        out[r] = x == INT_MISSING || y == INT_MISSING ? BOOL_MISSING : answer;
    }
}

static void compare_bools(unsigned orders, const struct vector *a, const struct vector *b,
                          uint8_t *out, size_t n)
{
    size_t a_step = !a->constant, b_step = !b->constant;
    for (size_t r = 0; r < n; r++) {
        uint8_t x = a->b8[r * a_step], y = b->b8[r * b_step];
        bool missing = x == BOOL_MISSING || y == BOOL_MISSING;
        out[r] = missing ? BOOL_MISSING : by_order(orders, x - y);
    }
}

static void compare_texts(unsigned orders, const struct vector *a, const struct vector *b,
                          uint8_t *out, size_t n)
{
    size_t a_step = !a->constant, b_step = !b->constant;
    bool equality = orders == accepted(COMPARE_EQ) || orders == accepted(COMPARE_NE);
    for (size_t r = 0; r < n; r++) {
        struct text x = a->text[r * a_step], y = b->text[r * b_step];
        if (!x.at || !y.at)
            out[r] = BOOL_MISSING;
        else if (equality && x.len != y.len)
            out[r] = by_order(orders, 1);
        else
            out[r] = by_order(orders, text_compare(x, y));
    }
}

/* Integers and doubles mixed, and JSON: whatever each cell holds. */
static void compare_values(const struct frame *f, unsigned orders, const struct vector *a,
                           const struct vector *b, uint8_t *out)
{
    struct arena *arena = &f->batch->arena;
    for (size_t r = 0; r < f->rows; r++) {
        struct value x = vector_get(a, r), y = vector_get(b, r);
        if (x.kind == KIND_JSON)
            value_of_json(x.text, arena, &x);
        if (y.kind == KIND_JSON)
            value_of_json(y.text, arena, &y);
        bool missing = x.kind == KIND_NULL || y.kind == KIND_NULL;
        out[r] = missing ? BOOL_MISSING : by_order(orders, value_compare(&x, &y));
    }
}

void compare_vectors(const struct frame *f, enum compare_op op, const struct vector *a,
                     const struct vector *b, uint8_t *out)
{
    unsigned orders = accepted(op);
    if (a->form != b->form || a->form == FORM_NUMBER || a->form == FORM_JSON)
        compare_values(f, orders, a, b, out);
    else if (a->form == FORM_FLOAT)
        compare_doubles(orders, a, b, out, f->rows);
    else if (a->form == FORM_BOOL)
        compare_bools(orders, a, b, out, f->rows);
    else if (a->form == FORM_TEXT)
        compare_texts(orders, a, b, out, f->rows);
    else
        compare_ints(orders, a, b, out, f->rows);
}

static bool is_literal(const struct node *n)
{
    return n->form == NODE_LITERAL;
}

/* The literal decides; two columns compare as text unless they are of one kind. */
static enum kind pair_kind(const struct node *a, const struct node *b)
{
    enum kind x = a->kind, y = b->kind;
    if (x == y || y == KIND_NULL || y == KIND_JSON)
        return x == KIND_NULL ? y : x;
    if (x == KIND_NULL || x == KIND_JSON)
        return y;
    if (x == KIND_TIME || y == KIND_TIME)
        return is_literal(a) || is_literal(b) ? KIND_TIME : KIND_TEXT;
    if (is_literal(a) != is_literal(b))
        return is_literal(a) ? x : y;
    return x != KIND_TEXT && y != KIND_TEXT ? KIND_NUMBER : KIND_TEXT;
}

/* Below 2^53 an integer literal and any cell compare as doubles with the same result. */
static bool as_doubles(const struct node *n)
{
    const int64_t exact = INT64_C(1) << 53;
    if (n->is_float)
        return true;
    return is_literal(n) && n->value.kind == KIND_NUMBER && n->value.i < exact &&
           n->value.i > -exact;
}

enum kind compare_kind(const struct node *a, const struct node *b, bool *doubles)
{
    enum kind k = pair_kind(a, b);
    *doubles = k == KIND_NUMBER && (as_doubles(a) || as_doubles(b));
    return k;
}

int eval_pair(struct frame *f, const struct node *a, const struct node *b, struct vector *va,
              struct vector *vb)
{
    bool doubles;
    enum kind k = compare_kind(a, b, &doubles);
    int status;
    if (doubles) {
        status = eval_double(f, a, va);
        return status ? status : eval_double(f, b, vb);
    }
    status = eval_as(f, a, k, va);
    return status ? status : eval_as(f, b, k, vb);
}

/* Literals of text meet times and numbers: read now, so that a wrong one has a caret. */
static int check_pair(struct expr *x, const struct node *a, struct node *b, struct error *e)
{
    char quoted[QUOTE_MAX];
    if (a->kind == KIND_TIME && (b->kind == KIND_NUMBER || b->kind == KIND_BOOL))
        return expr_fail(x, b->at, e, "a time does not compare with %s", kind_name(b->kind));
    if (a->kind != KIND_TIME || !is_literal(b) || b->kind != KIND_TEXT)
        return 0;
    struct text t = b->value.text;
    struct value v = {.kind = KIND_TIME};
    bool has_offset = false;
    if (!time_parse(t.at, t.len, &v.time, &has_offset))
        return expr_fail(x, b->at, e, "%s is not a time", quote(quoted, t.at, t.len));
    if (has_offset || t.len <= 10)
        node_make_literal(x, b, v);
    return 0;
}

static int check_compare(struct expr *x, struct node *n, struct error *e)
{
    int status = 0;
    for (size_t i = 1; i < n->count && !status; i++) {
        status = check_pair(x, n->args[0], n->args[i], e);
        if (!status)
            status = check_pair(x, n->args[i], n->args[0], e);
    }
    return status;
}

static int eval_compare(struct frame *f, const struct node *n, enum compare_op op,
                        struct vector *out)
{
    struct vector a, b;
    int status = eval_pair(f, n->args[0], n->args[1], &a, &b);
    if (status)
        return status;
    uint8_t *to = frame_array(f, 1);
    compare_vectors(f, op, &a, &b, to);
    *out = (struct vector){.form = FORM_BOOL, .b8 = to};
    return 0;
}

#define COMPARISON(name, op)                                                                       \
    static int name(struct frame *f, const struct node *n, struct vector *out)                     \
    {                                                                                              \
        return eval_compare(f, n, op, out);                                                        \
    }
COMPARISON(eval_eq, COMPARE_EQ)
COMPARISON(eval_ne, COMPARE_NE)
COMPARISON(eval_lt, COMPARE_LT)
COMPARISON(eval_le, COMPARE_LE)
COMPARISON(eval_gt, COMPARE_GT)
COMPARISON(eval_ge, COMPARE_GE)

static uint8_t both(uint8_t a, uint8_t b)
{
    if (a == 0 || b == 0)
        return 0;
    return a == BOOL_MISSING || b == BOOL_MISSING ? BOOL_MISSING : 1;
}

static int eval_between(struct frame *f, const struct node *n, struct vector *out)
{
    struct vector x, bound;
    uint8_t *to = frame_array(f, 1), *below = frame_array(f, 1);
    int status = eval_pair(f, n->args[0], n->args[1], &x, &bound);
    if (status)
        return status;
    compare_vectors(f, COMPARE_GE, &x, &bound, to);
    status = eval_pair(f, n->args[0], n->args[2], &x, &bound);
    if (status)
        return status;
    compare_vectors(f, COMPARE_LE, &x, &bound, below);
    for (size_t r = 0; r < f->rows; r++)
        to[r] = both(to[r], below[r]);
    *out = (struct vector){.form = FORM_BOOL, .b8 = to};
    return 0;
}

void literal_set_free(struct literal_set *s)
{
    if (!s)
        return;
    map_release(&s->texts);
    vec_release(&s->numbers);
    mem_free(s);
}

/* False when the item does not fit with those before it. */
static bool set_add(struct literal_set *s, const struct value *v)
{
    const double exact = 9007199254740992.0;
    if (v->kind == KIND_NULL) {
        s->has_null = true;
        return true;
    }
    if (v->kind != KIND_TEXT && (v->kind != KIND_NUMBER || fabs(value_double(v)) >= exact))
        return false;
    if (s->kind != KIND_NULL && s->kind != v->kind)
        return false;
    s->kind = v->kind;
    if (v->kind == KIND_TEXT)
        map_put(&s->texts, v->text, NULL);
    else
        vec_push(&s->numbers, value_double(v));
    return true;
}

/* The set of a list literal; NULL when its items are not all of one simple kind. */
static struct literal_set *set_new(struct expr *x, struct text json)
{
    struct literal_set *s = mem_alloc(sizeof *s);
    struct json_reader r;
    struct text item;
    bool good = list_start(&r, json);
    while (good && list_next(&r, &item)) {
        struct value v;
        good = value_of_json(item, &x->arena, &v) && set_add(s, &v);
    }
    if (good && s->kind != KIND_NULL)
        return s;
    literal_set_free(s);
    return NULL;
}

static int check_in(struct expr *x, struct node *n, struct error *e UNUSED)
{
    const struct node *list = n->args[1];
    bool usable = n->args[0]->kind == KIND_TEXT || n->args[0]->kind == KIND_NUMBER;
    if (is_literal(list) && list->kind == KIND_JSON && usable && !is_literal(n->args[0]))
        n->set = set_new(x, list->value.text);
    return 0;
}

static bool set_has_number(const struct literal_set *s, double f)
{
    for (size_t i = 0; i < s->numbers.len; i++)
        if (s->numbers.at[i] == f)
            return true;
    return false;
}

static int eval_in_set(struct frame *f, const struct node *n, struct vector *out)
{
    const struct literal_set *s = n->set;
    const uint8_t absent = s->has_null ? BOOL_MISSING : 0;
    struct vector v;
    int status = s->kind == KIND_TEXT ? eval_as(f, n->args[0], KIND_TEXT, &v)
                                      : eval_double(f, n->args[0], &v);
    if (status)
        return status;
    uint8_t *to = frame_array(f, 1);
    for (size_t r = 0; r < f->rows; r++) {
        size_t at = vector_at(&v, r);
        bool missing = s->kind == KIND_TEXT ? !v.text[at].at : isnan(v.f64[at]);
        if (missing)
            to[r] = BOOL_MISSING;
        else if (s->kind == KIND_TEXT)
            to[r] = map_get(&s->texts, v.text[at]) != MAP_NONE ? 1 : absent;
        else
            to[r] = set_has_number(s, v.f64[at]) ? 1 : absent;
    }
    *out = (struct vector){.form = FORM_BOOL, .b8 = to};
    return 0;
}

/* Is v equal to an item? Text compares with text, numbers with numbers; when the two differ as
 * text. */
static bool value_equals_item(const struct value *v, struct text item, struct arena *arena,
                              bool *null)
{
    struct value other;
    if (!value_of_json(item, arena, &other))
        return false;
    *null = *null || other.kind == KIND_NULL;
    usec t;
    bool has_offset;
    if (v->kind == KIND_TIME && other.kind == KIND_TEXT)
        return time_parse(other.text.at, other.text.len, &t, &has_offset) && t == v->time;
    if (other.kind == v->kind)
        return value_compare(v, &other) == 0;
    if (other.kind == KIND_NULL || v->kind == KIND_JSON || other.kind == KIND_JSON)
        return false;
    struct buf a = {0}, b = {0};
    put_value(&a, v);
    put_value(&b, &other);
    bool equal = text_equal((struct text){buf_text(&a), a.len}, (struct text){buf_text(&b), b.len});
    buf_release(&a);
    buf_release(&b);
    return equal;
}

static uint8_t value_in_list(struct value *v, struct text list, struct arena *arena)
{
    struct json_reader r;
    struct text item;
    bool null = false;
    if (v->kind == KIND_JSON)
        value_of_json(v->text, arena, v);
    if (v->kind == KIND_NULL || !list.at || !list_start(&r, list))
        return BOOL_MISSING;
    while (list_next(&r, &item))
        if (value_equals_item(v, item, arena, &null))
            return 1;
    return null ? BOOL_MISSING : 0;
}

static int eval_in(struct frame *f, const struct node *n, struct vector *out)
{
    if (n->set)
        return eval_in_set(f, n, out);
    struct vector v, list;
    int status = eval(f, n->args[0], &v);
    if (!status)
        status = eval_as(f, n->args[1], KIND_JSON, &list);
    if (status)
        return status;
    uint8_t *to = frame_array(f, 1);
    for (size_t r = 0; r < f->rows; r++) {
        struct value one = vector_get(&v, r);
        to[r] = value_in_list(&one, list.text[vector_at(&list, r)], &f->batch->arena);
    }
    *out = (struct vector){.form = FORM_BOOL, .b8 = to};
    return 0;
}

#define COMPARE "compare, logic"
#define ROW(name, sign, summary, example, result)                                                  \
    {                                                                                              \
        {#name, COMPARE, #name "(a, b) -> bool", "a " sign " b" summary, example, result}, "vv",   \
            'b', .eval = eval_##name, .check = check_compare                                       \
    }
static const struct function_row rows[] = {
    {{"between", COMPARE, "between(x, low, high) -> bool",
      "x between low and high: both ends belong to it", "between(5, 1, 5)", "true"},
     "vvv",
     'b',
     .eval = eval_between,
     .check = check_compare},
    ROW(eq, "==", "; text, numbers or times", "eq(2, 2.0)", "true"),
    ROW(ge, ">=", "", "ge(2, 3)", "false"),
    ROW(gt, ">", "", "gt(3, 2)", "true"),
    {{"in", COMPARE, "in(x, list) -> bool",
      "x in list; missing when not found in a list that holds null", "in(2, [1, 2, 3])", "true"},
     "vj",
     'b',
     .eval = eval_in,
     .check = check_in},
    ROW(le, "<=", "", "le(2, 2)", "true"),
    ROW(lt, "<", "; texts compare byte by byte", "lt(\"a\", \"b\")", "true"),
    ROW(ne, "!=", "", "ne(\"a\", \"b\")", "true"),
};
const struct function_family compare_functions = {rows, COUNT_OF(rows)};
