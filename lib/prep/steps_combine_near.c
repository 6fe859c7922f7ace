/* Joins whose keys need not be equal: join_asof (the nearest value), join_range (an interval that
 * holds it). */
#include "prep/families.h"
#include "prep/match.h"
#include "prep/side.h"

#include <math.h>
#include <stdlib.h>

enum { DIRECTION_BACKWARD, DIRECTION_FORWARD, DIRECTION_NEAREST };
enum { CLOSED_BOTH, CLOSED_LEFT, CLOSED_RIGHT, CLOSED_NONE };

/* What values lie on a line: numbers, or microseconds. */
struct point {
    double number;
    usec time;
};

/* A row of the side table: an instant (low) or an interval. */
struct span {
    struct point low, high;
    uint32_t row;
};

struct near_plan {
    struct side *side;
    struct match_key *by;
    size_t by_count;
    size_t on, low, high; /* on in the stream, the others in the side table */
    bool is_time, has_limit;
    struct point limit; /* tolerance */
    struct taken take;
    uint8_t *wanted;
};

/* The side table's rows, by group of `by`, ordered by low. */
struct near_run {
    struct match match;
    VEC(struct span) spans; /* by side row, until they are put in order */
    struct span *ordered;   /* at the places of match.rows */
    struct point *reach;    /* the largest high up to that place, from its group's first on */
    const struct near_plan *plan;
};

static int compare_points(bool is_time, struct point a, struct point b)
{
    if (is_time)
        return (a.time > b.time) - (a.time < b.time);
    return (a.number > b.number) - (a.number < b.number);
}

static bool is_nowhere(bool is_time, struct point p)
{
    return is_time ? p.time == INT_MISSING : isnan(p.number);
}

/* a - b, for a not before b. */
static double distance(bool is_time, struct point a, struct point b)
{
    return is_time ? (double)((uint64_t)a.time - (uint64_t)b.time) : a.number - b.number;
}

static int read_points(struct batch *b, size_t column, const char *name, bool is_time,
                       struct point *out, struct error *e)
{
    const double *numbers = NULL;
    const usec *times = NULL;
    int rc = is_time ? batch_time(b, column, name, &times, e)
                     : batch_double(b, column, name, &numbers, e);
    for (size_t r = 0; rc == 0 && r < b->rows; r++)
        if (is_time)
            out[r] = (struct point){.time = times[r]};
        else
            out[r] = (struct point){.number = numbers[r]};
    return rc;
}

static int find_right(struct step *s, const struct near_plan *plan, struct text name, size_t *out,
                      struct error *e)
{
    char quoted[QUOTE_MAX];
    *out = schema_find(plan->side->schema, name);
    if (*out != FIELD_NONE)
        return 0;
    return step_error(s, e, "the file has no column %s", quote(quoted, name.at, name.len));
}

static int read_limit(struct step *s, struct near_plan *plan, struct error *e)
{
    struct text text = arg_text(s, "tolerance");
    char quoted[QUOTE_MAX];
    plan->has_limit = text.at != NULL;
    bool good =
        !text.at || (plan->is_time ? duration_parse(text.at, text.len, &plan->limit.time)
                                   : number_parse_double(text.at, text.len, &plan->limit.number));
    return good ? 0
                : step_error(s, e, "tolerance: expected a %s, not %s",
                             plan->is_time ? "duration" : "number",
                             quote(quoted, text.at, text.len));
}

/* Opens the side table and its groups; is_time is settled by the columns that are compared. */
static int near_open(struct step *s, const struct schema *in, struct near_plan **out,
                     struct error *e)
{
    struct near_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = *out = plan;
    int rc = side_open(s, arg_text(s, "file"), &plan->side, e);
    if (rc == 0)
        rc = match_keys(s, "by", in, plan->side->schema, &plan->by, &plan->by_count, e);
    return rc;
}

static int near_take(struct step *s, struct near_plan *plan, size_t own, struct error *e)
{
    size_t *except = arena_alloc(&s->arena, (plan->by_count + 1) * sizeof *except), n = 0;
    for (; n < plan->by_count; n++)
        except[n] = plan->by[n].right;
    if (own != FIELD_NONE)
        except[n++] = own;
    int rc = side_take(s, plan->side, arg_text(s, "take"), except, n, &plan->take, e);
    plan->wanted = side_wanted(s, plan->side, &plan->take);
    return rc;
}

