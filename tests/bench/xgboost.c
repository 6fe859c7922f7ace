/*
 * XGBoost by its C API, the peer of neoc:
 *   xgboost train ROWS.csv MODEL TREES NAME=VALUE...   a model of labels that follow from the rows
 *   xgboost margins MODEL ROWS.csv                     a column of margins, as neoc run prints them
 *   xgboost bench MODEL ROWS.csv THREADS REPEATS       the figures of neoc bench, as NAME VALUE
 *   xgboost first MODEL ROWS.csv                       loads a model and predicts one row
 * Rows have a header and numbers without quotes. Predictions are made in place, from dense rows.
 */
#include "sys/sys.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <xgboost/c_api.h>

enum { SINGLE_ROWS = 20000 };

static _Noreturn void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "xgboost: %s: %s\n", what, why);
    exit(4);
}

#define TRY(call)                                                                                  \
    do {                                                                                           \
        if ((call) != 0)                                                                           \
            fail(#call, XGBGetLastError());                                                        \
    } while (0)

/* ---- rows ---- */

struct rows {
    size_t count, features;
    VEC(float) x; /* count * features */
};

static void add_row(struct rows *rows, const char *p, const char *end)
{
    while (p < end) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *stop = comma ? comma : end;
        double number = (double)NAN;
        if (stop > p && !number_parse_double(p, (size_t)(stop - p), &number))
            fail("rows", "not a number");
        vec_push(&rows->x, (float)number);
        p = stop + 1;
    }
    rows->count++;
}

static struct rows read_rows(const char *path)
{
    struct rows rows = {0};
    struct buf text = {0};
    struct error e = {0};
    if (file_load(path, SIZE_MAX, &text, &e))
        fail(path, e.message);
    const char *p = buf_text(&text), *end = p + text.len;
    for (bool header = true; p < end; header = false) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *stop = newline ? newline : end;
        if (!header)
            add_row(&rows, p, stop);
        p = stop + 1;
    }
    rows.features = rows.count ? rows.x.len / rows.count : 0;
    buf_release(&text);
    return rows;
}

/* ---- models ---- */

/* Yes more often for large products and differences of features: trees of any depth find more. */
static float label_of(const float *x, size_t features, uint64_t row)
{
    double score = 0;
    for (size_t i = 0; i + 3 < features; i++) {
        double a = (double)x[i], b = (double)x[i + 3];
        score += i % 3 == 0 ? a * b - 1 : i % 3 == 1 ? sin(2 * a + b) : a > b;
    }
    return random_unit(9, 0, row) < 1 / (1 + exp(0.7 * (5 - score)));
}

static DMatrixHandle training_rows(const struct rows *rows)
{
    DMatrixHandle data;
    float *labels = mem_array(NULL, rows->count, sizeof *labels);
    for (size_t r = 0; r < rows->count; r++)
        labels[r] = label_of(rows->x.at + r * rows->features, rows->features, r);
    TRY(XGDMatrixCreateFromMat(rows->x.at, rows->count, rows->features, (float)NAN, &data));
    TRY(XGDMatrixSetFloatInfo(data, "label", labels, rows->count));
    mem_free(labels);
    return data;
}

static void set(BoosterHandle booster, const char *name, const char *value)
{
    TRY(XGBoosterSetParam(booster, name, value));
}

static void train(const char *rows_path, const char *model, int trees, char **parameters)
{
    struct rows rows = read_rows(rows_path);
    DMatrixHandle data = training_rows(&rows);
    BoosterHandle booster;
    TRY(XGBoosterCreate(&data, 1, &booster));
    set(booster, "objective", "binary:logistic");
    set(booster, "base_score", "0.5");
    for (; *parameters; parameters++) {
        char *equals = strchr(*parameters, '=');
        if (!equals)
            fail(*parameters, "not NAME=VALUE");
        *equals = '\0';
        set(booster, *parameters, equals + 1);
    }
    for (int i = 0; i < trees; i++)
        TRY(XGBoosterUpdateOneIter(booster, i, data));
    TRY(XGBoosterSaveModel(booster, model));
    TRY(XGBoosterFree(booster));
    TRY(XGDMatrixFree(data));
    vec_release(&rows.x);
}

static BoosterHandle load(const char *model, const char *threads)
{
    BoosterHandle booster;
    TRY(XGBoosterCreate(NULL, 0, &booster));
    set(booster, "nthread", threads);
    TRY(XGBoosterLoadModel(booster, model));
    return booster;
}

