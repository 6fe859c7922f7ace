/* Projections found by iteration over a sample of rows: kmeans_distance, nmf, fast_ica. Nothing but
 * the seed, the rows and their order has a say. */
#include "runtime/program_vector.h"
#include "steps/projection.h"
#include "steps/steps.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { KMEANS_STARTS = 10, KMEANS_ROUNDS = 300 };

struct kmeans {
    const double *rows; /* n * p */
    size_t n, p, k;
    double *centres; /* k * p */
    double *near;    /* n: squared distance to the nearest centre */
    size_t *cluster; /* n */
    double *counts;  /* k */
};

static double squared_distance(const double *a, const double *b, size_t p)
{
    double sum = 0;
    for (size_t i = 0; i < p; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

/* Finds the nearest of the first `centres` centres for each row, the first of equals. Returns the
 * sum of squared distances; *moved counts the rows that change clusters. */
static double assign(struct kmeans *m, size_t centres, size_t *moved)
{
    double sum = 0;
    *moved = 0;
    for (size_t r = 0; r < m->n; r++) {
        size_t best = 0;
        m->near[r] = (double)INFINITY;
        for (size_t c = 0; c < centres; c++) {
            double d = squared_distance(m->rows + r * m->p, m->centres + c * m->p, m->p);
            if (d < m->near[r]) {
                m->near[r] = d;
                best = c;
            }
        }
        *moved += m->cluster[r] != best;
        m->cluster[r] = best;
        sum += m->near[r];
    }
    return sum;
}

/* k-means++ (Arthur and Vassilvitskii 2007): rows as centres, drawn by their squared distance to
 * those drawn before. */
static void draw_centres(struct kmeans *m, const struct step *s, size_t start)
{
    size_t moved;
    for (size_t c = 0; c < m->k; c++) {
        double u = random_unit(s->context->seed, s->number, start * m->k + c);
        double target = c ? u * assign(m, c, &moved) : 0;
        size_t row = c ? 0 : (size_t)(u * (double)m->n);
        for (; c && row + 1 < m->n && (target -= m->near[row]) >= 0; row++)
            ;
        memcpy(m->centres + c * m->p, m->rows + row * m->p, m->p * sizeof *m->centres);
    }
}

/* To the mean of its rows; a centre without any stays. */
static void move_centres(struct kmeans *m)
{
    memset(m->counts, 0, m->k * sizeof *m->counts);
    for (size_t r = 0; r < m->n; r++)
        m->counts[m->cluster[r]]++;
    for (size_t c = 0; c < m->k; c++)
        if (m->counts[c] > 0)
            memset(m->centres + c * m->p, 0, m->p * sizeof *m->centres);
    for (size_t r = 0; r < m->n; r++) {
        size_t c = m->cluster[r];
        for (size_t i = 0; i < m->p; i++)
            m->centres[c * m->p + i] += m->rows[r * m->p + i] / m->counts[c];
    }
}

/* Lloyd's rounds from one start; the sum of squared distances. */
static double settle_centres(struct kmeans *m)
{
    size_t moved = 1;
    double sum = assign(m, m->k, &moved);
    for (int round = 0; round < KMEANS_ROUNDS && (round == 0 || moved > 0); round++) {
        move_centres(m);
        sum = assign(m, m->k, &moved);
    }
    return sum;
}

/* The first number says which centre comes first; so outputs do not depend on the draws. */
static int by_first_number(const void *a, const void *b)
{
    const double *x = *(const double *const *)a, *y = *(const double *const *)b;
    return (*x > *y) - (*x < *y);
}

static void put_centres(struct projection *x, const struct kmeans *m)
{
    const double **order = mem_array(NULL, m->k, sizeof *order);
    for (size_t c = 0; c < m->k; c++)
        order[c] = m->centres + c * m->p;
    qsort(order, m->k, sizeof *order, by_first_number);
    for (size_t c = 0; c < m->k; c++)
        memcpy(x->weights + c * m->p, order[c], m->p * sizeof *x->weights);
    mem_free(order);
}

static int derive_kmeans(const struct step *s, struct projection *x, struct error *e)
{
    size_t n = x->sample.heap.len, k = (size_t)arg_int(s, "k");
    double least = (double)INFINITY;
    (void)e;
    if (n == 0)
        return projection_nothing(x, k);
    double *rows = projection_rows(x);
    struct kmeans m = {.rows = rows, .n = n, .p = x->p, .k = k};
    m.centres = mem_array(NULL, k * x->p + n + k + 1, sizeof *m.centres);
    m.near = m.centres + k * x->p;
    m.counts = m.near + n;
    m.cluster = mem_alloc(n * sizeof *m.cluster);
    projection_size(x, k);
    for (size_t start = 0; start < KMEANS_STARTS; start++) {
        draw_centres(&m, s, start);
        double sum = settle_centres(&m);
        if (sum < least)
            put_centres(x, &m);
        least = fmin(least, sum);
    }
    mem_free(m.cluster);
    mem_free(m.centres);
    mem_free(rows);
    return 0;
}

static void distances_to_centres(const struct projection *x, const double *in, double *out)
{
    for (size_t c = 0; c < x->k; c++)
        out[c] = sqrt(squared_distance(in, x->weights + c * x->p, x->p));
}

static void put_centres_of(const struct projection *x, struct buf *out)
{
    projection_put(out, x->weights, x->k * x->p);
}

/* rows (n * p) are about left (n * k) times right (k * p), none of them negative. */
struct factors {
    const double *rows;
    size_t n, p, k;
    double *left, *right;
};

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static double sum_of_squares_above(const double *x, size_t n, double sign)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * sign > 0 ? x[i] * x[i] : 0;
    return sum;
}

/* A pair of singular vectors u (n), v (p) as a start: the positive or negative parts of both,
 * whichever weigh more (Boutsidis and Gallopoulos 2008), zeros replaced by `fill`. */
static void start_component(struct factors *f, size_t c, const double *u, const double *v,
                            double singular, double fill)
{
    double up = sqrt(sum_of_squares_above(u, f->n, 1)), vp = sqrt(sum_of_squares_above(v, f->p, 1));
    double un = sqrt(sum_of_squares_above(u, f->n, -1));
    double vn = sqrt(sum_of_squares_above(v, f->p, -1));
    double sign = up * vp > un * vn ? 1 : -1;
    double u_norm = sign > 0 ? up : un, v_norm = sign > 0 ? vp : vn;
    double scale = sqrt(singular * u_norm * v_norm);
    for (size_t r = 0; r < f->n; r++) {
        double w = scale * fmax(u[r] * sign, 0) / u_norm;
        f->left[r * f->k + c] = w > 1e-6 ? w : fill;
    }
    for (size_t i = 0; i < f->p; i++) {
        double w = scale * fmax(v[i] * sign, 0) / v_norm;
        f->right[c * f->p + i] = w > 1e-6 ? w : fill;
    }
}

/* Singular vectors by the eigenvectors of the products of columns. */
static void start_factors(struct factors *f)
{
    size_t n = f->n, p = f->p;
    double *products = mem_array(NULL, 2 * p * p + p + n + 1, sizeof *products), mean = 0;
    double *vector = products + p * p, *value = vector + p * p, *u = value + p;
    memset(products, 0, p * p * sizeof *products);
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < p; i++) {
            mean += f->rows[r * p + i];
            for (size_t k = 0; k < p; k++)
                products[i * p + k] += f->rows[r * p + i] * f->rows[r * p + k];
        }
    mean /= (double)(n * p);
    eigen_symmetric(products, p, value, vector);
    for (size_t c = 0; c < f->k; c++) {
        double singular = sqrt(fmax(value[c], DBL_MIN));
        for (size_t r = 0; r < n; r++)
            u[r] = dot(f->rows + r * p, vector + c * p, p) / singular;
        start_component(f, c, u, vector + c * p, singular, mean);
    }
    mem_free(products);
}

