/* Steps that bring numbers to a common scale by shifting and dividing: scale, unit_norm,
 * vector_assemble. */
#include "runtime/program_vector.h"
#include "steps/steps.h"
#include "steps/summary.h"

#include <math.h>

enum { CENTER, SCALE, LEARNT };
static const char *const linear_names[] = {"center", "scale"};

/* Without spread there is nothing to divide by: the column becomes constant, not infinite. */
static int set_linear(struct summary *m, double center, double scale)
{
    double values[LEARNT] = {center, scale == 0 ? 1 : scale};
    summary_set(m, linear_names, values, LEARNT);
    return 0;
}

static double largest_magnitude(const struct moments *m)
{
    return m->count ? fmax(fabs(m->min), fabs(m->max)) : (double)NAN;
}

static double range_of(const struct moments *m)
{
    return m->count ? m->max - m->min : (double)NAN;
}

static int finish_standard(const struct step *s, size_t index, void *state, struct error *e)
{
    const struct moments *m = ((struct summary *)state)->moments;
    (void)s, (void)index, (void)e;
    return set_linear(state, moments_mean(m), moments_deviation(m, 0));
}

static int finish_center(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)s, (void)index, (void)e;
    return set_linear(state, moments_mean(((struct summary *)state)->moments), 1);
}

static int finish_minmax(const struct step *s, size_t index, void *state, struct error *e)
{
    const struct moments *m = ((struct summary *)state)->moments;
    (void)index, (void)e;
    double range = range_of(m), width = arg_number(s, "high") - arg_number(s, "low");
    return set_linear(state, m->count ? m->min : (double)NAN, (range == 0 ? 1 : range) / width);
}

static int finish_maxabs(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)s, (void)index, (void)e;
    return set_linear(state, 0, largest_magnitude(((struct summary *)state)->moments));
}

static int finish_mean_norm(const struct step *s, size_t index, void *state, struct error *e)
{
    const struct moments *m = ((struct summary *)state)->moments;
    (void)s, (void)index, (void)e;
    return set_linear(state, moments_mean(m), range_of(m));
}

/* The smallest power of ten, 1 or more, above every magnitude. */
static int finish_decimal(const struct step *s, size_t index, void *state, struct error *e)
{
    double largest = largest_magnitude(((struct summary *)state)->moments), power = 1;
    (void)s, (void)index, (void)e;
    while (power <= largest && power < 1e300)
        power *= 10;
    return set_linear(state, 0, power);
}

static int finish_robust(const struct step *s, size_t index, void *state, struct error *e)
{
    struct summary *m = state;
    const double q[] = {0.5, arg_number(s, "lower"), arg_number(s, "upper")};
    double value[COUNT_OF(q)];
    (void)index;
    int rc = quantiles_at(m->quantiles, q, COUNT_OF(q), value, e);
    return rc ? rc : set_linear(m, value[0], value[2] - value[1]);
}

/* In the order of scale_methods. */
static const struct learner scalings[] = {
    SUMMARY_LEARNER(summary_moments, finish_standard),
    SUMMARY_LEARNER(summary_moments, finish_minmax),
    SUMMARY_LEARNER(summary_moments, finish_maxabs),
    SUMMARY_LEARNER(summary_quantiles, finish_robust),
    SUMMARY_LEARNER(summary_moments, finish_mean_norm),
    SUMMARY_LEARNER(summary_moments, finish_decimal),
    SUMMARY_LEARNER(summary_moments, finish_center),
};
enum { SCALING_MINMAX = 1 };

static const struct learner *choose_scaling(const struct step *s)
{
    return &scalings[arg_choice(s, "method")];
}

static int check_scaling(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    if (arg_number(s, "low") >= arg_number(s, "high"))
        return step_error(s, e, "low must be less than high");
    if (arg_number(s, "lower") >= arg_number(s, "upper"))
        return step_error(s, e, "lower must be less than upper");
    return 0;
}

static int rescale(struct mapping *m)
{
    const double *learnt = ((const struct summary *)columnwise_mapped(m))->learnt.at;
    double center = learnt[CENTER], scale = learnt[SCALE];
    double low = arg_choice(m->step, "method") == SCALING_MINMAX ? arg_number(m->step, "low") : 0;
    const double *restrict in = m->in->number;
    double *restrict out = m->out->number;
    for (size_t r = 0; r < m->rows; r++)
        out[r] = (in[r] - center) / scale + low;
    return 0;
}

static int lower_rescale(struct lower_map *m)
{
    const double *learnt =
        ((const struct summary *)columnwise_learnt(m->step, m->index))->learnt.at;
    double low = arg_choice(m->step, "method") == SCALING_MINMAX ? arg_number(m->step, "low") : 0;
    const double constants[] = {learnt[CENTER], learnt[SCALE], low};
    m->out[0] = lower_op(m->to, ML_OP_affine, m->in[0], lower_range(m->to, constants, 3), 0);
    return 0;
}

