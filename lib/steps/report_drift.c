/* drift: how far apart two sets of rows are, column by column. */
#include "prep/dropping.h"
#include "prep/sorted.h"
#include "prep/value_counts.h"
#include "steps/steps.h"

#include <math.h>

enum { WITH_PSI, WITH_KS, WITH_CHI2, WITH_WASSERSTEIN };

/* What is known of a selected column. */
struct drift {
    struct counts sets; /* rows that have a value there, by that of target= */
    bool texts;         /* not all values are numbers */
    uint64_t distinct;  /* values, after finish */
    double statistic, p_value;
};

struct drifts {
    struct drift *columns;
    size_t count;
    struct value_counts *counts; /* values by column and set: see value_key */
    struct sorter *order;        /* after finish: see put_ordered */
    struct buf key;
    bool told;
};

static void *drift_new(const struct step *s)
{
    struct drifts *d = mem_alloc(sizeof *d);
    d->count = s->column_count;
    d->columns = mem_alloc((d->count + 1) * sizeof *d->columns);
    d->counts = value_counts_new(step_memory(s));
    return d;
}

static void drift_free(void *state)
{
    struct drifts *d = state;
    if (!d)
        return;
    for (size_t i = 0; i < d->count; i++)
        counts_release(&d->columns[i].sets);
    mem_free(d->columns);
    value_counts_free(d->counts);
    sorter_free(d->order);
    buf_release(&d->key);
    mem_free(d);
}

/* Column (8 bytes), length of the value (8), value, set: what counts one value stands together. */
static struct text value_key(struct drifts *d, size_t column, struct text value, struct text set)
{
    d->key.len = 0;
    key_put_id(&d->key, column);
    key_put_id(&d->key, value.len);
    buf_add(&d->key, value.at, value.len);
    buf_add(&d->key, set.at, set.len);
    return (struct text){d->key.at, d->key.len};
}

struct counted {
    size_t column;
    struct text value, set;
};

static struct counted split_key(struct text key)
{
    size_t length = (size_t)key_id((struct text){key.at, 16});
    return (struct counted){(size_t)key_id((struct text){key.at, 8}),
                            {key.at + 16, length},
                            {key.at + 16 + length, key.len - 16 - length}};
}

static int count_value(struct drifts *d, size_t column, struct text value, struct text set,
                       struct error *e)
{
    struct drift *c = &d->columns[column];
    bool is_new;
    double number;
    int rc = value_counts_add(d->counts, value_key(d, column, value, set), 1, &is_new, e);
    counts_add(&c->sets, set, 1, 0);
    if (is_new && !c->texts)
        c->texts = !number_parse_double(value.at, value.len, &number);
    return rc;
}

static int drift_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    const struct text *sets = batch_text(b, s->reads.at[0]);
    int rc = 0;
    for (size_t i = 0; i < s->column_count; i++) {
        const struct text *cells = batch_text(b, s->columns[i]);
        for (size_t r = 0; rc == 0 && r < b->rows; r++)
            if (cells[r].at && sets[r].at)
                rc = count_value(state, i, cells[r], sets[r], e);
    }
    return rc;
}

static int drift_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    struct drifts *a = into, *b = from;
    for (size_t i = 0; i < a->count; i++) {
        counts_merge(&a->columns[i].sets, &b->columns[i].sets);
        a->columns[i].texts |= b->columns[i].texts;
    }
    return value_counts_merge(a->counts, b->counts, e);
}

/* By column; as a number where the column is of such; by its bytes. The payload is the number, how
 * often the value occurs, and whether in the second of the two sets. */
struct tally {
    double number;
    uint64_t times;
    bool second;
};