/* One weight to its best value while the others stay; how far it was from there. */
static double improve(double *weight, double pull, double square)
{
    double slope = square * *weight - pull;
    double off = *weight == 0 ? fmin(slope, 0) : slope;
    if (square > 0)
        *weight = fmax(*weight - slope / square, 0);
    return fabs(off);
}

/* Weights of all rows for component after component. */
static double improve_left(struct factors *f, double *squares)
{
    double off = 0;
    for (size_t c = 0; c < f->k; c++) {
        for (size_t l = 0; l < f->k; l++)
            squares[l] = dot(f->right + c * f->p, f->right + l * f->p, f->p);
        for (size_t r = 0; r < f->n; r++) {
            double *w = f->left + r * f->k,
                   pull = dot(f->rows + r * f->p, f->right + c * f->p, f->p);
            pull -= dot(squares, w, f->k) - squares[c] * w[c];
            off += improve(&w[c], pull, squares[c]);
        }
    }
    return off;
}

static double improve_right(struct factors *f, double *squares)
{
    double off = 0;
    for (size_t c = 0; c < f->k; c++) {
        memset(squares, 0, f->k * sizeof *squares);
        for (size_t r = 0; r < f->n; r++)
            for (size_t l = 0; l < f->k; l++)
                squares[l] += f->left[r * f->k + c] * f->left[r * f->k + l];
        for (size_t i = 0; i < f->p; i++) {
            double pull = 0;
            for (size_t r = 0; r < f->n; r++)
                pull += f->left[r * f->k + c] * f->rows[r * f->p + i];
            for (size_t l = 0; l < f->k; l++)
                pull -= l == c ? 0 : squares[l] * f->right[l * f->p + i];
            off += improve(&f->right[c * f->p + i], pull, squares[c]);
        }
    }
    return off;
}

