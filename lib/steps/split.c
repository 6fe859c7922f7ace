/* Steps that divide a table into parts: by chance, by key, by time, in order, by class. */
#include "prep/part_files.h"
#include "stats/stats.h"
#include "steps/draw.h"
#include "steps/steps.h"

#include <math.h>

enum split_how { SPLIT_RANDOM, SPLIT_KEY, SPLIT_TIME, SPLIT_ORDERED, SPLIT_STRATIFIED };

struct split_plan {
    enum split_how how;
    size_t parts;
    struct text *names;
    double *until;          /* sum of the shares up to and with this part; the last is 1 */
    size_t *key, key_count; /* columns of by= */
    size_t column;          /* of by_time= or stratify= */
    const char *column_name;
    bool is_time;         /* by_time= holds times, else numbers */
    struct schema schema; /* for files= */
};

static int read_parts(struct step *s, struct split_plan *plan, struct error *e)
{
    plan->parts = s->pairs.len;
    plan->names = arena_alloc(&s->arena, plan->parts * sizeof *plan->names);
    plan->until = arena_alloc(&s->arena, plan->parts * sizeof *plan->until);
    double sum = 0, share;
    for (size_t i = 0; i < plan->parts; i++) {
        const struct pair *p = &s->pairs.at[i];
        char quoted[QUOTE_MAX];
        bool good = number_parse_double(p->value.at, p->value.len, &share);
        if (!good || share <= 0 || share > 1)
            return step_error(s, e, "expected a share above 0 and up to 1, not %s",
                              quote(quoted, p->value.at, p->value.len));
        for (size_t k = 0; k < i; k++)
            if (text_equal(plan->names[k], p->name))
                return step_error(s, e, "two parts are called %s",
                                  quote(quoted, p->name.at, p->name.len));
        plan->names[i] = p->name;
        sum += share;
        plan->until[i] = sum;
    }
    if (fabs(sum - 1) > 1e-9)
        return step_error(s, e, "the shares add up to %.10g, expected 1", sum);
    plan->until[plan->parts - 1] = 1;
    return 0;
}

/* how= or what the other arguments imply. */
static int read_how(struct step *s, struct split_plan *plan, struct error *e)
{
    static const char *const needs[] = {NULL, "by", "by_time", NULL, "stratify"};
    enum split_how how = SPLIT_RANDOM;
    int given = 0;
    for (size_t i = 0; i < COUNT_OF(needs); i++)
        if (needs[i] && arg_given(s, needs[i])) {
            how = (enum split_how)i;
            given++;
        }
    if (given > 1)
        return step_error(s, e, "by=, by_time= and stratify= exclude each other");
    if (arg_given(s, "how")) {
        enum split_how wanted = (enum split_how)arg_choice(s, "how");
        if (given == 1 && wanted != how)
            return step_error(s, e, "%s= does not go with this how=", needs[how]);
        how = wanted;
    }
    if (needs[how] && given == 0)
        return step_error(s, e, "expected %s=COLUMN", needs[how]);
    plan->how = how;
    return 0;
}

static int open_columns(struct step *s, const struct schema *in, struct split_plan *plan,
                        struct error *e)
{
    const char *name = plan->how == SPLIT_TIME ? "by_time" : "stratify";
    if (plan->how == SPLIT_KEY)
        return arg_columns(s, "by", in, &plan->key, &plan->key_count, e);
    if (plan->how != SPLIT_TIME && plan->how != SPLIT_STRATIFIED)
        return 0;
    int rc = arg_column(s, name, in, &plan->column, e);
    plan->column_name = arg_string(s, name);
    if (rc == 0)
        plan->is_time = !type_is_number(in->fields.at[plan->column].type);
    return rc;
}

static int check_name(struct step *s, const struct schema *in, struct error *e)
{
    struct text name = arg_text(s, "into");
    char quoted[QUOTE_MAX];
    if (schema_find(in, name) == FIELD_NONE)
        return 0;
    return step_error(s, e, "there is a column %s already", quote(quoted, name.at, name.len));
}

static void *split_new(const struct step *s);

