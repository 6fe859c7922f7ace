/* impute: missing cells get a value learnt from the column. drop_columns_by_missing. */
#include "steps/impute.h"
#include "prep/lower.h"
#include "prep/retype.h"
#include "steps/steps.h"
#include "steps/summary.h"

#include <math.h>

const struct impute_plan *impute_plan(const struct step *s)
{
    return rowwise_plan(s)->own;
}

struct text impute_text(struct batch *b, double x)
{
    char digits[NUMBER_MAX];
    if (isnan(x))
        return (struct text){NULL, 0};
    size_t n = number_print(digits, x);
    return (struct text){arena_copy(&b->arena, digits, n), n};
}

int impute_predictors(const struct step *s, struct batch *b, const double ***out, struct error *e)
{
    const struct impute_plan *p = impute_plan(s);
    const double **columns = batch_array(b, p->from_count, sizeof *columns);
    *out = columns;
    int rc = 0;
    for (size_t i = 0; i < p->from_count && rc == 0; i++)
        rc = batch_double(b, p->from[i], p->from_names[i], &columns[i], e);
    return rc;
}

static const char *const fill_name[] = {"fill"};

static int set_fill(void *state, double value)
{
    summary_set(state, fill_name, &value, 1);
    return 0;
}

static int finish_mean(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)s, (void)index, (void)e;
    return set_fill(state, moments_mean(((struct summary *)state)->moments));
}

static int finish_median(const struct step *s, size_t index, void *state, struct error *e)
{
    const double q = 0.5;
    double median = 0;
    (void)s, (void)index;
    int rc = quantiles_at(((struct summary *)state)->quantiles, &q, 1, &median, e);
    return rc ? rc : set_fill(state, median);
}

static bool right_tail(const struct step *s)
{
    return arg_choice(s, "tail") == 0;
}

static int finish_gaussian_tail(const struct step *s, size_t index, void *state, struct error *e)
{
    const struct moments *m = ((struct summary *)state)->moments;
    double reach = arg_number(s, "fold") * moments_deviation(m, 0);
    (void)index, (void)e;
    return set_fill(state, moments_mean(m) + (right_tail(s) ? reach : -reach));
}

static int finish_iqr_tail(const struct step *s, size_t index, void *state, struct error *e)
{
    const double q[] = {0.25, 0.75};
    double quartile[COUNT_OF(q)];
    (void)index;
    int rc = quantiles_at(((struct summary *)state)->quantiles, q, COUNT_OF(q), quartile, e);
    double reach = rc ? 0 : arg_number(s, "fold") * (quartile[1] - quartile[0]);
    return rc ? rc : set_fill(state, right_tail(s) ? quartile[1] + reach : quartile[0] - reach);
}

static void fill_with(const struct gaps *g, struct text value)
{
    for (size_t r = 0; r < g->batch->rows; r++)
        if (!g->cells[r].at)
            g->cells[r] = value;
}

static int fill_number(const struct gaps *g, struct error *e)
{
    const struct summary *m = columnwise_learnt(g->step, g->index);
    (void)e;
    fill_with(g, impute_text(g->batch, m->learnt.at[0]));
    return 0;
}

static const struct learner mean_learner = SUMMARY_FILL_LEARNER(summary_moments, finish_mean);
static const struct learner median_learner = SUMMARY_FILL_LEARNER(summary_quantiles, finish_median);
static const struct learner gaussian_learner =
    SUMMARY_LEARNER(summary_moments, finish_gaussian_tail);
static const struct learner iqr_learner = SUMMARY_LEARNER(summary_quantiles, finish_iqr_tail);

struct mode {
    struct counts counts;
    struct text value; /* borrows from counts */
};

static int mode_texts(const struct lesson *l, void *state, const struct text *values,
                      struct error *e)
{
    struct mode *m = state;
    (void)e;
    for (size_t r = 0; r < l->rows; r++)
        if (values[r].at)
            counts_add(&m->counts, values[r], 1, 0);
    return 0;
}

static int mode_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s, (void)e;
    counts_merge(&((struct mode *)into)->counts, &((struct mode *)from)->counts);
    return 0;
}

static int mode_finish(const struct step *s, size_t index, void *state, struct error *e)
{
    struct mode *m = state;
    (void)s, (void)index, (void)e;
    m->value = (struct text){NULL, 0};
    if (m->counts.map.keys.len > 0) {
        uint32_t *order = counts_sorted(&m->counts, COUNTS_BY_FREQUENCY);
        m->value = m->counts.map.keys.at[order[0]];
        mem_free(order);
    }
    return 0;
}

