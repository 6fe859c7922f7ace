/* A block of rows at a time through program, stages, predictor and transform. */
#include "runtime/predict.h"

#include "runtime/program.h"
#include "runtime/stage.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* What a prediction works with. */
struct prediction {
    const struct ml_image *m;
    const struct ml_kernels *kernels;
    const struct ml_plan *plan;
    const struct ml_program *program;
    const struct ml_rows *rows;   /* features, or */
    const struct ml_text *fields; /* raw rows: m->fields each */
    /* The features of a raw row into vector; false: refused. NULL of rows of features: a linker can
     * leave out what runs programs where none is called for. */
    bool (*prepare)(const struct prediction *p, size_t r);
    double *vector, *other; /* a row: ml_stages_widest numbers each */
    void *block;            /* of the kernels */
    void *work;             /* of the program */
    struct ml_refusal *why;
};

static uint64_t work_rounded(uint64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static const void *image_at(const struct ml_image *m, uint64_t at)
{
    return (const char *)m + at;
}

static uint64_t block_bytes(const struct ml_image *m)
{
    return ML_OF(m, kind) == ML_TREES ? work_rounded(ml_block_bytes(image_at(m, m->plan_at))) : 0;
}

static uint64_t program_bytes(const struct ml_image *m)
{
    return m->fields ? work_rounded(ml_program_work(image_at(m, m->program_at))) : 0;
}

static uint64_t vector_bytes(const struct ml_image *m)
{
    return work_rounded(ml_stages_widest(m) * sizeof(double));
}

ML_API size_t ml_image_work(const struct ml_image *m)
{
    return (size_t)(2 * vector_bytes(m) + program_bytes(m) + block_bytes(m));
}

ML_API size_t ml_image_row_work(const struct ml_image *m)
{
    size_t row = ML_OF(m, kind) == ML_TREES ? ml_row_bytes(image_at(m, m->plan_at)) : 0;
    return (size_t)(2 * vector_bytes(m) + program_bytes(m) + work_rounded(row));
}

static struct prediction prediction_in(const struct ml_image *m, const struct ml_kernels *kernels,
                                       void *work, struct ml_refusal *why)
{
    uint64_t vector = vector_bytes(m);
    char *at = work;
    return (struct prediction){.m = m,
                               .kernels = kernels,
                               .plan = image_at(m, m->plan_at),
                               .program = image_at(m, m->program_at),
                               .vector = (void *)at,
                               .other = (void *)(at + vector),
                               .work = at + 2 * vector,
                               .block = at + 2 * vector + program_bytes(m),
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

static bool row_prepare(const struct prediction *p, size_t r)
{
    int status = ml_program_run(p->program, p->fields + r * p->m->fields, p->work, p->vector);
    if (status == 0)
        return true;
    struct ml_why_not reason = ml_program_why(p->program, p->work, status);
    if (p->why)
        *p->why =
            (struct ml_refusal){ML_REFUSED_BY_PROGRAM, reason.step, reason.field, reason.text};
    return false;
}

/* The predictor's vector of row r; NULL: refused. */
static const double *row_vector(const struct prediction *p, size_t r)
{
    struct ml_refusal unwanted;
    if (!p->prepare)
        row_load(p->rows, r, p->m->features, p->vector);
    else if (!p->prepare(p, r))
        return NULL;
    if (ML_OF(p->m, stages) == 0)
        return p->vector;
    return ml_stages_run(p->m, p->vector, p->other, p->why ? p->why : &unwanted);
}

/* Rows first .. first + n - 1 into the block; how many there are before one that is refused. */
static size_t block_fill(const struct prediction *p, size_t first, size_t n)
{
    if (p->rows && ML_OF(p->m, stages) == 0) {
        p->kernels->encode(p->plan, p->rows, first, n, 0, p->block);
        return n;
    }
    for (size_t r = 0; r < n; r++) {
        struct ml_rows one = {.wide = row_vector(p, first + r)};
        if (!one.wide)
            return r;
        p->kernels->encode(p->plan, &one, 0, 1, r, p->block);
    }
    return n;
}

static bool row_margins(const struct prediction *p, size_t r, double *margins)
{
    const double *vector = row_vector(p, r);
    if (!vector)
        return false;
    if (ML_OF(p->m, kind) == ML_LINEAR)
        ml_linear_margins(p->m, vector, margins);
    else
        p->kernels->row(p->plan, vector, p->block, margins);
    return true;
}

static size_t block_margins(const struct prediction *p, size_t first, size_t n, double *margins)
{
    size_t done = 0;
    if (ML_OF(p->m, kind) == ML_LINEAR || n == 1) {
        while (done < n && row_margins(p, first + done, margins + done * p->m->outputs))
            done++;
        return done;
    }
    done = block_fill(p, first, n);
    p->kernels->block(p->plan, p->block, done, margins);
    return done;
}

static size_t predict_rows(const struct prediction *p, size_t n, enum ml_what what, double *out)
{
    for (size_t first = 0; first < n; first += ML_ROWS) {
        size_t count = n - first < ML_ROWS ? n - first : ML_ROWS;
        double *to = out + first * p->m->outputs;
        size_t done = block_margins(p, first, count, to);
        for (size_t r = 0; r < done && what == ML_ANSWERS; r++)
            ml_image_answers(p->m, to + r * p->m->outputs);
        if (done < count)
            return first + done;
    }
    return n;
}

ML_API size_t ml_image_predict(const struct ml_image *m, const struct ml_kernels *kernels,
                               const struct ml_rows *rows, size_t n, enum ml_what what, void *work,
                               double *out, struct ml_refusal *why)
{
    struct prediction p = prediction_in(m, kernels, work, why);
    p.rows = rows;
    return predict_rows(&p, n, what, out);
}

ML_API size_t ml_image_predict_raw(const struct ml_image *m, const struct ml_kernels *kernels,
                                   const struct ml_text *fields, size_t n, enum ml_what what,
                                   void *work, double *out, struct ml_refusal *why)
{
    struct prediction p = prediction_in(m, kernels, work, why);
    p.fields = fields;
    p.prepare = row_prepare;
    return predict_rows(&p, n, what, out);
}

static size_t leaves_of_rows(const struct prediction *p, size_t n, uint32_t *leaves)
{
    for (size_t first = 0; first < n; first += ML_ROWS) {
        size_t count = n - first < ML_ROWS ? n - first : ML_ROWS;
        size_t done = block_fill(p, first, count);
        p->kernels->leaves(p->plan, p->block, done, leaves + first * p->plan->trees);
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
    p.rows = rows;
    return leaves_of_rows(&p, n, leaves);
}

ML_API size_t ml_image_leaves_raw(const struct ml_image *m, const struct ml_kernels *kernels,
                                  const struct ml_text *fields, size_t n, void *work,
                                  uint32_t *leaves, struct ml_refusal *why)
{
    struct prediction p = prediction_in(m, kernels, work, why);
    p.fields = fields;
    p.prepare = row_prepare;
    return leaves_of_rows(&p, n, leaves);
}
