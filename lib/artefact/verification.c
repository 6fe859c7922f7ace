#include "artefact/verification.h"

#include <jansson.h>
#include <stdlib.h>

/* The last digits of exp and log differ between mathematical libraries. */
#define FOREIGN_ANSWER     1e-14
#define FOREIGN_SHARE      0.01 /* of raw rows: a digit less may be another side of a threshold */
#define LOSSY_TOLERANCE    1e-4
#define LOSSY_SHARE_BEYOND 0.01

static bool is_here(const struct verification *v)
{
    return strcmp(v->runs_on, "this processor") == 0;
}

static void set_demands(struct verification *v)
{
    struct verify_result *r = &v->result;
    *r = (struct verify_result){0};
    r->answer_tolerance = is_here(v) ? 0 : FOREIGN_ANSWER;
    if (v->exact && v->raw && !is_here(v))
        r->share = FOREIGN_SHARE;
    if (v->exact)
        return;
    r->margin_tolerance = v->tolerance > 0 ? v->tolerance : LOSSY_TOLERANCE;
    r->answer_tolerance = r->margin_tolerance;
    r->share = LOSSY_SHARE_BEYOND;
}

static int other_shape(const char *what, size_t got, size_t wanted, struct error *e)
{
    return error_set(e, ERR_NO, "not the model: the number of %s is %zu, not %zu", what, got,
                     wanted);
}

static int compare_rows(const struct built *b, const struct model *m, struct verification *v,
                        const struct verify_rows *rows, struct error *e)
{
    struct artefact_rows in = {.n = rows->n, .numbers = rows->at};
    struct artefact_results out = {0};
    if (rows->n == 0)
        return 0;
    int status = artefact_execute(b, &in, 0, &out, e);
    if (status == 0 && out.predicted < rows->n)
        status = error_set(e, ERR_NO, "row %zu is refused, and the model does not refuse it",
                           out.predicted + 1);
    if (status == 0 && out.outputs != m->outputs)
        status = other_shape("outputs", out.outputs, m->outputs, e);
    if (status == 0)
        verify_compare(m, rows, out.margins, out.answers, &v->result);
    v->seconds += out.seconds;
    artefact_results_release(&out);
    return status;
}

/* Raw rows give the answers of the features that their preparation makes of them. */
static int compare_raw(const struct built *b, const struct model *m, struct verification *v,
                       struct error *e)
{
    const struct verify_rows *rows = v->supplied;
    size_t fields = v->raw->fields;
    struct ml_text *at = mem_array(NULL, rows->n * fields + 1, sizeof *at);
    for (size_t i = 0; i < rows->n; i++)
        memcpy(at + i * fields, v->raw->at.at + rows->from[i] * fields, fields * sizeof *at);
    struct artefact_rows in = {.n = rows->n, .fields = at};
    struct artefact_results out = {0};
    int status = rows->n ? artefact_execute(b, &in, 0, &out, e) : 0;
    if (status == 0 && out.predicted < rows->n)
        status = error_set(e, ERR_NO, "raw row %zu is refused, and the preparation does not",
                           rows->from[out.predicted] + 1);
    if (status == 0)
        verify_compare(m, rows, NULL, out.answers, &v->result);
    v->seconds += out.seconds;
    artefact_results_release(&out);
    mem_free(at);
    return status;
}

/* What is not exact may take numbers as floats: made rows do not ask on which side of a threshold
 * the last digits of doubles are. */
static void make_floats(struct verify_rows *rows)
{
    for (size_t i = 0; i < rows->n * rows->features; i++)
        rows->at[i] = (double)(float)rows->at[i];
}

int artefact_verify(const struct built *b, const struct model *m, struct verification *v,
                    struct error *e)
{
    struct verify_rows made = {0};
    if (b->features != m->feature_count)
        return other_shape("features", b->features, m->feature_count, e);
    v->runs_on = target_runs_on(b->target);
    set_demands(v);
    verify_rows_make(m, v->random, v->most, v->seed, &made);
    if (!v->exact)
        make_floats(&made);
    v->refused = made.refused;
    int status = compare_rows(b, m, v, &made, e);
    if (status == 0 && v->supplied) {
        v->supplied_rows = v->supplied->n;
        v->refused += v->supplied->refused;
        status = compare_rows(b, m, v, v->supplied, e);
    }
    if (status == 0 && v->supplied && v->raw)
        status = compare_raw(b, m, v, e);
    verify_rows_release(&made);
    if (status || verify_passes(&v->result))
        return status;
    const struct verify_result *r = &v->result;
    return error_set(e, ERR_NO,
                     "not the model: %zu of %zu rows differ, first row %zu, output %zu: "
                     "%.17g, not %.17g",
                     r->beyond, r->rows, r->row + 1, r->output, r->got, r->wanted);
}

void verification_json(const struct verification *v, struct buf *out)
{
    const struct verify_result *r = &v->result;
    json_t *j = json_pack(
        "{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f}", "passed",
        verify_passes(r), "runs_on", v->runs_on, "rows", (json_int_t)r->rows, "supplied_rows",
        (json_int_t)v->supplied_rows, "seed", (json_int_t)v->seed, "rows_beyond",
        (json_int_t)r->beyond, "margins_with_other_bits", (json_int_t)r->different,
        "rows_the_model_refuses", (json_int_t)v->refused, "largest_difference", r->largest,
        "largest_answer_difference", r->largest_answer, "margin_tolerance", r->margin_tolerance,
        "answer_tolerance", r->answer_tolerance, "share_allowed_beyond", r->share);
    char *text = json_dumps(j, JSON_COMPACT);
    buf_puts(out, text);
    free(text);
    json_decref(j);
}

void verification_text(const struct verification *v, struct buf *out)
{
    const struct verify_result *r = &v->result;
    buf_format(out, "%zu rows on %s: ", r->rows, v->runs_on);
    if (r->different == 0)
        buf_puts(out, "every margin has the bits of the reference");
    else
        buf_format(out, "%zu margins have other bits, the largest difference is %.3g", r->different,
                   r->largest);
    buf_format(out, "; answers differ by at most %.2g", r->largest_answer);
}
