/* Projections learnt from the sums of products of columns: pca, truncated_svd, factor_analysis,
 * lda_discriminant, feature_agglomeration. The matrix of sums is the state, so one pass is enough
 * and shards merge. */
#include "steps/projection.h"
#include "steps/steps.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Eigenvalues and eigenvectors (in rows) of a symmetric matrix; *values owns both. */
static const double *eigen(double *a, size_t n, double **values)
{
    *values = mem_array(NULL, n * n + n + 1, sizeof **values);
    eigen_symmetric(a, n, *values, *values + n);
    return *values + n;
}

/* Mean of x_i x_j. */
static double second_moment(const struct comoments *c, size_t i, size_t j)
{
    size_t low = i < j ? i : j, high = i < j ? j : i;
    const struct sum *product = &c->product[low * c->p - low * (low + 1) / 2 + high];
    return sum_value(product) / (double)c->count;
}

/* What columns are divided by: 1 for a constant one. */
static double scale_of(const struct step *s, const struct comoments *c, size_t i)
{
    double deviation = arg_bool(s, "scale") ? sqrt(comoments_covariance(c, i, i, 0)) : 1;
    return deviation > 0 ? deviation : 1;
}

/* The fewest components that explain `percent` of the variance. */
static size_t enough_components(const double *value, size_t p, double percent)
{
    double all = 0, sum = 0;
    size_t k = 0;
    for (size_t i = 0; i < p; i++)
        all += fmax(value[i], 0);
    while (k < p && sum < all * percent / 100)
        sum += fmax(value[k++], 0);
    return k > 0 ? k : 1;
}

static void fill_components(struct projection *x, const double *vector, const double *scale,
                            bool centre)
{
    for (size_t i = 0; i < x->p; i++)
        x->shift[i] = centre ? comoments_mean(&x->total, i) : 0;
    for (size_t c = 0; c < x->k; c++)
        for (size_t i = 0; i < x->p; i++)
            x->weights[c * x->p + i] = vector[c * x->p + i] / scale[i];
}

static int derive_pca(const struct step *s, struct projection *x, struct error *e)
{
    size_t p = x->p, k;
    const struct comoments *sums = &x->total;
    int rc = projection_count(s, p, &k, e);
    if (rc || sums->count < 2)
        return rc ? rc : projection_nothing(x, k);
    bool centre = arg_bool(s, "centre");
    double *a = mem_array(NULL, p * p + 1, sizeof *a), *value;
    double *scale = mem_array(NULL, p + 1, sizeof *scale);
    for (size_t i = 0; i < p; i++)
        scale[i] = scale_of(s, sums, i);
    double n = (double)sums->count;
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j < p; j++)
            a[i * p + j] = (centre ? comoments_covariance(sums, i, j, 1)
                                   : second_moment(sums, i, j) * n / (n - 1)) /
                           scale[i] / scale[j];
    const double *vector = eigen(a, p, &value);
    if (arg_given(s, "variance"))
        k = enough_components(value, p, arg_number(s, "variance"));
    projection_size(x, k);
    fill_components(x, vector, scale, centre);
    x->variance = mem_copy(value, k * sizeof *value);
    mem_free(value);
    mem_free(scale);
    mem_free(a);
    return 0;
}

enum { FACTOR_ROUNDS = 1000 };

/* Covariance, and the model: loadings (k * p) and noise (p). */
struct factors {
    size_t p, k;
    double *covariance, *loadings, *noise, *work;
};

/* One round of the maximum-likelihood iteration (Barber 2012, 21.1): loadings from the noise.
 * Returns the log-likelihood of a row, up to a constant. */
static double improve_loadings(struct factors *f)
{
    size_t p = f->p;
    double *value, likelihood = 0;
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j < p; j++)
            f->work[i * p + j] = f->covariance[i * p + j] / (sqrt(f->noise[i]) * sqrt(f->noise[j]));
    const double *vector = eigen(f->work, p, &value);
    for (size_t c = 0; c < p; c++) {
        bool kept = c < f->k;
        likelihood += kept ? log(fmax(value[c], DBL_MIN)) : value[c];
        double length = kept ? sqrt(fmax(value[c] - 1, 0)) : 0;
        for (size_t i = 0; kept && i < p; i++)
            f->loadings[c * p + i] = length * vector[c * p + i] * sqrt(f->noise[i]);
    }
    for (size_t i = 0; i < p; i++)
        likelihood += log(f->noise[i]);
    mem_free(value);
    return -likelihood / 2;
}