static json_t *mode_save(const struct step *s, const void *state)
{
    const struct mode *m = state;
    (void)s;
    json_t *fill = m->value.at ? json_stringn_nocheck(m->value.at, m->value.len) : json_null();
    return json_pack("{s:o,s:o}", "fill", fill, "counts", counts_save(&m->counts));
}

static int mode_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    (void)s;
    return counts_load(&((struct mode *)state)->counts, json_object_get(j, "counts"), e);
}

static void mode_release(void *state)
{
    counts_release(&((struct mode *)state)->counts);
}

static const struct learner mode_learner = {.size = sizeof(struct mode),
                                            .texts = mode_texts,
                                            .merge = mode_merge,
                                            .finish = mode_finish,
                                            .save = mode_save,
                                            .load = mode_load,
                                            .release = mode_release};

static int fill_mode(const struct gaps *g, struct error *e)
{
    (void)e;
    fill_with(g, ((const struct mode *)columnwise_learnt(g->step, g->index))->value);
    return 0;
}

static void sample_start(const struct step *s, void *state)
{
    sample_init(state, (size_t)arg_int(s, "sample"), s->context->seed, s->number);
}

static int sample_texts(const struct lesson *l, void *state, const struct text *values,
                        struct error *e)
{
    (void)e;
    for (size_t r = 0; r < l->rows; r++)
        if (values[r].at)
            sample_add(state, batch_row_id(l->batch, r), values[r]);
    return 0;
}

static int sample_join(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s, (void)e;
    sample_merge(into, from);
    return 0;
}

/* In the order of rows, so that a draw does not depend on how the sample came about. */
static int sample_finish(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)s, (void)index, (void)e;
    sample_sort(state);
    return 0;
}

static json_t *sample_to_json(const struct step *s, const void *state)
{
    (void)s;
    return sample_save(state);
}

static int sample_of_json(const struct step *s, void *state, const json_t *j, struct error *e)
{
    (void)s;
    return sample_load(state, j, e);
}

static void sample_free(void *state)
{
    sample_release(state);
}

static const struct learner sample_learner = {.size = sizeof(struct sample),
                                              .init = sample_start,
                                              .texts = sample_texts,
                                              .merge = sample_join,
                                              .finish = sample_finish,
                                              .save = sample_to_json,
                                              .load = sample_of_json,
                                              .release = sample_free};

static int fill_random(const struct gaps *g, struct error *e)
{
    const struct sample *sample = columnwise_learnt(g->step, g->index);
    (void)e;
    for (size_t r = 0; r < g->batch->rows && sample->heap.len > 0; r++) {
        if (g->cells[r].at)
            continue;
        uint64_t draw = hash_u64(batch_row_id(g->batch, r)) + g->index;
        uint64_t chosen =
            random_below(g->step->context->seed, g->step->number, draw, sample->heap.len);
        g->cells[r] = sample->heap.at[chosen].item;
    }
    return 0;
}

enum { MEAN, MEDIAN, MODE, END_TAIL, RANDOM_SAMPLE, GROUP_MEAN, REGRESSION, KNN };
static const struct {
    const struct learner *learner;
    impute_fill *fill;
} ways[] = {
    [MEAN] = {&mean_learner, fill_number},
    [MEDIAN] = {&median_learner, fill_number},
    [MODE] = {&mode_learner, fill_mode},
    [END_TAIL] = {&gaussian_learner, fill_number},
    [RANDOM_SAMPLE] = {&sample_learner, fill_random},
    [GROUP_MEAN] = {&impute_group_learner, impute_fill_group},
    [REGRESSION] = {&impute_regression_learner, impute_fill_regression},
    [KNN] = {&impute_knn_learner, impute_fill_knn},
};

static const struct learner *choose(const struct step *s)
{
    int with = arg_choice(s, "with");
    bool iqr = with == END_TAIL && arg_choice(s, "spread") == 1;
    return iqr ? &iqr_learner : ways[with].learner;
}

static int check_arguments(struct step *s, struct error *e)
{
    int with = arg_choice(s, "with");
    if ((with == GROUP_MEAN) != arg_given(s, "by"))
        return step_error(s, e, "with=group_mean goes with by");
    if (with == REGRESSION && !arg_given(s, "from"))
        return step_error(s, e, "with=regression goes with from");
    if (arg_given(s, "from") && with != REGRESSION && with != KNN)
        return step_error(s, e, "from goes with with=regression or with=knn");
    return 0;
}

