/*
 * load LIBRARY: the microseconds from dlopen of a compiled model to its first prediction, as a
 * program sees them that has just been started; of a row of zeros.
 */
#include "base/base.h"
#include "runtime/mlmodel.h"

#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* The address of a function goes to *to, a pointer to one. */
static bool find(void *library, const char *name, void *to)
{
    void *address = dlsym(library, name);
    memcpy(to, &address, sizeof address);
    return address;
}

int main(int argc, char **argv)
{
    static float row[4096], answers[4096];
    __typeof__(&ml_inputs) inputs = NULL, outputs = NULL;
    __typeof__(&ml_predict) predict = NULL;
    double start = now();
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (!library || !find(library, "ml_inputs", &inputs) ||
        !find(library, "ml_outputs", &outputs) || !find(library, "ml_predict", &predict) ||
        inputs() > COUNT_OF(row) || outputs() > COUNT_OF(answers) ||
        predict(row, 1, inputs(), answers) != 1) {
        fprintf(stderr, "load: %s\n", argc == 2 ? "no compiled model" : "usage: load LIBRARY");
        return 1;
    }
    printf("%.0f\n", now() - start);
    return 0;
}
