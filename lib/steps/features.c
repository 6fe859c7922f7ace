/* Numeric features made of several columns, or several of one: products, waves, row statistics. */
#include "prep/rowwise.h"
#include "runtime/program_vector.h"
#include "steps/steps.h"

#include <math.h>

static const double TWO_PI = 6.28318530717958647692;

enum { DEGREE_MAX = 8, PRODUCTS_MAX = 10000 };

/* A product of `degree` columns: their places in the selection, not decreasing. */
struct product {
    size_t degree;
    size_t factor[DEGREE_MAX];
};

struct products {
    VEC(struct product) at;
};

static void products_free(void *own)
{
    struct products *p = own;
    vec_release(&p->at);
    mem_free(p);
}

/* "a_pow2_x_b" */
static void name_product(struct step *s, const struct product *p)
{
    struct buf name = {0};
    for (size_t i = 0; i < p->degree;) {
        size_t run = 1;
        while (i + run < p->degree && p->factor[i + run] == p->factor[i])
            run++;
        buf_format(&name, "%s%s", i > 0 ? "_x_" : "", s->names[p->factor[i]]);
        if (run > 1)
            buf_format(&name, "_pow%zu", run);
        i += run;
    }
    rowwise_part(s, "%s", buf_text(&name));
    buf_release(&name);
}

/* The next product of this degree in lexicographic order; factors repeat, or (distinct) do not. */
static bool next_product(struct product *p, size_t columns, bool distinct)
{
    for (size_t i = p->degree; i-- > 0;) {
        size_t behind = distinct ? p->degree - 1 - i : 0;
        if (p->factor[i] + behind + 1 >= columns)
            continue;
        p->factor[i]++;
        for (size_t k = i + 1; k < p->degree; k++)
            p->factor[k] = p->factor[k - 1] + (distinct ? 1 : 0);
        return true;
    }
    return false;
}

static int list_products(struct step *s, bool distinct, struct error *e)
{
    struct products *list = mem_alloc(sizeof *list);
    rowwise_plan(s)->own = list;
    size_t columns = s->column_count, degree = (size_t)arg_int(s, "degree");
    for (size_t d = 2; d <= degree && (!distinct || d <= columns); d++) {
        struct product p = {.degree = d};
        for (size_t k = 0; k < d && distinct; k++)
            p.factor[k] = k;
        do {
            if (list->at.len == PRODUCTS_MAX)
                return step_error(s, e, "more than %d new columns", PRODUCTS_MAX);
            vec_push(&list->at, p);
            name_product(s, &p);
        } while (next_product(&p, columns, distinct));
    }
    return 0;
}

static int prepare_polynomial(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    return list_products(s, false, e);
}

static int prepare_interactions(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    if (s->column_count < 2)
        return step_error(s, e, "select two columns or more");
    return list_products(s, true, e);
}

static int multiply(struct mapping *m)
{
    const struct products *list = m->own;
    for (size_t k = 0; k < list->at.len; k++) {
        const struct product *p = &list->at.at[k];
        double *out = m->out[k].number;
        memcpy(out, m->in[p->factor[0]].number, m->rows * sizeof *out);
        for (size_t i = 1; i < p->degree; i++)
            for (size_t r = 0; r < m->rows; r++)
                out[r] *= m->in[p->factor[i]].number[r];
    }
    return 0;
}

static int lower_products(struct lower_map *m)
{
    const struct products *list = m->own;
    for (size_t k = 0; k < list->at.len; k++) {
        const struct product *p = &list->at.at[k];
        m->out[k] = m->in[p->factor[0]];
        for (size_t i = 1; i < p->degree; i++)
            m->out[k] = lower_op(m->to, ML_OP_mul, m->out[k], m->in[p->factor[i]], 0);
    }
    return 0;
}

static int check_period(struct step *s, struct error *e)
{
    return arg_number(s, "period") > 0 ? 0 : step_error(s, e, "period must be above 0");
}

static int prepare_cyclical(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    rowwise_part(s, "_sin");
    rowwise_part(s, "_cos");
    return check_period(s, e);
}

static int prepare_fourier(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    for (int k = 1; k <= (int)arg_int(s, "terms"); k++) {
        rowwise_part(s, "_sin%d", k);
        rowwise_part(s, "_cos%d", k);
    }
    return check_period(s, e);
}

/* Parts come in pairs: sine and cosine of 1, 2, 3 ... turns in a period. */
static int waves(struct mapping *m)
{
    size_t terms = rowwise_plan(m->step)->parts.len / 2;
    double period = m->parameters[0];
    const double *x = m->in->number;
    for (size_t k = 0; k < terms; k++) {
        double *sine = m->out[2 * k].number, *cosine = m->out[2 * k + 1].number;
        for (size_t r = 0; r < m->rows; r++) {
            double angle = TWO_PI * (double)(k + 1) * (fmod(x[r], period) / period);
            sine[r] = sin(angle);
            cosine[r] = cos(angle);
        }
    }
    return 0;
}

