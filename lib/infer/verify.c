#include "infer/verify.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* ---- rows ---- */

/* Of rows that are made; of very wide ones fewer are. */
enum { CELLS_MOST = 1 << 23, ROWS_LEAST = 8 };

/* Values of each feature at which something changes. */
struct interest {
    const struct model *model;
    struct values {
        VEC(double) at;
    } * of;      /* by feature */
    size_t most; /* values of one feature */
    uint64_t seed, drawn;
};

static uint64_t draw(struct interest *x, uint64_t below)
{
    return random_below(x->seed, 1, x->drawn++, below);
}

static void add_value(struct interest *x, size_t feature, double value)
{
    vec_push(&x->of[feature].at, value);
}

/* A threshold and the numbers next to it, in the precision in which it is compared. */
static void add_threshold(struct interest *x, size_t feature, double t)
{
    float single = (float)t;
    add_value(x, feature, t);
    if (x->model->trees.single) {
        add_value(x, feature, (double)nextafterf(single, -INFINITY));
        add_value(x, feature, (double)nextafterf(single, INFINITY));
    } else {
        add_value(x, feature, nextafter(t, -(double)INFINITY));
        add_value(x, feature, nextafter(t, (double)INFINITY));
    }
}

static void add_set(struct interest *x, size_t feature, uint32_t set)
{
    const struct trees *t = &x->model->trees;
    size_t words = t->set_first[set + 1] - t->set_first[set];
    for (size_t c = 0; c < 32 * words + 2; c += 1 + words / 4)
        add_value(x, feature, (double)c);
    add_value(x, feature, -1);
    add_value(x, feature, 0.5);
    add_value(x, feature, 16777216);
}

static void interest_in_trees(struct interest *x)
{
    const struct trees *t = &x->model->trees;
    for (size_t i = 0; i < t->nodes; i++) {
        if (t->feature[i] == NODE_LEAF)
            continue;
        if (t->set && t->set[i] != NO_SET)
            add_set(x, t->feature[i], t->set[i]);
        else
            add_threshold(x, t->feature[i], t->threshold[i]);
    }
}

/* Column i of those that a stage changes is the feature as it came. */
static void interest_in_column(struct interest *x, const struct stage *s, size_t i, size_t feature)
{
    double a = s->a ? s->a[i] : 0, b = s->b ? s->b[i] : 1;
    add_value(x, feature, a);
    add_value(x, feature, a + b);
    add_value(x, feature, a - 2 * b);
    for (size_t k = 0; s->kind == STAGE_ONEHOT && k < s->first[i + 1] - s->first[i]; k++)
        add_value(x, feature, s->category[s->first[i] + k]);
    bool own = s->kind == STAGE_MAP && s->first;
    for (size_t k = own ? s->first[i] : 0; k < (own ? s->first[i + 1] : s->map_count); k++)
        add_value(x, feature, s->from[k]);
    if (s->kind == STAGE_IMPUTE || s->kind == STAGE_MISSING)
        add_value(x, feature, s->what);
}

/* Which feature a column behind the stage is, as it came; SIZE_MAX: none. */
static size_t origin_behind(const struct stage *s, const size_t *origin, size_t column)
{
    if (s->kind == STAGE_PICK)
        return origin[s->pick[column]];
    if (column < s->before)
        return origin[column];
    size_t from_end = s->out - column;
    return from_end <= s->after ? origin[s->in - from_end] : SIZE_MAX;
}

