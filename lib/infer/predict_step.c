/* Predictions as the last step of a recipe: rows of features or raw fields become columns of
 * predictions, a batch at a time on any thread. */
#include "infer/columns.h"

#include <math.h>

struct predict_plan {
    size_t *input;     /* columns of the batch, by feature or field; FIELD_NONE: absent */
    size_t inputs;     /* image->fields of them, or image->features */
    bool *is_bool;     /* by input: true and false stand there, for 1 and 0 */
    const char **made; /* names of the columns that are added */
    size_t count;      /* of them */
    bool are_names;    /* PREDICT_CLASS with named classes */
    size_t *kept, keep_count;
    size_t *gone, gone_count; /* columns that do not leave */
};

static const struct predict_step *how_of(const struct step *s)
{
    return s->given;
}

static const struct ml_image *image_of(const struct step *s)
{
    return how_of(s)->predictor->image;
}

/* ---- opening ---- */

static int find_inputs(struct step *s, const struct schema *in, struct error *e)
{
    const struct predict_step *how = how_of(s);
    struct predict_plan *plan = s->plan;
    const struct predictor *p = how->predictor;
    plan->inputs = p->takes_fields ? p->image->fields : p->image->features;
    plan->input = arena_alloc(&s->arena, (plan->inputs + 1) * sizeof *plan->input);
    plan->is_bool = arena_zero(&s->arena, plan->inputs + 1);
    int status = columns_find(p, in, how->absent_is_missing, plan->input, e);
    for (size_t i = 0; i < plan->inputs && status == 0; i++)
        plan->is_bool[i] =
            plan->input[i] != FIELD_NONE && in->fields.at[plan->input[i]].type == TYPE_BOOL;
    return status;
}

static const char *class_name(struct step *s, size_t k)
{
    const struct predictor *p = how_of(s)->predictor;
    return p->classes ? p->classes[k] : arena_format(&s->arena, "%zu", k);
}

/* stem, or stem_K for several; with the names of classes when there are as many. */
static void name_results(struct step *s, const char *stem, size_t count)
{
    struct predict_plan *plan = s->plan;
    bool classes = how_of(s)->predictor->class_count == count && count > 1;
    plan->count = count;
    plan->made = arena_alloc(&s->arena, (count + 1) * sizeof *plan->made);
    for (size_t k = 0; k < count; k++)
        plan->made[k] = count == 1 ? stem
                        : classes  ? arena_format(&s->arena, "%s_%s", stem, class_name(s, k))
                                   : arena_format(&s->arena, "%s_%zu", stem, k);
}

static int plan_results(struct step *s, struct error *e)
{
    const struct predict_step *how = how_of(s);
    const struct predictor *p = how->predictor;
    struct predict_plan *plan = s->plan;
    size_t outputs = p->image->outputs;
    bool is_class =
        how->kind == PREDICT_CLASS || (how->kind == PREDICT_ANSWER && p->image->answers_class);
    plan->are_names = is_class && p->classes;
    if ((how->kind == PREDICT_CLASS || how->kind == PREDICT_PROBABILITY) && p->class_count == 0)
        return error_set(e, ERR_USAGE, "the model has no classes: it predicts values");
    if (how->kind == PREDICT_LEAF && p->trees == 0)
        return error_set(e, ERR_USAGE, "the model has no leaves: it is linear");
    if (is_class)
        name_results(s, how->kind == PREDICT_CLASS ? "class" : "prediction", 1);
    else if (how->kind == PREDICT_PROBABILITY)
        name_results(s, "prob", p->class_count);
    else if (how->kind == PREDICT_LEAF)
        name_results(s, "leaf", p->trees);
    else
        name_results(s, how->kind == PREDICT_MARGIN ? "margin" : "prediction", outputs);
    return 0;
}

/* An error of a selection, which names the step and shows the program: there is none to show. */
static void blame_keep(const struct step *s, struct error *e)
{
    size_t name = strlen(s->kind->name), at = 0;
    if (strncmp(e->message, s->kind->name, name) == 0 && e->message[name] == ':')
        at = name + 2;
    size_t n = strcspn(e->message + at, "\n");
    memmove(e->message, e->message + at, n);
    e->message[n] = '\0';
    snprintf(e->file, sizeof e->file, "--keep");
    e->line = e->column = 0;
}

static int find_kept(struct step *s, const struct schema *in, struct error *e)
{
    struct predict_plan *plan = s->plan;
    const char *keep = how_of(s)->keep;
    int status = keep ? select_columns(s, text_of(keep), in, &plan->kept, &plan->keep_count, e) : 0;
    if (status && e)
        blame_keep(s, e);
    return status;
}

