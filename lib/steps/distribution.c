/* Tallies of values and pairs: appended, and sorted together whenever they have doubled. */
#include "steps/distribution.h"

#include <math.h>
#include <stdlib.h>

enum { SETTLE_AFTER = 1 << 16 };

static int compare_pairs(const void *left, const void *right)
{
    const struct pair_count *a = left, *b = right;
    if (a->x != b->x)
        return a->x < b->x ? -1 : 1;
    return a->y < b->y ? -1 : a->y > b->y;
}

static void settle_pairs(struct distribution *d)
{
    size_t n = d->pairs.len, kept = 0;
    if (d->settled == n)
        return;
    qsort(d->pairs.at, n, sizeof *d->pairs.at, compare_pairs);
    for (size_t i = 0; i < n; i++) {
        if (kept && compare_pairs(&d->pairs.at[kept - 1], &d->pairs.at[i]) == 0)
            d->pairs.at[kept - 1].n += d->pairs.at[i].n;
        else
            d->pairs.at[kept++] = d->pairs.at[i];
    }
    d->pairs.len = d->settled = kept;
}

void distribution_add(struct distribution *d, double x, double y, uint64_t n)
{
    /* Adding 0 makes -0 into 0. */
    vec_push(&d->pairs, ((struct pair_count){x + 0.0, y + 0.0, n}));
    d->count += n;
    if (d->pairs.len - d->settled > d->settled + SETTLE_AFTER)
        settle_pairs(d);
}

void distribution_add_class(struct distribution *d, double x, struct text class)
{
    distribution_add(d, x, (double)map_put(&d->classes, class, NULL), 1);
}

void distribution_merge(struct distribution *into, const struct distribution *from)
{
    bool classes = from->classes.keys.len > 0;
    double *code = mem_alloc((from->classes.keys.len + 1) * sizeof *code);
    for (size_t i = 0; i < from->classes.keys.len; i++)
        code[i] = (double)map_put(&into->classes, from->classes.keys.at[i], NULL);
    for (size_t i = 0; i < from->pairs.len; i++) {
        const struct pair_count *p = &from->pairs.at[i];
        distribution_add(into, p->x, classes ? code[(size_t)p->y] : p->y, p->n);
    }
    mem_free(code);
}

static int compare_texts(const void *left, const void *right)
{
    return text_compare(*(const struct text *)left, *(const struct text *)right);
}

/* Numbers the classes in byte order of their names. */
static void order_classes(struct distribution *d)
{
    size_t n = d->classes.keys.len;
    struct text *sorted = mem_copy(d->classes.keys.at, n * sizeof *sorted);
    struct map ordered = {0};
    qsort(sorted, n, sizeof *sorted, compare_texts);
    for (size_t i = 0; i < n; i++)
        map_put(&ordered, sorted[i], NULL);
    for (size_t i = 0; i < d->pairs.len; i++) {
        struct pair_count *p = &d->pairs.at[i];
        p->y = (double)map_get(&ordered, d->classes.keys.at[(size_t)p->y]);
    }
    mem_free(sorted);
    map_release(&d->classes);
    d->classes = ordered;
    d->settled = 0;
}

void distribution_settle(struct distribution *d)
{
    if (d->classes.keys.len > 0)
        order_classes(d);
    settle_pairs(d);
}

void distribution_release(struct distribution *d)
{
    vec_release(&d->pairs);
    map_release(&d->classes);
    *d = (struct distribution){0};
}

static json_t *save_classes(const struct distribution *d)
{
    json_t *names = json_array();
    for (size_t i = 0; i < d->classes.keys.len; i++) {
        struct text name = d->classes.keys.at[i];
        json_array_append_new(names, json_stringn_nocheck(name.at, name.len));
    }
    return names;
}

json_t *distribution_save(const struct distribution *d)
{
    json_t *x = json_array(), *y = json_array(), *n = json_array();
    bool paired = false;
    for (size_t i = 0; i < d->pairs.len; i++) {
        json_array_append_new(x, json_real(d->pairs.at[i].x));
        json_array_append_new(y, json_real(d->pairs.at[i].y));
        json_array_append_new(n, json_integer((json_int_t)d->pairs.at[i].n));
        paired = paired || d->pairs.at[i].y != 0;
    }
    json_t *j = json_pack("{s:o,s:o}", "values", x, "counts", n);
    if (paired || d->classes.keys.len > 0)
        json_object_set(j, "targets", y);
    if (d->classes.keys.len > 0)
        json_object_set_new(j, "classes", save_classes(d));
    json_decref(y);
    return j;
}

static bool load_pair(struct distribution *d, const json_t *x, const json_t *y, const json_t *n)
{
    bool good = json_is_number(x) && (!y || json_is_number(y)) && json_is_integer(n) &&
                json_integer_value(n) > 0;
    double target = y ? json_number_value(y) : 0;
    size_t classes = d->classes.keys.len;
    if (!good || (classes > 0 && !(target >= 0 && target < (double)classes)))
        return false;
    distribution_add(d, json_number_value(x), target, (uint64_t)json_integer_value(n));
    return true;
}

int distribution_load(struct distribution *d, const json_t *j, struct error *e)
{
    const json_t *x = json_object_get(j, "values"), *y = json_object_get(j, "targets");
    const json_t *n = json_object_get(j, "counts"), *classes = json_object_get(j, "classes");
    bool good = json_is_array(x) && json_array_size(n) == json_array_size(x) &&
                (!y || json_array_size(y) == json_array_size(x));
    for (size_t i = 0; good && i < json_array_size(classes); i++) {
        const json_t *name = json_array_get(classes, i);
        good = json_is_string(name);
        if (good)
            map_put(&d->classes, (struct text){json_string_value(name), json_string_length(name)},
                    NULL);
    }
    for (size_t i = 0; good && i < json_array_size(x); i++)
        good = load_pair(d, json_array_get(x, i), y ? json_array_get(y, i) : NULL,
                         json_array_get(n, i));
    return good ? 0 : error_set(e, ERR_DATA, "not a distribution (values, counts, targets)");
}

double distribution_at(const struct distribution *d, uint64_t rank)
{
    uint64_t passed = 0;
    for (size_t i = 0; i < d->pairs.len; i++) {
        passed += d->pairs.at[i].n;
        if (passed > rank)
            return d->pairs.at[i].x;
    }
    return (double)NAN;
}

double distribution_quantile(const struct distribution *d, double q)
{
    if (d->count == 0)
        return (double)NAN;
    double place = q * (double)(d->count - 1);
    uint64_t low = (uint64_t)place;
    uint64_t high = low + 1 < d->count ? low + 1 : low;
    double ends[2] = {distribution_at(d, low), distribution_at(d, high)};
    return quantile_sorted(ends, 2, place - (double)low);
}