static void fit_factors(struct factors *f, int64_t rounds, double tolerance)
{
    double first = 0, off = 1, *squares = mem_array(NULL, f->k, sizeof *squares);
    for (int64_t round = 0; round < rounds && off > tolerance * first; round++) {
        off = improve_left(f, squares);
        off += improve_right(f, squares);
        if (round == 0)
            first = off;
    }
    mem_free(squares);
}

static int check_not_negative(const struct step *s, const double *rows, const struct projection *x,
                              struct error *e)
{
    for (size_t i = 0; i < x->sample.heap.len * x->p; i++)
        if (rows[i] < 0)
            return error_set(e, ERR_DATA, "%s: '%s' has a negative number", s->kind->name,
                             s->names[i % x->p]);
    return 0;
}

/* Products of every two components, for the weights of rows to come. */
static void keep_products(struct projection *x)
{
    double *products = mem_array(x->own, x->k * x->k, sizeof *products);
    for (size_t c = 0; c < x->k; c++)
        for (size_t l = 0; l < x->k; l++)
            products[c * x->k + l] = dot(x->weights + c * x->p, x->weights + l * x->p, x->p);
    x->own = products;
}

static int derive_nmf(const struct step *s, struct projection *x, struct error *e)
{
    size_t n = x->sample.heap.len, k;
    int rc = projection_count(s, x->p, &k, e);
    if (rc || n == 0)
        return rc ? rc : projection_nothing(x, k);
    double *rows = projection_rows(x);
    rc = check_not_negative(s, rows, x, e);
    if (rc == 0) {
        projection_size(x, k);
        struct factors f = {.rows = rows, .n = n, .p = x->p, .k = k, .right = x->weights};
        f.left = mem_array(NULL, n * k, sizeof *f.left);
        start_factors(&f);
        fit_factors(&f, arg_int(s, "rounds"), arg_number(s, "tolerance"));
        mem_free(f.left);
        keep_products(x);
    }
    mem_free(rows);
    return rc;
}

