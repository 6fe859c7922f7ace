/* Local outlier factor: how much thinner the rows are around a row than around its neighbours
 * (Breunig, Kriegel, Ng and Sander 2000). */
#include "steps/detector.h"

#include <math.h>

struct neighbour {
    double distance;
    size_t row;
};

struct lof {
    const struct row_sample *rows;
    size_t k;
    double *reach;   /* of each row: the distance to its k-th neighbour */
    double *density; /* local reachability density */
};

static double distance(const double *a, const double *b, size_t width)
{
    double squares = 0;
    for (size_t i = 0; i < width; i++)
        squares += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(squares);
}

/* The k rows nearest to `row` but for `self`, nearest first; equal distances by row. */
static void find_nearest(const struct lof *l, const double *row, size_t self,
                         struct neighbour *nearest)
{
    size_t found = 0, width = l->rows->width;
    for (size_t i = 0; i < l->rows->count; i++) {
        if (i == self)
            continue;
        struct neighbour here = {distance(row, l->rows->at + i * width, width), i};
        if (found == l->k && here.distance >= nearest[found - 1].distance)
            continue;
        size_t at = found < l->k ? found++ : found - 1;
        for (; at > 0 && nearest[at - 1].distance > here.distance; at--)
            nearest[at] = nearest[at - 1];
        nearest[at] = here;
    }
}

/* One over the mean reachability distance; duplicates do not make it infinite. */
static double density_from(const struct lof *l, const struct neighbour *nearest)
{
    double sum = 0;
    for (size_t i = 0; i < l->k; i++)
        sum += fmax(nearest[i].distance, l->reach[nearest[i].row]);
    return 1 / (sum / (double)l->k + 1e-10);
}

static void measure_rows(struct lof *l)
{
    size_t n = l->rows->count, width = l->rows->width;
    struct neighbour *all = mem_array(NULL, n * l->k, sizeof *all);
    for (size_t i = 0; i < n; i++) {
        find_nearest(l, l->rows->at + i * width, i, all + i * l->k);
        l->reach[i] = all[(i + 1) * l->k - 1].distance;
    }
    for (size_t i = 0; i < n; i++)
        l->density[i] = density_from(l, all + i * l->k);
    mem_free(all);
}

static void *build(const struct step *s, const struct row_sample *rows)
{
    if (rows->count < 2)
        return NULL;
    size_t k = (size_t)arg_int(s, "neighbours");
    struct lof *l = mem_alloc(sizeof *l);
    l->rows = rows;
    l->k = k < rows->count ? k : rows->count - 1;
    l->reach = mem_array(NULL, rows->count, sizeof *l->reach);
    l->density = mem_array(NULL, rows->count, sizeof *l->density);
    measure_rows(l);
    return l;
}

static double score(const void *model, const double *row, size_t self, void *scratch)
{
    const struct lof *l = model;
    struct neighbour *nearest = scratch;
    double sum = 0;
    find_nearest(l, row, self, nearest);
    for (size_t i = 0; i < l->k; i++)
        sum += l->density[nearest[i].row];
    return sum / (double)l->k / density_from(l, nearest);
}

static void release(void *model)
{
    struct lof *l = model;
    mem_free(l->reach);
    mem_free(l->density);
    mem_free(l);
}

static size_t scratch_size(const void *model)
{
    return ((const struct lof *)model)->k * sizeof(struct neighbour);
}

static size_t constants(const void *model, struct buf *out)
{
    const struct lof *l = model;
    size_t width = l->rows->width;
    for (size_t i = 0; i < l->rows->count; i++) {
        buf_add(out, l->rows->at + i * width, width * sizeof(double));
        buf_add(out, &l->reach[i], sizeof(double));
        buf_add(out, &l->density[i], sizeof(double));
    }
    return 2 * l->k + 1;
}

const struct detector detector_lof = {.build = build,
                                      .score = score,
                                      .scratch_size = scratch_size,
                                      .free = release,
                                      .threshold = 1.5,
                                      .vector = ML_VECTOR_density,
                                      .constants = constants};