static int put_ordered(const struct step *s, struct drifts *d, struct counted v, uint64_t times,
                       struct error *e)
{
    const struct dropping *plan = s->plan;
    const struct drift *c = &d->columns[v.column];
    struct tally tally = {.times = times};
    bool is_number = type_is_number(plan->types[v.column]) && !c->texts &&
                     number_parse_double(v.value.at, v.value.len, &tally.number);
    for (size_t i = 0; i < c->sets.map.keys.len; i++)
        tally.second |= text_compare(c->sets.map.keys.at[i], v.set) < 0;
    struct buf key = {0};
    key_put_id(&key, v.column);
    if (is_number)
        key_put_double(&key, tally.number, (struct key_order){0});
    key_put_text(&key, v.value, (struct key_order){0});
    int rc = sorter_add(d->order, (struct text){key.at, key.len},
                        (struct text){(const char *)&tally, sizeof tally}, e);
    buf_release(&key);
    return rc;
}

/* Whether the column has two sets, and values such as its distance is of. */
static int is_compared(const struct step *s, const struct drifts *d, size_t column, bool *yes,
                       struct error *e)
{
    const struct dropping *plan = s->plan;
    const struct drift *c = &d->columns[column];
    int with = arg_choice(s, "with");
    bool numbers = type_is_number(plan->types[column]);
    size_t sets = c->sets.map.keys.len;
    *yes = false;
    if (with == WITH_KS || with == WITH_WASSERSTEIN) {
        if (!numbers || c->texts)
            return 0;
    } else if (numbers && c->texts) {
        return error_set(e, ERR_DATA, "drift: '%s' has a cell that is not a number",
                         s->names[column]);
    }
    *yes = sets == 2;
    return sets <= 2
               ? 0
               : error_set(e, ERR_DATA, "drift: the target has %zu values, expected two", sets);
}

static int order_values(const struct step *s, struct drifts *d, struct error *e)
{
    struct buf last = {0};
    struct text key;
    uint64_t times;
    int got = 0, rc = value_counts_finish(d->counts, e);
    while (rc == 0 && (got = value_counts_next(d->counts, &key, &times, e)) > 0) {
        struct counted v = split_key(key);
        size_t length = (size_t)(v.set.at - key.at);
        bool again = text_equal((struct text){last.at, last.len}, (struct text){key.at, length});
        d->columns[v.column].distinct += !again;
        last.len = 0;
        buf_add(&last, key.at, length);
        rc = put_ordered(s, d, v, times, e);
    }
    buf_release(&last);
    value_counts_free(d->counts);
    d->counts = NULL;
    return rc ? rc : got < 0 ? got : sorter_finish(d->order, e);
}

/* A column's values on their way, those that are taken together in one row. */
struct reading {
    struct difference difference;
    bool compared, numbers;
    size_t bins;        /* of equal counts; 0: a row for each value */
    double all, before; /* of all values; before the current row's last one */
    bool any;
    struct buf key; /* of the last value, */
    double number;  /* and as a number */
    uint64_t here;  /* so often, */
    size_t bin;     /* in this bin */
    uint64_t n[2];  /* what the row has of the two sets */
};

static void close_row(struct reading *r)
{
    if (r->any && r->numbers)
        difference_number(&r->difference, r->number, r->n[0], r->n[1]);
    else if (r->any)
        difference_bin(&r->difference, r->n[0], r->n[1]);
    r->n[0] = r->n[1] = 0;
}

/* Bin b has the values before which b / bins of the rows lie. */
static bool begins_row(struct reading *r, const struct tally *t)
{
    if (!r->any)
        return true;
    if (r->numbers)
        return t->number != r->number;
    if (r->bins == 0)
        return true;
    return (size_t)(r->before / r->all * (double)r->bins) != r->bin;
}

static void see(struct reading *r, struct text key, const struct tally *t)
{
    bool same = r->any && text_equal(key, (struct text){r->key.at, r->key.len});
    if (!same) {
        r->before += (double)r->here;
        r->here = 0;
        if (begins_row(r, t)) {
            close_row(r);
            r->bin = r->bins ? (size_t)(r->before / r->all * (double)r->bins) : 0;
        }
        r->key.len = 0;
        buf_add(&r->key, key.at, key.len);
    }
    r->any = true;
    r->number = t->number;
    r->here += t->times;
    r->n[t->second] += t->times;
}

