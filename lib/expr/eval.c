/* Walks the tree for a batch: literals, columns, parameters of lambdas, calls. */
#include "expr/eval.h"

#include <math.h>

void *frame_array(const struct frame *f, size_t size)
{
    return batch_array(f->batch, f->rows, size);
}

size_t frame_root_row(const struct frame *f, size_t row)
{
    for (; f->outer; f = f->outer)
        row = f->outer_row[row];
    return row;
}

int frame_reject(const struct frame *f, size_t row)
{
    return batch_reject(f->batch, frame_root_row(f, row), FIELD_NONE, NULL, f->error);
}

int frame_reject_cell(const struct frame *f, size_t row, const struct node *n)
{
    if (!n || n->form != NODE_COLUMN)
        return frame_reject(f, row);
    return batch_reject(f->batch, frame_root_row(f, row), n->column, n->name.at, f->error);
}

struct frame frame_masked(const struct frame *f, const uint8_t *mask)
{
    struct frame masked = *f;
    masked.active = mask;
    return masked;
}

static struct vector literal_vector(const struct node *n)
{
    const struct value *v = &n->value;
    switch (v->kind) {
    case KIND_NUMBER:
        if (v->is_int)
            return (struct vector){.form = FORM_INT, .constant = true, .i64 = &v->i};
        return (struct vector){.form = FORM_FLOAT, .constant = true, .f64 = &v->f};
    case KIND_TEXT:
        return (struct vector){.form = FORM_TEXT, .constant = true, .text = &v->text};
    case KIND_BOOL:
        return (struct vector){.form = FORM_BOOL, .constant = true, .b8 = &v->b};
    case KIND_TIME:
        return (struct vector){.form = FORM_TIME, .constant = true, .i64 = &v->time};
    case KIND_JSON:
        return (struct vector){.form = FORM_JSON, .constant = true, .text = &v->text};
    case KIND_NULL:
        break;
    }
    return vector_missing(n->kind);
}

/* A parameter of this lambda, or of one around it. */
static struct vector variable_vector(const struct frame *f, const struct node *n)
{
    if (!f->outer || f->level == n->level)
        return f->bound ? f->bound[n->index] : vector_missing(KIND_JSON);
    struct vector outer = variable_vector(f->outer, n);
    return vector_gather(f, &outer, f->outer_row);
}

static struct vector vector_of_column(const struct column *c)
{
    struct vector v = {.form = c->form};
    switch (c->form) {
    case FORM_INT:
    case FORM_TIME:
        v.i64 = c->i64;
        break;
    case FORM_FLOAT:
        v.f64 = c->f64;
        break;
    case FORM_NUMBER:
        v.number = c->number;
        break;
    case FORM_BOOL:
        v.b8 = c->b8;
        break;
    case FORM_TEXT:
    case FORM_JSON:
    case FORM_VIEW:
    case FORM_RAW:
        v.text = c->text;
        break;
    }
    return v;
}

static bool is_raw(const struct column *c)
{
    return c->form == FORM_VIEW || c->form == FORM_RAW;
}

/* Text of the cells that are wanted, without converting the others. */
static struct vector masked_text(struct frame *f, size_t column)
{
    const struct column *c = &f->batch->columns.at[column];
    if (!f->active || c->as_text)
        return (struct vector){.form = FORM_TEXT, .text = batch_text(f->batch, column)};
    struct text *out = frame_array(f, sizeof *out);
    for (size_t r = 0; r < f->rows; r++) {
        out[r] = (struct text){NULL, 0};
        if (f->active[r])
            out[r] = batch_cell(f->batch, column, r);
    }
    return (struct vector){.form = FORM_TEXT, .text = out};
}

