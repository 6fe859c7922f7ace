/* Projections that need no data but the seed: random_projection, rbf_sampler, count_sketch; and
 * nystroem, whose landmarks are a seeded sample of the rows. */
#include "runtime/program_vector.h"
#include "steps/projection.h"
#include "steps/steps.h"

#include <math.h>

#define TWO_PI 6.283185307179586

/* The seed of a step: that of the run unless it has its own. */
static uint64_t seed_of(const struct step *s)
{
    return arg_given(s, "seed") ? (uint64_t)arg_int(s, "seed") : s->context->seed;
}

enum with { WITH_GAUSSIAN, WITH_SPARSE };

static int prepare_random(struct step *s, struct projection *x, struct error *e)
{
    (void)e;
    projection_size(x, (size_t)arg_int(s, "k"));
    uint64_t seed = seed_of(s);
    double k = (double)x->k, density = 1 / sqrt((double)x->p), size = sqrt(1 / (density * k));
    for (size_t i = 0; i < x->k * x->p; i++) {
        double draw = random_unit(seed, s->number, i);
        if (arg_choice(s, "with") == WITH_GAUSSIAN)
            x->weights[i] = random_normal(seed, s->number, i) / sqrt(k);
        else if (draw < density)
            x->weights[i] = draw < density / 2 ? -size : size;
    }
    return 0;
}

/* own: the k phases. */
static int prepare_fourier(struct step *s, struct projection *x, struct error *e)
{
    (void)e;
    projection_size(x, (size_t)arg_int(s, "k"));
    uint64_t seed = seed_of(s);
    double spread = sqrt(2 * arg_number(s, "gamma"));
    size_t count = x->k * x->p;
    double *phase = mem_array(NULL, x->k + 1, sizeof *phase);
    for (size_t i = 0; i < count; i++)
        x->weights[i] = spread * random_normal(seed, s->number, i);
    for (size_t c = 0; c < x->k; c++)
        phase[c] = TWO_PI * random_unit(seed, s->number, count + c);
    x->own = phase;
    return 0;
}

static void fourier_row(const struct projection *x, const double *in, double *out)
{
    const double *phase = x->own;
    double size = sqrt(2 / (double)x->k);
    projection_linear(x, in, out);
    for (size_t c = 0; c < x->k; c++)
        out[c] = size * cos(out[c] + phase[c]);
}

static void put_fourier(const struct projection *x, struct buf *out)
{
    double size = sqrt(2 / (double)x->k);
    projection_put(out, &size, 1);
    projection_put(out, x->own, x->k);
    projection_put(out, x->shift, x->p);
    projection_put(out, x->weights, x->k * x->p);
}

static int prepare_sketch(struct step *s, struct projection *x, struct error *e)
{
    (void)e;
    projection_size(x, (size_t)arg_int(s, "k"));
    for (size_t i = 0; i < x->p; i++) {
        uint64_t to = random_below(seed_of(s), s->number, 2 * i, x->k);
        bool minus = random_bits(seed_of(s), s->number, 2 * i + 1) >> 63;
        x->weights[to * x->p + i] = minus ? -1 : 1;
    }
    return 0;
}

/* Landmarks, the inverse square root of their kernel matrix, and room for a row of kernels. */
struct landmarks {
    size_t count;
    double gamma;
    double *at;   /* count * p */
    double *root; /* count * count */
};

static double kernel(const double *a, const double *b, size_t p, double gamma)
{
    double square = 0;
    for (size_t i = 0; i < p; i++)
        square += (a[i] - b[i]) * (a[i] - b[i]);
    return exp(-gamma * square);
}

/* K^(-1/2): eigenvalues are floored at 1e-12, since landmarks may be alike. */
static void inverse_root(double *kernels, size_t n, double *out)
{
    double *value = mem_array(NULL, n + n * n, sizeof *value), *vector = value + n;
    eigen_symmetric(kernels, n, value, vector);
    for (size_t c = 0; c < n; c++) {
        double size = 1 / sqrt(fmax(value[c], 1e-12));
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                out[i * n + j] += size * vector[c * n + i] * vector[c * n + j];
    }
    mem_free(value);
}

