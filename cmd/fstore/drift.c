/* fstore drift: how far values are from a baseline. */
#include "stats.h"

#include <math.h>

struct drift_options {
    struct stream_options stream;
    struct record_range range;
    const char *baseline;
    double psi, ks, nulls, cardinality, fresh;
};

/* clang-format off */
static const struct option options[] = {
    {0, "baseline", "NAME", INTO_TEXT(struct drift_options, baseline),
     .help = "what to compare with: see 'fstore stats --save'"},
    {0, "psi", "X", INTO_DOUBLE(struct drift_options, psi), .fallback = "0.25", .range = "0..",
     .help = "a larger population stability index is drift"},
    {0, "ks", "X", INTO_DOUBLE(struct drift_options, ks), .fallback = "0.1", .range = "0..1",
     .help = "a larger distance of distribution functions is drift"},
    {0, "nulls", "X", INTO_DOUBLE(struct drift_options, nulls), .fallback = "0.05", .range = "0..1",
     .help = "a larger change of the share of missing values is drift"},
    {0, "cardinality", "X", INTO_DOUBLE(struct drift_options, cardinality), .fallback = "0.5", .range = "0..",
     .help = "a larger relative change of the number of distinct values is drift"},
    {0, "new", "X", INTO_DOUBLE(struct drift_options, fresh), .fallback = "0.01", .range = "0..1",
     .help = "a larger share of values that the baseline did not have is drift (texts)"},
    RANGE_ROWS(struct drift_options),
    OPTION_ROW_FROM(struct drift_options, stream.from),
    {0, "na", "TOKEN", INTO_LIST(struct drift_options, stream.na),
     .help = "a cell of FILE that is TOKEN, quoted or not, is missing"},
    {0, "zone", "NAME", INTO_TEXT(struct drift_options, stream.zone),
     .help = "zone of times in FILE that name none, such as Europe/Paris"},
    STREAM_OUTPUT_ROWS(struct drift_options),
    OPTION_END,
};
/* clang-format on */

static const struct report_column columns[] = {
    {"name", TYPE_TEXT},
    {"type", TYPE_TEXT},
    {"verdict", TYPE_TEXT},
    {"reason", TYPE_TEXT},
    {"rows", TYPE_FLOAT},
    {"psi", TYPE_FLOAT},
    {"ks", TYPE_FLOAT},
    {"ks_error", TYPE_FLOAT},
    {"missing_before", TYPE_FLOAT},
    {"missing_after", TYPE_FLOAT},
    {"distinct_before", TYPE_FLOAT},
    {"distinct_after", TYPE_FLOAT},
    {"new_share", TYPE_FLOAT},
    {"mean_before", TYPE_FLOAT},
    {"mean_after", TYPE_FLOAT},
};

/* What is compared: features of the baseline, and of each where it is (FIELD_NONE: nowhere). */
struct comparing {
    const struct group *group;
    const struct drift_options *options;
    struct baseline baseline;
    size_t n;
    struct profile **before, **after; /* before: borrowed from the baseline */
    size_t *at;                       /* numbers of features, or columns of the input */
    struct report report;
    bool drifted;
};

/* ---- verdicts ---- */

static void add_reason(struct buf *out, bool is_one, const char *what, double x, double limit)
{
    char a[NUMBER_MAX], b[NUMBER_MAX];
    if (!is_one)
        return;
    size_t n = number_print(a, round(x * 1e4) / 1e4), m = number_print(b, limit);
    buf_format(out, "%s%s %.*s > %.*s", out->len ? "; " : "", what, (int)n, a, (int)m, b);
}

static void judge(const struct comparison *c, const struct drift_options *o,
                  const struct profile *after, const struct profile *before, struct buf *out)
{
    double missing = fabs(c->missing_after - c->missing_before);
    double distinct = fabs(c->distinct_change);
    if (before->rows && !after->rows)
        buf_puts(out, "no rows");
    add_reason(out, c->psi > o->psi, "psi", c->psi, o->psi);
    add_reason(out, c->ks > o->ks, "ks", c->ks, o->ks);
    add_reason(out, missing > o->nulls, "change of missing", missing, o->nulls);
    add_reason(out, distinct > o->cardinality, "change of distinct", distinct, o->cardinality);
    add_reason(out, c->new_share > o->fresh, "new values", c->new_share, o->fresh);
}

static void put_numbers(struct report *r, const struct profile *after, const struct comparison *c)
{
    const double numbers[] = {(double)after->rows,
                              c->psi,
                              c->ks,
                              c->ks_error,
                              c->missing_before,
                              c->missing_after,
                              round(c->distinct_before),
                              round(c->distinct_after),
                              c->new_share,
                              c->mean_before,
                              c->mean_after};
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        report_number(r, numbers[i]);
}

