/* Accumulators of all numbers of a group: exact median and quantile. */
#include "steps/accumulate_state.h"

#include <math.h>
#include <stdlib.h>

/* Once settled only the answers are left, by the aggregate's parameters. */
struct values {
    double *at;
    size_t len, cap;
    double *answers;
};

enum {
    FEW = 4096,                /* numbers that are sorted where they stand */
    PIECE = 8192,              /* numbers to a record on disk */
    QUANTILE_MEMORY = 4 << 20, /* bytes; with less a long merge would need more than it saves */
};

/* The functions of a struct accumulator have its parameters, whatever they do with them.
 * NOLINTBEGIN(readability-non-const-parameter) */

static void values_push(struct values *s, double x, size_t *held)
{
    size_t before = s->cap;
    if (s->len == s->cap)
        s->at = vec_grow_(s->at, &s->cap, s->len + 1, sizeof *s->at);
    s->at[s->len++] = x;
    *held += (s->cap - before) * sizeof *s->at;
}

static void values_add(const struct aggregate *a, char *states, const struct samples *v,
                       size_t *held)
{
    (void)a;
    for (size_t r = 0; r < v->rows; r++)
        if (!isnan(v->number[r]))
            values_push(STATE(struct values, states, v->group[r]), v->number[r], held);
}

/* Whether it is settled, then numbers. */
static void values_put(const struct aggregate *a, char *state, struct buf *out)
{
    const struct values *s = STATE(struct values, state, 0);
    if (!s->answers && s->len == 0)
        return;
    buf_putc(out, s->answers ? 's' : 'v');
    if (s->answers)
        buf_add(out, s->answers, a->parameter_count * sizeof *s->answers);
    else
        buf_add(out, s->at, s->len * sizeof *s->at);
}

static void values_absorb(const struct aggregate *a, char *state, struct text bytes, size_t *held)
{
    struct values *s = STATE(struct values, state, 0);
    const char *at = bytes.at + 1, *end = bytes.at + bytes.len;
    if (bytes.at[0] == 's') {
        s->answers = mem_array(NULL, a->parameter_count, sizeof *s->answers);
        memcpy(s->answers, at, (size_t)(end - at));
        *held += bytes.len;
        return;
    }
    for (; at < end; at += sizeof(double)) {
        double x;
        memcpy(&x, at, sizeof x);
        values_push(s, x, held);
    }
}

static int values_spill(char *state, struct spilled *to, struct error *e)
{
    struct values *s = STATE(struct values, state, 0);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->len; i += PIECE) {
        size_t n = s->len - i < PIECE ? s->len - i : PIECE;
        rc = spilled_put(to, (struct text){"", 0},
                         (struct text){(const char *)(s->at + i), n * sizeof *s->at}, e);
    }
    mem_free(s->at);
    *s = (struct values){0};
    return rc;
}

static struct quantiles *new_quantiles(const struct aggregate *a)
{
    return quantiles_new(a->memory < QUANTILE_MEMORY ? QUANTILE_MEMORY : a->memory);
}

static int read_values(struct quantiles *all, struct spilled *from, struct error *e)
{
    struct text value, payload;
    int got, rc = 0;
    double *x = mem_array(NULL, PIECE, sizeof *x);
    while (rc == 0 && (got = spilled_next(from, &value, &payload, e)) > 0) {
        memcpy(x, payload.at, payload.len);
        rc = quantiles_add(all, x, payload.len / sizeof *x, e);
    }
    mem_free(x);
    return rc ? rc : got;
}

static int values_settle(const struct aggregate *a, char *state, struct spilled *from,
                         struct error *e)
{
    struct values *s = STATE(struct values, state, 0);
    struct quantiles *all = new_quantiles(a);
    s->answers = mem_array(NULL, a->parameter_count, sizeof *s->answers);
    int rc = read_values(all, from, e);
    if (rc == 0)
        rc = quantiles_at(all, a->parameters, a->parameter_count, s->answers, e);
    quantiles_free(all);
    return rc;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double settled_answer(const struct aggregate *a, const double *answers, double parameter)
{
    size_t i = 0;
    while (a->parameters[i] != parameter)
        i++;
    return answers[i];
}

int values_value(const struct aggregate *a, double parameter, char *state, struct arena *arena,
                 union answer *out, struct error *e)
{
    (void)arena;
    const struct values *s = STATE(struct values, state, 0);
    if (s->answers) {
        out->number = settled_answer(a, s->answers, parameter);
        return 0;
    }
    if (s->len < FEW) {
        if (s->len)
            qsort(s->at, s->len, sizeof *s->at, compare_doubles);
        out->number = s->len ? quantile_sorted(s->at, s->len, parameter) : (double)NAN;
        return 0;
    }
    struct quantiles *all = new_quantiles(a);
    int rc = quantiles_add(all, s->at, s->len, e);
    if (rc == 0)
        rc = quantiles_at(all, &parameter, 1, &out->number, e);
    quantiles_free(all);
    return rc;
}

static void values_release(char *state)
{
    struct values *s = STATE(struct values, state, 0);
    mem_free(s->at);
    mem_free(s->answers);
}

const struct keeper values_keeper = {
    .size = sizeof(struct values),
    .add = values_add,
    .put = values_put,
    .absorb = values_absorb,
    .release = values_release,
    .common = true,
    .spill = values_spill,
    .settle = values_settle,
};

/* NOLINTEND(readability-non-const-parameter) */