static int plan_impute(struct step *s, const struct schema *in, struct error *e)
{
    struct impute_plan *p = arena_zero(&s->arena, sizeof *p);
    rowwise_plan(s)->own = p;
    int with = arg_choice(s, "with"), rc = check_arguments(s, e);
    s->by_row = with == RANDOM_SAMPLE || with == KNN;
    if (!rc)
        rc = arg_columns(s, "by", in, &p->by, &p->by_count, e);
    if (!rc)
        rc = arg_columns(s, "from", in, &p->from, &p->from_count, e);
    if (rc)
        return rc;
    p->from_names = arena_alloc(&s->arena, (p->from_count + 1) * sizeof *p->from_names);
    for (size_t i = 0; i < p->from_count; i++) {
        const char *name = in->fields.at[p->from[i]].name;
        p->from_names[i] = arena_text(&s->arena, name, strlen(name));
    }
    p->types = arena_alloc(&s->arena, (s->column_count + 1) * sizeof *p->types);
    for (size_t i = 0; i < s->column_count; i++)
        p->types[i] =
            with == MODE || with == RANDOM_SAMPLE ? in->fields.at[s->columns[i]].type : TYPE_FLOAT;
    return 0;
}

static int impute_shape(struct step *s, struct schema *schema, struct error *e)
{
    return rowwise_shape_as(s, schema, impute_plan(s)->types, TYPE_TEXT, e);
}

/* All columns are filled from the rows as they came, then stored. */
static int impute_apply(const struct step *s, struct batch *b, struct error *e)
{
    struct text **filled = batch_array(b, s->column_count, sizeof *filled);
    for (size_t i = 0; i < s->column_count; i++) {
        filled[i] = batch_array(b, b->rows, sizeof *filled[i]);
        memcpy(filled[i], batch_text(b, s->columns[i]), b->rows * sizeof *filled[i]);
        struct gaps g = {.step = s, .batch = b, .index = i, .cells = filled[i]};
        int rc = ways[arg_choice(s, "with")].fill(&g, e);
        if (rc)
            return rc;
    }
    bool in_place = rowwise_plan(s)->added.len == 0;
    for (size_t i = 0; i < s->column_count; i++) {
        if (in_place)
            batch_set(b, s->columns[i], column_of_text(filled[i]));
        else
            batch_add(b, column_of_text(filled[i]));
    }
    return 0;
}

/* The number of the row that fills the cell. */
static uint32_t lower_number(const struct step *s, size_t index, struct lowering *l)
{
    int with = arg_choice(s, "with");
    return with == GROUP_MEAN   ? impute_lower_group(s, index, l)
           : with == REGRESSION ? impute_lower_regression(s, index, l)
                                : impute_lower_knn(s, index, l);
}

/* A number fills the column as a number, too, which saves printing and reading it: a column known
 * as numbers before is known as numbers behind. */
static int lower_fill(const struct step *s, struct lowering *l, size_t index, uint32_t out[2],
                      struct error *e)
{
    size_t column = s->columns[index];
    int with = arg_choice(s, "with");
    struct text text = {NULL, 0};
    char digits[NUMBER_MAX];
    out[0] = lower_column(l, column, ML_TEXT);
    out[1] = LOWER_NONE;
    if (with == MODE) {
        text = ((const struct mode *)columnwise_learnt(s, index))->value;
    } else if (ways[with].fill == fill_number) {
        double fill = ((const struct summary *)columnwise_learnt(s, index))->learnt.at[0];
        if (!isnan(fill))
            text = (struct text){digits, number_print(digits, fill)};
        out[1] = lower_op(l, ML_OP_fill_float, lower_column(l, column, ML_FLOAT),
                          lower_float(l, fill), 0);
    } else if (with == RANDOM_SAMPLE) {
        return lower_refuse(e, "with=random_sample: draws by the row's number");
    } else {
        uint32_t fill = lower_number(s, index, l);
        out[0] =
            lower_op(l, ML_OP_first_text, out[0], lower_op(l, ML_OP_text_of_float, fill, 0, 0), 0);
        out[1] = lower_op(l, ML_OP_fill_float_from, lower_column(l, column, ML_FLOAT), fill, 0);
    }
    if (text.at)
        out[0] = lower_op(l, ML_OP_fill_text, out[0], lower_text(l, text), 0);
    return 0;
}

static int impute_lower(const struct step *s, struct lowering *l, struct error *e)
{
    uint32_t(*filled)[2] = mem_array(NULL, s->column_count + 1, sizeof *filled);
    bool in_place = rowwise_plan(s)->added.len == 0;
    int rc = 0;
    for (size_t i = 0; i < s->column_count && rc == 0; i++)
        rc = lower_fill(s, l, i, filled[i], e);
    for (size_t i = 0; i < s->column_count && rc == 0; i++) {
        size_t at = in_place ? s->columns[i] : l->columns.len;
        if (in_place)
            lower_set(l, at, filled[i][0]);
        else
            lower_add(l, filled[i][0]);
        if (filled[i][1] != LOWER_NONE)
            lower_also(l, at, filled[i][1]);
    }
    mem_free(filled);
    return rc;
}

