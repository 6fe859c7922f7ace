/*
 * From a condition to gaps: what the cells of a column must not be for it to be true.
 *
 * Comparisons of a column with a literal of its kind have gaps, alone or joined by and; not turns
 * them round. They cannot fail, and a missing cell makes them missing, which is not true. Anything
 * else may fail: then the arguments of and behind it are not looked at here, as a row in their gaps
 * would still fail before; and those before it keep their missing cells, which let it be evaluated.
 */
#include "expr/eval.h"

#include <math.h>

/* Outcomes of a comparison. */
enum { LESS = 1, EQUAL = 2, GREATER = 4, ANY_ORDER = 7 };

static bool find_gaps(const struct node *n, bool negated, struct input_gaps *gaps);

static struct input_gap new_gap(const struct node *column)
{
    static const enum type types[] = {[KIND_NUMBER] = TYPE_FLOAT,
                                      [KIND_TEXT] = TYPE_TEXT,
                                      [KIND_BOOL] = TYPE_BOOL,
                                      [KIND_TIME] = TYPE_TIME};
    return (struct input_gap){.column = column->column, .type = types[column->kind]};
}

static bool is_plain_column(const struct node *n)
{
    return n->form == NODE_COLUMN && n->kind != KIND_NULL && n->kind != KIND_JSON;
}

static bool is_missing_out(const struct node *column, struct input_gaps *gaps)
{
    if (!is_plain_column(column))
        return false;
    struct input_gap gap = new_gap(column);
    gap.missing_alone = true;
    vec_push(&gaps->list, gap);
    return true;
}

static bool pairs(const struct node *column, const struct node *literal)
{
    return is_plain_column(column) && literal->form == NODE_LITERAL &&
           literal->value.kind == column->kind;
}

/* Integers that are no doubles are compared as integers with integers: the one next to such an end
 * may be the same double. */
static bool is_exact(const struct value *v)
{
    return v->kind != KIND_NUMBER || !v->is_int || fabs((double)v->i) < 9007199254740992.0;
}

static struct gap_end end_at(const struct value *v, bool open)
{
    struct gap_end end = {.there = true, .open = open || !is_exact(v)};
    if (v->kind == KIND_NUMBER)
        end.number = value_double(v);
    else if (v->kind == KIND_TIME)
        end.time = v->time;
    else
        end.text = v->text;
    return end;
}

/* The gaps of cells that have one of these outcomes when compared with v. */
static void add_gaps(const struct node *column, unsigned outcomes, const struct value *v,
                     struct input_gaps *gaps)
{
    struct input_gap below = new_gap(column), above = new_gap(column);
    below.to = above.from = end_at(v, !(outcomes & EQUAL));
    if (outcomes == EQUAL)
        below.from = below.to;
    if (outcomes & LESS || outcomes == EQUAL)
        vec_push(&gaps->list, below);
    if (outcomes & GREATER)
        vec_push(&gaps->list, above);
}

static unsigned mirrored(unsigned outcomes)
{
    return (outcomes & EQUAL) | (outcomes & LESS ? GREATER : 0) | (outcomes & GREATER ? LESS : 0);
}

static bool compare_gaps(const struct node *n, unsigned accepted, bool negated,
                         struct input_gaps *gaps)
{
    const struct node *column = n->args[0], *literal = n->args[1];
    unsigned refused = negated ? accepted : ANY_ORDER & ~accepted;
    if (column->form == NODE_LITERAL) {
        column = n->args[1];
        literal = n->args[0];
        refused = mirrored(refused);
    }
    if (!pairs(column, literal))
        return false;
    if (column->kind == KIND_BOOL)
        return is_missing_out(column, gaps);
    add_gaps(column, refused, &literal->value, gaps);
    return true;
}

static bool between_gaps(const struct node *n, unsigned accepted, bool negated,
                         struct input_gaps *gaps)
{
    (void)accepted;
    const struct node *column = n->args[0], *low = n->args[1], *high = n->args[2];
    if (!pairs(column, low) || !pairs(column, high) || column->kind == KIND_BOOL)
        return false;
    if (negated) {
        struct input_gap gap = new_gap(column);
        gap.from = end_at(&low->value, false);
        gap.to = end_at(&high->value, false);
        vec_push(&gaps->list, gap);
        return true;
    }
    add_gaps(column, LESS, &low->value, gaps);
    add_gaps(column, GREATER, &high->value, gaps);
    return true;
}