/* Stages see features only until others have changed them. */
static void interest_in_stages(struct interest *x)
{
    const struct model *m = x->model;
    size_t *origin = mem_array(NULL, m->feature_count, sizeof *origin);
    for (size_t f = 0; f < m->feature_count; f++)
        origin[f] = f;
    for (size_t i = 0; i < m->stage_count; i++) {
        const struct stage *s = &m->stages[i];
        for (size_t k = 0; s->kind != STAGE_PICK && k < stage_columns(s); k++)
            if (origin[s->before + k] != SIZE_MAX)
                interest_in_column(x, s, k, origin[s->before + k]);
        size_t *behind = mem_array(NULL, s->out + 1, sizeof *behind);
        for (size_t k = 0; k < s->out; k++)
            behind[k] = origin_behind(s, origin, k);
        mem_free(origin);
        origin = behind;
    }
    mem_free(origin);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Each value once; of too many, some from the whole range. */
static void thin_out(struct interest *x, size_t feature)
{
    struct values *v = &x->of[feature];
    size_t kept = 0;
    if (v->at.len > 1)
        qsort(v->at.at, v->at.len, sizeof *v->at.at, by_value);
    for (size_t i = 0; i < v->at.len; i++)
        if (kept == 0 || v->at.at[i] != v->at.at[kept - 1])
            v->at.at[kept++] = v->at.at[i];
    size_t wanted = kept < x->most ? kept : x->most;
    for (size_t i = 0; i < wanted; i++)
        v->at.at[i] = v->at.at[i * kept / wanted];
    v->at.len = wanted;
}

static void interest_find(struct interest *x)
{
    const struct model *m = x->model;
    x->of = mem_alloc((m->feature_count + 1) * sizeof *x->of);
    if (m->stage_count)
        interest_in_stages(x);
    else if (m->kind == MODEL_TREES)
        interest_in_trees(x);
    for (size_t f = 0; f < m->feature_count; f++) {
        if (m->features[f].kind == FEATURE_TEXT)
            for (size_t k = 0; k <= m->features[f].value_count; k++)
                add_value(x, f, (double)k - 1);
        if (x->of[f].at.len == 0)
            add_value(x, f, 0);
        thin_out(x, f);
    }
}

static double odd_value(struct interest *x)
{
    static const double odd[] = {0.0,
                                 -0.0,
                                 (double)NAN,
                                 (double)INFINITY,
                                 -(double)INFINITY,
                                 4e-324,
                                 -4e-324,
                                 (double)FLT_MIN,
                                 1e-36,
                                 -1e-35,
                                 (double)FLT_MAX,
                                 -(double)FLT_MAX,
                                 1e300,
                                 1,
                                 -1,
                                 16777217};
    return odd[draw(x, COUNT_OF(odd))];
}

/* Mostly between values of interest, often on one, now and then odd. */
static double random_value(struct interest *x, size_t feature)
{
    const struct values *v = &x->of[feature];
    if (x->model->features[feature].kind == FEATURE_TEXT)
        return v->at.at[draw(x, v->at.len)];
    double a = v->at.at[draw(x, v->at.len)], b = v->at.at[draw(x, v->at.len)];
    switch (draw(x, 8)) {
    case 0:
        return odd_value(x);
    case 1:
    case 2:
        return a;
    case 3:
        return a + random_normal(x->seed, 2, x->drawn++);
    default:
        return a + (b - a) * random_unit(x->seed, 3, x->drawn++);
    }
}

void verify_rows_add(struct verify_rows *rows, struct reference *r, const double *row)
{
    if (!reference_takes(r, row)) {
        rows->refused++;
        return;
    }
    if (rows->n == rows->cap) {
        rows->cap = 2 * rows->cap + 64;
        rows->at = mem_array(rows->at, rows->cap * rows->features, sizeof *rows->at);
        rows->from = mem_array(rows->from, rows->cap, sizeof *rows->from);
    }
    rows->from[rows->n] = rows->n + rows->refused;
    memcpy(rows->at + rows->n++ * rows->features, row, rows->features * sizeof *row);
}

/* Row k has the k-th value of interest of every feature that has so many. */
static void interest_row(struct interest *x, size_t k, double *row)
{
    for (size_t f = 0; f < x->model->feature_count; f++) {
        const struct values *v = &x->of[f];
        row[f] = k < v->at.len ? v->at.at[k] : random_value(x, f);
    }
}

void verify_rows_make(const struct model *m, size_t random, size_t most, uint64_t seed,
                      struct verify_rows *rows)
{
    size_t room = CELLS_MOST / (m->feature_count + 1);
    room = room < ROWS_LEAST ? ROWS_LEAST : room;
    if (most > room) {
        most = room;
        random = random < room / 2 ? random : room / 2;
    }
    if (random >= most)
        random = most > 0 ? most - 1 : 0;
    struct interest x = {.model = m, .seed = seed, .most = most > random ? most - random : 1};
    struct reference *r = reference_new(m);
    double *row = mem_array(NULL, m->feature_count, sizeof *row);
    size_t longest = 0;
    rows->features = m->feature_count;
    interest_find(&x);
    for (size_t f = 0; f < m->feature_count; f++)
        longest = x.of[f].at.len > longest ? x.of[f].at.len : longest;
    for (size_t k = 0; k < longest; k++) {
        interest_row(&x, k, row);
        verify_rows_add(rows, r, row);
    }
    for (size_t k = 0; k < random; k++) {
        for (size_t f = 0; f < m->feature_count; f++)
            row[f] = k == 0 ? (double)NAN : random_value(&x, f);
        verify_rows_add(rows, r, row);
    }
    for (size_t f = 0; f < m->feature_count; f++)
        vec_release(&x.of[f].at);
    mem_free(x.of);
    mem_free(row);
    reference_free(r);
}

void verify_rows_release(struct verify_rows *rows)
{
    mem_free(rows->at);
    mem_free(rows->from);
    *rows = (struct verify_rows){0};
}

/* ---- comparing ---- */

/* 0 for the same number or two NaNs, infinite for what cannot be compared. */
static double distance(double a, double b)
{
    if (a == b || (isnan(a) && isnan(b)))
        return 0;
    double size = fmax(1, fmax(fabs(a), fabs(b)));
    double apart = fabs(a - b) / size;
    return isnan(apart) ? (double)INFINITY : apart;
}

static bool same_bits(double a, double b)
{
    uint64_t x, y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return x == y || (isnan(a) && isnan(b));
}

/* One number of the row at hand. */
static bool is_beyond(struct verify_result *v, size_t output, double wanted, double got,
                      bool beyond)
{
    if (beyond && v->beyond == 0) {
        v->row = v->rows;
        v->output = output;
        v->wanted = wanted;
        v->got = got;
    }
    return beyond;
}

static bool margin_beyond(struct verify_result *v, size_t output, double wanted, double got)
{
    double apart = distance(wanted, got);
    bool differs = !same_bits(wanted, got);
    v->different += differs;
    v->largest = fmax(v->largest, apart);
    return is_beyond(v, output, wanted, got,
                     v->margin_tolerance > 0 ? apart > v->margin_tolerance : differs);
}

static bool answer_beyond(struct verify_result *v, size_t output, double wanted, double got)
{
    double apart = distance(wanted, got);
    v->largest_answer = fmax(v->largest_answer, apart);
    return is_beyond(v, output, wanted, got, apart > v->answer_tolerance);
}

void verify_compare(const struct model *m, const struct verify_rows *rows, const double *margins,
                    const double *answers, struct verify_result *v)
{
    struct reference *r = reference_new(m);
    double *wanted = mem_array(NULL, m->outputs, sizeof *wanted);
    for (size_t i = 0; i < rows->n; i++) {
        bool beyond = false;
        reference_margins(r, rows->at + i * rows->features, wanted, NULL);
        for (size_t k = 0; k < m->outputs && margins; k++)
            beyond |= margin_beyond(v, k, wanted[k], margins[i * m->outputs + k]);
        reference_answers(r, wanted);
        for (size_t k = 0; k < m->outputs && answers; k++)
            beyond |= answer_beyond(v, k, wanted[k], answers[i * m->outputs + k]);
        v->beyond += beyond;
        v->rows++;
    }
    mem_free(wanted);
    reference_free(r);
}

bool verify_passes(const struct verify_result *v)
{
    return (double)v->beyond <= v->share * (double)v->rows;
}