struct presence {
    uint64_t rows, missing;
};

static int presence_texts(const struct lesson *l, void *state, const struct text *values,
                          struct error *e)
{
    struct presence *p = state;
    (void)e;
    p->rows += l->rows;
    for (size_t r = 0; r < l->rows; r++)
        p->missing += !values[r].at;
    return 0;
}

static int presence_merge(const struct step *s, void *into, void *from, struct error *e)
{
    struct presence *a = into;
    const struct presence *b = from;
    (void)s, (void)e;
    a->rows += b->rows;
    a->missing += b->missing;
    return 0;
}

static json_t *presence_save(const struct step *s, const void *state)
{
    const struct presence *p = state;
    (void)s;
    return json_pack("{s:I,s:I}", "rows", (json_int_t)p->rows, "missing", (json_int_t)p->missing);
}

static int presence_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct presence *p = state;
    const json_t *rows = json_object_get(j, "rows"), *missing = json_object_get(j, "missing");
    (void)s;
    p->rows = (uint64_t)json_integer_value(rows);
    p->missing = (uint64_t)json_integer_value(missing);
    if (json_is_integer(rows) && json_is_integer(missing) && p->missing <= p->rows)
        return 0;
    return error_set(e, ERR_DATA, "not the state of drop_columns_by_missing (rows, missing)");
}

static const struct learner presence_learner = {.size = sizeof(struct presence),
                                                .texts = presence_texts,
                                                .merge = presence_merge,
                                                .save = presence_save,
                                                .load = presence_load};

/* The n columns that go. */
static size_t *dropped_columns(const struct step *s, struct arena *arena, size_t *n)
{
    double above = arg_number(s, "above");
    size_t *at = arena_alloc(arena, (s->column_count + 1) * sizeof *at);
    *n = 0;
    for (size_t i = 0; i < s->column_count; i++) {
        const struct presence *p = columnwise_learnt(s, i);
        if (p->rows > 0 && (double)p->missing > above * (double)p->rows)
            at[(*n)++] = s->columns[i];
    }
    return at;
}

static int drop_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    size_t n, *at = dropped_columns(s, &s->arena, &n);
    schema_leave_out(schema, at, n);
    return 0;
}

static int drop_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    size_t n, *at = dropped_columns(s, &b->arena, &n);
    batch_leave_out(b, at, n);
    return 0;
}

static const struct arg impute_args[] = {
    ROWWISE_COLUMNS("columns to fill"),
    {.name = "with", .kind = ARG_METHOD, .fallback = "mean", .help = "what to fill in"},
    {.name = "by", .kind = ARG_COLUMNS, .help = "group_mean: the columns that make groups"},
    {.name = "from", .kind = ARG_COLUMNS, .help = "regression, knn: numbers to go by"},
    {.name = "fold",
     .kind = ARG_NUMBER,
     .fallback = "3",
     .min = 0,
     .max = 1e9,
     .help = "end_tail: how many deviations or quartile ranges out"},
    {.name = "tail",
     .kind = ARG_CHOICE,
     .fallback = "right",
     .choices = "right left",
     .help = "end_tail: which end"},
    {.name = "spread",
     .kind = ARG_CHOICE,
     .fallback = "gaussian",
     .choices = "gaussian iqr",
     .help = "end_tail: mean and deviations, or quartiles and their range"},
    {.name = "sample",
     .kind = ARG_INT,
     .fallback = "1000",
     .min = 1,
     .max = 1e7,
     .help = "random_sample, knn: rows kept to draw from"},
    {.name = "neighbours",
     .kind = ARG_INT,
     .fallback = "5",
     .min = 1,
     .max = 1e6,
     .help = "knn: how many rows are averaged"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL},
};

