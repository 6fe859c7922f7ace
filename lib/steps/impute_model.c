/* impute with=regression and with=knn: the value other columns of the row suggest. */
#include "runtime/program_vector.h"
#include "steps/impute.h"
#include "steps/row_sample.h"

#include <math.h>
#include <stdlib.h>

/* y = coefficient[0] + sum of coefficient[i + 1] * x[i], least squares on complete rows. */
struct regression {
    struct comoments sums; /* of x, then y */
    struct moments all;    /* of y wherever it is there */
    double *coefficient;
};

static void regression_start(const struct step *s, void *state)
{
    struct regression *m = state;
    size_t p = impute_plan(s)->from_count;
    comoments_init(&m->sums, p + 1);
    moments_init(&m->all, 1);
    m->coefficient = mem_alloc((p + 1) * sizeof *m->coefficient);
}

static int regression_learn(const struct lesson *l, void *state, const double *values,
                            struct error *e)
{
    struct regression *m = state;
    size_t p = m->sums.p - 1;
    const double **x;
    int rc = impute_predictors(l->step, l->batch, &x, e);
    if (rc)
        return rc;
    double *row = batch_array(l->batch, p + 1, sizeof *row);
    moments_add_many(&m->all, values, l->rows);
    for (size_t r = 0; r < l->rows; r++) {
        bool complete = !isnan(values[r]);
        for (size_t i = 0; i < p; i++) {
            row[i] = x[i][r];
            complete = complete && !isnan(row[i]);
        }
        row[p] = values[r];
        if (complete)
            comoments_add(&m->sums, row);
    }
    return 0;
}

static int regression_merge(const struct step *s, void *into, void *from, struct error *e)
{
    struct regression *a = into;
    const struct regression *b = from;
    (void)s, (void)e;
    comoments_merge(&a->sums, &b->sums);
    moments_merge(&a->all, &b->all);
    return 0;
}

/* Without a unique solution the mean alone is left. */
static int regression_finish(const struct step *s, size_t index, void *state, struct error *e)
{
    struct regression *m = state;
    size_t p = m->sums.p - 1;
    double *matrix = mem_alloc((p * p + 1) * sizeof *matrix);
    double *slope = mem_alloc((p + 1) * sizeof *slope);
    (void)s, (void)index, (void)e;
    for (size_t i = 0; i < p; i++) {
        slope[i] = comoments_covariance(&m->sums, i, p, 0);
        for (size_t k = 0; k < p; k++)
            matrix[i * p + k] = comoments_covariance(&m->sums, i, k, 0);
    }
    bool solved = m->sums.count > p && solve_spd(matrix, slope, p);
    m->coefficient[0] = solved ? comoments_mean(&m->sums, p) : moments_mean(&m->all);
    for (size_t i = 0; i < p; i++) {
        m->coefficient[i + 1] = solved ? slope[i] : 0;
        if (solved)
            m->coefficient[0] -= slope[i] * comoments_mean(&m->sums, i);
    }
    mem_free(matrix);
    mem_free(slope);
    return 0;
}

static json_t *regression_save(const struct step *s, const void *state)
{
    const struct regression *m = state;
    json_t *coefficients = json_array();
    (void)s;
    for (size_t i = 0; i < m->sums.p; i++)
        json_array_append_new(coefficients, json_of_number(m->coefficient[i]));
    return json_pack("{s:o,s:o,s:o}", "coefficients", coefficients, "comoments",
                     comoments_save(&m->sums), "all", moments_save(&m->all));
}

static int regression_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct regression *m = state;
    size_t p = impute_plan(s)->from_count;
    comoments_release(&m->sums);
    int rc = comoments_load(&m->sums, json_object_get(j, "comoments"), e);
    if (rc == 0 && m->sums.p != p + 1)
        rc = error_set(e, ERR_DATA, "sums of %zu columns, expected %zu", m->sums.p, p + 1);
    return rc ? rc : moments_load(&m->all, json_object_get(j, "all"), e);
}