/* The table's own conversions: a whole column, remembered in the batch. */
static int convert_column(struct frame *f, const struct node *n, enum kind want, struct vector *out)
{
    struct column c;
    const uint8_t *b8 = NULL;
    const usec *time = NULL;
    int status = 0;
    switch (want) {
    case KIND_NUMBER:
        status = batch_number(f->batch, n->column, n->name.at, &c, f->error);
        *out = vector_of_column(&c);
        return status;
    case KIND_BOOL:
        status = batch_bool(f->batch, n->column, n->name.at, &b8, f->error);
        *out = (struct vector){.form = FORM_BOOL, .b8 = b8};
        return status;
    case KIND_TIME:
        status = batch_time(f->batch, n->column, n->name.at, &time, f->error);
        *out = (struct vector){.form = FORM_TIME, .i64 = time};
        return status;
    case KIND_NULL:
    case KIND_TEXT:
    case KIND_JSON:
        break;
    }
    *out = (struct vector){.form = FORM_TEXT, .text = batch_text(f->batch, n->column)};
    return 0;
}

static int column_vector(struct frame *f, const struct node *n, enum kind want, struct vector *out);

/* A column seen from inside a lambda: that of the frame around it, for each item's row. */
static int outer_column(struct frame *f, const struct node *n, enum kind want, struct vector *out)
{
    uint8_t *mask = arena_zero(&f->batch->arena, f->outer->rows + 1);
    for (size_t r = 0; r < f->rows; r++)
        if (frame_wants(f, r))
            mask[f->outer_row[r]] = 1;
    struct frame outer = frame_masked(f->outer, mask);
    struct vector whole;
    int status = column_vector(&outer, n, want, &whole);
    if (!status)
        *out = vector_gather(f, &whole, f->outer_row);
    return status;
}

static int column_vector(struct frame *f, const struct node *n, enum kind want, struct vector *out)
{
    if (f->outer)
        return outer_column(f, n, want, out);
    const struct column *c = &f->batch->columns.at[n->column];
    if (want == KIND_TEXT) {
        *out = c->form == FORM_TEXT ? vector_of_column(c) : masked_text(f, n->column);
        return 0;
    }
    enum kind first = n->kind == KIND_BOOL && want == KIND_NUMBER ? KIND_BOOL : want;
    struct vector v;
    int status;
    if (!f->active && (is_raw(c) || c->form == FORM_TEXT) && want != KIND_JSON)
        status = convert_column(f, n, first, &v);
    else {
        v = is_raw(c) ? masked_text(f, n->column) : vector_of_column(c);
        status = vector_as(f, n, &v, first, &v);
    }
    return status ? status : vector_as(f, n, &v, want, out);
}

static int double_column(struct frame *f, const struct node *n, struct vector *out)
{
    const double *f64 = NULL;
    int status = batch_double(f->batch, n->column, n->name.at, &f64, f->error);
    *out = (struct vector){.form = FORM_FLOAT, .f64 = f64};
    return status;
}

/* The same for the cells that are wanted alone, which the batch does not remember. */
static int masked_double_column(struct frame *f, const struct node *n, struct vector *out)
{
    double *to = frame_array(f, sizeof *to);
    int status = 0;
    for (size_t r = 0; r < f->rows && !status; r++) {
        to[r] = (double)NAN;
        if (!f->active[r])
            continue;
        struct text t = batch_cell(f->batch, n->column, r);
        if (t.at && !number_parse_double(t.at, t.len, &to[r])) {
            char quoted[QUOTE_MAX];
            to[r] = (double)NAN;
            error_set(f->error, ERR_DATA, "%s is not a number", quote(quoted, t.at, t.len));
            status = frame_reject_cell(f, r, n);
        }
    }
    *out = (struct vector){.form = FORM_FLOAT, .f64 = to};
    return status;
}

int eval(struct frame *f, const struct node *n, struct vector *out)
{
    switch (n->form) {
    case NODE_LITERAL:
        *out = literal_vector(n);
        return 0;
    case NODE_COLUMN:
        return column_vector(f, n, n->kind, out);
    case NODE_VARIABLE:
        *out = variable_vector(f, n);
        return 0;
    case NODE_CALL:
        return n->fn->eval ? n->fn->eval(f, n, out) : eval_rows(f, n, out);
    case NODE_NAME:
    case NODE_LAMBDA:
        break;
    }
    *out = vector_missing(n->kind);
    return 0;
}