static int split_open(struct step *s, const struct schema *in, struct error *e)
{
    struct split_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    schema_copy(&plan->schema, in);
    int rc = read_parts(s, plan, e);
    if (rc == 0)
        rc = read_how(s, plan, e);
    if (rc == 0)
        rc = open_columns(s, in, plan, e);
    if (rc == 0 && !arg_given(s, "files"))
        rc = check_name(s, in, e);
    s->draws_by_row = plan->how == SPLIT_RANDOM;
    if (rc == 0 && plan->how <= SPLIT_KEY && !s->learnt)
        s->learnt = split_new(s); /* there is nothing to learn: no pass is needed */
    return rc;
}

static void split_close(struct step *s)
{
    schema_release(&((struct split_plan *)s->plan)->schema);
}

static int split_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    if (!arg_given(s, "files"))
        schema_add(schema, arg_text(s, "into"), TYPE_TEXT);
    return 0;
}

enum { TIMES_MEMORY = 64 << 20 };

struct split_state {
    uint64_t rows;           /* ordered */
    struct quantiles *times; /* time */
    struct counts classes;   /* stratified */
    double *cuts;            /* time: the last one of each part but the last; derived */
};

static void *split_new(const struct step *s)
{
    const struct split_plan *plan = s->plan;
    struct split_state *state = mem_alloc(sizeof *state);
    if (plan->how == SPLIT_TIME)
        state->times = quantiles_new(TIMES_MEMORY);
    return state;
}

static void split_free(void *learnt)
{
    struct split_state *state = learnt;
    quantiles_free(state->times);
    counts_release(&state->classes);
    mem_free(state->cuts);
    mem_free(state);
}

/* Times as microseconds, exact in a double for the years 1684 to 2255. */
static int read_times(const struct step *s, struct batch *b, const double **out, struct error *e)
{
    const struct split_plan *plan = s->plan;
    if (!plan->is_time)
        return batch_double(b, plan->column, plan->column_name, out, e);
    const usec *times;
    int rc = batch_time(b, plan->column, plan->column_name, &times, e);
    double *values = batch_array(b, b->rows, sizeof *values);
    for (size_t r = 0; rc == 0 && r < b->rows; r++)
        values[r] = times[r] == INT_MISSING ? (double)NAN : (double)times[r];
    *out = values;
    return rc;
}

static int learn_times(const struct step *s, struct split_state *state, struct batch *b,
                       struct error *e)
{
    const double *times;
    int rc = read_times(s, b, &times, e);
    for (size_t r = 0; rc == 0 && r < b->rows; r++)
        if (!isnan(times[r]))
            rc = quantiles_add(state->times, &times[r], 1, e);
    return rc;
}

static int split_learn(const struct step *s, void *learnt, struct batch *b, struct error *e)
{
    const struct split_plan *plan = s->plan;
    struct split_state *state = learnt;
    state->rows += b->rows;
    if (plan->how == SPLIT_TIME)
        return learn_times(s, state, b, e);
    if (plan->how != SPLIT_STRATIFIED)
        return 0;
    const struct text *cells = batch_text(b, plan->column);
    for (size_t r = 0; r < b->rows; r++)
        if (cells[r].at)
            (void)counts_add(&state->classes, cells[r], 1, 0);
    return 0;
}

static int split_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    struct split_state *a = into, *b = from;
    a->rows += b->rows;
    counts_merge(&a->classes, &b->classes);
    return a->times ? quantiles_merge(a->times, b->times, e) : 0;
}

static int split_finish(struct step *s, void *learnt, struct error *e)
{
    const struct split_plan *plan = s->plan;
    struct split_state *state = learnt;
    if (!state->times)
        return 0;
    mem_free(state->cuts);
    state->cuts = mem_array(NULL, plan->parts, sizeof *state->cuts);
    return quantiles_at(state->times, plan->until, plan->parts, state->cuts, e);
}

static json_t *save_cuts(const struct split_plan *plan, const struct split_state *state)
{
    json_t *list = json_array();
    for (size_t i = 0; state->cuts && i + 1 < plan->parts; i++) {
        char text[TIME_MAX + 1];
        double cut = state->cuts[i];
        if (plan->is_time && isfinite(cut)) {
            size_t n = time_print(text, (usec)cut);
            json_array_append_new(list, json_stringn(text, n));
        } else {
            json_array_append_new(list, isfinite(cut) ? json_real(cut) : json_null());
        }
    }
    return list;
}

