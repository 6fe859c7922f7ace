/* Elliptic envelope: the Mahalanobis distance from a centre and a covariance that outliers did not
 * pull, by the minimum covariance determinant (Rousseeuw and Van Driessen 1999). */
#include "steps/detector.h"

#include <math.h>
#include <stdlib.h>

enum { STARTS = 100, STEPS = 100 };

struct ellipse {
    size_t width;
    double log_det; /* of the covariance; infinite when it is singular */
    double *centre; /* width */
    double *root;   /* width * width: Cholesky factor of the covariance, lower triangle */
};

struct ranked {
    double distance;
    size_t row;
};

static struct ellipse *ellipse_new(size_t width)
{
    struct ellipse *m = mem_alloc(sizeof *m);
    m->width = width;
    m->centre = mem_array(NULL, width, sizeof *m->centre);
    m->root = mem_array(NULL, width * width, sizeof *m->root);
    return m;
}

static void ellipse_free(void *model)
{
    struct ellipse *m = model;
    if (!m)
        return;
    mem_free(m->centre);
    mem_free(m->root);
    mem_free(m);
}

/* Cholesky in place; the logarithm of the determinant, infinite when a pivot is not positive. */
static double factor(double *a, size_t n)
{
    double log_det = 0;
    for (size_t j = 0; j < n; j++) {
        double scale = a[j * n + j], pivot = scale;
        for (size_t k = 0; k < j; k++)
            pivot -= a[j * n + k] * a[j * n + k];
        if (!(pivot > 1e-12 * scale))
            return (double)INFINITY;
        a[j * n + j] = sqrt(pivot);
        log_det += log(pivot);
        for (size_t i = j + 1; i < n; i++) {
            double sum = a[i * n + j];
            for (size_t k = 0; k < j; k++)
                sum -= a[i * n + k] * a[j * n + k];
            a[i * n + j] = sum / a[j * n + j];
        }
    }
    return log_det;
}

/* Mean and covariance (divided by n) of the first n of `chosen`. */
static void fit(struct ellipse *m, const struct row_sample *rows, const struct ranked *chosen,
                size_t n)
{
    size_t p = m->width;
    memset(m->centre, 0, p * sizeof *m->centre);
    memset(m->root, 0, p * p * sizeof *m->root);
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < p; i++)
            m->centre[i] += rows->at[chosen[r].row * p + i] / (double)n;
    for (size_t r = 0; r < n; r++) {
        const double *row = rows->at + chosen[r].row * p;
        for (size_t i = 0; i < p; i++)
            for (size_t j = 0; j <= i; j++)
                m->root[i * p + j] += (row[i] - m->centre[i]) * (row[j] - m->centre[j]) / (double)n;
    }
    m->log_det = factor(m->root, p);
}

/* Squared Mahalanobis distance; solved holds width numbers. */
static double distance(const struct ellipse *m, const double *row, double *solved)
{
    double squares = 0;
    for (size_t i = 0; i < m->width; i++) {
        double sum = row[i] - m->centre[i];
        for (size_t k = 0; k < i; k++)
            sum -= m->root[i * m->width + k] * solved[k];
        solved[i] = sum / m->root[i * m->width + i];
        squares += solved[i] * solved[i];
    }
    return squares;
}

static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->distance != b->distance)
        return a->distance < b->distance ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

/* All rows, nearest first. */
static void rank(const struct ellipse *m, const struct row_sample *rows, struct ranked *ranked)
{
    double *solved = mem_array(NULL, m->width, sizeof *solved);
    for (size_t r = 0; r < rows->count; r++)
        ranked[r] = (struct ranked){distance(m, rows->at + r * m->width, solved), r};
    qsort(ranked, rows->count, sizeof *ranked, compare_ranked);
    mem_free(solved);
}

/* Refits to the `half` nearest rows until the determinant shrinks no more; it never grows. */
static void concentrate(struct ellipse *m, const struct row_sample *rows, struct ranked *ranked,
                        size_t half)
{
    for (int i = 0; i < STEPS && isfinite(m->log_det); i++) {
        double before = m->log_det;
        rank(m, rows, ranked);
        fit(m, rows, ranked, half);
        if (!(m->log_det < before - 1e-12 * fabs(before)) && i > 0)
            break;
    }
}

/* width + 1 rows at random, more while their covariance is singular. */
static void start_anywhere(struct ellipse *m, const struct step *s, const struct row_sample *rows,
                           struct ranked *ranked, uint64_t trial)
{
    uint64_t stream = hash_u64(s->number) + trial;
    for (size_t i = 0; i < rows->count; i++)
        ranked[i].row = i;
    m->log_det = (double)INFINITY;
    for (size_t i = 0; i < rows->count && isinf(m->log_det); i++) {
        size_t other = i + (size_t)random_below(s->context->seed, stream, i, rows->count - i);
        struct ranked swap = ranked[i];
        ranked[i] = ranked[other];
        ranked[other] = swap;
        if (i >= m->width)
            fit(m, rows, ranked, i + 1);
    }
}

/* x with chi2_sf(x) = share. */
static double chi2_isf(double share, double df)
{
    double low = 0, high = 1;
    while (chi2_sf(high, df) > share)
        high *= 2;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (chi2_sf(middle, df) > share)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

/* Scaled so that the median distance is that of a normal distribution, then fitted anew to all rows
 * that are not in its outer 2.5 %. */
static void reweight(struct ellipse *m, const struct row_sample *rows, struct ranked *ranked)
{
    size_t n = rows->count, inside = 0;
    rank(m, rows, ranked);
    double median = (ranked[(n - 1) / 2].distance + ranked[n / 2].distance) / 2;
    double df = (double)m->width, scale = median / chi2_isf(0.5, df);
    double limit = chi2_isf(0.025, df);
    while (inside < n && ranked[inside].distance / scale < limit)
        inside++;
    fit(m, rows, ranked, inside);
}

static void *build(const struct step *s, const struct row_sample *rows)
{
    size_t p = rows->width, n = rows->count, half = (n + p + 2) / 2;
    if (n < p + 2)
        return NULL;
    struct ellipse *best = ellipse_new(p), *m = ellipse_new(p);
    struct ranked *ranked = mem_alloc(n * sizeof *ranked);
    best->log_det = (double)INFINITY;
    for (uint64_t trial = 0; trial < STARTS; trial++) {
        start_anywhere(m, s, rows, ranked, trial);
        concentrate(m, rows, ranked, half);
        if (!(m->log_det < best->log_det))
            continue;
        struct ellipse *swap = best;
        best = m;
        m = swap;
    }
    ellipse_free(m);
    if (isfinite(best->log_det))
        reweight(best, rows, ranked);
    mem_free(ranked);
    if (isfinite(best->log_det))
        return best;
    ellipse_free(best);
    return NULL;
}

static double score(const void *model, const double *row, size_t self, void *scratch)
{
    (void)self;
    return distance(model, row, scratch);
}

static size_t scratch_size(const void *model)
{
    return ((const struct ellipse *)model)->width * sizeof(double);
}

static size_t constants(const void *model, struct buf *out)
{
    const struct ellipse *m = model;
    buf_add(out, m->centre, m->width * sizeof *m->centre);
    buf_add(out, m->root, m->width * m->width * sizeof *m->root);
    return m->width + 1;
}

const struct detector detector_ellipse = {.build = build,
                                          .score = score,
                                          .scratch_size = scratch_size,
                                          .free = ellipse_free,
                                          .threshold = (double)NAN,
                                          .vector = ML_VECTOR_ellipse,
                                          .constants = constants};
