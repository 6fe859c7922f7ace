/* Joins whose keys need not be equal: join_asof (the nearest value), join_range (an interval that
 * holds it). */
#include "steps/near.h"
#include "steps/steps.h"

#include <math.h>
#include <stdlib.h>

enum { CLOSED_BOTH, CLOSED_LEFT, CLOSED_RIGHT, CLOSED_NONE };

/* A row of the side table. */
struct spot {
    struct span span;
    uint32_t row;
};

struct near_plan {
    struct beside table;
    size_t on, low, high; /* on in the stream, the others in the side table */
    const char *on_name;
    struct near_rule rule;
};

/* The side table's rows, by group of `by`, ordered by low. */
struct near_run {
    struct beside_rows rows;
    struct near_disk disk;
    VEC(struct spot) spots; /* by side row, until they are put in order */
    struct spot *ordered;   /* at the places of rows.match.rows */
    struct point *reach;    /* the largest high up to that place, from its group's first on */
    const struct near_plan *plan;
};

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
    *out = schema_find(plan->table.side->schema, name);
    if (*out != FIELD_NONE)
        return 0;
    return step_error(s, e, "the file has no column %s", quote(quoted, name.at, name.len));
}

static int read_limit(struct step *s, struct near_rule *rule, struct error *e)
{
    struct text text = arg_text(s, "tolerance");
    char quoted[QUOTE_MAX];
    rule->has_limit = text.at != NULL;
    bool good =
        !text.at || (rule->is_time ? duration_parse(text.at, text.len, &rule->limit.time)
                                   : number_parse_double(text.at, text.len, &rule->limit.number));
    return good ? 0
                : step_error(s, e, "tolerance: expected a %s, not %s",
                             rule->is_time ? "duration" : "number",
                             quote(quoted, text.at, text.len));
}

static int asof_open(struct step *s, const struct schema *in, struct error *e)
{
    struct near_plan *plan = arena_zero(&s->arena, sizeof *plan);
    struct match_key *on;
    size_t count;
    s->plan = plan;
    int rc = beside_open(s, in, "by", &plan->table, e);
    if (rc == 0)
        rc = match_keys(s, "on", in, plan->table.side->schema, &on, &count, e);
    if (rc)
        return rc;
    if (count != 1)
        return step_error(s, e, "on: expected one column");
    plan->on = on->left;
    plan->on_name = arg_string(s, "on");
    plan->low = plan->high = on->right;
    plan->rule = (struct near_rule){.is_time = on->as == MATCH_TIME,
                                    .direction = (enum near_direction)arg_choice(s, "direction"),
                                    .exact = arg_bool(s, "exact"),
                                    .keeps_left = true};
    bool same_name = strcmp(in->fields.at[on->left].name,
                            plan->table.side->schema->fields.at[on->right].name) == 0;
    rc = read_limit(s, &plan->rule, e);
    return rc ? rc
              : beside_take(s, &plan->table, arg_text(s, "take"),
                            same_name ? on->right : FIELD_NONE, e);
}

static int range_open(struct step *s, const struct schema *in, struct error *e)
{
    struct near_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    int rc = beside_open(s, in, "by", &plan->table, e);
    if (rc == 0)
        rc = arg_column(s, "value", in, &plan->on, e);
    if (rc == 0)
        rc = find_right(s, plan, arg_text(s, "low"), &plan->low, e);
    if (rc == 0)
        rc = find_right(s, plan, arg_text(s, "high"), &plan->high, e);
    if (rc)
        return rc;
    int closed = arg_choice(s, "closed");
    plan->on_name = arg_string(s, "value");
    plan->rule = (struct near_rule){
        .is_time = match_key(in, plan->on, plan->table.side->schema, plan->low).as == MATCH_TIME,
        .at_low = closed == CLOSED_BOTH || closed == CLOSED_LEFT,
        .at_high = closed == CLOSED_BOTH || closed == CLOSED_RIGHT,
        .keeps_left = arg_choice(s, "how") == 1};
    return beside_take(s, &plan->table, arg_text(s, "take"), FIELD_NONE, e);
}

static void near_close(struct step *s)
{
    struct near_plan *plan = s->plan;
    side_free(plan->table.side);
}

static int near_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct near_plan *plan = s->plan;
    return side_add_fields(s, plan->table.side, &plan->table.take, arg_text(s, "suffix"), schema,
                           e);
}

