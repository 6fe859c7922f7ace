#include "steps/projection.h"

#include "prep/dropping.h"
#include "runtime/program_vector.h"

#include <math.h>

static const struct projecting *detail_of(const struct step *s)
{
    return s->kind->detail;
}

void projection_size(struct projection *x, size_t k)
{
    mem_free(x->shift);
    mem_free(x->weights);
    mem_free(x->variance);
    x->k = k;
    x->shift = mem_alloc(x->p * sizeof *x->shift);
    x->weights = mem_alloc(k * x->p * sizeof *x->weights);
    x->variance = NULL;
}

void projection_linear(const struct projection *x, const double *in, double *out)
{
    for (size_t c = 0; c < x->k; c++) {
        const double *w = x->weights + c * x->p;
        double sum = 0;
        for (size_t i = 0; i < x->p; i++)
            sum += w[i] * (in[i] - x->shift[i]);
        out[c] = sum;
    }
}

double *projection_rows(const struct projection *x)
{
    size_t n = x->sample.heap.len;
    double *rows = mem_array(NULL, n * x->p + 1, sizeof *rows);
    for (size_t i = 0; i < n; i++)
        memcpy(rows + i * x->p, x->sample.heap.at[i].item.at, x->p * sizeof *rows);
    return rows;
}

int projection_nothing(struct projection *x, size_t k)
{
    projection_size(x, k);
    for (size_t i = 0; i < k * x->p; i++)
        x->weights[i] = (double)NAN;
    return 0;
}

int projection_count(const struct step *s, size_t most, size_t *k, struct error *e)
{
    *k = arg_given(s, "k") ? (size_t)arg_int(s, "k") : most;
    if (*k <= most)
        return 0;
    return error_set(e, ERR_DATA, "%s: k=%zu, but there can be at most %zu here", s->kind->name, *k,
                     most);
}

/* A fitted step's map is what it learnt, another's is its plan. */
static const struct projection *projection_of(const struct step *s)
{
    return s->kind->state_new ? s->learnt : s->plan;
}

int projection_open(struct step *s, const struct schema *in, struct error *e)
{
    size_t target;
    s->by_row = detail_of(s)->landmarks;
    if (detail_of(s)->by_class) { /* no feature, though a selection such as @numeric may name it */
        int rc = arg_column(s, "target", in, &target, e);
        if (rc)
            return rc;
        selection_leave_out(s, target);
    }
    if (s->kind->state_new)
        return 0;
    struct projection *x = mem_alloc(sizeof *x);
    x->p = s->column_count;
    s->plan = x;
    return detail_of(s)->prepare(s, x, e);
}

void projection_close(struct step *s)
{
    if (!s->kind->state_new)
        projection_free(s->plan);
}

int projection_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct projection *x = projection_of(s);
    if (!arg_bool(s, "keep"))
        schema_leave_out(schema, s->columns, s->column_count);
    for (size_t c = 0; c < x->k; c++) {
        const char *name = arena_format(&s->arena, "%s_%zu", arg_string(s, "prefix"), c);
        int rc = step_new_name(s, schema, text_of(name), e);
        if (rc)
            return rc;
        schema_add(schema, text_of(name), TYPE_FLOAT);
    }
    return 0;
}

int projection_apply(const struct step *s, struct batch *b, struct error *e)
{
    const struct projection *x = projection_of(s);
    struct numbers numbers;
    int rc = numbers_of(s, b, &numbers, e);
    if (rc)
        return rc;
    double *in = batch_array(b, x->p + 1, sizeof *in), *out = batch_array(b, x->k + 1, sizeof *out);
    double *cells = batch_array(b, x->k * b->rows + 1, sizeof *cells);
    for (size_t r = 0; r < b->rows; r++) {
        bool whole = numbers_row(&numbers, r, in);
        if (whole && detail_of(s)->row)
            detail_of(s)->row(x, in, out);
        else if (whole)
            projection_linear(x, in, out);
        for (size_t c = 0; c < x->k; c++)
            cells[c * b->rows + r] = whole ? out[c] : (double)NAN;
    }
    if (!arg_bool(s, "keep"))
        batch_leave_out(b, s->columns, s->column_count);
    for (size_t c = 0; c < x->k; c++)
        batch_add(b, column_of_double(cells + c * b->rows));
    return 0;
}

void projection_put(struct buf *out, const double *at, size_t n)
{
    buf_add(out, at, n * sizeof *at);
}

static void put_linear(const struct projection *x, struct buf *out)
{
    projection_put(out, x->shift, x->p);
    projection_put(out, x->weights, x->k * x->p);
}

int projection_lower(const struct step *s, struct lowering *l, struct error *e)
{
    const struct projection *x = projection_of(s);
    const struct projecting *detail = detail_of(s);
    if (detail->row && !detail->constants)
        return lower_refuse(e, "not in compiled preparation");
    struct buf constants = {0};
    uint32_t *in = mem_array(NULL, x->p + x->k + 1, sizeof *in), *out = in + x->p;
    (detail->row ? detail->constants : put_linear)(x, &constants);
    for (size_t i = 0; i < x->p; i++)
        in[i] = lower_column(l, s->columns[i], ML_FLOAT);
    lower_vector(l, detail->row ? detail->vector : ML_VECTOR_linear, true, in, x->p,
                 (const double *)(const void *)constants.at, constants.len / sizeof(double), out,
                 x->k);
    if (!arg_bool(s, "keep"))
        lower_leave_out(l, s->columns, s->column_count);
    for (size_t c = 0; c < x->k; c++)
        lower_add(l, out[c]);
    mem_free(in);
    buf_release(&constants);
    return 0;
}

