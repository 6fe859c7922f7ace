#include "steps/pairs.h"

#include <math.h>

int numbers_of(const struct step *s, struct batch *b, struct numbers *out, struct error *e)
{
    out->count = s->column_count;
    out->at = batch_array(b, s->column_count + 1, sizeof *out->at);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->column_count; i++)
        rc = batch_double(b, s->columns[i], s->names[i], &out->at[i], e);
    return rc;
}

bool numbers_row(const struct numbers *n, size_t row, double *out)
{
    bool whole = true;
    for (size_t i = 0; i < n->count; i++) {
        out[i] = n->at[i][row];
        whole = whole && isfinite(out[i]);
    }
    return whole;
}

static size_t pair_count(size_t p)
{
    return p * (p - (p > 0)) / 2;
}

static size_t pair_at(size_t p, size_t i, size_t j)
{
    return i * p - i * (i + 1) / 2 + (j - i - 1);
}

/* Index in comoments.product: the diagonal is part of it. */
static size_t product_at(size_t p, size_t i, size_t j)
{
    return i * p - i * (i + 1) / 2 + j;
}

static struct comoments *gaps_of(struct pairs *x)
{
    if (x->gaps)
        return x->gaps;
    x->gaps = mem_alloc(pair_count(x->p) * sizeof *x->gaps);
    for (size_t k = 0; k < pair_count(x->p); k++)
        comoments_init(&x->gaps[k], 2);
    return x->gaps;
}

void pairs_init(struct pairs *x, size_t p)
{
    *x = (struct pairs){.p = p};
    comoments_init(&x->complete, p);
}

void pairs_release(struct pairs *x)
{
    comoments_release(&x->complete);
    for (size_t k = 0; x->gaps && k < pair_count(x->p); k++)
        comoments_release(&x->gaps[k]);
    mem_free(x->gaps);
    *x = (struct pairs){0};
}

void pairs_add(struct pairs *x, const double *row)
{
    bool whole = true;
    for (size_t i = 0; i < x->p; i++)
        whole = whole && isfinite(row[i]);
    if (whole) {
        comoments_add(&x->complete, row);
        return;
    }
    struct comoments *gaps = gaps_of(x);
    for (size_t i = 0; i < x->p; i++)
        for (size_t j = i + 1; isfinite(row[i]) && j < x->p; j++)
            if (isfinite(row[j]))
                comoments_add(&gaps[pair_at(x->p, i, j)], (const double[]){row[i], row[j]});
}

void pairs_merge(struct pairs *into, const struct pairs *from)
{
    comoments_merge(&into->complete, &from->complete);
    for (size_t k = 0; from->gaps && k < pair_count(into->p); k++)
        comoments_merge(&gaps_of(into)[k], &from->gaps[k]);
}

double comoments_correlation(const struct comoments *c, size_t i, size_t j)
{
    double x = comoments_covariance(c, i, i, 0), y = comoments_covariance(c, j, j, 0);
    if (!(x > 0 && y > 0))
        return (double)NAN;
    double r = comoments_covariance(c, i, j, 0) / sqrt(x) / sqrt(y);
    return i == j ? 1 : fmin(1, fmax(-1, r));
}

double pairs_correlation(const struct pairs *x, size_t i, size_t j)
{
    if (!x->gaps || i == j)
        return comoments_correlation(&x->complete, i, j);
    size_t low = i < j ? i : j, high = i < j ? j : i;
    const struct comoments *c = &x->complete;
    struct comoments both;
    comoments_init(&both, 2);
    comoments_merge(&both, &x->gaps[pair_at(x->p, low, high)]);
    both.count += c->count;
    sum_merge(&both.first[0], &c->first[low]);
    sum_merge(&both.first[1], &c->first[high]);
    sum_merge(&both.product[0], &c->product[product_at(x->p, low, low)]);
    sum_merge(&both.product[1], &c->product[product_at(x->p, low, high)]);
    sum_merge(&both.product[2], &c->product[product_at(x->p, high, high)]);
    double r = comoments_correlation(&both, 0, 1);
    comoments_release(&both);
    return r;
}

json_t *pairs_save(const struct pairs *x)
{
    json_t *j = comoments_save(&x->complete);
    if (!x->gaps)
        return j;
    json_t *gaps = json_array();
    for (size_t k = 0; k < pair_count(x->p); k++)
        json_array_append_new(gaps, comoments_save(&x->gaps[k]));
    json_object_set_new(j, "gaps", gaps);
    return j;
}

static int load_gaps(struct pairs *x, const json_t *gaps, struct error *e)
{
    if (json_array_size(gaps) != pair_count(x->p))
        return error_set(e, ERR_DATA, "expected %zu pairs", pair_count(x->p));
    gaps_of(x);
    for (size_t k = 0; k < pair_count(x->p); k++) {
        comoments_release(&x->gaps[k]);
        int rc = comoments_load(&x->gaps[k], json_array_get(gaps, k), e);
        if (rc == 0 && x->gaps[k].p != 2)
            rc = error_set(e, ERR_DATA, "expected sums of 2 columns");
        if (rc)
            return rc;
    }
    return 0;
}

int pairs_load(struct pairs *x, size_t p, const json_t *j, struct error *e)
{
    comoments_release(&x->complete);
    int rc = comoments_load(&x->complete, j, e);
    if (rc == 0 && x->complete.p != p)
        rc = error_set(e, ERR_DATA, "expected sums of %zu columns", p);
    const json_t *gaps = json_object_get(j, "gaps");
    return rc == 0 && gaps ? load_gaps(x, gaps, e) : rc;
}
