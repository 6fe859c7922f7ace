/* correlation, vif: how columns of numbers go together. */
#include "prep/sorted.h"
#include "steps/pairs.h"
#include "steps/ranks.h"
#include "steps/steps.h"

#include <math.h>
#include <stdlib.h>

enum with { WITH_PEARSON, WITH_SPEARMAN, WITH_KENDALL };

/* Of all rows: sums, and for ranks the rows themselves. */
struct related {
    struct pairs pairs;
    struct number_rows *rows;
    double *matrix; /* p * p, after finish */
    size_t next;    /* row of the result */
};

static bool wants_ranks(const struct step *s)
{
    return strcmp(s->kind->name, "correlation") == 0 && arg_choice(s, "with") != WITH_PEARSON;
}

static void *related_new(const struct step *s)
{
    struct related *x = mem_alloc(sizeof *x);
    pairs_init(&x->pairs, s->column_count);
    x->rows = number_rows_new(s->column_count, step_memory(s) / 2);
    return x;
}

static void related_free(void *state)
{
    struct related *x = state;
    if (!x)
        return;
    pairs_release(&x->pairs);
    number_rows_free(x->rows);
    mem_free(x->matrix);
    mem_free(x);
}

static int related_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    struct related *x = state;
    struct numbers numbers;
    int rc = numbers_of(s, b, &numbers, e);
    double *row = batch_array(b, s->column_count + 1, sizeof *row);
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        (void)numbers_row(&numbers, r, row);
        if (wants_ranks(s))
            rc = number_rows_add(x->rows, row, e);
        else
            pairs_add(&x->pairs, row);
    }
    return rc;
}

static int related_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    struct related *a = into, *b = from;
    pairs_merge(&a->pairs, &b->pairs);
    number_rows_merge(a->rows, b->rows);
    return 0;
}

static int coefficient(const struct step *s, const struct related *x, size_t i, size_t j,
                       double *out, struct error *e)
{
    struct rank_columns columns = {x->rows, i, j, step_memory_whole(s) / 2};
    switch ((enum with)arg_choice(s, "with")) {
    case WITH_KENDALL:
        return ranks_kendall(&columns, out, e);
    case WITH_SPEARMAN:
        return ranks_spearman(&columns, out, e);
    case WITH_PEARSON:
        break;
    }
    *out = pairs_correlation(&x->pairs, i, j);
    return 0;
}

static int correlation_finish(struct step *s, void *state, struct error *e)
{
    struct related *x = state;
    size_t p = s->column_count;
    int rc = 0;
    x->matrix = mem_array(x->matrix, p * p + 1, sizeof *x->matrix);
    for (size_t i = 0; i < p; i++)
        for (size_t j = i; j < p && rc == 0; j++) {
            rc = coefficient(s, x, i, j, &x->matrix[i * p + j], e);
            x->matrix[j * p + i] = x->matrix[i * p + j];
        }
    return rc;
}

enum as { AS_MATRIX, AS_PAIRS };

static int correlation_shape(struct step *s, struct schema *schema, struct error *e)
{
    schema_release(schema);
    if (arg_choice(s, "as") == AS_PAIRS) {
        schema_add(schema, text_of("column"), TYPE_TEXT);
        schema_add(schema, text_of("other"), TYPE_TEXT);
        schema_add(schema, text_of("correlation"), TYPE_FLOAT);
        return 0;
    }
    schema_add(schema, text_of("column"), TYPE_TEXT);
    for (size_t i = 0; i < s->column_count; i++) {
        if (schema_find(schema, text_of(s->names[i])) != FIELD_NONE)
            return step_error(s, e, "a matrix has no place for a column '%s': use as=pairs",
                              s->names[i]);
        schema_add(schema, text_of(s->names[i]), TYPE_FLOAT);
    }
    return 0;
}

static struct text name_cell(const struct step *s, struct batch *b, size_t i)
{
    size_t len = strlen(s->names[i]);
    return (struct text){arena_text(&b->arena, s->names[i], len), len};
}

static void put_matrix(const struct step *s, const double *matrix, struct batch *b)
{
    size_t p = s->column_count;
    struct text *name = batch_array(b, p, sizeof *name);
    for (size_t i = 0; i < p; i++)
        name[i] = name_cell(s, b, i);
    b->rows = p;
    batch_add(b, column_of_text(name));
    for (size_t j = 0; j < p; j++) /* symmetric: a row is a column */
        batch_add(b, column_of_double(arena_copy(&b->arena, matrix + j * p, p * sizeof *matrix)));
}

static void put_pairs(const struct step *s, const double *matrix, struct batch *b)
{
    size_t p = s->column_count, n = 0;
    struct text *name = batch_array(b, p * p, sizeof *name);
    struct text *other = batch_array(b, p * p, sizeof *other);
    double *r = batch_array(b, p * p, sizeof *r);
    for (size_t i = 0; i < p; i++)
        for (size_t j = i + 1; j < p; j++, n++) {
            name[n] = name_cell(s, b, i);
            other[n] = name_cell(s, b, j);
            r[n] = matrix[i * p + j];
        }
    b->rows = n;
    batch_add(b, column_of_text(name));
    batch_add(b, column_of_text(other));
    batch_add(b, column_of_double(r));
}

static int correlation_produce(struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    struct related *x = s->learnt;
    if (x->next++ > 0 || s->column_count == 0)
        return 0;
    if (arg_choice(s, "as") == AS_PAIRS)
        put_pairs(s, x->matrix, b);
    else
        put_matrix(s, x->matrix, b);
    return 1;
}

