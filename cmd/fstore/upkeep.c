/* fstore verify, rebuild, forget: the log and what follows from it. */
#include "fstore.h"

#include "store/offline.h"

#include <fcntl.h>
#include <inttypes.h>
#include <time.h>
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
    struct timespec t;
    struct buf line = {0};
    clock_gettime(CLOCK_REALTIME, &t);
    int n = (int)time_print(room, t.tv_sec * USEC_SECOND);
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
    if (status == 0 && records)
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