static void regression_release(void *state)
{
    struct regression *m = state;
    comoments_release(&m->sums);
    moments_release(&m->all);
    mem_free(m->coefficient);
}

const struct learner impute_regression_learner = {.size = sizeof(struct regression),
                                                  .init = regression_start,
                                                  .numbers = regression_learn,
                                                  .merge = regression_merge,
                                                  .finish = regression_finish,
                                                  .save = regression_save,
                                                  .load = regression_load,
                                                  .release = regression_release};

int impute_fill_regression(const struct gaps *g, struct error *e)
{
    const struct regression *m = columnwise_learnt(g->step, g->index);
    const double **x;
    int rc = impute_predictors(g->step, g->batch, &x, e);
    for (size_t r = 0; r < g->batch->rows && rc == 0; r++) {
        if (g->cells[r].at)
            continue;
        double y = m->coefficient[0];
        for (size_t i = 0; i + 1 < m->sums.p; i++)
            y += m->coefficient[i + 1] * x[i][r];
        g->cells[r] = impute_text(g->batch, isnan(y) ? moments_mean(&m->all) : y);
    }
    return rc;
}

uint32_t impute_lower_regression(const struct step *s, size_t index, struct lowering *l)
{
    const struct regression *m = columnwise_learnt(s, index);
    const struct impute_plan *p = impute_plan(s);
    uint32_t y = lower_op(l, ML_OP_set_float, lower_float(l, m->coefficient[0]), 0, 0);
    uint32_t mean = lower_op(l, ML_OP_set_float, lower_float(l, moments_mean(&m->all)), 0, 0);
    for (size_t i = 0; i + 1 < m->sums.p; i++) {
        uint32_t slope = lower_op(l, ML_OP_set_float, lower_float(l, m->coefficient[i + 1]), 0, 0);
        uint32_t x = lower_column(l, p->from[i], ML_FLOAT);
        y = lower_op(l, ML_OP_add, y, lower_op(l, ML_OP_mul, slope, x, 0), 0);
    }
    return lower_op(l, ML_OP_first_float, y, mean, 0);
}

/* Rows hold the selected columns, then the from= columns. They are kept with the first selected
 * column; the samples of the others stay empty. */
static size_t row_width(const struct step *s)
{
    return s->column_count + impute_plan(s)->from_count;
}

static void knn_start(const struct step *s, void *state)
{
    row_sample_init(state, (size_t)arg_int(s, "sample"), row_width(s), s->context->seed, s->number);
}

/* The numbers of all columns that make a row. */
static int row_columns(const struct step *s, struct batch *b, const double ***out, struct error *e)
{
    const double **x = batch_array(b, row_width(s), sizeof *x), **from;
    int rc = impute_predictors(s, b, &from, e);
    for (size_t i = 0; i < s->column_count && rc == 0; i++)
        rc = batch_double(b, s->columns[i], s->names[i], &x[i], e);
    if (rc == 0)
        memcpy(x + s->column_count, from, impute_plan(s)->from_count * sizeof *x);
    *out = x;
    return rc;
}

static int knn_learn(const struct lesson *l, void *state, const double *values, struct error *e)
{
    const double **x;
    (void)values;
    if (l->index > 0)
        return 0;
    int rc = row_columns(l->step, l->batch, &x, e);
    for (size_t r = 0; r < l->rows && rc == 0; r++)
        row_sample_add(state, batch_row_id(l->batch, r), x, r);
    return rc;
}

static int knn_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s, (void)e;
    sample_merge(&((struct row_sample *)into)->sample, &((struct row_sample *)from)->sample);
    return 0;
}

static int knn_finish(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)s, (void)index;
    return row_sample_finish(state, e);
}

static json_t *knn_save(const struct step *s, const void *state)
{
    (void)s;
    return sample_save(&((const struct row_sample *)state)->sample);
}

static int knn_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    (void)s;
    return row_sample_load(state, j, e);
}

static void knn_release(void *state)
{
    row_sample_release(state);
}

