/* describe: a row for each column. */
#include "steps/describe.h"
#include "steps/steps.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A cell must be in the sample SAMPLE_REPEATS times: fewer say little about the table. */
enum { SAMPLE_ROWS = 4096, SAMPLE_CELL = 255, SAMPLE_REPEATS = 16 };

/* The cells of a row, each a byte of length + 1 (0:
 * missing, or too long to be kept) and the text. */
static void pack_row(struct buf *out, const struct step *s, struct batch *b, size_t row)
{
    out->len = 0;
    for (size_t i = 0; i < s->column_count; i++) {
        struct text cell = batch_cell(b, s->columns[i], row);
        size_t len = cell.at && cell.len < SAMPLE_CELL ? cell.len + 1 : 0;
        buf_putc(out, (char)(unsigned char)len);
        if (len > 1)
            buf_add(out, cell.at, cell.len);
    }
}

static struct text packed_cell(struct text row, size_t column)
{
    for (const char *at = row.at;; column--) {
        size_t len = (unsigned char)*at++;
        if (column == 0)
            return len ? (struct text){at, len - 1} : (struct text){NULL, 0};
        at += len ? len - 1 : 0;
    }
}

/* The most frequent cell of the sample, and its share of all rows;
 * missing when it is a rare one. */
static struct text frequent_in_sample(const struct sample *sample, size_t column,
                                      struct counts *counts, double *share)
{
    for (size_t i = 0; i < sample->heap.len; i++) {
        struct text cell = packed_cell(sample->heap.at[i].item, column);
        if (cell.at)
            counts_add(counts, cell, 1, 0);
    }
    struct text top = {NULL, 0};
    uint64_t most = SAMPLE_REPEATS - 1;
    uint32_t *order = counts_sorted(counts, COUNTS_BY_FREQUENCY);
    if (counts->map.keys.len && counts->n.at[order[0]] > most) {
        top = counts->map.keys.at[order[0]];
        most = counts->n.at[order[0]];
    }
    mem_free(order);
    *share = (double)most / (double)sample->heap.len;
    return top;
}

struct description_table {
    size_t count;
    struct described *columns;
    struct sample sample; /* of packed rows */
    struct buf scratch;
    uint64_t rows;
    bool told;
};

/* Types by column, from the schema the step sees. */
static int describe_open(struct step *s, const struct schema *in, struct error *e)
{
    (void)e;
    enum type *types = arena_alloc(&s->arena, (s->column_count + 1) * sizeof *types);
    for (size_t i = 0; i < s->column_count; i++)
        types[i] = in->fields.at[s->columns[i]].type;
    s->plan = types;
    return 0;
}

static void *describe_new(const struct step *s)
{
    const enum type *types = s->plan;
    struct description_table *t = mem_alloc(sizeof *t);
    t->count = s->column_count;
    t->columns = mem_alloc(t->count * sizeof *t->columns);
    size_t threads = s->context->jobs ? s->context->jobs : 1;
    size_t memory = arg_bool(s, "exact") ? s->context->memory / threads / (t->count + 1) + 1 : 0;
    for (size_t i = 0; i < t->count; i++)
        described_init(&t->columns[i], types[i], memory);
    sample_init(&t->sample, SAMPLE_ROWS, s->context->seed, s->number);
    return t;
}

static void describe_free(void *state)
{
    struct description_table *t = state;
    if (!t)
        return;
    for (size_t i = 0; i < t->count; i++)
        described_release(&t->columns[i]);
    mem_free(t->columns);
    sample_release(&t->sample);
    buf_release(&t->scratch);
    mem_free(t);
}

static int describe_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    struct description_table *t = state;
    t->rows += b->rows;
    for (size_t r = 0; r < b->rows; r++) {
        uint64_t id = batch_row_id(b, r);
        if (!sample_wants(&t->sample, id))
            continue;
        pack_row(&t->scratch, s, b, r);
        sample_add(&t->sample, id, (struct text){t->scratch.at, t->scratch.len});
    }
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < t->count; i++)
        rc = described_add(&t->columns[i], b, s->columns[i], e);
    return rc;
}