/* The diagonal of the inverse of the correlation matrix, by its eigenvectors: a singular matrix
 * gives infinity for the columns that depend on each other, and for them alone. */
static void vif_of(const struct comoments *c, size_t p, double *out)
{
    double *a = mem_array(NULL, p * p + 1, sizeof *a);
    double *vector = mem_array(NULL, p * p + 1, sizeof *vector);
    double *value = mem_array(NULL, p + 1, sizeof *value);
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j < p; j++) {
            double r = comoments_correlation(c, i, j);
            a[i * p + j] = isnan(r) ? (double)(i == j) : r;
        }
    eigen_symmetric(a, p, value, vector);
    for (size_t i = 0; i < p; i++) {
        out[i] = isnan(comoments_correlation(c, i, i)) ? (double)NAN : 0;
        for (size_t k = 0; k < p; k++) {
            double part = vector[k * p + i] * vector[k * p + i];
            if (value[k] > 1e-12)
                out[i] += part / value[k];
            else if (part > 1e-12)
                out[i] = (double)INFINITY;
        }
    }
    mem_free(a);
    mem_free(vector);
    mem_free(value);
}

static int vif_finish(struct step *s, void *state, struct error *e)
{
    (void)e;
    struct related *x = state;
    x->matrix = mem_array(x->matrix, s->column_count + 1, sizeof *x->matrix);
    vif_of(&x->pairs.complete, s->column_count, x->matrix);
    s->learnt = x;
    return 0;
}

static int vif_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)s;
    (void)e;
    schema_release(schema);
    schema_add(schema, text_of("column"), TYPE_TEXT);
    schema_add(schema, text_of("vif"), TYPE_FLOAT);
    return 0;
}

static int vif_produce(struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    struct related *x = s->learnt;
    size_t p = s->column_count;
    if (x->next++ > 0 || p == 0)
        return 0;
    struct text *name = batch_array(b, p, sizeof *name);
    for (size_t i = 0; i < p; i++)
        name[i] = name_cell(s, b, i);
    b->rows = p;
    batch_add(b, column_of_text(name));
    batch_add(b, column_of_double(arena_copy(&b->arena, x->matrix, p * sizeof *x->matrix)));
    return 1;
}

static const struct arg correlation_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .fallback = "@numeric",
     .help = "columns of numbers",
     .positional = true},
    {.name = "with", .kind = ARG_METHOD, .fallback = "pearson", .help = "which coefficient"},
    {.name = "as",
     .kind = ARG_CHOICE,
     .fallback = "matrix",
     .choices = "matrix pairs",
     .help = "a matrix, or a row for each pair"},
    {0},
};
static const struct arg vif_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .fallback = "@numeric",
     .help = "columns of numbers",
     .positional = true},
    {0},
};

#define CURVE "x,y,z\n1,1,5\n2,4,3\n3,9,\n4,16,1\n"
static const struct method correlation_methods[] = {
    {"pearson",
     "W",
     "of the values: linear",
     {.program = "correlation x,y as=pairs",
      .input = "x,y\n1,2\n2,4\n3,9\n4,5\n",
      .output = "column,other,correlation\nx,y,0.6139406135149205\n"}},
    {"spearman",
     "B",
     "of the ranks, equal values sharing theirs: monotone",
     {.program = "correlation with=spearman",
      .input = CURVE,
      .output = "column,x,y,z\nx,1,1,-1\ny,1,1,-1\nz,-1,-1,1\n"}},
    {"kendall",
     "B",
     "tau-b: pairs of rows in the same order less those in opposite order",
     {.program = "correlation x,y with=kendall as=pairs",
      .input = "x,y\n1,1\n2,3\n3,2\n4,4\n",
      .output = "column,other,correlation\nx,y,0.6666666666666666\n"}},
    {0},
};

const struct step_kind steps_report_pairs[] = {
    {.name = "correlation",
     .aliases = "corr",
     .family = "report",
     .class = "W",
     .summary = "correlation of every two columns of numbers",
     .details =
         "Each pair over the rows where both are there, as pandas does. pearson: exact sums "
         "in one pass. spearman and kendall sort the rows for each pair, on disk past --memory. A "
         "constant column has no "
         "correlation: missing.",
     .args = correlation_args,
     .methods = correlation_methods,
     .example = {.program = "correlation with=spearman",
                 .input = CURVE,
                 .output = "column,x,y,z\nx,1,1,-1\ny,1,1,-1\nz,-1,-1,1\n"},
     .shape = correlation_shape,
     .state_new = related_new,
     .learn = related_learn,
     .merge = related_merge,
     .finish = correlation_finish,
     .state_free = related_free,
     .produce = correlation_produce,
     .blocking = true},
    {.name = "vif",
     .family = "report",
     .class = "W",
     .summary = "variance inflation factor: how well the other columns predict each",
     .details = "1 / (1 - R^2) of the regression, with intercept, of each column on the others: "
                "the diagonal of the inverse correlation matrix. Rows with a missing value are "
                "left out. inf: it is a combination of others; missing: it is constant.",
     .args = vif_args,
     .example = {.program = "vif",
                 .input = "x,y,z\n1,1,2\n1,2,2\n2,1,4\n2,2,4\n",
                 .output = "column,vif\nx,inf\ny,1\nz,inf\n"},
     .shape = vif_shape,
     .state_new = related_new,
     .learn = related_learn,
     .merge = related_merge,
     .finish = vif_finish,
     .state_free = related_free,
     .produce = vif_produce,
     .blocking = true},
    {0},
};