/* Where the rows of a batch of the side table stand. */
static int side_spans(void *context, struct batch *b, struct span *out, struct error *e)
{
    const struct near_plan *plan = ((const struct step *)context)->plan;
    const struct field *fields = plan->table.side->schema->fields.at;
    bool is_time = plan->rule.is_time;
    struct point *low = batch_array(b, b->rows, sizeof *low), *high = low;
    int rc = read_points(b, plan->low, fields[plan->low].name, is_time, low, e);
    if (rc == 0 && plan->high != plan->low) {
        high = batch_array(b, b->rows, sizeof *high);
        rc = read_points(b, plan->high, fields[plan->high].name, is_time, high, e);
    }
    for (size_t r = 0; rc == 0 && r < b->rows; r++)
        out[r] = (struct span){low[r], high[r]};
    return rc;
}

static int add_side(void *context, struct batch *b, size_t *held, struct error *e)
{
    struct near_run *run = ((const struct step *)context)->run;
    struct span *spans = batch_array(b, b->rows, sizeof *spans);
    int rc = side_spans(context, b, spans, e);
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        struct spot spot = {spans[r], (uint32_t)run->spots.len};
        vec_push(&run->spots, spot);
    }
    *held = run->spots.cap * (2 * sizeof *run->ordered + sizeof *run->reach);
    return rc;
}

