/* Steps that find strange rows by a model of all their numbers: isolation_forest, lof,
 * elliptic_envelope. */
#include "prep/lower.h"
#include "prep/rowwise.h"
#include "steps/detector.h"
#include "steps/steps.h"

#include <math.h>

enum { ACTION_SCORE, ACTION_FLAG, ACTION_REMOVE };

struct detection {
    const struct detector *detector;
    struct row_sample rows;
    void *model;      /* NULL: too few rows */
    double threshold; /* of what is an anomaly */
};

static void *detection_new(const struct step *s)
{
    struct detection *d = mem_alloc(sizeof *d);
    d->detector = s->kind->detail;
    row_sample_init(&d->rows, (size_t)arg_int(s, "sample"), s->column_count, s->context->seed,
                    s->number);
    return d;
}

static void forget_model(struct detection *d)
{
    if (d->model)
        d->detector->free(d->model);
    d->model = NULL;
}

static void detection_free(void *state)
{
    struct detection *d = state;
    if (!d)
        return;
    forget_model(d);
    row_sample_release(&d->rows);
    mem_free(d);
}

static int columns_of(const struct step *s, struct batch *b, const double ***out, struct error *e)
{
    const double **columns = batch_array(b, s->column_count, sizeof *columns);
    int rc = 0;
    for (size_t i = 0; i < s->column_count && rc == 0; i++)
        rc = batch_double(b, s->columns[i], s->names[i], &columns[i], e);
    *out = columns;
    return rc;
}

/* Row r of the columns; false when a number is missing. */
static bool complete_row(const double *const *columns, size_t width, size_t r, double *row)
{
    bool complete = true;
    for (size_t i = 0; i < width; i++) {
        row[i] = columns[i][r];
        complete = complete && !isnan(row[i]);
    }
    return complete;
}

static int detection_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    struct detection *d = state;
    const double **columns;
    double *row = batch_array(b, s->column_count, sizeof *row);
    int rc = columns_of(s, b, &columns, e);
    for (size_t r = 0; r < b->rows && rc == 0; r++)
        if (complete_row(columns, s->column_count, r, row))
            row_sample_add(&d->rows, batch_row_id(b, r), columns, r);
    return rc;
}

static int detection_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s, (void)e;
    sample_merge(&((struct detection *)into)->rows.sample,
                 &((struct detection *)from)->rows.sample);
    return 0;
}

/* The score that the share `contamination` of the sample's rows lie above. */
static double contaminated_above(const struct detection *d, double contamination)
{
    size_t n = d->rows.count;
    double cut = (double)NAN, q = 1 - contamination;
    void *scratch = mem_alloc(d->detector->scratch_size(d->model));
    struct quantiles *scores = quantiles_new(0);
    for (size_t i = 0; i < n; i++) {
        double x = d->detector->score(d->model, d->rows.at + i * d->rows.width, i, scratch);
        (void)quantiles_add(scores, &x, 1, NULL);
    }
    (void)quantiles_at(scores, &q, 1, &cut, NULL);
    quantiles_free(scores);
    mem_free(scratch);
    return cut;
}

static int detection_finish(struct step *s, void *state, struct error *e)
{
    struct detection *d = state;
    forget_model(d);
    int rc = row_sample_finish(&d->rows, e);
    if (rc)
        return rc;
    d->model = d->detector->build(s, &d->rows);
    d->threshold = d->detector->threshold;
    if (arg_given(s, "threshold"))
        d->threshold = arg_number(s, "threshold");
    else if (d->model && arg_given(s, "contamination"))
        d->threshold = contaminated_above(d, arg_number(s, "contamination"));
    return 0;
}

static json_t *detection_save(const struct step *s, const void *state)
{
    const struct detection *d = state;
    (void)s;
    json_t *threshold = isfinite(d->threshold) ? json_real(d->threshold) : json_null();
    return json_pack("{s:o,s:o}", "threshold", threshold, "sample", sample_save(&d->rows.sample));
}

static int detection_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    (void)s;
    return row_sample_load(&((struct detection *)state)->rows, json_object_get(j, "sample"), e);
}