static json_t *split_save(const struct step *s, const void *learnt)
{
    const struct split_plan *plan = s->plan;
    const struct split_state *state = learnt;
    json_t *j = json_object();
    json_object_set_new(j, "rows", json_integer((json_int_t)state->rows));
    if (plan->how == SPLIT_STRATIFIED)
        json_object_set_new(j, "classes", counts_save(&state->classes));
    if (plan->how == SPLIT_TIME) {
        json_object_set_new(j, "times", quantiles_save(state->times, NULL));
        json_object_set_new(j, "cuts", save_cuts(plan, state));
    }
    return j;
}

static int split_load(const struct step *s, void *learnt, const json_t *j, struct error *e)
{
    const struct split_plan *plan = s->plan;
    struct split_state *state = learnt;
    const json_t *rows = json_object_get(j, "rows");
    if (!json_is_integer(rows) || json_integer_value(rows) < 0)
        return error_set(e, ERR_DATA, "rows: expected a whole number, not negative");
    state->rows = (uint64_t)json_integer_value(rows);
    if (plan->how == SPLIT_TIME)
        return quantiles_load(state->times, json_object_get(j, "times"), e);
    if (plan->how == SPLIT_STRATIFIED)
        return counts_load(&state->classes, json_object_get(j, "classes"), e);
    return 0;
}

#define NO_PART UINT32_MAX

struct split_run {
    uint64_t row;
    uint64_t *left; /* stratified: [class][parts] rows still to be dealt to each part */
    struct part_files *files;
    size_t *file; /* of each part */
};

static uint32_t part_of_share(const struct split_plan *plan, double u)
{
    size_t part = 0;
    while (part + 1 < plan->parts && u >= plan->until[part])
        part++;
    return (uint32_t)part;
}

static uint64_t key_of(const struct split_plan *plan, struct batch *b, size_t row)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < plan->key_count; i++) {
        struct text cell = batch_text(b, plan->key[i])[row];
        hash = hash_u64(hash + (cell.at ? hash_bytes(cell.at, cell.len, 0) : 1));
    }
    return hash;
}

/* By largest remainder: the rows of a class that each part gets add up to the class's. */
static void deal_class(const struct split_plan *plan, uint64_t rows, uint64_t *left)
{
    uint64_t before = 0;
    for (size_t i = 0; i < plan->parts; i++) {
        uint64_t until = (uint64_t)floor(plan->until[i] * (double)rows + 0.5);
        left[i] = until - before;
        before = until;
    }
}

/* The part a row of the class gets, with the same probability for every way to deal them. */
static uint32_t draw_part(const struct split_plan *plan, uint64_t *left, double u)
{
    uint64_t all = 0;
    for (size_t i = 0; i < plan->parts; i++)
        all += left[i];
    if (all == 0)
        return part_of_share(plan, u);
    uint64_t place = (uint64_t)(u * (double)all);
    size_t part = 0;
    while (part + 1 < plan->parts && place >= left[part])
        place -= left[part++];
    left[part] -= left[part] > 0;
    return (uint32_t)part;
}

static void deal_stratified(const struct step *s, struct batch *b, uint32_t *part)
{
    const struct split_plan *plan = s->plan;
    const struct split_state *state = s->learnt;
    struct split_run *run = s->run;
    const struct text *cells = batch_text(b, plan->column);
    for (size_t r = 0; r < b->rows; r++) {
        double u = draw_unit(s, batch_row_id(b, r));
        size_t class = cells[r].at ? map_get(&state->classes.map, cells[r]) : MAP_NONE;
        if (class == MAP_NONE || !s->context->training)
            part[r] = part_of_share(plan, u);
        else
            part[r] = draw_part(plan, run->left + class * plan->parts, u);
    }
}

static int deal_times(const struct step *s, struct batch *b, uint32_t *part, struct error *e)
{
    const struct split_plan *plan = s->plan;
    const struct split_state *state = s->learnt;
    const double *times;
    int rc = read_times(s, b, &times, e);
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        size_t p = 0;
        while (p + 1 < plan->parts && times[r] > state->cuts[p])
            p++;
        part[r] = isnan(times[r]) ? NO_PART : (uint32_t)p;
    }
    return rc;
}