const struct learner impute_knn_learner = {.size = sizeof(struct row_sample),
                                           .init = knn_start,
                                           .numbers = knn_learn,
                                           .merge = knn_merge,
                                           .finish = knn_finish,
                                           .save = knn_save,
                                           .load = knn_load,
                                           .release = knn_release};

/* Mean square over the numbers both have; NaN when there are none.
 * Compares as the scaled distance. */
static double distance(const double *row, const double *const *x, size_t r, size_t width)
{
    double squares = 0, both = 0;
    for (size_t i = 0; i < width; i++) {
        double off = row[i] - x[i][r];
        if (!isnan(off)) {
            squares += off * off;
            both += 1;
        }
    }
    return squares / both;
}

struct donor {
    double distance, value;
    size_t place;
};

static int compare_donors(const void *left, const void *right)
{
    const struct donor *a = left, *b = right;
    if (a->distance != b->distance)
        return a->distance < b->distance ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* The mean of the nearest donors' values; without a distance to any, of all donors. */
static double nearest_mean(const struct row_sample *n, size_t column, const double *const *x,
                           size_t row, size_t k, struct donor *donors)
{
    size_t found = 0, all = 0;
    double sum = 0;
    for (size_t i = 0; i < n->count; i++) {
        const double *candidate = n->at + i * n->width;
        if (isnan(candidate[column]))
            continue;
        double far = distance(candidate, x, row, n->width);
        sum += candidate[column];
        all++;
        if (!isnan(far))
            donors[found++] = (struct donor){far, candidate[column], i};
    }
    if (found == 0)
        return all ? sum / (double)all : (double)NAN;
    qsort(donors, found, sizeof *donors, compare_donors);
    found = found < k ? found : k;
    sum = 0;
    for (size_t i = 0; i < found; i++)
        sum += donors[i].value;
    return sum / (double)found;
}

int impute_fill_knn(const struct gaps *g, struct error *e)
{
    const struct row_sample *n = columnwise_learnt(g->step, 0);
    size_t k = (size_t)arg_int(g->step, "neighbours");
    const double **x;
    int rc = row_columns(g->step, g->batch, &x, e);
    struct donor *donors = mem_array(NULL, n->count + 1, sizeof *donors);
    for (size_t r = 0; r < g->batch->rows && rc == 0; r++)
        if (!g->cells[r].at)
            g->cells[r] = impute_text(g->batch, nearest_mean(n, g->index, x, r, k, donors));
    mem_free(donors);
    return rc;
}

/* For ML_VECTOR_nearest; returns how many results it gives. */
static size_t knn_constants(const struct step *s, size_t index, struct buf *out)
{
    const struct row_sample *n = columnwise_learnt(s, 0);
    size_t nearest = (size_t)arg_int(s, "neighbours");
    double column = (double)index;
    buf_add(out, &column, sizeof column);
    buf_add(out, n->at, n->count * n->width * sizeof *n->at);
    return 2 * (nearest < n->count ? nearest : n->count) + 1;
}

uint32_t impute_lower_knn(const struct step *s, size_t index, struct lowering *l)
{
    const struct impute_plan *p = impute_plan(s);
    struct buf constants = {0};
    size_t width = row_width(s), k = knn_constants(s, index, &constants);
    uint32_t *in = mem_array(NULL, width + k, sizeof *in), *out = in + width;
    for (size_t i = 0; i < s->column_count; i++)
        in[i] = lower_column(l, s->columns[i], ML_FLOAT);
    for (size_t i = 0; i < p->from_count; i++)
        in[s->column_count + i] = lower_column(l, p->from[i], ML_FLOAT);
    if (k > 1)
        lower_vector(l, ML_VECTOR_nearest, false, in, width,
                     (const double *)(const void *)constants.at, constants.len / sizeof(double),
                     out, k);
    uint32_t mean = k > 1 ? out[k - 1] : lower_unknown(l, in, width);
    mem_free(in);
    buf_release(&constants);
    return mean;
}