/* All in one block, so that own can be freed as one. */
static struct landmarks *landmarks_new(const struct projection *x, double gamma)
{
    size_t n = x->sample.heap.len, p = x->p;
    struct landmarks *l = mem_alloc(sizeof *l + (n * p + n * n) * sizeof(double));
    *l = (struct landmarks){.count = n, .gamma = gamma, .at = (double *)(l + 1)};
    l->root = l->at + n * p;
    for (size_t i = 0; i < n; i++)
        memcpy(l->at + i * p, x->sample.heap.at[i].item.at, p * sizeof *l->at);
    return l;
}

static int derive_landmarks(const struct step *s, struct projection *x, struct error *e)
{
    (void)e;
    double gamma = arg_given(s, "gamma") ? arg_number(s, "gamma") : 1 / (double)x->p;
    mem_free(x->own);
    struct landmarks *l = landmarks_new(x, gamma);
    size_t n = l->count, p = x->p;
    x->own = l;
    double *kernels = mem_array(NULL, n * n + 1, sizeof *kernels);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            kernels[i * n + j] = kernel(l->at + i * p, l->at + j * p, p, gamma);
    if (n)
        inverse_root(kernels, n, l->root);
    mem_free(kernels);
    projection_size(x, n);
    for (size_t i = 0; i < n; i++)
        memcpy(x->weights + i * p, l->at + i * p, p * sizeof *l->at);
    return 0;
}

static void landmark_row(const struct projection *x, const double *in, double *out)
{
    const struct landmarks *l = x->own;
    memset(out, 0, l->count * sizeof *out);
    for (size_t i = 0; i < l->count; i++) {
        double near = kernel(in, l->at + i * x->p, x->p, l->gamma);
        for (size_t c = 0; c < l->count; c++)
            out[c] += near * l->root[c * l->count + i];
    }
}

static void put_landmarks(const struct projection *x, struct buf *out)
{
    const struct landmarks *l = x->own;
    projection_put(out, &l->gamma, 1);
    projection_put(out, l->at, l->count * x->p);
    projection_put(out, l->root, l->count * l->count);
}

#define SEED                                                                                       \
    {                                                                                              \
        .name = "seed", .kind = ARG_INT, .help = "of the random numbers; default: --seed",         \
        .min = 0, .max = 9e15                                                                      \
    }
#define OUTPUTS(count)                                                                             \
    {                                                                                              \
        .name = "k", .kind = ARG_INT, .fallback = count, .help = "number of outputs", .min = 1,    \
        .max = 1e6                                                                                 \
    }

static const struct arg random_args[] = {
    PROJECTION_COLUMNS,
    OUTPUTS("10"),
    {.name = "with", .kind = ARG_METHOD, .fallback = "gaussian", .help = "which numbers"},
    SEED,
    PROJECTION_NAMES("random"),
    {0},
};
static const struct arg fourier_args[] = {
    PROJECTION_COLUMNS,
    OUTPUTS("100"),
    {.name = "gamma",
     .kind = ARG_NUMBER,
     .fallback = "1",
     .help = "of the kernel exp(-gamma d^2)",
     .min = 0,
     .max = 1e300},
    SEED,
    PROJECTION_NAMES("rbf"),
    {0},
};
static const struct arg sketch_args[] = {
    PROJECTION_COLUMNS, OUTPUTS("10"), SEED, PROJECTION_NAMES("sketch"), {0},
};
static const struct arg nystroem_args[] = {
    PROJECTION_COLUMNS,
    {.name = "k",
     .kind = ARG_INT,
     .fallback = "100",
     .help = "number of landmarks",
     .min = 1,
     .max = 10000},
    {.name = "gamma",
     .kind = ARG_NUMBER,
     .help = "of the kernel exp(-gamma d^2); default: 1 / number of columns",
     .min = 0,
     .max = 1e300},
    PROJECTION_NAMES("nystroem"),
    {0},
};