static int describe_merge(const struct step *s, void *into, void *from, struct error *e)
{
    struct description_table *a = into, *b = from;
    a->rows += b->rows;
    sample_merge(&a->sample, &b->sample);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < a->count; i++)
        rc = described_merge(&a->columns[i], &b->columns[i], &s->context->policy, e);
    return rc;
}

static int describe_finish(struct step *s, void *state, struct error *e)
{
    (void)e;
    s->learnt = state;
    return 0;
}

static const struct {
    const char *name;
    enum type type;
} outputs[] = {
    {"column", TYPE_TEXT},    {"type", TYPE_TEXT},   {"count", TYPE_INT},
    {"missing", TYPE_INT},    {"invalid", TYPE_INT}, {"distinct", TYPE_INT},
    {"min", TYPE_TEXT},       {"max", TYPE_TEXT},    {"mean", TYPE_FLOAT},
    {"std", TYPE_FLOAT},      {"q25", TYPE_FLOAT},   {"median", TYPE_FLOAT},
    {"q75", TYPE_FLOAT},      {"top", TYPE_TEXT},    {"top_count", TYPE_INT},
    {"estimated", TYPE_BOOL},
};

static int describe_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)s;
    (void)e;
    struct schema out = {0};
    for (size_t i = 0; i < COUNT_OF(outputs); i++)
        schema_add(&out, text_of(outputs[i].name), outputs[i].type);
    schema_release(schema);
    *schema = out;
    return 0;
}

/* x with so many significant digits; 0: all. */
static double rounded(double x, int64_t digits)
{
    char text[64];
    if (digits <= 0 || !isfinite(x))
        return x;
    (void)snprintf(text, sizeof text, "%.*e", (int)digits - 1, x);
    return strtod(text, NULL);
}

static struct text text_of_extreme(struct arena *arena, enum type type, double x, struct text text,
                                   bool days_only)
{
    char digits[TIME_MAX > NUMBER_MAX ? TIME_MAX : NUMBER_MAX];
    if (text.at || isnan(x))
        return text.at ? (struct text){arena_text(arena, text.at, text.len), text.len} : text;
    if (type == TYPE_BOOL)
        return x == 1 ? TEXT_LITERAL("true") : TEXT_LITERAL("false");
    size_t n = type == TYPE_TIME ? time_print(digits, (usec)x) : number_print(digits, x);
    if (type == TYPE_TIME && days_only)
        n = strlen("2001-01-31");
    return (struct text){arena_text(arena, digits, n), n};
}

/* The arrays of the result's columns, in the order of `outputs`. */
struct description_columns {
    struct text *text[COUNT_OF(outputs)];
    int64_t *integer[COUNT_OF(outputs)];
    double *number[COUNT_OF(outputs)];
    uint8_t *flag[COUNT_OF(outputs)];
};

static void put_description(const struct description_columns *c, size_t row, enum type type,
                            const char *name, const struct description *d, bool estimated,
                            int64_t digits, struct arena *arena)
{
    const double day = (double)USEC_DAY;
    bool days_only = fmod(d->min, day) == 0 && fmod(d->max, day) == 0;
    const int64_t integers[] = {(int64_t)d->count, (int64_t)d->missing, (int64_t)d->invalid,
                                (int64_t)d->distinct};
    const double numbers[] = {d->mean, d->std, d->quartile[0], d->quartile[1], d->quartile[2]};
    c->text[0][row] = (struct text){arena_text(arena, name, strlen(name)), strlen(name)};
    c->text[1][row] = text_of(type_name(type));
    for (size_t i = 0; i < COUNT_OF(integers); i++)
        c->integer[2 + i][row] = integers[i];
    c->text[6][row] = text_of_extreme(arena, type, d->min, d->low, days_only);
    c->text[7][row] = text_of_extreme(arena, type, d->max, d->high, days_only);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        c->number[8 + i][row] = rounded(numbers[i], digits);
    c->text[13][row] =
        d->top.at ? (struct text){arena_text(arena, d->top.at, d->top.len), d->top.len} : d->top;
    c->integer[14][row] = d->top.at ? (int64_t)d->top_count : INT_MISSING;
    c->flag[15][row] = estimated;
}