void *projection_new(const struct step *s)
{
    struct projection *x = mem_alloc(sizeof *x);
    x->p = s->column_count;
    const char *rows = step_has_arg(s, "sample") ? "sample" : "k";
    if (detail_of(s)->landmarks)
        sample_init(&x->sample, (size_t)arg_int(s, rows), s->context->seed, s->number);
    return x;
}

void projection_free(void *state)
{
    struct projection *x = state;
    if (!x)
        return;
    mem_free(x->shift);
    mem_free(x->weights);
    mem_free(x->variance);
    for (size_t i = 0; i < x->sums.len; i++)
        comoments_release(&x->sums.at[i]);
    vec_release(&x->sums);
    map_release(&x->classes);
    comoments_release(&x->total);
    sample_release(&x->sample);
    mem_free(x->own);
    mem_free(x);
}

static struct comoments *sums_of(struct projection *x, struct text name)
{
    bool fresh;
    size_t i = map_put(&x->classes, name, &fresh);
    if (fresh) {
        struct comoments empty;
        comoments_init(&empty, x->p);
        vec_push(&x->sums, empty);
    }
    return &x->sums.at[i];
}

int projection_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    struct projection *x = state;
    struct numbers numbers;
    int rc = numbers_of(s, b, &numbers, e);
    double *row = batch_array(b, x->p + 1, sizeof *row);
    const struct text *names = detail_of(s)->by_class ? batch_text(b, s->reads.at[0]) : NULL;
    struct comoments *sums = names || detail_of(s)->landmarks ? NULL : sums_of(x, text_of(""));
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        if (!numbers_row(&numbers, r, row) || (names && !names[r].at))
            continue;
        if (detail_of(s)->landmarks)
            sample_add(&x->sample, batch_row_id(b, r),
                       (struct text){(const char *)row, x->p * sizeof *row});
        else
            comoments_add(names ? sums_of(x, names[r]) : sums, row);
    }
    return rc;
}

int projection_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    struct projection *a = into, *b = from;
    for (size_t i = 0; i < b->sums.len; i++)
        comoments_merge(sums_of(a, b->classes.keys.at[i]), &b->sums.at[i]);
    sample_merge(&a->sample, &b->sample);
    return 0;
}

int projection_finish(struct step *s, void *state, struct error *e)
{
    struct projection *x = state;
    comoments_release(&x->total);
    comoments_init(&x->total, x->p);
    for (size_t i = 0; i < x->sums.len; i++)
        comoments_merge(&x->total, &x->sums.at[i]);
    if (detail_of(s)->landmarks)
        sample_sort(&x->sample);
    return detail_of(s)->derive(s, x, e);
}

static json_t *save_numbers(const double *at, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_of_number(at[i]));
    return list;
}

json_t *projection_save(const struct step *s, const void *state)
{
    const struct projection *x = state;
    json_t *j = json_object(), *classes = json_object(), *weights = json_array();
    for (size_t i = 0; i < x->sums.len; i++) {
        struct text name = x->classes.keys.at[i];
        json_object_set_new_nocheck(classes, name.at, comoments_save(&x->sums.at[i]));
    }
    if (detail_of(s)->landmarks)
        json_object_set_new(j, "sample", sample_save(&x->sample));
    json_object_set_new(j, "classes", classes);
    if (x->shift) /* else it is of a part of the rows */
        json_object_set_new(j, "shift", save_numbers(x->shift, x->p));
    for (size_t c = 0; x->weights && c < x->k; c++)
        json_array_append_new(weights, save_numbers(x->weights + c * x->p, x->p));
    json_object_set_new(j, "weights", weights);
    if (x->variance)
        json_object_set_new(j, "explained_variance", save_numbers(x->variance, x->k));
    return j;
}

static int load_class(struct projection *x, const char *name, const json_t *j, struct error *e)
{
    struct comoments *sums = sums_of(x, text_of(name));
    comoments_release(sums);
    int rc = comoments_load(sums, j, e);
    if (rc == 0 && sums->p != x->p)
        rc = error_set(e, ERR_DATA, "expected sums of %zu columns", x->p);
    return rc;
}

int projection_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct projection *x = state;
    const json_t *classes = json_object_get(j, "classes");
    const char *name;
    json_t *sums;
    json_object_foreach((json_t *)(uintptr_t)classes, name, sums)
    {
        int rc = load_class(x, name, sums, e);
        if (rc)
            return rc;
    }
    if (!detail_of(s)->landmarks)
        return 0;
    sample_release(&x->sample);
    int rc = sample_load(&x->sample, json_object_get(j, "sample"), e);
    for (size_t i = 0; rc == 0 && i < x->sample.heap.len; i++)
        if (x->sample.heap.at[i].item.len != x->p * sizeof(double))
            rc = error_set(e, ERR_DATA, "expected sampled rows of %zu numbers", x->p);
    return rc;
}
