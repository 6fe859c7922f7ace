/* Steps that keep rows by their place in the stream, and tee. */
#include "io/io.h"
#include "prep/groups.h"
#include "prep/recipe.h"
#include "steps/steps.h"

struct count_plan {
    size_t *by, by_count;
};

struct count_run {
    struct groups groups;
    VEC(int64_t) seen; /* rows so far, by group */
};

static int count_open(struct step *s, const struct schema *in, struct error *e)
{
    struct count_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    return arg_columns(s, "by", in, &plan->by, &plan->by_count, e);
}

static int count_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct count_run));
    return 0;
}

static void count_stop(struct step *s)
{
    struct count_run *run = s->run;
    if (!run)
        return;
    groups_release(&run->groups);
    vec_release(&run->seen);
    mem_free(run);
    s->run = NULL;
}

/* 0 for the first row of its group, 1 for the second ... */
static int64_t count_row(struct count_run *run, size_t row)
{
    size_t group = groups_find(&run->groups, row);
    if (group == run->seen.len)
        vec_push(&run->seen, 0);
    return run->seen.at[group]++;
}

static void count_batch(const struct step *s, struct batch *b)
{
    const struct count_plan *plan = s->plan;
    struct count_run *run = s->run;
    groups_batch(&run->groups, b, plan->by, plan->by_count);
}

/* Hands on the rows whose number lies in [first, last) and is a multiple of `every` behind first;
 * done when there is one group and it is behind its last row. */
static int push_range(struct step *s, struct batch *b, struct emit *out, int64_t first,
                      int64_t last, int64_t every, struct error *e)
{
    struct count_run *run = s->run;
    bool one_group = ((const struct count_plan *)s->plan)->by_count == 0;
    uint8_t *keep = batch_array(b, b->rows, 1);
    count_batch(s, b);
    for (size_t r = 0; r < b->rows; r++) {
        int64_t number = count_row(run, r);
        keep[r] = number >= first && number < last && (number - first) % every == 0;
    }
    batch_filter(b, keep);
    int rc = emit(out, b, e);
    bool done = one_group && run->seen.len > 0 && run->seen.at[0] >= last;
    return rc == 0 && done ? PUSH_DONE : rc;
}

static int head_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    return push_range(s, b, out, 0, arg_int(s, "n"), 1, e);
}

static int slice_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    int64_t first = arg_int(s, "skip");
    bool ends = arg_given(s, "n") && arg_int(s, "n") <= INT64_MAX - first;
    return push_range(s, b, out, first, ends ? first + arg_int(s, "n") : INT64_MAX, 1, e);
}

static int every_nth_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    return push_range(s, b, out, arg_int(s, "start") - 1, INT64_MAX, arg_int(s, "n"), e);
}

static int nothing_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    (void)s;
    (void)out;
    (void)e;
    batch_free(b);
    return PUSH_DONE;
}

struct tee_plan {
    struct schema schema;
    struct format format;
    char *path;
};

static void tee_close(struct step *s)
{
    struct tee_plan *plan = s->plan;
    schema_release(&plan->schema);
}

static char *tee_path(struct step *s)
{
    struct text file = arg_text(s, "file");
    const char *directory = s->context->directory;
    if (!directory || file.at[0] == '/')
        return arena_text(&s->arena, file.at, file.len);
    return arena_format(&s->arena, "%s/%s", directory, file.at);
}

static int tee_open(struct step *s, const struct schema *in, struct error *e)
{
    struct tee_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    schema_copy(&plan->schema, in);
    plan->path = tee_path(s);
    plan->format = format_csv(',');
    if (arg_given(s, "format") && !format_from_name(arg_text(s, "format"), &plan->format))
        return step_error(s, e, "unknown format '%.60s'", arg_string(s, "format"));
    if (!arg_given(s, "format"))
        (void)format_from_extension(path_format_extension(plan->path), &plan->format);
    if (plan->format.kind == FORMAT_PARQUET)
        return step_error(s, e, "writes text only, not Parquet");
    return 0;
}

static int write_text(struct step *s, struct buf *text, struct error *e)
{
    int rc = text->len > 0 ? sink_write(s->run, text->at, text->len, e) : 0;
    buf_release(text);
    return rc;
}

static struct writer tee_writer(const struct tee_plan *plan)
{
    return (struct writer){.format = plan->format, .schema = &plan->schema};
}

static void tee_stop(struct step *s)
{
    sink_abort(s->run);
    s->run = NULL;
}

static int tee_start(struct step *s, struct error *e)
{
    const struct tee_plan *plan = s->plan;
    struct sink *sink;
    int rc = sink_open(plan->path, &sink, e);
    if (rc)
        return rc;
    s->run = sink;
    struct writer w = tee_writer(plan);
    struct buf text = {0};
    write_header(&w, &text);
    rc = write_text(s, &text, e);
    if (rc) /* what has not started is not stopped */
        tee_stop(s);
    return rc;
}