static int detection_open(struct step *s, const struct schema *in, struct error *e)
{
    const char *into = arg_string(s, "into");
    char quoted[QUOTE_MAX];
    s->by_row = true; /* the sample */
    if (arg_given(s, "threshold") && arg_given(s, "contamination") &&
        s->kind->detail != &detector_ellipse)
        return step_error(s, e, "threshold and contamination exclude each other");
    if (arg_choice(s, "action") != ACTION_REMOVE && schema_find(in, text_of(into)) != FIELD_NONE)
        return step_error(s, e, "there is a column %s already", quote(quoted, into, strlen(into)));
    return 0;
}

static int detection_shape(struct step *s, struct schema *schema, struct error *e)
{
    int action = arg_choice(s, "action");
    (void)e;
    if (action != ACTION_REMOVE)
        schema_add(schema, arg_text(s, "into"), action == ACTION_SCORE ? TYPE_FLOAT : TYPE_BOOL);
    return 0;
}

/* NaN where a number is missing. */
static double *scores_of(const struct step *s, struct batch *b, const double *const *columns)
{
    const struct detection *d = s->learnt;
    double *scores = batch_array(b, b->rows, sizeof *scores);
    double *row = batch_array(b, s->column_count, sizeof *row);
    void *scratch = d->model ? batch_array(b, 1, d->detector->scratch_size(d->model)) : NULL;
    for (size_t r = 0; r < b->rows; r++) {
        bool known = d->model && complete_row(columns, s->column_count, r, row);
        scores[r] = known ? d->detector->score(d->model, row, NO_ROW, scratch) : (double)NAN;
    }
    return scores;
}

static int detection_apply(const struct step *s, struct batch *b, struct error *e)
{
    const struct detection *d = s->learnt;
    int action = arg_choice(s, "action");
    const double **columns;
    int rc = columns_of(s, b, &columns, e);
    if (rc)
        return rc;
    double *scores = scores_of(s, b, columns);
    uint8_t *flags = batch_array(b, b->rows, 1);
    for (size_t r = 0; r < b->rows; r++) {
        if (action == ACTION_REMOVE)
            flags[r] = !(scores[r] > d->threshold);
        else
            flags[r] = isnan(scores[r]) ? BOOL_MISSING : scores[r] > d->threshold;
    }
    if (action == ACTION_REMOVE)
        batch_filter(b, flags);
    else
        batch_add(b, action == ACTION_SCORE ? column_of_double(scores) : column_of_bool(flags));
    return 0;
}

static uint32_t lower_score(const struct step *s, struct lowering *l)
{
    const struct detection *d = s->learnt;
    struct buf constants = {0};
    size_t n = s->column_count, k = d->model ? d->detector->constants(d->model, &constants) : 1;
    uint32_t *in = mem_array(NULL, n + k, sizeof *in), *out = in + n;
    for (size_t i = 0; i < n; i++)
        in[i] = lower_column(l, s->columns[i], ML_FLOAT);
    if (d->model)
        lower_vector(l, d->detector->vector, false, in, n,
                     (const double *)(const void *)constants.at, constants.len / sizeof(double),
                     out, k);
    uint32_t score = d->model ? out[k - 1] : lower_unknown(l, in, n);
    mem_free(in);
    buf_release(&constants);
    return score;
}

static int detection_lower(const struct step *s, struct lowering *l, struct error *e)
{
    const struct detection *d = s->learnt;
    const double bounds[] = {(double)NAN, d->threshold};
    int action = arg_choice(s, "action");
    if (action == ACTION_REMOVE)
        return lower_refuse(e, "action=remove leaves rows out");
    uint32_t score = lower_score(s, l);
    lower_add(l, action == ACTION_SCORE
                     ? score
                     : lower_op(l, ML_OP_beyond, score, lower_range(l, bounds, 2), 0));
    return 0;
}

#define DETECTOR_ARGS(column, rows, share)                                                         \
    ROWWISE_COLUMNS("numbers that describe a row"),                                                \
        {.name = "action",                                                                         \
         .kind = ARG_CHOICE,                                                                       \
         .fallback = "score",                                                                      \
         .choices = "score flag remove",                                                           \
         .help = "add the score, add true or false, or drop strange rows"},                        \
        {.name = "into", .kind = ARG_NAME, .fallback = column, .help = "the new column"},          \
        {.name = "threshold", .kind = ARG_NUMBER, .help = "scores above it are strange"},          \
        {.name = "contamination",                                                                  \
         .kind = ARG_NUMBER,                                                                       \
         .fallback = share,                                                                        \
         .min = 0,                                                                                 \
         .max = 0.5,                                                                               \
         .help = "instead: the share of the sample's rows that are strange"},                      \
    {                                                                                              \
        .name = "sample", .kind = ARG_INT, .fallback = rows, .min = 2, .max = 1e7,                 \
        .help = "rows to learn from, chosen by seed and row"                                       \
    }