static void improve_noise(struct factors *f)
{
    for (size_t i = 0; i < f->p; i++) {
        double explained = 0;
        for (size_t c = 0; c < f->k; c++)
            explained += f->loadings[c * f->p + i] * f->loadings[c * f->p + i];
        f->noise[i] = fmax(f->covariance[i * f->p + i] - explained, 1e-12);
    }
}

static void fit_factors(struct factors *f, double rows, double tolerance)
{
    double before = -HUGE_VAL;
    for (size_t i = 0; i < f->p; i++)
        f->noise[i] = 1;
    for (int round = 0; round < FACTOR_ROUNDS; round++) {
        double now = improve_loadings(f) * rows;
        if (now - before < tolerance)
            return;
        before = now;
        improve_noise(f);
    }
}

/* Scores are the posterior means: (I + L N^-1 L')^-1 L N^-1 (x - mean). */
static void fill_scores(struct projection *x, const struct factors *f)
{
    size_t k = f->k, p = f->p;
    double *inverse = mem_array(NULL, k * k + 1, sizeof *inverse);
    for (size_t a = 0; a < k; a++)
        for (size_t b = 0; b < k; b++) {
            double sum = a == b;
            for (size_t i = 0; i < p; i++)
                sum += f->loadings[a * p + i] * f->loadings[b * p + i] / f->noise[i];
            inverse[a * k + b] = sum;
        }
    (void)invert_spd(inverse, k); /* I + L N^-1 L' has no eigenvalue below 1 */
    for (size_t c = 0; c < k; c++)
        for (size_t i = 0; i < p; i++)
            for (size_t a = 0; a < k; a++)
                x->weights[c * p + i] += inverse[c * k + a] * f->loadings[a * p + i] / f->noise[i];
    mem_free(inverse);
}

static int derive_factors(const struct step *s, struct projection *x, struct error *e)
{
    size_t p = x->p, k;
    int rc = projection_count(s, p, &k, e);
    if (rc || x->total.count < 2)
        return rc ? rc : projection_nothing(x, k);
    struct factors f = {.p = p, .k = k};
    f.covariance = mem_array(NULL, p * p + 1, sizeof(double));
    f.work = mem_array(NULL, p * p + 1, sizeof(double));
    f.loadings = mem_alloc(k * p * sizeof(double));
    f.noise = mem_alloc(p * sizeof(double));
    projection_size(x, k);
    for (size_t i = 0; i < p; i++) {
        x->shift[i] = comoments_mean(&x->total, i);
        for (size_t j = 0; j < p; j++)
            f.covariance[i * p + j] = comoments_covariance(&x->total, i, j, 0);
    }
    fit_factors(&f, (double)x->total.count, arg_number(s, "tolerance"));
    fill_scores(x, &f);
    mem_free(f.covariance);
    mem_free(f.work);
    mem_free(f.loadings);
    mem_free(f.noise);
    return 0;
}

struct named {
    struct text name;
    const struct comoments *sums;
};

static int by_name(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    return text_compare(a->name, b->name);
}

/* Scatter matrices within and between classes, p * p each. Classes by name, so that the last bits
 * do not depend on which came first. */
static void fill_scatter(const struct projection *x, double *within, double *between)
{
    size_t p = x->p, classes = x->sums.len;
    struct named *named = mem_array(NULL, classes + 1, sizeof *named);
    for (size_t c = 0; c < classes; c++)
        named[c] = (struct named){x->classes.keys.at[c], &x->sums.at[c]};
    if (classes)
        qsort(named, classes, sizeof *named, by_name);
    for (size_t c = 0; c < classes; c++) {
        const struct comoments *sums = named[c].sums;
        double n = (double)sums->count;
        for (size_t i = 0; i < p; i++) {
            double from = comoments_mean(sums, i) - comoments_mean(&x->total, i);
            for (size_t j = 0; j < p; j++) {
                double to = comoments_mean(sums, j) - comoments_mean(&x->total, j);
                within[i * p + j] += n * comoments_covariance(sums, i, j, 0);
                between[i * p + j] += n * from * to;
            }
        }
    }
    mem_free(named);
}