/* The weights of one row: least squares that are not negative, coordinate after coordinate. */
static void weigh_components(const struct projection *x, const double *in, double *out)
{
    const double *squares = x->own; /* k * k; NULL: nothing was learnt */
    double off = 1, first = 0;
    for (size_t c = 0; c < x->k; c++)
        out[c] = squares ? 0 : (double)NAN;
    for (int round = 0; squares && round < 10000 && off > 1e-13 * first; round++) {
        off = 0;
        for (size_t c = 0; c < x->k; c++) {
            const double *others = squares + c * x->k;
            double pull = dot(in, x->weights + c * x->p, x->p);
            pull -= dot(others, out, x->k) - others[c] * out[c];
            off += improve(&out[c], pull, others[c]);
        }
        first = round == 0 ? off : first;
    }
}

/* For ML_VECTOR_weights. */
static void put_components(const struct projection *x, struct buf *out)
{
    const double none = (double)NAN, *squares = x->own;
    projection_put(out, x->weights, x->k * x->p);
    for (size_t i = 0; i < x->k * x->k; i++)
        projection_put(out, squares ? &squares[i] : &none, 1);
}

/* n rows of k numbers without correlation, and the turn (k * k) that makes them independent. */
struct unmixing {
    size_t n, k;
    double *rows, *turn, *next, *value, *vector;
};

/* next = (next next')^(-1/2) next: rows of length 1, at right angles. The result goes to turn; how
 * far its rows point away from those of before is returned. */
static double straighten(struct unmixing *m)
{
    size_t k = m->k;
    double *square = mem_array(NULL, 2 * k * k, sizeof *square), *root = square + k * k, far = 0;
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++)
            square[i * k + j] = dot(m->next + i * k, m->next + j * k, k);
    eigen_symmetric(square, k, m->value, m->vector);
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++) {
            root[i * k + j] = 0;
            for (size_t l = 0; l < k; l++)
                root[i * k + j] +=
                    m->vector[l * k + i] * m->vector[l * k + j] / sqrt(fmax(m->value[l], DBL_MIN));
        }
    for (size_t i = 0; i < k; i++) {
        double *row = square; /* no longer needed */
        memset(row, 0, k * sizeof *row);
        for (size_t l = 0; l < k; l++)
            for (size_t j = 0; j < k; j++)
                row[j] += root[i * k + l] * m->next[l * k + j];
        far = fmax(far, fabs(fabs(dot(row, m->turn + i * k, k)) - 1));
        memcpy(m->turn + i * k, row, k * sizeof *row);
    }
    mem_free(square);
    return far;
}

/* Newton's step for the contrast log cosh, all components at once. */
static void sharpen(struct unmixing *m)
{
    size_t k = m->k;
    double rows = (double)m->n;
    for (size_t c = 0; c < k; c++) {
        double *next = m->next + c * k, slope = 0;
        memset(next, 0, k * sizeof *next);
        for (size_t r = 0; r < m->n; r++) {
            double g = tanh(dot(m->turn + c * k, m->rows + r * k, k));
            slope += 1 - g * g;
            for (size_t i = 0; i < k; i++)
                next[i] += g * m->rows[r * k + i] / rows;
        }
        for (size_t i = 0; i < k; i++)
            next[i] -= slope / rows * m->turn[c * k + i];
    }
}

static void find_turn(struct unmixing *m, int64_t rounds, double tolerance)
{
    double far = (double)INFINITY;
    memset(m->turn, 0, m->k * m->k * sizeof *m->turn);
    for (size_t i = 0; i < m->k; i++)
        m->turn[i * m->k + i] = 1;
    for (int64_t round = 0; round < rounds && far >= tolerance; round++) {
        sharpen(m);
        far = straighten(m);
    }
}

/* Moves x->shift to the means and fills whiten (k * p): principal components of variance 1. Returns
 * how many there are, the columns not depending on each other. */
