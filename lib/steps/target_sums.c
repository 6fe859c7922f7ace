#include "steps/target_sums.h"

#include "steps/pairs.h"

#include <math.h>

void *target_sums_new(const struct step *s)
{
    struct comoments *c = mem_alloc(sizeof *c);
    comoments_init(c, s->column_count + 1);
    return c;
}

void target_sums_free(void *state)
{
    if (state)
        comoments_release(state);
    mem_free(state);
}

int target_sums_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    struct numbers numbers;
    const double *target;
    size_t p = s->column_count;
    double *row = batch_array(b, p + 1, sizeof *row);
    int rc = numbers_of(s, b, &numbers, e);
    if (rc == 0)
        rc = batch_double(b, s->reads.at[0], arg_string(s, "target"), &target, e);
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        row[p] = target[r];
        if (numbers_row(&numbers, r, row) && isfinite(row[p]))
            comoments_add(state, row);
    }
    return rc;
}

int target_sums_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    comoments_merge(into, from);
    return 0;
}

json_t *target_sums_save(const struct step *s, const void *state)
{
    (void)s;
    return json_pack("{s:o}", "sums", comoments_save(state));
}

int target_sums_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct comoments *c = state;
    comoments_release(c);
    int rc = comoments_load(c, json_object_get(j, "sums"), e);
    if (rc == 0 && c->p != s->column_count + 1)
        rc = error_set(e, ERR_DATA, "expected sums of %zu columns", s->column_count + 1);
    return rc;
}
