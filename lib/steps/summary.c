/* The sums of a column of numbers, and what was derived from them. */
#include "steps/summary.h"

#include <math.h>

void summary_moments(const struct step *s, void *state)
{
    struct summary *m = state;
    (void)s;
    m->moments = mem_alloc(sizeof *m->moments);
    moments_init(m->moments, 2);
}

void summary_quantiles(const struct step *s, void *state)
{
    struct summary *m = state;
    size_t jobs = s->context->jobs ? s->context->jobs : 1;
    m->quantiles = quantiles_new(s->context->memory / (jobs * s->column_count));
}

void summary_values(const struct step *s, void *state)
{
    struct summary *m = state;
    (void)s;
    m->values = mem_alloc(sizeof *m->values);
}

int summary_numbers(const struct lesson *l, void *state, const double *values, struct error *e)
{
    struct summary *m = state;
    for (size_t r = 0; r < l->rows; r++)
        m->missing += isnan(values[r]) != 0;
    if (m->moments)
        moments_add_many(m->moments, values, l->rows);
    if (!m->quantiles && !m->values)
        return 0;
    size_t n;
    const double *present = lesson_present(l, values, &n);
    for (size_t i = 0; m->values && i < n; i++)
        distribution_add(m->values, present[i], 0, 1);
    return m->quantiles ? quantiles_add(m->quantiles, present, n, e) : 0;
}

int summary_merge(const struct step *s, void *into, void *from, struct error *e)
{
    struct summary *a = into, *b = from;
    (void)s;
    a->missing += b->missing;
    if (a->moments)
        moments_merge(a->moments, b->moments);
    if (a->values)
        distribution_merge(a->values, b->values);
    return a->quantiles ? quantiles_merge(a->quantiles, b->quantiles, e) : 0;
}

static uint64_t rows_of(const struct summary *m)
{
    return m->missing + (m->moments ? m->moments->count : quantiles_count(m->quantiles));
}

bool summary_filled(const void *state, struct filled *out)
{
    const struct summary *m = state;
    out->value = m->learnt.at[0];
    out->times = m->missing;
    out->rows = rows_of(m);
    return true;
}

/* Sums are exact, so what was added can be taken away. The range stays: a mean or median that
 * filled cells lies within that of the others. */
bool summary_refill(void *state, const struct filled *was, double now)
{
    struct summary *m = state;
    if (!m->moments || m->quantiles || m->values || m->moments->order > 2 ||
        rows_of(m) != was->rows)
        return false;
    struct sum *first = &m->moments->power[0], *second = &m->moments->power[1];
    for (uint64_t i = 0; i < was->times && !isnan(was->value); i++) {
        sum_add(first, -was->value);
        sum_add_product(second, was->value, -was->value);
    }
    m->moments->count -= isnan(was->value) ? 0 : was->times;
    m->missing -= isnan(was->value) ? was->times : 0;
    for (uint64_t i = 0; i < was->times; i++)
        moments_add(m->moments, now); /* NaN adds nothing */
    m->missing += isnan(now) ? was->times : 0;
    return true;
}

void summary_release(void *state)
{
    struct summary *m = state;
    if (m->moments)
        moments_release(m->moments);
    if (m->values)
        distribution_release(m->values);
    mem_free(m->moments);
    mem_free(m->values);
    quantiles_free(m->quantiles);
    vec_release(&m->learnt);
}

static void keep_learnt(struct summary *m, const double *values, size_t count)
{
    m->learnt.len = 0;
    for (size_t i = 0; i < count; i++)
        vec_push(&m->learnt, values[i]);
}

void summary_set(struct summary *m, const char *const *names, const double *values, size_t count)
{
    m->names = names;
    keep_learnt(m, values, count);
}

void summary_set_list(struct summary *m, const char *name, const double *values, size_t count)
{
    m->list = name;
    keep_learnt(m, values, count);
}

static void save_learnt(const struct summary *m, json_t *j)
{
    for (size_t i = 0; m->names && i < m->learnt.len; i++)
        json_object_set_new(j, m->names[i], json_of_number(m->learnt.at[i]));
    if (!m->list)
        return;
    json_t *list = json_array();
    for (size_t i = 0; i < m->learnt.len; i++)
        json_array_append_new(list, json_of_number(m->learnt.at[i]));
    json_object_set_new(j, m->list, list);
}

json_t *summary_save(const struct step *s, const void *state)
{
    const struct summary *m = state;
    json_t *j = json_object();
    (void)s;
    save_learnt(m, j);
    json_object_set_new(j, "missing", json_integer((json_int_t)m->missing));
    if (m->moments)
        json_object_set_new(j, "moments", moments_save(m->moments));
    if (m->quantiles)
        json_object_set_new(j, "quantiles", quantiles_save(m->quantiles, NULL));
    if (m->values)
        json_object_set_new(j, "distribution", distribution_save(m->values));
    return j;
}

/* The learnt numbers are derived anew by finish, so only the sums are read. */
int summary_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct summary *m = state;
    int rc = 0;
    (void)s;
    const json_t *missing = json_object_get(j, "missing");
    if (!json_is_integer(missing) || json_integer_value(missing) < 0)
        return error_set(e, ERR_DATA, "missing: expected a count");
    m->missing = (uint64_t)json_integer_value(missing);
    if (m->moments)
        rc = moments_load(m->moments, json_object_get(j, "moments"), e);
    if (rc == 0 && m->quantiles)
        rc = quantiles_load(m->quantiles, json_object_get(j, "quantiles"), e);
    if (rc == 0 && m->values)
        rc = distribution_load(m->values, json_object_get(j, "distribution"), e);
    return rc;
}