static int asof_open(struct step *s, const struct schema *in, struct error *e)
{
    struct near_plan *plan;
    struct match_key *on;
    size_t count;
    int rc = near_open(s, in, &plan, e);
    if (rc == 0)
        rc = match_keys(s, "on", in, plan->side->schema, &on, &count, e);
    if (rc)
        return rc;
    if (count != 1)
        return step_error(s, e, "on: expected one column");
    plan->on = on->left;
    plan->low = plan->high = on->right;
    plan->is_time = on->as == MATCH_TIME;
    bool same_name =
        strcmp(in->fields.at[on->left].name, plan->side->schema->fields.at[on->right].name) == 0;
    rc = read_limit(s, plan, e);
    return rc ? rc : near_take(s, plan, same_name ? on->right : FIELD_NONE, e);
}

static int range_open(struct step *s, const struct schema *in, struct error *e)
{
    struct near_plan *plan;
    int rc = near_open(s, in, &plan, e);
    if (rc == 0)
        rc = arg_column(s, "value", in, &plan->on, e);
    if (rc == 0)
        rc = find_right(s, plan, arg_text(s, "low"), &plan->low, e);
    if (rc == 0)
        rc = find_right(s, plan, arg_text(s, "high"), &plan->high, e);
    if (rc)
        return rc;
    plan->is_time = match_key(in, plan->on, plan->side->schema, plan->low).as == MATCH_TIME;
    return near_take(s, plan, FIELD_NONE, e);
}

static void near_close(struct step *s)
{
    struct near_plan *plan = s->plan;
    side_free(plan->side);
}

static int near_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct near_plan *plan = s->plan;
    return side_add_fields(s, plan->side, &plan->take, arg_text(s, "suffix"), schema, e);
}

static int add_side(void *context, struct batch *b, struct error *e)
{
    struct near_run *run = context;
    const struct near_plan *plan = run->plan;
    const struct schema *schema = plan->side->schema;
    struct point *low = batch_array(b, b->rows, sizeof *low), *high = low;
    int rc = read_points(b, plan->low, schema->fields.at[plan->low].name, plan->is_time, low, e);
    if (rc == 0 && plan->high != plan->low) {
        high = batch_array(b, b->rows, sizeof *high);
        rc = read_points(b, plan->high, schema->fields.at[plan->high].name, plan->is_time, high, e);
    }
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        struct span span = {low[r], high[r], (uint32_t)run->spans.len};
        vec_push(&run->spans, span);
    }
    match_add(&run->match, b);
    return rc;
}

