/* neoc bench MODEL [FILE]: rows a second, and how long one row takes. */
#include "neoc.h"

#include "runtime/program.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

struct bench_options {
    struct compile_options compile;
    int64_t rows, jobs, repeats;
    int to;
};

/* clang-format off */
static const struct option options[] = {
    {0, "rows", "N", INTO_INT(struct bench_options, rows), .fallback = "100000", .range = "1..100000000",
     .help = "rows of a batch: those of FILE over and over, or random ones"},
    {0, "repeat", "N", INTO_INT(struct bench_options, repeats), .fallback = "5", .range = "1..1000",
     .help = "batches; the fastest counts"},
    {'j', "jobs", "N", INTO_INT(struct bench_options, jobs), .fallback = "1", .range = "1..1024",
     .help = "threads that share a batch"},
    {'t', "to", NULL, INTO_CHOICE(struct bench_options, to), .fallback = "text",
     .choices = "text|jsonl", .help = "a table for eyes, or one JSON object"},
    OPTION_END,
};
/* clang-format on */

enum { SINGLE_ROWS = 20000 };

struct bench {
    const struct predictor *predictor;
    size_t rows, jobs, features, outputs;
    double *x;              /* rows * features, or */
    struct ml_text *fields; /* rows * fields of the image: raw rows */
    double *out;            /* rows * outputs */
    double best;            /* seconds of a batch, and the processors' seconds of the cheapest */
    double cheapest;
    double *single; /* seconds of a row, SINGLE_ROWS, ascending */
};

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *work_new(const struct predictor *p, void **memory)
{
    *memory = mem_alloc(ml_image_work(p->image) + 64);
    return (void *)(((uintptr_t)*memory + 63) / 64 * 64);
}

/* n rows from row `first` on. */
static void predict(const struct bench *b, size_t first, size_t n, void *work)
{
    const struct ml_image *m = b->predictor->image;
    double *out = b->out + first * b->outputs;
    if (b->fields) {
        ml_image_predict_raw(m, b->predictor->kernels, b->fields + first * m->fields, n, ML_ANSWERS,
                             work, out, NULL);
        return;
    }
    struct ml_rows rows = {.wide = b->x + first * b->features, .stride = b->features};
    ml_image_predict(m, b->predictor->kernels, &rows, n, ML_ANSWERS, work, out, NULL);
}

/* A share of the batch, in whole blocks. */
static void predict_share(void *context, unsigned number)
{
    const struct bench *b = context;
    size_t blocks = (b->rows + ML_ROWS - 1) / ML_ROWS;
    size_t first = blocks * number / b->jobs * ML_ROWS;
    size_t end = blocks * (number + 1) / b->jobs * ML_ROWS;
    end = end < b->rows ? end : b->rows;
    void *memory, *work = work_new(b->predictor, &memory);
    predict(b, first, end - first, work);
    mem_free(memory);
}