static const struct arg forest_args[] = {
    DETECTOR_ARGS("isolation_forest", "10000", NULL),
    {.name = "trees",
     .kind = ARG_INT,
     .fallback = "100",
     .min = 1,
     .max = 100000,
     .help = "how many"},
    {.name = "rows",
     .kind = ARG_INT,
     .fallback = "256",
     .min = 2,
     .max = 1e6,
     .help = "rows of the sample that each tree sees"},
    {.name = NULL},
};
static const struct arg lof_args[] = {
    DETECTOR_ARGS("lof", "1000", NULL),
    {.name = "neighbours",
     .kind = ARG_INT,
     .fallback = "20",
     .min = 1,
     .max = 1e6,
     .help = "how many rows make up the surroundings"},
    {.name = NULL},
};
static const struct arg ellipse_args[] = {
    DETECTOR_ARGS("elliptic_envelope", "1000", "0.1"),
    {.name = NULL},
};

#define DETECTOR(model)                                                                            \
    .family = "outliers", .class = "F2", .open = detection_open, .shape = detection_shape,         \
    .apply = detection_apply, .lower = detection_lower, .state_new = detection_new,                \
    .learn = detection_learn, .merge = detection_merge, .finish = detection_finish,                \
    .save = detection_save, .load = detection_load, .state_free = detection_free, .detail = &model
#define INCOMPLETE                                                                                 \
    "Rows in which a number is missing are not learnt from; their score and flag are missing, "    \
    "and "                                                                                         \
    "they are never removed. "

#define CROWD "a,b\n1,1\n1.1,0.9\n0.9,1.2\n1.2,1\n0.8,0.9\n1,0.8\n9,9\n"
const struct step_kind steps_outliers_model[] = {
    {.name = "isolation_forest",
     .summary = "how easily random cuts set a row apart",
     .details = INCOMPLETE
     "Liu, Ting and Zhou 2008. Scores lie between 0 and 1, about 0.5 for ordinary rows, more for "
     "strange ones; scikit-learn's score_samples is minus this. Strange is above 0.5, or as "
     "threshold= or contamination= say.",
     .args = forest_args,
     .example = {.program = "isolation_forest a,b action=remove threshold=0.7",
                 .input = CROWD,
                 .output = "a,b\n1,1\n1.1,0.9\n0.9,1.2\n1.2,1\n0.8,0.9\n1,0.8\n"},
     DETECTOR(detector_forest)},
    {.name = "lof",
     .aliases = "local_outlier_factor",
     .summary = "how much thinner rows lie around a row than around its neighbours",
     .details = INCOMPLETE
     "Breunig et al. 2000, as scikit-learn's novelty detection: a row that was learnt from is "
     "its own neighbour. Strange is above 1.5, or as threshold= or contamination= say. Takes "
     "time in the number of sampled rows for each row.",
     .args = lof_args,
     .example = {.program = "lof a,b neighbours=3 action=flag threshold=5",
                 .input = CROWD,
                 .output = "a,b,lof\n1,1,false\n1.1,0.9,false\n0.9,1.2,false\n1.2,1,false\n0.8,0.9,"
                           "false\n1,0.8,false\n9,9,true\n"},
     DETECTOR(detector_lof)},
    {.name = "elliptic_envelope",
     .aliases = "mahalanobis",
     .summary = "squared Mahalanobis distance from a robust centre",
     .details = INCOMPLETE
     "Centre and covariance by the minimum covariance determinant (Rousseeuw and Van Driessen "
     "1999) from 100 random starts, reweighted, as scikit-learn does. Strange is the share "
     "contamination= of the sample, or above threshold=.",
     .args = ellipse_args,
     .example = {.program = "elliptic_envelope a,b action=remove threshold=100",
                 .input = CROWD,
                 .output = "a,b\n1,1\n1.1,0.9\n0.9,1.2\n1.2,1\n0.8,0.9\n1,0.8\n"},
     DETECTOR(detector_ellipse)},
    {.name = NULL},
};