int eval_as(struct frame *f, const struct node *n, enum kind want, struct vector *out)
{
    if (n->form == NODE_COLUMN && want != KIND_NULL)
        return column_vector(f, n, want, out);
    struct vector v;
    int status = eval(f, n, &v);
    return status ? status : vector_as(f, n, &v, want, out);
}

int eval_double(struct frame *f, const struct node *n, struct vector *out)
{
    if (n->form == NODE_COLUMN && !f->outer && n->kind != KIND_BOOL && n->kind != KIND_JSON) {
        const struct column *c = &f->batch->columns.at[n->column];
        if (!f->active || c->as_double)
            return double_column(f, n, out);
        if (is_raw(c))
            return masked_double_column(f, n, out);
    }
    struct vector v;
    int status = eval_as(f, n, KIND_NUMBER, &v);
    return status ? status : vector_as_double(f, &v, out);
}

int eval_int(struct frame *f, const struct node *n, struct vector *out)
{
    struct vector v;
    int status = eval_as(f, n, KIND_NUMBER, &v);
    return status ? status : vector_as_int(f, &v, out);
}

int eval_letter(struct frame *f, const struct node *n, char letter, struct vector *out)
{
    switch (letter) {
    case 'f':
        return eval_double(f, n, out);
    case 'i':
        return eval_int(f, n, out);
    case 'v':
        return eval(f, n, out);
    default:
        return eval_as(f, n, letter_kind(letter), out);
    }
}

static int reject_real(const struct frame *f, const struct node *n, size_t row, double a, double b)
{
    char first[NUMBER_MAX], second[NUMBER_MAX];
    int first_len = (int)number_print(first, a), second_len = (int)number_print(second, b);
    if (n->fn->real)
        error_set(f->error, ERR_DATA, "%s(%.*s) has no value", n->fn->about.name, first_len, first);
    else
        error_set(f->error, ERR_DATA, "%s(%.*s, %.*s) has no value", n->fn->about.name, first_len,
                  first, second_len, second);
    return frame_reject(f, row);
}

/* No value, or an infinite one, from finite arguments is an error. */
static int real_rows(struct frame *f, const struct node *n, const struct vector *a,
                     const struct vector *b, struct vector *out)
{
    double *to = frame_array(f, sizeof *to);
    int status = 0;
    for (size_t r = 0; r < f->rows && !status; r++) {
        double x = a->f64[vector_at(a, r)], y = b ? b->f64[vector_at(b, r)] : 0.0;
        to[r] = (double)NAN;
        if (isnan(x) || isnan(y) || !frame_wants(f, r))
            continue;
        to[r] = b ? n->fn->real2(x, y) : n->fn->real(x);
        if (UNLIKELY(!isfinite(to[r])) && isfinite(x) && isfinite(y)) {
            to[r] = (double)NAN;
            status = reject_real(f, n, r, x, y);
        }
    }
    *out = (struct vector){.form = FORM_FLOAT, .f64 = to};
    return status;
}

static int eval_real(struct frame *f, const struct node *n, struct vector *out)
{
    struct vector a, b;
    int status = eval_double(f, n->args[0], &a);
    if (!status && n->fn->real2)
        status = eval_double(f, n->args[1], &b);
    return status ? status : real_rows(f, n, &a, n->fn->real2 ? &b : NULL, out);
}

/* Arguments of a call: vectors and the values of the row under way. */
struct row_args {
    struct vector *vectors;
    struct value *values;
    size_t count, room;
};

static int load_vectors(struct frame *f, const struct node *n, struct row_args *a)
{
    a->count = n->count;
    a->room = n->count < 8 ? 8 : n->count; /* kernels may look at arguments left out */
    a->vectors = arena_zero(&f->batch->arena, a->room * sizeof *a->vectors);
    a->values = arena_zero(&f->batch->arena, a->room * sizeof *a->values);
    int status = 0;
    for (size_t i = 0; i < a->count && !status; i++) {
        status = eval_letter(f, n->args[i], function_letter(n->fn, i), &a->vectors[i]);
        if (!status && a->vectors[i].constant)
            a->values[i] = vector_get(&a->vectors[i], 0);
    }
    return status;
}

