/* frequency, histogram: how often values occur, by column. */
#include "prep/columnwise.h"
#include "steps/grid.h"
#include "steps/steps.h"

#include <math.h>

enum { ROWS_OUT = 4096 };

/* What has been learnt, and how far it has been told. */
struct told {
    size_t column, row;
};

struct tables {
    size_t count;
    struct counts *columns;
    uint64_t *present; /* cells that are not missing, by column */
    uint32_t **order;  /* after finish */
    struct told told;
};

static void *frequency_new(const struct step *s)
{
    struct tables *t = mem_alloc(sizeof *t);
    t->count = s->column_count;
    t->columns = mem_alloc(t->count * sizeof *t->columns);
    t->present = mem_alloc(t->count * sizeof *t->present);
    t->order = mem_alloc(t->count * sizeof *t->order);
    return t;
}

static void frequency_free(void *state)
{
    struct tables *t = state;
    if (!t)
        return;
    for (size_t i = 0; i < t->count; i++) {
        counts_release(&t->columns[i]);
        mem_free(t->order[i]);
    }
    mem_free(t->columns);
    mem_free(t->present);
    mem_free(t->order);
    mem_free(t);
}

static int check_memory(const struct step *s, const struct tables *t, struct error *e)
{
    size_t held = 0, threads = s->context->jobs ? s->context->jobs : 1;
    for (size_t i = 0; i < t->count; i++)
        held += map_held(&t->columns[i].map);
    if (held <= s->context->memory / threads)
        return 0;
    return error_set(e, ERR_DATA,
                     "frequency: too many distinct values to count in --memory: choose columns, "
                     "or see describe");
}

static int frequency_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    struct tables *t = state;
    for (size_t i = 0; i < t->count; i++) {
        const struct text *cells = batch_text(b, s->columns[i]);
        for (size_t r = 0; r < b->rows; r++) {
            if (!cells[r].at)
                continue;
            counts_add(&t->columns[i], cells[r], 1, 0);
            t->present[i]++;
        }
    }
    return check_memory(s, t, e);
}

static int frequency_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    struct tables *a = into, *b = from;
    for (size_t i = 0; i < a->count; i++) {
        counts_merge(&a->columns[i], &b->columns[i]);
        a->present[i] += b->present[i];
    }
    return 0;
}

static int frequency_finish(struct step *s, void *state, struct error *e)
{
    (void)e;
    struct tables *t = state;
    for (size_t i = 0; i < t->count; i++)
        t->order[i] = counts_sorted(&t->columns[i], COUNTS_BY_FREQUENCY);
    s->learnt = t;
    return 0;
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

/* Goes to the next column until there is one with rows left; false at the end. */
static bool next_value(const struct step *s, struct tables *t)
{
    size_t most = arg_given(s, "max") ? (size_t)arg_int(s, "max") : SIZE_MAX;
    for (; t->told.column < t->count; t->told = (struct told){t->told.column + 1, 0})
        if (t->told.row < most && t->told.row < t->columns[t->told.column].map.keys.len)
            return true;
    return false;
}

static int frequency_produce(struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    struct tables *t = s->learnt;
    struct text *name = batch_array(b, ROWS_OUT, sizeof *name);
    struct text *value = batch_array(b, ROWS_OUT, sizeof *value);
    int64_t *count = batch_array(b, ROWS_OUT, sizeof *count);
    double *share = batch_array(b, ROWS_OUT, sizeof *share);
    size_t n = 0;
    for (; n < ROWS_OUT && next_value(s, t); n++) {
        size_t c = t->told.column, i = t->order[c][t->told.row++];
        struct text key = t->columns[c].map.keys.at[i];
        name[n] = (struct text){arena_text(&b->arena, s->names[c], strlen(s->names[c])),
                                strlen(s->names[c])};
        value[n] = (struct text){arena_text(&b->arena, key.at, key.len), key.len};
        count[n] = (int64_t)t->columns[c].n.at[i];
        share[n] = (double)count[n] / (double)t->present[c];
    }
    b->rows = n;
    batch_add(b, column_of_text(name));
    batch_add(b, column_of_text(value));
    batch_add(b, column_of_int(count));
    batch_add(b, column_of_double(share));
    return n > 0;
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
                "go by name. share is of the cells that are not missing. Memory grows with "
                "distinct values; past --memory it is an error.",
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