static size_t whiten_rows(struct projection *x, const double *rows, size_t n, double *whiten)
{
    size_t p = x->p;
    struct comoments sums;
    comoments_init(&sums, p);
    for (size_t r = 0; r < n; r++)
        comoments_add(&sums, rows + r * p);
    double *a = mem_array(NULL, 2 * p * p + p, sizeof *a), *vector = a + p * p;
    double *value = vector + p * p;
    for (size_t i = 0; i < p; i++) {
        x->shift[i] = comoments_mean(&sums, i);
        for (size_t k = 0; k < p; k++)
            a[i * p + k] = comoments_covariance(&sums, i, k, 0);
    }
    eigen_symmetric(a, p, value, vector);
    for (size_t c = 0; c < x->k; c++)
        for (size_t i = 0; i < p; i++)
            whiten[c * p + i] = vector[c * p + i] / sqrt(fmax(value[c], DBL_MIN));
    size_t rank = 0;
    while (rank < p && value[rank] > 1e-12 * value[0])
        rank++;
    mem_free(a);
    comoments_release(&sums);
    return rank;
}

/* weights = turn whiten, each row's largest weight by magnitude positive. */
static void put_unmixing(struct projection *x, const struct unmixing *m, const double *whiten)
{
    for (size_t c = 0; c < x->k; c++) {
        double *w = x->weights + c * x->p, largest = 0;
        memset(w, 0, x->p * sizeof *w);
        for (size_t l = 0; l < x->k; l++)
            for (size_t i = 0; i < x->p; i++)
                w[i] += m->turn[c * x->k + l] * whiten[l * x->p + i];
        for (size_t i = 0; i < x->p; i++)
            largest = fabs(w[i]) > fabs(largest) ? w[i] : largest;
        for (size_t i = 0; largest < 0 && i < x->p; i++)
            w[i] = -w[i];
    }
}

static int derive_ica(const struct step *s, struct projection *x, struct error *e)
{
    size_t n = x->sample.heap.len, k;
    int rc = projection_count(s, x->p, &k, e);
    if (rc || n < 2)
        return rc ? rc : projection_nothing(x, k);
    projection_size(x, k);
    double *rows = projection_rows(x), *whiten = mem_array(NULL, k * x->p, sizeof *whiten);
    struct unmixing m = {.n = n, .k = k};
    m.rows = mem_array(NULL, n * k + 3 * k * k + k, sizeof *m.rows);
    m.turn = m.rows + n * k;
    m.next = m.turn + k * k;
    m.vector = m.next + k * k;
    m.value = m.vector + k * k;
    size_t rank = whiten_rows(x, rows, n, whiten);
    memcpy(x->weights, whiten, k * x->p * sizeof *whiten);
    for (size_t r = 0; rank >= k && r < n; r++)
        projection_linear(x, rows + r * x->p, m.rows + r * k);
    if (rank >= k) {
        find_turn(&m, arg_int(s, "rounds"), arg_number(s, "tolerance"));
        put_unmixing(x, &m, whiten);
    } else {
        rc = error_set(e, ERR_DATA, "%s: k=%zu, but the rows vary in %zu directions only",
                       s->kind->name, k, rank);
    }
    mem_free(m.rows);
    mem_free(whiten);
    mem_free(rows);
    return rc;
}

#define SAMPLE_ARG                                                                                 \
    {                                                                                              \
        .name = "sample", .kind = ARG_INT, .fallback = "10000",                                    \
        .help = "rows to learn from, chosen by seed and row", .min = 1, .max = 1e7                 \
    }
#define ROUNDS_ARGS(limit)                                                                         \
    {.name = "rounds",                                                                             \
     .kind = ARG_INT,                                                                              \
     .fallback = "200",                                                                            \
     .help = "at most so many",                                                                    \
     .min = 1,                                                                                     \
     .max = 1e9},                                                                                  \
    {                                                                                              \
        .name = "tolerance", .kind = ARG_NUMBER, .fallback = "1e-4", .help = limit, .min = 0,      \
        .max = 1                                                                                   \
    }