static void put_head(struct report *r, const struct feature *f, const char *verdict,
                     const char *reason)
{
    struct buf type = {0};
    feature_type_print(f, &type);
    report_text(r, f->name);
    report_text(r, buf_text(&type));
    report_text(r, verdict);
    report_text(r, reason);
    buf_release(&type);
}

static void put_head_alone(struct report *r, const struct feature *f, const char *verdict,
                           const char *reason)
{
    put_head(r, f, verdict, reason);
    for (size_t i = 4; i < COUNT_OF(columns); i++)
        report_number(r, (double)NAN);
}

static void put_row(struct comparing *c, size_t i)
{
    const struct feature *f = &c->before[i]->feature;
    struct comparison x;
    struct buf reason = {0};
    if (c->at[i] == FIELD_NONE) {
        c->drifted = true;
        put_head_alone(&c->report, f, "lacking", "there is no such column");
        return;
    }
    profile_compare(c->before[i], c->after[i], &x);
    judge(&x, c->options, c->after[i], c->before[i], &reason);
    c->drifted = c->drifted || reason.len;
    put_head(&c->report, f, reason.len ? "drift" : "ok", reason.len ? buf_text(&reason) : NULL);
    put_numbers(&c->report, c->after[i], &x);
    buf_release(&reason);
}

/* Features that the group got since. */
static void put_new(struct comparing *c)
{
    const struct group *g = c->group;
    for (size_t i = 0; i < g->features.len && !c->options->range.features; i++) {
        bool known = false;
        for (size_t k = 0; k < c->n && !known; k++)
            known = strcmp(c->before[k]->feature.name, g->features.at[i].name) == 0;
        if (!known)
            put_head_alone(&c->report, &g->features.at[i], "new", "the baseline does not have it");
    }
}

/* ---- rows of files ---- */

static int add_batch(struct comparing *c, struct batch *b, struct error *e)
{
    int status = 0;
    for (size_t i = 0; i < c->n && status == 0; i++)
        if (c->at[i] != FIELD_NONE)
            status = profile_add_column(c->after[i], b, c->at[i], e);
    return status;
}

static int add_rows(struct comparing *c, struct input *in, struct error *e)
{
    struct batch *b = batch_new();
    int status;
    while ((status = input_next(in, b, e)) > 0) {
        status = input_parse(in, b, e);
        if (status == 0)
            status = add_batch(c, b, e);
        if (status)
            break;
        batch_clear(b);
    }
    for (size_t i = 0; i < c->n && status == 0; i++)
        status = profile_flush(c->after[i], e);
    batch_free(b);
    return status;
}

static void find_columns(struct comparing *c, struct input *in)
{
    const struct schema *s = input_schema(in);
    uint8_t *wanted = mem_alloc(s->fields.len + 1);
    for (size_t i = 0; i < c->n; i++) {
        c->at[i] = schema_find(s, text_of(c->before[i]->feature.name));
        if (c->at[i] != FIELD_NONE)
            wanted[c->at[i]] = 1;
    }
    input_want(in, wanted);
    mem_free(wanted);
}

static int add_files(struct comparing *c, struct session *s, const struct operands *files,
                     struct error *e)
{
    struct recipe *none = NULL;
    struct input *in = NULL;
    if (range_given(&c->options->range))
        return error_set(e, ERR_USAGE, "%s: which records are meant is said of the log alone",
                         files->at[0]);
    s->context.input.union_schema = true;
    int status = recipe_parse("", 0, &s->context, &none, e);
    if (status == 0)
        status = session_input(s, none, files, &in, e);
    if (status == 0) {
        find_columns(c, in);
        status = add_rows(c, in, e);
    }
    input_free(in);
    recipe_free(none);
    return status;
}

/* ---- records ---- */

static bool same_type(const struct feature *a, const struct feature *b)
{
    return a->type == b->type && a->collection == b->collection && a->dimension == b->dimension;
}

static int add_records(struct comparing *c, struct error *e)
{
    const struct group *g = c->group;
    struct baseline range = {.made = 0};
    int status = range_read(g, &c->options->range, &range, e);
    for (size_t i = 0; i < c->n && status == 0; i++) {
        const struct feature *f = &c->before[i]->feature;
        c->at[i] = map_get(&g->names, text_of(f->name));
        if (c->at[i] == MAP_NONE || !same_type(&g->features.at[c->at[i]], f))
            status = error_set(e, ERR_DATA,
                               "baseline '%s': group '%s' has no feature '%s' of its "
                               "type",
                               c->options->baseline, g->name, f->name);
    }
    if (status == 0)
        status = range_add(g, &range, c->options->stream.memory, c->after, c->at, c->n, e);
    return status;
}