static void open_columns(struct description_columns *c, struct batch *b, size_t rows)
{
    for (size_t i = 0; i < COUNT_OF(outputs); i++) {
        if (outputs[i].type == TYPE_TEXT)
            batch_add(b, column_of_text(c->text[i] = batch_array(b, rows, sizeof *c->text[i])));
        else if (outputs[i].type == TYPE_INT)
            batch_add(b,
                      column_of_int(c->integer[i] = batch_array(b, rows, sizeof *c->integer[i])));
        else if (outputs[i].type == TYPE_FLOAT)
            batch_add(b,
                      column_of_double(c->number[i] = batch_array(b, rows, sizeof *c->number[i])));
        else
            batch_add(b, column_of_bool(c->flag[i] = batch_array(b, rows, sizeof *c->flag[i])));
    }
}

static void guess_top(const struct description_table *t, size_t column, struct counts *counts,
                      struct description *d)
{
    double share;
    d->top = frequent_in_sample(&t->sample, column, counts, &share);
    d->top_count = (uint64_t)round(share * (double)t->rows);
}

static int describe_produce(struct step *s, struct batch *b, struct error *e)
{
    struct description_table *t = s->learnt;
    struct description_columns c;
    if (t->told || t->count == 0)
        return 0;
    t->told = true;
    b->rows = t->count;
    open_columns(&c, b, t->count);
    for (size_t i = 0; i < t->count; i++) {
        struct description d;
        struct counts counts = {0};
        int rc = described_answer(&t->columns[i], &s->context->policy, &d, e);
        if (rc < 0)
            return rc;
        if (t->columns[i].flooded)
            guess_top(t, i, &counts, &d);
        put_description(&c, i, t->columns[i].type, s->names[i], &d, t->columns[i].flooded,
                        arg_int(s, "digits"), &b->arena);
        counts_release(&counts);
    }
    return 1;
}

static const struct arg describe_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .fallback = "@all",
     .help = "columns to describe",
     .positional = true},
    {.name = "exact",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "exact quartiles and distinct values of all numbers; memory, then a scratch file"},
    {.name = "digits",
     .kind = ARG_INT,
     .fallback = "0",
     .help = "significant digits of means, deviations and quartiles; 0: all",
     .min = 0,
     .max = 17},
    {0},
};

const struct step_kind steps_report[] = {
    {.name = "describe",
     .aliases = "summary profile",
     .family = "report",
     .class = "W",
     .summary = "a row for each column: type, missing, distinct, range, mean, quartiles",
     .details =
         "One pass in bounded memory. count is of cells that are there and of the column's type; "
         "invalid of cells that are not (a word among numbers). All is exact, quartiles of type 7, "
         "while a column has at most 16384 different cells (2 MiB of text). Beyond that estimated "
         "is true: quartiles come from a logarithmic sketch within 1 % of the value (Masson et "
         "al. 2019, doi:10.14778/3352063.3352135), distinct from HyperLogLog (standard error 0.8 "
         "%), the most frequent cell and its count from a seeded sample of 4096 rows (missing "
         "when none is in 16 of them); count, min, max, mean and std stay exact. std divides by "
         "n - 1. The mean of true and false is the share of true; texts compare by bytes; times "
         "without a zone count as UTC. Of several most frequent cells the smallest is shown.",
     .args = describe_args,
     .example =
         {.program = "describe",
          .input = "city,delay\nORD,10\nATL,3\nORD,20\nORD,\n",
          .output =
              "column,type,count,missing,invalid,distinct,min,max,mean,std,q25,median,q75,top,"
              "top_count,estimated\n"
              "city,text,4,0,0,2,ATL,ORD,,,,,,ORD,3,false\n"
              "delay,int,3,1,0,3,3,20,11,8.54400374531753,6.5,10,15,3,1,false\n"},
     .open = describe_open,
     .shape = describe_shape,
     .state_new = describe_new,
     .learn = describe_learn,
     .merge = describe_merge,
     .finish = describe_finish,
     .state_free = describe_free,
     .produce = describe_produce,
     .blocking = true},
    {0},
};