#define AGES "age,city\n20,Rome\n,Oslo\n40,Rome\n30,\n"
static const struct method impute_methods[] = {
    {"mean",
     "F",
     "the mean of the column",
     {.program = "impute age with=mean",
      .input = AGES,
      .output = "age,city\n20,Rome\n30,Oslo\n40,Rome\n30,\n"}},
    {"median",
     "F",
     "the median of the column",
     {.program = "impute x with=median",
      .input = "x,y\n1,a\n,b\n2,c\n4,d\n16,e\n",
      .output = "x,y\n1,a\n3,b\n2,c\n4,d\n16,e\n"}},
    {"mode",
     "F",
     "the most frequent value; of equally frequent ones the first in order",
     {.program = "impute city with=mode",
      .input = AGES,
      .output = "age,city\n20,Rome\n,Oslo\n40,Rome\n30,Rome\n"}},
    {"end_tail",
     "F",
     "a number beyond the column's usual range",
     {.program = "impute x with=end_tail spread=iqr fold=1",
      .input = "x,y\n1,a\n2,b\n3,c\n4,d\n5,e\n,f\n",
      .output = "x,y\n1,a\n2,b\n3,c\n4,d\n5,e\n6,f\n"}},
    {"random_sample",
     "F",
     "a value of the column drawn by seed and row",
     {.program = "impute x with=random_sample",
      .input = "x,y\n7,a\n,b\n7,c\n",
      .output = "x,y\n7,a\n7,b\n7,c\n"}},
    {"group_mean",
     "F",
     "the mean of the rows that agree in by=, else of all rows",
     {.program = "impute age with=group_mean by=city",
      .input = "age,city\n20,Rome\n30,Rome\n,Rome\n50,Oslo\n,Oslo\n,Bonn\n",
      .output =
          "age,city\n20,Rome\n30,Rome\n25,Rome\n50,Oslo\n50,Oslo\n33.333333333333336,Bonn\n"}},
    {"regression",
     "F",
     "what a linear model of the from= columns predicts, else the mean",
     {.program = "impute y with=regression from=x",
      .input = "x,y\n1,3\n2,5\n3,7\n4,\n,\n",
      .output = "x,y\n1,3\n2,5\n3,7\n4,9\n,5\n"}},
    {"knn",
     "F2",
     "the mean of the nearest rows of a sample that have a value",
     {.program = "impute y with=knn from=x neighbours=2",
      .input = "x,y\n1,10\n2,20\n3,\n10,90\n",
      .output = "x,y\n1,10\n2,20\n3,15\n10,90\n"}},
    {.name = NULL},
};

static const struct arg drop_args[] = {
    ROWWISE_COLUMNS("columns to look at"),
    {.name = "above",
     .kind = ARG_NUMBER,
     .fallback = "0.5",
     .min = 0,
     .max = 1,
     .help = "share of missing cells a column may have"},
    {.name = NULL},
};

const struct step_kind steps_impute[] = {
    {.name = "impute",
     .aliases = "simple_imputer impute_mean:with=mean impute_median:with=median "
                "impute_mode:with=mode impute_frequent:with=mode end_tail_imputer:with=end_tail "
                "random_sample_imputer:with=random_sample knn_imputer:with=knn",
     .family = "missing",
     .class = "F",
     .summary = "fill missing cells with something learnt from the column",
     .details =
         "Cells that are there keep their text. A column without any value stays as it is. "
         "Quantiles are of type 7, deviations of the population. regression is least squares on "
         "the rows where nothing is missing; a row lacking a predictor gets the column's mean. "
         "knn measures as scikit-learn's KNNImputer: Euclidean over the numbers both rows have, "
         "scaled up for those they lack, over the selected and the from= columns together; it "
         "learns from a sample of sample= rows, chosen by seed and row.",
     .args = impute_args,
     .methods = impute_methods,
     .example = {.program = "impute age with=mean",
                 .input = AGES,
                 .output = "age,city\n20,Rome\n30,Oslo\n40,Rome\n30,\n"},
     .open = rowwise_open,
     .shape = impute_shape,
     .close = rowwise_close,
     .apply = impute_apply,
     .lower = impute_lower,
     COLUMNWISE_HOOKS,
     .keeps_rows = true,
     .detail =
         &(const struct columnwise){
             .map = {.from = TYPE_TEXT, .to = TYPE_TEXT, .prepare = plan_impute},
             .choose = choose}},
    {.name = "drop_columns_by_missing",
     .aliases = "drop_missing_columns",
     .family = "missing",
     .class = "F",
     .summary = "drop the columns in which too many cells were missing",
     .details = "What is dropped is learnt: new data lose the same columns. A column goes when its "
                "share of missing cells is greater than above=.",
     .args = drop_args,
     .example = {.program = "drop_columns_by_missing @all above=0.4",
                 .input = "a,b\n1,\n2,5\n3,\n",
                 .output = "a\n1\n2\n3\n"},
     .shape = drop_shape,
     .apply = drop_apply,
     .lower = lower_arranging,
     COLUMNWISE_HOOKS,
     .detail = &(const struct columnwise){.learner = &presence_learner}},
    {.name = NULL},
};