/* False when an argument is missing. */
static bool load_row(struct row_args *a, size_t row)
{
    bool complete = true;
    for (size_t i = 0; i < a->count; i++) {
        if (!a->vectors[i].constant)
            a->values[i] = vector_get(&a->vectors[i], row);
        complete = complete && a->values[i].kind != KIND_NULL;
    }
    return complete;
}

static int run_rows(struct frame *f, const struct node *n, struct call *c, struct row_args *a,
                    struct vector *out)
{
    struct filler to = filler_new(f, n->fn->result);
    bool takes_missing = n->fn->flags & TAKES_MISSING;
    int status = 0;
    for (size_t r = 0; r < f->rows && !status; r++) {
        struct value v = {.kind = KIND_NULL};
        bool complete = frame_wants(f, r) && (load_row(a, r) || takes_missing);
        c->row = r;
        c->scratch.len = 0;
        if (complete && !n->fn->row(c, a->values, &v)) {
            v.kind = KIND_NULL;
            status = frame_reject(f, r);
        }
        filler_put(&to, r, &v);
    }
    *out = filler_vector(&to);
    return status;
}

int eval_rows(struct frame *f, const struct node *n, struct vector *out)
{
    if (n->fn->real || n->fn->real2)
        return eval_real(f, n, out);
    struct row_args a;
    int status = load_vectors(f, n, &a);
    if (status)
        return status;
    struct call c = {.frame = f, .node = n, .count = n->count, .error = f->error};
    c.arena = &f->batch->arena;
    c.match = n->regex ? regex_match_new(n->regex) : NULL;
    status = run_rows(f, n, &c, &a, out);
    regex_match_free(c.match);
    buf_release(&c.scratch);
    return status;
}

/* A constant becomes a value per row. */
static struct vector spread(const struct frame *f, const struct vector *v)
{
    if (!v->constant)
        return *v;
    uint32_t *choice = arena_zero(&f->batch->arena, (f->rows + 1) * sizeof *choice);
    return vector_select(f, vector_kind(v), v, 1, choice);
}

static struct column column_of_vector(const struct vector *v)
{
    struct column c = {.form = v->form, .source = -1};
    switch (v->form) {
    case FORM_INT:
    case FORM_TIME:
        c.i64 = v->i64;
        break;
    case FORM_FLOAT:
        c.f64 = v->f64;
        break;
    case FORM_NUMBER:
        c.number = v->number;
        break;
    case FORM_BOOL:
        c.b8 = v->b8;
        break;
    case FORM_TEXT:
    case FORM_JSON:
    case FORM_VIEW:
    case FORM_RAW:
        c.text = v->text;
        break;
    }
    return c;
}

/* The root as kind want; KIND_NULL: its own. */
static int eval_root(const struct expr *x, struct batch *b, enum kind want, struct vector *out,
                     struct error *e)
{
    struct error local = {0};
    struct frame f = {.x = x, .batch = b, .error = e ? e : &local, .rows = b->rows};
    bool ordered = expr_ordered(x);
    int status = ordered ? carries_begin(&f) : 0;
    if (!status)
        status = eval_as(&f, x->root, want, out);
    if (!status && ordered)
        carries_end(&f);
    if (!status && !want)
        *out = spread(&f, out);
    return status;
}

int expr_eval(const struct expr *x, struct batch *b, struct column *out, struct error *e)
{
    struct vector v;
    if (x->root->form == NODE_COLUMN) {
        *out = b->columns.at[x->root->column];
        return 0;
    }
    int status = eval_root(x, b, KIND_NULL, &v, e);
    if (!status)
        *out = column_of_vector(&v);
    return status;
}

int expr_test(const struct expr *x, struct batch *b, uint8_t *keep, struct error *e)
{
    struct vector v;
    int status = eval_root(x, b, KIND_BOOL, &v, e);
    for (size_t r = 0; r < b->rows && !status; r++)
        keep[r] = v.b8[vector_at(&v, r)] == 1;
    return status;
}