static int lower_waves(struct lower_map *m)
{
    size_t parts = rowwise_plan(m->step)->parts.len;
    lower_vector(m->to, ML_VECTOR_waves, false, m->in, 1, m->parameters, 1, m->out, parts);
    return 0;
}

static double sum_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

static double mean_of(const double *x, size_t n)
{
    return sum_of(x, n) / (double)n;
}

static double smallest_of(const double *x, size_t n)
{
    double least = x[0];
    for (size_t i = 1; i < n; i++)
        least = x[i] < least ? x[i] : least;
    return least;
}

static double largest_of(const double *x, size_t n)
{
    double most = x[0];
    for (size_t i = 1; i < n; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

static double deviation_of(const double *x, size_t n)
{
    if (n < 2)
        return (double)NAN;
    double mean = mean_of(x, n), squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    return sqrt(squares / (double)(n - 1));
}

static double product_of(const double *x, size_t n)
{
    double product = 1;
    for (size_t i = 0; i < n; i++)
        product *= x[i];
    return product;
}

/* In the order of aggregate_methods. */
static double (*const aggregates[])(const double *x, size_t n) = {
    sum_of, mean_of, smallest_of, largest_of, deviation_of, product_of};

static int prepare_aggregate(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    (void)e;
    if (!arg_given(s, "into"))
        rowwise_part(s, "row_%s", arg_string(s, "agg"));
    return 0;
}

static int aggregate_rows(struct mapping *m)
{
    double (*aggregate)(const double *, size_t) = aggregates[arg_choice(m->step, "agg")];
    double *present = batch_array(m->batch, m->count, sizeof *present);
    for (size_t r = 0; r < m->rows; r++) {
        size_t n = 0;
        for (size_t i = 0; i < m->count; i++)
            if (!isnan(m->in[i].number[r]))
                present[n++] = m->in[i].number[r];
        m->out->number[r] = n > 0 ? aggregate(present, n) : (double)NAN;
    }
    return 0;
}

static int lower_aggregate(struct lower_map *m)
{
    uint32_t code = ML_VECTOR_sum + (uint32_t)arg_choice(m->step, "agg");
    lower_vector(m->to, code, false, m->in, m->count, NULL, 0, m->out, 1);
    return 0;
}

struct reference {
    size_t column;
    const char *name;
};

static double add(double x, double y)
{
    return x + y;
}

static double subtract(double x, double y)
{
    return x - y;
}

static double multiply_by(double x, double y)
{
    return x * y;
}

static double divide(double x, double y)
{
    return x / y;
}

/* The remainder with the sign of y, as numpy's. */
static double modulo(double x, double y)
{
    double rest = fmod(x, y);
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

/* In the order of relative_methods. */
static double (*const operations[])(double x, double y) = {add,    subtract, multiply_by,
                                                           divide, modulo,   pow};

static int prepare_relative(struct step *s, const struct schema *in, struct error *e)
{
    struct reference *to = arena_alloc(&s->arena, sizeof *to);
    int rc = arg_column(s, "to", in, &to->column, e);
    if (rc)
        return rc;
    const char *name = arg_string(s, "to");
    to->name = name;
    rowwise_plan(s)->own = to;
    if (!arg_given(s, "into") && !arg_given(s, "suffix"))
        rowwise_part(s, "_%s_%s", arg_string(s, "op"), name);
    return 0;
}

static int relate(struct mapping *m)
{
    const struct reference *to = m->own;
    double (*operation)(double, double) = operations[arg_choice(m->step, "op")];
    const double *x = m->in->number, *y = NULL;
    double *out = m->out->number;
    int rc = batch_double(m->batch, to->column, to->name, &y, m->error);
    for (size_t r = 0; r < m->rows && rc == 0; r++) {
        out[r] = operation(x[r], y[r]);
        if (isnan(x[r]) || isnan(y[r]) || isfinite(out[r]))
            continue;
        out[r] = (double)NAN;
        rc = mapping_reject(m, 0, r, "the result is not a finite number");
    }
    return rc;
}

static int lower_relative(struct lower_map *m)
{
    static const enum ml_arithmetic codes[] = {ML_ADD, ML_SUB, ML_MUL, ML_DIV, ML_MOD, ML_POW};
    const struct reference *to = m->own;
    uint32_t y = lower_column(m->to, to->column, ML_FLOAT);
    m->out[0] = lower_register(m->to, ML_FLOAT);
    lower_op_to(m->to, ML_OP_arithmetic, ML_STRICT, m->out[0], m->in[0], y,
                codes[arg_choice(m->step, "op")]);
    return 0;
}

#define FEATURE  .family = "numeric", .class = "S", ROWWISE_HOOKS
#define MAP(...) ROWWISE_MAP(.from = TYPE_FLOAT, .to = TYPE_FLOAT, __VA_ARGS__)

#define DEGREE                                                                                     \
    {                                                                                              \
        .name = "degree", .kind = ARG_INT, .fallback = "2", .min = 2, .max = DEGREE_MAX,           \
        .help = "most factors of a product"                                                        \
    }
#define PERIOD                                                                                     \
    {                                                                                              \
        .name = "period", .kind = ARG_NUMBER, .required = true,                                    \
        .help = "length of a full turn: 24 for hours, 7 for weekdays"                              \
    }

static const struct arg product_args[] = {
    ROWWISE_COLUMNS("columns of numbers"), DEGREE, {.name = NULL}};

static const struct arg cyclical_args[] = {
    ROWWISE_COLUMNS("columns of numbers"), PERIOD, ROWWISE_KEEP, {.name = NULL}};

static const struct arg fourier_args[] = {ROWWISE_COLUMNS("columns of numbers"),
                                          PERIOD,
                                          {.name = "terms",
                                           .kind = ARG_INT,
                                           .fallback = "2",
                                           .min = 1,
                                           .max = 100,
                                           .help = "pairs of sine and cosine"},
                                          ROWWISE_KEEP,
                                          {.name = NULL}};

static const struct arg aggregate_args[] = {
    ROWWISE_COLUMNS("columns of numbers"),
    {.name = "agg", .kind = ARG_METHOD, .required = true, .help = "what to compute of a row"},
    {.name = "into", .kind = ARG_NAME, .help = "new column; row_sum, row_mean ... when not given"},
    {.name = NULL}};

static const struct arg relative_args[] = {
    ROWWISE_COLUMNS("columns of numbers"),
    {.name = "to", .kind = ARG_COLUMN, .required = true, .help = "column of the other operand"},
    {.name = "op",
     .kind = ARG_METHOD,
     .required = true,
     .help = "operation, selected column first"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};

static const char *const period_parameter[] = {"period", NULL};

static const struct method aggregate_methods[] = {
    {.name = "sum",
     .class = "S",
     .summary = "sum of the values of a row",
     .example = {.program = "row_aggregate a,b agg=sum",
                 .input = "a,b\n1,2\n3,\n",
                 .output = "a,b,row_sum\n1,2,3\n3,,3\n"}},
    {.name = "mean",
     .class = "S",
     .summary = "mean of the values of a row",
     .example = {.program = "row_aggregate a,b agg=mean",
                 .input = "a,b\n1,2\n3,\n",
                 .output = "a,b,row_mean\n1,2,1.5\n3,,3\n"}},
    {.name = "min",
     .class = "S",
     .summary = "smallest value of a row",
     .example = {.program = "row_aggregate a,b agg=min",
                 .input = "a,b\n1,2\n",
                 .output = "a,b,row_min\n1,2,1\n"}},
    {.name = "max",
     .class = "S",
     .summary = "largest value of a row",
     .example = {.program = "row_aggregate a,b agg=max",
                 .input = "a,b\n1,2\n",
                 .output = "a,b,row_max\n1,2,2\n"}},
    {.name = "std",
     .class = "S",
     .summary = "sample standard deviation of a row; missing for fewer than two values",
     .example = {.program = "row_aggregate a,b,c agg=std",
                 .input = "a,b,c\n1,2,3\n1,,\n",
                 .output = "a,b,c,row_std\n1,2,3,1\n1,,,\n"}},
    {.name = "prod",
     .class = "S",
     .summary = "product of the values of a row",
     .example = {.program = "row_aggregate a,b agg=prod",
                 .input = "a,b\n3,2\n",
                 .output = "a,b,row_prod\n3,2,6\n"}},
    {.name = NULL},
};

static const struct method relative_methods[] = {
    {.name = "add",
     .class = "S",
     .summary = "sum with the reference",
     .example = {.program = "relative_features a to=b op=add",
                 .input = "a,b\n7,2\n",
                 .output = "a,b,a_add_b\n7,2,9\n"}},
    {.name = "sub",
     .class = "S",
     .summary = "difference from the reference",
     .example = {.program = "relative_features a to=b op=sub",
                 .input = "a,b\n7,2\n",
                 .output = "a,b,a_sub_b\n7,2,5\n"}},
    {.name = "mul",
     .class = "S",
     .summary = "product with the reference",
     .example = {.program = "relative_features a to=b op=mul",
                 .input = "a,b\n7,2\n",
                 .output = "a,b,a_mul_b\n7,2,14\n"}},
    {.name = "div",
     .class = "S",
     .summary = "quotient by the reference; 0 there is rejected",
     .example = {.program = "relative_features a to=b op=div",
                 .input = "a,b\n7,2\n",
                 .output = "a,b,a_div_b\n7,2,3.5\n"}},
    {.name = "mod",
     .class = "S",
     .summary = "remainder with the sign of the reference",
     .example = {.program = "relative_features a to=b op=mod",
                 .input = "a,b\n7,-2\n",
                 .output = "a,b,a_mod_b\n7,-2,-1\n"}},
    {.name = "pow",
     .class = "S",
     .summary = "raised to the reference",
     .example = {.program = "relative_features a to=b op=pow",
                 .input = "a,b\n7,2\n",
                 .output = "a,b,a_pow_b\n7,2,49\n"}},
    {.name = NULL},
};

const struct step_kind steps_features[] = {
    {.name = "polynomial",
     FEATURE,
     .summary = "products of columns up to a degree, with powers",
     .details =
         "The terms of scikit-learn's PolynomialFeatures beyond degree 1, in its order, "
         "appended as a_pow2, a_x_b, b_pow2 ...; a missing factor gives missing. The columns "
         "themselves stay; there is no column of ones.",
     .args = product_args,
     .example = {.program = "polynomial a,b",
                 .input = "a,b\n2,3\n",
                 .output = "a,b,a_pow2,a_x_b,b_pow2\n2,3,4,6,9\n"},
     MAP(.column = multiply, .lower = lower_products, .several = true,
         .prepare = prepare_polynomial, .release = products_free)},
    {.name = "interactions",
     FEATURE,
     .summary = "products of different columns",
     .details =
         "PolynomialFeatures(interaction_only=True) of scikit-learn beyond degree 1; a missing "
         "factor gives missing.",
     .args = product_args,
     .example = {.program = "interactions a,b,c",
                 .input = "a,b,c\n2,3,5\n",
                 .output = "a,b,c,a_x_b,a_x_c,b_x_c\n2,3,5,6,10,15\n"},
     MAP(.column = multiply, .lower = lower_products, .several = true,
         .prepare = prepare_interactions, .release = products_free)},
    {.name = "fourier_features",
     FEATURE,
     .summary = "sines and cosines of 1, 2, 3 ... turns in a period",
     .details = "x_sin1 is sin(2 pi x / period), x_cos2 is cos(4 pi x / period), and so on: smooth "
                "features of a season. The column goes unless keep.",
     .args = fourier_args,
     .example = {.program = "fourier_features t period=4 terms=1 keep",
                 .input = "t\n0\n4\n\n",
                 .output = "t,t_sin1,t_cos1\n0,0,1\n4,0,1\n,,\n"},
     MAP(.column = waves, .lower = lower_waves, .drops = true, .parameters = period_parameter,
         .prepare = prepare_fourier)},
    {.name = "cyclical",
     FEATURE,
     .summary = "a value on a circle: its sine and cosine",
     .details =
         "sin and cos of 2 pi x / period, so that hour 23 lies beside hour 0. feature-engine "
         "learns the period as the maximum of the column and keeps the column; here the period "
         "is given, and the column goes unless keep.",
     .args = cyclical_args,
     .example = {.program = "cyclical hour period=24",
                 .input = "hour\n0\n24\n\n",
                 .output = "hour_sin,hour_cos\n0,1\n0,1\n,\n"},
     MAP(.column = waves, .lower = lower_waves, .drops = true, .parameters = period_parameter,
         .prepare = prepare_cyclical)},
    {.name = "row_aggregate",
     FEATURE,
     .aliases = "merge_fields math_features",
     .summary = "one statistic over several columns of each row",
     .details = "Missing cells are left out, as pandas does; a row without any value gives missing "
                "(pandas gives 0 for a sum and 1 for a product).",
     .args = aggregate_args,
     .methods = aggregate_methods,
     .example = {.program = "row_aggregate a,b,c agg=mean into=m",
                 .input = "a,b,c\n1,2,6\n4,,6\n,,\n",
                 .output = "a,b,c,m\n1,2,6,3\n4,,6,5\n,,,\n"},
     MAP(.column = aggregate_rows, .lower = lower_aggregate, .several = true,
         .prepare = prepare_aggregate)},
    {.name = "relative_features",
     FEATURE,
     .summary = "columns compared with a reference column",
     .details = "New columns a_div_b ...; a result that is not finite (division by 0) is rejected. "
                "Missing on either side gives missing.",
     .args = relative_args,
     .methods = relative_methods,
     .example = {.program = "relative_features price,cost to=area op=div",
                 .input = "price,cost,area\n300,120,60\n",
                 .output = "price,cost,area,price_div_area,cost_div_area\n300,120,60,5,2\n"},
     MAP(.column = relate, .lower = lower_relative, .prepare = prepare_relative)},
    {.name = NULL},
};