/* Rows of w: the directions in which the scatter within classes is 1, and none where it is 0. */
static void whiten(double *within, size_t p, double *w)
{
    double *value;
    const double *vector = eigen(within, p, &value);
    for (size_t c = 0; c < p; c++) {
        bool flat = !(value[c] > value[0] * 1e-12);
        for (size_t i = 0; i < p; i++)
            w[c * p + i] = flat ? 0 : vector[c * p + i] / sqrt(value[c]);
    }
    mem_free(value);
}

/* out = a b a', all p * p. */
static void congruence(const double *a, const double *b, size_t p, double *out)
{
    double *half = mem_alloc(p * p * sizeof *half);
    for (size_t i = 0; i < p; i++)
        for (size_t k = 0; k < p; k++)
            for (size_t j = 0; j < p; j++)
                half[i * p + j] += a[i * p + k] * b[k * p + j];
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j < p; j++) {
            out[i * p + j] = 0;
            for (size_t k = 0; k < p; k++)
                out[i * p + j] += half[i * p + k] * a[j * p + k];
        }
    mem_free(half);
}

/* The largest weight by magnitude is positive. */
static void fix_sign(double *row, size_t n)
{
    size_t most = 0;
    for (size_t i = 1; i < n; i++)
        if (fabs(row[i]) > fabs(row[most]))
            most = i;
    for (size_t i = 0, negative = row[most] < 0; negative && i < n; i++)
        row[i] = -row[i];
}

static int derive_discriminants(const struct step *s, struct projection *x, struct error *e)
{
    size_t p = x->p, classes = x->sums.len, k;
    size_t most = classes > 0 && classes - 1 < p ? classes - 1 : p;
    if (classes == 0)
        return projection_nothing(x, arg_given(s, "k") ? (size_t)arg_int(s, "k") : 1);
    int rc = projection_count(s, most, &k, e);
    if (rc)
        return rc;
    double *m = mem_alloc(4 * p * p * sizeof *m);
    double *within = m, *between = m + p * p, *w = m + 2 * p * p, *a = m + 3 * p * p, *value;
    fill_scatter(x, within, between);
    for (size_t i = 0; i < p * p; i++)
        within[i] /= fmax((double)x->total.count - (double)classes, 1);
    whiten(within, p, w);
    congruence(w, between, p, a);
    const double *vector = eigen(a, p, &value);
    projection_size(x, k);
    for (size_t i = 0; i < p; i++)
        x->shift[i] = comoments_mean(&x->total, i);
    for (size_t c = 0; c < k; c++) {
        for (size_t i = 0; i < p; i++)
            for (size_t d = 0; d < p; d++)
                x->weights[c * p + i] += vector[c * p + d] * w[d * p + i];
        fix_sign(x->weights + c * p, p);
    }
    x->variance = mem_copy(value, k * sizeof *value);
    mem_free(value);
    mem_free(m);
    return 0;
}

/* Columns grouped bottom-up. A group is known by its first column; others have size 0. */
struct groups {
    size_t p, left;
    size_t *size, *first; /* p: columns in the group; the group of each column */
    double *distance;     /* p * p, squared, between groups */
};

static void groups_start(struct groups *g, const struct comoments *sums)
{
    size_t p = g->p;
    g->left = p;
    g->size = mem_alloc(2 * p * sizeof *g->size);
    g->first = g->size + p;
    g->distance = mem_alloc(p * p * sizeof *g->distance);
    for (size_t i = 0; i < p; i++) {
        g->size[i] = 1;
        g->first[i] = i;
        for (size_t j = 0; j < p; j++)
            g->distance[i * p + j] = second_moment(sums, i, i) + second_moment(sums, j, j) -
                                     2 * second_moment(sums, i, j);
    }
}

/* Joins b into a: the distance of the union to another group by Ward's rule, in the form of Lance
 * and Williams (1967). */
