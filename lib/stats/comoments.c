#include "stats/state.h"
#include "stats/wide.h"

#include <math.h>

static size_t pairs(size_t p)
{
    return p * (p + 1) / 2;
}

/* Row-major upper triangle: row i starts after i rows of p, p - 1, ... */
static const struct sum *product_of(const struct comoments *c, size_t i, size_t j)
{
    size_t low = i < j ? i : j, high = i < j ? j : i;
    return &c->product[low * c->p - low * (low + 1) / 2 + high];
}

void comoments_init(struct comoments *c, size_t p)
{
    *c = (struct comoments){.p = p};
    c->first = mem_alloc(p * sizeof *c->first);
    c->product = mem_alloc(pairs(p) * sizeof *c->product);
}

void comoments_add(struct comoments *c, const double *row)
{
    struct sum *product = c->product;
    c->count++;
    for (size_t i = 0; i < c->p; i++) {
        sum_add(&c->first[i], row[i]);
        for (size_t j = i; j < c->p; j++)
            sum_add_product(product++, row[i], row[j]);
    }
}

void comoments_merge(struct comoments *into, const struct comoments *from)
{
    into->count += from->count;
    for (size_t i = 0; i < into->p; i++)
        sum_merge(&into->first[i], &from->first[i]);
    for (size_t i = 0; i < pairs(into->p); i++)
        sum_merge(&into->product[i], &from->product[i]);
}

double comoments_mean(const struct comoments *c, size_t i)
{
    const struct moments m = {.count = c->count, .order = 1, .power = {c->first[i]}};
    return moments_mean(&m);
}

/* (n * sum of x y - sum of x * sum of y) / (n (n - ddof)), the numerator exact. */
double comoments_covariance(const struct comoments *c, size_t i, size_t j, int ddof)
{
    if (c->count <= (uint64_t)ddof || !sum_finite(&c->first[i]) || !sum_finite(&c->first[j]))
        return (double)NAN;
    struct wide count = wide_of_count(c->count), cross = wide_of_sum(product_of(c, i, j));
    struct wide x = wide_of_sum(&c->first[i]), y = wide_of_sum(&c->first[j]), r = wide_of_count(0);
    wide_accumulate(&r, 1, (const struct wide *[]){&count, &cross}, 2);
    wide_accumulate(&r, -1, (const struct wide *[]){&x, &y}, 2);
    int64_t exponent;
    double scaled = wide_scaled(&r, &exponent), n = (double)c->count;
    wide_release(&count);
    wide_release(&cross);
    wide_release(&x);
    wide_release(&y);
    wide_release(&r);
    return ldexp(scaled / (n * (n - ddof)), (int)exponent);
}

static json_t *save_sums(const struct sum *s, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, sum_save(&s[i]));
    return array;
}

json_t *comoments_save(const struct comoments *c)
{
    return json_pack("{s:I,s:o,s:o}", "count", (json_int_t)c->count, "sums",
                     save_sums(c->first, c->p), "products", save_sums(c->product, pairs(c->p)));
}

static bool load_sums(struct sum *s, size_t n, const json_t *array, struct error *e)
{
    for (size_t i = 0; i < n; i++)
        if (sum_load(&s[i], json_array_get(array, i), e) < 0)
            return false;
    return true;
}

int comoments_load(struct comoments *c, const json_t *j, struct error *e)
{
    const json_t *sums = json_object_get(j, "sums"), *products = json_object_get(j, "products");
    comoments_init(c, json_array_size(sums));
    if (json_is_array(sums) && json_array_size(products) == pairs(c->p) &&
        state_get_count(j, "count", &c->count) && load_sums(c->first, c->p, sums, e) &&
        load_sums(c->product, pairs(c->p), products, e))
        return 0;
    comoments_release(c);
    return error_set(e, ERR_DATA, "not the state of comoments (count, sums, products)");
}

void comoments_release(struct comoments *c)
{
    for (size_t i = 0; i < c->p; i++)
        sum_release(&c->first[i]);
    for (size_t i = 0; i < pairs(c->p); i++)
        sum_release(&c->product[i]);
    mem_free(c->first);
    mem_free(c->product);
    *c = (struct comoments){0};
}
