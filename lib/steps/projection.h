/*
 * projection: steps that replace p columns of numbers by k new ones, prefix_0 .. prefix_(k-1), each
 * row alone. Most are linear: out = weights (x - shift). What the weights come from is the step's:
 * the seed alone (made by prepare, S), or sums over the rows (made by derive, F).
 *
 *     {.name = "pca", ..., PROJECTION_FITTED_HOOKS,
 *      .detail = &(const struct projecting){.derive = derive_pca}},
 *
 * A row with a missing value teaches nothing and gives missing values.
 */
#ifndef STEPS_PROJECTION_H
#define STEPS_PROJECTION_H

#include "steps/pairs.h"

struct projection {
    size_t p, k;
    double *shift;    /* p */
    double *weights;  /* k * p, row-major */
    double *variance; /* k, or NULL: for the reader of the state */
    /* Sums by class: of the column target=, else one class without a name. */
    struct map classes;
    VEC(struct comoments) sums; /* by number in classes */
    struct comoments total;     /* made by finish */
    struct sample sample;       /* rows of p doubles; for steps that learn from such */
    void *own;                  /* what a step keeps besides, on the heap */
};

struct projecting {
    /* F: k, shift and weights from sums or sample. */
    int (*derive)(const struct step *s, struct projection *x, struct error *e);
    /* S: the same from the arguments and the seed. */
    int (*prepare)(struct step *s, struct projection *x, struct error *e);
    /* One row; NULL: linear. */
    void (*row)(const struct projection *x, const double *in, double *out);
    /* With row: the same in a row program, enum ml_vector_code, and its constants. NULL: not
     * compiled. */
    uint32_t vector;
    void (*constants)(const struct projection *x, struct buf *out);
    bool by_class;  /* target= holds classes */
    bool landmarks; /* learns a sample of sample= rows, k= when it has no such argument, not sums */
};

/* Sets the size of the result; weights and shift are zero then. */
void projection_size(struct projection *x, size_t k);
void projection_linear(const struct projection *x, const double *in, double *out);
/* The rows of the sample: x->sample.heap.len * p numbers, owned. */
double *projection_rows(const struct projection *x);
/* Nothing to learn from, as in an empty shard: the k outputs are missing. */
int projection_nothing(struct projection *x, size_t k);
/* Number of outputs asked for by k=, at most `most`, which is also the default. */
int projection_count(const struct step *s, size_t most, size_t *k, struct error *e);

int projection_open(struct step *s, const struct schema *in, struct error *e);
int projection_shape(struct step *s, struct schema *schema, struct error *e);
void projection_close(struct step *s);
int projection_apply(const struct step *s, struct batch *b, struct error *e);
int projection_lower(const struct step *s, struct lowering *l, struct error *e);
void projection_put(struct buf *out, const double *at, size_t n); /* for constants */
void *projection_new(const struct step *s);
int projection_learn(const struct step *s, void *state, struct batch *b, struct error *e);
int projection_merge(const struct step *s, void *into, void *from, struct error *e);
int projection_finish(struct step *s, void *state, struct error *e);
json_t *projection_save(const struct step *s, const void *state);
int projection_load(const struct step *s, void *state, const json_t *j, struct error *e);
void projection_free(void *state);

#define PROJECTION_HOOKS                                                                           \
    .open = projection_open, .shape = projection_shape, .close = projection_close,                 \
    .apply = projection_apply, .lower = projection_lower
#define PROJECTION_FITTED_HOOKS                                                                    \
    PROJECTION_HOOKS, .state_new = projection_new, .learn = projection_learn,                      \
                      .merge = projection_merge, .finish = projection_finish,                      \
                      .save = projection_save, .load = projection_load,                            \
                      .state_free = projection_free

/* Arguments all of them have. */
#define PROJECTION_COLUMNS                                                                         \
    {                                                                                              \
        .name = "columns", .kind = ARG_COLUMNS, .help = "columns of numbers", .positional = true,  \
        .required = true                                                                           \
    }
#define PROJECTION_K(text)                                                                         \
    {                                                                                              \
        .name = "k", .kind = ARG_INT, .help = text, .min = 1, .max = 1e6                           \
    }
#define PROJECTION_NAMES(prefix_text)                                                              \
    {.name = "prefix",                                                                             \
     .kind = ARG_TEXT,                                                                             \
     .fallback = prefix_text,                                                                      \
     .help = "new columns are prefix_0, prefix_1 ..."},                                            \
    {                                                                                              \
        .name = "keep", .kind = ARG_BOOL, .fallback = "false", .help = "keep the original columns" \
    }

#endif
