/* impute with=regression and with=knn: the value other columns of the row suggest. */
#include "prep/impute.h"

#include <math.h>
#include <stdlib.h>

/* ---- regression ----------------------------------------------------------------------------- */

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

/* ---- knn ------------------------------------------------------------------------------------ */

/* Rows of numbers: the selected columns, then the from= columns. Kept with the first selected
 * column; the states of the others stay empty. */
struct neighbours {
    struct sample sample; /* items: the numbers, separated by commas, nothing for missing */
    size_t width;
    double *rows; /* sample.heap.len * width */
};

static size_t row_width(const struct step *s)
{
    return s->column_count + impute_plan(s)->from_count;
}

static void knn_start(const struct step *s, void *state)
{
    struct neighbours *n = state;
    sample_init(&n->sample, (size_t)arg_int(s, "sample"), s->context->seed, s->number);
    n->width = row_width(s);
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
    struct neighbours *n = state;
    const double **x;
    (void)values;
    int rc = l->index == 0 ? row_columns(l->step, l->batch, &x, e) : 0;
    struct buf item = {0};
    for (size_t r = 0; r < l->rows && l->index == 0 && rc == 0; r++) {
        uint64_t id = batch_row_id(l->batch, r);
        if (!sample_wants(&n->sample, id))
            continue;
        item.len = 0;
        for (size_t i = 0; i < n->width; i++) {
            char digits[NUMBER_MAX];
            if (i)
                buf_putc(&item, ',');
            if (!isnan(x[i][r]))
                buf_add(&item, digits, number_print(digits, x[i][r]));
        }
        sample_add(&n->sample, id, (struct text){buf_text(&item), item.len});
    }
    buf_release(&item);
    return rc;
}

static int knn_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s, (void)e;
    sample_merge(&((struct neighbours *)into)->sample, &((struct neighbours *)from)->sample);
    return 0;
}

static bool read_row(struct text item, double *row, size_t width)
{
    const char *at = item.at, *end = item.at + item.len;
    for (size_t i = 0; i < width; i++) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        row[i] = (double)NAN;
        if (stop > at && !number_parse_double(at, (size_t)(stop - at), &row[i]))
            return false;
        if (!comma != (i + 1 == width))
            return false;
        at = comma ? comma + 1 : end;
    }
    return true;
}

static int knn_finish(const struct step *s, size_t index, void *state, struct error *e)
{
    struct neighbours *n = state;
    (void)s, (void)index;
    sample_sort(&n->sample);
    mem_free(n->rows);
    n->rows = mem_array(NULL, n->sample.heap.len + 1, n->width * sizeof *n->rows);
    for (size_t i = 0; i < n->sample.heap.len; i++)
        if (!read_row(n->sample.heap.at[i].item, n->rows + i * n->width, n->width))
            return error_set(e, ERR_DATA, "a row of the sample does not hold %zu numbers",
                             n->width);
    return 0;
}

static json_t *knn_save(const struct step *s, const void *state)
{
    (void)s;
    return sample_save(&((const struct neighbours *)state)->sample);
}

static int knn_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    (void)s;
    return sample_load(&((struct neighbours *)state)->sample, j, e);
}

static void knn_release(void *state)
{
    struct neighbours *n = state;
    sample_release(&n->sample);
    mem_free(n->rows);
}

const struct learner impute_knn_learner = {.size = sizeof(struct neighbours),
                                           .init = knn_start,
                                           .numbers = knn_learn,
                                           .merge = knn_merge,
                                           .finish = knn_finish,
                                           .save = knn_save,
                                           .load = knn_load,
                                           .release = knn_release};

/* Mean square over the numbers both have; NaN when there are none. Compares as the scaled distance.
 */
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
static double nearest_mean(const struct neighbours *n, size_t column, const double *const *x,
                           size_t row, size_t k, struct donor *donors)
{
    size_t found = 0, all = 0;
    double sum = 0;
    for (size_t i = 0; i < n->sample.heap.len; i++) {
        const double *candidate = n->rows + i * n->width;
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
    const struct neighbours *n = columnwise_learnt(g->step, 0);
    size_t k = (size_t)arg_int(g->step, "neighbours");
    const double **x;
    int rc = row_columns(g->step, g->batch, &x, e);
    struct donor *donors = mem_array(NULL, n->sample.heap.len + 1, sizeof *donors);
    for (size_t r = 0; r < g->batch->rows && rc == 0; r++)
        if (!g->cells[r].at)
            g->cells[r] = impute_text(g->batch, nearest_mean(n, g->index, x, r, k, donors));
    mem_free(donors);
    return rc;
}