/* The least and the greatest item of a set. */
static void ends_of_set(const struct literal_set *s, struct value *least, struct value *most)
{
    *least = *most = (struct value){.kind = s->kind};
    for (size_t i = 0; i < s->numbers.len; i++) {
        double f = s->numbers.at[i];
        least->f = i == 0 || f < least->f ? f : least->f;
        most->f = i == 0 || f > most->f ? f : most->f;
    }
    for (size_t i = 0; i < s->texts.keys.len; i++) {
        struct text t = s->texts.keys.at[i];
        least->text = i == 0 || text_compare(t, least->text) < 0 ? t : least->text;
        most->text = i == 0 || text_compare(t, most->text) > 0 ? t : most->text;
    }
}

static bool in_gaps(const struct node *n, unsigned accepted, bool negated, struct input_gaps *gaps)
{
    (void)accepted;
    const struct node *column = n->args[0];
    if (!is_plain_column(column) || !n->set || n->set->kind != column->kind)
        return false;
    if (negated)
        return is_missing_out(column, gaps);
    struct value least, most;
    ends_of_set(n->set, &least, &most);
    add_gaps(column, LESS, &least, gaps);
    add_gaps(column, GREATER, &most, gaps);
    return true;
}

static bool missing_gaps(const struct node *n, unsigned accepted, bool negated,
                         struct input_gaps *gaps)
{
    bool is_null = accepted == 0;
    return negated == is_null && is_missing_out(n->args[0], gaps);
}

static bool not_gaps(const struct node *n, unsigned accepted, bool negated, struct input_gaps *gaps)
{
    (void)accepted;
    return find_gaps(n->args[0], !negated, gaps);
}

/* not (a or b) is not a and not b. */
static bool chain_gaps(const struct node *n, unsigned accepted, bool negated,
                       struct input_gaps *gaps)
{
    bool is_and = accepted != 0;
    if (is_and == negated)
        return false;
    for (size_t i = 0; i < n->count; i++)
        if (!find_gaps(n->args[i], negated, gaps))
            return false;
    return true;
}

/* accepted: the outcomes for which a comparison is true; tells apart two that share a function. */
static const struct {
    const char *name;
    bool (*gaps)(const struct node *n, unsigned accepted, bool negated, struct input_gaps *gaps);
    unsigned accepted;
} calls[] = {
    {"and", chain_gaps, 1},        {"between", between_gaps, 0},
    {"eq", compare_gaps, EQUAL},   {"ge", compare_gaps, GREATER | EQUAL},
    {"gt", compare_gaps, GREATER}, {"in", in_gaps, 0},
    {"is_null", missing_gaps, 0},  {"le", compare_gaps, LESS | EQUAL},
    {"lt", compare_gaps, LESS},    {"ne", compare_gaps, LESS | GREATER},
    {"not", not_gaps, 0},          {"not_null", missing_gaps, 1},
    {"or", chain_gaps, 0},
};

/* Of n, or when negated of not n. False: it may fail. */
static bool find_gaps(const struct node *n, bool negated, struct input_gaps *gaps)
{
    if (n->form == NODE_COLUMN && n->kind == KIND_BOOL)
        return is_missing_out(n, gaps);
    if (n->form != NODE_CALL)
        return false;
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        if (strcmp(n->fn->about.name, calls[i].name) == 0)
            return calls[i].gaps(n, calls[i].accepted, negated, gaps);
    return false;
}

bool expr_gaps(const struct expr *x, struct input_gaps *gaps)
{
    size_t first = gaps->list.len;
    if (expr_ordered(x)) /* prev looks at rows that are not kept */
        return false;
    bool safe = find_gaps(x->root, false, gaps);
    for (size_t i = first; i < gaps->list.len; i++)
        gaps->list.at[i].keep_missing = !safe;
    return safe;
}
