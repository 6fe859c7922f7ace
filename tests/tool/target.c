/*
 * target TARGET FORM ROWS [PREFIX [TREES]]: compiles a model of trees for a target, runs awkward
 * rows through what was built (FORM: library static c header) and compares with the predictor of
 * this library to the last bit. Says how many are equal, how large it is and how long it took;
 * "lacks ..." and status 1 when this machine cannot. Status 4 when margins differ. With no ROWS
 * nothing is run: the files are left in the working directory under their own names.
 */
#include "artefact/artefact.h"
#include "infer/infer.h"
#include "model/builder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { FEATURES = 9, OUTPUTS = 3 };

static uint64_t draw(uint64_t below)
{
    static uint64_t counter;
    return random_below(11, 1, counter++, below);
}

static double threshold(void)
{
    return (double)(float)((double)draw(60) / 16 - 2);
}

static void add_tree(struct builder *b, size_t depth, uint32_t output, struct error *e)
{
    struct draft_node nodes[512];
    double values[512];
    uint8_t level[512] = {0};
    size_t count = 1;
    for (size_t i = 0; i < count; i++) {
        values[i] = (double)(float)((double)draw(2000) / 977 - 1);
        nodes[i] = (struct draft_node){
            .feature = NODE_LEAF, .set = NO_SET, .cover = 1, .value = &values[i]};
        if (level[i] == depth || (i > 0 && draw(6) == 0))
            continue;
        nodes[i].feature = (uint32_t)draw(FEATURES);
        nodes[i].missing = (uint8_t)(draw(2) ? MISSING_LEFT : 0);
        nodes[i].threshold = threshold();
        if (nodes[i].feature == 0) {
            uint32_t words[2] = {(uint32_t)draw(UINT32_MAX), (uint32_t)draw(99)};
            nodes[i].set = builder_set(b, words, 1 + draw(2));
        }
        nodes[i].left = (uint32_t)count;
        nodes[i].right = (uint32_t)count + 1;
        level[count] = level[count + 1] = (uint8_t)(level[i] + 1);
        count += 2;
    }
    (void)builder_tree(b, nodes, count, 0, output, e);
}

static struct model *make_model(size_t trees, struct error *e)
{
    struct model *m = model_new("test", FEATURES);
    struct builder *b = builder_new(1);
    double *base = model_numbers(m, OUTPUTS);
    m->outputs = OUTPUTS;
    m->base = base;
    for (size_t k = 0; k < OUTPUTS; k++)
        base[k] = (double)(float)(0.1 * (double)(k + 1));
    for (size_t t = 0; t < trees; t++)
        add_tree(b, 1 + t % 8, (uint32_t)(t % OUTPUTS), e);
    builder_finish(b, m);
    m->trees.single = true;
    m->sum = (struct leaf_sum){.how = SUM_ADD, .single = true};
    m->transform = TRANSFORM_SOFTMAX;
    return m;
}

static double *make_rows(size_t n)
{
    static const double awkward[] = {0, -0.0, 1e-40, -1e300, 1e300, 3.5};
    double *x = mem_array(NULL, n * FEATURES, sizeof *x);
    for (size_t i = 0; i < n * FEATURES; i++) {
        uint64_t kind = draw(10);
        x[i] = kind == 0   ? (double)NAN
               : kind == 1 ? (draw(2) ? (double)INFINITY : -(double)INFINITY)
               : kind == 2 ? awkward[draw(COUNT_OF(awkward))]
               : kind == 3 ? nextafter(threshold(), draw(2) ? 9 : -9)
                           : threshold();
    }
    return x;
}

/* How many rows have the same bits. */
static size_t equal_rows(const double *a, const double *b, size_t n)
{
    size_t equal = 0;
    for (size_t r = 0; r < n; r++)
        equal += memcmp(a + r * OUTPUTS, b + r * OUTPUTS, OUTPUTS * sizeof *a) == 0;
    return equal;
}

static off_t size_of(const struct built *b)
{
    struct stat s = {0};
    char *path = mem_format("%s/%s", b->directory, b->library);
    (void)stat(path, &s);
    mem_free(path);
    return s.st_size;
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int check(const struct build *how, const struct predictor *p, size_t n, struct error *e)
{
    struct artefact_rows rows = {.n = n, .numbers = make_rows(n)};
    struct artefact_results results = {0};
    struct ml_rows in = {.wide = rows.numbers, .stride = FEATURES};
    struct built *b = NULL;
    double *margins = mem_array(NULL, n * OUTPUTS, sizeof *margins);
    double *answers = mem_array(NULL, n * OUTPUTS, sizeof *answers);
    void *work = aligned_alloc(64, ml_image_work(p->image));
    double start = now(), seconds = 0;
    ml_image_predict(p->image, p->kernels, &in, n, ML_MARGINS, work, margins, NULL);
    ml_image_predict(p->image, p->kernels, &in, n, ML_ANSWERS, work, answers, NULL);
    int rc = artefact_build(p->image, how, &b, e);
    seconds = now() - start;
    if (rc == 0 && n == 0)
        rc = built_save(b, b->library, b->header, e);
    else if (rc == 0)
        rc = artefact_execute(b, &rows, 0, &results, e);
    if (rc == 0 && n > 0 && (results.predicted != n || results.outputs != OUTPUTS))
        rc = error_set(e, ERR_DATA, "%zu rows of %zu", results.predicted, results.outputs);
    if (rc == 0 && n > 0) {
        size_t equal = equal_rows(margins, results.margins, n);
        printf(
            "margins of %zu rows equal, answers of %zu; %lld bytes, built in %.2f s, run in %.2f "
            "s by %s\n",
            equal, equal_rows(answers, results.answers, n), (long long)size_of(b), seconds,
            results.seconds, target_runs_on(how->target));
        rc = equal == n ? 0 : error_set(e, ERR_DATA, "margins of %zu rows differ", n - equal);
    }
    artefact_results_release(&results);
    built_free(b);
    free(work);
    mem_free(margins);
    mem_free(answers);
    mem_free((void *)(uintptr_t)rows.numbers);
    return rc;
}

static bool lacks(const struct target *t, bool runs)
{
    struct buf missing = {0};
    bool ready = target_ready(t, TARGET_BUILD, &missing);
    if (ready && runs)
        ready = target_ready(t, TARGET_RUN, &missing);
    if (!ready)
        printf("lacks %s\n", buf_text(&missing));
    buf_release(&missing);
    return !ready;
}

int main(int argc, char **argv)
{
    static const char *const forms[] = {"library", "static", "c", "header"};
    struct error e = {0};
    struct build how = {.prefix = argc > 4 ? argv[4] : NULL};
    struct predictor *p = NULL;
    const char *note;
    int rc = argc < 4 ? ERR_USAGE : target_find(argv[1], &how.target, &note, &e);
    for (size_t i = 0; rc == 0 && i < COUNT_OF(forms); i++)
        if (strcmp(argv[2], forms[i]) == 0)
            how.form = (enum artefact_form)i;
    if (rc == 0 && lacks(how.target, strcmp(argv[3], "0") != 0))
        return 1;
    struct model *m = make_model(argc > 5 ? strtoul(argv[5], NULL, 10) : 60, &e);
    if (rc == 0)
        rc = predictor_compile(m, &(struct compile_options){0}, &p, &e);
    if (rc == 0)
        rc = check(&how, p, strtoul(argv[3], NULL, 10), &e);
    if (rc)
        fprintf(stderr, "target: %s\n", e.message);
    predictor_free(p);
    model_free(m);
    return rc ? 4 : 0;
}