/* ---- all ---- */

static struct profile *find(const struct baseline *b, struct text name)
{
    for (size_t i = 0; i < b->features.len; i++)
        if (text_equal(text_of(b->features.at[i]->feature.name), name))
            return b->features.at[i];
    return NULL;
}

/* The features that are to be compared. */
static int choose(struct comparing *c, struct error *e)
{
    const char *list = c->options->range.features;
    size_t *at = NULL, n = 0;
    int status = wanted_features(c->group, list, &at, &n, e);
    n = list ? n : c->baseline.features.len;
    c->before = mem_array(NULL, n + 1, sizeof *c->before);
    c->after = mem_alloc((n + 1) * sizeof *c->after);
    c->at = mem_alloc((n + 1) * sizeof *c->at);
    for (size_t i = 0; i < n && status == 0; i++) {
        const char *name = list ? c->group->features.at[at[i]].name : NULL;
        c->before[i] = list ? find(&c->baseline, text_of(name)) : c->baseline.features.at[i];
        if (c->before[i])
            status = profile_bins(c->before[i], &c->after[i], e);
        else
            status = error_set(e, ERR_USAGE, "baseline '%s' has no feature '%s'",
                               c->options->baseline, name);
        c->n = i + 1;
    }
    mem_free(at);
    return status;
}

static void release(struct comparing *c)
{
    for (size_t i = 0; i < c->n; i++)
        profile_free(c->after[i]);
    mem_free(c->before);
    mem_free(c->after);
    mem_free(c->at);
    report_release(&c->report);
    baseline_release(&c->baseline);
}

static int compare(struct session *s, const struct group *g, const struct drift_options *o,
                   const struct operands *files, struct error *e)
{
    struct comparing c = {
        .group = g, .options = o, .report = {.columns = columns, .count = COUNT_OF(columns)}};
    int status = baseline_load(g, o->baseline, &c.baseline, e);
    if (status == 0)
        status = choose(&c, e);
    if (status == 0)
        status = files->len ? add_files(&c, s, files, e) : add_records(&c, e);
    for (size_t i = 0; i < c.n && status == 0; i++)
        put_row(&c, i);
    if (status == 0)
        put_new(&c);
    if (status == 0)
        status = report_write(&c.report, &o->stream, e);
    release(&c);
    return status ? status : c.drifted;
}

static int work(struct session *s, const void *options_given, struct operands *operands,
                struct error *e)
{
    const struct drift_options *o = options_given;
    struct operands files = {operands->at + 1, operands->len - 1};
    struct group *g = NULL;
    if (!o->baseline)
        return error_set(e, ERR_USAGE, "--baseline says what to compare with");
    int status = store_group(operands->at[0], &g, e);
    if (status == 0)
        status = compare(s, g, o, &files, e);
    group_free(g);
    return status;
}

static int run_drift(void *options_given, struct operands *operands)
{
    const struct drift_options *o = options_given;
    return session_run(work, &o->stream, o, operands);
}

const struct command command_drift = {
    .name = "drift",
    .summary = "compare a group's records, or rows of files, with a baseline",
    .operands = "GROUP [FILE...]",
    .options = options,
    .options_size = sizeof(struct drift_options),
    .run = run_drift,
    .more =
        "FILE is CSV, JSON Lines or Parquet, '-' standard input; its columns are found by the "
        "features' names. Without one, it is the records of the log.\n\n"
        "A row for each feature of the baseline: its verdict, ok or drift, and what tipped it. "
        "Exit status 1 when any drifts, or is no column of the files (lacking); 2 for a baseline "
        "that is not there, 3 for a damaged one. A feature that the group got since is new.\n\n"
        "psi is over ten bins that the baseline's numbers fill equally, or its twenty most "
        "frequent "
        "texts and all others; and one of missing values. A share below 0.0001 counts as that. ks "
        "is of numbers, from about two hundred bins: it is at least what is said, and at most "
        "ks_error more. Times are numbers of microseconds, lists numbers of elements.\n\n"
        "How many distinct values there are depends on how many rows: a change of distinct is what "
        "goes beyond that, d of n rows being taken for anything between d and d times m / n of "
        "m. New values are texts that the baseline did not have; where it had more than 1000 "
        "it does not know.",
};