static int by_number(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    int order = compare_points(false, x->low, y->low);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

static int by_time(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    int order = compare_points(true, x->low, y->low);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

/* Orders one group; rows without a value go out of it. */
static void order_group(struct near_run *run, size_t group)
{
    bool is_time = run->plan->is_time;
    uint32_t first = run->match.starts[group], end = run->match.starts[group + 1];
    struct span *spans = run->ordered + first;
    size_t n = 0;
    for (uint32_t i = first; i < end; i++) {
        struct span span = run->spans.at[run->match.rows[i]];
        if (!is_nowhere(is_time, span.low) && !is_nowhere(is_time, span.high))
            spans[n++] = span;
    }
    qsort(spans, n, sizeof *spans, is_time ? by_time : by_number);
    for (size_t i = 0; i < n; i++) {
        run->match.rows[first + i] = spans[i].row;
        run->reach[first + i] = spans[i].high;
        if (i > 0 && compare_points(is_time, run->reach[first + i - 1], spans[i].high) > 0)
            run->reach[first + i] = run->reach[first + i - 1];
    }
    for (uint32_t i = first + (uint32_t)n; i < end; i++)
        run->match.rows[i] = UINT32_MAX;
}

static int near_load(struct step *s, struct near_run *run, struct error *e)
{
    const struct near_plan *plan = s->plan;
    size_t memory = s->context->memory ? s->context->memory : (size_t)1 << 30;
    run->plan = plan;
    run->match.keys = plan->by;
    run->match.count = plan->by_count;
    int rc = side_read(plan->side, plan->wanted, memory, add_side, run, e);
    if (rc == SIDE_FULL)
        rc = error_set(e, ERR_SYSTEM, "%.200s: does not fit in memory: raise --memory",
                       plan->side->path);
    if (rc)
        return rc;
    match_finish(&run->match);
    run->ordered = mem_array(NULL, run->spans.len + 1, sizeof *run->ordered);
    run->reach = mem_array(NULL, run->spans.len + 1, sizeof *run->reach);
    for (size_t g = 0; g < run->match.map.keys.len; g++)
        order_group(run, g);
    return 0;
}

static void near_stop(struct step *s)
{
    const struct near_plan *plan = s->plan;
    struct near_run *run = s->run;
    if (!run)
        return;
    match_release(&run->match);
    vec_release(&run->spans);
    mem_free(run->ordered);
    mem_free(run->reach);
    side_clear(plan->side);
    mem_free(run);
    s->run = NULL;
}

static int near_start(struct step *s, struct error *e)
{
    struct near_run *run = mem_alloc(sizeof *run);
    s->run = run;
    int rc = near_load(s, run, e);
    if (rc)
        near_stop(s);
    return rc;
}

/* The group's spans. */
static size_t group_spans(const struct near_run *run, size_t group, const struct span **spans,
                          const struct point **reach)
{
    uint32_t first = run->match.starts[group], end = run->match.starts[group + 1];
    while (end > first && run->match.rows[end - 1] == UINT32_MAX)
        end--;
    *spans = run->ordered + first;
    *reach = run->reach + first;
    return end - first;
}

/* Spans whose low lies before p, or at it when `at` is set. */
static size_t count_before(bool is_time, const struct span *spans, size_t n, struct point p,
                           bool at)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_points(is_time, spans[middle].low, p);
        if (order < 0 || (order == 0 && at))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The side row nearest to p in the direction wanted; UINT32_MAX when none is near enough. */
static uint32_t nearest(const struct step *s, const struct span *spans, size_t n, struct point p)
{
    const struct near_plan *plan = s->plan;
    bool is_time = plan->is_time, exact = arg_bool(s, "exact");
    int direction = arg_choice(s, "direction");
    size_t before = count_before(is_time, spans, n, p, exact);
    size_t behind = count_before(is_time, spans, n, p, !exact);
    const struct span *back =
        direction != DIRECTION_FORWARD && before > 0 ? &spans[before - 1] : NULL;
    const struct span *next = direction != DIRECTION_BACKWARD && behind < n ? &spans[behind] : NULL;
    double to_back = back ? distance(is_time, p, back->low) : (double)INFINITY;
    double to_next = next ? distance(is_time, next->low, p) : (double)INFINITY;
    double limit = is_time ? (double)plan->limit.time : plan->limit.number;
    const struct span *best = to_back <= to_next ? back : next;
    if (!best || (plan->has_limit && fmin(to_back, to_next) > limit))
        return UINT32_MAX;
    return best->row;
}

static int asof_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct near_plan *plan = s->plan;
    const struct near_run *run = s->run;
    struct point *points = batch_array(b, b->rows, sizeof *points);
    uint32_t *partner = batch_array(b, b->rows, sizeof *partner);
    int rc = read_points(b, plan->on, arg_string(s, "on"), plan->is_time, points, e);
    if (rc) {
        batch_free(b);
        return rc;
    }
    struct match_reader reader = match_reader(&run->match, b);
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = match_find(&reader, r);
        const struct span *spans;
        const struct point *reach;
        partner[r] = UINT32_MAX;
        if (group != MAP_NONE && !is_nowhere(plan->is_time, points[r])) {
            size_t n = group_spans(run, group, &spans, &reach);
            partner[r] = nearest(s, spans, n, points[r]);
        }
    }
    match_reader_release(&reader);
    side_add_columns(plan->side, &plan->take, b, partner, b->rows);
    return emit(out, b, e);
}

struct found {
    VEC(uint32_t) left, right;
};

static int by_row(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Adds the side rows whose interval holds p, in the order of the file. */
static void find_intervals(const struct step *s, const struct near_run *run, size_t group,
                           struct point p, struct found *found)
{
    bool is_time = run->plan->is_time;
    int closed = arg_choice(s, "closed");
    bool at_low = closed == CLOSED_BOTH || closed == CLOSED_LEFT;
    bool at_high = closed == CLOSED_BOTH || closed == CLOSED_RIGHT;
    const struct span *spans;
    const struct point *reach;
    size_t n = group_spans(run, group, &spans, &reach), first = found->right.len;
    for (size_t i = count_before(is_time, spans, n, p, at_low); i-- > 0;) {
        if (compare_points(is_time, reach[i], p) < 0)
            break;
        int order = compare_points(is_time, spans[i].high, p);
        if (order > 0 || (order == 0 && at_high))
            vec_push(&found->right, spans[i].row);
    }
    if (found->right.len - first > 1)
        qsort(found->right.at + first, found->right.len - first, sizeof *found->right.at, by_row);
}

static void find_all(const struct step *s, struct batch *b, const struct point *points,
                     struct found *found)
{
    const struct near_run *run = s->run;
    bool keeps_left = arg_choice(s, "how") == 1;
    struct match_reader reader = match_reader(&run->match, b);
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = match_find(&reader, r);
        if (group != MAP_NONE && !is_nowhere(run->plan->is_time, points[r]))
            find_intervals(s, run, group, points[r], found);
        if (keeps_left && found->right.len == found->left.len)
            vec_push(&found->right, UINT32_MAX);
        while (found->left.len < found->right.len)
            vec_push(&found->left, (uint32_t)r);
    }
    match_reader_release(&reader);
}

