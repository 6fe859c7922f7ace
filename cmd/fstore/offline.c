/* fstore materialize, compact: the files that other tools read. */
#include "fstore.h"

#include "store/offline.h"

struct offline_command_options {
    uint64_t memory;
    int64_t jobs;
    usec timeout, grace;
};

#define MEMORY_ROW                                                                                 \
    {                                                                                              \
        0, "memory", "SIZE", INTO_SIZE(struct offline_command_options, memory),                    \
            .fallback = "256M", .range = "64K..",                                                  \
            .help = "bytes of records that are held at a time"                                     \
    }

static struct offline_options library_options(const struct offline_command_options *o)
{
    return (struct offline_options){.memory = (size_t)o->memory,
                                    .jobs = o->jobs ? (unsigned)o->jobs : cpu_count(),
                                    .timeout_ms = timeout_ms(o->timeout),
                                    .grace = o->grace};
}

/* ---- materialize ---- */

static const struct option materialize_options[] = {
    MEMORY_ROW,
    OPTION_ROW_JOBS(struct offline_command_options, jobs),
    OPTION_ROW_TIMEOUT(struct offline_command_options, timeout),
    OPTION_END,
};

static int materialize(const char *name, const struct offline_command_options *given,
                       struct error *e)
{
    struct offline_options o = library_options(given);
    struct offline_made made;
    struct group *g = NULL;
    int status = store_group(name, &g, e);
    if (status == 0)
        status = offline_materialise(g, &o, &made, e);
    if (status == 0)
        status = print_json(json_pack("{s:I, s:I, s:I}", "rows", (json_int_t)made.rows, "files",
                                      (json_int_t)made.files, "lsn", (json_int_t)made.lsn),
                            0, e);
    group_free(g);
    return status;
}

static int run_materialize(void *options, struct operands *operands)
{
    struct error e = {0};
    return finish(materialize(operands->at[0], options, &e), &e);
}

const struct command command_materialize = {
    .name = "materialize",
    .summary = "write the records that came since into the group's offline files",
    .operands = "GROUP",
    .options = materialize_options,
    .options_size = sizeof(struct offline_command_options),
    .run = run_materialize,
    .more = "All records, also late ones and deletes, go into offline/data in the group's folder, "
            "by the hour of their time: year=YYYY/month=MM/day=DD/hour=HH, as the group says in "
            "Parquet, JSON Lines or CSV. Columns are the group's, then api_invocation_time, "
            "write_time and is_deleted. Readers find the newest record of an entity themselves. In "
            "Parquet columns have types, and 1.10 is 1.1.\n\n"
            "What is written together, a portion, is as much as --memory holds, and is entered in "
            "offline/manifest.jsonl as a whole: after a crash all of it is there or nothing. The "
            "same log, in the same portions, makes the same files. How many rows and files were "
            "written, and the lsn of the last record that is there, is printed as JSON.",
};

/* ---- compact ---- */

static const struct option compact_options[] = {
    {0, "grace", "DURATION", INTO_DURATION(struct offline_command_options, grace), .fallback = "1h",
     .help = "how long files that were replaced stay for who reads them"},
    MEMORY_ROW,
    OPTION_ROW_JOBS(struct offline_command_options, jobs),
    OPTION_ROW_TIMEOUT(struct offline_command_options, timeout),
    OPTION_END,
};

static json_t *compacted_json(const struct offline_compacted *c)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "partitions", (json_int_t)c->partitions,
                     "files_before", (json_int_t)c->files_before, "files_after",
                     (json_int_t)c->files_after, "rows", (json_int_t)c->rows, "dropped",
                     (json_int_t)c->dropped, "collected", (json_int_t)c->collected);
}

static int compact(const char *name, const struct offline_command_options *given, struct error *e)
{
    struct offline_options o = library_options(given);
    struct offline_compacted done;
    struct group *g = NULL;
    int status = store_group(name, &g, e);
    if (status == 0)
        status = offline_compact(g, &o, &done, e);
    if (status == 0)
        status = print_json(compacted_json(&done), 0, e);
    group_free(g);
    return status;
}

static int run_compact(void *options, struct operands *operands)
{
    struct error e = {0};
    return finish(compact(operands->at[0], options, &e), &e);
}

const struct command command_compact = {
    .name = "compact",
    .summary = "make one offline file of those of each hour",
    .operands = "GROUP",
    .options = compact_options,
    .options_size = sizeof(struct offline_command_options),
    .run = run_compact,
    .more =
        "A row that says what one before said, of the same entity and time, is dropped. Readers "
        "are not stopped: they go on with the files they have, which are removed by a later run, "
        "when --grace is over; so is what a crash left. What was done is printed as JSON.",
};