static const struct method random_methods[] = {
    {"gaussian",
     "S",
     "normal with variance 1 / k",
     {.program = "random_projection a,b k=1",
      .input = "a,b\n0,0\n1,1\n",
      .output = "random_0\n0\n-1.1106190980770507\n"}},
    {"sparse",
     "S",
     "mostly zeros, else of one size (Li, Hastie and Church 2006): share 1 / sqrt(columns)",
     {.program = "random_projection a,b k=1 with=sparse",
      .input = "a,b\n0,0\n1,1\n",
      .output = "random_0\n0\n-1.189207115002721\n"}},
    {0},
};

const struct step_kind steps_project_random[] = {
    {.name = "random_projection",
     .aliases = "sparse_random_projection:with=sparse",
     .family = "project",
     .class = "S",
     .summary = "random combinations of columns, which keep distances roughly",
     .details = "The matrix comes from the seed and the step's place in the program alone. "
                "Distances between n rows are kept within e when k is about 4 ln(n) / (e^2 / 2) "
                "(Johnson and Lindenstrauss 1984). A row with a missing value becomes missing.",
     .args = random_args,
     .methods = random_methods,
     .example = {.program = "random_projection a,b k=1",
                 .input = "a,b\n0,0\n1,1\n",
                 .output = "random_0\n0\n-1.1106190980770507\n"},
     PROJECTION_HOOKS,
     .detail = &(const struct projecting){.prepare = prepare_random}},
    {.name = "rbf_sampler",
     .family = "project",
     .class = "S",
     .summary = "random Fourier features: their products approximate the kernel exp(-gamma d^2)",
     .details = "sqrt(2 / k) cos(w x + b) with w normal of variance 2 gamma and b uniform (Rahimi "
                "and Recht 2007). The weights come from the seed and the step's place alone.",
     .args = fourier_args,
     .example = {.program = "rbf_sampler a k=1 gamma=0",
                 .input = "a\n1\n2\n",
                 .output = "rbf_0\n0.26085190842230915\n0.26085190842230915\n"},
     PROJECTION_HOOKS,
     .detail = &(const struct projecting){.prepare = prepare_fourier,
                                          .row = fourier_row,
                                          .vector = ML_VECTOR_fourier,
                                          .constants = put_fourier}},
    {.name = "count_sketch",
     .family = "project",
     .class = "S",
     .summary = "each column added to, or taken from, one of k outputs at random",
     .details = "Keeps lengths and products in expectation (Charikar, Chen and Farach-Colton "
                "2002). Outputs and signs come from the seed and the step's place alone.",
     .args = sketch_args,
     .example = {.program = "count_sketch a,b k=2",
                 .input = "a,b\n1,10\n2,20\n",
                 .output = "sketch_0,sketch_1\n-1,10\n-2,20\n"},
     PROJECTION_HOOKS,
     .detail = &(const struct projecting){.prepare = prepare_sketch}},
    {.name = "nystroem",
     .family = "project",
     .class = "F",
     .summary = "kernels of a row with a sample of rows, made orthonormal",
     .details = "Products of the outputs approximate exp(-gamma d^2), exactly among the landmarks "
                "(Williams and Seeger 2001; scikit-learn's Nystroem draws others). Landmarks are "
                "a seeded sample of k rows, the same for any number of threads; fits of shards "
                "merge, but number their rows anew, so their sample is another. Fewer rows, "
                "fewer outputs.",
     .args = nystroem_args,
     .example =
         {.program = "nystroem x k=2",
          .input = "x\n1\n2\n",
          .output =
              "nystroem_0,nystroem_1\n0.9823119400252124,0.1872518424045625\n0.1872518424045625,"
              "0.9823119400252124\n"},
     PROJECTION_FITTED_HOOKS,
     .detail = &(const struct projecting){.derive = derive_landmarks,
                                          .row = landmark_row,
                                          .vector = ML_VECTOR_landmarks,
                                          .constants = put_landmarks,
                                          .landmarks = true}},
    {0},
};