static int tee_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    struct writer w = tee_writer(s->plan);
    struct buf text = {0};
    write_batch(&w, b, &text);
    int rc = write_text(s, &text, e);
    if (rc == 0)
        rc = emit(out, b, e);
    else
        batch_free(b);
    return rc < 0 ? rc : 0; /* the file wants all rows, whoever else does not */
}

static int tee_flush(struct step *s, struct emit *out, struct error *e)
{
    (void)out;
    struct sink *sink = s->run;
    s->run = NULL;
    return sink_commit(sink, e);
}

#define BY_ARG                                                                                     \
    {                                                                                              \
        .name = "by", .kind = ARG_COLUMNS, .help = "count within each group of equal values"       \
    }

static const struct arg head_args[] = {
    {.name = "n",
     .kind = ARG_INT,
     .fallback = "10",
     .help = "rows to keep",
     .max = 9e18,
     .positional = true},
    BY_ARG,
    {0},
};
static const struct arg slice_args[] = {
    {.name = "skip",
     .kind = ARG_INT,
     .fallback = "0",
     .help = "rows to pass over",
     .max = 9e18,
     .positional = true},
    {.name = "n",
     .kind = ARG_INT,
     .help = "rows to keep then (default: all)",
     .max = 9e18,
     .positional = true},
    BY_ARG,
    {0},
};
static const struct arg every_nth_args[] = {
    {.name = "n",
     .kind = ARG_INT,
     .help = "keep one row in n",
     .min = 1,
     .max = 9e18,
     .positional = true,
     .required = true},
    {.name = "start",
     .kind = ARG_INT,
     .fallback = "1",
     .help = "number of the first row kept",
     .min = 1,
     .max = 9e18},
    BY_ARG,
    {0},
};
static const struct arg tee_args[] = {
    {.name = "file",
     .kind = ARG_FILE,
     .help = "file to write",
     .positional = true,
     .required = true},
    {.name = "format",
     .kind = ARG_TEXT,
     .help = "its format (default: by its extension, else csv)"},
    {0},
};

const struct step_kind steps_rows_order[] = {
    {
        .name = "every_nth",
        .family = "rows",
        .class = "S",
        .summary = "keep one row in n",
        .args = every_nth_args,
        .example = {.program = "every_nth 2",
                    .input = "x\n1\n2\n3\n4\n5\n",
                    .output = "x\n1\n3\n5\n"},
        .open = count_open,
        .start = count_start,
        .stop = count_stop,
        .push = every_nth_push,
        .ordered = true,
    },
    {
        .name = "head",
        .wants = WANTS_STAY,
        .aliases = "foreach_group_head limit",
        .family = "rows",
        .class = "S",
        .summary = "keep the first rows",
        .details = "Without by= the input is read no further than needed. With by= the first "
                   "rows of every group are kept where they stand, and a table of groups in "
                   "memory.",
        .args = head_args,
        .example = {.program = "head 1 by=city",
                    .input = "city,x\nUlm,1\nUlm,2\nBonn,3\n",
                    .output = "city,x\nUlm,1\nBonn,3\n"},
        .open = count_open,
        .start = count_start,
        .stop = count_stop,
        .push = head_push,
        .ordered = true,
    },
    {
        .name = "nothing",
        .family = "rows",
        .class = "S",
        .summary = "drop all rows; the names of the columns stay",
        .example = {.program = "nothing", .input = "a,b\n1,2\n", .output = "a,b\n"},
        .push = nothing_push,
        .ordered = true,
    },
    {
        .name = "slice",
        .aliases = "skip",
        .family = "rows",
        .class = "S",
        .summary = "pass over some rows, then keep some",
        .args = slice_args,
        .example = {.program = "slice 1 2", .input = "x\n1\n2\n3\n4\n", .output = "x\n2\n3\n"},
        .open = count_open,
        .start = count_start,
        .stop = count_stop,
        .push = slice_push,
        .ordered = true,
    },
    {
        .name = "tee",
        .not_compiled = "writes a file",
        .family = "rows",
        .class = "S",
        .summary = "write the rows to a file, too, and hand them on",
        .details = "The file appears when all rows were written. Its format and compression go "
                   "by its name. While a later step is fitted the file is written anew in every "
                   "pass. Steps behind that want no more rows do not cut it short.",
        .args = tee_args,
        .example = {.program = "tee all.csv | filter x > 1",
                    .input = "x\n1\n2\n",
                    .output = "x\n2\n"},
        .open = tee_open,
        .close = tee_close,
        .start = tee_start,
        .stop = tee_stop,
        .push = tee_push,
        .flush = tee_flush,
        .ordered = true,
        .shards = shards_always,
        .wants_all = true,
    },
    {0},
};
