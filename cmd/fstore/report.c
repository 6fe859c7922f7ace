/* Tables of what was found, and the records they are of. */
#include "stats.h"

#include "store/offline.h"

#include <math.h>

/* ---- which records ---- */

bool range_given(const struct record_range *r)
{
    return r->from_time || r->to_time || r->since || r->until || r->newest;
}

int range_read(const struct group *g, const struct record_range *r, struct baseline *out,
               struct error *e)
{
    uint64_t last = 0;
    int status = group_last(g, &last, e);
    out->made = clock_now();
    out->newest = r->newest;
    out->since = (uint64_t)r->since;
    out->until = r->until && (uint64_t)r->until < last ? (uint64_t)r->until : last;
    out->has_from = r->from_time != NULL;
    out->has_to = r->to_time != NULL;
    if (status == 0 && out->has_from)
        status = time_option("--from-time", r->from_time, &out->from, e);
    if (status == 0 && out->has_to)
        status = time_option("--to-time", r->to_time, &out->to, e);
    return status;
}

struct adding {
    const struct baseline *range;
    struct profile **profiles;
    const size_t *at;
    size_t n;
};

static int add_record(void *context, const struct store_record *r, struct error *e)
{
    const struct adding *a = context;
    for (size_t i = 0; i < a->n; i++) {
        int status = profile_add_value(a->profiles[i], r->row, a->at[i] + 1, e);
        if (status)
            return status;
    }
    return 0;
}

static int add_newest(void *context, const struct store_record *r, struct error *e)
{
    const struct baseline *range = ((const struct adding *)context)->range;
    bool wanted = r->lsn > range->since && (!range->has_from || r->event_time >= range->from) &&
                  (!range->has_to || r->event_time < range->to);
    return wanted ? add_record(context, r, e) : 0;
}

int range_add(const struct group *g, const struct baseline *range, uint64_t memory,
              struct profile **profiles, const size_t *at, size_t n, struct error *e)
{
    struct adding a = {range, profiles, at, n};
    struct offline_export x = {.since = range->since,
                               .until = range->until,
                               .has_from = range->has_from,
                               .has_to = range->has_to,
                               .from = range->from,
                               .to = range->to};
    struct offline_moment m = {.now = range->made, .until = range->until};
    struct offline_options o = {.memory = (size_t)memory};
    int status = 0;
    if (range->newest && range->until)
        status = offline_newest(g, &m, &o, add_newest, &a, e);
    else if (range->until)
        status = offline_records(g, &x, add_record, &a, e);
    for (size_t i = 0; i < n && status == 0; i++)
        status = profile_flush(profiles[i], e);
    return status;
}

/* ---- a table ---- */

static void add(struct report *r, struct text text, double number)
{
    if (text.at)
        text.at = arena_text(&r->arena, text.at, text.len);
    vec_push(&r->cells, ((struct report_cell){text, number}));
}

void report_text(struct report *r, const char *text)
{
    add(r, text ? text_of(text) : (struct text){NULL, 0}, 0);
}

void report_number(struct report *r, double x)
{
    add(r, (struct text){NULL, 0}, isfinite(x) ? x : (double)NAN);
}

void report_json(struct report *r, struct buf *json)
{
    add(r, (struct text){json->len ? json->at : NULL, json->len}, 0);
    json->len = 0;
}

static struct column column_of(const struct report *r, size_t at, struct batch *b)
{
    struct text *texts = batch_array(b, b->rows + 1, sizeof *texts);
    double *numbers = batch_array(b, b->rows + 1, sizeof *numbers);
    for (size_t i = 0; i < b->rows; i++) {
        texts[i] = r->cells.at[i * r->count + at].text;
        numbers[i] = r->cells.at[i * r->count + at].number;
    }
    if (r->columns[at].type == TYPE_FLOAT)
        return column_of_double(numbers);
    return r->columns[at].type == TYPE_JSON ? column_of_json(texts) : column_of_text(texts);
}

static int write_rows(const struct report *r, const struct format *format,
                      const struct parquet_options *parquet, struct sink *sink, struct error *e)
{
    struct schema schema = {.fields = {0}};
    struct output *out = NULL;
    struct batch *b = batch_new();
    b->rows = r->cells.len / r->count;
    for (size_t i = 0; i < r->count; i++) {
        schema_add(&schema, text_of(r->columns[i].name), r->columns[i].type);
        batch_add(b, column_of(r, i, b));
    }
    int status = output_new(format, parquet, &schema, sink, &out, e);
    if (status == 0)
        status = output_add(out, b, e);
    if (status == 0)
        status = output_finish(out, e);
    output_free(out);
    batch_free(b);
    schema_release(&schema);
    return status;
}

int report_write(struct report *r, const struct stream_options *o, struct error *e)
{
    struct format jsonl = format_jsonl(), format;
    struct parquet_options parquet = {.codec = output_codec(o), .jobs = 1};
    struct sink *sink = NULL;
    int status = output_format_or(o, &jsonl, &format, e);
    if (status == 0)
        status = sink_open(o->output, &sink, e);
    if (status == 0)
        status = write_rows(r, &format, &parquet, sink, e);
    if (status == 0)
        return sink_commit(sink, e);
    sink_abort(sink);
    return status;
}

void report_release(struct report *r)
{
    vec_release(&r->cells);
    arena_release(&r->arena);
}
