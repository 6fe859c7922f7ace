/* Numeric transforms of single cells: one function of a number each. */
#include "prep/rowwise.h"
#include "runtime/program_math.h"
#include "steps/steps.h"

#include <math.h>

static int prepare_clip(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    const double *p = rowwise_plan(s)->parameters;
    if (isnan(p[0]) && isnan(p[1]))
        return step_error(s, e, "give min, max or both");
    return p[0] > p[1] ? step_error(s, e, "min is larger than max") : 0;
}

static int prepare_log(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    double base = rowwise_plan(s)->parameters[0];
    return base <= 0 || base == 1 ? step_error(s, e, "base must be above 0 and not 1") : 0;
}

static int prepare_arcsinh(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    return rowwise_plan(s)->parameters[1] == 0 ? step_error(s, e, "scale is 0") : 0;
}

static int prepare_round(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    (void)e;
    double *p = rowwise_plan(s)->parameters;
    p[1] = pow(10, fabs(p[0]));
    return 0;
}

static const char *const base_parameter[] = {"base", NULL};
static const char *const exponent_parameter[] = {"exponent", NULL};
static const char *const arcsinh_parameters[] = {"location", "scale", NULL};
static const char *const clip_parameters[] = {"min", "max", NULL};
static const char *const round_parameters[] = {"digits", NULL};
static const char *const threshold_parameter[] = {"threshold", NULL};

#define COLUMNS ROWWISE_COLUMNS("columns of numbers")