static void find_gone(struct step *s, const struct schema *in)
{
    struct predict_plan *plan = s->plan;
    bool *kept = arena_zero(&s->arena, in->fields.len + 1);
    plan->gone = arena_alloc(&s->arena, (in->fields.len + 1) * sizeof *plan->gone);
    for (size_t k = 0; k < plan->keep_count; k++)
        kept[plan->kept[k]] = true;
    for (size_t i = 0; i < in->fields.len; i++)
        if (!kept[i])
            plan->gone[plan->gone_count++] = i;
}

static int predict_open(struct step *s, const struct schema *in, struct error *e)
{
    struct predict_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    int status = find_inputs(s, in, e);
    if (status == 0)
        status = plan_results(s, e);
    if (status == 0)
        status = find_kept(s, in, e);
    if (status)
        return status;
    find_gone(s, in);
    char quoted[QUOTE_MAX];
    for (size_t k = 0; k < plan->count; k++)
        for (size_t i = 0; i < plan->keep_count; i++)
            if (strcmp(in->fields.at[plan->kept[i]].name, plan->made[k]) == 0)
                return error_set(e, ERR_USAGE, "--keep: a prediction has the name %s, too",
                                 quote(quoted, plan->made[k], strlen(plan->made[k])));
    return 0;
}

static enum type result_type(const struct step *s)
{
    const struct predict_plan *plan = s->plan;
    enum predict_kind kind = how_of(s)->kind;
    if (plan->are_names)
        return TYPE_TEXT;
    bool whole = kind == PREDICT_CLASS || kind == PREDICT_LEAF ||
                 (kind == PREDICT_ANSWER && image_of(s)->answers_class);
    return whole ? TYPE_INT : TYPE_FLOAT;
}

static int predict_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const struct predict_plan *plan = s->plan;
    schema_leave_out(schema, plan->gone, plan->gone_count);
    for (size_t k = 0; k < plan->count; k++)
        schema_add(schema, text_of(plan->made[k]), result_type(s));
    return 0;
}

/* ---- predicting ---- */

enum { RAW_ROWS = ML_ROWS }; /* whose fields are gathered at a time */

#define NO_LEAF UINT32_MAX /* of a row that was refused */

/* A batch on its way through the predictor. */
struct run {
    const struct step *step;
    const struct predictor *predictor;
    const struct predict_plan *plan;
    struct batch *batch;
    struct error *error;
    const double **numbers;     /* columns of features */
    const struct text **fields; /* columns of raw fields */
    struct text **edited;       /* those of them that are copies, with cells made missing */
    struct ml_text *raw;        /* RAW_ROWS * inputs */
    void *work;
    double *out;      /* rows * outputs */
    uint32_t *leaves; /* rows * trees */
};

/* Flags as numbers. */
static int load_flags(struct run *x, size_t input)
{
    const uint8_t *flags;
    int status = batch_bool(x->batch, x->plan->input[input], x->predictor->features[input], &flags,
                            x->error);
    double *numbers = batch_array(x->batch, x->batch->rows, sizeof *numbers);
    for (size_t r = 0; r < x->batch->rows && status == 0; r++)
        numbers[r] = flags[r] == BOOL_MISSING ? (double)NAN : flags[r];
    x->numbers[input] = numbers;
    return status;
}

static int load_number(struct run *x, size_t input)
{
    size_t column = x->plan->input[input];
    x->numbers[input] = NULL;
    if (column == FIELD_NONE)
        return 0;
    if (x->plan->is_bool[input])
        return load_flags(x, input);
    return batch_double(x->batch, column, x->predictor->features[input], &x->numbers[input],
                        x->error);
}

static int load_numbers(struct run *x)
{
    x->numbers = batch_array(x->batch, x->plan->inputs, sizeof *x->numbers);
    int status = 0;
    for (size_t i = 0; i < x->plan->inputs && status == 0; i++)
        status = load_number(x, i);
    return status;
}

static void load_fields(struct run *x)
{
    x->fields = batch_array(x->batch, x->plan->inputs, sizeof *x->fields);
    x->edited = batch_array(x->batch, x->plan->inputs, sizeof *x->edited);
    x->raw = batch_array(x->batch, RAW_ROWS * x->plan->inputs, sizeof *x->raw);
    for (size_t i = 0; i < x->plan->inputs; i++) {
        size_t column = x->plan->input[i];
        x->fields[i] = column == FIELD_NONE ? NULL : batch_text(x->batch, column);
        x->edited[i] = NULL;
    }
}

