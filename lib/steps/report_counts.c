/* frequency, histogram: how often values occur, by column. */
#include "prep/columnwise.h"
#include "prep/sorted.h"
#include "prep/value_counts.h"
#include "steps/grid.h"
#include "steps/steps.h"

#include <math.h>

enum { ROWS_OUT = 4096 };

/* How far what has been learnt is told. */
struct told {
    size_t column, row;
};

struct frequencies {
    struct value_counts *counts; /* number of a column (8 bytes), value */
    struct sorter *order;        /* after finish: as they leave */
    struct buf key;
    size_t count;      /* columns */
    uint64_t *present; /* cells that are not missing, by column */
    bool *texts;       /* by column: not all values are numbers */
    struct told told;
};

static void *frequency_new(const struct step *s)
{
    struct frequencies *f = mem_alloc(sizeof *f);
    f->count = s->column_count;
    f->counts = value_counts_new(step_memory(s));
    f->present = mem_alloc((f->count + 1) * sizeof *f->present);
    f->texts = mem_alloc(f->count + 1);
    return f;
}

static void frequency_free(void *state)
{
    struct frequencies *f = state;
    if (!f)
        return;
    value_counts_free(f->counts);
    sorter_free(f->order);
    buf_release(&f->key);
    mem_free(f->present);
    mem_free(f->texts);
    mem_free(f);
}

static int count_value(struct frequencies *f, size_t column, struct text value, struct error *e)
{
    bool is_new;
    double number;
    f->key.len = 0;
    key_put_id(&f->key, column);
    buf_add(&f->key, value.at, value.len);
    f->present[column]++;
    int rc = value_counts_add(f->counts, (struct text){f->key.at, f->key.len}, 1, &is_new, e);
    if (is_new && !f->texts[column])
        f->texts[column] = !number_parse_double(value.at, value.len, &number);
    return rc;
}

static int frequency_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    int rc = 0;
    for (size_t i = 0; i < s->column_count; i++) {
        const struct text *cells = batch_text(b, s->columns[i]);
        for (size_t r = 0; rc == 0 && r < b->rows; r++)
            if (cells[r].at)
                rc = count_value(state, i, cells[r], e);
    }
    return rc;
}

static int frequency_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    struct frequencies *a = into, *b = from;
    for (size_t i = 0; i < a->count; i++) {
        a->present[i] += b->present[i];
        a->texts[i] |= b->texts[i];
    }
    return value_counts_merge(a->counts, b->counts, e);
}

/* Of one column the most frequent first, then by name: as numbers when all are. The key ends with
 * the value, whose length is the payload. */
static int put_ordered(struct frequencies *f, struct text counted, uint64_t times, struct error *e)
{
    const size_t id = sizeof(uint64_t);
    struct text value = {counted.at + id, counted.len - id};
    size_t column = (size_t)key_id((struct text){counted.at, id});
    double number = 0;
    f->key.len = 0;
    key_put_id(&f->key, column);
    key_put_id(&f->key, ~times);
    if (!f->texts[column] && number_parse_double(value.at, value.len, &number))
        key_put_double(&f->key, number, (struct key_order){0});
    buf_add(&f->key, value.at, value.len);
    return sorter_add(f->order, (struct text){f->key.at, f->key.len},
                      (struct text){(const char *)&value.len, sizeof value.len}, e);
}

static int frequency_finish(struct step *s, void *state, struct error *e)
{
    struct frequencies *f = state;
    struct text value;
    uint64_t times;
    int got = 0, rc = value_counts_finish(f->counts, e);
    f->order = sorter_new(step_memory_whole(s) / 2);
    while (rc == 0 && (got = value_counts_next(f->counts, &value, &times, e)) > 0)
        rc = put_ordered(f, value, times, e);
    value_counts_free(f->counts);
    f->counts = NULL;
    if (rc || got < 0)
        return rc ? rc : got;
    return sorter_finish(f->order, e);
}

static int frequency_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)s;
    (void)e;
    schema_release(schema);
    schema_add(schema, text_of("column"), TYPE_TEXT);
    schema_add(schema, text_of("value"), TYPE_TEXT);
    schema_add(schema, text_of("count"), TYPE_INT);
    schema_add(schema, text_of("share"), TYPE_FLOAT);
    return 0;
}

struct frequency {
    size_t column;
    struct text value;
    uint64_t times;
};

/* What leaves next, the most frequent of its column: 1; 0 behind the last; < 0. It lives until the
 * next call. */
static int next_frequency(struct frequencies *f, uint64_t most, struct frequency *out,
                          struct error *e)
{
    struct text key, payload;
    int got;
    while ((got = sorter_next(f->order, &key, &payload, e)) > 0) {
        memcpy(&out->value.len, payload.at, sizeof out->value.len);
        out->value.at = key.at + key.len - out->value.len;
        out->column = (size_t)key_id((struct text){key.at, 8});
        out->times = ~key_id((struct text){key.at, 16});
        if (out->column != f->told.column)
            f->told = (struct told){out->column, 0};
        if (f->told.row++ < most)
            return 1;
    }
    return got;
}

