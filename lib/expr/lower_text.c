/* Lowering of text functions. */
#include "expr/lower_node.h"

#include "expr/eval.h"

#include <utf8proc.h>

/* The arguments as their letters want them. */
static int load(struct lower_expr *k, const struct node *n, uint32_t *a)
{
    int status = 0;
    for (size_t i = 0; i < n->count && !status; i++)
        status = lower_letter(k, n->args[i], function_letter(n->fn, i), &a[i]);
    return status;
}

static bool is_called(const struct node *n, const char *name)
{
    return strcmp(n->fn->about.name, name) == 0;
}

static uint32_t whole(struct lowering *l, int64_t i)
{
    return lower_op(l, ML_OP_set_int, lower_int(l, i), 0, 0);
}

static int call_length(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a[1] = {0};
    int status = load(k, n, a);
    if (!status)
        *reg = lower_op(k->l, ML_OP_text_length, a[0], is_called(n, "bytes"), 0);
    return status;
}

static int call_substr(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a[3] = {0};
    int status = load(k, n, a);
    if (status)
        return status;
    uint32_t count = n->count > 2 ? a[2] : whole(k->l, INT64_MAX);
    *reg = lower_op(k->l, ML_OP_text_piece, a[0], a[1], count);
    return 0;
}

/* left and right */
static int call_end(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a[2] = {0};
    int status = load(k, n, a);
    if (status)
        return status;
    *reg = lower_register(k->l, ML_TEXT);
    lower_op_to(k->l, ML_OP_text_piece, is_called(n, "right"), *reg, a[0], whole(k->l, 0), a[1]);
    return 0;
}

/* In the order of the operation's numbers. */
static int call_has(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    static const char *const names[] = {"starts_with", "ends_with", "contains", "like", "ilike"};
    uint32_t a[2] = {0}, what = 0;
    while (!is_called(n, names[what]))
        what++;
    int status = load(k, n, a);
    if (!status)
        *reg = lower_op(k->l, ML_OP_text_has, a[0], a[1], what);
    return status;
}

static int call_find(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a[2] = {0}, what = is_called(n, "index") ? 0 : is_called(n, "rindex") ? 1 : 2;
    int status = load(k, n, a);
    if (!status)
        *reg = lower_op(k->l, ML_OP_text_find, a[0], a[1], what);
    return status;
}

static int call_hash_mod(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a[3] = {0};
    int status = load(k, n, a);
    if (!status)
        *reg = lower_op(k->l, ML_OP_hash_mod, a[0], a[1], n->count > 2 ? a[2] : whole(k->l, 0));
    return status;
}

static int call_concat(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t *a = mem_alloc((n->count + 1) * sizeof *a);
    bool separated = is_called(n, "concat_ws");
    int status = load(k, n, a);
    if (!status) {
        uint32_t sep =
            separated ? a[0] : lower_op(k->l, ML_OP_set_text, lower_text(k->l, text_of("")), 0, 0);
        uint32_t list = lower_list(k->l, a + separated, n->count - separated);
        *reg = lower_op(k->l, ML_OP_concat, list, sep, separated);
    }
    mem_free(a);
    return status;
}

static int call_replace(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a[3] = {0};
    int status = load(k, n, a);
    if (!status)
        *reg = lower_op(k->l, ML_OP_replace, a[0], a[1], a[2]);
    return status;
}

static int call_split_part(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a[3] = {0};
    int status = load(k, n, a);
    if (!status)
        *reg = lower_op(k->l, ML_OP_split_part, a[0], a[1], a[2]);
    return status;
}

static int call_ord(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a[1] = {0};
    int status = load(k, n, a);
    if (!status)
        *reg = lower_op(k->l, ML_OP_first_character, a[0], 0, 0);
    return status;
}

/* White_Space of the Unicode character database. */
static uint32_t spaces(struct lowering *l)
{
    static const int64_t ranges[] = {9,      13,     0x20,   0x20,   0x85,   0x85,   0xA0,
                                     0xA0,   0x1680, 0x1680, 0x2000, 0x200A, 0x2028, 0x2029,
                                     0x202F, 0x202F, 0x205F, 0x205F, 0x3000, 0x3000};
    return lower_range_int(l, ranges, COUNT_OF(ranges));
}

static uint32_t characters(struct lowering *l, struct text t)
{
    VEC(int64_t) ranges = {0};
    for (size_t i = 0, used = 0; i < t.len; i += used) {
        int64_t c = utf8_decode(t.at + i, t.len - i, &used);
        vec_push(&ranges, c);
        vec_push(&ranges, c);
    }
    uint32_t range = lower_range_int(l, ranges.at, ranges.len);
    vec_release(&ranges);
    return range;
}

static int call_trim(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a, ends = is_called(n, "ltrim") ? 1 : is_called(n, "rtrim") ? 2 : 3;
    const struct node *set = n->count > 1 ? n->args[1] : NULL;
    if (set && (set->form != NODE_LITERAL || set->value.kind != KIND_TEXT))
        return lower_refused(k, n);
    int status = lower_as(k, n->args[0], KIND_TEXT, &a);
    if (status)
        return status;
    uint32_t range = set ? characters(k->l, set->value.text) : spaces(k->l);
    *reg = lower_op(k->l, ML_OP_trim, a, range, ends);
    return 0;
}

static int call_squeeze(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a[1] = {0};
    int status = load(k, n, a);
    if (!status)
        *reg = lower_op(k->l, ML_OP_squeeze, a[0], spaces(k->l), 1);
    return status;
}

static int call_pad(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a[3] = {0};
    int status = load(k, n, a);
    if (status)
        return status;
    if (n->count < 3)
        a[2] = lower_op(k->l, ML_OP_set_text, lower_text(k->l, text_of(" ")), 0, 0);
    *reg = lower_register(k->l, ML_TEXT);
    lower_op_to(k->l, ML_OP_fill_to, is_called(n, "rpad"), *reg, a[0], a[1], a[2]);
    return 0;
}

static uint32_t small_letter(uint32_t c)
{
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
}

static uint32_t capital(uint32_t c)
{
    return (uint32_t)utf8proc_toupper((utf8proc_int32_t)c);
}

static int call_case(struct lower_expr *k, const struct node *n, uint32_t *reg)
{
    uint32_t a[1] = {0};
    int status = load(k, n, a);
    if (!status)
        *reg = lower_map_characters(k->l, a[0], is_called(n, "lower") ? small_letter : capital,
                                    NULL, 0, true);
    return status;
}

const struct call_lowering lower_text_calls[] = {
    {"bytes", call_length},      {"concat", call_concat},
    {"concat_ws", call_concat},  {"contains", call_has},
    {"count_substr", call_find}, {"ends_with", call_has},
    {"hash_mod", call_hash_mod}, {"ilike", call_has},
    {"index", call_find},        {"left", call_end},
    {"len", call_length},        {"like", call_has},
    {"lower", call_case},        {"lpad", call_pad},
    {"ltrim", call_trim},        {"ord", call_ord},
    {"replace", call_replace},   {"right", call_end},
    {"rindex", call_find},       {"rpad", call_pad},
    {"rtrim", call_trim},        {"split_part", call_split_part},
    {"squeeze", call_squeeze},   {"starts_with", call_has},
    {"substr", call_substr},     {"trim", call_trim},
    {"upper", call_case},        {0},
};
