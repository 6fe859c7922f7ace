/* fstore export, snapshot, import: records as rows. */
#include "fstore.h"

#include "store/offline.h"

struct rows_options {
    struct stream_options stream;
    const char *from_time, *to_time, *at;
    int64_t since, until;
    usec timeout;
    bool deleted;
};

/* ---- out ---- */

/* Writes the group's rows to the target; given: what the command line says of which. */
typedef int write_rows(const struct group *g, const struct rows_options *given,
                       const struct record_target *target, struct error *e);

static int rows_to_output(const char *name, const struct rows_options *o, write_rows *write,
                          struct error *e)
{
    struct record_target target = {
        .parquet = {.codec = output_codec(&o->stream), .jobs = cpu_count()}};
    struct format csv = format_csv(',');
    struct group *g = NULL;
    int status = output_format_or(&o->stream, &csv, &target.format, e);
    if (status == 0)
        status = store_group(name, &g, e);
    if (status == 0)
        status = sink_open(o->stream.output, &target.sink, e);
    if (status == 0)
        status = write(g, o, &target, e);
    if (status == 0)
        status = sink_commit(target.sink, e);
    else
        sink_abort(target.sink);
    group_free(g);
    return status;
}

/* ---- export ---- */

/* clang-format off */
static const struct option export_options[] = {
    {0, "since", "LSN", INTO_INT(struct rows_options, since), .fallback = "0", .range = "0..",
     .help = "records behind that one of the log"},
    {0, "until", "LSN", INTO_INT(struct rows_options, until), .fallback = "0", .range = "0..",
     .help = "records up to that one; 0: all"},
    {0, "from-time", "TIME", INTO_TEXT(struct rows_options, from_time),
     .help = "records of that time and later"},
    {0, "to-time", "TIME", INTO_TEXT(struct rows_options, to_time),
     .help = "records of times before it"},
    {0, "deleted", NULL, INTO_FLAG(struct rows_options, deleted), .help = "deletes, too"},
    STREAM_OUTPUT_ROWS(struct rows_options),
    OPTION_END,
};
/* clang-format on */

static int write_export(const struct group *g, const struct rows_options *given,
                        const struct record_target *target, struct error *e)
{
    struct offline_export x = {.since = (uint64_t)given->since,
                               .until = (uint64_t)given->until,
                               .has_from = given->from_time != NULL,
                               .has_to = given->to_time != NULL,
                               .deleted = given->deleted};
    int status = x.has_from ? time_option("--from-time", given->from_time, &x.from, e) : 0;
    if (status == 0 && x.has_to)
        status = time_option("--to-time", given->to_time, &x.to, e);
    return status ? status : offline_export(g, &x, target, e);
}

static int run_export(void *options, struct operands *operands)
{
    struct error e = {0};
    return finish(rows_to_output(operands->at[0], options, write_export, &e), &e);
}

const struct command command_export = {
    .name = "export",
    .summary = "the group's records as rows, in the order in which they came",
    .operands = "GROUP",
    .options = export_options,
    .options_size = sizeof(struct rows_options),
    .run = run_export,
    .more =
        "Columns are the group's, then write_time, is_deleted, _lsn (its number in the log), "
        "_expires_at (empty: never) and _how (hard, of a hard delete). CSV unless --to or "
        "the name of --output says otherwise. Cells are as they came, but in Parquet, which "
        "has their values.\n\n"
        "With --deleted, 'fstore import' makes the same group of it. --since with the last _lsn "
        "of one export begins the next.",
};

/* ---- snapshot ---- */

/* clang-format off */
static const struct option snapshot_options[] = {
    {0, "at", "TIME", INTO_TEXT(struct rows_options, at),
     .help = "as of that time: of records of later times nothing is known"},
    {0, "lsn", "N", INTO_INT(struct rows_options, until), .fallback = "0", .range = "0..",
     .help = "as of record N of the log; 0: all"},
    {0, "memory", "SIZE", INTO_SIZE(struct rows_options, stream.memory), .fallback = "256M", .range = "1M..",
     .help = "what sorting may hold before it goes to a scratch file"},
    STREAM_OUTPUT_ROWS(struct rows_options),
    OPTION_END,
};
/* clang-format on */

static int write_snapshot(const struct group *g, const struct rows_options *given,
                          const struct record_target *target, struct error *e)
{
    struct offline_moment m = {
        .has_at = given->at != NULL, .now = clock_now(), .until = (uint64_t)given->until};
    struct offline_options o = {.memory = (size_t)given->stream.memory};
    int status = m.has_at ? time_option("--at", given->at, &m.at, e) : 0;
    return status ? status : offline_snapshot(g, &m, &o, target, e);
}

static int run_snapshot(void *options, struct operands *operands)
{
    struct error e = {0};
    return finish(rows_to_output(operands->at[0], options, write_snapshot, &e), &e);
}

const struct command command_snapshot = {
    .name = "snapshot",
    .summary = "the newest record of every entity, as of a moment",
    .operands = "GROUP",
    .options = snapshot_options,
    .options_size = sizeof(struct rows_options),
    .run = run_snapshot,
    .more =
        "Made from the log, so any moment will do. Rows have the group's columns and write_time, "
        "in the order of the id's bytes. The newest record is the one that 'fstore get' would have "
        "found; entities that are deleted, or had expired at --at, else now, are left out.",
};

/* ---- import ---- */

static const struct option import_options[] = {
    OPTION_ROW_TIMEOUT(struct rows_options, timeout),
    OPTION_ROW_FROM(struct rows_options, stream.from),
    OPTION_END,
};

static int take_rows(struct session *s, const struct group *g, const struct rows_options *o,
                     const struct operands *files, struct error *e)
{
    struct recipe *none = NULL;
    struct input *in = NULL;
    uint64_t rows = 0;
    int status = recipe_parse("", 0, &s->context, &none, e);
    if (status == 0)
        status = session_input(s, none, files, &in, e);
    if (status == 0)
        status = offline_import(g, in, timeout_ms(o->timeout), &rows, e);
    if (status == 0)
        status = print_json(json_pack("{s:I}", "rows", (json_int_t)rows), 0, e);
    input_free(in);
    recipe_free(none);
    return status;
}

static int work(struct session *s, const void *options, struct operands *operands, struct error *e)
{
    struct operands files = {operands->at + 1, operands->len - 1};
    struct group *g = NULL;
    int status = store_group(operands->at[0], &g, e);
    if (status == 0)
        status = take_rows(s, g, options, &files, e);
    group_free(g);
    return status;
}

static int run_import(void *options, struct operands *operands)
{
    const struct rows_options *o = options;
    return session_run(work, &o->stream, o, operands);
}

const struct command command_import = {
    .name = "import",
    .summary = "take what 'fstore export' wrote",
    .operands = "GROUP [FILE]",
    .options = import_options,
    .options_size = sizeof(struct rows_options),
    .run = run_import,
    .more =
        "The records come as they were, deletes, times of writing and of expiry with them; only "
        "their numbers in the log are new. Into an empty group of the same features what is "
        "read online is then the same. How many there were is printed as JSON.",
};