static int frequency_produce(struct step *s, struct batch *b, struct error *e)
{
    struct frequencies *f = s->learnt;
    struct text *name = batch_array(b, ROWS_OUT, sizeof *name);
    struct text *value = batch_array(b, ROWS_OUT, sizeof *value);
    int64_t *count = batch_array(b, ROWS_OUT, sizeof *count);
    double *share = batch_array(b, ROWS_OUT, sizeof *share);
    uint64_t most = arg_given(s, "max") ? (uint64_t)arg_int(s, "max") : UINT64_MAX;
    struct frequency next;
    size_t n = 0;
    int got = 0;
    while (n < ROWS_OUT && (got = next_frequency(f, most, &next, e)) > 0) {
        size_t length = strlen(s->names[next.column]);
        name[n] = (struct text){arena_text(&b->arena, s->names[next.column], length), length};
        value[n] =
            (struct text){arena_text(&b->arena, next.value.at, next.value.len), next.value.len};
        count[n] = (int64_t)next.times;
        share[n++] = (double)next.times / (double)f->present[next.column];
    }
    b->rows = n;
    batch_add(b, column_of_text(name));
    batch_add(b, column_of_text(value));
    batch_add(b, column_of_int(count));
    batch_add(b, column_of_double(share));
    return got < 0 ? got : n > 0;
}

struct histograms {
    size_t count;
    struct grid *grids;        /* bins found, or */
    struct histogram *counted; /* bins given by edges= */
    struct told told;
};

struct histogram_plan {
    double *edges;
    size_t bins; /* 0: found */
};

static int histogram_open(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct text *items = NULL;
    size_t n = arg_list(s, "edges", &items);
    struct histogram_plan *plan = arena_zero(&s->arena, sizeof *plan);
    plan->edges = arena_alloc(&s->arena, (n + 1) * sizeof *plan->edges);
    s->plan = plan;
    for (size_t i = 0; i < n; i++) {
        if (!number_parse_double(items[i].at, items[i].len, &plan->edges[i]))
            return step_error(s, e, "edges: '%.*s' is not a number", (int)items[i].len,
                              items[i].at);
        if (i > 0 && plan->edges[i] <= plan->edges[i - 1])
            return step_error(s, e, "edges: expected increasing numbers");
    }
    if (n == 1)
        return step_error(s, e, "edges: expected two or more");
    plan->bins = n ? n - 1 : 0;
    return 0;
}

static void *histogram_new(const struct step *s)
{
    const struct histogram_plan *plan = s->plan;
    struct histograms *h = mem_alloc(sizeof *h);
    h->count = s->column_count;
    h->grids = mem_alloc(h->count * sizeof *h->grids);
    h->counted = mem_alloc(h->count * sizeof *h->counted);
    for (size_t i = 0; i < h->count; i++) {
        h->grids[i].most = (size_t)arg_int(s, "bins");
        if (plan->bins)
            histogram_init(&h->counted[i], plan->edges, plan->bins);
    }
    return h;
}

static void histogram_free(void *state)
{
    struct histograms *h = state;
    if (!h)
        return;
    for (size_t i = 0; i < h->count; i++) {
        grid_release(&h->grids[i]);
        histogram_release(&h->counted[i]);
    }
    mem_free(h->grids);
    mem_free(h->counted);
    mem_free(h);
}

static int histogram_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    struct histograms *h = state;
    const struct histogram_plan *plan = s->plan;
    for (size_t i = 0; i < h->count; i++) {
        const double *x;
        int rc = batch_double(b, s->columns[i], s->names[i], &x, e);
        if (rc)
            return rc;
        if (plan->bins)
            histogram_add(&h->counted[i], x, b->rows);
        for (size_t r = 0; plan->bins == 0 && r < b->rows; r++)
            if (isfinite(x[r]))
                grid_add(&h->grids[i], x[r], 1);
    }
    return 0;
}

static int histogram_merge_all(const struct step *s, void *into, void *from, struct error *e)
{
    (void)e;
    const struct histogram_plan *plan = s->plan;
    struct histograms *a = into, *b = from;
    for (size_t i = 0; i < a->count; i++) {
        if (plan->bins)
            histogram_merge(&a->counted[i], &b->counted[i]);
        else
            grid_merge(&a->grids[i], &b->grids[i]);
    }
    return 0;
}

static int histogram_finish(struct step *s, void *state, struct error *e)
{
    (void)e;
    s->learnt = state;
    return 0;
}

