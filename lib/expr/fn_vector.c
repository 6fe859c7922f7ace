/* Lists of numbers: sums, extremes, products of two. */
#include "expr/fn_list.h"

#include <math.h>

KERNEL(do_list_sum)
{
    struct values items;
    struct value sum = {.kind = KIND_NUMBER, .is_int = true, .i = 0};
    if (!list_values(c, a[0].text, &items))
        return false;
    for (size_t i = 0; i < items.count; i++) {
        const struct value *v = &items.at[i];
        if (v->kind == KIND_NULL)
            continue;
        if (v->kind != KIND_NUMBER)
            return call_fail(c, "list_sum wants a list of numbers");
        if (sum.is_int && v->is_int && !__builtin_add_overflow(sum.i, v->i, &sum.i))
            continue;
        if (sum.is_int && v->is_int)
            return call_fail(c, "list_sum does not fit 64-bit integers");
        double total = value_double(&sum) + value_double(v);
        give_double(&sum, total);
    }
    *out = sum;
    return true;
}

KERNEL(do_list_mean)
{
    struct doubles x;
    double sum = 0.0;
    if (!list_doubles(c, a[0].text, &x))
        return false;
    for (size_t i = 0; i < x.count; i++)
        sum += x.at[i];
    return x.count == 0 || give_double(out, sum / (double)x.count);
}

static bool extreme(struct call *c, struct text list, int sign, struct value *out)
{
    struct values items;
    struct value best = {.kind = KIND_NULL};
    if (!list_values(c, list, &items))
        return false;
    for (size_t i = 0; i < items.count; i++)
        if (items.at[i].kind != KIND_NULL &&
            (best.kind == KIND_NULL || value_compare(&items.at[i], &best) * sign > 0))
            best = items.at[i];
    if (best.kind == KIND_NULL)
        return true;
    put_json(&c->scratch, &best);
    return give_scratch_json(c, out);
}

KERNEL(do_list_min)
{
    return extreme(c, a[0].text, -1, out);
}

KERNEL(do_list_max)
{
    return extreme(c, a[0].text, 1, out);
}

/* Two lists of the same length. */
static bool two_vectors(struct call *c, const struct value *a, struct doubles *x, struct doubles *y)
{
    if (!list_doubles(c, a[0].text, x) || !list_doubles(c, a[1].text, y))
        return false;
    if (x->count == y->count)
        return true;
    return call_fail(c, "%s wants lists of one length, not of %zu and %zu numbers",
                     c->node->fn->about.name, x->count, y->count);
}

static double product(const struct doubles *x, const struct doubles *y)
{
    double sum = 0.0;
    for (size_t i = 0; i < x->count; i++)
        sum += x->at[i] * y->at[i];
    return sum;
}

KERNEL(do_dot)
{
    struct doubles x, y;
    return two_vectors(c, a, &x, &y) && give_double(out, product(&x, &y));
}

KERNEL(do_cosine)
{
    struct doubles x, y;
    if (!two_vectors(c, a, &x, &y))
        return false;
    double lengths = sqrt(product(&x, &x)) * sqrt(product(&y, &y));
    return lengths == 0.0 || give_double(out, product(&x, &y) / lengths);
}

KERNEL(do_euclid)
{
    struct doubles x, y;
    double sum = 0.0;
    if (!two_vectors(c, a, &x, &y))
        return false;
    for (size_t i = 0; i < x.count; i++)
        sum += (x.at[i] - y.at[i]) * (x.at[i] - y.at[i]);
    return give_double(out, sqrt(sum));
}

#define LIST "list, map"
static const struct function_row rows[] = {
    {{"cosine", LIST, "cosine(a, b) -> float",
      "cosine of the angle between two lists of numbers; missing when one is all 0",
      "cosine([1, 0], [1, 0])", "1"},
     "jj",
     'f',
     .row = do_cosine},
    {{"dot", LIST, "dot(a, b) -> float", "sum of the products of two lists of numbers",
      "dot([1, 2], [3, 4])", "11"},
     "jj",
     'f',
     .row = do_dot},
    {{"euclid", LIST, "euclid(a, b) -> float", "distance between two lists of numbers",
      "euclid([0, 0], [3, 4])", "5"},
     "jj",
     'f',
     .row = do_euclid},
    {{"list_max", LIST, "list_max(list) -> any", "the largest item; missing for none",
      "list_max([3, 9, 2])", "9"},
     "j",
     'j',
     .row = do_list_max},
    {{"list_mean", LIST, "list_mean(list) -> float", "mean of the numbers; missing for none",
      "list_mean([1, 2, 6])", "3"},
     "j",
     'f',
     .row = do_list_mean},
    {{"list_min", LIST, "list_min(list) -> any", "the smallest item; missing for none",
      "list_min([3, 9, 2])", "2"},
     "j",
     'j',
     .row = do_list_min},
    {{"list_sum", LIST, "list_sum(list) -> number", "sum of the numbers, 0 for none",
      "list_sum([1, 2, 3.5])", "6.5"},
     "j",
     'n',
     .row = do_list_sum},
};
const struct function_family vector_functions = {rows, COUNT_OF(rows)};
