/* drift: how far apart two sets of rows are, column by column. */
#include "steps/score.h"
#include "steps/steps.h"

static const struct learner *choose_distance(const struct step *s)
{
    static const struct learner *const learners[] = {&score_divergence, &score_ks,
                                                     &score_homogeneity, &score_wasserstein};
    return learners[arg_choice(s, "with")];
}

static int drift_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)s;
    (void)e;
    schema_release(schema);
    schema_add(schema, text_of("column"), TYPE_TEXT);
    schema_add(schema, text_of("statistic"), TYPE_FLOAT);
    schema_add(schema, text_of("p_value"), TYPE_FLOAT);
    return 0;
}

static int drift_produce(struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    struct dropping *plan = s->plan;
    size_t p = s->column_count;
    if (plan->told || p == 0)
        return 0;
    plan->told = true;
    struct text *name = batch_array(b, p, sizeof *name);
    double *statistic = batch_array(b, p, sizeof *statistic);
    double *p_value = batch_array(b, p, sizeof *p_value);
    for (size_t i = 0; i < p; i++) {
        const struct score *score = columnwise_learnt(s, i);
        size_t len = strlen(s->names[i]);
        name[i] = (struct text){arena_text(&b->arena, s->names[i], len), len};
        statistic[i] = score->score;
        p_value[i] = score->p_value;
    }
    b->rows = p;
    batch_add(b, column_of_text(name));
    batch_add(b, column_of_double(statistic));
    batch_add(b, column_of_double(p_value));
    return 1;
}

static const struct arg drift_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .fallback = "@all",
     .help = "columns to compare",
     .positional = true},
    {.name = "target",
     .kind = ARG_COLUMN,
     .help = "column of two values that tells which of the two sets a row is of",
     .required = true},
    {.name = "with", .kind = ARG_METHOD, .fallback = "psi", .help = "which distance"},
    {.name = "bins",
     .kind = ARG_INT,
     .fallback = "10",
     .help = "psi, chi2: numbers with more values are cut into so many bins of equal counts",
     .min = 2,
     .max = 1e6},
    {0},
};

#define TWO_SETS "x,set\n1,a\n2,a\n3,a\n4,a\n3,b\n4,b\n5,b\n6,b\n"
static const struct method drift_methods[] = {
    {"psi",
     "W",
     "population stability index over values or bins",
     {.program = "drift target=set bins=2",
      .input = TWO_SETS,
      .output = "column,statistic,p_value\nx,1.0986122886681098,\n"}},
    {"ks",
     "W",
     "Kolmogorov-Smirnov distance of numbers, and its asymptotic p-value",
     {.program = "drift target=set with=ks",
      .input = TWO_SETS,
      .output = "column,statistic,p_value\nx,0.5,0.6993741991310155\n"}},
    {"chi2",
     "W",
     "Pearson's test of homogeneity over values or bins",
     {.program = "drift target=set with=chi2 bins=2",
      .input = TWO_SETS,
      .output = "column,statistic,p_value\nx,2,0.1572992070502851\n"}},
    {"wasserstein",
     "W",
     "how far numbers must be moved, on average",
     {.program = "drift target=set with=wasserstein",
      .input = TWO_SETS,
      .output = "column,statistic,p_value\nx,2,\n"}},
    {0},
};

const struct step_kind steps_report_drift[] = {
    {.name = "drift",
     .family = "report",
     .class = "W",
     .summary = "how differently columns are spread in two sets of rows",
     .details = "One pass, in which values are counted. Cells that are "
                "missing are left out. psi and chi2 cut numbers into bins of equal counts of all "
                "rows; psi floors shares at 0.0001. ks and wasserstein are of numbers: other "
                "columns have no statistic. psi and wasserstein have no p-value." HELD(
                    "values counted", "about 150 bytes and the text"),
     .args = drift_args,
     .methods = drift_methods,
     .example = {.program = "drift target=set bins=2",
                 .input = TWO_SETS,
                 .output = "column,statistic,p_value\nx,1.0986122886681098,\n"},
     .open = dropping_open,
     .shape = drift_shape,
     .produce = drift_produce,
     .blocking = true,
     COLUMNWISE_HOOKS,
     .detail = &(const struct dropper){{.choose = choose_distance}, NULL}},
    {0},
};