static int histogram_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)s;
    (void)e;
    schema_release(schema);
    schema_add(schema, text_of("column"), TYPE_TEXT);
    schema_add(schema, text_of("from"), TYPE_FLOAT);
    schema_add(schema, text_of("to"), TYPE_FLOAT);
    schema_add(schema, text_of("count"), TYPE_INT);
    return 0;
}

struct bin {
    double from, to;
    uint64_t count;
};

static size_t bin_count(const struct step *s, const struct histograms *h, size_t column)
{
    const struct histogram_plan *plan = s->plan;
    return plan->bins ? plan->bins : h->grids[column].counts.len;
}

static struct bin bin_at(const struct step *s, const struct histograms *h, struct told at)
{
    const struct histogram_plan *plan = s->plan;
    const struct grid *g = &h->grids[at.column];
    if (plan->bins)
        return (struct bin){plan->edges[at.row], plan->edges[at.row + 1],
                            h->counted[at.column].counts[at.row]};
    if (g->counts.len == 1) /* a single value */
        return (struct bin){grid_edge(g, 0), grid_edge(g, 0), g->counts.at[0]};
    return (struct bin){grid_edge(g, at.row), grid_edge(g, at.row + 1), g->counts.at[at.row]};
}

static bool next_bin(const struct step *s, struct histograms *h)
{
    for (; h->told.column < h->count; h->told = (struct told){h->told.column + 1, 0})
        if (h->told.row < bin_count(s, h, h->told.column))
            return true;
    return false;
}

static int histogram_produce(struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    struct histograms *h = s->learnt;
    struct text *name = batch_array(b, ROWS_OUT, sizeof *name);
    double *from = batch_array(b, ROWS_OUT, sizeof *from);
    double *to = batch_array(b, ROWS_OUT, sizeof *to);
    int64_t *count = batch_array(b, ROWS_OUT, sizeof *count);
    size_t n = 0;
    for (; n < ROWS_OUT && next_bin(s, h); n++, h->told.row++) {
        struct bin bin = bin_at(s, h, h->told);
        const char *column = s->names[h->told.column];
        name[n] = (struct text){arena_text(&b->arena, column, strlen(column)), strlen(column)};
        from[n] = bin.from;
        to[n] = bin.to;
        count[n] = (int64_t)bin.count;
    }
    b->rows = n;
    batch_add(b, column_of_text(name));
    batch_add(b, column_of_double(from));
    batch_add(b, column_of_double(to));
    batch_add(b, column_of_int(count));
    return n > 0;
}

static const struct arg frequency_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .fallback = "@all",
     .help = "columns to count",
     .positional = true},
    {.name = "max",
     .kind = ARG_INT,
     .help = "at most so many values of each column, the most frequent ones",
     .min = 1,
     .max = 1e9},
    {0},
};
static const struct arg histogram_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .fallback = "@numeric",
     .help = "columns to count",
     .positional = true},
    {.name = "bins",
     .kind = ARG_INT,
     .fallback = "20",
     .help = "at most so many bins",
     .min = 2,
     .max = 100000},
    {.name = "edges", .kind = ARG_LIST, .help = "edges of the bins, increasing"},
    {0},
};

const struct step_kind steps_report_counts[] = {
    {.name = "frequency",
     .family = "report",
     .class = "W",
     .summary = "how often each value of each column occurs, the most frequent first",
     .details = "Exact. Values are texts as they stand: 1 and 1.0 are two. Equally frequent ones "
                "go by name. share is of the cells that are not missing. Values that --memory does "
                "not hold are counted on disk.",
     .args = frequency_args,
     .example = {.program = "frequency city",
                 .input = "city\nORD\nATL\nORD\nORD\n",
                 .output = "column,value,count,share\ncity,ORD,3,0.75\ncity,ATL,1,0.25\n"},
     .shape = frequency_shape,
     .state_new = frequency_new,
     .learn = frequency_learn,
     .merge = frequency_merge,
     .finish = frequency_finish,
     .state_free = frequency_free,
     .produce = frequency_produce,
     .blocking = true},
    {.name = "histogram",
     .family = "report",
     .class = "W",
     .summary = "counts of numbers in bins of equal width, or between given edges",
     .details = "One pass: without edges= the width of the bins is the smallest power of two that "
                "needs at most bins= of them, and edges are its multiples, so that shards merge "
                "exactly. A bin is [from, to); with edges= the last one is closed, and values "
                "outside are left out. Missing values are left out.",
     .args = histogram_args,
     .example = {.program = "histogram x bins=4",
                 .input = "x\n1\n2\n2.5\n7\n",
                 .output = "column,from,to,count\nx,0,2,1\nx,2,4,2\nx,4,6,0\nx,6,8,1\n"},
     .open = histogram_open,
     .shape = histogram_shape,
     .state_new = histogram_new,
     .learn = histogram_learn,
     .merge = histogram_merge_all,
     .finish = histogram_finish,
     .state_free = histogram_free,
     .produce = histogram_produce,
     .blocking = true},
    {0},
};