/* Raw rows from row `first` on: the same. */
static size_t predict_fields(const struct run *x, size_t first, struct ml_refusal *why)
{
    const struct predictor *p = x->predictor;
    size_t inputs = x->plan->inputs, left = x->batch->rows - first;
    size_t n = left < RAW_ROWS ? left : RAW_ROWS;
    for (size_t i = 0; i < inputs; i++)
        for (size_t r = 0; r < n; r++)
            x->raw[r * inputs + i] = x->fields[i] ? (struct ml_text){x->fields[i][first + r].at,
                                                                     x->fields[i][first + r].len}
                                                  : (struct ml_text){NULL, 0};
    if (x->leaves)
        return ml_image_leaves_raw(p->image, p->kernels, x->raw, n, x->work,
                                   x->leaves + first * p->trees, why);
    enum ml_what what = how_of(x->step)->kind == PREDICT_MARGIN ? ML_MARGINS : ML_ANSWERS;
    return ml_image_predict_raw(p->image, p->kernels, x->raw, n, what, x->work,
                                x->out + first * p->image->outputs, why);
}

/* Numbers from row `first` on: how many rows until one is refused, or the end. */
static size_t predict_numbers(const struct run *x, size_t first, struct ml_refusal *why)
{
    const struct ml_image *m = x->predictor->image;
    const double **column = batch_array(x->batch, m->features, sizeof *column);
    for (size_t f = 0; f < m->features; f++)
        column[f] = x->numbers[f] ? x->numbers[f] + first : NULL;
    struct ml_rows rows = {.column = column};
    size_t n = x->batch->rows - first;
    if (x->leaves)
        return ml_image_leaves(m, x->predictor->kernels, &rows, n, x->work,
                               x->leaves + first * x->predictor->trees, why);
    enum ml_what what = how_of(x->step)->kind == PREDICT_MARGIN ? ML_MARGINS : ML_ANSWERS;
    return ml_image_predict(m, x->predictor->kernels, &rows, n, what, x->work,
                            x->out + first * m->outputs, why);
}

/* "'gold'", what is refused, for "is a category that the model does not know". */
static const char *refused_cell(const struct run *x, size_t row, size_t column, const char *why,
                                char quoted[static QUOTE_MAX])
{
    if (column != FIELD_NONE) {
        struct text cell = batch_text(x->batch, column)[row];
        if (cell.at)
            return quote(quoted, cell.at, cell.len);
    }
    return strcmp(why, "is missing") == 0 ? "the cell" : "a missing value";
}

static int refuse(const struct run *x, size_t row, const struct ml_refusal *why)
{
    const struct predictor *p = x->predictor;
    size_t input = why->column ? why->column - 1 : SIZE_MAX, outputs = p->image->outputs;
    bool known = input < x->plan->inputs;
    size_t column = known ? x->plan->input[input] : FIELD_NONE;
    const char *name = !known ? NULL : p->takes_fields ? p->fields[input] : p->features[input];
    char quoted[QUOTE_MAX];
    const char *cell = known ? refused_cell(x, row, column, why->text, quoted) : "a value";
    for (size_t k = 0; k < outputs && x->out; k++)
        x->out[row * outputs + k] = (double)NAN;
    for (size_t t = 0; t < p->trees && x->leaves; t++)
        x->leaves[row * p->trees + t] = NO_LEAF;
    if (why->by == ML_REFUSED_BY_PROGRAM && why->number)
        error_set(x->error, ERR_DATA, "step %u of the preparation: %s %s", why->number, cell,
                  why->text);
    else
        error_set(x->error, ERR_DATA, "%s %s", cell, why->text);
    return batch_reject(x->batch, row, column, name, x->error);
}

/* --on-error=null: the cell that the preparation refuses becomes missing, and the row is predicted
 * so. False: there is no such cell. */
static bool make_missing(struct run *x, size_t row, const struct ml_refusal *why)
{
    const struct cell_policy *policy = x->batch->policy;
    size_t input = why->column ? why->column - 1 : SIZE_MAX, rows = x->batch->rows;
    if (!x->fields || !policy || policy->on_error != ON_ERROR_NULL ||
        why->by != ML_REFUSED_BY_PROGRAM || input >= x->plan->inputs || !x->fields[input] ||
        !x->fields[input][row].at)
        return false;
    if (!x->edited[input]) {
        x->edited[input] = batch_array(x->batch, rows, sizeof **x->edited);
        memcpy(x->edited[input], x->fields[input], rows * sizeof **x->edited);
        x->fields[input] = x->edited[input];
    }
    x->edited[input][row] = (struct text){NULL, 0};
    return true;
}