/* Of `count` rows at x; borrows the booster's memory until its next prediction. */
static const float *predict(BoosterHandle booster, const float *x, size_t count, size_t features,
                            bool margin)
{
    char array[256], config[256];
    const bst_ulong *shape;
    bst_ulong dimensions;
    const float *out;
    snprintf(array, sizeof array,
             "{\"data\":[%zu,true],\"shape\":[%zu,%zu],\"typestr\":\"<f4\",\"version\":3}",
             (size_t)(uintptr_t)x, count, features);
    snprintf(config, sizeof config,
             "{\"type\":%d,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,"
             "\"strict_shape\":false,\"missing\":NaN,\"cache_id\":0}",
             margin);
    TRY(XGBoosterPredictFromDense(booster, array, config, NULL, &shape, &dimensions, &out));
    return out;
}

static void margins(const char *model, const char *rows_path)
{
    struct rows rows = read_rows(rows_path);
    BoosterHandle booster = load(model, "1");
    const float *out = predict(booster, rows.x.at, rows.count, rows.features, true);
    char number[NUMBER_MAX];
    puts("margin");
    for (size_t r = 0; r < rows.count; r++)
        printf("%.*s\n", (int)number_print(number, (double)out[r]), number);
    TRY(XGBoosterFree(booster));
    vec_release(&rows.x);
}

static void first(const char *model, const char *rows_path)
{
    struct rows rows = read_rows(rows_path);
    BoosterHandle booster = load(model, "1");
    printf("%.9g\n", (double)*predict(booster, rows.x.at, 1, rows.features, false));
    TRY(XGBoosterFree(booster));
    vec_release(&rows.x);
}

/* ---- measuring ---- */

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void measure_batches(BoosterHandle booster, const struct rows *rows, int repeats)
{
    double best = (double)INFINITY, cheapest = (double)INFINITY;
    for (int i = 0; i < repeats; i++) {
        double start = seconds(CLOCK_MONOTONIC), spent = seconds(CLOCK_PROCESS_CPUTIME_ID);
        predict(booster, rows->x.at, rows->count, rows->features, false);
        best = fmin(best, seconds(CLOCK_MONOTONIC) - start);
        cheapest = fmin(cheapest, seconds(CLOCK_PROCESS_CPUTIME_ID) - spent);
    }
    printf("rows_per_s %.6g\nrows_per_cpu_s %.6g\n", (double)rows->count / best,
           (double)rows->count / cheapest);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure_single_rows(BoosterHandle booster, const struct rows *rows)
{
    double *taken = mem_array(NULL, SINGLE_ROWS, sizeof *taken);
    for (size_t i = 0; i < SINGLE_ROWS; i++) {
        const float *row = rows->x.at + i % rows->count * rows->features;
        double start = seconds(CLOCK_MONOTONIC);
        predict(booster, row, 1, rows->features, false);
        taken[i] = seconds(CLOCK_MONOTONIC) - start;
    }
    qsort(taken, SINGLE_ROWS, sizeof *taken, ascending);
    printf("latency_us_p50 %.6g\nlatency_us_p99 %.6g\n", 1e6 * taken[SINGLE_ROWS / 2],
           1e6 * taken[SINGLE_ROWS / 100 * 99]);
    mem_free(taken);
}

static void bench(const char *model, const char *rows_path, const char *threads, int repeats)
{
    struct rows rows = read_rows(rows_path);
    BoosterHandle booster = load(model, threads);
    measure_batches(booster, &rows, repeats);
    if (strcmp(threads, "1") == 0)
        measure_single_rows(booster, &rows);
    TRY(XGBoosterFree(booster));
    vec_release(&rows.x);
}

static bool is(const char *word, const char *wanted, int given, int needed)
{
    return strcmp(word, wanted) == 0 && given >= needed;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (is(word, "train", argc, 5))
        train(argv[2], argv[3], (int)strtol(argv[4], NULL, 10), argv + 5);
    else if (is(word, "margins", argc, 4))
        margins(argv[2], argv[3]);
    else if (is(word, "bench", argc, 6))
        bench(argv[2], argv[3], argv[4], (int)strtol(argv[5], NULL, 10));
    else if (is(word, "first", argc, 4))
        first(argv[2], argv[3]);
    else
        fail("arguments", "train, margins, bench or first, and files");
    return fclose(stdout) == 0 ? 0 : 4;
}
