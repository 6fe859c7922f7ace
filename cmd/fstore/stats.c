/* fstore stats: what the values of a group are like. */
#include "stats.h"

#include <inttypes.h>
#include <math.h>

/* Each that learns numbers may have a scratch file open: more features are done in several goes. */
enum { AT_ONCE = 256, TOP_MAX = 1000 };

struct stats_options {
    struct stream_options stream;
    struct record_range range;
    const char *save, *drop;
    int64_t top;
    bool list;
};

static const struct option options[] = {
    RANGE_ROWS(struct stats_options),
    {0, "top", "N", INTO_INT(struct stats_options, top), .fallback = "10", .range = "0..1000",
     .help = "how many of the most frequent texts"},
    {0, "save", "NAME", INTO_TEXT(struct stats_options, save),
     .help = "keep it all as a baseline, for 'fstore drift'"},
    {0, "list", NULL, INTO_FLAG(struct stats_options, list),
     .help = "list the baselines there are"},
    {0, "drop", "NAME", INTO_TEXT(struct stats_options, drop), .help = "remove a baseline"},
    STREAM_OUTPUT_ROWS(struct stats_options),
    OPTION_END,
};

static const struct report_column columns[] = {
    {"name", TYPE_TEXT},     {"type", TYPE_TEXT},        {"rows", TYPE_FLOAT},
    {"missing", TYPE_FLOAT}, {"distinct", TYPE_FLOAT},   {"mean", TYPE_JSON},
    {"std", TYPE_FLOAT},     {"min", TYPE_JSON},         {"max", TYPE_JSON},
    {"p1", TYPE_JSON},       {"p5", TYPE_JSON},          {"p25", TYPE_JSON},
    {"p50", TYPE_JSON},      {"p75", TYPE_JSON},         {"p95", TYPE_JSON},
    {"p99", TYPE_JSON},      {"min_length", TYPE_FLOAT}, {"max_length", TYPE_FLOAT},
    {"top", TYPE_JSON},      {"top_exact", TYPE_JSON},
};
static const double points[] = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};

/* ---- one row ---- */

/* A number of the feature: a time is one of microseconds. */
static void put_value(struct report *r, const struct feature *f, double x, struct buf *json)
{
    char room[TIME_MAX];
    const double most = 9e18;
    if (isnan(x) || isinf(x)) {
        report_json(r, json);
        return;
    }
    if (feature_cell_type(f) == TYPE_TIME && fabs(x) < most) {
        size_t n = time_print(room, (usec)(x < 0 ? x - 0.5 : x + 0.5));
        json_put_string(json, room, n);
    } else {
        json_put_double(json, x);
    }
    report_json(r, json);
}

static int put_numbers(struct report *r, struct profile *s, struct buf *json, struct error *e)
{
    const struct feature *f = &s->feature;
    double at[COUNT_OF(points)], second = feature_cell_type(f) == TYPE_TIME ? 1e6 : 1;
    bool any = s->moments.count > 0;
    int status = profile_quantiles(s, points, COUNT_OF(points), at, e);
    put_value(r, f, moments_mean(&s->moments), json);
    report_number(r, moments_deviation(&s->moments, 1) / second);
    put_value(r, f, any ? s->moments.min : (double)NAN, json);
    put_value(r, f, any ? s->moments.max : (double)NAN, json);
    for (size_t i = 0; i < COUNT_OF(points); i++)
        put_value(r, f, at[i], json);
    for (size_t i = 0; i < 2; i++)
        report_number(r, (double)NAN);
    for (size_t i = 0; i < 2; i++)
        report_json(r, json);
    return status;
}

static void put_categories(struct report *r, const struct profile *s, size_t top, struct buf *json)
{
    struct text values[TOP_MAX];
    uint64_t counts[TOP_MAX];
    bool any = s->moments.count > 0;
    top = profile_top(s, top, values, counts);
    report_json(r, json);
    report_number(r, (double)NAN);
    for (size_t i = 0; i < 2 + COUNT_OF(points); i++)
        report_json(r, json);
    report_number(r, any ? s->moments.min : (double)NAN);
    report_number(r, any ? s->moments.max : (double)NAN);
    buf_putc(json, '[');
    for (size_t i = 0; i < top; i++) {
        buf_puts(json, i ? ",[" : "[");
        json_put_string(json, values[i].at, values[i].len);
        buf_format(json, ",%" PRIu64 "]", counts[i]);
    }
    buf_putc(json, ']');
    report_json(r, json);
    buf_puts(json, frequent_exact(s->frequent) ? "true" : "false");
    report_json(r, json);
}

static int put_row(struct report *r, struct profile *s, size_t top, struct error *e)
{
    struct buf type = {0}, json = {0};
    int status = 0;
    feature_type_print(&s->feature, &type);
    report_text(r, s->feature.name);
    report_text(r, buf_text(&type));
    report_number(r, (double)s->rows);
    report_number(r, (double)s->missing);
    report_number(r, round(distinct_value(&s->distinct)));
    if (profile_is_categories(&s->feature))
        put_categories(r, s, top, &json);
    else
        status = put_numbers(r, s, &json, e);
    buf_release(&type);
    buf_release(&json);
    return status;
}

/* ---- all ---- */

struct survey {
    const struct group *group;
    const struct stats_options *options;
    struct report report;
    struct baseline baseline; /* of which records; what is saved of them */
};

