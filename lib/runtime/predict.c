/* A block of rows at a time through stages, predictor and transform. */
#include "runtime/predict.h"

#include "runtime/stage.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* What a prediction works with. */
struct prediction {
    const struct ml_image *m;
    const struct ml_kernels *kernels;
    const struct ml_plan *plan;
    double *vector, *other; /* a row: ml_stages_widest numbers each */
    void *block;            /* of the kernels */
    struct ml_refusal *why;
};

static uint64_t work_rounded(uint64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static const struct ml_plan *image_plan(const struct ml_image *m)
{
    return (const void *)((const char *)m + m->plan_at);
}

ML_API size_t ml_image_work(const struct ml_image *m)
{
    uint64_t vector = work_rounded(ml_stages_widest(m) * sizeof(double));
    uint64_t block = m->kind == ML_TREES ? ml_block_bytes(image_plan(m)) : 0;
    return (size_t)(2 * vector + work_rounded(block));
}

static struct prediction prediction_in(const struct ml_image *m, const struct ml_kernels *kernels,
                                       void *work, struct ml_refusal *why)
{
    uint64_t vector = work_rounded(ml_stages_widest(m) * sizeof(double));
    char *at = work;
    return (struct prediction){.m = m,
                               .kernels = kernels,
                               .plan = image_plan(m),
                               .vector = (void *)at,
                               .other = (void *)(at + vector),
                               .block = at + 2 * vector,
                               .why = why};
}

static void row_load(const struct ml_rows *rows, size_t r, size_t n, double *vector)
{
    for (size_t f = 0; f < n && rows->column; f++)
        vector[f] = rows->column[f] ? rows->column[f][r] : (double)NAN;
    if (rows->wide)
        memcpy(vector, rows->wide + r * rows->stride, n * sizeof *vector);
    for (size_t f = 0; f < n && rows->single; f++)
        vector[f] = (double)rows->single[r * rows->stride + f];
}

/* The predictor's vector of a row whose features are in p->vector; NULL: refused. */
static const double *row_staged(const struct prediction *p)
{
    struct ml_refusal unwanted;
    if (p->m->stages == 0)
        return p->vector;
    return ml_stages_run(p->m, p->vector, p->other, p->why ? p->why : &unwanted);
}

/* Rows first .. first + n - 1 into the block; how many there are before one that is refused. */
static size_t block_fill(const struct prediction *p, const struct ml_rows *rows, size_t first,
                         size_t n)
{
    if (p->m->stages == 0) {
        p->kernels->encode(p->plan, rows, first, n, 0, p->block);
        return n;
    }
    for (size_t r = 0; r < n; r++) {
        row_load(rows, first + r, p->m->features, p->vector);
        const double *staged = row_staged(p);
        if (!staged)
            return r;
        struct ml_rows one = {.wide = staged};
        p->kernels->encode(p->plan, &one, 0, 1, r, p->block);
    }
    return n;
}

static bool row_margins(const struct prediction *p, const struct ml_rows *rows, size_t r,
                        double *margins)
{
    row_load(rows, r, p->m->features, p->vector);
    const double *staged = row_staged(p);
    if (!staged)
        return false;
    if (p->m->kind == ML_LINEAR)
        ml_linear_margins(p->m, staged, margins);
    else
        p->kernels->row(p->plan, staged, p->block, margins);
    return true;
}

static size_t block_margins(const struct prediction *p, const struct ml_rows *rows, size_t first,
                            size_t n, double *margins)
{
    size_t done = 0;
    if (p->m->kind == ML_LINEAR || n == 1) {
        while (done < n && row_margins(p, rows, first + done, margins + done * p->m->outputs))
            done++;
        return done;
    }
    done = block_fill(p, rows, first, n);
    p->kernels->block(p->plan, p->block, done, margins);
    return done;
}

ML_API size_t ml_image_predict(const struct ml_image *m, const struct ml_kernels *kernels,
                               const struct ml_rows *rows, size_t n, enum ml_what what, void *work,
                               double *out, struct ml_refusal *why)
{
    struct prediction p = prediction_in(m, kernels, work, why);
    for (size_t first = 0; first < n; first += ML_ROWS) {
        size_t count = n - first < ML_ROWS ? n - first : ML_ROWS;
        double *to = out + first * m->outputs;
        size_t done = block_margins(&p, rows, first, count, to);
        for (size_t r = 0; r < done && what == ML_ANSWERS; r++)
            ml_image_answers(m, to + r * m->outputs);
        if (done < count)
            return first + done;
    }
    return n;
}

ML_API size_t ml_image_leaves(const struct ml_image *m, const struct ml_kernels *kernels,
                              const struct ml_rows *rows, size_t n, void *work, uint32_t *leaves,
                              struct ml_refusal *why)
{
    struct prediction p = prediction_in(m, kernels, work, why);
    for (size_t first = 0; first < n; first += ML_ROWS) {
        size_t count = n - first < ML_ROWS ? n - first : ML_ROWS;
        size_t done = block_fill(&p, rows, first, count);
        kernels->leaves(p.plan, p.block, done, leaves + first * p.plan->trees);
        if (done < count)
            return first + done;
    }
    return n;
}