static int predict_rows(struct run *x)
{
    struct ml_refusal why = {0};
    bool raw = x->predictor->takes_fields;
    for (size_t first = 0; first < x->batch->rows;) {
        size_t left = x->batch->rows - first;
        size_t wanted = raw && left > RAW_ROWS ? RAW_ROWS : left;
        size_t done = raw ? predict_fields(x, first, &why) : predict_numbers(x, first, &why);
        first += done;
        if (done == wanted)
            continue;
        int status = refuse(x, first, &why);
        if (status)
            return status;
        first += !make_missing(x, first, &why);
    }
    return 0;
}

/* ---- results ---- */

static struct column class_column(const struct run *x)
{
    const struct predictor *p = x->predictor;
    size_t rows = x->batch->rows;
    struct text *texts = batch_array(x->batch, rows, sizeof *texts);
    int64_t *numbers = batch_array(x->batch, rows, sizeof *numbers);
    for (size_t r = 0; r < rows; r++) {
        const double *answers = x->out + r * p->image->outputs;
        bool missing = isnan(answers[0]);
        size_t class = ml_image_class(p->image, answers);
        numbers[r] = missing ? INT_MISSING : (int64_t) class;
        if (p->classes)
            texts[r] = missing ? (struct text){NULL, 0} : text_of(p->classes[class]);
    }
    return p->classes ? column_of_text(texts) : column_of_int(numbers);
}

static struct column leaf_column(const struct run *x, size_t tree)
{
    int64_t *leaf = batch_array(x->batch, x->batch->rows, sizeof *leaf);
    for (size_t r = 0; r < x->batch->rows; r++) {
        uint32_t number = x->leaves[r * x->predictor->trees + tree];
        leaf[r] = number == NO_LEAF ? INT_MISSING : number;
    }
    return column_of_int(leaf);
}

/* Output k; of a single one as the probabilities of two classes. */
static struct column number_column(const struct run *x, size_t k)
{
    size_t outputs = x->predictor->image->outputs;
    bool pair = how_of(x->step)->kind == PREDICT_PROBABILITY && outputs == 1;
    double *values = batch_array(x->batch, x->batch->rows, sizeof *values);
    for (size_t r = 0; r < x->batch->rows; r++) {
        double value = x->out[r * outputs + (pair ? 0 : k)];
        values[r] = pair && k == 0 ? 1 - value : value;
    }
    return column_of_double(values);
}

static void add_results(const struct run *x)
{
    const struct predict_plan *plan = x->plan;
    bool is_class = how_of(x->step)->kind == PREDICT_CLASS ||
                    (how_of(x->step)->kind == PREDICT_ANSWER && x->predictor->image->answers_class);
    batch_leave_out(x->batch, plan->gone, plan->gone_count);
    for (size_t k = 0; k < plan->count; k++)
        batch_add(x->batch, is_class    ? class_column(x)
                            : x->leaves ? leaf_column(x, k)
                                        : number_column(x, k));
}

static void *aligned_work(struct batch *b, size_t bytes)
{
    uintptr_t at = (uintptr_t)arena_alloc(&b->arena, bytes + 64);
    return (void *)((at + 63) / 64 * 64);
}

static int predict_apply(const struct step *s, struct batch *b, struct error *e)
{
    const struct predictor *p = how_of(s)->predictor;
    struct run x = {.step = s, .predictor = p, .plan = s->plan, .batch = b, .error = e};
    x.work = aligned_work(b, ml_image_work(p->image));
    if (how_of(s)->kind == PREDICT_LEAF)
        x.leaves = batch_array(b, b->rows * p->trees, sizeof *x.leaves);
    else
        x.out = batch_array(b, b->rows * p->image->outputs, sizeof *x.out);
    int status = 0;
    if (p->takes_fields)
        load_fields(&x);
    else
        status = load_numbers(&x);
    if (status == 0)
        status = predict_rows(&x);
    if (status == 0)
        add_results(&x);
    return status;
}

void predict_step_add(struct recipe *r, const struct predict_step *how)
{
    static const struct step_kind kind = {.name = "predict",
                                          .class = "S",
                                          .open = predict_open,
                                          .shape = predict_shape,
                                          .apply = predict_apply,
                                          .needs_all = true};
    struct step *s = recipe_append(r, &kind);
    s->given = arena_copy(&s->arena, how, sizeof *how);
}