static const struct arg scale_args[] = {
    ROWWISE_COLUMNS("numbers to scale"),
    {.name = "method", .kind = ARG_METHOD, .fallback = "standard", .help = "what to scale by"},
    {.name = "low", .kind = ARG_NUMBER, .fallback = "0", .help = "minmax: what the least becomes"},
    {.name = "high",
     .kind = ARG_NUMBER,
     .fallback = "1",
     .help = "minmax: what the greatest becomes"},
    {.name = "lower",
     .kind = ARG_NUMBER,
     .fallback = "0.25",
     .min = 0,
     .max = 1,
     .help = "robust: quantile the range begins at"},
    {.name = "upper",
     .kind = ARG_NUMBER,
     .fallback = "0.75",
     .min = 0,
     .max = 1,
     .help = "robust: quantile the range ends at"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL},
};

#define SQUARES "x\n1\n2\n4\n9\n16\n"
static const struct method scale_methods[] = {
    {"standard",
     "F",
     "(x - mean) / deviation of the population",
     {.program = "scale x",
      .input = SQUARES,
      .output = "x\n-0.9755496542653976\n-0.7948923108829166\n-0.43357762411795453\n0."
                "4697090927944506\n1.734310496471818\n"}},
    {"minmax",
     "F",
     "(x - min) / (max - min), from low to high",
     {.program = "scale x method=minmax",
      .input = SQUARES,
      .output = "x\n0\n0.06666666666666667\n0.2\n0.5333333333333333\n1\n"}},
    {"maxabs",
     "F",
     "x / largest magnitude",
     {.program = "scale x method=maxabs",
      .input = SQUARES,
      .output = "x\n0.0625\n0.125\n0.25\n0.5625\n1\n"}},
    {"robust",
     "F",
     "(x - median) / (q75 - q25)",
     {.program = "scale x method=robust",
      .input = SQUARES,
      .output = "x\n-0.42857142857142855\n-0.2857142857142857\n0\n0.7142857142857143\n1."
                "7142857142857142\n"}},
    {"mean_norm",
     "F",
     "(x - mean) / (max - min)",
     {.program = "scale x method=mean_norm",
      .input = "x\n1\n2\n6\n",
      .output = "x\n-0.4\n-0.2\n0.6\n"}},
    {"decimal",
     "F",
     "x / the smallest power of ten above all magnitudes",
     {.program = "scale x method=decimal",
      .input = SQUARES,
      .output = "x\n0.01\n0.02\n0.04\n0.09\n0.16\n"}},
    {"center",
     "F",
     "x - mean",
     {.program = "scale x method=center", .input = "x\n1\n2\n6\n", .output = "x\n-2\n-1\n3\n"}},
    {.name = NULL},
};

enum { NORM_L1, NORM_L2, NORM_MAX };

static double norm_with(int norm, double so_far, double x)
{
    if (isnan(x))
        return so_far;
    if (norm == NORM_L1)
        return so_far + fabs(x);
    return norm == NORM_L2 ? so_far + x * x : fmax(so_far, fabs(x));
}

static double *row_norms(const struct step *s, struct batch *b, const double **columns)
{
    int norm = arg_choice(s, "with");
    double *norms = batch_array(b, b->rows, sizeof *norms);
    for (size_t r = 0; r < b->rows; r++) {
        double sum = 0;
        for (size_t i = 0; i < s->column_count; i++)
            sum = norm_with(norm, sum, columns[i][r]);
        sum = norm == NORM_L2 ? sqrt(sum) : sum;
        norms[r] = sum > 0 ? sum : 1;
    }
    return norms;
}

static int unit_norm_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    for (size_t i = 0; i < s->column_count; i++) {
        schema->fields.at[s->columns[i]].type = TYPE_FLOAT;
        schema->fields.at[s->columns[i]].declared = true;
    }
    return 0;
}

static int unit_norm_apply(const struct step *s, struct batch *b, struct error *e)
{
    const double **columns = batch_array(b, s->column_count, sizeof *columns);
    for (size_t i = 0; i < s->column_count; i++) {
        int rc = batch_double(b, s->columns[i], s->names[i], &columns[i], e);
        if (rc)
            return rc;
    }
    const double *norms = row_norms(s, b, columns);
    for (size_t i = 0; i < s->column_count; i++) {
        double *out = batch_array(b, b->rows, sizeof *out);
        for (size_t r = 0; r < b->rows; r++)
            out[r] = columns[i][r] / norms[r];
        batch_set(b, s->columns[i], column_of_double(out));
    }
    return 0;
}

static int unit_norm_lower(const struct step *s, struct lowering *l, struct error *e)
{
    uint32_t *in = mem_array(NULL, 2 * s->column_count + 1, sizeof *in),
             *out = in + s->column_count;
    (void)e;
    for (size_t i = 0; i < s->column_count; i++)
        in[i] = lower_column(l, s->columns[i], ML_FLOAT);
    uint32_t code = ML_VECTOR_unit_l1 + (uint32_t)arg_choice(s, "with");
    lower_vector(l, code, false, in, s->column_count, NULL, 0, out, s->column_count);
    for (size_t i = 0; i < s->column_count; i++)
        lower_set(l, s->columns[i], out[i]);
    mem_free(in);
    return 0;
}

