/*
 * rows COUNT [SEED]: rows of 28 numbers as CSV, of the kind that particle detectors give: momenta,
 * angles, flags of few values, masses computed from them. Six digits, about 240 bytes a row.
 */
#include "base/base.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARTICLES = 7, FEATURES = 28 };

struct event {
    uint64_t seed, number;
    double x[FEATURES];
};

static double normal(const struct event *v, uint64_t stream)
{
    return random_normal(v->seed, stream, v->number);
}

static double unit(const struct event *v, uint64_t stream)
{
    return random_unit(v->seed, stream, v->number);
}

/* Momentum, two angles, and a flag of three values. */
static void put_particle(struct event *v, size_t k)
{
    static const double flags[] = {0, 1.08652, 2.17304};
    double *x = v->x + 3 * k;
    x[0] = exp(0.5 * normal(v, 4 * k)) * (1.2 - 0.1 * (double)k);
    x[1] = normal(v, 4 * k + 1);
    x[2] = k < 4 ? 3.48 * unit(v, 4 * k + 2) - 1.74 : flags[(size_t)(3 * unit(v, 4 * k + 2))];
}

/* The mass of two particles, as far as their momenta and first angles tell. */
static void put_mass(struct event *v, size_t k)
{
    const double *a = v->x + 3 * k, *b = v->x + 3 * ((k + 1) % PARTICLES);
    double mass = sqrt(2 * a[0] * b[0] * (cosh(a[1] - b[1]) - cos(a[2] - b[2])));
    v->x[3 * PARTICLES + k] = mass * exp(0.2 * normal(v, 100 + k));
}

static void put_event(struct event *v, struct buf *out)
{
    for (size_t k = 0; k < PARTICLES; k++)
        put_particle(v, k);
    for (size_t k = 0; k < PARTICLES; k++)
        put_mass(v, k);
    for (size_t i = 0; i < FEATURES; i++)
        buf_format(out, "%.6g%c", v->x[i], i + 1 < FEATURES ? ',' : '\n');
}

int main(int argc, char **argv)
{
    uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
    struct event v = {.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1};
    struct buf out = {0};
    for (unsigned i = 0; i < FEATURES; i++)
        buf_format(&out, "f%u%c", i, i + 1 < FEATURES ? ',' : '\n');
    for (; v.number < rows; v.number++) {
        put_event(&v, &out);
        if (out.len > 1 << 16 && fwrite(out.at, 1, out.len, stdout) == out.len)
            out.len = 0;
    }
    bool good = fwrite(out.at, 1, out.len, stdout) == out.len;
    buf_release(&out);
    return fclose(stdout) == 0 && good ? 0 : 4;
}
