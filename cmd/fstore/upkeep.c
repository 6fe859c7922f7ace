/* fstore verify, rebuild, forget: the log and what follows from it. */
#include "fstore.h"

#include "store/offline.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

struct upkeep_options {
    usec timeout;
};

static const struct option options[] = {
    OPTION_ROW_TIMEOUT(struct upkeep_options, timeout),
    OPTION_END,
};

static int verify(const char *name, struct error *e)
{
    struct group *g = NULL;
    uint64_t entities = 0, lsn = 0;
    int status = store_group(name, &g, e);
    if (status == 0)
        status = group_verify(g, &entities, e);
    if (status == 0)
        status = group_last(g, &lsn, e);
    if (status == 0)
        status = print_json(json_pack("{s:s, s:I, s:I}", "group", name, "entities",
                                      (json_int_t)entities, "lsn", (json_int_t)lsn),
                            0, e);
    group_free(g);
    return status;
}

static int run_verify(void *unused, struct operands *operands)
{
    (void)unused;
    struct error e = {0};
    return finish(verify(operands->at[0], &e), &e);
}

const struct command command_verify = {
    .name = "verify",
    .summary = "prove that the views are what the log says",
    .operands = "GROUP",
    .run = run_verify,
    .more = "Reads the whole log, checking every record, makes the views, online and windows of "
            "aggregates, anew beside those there are and compares them. The exit status is 1 when "
            "they differ, 3 when the log is "
            "damaged.",
};

static int run_rebuild(void *options_given, struct operands *operands)
{
    const struct upkeep_options *o = options_given;
    struct error e = {0};
    struct group *g = NULL;
    int status = store_group(operands->at[0], &g, &e);
    if (status == 0)
        status = group_rebuild(g, timeout_ms(o->timeout), &e);
    group_free(g);
    return finish(status, &e);
}

const struct command command_rebuild = {
    .name = "rebuild",
    .summary = "make the views anew from the log",
    .operands = "GROUP",
    .options = options,
    .options_size = sizeof(struct upkeep_options),
    .run = run_rebuild,
    .more = "What was read meanwhile is read from the view before, which is replaced at the end.",
};

/* ---- forget ---- */

/* One line for each erasure, without what was erased. */
static int note_erasure(const struct group *g, uint64_t records, struct error *e)
{
    char room[TIME_MAX], *path = mem_format("%s/audit.jsonl", g->folder);
    struct buf line = {0};
    int n = (int)time_print(room, clock_now() / USEC_SECOND * USEC_SECOND);
    buf_format(&line, "{\"time\":\"%.*s\",\"what\":\"forget\",\"records\":%" PRIu64 "}\n", n, room,
               records);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    int status = fd < 0 ? error_errno(e, "%s: cannot be opened", path)
                        : file_write(fd, line.at, line.len, path, e);
    if (fd >= 0)
        close(fd);
    buf_release(&line);
    mem_free(path);
    return status;
}

static int forget(const struct operands *operands, const struct upkeep_options *o, struct error *e)
{
    struct group *g = NULL;
    struct buf id = {0};
    uint64_t records = 0;
    int status = store_group(operands->at[0], &g, e);
    if (status == 0)
        status = id_of_words(g, operands->at + 1, operands->len - 1, &id, e);
    if (status == 0)
        status = group_forget(g, (struct text){id.at, id.len}, timeout_ms(o->timeout), &records, e);
    /* Also when the log has none: one who died in between may have left the files. */
    if (status == 0)
        status = offline_reset(g, timeout_ms(o->timeout), e);
    if (status == 0 && records)
        status = note_erasure(g, records, e);
    if (status == 0)
        status = print_json(json_pack("{s:I}", "records", (json_int_t)records), 0, e);
    group_free(g);
    buf_release(&id);
    return status ? status : records == 0;
}

static int run_forget(void *options_given, struct operands *operands)
{
    struct error e = {0};
    int status = forget(operands, options_given, &e);
    return finish(status, &e);
}