static void deal_ordered(const struct step *s, struct batch *b, uint32_t *part)
{
    const struct split_plan *plan = s->plan;
    const struct split_state *state = s->learnt;
    struct split_run *run = s->run;
    double all = (double)state->rows;
    for (size_t r = 0; r < b->rows; r++) {
        size_t p = 0;
        while (p + 1 < plan->parts && run->row >= (uint64_t)floor(plan->until[p] * all + 0.5))
            p++;
        part[r] = (uint32_t)p;
        run->row++;
    }
}

static int deal(const struct step *s, struct batch *b, uint32_t *part, struct error *e)
{
    const struct split_plan *plan = s->plan;
    if (plan->how == SPLIT_TIME)
        return deal_times(s, b, part, e);
    if (plan->how == SPLIT_STRATIFIED)
        deal_stratified(s, b, part);
    else if (plan->how == SPLIT_ORDERED)
        deal_ordered(s, b, part);
    for (size_t r = 0; r < b->rows && plan->how <= SPLIT_KEY; r++) {
        uint64_t counter = plan->how == SPLIT_KEY ? key_of(plan, b, r) : batch_row_id(b, r);
        part[r] = part_of_share(plan, draw_unit(s, counter));
    }
    return 0;
}

static int split_start(struct step *s, struct error *e)
{
    (void)e;
    const struct split_plan *plan = s->plan;
    const struct split_state *state = s->learnt;
    struct split_run *run = mem_alloc(sizeof *run);
    s->run = run;
    size_t classes = state->classes.map.keys.len;
    run->left = mem_array(NULL, classes * plan->parts + 1, sizeof *run->left);
    for (size_t i = 0; i < classes; i++)
        deal_class(plan, state->classes.n.at[i], run->left + i * plan->parts);
    return 0;
}

static void split_stop(struct step *s)
{
    struct split_run *run = s->run;
    part_files_free(run->files);
    mem_free(run->file);
    mem_free(run->left);
    mem_free(run);
    s->run = NULL;
}

/* All parts get a file, also those without rows. */
static int open_files(struct step *s, bool jsonl, struct error *e)
{
    const struct split_plan *plan = s->plan;
    struct split_run *run = s->run;
    if (run->files)
        return 0;
    run->files = part_files_new(s, &plan->schema, jsonl);
    run->file = mem_array(NULL, plan->parts, sizeof *run->file);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < plan->parts; i++)
        rc = part_files_part(run->files, plan->names[i], &run->file[i], e);
    return rc;
}

static int write_rows(struct step *s, struct batch *b, const uint32_t *part, struct error *e)
{
    struct split_run *run = s->run;
    int rc = open_files(s, b->format && b->format->kind == FORMAT_JSONL, e);
    for (size_t r = 0; rc == 0 && r < b->rows; r++)
        if (part[r] != NO_PART)
            rc = part_files_add(run->files, run->file[part[r]], b, r, e);
    return rc;
}

static void add_names(const struct split_plan *plan, struct batch *b, const uint32_t *part)
{
    struct text *names = batch_array(b, b->rows, sizeof *names);
    for (size_t r = 0; r < b->rows; r++)
        names[r] = part[r] == NO_PART ? (struct text){NULL, 0} : plan->names[part[r]];
    (void)batch_add(b, column_of_text(names));
}

static int split_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    uint32_t *part = batch_array(b, b->rows, sizeof *part);
    int rc = deal(s, b, part, e);
    bool files = arg_given(s, "files");
    if (rc == 0 && files)
        rc = write_rows(s, b, part, e);
    else if (rc == 0)
        add_names(s->plan, b, part);
    if (rc == 0 && !files) {
        batch_drop_rejected(b);
        return emit(out, b, e);
    }
    batch_free(b);
    return rc;
}

static int split_flush(struct step *s, struct emit *out, struct error *e)
{
    (void)out;
    struct split_run *run = s->run;
    if (!arg_given(s, "files"))
        return 0;
    int rc = open_files(s, false, e);
    return rc ? rc : part_files_commit(run->files, e);
}

/* Else it goes by the rows before, or to files of which each shard would write its own. */
static bool split_shards(const struct step *s)
{
    const struct split_plan *plan = s->plan;
    return (plan->how <= SPLIT_KEY || plan->how == SPLIT_TIME) && !arg_given(s, "files");
}

#define FILES_HELP                                                                                 \
    "write the rows to files instead, named so with the part's name for {} or behind it"