static void run_batches(struct bench *b, int64_t repeats)
{
    b->best = b->cheapest = (double)INFINITY;
    for (int64_t i = 0; i < repeats; i++) {
        double start = seconds(CLOCK_MONOTONIC), spent = seconds(CLOCK_PROCESS_CPUTIME_ID);
        team_run((unsigned)b->jobs, predict_share, b);
        b->best = fmin(b->best, seconds(CLOCK_MONOTONIC) - start);
        b->cheapest = fmin(b->cheapest, seconds(CLOCK_PROCESS_CPUTIME_ID) - spent);
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void run_single_rows(struct bench *b)
{
    void *memory, *work = work_new(b->predictor, &memory);
    for (size_t i = 0; i < SINGLE_ROWS; i++) {
        double start = seconds(CLOCK_MONOTONIC);
        predict(b, i % b->rows, 1, work);
        b->single[i] = seconds(CLOCK_MONOTONIC) - start;
    }
    mem_free(memory);
    qsort(b->single, SINGLE_ROWS, sizeof *b->single, ascending);
}

static double microseconds(const struct bench *b, double share)
{
    return 1e6 * b->single[(size_t)(share * (SINGLE_ROWS - 1))];
}

static int report(const struct bench *b, bool jsonl, struct error *e)
{
    struct buf out = {0};
    const struct {
        const char *name;
        double value;
    } figures[] = {{"rows", (double)b->rows},
                   {"features", (double)b->features},
                   {"threads", (double)b->jobs},
                   {"rows_per_s", (double)b->rows / b->best},
                   {"rows_per_cpu_s", (double)b->rows / b->cheapest},
                   {"latency_us_p50", microseconds(b, 0.5)},
                   {"latency_us_p90", microseconds(b, 0.9)},
                   {"latency_us_p99", microseconds(b, 0.99)},
                   {"latency_us_max", microseconds(b, 1)}};
    buf_format(&out, jsonl ? "{\"kernel\":\"%s\"" : "%-16s",
               jsonl ? b->predictor->kernels->name : "kernel");
    if (!jsonl)
        buf_format(&out, "%s\n", b->predictor->kernels->name);
    for (size_t i = 0; i < COUNT_OF(figures); i++)
        buf_format(&out, jsonl ? ",\"%s\":%.6g" : "%-16s%.6g\n", figures[i].name, figures[i].value);
    buf_puts(&out, jsonl ? "}\n" : "");
    int status = print_text(&out, e);
    buf_release(&out);
    return status;
}

/* Raw rows as features, where the model takes numbers: NaN for rows that it refuses. */
static void fill_numbers(struct bench *b, const struct raw_rows *given)
{
    const struct ml_image *m = b->predictor->image;
    const struct ml_program *program = (const void *)((const char *)m + m->program_at);
    void *work = mem_alloc(ml_program_work(program));
    for (size_t r = 0; r < b->rows; r++) {
        double *row = b->x + r * b->features;
        const struct ml_text *fields = given->at.at + r % given->n * given->fields;
        if (ml_program_run(program, fields, work, row))
            for (size_t f = 0; f < b->features; f++)
                row[f] = (double)NAN;
    }
    mem_free(work);
}

/* The given rows over and over, or numbers of the normal distribution. */
static void fill_rows(struct bench *b, const struct raw_rows *given)
{
    if (given->n && b->predictor->takes_fields) {
        b->fields = mem_array(NULL, b->rows * given->fields, sizeof *b->fields);
        for (size_t r = 0; r < b->rows; r++)
            memcpy(b->fields + r * given->fields, given->at.at + r % given->n * given->fields,
                   given->fields * sizeof *b->fields);
        return;
    }
    b->x = mem_array(NULL, b->rows * b->features, sizeof *b->x);
    if (given->n)
        fill_numbers(b, given);
    for (size_t i = 0; i < b->rows * b->features && !given->n; i++)
        b->x[i] = random_normal(1, i % b->features, i / b->features);
}

static int measure(const struct bench_options *o, const struct predictor *p,
                   const struct raw_rows *given, struct error *e)
{
    struct bench b = {.predictor = p,
                      .rows = (size_t)o->rows,
                      .jobs = (size_t)o->jobs,
                      .features = p->image->features,
                      .outputs = p->image->outputs};
    b.out = mem_array(NULL, b.rows * b.outputs, sizeof *b.out);
    b.single = mem_array(NULL, SINGLE_ROWS, sizeof *b.single);
    fill_rows(&b, given);
    run_batches(&b, o->repeats);
    run_single_rows(&b);
    int status = report(&b, o->to == 1, e);
    mem_free(b.x);
    mem_free(b.fields);
    mem_free(b.out);
    mem_free(b.single);
    return status;
}

static int work(struct session *s, const void *options_given, struct operands *operands,
                struct error *e)
{
    const struct bench_options *o = options_given;
    struct subject subject;
    struct raw_rows rows = {0};
    int status = subject_open(operands->at[0], &o->compile, &subject, e);
    if (status)
        return status;
    if (operands->len > 1)
        status = raw_read(s, subject.predictor, operands->at[1], &rows, e);
    if (status == 0 && operands->len > 1 && rows.n == 0)
        status = error_set(e, ERR_DATA, "%s: there are no rows", operands->at[1]);
    if (status == 0)
        status = measure(o, subject.predictor, &rows, e);
    raw_rows_release(&rows);
    subject_close(&subject);
    return status;
}

static int run(void *context, struct operands *operands)
{
    return session_run(work, &plain_stream, context, operands);
}

const struct command command_bench = {
    .name = "bench",
    .summary = "rows a second of a model or artefact, and how long one row takes",
    .operands = "MODEL [FILE]",
    .options = options,
    .options_size = sizeof(struct bench_options),
    .run = run,
    .more = "Rows are predicted in memory, by the kernels of artefacts: a batch for the rows a "
            "second, the fastest of several; then one at a time, for the microseconds "
            "that half, 90 % and 99 % of them take at most.",
};