const struct command command_forget = {
    .name = "forget",
    .summary = "erase an entity from the log and all that follows from it",
    .operands = "GROUP ID...",
    .options = options,
    .options_size = sizeof(struct upkeep_options),
    .run = run_forget,
    .more = "The segments of the log that have the entity are written anew without it, and the "
            "views are made anew; offline files are removed, and 'fstore materialize' makes them "
            "anew. What is left is a line in the group's audit.jsonl that "
            "says when and how many records, not whose. Status 1 when there was nothing. Copies "
            "made elsewhere (exports, training sets, backups) are not reached.",
};

/* ---- gc ---- */

struct gc_options {
    usec horizon, grace, timeout;
};

static const struct option gc_options[] = {
    {0, "horizon", "DURATION", INTO_DURATION(struct gc_options, horizon), .fallback = "30d",
     .help = "how far back from now deletes and what expired are kept"},
    {0, "grace", "DURATION", INTO_DURATION(struct gc_options, grace), .fallback = "1h",
     .help = "how long offline files that were replaced stay for who reads them"},
    OPTION_ROW_TIMEOUT(struct gc_options, timeout),
    OPTION_END,
};

/* The horizon is moved by a record of the log, so that a view made anew is the same. */
static int move_horizon(struct feed *feed, usec *horizon, struct error *e)
{
    struct buf before = {0}, row = {0};
    int64_t is = INT64_MIN;
    double unused;
    uint64_t lsn;
    int found = feed_position(feed, STORE_HORIZON, &before, e);
    if (found > 0)
        (void)number_parse(before.at, before.len, &is, &unused);
    int status = found < 0 ? found : 0;
    if (status == 0 && *horizon > is) {
        buf_format(&row, "%" PRId64, *horizon);
        struct store_record r = {.expires_at = STORE_NEVER,
                                 .flags = STORE_POSITION,
                                 .id = STORE_HORIZON,
                                 .row = {row.at, row.len}};
        status = feed_add(feed, &r, e);
        if (status == 0)
            status = feed_commit(feed, &lsn, e);
    }
    *horizon = *horizon > is ? *horizon : is;
    buf_release(&before);
    buf_release(&row);
    return status;
}

static int collect(const char *name, const struct gc_options *o, struct error *e)
{
    struct feed_options how = {.timeout_ms = timeout_ms(o->timeout)};
    struct offline_options files = {.grace = o->grace, .timeout_ms = timeout_ms(o->timeout)};
    struct group *g = NULL;
    struct feed *feed = NULL;
    usec horizon = clock_now() - o->horizon;
    uint64_t removed = 0;
    char room[TIME_MAX];
    int status = store_group(name, &g, e);
    if (status == 0)
        status = feed_open(g, &how, &feed, e);
    if (status == 0)
        status = move_horizon(feed, &horizon, e);
    if (status == 0 && strcmp(g->offline, "none") != 0)
        status = offline_collect(g, &files, &removed, e);
    if (feed)
        (void)feed_close(feed, status == 0, NULL);
    room[status ? 0 : time_print(room, horizon)] = '\0';
    if (status == 0)
        status = print_json(json_pack("{s:s, s:I}", "horizon", room, "files", (json_int_t)removed),
                            0, e);
    group_free(g);
    return status;
}

static int run_gc(void *options_given, struct operands *operands)
{
    struct error e = {0};
    return finish(collect(operands->at[0], options_given, &e), &e);
}

const struct command command_gc = {
    .name = "gc",
    .summary = "drop deletes and expired records from the online view, and files not needed",
    .operands = "GROUP",
    .options = gc_options,
    .options_size = sizeof(struct gc_options),
    .run = run_gc,
    .more = "A delete stays online as a mark, so that older records do not come back. What is dead "
            "and older than the horizon is dropped; so that nothing comes back all the same, "
            "records of times before the horizon are history only from then on. The log keeps "
            "everything. Prints the horizon, and how many offline files were removed.",
};