static int by_number(const void *a, const void *b)
{
    const struct spot *x = a, *y = b;
    int order = point_compare(false, x->span.low, y->span.low);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

static int by_time(const void *a, const void *b)
{
    const struct spot *x = a, *y = b;
    int order = point_compare(true, x->span.low, y->span.low);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

/* Orders one group; rows without a value go out of it. */
static void order_group(struct near_run *run, size_t group)
{
    bool is_time = run->plan->rule.is_time;
    uint32_t first = run->rows.match.starts[group], end = run->rows.match.starts[group + 1];
    struct spot *spots = run->ordered + first;
    size_t n = 0;
    for (uint32_t i = first; i < end; i++) {
        struct spot spot = run->spots.at[run->rows.match.rows[i]];
        if (!point_missing(is_time, spot.span.low) && !point_missing(is_time, spot.span.high))
            spots[n++] = spot;
    }
    qsort(spots, n, sizeof *spots, is_time ? by_time : by_number);
    for (size_t i = 0; i < n; i++) {
        run->rows.match.rows[first + i] = spots[i].row;
        run->reach[first + i] = spots[i].span.high;
        if (i > 0 && point_compare(is_time, run->reach[first + i - 1], spots[i].span.high) > 0)
            run->reach[first + i] = run->reach[first + i - 1];
    }
    for (uint32_t i = first + (uint32_t)n; i < end; i++)
        run->rows.match.rows[i] = UINT32_MAX;
}

static void order_rows(struct near_run *run)
{
    run->ordered = mem_array(NULL, run->spots.len + 1, sizeof *run->ordered);
    run->reach = mem_array(NULL, run->spots.len + 1, sizeof *run->reach);
    for (size_t g = 0; g < run->rows.match.map.keys.len; g++)
        order_group(run, g);
}

static int finish_pairs(void *context, struct batch *b, const struct paired *r, struct emit *out,
                        struct error *e)
{
    const struct near_plan *plan = ((const struct step *)context)->plan;
    pairing_add_columns(plan->table.side, &plan->table.take, b, r);
    return emit(out, b, e);
}

static int pair_asof(struct pairing *p, void *context, struct error *e)
{
    return near_pair_asof(p, &((struct near_run *)((struct step *)context)->run)->disk, e);
}

static int pair_range(struct pairing *p, void *context, struct error *e)
{
    return near_pair_range(p, &((struct near_run *)((struct step *)context)->run)->disk, e);
}

static void near_stop(struct step *s)
{
    const struct near_plan *plan = s->plan;
    struct near_run *run = s->run;
    if (!run)
        return;
    beside_clear(&plan->table, &run->rows);
    pair_list_free(run->disk.lists[0]);
    pair_list_free(run->disk.lists[1]);
    vec_release(&run->spots);
    mem_free(run->ordered);
    mem_free(run->reach);
    mem_free(run);
    s->run = NULL;
}

static int near_start(struct step *s,
                      int (*pair)(struct pairing *p, void *context, struct error *e),
                      struct error *e)
{
    const struct near_plan *plan = s->plan;
    struct near_run *run = mem_alloc(sizeof *run);
    struct pairing_rules how = {.on_line = true,
                                .is_time = plan->rule.is_time,
                                .keeps_left = plan->rule.keeps_left,
                                .pair = pair,
                                .finish = finish_pairs,
                                .context = s};
    s->run = run;
    run->plan = plan;
    run->disk = (struct near_disk){&plan->rule, {pair_list_new(s), pair_list_new(s)}};
    int rc = beside_load(s, &plan->table, &run->rows, add_side, &how, side_spans, e);
    if (rc)
        near_stop(s);
    else if (!run->rows.disk)
        order_rows(run);
    else
        vec_release(&run->spots);
    return rc;
}

static int asof_start(struct step *s, struct error *e)
{
    return near_start(s, pair_asof, e);
}

static int range_start(struct step *s, struct error *e)
{
    return near_start(s, pair_range, e);
}

static int push_to_disk(struct step *s, struct batch *b, const struct point *points,
                        struct error *e)
{
    struct near_run *run = s->run;
    struct span *spans = batch_array(b, b->rows, sizeof *spans);
    for (size_t r = 0; r < b->rows; r++)
        spans[r] = (struct span){points[r], points[r]};
    return beside_push(&run->rows, b, spans, e);
}

static int near_flush(struct step *s, struct emit *out, struct error *e)
{
    return beside_flush(&((struct near_run *)s->run)->rows, out, e);
}

/* The group's rows. */
static size_t group_spots(const struct near_run *run, size_t group, const struct spot **spots,
                          const struct point **reach)
{
    uint32_t first = run->rows.match.starts[group], end = run->rows.match.starts[group + 1];
    while (end > first && run->rows.match.rows[end - 1] == UINT32_MAX)
        end--;
    *spots = run->ordered + first;
    *reach = run->reach + first;
    return end - first;
}

/* Rows whose low lies before p, or at it when `at` is set. */
static size_t count_before(bool is_time, const struct spot *spots, size_t n, struct point p,
                           bool at)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = point_compare(is_time, spots[middle].span.low, p);
        if (order < 0 || (order == 0 && at))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The side row nearest to p in the direction wanted; UINT32_MAX when none is near enough. */
static uint32_t nearest(const struct near_rule *rule, const struct spot *spots, size_t n,
                        struct point p)
{
    size_t before = count_before(rule->is_time, spots, n, p, rule->exact);
    size_t behind = count_before(rule->is_time, spots, n, p, !rule->exact);
    int chosen = near_choose(rule, p, before > 0 ? &spots[before - 1].span.low : NULL,
                             behind < n ? &spots[behind].span.low : NULL);
    if (chosen == 0)
        return UINT32_MAX;
    return spots[chosen < 0 ? before - 1 : behind].row;
}

static int asof_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct near_plan *plan = s->plan;
    const struct near_run *run = s->run;
    bool is_time = plan->rule.is_time;
    struct point *points = batch_array(b, b->rows, sizeof *points);
    uint32_t *partner = batch_array(b, b->rows, sizeof *partner);
    int rc = read_points(b, plan->on, plan->on_name, is_time, points, e);
    if (rc) {
        batch_free(b);
        return rc;
    }
    if (run->rows.disk)
        return push_to_disk(s, b, points, e);
    struct match_reader reader = match_reader(&run->rows.match, b);
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = match_find(&reader, r);
        const struct spot *spots;
        const struct point *reach;
        partner[r] = UINT32_MAX;
        if (group != MAP_NONE && !point_missing(is_time, points[r])) {
            size_t n = group_spots(run, group, &spots, &reach);
            partner[r] = nearest(&plan->rule, spots, n, points[r]);
        }
    }
    match_reader_release(&reader);
    side_add_columns(plan->table.side, &plan->table.take, b, partner, b->rows);
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
static void find_intervals(const struct near_run *run, size_t group, struct point p,
                           struct found *found)
{
    const struct near_rule *rule = &run->plan->rule;
    const struct spot *spots;
    const struct point *reach;
    size_t n = group_spots(run, group, &spots, &reach), first = found->right.len;
    for (size_t i = count_before(rule->is_time, spots, n, p, rule->at_low); i-- > 0;) {
        if (point_compare(rule->is_time, reach[i], p) < 0)
            break;
        if (near_holds(rule, &spots[i].span, p))
            vec_push(&found->right, spots[i].row);
    }
    if (found->right.len - first > 1)
        qsort(found->right.at + first, found->right.len - first, sizeof *found->right.at, by_row);
}

static void find_all(const struct near_run *run, struct batch *b, const struct point *points,
                     struct found *found)
{
    const struct near_rule *rule = &run->plan->rule;
    struct match_reader reader = match_reader(&run->rows.match, b);
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = match_find(&reader, r);
        if (group != MAP_NONE && !point_missing(rule->is_time, points[r]))
            find_intervals(run, group, points[r], found);
        if (rule->keeps_left && found->right.len == found->left.len)
            vec_push(&found->right, UINT32_MAX);
        while (found->left.len < found->right.len)
            vec_push(&found->left, (uint32_t)r);
    }
    match_reader_release(&reader);
}