static int range_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct near_plan *plan = s->plan;
    struct point *points = batch_array(b, b->rows, sizeof *points);
    int rc = read_points(b, plan->on, arg_string(s, "value"), plan->is_time, points, e);
    if (rc) {
        batch_free(b);
        return rc;
    }
    struct found found = {0};
    find_all(s, b, points, &found);
    struct pairs pairs = {.left = found.left.at, .right = found.right.at, .n = found.left.len};
    side_pair(plan->side, &plan->take, b, &pairs);
    vec_release(&found.left);
    vec_release(&found.right);
    return emit(out, b, e);
}

#define SIDE_ARGS                                                                                  \
    {.name = "by", .kind = ARG_LIST, .help = "columns that must be equal, as in join: a,b=c"},     \
        {.name = "take",                                                                           \
         .kind = ARG_TEXT,                                                                         \
         .help = "columns of the file to add, as a selection (default: all but its keys)"},        \
    {                                                                                              \
        .name = "suffix", .kind = ARG_TEXT, .fallback = "_right",                                  \
        .help = "appended to a name of the file's that is taken"                                   \
    }
#define FILE_ARG                                                                                   \
    {                                                                                              \
        .name = "file", .kind = ARG_FILE, .help = "the other table", .positional = true,           \
        .required = true                                                                           \
    }

static const struct arg asof_args[] = {
    FILE_ARG,
    {.name = "on",
     .kind = ARG_LIST,
     .help = "the column of numbers or times; a=b when the file calls a b",
     .required = true},
    {.name = "direction",
     .kind = ARG_CHOICE,
     .fallback = "backward",
     .help = "take the last row at or before, the first at or behind, or the nearer of both",
     .choices = "backward forward nearest"},
    {.name = "tolerance",
     .kind = ARG_TEXT,
     .help = "how far at most: a number, or a duration such as 2h"},
    {.name = "exact",
     .kind = ARG_BOOL,
     .fallback = "true",
     .help = "whether an equal value counts"},
    SIDE_ARGS,
    {0},
};
static const struct arg range_args[] = {
    FILE_ARG,
    {.name = "value", .kind = ARG_COLUMN, .help = "the column that lies within", .required = true},
    {.name = "low",
     .kind = ARG_TEXT,
     .help = "the file's column where its intervals begin",
     .required = true},
    {.name = "high",
     .kind = ARG_TEXT,
     .help = "the file's column where they end",
     .required = true},
    {.name = "closed",
     .kind = ARG_CHOICE,
     .fallback = "both",
     .help = "ends that belong to an interval",
     .choices = "both left right none"},
    {.name = "how",
     .kind = ARG_CHOICE,
     .fallback = "inner",
     .help = "left keeps rows that lie in no interval",
     .choices = "inner left"},
    SIDE_ARGS,
    {0},
};

#define NEAR                                                                                       \
    .family = "combine", .close = near_close, .shape = near_shape, .start = near_start,            \
    .stop = near_stop, .needs_all = true

const struct step_kind steps_combine_near[] = {
    {
        .name = "join_asof",
        .aliases = "merge_asof asof_join",
        .class = "W",
        .summary = "add the columns of the file's row that is nearest in a number or time",
        .details = "All rows stay, in their order, with missing cells where no row is near enough. "
                   "Neither table need be sorted (pandas wants both so): the file is held in "
                   "memory and sorted there. Of file rows with equal values backward takes the "
                   "last, forward the first; nearest takes backward when both are as far. A file "
                   "column of another name than on= is kept, so that the distance can be seen.",
        .args = asof_args,
        .example = {.program = "join_asof quotes.csv on=t by=id",
                    .input = "id,t\na,5\na,1\nb,9\n",
                    .output = "id,t,price\na,5,20\na,1,\nb,9,30\n",
                    .file_name = "quotes.csv",
                    .file = "id,t,price\na,2,10\na,4,20\nb,7,30\na,6,40\n"},
        .open = asof_open,
        .push = asof_push,
        NEAR,
    },
    {
        .name = "join_range",
        .aliases = "interval_join",
        .class = "W",
        .summary = "add the columns of the file's rows whose interval holds a value",
        .details = "A row that lies in several intervals leaves once for each, in the file's "
                   "order. The file is held in memory, sorted by where its intervals begin.",
        .args = range_args,
        .example = {.program =
                        "join_range bands.csv value=age low=from high=to closed=left how=left",
                    .input = "name,age\nAda,36\nBob,8\nEve,70\n",
                    .output =
                        "name,age,from,to,band\nAda,36,18,65,adult\nBob,8,0,18,child\nEve,70,,,\n",
                    .file_name = "bands.csv",
                    .file = "from,to,band\n0,18,child\n18,65,adult\n"},
        .open = range_open,
        .push = range_push,
        NEAR,
    },
    {0},
};