/* What n profiles learnt: a row each, and bins when they are to be saved. */
static int tell(struct survey *v, struct profile **learnt, size_t n, struct error *e)
{
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i++) {
        struct profile *bins = NULL;
        status = put_row(&v->report, learnt[i], (size_t)v->options->top, e);
        if (status == 0 && v->options->save)
            status = profile_bins(learnt[i], &bins, e);
        if (bins)
            vec_push(&v->baseline.features, bins);
    }
    return status;
}

static int learn(struct survey *v, const size_t *at, size_t n, struct error *e)
{
    struct profile *learnt[AT_ONCE];
    uint64_t memory = v->options->stream.memory;
    for (size_t i = 0; i < n; i++)
        learnt[i] = profile_new(&v->group->features.at[at[i]], (size_t)memory / n);
    int status = range_add(v->group, &v->baseline, memory, learnt, at, n, e);
    if (status == 0)
        status = tell(v, learnt, n, e);
    for (size_t i = 0; i < n; i++)
        profile_free(learnt[i]);
    return status;
}

/* The second pass: what is in the bins that follow from the first. */
static int save(struct survey *v, const size_t *at, size_t n, struct error *e)
{
    int status = range_add(v->group, &v->baseline, v->options->stream.memory,
                           v->baseline.features.at, at, n, e);
    return status ? status : baseline_save(v->group, v->options->save, &v->baseline, e);
}

static int survey(const struct group *g, const struct stats_options *o, struct error *e)
{
    struct survey v = {
        .group = g, .options = o, .report = {.columns = columns, .count = COUNT_OF(columns)}};
    size_t *at = NULL, n = 0;
    int status = wanted_features(g, o->range.features, &at, &n, e);
    if (status)
        return status;
    if (!at)
        at = mem_array(NULL, n + 1, sizeof *at);
    for (size_t i = 0; i < n && !o->range.features; i++)
        at[i] = i;
    status = range_read(g, &o->range, &v.baseline, e);
    for (size_t i = 0; i < n && status == 0; i += AT_ONCE)
        status = learn(&v, at + i, n - i < AT_ONCE ? n - i : AT_ONCE, e);
    if (status == 0 && o->save)
        status = save(&v, at, n, e);
    if (status == 0)
        status = report_write(&v.report, &o->stream, e);
    report_release(&v.report);
    baseline_release(&v.baseline);
    mem_free(at);
    return status;
}

/* ---- baselines ---- */

static const struct report_column list_columns[] = {
    {"name", TYPE_TEXT},   {"made", TYPE_TEXT},  {"records", TYPE_TEXT},   {"since", TYPE_FLOAT},
    {"until", TYPE_FLOAT}, {"rows", TYPE_FLOAT}, {"features", TYPE_FLOAT},
};

static int put_baseline(const struct group *g, const char *name, struct report *r, struct error *e)
{
    struct baseline b;
    char room[TIME_MAX + 1];
    int status = baseline_load(g, name, &b, e);
    if (status)
        return status;
    room[time_print(room, b.made)] = 0;
    report_text(r, name);
    report_text(r, room);
    report_text(r, b.newest ? "newest" : "all");
    report_number(r, (double)b.since);
    report_number(r, (double)b.until);
    report_number(r, b.features.len ? (double)b.features.at[0]->rows : 0);
    report_number(r, (double)b.features.len);
    baseline_release(&b);
    return 0;
}

static int list(const struct group *g, const struct stats_options *o, struct error *e)
{
    struct report r = {.columns = list_columns, .count = COUNT_OF(list_columns)};
    struct map names = {0};
    int status = baseline_names(g, &names, e);
    for (size_t i = 0; i < names.keys.len && status == 0; i++) {
        char *name = mem_text_n(names.keys.at[i].at, names.keys.at[i].len);
        status = put_baseline(g, name, &r, e);
        mem_free(name);
    }
    if (status == 0)
        status = report_write(&r, &o->stream, e);
    report_release(&r);
    map_release(&names);
    return status;
}

static int stats(const char *name, const struct stats_options *o, struct error *e)
{
    struct group *g = NULL;
    int status = store_group(name, &g, e);
    if (status == 0 && o->list + (o->save != NULL) + (o->drop != NULL) > 1)
        status = error_set(e, ERR_USAGE, "--list, --save and --drop: one of them");
    else if (status == 0 && o->drop)
        status = baseline_drop(g, o->drop, e);
    else if (status == 0)
        status = o->list ? list(g, o, e) : survey(g, o, e);
    group_free(g);
    return status;
}

static int run_stats(void *options_given, struct operands *operands)
{
    struct error e = {0};
    return finish(stats(operands->at[0], options_given, &e), &e);
}

const struct command command_stats = {
    .name = "stats",
    .summary = "what the values of a group's features are like",
    .operands = "GROUP",
    .options = options,
    .options_size = sizeof(struct stats_options),
    .run = run_stats,
    .more =
        "A row for each feature, as JSON Lines unless --to or the name of --output says otherwise, "
        "over the records of the log, deletes left out. Counted, summed and sorted exactly, on "
        "disk past --memory; distinct is an estimate, with a standard error of 0.8 %. std is that "
        "of a sample. Of times, values are times and std is in seconds. Of lists, values are how "
        "many elements they have. Of texts and bools there are the lengths, in characters, and the "
        "most frequent values with their counts, which are up to twice too large when "
        "top_exact is false: there were more than 1000 values, of which only frequent ones are "
        "told. A text of more than 256 bytes goes by its "
        "beginning and a hash.\n\n"
        "--save reads the records twice and writes baselines/NAME.json in the group's folder: how "
        "many values are in which bins. It has values, frequent texts among them, which 'fstore "
        "forget' does not reach.",
};