static int range_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct near_plan *plan = s->plan;
    const struct near_run *run = s->run;
    struct point *points = batch_array(b, b->rows, sizeof *points);
    int rc = read_points(b, plan->on, plan->on_name, plan->rule.is_time, points, e);
    if (rc) {
        batch_free(b);
        return rc;
    }
    if (run->rows.disk)
        return push_to_disk(s, b, points, e);
    struct found found = {0};
    find_all(run, b, points, &found);
    struct pairs pairs = {.left = found.left.at, .right = found.right.at, .n = found.left.len};
    side_pair(plan->table.side, &plan->table.take, b, &pairs);
    vec_release(&found.left);
    vec_release(&found.right);
    return emit(out, b, e);
}

#define NEAR_ARGS BESIDE_ARGS("columns that must be equal, as in join: a,b=c", "its keys")

static const struct arg asof_args[] = {
    SIDE_FILE_ARG,
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
    NEAR_ARGS,
    {0},
};
static const struct arg range_args[] = {
    SIDE_FILE_ARG,
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
    NEAR_ARGS,
    {0},
};

#define NEAR                                                                                       \
    .family = "combine", .close = near_close, .shape = near_shape, .flush = near_flush,            \
    .stop = near_stop, .needs_all = true

const struct step_kind steps_combine_near[] = {
    {
        .name = "join_asof",
        .aliases = "merge_asof asof_join",
        .class = "W",
        .summary = "add the columns of the file's row that is nearest in a number or time",
        .details = "All rows stay, in their order, with missing cells where no row is near enough. "
                   "Neither table need be sorted (pandas wants both so): the file is held in "
                   "memory and sorted there; one that does not fit in --memory is sorted on disk, "
                   "and so are the rows, which leave after the last one has come. Of file rows "
                   "with equal values backward takes the "
                   "last, forward the first; nearest takes backward when both are as far. A file "
                   "column of another name than on= is kept, so that the distance can be seen.",
        .args = asof_args,
        .example = {.program = "join_asof quotes.csv on=t by=id",
                    .input = "id,t\na,5\na,1\nb,9\n",
                    .output = "id,t,price\na,5,20\na,1,\nb,9,30\n",
                    .file_name = "quotes.csv",
                    .file = "id,t,price\na,2,10\na,4,20\nb,7,30\na,6,40\n"},
        .open = asof_open,
        .start = asof_start,
        .push = asof_push,
        NEAR,
    },
    {
        .name = "join_range",
        .aliases = "interval_join",
        .class = "W",
        .summary = "add the columns of the file's rows whose interval holds a value",
        .details =
            "A row that lies in several intervals leaves once for each, in the file's "
            "order. The file is held in memory, sorted by where its intervals begin; one that "
            "does not fit in --memory is sorted on disk, and so are the rows, which leave "
            "after the last one has come.",
        .args = range_args,
        .example = {.program =
                        "join_range bands.csv value=age low=from high=to closed=left how=left",
                    .input = "name,age\nAda,36\nBob,8\nEve,70\n",
                    .output =
                        "name,age,from,to,band\nAda,36,18,65,adult\nBob,8,0,18,child\nEve,70,,,\n",
                    .file_name = "bands.csv",
                    .file = "from,to,band\n0,18,child\n18,65,adult\n"},
        .open = range_open,
        .start = range_start,
        .push = range_push,
        NEAR,
    },
    {0},
};
