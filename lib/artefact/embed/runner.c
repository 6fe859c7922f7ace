/*
 * Runs rows through a compiled model, for its verification: a program for a machine with dlopen
 *   runner LIBRARY PREFIX ROWS RESULTS
 * or, with RUNNER_FIRMWARE, main of one without an operating system, with the model linked in and
 * the files rows.bin and results.bin of its debugger (firmware.c).
 *
 * ROWS, little-endian: u64 magic, raw, n, width; then n * width doubles, or of raw rows n * width
 * u32 lengths (UINT32_MAX: missing) and the bytes of all fields. RESULTS: u64 magic, predicted,
 * outputs; then predicted * outputs margins (not of raw rows), and as many answers.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ROWS_MAGIC    UINT64_C(0x313073776f726c6d) /* "mlrows01" */
#define RESULTS_MAGIC UINT64_C(0x3130746c73726c6d) /* "mlrslt01" */

/* Status of the program. */
enum { RUN_OK, RUN_FILES = 2, RUN_LIBRARY = 3, RUN_ROWS = 4 };

struct rows_head {
    uint64_t magic, raw, n, width;
};
struct results_head {
    uint64_t magic, predicted, outputs;
};

struct model {
    size_t (*inputs)(void), (*outputs)(void), (*fields)(void);
    size_t (*margins)(const double *x, size_t n, size_t ld, double *out);
    size_t (*predict)(const double *x, size_t n, size_t ld, double *out);
    size_t (*predict_raw)(const char *const *fields, const size_t *lengths, size_t n, double *out);
};

struct bytes {
    unsigned char *at;
    size_t n;
};

/* Of the machine: memory is not given back, and NULL when there is none. */
static void *take(size_t n);
static int load(const char *path, struct bytes *out);
static int save(const char *path, const struct bytes *b);

static int run_raw(const struct model *m, const struct rows_head *head, struct bytes in,
                   struct results_head *results, double *answers)
{
    size_t count = (size_t)(head->n * head->width), at = sizeof *head + count * sizeof(uint32_t);
    const char **fields = take(count * sizeof *fields + 1);
    size_t *lengths = take(count * sizeof *lengths + 1);
    if (!fields || !lengths || at > in.n)
        return RUN_ROWS;
    for (size_t i = 0; i < count; i++) {
        uint32_t length;
        memcpy(&length, in.at + sizeof *head + i * sizeof length, sizeof length);
        fields[i] = length == UINT32_MAX ? NULL : (const char *)in.at + at;
        lengths[i] = length == UINT32_MAX ? 0 : length;
        at += lengths[i];
        if (at > in.n)
            return RUN_ROWS;
    }
    results->predicted = m->predict_raw(fields, lengths, (size_t)head->n, answers);
    return RUN_OK;
}

static int run(const struct model *m, struct bytes in, struct bytes *out)
{
    struct rows_head head;
    struct results_head results = {RESULTS_MAGIC, 0, m->outputs()};
    if (in.n < sizeof head)
        return RUN_ROWS;
    memcpy(&head, in.at, sizeof head);
    if (head.magic != ROWS_MAGIC || head.width != (head.raw ? m->fields() : m->inputs()))
        return RUN_ROWS;
    size_t n = (size_t)head.n, numbers = n * (size_t)results.outputs;
    out->at = take(sizeof results + 2 * numbers * sizeof(double));
    double *answers = take(numbers * sizeof(double) + 1);
    if (!out->at || !answers)
        return RUN_ROWS;
    double *first = (double *)(void *)(out->at + sizeof results);
    out->n = sizeof results;
    if (head.raw) {
        int status = run_raw(m, &head, in, &results, answers);
        if (status != RUN_OK)
            return status;
    } else {
        const double *x = (const double *)(const void *)(in.at + sizeof head);
        results.predicted = m->margins(x, n, (size_t)head.width, first);
        out->n += (size_t)(results.predicted * results.outputs) * sizeof(double);
        if (m->predict(x, n, (size_t)head.width, answers) != results.predicted)
            return RUN_LIBRARY;
    }
    size_t bytes = (size_t)(results.predicted * results.outputs) * sizeof(double);
    memcpy(out->at + out->n, answers, bytes);
    memcpy(out->at, &results, sizeof results);
    out->n += bytes;
    return RUN_OK;
}

static int run_files(const struct model *m, const char *rows, const char *results)
{
    struct bytes in = {NULL, 0}, out = {NULL, 0};
    if (load(rows, &in) != 0)
        return RUN_FILES;
    int status = run(m, in, &out);
    if (status == RUN_OK && save(results, &out) != 0)
        status = RUN_FILES;
    return status;
}

#ifdef RUNNER_FIRMWARE
#include "firmware.c"
#else
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void *take(size_t n)
{
    return malloc(n);
}

static int load(const char *path, struct bytes *out)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return -1;
    long size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    rewind(f);
    out->at = size >= 0 ? take((size_t)size + 1) : NULL;
    out->n = out->at ? fread(out->at, 1, (size_t)size, f) : 0;
    fclose(f);
    return out->at && out->n == (size_t)size ? 0 : -1;
}

static int save(const char *path, const struct bytes *b)
{
    FILE *f = fopen(path, "wb");
    size_t done = f ? fwrite(b->at, 1, b->n, f) : 0;
    return f && fclose(f) == 0 && done == b->n ? 0 : -1;
}

/* The address of PREFIX_name goes to *to, a pointer to a function. */
static int find(void *library, const char *prefix, const char *name, void *to)
{
    char symbol[300];
    (void)snprintf(symbol, sizeof symbol, "%s_%s", prefix, name);
    void *address = dlsym(library, symbol);
    memcpy(to, &address, sizeof address);
    if (!address)
        fprintf(stderr, "no function %s\n", symbol);
    return address ? 0 : -1;
}

static int find_all(void *library, const char *prefix, struct model *m)
{
    return find(library, prefix, "inputs", &m->inputs) ||
           find(library, prefix, "outputs", &m->outputs) ||
           find(library, prefix, "fields", &m->fields) ||
           find(library, prefix, "margins_f64", &m->margins) ||
           find(library, prefix, "predict_f64", &m->predict) ||
           find(library, prefix, "predict_raw", &m->predict_raw);
}

int main(int argc, char **argv)
{
    struct model m;
    if (argc != 5)
        return RUN_FILES;
    void *library = dlopen(argv[1], RTLD_NOW);
    if (!library)
        fprintf(stderr, "%s\n", dlerror());
    if (!library || find_all(library, argv[2], &m) != 0)
        return RUN_LIBRARY;
    return run_files(&m, argv[3], argv[4]);
}
#endif