static const struct arg kmeans_args[] = {
    PROJECTION_COLUMNS,
    {.name = "k",
     .kind = ARG_INT,
     .fallback = "8",
     .help = "number of centres",
     .min = 1,
     .max = 1e6},
    SAMPLE_ARG,
    PROJECTION_NAMES("centre"),
    {0},
};
static const struct arg nmf_args[] = {
    PROJECTION_COLUMNS,
    PROJECTION_K("number of components; default: one for each column"),
    SAMPLE_ARG,
    ROUNDS_ARGS("ends when a round changes less than this share of what the first one did"),
    PROJECTION_NAMES("nmf"),
    {0},
};
static const struct arg ica_args[] = {
    PROJECTION_COLUMNS,
    PROJECTION_K("number of components; default: one for each column"),
    SAMPLE_ARG,
    ROUNDS_ARGS("ends when the directions turn by less: 1 - their cosine"),
    PROJECTION_NAMES("ica"),
    {0},
};

#define SAMPLED                                                                                    \
    "Learns from a sample of sample= rows. Rows with a missing value teach nothing and become "    \
    "missing. "

const struct step_kind steps_project_model[] = {
    {.name = "kmeans_distance",
     .aliases = "kmeans_features",
     .family = "project",
     .class = "F2",
     .summary = "distances to the centres of clusters instead of columns",
     .details = SAMPLED
     "k-means by Lloyd's rounds from ten starts of k-means++ drawn by the seed; the start with the "
     "least sum of squares wins. Distances are Euclidean, as scikit-learn's KMeans.transform: "
     "scale columns first when their units differ. Centres are in order of their first number.",
     .args = kmeans_args,
     .example = {.program = "kmeans_distance x,y k=2",
                 .input = "x,y\n0,0\n0,2\n9,1\n11,1\n",
                 .output =
                     "centre_0,centre_1\n1,10.04987562112089\n1,10.04987562112089\n9,1\n11,1\n"},
     PROJECTION_FITTED_HOOKS,
     .detail = &(const struct projecting){.derive = derive_kmeans,
                                          .row = distances_to_centres,
                                          .vector = ML_VECTOR_distances,
                                          .constants = put_centres_of,
                                          .landmarks = true}},
    {.name = "nmf",
     .family = "project",
     .class = "F2",
     .summary = "weights of components, neither of them negative, instead of columns",
     .details = SAMPLED
     "Least squares by coordinate descent from singular vectors (Boutsidis and Gallopoulos 2008, "
     "zeros replaced by the mean), as scikit-learn's NMF with init=nndsvda; no random draws. A "
     "row's weights are the best ones for the components found. A negative number is an error.",
     .args = nmf_args,
     .example = {.program = "nmf x,y k=1",
                 .input = "x,y\n1,2\n2,4\n3,6\n",
                 .output = "nmf_0\n0.7730551756939454\n1.5461103513878909\n2.3191655270818368\n"},
     PROJECTION_FITTED_HOOKS,
     .detail = &(const struct projecting){.derive = derive_nmf,
                                          .row = weigh_components,
                                          .vector = ML_VECTOR_weights,
                                          .constants = put_components,
                                          .landmarks = true}},
    {.name = "fast_ica",
     .aliases = "ica",
     .family = "project",
     .class = "F2",
     .summary = "independent components instead of columns",
     .details = SAMPLED
     "FastICA (Hyvarinen and Oja 2000) with the contrast log cosh, all components at once, from "
     "the principal components: scikit-learn's FastICA with w_init the identity; no random draws. "
     "Outputs have variance 1; each one's largest weight is positive.",
     .args = ica_args,
     .example = {.program = "fast_ica x,y k=1",
                 .input = "x,y\n1,1\n2,2\n3,3\n",
                 .output = "ica_0\n-1.224744871391589\n0\n1.224744871391589\n"},
     PROJECTION_FITTED_HOOKS,
     .detail = &(const struct projecting){.derive = derive_ica, .landmarks = true}},
    {0},
};