static const struct arg split_args[] = {
    {.name = "parts",
     .kind = ARG_PAIRS,
     .help = "name=share of each part, adding up to 1",
     .required = true},
    {.name = "by_time", .kind = ARG_COLUMN, .help = "the earliest rows go to the first part"},
    {.name = "by", .kind = ARG_COLUMNS, .help = "rows with the same key go to the same part"},
    {.name = "stratify", .kind = ARG_COLUMN, .help = "each part gets its share of every class"},
    {.name = "how",
     .kind = ARG_METHOD,
     .help = "else what by_time=, by= or stratify= imply; else random"},
    {.name = "into", .kind = ARG_NAME, .fallback = "split", .help = "the new column"},
    {.name = "files", .kind = ARG_FILE, .help = FILES_HELP},
    DRAW_SEED,
    {0},
};

#define FIVE "d,x\n2024-01-03,1\n2024-01-01,2\n2024-01-05,3\n2024-01-02,4\n2024-01-04,5\n"

static const struct method split_methods[] = {
    {"random",
     "S",
     "each row by chance, by (seed, step, row)",
     {.program = "split a=0.5 b=0.5 seed=1",
      .input = FIVE,
      .output = "d,x,split\n2024-01-03,1,b\n2024-01-01,2,a\n2024-01-05,3,b\n2024-01-02,4,b\n2024-"
                "01-04,5,b\n"}},
    {"hash_key",
     "S",
     "each key by chance, by (seed, step, hash of the key)",
     {.program = "split a=0.5 b=0.5 by=k seed=1",
      .input = "k,x\nu,1\nv,2\nu,3\nw,4\nv,5\n",
      .output = "k,x,split\nu,1,b\nv,2,b\nu,3,b\nw,4,b\nv,5,b\n"}},
    {"time",
     "F",
     "the earliest rows to the first part",
     {.program = "split train=0.8 test=0.2 by_time=d",
      .input = FIVE,
      .output = "d,x,split\n2024-01-03,1,train\n2024-01-01,2,train\n2024-01-05,3,test\n"
                "2024-01-02,4,train\n2024-01-04,5,train\n"}},
    {"ordered",
     "F",
     "the first rows of the stream to the first part",
     {.program = "split a=0.6 b=0.4 how=ordered",
      .input = "x\n1\n2\n3\n4\n5\n",
      .output = "x,split\n1,a\n2,a\n3,a\n4,b\n5,b\n"}},
    {"stratified",
     "F",
     "its share of every class to each part",
     {.program = "split a=0.5 b=0.5 stratify=c seed=1",
      .input = "c,x\nu,1\nv,2\nu,3\nv,4\n",
      .output = "c,x,split\nu,1,b\nv,2,a\nu,3,a\nv,4,b\n"}},
    {0},
};

const struct step_kind steps_split[] = {
    {
        .name = "split",
        .aliases = "train_test_split split_by_key:how=hash_key split_by_time:how=time",
        .family = "split",
        .class = "F",
        .summary = "divide the rows into parts: a column with the part's name, or files",
        .details =
            "random and hash_key deal by chance, so a part has about its share; the same key is "
            "in the same part of any file. time learns quantiles (type 7) of the column: rows up "
            "to the 0.8-quantile are the first part of 0.8, rows with equal times stay together "
            "in the earlier part, a missing time gives a missing part; later data are divided at "
            "the same times. ordered cuts at the nearest whole row. stratified deals exactly the "
            "nearest whole share of each class, which rows by (seed, step, row); new data and "
            "missing classes are dealt by chance. With files= the rows go to files and no row "
            "goes on.",
        .args = split_args,
        .methods = split_methods,
        .example = {.program = "split train=0.8 test=0.2 by_time=d",
                    .input = FIVE,
                    .output = "d,x,split\n2024-01-03,1,train\n2024-01-01,2,train\n"
                              "2024-01-05,3,test\n2024-01-02,4,train\n2024-01-04,5,train\n"},
        .open = split_open,
        .close = split_close,
        .shape = split_shape,
        .start = split_start,
        .stop = split_stop,
        .push = split_push,
        .flush = split_flush,
        .ordered = true,
        .shards = split_shards,
        .only_adds = true,
        .state_new = split_new,
        .learn = split_learn,
        .merge = split_merge,
        .finish = split_finish,
        .save = split_save,
        .load = split_load,
        .state_free = split_free,
    },
    {0},
};