static void groups_join(struct groups *g, size_t a, size_t b)
{
    double *d = g->distance, between = d[a * g->p + b];
    double na = (double)g->size[a], nb = (double)g->size[b];
    for (size_t k = 0; k < g->p; k++) {
        double nk = (double)g->size[k];
        if (k == a || k == b || g->size[k] == 0)
            continue;
        double joined = ((na + nk) * d[a * g->p + k] + (nb + nk) * d[b * g->p + k] - nk * between) /
                        (na + nb + nk);
        d[a * g->p + k] = d[k * g->p + a] = joined;
    }
    for (size_t i = 0; i < g->p; i++)
        g->first[i] = g->first[i] == b ? a : g->first[i];
    g->size[a] += g->size[b];
    g->size[b] = 0;
    g->left--;
}

/* The two nearest groups become one; the first of equally near ones. */
static void groups_join_nearest(struct groups *g)
{
    size_t a = SIZE_MAX, b = SIZE_MAX;
    for (size_t i = 0; i < g->p; i++)
        for (size_t j = i + 1; g->size[i] && j < g->p; j++)
            if (g->size[j] &&
                (a == SIZE_MAX || g->distance[i * g->p + j] < g->distance[a * g->p + b])) {
                a = i;
                b = j;
            }
    groups_join(g, a, b);
}

static int derive_groups(const struct step *s, struct projection *x, struct error *e)
{
    size_t k;
    int rc = projection_count(s, x->p, &k, e);
    if (rc || x->total.count == 0)
        return rc ? rc : projection_nothing(x, k);
    struct groups g = {.p = x->p};
    groups_start(&g, &x->total);
    while (g.left > k)
        groups_join_nearest(&g);
    projection_size(x, k);
    for (size_t i = 0, c = 0; i < g.p; i++) {
        if (g.size[i] == 0)
            continue;
        for (size_t m = i; m < g.p; m++)
            if (g.first[m] == i)
                x->weights[c * g.p + m] = 1 / (double)g.size[i];
        c++;
    }
    mem_free(g.size);
    mem_free(g.distance);
    return 0;
}

static const struct arg pca_args[] = {
    PROJECTION_COLUMNS,
    PROJECTION_K("number of components; default: all"),
    {.name = "variance",
     .kind = ARG_NUMBER,
     .help = "instead of k: the fewest components that explain so many percent of the variance",
     .min = 0,
     .max = 100},
    {.name = "centre", .kind = ARG_BOOL, .fallback = "true", .help = "subtract the means"},
    {.name = "scale",
     .kind = ARG_BOOL,
     .fallback = "true",
     .help = "divide by the standard deviations"},
    PROJECTION_NAMES("pca"),
    {0},
};
static const struct arg svd_args[] = {
    PROJECTION_COLUMNS,
    PROJECTION_K("number of components; default: all"),
    {.name = "centre", .kind = ARG_BOOL, .fallback = "false", .help = "subtract the means"},
    {.name = "scale",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "divide by the standard deviations"},
    {.name = "variance",
     .kind = ARG_NUMBER,
     .help = "instead of k: the fewest components that explain so many percent",
     .min = 0,
     .max = 100},
    PROJECTION_NAMES("svd"),
    {0},
};
static const struct arg factor_args[] = {
    PROJECTION_COLUMNS,
    PROJECTION_K("number of factors; default: as many as columns"),
    {.name = "tolerance",
     .kind = ARG_NUMBER,
     .fallback = "0.01",
     .help = "stop when a round raises the log-likelihood by less",
     .min = 0,
     .max = 1e300},
    PROJECTION_NAMES("factor"),
    {0},
};
static const struct arg lda_args[] = {
    PROJECTION_COLUMNS,
    {.name = "target", .kind = ARG_COLUMN, .help = "column of classes", .required = true},
    PROJECTION_K("number of discriminants; default: classes - 1, or columns when fewer"),
    PROJECTION_NAMES("lda"),
    {0},
};
static const struct arg group_args[] = {
    PROJECTION_COLUMNS,
    {.name = "k",
     .kind = ARG_INT,
     .fallback = "2",
     .help = "number of groups",
     .min = 1,
     .max = 1e6},
    PROJECTION_NAMES("group"),
    {0},
};