static const struct arg unit_norm_args[] = {
    ROWWISE_COLUMNS("the numbers of a row that become a vector of length 1"),
    {.name = "with", .kind = ARG_METHOD, .fallback = "l2", .help = "what length means"},
    {.name = NULL},
};

#define VECTORS "a,b\n3,4\n0,0\n-6,2\n"
static const struct method unit_norm_methods[] = {
    {"l1",
     "S",
     "sum of magnitudes",
     {.program = "unit_norm a,b with=l1",
      .input = VECTORS,
      .output = "a,b\n0.42857142857142855,0.5714285714285714\n0,0\n-0.75,0.25\n"}},
    {"l2",
     "S",
     "root of the sum of squares",
     {.program = "unit_norm a,b", .input = "a,b\n3,4\n0,0\n", .output = "a,b\n0.6,0.8\n0,0\n"}},
    {"max",
     "S",
     "largest magnitude",
     {.program = "unit_norm a,b with=max",
      .input = VECTORS,
      .output = "a,b\n0.75,1\n0,0\n-1,0.3333333333333333\n"}},
    {.name = NULL},
};

static int assemble(struct mapping *m)
{
    for (size_t r = 0; r < m->rows; r++) {
        for (size_t i = 0; i < m->count; i++) {
            buf_putc(&m->scratch, i ? ',' : '[');
            json_put_double(&m->scratch, m->in[i].number[r]);
        }
        buf_putc(&m->scratch, ']');
        m->out->text[r] = mapping_text(m);
    }
    return 0;
}

static const struct arg assemble_args[] = {
    ROWWISE_COLUMNS("numbers to put into the vector, in this order"),
    {.name = "into", .kind = ARG_NAME, .fallback = "features", .help = "the new column"},
    ROWWISE_KEEP,
    {.name = NULL},
};

const struct step_kind steps_scale[] = {
    {.name = "scale",
     .aliases = "standard_scaler:method=standard zscore:method=standard "
                "minmax_scaler:method=minmax maxabs_scaler:method=maxabs "
                "robust_scaler:method=robust normalize_columns:method=minmax",
     .family = "scale",
     .class = "F",
     .summary = "shift and divide numbers by what their column was like",
     .details =
         "The deviation is that of the population (divided by n), as in scikit-learn; pandas "
         "and SQL divide by n - 1. Quantiles are of type 7. A column without spread is divided "
         "by 1. Missing values are left out of what is learnt and stay missing.",
     .args = scale_args,
     .methods = scale_methods,
     .example = {.program = "scale x",
                 .input = "x\n1\n2\n3\n4\n",
                 .output = "x\n-1.3416407864998738\n-0.4472135954999579\n0.4472135954999579\n1."
                           "3416407864998738\n"},
     ROWWISE_HOOKS,
     COLUMNWISE_HOOKS,
     .keeps_rows = true,
     .detail = &(const struct columnwise){.map = {.from = TYPE_FLOAT,
                                                  .to = TYPE_FLOAT,
                                                  .column = rescale,
                                                  .prepare = check_scaling,
                                                  .lower = lower_rescale},
                                          .choose = choose_scaling}},
    {.name = "unit_norm",
     .aliases = "normalizer l2_normalize:with=l2 l1_normalize:with=l1",
     .family = "scale",
     .class = "S",
     .summary = "divide the numbers of a row by their length as a vector",
     .details = "A missing value counts as 0 in the length and stays missing; a vector of length 0 "
                "stays as it is.",
     .args = unit_norm_args,
     .methods = unit_norm_methods,
     .example = {.program = "unit_norm a,b",
                 .input = "a,b\n3,4\n0,0\n",
                 .output = "a,b\n0.6,0.8\n0,0\n"},
     .shape = unit_norm_shape,
     .apply = unit_norm_apply,
     .lower = unit_norm_lower},
    {.name = "vector_assemble",
     .not_compiled = NOT_COMPILED_JSON,
     .aliases = "assemble",
     .family = "scale",
     .class = "S",
     .summary = "put numbers of a row into one list",
     .details =
         "Makes a column of JSON lists; a missing number is null in it. The columns it is made "
         "of go unless keep=true.",
     .args = assemble_args,
     .example = {.program = "vector_assemble a,b into=v",
                 .input = "id,a,b\n1,3,4.5\n2,,0\n",
                 .output = "id,v\n1,\"[3,4.5]\"\n2,\"[null,0]\"\n"},
     ROWWISE_HOOKS,
     .detail = &(const struct rowwise){.from = TYPE_FLOAT,
                                       .to = TYPE_JSON,
                                       .column = assemble,
                                       .several = true,
                                       .drops = true}},
    {.name = NULL},
};