static int begin_column(const struct step *s, const struct drifts *d, size_t column,
                        struct reading *r, struct error *e)
{
    const struct dropping *plan = s->plan;
    const struct drift *c = &d->columns[column];
    size_t bins = (size_t)arg_int(s, "bins");
    struct buf key = r->key;
    *r = (struct reading){.key = key};
    int with = arg_choice(s, "with"), rc = is_compared(s, d, column, &r->compared, e);
    if (rc || !r->compared)
        return rc;
    size_t first = text_compare(c->sets.map.keys.at[0], c->sets.map.keys.at[1]) > 0;
    r->numbers = with == WITH_KS || with == WITH_WASSERSTEIN;
    if (type_is_number(plan->types[column]) && c->distinct > bins)
        r->bins = bins;
    r->all = (double)(c->sets.n.at[0] + c->sets.n.at[1]);
    difference_init(&r->difference, c->sets.n.at[first], c->sets.n.at[!first]);
    return 0;
}

static void end_column(const struct step *s, struct drift *c, struct reading *r)
{
    const struct difference *x = &r->difference;
    c->statistic = c->p_value = (double)NAN;
    if (!r->compared)
        return;
    close_row(r);
    switch (arg_choice(s, "with")) {
    case WITH_KS:
        c->statistic = x->ks;
        c->p_value = difference_ks_p(x);
        break;
    case WITH_CHI2:
        c->statistic = x->chi2;
        c->p_value = difference_chi2_p(x);
        break;
    case WITH_WASSERSTEIN:
        c->statistic = x->area;
        break;
    default:
        c->statistic = x->psi;
    }
}

/* Values come column by column; of a column without values there are none. */
static int read_columns(const struct step *s, struct drifts *d, struct error *e)
{
    struct reading r = {0};
    struct text key = {NULL, 0}, payload = {NULL, 0};
    int rc = 0, got = sorter_next(d->order, &key, &payload, e);
    for (size_t i = 0; rc == 0 && got >= 0 && i < d->count; i++) {
        rc = begin_column(s, d, i, &r, e);
        while (rc == 0 && got > 0 && key_id((struct text){key.at, 8}) == i) {
            struct tally t;
            memcpy(&t, payload.at, sizeof t);
            if (r.compared)
                see(&r, key, &t);
            got = sorter_next(d->order, &key, &payload, e);
        }
        end_column(s, &d->columns[i], &r);
    }
    buf_release(&r.key);
    return rc ? rc : got < 0 ? got : 0;
}

static int drift_finish(struct step *s, void *state, struct error *e)
{
    struct drifts *d = state;
    d->order = sorter_new(step_memory_whole(s) / 2);
    int rc = order_values(s, d, e);
    return rc ? rc : read_columns(s, d, e);
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
    struct drifts *d = s->learnt;
    size_t p = s->column_count;
    if (d->told || p == 0)
        return 0;
    d->told = true;
    struct text *name = batch_array(b, p, sizeof *name);
    double *statistic = batch_array(b, p, sizeof *statistic);
    double *p_value = batch_array(b, p, sizeof *p_value);
    for (size_t i = 0; i < p; i++) {
        size_t len = strlen(s->names[i]);
        name[i] = (struct text){arena_text(&b->arena, s->names[i], len), len};
        statistic[i] = d->columns[i].statistic;
        p_value[i] = d->columns[i].p_value;
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
     .details = "One pass, in which values are counted, on disk past --memory. Cells that are "
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
     .state_new = drift_new,
     .learn = drift_learn,
     .merge = drift_merge,
     .finish = drift_finish,
     .state_free = drift_free},
    {0},
};