const struct step_kind steps_project[] = {
    {.name = "pca",
     .aliases = "pca_incremental",
     .family = "project",
     .class = "F",
     .summary = "principal components instead of columns",
     .details = "Eigenvectors of the correlation matrix; of the covariance matrix with "
                "scale=false, which is scikit-learn's PCA. Each component's largest weight by "
                "magnitude is positive. Deviations divide by n; a constant column is not scaled. "
                "Rows with a missing value teach nothing and become missing. The state has the "
                "weights and the explained variances (by n - 1).",
     .args = pca_args,
     .example = {.program = "pca x,y k=1 scale=false",
                 .input = "x,y\n1,1\n2,2\n3,3\n",
                 .output = "pca_0\n-1.414213562373095\n0\n1.414213562373095\n"},
     PROJECTION_FITTED_HOOKS,
     .detail = &(const struct projecting){.derive = derive_pca}},
    {.name = "truncated_svd",
     .aliases = "lsa",
     .family = "project",
     .class = "F",
     .summary = "singular vectors instead of columns, without centring",
     .details = "Eigenvectors of the sums of products, the right singular vectors of the table "
                "(scikit-learn's TruncatedSVD with the exact solver). Each one's largest weight "
                "by magnitude is positive.",
     .args = svd_args,
     .example = {.program = "truncated_svd x,y k=1",
                 .input = "x,y\n3,4\n6,8\n",
                 .output = "svd_0\n5\n10\n"},
     PROJECTION_FITTED_HOOKS,
     .detail = &(const struct projecting){.derive = derive_pca}},
    {.name = "factor_analysis",
     .family = "project",
     .class = "F",
     .summary = "scores of common factors, columns having noise of their own",
     .details = "Maximum likelihood by the iteration of Barber (Bayesian Reasoning and Machine "
                "Learning, 2012, 21.1), as scikit-learn's FactorAnalysis with the exact solver; "
                "scores are posterior means. At most 1000 rounds. Columns are centred.",
     .args = factor_args,
     .example = {.program = "factor_analysis x,y k=1",
                 .input = "x,y\n1,1\n2,1\n1,2\n4,4\n",
                 .output =
                     "factor_0\n-0.8112076498897612\n-0.4056038249448806\n-0.4056038249448806\n1."
                     "6224152997795225\n"},
     PROJECTION_FITTED_HOOKS,
     .detail = &(const struct projecting){.derive = derive_factors}},
    {.name = "lda_discriminant",
     .aliases = "lda",
     .family = "project",
     .class = "F",
     .summary = "linear discriminants: the directions that tell classes apart best",
     .details = "Fisher's criterion; within the classes each output has variance 1 (by n - "
                "classes), as scikit-learn's LinearDiscriminantAnalysis.transform. The largest "
                "weight of each is positive. Rows without a class teach nothing. The target "
                "column stays.",
     .args = lda_args,
     .example =
         {.program = "lda_discriminant x target=c",
          .input = "x,c\n1,a\n3,a\n5,b\n7,b\n",
          .output =
              "c,lda_0\na,-2.1213203435596424\na,-0.7071067811865475\nb,0.7071067811865475\nb,"
              "2.1213203435596424\n"},
     PROJECTION_FITTED_HOOKS,
     .detail = &(const struct projecting){.derive = derive_discriminants, .by_class = true}},
    {.name = "feature_agglomeration",
     .family = "project",
     .class = "F",
     .summary = "the mean of each group of columns that are alike",
     .details = "Columns are joined bottom-up by Ward's criterion on their Euclidean distance, as "
                "scikit-learn's FeatureAgglomeration; scale them first when their units differ. "
                "Groups are numbered by their first column.",
     .args = group_args,
     .example = {.program = "feature_agglomeration a,b,c k=2",
                 .input = "a,b,c\n1,9,2\n3,4,4\n",
                 .output = "group_0,group_1\n1.5,9\n3.5,4\n"},
     PROJECTION_FITTED_HOOKS,
     .detail = &(const struct projecting){.derive = derive_groups}},
    {0},
};