static const struct arg plain_args[] = {COLUMNS, ROWWISE_INTO, ROWWISE_SUFFIX, {.name = NULL}};
static const struct arg log_args[] = {
    COLUMNS,
    {.name = "base", .kind = ARG_NUMBER, .help = "of the logarithm; natural when not given"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};
static const struct arg power_args[] = {
    COLUMNS,
    {.name = "exponent", .kind = ARG_NUMBER, .fallback = "2", .help = "power to raise to"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};
static const struct arg arcsinh_args[] = {
    COLUMNS,
    {.name = "location", .kind = ARG_NUMBER, .fallback = "0", .help = "subtracted first"},
    {.name = "scale", .kind = ARG_NUMBER, .fallback = "1", .help = "divided by then"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};
static const struct arg clip_args[] = {
    COLUMNS,
    {.name = "min", .kind = ARG_NUMBER, .help = "smaller values become this"},
    {.name = "max", .kind = ARG_NUMBER, .help = "larger values become this"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};
static const struct arg round_args[] = {COLUMNS,
                                        {.name = "digits",
                                         .kind = ARG_INT,
                                         .fallback = "0",
                                         .min = -300,
                                         .max = 300,
                                         .help = "decimal places; negative: to tens, hundreds ..."},
                                        ROWWISE_INTO,
                                        ROWWISE_SUFFIX,
                                        {.name = NULL}};
static const struct arg binarize_args[] = {
    COLUMNS,
    {.name = "threshold", .kind = ARG_NUMBER, .fallback = "0", .help = "values above it give 1"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};

#define NUMERIC  .family = "numeric", .class = "S", ROWWISE_HOOKS
#define MAP(...) ROWWISE_MAP(.from = TYPE_FLOAT, .to = TYPE_FLOAT, __VA_ARGS__)
#define OUTSIDE                                                                                    \
    "A value outside the domain is rejected: an error, or missing with --on-error=null. "

const struct step_kind steps_numeric[] = {
    {.name = "log",
     NUMERIC,
     .aliases = "ln",
     .summary = "logarithm, natural or to a base",
     .details = OUTSIDE "Domain: above 0. For values that may be 0 see log1p and log_shift.",
     .args = log_args,
     .example = {.program = "log x base=3", .input = "x\n1\n3\n9\n", .output = "x\n0\n1\n2\n"},
     MAP(.number = ml_map_log, .domain = "greater than 0", .parameters = base_parameter,
         .prepare = prepare_log)},
    {.name = "log1p",
     NUMERIC,
     .summary = "natural logarithm of 1 + x, exact near 0",
     .details = OUTSIDE "Domain: above -1.",
     .args = plain_args,
     .example = {.program = "log1p x",
                 .input = "x\n0\n1\n\n",
                 .output = "x\n0\n0.6931471805599453\n\n"},
     MAP(.number = ml_map_log1p, .domain = "greater than -1")},
    {.name = "log10",
     NUMERIC,
     .summary = "logarithm to base 10",
     .details = OUTSIDE "Domain: above 0.",
     .args = plain_args,
     .example = {.program = "log10 x", .input = "x\n1\n1000\n0.01\n", .output = "x\n0\n3\n-2\n"},
     MAP(.number = ml_map_log10, .domain = "greater than 0")},
    {.name = "log2",
     NUMERIC,
     .summary = "logarithm to base 2",
     .details = OUTSIDE "Domain: above 0.",
     .args = plain_args,
     .example = {.program = "log2 x", .input = "x\n1\n8\n0.5\n", .output = "x\n0\n3\n-1\n"},
     MAP(.number = ml_map_log2, .domain = "greater than 0")},
    {.name = "sqrt",
     NUMERIC,
     .summary = "square root",
     .details = OUTSIDE "Domain: 0 and above.",
     .args = plain_args,
     .example = {.program = "sqrt x into=root",
                 .input = "x\n4\n2.25\n",
                 .output = "x,root\n4,2\n2.25,1.5\n"},
     MAP(.number = ml_map_sqrt, .domain = "0 or above")},
    {.name = "cbrt",
     NUMERIC,
     .summary = "cube root",
     .details = "Any number: the root of a negative one is negative.",
     .args = plain_args,
     .example = {.program = "cbrt x", .input = "x\n27\n-8\n", .output = "x\n3\n-2\n"},
     MAP(.number = ml_map_cbrt)},
    {.name = "square",
     NUMERIC,
     .summary = "the value times itself",
     .args = plain_args,
     .example = {.program = "square a,b suffix=_sq",
                 .input = "a,b\n3,-0.5\n",
                 .output = "a,b,a_sq,b_sq\n3,-0.5,9,0.25\n"},
     MAP(.number = ml_map_square)},
    {.name = "reciprocal",
     NUMERIC,
     .aliases = "inverse",
     .summary = "1 divided by the value",
     .details = OUTSIDE "Domain: every number but 0.",
     .args = plain_args,
     .example = {.program = "reciprocal x", .input = "x\n4\n-0.5\n", .output = "x\n0.25\n-2\n"},
     MAP(.number = ml_map_reciprocal, .domain = "different from 0")},
    {.name = "power",
     NUMERIC,
     .summary = "the value raised to a power",
     .details =
         OUTSIDE "Domain: negative values need a whole exponent, 0 one that is not negative. "
                 "feature-engine's default exponent is 0.5, ours 2.",
     .args = power_args,
     .example = {.program = "power x exponent=1.5", .input = "x\n4\n9\n", .output = "x\n8\n27\n"},
     MAP(.number = ml_map_power, .domain = "in the domain of this power",
         .parameters = exponent_parameter)},
    {.name = "arcsin_sqrt",
     NUMERIC,
     .aliases = "arcsin",
     .summary = "arc sine of the square root, for proportions",
     .details = OUTSIDE "Domain: 0 to 1. The result is in radians, 0 to pi/2.",
     .args = plain_args,
     .example = {.program = "arcsin_sqrt x",
                 .input = "x\n0\n1\n",
                 .output = "x\n0\n1.5707963267948966\n"},
     MAP(.number = ml_map_arcsin_sqrt, .domain = "from 0 to 1")},
    {.name = "arcsinh",
     NUMERIC,
     .aliases = "asinh",
     .summary = "inverse hyperbolic sine of (x - location) / scale",
     .details = "Any number: behaves as a logarithm far from 0 on both sides.",
     .args = arcsinh_args,
     .example = {.program = "arcsinh x scale=2",
                 .input = "x\n0\n2\n-2\n",
                 .output = "x\n0\n0.881373587019543\n-0.881373587019543\n"},
     MAP(.number = ml_map_arcsinh, .parameters = arcsinh_parameters, .prepare = prepare_arcsinh)},
    {.name = "logit",
     NUMERIC,
     .summary = "logarithm of the odds, ln(x / (1 - x))",
     .details = OUTSIDE "Domain: between 0 and 1, both excluded.",
     .args = plain_args,
     .example = {.program = "logit p",
                 .input = "p\n0.5\n0.75\n",
                 .output = "p\n0\n1.0986122886681098\n"},
     MAP(.number = ml_map_logit, .domain = "between 0 and 1")},
    {.name = "sigmoid",
     NUMERIC,
     .aliases = "logistic expit",
     .summary = "1 / (1 + exp(-x)), the inverse of logit",
     .args = plain_args,
     .example = {.program = "sigmoid x",
                 .input = "x\n0\n1000\n-1000\n",
                 .output = "x\n0.5\n1\n0\n"},
     MAP(.number = ml_map_sigmoid)},
    {.name = "abs",
     NUMERIC,
     .summary = "absolute value",
     .args = plain_args,
     .example = {.program = "abs x", .input = "x\n-3\n2.5\n", .output = "x\n3\n2.5\n"},
     MAP(.number = ml_map_abs)},
    {.name = "sign",
     NUMERIC,
     .summary = "-1, 0 or 1",
     .args = plain_args,
     .example = {.program = "sign x into=s",
                 .input = "x\n-3\n0\n2.5\n",
                 .output = "x,s\n-3,-1\n0,0\n2.5,1\n"},
     MAP(.number = ml_map_sign)},
    {.name = "clip",
     NUMERIC,
     .aliases = "cap_arbitrary clamp",
     .summary = "values below min become min, above max become max",
     .details = "Bounds are given here; outliers method=... action=clip learns them. Missing stays "
                "missing.",
     .args = clip_args,
     .example = {.program = "clip fare min=0 max=300",
                 .input = "fare\n-5\n72.5\n512\n",
                 .output = "fare\n0\n72.5\n300\n"},
     MAP(.number = ml_map_clip, .parameters = clip_parameters, .prepare = prepare_clip)},
    {.name = "round",
     NUMERIC,
     .summary = "round to decimal places, ties to even",
     .details =
         "As numpy and pandas do: x times 10^digits is rounded to the nearest whole number, a "
         "tie to the even one (0.5 gives 0, 1.5 gives 2), and divided again.",
     .args = round_args,
     .example = {.program = "round x digits=1",
                 .input = "x\n2.25\n2.34\n-7\n",
                 .output = "x\n2.2\n2.3\n-7\n"},
     MAP(.number = ml_map_round, .parameters = round_parameters, .prepare = prepare_round)},
    {.name = "binarize",
     NUMERIC,
     .summary = "1 above a threshold, else 0",
     .details = "As scikit-learn: a value equal to the threshold gives 0.",
     .args = binarize_args,
     .example = {.program = "binarize x threshold=10",
                 .input = "x\n9\n10\n11\n",
                 .output = "x\n0\n0\n1\n"},
     MAP(.number = ml_map_binarize, .parameters = threshold_parameter)},
    {.name = NULL},
};
